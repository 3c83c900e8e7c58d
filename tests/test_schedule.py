"""The schedule in force, and the baseline that says what is wrong now."""

from datetime import timedelta
from typing import Any

import pytest

from handler.summaries import NO_SCHEDULE
from sandbox.watch import EVERYTHING, START, Raw, Watch, kinds
from sandbox.zoho import row

DAY = timedelta(days=1)


def listed(*rows: tuple[int, Raw]) -> list[Raw]:
    """Return rows, each so many days before the start; their ids grow in the order given."""
    return [row(START - days * DAY, **fields) for days, fields in rows]


def in_force(watch: Watch) -> str | None:
    """Return the interval in force."""
    schedule = watch.memory.schedule
    return schedule.repeat_type if schedule and schedule.in_force else None


SCHEDULED = {"action": "scheduled"}
STOPPED = {"action": "stopped"}
COMPLETED = {"state": "completed"}
FAILED = {"state": "failure"}
IN_FORCE = [
    pytest.param([(9, SCHEDULED)], "weekly", id="scheduled"),
    pytest.param([(9, {"action": "SCHEDULED", "repeat_type": "Monthly"})], "monthly", id="capitals"),
    pytest.param([(9, SCHEDULED), (5, STOPPED)], None, id="stopped later"),
    pytest.param([(9, SCHEDULED), (5, {**STOPPED, "repeat_type": "immediate"})], None, id="stopped, whatever its type"),
    pytest.param([(9, STOPPED), (5, SCHEDULED)], "weekly", id="scheduled again"),
    pytest.param([(5, SCHEDULED), (9, STOPPED)], "weekly", id="scheduled again, listed first"),
    pytest.param([(5, STOPPED), (5, SCHEDULED)], "weekly", id="both in one second: the greater id is newer"),
    pytest.param([(5, SCHEDULED), (5, STOPPED)], None, id="the other way round"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": "biweekly"})], "biweekly", id="changed"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": "immediate"})], "weekly", id="once more by hand"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": None})], "weekly", id="no type"),
    pytest.param([(9, {**SCHEDULED, "repeat_type": "quarterly"})], "quarterly", id="a type that Zoho adds"),
    pytest.param([(5, COMPLETED)], "weekly", id="neither: any recurring row says it"),
    pytest.param([(9, {**COMPLETED, "repeat_type": "monthly"}), (5, COMPLETED)], "weekly", id="the newest of them"),
    pytest.param([(9, COMPLETED), (5, {**COMPLETED, "repeat_type": "immediate"})], "weekly", id="not the immediate"),
    pytest.param([(9, STOPPED), (5, COMPLETED)], None, id="a stop outweighs what other rows imply"),
    pytest.param(
        [(9, {**SCHEDULED, "repeat_type": "monthly"}), (5, COMPLETED)], "monthly", id="and so does scheduling"
    ),
    pytest.param([(5, {**COMPLETED, "repeat_type": "immediate"})], None, id="nothing recurs"),
    pytest.param([(5, {**COMPLETED, "repeat_type": None})], None, id="no types"),
]


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_newest_word_on_the_schedule_is_in_force(rows: list[tuple[int, Raw]], repeat_type: str | None) -> None:
    """The baseline names it, and says that there is none where that is so."""
    watch = Watch(listed(*rows))
    assert kinds(watch.check()) == ["baseline"]
    assert in_force(watch) == repeat_type
    content = watch.notices[0].content
    assert {fact.label: fact.text for fact in content.facts}["Schedule"] == (repeat_type or "none")
    assert (NO_SCHEDULE in content.lines) is (repeat_type is None)


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_schedule_in_force_is_kept_when_its_rows_age_out(
    rows: list[tuple[int, Raw]], repeat_type: str | None
) -> None:
    """News comes with nothing but an immediate backup in the history: the schedule is what it was."""
    watch = Watch(listed(*rows))
    watch.check()
    watch.rows = []
    watch.log(state="completed", repeat_type="immediate")
    watch.check_after(hours=1)
    assert in_force(watch) == repeat_type


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_schedule_in_force_does_not_depend_on_how_rows_arrive(
    rows: list[tuple[int, Raw]], repeat_type: str | None
) -> None:
    """One by one, in the order given, each check seeing only what is new: late words do not outweigh newer ones."""
    watch = Watch()
    watch.check_at(START - 20 * DAY)
    watch.now = START
    for raw in listed(*rows):
        watch.rows = [raw]
        watch.check_after(hours=1)
    assert in_force(watch) == repeat_type


def test_stopped_and_scheduled_again_in_one_check() -> None:
    """Both are sent, oldest first, and the newer one is in force."""
    watch = Watch([row(START - DAY, action="scheduled")], notify_on=EVERYTHING)
    watch.check()
    watch.log(action="scheduled", at=START + timedelta(minutes=9), repeat_type="monthly")
    watch.log(action="stopped", at=START + timedelta(minutes=5))
    assert watch.check_after(hours=1) == ["stopped", "scheduled"]
    assert in_force(watch) == "monthly"


def test_what_was_stopped_keeps_its_interval() -> None:
    """Also when the row that set it up has aged out: the last interval goes on counting."""
    watch = Watch(listed((9, {**SCHEDULED, "repeat_type": "biweekly"})))
    watch.check()
    watch.rows = []
    watch.log(action="stopped", repeat_type=None)
    watch.check_after(hours=1)
    assert watch.memory.schedule is not None
    assert (watch.memory.schedule.repeat_type, watch.memory.schedule.in_force) == ("biweekly", False)


