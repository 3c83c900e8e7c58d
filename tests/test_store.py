"""Memory ⇄ item, through moto's DynamoDB: what is written is what is read, and nobody's write is overwritten."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
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


def test_each_write_counts_the_version_up(store: Store) -> None:
    """The first write makes the item, each later one replaces exactly what was read."""
    assert store.load("acme") is None
    first = store.save(Memory("acme"))
    second = store.save(first._replace(last_seen_id="1"))
    assert (first.version, second.version) == (1, 2)
    assert store.load("acme") == second


@pytest.mark.parametrize("versions", [0, 1, 2, 9])
def test_a_write_over_another_ones_is_refused_and_changes_nothing(store: Store, versions: int) -> None:
    """Whether the item is older or newer than what was read, was not there at all, or is gone: a new baseline."""
    current = store.save(store.save(store.save(Memory("acme")))._replace(last_seen_id="1"))
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


# --- A network in between ---------------------------------------------------------------------------------------------


class Unreliable:
    """A client whose next PutItem fails, before or after DynamoDB did what it was asked.

    Attributes:
        broken: A client of which every call fails.
    """

    def __init__(self, dynamodb: Any, error: Exception, *, arrives: bool, then: Callable[[], object] = int) -> None:
        """Raise the error once; `arrives` says whether the write is done, `then` what happens before it is known."""
        self._dynamodb = dynamodb
        self._error, self._arrives, self._then = error, arrives, then
        self.get_item = dynamodb.get_item
        self.broken = SimpleNamespace(get_item=self._fail, put_item=self._fail)

    def put_item(self, **request: Any) -> Any:
        """Fail."""
        if self._arrives:
            self._dynamodb.put_item(**request)
        self._then()
        self._fail()

    def _fail(self, **_: Any) -> Any:
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


FAILED = {
    "silent": ReadTimeoutError(endpoint_url="https://canary"),
    "unreachable": EndpointConnectionError(endpoint_url="https://canary"),
    "throttled": refusal("ProvisionedThroughputExceededException"),
    "denied": refusal("AccessDeniedException"),
    "without a code": ClientError({}, "PutItem"),
}


@pytest.mark.parametrize("case", FAILED)
def test_a_call_that_fails_is_a_store_error_without_an_address(store: Store, dynamodb: Any, case: str) -> None:
    """A write that did not arrive is no conflict: nobody else did the work."""
    unreliable = Unreliable(dynamodb, FAILED[case], arrives=False)
    for does in ("write", "read"):
        with pytest.raises(StoreError, match=f"did not {does} the item 'acme'") as raised:
            Store(unreliable if does == "write" else unreliable.broken, TABLE).save(Memory("acme"))
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
