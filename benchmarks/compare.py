"""A check, beside what people would use instead: paired runs, A B A B, and the ratio of each pair."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks import peers
from benchmarks.bench import FLOOR, OURS, Bench, Effort, Run, history

YEAR = 106
"""Rows of a year of weekly backups."""


@dataclass(frozen=True)
class Contender:
    """Something to run."""

    name: str
    folder: Path
    function: str


@dataclass(frozen=True)
class Contest:
    """Us beside something else.

    Attributes:
        what: What is done.
        other: Who else does it.
        bound: What our share of its CPU must not exceed.
        rows: Of the history: ours, theirs.
        news: How many of them are new.
        calls: How often it is done in a process; the first call is not counted when there are more.
    """

    what: str
    other: Contender
    bound: float | None
    rows: tuple[int, int] = (YEAR, YEAR)
    news: int = 0
    calls: int = 1


def contests() -> list[Contest]:
    """Return all, with what they must hold."""
    sam = Contender("the naive notifier as `sam build` ships it", peers.naive(compiled=False), "naive.handler")
    naive = Contender("the naive notifier, well compiled", peers.naive(compiled=True), "naive.handler")
    sdk = Contender("Zoho's SDK fetching one page", peers.sdk(), "sdk.handler")
    return [
        Contest("cold, quiet", Contender("the floor", *FLOOR), 1.25),
        Contest("cold, quiet", sam, 0.5),
        Contest("cold, quiet", naive, 0.95),
        Contest("cold, quiet", sdk, 0.5),
        Contest("cold, news", sam, None, news=1),
        Contest("cold, news", naive, 0.9, news=1),
        Contest("warm, quiet", naive, None, calls=10),
        Contest("cold, quiet, 1,000 rows", Contender("ours with 200 rows", *OURS), 2, rows=(1000, 200)),
    ]


def table(bench: Bench, effort: Effort) -> Iterator[str]:
    """Yield the table of ratios, contest by contest."""
    prepare_peers(bench)
    ours = Contender("ours", *OURS)
    yield "| Check | Beside | CPU | Must hold | Wall | Peak memory | CPU, ms | Peak, MiB |"
    yield "|---|---|---|---|---|---|---|---|"
    for contest in contests():
        pairs = [
            (run(bench, contest, contest.rows[0], ours), run(bench, contest, contest.rows[1], contest.other))
            for _ in range(effort.pairs)
        ]
        cpus = [
            (a.cpu, b.cpu) if contest.calls == 1 else (median(a.seconds[1:]), median(b.seconds[1:])) for a, b in pairs
        ]
        peaks = [(a.peak, b.peak) for a, b in pairs]
        share, cpu = ratio(cpus)
        held = "" if contest.bound is None else f"≤ {contest.bound:g} {'✓' if share <= contest.bound else '✗'}"
        wall = ratio([(a.wall, b.wall) for a, b in pairs])[1] if contest.calls == 1 else ""
        cells = [contest.what, contest.other.name, f"**{cpu}**", held, wall, ratio(peaks)[1]]
        yield f"| {' | '.join(cells)} | {medians(cpus, 1000)} | {medians(peaks)} |"


def ratio(pairs: list[tuple[float, float]]) -> tuple[float, str]:
    """Return the median of the pairs' ratios, and how to show it: with the middle half of them."""
    low, middle, high = quantiles([a / b for a, b in pairs], n=4)
    return middle, f"{middle:.2f} ({low:.2f} to {high:.2f})"


def medians(pairs: list[tuple[float, float]], factor: float = 1) -> str:
    """Return both sides' medians to show."""
    return " : ".join(f"{factor * median(side):.0f}" for side in zip(*pairs, strict=True))


def prepare_peers(bench: Bench) -> None:
    """Give the peers what they need: their own table, and their secrets where they look for them."""
    bench.cloud.client("dynamodb").create_table(
        TableName="naive",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    secret = json.dumps(bench.organisation.secret(**bench.settings("naive")))
    bench.cloud.client("secretsmanager").create_secret(Name="naive", SecretString=secret)
    bench.variables |= {"SECRET": "naive", "NAIVE_TABLE": "naive", "SDK_SECRET": secret}


def run(bench: Bench, contest: Contest, length: int, contender: Contender) -> Run:
    """Let a contender do it once, from the same start as ever, and see that it did."""
    rows = history(length)
    bench.remember(rows[contest.news :])
    bench.put({"id": {"S": "zoho"}, "last": {"S": rows[contest.news]["id"]}}, "naive")
    bench.organisation.rows = rows
    before = len(bench.accepted)
    done = bench.run(contender.folder, contender.function, [{}] * contest.calls)
    if any("error" in call for call in done.calls) or len(bench.accepted) - before != contest.news:
        raise RuntimeError(f"{contender.name}: {done.calls[-1]}, {done.requests}")
    return done
