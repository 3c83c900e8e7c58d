"""What happens to an organisation, and what happens to the calls meanwhile: drawn, and played in a world."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from handler.channels import CHANNELS
from tests.faults.calls import AwsCall, HttpCall
from tests.faults.faults import START, Fault, faults_of
from tests.faults.world import World

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
        unread: Nobody is subscribed to the topic meanwhile.
        lies: The heartbeat's service answers 200 meanwhile, and records nothing.
    """

    hours: float
    rows: tuple[Row, ...] = ()
    hits: tuple[Hit, ...] = ()
    outage: tuple[str, int] | None = None
    cold: bool = False
    without: str = ""
    malformed: str = ""
    unread: bool = False
    lies: bool = False


@dataclass(frozen=True)
class Timeline:
    """A history before the first check, and what happens then.

    Attributes:
        rows: How many rows the history has at first, all completed.
        steps: What happens.
        channels: Those that are configured, beside SNS.
        floor: From which severity on each of them hears; "": its own default.
        outage: A channel, and what happens to each call to it in all steps.
    """

    rows: int
    steps: tuple[Step, ...]
    channels: tuple[str, ...] = NAMES
    floor: str = ""
    outage: tuple[str, int] | None = None


class _Dealer:
    """Deals out the faults of one step."""

    def __init__(self, step: Step) -> None:
        self._outage, self._hits, self._passed = step.outage, list(step.hits), 0
        self._again: tuple[str, Hit] | None = None

    def __call__(self, call: HttpCall | AwsCall) -> Fault | None:
        possible = faults_of(call)
        if self._outage and self._outage[0] == call.service:
            return possible[self._outage[1] % len(possible)]
        if self._again and self._again[0] == call.place:
            hit = self._again[1]
        elif self._hits and self._passed == self._hits[0].after:
            hit, self._passed = self._hits.pop(0), 0
        else:
            self._passed += bool(self._hits)
            return None
        self._again = (call.place, replace(hit, times=hit.times - 1)) if hit.times > 1 else None
        return possible[hit.kind % len(possible)]


def play(world: World, timeline: Timeline) -> None:
    """Play a timeline, let everything recover, and raise AssertionError when a promise was broken."""
    faults = world.tally["faults"]
    live(world, timeline)
    world.tally["timelines with a fault"] += world.tally["faults"] > faults
    recover(world)


def live(world: World, timeline: Timeline) -> None:
    """Play a timeline as far as it goes."""
    world.begin()
    for number in range(timeline.rows):
        at = START - timedelta(days=number, hours=2)
        world.show({"state": "completed", "log_time": at.isoformat()}, place=-1)
    for number, step in enumerate(timeline.steps):
        world.now += timedelta(hours=step.hours)
        for row in step.rows:
            appear(world, row)
        wanted = tuple(name for name in timeline.channels if name != step.without), step.malformed, timeline.floor
        if wanted != (world.connected, world.malformed, world.floor):
            world.connect(*wanted)
        if step.cold:
            world.cold()
        world.readers(unread=step.unread, lies=step.lies)
        world.plan = _Dealer(replace(step, outage=step.outage or timeline.outage))
        answer = world.check(f"step-{number}")
        for seconds in RETRY_SECONDS if answer is None else ():
            world.now += timedelta(seconds=seconds)
            if world.check(f"step-{number}") is not None:
                break
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
            for kind, fault in enumerate(faults_of(call)):
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


def recover(world: World) -> None:
    """Take all faults away and check every hour until nothing is left to do; then every promise must have been kept."""
    judge = world.judge
    world.plan = lambda call: None
    world.readers()
    if world.malformed:
        world.connect(world.connected, floor=world.floor)
    for _ in range(RECOVERY_CHECKS):
        world.now += timedelta(hours=1)
        before = judge.memory
        answer = world.check()
        assert_kept(world)
        if answer is not None and "skipped" not in answer and judge.memory is before is not None:
            break
    else:
        judge.blame("loss", f"after {RECOVERY_CHECKS} good hours there still is something to do: {answer}")
    calls = [call.place for call in world.last.calls if call.service in {"dynamodb", "sns"}]
    if calls != ["dynamodb GetItem"]:
        judge.blame("quiet", f"a quiet check made the calls {calls}")
    judge.recovered(world.ever_shown.values())
    world.judge_alerts()
    assert_kept(world)


def assert_kept(world: World) -> None:
    """Raise AssertionError when a promise was broken."""
    assert not world.judge.broken, "\n".join([*world.judge.broken, "What happened:", *world.story])


# --- Timelines as hypothesis draws them, and makes them smaller where one fails ---

STATES = (
    *((state, None) for state in ("completed", "failed", "PAYMENT_FAILED", "Paused by operator")),
    *((None, action) for action in ("initiated", None, "scheduled", "stopped", "purchased", "archived")),
    ("failure", "initiated"),
)
SELDOM = st.sampled_from(("",) * 9 * len(NAMES) + NAMES)


def drawn(many: int = 12, seldom: int = 20, most_steps: int = 3) -> st.SearchStrategy[Timeline]:
    """Return timelines in which one of so many rows comes so many times."""
    rows = st.builds(
        lambda kind, **more: Row(*kind, **more),
        st.sampled_from(STATES),
        hours_ago=st.sampled_from((0, 0, 0, None, 0.5, 30, 400, -5)),
        place=st.sampled_from((0, 0, 0, 1, -1)),
        many=st.sampled_from((1,) * seldom + (many,)),
        same_job=st.booleans(),
        ends=st.sampled_from((False, False, True)),
    )
    hits = st.builds(Hit, st.integers(0, 17), st.integers(0, 9_999), st.sampled_from((1, 1, 1, 2, 3, 5)))
    outages = st.tuples(st.sampled_from(("zoho", "sns", "dynamodb", "ssm", *NAMES)), st.integers(0, 9_999))
    steps = st.builds(
        Step,
        hours=st.sampled_from((1, 1, 1, 0, 7, 26, 24 * 8, 24 * 15)),
        rows=st.lists(rows, max_size=2).map(tuple),
        hits=st.lists(hits, min_size=1, max_size=3).map(tuple),
        outage=st.one_of(st.none(), st.none(), st.none(), outages),
        cold=st.booleans(),
        without=SELDOM,
        malformed=SELDOM,
        unread=st.sampled_from((False, False, False, True)),
        lies=st.sampled_from((False, False, False, True)),
    )
    return st.builds(
        Timeline,
        rows=st.sampled_from((0, 1, 3, 3, 6, 205)),
        steps=st.lists(steps, min_size=1, max_size=most_steps).map(tuple),
        channels=st.sets(st.sampled_from(NAMES)).map(lambda some: tuple(sorted(some))),
        floor=st.sampled_from(("", "", "", *("info", "warning", "critical"))),
        outage=st.one_of(*[st.none()] * 5, st.tuples(st.sampled_from(("sns", *NAMES)), st.integers(0, 9_999))),
    )
