"""Section 5 of the design, row by row: which rows are told, as what, and what is never told twice or lost."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from handler.texts import describe
from hypothesis import given, settings
from hypothesis import strategies as st

from handler import rules
from handler.errors import HistoryTooLongError, HistoryVanishedError
from handler.history import parse_row
from handler.memory import MAX_KEYS
from handler.rules import classify, completion_told, decide, with_download_deadline
from sandbox.zoho import sample_rows
from tests.watch import EVERYTHING, Raw, Watch, kinds
from tests.world import START, row

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
    assert watch.look_at(START) == ["baseline"]
    raw = watch.log(**spelt)
    assert watch.look_after(hours=1) == ([kind] if kind else [])
    if kind:
        notice = watch.told[-1]
        assert notice.row is not None
        assert notice.row["id"] == raw["id"]
        assert notice.facts["when"] == START.isoformat()
    assert watch.look_after(hours=1) == []


KINDS_OF_ROWS = {*rules.STATES.values(), *rules.ACTIONS.values(), "unknown"} - {"started"}


def test_the_tables_have_every_kind_that_comes_from_a_row() -> None:
    """And every spelling that is known."""
    assert {kind for _, kind in ROWS_AND_KINDS if kind} == KINDS_OF_ROWS, "add a row to ROWS_AND_KINDS"
    assert {str(fields.get("state")) for fields, _ in ROWS_AND_KINDS} >= rules.STATES.keys(), "add it to ROWS_AND_KINDS"
    assert {kind for kind, *_ in NOT_ASKED_FOR} == KINDS_OF_ROWS, "add a row to NOT_ASKED_FOR"


def test_every_outcome_counts_as_one_everywhere() -> None:
    """Nothing runs after it, the digest counts it, and only a completion is a tick among the last outcomes."""
    for state, kind in {**rules.STATES, "paused": "unknown"}.items():
        watch = Watch(notify_on=EVERYTHING, digest_days=2, max_backup_age_days=3650)
        watch.look()
        watch.log(action="initiated", at=START)
        watch.log(state=state, at=START + timedelta(hours=1))
        assert watch.look_after(hours=2) == [kind]
        assert dict(describe(watch.told[-1]).facts)["Last outcomes"] == {"completed": "✓", "failed": "✗"}.get(kind, "?")
        assert watch.look_after(hours=25) == [], f"{state} ends a backup"
        assert watch.look_after(hours=21) == ["digest"]
        assert f"1 {kind}" in describe(watch.told[-1]).title, f"{kind} is an outcome"


def test_missing_keys_are_null() -> None:
    """A row that Zoho sends with nothing in it at all is a backup in progress; one with a state only is an outcome."""
    assert classify(parse_row({})) == "started"
    assert classify(parse_row({"state": "Completed"})) == "completed"


def test_the_sample_page_gives_exactly_one_baseline_on_first_sight() -> None:
    """Zoho's documented page, seen a day after its newest row."""
    watch = Watch(sample_rows())
    assert watch.look_at(datetime.fromisoformat("2022-07-09T12:00:00+05:30")) == ["baseline"]
    facts = watch.told[0].facts
    assert facts["rows"] == 4
    assert facts["outcomes"] == {"completed": 1}
    assert facts["last_completed"] == "2022-06-23T12:01:03+00:00"
    assert facts["repeat_type"] is None  # the newest row stopped the biweekly schedule
    assert [entry["what"] for entry in facts["wrong"]] == ["no_schedule"]
    assert watch.look_after(hours=1) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [((), [[], ["completed"], [], ["stopped"]]), (("scheduled",), [[], ["completed"], ["scheduled"], ["stopped"]])],
    ids=["default", "scheduled asked for"],
)
def test_the_sample_page_row_by_row_tells_each_outcome_once(more: tuple[str, ...], told: list[list[str]]) -> None:
    """Oldest first, to an organisation that has a baseline: initiated, completed, scheduled, stopped."""
    page = sorted(sample_rows(), key=lambda raw: str(raw["log_time"]))
    first = datetime.fromisoformat(str(page[0]["log_time"]))
    watch = Watch(notify_on=("completed", "stopped", *more))
    assert watch.look_at(first - timedelta(days=1)) == ["baseline"]
    for raw, expected in zip(page, told, strict=True):
        watch.rows.append(raw)
        at = datetime.fromisoformat(str(raw["log_time"])) + timedelta(minutes=10)
        assert watch.look_at(at) == expected
        assert watch.look_after(minutes=10) == []
    rows = [notice.row for notice in watch.told[1:]]
    assert [shown and shown["id"] for shown in rows] == [
        raw["id"] for raw, kinds_told in zip(page, told, strict=True) if kinds_told
    ]


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
def test_what_notify_on_leaves_out_is_remembered_and_never_told(kind: str, needed: set[str], fields: Raw) -> None:
    """Neither at the time, nor when the setting brings the kind later; what it names is told."""
    watch = Watch(notify_on=EVERYTHING - needed)
    watch.look()
    watch.log(**fields)
    assert watch.look_after(hours=1) == []
    watch.policy = Watch(notify_on=EVERYTHING).policy
    assert watch.look_after(hours=1) == []

    watch = Watch(notify_on=needed)
    watch.look()
    watch.log(**fields)
    assert watch.look_after(hours=1) == [kind]


