"""One organisation's world: fake Zoho and channels over HTTP, table and topic in memory, a clock to turn."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import certifi
import pytest
import requests
from botocore.exceptions import ClientError
from urllib3.util import Retry

from handler import check, errors, transport
from handler.channels.channel import Senders
from handler.config import read_settings
from handler.errors import CheckFailed, UnreadableError
from handler.memory import Memory
from handler.organisation import Services
from handler.store import Store, from_item
from handler.transport import Deadline
from sandbox.channels import FAKES, Fake, FakeSlack
from sandbox.watch import START
from sandbox.zoho import FakeZoho, Organisation, row

NO_RETRY = Retry(total=0, redirect=0, raise_on_status=False)
TLS = transport.tls_context(certifi.where())
ITEM_LIMIT = 400 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""


def item_size(item: dict[str, dict[str, str]]) -> int:
    """Return the size of an item in bytes, or a little more: DynamoDB packs the digits of its numbers.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(f"{name}{text}".encode()) for name, typed in item.items() for text in typed.values())


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


@dataclass
class TableInMemory:
    """What the store uses of a DynamoDB client, for one table: GetItem, and PutItem with the store's conditions.

    Attributes:
        items: Organisation → its item.
        kinds: The kind of each notice that was ever saved, by its id.
    """

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def get_item(self, *, Key: dict[str, Any], ConsistentRead: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Read an item."""
        assert ConsistentRead
        item = self.items.get(Key["org"]["S"])
        return {"Item": json.loads(json.dumps(item))} if item else {}

    def put_item(self, *, Item: dict[str, Any], ConditionExpression: str, **request: Any) -> None:  # noqa: N803
        """Write an item if its condition holds."""
        assert item_size(Item) < ITEM_LIMIT
        old = self.items.get(Item["org"]["S"])
        if ConditionExpression == "attribute_not_exists(org)":
            holds = old is None
        else:
            assert ConditionExpression == "version = :version"
            holds = old is not None and old["version"] == request["ExpressionAttributeValues"][":version"]
        if not holds:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
        self.kinds |= {notice.notice_id: notice.kind for notice in from_item(Item).outbox}
        self.items[Item["org"]["S"]] = json.loads(json.dumps(Item))


@dataclass
class TopicInMemory:
    """What the SNS channel uses of an SNS client.

    Attributes:
        entries: What was accepted.
        fail: Raised instead of answering, until it is None again.
        refuse: Kinds that are refused → the code.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    fail: Exception | None = None
    refuse: dict[str, str] = field(default_factory=dict)

    def publish(self, *, TopicArn: str, **entry: Any) -> None:  # noqa: N803
        """Accept a message whose kind is not refused."""
        if self.fail:
            raise self.fail
        if code := self.refuse.get(str(self.attribute(entry, "kind"))):
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "Publish")
        self.entries.append(entry)

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
    """A boto3 client whose calls go through `World.leave`."""

    def __init__(self, world: "World", client: Any) -> None:
        self._world, self._client = world, client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **request: self._world.leave(name, lambda: method(**request))


