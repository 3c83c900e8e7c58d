"""How a check grows: with the rows of the history, the keys remembered, the news at once."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median

from benchmarks.bench import NEWEST, OURS, PACKAGE, Bench, Effort, history
from handler import zoho
from handler.memory import Memory, Schedule
from sandbox.channels import MESSAGE
from sandbox.server import Request
from tests.item import item_size

READ_UNIT, WRITE_UNIT = 4096, 1024
"""Bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html."""


def rows(bench: Bench, effort: Effort) -> Iterator[str]:
    """Yield the table of histories of any length, in a cold quiet check."""
    yield "| Rows | History requests | CPU of the cold process, ms | of a warm check, ms | Peak, MiB | Outcome |"
    yield "|---|---|---|---|---|---|"
    for count in (0, 1, 105, 200, 1_000, 3_000, 3_001, 20_000):
        rows = history(count)
        readable = count <= zoho.MAX_PAGES * zoho.PER_PAGE
        bench.remember(rows if readable else rows[:105])
        runs = []
        for _ in range(effort.times):
            if not readable:
                bench.remember(rows[:105])
            bench.organisation.rows = rows
            runs.append(bench.run(*OURS, [{}, {}]))
        requests = bench.run(*OURS).requests["history"]
        cold, warm = median(run.cpu - run.seconds[1] for run in runs), median(run.seconds[1] for run in runs)
        peak = median(run.peak for run in runs)
        outcome = "quiet" if readable else "refused: `history_too_long`, reported once"
        yield f"| {count:,} | {requests} | {1000 * cold:.0f} | {1000 * warm:.1f} | {peak:.0f} | {outcome} |"


def parsing(bench: Bench) -> Iterator[str]:
    """Yield what parsing costs a row, without any limit on their number, under the runtime's Python."""
    costs = {}
    for count in (200, 3_000, 20_000):
        done = bench.run(PACKAGE, "parsing.measure", [{"rows": count}] * 3)
        costs[count] = 1e6 * min(call["answer"] for call in done.calls) / count
    shown = ", ".join(f"{cost:.1f} µs a row of {count:,}" for count, cost in costs.items())
    yield f"Parsing alone: {shown}."


def keys() -> Iterator[str]:
    """Yield the table of remembered keys: each first seen by another check, which is the longest form."""
    yield "| Keys | Item, KB | Read units of a check | Write units of a save |"
    yield "|---|---|---|---|"
    for count in (0, 1, 105, 500, 1_000, 3_000):
        seen = {f"{number:012}": NEWEST + timedelta(hours=number) for number in range(count)}
        memory = Memory(
            "default",
            version=1,
            baseline_at=NEWEST,
            last_seen_id="4876876000009999999",
            last_seen_time=NEWEST,
            seen=seen,
            schedule=Schedule("weekly", NEWEST),
            last_completed=NEWEST,
            digest_at=NEWEST,
            channels=("sns", "slack"),
        )
        size = item_size(memory)
        yield f"| {count:,} | {size / 1024:.1f} | {-(-size // READ_UNIT)} | {-(-size // WRITE_UNIT)} |"


def news(bench: Bench, effort: Effort) -> Iterator[str]:
    """Yield the table of news at once: all in one history, nothing of it seen before."""
    named = "".join(f" {fake.label} messages | {fake.label}, KB |" for fake in bench.channels.values())
    yield f"| News | SNS messages in requests | SNS, KB |{named} Writes | CPU of the check, ms |"
    yield "|---|---|---|" + "---|---|" * len(bench.channels) + "---|---|"
    for count in (1, 2, 10, 11, 100, 200, 300):
        rows = [{**row, "state": "completed", "action": None} for row in history(count + 10)]
        runs = []
        for _ in range(effort.times):
            bench.remember(rows[count:])
            bench.organisation.rows = rows
            runs.append(bench.run(*OURS))
        publishes = [request for request in bench.aws.requests if request.kind == "PublishBatch"]
        messages = sum(sum(name.endswith(".Message") for name in request.form) for request in publishes)
        cells = [f"{count} | {messages} in {len(publishes)} | {kilobytes(publishes):.0f}"]
        for fake in bench.channels.values():
            posts = [request for request in fake.requests if request.kind == MESSAGE]
            cells.append(f"{len(posts)} | {kilobytes(posts):.0f}")
        yield (
            f"| {' | '.join(cells)} "
            f"| {runs[-1].requests['PutItem']} | {1000 * median(run.seconds[0] for run in runs):.0f} |"
        )


def kilobytes(requests: Iterable[Request]) -> float:
    """Return how long the bodies of requests are together."""
    return sum(len(request.body) for request in requests) / 1024
