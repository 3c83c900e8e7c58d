"""`make status`, `dry-run`, `test-message`, `check-now`: ask the deployed function, and print its answer.

The function words what is wrong (`problems` of an answer). This only lays it out, with times in a named time zone.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from handler.config import find_zone
from handler.data_centres import DATA_CENTRES
from handler.history import UNKNOWN_TIME
from handler.wording import SEVERITIES, capital, plural
from tools import stack
from tools.organisation import parameters, unknown
from tools.problems import run
from tools.stack import label
from tools.terminal import say

LABEL = 17
"""Columns of what a line is about."""
SHOWN_ROWS = 10
SHOWN_NOTICES = 5
OUTCOMES = {"completed": "completed", "failed": "failed", "unknown": "of unknown outcome"}
FLOORS = {"info": "everything", "warning": "warnings and what is critical", "critical": "what is critical"}

Answer = Mapping[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Print the answer; return 1 when the function failed, has a problem, or a test message was refused."""
    parser = stack.parser("python -m tools.report", __doc__)
    parser.add_argument("action", choices=("check", "dry-run", "status", "test-message"))
    parser.add_argument("--json", action="store_true", help="print the answer as it is, for programs")
    options = parser.parse_args(arguments)
    return run(lambda: _report(options))


def _report(options: argparse.Namespace) -> int:
    there, org, action = stack.find(options), options.org, options.action
    parameter = next(parameters(there, org), None)
    status = there.ask(org, "status")
    if not parameter and status["memory"] is None:
        raise unknown(there, org)
    answer = status if action == "status" else there.ask(org, action)
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        status = there.ask(org, "status") if action == "check" else status
        changed = parameter["LastModifiedDate"] if parameter else None
        say("\n".join(lines(action, answer, status, changed)))
    return 0 if answer.get("ok", True) and not answer.get("problem") else 1


def lines(action: str, answer: Answer, status: Answer, changed: datetime | None = None) -> Iterator[str]:
    """Yield the function's answer to an action as a person reads it.

    Args:
        action: What the function was asked for.
        answer: Its answer.
        status: Its answer to `status`, afterwards.
        changed: When the organisation was last connected or changed, if that is known.
    """
    if action == "status":
        yield from _status(status, changed)
    elif action == "dry-run":
        yield from _dry_run(answer, status)
    elif action == "check":
        yield from (*_check(answer), headline(status))
    else:
        yield from _test_message(answer)


def problems(answer: Answer) -> Iterator[str]:
    """Yield what is wrong, as the function words it: a sentence and a next step each."""
    for problem in answer["problems"]:
        yield f"✗ \t{problem['title']}: {problem['sentence']}"
        yield f"  → \t{problem['next_step']}"


def headline(status: Answer) -> str:
    """Return how the backups stand, in a line."""
    memory = status["memory"] or {}
    if not status["connected"]:
        return f"✗ The backups are not being monitored. {capital(status['problem']).rstrip('.')}."
    if found := status["problems"]:
        more = f" {plural(len(found) - 1, 'more problem')} below." if len(found) > 1 else ""
        return f"✗ {found[0]['title']}.{more}"
    if not memory.get("baseline_at"):
        return f"! No check has read the backups yet: make check-now{_option(status['org'])}"
    good = memory.get("last_completed")
    last = f"the last one completed on {at(good, _zone(status))}" if good else "none was due yet"
    return f"✓ The backups are fine: {last}."


def _status(status: Answer, changed: datetime | None) -> Iterator[str]:
    memory, zone, org = status["memory"] or {}, _zone(status), status["org"]
    centre = DATA_CENTRES.get(status["data_center"] or "")
    crm = f", {centre.crm.removeprefix('https://')}" if centre else ""
    outbox, lost = memory.get("outbox") or [], memory.get("dead_letters") or {}
    waiting = [
        f"{notice['content']['title']}: to {_names(notice['pending_for'])}, since {at(notice['at'], zone)}"
        for notice in outbox[:SHOWN_NOTICES]
    ]
    if more := len(outbox) - len(waiting):
        waiting.append(f"and {plural(more, 'newer message')}")
    last = [f"{x['kind']}, to {label(x['channel'])}, on {at(x['at'], zone)}: {x['why']}" for x in lost.get("last", ())]
    stopped = (memory.get("schedule") or {}).get("stopped_at")
    off = f"turned off on {at(stopped, zone)}" if stopped else "none is known"
    expected, named = status["next_expected"], "next run" if status["next_run_known"] else "expected by"
    floors = status["channels"].items()
    yield from (headline(status), *problems(status), "")
    yield from _about("Organisation", (f"{status['name']} ({org})" if status["name"] else org) + crm)
    yield from _about("Recent backups", *_recent(memory, zone))
    yield from _about("What waits", *(waiting or ["nothing"]))
    if last:
        yield from _about("Lost", f"{plural(lost['total'], 'message')}, the last of them:", last[-1])
    yield from _about("Schedule", status["schedule"] or off)
    yield from _about("Next backup", *([f"{named} {at(expected, zone)}"] if expected else []))
    yield from _about(
        "Channels", *(f"{label(c)}: {FLOORS.get(floor, f'gets nothing: {floor}')}" for c, floor in floors)
    )
    yield from _about("Heartbeat", "requested after every good check" if status["heartbeat"] else "none")
    yield from _about("Last changed", *([at(changed, zone)] if changed else []))
    yield from _about("Release", status["version"])
    yield from ("", _zone_line(status))