def test_completed_brings_recovered_and_failed_alone_does_not() -> None:
    """`NOTIFY_ON` names `completed`: the end of a run of failures comes with it."""
    for notify_on, told in (({"completed"}, ["recovered"]), ({"failed"}, []), ({"stuck", "overdue"}, [])):
        watch = Watch(notify_on=notify_on)
        watch.look()
        watch.log(state="failure")
        watch.look_after(hours=1)
        watch.log(state="completed")
        assert watch.look_after(hours=1) == told


def test_a_baseline_is_told_whatever_notify_on_says() -> None:
    """Somebody who asked for nothing still learns that the watch has begun."""
    watch = Watch(notify_on=())
    assert watch.look_after(hours=1) == ["baseline"]


def test_a_failure_says_how_many_in_a_row_and_since_when() -> None:
    """The count grows, the first of them and the last good backup stay, and a completion ends the run."""
    watch = Watch([row(START - timedelta(days=1), state="completed")])
    watch.look()
    for count in (1, 2, 3):
        watch.log(state="failure", at=START + timedelta(hours=count))
        assert watch.look_at(START + timedelta(hours=count, minutes=30)) == ["failed"]
        facts = watch.told[-1].facts
        assert facts["in_a_row"] == count
        assert facts["since"] == (START + timedelta(hours=1)).isoformat()
        assert facts["last_completed"] == (START - timedelta(days=1)).isoformat()
    watch.log(state="completed", at=START + timedelta(hours=4))
    assert watch.look_at(START + timedelta(hours=5)) == ["recovered"]
    since = (START + timedelta(hours=1)).isoformat()
    assert watch.told[-1].facts["ends"] == [{"what": "failed", "count": 3, "since": since}]
    assert watch.memory.failures_in_a_row == 0
    watch.log(state="completed", at=START + timedelta(hours=6))
    assert watch.look_at(START + timedelta(hours=7)) == ["completed"]


def test_several_outcomes_in_one_check_are_told_in_order() -> None:
    """A long pause between checks: each outcome by itself, the run of failures counted across them."""
    watch = Watch()
    watch.look()
    for hour, state in enumerate(["failure", "completed", "failure", "failure", "paused", "completed"]):
        watch.log(state=state, at=START + timedelta(hours=hour))
    watch.rows = watch.rows[::2] + watch.rows[::-2]  # in no order, and some twice
    assert watch.look_at(START + timedelta(hours=9)) == [
        *("failed", "recovered", "failed", "failed", "unknown", "recovered")
    ]
    assert [notice.facts.get("in_a_row") for notice in watch.told[1:]] == [1, None, 1, 2, None, None]
    first_good = (START + timedelta(hours=1)).isoformat()
    assert [notice.facts["last_completed"] for notice in watch.told[1:]] == [None, None, *[first_good] * 4]
    assert [entry["count"] for notice in watch.told for entry in notice.facts.get("ends", ())] == [1, 2]


def test_a_run_of_failures_goes_on_after_its_first_rows_aged_out() -> None:
    """Zoho shows one year; the memory keeps what went before."""
    watch = Watch([row(START - timedelta(days=1), state="completed")])
    watch.look()
    for hours in (1, 2):
        watch.log(state="failure", at=START + timedelta(hours=hours))
    watch.look_at(START + timedelta(hours=3))
    del watch.rows[:2]  # the completion and the first failure
    watch.log(state="failure", at=START + timedelta(hours=4))
    assert watch.look_at(START + timedelta(hours=5)) == ["failed"]
    assert watch.told[-1].facts["in_a_row"] == 3
    assert watch.told[-1].facts["since"] == (START + timedelta(hours=1)).isoformat()
    assert watch.told[-1].facts["last_completed"] == (START - timedelta(days=1)).isoformat()
    watch.rows = [watch.log(state="completed", at=START + timedelta(hours=6))]
    assert watch.look_at(START + timedelta(hours=7)) == ["recovered"]
    assert watch.told[-1].facts["ends"][0]["count"] == 3


