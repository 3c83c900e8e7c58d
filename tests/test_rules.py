"""Section 5 of the design, row by row: which rows are news, as what, and what is never sent twice or lost."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler import causes
from handler.decision import Answers, Links, Receiver
from handler.errors import UnreadableError
from handler.history import ACTIONS, STATES, UNKNOWN_TIME, classify, parse_row
from handler.memory import MAX_KEYS, Memory
from handler.outbox import Notice
from handler.outcomes import NO_ACTION
from handler.rules import decide
from handler.store import from_item, to_item
from sandbox.watch import EVERYTHING, START, Raw, Watch, kinds
from sandbox.zoho import row, sample_rows
from tests.item import ITEM_LIMIT, item_size

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED = Answers(frozenset({"plan", "links"}))
"""Zoho was asked, and said nothing."""


def facts(notice: Notice) -> dict[str, Any]:
    """Return what a notice's facts say, by label."""
    return {fact.label: fact.time or fact.text for fact in notice.content.facts}


def ended(notice: Notice) -> dict[str, datetime]:
    """Return since when each incident lasted that a notice ends."""
    return {ref.name: ref.since for ref in notice.ends}


ROWS_AND_KINDS: list[tuple[Raw, str | None]] = [
    ({"state": "completed"}, "completed"),
    ({"state": "finished"}, "completed"),
    ({"state": "failure"}, "failed"),
    ({"state": "failed"}, "failed"),
    ({"state": "payment_failed"}, "failed"),
    ({"state": "paused"}, "unknown"),
    ({"state": 7}, "unknown"),
    ({"state": ["completed"]}, "unknown"),
    ({"state": "completed", "action": "stopped"}, "completed"),
    ({"state": "failure", "action": "initiated"}, "failed"),
    ({"state": "unheard of", "action": "scheduled"}, "unknown"),
    ({"action": "stopped"}, "stopped"),
    ({"action": "scheduled"}, "scheduled"),
    ({"action": "purchased", "count": 2, "repeat_type": None}, "purchased"),
    ({"action": "resumed"}, "unknown"),
    ({"state": "", "action": "stopped"}, "stopped"),
    ({"action": "initiated"}, None),
    ({}, None),
    ({"state": "", "action": ""}, None),
]


