"""One organisation's world: fake Zoho and Slack over HTTP, table and topic in memory, a clock to turn."""

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import certifi
import requests
from botocore.exceptions import ClientError
from handler.access import Tools
from urllib3.util import Retry

from handler import check, transport
from handler.channels import SnsChannel
from handler.config import parse_secret, read_settings
from handler.errors import SecretMissingError
from handler.memory import Memory
from handler.store import Store
from sandbox.channels.slack import FakeSlack
from sandbox.zoho import FakeZoho, Organisation

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NO_RETRY = Retry(total=0, redirect=0, raise_on_status=False)
TLS = transport.tls_context(certifi.where())


@dataclass
class Clock:
    """A clock that only a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the present."""
        return self.now

    def advance(self, **span: float) -> None:
        """Move forward, by what `timedelta` takes."""
        self.now += timedelta(**span)


class TableInMemory:
    """What the store uses of a DynamoDB client, for one table: GetItem, and PutItem with the store's conditions."""

    def __init__(self) -> None:
        """Begin with no items."""
        self.items: dict[str, dict[str, Any]] = {}
        self.reads = 0
        self.writes = 0

    def get_item(self, *, Key: dict[str, Any], ConsistentRead: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Read an item."""
        assert ConsistentRead
        self.reads += 1
        item = self.items.get(Key["org"]["S"])
        return {"Item": copy.deepcopy(item)} if item else {}

    def put_item(self, *, Item: dict[str, Any], ConditionExpression: str, **request: Any) -> None:  # noqa: N803
        """Write an item if its condition holds."""
        old = self.items.get(Item["org"]["S"])
        if ConditionExpression == "attribute_not_exists(org)":
            holds = old is None
        else:
            assert ConditionExpression == "version = :version"
            holds = old is not None and old["version"] == request["ExpressionAttributeValues"][":version"]
        if not holds:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
        self.writes += 1
        self.items[Item["org"]["S"]] = copy.deepcopy(Item)


@dataclass
class TopicInMemory:
    """What the SNS channel uses of an SNS client. `fail` is raised instead of answering, until it is None again."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    fail: Exception | None = None

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Accept every entry."""
        if self.fail:
            raise self.fail
        assert len(PublishBatchRequestEntries) <= 10
        self.entries.extend(PublishBatchRequestEntries)
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries], "Failed": []}

    @property
    def kinds(self) -> list[str | list[str]]:
        """The `kind` of each message, oldest first."""
        return [self.attribute(entry, "kind") for entry in self.entries]

    @staticmethod
    def attribute(entry: dict[str, Any], name: str) -> Any:
        """Return a message attribute, a list for a String.Array."""
        attribute = entry["MessageAttributes"][name]
        value = attribute["StringValue"]
        return json.loads(value) if attribute["DataType"] == "String.Array" else value


class _Tap:
    """A boto3 client whose calls go through `World.around`."""

    def __init__(self, world: "World", client: Any) -> None:
        self._world, self._client = world, client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **request: self._world.around(name, lambda: method(**request))


class World:
    """One stack with the organisation `default`, connected to a fake Zoho and a fake Slack.

    Attributes:
        zoho: The fake; `organisation.rows` is the history, newest first.
        slack: The fake; `slack.messages` is what it accepted.
        table: The DynamoDB client that the store has.
        topic: The SNS client that the channel has.
        clock: What checks take for the present.
        secrets: Organisation → what its parameter holds.
        secret_reads: How often a parameter was read.
        secret_error: Raised instead of reading a parameter, until it is None again.
        remaining: Seconds that a check is told it has.
        around: Called with the name of each call that leaves the process and the call itself, in its place:
            `get_parameter`, `get_item`, `put_item`, `publish_batch`, `read` (Zoho) and `send` (Slack, heartbeat).
    """

    def __init__(self, zoho: FakeZoho, slack: FakeSlack, *, table: Any = None, topic: Any = None, **settings: str):
        """Connect the organisation; `settings` are environment variables of the function."""
        self.zoho, self.slack = zoho, slack
        self.clock = Clock()
        zoho.clock = self.clock
        self.table = TableInMemory() if table is None else table
        self.topic = TopicInMemory() if topic is None else topic
        self.organisation: Organisation = zoho.organisation()
        self.secrets: dict[str, dict[str, str]] = {
            "default": self.organisation.secret(slack_webhook_url=slack.webhook_url())
        }
        self.settings = {
            "TABLE_NAME": "table",
            "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
            "ORG_PARAMETER_PREFIX": "/zoho-backup-notifier/test",
            "ZOHO_ACCOUNTS_URL": zoho.url,
            "ZOHO_API_URL": zoho.url,
            **settings,
        }
        self.secret_reads = 0
        self.secret_error: Exception | None = None
        self.remaining = 55.0
        self.checks = 0
        self.around: Callable[[str, Callable[[], Any]], Any] = lambda name, call: call()
        self.tools = self.cold()

    def cold(self, **settings: str) -> Tools:
        """Start a new environment, as after a cold start, with settings changed."""
        self.settings |= settings
        self.tools = Tools(
            settings=read_settings(self.settings),
            store=Store(_Tap(self, self.table), self.settings["TABLE_NAME"]),
            sns=SnsChannel(_Tap(self, self.topic), self.settings["TOPIC_ARN"]),
            read_secret=lambda org: self.around("get_parameter", lambda: self._read_secret(org)),
            reading=self._tapped("read", transport.make_session(TLS, NO_RETRY)),
            sending=self._tapped("send", transport.make_session(TLS)),
            clock=self.clock,
            sleep=lambda seconds: None,
        )
        return self.tools

    def check(self, org: str = "default") -> dict[str, Any]:
        """Run one check; raises what it raises."""
        self.checks += 1
        return check.run(org, self.tools, f"request-{self.checks}", lambda: self.remaining)

    def memory(self, org: str = "default") -> Memory:
        """Return what is remembered; raises AssertionError when nothing is."""
        memory = Store(self.table, self.settings["TABLE_NAME"]).load(org)
        assert memory
        return replace(memory)

    def log(self, *, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
        """Add a row to the history, newest first, and return it; `at` is the present unless given."""
        raw = row(at or self.clock.now, **fields)
        self.organisation.rows.insert(0, raw)
        return raw

    def _tapped(self, name: str, session: requests.Session) -> requests.Session:
        request: Any = session.request
        tapped: Any = lambda *args, **more: self.around(name, lambda: request(*args, **more))  # noqa: E731
        session.request = tapped  # type: ignore[method-assign]
        return session

    def _read_secret(self, org: str) -> Any:
        self.secret_reads += 1
        if self.secret_error:
            raise self.secret_error
        if org not in self.secrets:
            raise SecretMissingError(f"There is no parameter for {org}.")
        return parse_secret(json.dumps(self.secrets[org]), f"/zoho-backup-notifier/test/{org}")


_numbers = iter(range(1, 10**9))


def row(at: datetime | None, **fields: Any) -> dict[str, Any]:
    """Return a row as Zoho sends it, with a new id; fields that are not given are as in Zoho's sample."""
    return {
        "id": str(4_876_876_000_000_000_000 + next(_numbers)),
        "done_by": {"name": "Patricia Boyle", "id": "4876876000000327001", "zuid": "75734577"},
        "log_time": at.isoformat() if at else None,
        "state": None,
        "action": None,
        "repeat_type": "weekly",
        "file_name": None,
        "count": 0,
        **fields,
    }


@contextmanager
def world(rows: Iterable[dict[str, Any]] = (), **settings: str) -> Iterator[World]:
    """Give a world whose organisation has this history, and close it."""
    zoho, slack = FakeZoho(), FakeSlack()
    try:
        made = World(zoho, slack, **settings)
        made.organisation.rows = list(rows)
        yield made
    finally:
        zoho.close()
        slack.close()
