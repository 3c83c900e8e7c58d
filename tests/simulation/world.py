"""One organisation, the real handler, everything that it talks to, and a clock that moves with each call."""

import json
import logging
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from inspect import unwrap
from types import ModuleType
from typing import Any, NoReturn

import boto3
from handler.access import Tools

from handler.channels import Batch
from handler.errors import NotifierError
from handler.store import from_item
from sandbox.channels.slack import FakeSlack
from sandbox.zoho import FakeZoho
from tests.simulation.arrivals import Arrivals
from tests.simulation.faults import Fault
from tests.simulation.wire import Call, Death
from tests.simulation.witness import Tally, Witness

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LATENCY_SECONDS = 0.1
TIMEOUT_SECONDS = 55
TABLE, PREFIX, ORG = "memory", "/zoho-backup-notifier/simulation", "default"


class Invocation:
    """One run of the function; also the context that Lambda gives it.

    Attributes:
        tools: The environment's.
        dead: Its process is gone.
        robbed: Somebody wrote the item in spite of its lease.
        hindered: A call to the table failed.
        deceived: Zoho concealed rows from it.
        batch: What it sends, or sent last.
        calls: Those that left, in order.
    """

    def __init__(self, world: "World", request_id: str, tools: Tools) -> None:
        """Begin now."""
        self._world = world
        self.aws_request_id = request_id
        self.tools = tools
        self.deadline = world.now + timedelta(seconds=TIMEOUT_SECONDS)
        self.dead = self.robbed = self.hindered = self.deceived = False
        self.batch: Batch | None = None
        self.calls: list[Call] = []

    def get_remaining_time_in_millis(self) -> int:
        """Return what Lambda's context returns."""
        return int((self.deadline - self._world.now).total_seconds() * 1000)


Planner = Callable[[Call], Fault | None]


