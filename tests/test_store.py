"""Memory ⇄ item, through moto's DynamoDB: what is written is what is read, and nobody's write is overwritten."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from handler.errors import ConflictError, StoreError
from handler.memory import Incident, Memory, Notice, Schedule, SetAside
from handler.store import SCHEMA, Store, as_json, from_item, to_item

TABLE = "memories"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """Give a client of a DynamoDB that has the table."""
    with mock_aws():
        client = boto3.Session().client("dynamodb")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "org", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "org", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def store(dynamodb: Any) -> Store:
    """Give the store on an empty table."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"org": item["org"]})
    return Store(dynamodb, TABLE)


# --- Arbitrary memories -----------------------------------------------------------------------------------------------

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz_:-", min_size=1, max_size=12)
keys = st.text("abcXYZ019_-", min_size=12, max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts
facts = st.dictionaries(
    names,
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=5),
    max_size=4,
)
channels = st.lists(st.sampled_from(["sns", "slack", "pager"]), unique=True).map(tuple)
notices = st.builds(
    Notice, names, names, times, channels, st.none() | facts, facts, incident=texts, reminder=st.booleans()
)
aside = st.builds(SetAside, st.integers(1, 10**6), st.integers(0, 10**6), st.lists(facts, max_size=3).map(tuple))
memories = st.builds(
    Memory,
    org=names,
    version=st.integers(0, 10**9),
    baseline_at=st.none() | times,
    last_seen_id=st.none() | texts.filter(bool),
    last_seen_time=st.none() | times,
    seen=st.dictionaries(keys, st.sampled_from([NOW, NOW + timedelta(hours=1)]) | times, max_size=8),
    outbox=st.lists(notices, max_size=3).map(tuple),
    incidents=st.dictionaries(names, st.builds(Incident, times, st.none() | times, facts), max_size=3),
    schedule=st.none() | st.builds(Schedule, st.none() | texts, times, st.booleans()),
    last_completed=st.none() | times,
    failures_in_a_row=st.integers(0, 10**6),
    failing_since=st.none() | times,
    set_aside=st.just(SetAside()) | aside,
    digest_at=st.none() | times,
    outcomes=st.dictionaries(names, st.integers(0, 10**6), max_size=3),
    channels=channels,
    lease_owner=st.none() | texts.filter(bool),
    lease_until=st.none() | times,
)


@given(memory=memories)
def test_any_memory_comes_back_from_its_item(memory: Memory) -> None:
    """Down to the microsecond, and the item that it would be written to is the same, too."""
    read = from_item(to_item(memory))
    assert read == memory
    assert to_item(read) == to_item(memory)


