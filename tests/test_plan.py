"""Zoho's plan: which answers count, how far apart two runs can be, and which next run stands."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.plan import Plan, adopt, parse_plan
from sandbox.zoho import plan

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def read(rule: Any, start: str | None = None, next_run: str | None = None, **more: Any) -> Plan | None:
    """Return what an answer with this rule means."""
    return parse_plan({"backup": {"rrule": rule, "start_date": start, "scheduled_date": next_run, **more}}, NOW)


# --- The longest gap --------------------------------------------------------------------------------------------------


def days(fits: Callable[[date], bool]) -> Iterator[date]:
    """Yield each day of twenty years that fits: a calendar on the wall instead of a rule."""
    return (day for n in range(20 * 365) if fits(day := date(2026, 1, 1) + n * DAY))


def nth(number: int, weekday: int) -> Callable[[date], bool]:
    """Return what fits the first, second … of these weekdays in a month."""
    return lambda day: day.weekday() == weekday and (day.day - 1) // 7 == number - 1


def last_of_month(weekdays: set[int]) -> Callable[[date], bool]:
    """Return what fits the last of these weekdays in a month."""

    def rest(day: date) -> Iterator[date]:
        return (day + n * DAY for n in range(1, 31) if (day + n * DAY).month == day.month)

    return lambda day: day.weekday() in weekdays and not any(later.weekday() in weekdays for later in rest(day))


GAPS: list[tuple[str, int | Callable[[date], bool]]] = [
    ("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", 7),
    ("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", 7),
    ("freq=weekly;byday=tu", 7),
    ("FREQ=WEEKLY", 7),
    *((f"FREQ=WEEKLY;INTERVAL={n};BYDAY=SA", 7 * n) for n in (2, 3, 4, 8, 52)),
    ("FREQ=WEEKLY;BYDAY=MO,TH", 4),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", 10),
    ("FREQ=DAILY", 1),
    ("FREQ=DAILY;INTERVAL=10", 10),
    ("FREQ=MONTHLY;BYMONTHDAY=15", lambda day: day.day == 15),
    ("FREQ=MONTHLY;BYMONTHDAY=29", lambda day: day.day == 29),
    ("FREQ=MONTHLY;BYMONTHDAY=30", lambda day: day.day == 30),
    ("FREQ=MONTHLY;BYMONTHDAY=31", lambda day: day.day == 31),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", lambda day: (day + DAY).day == 1),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH", nth(1, 3)),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=+4SU", nth(4, 6)),
    ("FREQ=MONTHLY;INTERVAL=1;BYDAY=5TH", nth(5, 3)),
    ("FREQ=MONTHLY;BYDAY=-1FR", last_of_month({4})),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", last_of_month({0, 1, 2, 3, 4})),
    ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1", lambda day: day.day == 1 and day.month % 2 == 1),
    ("FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1", lambda day: (day.month, day.day) == (6, 1)),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", lambda day: (day.month, day.day) == (2, 29)),
    ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", 7),
    ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20260401T000000Z", 7),
    ("FREQ=WEEKLY;BYDAY=TU;UNTIL=99991231", 7),
]


@pytest.mark.parametrize(("rule", "gap"), GAPS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_longest_gap_of_a_rule(rule: str, gap: int | Callable[[date], bool]) -> None:
    """Within twenty years, months without that day skipped; what ends the rule is left aside."""
    found = read(rule, "2026-01-01T02:00:00+00:00")
    assert found is not None
    wanted = gap if isinstance(gap, int) else max((b - a).days for a, b in pairwise(days(gap)))
    assert found.gap_days == wanted


def test_a_rule_without_a_day_takes_it_from_its_start() -> None:
    """A monthly schedule that starts on the 31st; one without a start, from the next run that Zoho names."""
    for dates in ({"start": "2026-01-31T02:00:00Z"}, {"next_run": "2026-03-31T02:00:00Z"}):
        found = read("FREQ=MONTHLY", **dates)
        assert found is not None
        assert found.gap_days == 61


NO_RULES: list[Any] = [
    *(None, "", 7, [], {}, "weekly", "RRULE:", "FREQ=", "FREQ=FORTNIGHTLY", "INTERVAL=1;FREQ=WEEKLY"),
    *("FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=90", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=DAILY;BYSECOND=5"),
    *("FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=", "FREQ=WEEKLY;WKST=ZZ", "FREQ=WEEKLY;BYDAY=TU\nDTSTART:19970902"),
    *("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=521", "FREQ=DAILY;INTERVAL=" + "9" * 99),
    *("FREQ=DAILY;INTERVAL=1,2", "FREQ=DAILY;EXDATE=20260301", "FREQ=YEARLY;BYEASTER=0", "FREQ=YEARLY;BYWEEKNO=1"),
    *("FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTH=13", "FREQ=MONTHLY;BYDAY=6MO"),
    *("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYSETPOS=300"),
    *(
        "FREQ=YEARLY;INTERVAL=30",
        "FREQ=WEEKLY;UNTIL=20261399",
        "FREQ=WEEKLY;BYDAY=" + "TU," * 4_000 + "TU",
        "x" * 10_000,
    ),
    "FREQ=WEEKLY" + ";BYDAY=TU" * 9,
]


@pytest.mark.parametrize("rule", NO_RULES, ids=lambda rule: ascii(rule)[:50])
def test_what_is_no_rule_of_a_backup_says_nothing(rule: Any) -> None:
    """Neither a run every second, nor 30 February (which is found out at once), nor ten thousand characters."""
    assert read(rule, "2026-01-01T02:00:00+00:00") is None


@pytest.mark.parametrize(
    "body",
    [None, [], "backup", {}, {"backup": None}, {"backup": []}, {"backup": {}}, {"backup": plan(None)}, {"backup": "x"}],
    ids=str,
)
def test_an_answer_without_a_rule_is_no_plan(body: Any) -> None:
    """204, a backup made by hand, or nonsense."""
    assert parse_plan(body, NOW) is None


PARTS = st.sampled_from(
    [
        *("INTERVAL=0", "INTERVAL=2", "INTERVAL=x", "BYDAY=1TH", "BYDAY=MO", "BYDAY=-9SU", "BYDAY=8", "BYMONTHDAY=31"),
        *("BYMONTHDAY=-31", "BYMONTHDAY=99", "BYMONTHDAY=1,2", "BYSETPOS=-1", "BYSETPOS=400", "BYMONTH=2", "BYMONTH=0"),
        *("COUNT=1", "COUNT=0", "COUNT=99999", "UNTIL=20260101", "UNTIL=2", "UNTIL=22991231T999999Z", "WKST=SU"),
        *("FREQ=WEEKLY", "X=1", "BYMONTH=-1", "BYDAY=MO,,TU"),
    ]
)
RULES = st.builds(
    lambda frequency, parts: ";".join([f"FREQ={frequency}", *parts]),
    st.sampled_from(["WEEKLY", "MONTHLY", "YEARLY"]),
    st.lists(PARTS, max_size=4),
)
DATES = st.none() | st.sampled_from(
    ["2026-02-28T23:30:00-08:00", "9999-12-31T23:59:59+14:00", "1900-01-01T00:00:00Z", "2400-02-29", "soon", 5]
)


@settings(max_examples=50)
@given(RULES | st.text(), DATES, DATES, st.sampled_from([None, "SCHEDULED", 5]))
def test_no_answer_can_raise(rule: str, start: Any, next_run: Any, status: Any) -> None:
    """Whatever Zoho names: either a plan with a gap of at least a day, or none."""
    found = read(rule, start, next_run, status=status)
    if found:
        assert 1 <= found.gap_days <= 20 * 366
        assert found.how_often


# --- The rest of the answer -------------------------------------------------------------------------------------------


def test_an_answer_as_zoho_documents_it() -> None:
    """Next run and start in UTC; a start still to come is kept, one that has passed is not."""
    ahead = read("RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", "2026-03-10T02:00:00+05:30", "2026-03-10T02:00:00+05:30")
    assert ahead == Plan(
        rule="BYDAY=TU;FREQ=WEEKLY;INTERVAL=3",
        gap_days=21,
        read_at=NOW,
        next_run=datetime(2026, 3, 9, 20, 30, tzinfo=UTC),
        starts_at=datetime(2026, 3, 9, 20, 30, tzinfo=UTC),
    )
    running = read("FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", "2026-01-06T02:00:00+05:30", "2026-03-10T02:00:00+05:30")
    assert running == ahead._replace(starts_at=None)
    stopped = read(
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", "2026-01-06T02:00:00+05:30", "2026-03-10T02:00:00+05:30", status="STOPPED"
    )
    assert stopped == ahead._replace(starts_at=None, next_run=None)


def test_the_same_rule_is_the_same_however_it_is_written() -> None:
    """Order, case, the interval of one and what ends it make no other rule."""
    written = ("FREQ=WEEKLY;BYDAY=TU", "rrule:freq=weekly;byday=tu;interval=1", "FREQ=WEEKLY;COUNT=9;BYDAY=TU")
    assert len({found.rule for rule in written if (found := read(rule))}) == 1
    other = read("FREQ=WEEKLY;BYDAY=WE")
    assert other is not None
    assert other.rule != "BYDAY=TU;FREQ=WEEKLY;INTERVAL=1"


def test_the_day_counts_in_the_time_zone_in_which_zoho_gives_it() -> None:
    """The first Thursday's early morning in India is a Wednesday in UTC, which can come after 36 days."""
    found = read("FREQ=MONTHLY;BYDAY=1TH", "2026-01-01T02:00:00+05:30")
    assert found is not None
    assert found.gap_days == 35


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("COUNT=3", "2026-01-20T02:00:00+01:00"),
        ("COUNT=1", "2026-01-06T02:00:00+01:00"),
        ("UNTIL=20260120", "2026-01-13T02:00:00+01:00"),
        ("UNTIL=20260120T235959Z", "2026-01-20T02:00:00+01:00"),
        ("UNTIL=20250101", None),
        ("UNTIL=tomorrow", None),
        ("COUNT=0", None),
        ("COUNT=2001", None),
        ("COUNT=x", None),
    ],
)
def test_a_rule_that_ends_says_when(end: str, last: str | None) -> None:
    """By its own count or date; a count without a start has no end."""
    found = read(f"FREQ=WEEKLY;BYDAY=TU;{end}", "2026-01-06T02:00:00+01:00")
    if end == "COUNT=0":
        assert found is None
        return
    assert found is not None
    assert found.ends_at == (datetime.fromisoformat(last) if last else None)
    unknown = read("FREQ=WEEKLY;BYDAY=TU;COUNT=3")
    assert unknown is not None
    assert unknown.ends_at is None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "daily"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
        ("FREQ=WEEKLY", "weekly"),
        ("FREQ=WEEKLY;INTERVAL=2", "every 2 weeks"),
        ("FREQ=MONTHLY;BYDAY=1TH", "monthly"),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "every 3 months"),
        ("FREQ=YEARLY", "yearly"),
    ],
)
def test_how_often_reads_as_people_say_it(rule: str, words: str) -> None:
    """For the schedule's fact in a message."""
    found = read(rule)
    assert found is not None
    assert found.how_often == words