@pytest.mark.parametrize("change_case", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
@pytest.mark.parametrize(("fields", "kind"), ROWS_AND_KINDS, ids=str)
def test_every_row_of_the_table_gives_its_notice_and_no_other(fields: Raw, kind: str | None, change_case: Any) -> None:
    """Design section 5, the first table, in any case; and the check after is silent."""
    spelt = {name: change_case(value) if isinstance(value, str) else value for name, value in fields.items()}
    watch = Watch([row(START, action="scheduled")], notify_on=EVERYTHING)
    assert watch.check_at(START) == ["baseline"]
    raw = watch.log(**spelt)
    assert watch.check_after(hours=1) == ([kind] if kind else [])
    if kind:
        notice = watch.notices[-1]
        assert notice.row == parse_row(raw)
        assert notice.at == START + HOUR
        assert START in facts(notice).values()
        assert facts(notice)["Job ID"] == raw["id"]
    assert watch.check_after(hours=1) == []


KINDS_OF_ROWS = {*STATES.values(), *ACTIONS.values(), "unknown"} - {"started"}


def test_the_tables_have_every_kind_that_comes_from_a_row() -> None:
    """And every spelling that is known."""
    assert {kind for _, kind in ROWS_AND_KINDS if kind} == KINDS_OF_ROWS, "add a row to ROWS_AND_KINDS"
    assert {str(fields.get("state")) for fields, _ in ROWS_AND_KINDS} >= STATES.keys(), "add it to ROWS_AND_KINDS"
    assert {kind for kind, *_ in NOT_ASKED_FOR} == KINDS_OF_ROWS, "add a row to NOT_ASKED_FOR"
    assert {kind for kind, *_ in SEVERITIES} == KINDS_OF_ROWS, "add a row to SEVERITIES"


SEVERITIES = [
    ("completed", {"state": "completed"}, "info"),
    ("failed", {"state": "failure"}, "critical"),
    ("unknown", {"state": "paused"}, "critical"),
    ("unknown", {"action": "resumed"}, "warning"),
    ("stopped", {"action": "stopped"}, "warning"),
    ("scheduled", {"action": "scheduled"}, "info"),
    ("purchased", {"action": "purchased"}, "info"),
]


@pytest.mark.parametrize(("kind", "fields", "severity"), SEVERITIES, ids=str)
def test_the_severity_of_a_row(kind: str, fields: Raw, severity: str) -> None:
    """Design section 5, Severity; only a failure opens an incident."""
    watch = Watch(notify_on=EVERYTHING)
    watch.check()
    watch.log(**fields)
    assert watch.check_after(hours=1) == [kind]
    notice = watch.notices[-1]
    assert (notice.severity, notice.phase) == (severity, "opened" if kind == "failed" else "news")
    assert [ref.name for ref in notice.opens] == (["failing"] if kind == "failed" else [])


def test_every_outcome_counts_as_one_everywhere() -> None:
    """Nothing runs after it, the digest counts it, and only a completion is a tick among the recent backups."""
    for state, kind in {**STATES, "paused": "unknown"}.items():
        watch = Watch(notify_on=EVERYTHING, digest_days=2, max_backup_age_days=3650, remind_hours=0)
        watch.check()
        watch.log(action="initiated", at=START)
        watch.log(state=state, at=START + HOUR)
        assert watch.check_after(hours=2) == [kind]
        symbol = {"completed": "✓", "failed": "✗"}.get(kind, "?")
        assert facts(watch.notices[-1])["Recent backups (oldest first)"] == symbol
        assert watch.check_after(hours=25) == [], f"{state} ends a backup"
        assert watch.check_after(hours=21) == ["digest"]
        assert f"1 {kind}" in watch.notices[-1].content.title, f"{kind} is an outcome"


def test_missing_keys_are_null() -> None:
    """A row that Zoho sends with nothing in it at all is a backup in progress; one with a state only is an outcome."""
    assert classify(parse_row({})) == "started"
    assert classify(parse_row({"state": "Completed"})) == "completed"


# --- Zoho's documented sample page ------------------------------------------------------------------------------------


def test_the_sample_page_gives_exactly_one_baseline_at_the_first_read() -> None:
    """Zoho's documented page, seen a day after its newest row, which stopped the biweekly schedule."""
    watch = Watch(sample_rows())
    assert watch.check_at(datetime.fromisoformat("2022-07-09T12:00:00+05:30")) == ["baseline"]
    (notice,) = watch.notices
    assert "4 earlier entries (1 completed)" in notice.content.sentence
    assert facts(notice)["Last successful backup"] == datetime.fromisoformat("2022-06-23T12:01:03+00:00")
    assert facts(notice)["Schedule"] == "none"
    assert [line for line in notice.content.lines if "schedule" in line] == [*notice.content.lines]
    assert notice.severity == "warning"
    assert watch.check_after(hours=1) == []


@pytest.mark.parametrize(
    ("more", "sent"),
    [((), [[], ["completed"], [], ["stopped"]]), (("scheduled",), [[], ["completed"], ["scheduled"], ["stopped"]])],
    ids=["default", "scheduled asked for"],
)
def test_the_sample_page_row_by_row_sends_each_outcome_once(more: tuple[str, ...], sent: list[list[str]]) -> None:
    """Oldest first, to an organisation that has a baseline: initiated, completed, scheduled, stopped."""
    page = sorted(sample_rows(), key=lambda raw: str(raw["log_time"]))
    first = datetime.fromisoformat(str(page[0]["log_time"]))
    watch = Watch(notify_on=("completed", "stopped", *more))
    assert watch.check_at(first - DAY) == ["baseline"]
    for raw, expected in zip(page, sent, strict=True):
        watch.rows.append(raw)
        at = datetime.fromisoformat(str(raw["log_time"])) + timedelta(minutes=10)
        assert watch.check_at(at) == expected
        assert watch.check_after(minutes=10) == []
    shown = [notice.row.id for notice in watch.notices[1:] if notice.row]
    assert shown == [raw["id"] for raw, expected in zip(page, sent, strict=True) if expected]


# --- NOTIFY_ON --------------------------------------------------------------------------------------------------------


NOT_ASKED_FOR = [
    ("completed", {"completed"}, {"state": "completed"}),
    ("failed", {"failed"}, {"state": "failure"}),
    ("unknown", {"unknown"}, {"state": "paused"}),
    ("unknown", {"unknown"}, {"action": "resumed"}),
    ("stopped", {"stopped"}, {"action": "stopped"}),
    ("scheduled", {"scheduled"}, {"action": "scheduled"}),
    ("purchased", {"purchased"}, {"action": "purchased"}),
]


@pytest.mark.parametrize(("kind", "needed", "fields"), NOT_ASKED_FOR, ids=str)
def test_what_notify_on_leaves_out_is_remembered_and_never_sent(kind: str, needed: set[str], fields: Raw) -> None:
    """Neither at the time, nor when the setting brings the kind later; what it names is sent."""
    watch = Watch(notify_on=EVERYTHING - needed)
    watch.check()
    watch.log(**fields)
    assert watch.check_after(hours=1) == []
    watch.policy = Watch(notify_on=EVERYTHING - {"failed"}).policy
    assert watch.check_after(hours=1) == []

    watch = Watch(notify_on=needed)
    watch.check()
    watch.log(**fields)
    assert watch.check_after(hours=1) == [kind]


@pytest.mark.parametrize(
    ("notify_on", "first", "end", "next_one"),
    [
        ({"completed"}, [], ["recovered"], ["completed"]),
        ({"failed"}, ["failed"], ["recovered"], []),
        ({"stuck", "overdue"}, [], [], []),
    ],
    ids=["completed", "failed", "neither"],
)
def test_completed_and_failed_both_bring_the_end_of_a_run_of_failures(
    notify_on: set[str], first: list[str], end: list[str], next_one: list[str]
) -> None:
    """Who heard the bad news hears its end, but not of every good backup after it."""
    watch = Watch(notify_on=notify_on)
    watch.check()
    for state, sent in (("failure", first), ("completed", end), ("completed", next_one)):
        watch.log(state=state)
        assert watch.check_after(hours=1) == sent


def test_a_baseline_is_sent_whatever_notify_on_says() -> None:
    """Somebody who asked for nothing still learns that the monitoring has begun."""
    assert Watch(notify_on=()).check_after(hours=1) == ["baseline"]


# --- Failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_says_how_many_in_a_row_and_since_when() -> None:
    """The count grows, the first of them and the last good backup stay, and a completion ends the run."""
    watch = Watch([row(START - DAY, state="completed")])
    watch.check()
    for count in (1, 2, 3):
        watch.log(state="failure", at=START + timedelta(hours=count))
        assert watch.check_at(START + timedelta(hours=count, minutes=30)) == ["failed"]
        said = facts(watch.notices[-1])
        assert said.get("Failures in a row", "1") == str(count)
        assert said.get("Failing since", START + HOUR) == START + HOUR
        assert said["Last successful backup"] == START - DAY
        assert "1 day" in watch.notices[-1].content.sentence or "hours ago" in watch.notices[-1].content.sentence
        assert watch.notices[-1].phase == ("opened" if count == 1 else "news")
        assert [(ref.name, ref.since) for ref in watch.notices[-1].opens] == [("failing", START + HOUR)]
    watch.log(state="completed", at=START + timedelta(hours=4))
    assert watch.check_at(START + timedelta(hours=5)) == ["recovered"]
    assert facts(watch.notices[-1])["Resolved"] == "3 failed backups over 3 hours"
    assert ended(watch.notices[-1]) == {"failing": START + HOUR}
    assert watch.memory.failures_in_a_row == 0
    watch.log(state="completed", at=START + timedelta(hours=6))
    assert watch.check_at(START + timedelta(hours=7)) == ["completed"]


def test_several_outcomes_in_one_check_are_sent_in_order() -> None:
    """A long pause between checks: each outcome by itself, the run of failures counted across them."""
    watch = Watch()
    watch.check()
    for hour, state in enumerate(["failure", "completed", "failure", "failure", "paused", "completed"]):
        watch.log(state=state, at=START + timedelta(hours=hour))
    watch.rows = watch.rows[::2] + watch.rows[::-2]  # in no order, and some twice
    # The first completion ended a run whose failure nobody heard of as such: a later one does.
    assert watch.check_at(START + timedelta(hours=9)) == [
        *("failed", "completed", "failed", "failed", "unknown", "recovered")
    ]
    assert [notice.severity for notice in watch.notices[1:]] == ["info", "info", "info", "info", "critical", "info"]
    assert facts(watch.notices[-1])["Resolved"] == "2 failed backups over 3 hours"
    assert watch.memory.incidents == {}


def test_a_failure_says_that_a_later_backup_completed() -> None:
    """Known in the same check, or before it: nothing is asked for, nothing opens, and it is no alarm."""
    watch = Watch([row(START - 7 * DAY, state="completed")])
    watch.check()
    watch.log(state="failure", at=START + timedelta(minutes=5))
    watch.log(state="completed", at=START + timedelta(minutes=50))
    assert watch.check_after(hours=1) == ["failed", "recovered"]
    watch.log(state="failure", at=START + timedelta(minutes=20))
    assert watch.check_after(hours=1) == ["failed"], "one that appears late"
    for notice in (watch.notices[1], watch.notices[3]):
        assert notice.severity == "info"
        assert notice.opens == ()
        assert notice.content.next_step == NO_ACTION
        assert "A later backup completed" in notice.content.sentence
        assert facts(notice)["Last successful backup"] == START + timedelta(minutes=50)
        assert "days" not in notice.content.sentence
    assert watch.memory.failures_in_a_row == 0
    assert watch.memory.incidents == {}
    assert watch.check_after(days=3) == []


def test_a_run_of_failures_goes_on_after_its_first_rows_aged_out() -> None:
    """Zoho shows one year; the memory keeps what went before."""
    watch = Watch([row(START - DAY, state="completed")])
    watch.check()
    for hours in (1, 2):
        watch.log(state="failure", at=START + timedelta(hours=hours))
    watch.check_at(START + timedelta(hours=3))
    del watch.rows[:2]  # the completion and the first failure
    watch.log(state="failure", at=START + timedelta(hours=4))
    assert watch.check_at(START + timedelta(hours=5)) == ["failed"]
    said = facts(watch.notices[-1])
    assert said["Failures in a row"] == "3"
    assert said["Failing since"] == START + HOUR
    assert said["Last successful backup"] == START - DAY
    watch.rows = [watch.log(state="completed", at=START + timedelta(hours=6))]
    assert watch.check_at(START + timedelta(hours=7)) == ["recovered"]
    assert facts(watch.notices[-1])["Resolved"].startswith("3 failed backups over 5 hours")


def test_a_late_completion_ends_nothing_while_a_newer_failure_stands() -> None:
    """No "work again" for a backup between two failures: the last one is still a failure."""
    watch = Watch([row(START - DAY, state="completed")])
    watch.check()
    for hours in (1, 5):
        watch.log(state="failure", at=START + timedelta(hours=hours))
        watch.check_at(START + timedelta(hours=hours, minutes=30))
    watch.log(state="completed", at=START + timedelta(hours=3))
    assert watch.check_at(START + timedelta(hours=6)) == ["completed"]
    assert watch.notices[-1].ends == ()
    assert watch.memory.failures_in_a_row == 1
    assert "failing" in watch.memory.incidents
    watch.log(state="completed", at=START + timedelta(hours=6))
    assert watch.check_at(START + timedelta(hours=7)) == ["recovered"]
    assert facts(watch.notices[-1])["Resolved"] == "1 failed backup"


def test_what_a_newer_completion_ended_no_older_one_ends_again() -> None:
    """A completion that appears after the one that was sent as `recovered`: it is only completed."""
    watch = Watch()
    watch.check()
    watch.log(state="failure", at=START)
    watch.check_after(hours=1)
    for hours, kind in ((3, "recovered"), (2, "completed")):
        watch.log(state="completed", at=START + timedelta(hours=hours))
        assert watch.check_after(hours=3) == [kind]


def test_the_backup_before_is_one_before() -> None:
    """A late row names as the previous backup none that completed after it, nor itself."""
    watch = Watch([row(START, state="completed")])
    watch.check()
    for hours in (5, 3):
        watch.log(state="completed", at=START + timedelta(hours=hours))
        assert watch.check_at(START + timedelta(hours=9 - hours // 2)) == ["completed"]
        assert facts(watch.notices[-1])["Previous backup"] == START
    assert watch.memory.last_completed == watch.memory.last_seen_time == START + timedelta(hours=5)
    watch.log(state="completed", at=START + timedelta(hours=5))
    watch.check_after(hours=1)
    assert facts(watch.notices[-1])["Previous backup"] == START + timedelta(hours=5), "two in the same second"


def test_the_durations_of_what_is_resolved_end_with_the_completion() -> None:
    """Not when it was noticed, days later."""
    watch = Watch([row(START - 20 * DAY, state="completed")], digest_days=0)
    watch.check()
    watch.log(state="failure", at=START + DAY)
    watch.check_at(START + DAY)
    watch.log(state="failure", at=START + 2 * DAY)
    watch.log(state="completed", at=START + 4 * DAY)
    watch.check_at(START + 10 * DAY)
    (recovered,) = [notice for notice in watch.notices if notice.kind == "recovered"]
    assert facts(recovered)["Resolved"] == "2 failed backups over 3 days; a backup overdue for 17 days"


# --- Stopping and scheduling ------------------------------------------------------------------------------------------


def test_a_stop_says_that_a_newer_schedule_is_known() -> None:
    """Changing a schedule is a stop and a new one, minutes apart: no alarm, and nothing is asked for."""
    watch = Watch([row(START - DAY, action="scheduled"), row(START - DAY, state="completed")])
    watch.check()
    watch.log(action="stopped", at=START + timedelta(minutes=5))
    watch.log(action="scheduled", repeat_type="monthly", at=START + timedelta(minutes=7))
    assert watch.check_after(hours=1) == ["stopped"]
    notice = watch.notices[-1]
    assert (notice.severity, notice.content.next_step) == ("info", NO_ACTION)
    assert facts(notice)["New schedule"] == "monthly"
    assert "No further backups" not in notice.content.sentence
    assert watch.memory.schedule is not None
    assert (watch.memory.schedule.repeat_type, watch.memory.schedule.in_force) == ("monthly", True)


@pytest.mark.parametrize("notify_on", [{"stopped"}, {"stopped", "scheduled"}], ids=["stopped", "scheduled, too"])
def test_who_heard_of_a_stop_hears_of_the_new_schedule(notify_on: set[str]) -> None:
    """Whatever NOTIFY_ON says of `scheduled`; only of a recurring one, and once."""
    watch = Watch([row(START - DAY, action="scheduled")], notify_on=notify_on)
    watch.check()
    watch.log(action="stopped")
    assert watch.check_after(hours=1) == ["stopped"]
    assert watch.memory.schedule is not None
    assert watch.memory.schedule.stop_sent
    asked = ["scheduled"] if "scheduled" in notify_on else []
    watch.log(action="scheduled", repeat_type="immediate")
    assert watch.check_after(hours=1) == asked
    watch.log(action="scheduled", repeat_type="weekly")
    assert watch.check_after(days=2) == ["scheduled"]
    notice = watch.notices[-1]
    assert notice.phase == "ended"
    assert ended(notice) == {"stopped": START}
    assert (notice.severity, notice.weight) == ("info", "warning")
    assert facts(notice)["Resolved"] == "no backup schedule for 2 hours"
    watch.log(action="scheduled", repeat_type="monthly")
    assert watch.check_after(hours=1) == asked


def test_who_heard_of_no_stop_hears_of_no_schedule() -> None:
    """Neither where `stopped` is left out, nor where the stop was superseded when it was sent."""
    watch = Watch([row(START - DAY, action="scheduled")], notify_on={"completed"})
    watch.check()
    watch.log(action="stopped")
    watch.check_after(hours=1)
    watch.log(action="scheduled")
    assert watch.check_after(hours=1) == []


# --- Times and order --------------------------------------------------------------------------------------------------


def test_a_row_that_changes_in_place_is_news_once_for_each_state() -> None:
    """State null today, completed tomorrow, under one id and one time or none at all."""
    for at in (START, None):
        watch = Watch(notify_on=EVERYTHING)
        watch.check()
        raw = row(at)
        watch.rows = [raw]
        assert watch.check_after(hours=1) == []
        raw["state"] = "completed"
        assert watch.check_after(hours=1) == ["completed"]
        assert watch.check_after(hours=1) == []


def test_one_id_for_many_runs_sends_each_run() -> None:
    """Zoho's prose calls `id` the scheduled job's: each run then differs in its time only."""
    watch = Watch()
    watch.check()
    for day in (1, 8, 15):
        watch.log(id="4876876000001757002", state="completed", at=START + timedelta(days=day))
        assert watch.check_at(START + timedelta(days=day, hours=1)) == ["completed"]


@pytest.mark.parametrize("at", [START, None], ids=["one second", "no times"])
@pytest.mark.parametrize("ids", [("7", "7"), ("7", "8"), ("8", "7"), ("x", "8")], ids=str)
def test_a_backup_begins_before_it_ends_whatever_the_ids_say(at: datetime | None, ids: tuple[str, str]) -> None:
    """The two rows of a backup in one second, or without a time, leave nothing running, in either order of arrival."""
    begun, done = row(at, id=ids[0], action="initiated"), row(at, id=ids[1], state="completed")
    for rows in ([begun, done], [done, begun]):
        watch = Watch(notify_on=EVERYTHING)
        watch.check()
        watch.rows = [*rows]
        assert watch.check_after(hours=1) == ["completed"]
        assert watch.check_after(days=2) == []


def test_the_last_good_backup_is_not_forgotten_when_its_row_disappears() -> None:
    """Although older rows are still shown, and whatever news comes."""
    watch = Watch([row(START - timedelta(days=3), action="scheduled"), row(START, state="completed")])
    watch.check()
    del watch.rows[1]
    watch.log(action="purchased")
    watch.check_after(hours=1)
    assert watch.memory.last_completed == START
    watch.log(state="failure")
    watch.check_after(hours=1)
    assert facts(watch.notices[-1])["Last successful backup"] == START


def test_rows_without_a_time_count_from_when_they_were_first_seen() -> None:
    """Null, unusable or in the future: sent once, and dated by the check that saw them first."""
    later = (START + timedelta(days=30)).isoformat()
    for log_time in (None, "soon", later):
        watch = Watch(remind_hours=0)
        watch.check()
        watch.log(state="failure", log_time=log_time)
        assert watch.check_at(START + HOUR) == ["failed"]
        assert facts(watch.notices[-1])["Failed"] == START + HOUR
        watch.log(state="failure", log_time=log_time)
        assert watch.check_at(START + timedelta(hours=2)) == ["failed"]
        assert facts(watch.notices[-1])["Failing since"] == START + HOUR
        assert watch.check_at(START + timedelta(days=2)) == []


def test_an_undated_row_at_the_first_read_is_dated_by_its_neighbour() -> None:
    """The dated row with the next smaller id; none smaller: a second before the oldest; `seen` keeps that time."""
    watch = Watch(
        [
            row(START - 140 * DAY, id="100", action="scheduled"),
            row(None, id="50", state="failure", repeat_type="immediate"),
            row(None, id="150", state="completed", repeat_type="immediate"),
            row(START - 150 * DAY, id="200", action="purchased"),
        ]
    )
    watch.check()
    (notice,) = watch.notices
    assert facts(notice)["Last successful backup"] == START - 140 * DAY
    assert [ref.name for ref in notice.opens] == ["overdue"]
    oldest = parse_row(watch.rows[1]).key
    assert watch.memory.seen[oldest] == START - 150 * DAY - timedelta(seconds=1)
    assert watch.memory.failures_in_a_row == 0
    watch.log(state="failure")
    assert watch.check_after(hours=1)[0] == "failed"
    assert "Failures in a row" not in facts(watch.notices[-1])


def test_undated_failures_of_the_past_are_no_problem_of_now() -> None:
    """With small ids, and a good backup an hour ago."""
    rows = [row(None, id=str(number), state="failure", repeat_type="immediate") for number in (1, 2, 3)]
    watch = Watch([*rows, row(START - HOUR, id="9", state="completed")])
    watch.check()
    assert watch.notices[0].severity == "info"
    assert watch.memory.incidents == {}


def test_a_history_without_any_time_has_a_last_completion_of_unknown_time() -> None:
    """It is said so, and nothing is overdue before the limit has passed since the baseline."""
    watch = Watch([row(None, id="1", action="scheduled"), row(None, id="2", state="completed")], digest_days=0)
    watch.check()
    (notice,) = watch.notices
    assert watch.memory.last_completed == UNKNOWN_TIME
    assert facts(notice)["Last successful backup"] == "at a time that Zoho does not give"
    assert (notice.severity, notice.content.lines) == ("info", ())
    assert "1970" not in str(notice.content)
    assert watch.check_at(START + 8 * DAY) == []
    assert watch.check_at(START + 8 * DAY + timedelta(seconds=1)) == ["overdue"]
    assert "56 years" not in watch.notices[-1].content.sentence
    assert "8 days" in watch.notices[-1].content.title


def test_the_last_seen_row_is_the_newest_by_time_and_then_by_id() -> None:
    """With ids a float cannot tell apart, in any order of arrival."""
    ids = ["4876876000001594002", "4876876000001594003", "999", "abc"]
    rows = [row(START, id=value, state="completed") for value in ids]
    watch = Watch([row(START - DAY, id="4876876000009999999"), *rows[:3]])
    watch.check()
    assert watch.memory.last_seen_id == "4876876000001594003"
    assert watch.memory.last_seen_time == START


# --- Whole histories --------------------------------------------------------------------------------------------------


def test_a_thousand_rows_over_a_year_are_each_sent_once_whatever_the_order() -> None:
    """Fed in growing, shuffled, duplicated histories; where there is no room in one check, the next ones send them."""
    shuffled = random.Random(11)  # noqa: S311  (a shuffle, not a secret)
    rows = [
        row(START - timedelta(hours=8 * n), state=shuffled.choice(["completed", "failure", "odd"])) for n in range(1000)
    ]
    shuffled.shuffle(rows)
    watch = Watch()
    watch.check_at(START - timedelta(days=400))
    for end in (1, 2, 3, 250, 600, 1000, 1000, 1000, 1000, 1000):
        watch.rows = rows[:end] + shuffled.choices(rows[:end], k=50)
        shuffled.shuffle(watch.rows)
        watch.check_after(minutes=1) if end > 1 else watch.check_at(START)
    sent = [notice.row.id for notice in watch.notices if notice.row and notice.phase != "reminder"]
    assert sorted(sent) == sorted(raw["id"] for raw in rows)


RECEIVERS = tuple(Receiver(name, name.title()) for name in ("sns", "slack", "cliq", "teams", "pagerduty"))


def test_news_for_which_there_is_no_room_stay_news_and_a_broken_channel_delays_nobody() -> None:
    """250 outcomes at once, names of a hundred Chinese characters, five channels, one of them broken all the time."""
    name = "备" * 100
    watch = Watch(receivers=RECEIVERS, notify_on=EVERYTHING)
    watch.check()
    watch.rows = [
        row(START + timedelta(minutes=n), state="completed" if n % 3 else "failure", done_by=name, file_name=name)
        for n in range(250)
    ]
    arrived: dict[str, list[str]] = {receiver.name: [] for receiver in RECEIVERS}
    checks = 0
    while len(arrived["sns"]) < 250 and checks < 10:
        checks += 1
        watch.now += HOUR
        rows = [parse_row(raw) for raw in watch.rows]
        memory = decide(rows, watch.memory, watch.now, watch.policy, RECEIVERS, ASKED).memory
        for receiver in RECEIVERS[:4]:
            news = [notice.notice_id for notice in memory.pending(receiver.name) if notice.row]
            arrived[receiver.name] += news
            memory = memory.accepted(receiver.name, {notice.notice_id for notice in memory.pending(receiver.name)})
        assert item_size(memory) < ITEM_LIMIT
        watch.memory = from_item(to_item(memory))
    assert checks < 10
    for receiver in RECEIVERS[:4]:
        assert len(set(arrived[receiver.name])) == len(arrived[receiver.name]) == 250
    waiting = {notice.notice_id for notice in watch.memory.pending("pagerduty") if notice.row}
    lost = watch.memory.dead_letters
    assert len(waiting) + lost.total >= 250, "what the broken channel never gets is counted"
    assert lost.unmentioned.get("sns") == lost.total > 0


def test_a_full_history_that_is_empty_cannot_be_trusted() -> None:
    """Until its newest row could have aged out: then an empty history is the truth."""
    watch = Watch([row(START, state="completed")])
    watch.check()
    with pytest.raises(UnreadableError) as raised:
        decide([], watch.memory, START + timedelta(days=360, seconds=-1), watch.policy, watch.receivers, ASKED)
    assert raised.value.cause is causes.HISTORY_VANISHED
    decision = decide([], watch.memory, START + timedelta(days=360), watch.policy, watch.receivers, ASKED)
    assert kinds(decision.notices) == ["overdue", "digest"]


def test_an_empty_history_at_first_sight_is_the_truth() -> None:
    """A company that has never made a backup: nothing vanished, and no schedule is in force."""
    watch = Watch()
    assert kinds(watch.check()) == ["baseline"]
    assert watch.notices[0].severity == "warning"
    assert len(watch.notices[0].content.lines) == 1
    assert watch.check_after(days=1) == []


def test_a_history_too_long_to_remember_is_unreadable_and_not_half_remembered() -> None:
    """3,000 rows are read; one more, and no row is remembered."""
    rows = [parse_row({"id": str(n)}) for n in range(MAX_KEYS + 1)]
    watch = Watch()
    memory = decide(rows[1:], Memory("default"), START, watch.policy, watch.receivers, ASKED).memory
    assert len(memory.seen) == MAX_KEYS
    with pytest.raises(UnreadableError, match="3001 rows") as raised:
        decide(rows, memory, START, watch.policy, watch.receivers, ASKED)
    assert raised.value.cause is causes.HISTORY_TOO_LONG
    doubled = [*rows[1:], *rows[1:]]
    assert decide(doubled, memory, START, watch.policy, watch.receivers, ASKED).notices == []


# --- Downloads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "taken"),
    [
        (timedelta(0), False),
        (timedelta(seconds=1), True),
        (timedelta(days=7), True),
        (timedelta(days=60, seconds=-1), True),
        (timedelta(days=60), False),
        (None, False),
    ],
    ids=str,
)
def test_zohos_own_download_deadline_goes_to_the_newest_completion(until: timedelta | None, taken: bool) -> None:
    """Only where it can be that backup's: later than it, and by less than two months; else seven days."""
    completed = START + timedelta(hours=2)
    deadline = None if until is None else completed + until
    watch = Watch(links=Links(deadline, 4) if deadline else None, notify_on=EVERYTHING)
    watch.check()
    for hours in (1, 2):
        watch.log(state="completed", at=START + timedelta(hours=hours))
    watch.check_at(completed)
    older, newest = (facts(notice) for notice in watch.notices[1:])
    assert older["Download until"] == START + HOUR + timedelta(days=7)
    assert newest["Download until"] == (deadline if taken else completed + timedelta(days=7))
    assert newest.get("Files") == ("4" if taken else None)
    assert "Files" not in older
    assert watch.asked.count("links") == 1


def test_zoho_is_asked_for_links_only_for_a_completion_that_is_news_and_newest() -> None:
    """Not for a late row: the links belong to the latest backup, which was sent before; nor for what nobody hears."""
    watch = Watch(notify_on=EVERYTHING)
    watch.check()
    watch.log(state="failure", at=START)
    watch.check_after(hours=1)
    assert "links" not in watch.asked
    watch.log(state="completed", at=START + 3 * DAY)
    watch.check_at(START + timedelta(days=3, hours=1))
    assert watch.asked.count("links") == 1
    watch.log(state="completed", at=START + DAY)
    assert watch.check_at(START + timedelta(days=3, hours=2)) == ["completed"]
    watch.policy = Watch(notify_on={"stuck"}).policy
    watch.log(state="completed", at=START + 4 * DAY)
    watch.check_at(START + timedelta(days=4, hours=2))
    assert watch.asked.count("links") == 1


def test_what_can_no_longer_be_downloaded_is_not_offered() -> None:
    """A completion that is noticed after its files are gone."""
    watch = Watch()
    watch.check()
    watch.log(state="completed", at=START)
    assert watch.check_at(START + 7 * DAY) == ["completed"]
    assert "Download until" not in facts(watch.notices[-1])
    assert watch.notices[-1].content.next_step == NO_ACTION


# --- Anything at all --------------------------------------------------------------------------------------------------

ANY_STATE = st.sampled_from([None, None, "completed", "Completed", "failure", "payment_failed", "paused", 0, ["x"]])
ANY_ACTION = st.sampled_from([None, "initiated", "scheduled", "STOPPED", "purchased", "resumed"])
IDS = st.sampled_from(["1", "2", 2, "9007199254740993", "9007199254740992", "abc", "", None])
TIMES = (
    st.none()
    | st.sampled_from(["never", 5])
    | st.integers(-24 * 500, 24 * 60).map(lambda hours: (START + timedelta(hours=hours)).isoformat())
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS,
        "log_time": TIMES,
        "state": ANY_STATE,
        "action": ANY_ACTION,
        "repeat_type": st.sampled_from([None, "weekly", "Monthly", "immediate", "daily", 3]),
        "done_by": st.sampled_from([None, "Ada", {"name": "Ada"}, {}]),
        "count": st.sampled_from([None, 0, 3, "3", True]),
    },
)


@settings(max_examples=150)
@given(st.data())
def test_whatever_the_history_each_row_is_sent_once_and_each_outcome_is_sent(data: st.DataObject) -> None:
    """Any rows in any order and any increments, appearing, changing and disappearing: nothing lost, nothing twice."""
    pool = data.draw(st.lists(ROWS, min_size=1, max_size=8), label="rows")
    watch = Watch(notify_on=EVERYTHING, now=START)
    watch.check()
    due: dict[str, str] = {}
    for _ in range(data.draw(st.integers(1, 5), label="checks")):
        watch.rows = data.draw(st.lists(st.sampled_from(pool), max_size=10), label="shown")
        due |= {parsed.key: classify(parsed) for parsed in map(parse_row, watch.rows)}
        watch.check_after(hours=data.draw(st.sampled_from([1 / 60, 1, 30, 24 * 79]), label="hours"))
    sent = [(notice.notice_id.removeprefix("default-"), notice.kind) for notice in watch.notices]
    sent = [(key, "completed" if kind == "recovered" else kind) for key, kind in sent if key in due]
    assert sorted(sent) == sorted((key, kind) for key, kind in due.items() if kind != "started")
    ids = [notice.notice_id for notice in watch.notices]
    assert len(set(ids)) == len(ids)


# --- Who is subscribed ------------------------------------------------------------------------------------------------


def subscribed(watch: Watch, **counts: int) -> tuple[str, str, list[str], dict[str, str]]:
    """Let a digest come when so many are subscribed; return its severity, next step, list and facts."""
    watch.subscribers = counts
    assert watch.check_after(days=30) == ["digest"]
    notice = watch.notices[-1]
    return notice.severity, notice.content.next_step, list(notice.content.lines), facts(notice)


def test_a_digest_says_once_when_the_last_subscriber_has_gone() -> None:
    """A topic that never had one is no trouble, only a fact; and what is still so at the next digest is a fact, too."""
    watch = Watch(notify_on=EVERYTHING, max_backup_age_days=999, operated_by="Ops")
    watch.log(action="scheduled", repeat_type="monthly")
    watch.subscribers = {"messages": 2, "alarms": 0}
    watch.check()
    assert facts(watch.notices[-1])["Alarm subscribers"] == "none"
    assert "E-mail and SMS subscribers" not in facts(watch.notices[-1])
    severity, step, lines, said = subscribed(watch, messages=0, alarms=0)
    assert (severity, step) == ("warning", "Ask Ops to subscribe somebody again.")
    assert lines == ["Nobody is subscribed to these messages by e-mail or SMS any more."]
    assert (said.get("E-mail and SMS subscribers"), said["Alarm subscribers"]) == (None, "none")
    severity, step, lines, said = subscribed(watch, messages=0, alarms=1)
    assert (severity, step, lines) == ("info", "No action needed.", [])
    assert (said["E-mail and SMS subscribers"], said.get("Alarm subscribers")) == ("none", None)
    _, _, [line], _ = subscribed(watch, messages=1, alarms=0)
    assert "alarms" in line
    assert subscribed(watch)[2] == [], "SNS did not say"
    assert [line for line in subscribed(watch, messages=0)[2] if "e-mail" in line], "what it last said counts"


def test_each_problem_of_a_digest_goes_to_who_can_fix_it() -> None:
    """What is wrong with the backups is fixed in Zoho CRM, what is wrong with a topic in AWS."""
    watch = Watch(notify_on=EVERYTHING, max_backup_age_days=999, operated_by="Ops")
    watch.subscribers = {"messages": 2}
    watch.check()
    _, step, lines, _ = subscribed(watch, messages=0)
    assert len(lines) == 2, "no schedule, and nobody subscribed"
    assert step.startswith("Open Setup")
    assert step.endswith("fix the problems listed above. Ask Ops to subscribe somebody again.")


def test_subscribers_are_counted_only_for_a_baseline_and_a_digest_that_is_wanted() -> None:
    """A quiet check asks nobody."""
    watch = Watch(notify_on=EVERYTHING, max_backup_age_days=999)
    watch.check()
    watch.check_after(hours=1)
    assert watch.asked.count("subscribers") == 1
    watch.policy = Watch(notify_on={"failed"}, max_backup_age_days=999).policy
    watch.check_after(days=31)
    assert watch.asked.count("subscribers") == 1
