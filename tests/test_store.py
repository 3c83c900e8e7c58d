"""Memory ⇄ item, in moto and AWS's own DynamoDB: what is written is what is read, and nobody's write is overwritten."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin, get_type_hints

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from handler.errors import ConflictError, StoreError
from handler.memory import Memory
from handler.plan import Plan
from handler.store import SCHEMA, Store, as_json, from_item, to_item
from sandbox.problems import PROBLEMS
from sandbox.watch import EVERYTHING, Watch
from sandbox.zoho import plan, row
from tests.dynamodb import create_table
from tests.world import ITEM_LIMIT

TABLE = "memories"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=40)
VALUES: dict[str, dict[type, Any]] = {
    "plain": {str: "slack", int: 2, bool: True, datetime: NOW},
    "odd": {str: " ü\n\0💾 ", int: 10**9, bool: False, datetime: datetime(2999, 12, 30, microsecond=1, tzinfo=UTC)},
    "empty": {str: "", int: 0, bool: False, datetime: datetime(1970, 1, 1, tzinfo=UTC)},
}
"""What each type holds, in a memory where every field is as full as it can be."""


def full(hint: Any, values: str = "plain") -> Any:
    """Return a value of a type that is part of a memory."""
    parts = get_args(hint)
    if hasattr(hint, "_fields"):
        return hint(**{name: full(part, values) for name, part in get_type_hints(hint).items()})
    if get_origin(hint) is Mapping:
        return {name: full(parts[1], values) for name in ("unreadable", "channel:slack")}
    if get_origin(hint) is tuple:
        return (full(parts[0], values),)
    return full(parts[0], values) or None if parts else VALUES[values][hint]


FULL: Memory = full(Memory)._replace(plan=Plan("FREQ=WEEKLY;INTERVAL=1", 7, *[NOW] * 4))


@pytest.fixture(scope="module", params=["moto", pytest.param("real_dynamodb", marks=pytest.mark.deep)])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a client of a DynamoDB that has the table."""
    with mock_aws() if request.param == "moto" else nullcontext(request):
        client = boto3.client("dynamodb") if request.param == "moto" else request.getfixturevalue(request.param)
        create_table(client, TABLE)
        yield client


