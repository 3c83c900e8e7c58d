"""What is remembered, and that it stays within bounds: the outbox, dead letters, the keys, the item."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.decision import Decision, Receiver
from handler.history import parse_row
from handler.memory import MAX_DEAD_LETTERS, MAX_KEYS, Incident, Memory
from handler.outbox import MAX_OUTBOX, MAX_OUTBOX_BYTES, IncidentRef, Notice, item_bytes
from handler.store import from_item, to_item
from handler.wording import Content
from sandbox.watch import EVERYTHING, START, Watch
from sandbox.zoho import row
from tests.item import ITEM_LIMIT, item_size
from tests.watch import DAY, HOUR, play, rows, said

HOSTILE = "\U0001f3f4" * 100
"""The longest text that is kept of Zoho's, in characters of four bytes each."""
NAMES = ("sns", "slack")
TWO = tuple(Receiver(name, name.title()) for name in NAMES)


def notice(number: int, *pending: str, text: str = "It failed.", severity: str = "critical") -> Notice:
    """Return a notice, pending for both channels unless said otherwise."""
    content = Content("🔴", "Backup failed", text)
    return Notice(f"n{number}", "failed", START + number * HOUR, pending or NAMES, severity, content)


def ids(notices: Sequence[Notice]) -> list[str]:
    """Return the id of each notice."""
    return [entry.notice_id for entry in notices]


# --- For whom a notice is ---------------------------------------------------------------------------------------------


def test_what_a_channel_accepted_is_pending_for_the_others_only() -> None:
    """A notice leaves the outbox when the last channel took it."""
    memory = Memory("default", outbox=(notice(1), notice(2, "slack"), notice(3))).accepted("sns", {"n1", "n2"})
    assert [entry.pending_for for entry in memory.outbox] == [("slack",), ("slack",), NAMES]
    assert ids(memory.pending("sns")) == ["n3"]
    assert memory.accepted("slack", {"n1", "n2"}).accepted("sns", {"n3"}).accepted("slack", {"n3"}).outbox == ()


def test_a_channel_configured_later_gets_no_backlog_and_for_a_removed_one_nothing_is_pending() -> None:
    """For whom a notice is, is fixed when it is decided."""
    watch = Watch(receivers=TWO[:1])
    watch.deaf = {*NAMES}
    for receivers, pending in ((TWO[:1], [("sns",)]), (TWO, [("sns",)]), (TWO[1:], [])):
        watch.receivers = receivers
        watch.check()
        assert [entry.pending_for for entry in watch.memory.outbox] == pending
    play(watch, "1h | failed | failed opened")
    watch.receivers = TWO
    play(watch, "1h | failed | failed")
    assert [entry.pending_for for entry in watch.memory.outbox] == [("slack",), NAMES]


LASTING, STOP = IncidentRef("stuck", START), IncidentRef("stopped", START, "warning")
ODD_STATE, ODD_ACTION = parse_row({"state": "paused"}), parse_row({"action": "resumed"})
HEARD = {
    "news": (notice(1, severity="info"), "info", False),
    "a warning": (notice(1, severity="warning"), "warning", False),
    "an opening": (notice(1)._replace(opens=(LASTING,)), "critical", True),
    "the end of what was critical": (notice(1, severity="info")._replace(ends=(LASTING,)), "critical", True),
    "the end of what was a warning": (notice(1, severity="info")._replace(ends=(STOP,)), "warning", True),
    "an unknown state": (notice(1)._replace(kind="unknown", row=ODD_STATE), "critical", True),
    "an unknown action": (notice(1, severity="warning")._replace(kind="unknown", row=ODD_ACTION), "warning", False),
    "a severity that nobody knows": (notice(1, severity="catastrophic"), "critical", False),
}


@pytest.mark.parametrize("what", HEARD)
def test_who_hears_what(what: str) -> None:
    """By what it weighs: whoever heard an opening hears the end; some take incidents and unknown states only."""
    entry, weight, about_incident = HEARD[what]
    floors = ("info", "warning", "critical")
    for floor in floors:
        weighs = floors.index(weight) >= floors.index(floor)
        assert Receiver("x", min_severity=floor).wants(entry) == weighs
        assert Receiver("x", min_severity=floor, incidents_only=True).wants(entry) == (weighs and about_incident)


# --- What waits -------------------------------------------------------------------------------------------------------


