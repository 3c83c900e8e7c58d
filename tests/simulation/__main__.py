"""Play timelines for as long as asked, then say what was survived: ``SECONDS=600 SEED=1 python -m tests.simulation``.

Without SEED each run is another one. With a timeline as its argument, as a failure prints it, only that is played.
"""

import os
import platform
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.simulation import drawn, timelines
from tests.simulation.setting import a_world
from tests.simulation.tally import Tally
from tests.simulation.timelines import Timeline, every_single_fault, play
from tests.simulation.world import World

BATCH = 200
SINGLE_FAULTS_IN_A_BATCH = 50
FLOODS_IN_A_BATCH = 2
PROMISES = (
    *("loss", "repeat", "order", "pairs", "true", "loud", "quiet"),
    *("deadline", "idle", "lease", "size", "errors", "leak"),
)


def main() -> int:
    """Play, and return the exit status."""
    with a_world() as world:
        if len(sys.argv) > 1:
            play(world, eval(sys.argv[1], vars(timelines)))  # noqa: S307 - typed by the person who runs it
            sys.stdout.write("\n".join([*world.story, "Every promise was kept.", ""]))
            return 0
        seconds, seed = float(os.environ.get("SECONDS") or 60), int(os.environ.get("SEED") or secrets.randbelow(10**6))
        return soak(world, seconds, seed)


def soak(world: World, seconds: float, first_seed: int) -> int:
    """Play batch after batch, each with a seed of its own, until the time is over or a promise was broken."""
    began = time.monotonic()
    singles = chain.from_iterable(every_single_fault(world, times) for times in (1, 3))
    seed, status = first_seed, 0
    while True:
        try:
            batch(world, seed, singles)
        except AssertionError as error:
            status = 1
            sys.stdout.write(f"\n{error}\n\nThe whole batch again: SECONDS=0 SEED={seed} make soak\n")
            break
        elapsed = time.monotonic() - began
        line = f"{elapsed:6.0f} s  {world.tally.timelines:7,} timelines  {world.tally.faults.total():8,} faults"
        sys.stdout.write(f"{line}  seed {seed}\n")
        sys.stdout.flush()
        if elapsed >= seconds:
            break
        seed += 1
    elapsed = time.monotonic() - began
    sys.stdout.write(f"\n{summary(world.tally)}\nSeeds {first_seed} to {seed}, {elapsed:.0f} seconds, {machine()}\n")
    return status


def batch(world: World, seed: int, singles: Iterator[tuple[str, Timeline]]) -> None:
    """Play drawn timelines and floods, then some of the single faults at every call."""
    draw(world, drawn.timelines, seed, BATCH)
    draw(world, drawn.floods, seed, FLOODS_IN_A_BATCH)
    for name, timeline in islice(singles, SINGLE_FAULTS_IN_A_BATCH):
        replayable(world, timeline, name)


def draw(world: World, strategy: SearchStrategy[Timeline], seed: int, many: int) -> None:
    """Play as many timelines as hypothesis draws with this seed; raises AssertionError of the smallest that fails."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=many,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def one(timeline: Timeline) -> None:
        replayable(world, timeline)

    one()


def replayable(world: World, timeline: Timeline, name: str = "") -> None:
    """Play one timeline; a failure says how to play it again."""
    try:
        play(world, timeline)
    except AssertionError as error:
        again = f"python -m tests.simulation {shlex.quote(repr(timeline))}"
        raise AssertionError(f"{name}\n{error}\n\nThis timeline again:\n{again}") from None


def summary(tally: Tally) -> str:
    """Return what was counted, as Markdown."""
    places = sorted({place for place, _ in tally.faults})
    names = sorted({name for _, name in tally.faults})
    dead = tally.dead_letters
    lines = [
        "| | |",
        "|---|---:|",
        f"| Timelines | {tally.timelines:,} |",
        f"| … with at least one fault | {tally.faulted:,} |",
        f"| Checks | {tally.checks:,} |",
        f"| Faults | {tally.faults.total():,} |",
        f"| Messages accepted | {', '.join(f'{name} {count:,}' for name, count in sorted(tally.delivered.items()))} |",
        f"| **Losses** | **{tally.broken['loss']}** |",
        f"| **Repeats outside the window** | **{tally.broken['repeat']}** |",
        f"| Repeats in the window | {tally.repeats.total():,} |",
        f"| Repeats that change nothing | {', '.join(f'{name} {n:,}' for name, n in tally.harmless.items()) or 0} |",
        f"| Other promises broken | {sum(tally.broken[promise] for promise in PROMISES[2:])} |",
        f"| Dead letters as designed | {', '.join(f'{why}: {n:,}' for why, n in sorted(dead.items())) or 0} |",
        f"| Largest item | {tally.largest_item:,} bytes |",
        "",
        f"| Fault | {' | '.join(places)} |",
        "|---|" + "---:|" * len(places),
    ]
    for name in names:
        counts = (tally.faults[place, name] for place in places)
        lines.append(f"| {name} | {' | '.join(f'{count:,}' if count else '' for count in counts)} |")
    lines += ["", "| Why something was sent twice, in the window | Times |", "|---|---:|"]
    lines += [f"| {excuse} | {count:,} |" for excuse, count in tally.repeats.most_common()]
    return "\n".join(lines)


def machine() -> str:
    """Return what a reader needs to compare."""
    now = datetime.now(UTC)
    return f"{now:%d %b %Y}, Python {platform.python_version()}, {os.cpu_count()} CPUs ({platform.machine()}), one used"


if __name__ == "__main__":
    sys.exit(main())
