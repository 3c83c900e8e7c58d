"""When a backup is due: the three steps of the design, a test a clause, and what Zoho's plan is asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handler.due import due
from handler.history import UNKNOWN_TIME
from handler.memory import Memory, Schedule
from handler.plan import Plan
from sandbox.watch import EVERYTHING, START, Raw, Watch, kinds
from sandbox.zoho import plan, row

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BASELINE = NOW - 60 * DAY
LAST = NOW - 5 * DAY
WEEKLY = Schedule("weekly", NOW - 50 * DAY)
READ = NOW - 4 * DAY
"""The plan was read when the last completion was news."""
PLAN = Plan("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH", 35, READ)


def remembered(**fields: Any) -> Memory:
    """Return what is remembered of an organisation whose baseline was two months ago."""
    return Memory("default", **{"baseline_at": BASELINE, "last_completed": LAST, **fields})


# --- The rule itself --------------------------------------------------------------------------------------------------

RULES: list[Any] = [
    # Step 1: MAX_BACKUP_AGE_DAYS
    pytest.param(remembered(schedule=WEEKLY, plan=PLAN), 10, LAST, 10, False, id="1: the setting outweighs all else"),
    pytest.param(remembered(last_completed=None, schedule=WEEKLY), 10, BASELINE, 10, False, id="1: from the baseline"),
    pytest.param(
        remembered(schedule=WEEKLY._replace(at=NOW)), 10, LAST, 10, False, id="1: a newer schedule changes nothing"
    ),
    # Step 2: the next run that Zoho named
    pytest.param(
        remembered(schedule=WEEKLY, plan=PLAN._replace(next_run=NOW + 9 * DAY)), 0, LAST, 14, True, id="2: it stands"
    ),
    pytest.param(
        remembered(schedule=WEEKLY, plan=PLAN._replace(next_run=NOW - DAY)), 0, LAST, 4, True, id="2: it was missed"
    ),
    pytest.param(
        remembered(schedule=WEEKLY, plan=PLAN._replace(next_run=LAST)), 0, LAST, 35, False, id="2: it has completed"
    ),
    pytest.param(
        remembered(schedule=WEEKLY._replace(at=NOW - 2 * DAY), plan=PLAN._replace(next_run=NOW)),
        *(0, NOW - 2 * DAY, 7, False),
        id="2: scheduled since it was read, and the rule goes with it",
    ),
    pytest.param(
        remembered(schedule=WEEKLY._replace(stopped_at=NOW - 2 * DAY), plan=PLAN._replace(next_run=NOW)),
        *(0, LAST, 35, False),
        id="2: stopped since it was read: the last interval goes on counting",
    ),
    # Step 3: the longest gap
    pytest.param(
        remembered(schedule=WEEKLY, plan=PLAN._replace(next_run=NOW + 99 * DAY)),
        0,
        LAST,
        35,
        False,
        id="3: never later",
    ),
    pytest.param(remembered(schedule=WEEKLY, plan=PLAN), 0, LAST, 35, False, id="3: the rule of the plan"),
    pytest.param(remembered(plan=PLAN), 0, LAST, 35, False, id="3: also where the history has no schedule"),
    pytest.param(remembered(schedule=WEEKLY), 0, LAST, 7, False, id="3: weekly"),
    pytest.param(remembered(schedule=WEEKLY._replace(repeat_type="biweekly")), 0, LAST, 14, False, id="3: biweekly"),
    pytest.param(remembered(schedule=WEEKLY._replace(repeat_type="monthly")), 0, LAST, 35, False, id="3: monthly"),
    pytest.param(remembered(schedule=WEEKLY._replace(repeat_type="quarterly")), 0, LAST, 35, False, id="3: any other"),
    pytest.param(
        remembered(schedule=WEEKLY._replace(at=NOW - DAY)), 0, NOW - DAY, 7, False, id="3: set up after the completion"
    ),
    pytest.param(
        remembered(schedule=WEEKLY._replace(at=NOW - DAY, explicit=False)), 0, LAST, 7, False, id="3: only concluded"
    ),
    pytest.param(
        remembered(schedule=WEEKLY, plan=PLAN._replace(starts_at=NOW + 10 * DAY)),
        *(0, NOW + 10 * DAY, 35, False),
        id="3: from the start that is still to come",
    ),
    pytest.param(
        remembered(schedule=WEEKLY._replace(at=NOW), plan=PLAN._replace(starts_at=NOW + DAY)),
        *(0, NOW, 7, False),
        id="3: not the start of a plan that was read before the schedule changed",
    ),
    pytest.param(
        remembered(schedule=WEEKLY._replace(stopped_at=NOW - DAY)),
        0,
        LAST,
        7,
        False,
        id="3: after a stop, the weekly one",
    ),
    pytest.param(remembered(), 0, LAST, 35, False, id="3: no schedule ever, from the last completion"),
    pytest.param(
        remembered(last_completed=None), 0, BASELINE, 35, False, id="3: nor any completion, from the baseline"
    ),
    pytest.param(
        remembered(last_completed=None, schedule=WEEKLY),
        0,
        WEEKLY.at,
        7,
        False,
        id="3: no completion, from the schedule",
    ),
    pytest.param(
        remembered(last_completed=None, schedule=WEEKLY._replace(explicit=False)),
        *(0, BASELINE, 7, False),
        id="3: no completion, a concluded schedule: from the baseline",
    ),
    pytest.param(
        remembered(last_completed=UNKNOWN_TIME, schedule=Schedule("weekly", UNKNOWN_TIME)),
        *(0, BASELINE, 7, False),
        id="3: no row has a time: from the baseline",
    ),
    pytest.param(Memory("default", last_completed=None), 0, NOW, 35, False, id="3: the first read is the baseline"),
]


@pytest.mark.parametrize(("memory", "max_age_days", "counted_from", "days", "exact"), RULES)
def test_when_a_backup_is_due(
    memory: Memory, max_age_days: int, counted_from: datetime, days: int, exact: bool
) -> None:
    """Design section 5, "When a backup is due", clause by clause."""
    found = due(memory, max_age_days, NOW)
    assert (found.at, found.counted_from, found.exact) == (counted_from + days * DAY, counted_from, exact)


# --- Asking Zoho ------------------------------------------------------------------------------------------------------

MONTHLY_BY_DAY = "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH"


def begun(*, days: float = 7, every: str | None = "weekly", **more: Any) -> Watch:
    """Return a watch whose baseline found a schedule and, so many days before, a completed backup."""
    rows = [row(START - days * DAY, state="completed", repeat_type="immediate")]
    if every:
        rows.append(row(START - 60 * DAY, action="scheduled", repeat_type=every))
    watch = Watch(rows, **{"notify_on": EVERYTHING, "digest_days": 0, **more})
    watch.check_at(START - days * DAY + HOUR)
    return watch


def of_zoho(watch: Watch) -> list[str]:
    """Return what Zoho was asked, beside its history."""
    return [question for question in watch.asked if question != "subscribers"]


def test_a_quiet_check_asks_for_nothing_and_the_baseline_once() -> None:
    """Whatever Zoho's plan is by then."""
    watch = begun(plan=plan(next_run=START))
    assert of_zoho(watch) == ["plan"]
    for _ in range(5):
        assert watch.check_after(hours=1) == []
    assert of_zoho(watch) == ["plan"]


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"state": "completed"}, ["links", "plan"]),
        ({"action": "scheduled"}, ["plan"]),
        ({"action": "stopped"}, ["plan"]),
        ({"state": "failure"}, []),
        ({"action": "initiated"}, []),
        ({"action": "purchased"}, []),
        ({"state": "paused"}, []),
    ],
    ids=str,
)
def test_zoho_is_asked_when_the_schedule_may_have_moved(fields: Raw, asked: list[str]) -> None:
    """Not for a failure, nor for what says nothing of the schedule; never where the setting decides."""
    watch = begun()
    watch.asked.clear()
    watch.log(**fields)
    watch.check()
    assert sorted(of_zoho(watch)) == asked
    watch = begun(max_backup_age_days=30)
    assert of_zoho(watch) == []
    watch.log(**fields)
    watch.check()
    assert "plan" not in watch.asked


