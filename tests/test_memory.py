"""What is remembered, and that it stays within bounds: the outbox, dead letters, the keys, the item."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handler.decision import Decision
from handler.history import parse_row
from handler.memory import MAX_KEYS, Incident, Memory
from handler.outbox import MAX_DEAD_LETTERS, MAX_OUTBOX, MAX_OUTBOX_BYTES, Channel, Notice, item_bytes
from handler.store import from_item, to_item
from handler.wording import Content
from sandbox.watch import EVERYTHING, START, Watch
from sandbox.zoho import row
from tests.watch import DAY, HOUR, play, said
from tests.world import ITEM_LIMIT, item_size

HOSTILE = "\U0001f3f4" * 100
"""The longest text that is kept of Zoho's, in characters of four bytes each."""
NAMES = ("sns", "slack")
TWO = tuple(Channel(name, name.title()) for name in NAMES)


def notice(number: int, *pending: str, text: str = "It failed.") -> Notice:
    """Return a notice, pending for both channels unless said otherwise."""
    content = Content("🔴", "Backup failed", text)
    return Notice(f"n{number}", "failed", START + number * HOUR, pending or NAMES, "critical", content)


def ids(notices: Sequence[Notice]) -> list[str]:
    """Return the id of each notice."""
    return [entry.notice_id for entry in notices]


# --- For whom a notice is ---------------------------------------------------------------------------------------------


def test_a_channel_configured_later_gets_no_backlog_and_for_a_removed_one_nothing_is_pending() -> None:
    """For whom a notice is, is fixed when it is decided."""
    watch = Watch(channels=TWO[:1])
    watch.deaf = {*NAMES}
    for channels, pending in ((TWO[:1], [("sns",)]), (TWO, [("sns",)]), (TWO[1:], [])):
        watch.channels = channels
        watch.check()
        assert [entry.pending_for for entry in watch.memory.outbox] == pending
    play(watch, "1h | failed | failed opened")
    watch.channels = TWO
    play(watch, "1h | failed | failed")
    assert [entry.pending_for for entry in watch.memory.outbox] == [("slack",), NAMES]


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


BURSTS = st.lists(st.lists(st.tuples(st.sampled_from([("sns",), ("slack",), NAMES]), st.integers(0, 4))), max_size=5)


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
        decision = Decision(memory, START, Watch().policy, TWO, notices=new).finish()
        memory, new = decision.memory, decision.notices
        for channel in NAMES:
            due[channel] += sum(channel in entry.pending_for for entry in new)
        assert len(memory.outbox) <= MAX_OUTBOX
        assert sum(map(item_bytes, memory.outbox)) <= MAX_OUTBOX_BYTES
        assert ids(memory.outbox)[len(memory.outbox) - len(new) :] == ids(new), "what is new always has room"
    waiting = sum(len(memory.pending(channel)) for channel in NAMES)
    assert memory.dead_letters.total == sum(due.values()) - waiting


def test_what_only_a_broken_channel_lacks_makes_room_first() -> None:
    """What nobody has accepted yet stays as long as there is anything else; then the oldest goes, and it is told."""
    waiting = (*(notice(n) for n in range(100)), *(notice(n, "slack") for n in range(100, 200)))
    memory = Memory("default", channels=NAMES, outbox=waiting)
    new = [notice(n) for n in range(200, 250)]
    memory = Decision(memory, START, Watch().policy, TWO, notices=new).finish().memory
    assert ids(memory.outbox) == [f"n{n}" for n in (*range(100), *range(150, 250))]
    assert memory.dead_letters.total == 50
    assert {letter.why for letter in memory.dead_letters.last} == {"more waited than can be kept"}
    later = [notice(n) for n in range(250, 302)]
    memory = Decision(memory, START, Watch().policy, TWO, notices=later).finish().memory
    lost = "default-lost-slack-20260302T100000Z"
    assert ids(memory.outbox) == [*(f"n{n}" for n in (*range(3, 100), *range(200, 302))), lost]


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
        watch.rows = many[max(0, begin - 1) : begin + 500]  # one that is known: else it is another history
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
    watch.deaf = {channel.name for channel in watch.channels}
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
    assert item_size(to_item(memory)) < ITEM_LIMIT
    assert from_item(to_item(memory)) == memory
    one = notice(1, text=HOSTILE * 10)
    alone = item_size(to_item(Memory("x", outbox=(one,)))) - item_size(to_item(Memory("x")))
    assert abs(item_bytes(one) - alone) < 200, "a notice's size is about what it takes of the item"
