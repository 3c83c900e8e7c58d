"""`make bench`: run our check and others in turn, and print the ratios as docs/engineering.md shows them."""

import argparse
import json
import os
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks import peers
from benchmarks.bench import OURS, PACKAGE, SERVERS, Bench, Function, Run, history
from tools.build import RUNTIME

YEAR = 106
"""Rows of a year of weekly backups."""
FLOOR, SHIPPED = "the floor", "the naive notifier as `sam build` ships it"
NAIVE, SDK = "the naive notifier, well compiled", "Zoho's SDK fetching one page"


class Contest(NamedTuple):
    """Our check beside something else.

    Attributes:
        check: What is done.
        other: Who else does it.
        bound: What our share of its CPU must not exceed.
        news: How many rows are new.
        calls: How often one process checks; the first check does not count if there are more.
    """

    check: str
    other: str
    bound: float | None
    news: int = 0
    calls: int = 1


CONTESTS = [
    Contest("cold, quiet", FLOOR, 1.25),
    Contest("cold, quiet", SHIPPED, 0.5),
    Contest("cold, quiet", NAIVE, 0.95),
    Contest("cold, quiet", SDK, 0.5),
    Contest("cold, news", NAIVE, 0.9, news=1),
    Contest("warm, quiet", NAIVE, None, calls=10),
]


def functions(bench: Bench) -> dict[str, Function]:
    """Make the packages of the others, and put the secrets where they look for them."""
    secret = json.dumps(bench.organisation.secret(**bench.settings("naive")))
    bench.cloud.client("secretsmanager").create_secret(Name="naive", SecretString=secret)
    bench.variables |= {"SECRET": "naive", "SDK_SECRET": secret}
    return {
        FLOOR: (PACKAGE, "floor.handler"),
        SHIPPED: (peers.naive(compiled=False), "naive.handler"),
        NAIVE: (peers.naive(compiled=True), "naive.handler"),
        SDK: (peers.sdk(), "sdk.handler"),
    }


def play(bench: Bench, contest: Contest, function: Function) -> Run:
    """Run one side once, always from the same start.

    Raises:
        RuntimeError: It did not do what it should.
    """
    rows = history(YEAR)
    bench.remember(rows[contest.news :])
    last = {"org": {"S": "naive"}, "last": {"S": rows[contest.news]["id"]}}
    bench.cloud.client("dynamodb").put_item(TableName=bench.stack.outputs["TableName"], Item=last)
    bench.organisation.rows = rows
    before = len(bench.slack.accepted)
    run = bench.run(function, contest.calls)
    if any("error" in call for call in run.calls) or len(bench.slack.accepted) - before != contest.news:
        raise RuntimeError(f"{function}: {run.calls[-1]}")
    return run


def line(bench: Bench, contest: Contest, other: Function, pairs: int) -> str:
    """Run both sides in turn, so that other work on the machine slows both, and return a line of the table."""
    played = [(play(bench, contest, OURS), play(bench, contest, other)) for _ in range(pairs)]
    cpu = [(ours.cpu, others.cpu) for ours, others in played]
    share, shown = ratio(cpu)
    held = f"≤ {contest.bound:g} {'✓' if share <= contest.bound else '✗'}" if contest.bound else ""
    peak = ratio([(ours.peak, others.peak) for ours, others in played])[1]
    medians = " : ".join(f"{1000 * median(side):.0f}" for side in zip(*cpu, strict=True))
    return f"| {contest.check} | {contest.other} | **{shown}**, {medians} ms | {held} | {peak} |"


def ratio(pairs: list[tuple[float, float]]) -> tuple[float, str]:
    """Return the median of the pairs' ratios, and that to show, with the middle half of them."""
    low, middle, high = quantiles([ours / others for ours, others in pairs], n=4)
    return middle, f"{middle:.2f} ({low:.2f} to {high:.2f})"


def machine() -> str:
    """Return when and on what kind of machine this is measured."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    kind = f"{model[1] if model else 'an unnamed CPU'}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    return f"Measured {datetime.now(UTC):%Y-%m-%d} on {kind}; Python {RUNTIME}."


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--pairs", type=int, default=11, help="runs of each side in each contest; 2 at least")
    pairs = parser.parse_args().pairs
    os.sched_setaffinity(0, SERVERS)  # of this thread, and those that it starts
    print(f"{machine()} {pairs} pairs of runs each.", end="\n\n")
    print("| Check | Beside | CPU | Must hold | Peak memory |")
    print("|---|---|---|---|---|")
    with closing(Bench()) as bench:
        others = functions(bench)
        for contest in CONTESTS:
            print(line(bench, contest, others[contest.other], pairs), flush=True)


if __name__ == "__main__":
    main()