# --- Which next run stands --------------------------------------------------------------------------------------------

OLD = Plan("FREQ=WEEKLY;INTERVAL=1", 7, NOW - 7 * DAY, next_run=NOW - DAY)
SAME = Plan(OLD.rule, 7, NOW, next_run=NOW + 6 * DAY)
OTHER = Plan("FREQ=WEEKLY;INTERVAL=2", 14, NOW, next_run=NOW + 13 * DAY)
ADOPTED: list[Any] = [
    pytest.param(None, SAME, None, None, SAME, id="the first answer"),
    pytest.param(OLD, SAME, None, None, OLD, id="the first run named stands: a missed run is not excused"),
    pytest.param(OLD, SAME, NOW - 2 * DAY, None, OLD, id="also after an earlier completion"),
    pytest.param(OLD, SAME, NOW - DAY, None, SAME, id="a completion at that time: the next one"),
    pytest.param(OLD, SAME, NOW, None, SAME, id="a completion since: the next one"),
    pytest.param(
        OLD, SAME._replace(next_run=NOW - DAY), NOW, None, SAME._replace(next_run=None), id="Zoho has not moved it yet"
    ),
    pytest.param(OLD, SAME._replace(next_run=None), NOW, None, SAME._replace(next_run=None), id="no run named"),
    pytest.param(OLD, OTHER, None, None, OTHER, id="another rule"),
    pytest.param(
        OLD, OTHER._replace(next_run=NOW - DAY), NOW, None, OTHER._replace(next_run=None), id="another rule's old run"
    ),
    pytest.param(OLD, SAME, None, NOW - 2 * DAY, SAME, id="set up again since it was read"),
    pytest.param(OLD, SAME, None, NOW - 7 * DAY, OLD, id="set up in the second in which it was read"),
    pytest.param(
        OLD._replace(starts_at=NOW - 3 * DAY),
        SAME,
        NOW,
        None,
        SAME._replace(starts_at=NOW - 3 * DAY),
        id="keeps its start",
    ),
    pytest.param(
        OLD, SAME._replace(ends_at=NOW + DAY), None, None, OLD._replace(ends_at=NOW + DAY), id="learns its end"
    ),
]