def _recent(memory: dict[str, Any], zone: tzinfo) -> Iterator[str]:
    """Yield the last good backup, the failures after it, and how many backups there were since the last summary."""
    if good := memory.get("last_completed"):
        yield f"✓ {at(good, zone)}"
    if failures := memory.get("failures_in_a_row", 0):
        since = memory.get("failing_since")
        yield f"✗ {failures} failed" + (f", since {at(since, zone)}" if since else "")
    counted = [f"{count} {OUTCOMES.get(kind, kind)}" for kind, count in (memory.get("outcomes") or {}).items() if count]
    if counted and memory.get("digest_at"):
        yield f"since {at(memory['digest_at'], zone)}: {', '.join(counted)}"


def _dry_run(answer: Answer, status: Answer) -> Iterator[str]:
    """Yield what is wrong, what the next check would send, and why it would not send the rest."""
    zone, notices, org = _zone(status), answer["would_notify"], answer["org"]
    if answer["problem"]:
        yield f"✗ {capital(answer['problem'].rstrip('.'))}."
    yield from problems(answer)
    count = plural(len(notices), "new message") if notices else "nothing new"
    yield f"The next check of {status['name'] or org} would send {count}{':' if notices else '.'}"
    for number, notice in enumerate(notices, 1):
        severity = "" if notice["severity"] == SEVERITIES[0] else f" ({notice['severity']})"
        yield from ("", f"  {number}. \t{notice['title']}{severity}", f"     \t{notice['sentence']}")
        yield f"     \tTo {_names(notice['channels'])}."
    if answer["pending"]:
        waiting = plural(answer["pending"], "earlier message")
        yield from ("", f"It would also try {waiting} again: make status{_option(org)}")
    if rows := answer["rows"]:
        shown = [(at(row["log_time"], zone) if row["log_time"] else "no time", row) for row in rows[:SHOWN_ROWS]]
        yield from (
            "",
            f"The newest {len(shown)} of {len(rows):,} in the backup history, and what happens to each:",
            "",
        )
        for time, row in shown:
            why = row["why"] if row["new"] else f"known since {at(row['known_since'], zone)}"
            yield f"  {time:23} {row['counts_as']:10} \t{why}"
    yield from ("", _zone_line(status))


def _check(answer: Answer) -> Iterator[str]:
    """Yield what a check did."""
    if "skipped" in answer:
        yield f"! Nothing was checked: {answer['skipped']}."
        return
    yield f"✓ The backup history was read: {plural(answer['rows'], 'entry', 'entries')}."
    kinds, sent = answer["notices"], answer["delivered"]
    news = f"{plural(len(kinds), 'new message')} ({', '.join(kinds)})" if kinds else "no new message"
    yield from _about("Decided", news)
    yield from _about("Sent", *([f"{count} to {label(name)}" for name, count in sent.items() if count] or ["nothing"]))


def _test_message(answer: Answer) -> Iterator[str]:
    """Yield what became of a test message on each channel."""
    for channel, result in answer["results"].items():
        yield f"{'✓' if stack.accepted(result) else '✗'} {label(channel)}: \t{result}"
    yield ""
    if answer["ok"]:
        yield "Every channel took the test message: see whether it has arrived."
    else:
        yield f"Not every channel took it. What to do: make doctor{_option(answer['org'])}"


def _about(what: str, *texts: str) -> Iterator[str]:
    """Yield a line about something, and one for each further text below it; none without a text."""
    for number, text in enumerate(texts):
        yield f"  {'' if number else what:{LABEL}}\t{text}"


def _zone_name(status: Answer) -> str:
    return str(status["time_zone"] or status["settings"]["time_zone"])


def _zone(status: Answer) -> tzinfo:
    """Return the organisation's time zone, or else the stack's."""
    return find_zone(_zone_name(status)) or UTC


def _zone_line(status: Answer) -> str:
    return f"Times are in the time zone {_zone_name(status)}."


def at(time: str | datetime, zone: tzinfo) -> str:
    """Return a time for a person, from ISO 8601 or an aware datetime."""
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    given = f"{moment.astimezone(zone):%-d %b %Y %H:%M %Z}"
    return "a time that Zoho does not give" if moment == UNKNOWN_TIME else given


def _option(org: str) -> str:
    """Return what a command must be given to mean an organisation."""
    return "" if org == "default" else f" ORG={org}"


def _names(channels: Iterable[str]) -> str:
    """Return channels by their names, as a list in a sentence."""
    *others, last = [label(channel) for channel in channels] or ["nobody"]
    return f"{', '.join(others)} and {last}" if others else last


if __name__ == "__main__":
    sys.exit(main())