def test_a_missed_run_is_overdue_within_grace_and_one_check() -> None:
    """Zoho's plan rolls on to the run after; that does not excuse the one that was missed."""
    watch = begun(days=3, plan=plan(next_run=START))
    watch.plan = plan(next_run=START + 7 * DAY)
    assert watch.check_at(START + 24 * HOUR) == []
    assert watch.check_at(START + 24 * HOUR + SECOND) == ["overdue"]
    notice = watch.notices[-1]
    said = {fact.label: fact.time for fact in notice.content.facts}
    assert said["Was due"] == START
    assert of_zoho(watch) == ["plan", "plan"]
    assert watch.check_after(hours=1) == []
    assert of_zoho(watch) == ["plan", "plan"], "an open one asks no more"


def test_a_slower_rule_that_zoho_names_before_the_accusation_prevents_it() -> None:
    """The history says "weekly" or "monthly", the plan every three weeks."""
    watch = begun()
    watch.plan = plan("RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=MO", START + 14 * DAY)
    assert watch.check_at(START + 2 * DAY) == []
    assert watch.memory.plan is not None
    assert watch.memory.plan.gap_days == 21
    assert watch.check_at(START + 15 * DAY) == []
    assert watch.check_at(START + 15 * DAY + SECOND) == ["overdue"]


def test_the_same_rule_read_again_prevents_nothing() -> None:
    """Its next run never postpones what is due by the gap."""
    watch = begun(days=7, plan=plan(None))
    watch.plan = plan(next_run=START + 7 * DAY)
    assert watch.check_at(START + DAY + SECOND) == ["overdue"]


