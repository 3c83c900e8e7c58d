"""What is remembered, and that it stays within bounds: the outbox, dead letters, the keys, the item."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.decision import Answers, Decision, Policy, Receiver
from handler.history import parse_row
from handler.memory import MAX_DEAD_LETTERS, MAX_KEYS, DeadLetters, Incident, Memory
from handler.outbox import MAX_OUTBOX, MAX_OUTBOX_BYTES, Notice, fitting, item_bytes, without_replaced
from handler.rules import decide
from handler.store import from_item, to_item
from handler.wording import Content
from sandbox.watch import EVERYTHING, RECEIVERS, START, Raw, Watch
from sandbox.zoho import row
from tests.item import ITEM_LIMIT, item_size

HOSTILE = "\U0001f3f4" * 100
"""The longest text that is kept of Zoho's, in characters of four bytes each."""
DAY = timedelta(days=1)
NAMES = ("sns", "slack")
TWO = tuple(Receiver(name, name.title()) for name in NAMES)
ASKED = Answers(frozenset({"plan", "links"}))


def notice(number: int, *pending: str, text: str = "It failed.", incident: str = "", phase: str = "news") -> Notice:
    """Return a notice, pending for both channels unless said otherwise."""
    content = Content("🔴", "Backup failed", text)
    at = START + timedelta(hours=number)
    return Notice(f"n{number}", "failed", at, pending or NAMES, "critical", content, phase=phase, incident=incident)


def ids(notices: Sequence[Notice]) -> list[str]:
    """Return the id of each notice."""
    return [entry.notice_id for entry in notices]


def decided(memory: Memory, now: datetime, receivers: Sequence[Receiver] = TWO, policy: Policy | None = None) -> Memory:
    """Return the memory after a good read of an empty history."""
    return decide([], memory, now, policy or Watch().policy, receivers, ASKED).memory


# --- What is pending --------------------------------------------------------------------------------------------------


def test_what_a_channel_accepted_is_pending_for_the_others_only() -> None:
    """A notice leaves the outbox when the last channel took it."""
    memory = Memory("default", outbox=(notice(1), notice(2, "slack"), notice(3)))
    memory = memory.accepted("sns", {"n1", "n2"})
    assert [(entry.notice_id, entry.pending_for) for entry in memory.outbox] == [
        ("n1", ("slack",)),
        ("n2", ("slack",)),
        ("n3", NAMES),
    ]
    assert ids(memory.pending("sns")) == ["n3"]
    assert ids(memory.accepted("slack", {"n1", "n2", "n3"}).outbox) == ["n3"]
    assert memory.accepted("slack", {"n1", "n2"}).accepted("sns", {"n3"}).accepted("slack", {"n3"}).outbox == ()


def test_a_channel_configured_later_gets_no_backlog_and_for_a_removed_one_nothing_is_pending() -> None:
    """For whom a notice is, is fixed when it is decided."""
    first = decided(Memory("default"), START, TWO[:1])
    assert [entry.pending_for for entry in first.outbox] == [("sns",)]
    assert [entry.pending_for for entry in decided(first, START).outbox] == [("sns",)]
    both = decided(Memory("default"), START)
    assert [entry.pending_for for entry in both.outbox] == [NAMES]
    assert [entry.pending_for for entry in decided(both, START, TWO[:1]).outbox] == [("sns",)]
    assert decided(both.accepted("sns", set(ids(both.outbox))), START, TWO[:1]).outbox == ()


FLOORS = [
    ("info", False, [True] * 7),
    ("warning", False, [False, True, True, True, True, True, True]),
    ("critical", False, [False, False, True, True, True, True, True]),
    ("info", True, [False, False, True, True, True, True, False]),
    ("critical", True, [False, False, True, True, True, True, False]),
]


@pytest.mark.parametrize(("floor", "incidents_only", "heard"), FLOORS)
def test_who_hears_what(floor: str, incidents_only: bool, heard: list[bool]) -> None:
    """By what it weighs: whoever heard an opening hears the end; some take incidents and unknown states only."""
    watch = Watch(
        receivers=[Receiver("x", "X", min_severity=floor, incidents_only=incidents_only), TWO[0]], notify_on=EVERYTHING
    )
    watch.check()
    seen: list[Notice] = []
    steps: tuple[Raw, ...] = (
        {"state": "completed"},
        {"action": "stopped"},
        {"state": "failure"},
        {"state": "completed"},
    )
    for fields in steps:
        watch.log(**fields)
        watch.check_after(hours=1)
        seen += watch.decision.notices
    watch.log(action="initiated")
    watch.check_after(hours=24)
    seen += watch.decision.notices
    watch.log(state="paused")
    watch.check_after(hours=1)
    seen += watch.decision.notices
    watch.log(action="resumed")
    watch.check_after(hours=1)
    assert watch.decision.notices[0].severity == "warning"
    plain = watch.decision.notices[0]._replace(severity="critical")
    seen.append(plain)
    receiver = watch.receivers[0]
    assert [entry.kind for entry in seen] == [
        *("completed", "stopped", "failed", "recovered", "stuck", "unknown", "unknown")
    ]
    assert [receiver.wants(entry) for entry in seen] == heard