@pytest.fixture
def store(dynamodb: Any) -> Store:
    """Give the store on an empty table."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"org": item["org"]})
    return Store(dynamodb, TABLE)


@pytest.mark.parametrize("memory", [Memory("acme"), *(full(Memory, name)._replace(org="acme") for name in VALUES)])
def test_any_memory_comes_back_from_dynamodb(dynamodb: Any, memory: Memory) -> None:
    """Which has ideas of its own of empty texts, numbers and lists; it would be written as the same item again."""
    item = to_item(memory)
    dynamodb.put_item(TableName=TABLE, Item=item)
    read = Store(dynamodb, TABLE).load("acme")
    assert read == memory
    assert to_item(read) == item
    assert as_json(read)["seen"] == len(memory.seen)


# --- The item's form --------------------------------------------------------------------------------------------------

FORM = {
    "Content": "symbol title sentence facts lines lines_label next_step about_crm time",
    "DeadLetter": "notice_id kind channel why at",
    "DeadLetters": "total last unreported reported_at",
    "Fact": "label text time links_until",
    "Incident": "since notified_at reminders row_id cause causes concluded detail label back_at heard",
    "IncidentRef": "name since severity line",
    "Line": "text time",
    "Loss": "total severity why opens ends lines",
    "Memory": "org version baseline_at last_seen_id last_seen_time seen outbox incidents schedule plan last_completed "
    "links_until files running run_minutes unknown failures_in_a_row failing_since dead_letters digest_at outcomes "
    "subscribers counted_at channels refusing_since lease_owner lease_until",
    "Notice": "notice_id kind at pending_for severity content phase row incident cause opens ends kinds row_keys "
    "reports heard_by",
    "Plan": "rule gap_days read_at next_run starts_at ends_at",
    "Row": "key id log_time state action repeat_type done_by file_name bought",
    "Schedule": "repeat_type at stopped_at stop_sent",
    "Subscribers": "ever zeros",
}
"""What an item of schema 1 holds. After the first release a change here is a new SCHEMA."""


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
    for more in ({}, {"memory": {"M": {}}, "version": {"S": "x"}}):
        with pytest.raises(StoreError, match=r"newer release .* deploy that release"):
            from_item(to_item(FULL) | more | {"schema": {"N": str(SCHEMA + 1)}})


def test_an_item_reads_well_in_the_console() -> None:
    """Times as ISO 8601 in UTC, umlauts as they are, nothing that is empty."""
    seen = {"abcdefghijkl": NOW, "ABCDEFGHIJKL": NOW + timedelta(hours=1)}
    item = to_item(Memory("acme", 7, channels=("ü",), digest_at=NOW, seen=seen))
    text = item.pop("memory")["S"]
    assert item == {"org": {"S": "acme"}, "schema": {"N": "1"}, "version": {"N": "7"}}
    assert "ü" in text
    assert json.loads(text) == {
        "channels": ["ü"],
        "digest_at": "2026-03-02T10:00:00+00:00",
        "seen": {"abcdefghijkl": "2026-03-02T10:00:00+00:00", "ABCDEFGHIJKL": "2026-03-02T11:00:00+00:00"},
        "failures_in_a_row": 0,
        "dead_letters": {"total": 0},
    }


# --- What a hand did to an item ---------------------------------------------------------------------------------------

NONSENSE = ["nonsense", "0001-01-01T00:00:00+14:00", -1, 10**30, True, None]
NONSENSE += [["nonsense"], {"a": {"since": "yesterday"}}]
HISTORY = [row(NOW, state="failure"), row(LATER, state="completed")]


def edited(value: Any) -> Iterator[Any]:
    """Yield a plain value as nonsense, and with each of its parts missing, renamed, or edited likewise."""
    yield from NONSENSE
    for key, part in value.items() if isinstance(value, dict) else ():
        others = {name: other for name, other in value.items() if name != key}
        yield others
        yield others | {"other": part}
        yield from (others | {key: new} for new in edited(part))
    for number, part in enumerate(value) if isinstance(value, list) else ():
        yield from ([*value[:number], new, *value[number + 1 :]] for new in edited(part))


PLAIN: dict[str, Any] = json.loads(to_item(FULL)["memory"]["S"])


def edited_item(**changes: Any) -> dict[str, Any]:
    """Return the item of a full memory with some fields of its text changed."""
    return to_item(FULL) | {"memory": {"S": json.dumps(PLAIN | changes)}}


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_an_item_edited_by_hand_ends_in_words_or_does_no_harm(name: str) -> None:
    """Only a StoreError may end a check, and only at once: what could be read can be decided on, and written again."""
    played: list[Memory] = []
    for new in edited(PLAIN[name]):
        try:
            memory = from_item(edited_item(**{name: new}))
        except StoreError:
            continue
        if memory in played:  # as when a part that may be missing is renamed
            continue
        played.append(memory)
        if memory.plan:  # Zoho's rule is looked up again before it is used
            memory = memory._replace(plan=memory.plan._replace(rule="FREQ=WEEKLY;INTERVAL=1"))
        for problem in (None, PROBLEMS[0]) if name == "incidents" else (None,):
            watch = Watch(HISTORY, memory=memory, notify_on=EVERYTHING, plan=plan(next_run=LATER))
            watch.check_at(LATER, problem)
            assert from_item(to_item(watch.decision.memory)) == watch.decision.memory


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, None) for name in ("org", "version", "schema", "memory")),
        *(("version", {"BOOL": True}), ("version", {"N": "1.5"}), ("org", {"N": "1"}), ("schema", {"S": "x"})),
        *(("memory", {"S": text}) for text in ("", "{", "[]", "1", "null", "[" * 100_000)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_item_without_what_it_needs_says_what_to_do(name: str, value: dict[str, Any] | None) -> None:
    """Everything else has a default."""
    item = {key: part for key, part in (to_item(FULL) | {name: value}).items() if part}
    with pytest.raises(StoreError, match="Restore the table to a point in time"):
        from_item(item)


def test_an_unknown_attribute_is_no_harm_and_a_time_of_another_offset_the_same_time() -> None:
    """Somebody may have left a remark in the console, or written the time of their own clock."""
    item = edited_item(remark="hello", last_completed="2026-03-02T11:00:00+01:00")
    assert from_item(item | {"remark": {"S": "hello"}}) == FULL
    with pytest.raises(StoreError):
        from_item(edited_item(last_completed="2026-03-02T10:00:00"))  # of which clock?


# --- Conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("versions", [0, 1, 2, 9])
def test_a_write_over_another_ones_is_refused_and_changes_nothing(store: Store, versions: int) -> None:
    """Whether the item is older or newer than what was read, was not there at all, or is gone: a new baseline.

    The first write makes the item, each later one replaces exactly what was read and counts the version up.
    """
    current = store.save(store.save(store.save(Memory("acme")))._replace(digest_at=NOW))
    assert current.version == 3
    for org, there in (("acme", current), ("gone", None)):
        if versions or there:
            with pytest.raises(ConflictError):
                store.save(Memory(org, version=versions))
            assert store.load(org) == there


def test_of_two_that_read_the_same_only_one_writes(store: Store) -> None:
    """Also where both would write nearly the same."""
    read = store.save(Memory("acme"))
    store.save(read._replace(lease_owner="one", lease_until=NOW))
    with pytest.raises(ConflictError):
        store.save(read._replace(lease_owner="one", lease_until=NOW + timedelta(microseconds=1)))


@pytest.mark.parametrize(
    ("table", "size", "why"), [("nowhere", 1, "ResourceNotFound"), (TABLE, ITEM_LIMIT, "ValidationException")]
)
def test_what_dynamodb_refuses_is_a_store_error_with_its_word(dynamodb: Any, table: str, size: int, why: str) -> None:
    """A table that is gone, an item that is too big."""
    with pytest.raises(StoreError, match=why):
        Store(dynamodb, table).save(Memory("acme", channels=("x" * size,)))


# --- A network in between ---------------------------------------------------------------------------------------------


def failing(error: Exception, first: Callable[..., object] = dict) -> Callable[..., Any]:
    """Return a call of a client's that does something first, and then fails."""

    def call(**request: Any) -> Any:
        first(**request)
        raise error

    return call