def test_a_newer_reminder_replaces_its_older_one_and_no_failed_row_is_replaced() -> None:
    """A channel that is down for a week gets what has a row, each, and the last reminder of each incident."""
    watch = Watch(digest_days=0, max_backup_age_days=3650)
    watch.check()
    watch.deaf = {"slack"}
    play(watch, "2h | failed@1h, failed@2h | failed opened, failed")
    play(watch, "1h | |", "24h | started | stuck opened, failed reminder")
    play(watch, *["24h | | stuck reminder, failed reminder"] * 5)
    assert said(watch.memory.outbox) == "failed opened, failed, stuck opened, stuck reminder, failed reminder"
    assert {entry.at for entry in watch.memory.outbox[3:]} == {watch.now}
    assert watch.memory.dead_letters.total == 0, "what is replaced is not lost"


BURSTS = st.lists(st.lists(st.tuples(st.sampled_from([("sns",), ("slack",), NAMES]), st.integers(0, 5))), max_size=5)


@settings(max_examples=60)
@given(BURSTS, st.booleans())
def test_whatever_waits_nothing_is_lost_uncounted_and_the_outbox_stays_within_its_bounds(
    bursts: list[list[tuple[tuple[str, ...], int]]], broken: bool
) -> None:
    """Any notices, small and huge, in any bursts that fit: what makes room is a dead letter, counted."""
    memory, number = Memory("default", channels=NAMES), 0
    if broken:
        memory = memory.with_incident("channel:slack", Incident(START, START))
    due = dict.fromkeys(NAMES, 0)
    for burst in bursts:
        new = [notice(number + n, *to, text=HOSTILE * 3**size) for n, (to, size) in enumerate(burst[:5] * 8)]
        number += len(new)
        new = new[: 1 + MAX_OUTBOX_BYTES // max([1, *map(item_bytes, new)]) // 2]
        for channel in NAMES:
            due[channel] += sum(channel in entry.pending_for for entry in new)
        memory = Decision(memory, START, Watch().policy, TWO, notices=new).finish().memory
        assert len(memory.outbox) <= MAX_OUTBOX
        assert sum(map(item_bytes, memory.outbox)) <= MAX_OUTBOX_BYTES
        assert ids(memory.outbox)[len(memory.outbox) - len(new) :] == ids(new), "what is new always has room"
    waiting = sum(len(memory.pending(channel)) for channel in NAMES)
    assert memory.dead_letters.total == sum(due.values()) - waiting


def test_what_only_a_broken_channel_lacks_makes_room_first() -> None:
    """What nobody has accepted yet stays as long as there is anything else; then the oldest goes."""
    waiting = (*(notice(n) for n in range(100)), *(notice(n, "slack") for n in range(100, 200)))
    memory = Memory("default", channels=NAMES, outbox=waiting)
    new = [notice(n) for n in range(200, 250)]
    memory = Decision(memory, START, Watch().policy, TWO, notices=new).finish().memory
    assert ids(memory.outbox) == [f"n{n}" for n in (*range(100), *range(150, 250))]
    assert memory.dead_letters.total == 50
    assert {letter.why for letter in memory.dead_letters.last} == {"more waited than can be kept"}
    later = [notice(n) for n in range(250, 302)]
    memory = Decision(memory, START, Watch().policy, TWO, notices=later).finish().memory
    assert ids(memory.outbox) == [f"n{n}" for n in (*range(2, 100), *range(200, 302))]


def test_dead_letters_are_counted_and_listed() -> None:
    """The last twenty by name, all of them by number; what is not pending for a channel is none of it."""
    memory = Memory("default", channels=NAMES, outbox=tuple(notice(number) for number in range(30)))
    memory = memory.discard("slack", {"n99", *(f"n{number}" for number in range(25))}, "refused", START)
    letters = memory.dead_letters
    assert letters.total == 25
    assert [letter.notice_id for letter in letters.last] == [f"n{n}" for n in range(5, 25)]
    assert len(letters.last) == MAX_DEAD_LETTERS
    first = letters.last[0]
    assert (first.kind, first.channel, first.why, first.at) == ("failed", "slack", "refused", START)
    assert [entry.pending_for for entry in memory.outbox] == [("sns",)] * 25 + [NAMES] * 5
    assert memory.discard("slack", {"n1"}, "refused", START) == memory


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "slow"])
def test_what_waits_for_a_broken_channel_becomes_dead_letters_after_14_days(broken: bool) -> None:
    """A channel that is only slow gets it whenever it is back."""
    watch = Watch(receivers=TWO, digest_days=0, max_backup_age_days=3650, remind_hours=0)
    watch.check()
    watch.deaf = {"slack"}
    play(watch, "0h | completed | completed", "24h | |", "0h | completed | completed")
    if broken:
        watch.memory = watch.memory.with_incident("channel:slack", Incident(START, START))
    for seconds, lost in ((-1, 0), (0, 0), (1, 1)):
        watch.check_at(START + 14 * DAY + timedelta(seconds=seconds))
        assert watch.memory.dead_letters.total == (lost if broken else 0)
    assert len(watch.memory.pending("slack")) == (1 if broken else 2)


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_keys_live_400_days_and_never_die_while_the_history_shows_them() -> None:
    """A row that Zoho still shows is never sent again; one that is gone is forgotten when news comes."""
    lasting, passing = row(START, state="completed"), row(START, state="failure")
    watch = Watch([lasting, passing], remind_hours=0)
    watch.check()
    watch.rows = [lasting]
    for days, remembered in ((400, True), (401, False), (900, False)):
        watch.log(at=START + days * DAY, action="purchased")
        watch.check_at(START + timedelta(days=days))
        assert (parse_row(passing).key in watch.memory.seen) is remembered
        assert parse_row(lasting).key in watch.memory.seen
    assert [entry for entry in watch.notices if entry.row and entry.phase != "reminder"] == []


