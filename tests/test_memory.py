"""What is remembered, and that it stays within bounds: the outbox, what is set aside, the keys, the item."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import NoPermissionError
from handler.history import parse_row
from handler.incidents import shown
from handler.memory import (
    MAX_KEYS,
    MAX_NAMED,
    MAX_OUTBOX,
    MAX_OUTBOX_BYTES,
    MAX_SET_ASIDE,
    Incident,
    Memory,
    Notice,
    SetAside,
    enqueue,
)
from handler.rules import decide
from handler.store import from_item, to_item
from tests.watch import CHANNELS, EVERYTHING, Watch, item_size, kinds
from tests.world import START, row

HOSTILE = "\U0001f3f4" * 100
"""The longest text that is kept of Zoho's, in characters of four bytes each."""
ITEM_LIMIT = 400 * 1024  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html


def notice(number: int, *owed: str, kind: str = "failed", **fields: Any) -> Notice:
    """Return a notice with a row of its own, owed to every channel unless said otherwise."""
    made = Notice(f"n{number}", kind, START + timedelta(hours=number), owed or CHANNELS)
    return replace(made, **{"row": {"id": str(number), "log_time": START.isoformat()}, **fields})


def reminder(number: int, incident: str = "overdue", *owed: str, **fields: Any) -> Notice:
    """Return a reminder of an incident."""
    return notice(number, *owed, kind=incident, row=None, incident=incident, reminder=True, **fields)


def ids(notices: Sequence[Notice]) -> list[str]:
    """Return the id of each notice."""
    return [entry.notice_id for entry in notices]


# What is owed


def test_what_a_channel_accepted_is_owed_to_the_others_only() -> None:
    """A notice leaves the outbox when the last channel took it."""
    memory = Memory("default", outbox=(notice(1), notice(2, "slack"), notice(3)))
    memory = memory.accepted("sns", {"n1", "n2"})
    assert [(entry.notice_id, entry.owed) for entry in memory.outbox] == [
        ("n1", ("slack",)),
        ("n2", ("slack",)),
        ("n3", CHANNELS),
    ]
    assert ids(memory.owed_to("sns")) == ["n3"]
    assert ids(memory.accepted("slack", {"n1", "n2", "n3"}).outbox) == ["n3"]
    assert memory.accepted("slack", {"n1", "n2"}).accepted("sns", {"n3"}).accepted("slack", {"n3"}).outbox == ()


def test_a_channel_configured_anew_gets_no_backlog_and_a_removed_one_is_owed_nothing() -> None:
    """Who is owed a notice is fixed when it is decided."""
    watch = Watch(channels=["sns"])
    told = decide([], watch.memory, START, watch.policy, ["sns"]).memory
    assert [entry.owed for entry in told.outbox] == [("sns",)]
    assert [entry.owed for entry in decide([], told, START, watch.policy, CHANNELS).memory.outbox] == [("sns",)]
    both = decide([], Memory("default"), START, watch.policy, CHANNELS).memory
    assert [entry.owed for entry in decide([], both, START, watch.policy, ["sns"]).memory.outbox] == [("sns",)]
    assert decide([], both.accepted("sns", set(ids(both.outbox))), START, watch.policy, ["sns"]).memory.outbox == ()


# Reminders


def test_a_newer_reminder_replaces_its_older_one_that_still_waits() -> None:
    """Only of the same incident, only reminders, and whatever channels the older one waits for."""
    waiting = (
        notice(1, kind="overdue", incident="overdue"),  # the opening stays
        reminder(2, "overdue", "slack"),
        reminder(3, "stuck"),
        notice(4),
    )
    assert ids(enqueue(waiting, [notice(5), reminder(6, "overdue")])) == ["n1", "n3", "n4", "n5", "n6"]
    assert ids(enqueue(waiting, [notice(7, kind="recovered", incident="overdue")])) == ["n1", "n2", "n3", "n4", "n7"]