@pytest.mark.parametrize("answer", [None, plan(None), plan("RRULE:FREQ=SECONDLY")], ids=["204", "by hand", "nonsense"])
def test_an_answer_without_a_rule_changes_nothing(answer: Any) -> None:
    """Neither the plan that is remembered, nor what is called overdue."""
    watch = begun(days=3, plan=plan(MONTHLY_BY_DAY, START + 20 * DAY))
    known = watch.memory.plan
    watch.plan = answer
    watch.log(state="completed", repeat_type="immediate")
    assert watch.check_after(hours=1) == ["completed"]
    assert watch.memory.plan == known is not None
    assert watch.check_at(START + 15 * DAY) == []
    watch = begun()
    watch.plan = answer
    assert watch.check_at(START + DAY + SECOND) == ["overdue"]


def test_the_plan_closes_nothing() -> None:
    """An overdue that is open stays so, whatever Zoho answers when a stop is news."""
    watch = begun()
    watch.check_at(START + DAY + SECOND)
    watch.plan = plan("RRULE:FREQ=WEEKLY;BYDAY=TU", START + 20 * DAY)
    watch.log(action="stopped")
    assert watch.check_after(hours=1) == ["stopped"]
    assert "overdue" in watch.memory.incidents


def test_the_plan_alone_never_says_that_there_is_no_schedule() -> None:
    """By the history there is one; and where the history has none, a plan is one."""
    watch = begun(plan=None)
    assert watch.notices[0].content.lines == ()
    watch = begun(every=None, plan=plan(next_run=START))
    assert watch.notices[0].content.lines == ()
    watch = begun(every=None, plan=None)
    assert len(watch.notices[0].content.lines) == 1


def test_a_stopped_weekly_schedule_is_overdue_after_eight_days() -> None:
    """Who was used to a weekly backup hears after a week, not after a month."""
    watch = begun(days=1)
    watch.log(action="stopped")
    assert watch.check_at(START) == ["stopped"]
    assert watch.check_at(START + 7 * DAY) == []
    assert watch.check_at(START + 7 * DAY + SECOND) == ["overdue"]
    assert "No backup schedule is set up. The previous schedule was weekly." in watch.notices[-1].content.sentence


@pytest.mark.parametrize(
    ("old", "new", "first_run"), [("weekly", "biweekly", 14), ("weekly", "monthly", 35), ("biweekly", "monthly", 35)]
)
def test_a_change_to_a_slower_schedule_raises_no_alarm(old: str, new: str, first_run: int) -> None:
    """Nor does a schedule that is set up after a pause; without any plan."""
    watch = begun(days=6, every=old)
    watch.log(action="stopped", at=START)
    watch.log(action="scheduled", repeat_type=new, at=START + 2 * HOUR)
    assert watch.check_at(START + 3 * HOUR) == ["stopped", "scheduled"]
    for day in range(1, first_run + 1):
        assert watch.check_at(START + day * DAY) == []
    watch.log(state="completed", repeat_type=new)
    assert watch.check_after(hours=1) == ["completed"]


def test_a_schedule_without_any_completion_is_overdue_although_it_is_only_concluded() -> None:
    """Fifty weekly failures, the `scheduled` row older than a year: each new one must not move what is counted from."""
    rows = [row(START - 7 * n * DAY, state="failure") for n in range(1, 50)]
    watch = Watch(rows, digest_days=0, remind_hours=0)
    watch.check()
    for week in range(2):
        watch.log(state="failure", at=START + 7 * week * DAY)
        watch.check_at(START + 7 * week * DAY)
    assert watch.check_at(START + 8 * DAY + SECOND) == ["overdue"]


def test_a_schedule_that_has_ended_becomes_overdue_and_the_text_says_so() -> None:
    """A COUNT that ran out."""
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=3"
    watch = begun(days=7, plan=plan(rule, START - 7 * DAY, START - 21 * DAY))
    watch.plan = plan(rule, None, START - 21 * DAY)
    assert watch.check_at(START + DAY + SECOND) == ["overdue"]
    content = watch.notices[-1].content
    assert "The backup schedule has ended" in content.sentence
    assert "set up a new schedule" in content.next_step


@pytest.mark.parametrize("next_run", [START + 3 * DAY, None], ids=["by the plan", "by the gap"])
def test_what_comes_next_is_named_as_it_is_known(next_run: datetime | None) -> None:
    """An exact run where Zoho named one, else by when at the latest; in all that name it."""
    watch = begun(days=1, plan=plan(next_run=next_run) if next_run else None, remind_hours=0)
    label = "Next run" if next_run else "Next backup expected by"
    expected = [next_run or START + 6 * DAY]

    def named() -> list[datetime | None]:
        return [fact.time for fact in watch.notices[-1].content.facts if fact.label == label]

    assert kinds(watch.notices) == ["baseline"]
    assert named() == expected
    watch.policy = watch.policy._replace(digest_days=1)
    assert watch.check_at(START + HOUR) == ["digest"]
    assert named() == expected
    watch.policy = watch.policy._replace(digest_days=0)
    watch.log(state="failure", at=START)
    watch.check()
    watch.log(state="completed", at=START)
    assert watch.check_after(hours=1) == ["recovered"]
    assert named() == [next_run or START + 7 * DAY]
    watch.log(action="scheduled", at=START + HOUR)
    assert watch.check_after(hours=1) == ["scheduled"]
    assert named() == [next_run or START + HOUR + 7 * DAY]
