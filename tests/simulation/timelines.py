"""What happens to an organisation, and what happens to the calls meanwhile: played in a world."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from handler.channels import CHANNELS
from tests.simulation.faults import START, Fault
from tests.simulation.http_faults import said
from tests.simulation.kinds import kinds
from tests.simulation.wire import Call
from tests.simulation.world import World

NAMES = tuple(channel.name for channel in CHANNELS if channel.settings)
"""Of the channels that a secret configures."""
RETRY_SECONDS = (60, 120)
"""Lambda invokes again after a failure: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html."""
RECOVERY_CHECKS = 6


@dataclass(frozen=True)
class Row:
    """A row that appears in the history.

    Attributes:
        state: Of the row.
        action: Of the row.
        hours_ago: Its ``log_time``, in the future where negative; None: it has none.
        place: Where in the history it appears; 0 is the top.
        many: How many such rows appear at once.
        same_job: It has the id that all runs of one job share.
        ends: It is the row of the newest backup in progress, changed in place.
    """

    state: str | None
    action: str | None = None
    hours_ago: float | None = 0
    place: int = 0
    many: int = 1
    same_job: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Hit:
    """A fault that waits for its call.

    Attributes:
        after: How many calls pass before it strikes.
        kind: Which one, of those that can happen to the call that it strikes.
        times: How many calls to that place it strikes in a row.
    """

    after: int
    kind: int
    times: int = 1


@dataclass(frozen=True)
class Step:
    """Time passes, something happens in Zoho, and a check runs, with Lambda's retries when it fails.

    Attributes:
        hours: That pass.
        rows: That appear.
        hits: Faults that strike single calls.
        outage: A service, and what happens to each call to it.
        cold: The environment is a new one.
        without: A channel that is not configured meanwhile.
        malformed: A channel whose key cannot be used meanwhile.
    """

    hours: float
    rows: tuple[Row, ...] = ()
    hits: tuple[Hit, ...] = ()
    outage: tuple[str, int] | None = None
    cold: bool = False
    without: str = ""
    malformed: str = ""


@dataclass(frozen=True)
class Timeline:
    """A history before the first check, and what happens then.

    Attributes:
        rows: How many rows the history has at first, all completed.
        steps: What happens.
        channels: Those that are configured, beside SNS.
        floor: From which severity on each of them hears; "": its own default.
        plan: What Zoho says of the plan: a name that `http_faults.said` knows; "": nothing.
    """

    rows: int
    steps: tuple[Step, ...]
    channels: tuple[str, ...] = NAMES
    floor: str = ""
    plan: str = ""


class _Plan:
    """Deals out the faults of one step."""

    def __init__(self, step: Step) -> None:
        self._hits = list(step.hits)
        self._wait = self._hits[0].after if self._hits else 0
        self._outage = step.outage
        self._again: tuple[str, int, int] | None = None

    def __call__(self, call: Call) -> Fault | None:
        if self._outage and self._outage[0] == call.service:
            return self._fault(call, self._outage[1])
        if self._again:
            place, kind, left = self._again
            if place == call.place:
                self._again = (place, kind, left - 1) if left > 1 else None
                return self._fault(call, kind)
        if not self._hits:
            return None
        if self._wait:
            self._wait -= 1
            return None
        hit = self._hits.pop(0)
        self._wait = self._hits[0].after if self._hits else 0
        self._again = (call.place, hit.kind, hit.times - 1) if hit.times > 1 else None
        return self._fault(call, hit.kind)

    @staticmethod
    def _fault(call: Call, kind: int) -> Fault:
        possible = kinds(call)
        return possible[kind % len(possible)]


def play(world: World, timeline: Timeline, full: int = 100) -> None:
    """Play a timeline, let everything recover, and raise AssertionError when a promise was broken.

    Args:
        world: Where.
        timeline: What happens.
        full: With so many notices an outbox may be full.
    """
    faults = world.tally.faults.total()
    live(world, timeline, full)
    world.tally.faulted += world.tally.faults.total() > faults
    recover(world)


def live(world: World, timeline: Timeline, full: int = 100) -> None:
    """Play a timeline as far as it goes."""
    world.begin()
    world.witness.full = full
    for number in range(timeline.rows):
        at = START - timedelta(days=number, hours=2)
        world.show({"state": "completed", "log_time": at.isoformat()}, place=-1)
    connected: tuple[set[str], str] | None = None
    for number, step in enumerate(timeline.steps):
        world.now += timedelta(hours=step.hours)
        world.organisation.plan = said(timeline.plan, world.now)
        for row in step.rows:
            appear(world, row)
        wanted = set(timeline.channels) - {step.without}, step.malformed
        if wanted != connected:
            world.connect(sorted(wanted[0]), wanted[1], timeline.floor)
            connected = wanted
        if step.cold:
            world.cold()
        world.plan = _Plan(step)
        check_with_retries(world, f"step-{number}")
        assert_kept(world)


NEWS = (Row("failed", hours_ago=30, same_job=True), Row("completed", same_job=True))
"""Two runs of one job, the first of which turns up late."""
SCENES = {
    "news": (Step(1), Step(1, NEWS, cold=True)),
    "first sight": (Step(1, NEWS, cold=True),),
}


def every_single_fault(world: World, times: int = 1) -> Iterator[tuple[str, Timeline]]:
    """Yield, named, a timeline for each thing that can happen to each call of a check.

    The calls are those that the check makes when nothing happens to it: they are counted, not listed.
    """
    for name, steps in SCENES.items():
        live(world, Timeline(3, steps))
        for number, call in enumerate(world.last.calls):
            for kind, fault in enumerate(kinds(call)):
                hit = replace(steps[-1], hits=(Hit(number, kind, times),))
                yield f"{name}: {fault.name} at {number} {call.place}", Timeline(3, (*steps[:-1], hit))


def appear(world: World, row: Row) -> None:
    """Let a row appear in the history, or change in place."""
    running = [r for r in world.organisation.rows if not r["state"] and r["action"] in {None, "initiated"}]
    if row.ends and row.state and running:
        running[0]["state"] = row.state
        return
    for number in range(row.many):
        # One minute apart: rows of one job differ in their times.
        at = None if row.hours_ago is None else world.now - timedelta(hours=row.hours_ago, minutes=number)
        fields: dict[str, Any] = {"state": row.state, "action": row.action, "log_time": at and at.isoformat()}
        if row.same_job:
            fields["id"] = "4876876000000999999"
        world.show(fields, row.place)


def check_with_retries(world: World, request_id: str) -> None:
    """Run a check as Lambda does an asynchronous invocation: with two retries when it fails."""
    answer = world.check(request_id)
    for seconds in RETRY_SECONDS:
        if answer is not None:
            return
        world.now += timedelta(seconds=seconds)
        answer = world.check(request_id)


def recover(world: World) -> None:
    """Take all faults away and check every hour until nothing is left to do; then every promise must have been kept."""
    world.plan = lambda call: None
    if world.malformed:
        world.connect(world.connected, floor=world.floor)
    for _ in range(RECOVERY_CHECKS):
        world.now += timedelta(hours=1)
        before = world.witness.memory
        answer = world.check()
        assert_kept(world)
        if answer is not None and "skipped" not in answer and world.witness.memory is before is not None:
            break
    else:
        world.witness.blame("loss", f"after {RECOVERY_CHECKS} good hours there still is something to do: {answer}")
    calls = [call.place for call in world.last.calls if call.service in {"dynamodb", "sns"}]
    if calls != ["dynamodb GetItem"]:
        world.witness.blame("quiet", f"a quiet check made the calls {calls}")
    world.witness.recovered(world.ever_shown.values())
    world.judge_alerts()
    world.arrivals.judge_leaks()
    assert_kept(world)


def assert_kept(world: World) -> None:
    """Raise AssertionError when a promise was broken."""
    assert not world.witness.broken, "\n".join([*world.witness.broken, "What happened:", *world.story])