# --- The baseline -----------------------------------------------------------------------------------------------------

PRESENT: list[Any] = [
    pytest.param([(3, COMPLETED)], [], "info", id="all is well"),
    pytest.param([(3, FAILED), (2, COMPLETED)], [], "info", id="a failure that is over"),
    pytest.param([(3, {"state": "paused"})], [], "info", id="an unknown outcome"),
    pytest.param([(3, COMPLETED), (2, FAILED)], ["failing"], "critical", id="last outcome a failure"),
    pytest.param([(6, COMPLETED)], [], "info", id="in time"),
    pytest.param([(9, COMPLETED)], ["overdue"], "critical", id="overdue"),
    pytest.param([(3, COMPLETED), (1, {"action": "initiated"})], ["stuck"], "critical", id="stuck"),
    pytest.param([(3, {"action": "initiated"}), (2, COMPLETED)], [], "info", id="not stuck"),
    pytest.param([(3, COMPLETED), (2, STOPPED)], ["schedule"], "warning", id="no schedule"),
    pytest.param([], ["schedule"], "warning", id="nothing at all"),
    pytest.param(
        [(40, FAILED), (39, {"state": "failed"}), (38, STOPPED), (37, {})],
        *(["stuck", "failing", "schedule"], "critical"),
        id="everything, with no completion ever",
    ),
    pytest.param(
        [(50, COMPLETED), (40, FAILED), (38, STOPPED)],
        *(["overdue", "failing", "schedule"], "critical"),
        id="everything with a last completion",
    ),
    pytest.param(
        [(50, COMPLETED), (40, FAILED), (38, STOPPED), (37, {})],
        *(["stuck", "failing", "schedule"], "critical"),
        id="one hung run is one incident, not overdue as well",
    ),
]


@pytest.mark.parametrize(("rows", "wrong", "severity"), PRESENT)
def test_the_baseline_says_what_is_wrong_now_and_nothing_of_the_past(
    rows: list[tuple[int, Raw]], wrong: list[str], severity: str
) -> None:
    """One notice, with the highest severity of what it lists; then silence until a reminder is due."""
    watch = Watch(listed(*rows), notify_on=EVERYTHING, digest_days=0)
    assert kinds(watch.check()) == ["baseline"]
    notice = watch.notices[0]
    opened = [what for what in wrong if what != "schedule"]
    assert [ref.name for ref in notice.opens] == opened
    assert len(notice.content.lines) == len(wrong)
    assert (NO_SCHEDULE in notice.content.lines) is ("schedule" in wrong)
    assert (notice.severity, notice.phase) == (severity, "opened" if opened else "news")
    assert notice.content.symbol == ("⚠️" if wrong else "👋")
    assert watch.check_after(hours=23) == []
    reminders = [what for what in opened if not (what == "failing" and "overdue" in opened)]
    assert watch.check_after(hours=1) == ["failed" if what == "failing" else what for what in reminders]
    assert all(notice.phase == "reminder" for notice in watch.notices[1:])


def test_a_completion_after_a_bad_baseline_is_a_recovery() -> None:
    """The baseline was the opening notice: failures and what is stuck end with the first good backup."""
    watch = Watch(listed((50, COMPLETED), (40, FAILED), (37, {"action": "initiated"})))
    watch.check()
    watch.log(state="completed")
    assert watch.check_after(hours=1) == ["recovered"]
    notice = watch.notices[-1]
    assert {ref.name: ref.since for ref in notice.ends} == {"failing": START - 40 * DAY, "stuck": START - 37 * DAY}
    resolved = {fact.label: fact.text for fact in notice.content.facts}["Resolved"]
    assert resolved == "1 failed backup; a backup that ran for 37 days"
    assert watch.memory.incidents == {}


def test_the_baseline_counts_what_it_found() -> None:
    """Rows, outcomes by kind, the last ten of them in order, the last good backup and when the next was due."""
    states = ["completed"] * 8 + ["failure", "paused", "finished"]
    watch = Watch(listed(*((20 - n, {"state": state}) for n, state in enumerate(states)), (30, SCHEDULED)))
    watch.check()
    content = watch.notices[0].content
    assert "12 earlier entries (9 completed, 1 failed, 1 unknown)" in content.sentence
    said = {fact.label: fact.time or fact.text for fact in content.facts}
    assert said["Recent backups (oldest first)"] == "✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ? ✓"
    assert said["Last successful backup"] == START - 10 * DAY
    assert said["Was due"] == START - 3 * DAY


def test_a_notice_shows_the_last_ten_outcomes_with_its_own_at_the_end() -> None:
    """Across the baseline and what came after it, and no more than ten; what is no outcome shows none."""
    watch = Watch(listed((3, COMPLETED), (2, FAILED)))
    watch.check()
    watch.log(state="paused")
    watch.log(action="stopped", at=START + timedelta(minutes=1))
    watch.log(state="completed", at=START + timedelta(minutes=2))
    watch.check_after(hours=1)

    def recent() -> list[str]:
        return [
            fact.text for notice in watch.notices[1:] for fact in notice.content.facts if fact.label.startswith("Rec")
        ]

    assert recent() == ["✓ ✗ ?", "✓ ✗ ? ✓"]
    for minute in range(3, 12):
        watch.log(state="failure", at=START + timedelta(minutes=minute))
    watch.check_after(hours=1)
    assert recent()[-1] == "✓" + 9 * " ✗"
