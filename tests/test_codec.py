"""A memory and its item: whatever is remembered comes back, and what a hand did to an item ends in words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.codec import from_plain
from handler.errors import StoreError
from handler.memory import DeadLetters, Memory
from handler.plan import Plan
from handler.store import SCHEMA, as_json, from_item, to_item
from handler.wording import Fact
from sandbox.problems import PROBLEMS
from sandbox.watch import EVERYTHING, Watch
from sandbox.zoho import plan, row

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=40)
NAMES = st.text("abcXYZ019_:-", min_size=1, max_size=12)
SIMPLE: dict[Any, tuple[Any, st.SearchStrategy[Any]]] = {
    str: ("slack", st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    int: (2, st.integers(0, 10**9)),
    bool: (True, st.booleans()),
    datetime: (NOW, st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 30), timezones=st.just(UTC))),  # noqa: DTZ001
}
"""Type → a value, and all values that are remembered."""


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Return all values of a type that is part of a memory."""
    parts = get_args(hint)
    if hasattr(hint, "_fields"):
        return st.builds(hint, **{name: anything(part) for name, part in get_type_hints(hint).items()})
    if get_origin(hint) is Mapping:  # of names: the item has a line of them
        return st.dictionaries(NAMES, anything(parts[1]), max_size=2)
    if get_origin(hint) is tuple:
        return st.lists(anything(parts[0]), max_size=2).map(tuple)
    if parts:  # or None, which an empty text is read as
        return st.none() | anything(parts[0]).filter(lambda value: value != "")
    return SIMPLE[hint][1]


def full(hint: Any) -> Any:
    """Return a value of such a type with something in every field."""
    parts = get_args(hint)
    if hasattr(hint, "_fields"):
        return hint(**{name: full(part) for name, part in get_type_hints(hint).items()})
    if get_origin(hint) is Mapping:
        return {name: full(parts[1]) for name in ("unreadable", "channel:slack")}
    if get_origin(hint) is tuple:
        return (full(parts[0]),)
    return full(parts[0]) if parts else SIMPLE[hint][0]


FULL: Memory = full(Memory)._replace(plan=Plan("FREQ=WEEKLY;INTERVAL=1", 7, *[NOW] * 4))
memories = anything(Memory).map(lambda memory: memory._replace(org=memory.org or "acme"))


@settings(max_examples=50)
@given(memory=memories)
def test_any_memory_comes_back_from_its_item(memory: Memory) -> None:
    """Down to the microsecond, and it would be written as the same item again; a person can be shown it."""
    assert from_item(to_item(memory)) == memory
    assert to_item(from_item(to_item(memory))) == to_item(memory)
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


def forms(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the fields of a named tuple and of every one that it holds."""
    if hasattr(value, "_fields"):
        yield type(value).__name__, " ".join(value._fields)
    if isinstance(value, tuple | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from forms(part)


def test_the_items_form_belongs_to_its_schema() -> None:
    """A field more or less is another form: an older release would drop it, or not read it."""
    assert (SCHEMA, dict(forms(FULL))) == (1, FORM), (
        "raise SCHEMA of handler/store.py, and write the new form down here"
    )


def test_an_item_of_a_newer_release_says_to_deploy_that_one() -> None:
    """An older release would forget what it does not know: it does nothing, loudly, whatever else the item holds."""
    for more in ({}, {"outbox": {"S": "of another form"}, "version": {"S": "x"}}):
        with pytest.raises(StoreError, match=r"newer release .* deploy that release"):
            from_item(to_item(FULL) | more | {"schema": {"N": str(SCHEMA + 1)}})


# --- What a hand did to an item ---------------------------------------------------------------------------------------

NONSENSE: list[dict[str, Any]] = [
    *({"S": text} for text in ("nonsense", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")),
    *({"N": "-1"}, {"N": "1.5"}, {"N": "1E+120"}, {"BOOL": True}, {"NULL": True}, {"SS": ["sns"]}, {"X": "x"}),
    *({"L": [{"S": "nonsense"}]}, {"M": {"a": {"M": {"since": {"S": "yesterday"}}}}}),
]

HISTORY = [row(NOW, state="failure"), row(LATER, state="completed")]


def edited(attribute: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an attribute as nonsense, and with each of its parts missing, renamed, or edited likewise."""
    yield from NONSENSE
    ((kind, content),) = attribute.items()
    for key, part in content.items() if kind == "M" else ():
        others = {name: other for name, other in content.items() if name != key}
        yield {"M": others}
        yield {"M": others | {"other": part}}
        yield from ({"M": others | {key: new}} for new in edited(part))
    for number, part in enumerate(content) if kind == "L" else ():
        yield from ({"L": [*content[:number], new, *content[number + 1 :]]} for new in edited(part))


@pytest.mark.parametrize("name", sorted(to_item(FULL)))
def test_an_item_edited_by_hand_ends_in_words_or_does_no_harm(name: str) -> None:
    """Only a StoreError may end a check, and only at once: what could be read can be decided on, and written again."""
    item = to_item(FULL)
    for new in edited(item.pop(name)):
        try:
            memory = from_item(item | {name: new})
        except StoreError:
            continue
        if memory.plan:  # Zoho's rule is looked up again before it is used
            memory = memory._replace(plan=memory.plan._replace(rule="FREQ=WEEKLY;INTERVAL=1"))
        for problem in (None, PROBLEMS[0]) if name == "incidents" else (None,):
            watch = Watch(HISTORY, memory=memory, notify_on=EVERYTHING, plan=plan(next_run=LATER))
            watch.check_at(LATER, problem)
            assert from_item(to_item(watch.decision.memory)) == watch.decision.memory


@pytest.mark.parametrize("name", ["org", "version", "schema"])
def test_an_item_without_what_it_needs_says_what_to_do(name: str) -> None:
    """Everything else has a default."""
    item = to_item(FULL)
    del item[name]
    with pytest.raises(StoreError, match="Restore the table to a point in time"):
        from_item(item)


def test_an_unknown_attribute_is_no_harm_and_a_time_of_another_offset_the_same_time() -> None:
    """Somebody may have left a remark in the console, or written the time of their own clock."""
    item = to_item(FULL) | {"remark": {"S": "hello"}, "last_completed": {"S": "2026-03-02T11:00:00+01:00"}}
    assert from_item(item) == FULL


WRONG: list[tuple[type, Any]] = [
    *((Fact, plain) for plain in ({"label": 5}, {}, {"label": "x", "time": "2026-03-02T10:00:00"}, "text")),
    *((DeadLetters, plain) for plain in ({"total": True}, {"last": {"a": 1}}, {"total": "1"})),
]


@pytest.mark.parametrize(("hint", "plain"), WRONG, ids=str)
def test_what_is_not_as_its_hint_says_is_an_error(hint: type, plain: Any) -> None:
    """A type, a missing field, a time without offset."""
    with pytest.raises((TypeError, ValueError)):
        from_plain(plain, hint)
