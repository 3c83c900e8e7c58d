"""`make status`, `dry-run`, `test-message`, `check-now`: ask the deployed function, and print its answer.

The function words what is wrong (`problems` of an answer). This only lays it out, with times in a named time zone.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from handler.codec import UNKNOWN
from handler.config import find_zone
from handler.wording import SEVERITIES, capital, plural
from handler.zoho import DATA_CENTRES
from tools import stack
from tools.organisation import parameters, unknown
from tools.stack import label
from tools.terminal import mark, run, say

LABEL = 17
"""Columns of what a line is about."""
SHOWN_ROWS, SHOWN_NOTICES = 10, 5
FLOORS = {"info": "everything", "warning": "warnings and what is critical", "critical": "what is critical"}

Answer = Mapping[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Print the answer; return 1 when the function failed, has a problem, or a test message was refused."""
    parser = stack.parser("python -m tools.report", __doc__)
    parser.add_argument("action", choices=("check", "dry-run", "status", "test-message"))
    parser.add_argument("--json", action="store_true", help="print the answer as it is, for programs")
    return run(_report, parser.parse_args(arguments))


def _report(options: argparse.Namespace) -> int:
    there, org, action = stack.find(options), options.org, options.action
    status = there.ask(org, "status")
    if status["memory"] is None and not any(parameters(there, org)):
        raise unknown(there, org)
    answer = status if action == "status" else there.ask(org, action)
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        status = there.ask(org, "status") if action == "check" else status
        say("\n".join(lines(action, answer, status)))
    return 0 if answer.get("ok", True) and not answer.get("problem") else 1


def lines(action: str, answer: Answer, status: Answer) -> Iterator[str]:
    """Return the function's answer to an action as a person reads it.

    Args:
        action: What the function was asked for.
        answer: Its answer.
        status: Its answer to `status`, afterwards.
    """
    return {
        "status": _status(status),
        "dry-run": _dry_run(answer, status),
        "check": _check(answer, status),
        "test-message": _test_message(answer),
    }[action]


def problems(answer: Answer) -> Iterator[str]:
    """Yield what is wrong, as the function words it: a sentence and a next step each."""
    for problem in answer["problems"]:
        yield f"✗ \t{problem['title']}: {problem['sentence']}\n  → \t{problem['next_step']}"


def standing(status: Answer) -> Iterator[str]:
    """Yield how the backups stand: what is wrong, or that nothing is."""
    if not status["connected"]:
        yield f"✗ The backups are not being monitored. {capital(status['problem']).rstrip('.')}."
    yield from problems(status)
    if status["connected"] and not status["problems"]:
        yield well(status)


def well(status: Answer) -> str:
    """Return in a line how the backups stand where nothing is wrong."""
    memory = status["memory"] or {}
    if not memory.get("baseline_at"):
        return f"! No check has read the backups yet: make check-now ORG={status['org']}"
    good = memory.get("last_completed")
    last = f"the last one completed on {at(good, _zone(status))}" if good else "none was due yet"
    return f"✓ The backups are fine: {last}."


def lost(status: Answer) -> list[str]:
    """Return how many messages no channel will ever accept, and what happened to the last of them; [] for none."""
    letters = (status["memory"] or {}).get("dead_letters") or {}
    if not letters.get("total"):
        return []
    last = letters["last"][-1]
    about = f"{last['kind']}, to {label(last['channel'])}, on {at(last['at'], _zone(status))}: {last['why']}"
    return [f"{plural(letters['total'], 'message')}, the last of them:", about]


def channels(status: Answer) -> list[str]:
    """Return what each channel gets."""
    found = status["channels"].items()
    return [f"{label(name)}: {FLOORS.get(floor, f'gets nothing: {floor}')}" for name, floor in found]


