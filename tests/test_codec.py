"""Dataclasses ⇄ plain values: whatever is remembered comes back, and what a hand did to an item ends in words."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.codec import from_plain, to_plain
from handler.decision import Answers
from handler.errors import StoreError, UnreadableError
from handler.history import Row, parse_row
from handler.memory import DeadLetter, DeadLetters, Incident, Memory, Schedule
from handler.message import Recipient
from handler.outbox import IncidentRef, Notice
from handler.plan import Plan
from handler.rules import decide, decide_unreadable
from handler.store import SCHEMA, as_json, from_item, to_item
from handler.wording import Content, Fact
from sandbox.problems import PROBLEMS
from sandbox.watch import EVERYTHING, RECEIVERS, Watch
from sandbox.zoho import row

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

# --- Arbitrary memories -----------------------------------------------------------------------------------------------

times = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz_:-", min_size=1, max_size=12)
keys = st.text("abcXYZ019_-", min_size=12, max_size=12)
channels = st.lists(names, unique=True, max_size=3).map(tuple)
counts = st.integers(0, 10**9)
full_texts = texts.filter(bool)


def listed(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return tuples of some of these."""
    return st.lists(of, max_size=3).map(tuple)


refs = st.builds(IncidentRef, names, times, names)
facts = st.builds(Fact, texts, texts, st.none()) | st.builds(Fact, texts, st.just(""), times)
contents = st.builds(Content, texts, texts, texts, listed(facts), listed(texts), texts, st.booleans())
optional = st.none() | full_texts
rows = st.builds(
    Row, keys, texts, st.none() | times, optional, optional, optional, optional, optional, st.integers(0, 999_999)
)
notices = st.builds(
    Notice, names, names, times, channels, names, contents, names, st.none() | rows, texts, listed(refs), listed(refs)
)
incidents = st.builds(
    Incident,
    times,
    st.none() | times,
    *(counts, texts, texts, st.dictionaries(names, times, max_size=2), texts, texts),
    *(st.none() | times, st.none() | times),
)
letters = st.builds(DeadLetter, names, names, names, texts, times)
memories = st.builds(
    Memory,
    org=names,
    version=counts,
    baseline_at=st.none() | times,
    last_seen_id=optional,
    last_seen_time=st.none() | times,
    seen=st.dictionaries(keys, st.sampled_from([NOW, NOW + timedelta(hours=1)]) | times, max_size=8),
    outbox=listed(notices),
    incidents=st.dictionaries(names, incidents, max_size=3),
    schedule=st.none() | st.builds(Schedule, optional, times, st.booleans(), st.none() | times, st.booleans()),
    plan=st.none() | st.builds(Plan, texts, counts, times, st.none() | times, st.none() | times, st.none() | times),
    last_completed=st.none() | times,
    failures_in_a_row=counts,
    failing_since=st.none() | times,
    dead_letters=st.builds(DeadLetters, counts, st.dictionaries(names, counts, max_size=3), listed(letters)),
    digest_at=st.none() | times,
    outcomes=st.dictionaries(names, counts, max_size=3),
    subscribers=st.dictionaries(names, counts, max_size=2),
    channels=channels,
    lease_owner=optional,
    lease_until=st.none() | times,
)


@given(memory=memories)
def test_any_memory_comes_back_from_its_item(memory: Memory) -> None:
    """Down to the microsecond, and the item that it would be written to is the same, too; a person can be shown it."""
    read = from_item(to_item(memory))
    assert read == memory
    assert to_item(read) == to_item(memory)
    assert set(to_item(memory)) <= set(as_json(memory))
    assert as_json(memory)["seen"] == len(memory.seen)


# --- The item's form --------------------------------------------------------------------------------------------------

FORM = {
    "Content": "symbol title sentence facts lines next_step about_crm",
    "DeadLetter": "notice_id kind channel why at",
    "DeadLetters": "total unmentioned last",
    "Fact": "label text time",
    "Incident": "since notified_at reminders row_id cause causes detail label back_at probed_at",
    "IncidentRef": "name since severity",
    "Memory": "org version baseline_at last_seen_id last_seen_time seen outbox incidents schedule plan last_completed "
    "failures_in_a_row failing_since dead_letters digest_at outcomes subscribers channels lease_owner lease_until",
    "Notice": "notice_id kind at pending_for severity content phase row incident opens ends",
    "Plan": "rule gap_days read_at next_run starts_at ends_at",
    "Row": "key id log_time state action repeat_type done_by file_name bought",
    "Schedule": "repeat_type at explicit stopped_at stop_sent",
}
"""What an item of schema 1 holds. After the first release a change here is a new SCHEMA and a line in UPGRADES."""


def parts_of(kind: Any) -> Iterator[Any]:
    """Yield a named tuple and every one that is kept in it."""
    yield kind
    for hint in get_type_hints(kind).values():
        for part in _flat(hint):
            if hasattr(part, "_fields"):
                yield from parts_of(part)