def test_a_late_row_is_told_with_what_was_true_at_its_time() -> None:
    """A failure that Zoho shows only after the completion that followed it: told, but nothing is failing now."""
    watch = Watch()
    watch.look()
    watch.log(state="completed", at=START + timedelta(hours=5))
    assert watch.look_at(START + timedelta(hours=6)) == ["completed"]
    watch.log(state="failure", at=START + timedelta(hours=4))
    assert watch.look_at(START + timedelta(hours=7)) == ["failed"]
    assert watch.told[-1].facts["in_a_row"] == 1
    assert watch.memory.failures_in_a_row == 0
    assert watch.memory.last_completed == START + timedelta(hours=5)
    assert watch.memory.last_seen_time == START + timedelta(hours=5)
    watch.log(state="completed", at=START + timedelta(hours=3))
    assert watch.look_at(START + timedelta(hours=8)) == ["completed"]
    assert watch.memory.last_completed == START + timedelta(hours=5)


def test_a_row_that_changes_in_place_is_news_once_for_each_state() -> None:
    """State null today, completed tomorrow, under one id and one time or none at all."""
    for at in (START, None):
        watch = Watch(notify_on=EVERYTHING)
        watch.look()
        raw = row(at)
        watch.rows = [raw]
        assert watch.look_after(hours=1) == []
        raw["state"] = "completed"
        assert watch.look_after(hours=1) == ["completed"]
        assert watch.look_after(hours=1) == []


def test_one_id_for_many_runs_tells_each_run() -> None:
    """Zoho's prose calls `id` the scheduled job's: each run then differs in its time only."""
    watch = Watch()
    watch.look()
    for day in (1, 8, 15):
        watch.log(id="4876876000001757002", state="completed", at=START + timedelta(days=day))
        assert watch.look_at(START + timedelta(days=day, hours=1)) == ["completed"]


def test_a_backup_begins_before_it_ends_also_where_neither_id_nor_time_tell() -> None:
    """One id and no times: the two rows of a backup, whichever Zoho lists first, leave nothing running."""
    begun, ended = row(None, id="7", action="initiated"), row(None, id="7", state="completed")
    for rows in ([begun, ended], [ended, begun]):
        watch = Watch(rows)
        watch.look()
        assert watch.look_after(days=2) == []


def test_the_last_good_backup_is_not_forgotten_when_its_row_disappears() -> None:
    """Although older rows are still shown, and whatever news comes."""
    watch = Watch([row(START - timedelta(days=3), action="scheduled"), row(START, state="completed")])
    watch.look()
    del watch.rows[1]
    watch.log(action="purchased")
    watch.look_after(hours=1)
    assert watch.memory.last_completed == START


def test_rows_without_a_time_count_from_when_they_were_first_seen() -> None:
    """Null, unusable or in the future: told once, and dated by the check that saw them first."""
    later = (START + timedelta(days=30)).isoformat()
    for log_time in (None, "soon", later):
        watch = Watch()
        watch.look()
        watch.log(state="failure", log_time=log_time)
        assert watch.look_at(START + timedelta(hours=1)) == ["failed"]
        assert watch.told[-1].facts["when"] == (START + timedelta(hours=1)).isoformat()
        watch.log(state="failure", log_time=log_time)
        assert watch.look_at(START + timedelta(hours=2)) == ["failed"]
        assert watch.told[-1].facts["since"] == (START + timedelta(hours=1)).isoformat()
        assert watch.look_at(START + timedelta(days=2)) == []


def test_the_last_seen_row_is_the_newest_by_time_and_then_by_id() -> None:
    """With ids a float cannot tell apart, in any order of arrival."""
    ids = ["4876876000001594002", "4876876000001594003", "999", "abc"]
    rows = [row(START, id=value, state="completed") for value in ids]
    watch = Watch([row(START - timedelta(days=1), id="4876876000009999999"), *rows[:3]])
    watch.look()
    assert watch.memory.last_seen_id == "4876876000001594003"
    assert watch.memory.last_seen_time == START


def test_a_thousand_rows_over_a_year_are_each_told_once_whatever_the_order() -> None:
    """Fed in growing, shuffled, duplicated histories."""
    shuffled = random.Random(11)  # noqa: S311  (a shuffle, not a secret)
    rows = [
        row(START - timedelta(hours=8 * n), state=shuffled.choice(["completed", "failure", "odd"])) for n in range(1000)
    ]
    shuffled.shuffle(rows)
    watch = Watch()
    watch.look_at(START - timedelta(days=400))
    for end in (1, 2, 3, 250, 600, 1000):
        watch.rows = rows[:end] + shuffled.choices(rows[:end], k=50)
        shuffled.shuffle(watch.rows)
        watch.look_at(START + timedelta(minutes=end))
    told = [str(notice.row["id"]) for notice in watch.told if notice.row]
    assert sorted(told) == sorted(raw["id"] for raw in rows)