# --- Reminders --------------------------------------------------------------------------------------------------------


def test_a_newer_reminder_replaces_its_older_one_that_still_waits() -> None:
    """Only of the same incident, only reminders, and whatever channels the older one waits for."""
    waiting = (
        notice(1, incident="overdue", phase="opened"),
        notice(2, "slack", incident="overdue", phase="reminder"),
        notice(3, incident="stuck", phase="reminder"),
        notice(4),
    )
    new = [notice(5), notice(6, incident="overdue", phase="reminder")]
    assert ids(without_replaced(waiting, new)) == ["n1", "n3", "n4"]
    assert ids(without_replaced(waiting, [notice(7, incident="overdue", phase="ended")])) == ["n1", "n2", "n3", "n4"]


def test_a_reminder_that_a_newer_one_replaces_is_no_dead_letter() -> None:
    """Also when it has waited for a broken channel for more than 14 days: nothing of it is lost."""
    watch = Watch(digest_days=0, max_backup_age_days=1, remind_hours=24 * 20)
    watch.log(state="completed")
    watch.check()
    watch.receivers = (watch.receivers[0], watch.receivers[1]._replace(problem="spoilt"))
    watch.check_after(days=3)
    assert watch.check_after(days=20) == ["overdue", "channel"]
    assert watch.check_after(days=20) == ["overdue", "channel"]
    assert [letter.notice_id for letter in watch.memory.dead_letters.last] == [watch.notices[1].notice_id]


def test_a_week_of_reminders_waits_as_one_and_no_failed_row_is_replaced() -> None:
    """A channel that is down for long gets what has a row, each, and the last reminder."""
    watch = Watch(digest_days=0, max_backup_age_days=3650)
    watch.check()
    memory = watch.memory
    rows = []
    for hours in (1, 2):
        rows.append(parse_row(watch.log(state="failure", at=START + timedelta(hours=hours))))
        memory = decide(rows, memory, START + timedelta(hours=hours), watch.policy, RECEIVERS, ASKED).memory
    for day in range(1, 7):
        memory = decide(rows, memory, START + timedelta(days=day, hours=2), watch.policy, RECEIVERS, ASKED).memory
    assert [entry.phase for entry in memory.outbox] == ["opened", "news", "reminder"]
    assert memory.outbox[-1].at == START + timedelta(days=6, hours=2)


# --- The bounds of the outbox -----------------------------------------------------------------------------------------


def test_the_outbox_has_room_for_200_entries_and_200000_bytes() -> None:
    """Whichever is full first; a notice's size is about what it takes of the item."""
    small = [notice(number) for number in range(MAX_OUTBOX + 5)]
    assert fitting(small[:MAX_OUTBOX]) == fitting(small) == MAX_OUTBOX == 200
    big = [notice(number, text=HOSTILE * 10) for number in range(100)]
    assert MAX_OUTBOX_BYTES == 200_000
    fit = fitting(big)
    assert sum(map(item_bytes, big[:fit])) <= MAX_OUTBOX_BYTES < sum(map(item_bytes, big[: fit + 1]))
    for one in (small[0], big[0]):
        alone = item_size(Memory("x", outbox=(one,))) - item_size(Memory("x"))
        assert abs(item_bytes(one) - alone) < 200


SIZES = st.lists(st.lists(st.tuples(st.sampled_from([("sns",), ("slack",), NAMES]), st.integers(0, 6))), max_size=5)