def test_no_more_keys_are_kept_than_fit() -> None:
    """3,000 in all: those that are shown, and the newest of those that are not."""
    many = [{"id": str(n), "action": "purchased"} for n in range(2 * MAX_KEYS)]
    keys = [parse_row(raw).key for raw in many]
    watch = Watch()
    for begin in range(0, 2 * MAX_KEYS, 500):
        watch.rows = many[begin : begin + 500]
        watch.check_after(hours=1)
        assert len(watch.memory.seen) == min(begin + 500, MAX_KEYS)
    assert set(watch.memory.seen) == set(keys[MAX_KEYS:])
    watch.rows = many[:1] + many[-2000:]
    watch.check_after(hours=1)
    assert set(watch.memory.seen) == {keys[0], *keys[MAX_KEYS + 1 :]}


# --- The item ---------------------------------------------------------------------------------------------------------


def test_the_worst_item_stays_below_dynamodbs_limit() -> None:
    """3,000 rows, each first seen at an hour of its own, a full outbox of hostile texts, everything open."""
    hostile = dict.fromkeys(("state", "repeat_type", "done_by", "file_name"), HOSTILE)
    rows = [{**hostile, "id": f"{HOSTILE[:90]}{number}", "count": 999_999} for number in range(MAX_KEYS)]
    watch = Watch(memory=Memory("o" * 64), notify_on=EVERYTHING)
    watch.check()
    watch.deaf = {receiver.name for receiver in watch.receivers}
    watch.rows = rows[:1000]
    watch.check()
    memory = watch.memory._replace(
        seen={parse_row(raw).key: START + n * HOUR for n, raw in enumerate(rows)},
        incidents={f"channel:{n}": Incident(START, START, detail=HOSTILE * 3, label=HOSTILE) for n in range(8)},
        dead_letters=watch.memory.discard("sns", set(ids(watch.memory.outbox)), HOSTILE * 3, START).dead_letters,
        lease_owner="r" * 36,
        lease_until=START,
    )
    assert len(memory.seen) == MAX_KEYS
    assert item_size(memory) < ITEM_LIMIT
    assert from_item(to_item(memory)) == memory
    one = notice(1, text=HOSTILE * 10)
    alone = item_size(Memory("x", outbox=(one,))) - item_size(Memory("x"))
    assert abs(item_bytes(one) - alone) < 200, "a notice's size is about what it takes of the item"


def test_the_item_is_readable_in_the_console_and_small() -> None:
    """ISO 8601 times in UTC, and nothing that is empty; a year of weekly backups takes five kilobytes."""
    watch = Watch(rows("completed@-1h"))
    watch.check()
    item = to_item(watch.memory)
    assert set(item) == {
        *("org", "schema", "version", "baseline_at", "last_seen_id", "last_seen_time", "seen", "schedule"),
        *("last_completed", "failures_in_a_row", "digest_at", "channels", "dead_letters"),
    }
    assert item["last_seen_id"] == {"S": watch.rows[0]["id"]}
    assert item["last_seen_time"] == {"S": "2026-03-02T09:00:00+00:00"}
    assert item["seen"] == {"S": f"2026-03-02T10:00:00+00:00 {parse_row(watch.rows[0]).key}"}
    for _ in range(52):
        watch.log(action="initiated")
        watch.check_after(hours=1)
        watch.log(state="completed")
        watch.check_after(hours=24 * 7 - 1)
    assert item_size(watch.memory) < 5_000