@pytest.mark.parametrize(("old", "new", "last_completed", "changed_at", "expected"), ADOPTED)
def test_the_plan_to_remember_after_an_answer(
    old: Plan | None, new: Plan, last_completed: datetime | None, changed_at: datetime | None, expected: Plan
) -> None:
    """Rolling on with each missed run, Zoho's plan would excuse all of them."""
    assert adopt(old, new, last_completed, changed_at) == expected


@pytest.mark.parametrize(
    ("next_run", "last_completed", "changed_at", "stands"),
    [
        (NOW, None, None, True),
        (NOW, NOW - DAY, None, True),
        (NOW, NOW, None, False),
        (NOW, NOW + DAY, None, False),
        (None, None, None, False),
        (NOW, None, NOW - 7 * DAY, True),
        (NOW, None, NOW - 7 * DAY + timedelta(seconds=1), False),
    ],
)
def test_a_next_run_stands_until_it_completed_or_the_schedule_changed(
    next_run: datetime | None, last_completed: datetime | None, changed_at: datetime | None, stands: bool
) -> None:
    """Strictly later than the last completion, and read no earlier than the newest word on the schedule."""
    assert OLD._replace(next_run=next_run).stands(last_completed, changed_at) is stands


def test_times_of_any_zone_compare() -> None:
    """As parsed, all are UTC."""
    found = read("FREQ=WEEKLY", None, datetime(2026, 3, 3, tzinfo=timezone(timedelta(hours=9))).isoformat())
    assert found is not None
    assert found.next_run is not None
    assert found.next_run.tzinfo is UTC
