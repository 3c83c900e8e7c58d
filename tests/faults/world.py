"""One organisation, the real handler, everything that it talks to, and a clock that moves with each call."""

import importlib.util
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from inspect import unwrap
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3

from handler import transport
from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Connection, Request
from handler.config import NOTIFIABLE
from handler.errors import NotifierError, TransportError
from handler.organisation import Services
from handler.store import from_item, to_item
from handler.transport import Deadline
from sandbox import server
from sandbox.channels import FAKES, Fake, FakePagerDuty, FakeSlack
from sandbox.zoho import FakeZoho
from sandbox.zoho import row as zoho_row
from tests.channels.models import let_the_models_judge
from tests.faults.calls import AwsCall, Call, Death, HttpCall
from tests.faults.faults import START, Fault
from tests.faults.interceptor import intercepted
from tests.faults.judge import Judge
from tests.faults.stack import PREFIX, TABLE, TOPIC, Stack, reference

LATENCY_SECONDS = 0.1
LAMBDA_SECONDS = 55
ORG = "default"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "faults",
    "AWS_SECRET_ACCESS_KEY": "faults",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "TABLE_NAME": TABLE,
    "TOPIC_ARN": TOPIC,
    "ORG_PARAMETER_PREFIX": PREFIX,
    "NOTIFY_ON": ",".join(sorted(NOTIFIABLE)),
}


Sending = tuple[str, Request]
"""A channel, and one request on its way to it, which may take several calls."""


class Invocation:
    """One run of the function; also the context that Lambda gives it.

    Attributes:
        services: The environment's.
        deadline: When Lambda kills it.
        limit: When the HTTP exchange that is under way ends, or None.
        dead: Its process is gone.
        robbed: Somebody wrote the item in spite of its lease.
        hindered: A call to the table failed.
        deceived: Zoho hid rows from it.
        may_write: The item that it began with is of this release.
        beside: Another check ran in the middle of it.
        sending: What it sends, or sent last.
        refused_by: The channels that refused everything when they were last sent to.
        calls: Those that left, in order.
    """

    def __init__(self, clock: Callable[[], datetime], request_id: str, services: Services) -> None:
        """Begin now."""
        self._clock, self.aws_request_id, self.services = clock, request_id, services
        self.deadline = clock() + timedelta(seconds=LAMBDA_SECONDS)
        self.limit: datetime | None = None
        self.dead = self.robbed = self.hindered = self.deceived = self.beside = False
        self.may_write = True
        self.sending: Sending | None = None
        self.refused_by: set[str] = set()
        self.calls: list[HttpCall | AwsCall] = []

    def get_remaining_time_in_millis(self) -> int:
        """Return what Lambda's context returns."""
        return int((self.deadline - self._clock()).total_seconds() * 1000)