def test_a_week_of_reminders_waits_as_one() -> None:
    """A channel that is down for long gets the opening and the last reminder."""
    watch = Watch(digest_days=0)
    watch.look()
    memory = watch.memory
    for day in range(33, 40):
        memory = decide([], memory, START + timedelta(days=day), watch.policy, CHANNELS).memory
    assert [(entry.kind, entry.reminder) for entry in memory.outbox] == [("overdue", False), ("overdue", True)]
    assert memory.outbox[-1].at == START + timedelta(days=39)


# Folding


def test_two_hundred_entries_fit_as_they_are() -> None:
    """The bound itself folds nothing."""
    full = tuple(notice(n) for n in range(MAX_OUTBOX))
    assert enqueue((), full) == full
    assert enqueue(full[:-1], full[-1:]) == full


def test_what_is_more_is_folded_into_one_entry_that_counts_and_names() -> None:
    """The oldest are folded; counts by kind stay true and the first hundred are named, however often it happens."""
    outbox: tuple[Notice, ...] = ()
    for number in range(1_000):
        outbox = enqueue(outbox, [notice(number, kind="completed" if number % 3 else "failed")])
        assert len(outbox) <= MAX_OUTBOX
    folded, *rest = outbox
    assert folded.kind == "folded"
    assert "folded" not in kinds(rest)
    assert ids(rest) == [f"n{number}" for number in range(1_000 - len(rest), 1_000)]
    gone = 1_000 - len(rest)
    failed = len(range(0, gone, 3))
    assert folded.facts["counts"] == {"failed": failed, "completed": gone - failed}
    assert [entry["row_id"] for entry in folded.facts["named"]] == [str(number) for number in range(MAX_NAMED)]
    assert folded.facts["named"][1] == {"kind": "completed", "row_id": "1", "log_time": START.isoformat()}
    assert folded.at == START + timedelta(hours=gone - 1)


def test_folding_never_tells_a_channel_what_it_has_accepted() -> None:
    """One folded entry for each set of channels that is owed: counts per channel are exact."""
    outbox = [
        *(notice(n, "slack") for n in range(60)),
        *(notice(n) for n in range(60, 100)),
        *(notice(n, "sns") for n in range(100, 150)),
        *(notice(n) for n in range(150, 300)),
    ]
    memory = Memory("default", outbox=enqueue((), outbox))
    assert len(memory.outbox) <= MAX_OUTBOX
    for channel in CHANNELS:
        due = sum(channel in entry.owed for entry in outbox)
        told = [sum(n.facts["counts"].values()) if n.kind == "folded" else 1 for n in memory.owed_to(channel)]
        assert sum(told) == due


def test_an_entry_folded_anew_has_an_id_of_its_own() -> None:
    """A receiver that drops what it has seen must not drop what was added; unchanged, the id is the same."""
    outbox = enqueue((), [notice(number) for number in range(201)])
    grown = enqueue(outbox, [notice(number) for number in range(201, 210)])
    assert outbox[0].kind == grown[0].kind == "folded"
    assert outbox[0].notice_id != grown[0].notice_id
    assert enqueue(outbox, [])[0] == outbox[0]


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([("sns",), ("slack",), CHANNELS]), st.integers(0, 6)), max_size=120),
        max_size=6,
    )
)
def test_whatever_waits_nothing_is_lost_and_the_outbox_stays_within_its_bounds(
    additions: list[list[tuple[tuple[str, ...], int]]],
) -> None:
    """Any notices, small and huge, in any bursts: counts per channel stay exact, entries and bytes bounded."""
    outbox: tuple[Notice, ...] = ()
    due = {"sns": 0, "slack": 0}
    number = 0
    for burst in additions:
        new = []
        for owed, size in burst:
            number += 1
            new.append(notice(number, *owed, facts={"text": HOSTILE * 4**size}))
            for channel in owed:
                due[channel] += 1
        outbox = enqueue(outbox, new)
        assert len(outbox) <= MAX_OUTBOX
        assert sum(len(json.dumps(entry.facts, ensure_ascii=False).encode()) for entry in outbox) <= MAX_OUTBOX_BYTES
        assert len(set(ids(outbox))) == len(outbox)
        for channel, count in due.items():
            told = [
                sum(entry.facts["counts"].values()) if entry.kind == "folded" else 1
                for entry in outbox
                if channel in entry.owed
            ]
            assert sum(told) == count


