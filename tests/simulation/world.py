"""One organisation, the real handler, everything that it talks to, and a clock that moves with each call."""

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from inspect import unwrap
from types import ModuleType
from typing import Any, NoReturn

from handler.channels import BY_NAME
from handler.errors import NotifierError, TransportError
from handler.exchange import TOO_SLOW, Exchange
from handler.organisation import Services
from handler.store import from_item
from sandbox.channels import Fake, FakePagerDuty, FakeSlack
from sandbox.zoho import FakeZoho
from sandbox.zoho import row as zoho_row
from tests.simulation.arrivals import Arrivals
from tests.simulation.faults import START, Fault
from tests.simulation.invocation import TIMEOUT_SECONDS, Invocation, Log
from tests.simulation.stack import Stack
from tests.simulation.tally import Tally
from tests.simulation.wire import Call, Death
from tests.simulation.witness import Witness

LATENCY_SECONDS = 0.1
ORG = "default"


Planner = Callable[[Call], Fault | None]


class World:
    """Holds the fakes, injects what a plan says, and has everything seen by a witness.

    Attributes:
        zoho: The fake Zoho.
        fakes: The fakes of the channels, by name.
        now: The present.
        plan: Says for each call what happens to it; None: nothing.
        witness: Of the present timeline.
        story: Each call of it, and what happened to it.
        arrivals: What reached the table and the channels.
        canaries: What of the organisation's secret must never be seen.
        last: The last invocation.
        error: What it raised, or None.
        tally: Of all of them.
        connected: The channels that are configured now, beside SNS.
        malformed: One of them whose first key cannot be used, or "".
        floor: From which severity on each of them hears, or "".
    """

    def __init__(self, zoho: FakeZoho, beats: FakeSlack, fakes: Mapping[str, Fake], app: ModuleType) -> None:
        """Take running servers and the handler's app, loaded with this world's settings."""
        self.zoho, self.fakes, self._beats, self._app = zoho, fakes, beats, app
        self.tally = Tally()
        self.now = START
        zoho.clock = lambda: self.now
        for fake in fakes.values():
            fake.clock = zoho.clock
        self.stack = Stack()
        self.running: list[Invocation] = []
        self.log = Log()
        self.error: NotifierError | None = None
        self._ends: dict[threading.Thread, datetime] = {}
        self._make_services: Callable[[], Services] = unwrap(app.services)
        self._services: Services | None = None
        app.services = lambda: self.running[-1].services  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Start a timeline: an organisation with an empty history that was never checked."""
        self.now, self.plan = START, _nothing
        self.witness = Witness(self.tally, lambda: self.now, frozenset(self._harmless()))
        self.running.clear()
        self._ends.clear()
        self._services = None
        self._numbers = iter(range(1, 10**6))
        self.zoho.organisations.clear()
        for server in (self.zoho, self._beats, *self.fakes.values()):
            server.requests.clear()
            server.standing.clear()
        for fake in self.fakes.values():
            fake.reset()
        self.log.lines.clear()
        self.organisation = self.zoho.organisation()
        self.ever_shown: dict[str, dict[str, Any]] = {}
        self.stack.forget(ORG)
        self._always_connected = {*self.fakes}
        self.connect(self.fakes)
        self.story: list[str] = []
        self.arrivals = Arrivals(self)
        self.tally.timelines += 1

    def _harmless(self) -> list[str]:
        return [name for name, fake in self.fakes.items() if isinstance(fake, FakePagerDuty)]

    def connect(self, channels: Iterable[str], malformed: str = "", floor: str = "") -> None:
        """Write the organisation's parameter.

        Args:
            channels: Those that are configured, beside SNS.
            malformed: One of them whose first key cannot be used.
            floor: From which severity on each of them hears; "": its own default.
        """
        names = [name for name in channels if name in self.fakes]
        self.connected, self.malformed, self.floor = tuple(names), malformed, floor
        self._always_connected &= {*names} - {malformed}
        values = {key: value for name in names for key, value in self.fakes[name].settings("SECRETHOOK").items()}
        secret_keys = {setting.key for name in names for setting in BY_NAME[name].settings if setting.secret}
        self.canaries = {"SECRETHOOK", "SECRETBEAT", *(value for key, value in values.items() if key in secret_keys)}
        if malformed in names:
            values[BY_NAME[malformed].settings[0].key] = "https://SECRETHOOK.example.com:99999/"
        if floor:
            values |= {f"{name}_min_severity": floor for name in names}
        floors = {name: floor or BY_NAME[name].min_severity for name in names}
        self.witness.configured(floors | {"sns": "info"}, malformed if malformed in names else "")
        secret = self.organisation.secret(**values, heartbeat_url=self._beats.heartbeat_url("SECRETBEAT"))
        self.stack.connect(ORG, secret)

    def show(self, row: dict[str, Any], place: int = 0) -> dict[str, Any]:
        """Add a row to the history, with an id of its own unless it has one, and return it."""
        row = zoho_row(self.now, **{"id": str(4_876_876_000_000_000_000 + next(self._numbers)), **row})
        rows = self.organisation.rows
        rows.insert(place % (len(rows) + 1), row)
        return row

    def cold(self) -> None:
        """Lose the warm environment: the next check starts with nothing but its memory in the table."""
        if self._services:
            self._services.reading.close()
            self._services.senders.session.close()
        self._services = None

    def check(self, request_id: str = "") -> dict[str, Any] | None:
        """Run one check; return its answer, or None when it failed or died."""
        self.tally.checks += 1
        if self._services is None:
            made = replace(self._make_services(), clock=lambda: self.now, sleep=self.pass_time)
            self._services = replace(made, zoho={})
        invocation = Invocation(self.zoho.clock, request_id or f"request-{self.tally.checks}", self._services)
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
                self.witness.check_ended(invocation, invocation.refused_by)
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
        self._note(f"{call.place} {fault.name if fault else ''}")
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

    def _note(self, what: str) -> None:
        self.story.append(f"{self.now:%d %H:%M:%S} {self.running[-1].aws_request_id}: {what}")

    def judge_alerts(self) -> None:
        """Judge what is open where alerts resolve themselves, unless some of their messages never could arrive."""
        memory = self.witness.memory
        for name, fake in self.fakes.items():
            lost = any(channel == name for channel, _ in self.witness.refused)
            if memory and isinstance(fake, FakePagerDuty) and name in self._always_connected and not lost:
                opened = Counter(alert.key for alert in fake.alerts)
                self.witness.pairs.judge_alerts(memory, opened, [alert.key for alert in fake.open_alerts])

    # --- What faults can do ---

    def die(self, why: str) -> NoReturn:
        """Kill the process of the running invocation."""
        invocation = self.running[-1]
        if not invocation.dead:
            self._note(why)
            invocation.dead = True
            self.tally.faults["process", why] += 1
            self.witness.hurt(invocation, why)
        raise Death(why)

    def pass_time(self, seconds: float) -> None:
        """Let time pass: exchanges end with their time, Lambda kills at its deadline, and the dead stay dead."""
        end = self._ends.get(threading.current_thread())
        self.now += timedelta(seconds=seconds)
        too_slow = end is not None and self.now >= end
        if too_slow and end:
            self.now = max(end, self.now - timedelta(seconds=seconds))  # nobody waits for the rest
        if not self.running:
            return
        invocation = self.running[-1]
        if invocation.dead or self.now >= invocation.deadline:
            if not (invocation.dead or invocation.beside):
                self.witness.blame("deadline", "a check did not end by itself in time")
            self.die("deadline")
        if too_slow:
            self.witness.hurt(invocation, "an answer too slow")
            raise TransportError(TOO_SLOW)

    def begin_exchange(self, exchange: Exchange[Any], seconds: float) -> None:
        """Note that an exchange ends after so many seconds."""
        self._ends[exchange] = self.now + timedelta(seconds=seconds)

    def present(self) -> object:
        """Return the invocation that runs, or None."""
        return self.running[-1] if self.running else None

    def is_running(self, invocation: object) -> bool:
        """Return whether an invocation still runs; None stands for the simulation's own calls."""
        return invocation is None or invocation in self.running

    def freeze(self, service: str) -> None:
        """Note that a connection which slept since an earlier invocation was used."""
        self.witness.blame("idle", f"a connection to {service} was kept over a freeze")

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
        memory = self.witness.memory
        if memory is None:
            return
        running, self.running = self.running, []  # so that the simulation's own calls are not played with
        running[-1].robbed = True
        item = self.stack.steal(ORG, self.now + timedelta(seconds=TIMEOUT_SECONDS))
        self.running = running
        self.witness.written(from_item(item), self.organisation.rows, 0, None)

    def deceive(self) -> None:
        """Note that Zoho conceals rows."""
        self.running[-1].deceived = True
        self.witness.deceived = self.witness.deceived or self.witness.baseline is None

    def forbid_writing(self) -> None:
        """Note that a newer release wrote the item that the check began with."""
        self.running[-1].may_write = len(self.running[-1].calls) > 1

    def refuse(self, references: Collection[str] | None = None) -> None:
        """Note that what is being sent is refused permanently: all of it, or the messages with these references."""
        sending = self.running[-1].sending
        if sending is None:
            return
        ids = list(sending.request.notice_ids)
        if references is not None:
            payload = [m for m in sending.request.payload if m.attributes["notice_id"] in references]
            ids = [notice_id for message in payload for notice_id in message.notice_ids]
        self.witness.refused.update((sending.channel, notice_id) for notice_id in ids)

    def break_channel(self, *, surely: bool = True) -> None:
        """Note that the channel being sent to refuses everything; not surely: its answer may be read like that."""
        if sending := self.running[-1].sending:
            self.witness.may_be_broken.add(sending.channel)
            if surely:
                self.running[-1].refused_by.add(sending.channel)


def _nothing(call: Call) -> Fault | None:
    return None
