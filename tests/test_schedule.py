"""When a backup is due: Zoho's plan, the newest word on the schedule in the history, and the setting."""

from datetime import UTC, datetime
from typing import Any

import pytest

from handler.codec import UNKNOWN_TIME
from handler.memory import Memory
from handler.plan import Plan, Schedule, adopt, parse_plan
from handler.schedule import due
from handler.wording import DOWNLOAD_FIRST, Line
from sandbox.watch import EVERYTHING, START, Watch
from sandbox.zoho import plan
from tests.watch import DAY, HOUR, SECOND, play, rows, said, tell, told

NOW = START

# --- Zoho's plan: the longest gap -------------------------------------------------------------------------------------


def read(rule: Any, start: Any = None, next_run: Any = None, **more: Any) -> Plan | None:
    """Return what an answer with this rule means."""
    return parse_plan({"backup": {"rrule": rule, "start_date": start, "scheduled_date": next_run, **more}}, NOW)


GAPS = [
    ("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", 7, "weekly"),
    ("freq=weekly;byday=tu", 7, "weekly"),
    *((f"FREQ=WEEKLY;INTERVAL={n};BYDAY=SA", 7 * n, f"every {n} weeks") for n in (2, 3, 4, 8, 52)),
    ("FREQ=WEEKLY;BYDAY=MO,TH", 4, "weekly"),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", 10, "every 2 weeks"),
    ("FREQ=DAILY", 1, "daily"),
    ("FREQ=MONTHLY;BYMONTHDAY=31", 61, "monthly"),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", 31, "monthly"),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH", 35, "monthly"),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=+4SU", 35, "monthly"),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=5TH", 119, "monthly"),
    ("FREQ=MONTHLY;BYDAY=-1FR", 35, "monthly"),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 33, "monthly"),
    ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1", 62, "every 2 months"),
    ("FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1", 366, "yearly"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 1461, "yearly"),
    ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20260401T000000Z", 7, "weekly"),
    ("FREQ=WEEKLY;BYDAY=TU;UNTIL=99991231", 7, "weekly"),
]


@pytest.mark.parametrize(("rule", "gap", "words"), GAPS)
def test_the_longest_gap_of_a_rule(rule: str, gap: int, words: str) -> None:
    """Within twenty years, months without that day skipped; what ends the rule is left aside."""
    found = read(rule, "2026-01-01T02:00:00+00:00")
    assert found
    assert (found.gap_days, found.how_often) == (gap, words)


@pytest.mark.parametrize(
    ("rule", "dates", "gap"),
    [
        ("FREQ=MONTHLY", {"start": "2026-01-31T02:00:00Z"}, 61),
        ("FREQ=MONTHLY", {"next_run": "2026-03-31T02:00:00Z"}, 61),
        ("FREQ=MONTHLY;BYDAY=1TH", {"start": "2026-01-01T02:00:00+05:30"}, 35),
    ],
    ids=["from its start", "from its next run", "in Zoho's zone: a Wednesday in UTC"],
)
def test_the_day_of_a_rule_is_that_of_its_dates(rule: str, dates: dict[str, str], gap: int) -> None:
    """A monthly schedule of the 31st skips months; the first Thursday's early morning stays a Thursday."""
    found = read(rule, **dates)
    assert found
    assert found.gap_days == gap