class World:
    """Holds the fakes, injects what a plan says, and has everything seen by a judge.

    Attributes:
        now: The present.
        plan: Says for each call what happens to it; None: nothing.
        judge: Of the present timeline.
        story: Each call of it, and what happened to it.
        running: Invocations, the innermost last.
        last: The last invocation.
        tally: What all timelines counted.
        connected: The channels that are configured now, beside SNS.
        malformed: One of them whose first key cannot be used, or "".
        floor: From which severity on each of them hears, or "".
    """

    def __init__(self, zoho: FakeZoho, beats: FakeSlack, fakes: Mapping[str, Fake], app: ModuleType) -> None:
        """Take running servers and the handler's app, loaded with this world's settings."""
        self.zoho, self.fakes, self._beats, self._app = zoho, fakes, beats, app
        self.tally: Counter[str] = Counter()
        self.now = START
        zoho.clock = lambda: self.now
        for fake in fakes.values():
            fake.clock = zoho.clock
        self._make_services: Callable[[], Services] = unwrap(app.services)
        self._services: Services | None = None
        app.services = lambda: self.running[-1].services  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Start a timeline: an organisation with an empty history that was never checked."""
        self.now = START
        self.plan: Callable[[HttpCall | AwsCall], Fault | None] = lambda call: None
        self.floors: dict[str, str] = {}
        self.judge = Judge(self.tally, lambda: self.now, lambda: self.floors)
        self.running: list[Invocation] = []
        self._services = None
        self._numbers = iter(range(1, 10**6))
        self.zoho.organisations.clear()
        for every in (self.zoho, self._beats, *self.fakes.values()):
            every.requests.clear()
            every.standing.clear()
        for fake in self.fakes.values():
            fake.reset()
        self.organisation = self.zoho.organisation()
        self.ever_shown: dict[str, dict[str, Any]] = {}
        self.stack = Stack()
        self._always_connected = {*self.fakes}
        self.connect(self.fakes)
        self.story: list[str] = []
        self.tally["timelines"] += 1

    def connect(self, channels: Iterable[str], malformed: str = "", floor: str = "") -> None:
        """Write the organisation's parameter.

        Args:
            channels: Those that are configured, beside SNS.
            malformed: One of them whose first key cannot be used.
            floor: From which severity on each of them hears; "": its own default.
        """
        self.connected, self.malformed, self.floor = tuple(channels), malformed, floor
        self._always_connected &= {*self.connected} - {malformed}
        values = {key: value for name in self.connected for key, value in self.fakes[name].settings().items()}
        if malformed in self.connected:
            values[BY_NAME[malformed].settings[0].key] = "https://hook.example.com:99999/"
            self.judge.may_be_broken.add(malformed)
        if floor:
            values |= {f"{name}_min_severity": floor for name in self.connected}
        self.floors = {"sns": "info", **{name: floor or BY_NAME[name].min_severity for name in self.connected}}
        secret = self.organisation.secret(**values, heartbeat_url=self._beats.heartbeat_url())
        self.stack.parameters[f"{PREFIX}/{ORG}"] = json.dumps(secret)

    def readers(self, *, unread: bool = False, lies: bool = False) -> None:
        """Say whether nobody is subscribed to the topic, and whether the heartbeat's service records nothing."""
        self.stack.subscribers = int(not unread)
        self._beats.standing.clear()
        if lies:
            self._beats.standing["heartbeat"] = server.Fault(server.Response.text("OK (not found)"))
        self.judge.may_be_broken |= {name for name, broken in {"sns": unread, "heartbeat": lies}.items() if broken}

    def show(self, row: dict[str, Any], place: int = 0) -> None:
        """Add a row to the history, with an id of its own unless it has one."""
        rows = self.organisation.rows
        row = zoho_row(self.now, **{"id": str(4_876_876_000_000_000_000 + next(self._numbers)), **row})
        rows.insert(place % (len(rows) + 1), row)

    def cold(self) -> None:
        """Lose the warm environment: the next check starts with nothing but its memory in the table."""
        if self._services:
            self._services.reading.close()
            self._services.senders.session.close()
        self._services = None

    def check(self, request_id: str = "") -> dict[str, Any] | None:
        """Run one check; return its answer, or None when it failed or died."""
        self.tally["checks"] += 1
        if self._services is None:
            self._services = replace(self._make_services(), clock=lambda: self.now, sleep=self.pass_time, zoho={})
        invocation = Invocation(lambda: self.now, request_id or f"request-{self.tally['checks']}", self._services)
        self.running.append(invocation)
        self.last = invocation
        self.ever_shown |= {str(row): dict(row) for row in self.organisation.rows}
        shown = list(self.ever_shown.values())
        try:
            answer: dict[str, Any] = self._app.lambda_handler({"org": ORG}, invocation)
        except Death:
            self.cold()
        except NotifierError:
            pass
        except Exception as error:  # noqa: BLE001 - that is what must not be
            self.judge.blame("errors", f"{type(error).__name__} left the handler: {error}")
        else:
            if invocation.dead:
                self.judge.blame("errors", "the handler caught the death of its process")
            elif "skipped" not in answer:
                self.judge.check_returned(invocation, shown, self.organisation.rows)
            return answer
        finally:
            self.running.pop()
            if not (invocation.dead or invocation.hindered):
                self.judge.check_ended(invocation)
        return None

    def play(self, call: HttpCall | AwsCall) -> Any:
        """Let a call happen, with whatever the plan has for it."""
        self.pass_time(LATENCY_SECONDS / 2)
        invocation = self.running[-1]
        invocation.calls.append(call)
        fault = self.plan(call)
        self._note(f"{call.place} {fault.name if fault else ''}")
        excuse = "" if fault is None or fault.honest else f"{fault.name} at {call.place}"
        call.arrived = lambda answer: self._arrived(call, answer, invocation, excuse)
        if fault is None:
            answer = call.act()
        else:
            self.tally["faults"] += 1
            if call.service == "heartbeat":
                self.judge.may_be_broken.add("heartbeat")
            if invocation.sending and call.operation in {"webhook", "Publish"}:
                self.judge.first_faults.setdefault(invocation.sending[0], self.now.replace(microsecond=0))
            if call.service == "dynamodb" and excuse:
                invocation.hindered = True
                self.judge.hurt(invocation, excuse)
            answer = fault.play(call, self)
        self.pass_time(LATENCY_SECONDS / 2)
        return answer

    def _note(self, what: str) -> None:
        self.story.append(f"{self.now:%d %H:%M:%S} {self.running[-1].aws_request_id}: {what}")

    def _arrived(self, call: Call, answer: Any, by: Invocation, excuse: str) -> None:
        """Show the judge what a call did.

        Args:
            call: What was called.
            answer: What the server said; None: it hung up.
            by: Who called.
            excuse: The fault that hides the answer, or "".
        """
        if isinstance(call, AwsCall) and call.operation == "PutItem" and answer.status_code == 200:
            if not by.may_write:
                self.judge.blame("order", "a check wrote over the item of a newer release")
            self._saved(call.asked["Item"], by)
        while self.stack.published:
            published = self.stack.published.pop(0)
            assert by.sending
            assert by.sending[1].notice_ids == (reference(published),)
            self._accepted(by, published["Message"], excuse)
        if call.operation == "webhook" and self.fakes[call.service].accepted:
            message = self.fakes[call.service].accepted.pop()
            self._accepted(by, message.text + json.dumps(message.payload), excuse)

    def _saved(self, item: dict[str, Any], by: Invocation | None) -> None:
        size = sum(len(name.encode()) + len(text.encode()) for name, typed in item.items() for text in typed.values())
        self.judge.saved(from_item(item), self.organisation.rows, size, by)

    def _accepted(self, by: Invocation, text: str, excuse: str) -> None:
        assert by.sending
        by.refused_by.discard(by.sending[0])
        self.judge.accepted(by.sending, by.sending[1].notice_ids, text, by, excuse)

    def judge_alerts(self) -> None:
        """Judge what is open where alerts resolve themselves, unless some of their messages never could arrive."""
        memory, judge = self.judge.memory, self.judge
        for name, fake in self.fakes.items():
            lost = any(channel == name for channel, _ in judge.refused)
            if not (memory and isinstance(fake, FakePagerDuty) and name in self._always_connected) or lost:
                continue
            known = {f"{ORG}-{n}-{i.since:%Y%m%dT%H%M%SZ}" for n, i in memory.incidents.items()}
            for key in (alert[0]["dedup_key"] for alert in fake.open_alerts):
                if key not in known and "-unknown-" not in key:
                    judge.blame("pairs", f"the alert {key} stays open")
            for key, count in Counter(alert[0]["dedup_key"] for alert in fake.alerts).items():
                if count > 1:
                    judge.blame("repeat", f"the alert {key} was opened {count} times")

    # --- What faults can do ---

    def die(self, why: str) -> NoReturn:
        """Kill the process of the running invocation."""
        invocation = self.running[-1]
        if not invocation.dead:
            self._note(why)
            invocation.dead = True
            self.judge.hurt(invocation, why)
        raise Death(why)

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Let an HTTP exchange end after so many seconds."""
        invocation = self.running[-1]
        invocation.limit = self.now + timedelta(seconds=seconds)
        try:
            yield
        finally:
            invocation.limit = None

    def pass_time(self, seconds: float) -> None:
        """Let time pass: exchanges end with their time, Lambda kills at its deadline, and the dead stay dead."""
        invocation, before = self.running[-1], self.now
        self.now += timedelta(seconds=seconds)
        too_slow = invocation.limit is not None and self.now >= invocation.limit
        if too_slow and invocation.limit:
            self.now = max(invocation.limit, before)  # nobody waits for the rest
        if invocation.dead or self.now >= invocation.deadline:
            if not (invocation.dead or invocation.beside):
                self.judge.blame("deadline", "a check did not end by itself in time")
            self.die("deadline")
        if too_slow:
            self.judge.hurt(invocation, "an answer too slow")
            raise TransportError("the answer came too slowly")

    def check_beside(self, *, same_event: bool = False) -> None:
        """Run a whole check in another environment, while this one waits; Lambda may deliver an event twice."""
        if len(self.running) == 1:
            self.running[-1].beside = True
            mine, self._services, last = self._services, None, self.last
            self.check(last.aws_request_id if same_event else "")
            self.cold()
            self._services, self.last = mine, last

    def write_beside(self) -> None:
        """Write the item as somebody does who ignores the lease and now holds it."""
        if item := self.stack.items.get(ORG):
            self.running[-1].robbed = True
            memory, until = from_item(item), self.now + timedelta(seconds=LAMBDA_SECONDS)
            stolen = memory._replace(version=memory.version + 1, lease_owner="thief", lease_until=until)
            self.stack.items[ORG] = to_item(stolen)
            self._saved(self.stack.items[ORG], None)

    def deceive(self) -> None:
        """Note that Zoho hides rows, in an answer that is as documented."""
        if self.running[-1].calls[-1].place == "zoho history":
            self.running[-1].deceived = True
            self.judge.deceived = self.judge.deceived or self.judge.baseline is None

    def refuse(self) -> None:
        """Note that what is being sent is refused permanently."""
        if sending := self.running[-1].sending:
            self.judge.refused |= {(sending[0], notice_id) for notice_id in sending[1].notice_ids}

    def break_channel(self, *, surely: bool = True) -> None:
        """Note that the channel being sent to refuses everything; not surely: its answer may be read like that."""
        running = self.running[-1]
        if running.sending and running.calls[-1].operation in {"webhook", "Publish"}:
            self.judge.may_be_broken.add(running.sending[0])
            if surely:
                running.refused_by.add(running.sending[0])


def _noting(send: Callable[..., None], world: Callable[[], World]) -> Callable[..., None]:
    """Return `Connection.send`, which first says what it sends; what arrives is still judged at the wire."""

    def noting(connection: Connection, request: Request, deadline: Deadline) -> None:
        world().running[-1].sending = connection.kind.name, request
        send(connection, request, deadline)

    return noting


def _load_app() -> ModuleType:
    """Return `handler.app` loaded once more, so that its clients are built under this world's settings."""
    spec: Any = importlib.util.spec_from_file_location("faulted_app", Path(transport.__file__).with_name("app.py"))
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app