def _status(status: Answer) -> Iterator[str]:
    memory, zone, org = status["memory"] or {}, _zone(status), status["org"]
    centre = DATA_CENTRES.get(status["data_center"] or "")
    crm = f", {centre.crm.removeprefix('https://')}" if centre else ""
    outbox = memory.get("outbox") or []
    waiting = [
        f"{notice['content']['title']}: to {_labels(notice['pending_for'])}, since {at(notice['at'], zone)}"
        for notice in outbox[:SHOWN_NOTICES]
    ]
    if more := len(outbox) - len(waiting):
        waiting.append(f"and {plural(more, 'newer message')}")
    stopped = (memory.get("schedule") or {}).get("stopped_at")
    off = f"turned off on {at(stopped, zone)}" if stopped else "none is known"
    expected, named = status["next_expected"], "next run" if status["next_run_known"] else "expected by"
    yield from (*standing(status), "")
    yield from _about("Organisation", (f"{status['name']} ({org})" if status["name"] else org) + crm)
    yield from _about("Recent backups", *_recent(memory, zone))
    yield from _about("Undelivered", *(waiting or ["nothing"]))
    yield from _about("Lost", *lost(status))
    yield from _about("Schedule", status["schedule"] or off)
    yield from _about("Next backup", *([f"{named} {at(expected, zone)}"] if expected else []))
    yield from _about("Channels", *channels(status))
    counts = [f"{plural(count, 'subscriber')} of {topic}" for topic, count in status["subscribers"].items()]
    yield from _about("E-mail and SMS", *counts)
    yield from _about("Heartbeat", "requested after every good check" if status["heartbeat"] else "none")
    yield from _about("Release", status["version"])
    yield f"\n{_zone_line(status)}"


def _recent(memory: dict[str, Any], zone: tzinfo) -> Iterator[str]:
    """Yield the last good backup and the failures after it."""
    if good := memory.get("last_completed"):
        until = memory.get("links_until")
        yield f"✓ {at(good, zone)}" + (f", download links end {at(until, zone)}" if until else "")
    if failures := memory.get("failures_in_a_row", 0):
        since = memory.get("failing_since")
        yield f"✗ {failures} failed" + (f", since {at(since, zone)}" if since else "")


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
        yield f"\n  {number}. \t{notice['title']}{severity}\n     \t{notice['sentence']}"
        yield f"     \tTo {_labels(notice['channels'])}."
    if answer["pending"]:
        yield f"\nIt would also try {plural(answer['pending'], 'earlier message')} again: make status ORG={org}"
    if rows := answer["rows"]:
        shown = [(at(row["log_time"], zone) if row["log_time"] else "no time", row) for row in rows[:SHOWN_ROWS]]
        yield f"\nThe newest {len(shown)} of {len(rows):,} in the backup history, and what happens to each:\n"
        for time, row in shown:
            why = row["why"] if row["new"] else f"known since {at(row['known_since'], zone)}"
            yield f"  {time:23} {row['counts_as']:10} \t{why}"
    yield f"\n{_zone_line(status)}"


def _check(answer: Answer, status: Answer) -> Iterator[str]:
    """Yield what a check did, and how the backups stand now."""
    if "skipped" in answer:
        yield f"! Nothing was checked: {answer['skipped']}."
    else:
        kinds, sent = answer["notices"], answer["delivered"]
        accepted = [f"{count} to {label(name)}" for name, count in sent.items() if count]
        if "unreadable" not in answer["incidents"]:
            yield f"✓ The backup history was read: {plural(answer['rows'], 'entry', 'entries')}."
        if answer["problem"]:
            yield f"✗ {capital(answer['problem'])}."
        news = f"{plural(len(kinds), 'new message')} ({', '.join(kinds)})" if kinds else "no new message"
        yield from _about("Decided", news)
        yield from _about("Sent", *(accepted or ["nothing"]))
    yield from standing(status)


def _test_message(answer: Answer) -> Iterator[str]:
    """Yield what became of a test message on each channel."""
    for good, result in stack.results(answer):
        yield f"{mark(good)} \t{result}"
    arrived = "Every channel took the test message: see whether it has arrived."
    refused = f"Not every channel took it. What to do: make doctor ORG={answer['org']}"
    yield f"\n{arrived if answer['ok'] else refused}"


def _about(what: str, *texts: str) -> Iterator[str]:
    """Yield a line about something, and one for each further text below it; none without a text."""
    for number, text in enumerate(texts):
        yield f"  {'' if number else what:{LABEL}}\t{text}"


def _labels(channels: Iterable[str]) -> str:
    return ", ".join(map(label, channels)) or "nobody"


def _zone(status: Answer) -> tzinfo:
    """Return the organisation's time zone, or else the stack's."""
    return find_zone(status["time_zone"] or status["settings"]["time_zone"]) or UTC


def _zone_line(status: Answer) -> str:
    return f"Times are in the time zone {status['time_zone'] or status['settings']['time_zone']}."


def at(time: str, zone: tzinfo) -> str:
    """Return a time of an answer for a person."""
    if time == UNKNOWN:
        return "a time that Zoho does not give"
    return f"{datetime.fromisoformat(time).astimezone(zone):%-d %b %Y %H:%M %Z}"


if __name__ == "__main__":
    sys.exit(main())