@settings(max_examples=60)
@given(SIZES, st.booleans())
def test_whatever_waits_nothing_is_lost_uncounted_and_the_outbox_stays_within_its_bounds(
    bursts: list[list[tuple[tuple[str, ...], int]]], broken: bool
) -> None:
    """Any notices, small and huge, in any bursts that fit: what makes room is a dead letter, counted."""
    memory, number = Memory("default", channels=NAMES), 0
    if broken:
        memory = memory.with_incident("channel:slack", Incident(START, START))
    due = {"sns": 0, "slack": 0}
    for burst in bursts:
        new = []
        for pending, size in [*burst] * 8:
            number += 1
            new.append(notice(number, *pending, text=HOSTILE * 3**size))
        new = new[: fitting(new)]
        for channel in NAMES:
            due[channel] += sum(channel in entry.pending_for for entry in new)
        decision = Decision(memory, START, Watch().policy, TWO, notices=new)
        memory = decision.finish().memory
        assert fitting(memory.outbox) == len(memory.outbox)
        assert ids(memory.outbox)[len(memory.outbox) - len(new) :] == ids(new), "what is new always has room"
    letters = memory.dead_letters
    assert letters.total == sum(due.values()) - sum(len(memory.pending(channel)) for channel in NAMES)
    if letters.total:
        assert letters.unmentioned == dict.fromkeys(NAMES, letters.total), "each channel's next message says it"


def test_what_only_a_broken_channel_lacks_makes_room_first() -> None:
    """What nobody has accepted yet stays as long as there is anything else."""
    waiting = (*(notice(n) for n in range(100)), *(notice(n, "slack") for n in range(100, 200)))
    memory = Memory("default", channels=NAMES, outbox=waiting)
    new = [notice(n) for n in range(200, 250)]
    memory = Decision(memory, START, Watch().policy, TWO, notices=new).finish().memory
    assert ids(memory.outbox) == [f"n{n}" for n in (*range(100), *range(150, 250))]
    assert memory.dead_letters.total == 50
    assert {letter.why for letter in memory.dead_letters.last} == {"more waited than can be kept"}


# --- Dead letters -----------------------------------------------------------------------------------------------------


def test_dead_letters_are_counted_listed_and_mentioned_once_on_each_channel() -> None:
    """The last twenty by name, all of them by number."""
    memory = Memory("default", channels=NAMES, outbox=tuple(notice(number) for number in range(30)))
    memory = memory.discard("slack", {f"n{number}" for number in range(25)}, "refused", START)
    letters = memory.dead_letters
    assert (letters.total, letters.unmentioned) == (25, {"sns": 25, "slack": 25})
    assert [letter.notice_id for letter in letters.last] == [f"n{n}" for n in range(5, 25)]
    assert len(letters.last) == MAX_DEAD_LETTERS
    first = letters.last[0]
    assert (first.kind, first.channel, first.why, first.at) == ("failed", "slack", "refused", START)
    assert [entry.pending_for for entry in memory.outbox] == [("sns",)] * 25 + [NAMES] * 5
    memory = memory.mentioned("sns")
    assert memory.dead_letters.unmentioned == {"slack": 25}
    memory = memory.discard("slack", {"n27"}, "refused", START)
    assert memory.dead_letters.unmentioned == {"sns": 1, "slack": 26}
    assert memory.mentioned("sns").mentioned("slack").dead_letters == memory.dead_letters._replace(unmentioned={})


def test_what_is_not_pending_for_a_channel_is_no_dead_letter_of_it() -> None:
    """Ids of others change nothing."""
    memory = Memory("default", channels=NAMES, outbox=(notice(1, "sns"),))
    assert memory.discard("slack", {"n1", "n9"}, "refused", START).outbox == memory.outbox
    assert memory.discard("slack", {"n1"}, "refused", START).dead_letters.total == 0


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "slow"])
@pytest.mark.parametrize(
    "waited",
    [timedelta(days=14), timedelta(days=14, seconds=1), timedelta(days=300)],
    ids=["14 days", "a second more", "300"],
)
def test_what_waits_for_a_broken_channel_becomes_dead_letters_after_14_days(gone: bool, waited: timedelta) -> None:
    """A channel that is only slow gets it whenever it is back."""
    broken = {"channel:slack": Incident(START, START)} if gone else {}
    memory = Memory("default", baseline_at=START, digest_at=START, channels=NAMES, incidents=broken)
    memory = memory._replace(outbox=(notice(0), notice(1, "slack")))
    memory = decided(memory, START + waited, policy=Policy(frozenset(), digest_days=0))
    late = 0 if not gone or waited == timedelta(days=14) else 1 if waited < timedelta(days=15) else 2
    assert memory.dead_letters.total == late
    expected = [[NAMES, ("slack",)], [("sns",), ("slack",)], [("sns",)]][late]
    assert [entry.pending_for for entry in memory.outbox if entry.notice_id in {"n0", "n1"}] == expected
    if not late:
        assert memory.dead_letters == DeadLetters()


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_keys_live_400_days_and_never_die_while_the_history_shows_them() -> None:
    """A row that Zoho still shows is never sent again; one that is gone is forgotten when news comes."""
    lasting, passing = row(START, state="completed"), row(START, state="failure")
    watch = Watch([lasting, passing], remind_hours=0)
    watch.check()
    watch.rows = [lasting]
    for days, remembered in ((400, True), (401, False)):
        watch.log(at=START + timedelta(days=days), action="purchased")
        watch.check_at(START + timedelta(days=days))
        assert (parse_row(passing).key in watch.memory.seen) is remembered
        assert parse_row(lasting).key in watch.memory.seen
    watch.check_at(START + timedelta(days=800))
    watch.log(action="purchased")
    watch.check_at(START + timedelta(days=900))
    assert [entry for entry in watch.notices if entry.row and entry.phase != "reminder"] == []


