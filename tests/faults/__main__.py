"""Play timelines, then say what was survived: ``SECONDS=600 SEED=1 python -m tests.faults``.

Without SEED each run is another one. TIMELINES plays so many in place of a time, PROCESSES says in how many processes
(2). With a timeline as its argument, as a failure prints it, only that is played.
"""

import os
import platform
import secrets
import shlex
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import islice

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.faults import timelines
from tests.faults.timelines import Timeline, drawn, every_single_fault, play
from tests.faults.world import World, a_world

BATCH, FLOODS = 200, 2
SHARES = 40
"""Each batch plays so small a share of the single faults at every call; so many seeds in a row play all."""


def main() -> int:
    """Play, and return the exit status."""
    if len(sys.argv) > 1:
        with a_world() as world:
            play(world, eval(sys.argv[1], vars(timelines)))  # noqa: S307 - typed by the person who runs it
            sys.stdout.write("\n".join([*world.story, "Every promise was kept.", ""]))
        return 0
    seconds, many, processes = (int(os.environ.get(name) or 0) for name in ("SECONDS", "TIMELINES", "PROCESSES"))
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    return soak(seed, many, seconds or 60, processes or 2)


def soak(first_seed: int, many: int, seconds: float, processes: int) -> int:
    """Play batches, each with a seed of its own, until there are enough or a promise was broken."""
    began, tally, failures, seed, elapsed = time.monotonic(), Counter[str](), "", first_seed, 0.0
    with ProcessPoolExecutor(processes) as pool:
        while not failures and (tally["timelines"] < many if many else elapsed < seconds):
            for counted, failure in pool.map(batch, range(seed, seed + processes)):
                tally, failures = tally + counted, failures + failure
            seed, elapsed = seed + processes, time.monotonic() - began
            line = (
                f"{elapsed:6.0f} s  {tally['timelines']:7,} timelines  {tally['faults']:8,} faults  to seed {seed - 1}"
            )
            sys.stdout.write(f"{line}\n{failures}")
            sys.stdout.flush()
    where = f"{datetime.now(UTC):%d %b %Y}, Python {platform.python_version()}, {processes} processes"
    sys.stdout.write(f"\n{table(tally)}\nSeeds {first_seed} to {seed - 1}, {elapsed:.0f} seconds, {where}\n")
    return bool(failures)


def batch(seed: int) -> tuple[Counter[str], str]:
    """Play drawn timelines, floods, and a share of the single faults; return what was counted, and what failed."""
    failure = ""
    with a_world() as world:
        try:
            draw(world, drawn(), seed, BATCH)
            draw(world, drawn(210, 1, 2), seed, FLOODS)
            for times in (1, 3):
                for _, timeline in islice(every_single_fault(world, times), seed % SHARES, None, SHARES):
                    replayable(world, timeline)
        except AssertionError as error:
            failure = f"\n{error}\n\nThe whole batch again: TIMELINES=1 SEED={seed} PROCESSES=1 make soak\n"
        return world.tally, failure


def draw(world: World, strategy: SearchStrategy[Timeline], seed: int, many: int) -> None:
    """Play as many timelines as hypothesis draws with this seed; raises AssertionError of the smallest that fails."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=many,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
    )
    @given(strategy)
    def one(timeline: Timeline) -> None:
        replayable(world, timeline)

    one()


def replayable(world: World, timeline: Timeline) -> None:
    """Play one timeline; a failure says how to play it again."""
    try:
        play(world, timeline)
    except AssertionError as error:
        again = f"python -m tests.faults {shlex.quote(repr(timeline))}"
        raise AssertionError(f"{error}\n\nThis timeline again:\n{again}") from None


def table(tally: Counter[str]) -> str:
    """Return what was counted, as Markdown; the two promises that matter most always."""
    names = sorted({*tally, "broken promise: loss", "broken promise: repeat"})
    return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {tally[name]:,} |" for name in names)])


if __name__ == "__main__":
    sys.exit(main())