class World:
    """Holds the fakes, injects what a plan says, and has everything seen by a witness.

    Attributes:
        zoho: The fake Zoho.
        slack: The fake Slack.
        now: The present.
        plan: Says for each call what happens to it; None: nothing.
        witness: Of the present timeline.
        story: Each call of it, and what happened to it.
        arrivals: What reached the table and the channels.
        last: The last invocation.
        error: What it raised, or None.
        tally: Of all of them.
    """

    def __init__(self, zoho: FakeZoho, slack: FakeSlack, app: ModuleType) -> None:
        """Take running servers and the handler's app, loaded with this world's settings."""
        self.zoho, self.slack, self._app = zoho, slack, app
        self.tally = Tally()
        self.now = START
        zoho.clock = lambda: self.now
        self.running: list[Invocation] = []
        self.log = _Log()
        self.error: NotifierError | None = None
        self._make_tools: Callable[[], Tools] = unwrap(app.tools)
        self._tools: Tools | None = None
        app.tools = lambda: self.running[-1].tools  # type: ignore[attr-defined]

    def build(self) -> None:
        """Make table and topic."""
        self._dynamodb: Any = boto3.client("dynamodb")
        self._ssm: Any = boto3.client("ssm")
        sns: Any = boto3.client("sns")
        os.environ["TOPIC_ARN"] = sns.create_topic(Name="simulation")["TopicArn"]
        if TABLE not in self._dynamodb.list_tables()["TableNames"]:
            self._dynamodb.create_table(
                TableName=TABLE,
                KeySchema=[{"AttributeName": "org", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "org", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def begin(self) -> None:
        """Start a timeline: a connected organisation with an empty history that was never checked."""
        self.now, self.plan = START, _nothing
        self.witness = Witness(self.tally, lambda: self.now)
        self.running.clear()
        self._tools = None
        self._numbers = iter(range(1, 10**6))
        self.zoho.organisations.clear()
        for server in (self.zoho, self.slack):
            server.requests.clear()
            server.standing.clear()
        self.slack.accepted.clear()
        self.log.lines.clear()
        self.organisation = self.zoho.organisation()
        self.ever_shown: dict[str, dict[str, Any]] = {}
        with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
            self._dynamodb.delete_item(TableName=TABLE, Key={"org": {"S": ORG}})
        self.connect(slack=True)
        self.story: list[str] = []
        self.arrivals = Arrivals(self)
        self.tally.timelines += 1

    def connect(self, *, slack: bool) -> None:
        """Write the organisation's parameter, with a webhook or without."""
        urls = {"heartbeat_url": self.slack.heartbeat_url("SECRETBEAT")}
        if slack:
            urls["slack_webhook_url"] = self.slack.webhook_url("SECRETHOOK")
        secret = json.dumps(self.organisation.secret(**urls))
        self._ssm.put_parameter(Name=f"{PREFIX}/{ORG}", Value=secret, Type="SecureString", Overwrite=True)

    def show(self, row: dict[str, Any], place: int = 0) -> dict[str, Any]:
        """Add a row to the history, with an id of its own unless it has one, and return it."""
        row = {
            "id": str(4_876_876_000_000_000_000 + next(self._numbers)),
            "done_by": {"name": "Patricia Boyle", "id": "4876876000000327001", "zuid": "75734577"},
            "log_time": self.now.isoformat(),
            "state": None,
            "action": None,
            "repeat_type": "weekly",
            "file_name": None,
            "count": 0,
            **row,
        }
        rows = self.organisation.rows
        rows.insert(place % (len(rows) + 1), row)
        return row

    def cold(self) -> None:
        """Lose the warm environment: the next check starts with nothing but its memory in the table."""
        if self._tools:
            self._tools.reading.close()
            self._tools.sending.close()
        self._tools = None

    def check(self, request_id: str = "") -> dict[str, Any] | None:
        """Run one check; return its answer, or None when it failed or died."""
        self.tally.checks += 1
        if self._tools is None:
            self._tools = replace(self._make_tools(), clock=lambda: self.now, sleep=self.pass_time)
        invocation = Invocation(self, request_id or f"request-{self.tally.checks}", self._tools)
        self.running.append(invocation)
        self.last, self.error = invocation, None
        self.ever_shown |= {str(row): dict(row) for row in self.organisation.rows}
        shown = list(self.ever_shown.values())
        try:
            answer: dict[str, Any] = self._app.lambda_handler({"org": ORG}, invocation)
        except Death:
            self.cold()
        except NotifierError as error:
            self.error = error
            self.log.lines += traceback.format_exception(error)
        except Exception as error:  # noqa: BLE001 - that is what must not be
            self.witness.blame("errors", f"{type(error).__name__} left the handler: {error}")
        else:
            if invocation.dead:
                self.witness.blame("errors", "the handler caught the death of its process")
            elif "skipped" not in answer:
                self.witness.check_returned(invocation, None if invocation.deceived else shown, self.organisation.rows)
            return answer
        finally:
            self.running.pop()
            if not (invocation.dead or invocation.hindered):
                self.witness.check_ended(invocation)
        return None

    # --- What goes through the wire ---

    def play(self, call: Call) -> Any:
        """Let a call happen, with whatever the plan has for it."""
        if not self.running:  # the simulation's own
            call.arrived = lambda answer: None
            return call.act()
        self.pass_time(LATENCY_SECONDS / 2)
        invocation = self.running[-1]
        invocation.calls.append(call)
        fault = self.plan(call)
        self._tell(f"{call.place} {fault.name if fault else ''}")
        excuse = "" if fault is None or fault.honest else f"{fault.name} at {call.place}"
        call.arrived = lambda answer: self.arrivals.take(call, answer, invocation, excuse)
        if fault is None:
            answer = call.act()
        else:
            self.tally.faults[call.place, fault.name] += 1
            if call.service == "dynamodb" and excuse:
                invocation.hindered = True
                self.witness.hurt(invocation, excuse)
            answer = fault.play(call, self)
        self.pass_time(LATENCY_SECONDS / 2)
        return answer

    def _tell(self, what: str) -> None:
        self.story.append(f"{self.now:%d %H:%M:%S} {self.running[-1].aws_request_id}: {what}")

    # --- What faults can do ---

    def die(self, why: str) -> NoReturn:
        """Kill the process of the running invocation."""
        invocation = self.running[-1]
        if not invocation.dead:
            self._tell(why)
            invocation.dead = True
            self.tally.faults["process", why] += 1
            self.witness.hurt(invocation, why)
        raise Death(why)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; Lambda kills the invocation at its deadline, and the dead stay dead."""
        self.now += timedelta(seconds=seconds)
        if self.running and (self.running[-1].dead or self.now >= self.running[-1].deadline):
            self.die("deadline")

    def check_beside(self, *, same_event: bool = False) -> None:
        """Run a whole check in another environment, while this one waits; Lambda may deliver an event twice."""
        if len(self.running) == 1:
            mine, self._tools, last = self._tools, None, self.last
            self.check(last.aws_request_id if same_event else "")
            self.cold()
            self._tools, self.last = mine, last

    def write_beside(self) -> None:
        """Write the item as somebody does who ignores the lease and now holds it."""
        memory = self.witness.memory
        if memory is None:
            return
        until = (self.now + timedelta(seconds=TIMEOUT_SECONDS)).isoformat()
        running, self.running = self.running, []  # so that the simulation's own calls are not played with
        running[-1].robbed = True
        item = self._dynamodb.get_item(TableName=TABLE, Key={"org": {"S": ORG}})["Item"]
        item |= {"version": {"N": str(memory.version + 1)}, "lease_owner": {"S": "thief"}, "lease_until": {"S": until}}
        self._dynamodb.put_item(TableName=TABLE, Item=item)
        self.running = running
        self.witness.written(from_item(item), self.organisation.rows, 0, None)

    def deceive(self) -> None:
        """Note that Zoho conceals rows."""
        self.running[-1].deceived = True
        self.witness.deceived = self.witness.deceived or self.witness.baseline is None

    def refuse(self, entries: set[str] | None = None) -> None:
        """Note that what is being sent is refused for good: all of it, or these entries of a batch."""
        batch = self.running[-1].batch
        if batch is None:
            return
        parts = [batch.content] if entries is None else [batch.content[int(number)] for number in entries]
        channel = "slack" if entries is None else "sns"
        self.witness.refused.update((channel, notice.notice_id) for part in parts for notice in part.notices)


def _nothing(call: Call) -> Fault | None:
    return None


class _Log(logging.Handler):
    """Keeps every record of the handler's logger as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {vars(record)}")