def _flat(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _flat(part)


def test_the_items_form_belongs_to_its_schema() -> None:
    """A field more or less is another form: an older release would drop it, or not read it."""
    form = {part.__name__: " ".join(part._fields) for part in parts_of(Memory)}
    assert (SCHEMA, form) == (1, FORM), "raise SCHEMA of handler/store.py, and write the new form down here"


def test_an_item_of_a_newer_release_says_to_deploy_that_one() -> None:
    """An older release would forget what it does not know: it does nothing, loudly, whatever else the item holds."""
    for more in ({}, {"outbox": {"S": "of another form"}, "version": {"S": "x"}}):
        with pytest.raises(StoreError, match=r"newer release .* deploy that release"):
            from_item(to_item(FULL) | more | {"schema": {"N": str(SCHEMA + 1)}})


# --- What a hand did to an item ---------------------------------------------------------------------------------------

FACTS = (Fact("Failed", time=NOW), Fact("Failures in a row", "2"))
CONTENT = Content("🔴", "Backup failed", "Zoho CRM could not back up your data.", FACTS, ("A line.",), "Look.")
NOTICE = Notice(
    notice_id="acme-1",
    kind="failed",
    at=NOW,
    pending_for=("sns", "slack"),
    severity="critical",
    content=CONTENT,
    phase="opened",
    row=Row("abcdefghijkl", "487", NOW, "failure", "initiated", "weekly", "Asha Rao", "Data.zip", 1),
    incident="failing",
    opens=(IncidentRef("failing", NOW),),
    ends=(IncidentRef("stuck", NOW, "critical"),),
)
OPEN = Incident(NOW, NOW, 2, "487", "revoked_token", {"revoked_token": NOW}, "invalid_code", "Slack", NOW, NOW)
FULL = Memory(
    org="acme",
    version=7,
    baseline_at=NOW,
    last_seen_id="4876876000001758001",
    last_seen_time=NOW,
    seen={"abcdefghijkl": NOW, "mnopqrstuvwx": NOW, "ABCDEFGHIJKL": NOW + timedelta(hours=1)},
    outbox=(NOTICE,),
    incidents=dict.fromkeys(("stuck", "unreadable", "channel:slack"), OPEN),
    schedule=Schedule("weekly", NOW, True, NOW, True),
    plan=Plan("BYDAY=TU;FREQ=WEEKLY;INTERVAL=1", 7, NOW, NOW, NOW, NOW),
    last_completed=NOW,
    failures_in_a_row=2,
    failing_since=NOW,
    dead_letters=DeadLetters(1, {"slack": 1}, (DeadLetter("acme-0", "failed", "slack", "refused", NOW),)),
    digest_at=NOW,
    outcomes={"failed": 2},
    subscribers={"messages": 2},
    channels=("sns", "slack"),
    lease_owner="request-1",
    lease_until=NOW + timedelta(seconds=55),
)


def test_the_full_memory_has_something_in_every_field() -> None:
    """Or the mutations below would not reach it."""
    values: tuple[Any, ...] = (FULL, NOTICE, CONTENT, NOTICE.row, OPEN, FULL.schedule, FULL.plan, FULL.dead_letters)
    for value in values:
        plain = to_plain(value)
        assert set(plain) == set(value._fields)


Path = tuple[Any, ...]
NONSENSE: list[dict[str, Any]] = [
    {"S": "nonsense"},
    {"S": ""},
    {"S": "2026-03-02T10:00:00"},
    {"S": "0001-01-01T00:00:00+14:00"},
    {"S": "9999-12-31T23:59:59-12:00"},
    {"S": "0001-01-02T00:00:00+00:00"},
    {"S": "9999-12-30T00:00:00+00:00"},
    {"S": "2999-12-31T23:59:59+00:00"},
    {"N": "5"},
    {"N": "-1"},
    {"N": "1.5"},
    {"N": "1E+120"},
    {"BOOL": True},
    {"NULL": True},
    {"B": b"x"},
    {"SS": ["sns"]},
    {"NS": ["1"]},
    {"L": []},
    {"L": [{"S": "nonsense"}]},
    {"L": [{"L": [{"M": {}}]}]},
    {"L": [{"M": {"a": {"S": "b"}}}]},
    {"M": {}},
    {"M": {"a": {"S": "b"}}},
    {"M": {"a": {"M": {"since": {"S": "yesterday"}}}}},
    {"X": "x"},
]


def places(value: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """Yield where every attribute of an item is, however deep."""
    ((kind, content),) = value.items()
    yield path
    inner = content.items() if kind == "M" else enumerate(content) if kind == "L" else ()
    for key, part in inner:
        yield from places(part, (*path, kind, key))


def mutated(item: dict[str, Any], path: Path, value: dict[str, Any] | None) -> dict[str, Any]:
    """Return an item with another value in this place, or (None) with none."""
    made = {"M": copy.deepcopy(item)}
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return dict(made["M"])


def survive(item: dict[str, Any]) -> None:
    """Read an item and go on with what it holds, as checks would; only a StoreError may end it, and only at once."""
    try:
        memory = from_item(item)
    except StoreError:
        return
    watch, later = Watch(notify_on=EVERYTHING), NOW + timedelta(days=40)
    shown = [parse_row(row(NOW, state="failure")), parse_row(row(later, state="completed"))]
    asked = Answers(frozenset({"plan", "links"}), Plan("FREQ=WEEKLY;INTERVAL=1", 7, later))
    decided = [decide_unreadable(PROBLEMS[0], memory, NOW, watch.policy, RECEIVERS)]
    try:
        decided.append(decide(shown, memory, later, watch.policy, RECEIVERS, asked))
    except UnreadableError as problem:
        decided.append(decide_unreadable(problem, memory, later, watch.policy, RECEIVERS))
    for decision in decided:
        assert from_item(to_item(decision.memory)) == decision.memory
        as_json(decision.memory)
    recipient = Recipient("acme", "Acme", timezone(timedelta(hours=1)), "https://crm.zoho.eu", later)
    for kind in ("sns", "slack"):
        assert render(kind, memory, recipient)


def render(channel: str, memory: Memory, recipient: Recipient) -> bool:
    """Render what waits for a channel."""
    from handler.channels import BY_NAME

    made = object.__new__(BY_NAME[channel])
    made.__dict__["_mention"] = ""
    return bool(made.render(memory.pending(channel), recipient)) == bool(memory.pending(channel))


@pytest.mark.parametrize("name", sorted(to_item(FULL)))
def test_an_item_edited_by_hand_ends_in_words_or_does_no_harm(name: str) -> None:
    """Each attribute and each part of it gone, or of every other type: never another exception, nor a later one."""
    item = to_item(FULL)
    for path in places(item[name], ("M", name)):
        for value in (None, *NONSENSE):
            survive(mutated(item, path, value))


def test_a_key_edited_by_hand_ends_in_words_or_does_no_harm() -> None:
    """Incidents, causes, channels and outcomes of names that nobody knows."""
    item = to_item(FULL)
    for path in places({"M": item}):
        if len(path) > 1 and path[-2] == "M":
            holder: Any = {"M": item}
            for step in path:
                holder = holder[step]
            survive(mutated(mutated(item, (*path[:-1], "other"), holder), path, None))


@pytest.mark.parametrize("name", ["org", "version", "schema"])
def test_an_item_without_what_it_needs_says_what_to_do(name: str) -> None:
    """The text says what to do."""
    item = to_item(FULL)
    del item[name]
    with pytest.raises(StoreError, match="Restore the table to a point in time"):
        from_item(item)


def test_an_unknown_attribute_is_no_harm_and_a_time_of_another_offset_the_same_time() -> None:
    """Somebody may have left a remark in the console, or written the time of their own clock."""
    item = to_item(FULL) | {"remark": {"S": "hello"}, "last_completed": {"S": "2026-03-02T11:00:00+01:00"}}
    assert from_item(item) == FULL


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Fact("Failed", time=NOW), {"label": "Failed", "time": "2026-03-02T10:00:00+00:00"}),
        (Fact("Files", "3"), {"label": "Files", "text": "3"}),
        (
            Schedule(None, NOW, explicit=False),
            {"at": "2026-03-02T10:00:00+00:00", "explicit": False, "stop_sent": False},
        ),
        (DeadLetters(), {"total": 0}),
    ],
    ids=str,
)
def test_a_value_in_plain(value: Any, plain: Any) -> None:
    """Times as ISO 8601 text, nothing that is empty; 0 and false are not."""
    assert to_plain(value) == plain
    assert from_plain(plain, type(value)) == value


@pytest.mark.parametrize(
    ("plain", "hint"),
    [
        ({"label": 5}, Fact),
        ({}, Fact),
        ("text", Fact),
        (None, Fact),
        ({"label": "x", "time": "2026-03-02"}, Fact),
        ({"label": "x", "time": "2026-03-02T10:00:00"}, Fact),
        ({"total": True}, DeadLetters),
        ({"last": {"a": 1}}, DeadLetters),
        ({"unmentioned": [1]}, DeadLetters),
        ({"unmentioned": {"sns": "1"}}, DeadLetters),
    ],
    ids=str,
)
def test_what_is_not_as_its_hint_says_is_an_error(plain: Any, hint: Any) -> None:
    """A type, a missing field, a time without offset."""
    with pytest.raises((TypeError, ValueError)):
        from_plain(plain, hint)


def test_a_memory_keeps_what_is_replaced() -> None:
    """The smallest one, too."""
    assert from_item(to_item(Memory("acme", version=1))) == Memory("acme", version=1)