# Set aside


def test_what_is_set_aside_is_counted_listed_and_told_in_the_next_notice_once() -> None:
    """The last twenty by name, all of them by number; a folded entry weighs what it holds."""
    folded = Notice("f", "folded", START, CHANNELS, facts={"first_id": "n0", "counts": {"failed": 7}, "named": []})
    memory = Memory("default", outbox=(folded, *(notice(number) for number in range(30))))
    memory = memory.put_aside("slack", {"f", *(f"n{number}" for number in range(25))}, "refused", START)
    assert memory.set_aside.count == memory.set_aside.untold == 32
    assert [entry["notice_id"] for entry in memory.set_aside.last] == [f"n{n}" for n in range(5, 25)]
    assert len(memory.set_aside.last) == MAX_SET_ASIDE
    assert memory.set_aside.last[0] == {
        "notice_id": "n5",
        "kind": "failed",
        "channel": "slack",
        "why": "refused",
        "at": START.isoformat(),
    }
    assert [entry.owed for entry in memory.outbox] == [("sns",)] * 26 + [CHANNELS] * 5

    watch = Watch(memory=replace(memory, baseline_at=START, digest_at=START, outbox=()))
    assert watch.look_after(hours=1) == []
    watch.log(state="failure")
    watch.log(state="failure", at=watch.now + timedelta(minutes=1))
    assert watch.look_after(hours=1) == ["failed", "failed"]
    assert [told.facts.get("set_aside") for told in watch.told] == [32, None]
    assert watch.memory.set_aside == replace(memory.set_aside, untold=0)


def test_a_count_of_what_was_set_aside_outlives_the_notice_that_carried_it() -> None:
    """The notice is replaced by a newer reminder, folded, or set aside itself: people get the number all the same."""
    carrier = reminder(1, facts={"set_aside": 3})
    (newer,) = enqueue([carrier], [reminder(2)])
    assert newer.facts["set_aside"] == 3
    (newest,) = enqueue([newer], [reminder(3, facts={"set_aside": 2})])
    assert newest.facts["set_aside"] == 5

    folded, *_ = enqueue([notice(1, facts={"set_aside": 3})], [notice(number) for number in range(2, 300)])
    assert folded.facts["set_aside"] == 3
    folded, *_ = enqueue([folded], [notice(number) for number in range(300, 600)])
    assert folded.facts["set_aside"] == 3

    memory = Memory("default", outbox=(notice(1, facts={"set_aside": 3}),)).put_aside("slack", {"n1"}, "why", START)
    assert (memory.set_aside.count, memory.set_aside.untold) == (1, 1)  # e-mail will still tell
    memory = memory.put_aside("sns", {"n1"}, "why", START)
    assert (memory.set_aside.count, memory.set_aside.untold) == (2, 5)


