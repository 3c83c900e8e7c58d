"""Many organisations on one function, a tenth of them failing, each in its own way."""

import itertools
from collections.abc import Callable, Iterator
from statistics import median
from textwrap import shorten

from benchmarks.bench import OURS, Bench, Effort, history
from sandbox.zoho import Organisation

FAILING = 10  # one in so many


def close_slack(bench: Bench, org: str, zoho: Organisation) -> None:
    """Point an organisation with news at a webhook that is gone."""
    zoho.rows = history(4)
    bench.stack.put_organisation(org, zoho.secret(slack_webhook_url=f"{bench.slack.url}/services/gone"))


WAYS: dict[str, Callable[[Bench, str, Organisation], object]] = {
    "token revoked": lambda bench, org, zoho: zoho.refresh_tokens.clear(),
    "user no administrator": lambda bench, org, zoho: setattr(zoho, "admin", False),
    "scope taken away": lambda bench, org, zoho: zoho.scopes.clear(),
    "client secret changed": lambda bench, org, zoho: setattr(zoho, "client_secret", "another"),
    "history too long": lambda bench, org, zoho: setattr(zoho, "rows", history(20_000)),
    "history gone": lambda bench, org, zoho: zoho.rows.clear(),
    "parameter garbled": lambda bench, org, zoho: bench.stack.put_organisation(org, {"nonsense": True}),
    "parameter deleted": lambda bench, org, zoho: bench.cloud.client("ssm").delete_parameter(
        Name=f"{bench.stack.outputs['OrgParameterPrefix']}/{org}"
    ),
    "news, and Slack gone": close_slack,
}


def simulate(bench: Bench, count: int) -> tuple[str, dict[str, list[str]]]:
    """Check so many organisations in one warm environment, a tenth of them broken since the last time.

    Returns:
        A line of the table, and by way of failing the errors.

    Raises:
        AssertionError: The failure of one touched another.
    """
    organisations = {f"org{count}_{number}": bench.connect(f"org{count}_{number}") for number in range(count)}
    for organisation in organisations.values():
        organisation.rows = history(4)[2:]
    events = [{"org": name} for name in organisations]
    first = bench.run(*OURS, events)
    assert all(call["answer"]["notices"] == ["baseline"] for call in first.calls), first.calls
    broken = dict(zip(list(organisations)[FAILING // 2 :: FAILING], itertools.cycle(WAYS), strict=False))
    for name, way in broken.items():
        WAYS[way](bench, name, organisations[name])
    before = len(bench.accepted)
    run = bench.run(*OURS, events)
    calls = dict(zip(organisations, run.calls, strict=True))
    for name, call in calls.items():
        answer = call.get("answer", {})
        quiet = (answer.get("notices"), answer.get("pending"), answer.get("incidents")) == ([], 0, [])
        assert "error" in call if name in broken else quiet, (name, broken.get(name), call)
    assert {message.name for message in bench.accepted[before:]} <= broken.keys()
    healthy, failing = (
        [calls[name]["seconds"] for name in calls if (name in broken) is side] for side in (False, True)
    )
    cells = [count, len(broken), f"{sum(run.requests.values()) / count:.1f}", f"{1000 * median(healthy):.1f}"]
    cells += [f"{1000 * median(failing):.1f}" if failing else "", f"{run.wall:.1f}", f"{run.peak:.0f}"]
    errors: dict[str, list[str]] = {}
    for name, way in broken.items():
        errors.setdefault(way, []).append(calls[name]["error"].split(": ", 1)[1].replace(name, "ORG"))
    return f"| {' | '.join(map(str, cells))} |", errors


def table(bench: Bench, effort: Effort) -> Iterator[str]:
    """Yield the table of organisations, and how the broken ones failed."""
    yield (
        "| Organisations | Broken | Requests an organisation | CPU of a healthy check, ms | of a broken one, ms "
        "| Wall of all, s | Peak, MiB |"
    )
    yield "|---|---|---|---|---|---|---|"
    errors: dict[str, list[str]] = {}
    for count in effort.organisations:
        line, errors = simulate(bench, count)
        yield line
    yield ""
    yield "Of the last line's broken ones each failed its own invocation, and no other:"
    yield ""
    yield from (f"- {way}, {len(texts)} of them: `{shorten(texts[0], 110)}`" for way, texts in errors.items())