NO_RULES: list[Any] = [
    *(None, "", 7, [], {}, "weekly", "RRULE:", "FREQ=", "FREQ=FORTNIGHTLY", "INTERVAL=1;FREQ=WEEKLY"),
    *("FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=90", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=DAILY;BYSECOND=5"),
    *("FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=", "FREQ=WEEKLY;WKST=ZZ", "FREQ=WEEKLY;BYDAY=TU\nDTSTART:19970902"),
    *("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=" + "9" * 99),
    *("FREQ=DAILY;INTERVAL=1,2", "FREQ=DAILY;EXDATE=20260301", "FREQ=YEARLY;BYEASTER=0", "FREQ=YEARLY;BYWEEKNO=1"),
    *("FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTH=13", "FREQ=MONTHLY;BYDAY=6MO"),
    *("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYSETPOS=300"),
    *("FREQ=YEARLY;INTERVAL=30", "FREQ=WEEKLY;UNTIL=20261399", "FREQ=WEEKLY;BYDAY=" + "TU," * 4_000 + "TU"),
    *("FREQ=WEEKLY" + ";BYDAY=TU" * 9, "x" * 10_000),
]
NO_PLANS: list[Any] = [None, [], "backup", {}, {"backup": None}, {"backup": []}, {"backup": {}}, {"backup": plan(None)}]


def test_what_is_no_rule_of_a_backup_says_nothing() -> None:
    """Neither a run every second, nor 30 February, nor a backup made by hand, nor nonsense."""
    assert [rule for rule in NO_RULES if read(rule, "2026-01-01T02:00:00+00:00")] == []
    assert [body for body in NO_PLANS if parse_plan(body, NOW)] == []
    for odd in ("9999-12-31T23:59:59+14:00", "1900-01-01T00:00:00Z", "2400-02-29", "2390-01-01", "soon", 5):
        read("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=99", odd, odd, status=5)  # must not raise


# --- Zoho's plan: the rest of the answer, and which next run stands ---------------------------------------------------


def test_an_answer_as_zoho_documents_it() -> None:
    """Next run and start in UTC; a start that has passed is not kept, nor is the next run of a stopped one."""
    rule, past, ahead = (
        "RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TU",
        "2026-01-06T02:00:00+05:30",
        "2026-03-10T02:00:00+05:30",
    )
    at_once = datetime(2026, 3, 9, 20, 30, tzinfo=UTC)
    whole = Plan("BYDAY=TU;FREQ=WEEKLY;INTERVAL=3", 21, NOW, next_run=at_once, starts_at=at_once)
    assert read(rule, ahead, ahead) == whole
    assert read(rule, past, ahead) == whole._replace(starts_at=None)
    assert read(rule, past, ahead, status="STOPPED") == whole._replace(starts_at=None, next_run=None)


def test_the_same_rule_is_the_same_however_it_is_written() -> None:
    """Order, case, the interval of one and what ends it make no other rule."""
    written = ("FREQ=WEEKLY;BYDAY=TU", "rrule:freq=weekly;byday=tu;interval=1", "FREQ=WEEKLY;COUNT=9;BYDAY=TU")
    assert {found.rule for rule in written if (found := read(rule))} == {"BYDAY=TU;FREQ=WEEKLY;INTERVAL=1"}


@pytest.mark.parametrize(
    ("end", "start", "last"),
    [
        ("COUNT=3", "2026-01-06T02:00:00+01:00", "2026-01-20T02:00:00+01:00"),
        ("COUNT=3", None, None),
        ("COUNT=10000", "2026-01-06T02:00:00+01:00", None),
        ("UNTIL=20260120", "2026-01-06T02:00:00+01:00", "2026-01-13T02:00:00+01:00"),
        ("UNTIL=20260120T235959Z", "2026-01-06T02:00:00+01:00", "2026-01-20T02:00:00+01:00"),
        ("UNTIL=20250101", "2026-01-06T02:00:00+01:00", None),
        ("UNTIL=tomorrow", "2026-01-06T02:00:00+01:00", None),
    ],
)
def test_a_rule_that_ends_says_when(end: str, start: str | None, last: str | None) -> None:
    """By its own count or date; a count without a start has no end."""
    found = read(f"FREQ=WEEKLY;BYDAY=TU;{end}", start)
    assert found
    assert found.ends_at == (datetime.fromisoformat(last) if last else None)


OLD = Plan("FREQ=WEEKLY;INTERVAL=1", 7, NOW - 7 * DAY, next_run=NOW - DAY)
SAME = Plan(OLD.rule, 7, NOW, next_run=NOW + 6 * DAY)
OTHER = Plan("FREQ=WEEKLY;INTERVAL=2", 14, NOW, next_run=NOW + 13 * DAY)
PASSED, NONE = SAME._replace(next_run=NOW - DAY), SAME._replace(next_run=None)
OTHER_PASSED, OTHER_NONE = OTHER._replace(next_run=NOW - DAY), OTHER._replace(next_run=None)
BEGUN, BEGUN_TOO = OLD._replace(starts_at=NOW - 3 * DAY), SAME._replace(starts_at=NOW - 3 * DAY)
ENDS, ENDS_TOO = SAME._replace(ends_at=NOW + DAY), OLD._replace(ends_at=NOW + DAY)
ADOPTED: dict[str, tuple[Plan | None, Plan, datetime | None, datetime | None, Plan]] = {
    "the first answer": (None, SAME, None, None, SAME),
    "the first run named stands: a missed run is not excused": (OLD, SAME, None, None, OLD),
    "also after an earlier completion": (OLD, SAME, NOW - 2 * DAY, None, OLD),
    "a completion at that time: the next one": (OLD, SAME, NOW - DAY, None, SAME),
    "a completion since: the next one": (OLD, SAME, NOW, None, SAME),
    "Zoho has not moved it yet": (OLD, PASSED, NOW, None, NONE),
    "no run named": (OLD, NONE, NOW, None, NONE),
    "another rule": (OLD, OTHER, None, None, OTHER),
    "another rule's old run": (OLD, OTHER_PASSED, NOW, None, OTHER_NONE),
    "set up again since it was read": (OLD, SAME, None, NOW - 2 * DAY, SAME),
    "set up in the second in which it was read": (OLD, SAME, None, NOW - 7 * DAY, OLD),
    "keeps its start": (BEGUN, SAME, NOW, None, BEGUN_TOO),
    "learns its end": (OLD, ENDS, None, None, ENDS_TOO),
}


@pytest.mark.parametrize("case", ADOPTED)
def test_the_plan_to_remember_after_an_answer(case: str) -> None:
    """Rolling on with each missed run, Zoho's plan would excuse all of them."""
    old, new, last_completed, changed_at, expected = ADOPTED[case]
    assert adopt(old, new, last_completed, changed_at) == expected


# --- When a backup is due ---------------------------------------------------------------------------------------------

BASELINE, LAST, SET_UP = NOW - 60 * DAY, NOW - 5 * DAY, NOW - 50 * DAY
WORD = Schedule("weekly", SET_UP)
PLAN = Plan("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH", 35, NOW - 4 * DAY)
"""It was read when the last completion was news."""


def rule(*, last: datetime | None = LAST, next_run: datetime | None = None, **more: Any) -> Memory:
    """Return what is remembered of an organisation whose baseline was two months ago."""
    named = {"plan": PLAN._replace(next_run=next_run)} if next_run else {}
    return Memory("default", **{"baseline_at": BASELINE, "last_completed": last, **named, **more})


RULES: dict[str, tuple[Memory, int, datetime, int, bool]] = {
    "1: the setting outweighs all else": (rule(schedule=WORD, plan=PLAN), 10, LAST, 10, False),
    "1: from the baseline": (rule(last=None, schedule=WORD), 10, BASELINE, 10, False),
    "1: a newer schedule changes nothing": (rule(schedule=WORD._replace(at=NOW)), 10, LAST, 10, False),
    "2: the next run that Zoho named stands": (rule(schedule=WORD, next_run=NOW + 9 * DAY), 0, LAST, 14, True),
    "2: it was missed": (rule(schedule=WORD, next_run=NOW - DAY), 0, LAST, 4, True),
    "2: it has completed": (rule(schedule=WORD, next_run=LAST), 0, LAST, 35, False),
    "2: scheduled since it was read, and the rule goes with it": (
        rule(schedule=WORD._replace(at=NOW - 2 * DAY), next_run=NOW),
        *(0, NOW - 2 * DAY, 7, False),
    ),
    "2: stopped since it was read: the last interval goes on counting": (
        rule(schedule=WORD._replace(stopped_at=NOW - 2 * DAY), next_run=NOW),
        *(0, LAST, 35, False),
    ),
    "3: never later than the longest gap": (rule(schedule=WORD, next_run=NOW + 99 * DAY), 0, LAST, 35, False),
    "3: the rule of the plan": (rule(schedule=WORD, plan=PLAN), 0, LAST, 35, False),
    "3: also where the history has no schedule": (rule(plan=PLAN), 0, LAST, 35, False),
    "3: biweekly": (rule(schedule=WORD._replace(repeat_type="biweekly")), 0, LAST, 14, False),
    "3: any other": (rule(schedule=WORD._replace(repeat_type="quarterly")), 0, LAST, 35, False),
    "3: set up after the completion": (rule(schedule=WORD._replace(at=NOW - DAY)), 0, NOW - DAY, 7, False),
    "3: only concluded": (rule(schedule=WORD._replace(at=None)), 0, LAST, 7, False),
    "3: from the start that is still to come": (
        rule(schedule=WORD, plan=PLAN._replace(starts_at=NOW + 10 * DAY)),
        *(0, NOW + 10 * DAY, 35, False),
    ),
    "3: not the start of a plan that was read before the schedule changed": (
        rule(schedule=WORD._replace(at=NOW), plan=PLAN._replace(starts_at=NOW + DAY)),
        *(0, NOW, 7, False),
    ),
    "3: after a stop, the weekly one": (rule(schedule=WORD._replace(stopped_at=NOW - DAY)), 0, LAST, 7, False),
    "3: no schedule ever, from the last completion": (rule(), 0, LAST, 35, False),
    "3: nor any completion, from the baseline": (rule(last=None), 0, BASELINE, 35, False),
    "3: no completion, from the schedule": (rule(last=None, schedule=WORD), 0, SET_UP, 7, False),
    "3: no completion, a concluded schedule: from the baseline": (
        rule(last=None, schedule=WORD._replace(at=None)),
        *(0, BASELINE, 7, False),
    ),
    "3: no row has a time: from the baseline": (
        rule(last=UNKNOWN_TIME, schedule=Schedule("weekly", UNKNOWN_TIME)),
        *(0, BASELINE, 7, False),
    ),
    "3: the first read is the baseline": (Memory("default"), 0, NOW, 35, False),
}


@pytest.mark.parametrize("clause", RULES)
def test_when_a_backup_is_due(clause: str) -> None:
    """Three steps: the setting, the run that Zoho named, the longest gap."""
    memory, max_age_days, counted_from, gap, exact = RULES[clause]
    found = due(memory, max_age_days, NOW)
    assert (found.at, found.counted_from, found.exact) == (counted_from + gap * DAY, counted_from, exact)


# --- What the plan is asked for, and what it changes ------------------------------------------------------------------


def begun(*, days: int = 7, every: str = "scheduled@-60d", **more: Any) -> Watch:
    """Return a watch whose baseline found a schedule and, so many days before, a completed backup."""
    watch = Watch(rows(f"completed/immediate@-{days}d, {every}"), **{"notify_on": EVERYTHING, "digest_days": 0, **more})
    watch.check_at(START - days * DAY + HOUR)
    watch.asked = [asked for asked in watch.asked if asked == "plan"]
    return watch


ASKED = {"completed": ["plan", "links"], "scheduled": ["plan"], "stopped": ["plan"]}


@pytest.mark.parametrize("what", [*ASKED, "failed", "started", "bought", "odd"])
def test_zoho_is_asked_when_the_schedule_may_have_moved(what: str) -> None:
    """Once at the baseline, not by a quiet check; never where the setting decides."""
    for watch, plans in ((begun(plan=plan(next_run=START)), 1), (begun(max_backup_age_days=30), 0)):
        watch.check_after(hours=1)
        assert watch.asked == ["plan"] * plans
        watch.rows += rows(f"{what}@0h")
        watch.check()
        assert watch.asked[plans:] == [name for name in ASKED.get(what, []) if plans or name != "plan"]


def test_a_missed_run_is_overdue_within_grace_and_one_check() -> None:
    """Zoho's plan rolls on to the run after; that does not excuse the one that was missed."""
    watch = begun(days=3, plan=plan(next_run=START))
    watch.plan = plan(next_run=START + 7 * DAY)
    assert watch.check_at(START + DAY) == []
    assert watch.check_at(START + DAY + SECOND) == ["overdue"]
    assert told(watch.notices[-1])["Was due"] == START
    assert watch.check_after(hours=1) == []
    assert watch.asked.count("plan") == 2, "an open one asks no more"


THREE_WEEKS = "RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=MO"
NAMED_LATE: dict[str, tuple[Any, int]] = {
    "a slower rule prevents the accusation": (plan(THREE_WEEKS, START + 14 * DAY), 15),
    "the same rule read again does not": (plan(next_run=START + 7 * DAY), 1),
    "no plan changes nothing": (None, 1),
}


@pytest.mark.parametrize("case", NAMED_LATE)
def test_what_zoho_names_just_before_a_backup_is_called_overdue(case: str) -> None:
    """The history says "weekly", the last backup was seven days ago."""
    watch = begun()
    watch.plan, late = NAMED_LATE[case]
    assert watch.check_at(START + DAY + SECOND) == (["overdue"] if late == 1 else [])
    if late > 1:
        assert watch.check_at(START + late * DAY) == []
        assert watch.check_at(START + late * DAY + SECOND) == ["overdue"]


def test_an_answer_without_a_rule_forgets_no_plan() -> None:
    """What was known stays."""
    watch = begun(days=3, plan=plan("RRULE:FREQ=MONTHLY;BYDAY=1TH", START + 20 * DAY))
    known, watch.plan = watch.memory.plan, plan(None)
    play(watch, "73h | completed | completed", "15d | |")
    assert watch.memory.plan == known is not None


def test_the_plan_closes_nothing_and_alone_never_says_that_there_is_no_schedule() -> None:
    """An open overdue stays so, whatever Zoho answers; where the history has no schedule, a plan is one."""
    watch = begun()
    watch.check_at(START + DAY + SECOND)
    watch.plan = plan("RRULE:FREQ=WEEKLY;BYDAY=TU", START + 20 * DAY)
    play(watch, "1h | stopped | stopped")
    assert "overdue" in watch.memory.incidents
    for every, answer, lines in (("scheduled@-60d", None, 0), ("", plan(next_run=START), 0), ("", None, 1)):
        assert len(begun(every=every, plan=answer).notices[0].content.lines) == lines


# --- The newest word in the history -----------------------------------------------------------------------------------


IN_FORCE: dict[str, tuple[str, str | None]] = {
    "scheduled": ("scheduled@-9d", "weekly"),
    "capitals": ("SCHEDULED/Monthly@-9d", "monthly"),
    "stopped later": ("scheduled@-9d, stopped@-5d", None),
    "stopped, whatever its type": ("scheduled@-9d, stopped/immediate@-5d", None),
    "scheduled again, listed first": ("scheduled@-5d, stopped@-9d", "weekly"),
    "both in one second: the greater id is newer": ("stopped@-5d, scheduled@-5d", "weekly"),
    "the other way round": ("scheduled@-5d, stopped@-5d", None),
    "changed": ("scheduled@-9d, scheduled/biweekly@-5d", "biweekly"),
    "once more by hand": ("scheduled@-9d, scheduled/immediate@-5d", "weekly"),
    "no type": ("scheduled@-9d, scheduled/none@-5d", "weekly"),
    "a type that Zoho adds": ("scheduled/quarterly@-9d", "quarterly"),
    "neither: any recurring row says it": ("completed@-5d", "weekly"),
    "the newest of them": ("completed/monthly@-9d, completed@-5d", "weekly"),
    "not the immediate": ("completed@-9d, completed/immediate@-5d", "weekly"),
    "a stop outweighs what other rows imply": ("stopped@-9d, completed@-5d", None),
    "and so does scheduling": ("scheduled/monthly@-9d, completed@-5d", "monthly"),
    "nothing recurs": ("completed/immediate@-5d", None),
    "no types": ("completed/none@-5d", None),
}


def in_force(watch: Watch) -> str | None:
    """Return the interval in force."""
    schedule = watch.memory.schedule
    return schedule.repeat_type if schedule and schedule.in_force else None


@pytest.mark.parametrize("case", IN_FORCE)
def test_the_newest_word_on_the_schedule_is_in_force(case: str) -> None:
    """The baseline names it; it is kept when its rows age out, and does not depend on how rows arrive."""
    history, repeat_type = IN_FORCE[case]
    watch = Watch(rows(history))
    watch.check()
    assert in_force(watch) == repeat_type
    assert told(watch.notices[0])["Schedule"] == (repeat_type or "none")
    assert (Line("No backup schedule.") in watch.notices[0].content.lines) is (repeat_type is None)
    watch.rows = []
    watch.log(state="completed", repeat_type="immediate")
    watch.check_after(hours=1)
    assert in_force(watch) == repeat_type, "kept"

    known = rows("bought/immediate@-20d")
    watch = Watch(known)
    watch.check_at(START - 20 * DAY)
    watch.now = START
    for raw in rows(history):
        watch.rows = [*known, raw]
        watch.check_after(hours=1)
    assert in_force(watch) == repeat_type, "one by one, in the order given, each check seeing only what is new"


def test_what_was_stopped_keeps_its_interval() -> None:
    """Also when the row that set it up has aged out: the last interval goes on counting."""
    watch = tell("before | scheduled/biweekly@-9d\n gone | 1\n 1h | stopped/none | stopped")
    assert watch.memory.schedule
    assert (watch.memory.schedule.repeat_type, watch.memory.schedule.in_force) == ("biweekly", False)


# --- The baseline -----------------------------------------------------------------------------------------------------

PRESENT: dict[str, tuple[str, list[str], str]] = {
    "all is well": ("completed@-3d", [], "info"),
    "an unknown outcome": ("odd@-3d", [], "info"),
    "last outcome a failure": ("completed@-3d, failed@-2d", ["failing"], "critical"),
    "overdue": ("completed@-9d", ["overdue"], "critical"),
    "two at once": ("completed@-3d, failed@-2d, stopped@-1d", ["failing", "schedule"], "critical"),
    "stuck": ("completed@-3d, started@-1d", ["stuck"], "critical"),
    "no schedule": ("completed@-3d, stopped@-2d", ["schedule"], "warning"),
    "nothing at all": ("", ["schedule"], "warning"),
    "everything, with no completion ever": (
        "failed@-40d, failed@-39d, stopped@-38d, begun@-37d",
        *(["stuck", "failing", "schedule"], "critical"),
    ),
    "everything with a last completion": (
        "completed@-50d, failed@-40d, stopped@-38d",
        *(["overdue", "failing", "schedule"], "critical"),
    ),
    "one hung run is one incident, not overdue as well": (
        "completed@-50d, failed@-40d, stopped@-38d, begun@-37d",
        *(["stuck", "failing", "schedule"], "critical"),
    ),
}


@pytest.mark.parametrize("case", PRESENT)
def test_the_baseline_says_what_is_wrong_now_and_nothing_of_the_past(case: str) -> None:
    """One notice, with the highest severity of what it lists; then silence until a reminder is due."""
    history, wrong, severity = PRESENT[case]
    watch = Watch(rows(history), notify_on=EVERYTHING, digest_days=0)
    watch.check()
    tells, opened = told(watch.notices[0]), [what for what in wrong if what != "schedule"]
    assert said(watch.notices) == ("baseline opened" if opened else "baseline")
    assert (list(tells["opens"]), tells["severity"]) == (opened, severity)
    assert (len(tells["lines"]), Line("No backup schedule.") in tells["lines"]) == (len(wrong), "schedule" in wrong)
    assert tells["step"].startswith(DOWNLOAD_FIRST) == ("completed@-3d" in history and bool(opened))
    assert watch.notices[0].content.symbol == ("⚠️" if wrong else "👋")
    reminders = [what for what in opened if not (what == "failing" and "overdue" in opened)]
    kinds = [f"{'failed' if what == 'failing' else what} reminder" for what in reminders]
    play(watch, "23h | |", f"1h | | {', '.join(kinds)}")