@pytest.mark.parametrize("waited", [timedelta(days=14), timedelta(days=14, seconds=1)], ids=str)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "slow"])
def test_a_channel_that_is_gone_keeps_its_notices_for_fourteen_days(waited: timedelta, gone: bool) -> None:
    """To the second; a channel that is only slow keeps them for good, and the other channel is still owed its own."""
    broken = {"channel:slack": Incident(START, START, {"channel": "slack", "detail": "HTTP 404"})} if gone else {}
    memory = Memory("default", baseline_at=START, digest_at=START, channels=CHANNELS, incidents=broken)
    memory = replace(memory, outbox=(notice(0), notice(1, "slack")))
    policy = Watch(notify_on=EVERYTHING - {"channel"}).policy
    memory = decide([], memory, START + waited, policy, CHANNELS).memory
    if gone and waited > timedelta(days=14):
        assert [(entry.notice_id, entry.owed) for entry in memory.outbox] == [("n0", ("sns",)), ("n1", ("slack",))]
        assert memory.set_aside.count == 1
    else:
        assert [entry.owed for entry in memory.outbox] == [CHANNELS, ("slack",)]
        assert memory.set_aside == SetAside()


def test_nothing_that_was_folded_is_given_up_before_its_time() -> None:
    """The newest of what an entry holds decides when it is given up."""
    broken = {"channel:slack": Incident(START, START, {"channel": "slack", "detail": "HTTP 404"})}
    outbox = enqueue((), [notice(24 * number // 20, "slack") for number in range(240)])  # twenty a day, for 12 days
    memory = Memory("default", baseline_at=START, digest_at=START, channels=CHANNELS, incidents=broken, outbox=outbox)
    policy = Watch(notify_on=()).policy
    late = outbox[0].at + timedelta(days=14)
    assert outbox[0].kind == "folded"
    assert decide([], memory, late, policy, CHANNELS).memory.set_aside == SetAside()
    gone = decide([], memory, late + timedelta(seconds=1), policy, CHANNELS).memory
    assert gone.set_aside.count == outbox[0].facts["counts"]["failed"]


# Keys


def test_keys_live_400_days_and_never_die_while_the_history_shows_them() -> None:
    """A row that Zoho still shows is never told again; one that is gone is forgotten when news comes."""
    lasting, passing = row(START, state="completed"), row(START, state="failure")
    watch = Watch([lasting, passing])
    watch.look()
    watch.rows = [lasting]
    for days, remembered in ((400, True), (401, False)):
        watch.log(at=START + timedelta(days=days), action="purchased")
        watch.look_at(START + timedelta(days=days))
        assert (parse_row(passing).key in watch.memory.seen) is remembered
        assert parse_row(lasting).key in watch.memory.seen
    watch.look_at(START + timedelta(days=800))
    watch.log(action="purchased")
    watch.look_at(START + timedelta(days=900))
    assert [entry.kind for entry in watch.told if entry.row] == []


def test_no_more_keys_are_kept_than_fit() -> None:
    """3,000 in all: those that are shown, and the newest of those that are not."""
    now = START
    rows = [parse_row({"id": str(n), "action": "purchased"}) for n in range(2 * MAX_KEYS)]
    memory = Memory("default")
    policy = Watch().policy
    for start in range(0, 2 * MAX_KEYS, 500):
        now += timedelta(hours=1)
        memory = from_item(to_item(decide(rows[start : start + 500], memory, now, policy, CHANNELS).memory))
        assert len(memory.seen) == min(start + 500, MAX_KEYS)
    assert set(memory.seen) == {parsed.key for parsed in rows[MAX_KEYS:]}
    now += timedelta(hours=1)
    memory = decide(rows[-MAX_KEYS:], memory, now, policy, CHANNELS).memory
    assert set(memory.seen) == {parsed.key for parsed in rows[MAX_KEYS:]}
    shown_rows = [rows[0], *rows[-2000:]]
    memory = decide(shown_rows, memory, now + timedelta(hours=1), policy, CHANNELS).memory
    assert set(memory.seen) == {parsed.key for parsed in [rows[0], *rows[MAX_KEYS + 1 :]]}


# The item


def test_the_worst_item_stays_below_dynamodbs_limit() -> None:
    """3,000 rows, each first seen at an hour of its own, an outbox of hostile texts owed unevenly, everything open."""
    hostile = dict.fromkeys(("state", "repeat_type", "done_by", "file_name"), HOSTILE)
    rows = [parse_row({**hostile, "id": f"{HOSTILE[:90]}{number}", "count": 999_999}) for number in range(MAX_KEYS)]
    watch = Watch(memory=Memory("o" * 64), notify_on=EVERYTHING)
    watch.look()
    memory = decide(rows, watch.memory, START, watch.policy, CHANNELS).memory
    told = decide(rows[:1000], watch.memory, START, watch.policy, CHANNELS).notices
    uneven = [replace(entry, owed=[("sns",), ("slack",), CHANNELS][n % 3]) for n, entry in enumerate(told)]
    assert {entry.kind for entry in uneven} == {"unknown"}
    memory = replace(
        memory,
        outbox=enqueue((), uneven),
        seen={key: START + timedelta(hours=n) for n, key in enumerate(memory.seen)},
        incidents={
            name: Incident(START, START, {"row": shown(rows[0]), "detail": HOSTILE, "resolution": HOSTILE})
            for name in ("overdue", "stuck", "unreadable", "channel:sns", "channel:slack")
        },
        set_aside=memory.put_aside("sns", {entry.notice_id for entry in memory.outbox}, HOSTILE, START).set_aside,
        lease_owner="r" * 36,
        lease_until=START,
    )
    assert len(memory.seen) == MAX_KEYS
    assert len(memory.set_aside.last) == MAX_SET_ASIDE
    assert kinds(memory.outbox)[:4] == ["folded", "folded", "folded", "unknown"]
    assert item_size(memory) < ITEM_LIMIT
    assert from_item(to_item(memory)) == memory


def test_an_ordinary_item_is_small() -> None:
    """A year of weekly backups, two rows each: read in one unit of four kilobytes, many times over."""
    watch = Watch(
        row(START + timedelta(days=7 * week, minutes=minutes), **what)
        for week in range(52)
        for minutes, what in ((0, {"action": "initiated"}), (40, {"state": "completed"}))
    )
    for week in range(52):
        shown_rows = watch.rows[: 2 * week + 2]
        everything, watch.rows = watch.rows, shown_rows
        watch.look_at(START + timedelta(days=7 * week, hours=1))
        watch.rows = everything
    assert item_size(watch.memory) < 5_000


@given(st.data())
def test_a_memory_comes_back_from_the_table_as_it_was(data: st.DataObject) -> None:
    """Whatever was decided: text by text, time by time."""
    watch = Watch(notify_on=EVERYTHING)
    for _ in range(data.draw(st.integers(1, 4))):
        what: dict[str, Any] = data.draw(
            st.sampled_from([{}, {"state": "completed"}, {"state": "failure"}, {"state": "\ud800?"}, {"id": None}])
        )
        watch.log(**what)
        problem = data.draw(st.sampled_from([None, None, NoPermissionError("HTTP 403")]))
        watch.look_after(problem, hours=data.draw(st.sampled_from([1, 25, 24 * 40])))
        for memory in (watch.memory, watch.decision.memory):
            assert from_item(to_item(memory)) == memory


def test_the_item_is_readable_in_the_console() -> None:
    """Attribute names of the design, ISO 8601 times in UTC, and nothing that is empty."""
    watch = Watch([row(START - timedelta(hours=1), state="completed")])
    watch.look()
    item = to_item(watch.memory)
    assert set(item) == {
        *("org", "schema", "version", "baseline_at", "last_seen_id", "last_seen_time", "seen", "schedule"),
        *("last_completed", "failures_in_a_row", "digest_at", "channels"),
    }
    assert item["last_seen_id"] == {"S": watch.rows[0]["id"]}
    assert item["last_seen_time"] == {"S": "2026-03-02T09:00:00+00:00"}
    assert item["seen"] == {"S": f"2026-03-02T10:00:00+00:00 {parse_row(watch.rows[0]).key}"}
    assert datetime.fromisoformat(item["baseline_at"]["S"]) == START