def test_no_more_keys_are_kept_than_fit() -> None:
    """3,000 in all: those that are shown, and the newest of those that are not."""
    now = START
    rows = [parse_row({"id": str(n), "action": "purchased"}) for n in range(2 * MAX_KEYS)]
    memory = Memory("default")
    policy = Watch().policy
    for start in range(0, 2 * MAX_KEYS, 500):
        now += timedelta(hours=1)
        memory = from_item(to_item(decide(rows[start : start + 500], memory, now, policy, TWO, ASKED).memory))
        assert len(memory.seen) == min(start + 500, MAX_KEYS)
    assert set(memory.seen) == {parsed.key for parsed in rows[MAX_KEYS:]}
    now += timedelta(hours=1)
    memory = decide(rows[-MAX_KEYS:], memory, now, policy, TWO, ASKED).memory
    assert set(memory.seen) == {parsed.key for parsed in rows[MAX_KEYS:]}
    shown_rows = [rows[0], *rows[-2000:]]
    memory = decide(shown_rows, memory, now + timedelta(hours=1), policy, TWO, ASKED).memory
    assert set(memory.seen) == {parsed.key for parsed in [rows[0], *rows[MAX_KEYS + 1 :]]}


# --- The item ---------------------------------------------------------------------------------------------------------


def test_the_worst_item_stays_below_dynamodbs_limit() -> None:
    """3,000 rows, each first seen at an hour of its own, a full outbox of hostile texts, everything open."""
    hostile = dict.fromkeys(("state", "repeat_type", "done_by", "file_name"), HOSTILE)
    rows = [parse_row({**hostile, "id": f"{HOSTILE[:90]}{number}", "count": 999_999}) for number in range(MAX_KEYS)]
    watch = Watch(memory=Memory("o" * 64), notify_on=EVERYTHING)
    watch.check()
    memory = decide(rows[:1000], watch.memory, START, watch.policy, RECEIVERS, ASKED).memory
    memory = memory._replace(
        seen={parsed.key: START + timedelta(hours=n) for n, parsed in enumerate(rows)},
        incidents={f"channel:{n}": Incident(START, START, detail=HOSTILE * 3, label=HOSTILE) for n in range(8)},
        dead_letters=memory.discard("sns", set(ids(memory.outbox)), HOSTILE * 3, START).dead_letters,
        lease_owner="r" * 36,
        lease_until=START,
    )
    assert len(memory.seen) == MAX_KEYS
    assert len(memory.dead_letters.last) == MAX_DEAD_LETTERS
    assert 30 < len(memory.outbox) <= MAX_OUTBOX
    assert item_size(memory) < ITEM_LIMIT
    assert from_item(to_item(memory)) == memory


def test_an_ordinary_item_is_small() -> None:
    """A year of weekly backups, two rows each: read in one unit of four kilobytes, many times over."""
    everything = [
        row(START + timedelta(days=7 * week, minutes=minutes), **what)
        for week in range(52)
        for minutes, what in ((0, {"action": "initiated"}), (40, {"state": "completed"}))
    ]
    watch = Watch()
    for week in range(52):
        watch.rows = everything[: 2 * week + 2]
        watch.check_at(START + timedelta(days=7 * week, hours=1))
    assert item_size(watch.memory) < 5_000


def test_the_item_is_readable_in_the_console() -> None:
    """Attribute names of the design, ISO 8601 times in UTC, and nothing that is empty."""
    watch = Watch([row(START - timedelta(hours=1), state="completed")])
    watch.check()
    item = to_item(watch.memory)
    assert set(item) == {
        *("org", "schema", "version", "baseline_at", "last_seen_id", "last_seen_time", "seen", "schedule"),
        *("last_completed", "failures_in_a_row", "digest_at", "channels", "dead_letters"),
    }
    assert item["last_seen_id"] == {"S": watch.rows[0]["id"]}
    assert item["last_seen_time"] == {"S": "2026-03-02T09:00:00+00:00"}
    assert item["seen"] == {"S": f"2026-03-02T10:00:00+00:00 {parse_row(watch.rows[0]).key}"}