class World:
    """One stack with the organisation `default`, connected to a fake Zoho and the fakes of its channels.

    Attributes:
        zoho: The fake; `organisation.rows` is the history, newest first.
        fakes: The channels' fakes, by name; `fakes[name].accepted` is what one accepted.
        table: The DynamoDB client that the store has.
        topic: The SNS client that the channel has.
        clock: What checks take for the present.
        secrets: Organisation → what its parameter holds.
        subscribers: What SNS answers: topic → how many are subscribed.
        secret_error: Raised instead of reading a parameter, until it is None again.
        remaining: Seconds that a check is given.
        deadline: When a check is killed.
        slept: How long checks paused between attempts to write, instead of sleeping.
        calls: The name of each call that left the process since the last `forget`: `get_parameter`, `get_item`,
            `put_item`, `publish`, `read` (Zoho) and `send` (channels, heartbeat).
        around: Called with the name of such a call and the call itself, in its place.
    """

    def __init__(
        self, zoho: FakeZoho, fakes: dict[str, Fake], *, table: Any = None, topic: Any = None, **settings: str
    ) -> None:
        """Connect the organisation; `settings` are environment variables of the function."""
        self.zoho, self.fakes = zoho, fakes
        self.clock = Clock()
        zoho.clock = self.clock
        self.table = TableInMemory() if table is None else table
        self.topic = TopicInMemory() if topic is None else topic
        self.organisation: Organisation = zoho.organisation()
        channels = {key: value for fake in fakes.values() for key, value in fake.settings().items()}
        self.secrets: dict[str, dict[str, str]] = {"default": self.organisation.secret(**channels)}
        self.settings = {
            "TABLE_NAME": "table",
            "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
            "ORG_PARAMETER_PREFIX": "/zoho-backup-notifier/test",
            "ZOHO_ACCOUNTS_URL": zoho.url,
            "ZOHO_API_URL": zoho.url,
            **settings,
        }
        self.subscribers: dict[str, int] = {}
        self.secret_error: Exception | None = None
        self.remaining = 55.0
        self.deadline = Deadline(lambda: self.remaining)
        self.slept: list[float] = []
        self.calls: list[str] = []
        self.checks = 0
        self.around: Callable[[str, Callable[[], Any]], Any] = lambda name, call: call()
        self.services = self.cold()

    @property
    def slack(self) -> FakeSlack:
        """The fake Slack, where it is among the channels."""
        return cast(FakeSlack, self.fakes["slack"])

    def cold(self, **settings: str) -> Services:
        """Start a new environment, as after a cold start, with settings changed."""
        self.settings |= settings
        sns = _Tap(self, self.topic)
        session = self._tapped("send", transport.make_session(TLS))
        self.services = Services(
            settings=read_settings(self.settings),
            store=Store(_Tap(self, self.table), self.settings["TABLE_NAME"]),
            senders=Senders(sns, self.settings["TOPIC_ARN"], session),
            read_secret=lambda org: self.leave("get_parameter", lambda: self._read_secret(org)),
            subscribers=lambda: self.subscribers,
            reading=self._tapped("read", transport.make_session(TLS, NO_RETRY)),
            clock=self.clock,
            sleep=self.slept.append,
        )
        return self.services

    def check(self, org: str = "default") -> dict[str, Any]:
        """Run one check; raises what it raises."""
        self.checks += 1
        return check.run(org, self.services, f"request-{self.checks}", self.deadline)

    def failing(self, org: str = "default") -> str:
        """Run one check, which must fail at its end, and return why."""
        with pytest.raises(CheckFailed) as raised:
            self.check(org)
        return str(raised.value)

    def told(self, org: str = "default") -> str:
        """Run one check, which must end well with a problem that somebody was told of, and return the problem."""
        problem: str = self.check(org)["problem"]
        assert problem
        return problem

    def forget(self) -> None:
        """Forget what was sent, asked and called so far."""
        self.topic.entries.clear()
        for fake in self.fakes.values():
            fake.accepted.clear()
            fake.requests.clear()
        self.zoho.requests.clear()
        self.calls.clear()

    def memory(self, org: str = "default") -> Memory:
        """Return what is remembered; raises AssertionError when nothing is."""
        memory = Store(self.table, self.settings["TABLE_NAME"]).load(org)
        assert memory
        return memory

    def log(self, *, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
        """Add a row to the history, newest first, and return it; `at` is the present unless given."""
        raw = row(at or self.clock.now, **fields)
        self.organisation.rows.insert(0, raw)
        return raw

    @property
    def asked(self) -> list[str]:
        """The kinds of the requests that Zoho got, oldest first."""
        return [request.kind for request in self.zoho.requests]

    def mail(self, index: int = -1) -> str:
        """Return the text of an e-mail, of the newest one unless given."""
        text: str = self.topic.entries[index]["Message"]
        return text

    def sent(self, channel: str) -> list[str]:
        """Return the kind of each notice that a channel accepted, oldest first, a repeated one again."""
        if channel == "sns":
            return [self.table.kinds[self.topic.attribute(entry, "notice_id")] for entry in self.topic.entries]
        texts = [json.dumps(message.payload, ensure_ascii=False) for message in self.fakes[channel].accepted]
        kinds = self.table.kinds
        return [kinds[i] for text in texts for i in sorted((i for i in kinds if i in text), key=text.index)]

    def leave(self, name: str, call: Callable[[], Any]) -> Any:
        """Record a call that leaves the process, and make it."""
        self.calls.append(name)
        return self.around(name, call)

    def _tapped(self, name: str, session: requests.Session) -> requests.Session:
        request: Any = session.request
        tapped: Any = lambda *args, **more: self.leave(name, lambda: request(*args, **more))  # noqa: E731
        session.request = tapped  # type: ignore[method-assign]
        return session

    def _read_secret(self, org: str) -> str:
        if self.secret_error:
            raise self.secret_error
        if org not in self.secrets:
            raise UnreadableError(errors.SECRET_MISSING, f"There is no parameter for {org}.")
        return json.dumps(self.secrets[org])


@contextmanager
def world(
    rows: Iterable[dict[str, Any]] = (), channels: Iterable[str] = ("slack",), **settings: str
) -> Iterator[World]:
    """Give a world whose organisation has this history and these channels beside the topic, and close it."""
    with ExitStack() as opened:
        zoho = opened.enter_context(closing(FakeZoho()))
        fakes = {name: opened.enter_context(closing(FAKES[name]())) for name in channels}
        made = World(zoho, fakes, **settings)
        made.organisation.rows = list(rows)
        yield made