@contextmanager
def a_world() -> Iterator[World]:
    """Give a world with every channel that is registered, and put everything back."""
    let_the_models_judge()
    with ExitStack() as opened:
        zoho = opened.enter_context(closing(FakeZoho()))
        beats = opened.enter_context(closing(FakeSlack()))  # any fake takes heartbeats; this one takes nothing else
        fakes = {c.name: opened.enter_context(closing(FAKES[c.name]())) for c in CHANNELS if c.name in FAKES}
        urls = {"ZOHO_ACCOUNTS_URL": zoho.url, "ZOHO_API_URL": zoho.url}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        opened.enter_context(patch.dict(os.environ, {**ours, **ENVIRONMENT, **urls}, clear=True))
        opened.enter_context(patch.object(boto3, "DEFAULT_SESSION", None))
        opened.enter_context(patch.object(transport, "tls_context", cache(transport.tls_context)))
        opened.enter_context(patch.object(logging.getLogger("handler"), "disabled", new=True))
        servers = {"zoho": zoho, "heartbeat": beats, **fakes}
        by_port = {urlsplit(server.url).port or 0: (name, server) for name, server in servers.items()}
        opened.enter_context(intercepted(by_port, lambda: made))
        opened.enter_context(patch.object(Connection, "send", _noting(Connection.send, lambda: made)))
        made = World(zoho, beats, fakes, _load_app())
        yield made
        made.cold()