def test_a_full_history_that_is_empty_cannot_be_trusted() -> None:
    """Until its newest row could have aged out: then an empty history is the truth."""
    watch = Watch([row(START, state="completed")])
    watch.look()
    with pytest.raises(HistoryVanishedError):
        decide([], watch.memory, START + timedelta(days=360, seconds=-1), watch.policy, ("sns",))
    decision = decide([], watch.memory, START + timedelta(days=360), watch.policy, ("sns",))
    assert kinds(decision.notices) == ["overdue", "digest"]


def test_an_empty_history_at_first_sight_is_the_truth() -> None:
    """A company that has never made a backup: nothing vanished, and no schedule is in force."""
    watch = Watch()
    assert kinds(watch.look()) == ["baseline"]
    assert [entry["what"] for entry in watch.told[0].facts["wrong"]] == ["no_schedule"]
    assert watch.look_after(days=1) == []


def test_a_history_too_long_to_remember_is_unreadable_and_not_half_remembered() -> None:
    """3,000 rows are read; one more, and no row is remembered."""
    rows = [parse_row({"id": str(n)}) for n in range(MAX_KEYS + 1)]
    memory = decide(rows[1:], Watch().memory, START, Watch().policy, ("sns",)).memory
    assert len(memory.seen) == MAX_KEYS
    with pytest.raises(HistoryTooLongError, match="3001 rows"):
        decide(rows, memory, START, Watch().policy, ("sns",))
    doubled = [*rows[1:], *rows[1:]]
    assert decide(doubled, memory, START, Watch().policy, ("sns",)).notices == []


def test_zohos_own_download_deadline_goes_to_the_newest_completion() -> None:
    """Only where it can be that backup's: later than it, and by less than two months."""
    watch = Watch()
    watch.look()
    for hours in (1, 2):
        watch.log(state="completed", at=START + timedelta(hours=hours))
    watch.look_at(START + timedelta(hours=3))
    notice = completion_told(watch.decision)
    assert notice is not None
    assert notice.facts["when"] == (START + timedelta(hours=2)).isoformat()
    completed = START + timedelta(hours=2)
    for until, taken in (
        (completed, False),
        (completed + timedelta(seconds=1), True),
        (completed + timedelta(days=7), True),
        (completed + timedelta(days=60, seconds=-1), True),
        (completed + timedelta(days=60), False),
    ):
        memory = with_download_deadline(watch.decision.memory, notice, until)
        deadlines = [n.facts.get("download_until") for n in memory.outbox]
        assert deadlines == [None, until.isoformat() if taken else None]


def test_zohos_download_deadline_is_not_given_to_a_late_row() -> None:
    """The links belong to the latest backup, which was told before."""
    watch = Watch()
    watch.look()
    watch.log(state="completed", at=START + timedelta(days=3))
    watch.look_at(START + timedelta(days=3, hours=1))
    watch.log(state="completed", at=START + timedelta(days=1))
    assert watch.look_at(START + timedelta(days=3, hours=2)) == ["completed"]
    assert completion_told(watch.decision) is None


STATES = st.sampled_from([None, None, "completed", "Completed", "failure", "payment_failed", "paused", 0, ["x"]])
ACTIONS = st.sampled_from([None, "initiated", "scheduled", "STOPPED", "purchased", "resumed"])
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
        "state": STATES,
        "action": ACTIONS,
        "repeat_type": st.sampled_from([None, "weekly", "Monthly", "immediate", "daily", 3]),
        "done_by": st.sampled_from([None, "Ada", {"name": "Ada"}, {}]),
        "count": st.sampled_from([None, 0, 3, "3", True]),
    },
)


@settings(max_examples=400)
@given(st.data())
def test_whatever_the_history_each_row_is_told_once_and_each_outcome_is_told(data: st.DataObject) -> None:
    """Any rows in any order and any increments, appearing, changing and disappearing: nothing lost, nothing twice."""
    pool = data.draw(st.lists(ROWS, min_size=1, max_size=8), label="rows")
    watch = Watch(notify_on=EVERYTHING, now=START)
    watch.look()
    due: dict[str, str] = {}
    for _ in range(data.draw(st.integers(1, 5), label="checks")):
        watch.rows = data.draw(st.lists(st.sampled_from(pool), max_size=10), label="shown")
        due |= {parsed.key: classify(parsed) for parsed in map(parse_row, watch.rows)}
        watch.look_after(hours=data.draw(st.sampled_from([1 / 60, 1, 30, 24 * 79]), label="hours"))
    told = [(notice.notice_id.removeprefix("default-"), notice.kind) for notice in watch.told if notice.row]
    told = [(key, "completed" if kind == "recovered" else kind) for key, kind in told if key in due]
    assert sorted(told) == sorted((key, kind) for key, kind in due.items() if kind != "started")
    ids = [notice.notice_id for notice in watch.told]
    assert len(set(ids)) == len(ids)
