"""Memory ⇄ item, through moto's DynamoDB: what is written is what is read, and nobody's write is overwritten."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, Phase, given, settings
from moto import mock_aws

from handler.errors import ConflictError, StoreError
from handler.memory import Memory
from handler.store import Store, to_item
from tests.test_codec import FULL, NOW, memories

TABLE = "memories"


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


@settings(max_examples=30, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(memory=memories)
def test_any_memory_comes_back_from_dynamodb(dynamodb: Any, memory: Memory) -> None:
    """Which has ideas of its own of empty texts, numbers and lists."""
    dynamodb.put_item(TableName=TABLE, Item=to_item(memory))
    assert Store(dynamodb, TABLE).load(memory.org) == memory


def test_an_item_reads_well_in_the_console() -> None:
    """Times as ISO 8601 in UTC, one text for what was seen, nothing that is empty."""
    seen = {"abcdefghijkl": NOW, "mnopqrstuvwx": NOW, "ABCDEFGHIJKL": NOW + timedelta(hours=1)}
    item = to_item(Memory("acme", 7, digest_at=NOW, seen=seen))
    assert item == {
        "org": {"S": "acme"},
        "schema": {"N": "1"},
        "version": {"N": "7"},
        "digest_at": {"S": "2026-03-02T10:00:00+00:00"},
        "seen": {"S": "2026-03-02T10:00:00+00:00 abcdefghijkl mnopqrstuvwx\n2026-03-02T11:00:00+00:00 ABCDEFGHIJKL"},
        "failures_in_a_row": {"N": "0"},
        "dead_letters": {"M": {"total": {"N": "0"}}},
    }


# --- Conditions -------------------------------------------------------------------------------------------------------


def test_an_organisation_without_an_item_has_no_memory(store: Store) -> None:
    """Nothing is not an error."""
    assert store.load("acme") is None


def test_each_write_counts_the_version_up(store: Store) -> None:
    """The first write makes the item, each later one replaces exactly what was read."""
    first = store.save(Memory("acme"))
    second = store.save(first._replace(last_seen_id="1"))
    assert (first.version, second.version) == (1, 2)
    assert store.load("acme") == second


@pytest.mark.parametrize("versions", [0, 1, 2, 9])
def test_a_write_over_another_ones_is_refused_and_changes_nothing(store: Store, versions: int) -> None:
    """Whether the item is older or newer than what was read, or was not there at all."""
    current = store.save(store.save(store.save(Memory("acme")))._replace(last_seen_id="1"))
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
    store.save(read._replace(lease_owner="one", lease_until=NOW))
    with pytest.raises(ConflictError):
        store.save(read._replace(lease_owner="one", lease_until=NOW + timedelta(microseconds=1)))


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
    wanted = memory._replace(lease_owner="request-1", lease_until=NOW, outbox=FULL.outbox)
    saved = Store(Unreliable(dynamodb, error, arrives=True), TABLE).save(wanted)
    assert saved == wanted._replace(version=version + 1) == store.load("acme")


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
    assert raised.value.__suppress_context__, "a traceback would show it"
    assert store.load("acme") is None


def test_another_ones_write_after_a_lost_answer_is_not_taken_for_ours(store: Store, dynamodb: Any) -> None:
    """Our write arrived and was followed by another one: what is there now is not what we wrote."""
    wanted = store.save(Memory("acme"))._replace(lease_owner="request-1")

    def another() -> None:
        read = store.load("acme")
        assert read
        store.save(read._replace(lease_owner="request-2"))

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
    assert raised.value.__suppress_context__, "a traceback would show it"