def refusal(code: str) -> ClientError:
    """Return what boto3 raises when DynamoDB refuses."""
    return ClientError({"Error": {"Code": code, "Message": "acme"}}, "PutItem")


LOST = [
    ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com"),
    refusal("InternalServerError"),
    refusal("ConditionalCheckFailedException"),  # the SDK's own second try finds the first one's work
]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__ + str(error)[18:40])
@pytest.mark.parametrize("version", [0, 1])
def test_our_own_write_is_recognised_when_its_answer_is_lost(
    store: Store, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, version: int
) -> None:
    """It is the same memory, with the same lease: the check goes on."""
    memory = store.save(Memory("acme")) if version else Memory("acme")
    wanted = memory._replace(lease_owner="request-1", lease_until=NOW, outbox=FULL.outbox)
    monkeypatch.setattr(dynamodb, "put_item", failing(error, dynamodb.put_item))
    saved = store.save(wanted)
    assert saved == wanted._replace(version=version + 1) == store.load("acme")


FAILED = {
    "silent": ReadTimeoutError(endpoint_url="https://canary"),
    "unreachable": EndpointConnectionError(endpoint_url="https://canary"),
    "throttled": refusal("ProvisionedThroughputExceededException"),
    "denied": refusal("AccessDeniedException"),
    "without a code": ClientError({}, "PutItem"),
}


@pytest.mark.parametrize("call", ["get_item", "put_item"])
@pytest.mark.parametrize("case", FAILED)
def test_a_call_that_fails_is_a_store_error_without_an_address(
    store: Store, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, case: str, call: str
) -> None:
    """A write that did not arrive is no conflict: nobody else did the work."""
    monkeypatch.setattr(dynamodb, call, failing(FAILED[case]))
    with pytest.raises(StoreError, match=r"did not (read|write) the item 'acme'") as raised:
        store.save(Memory("acme")) if call == "put_item" else store.load("acme")
    assert not isinstance(raised.value, ConflictError)
    assert "canary" not in str(raised.value)
    assert raised.value.__suppress_context__, "a traceback would show it"