@settings(max_examples=30, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(memory=memories)
def test_any_memory_comes_back_from_dynamodb(dynamodb: Any, memory: Memory) -> None:
    """Which has ideas of its own of empty texts, numbers and lists."""
    dynamodb.put_item(TableName=TABLE, Item=to_item(memory))
    assert Store(dynamodb, TABLE).load(memory.org) == memory


@settings(max_examples=50)
@given(memory=memories)
def test_any_memory_can_be_shown(memory: Memory) -> None:
    """A person who asks for the status sees every attribute, and the row keys only counted."""
    shown = as_json(memory)
    assert shown["seen"] == len(memory.seen)
    assert set(to_item(memory)) <= set(shown)


# --- An item that a person can read -----------------------------------------------------------------------------------

FULL = Memory(
    org="acme",
    version=7,
    baseline_at=NOW,
    last_seen_id="4876876000001758001",
    last_seen_time=NOW,
    seen={"abcdefghijkl": NOW, "mnopqrstuvwx": NOW, "ABCDEFGHIJKL": NOW + timedelta(hours=1)},
    outbox=(Notice("acme-1", "failed", NOW, ("sns", "slack"), {"id": "1"}, {"in_a_row": 2}),),
    incidents={"overdue": Incident(NOW, NOW, {"grace_hours": 24})},
    schedule=Schedule("weekly", NOW),
    last_completed=NOW,
    failures_in_a_row=2,
    failing_since=NOW,
    set_aside=SetAside(1, 1, ({"notice_id": "acme-0"},)),
    digest_at=NOW,
    outcomes={"failed": 2},
    channels=("sns", "slack"),
    lease_owner="request-1",
    lease_until=NOW + timedelta(seconds=55),
)


def test_an_item_reads_well_in_the_console() -> None:
    """The names of the design, times as ISO 8601 in UTC, one text for what was seen, nothing that is empty."""
    item = to_item(FULL)
    assert item["org"] == {"S": "acme"}
    assert item["schema"] == {"N": str(SCHEMA)}
    assert item["version"] == {"N": "7"}
    assert item["last_seen_id"] == {"S": "4876876000001758001"}
    assert item["last_seen_time"] == {"S": "2026-03-02T10:00:00+00:00"}
    assert item["seen"] == {
        "S": "2026-03-02T10:00:00+00:00 abcdefghijkl mnopqrstuvwx\n2026-03-02T11:00:00+00:00 ABCDEFGHIJKL"
    }
    assert item["lease_owner"] == {"S": "request-1"}
    assert set(to_item(Memory("acme"))) == {"org", "schema", "version", "failures_in_a_row"}


def test_three_thousand_keys_and_a_full_outbox_stay_far_below_dynamodbs_limit() -> None:
    """400 KB is where DynamoDB refuses an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""
    seen = {f"{n:012}": NOW + timedelta(hours=n // 3) for n in range(3_000)}
    item = to_item(replace(FULL, seen=seen))
    assert len(item["seen"]["S"]) < 80_000


# --- Conditions -------------------------------------------------------------------------------------------------------


def test_an_organisation_without_an_item_has_no_memory(store: Store) -> None:
    """Nothing is not an error."""
    assert store.load("acme") is None


def test_each_write_counts_the_version_up(store: Store) -> None:
    """The first write makes the item, each later one replaces exactly what was read."""
    first = store.save(Memory("acme"))
    second = store.save(replace(first, last_seen_id="1"))
    assert (first.version, second.version) == (1, 2)
    assert store.load("acme") == second


@pytest.mark.parametrize("versions", [0, 1, 2, 9])
def test_a_write_over_another_ones_is_refused_and_changes_nothing(store: Store, versions: int) -> None:
    """Whether the item is older or newer than what was read, or was not there at all."""
    current = store.save(replace(store.save(replace(store.save(Memory("acme")))), last_seen_id="1"))
    assert current.version == 3
    with pytest.raises(ConflictError):
        store.save(Memory("acme", version=versions))
    assert store.load("acme") == current


def test_a_write_to_an_item_that_is_gone_is_refused(store: Store) -> None:
    """Whoever deleted it wanted a new baseline."""
    with pytest.raises(ConflictError):
        store.save(Memory("acme", version=3))
    assert store.load("acme") is None


def test_of_two_that_read_the_same_only_one_writes(store: Store) -> None:
    """Also where both would write nearly the same."""
    read = store.save(Memory("acme"))
    store.save(replace(read, lease_owner="one", lease_until=NOW))
    with pytest.raises(ConflictError):
        store.save(replace(read, lease_owner="one", lease_until=NOW + timedelta(microseconds=1)))


# --- A network in between ---------------------------------------------------------------------------------------------


class Unreliable:
    """A client whose next PutItem fails, before or after DynamoDB did what it was asked."""

    def __init__(self, dynamodb: Any, error: Exception, *, arrives: bool, then: Callable[[], object] = int) -> None:
        """Raise the error once; `arrives` says whether the write is done, `then` what happens before it is known."""
        self._dynamodb = dynamodb
        self._error, self._arrives, self._then = error, arrives, then
        self.get_item = dynamodb.get_item
        self.puts = 0

    def put_item(self, **request: Any) -> Any:
        """Fail once."""
        self.puts += 1
        if self.puts > 1:
            return self._dynamodb.put_item(**request)
        if self._arrives:
            self._dynamodb.put_item(**request)
        self._then()
        raise self._error


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
    store: Store, dynamodb: Any, error: Exception, version: int
) -> None:
    """It is the same memory, with the same lease: the check goes on."""
    memory = store.save(Memory("acme")) if version else Memory("acme")
    wanted = replace(memory, lease_owner="request-1", lease_until=NOW, outbox=FULL.outbox)
    saved = Store(Unreliable(dynamodb, error, arrives=True), TABLE).save(wanted)
    assert saved == replace(wanted, version=version + 1) == store.load("acme")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://canary"),
        EndpointConnectionError(endpoint_url="https://canary"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("AccessDeniedException"),
        ClientError({}, "PutItem"),
    ],
    ids=lambda error: type(error).__name__ + str(error)[18:40],
)
def test_a_write_that_did_not_arrive_is_a_store_error(store: Store, dynamodb: Any, error: Exception) -> None:
    """It is no conflict: nobody else did the work."""
    with pytest.raises(StoreError, match="did not write") as raised:
        Store(Unreliable(dynamodb, error, arrives=False), TABLE).save(Memory("acme"))
    assert not isinstance(raised.value, ConflictError)
    assert "canary" not in str(raised.value)
    assert store.load("acme") is None


def test_another_ones_write_after_a_lost_answer_is_not_taken_for_ours(store: Store, dynamodb: Any) -> None:
    """Our write arrived and was followed by another one: what is there now is not what we wrote."""
    wanted = replace(store.save(Memory("acme")), lease_owner="request-1")

    def another() -> None:
        read = store.load("acme")
        assert read
        store.save(replace(read, lease_owner="request-2"))

    unreliable = Unreliable(dynamodb, LOST[0], arrives=True, then=another)
    with pytest.raises(StoreError):
        Store(unreliable, TABLE).save(wanted)


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url="https://canary"), refusal("AccessDeniedException")], ids=str
)
def test_a_read_that_fails_is_a_store_error(error: Exception) -> None:
    """It names the organisation and the reason, and never an address."""

    class Broken:
        def get_item(self, **_: Any) -> Any:
            raise error

    with pytest.raises(StoreError, match="did not read the item 'acme'") as raised:
        Store(Broken(), TABLE).load("acme")
    assert "canary" not in str(raised.value)


# --- Items of others --------------------------------------------------------------------------------------------------


def test_an_item_of_a_newer_release_is_refused() -> None:
    """An older release would forget what it doesn't know: better to do nothing, loudly."""
    with pytest.raises(StoreError, match="newer release"):
        from_item(to_item(FULL) | {"schema": {"N": str(SCHEMA + 1)}})


def test_an_unknown_attribute_is_no_harm() -> None:
    """Somebody may have left a remark in the console."""
    assert from_item(to_item(FULL) | {"remark": {"S": "hello"}}) == FULL


def test_a_time_with_another_offset_is_the_same_time() -> None:
    """Somebody who mends an item writes the time of their own clock."""
    item = to_item(FULL) | {"last_completed": {"S": "2026-03-02T11:00:00+01:00"}}
    assert from_item(item).last_completed == NOW == NOW.astimezone(timezone(timedelta(hours=1)))


NONSENSE: dict[str, dict[str, Any]] = {
    "S": {"S": "nonsense"},
    "empty S": {"S": ""},
    "naive time": {"S": "2026-03-02T10:00:00"},
    "N": {"N": "5"},
    "BOOL": {"BOOL": True},
    "B": {"B": b"x"},
    "SS": {"SS": ["sns"]},
    "L": {"L": [{"S": "nonsense"}]},
    "L of numbers": {"L": [{"N": "5"}]},
    "L of maps": {"L": [{"M": {"a": {"S": "b"}}}]},
    "M": {"M": {"a": {"S": "b"}}},
    "M of maps": {"M": {"a": {"M": {"since": {"S": "yesterday"}}}}},
    "no type": {"X": "x"},
}
PLAIN_TEXTS = {"org", "last_seen_id", "lease_owner"}
FITS = {
    *((name, "S") for name in PLAIN_TEXTS),
    *((name, "empty S") for name in PLAIN_TEXTS),
    *((name, "naive time") for name in PLAIN_TEXTS),
    *((name, "N") for name in ("version", "failures_in_a_row")),
    ("channels", "L"),
    ("schema", "BOOL"),
    *((name, "empty S") for name in ("baseline_at", "last_seen_time", "last_completed", "failing_since", "digest_at")),
    *((name, "empty S") for name in ("lease_until", "seen", "schedule", "set_aside")),
}
"""Attribute and nonsense that is none there, or as good as a missing attribute."""


@pytest.mark.parametrize("name", sorted(to_item(FULL)))
def test_an_attribute_of_another_type_is_a_clear_error(name: str) -> None:
    """Whatever a hand did to an item, it ends in words and not in a stack trace somewhere else."""
    for kind, value in NONSENSE.items():
        if (name, kind) in FITS:
            from_item(to_item(FULL) | {name: value})
            continue
        with pytest.raises(StoreError, match=r"cannot be understood|newer release"):
            pytest.fail(f"{name} as {kind} was taken for {from_item(to_item(FULL) | {name: value})}")


@pytest.mark.parametrize("name", ["org", "version", "schema"])
def test_an_item_without_what_it_needs_is_a_clear_error(name: str) -> None:
    """The text says what to do."""
    item = to_item(FULL)
    del item[name]
    with pytest.raises(StoreError, match="restore the table to a point in time"):
        from_item(item)


@pytest.mark.parametrize("part", ["notice_id", "kind", "at", "owed", "row", "facts", "incident", "reminder"])
def test_a_damaged_notice_is_a_clear_error(part: str) -> None:
    """Each part of an entry of the outbox: gone, or of another type."""
    gone = to_item(FULL)
    if part not in {"row", "facts", "incident", "reminder"}:  # those have a default
        del gone["outbox"]["L"][0]["M"][part]
        with pytest.raises(StoreError):
            from_item(gone)
    damaged = to_item(FULL)
    damaged["outbox"]["L"][0]["M"][part] = {"L": [{"N": "5"}]}
    with pytest.raises(StoreError):
        from_item(damaged)
