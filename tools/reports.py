"""What the function answers, in lines for `tools.lines` to fit, with times in a time zone that is named. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from handler.config import find_zone
from handler.history import UNKNOWN_TIME
from handler.wording import SEVERITIES, capital, duration, plural
from tools.answers import label

LABEL = 17
"""Columns of what a line is about."""
SHOWN_ROWS = 10
SHOWN_NOTICES = 5

Answer = Mapping[str, Any]


def about(what: str, *texts: str) -> Iterator[str]:
    """Yield a line about something, and one for each further text below it; none without a text."""
    for number, text in enumerate(texts):
        yield f"  {'' if number else what}".ljust(LABEL + 2) + f"\t{text}"


def zone_of(status: Answer) -> tzinfo:
    """Return the organisation's time zone, or else the stack's."""
    return find_zone(_zone_name(status)) or UTC


def _zone_name(status: Answer) -> str:
    return str(status["time_zone"] or status["settings"]["time_zone"])


def zone_line(status: Answer) -> str:
    """Return in which time zone times are shown."""
    return f"Times are in the time zone {_zone_name(status)}."


def at(time: str | datetime, zone: tzinfo) -> str:
    """Return a time for a person, as ISO 8601 has it or aware."""
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return (
        "a time that Zoho does not give" if moment == UNKNOWN_TIME else f"{moment.astimezone(zone):%-d %b %Y %H:%M %Z}"
    )


def age(time: str, now: datetime) -> str:
    """Return how long ago a time is."""
    return duration(max(timedelta(0), now - datetime.fromisoformat(time)))


def option(org: str) -> str:
    """Return what a command must be given to mean an organisation."""
    return "" if org == "default" else f" ORG={org}"


def names(channels: Iterable[str]) -> str:
    """Return channels by their names, as a list in a sentence."""
    *others, last = [label(channel) for channel in channels] or ["nobody"]
    return f"{', '.join(others)} and {last}" if others else last


# --- make dry-run -----------------------------------------------------------------------------------------------------


def dry_run(answer: Answer, status: Answer) -> Iterator[str]:
    """Yield what the next check would send, and why it would not send the rest."""
    zone, notices, org = zone_of(status), answer["would_notify"], answer["org"]
    if answer["problem"]:
        yield f"✗ {capital(answer['problem'].rstrip('.'))}."
    count = plural(len(notices), "new message") if notices else "nothing new"
    yield f"The next check of {status['name'] or org} would send {count}{':' if notices else '.'}"
    for number, notice in enumerate(notices, 1):
        severity = "" if notice["severity"] == SEVERITIES[0] else f" ({notice['severity']})"
        yield ""
        yield f"  {number}. \t{notice['title']}{severity}"
        yield f"     \t{notice['sentence']}"
        yield f"     \tTo {names(notice['channels'])}."
    if answer["pending"]:
        yield ""
        waiting = plural(answer["pending"], "earlier message")
        yield f"It would also try {waiting} again: make status{option(org)}"
    yield from _rows(answer["rows"], zone)
    yield from ("", zone_line(status))


def _rows(rows: list[dict[str, Any]], zone: tzinfo) -> Iterator[str]:
    """Yield the newest entries of the history, each with what happens to it."""
    if not rows:
        return
    shown = rows[:SHOWN_ROWS]
    yield ""
    newest = f"the newest {len(shown)} of {len(rows):,}" if len(rows) > len(shown) else f"{len(rows):,}, newest first"
    yield f"Entries of the backup history ({newest}), and what happens to each:"
    yield ""
    times = [at(row["log_time"], zone) if row.get("log_time") else "no time" for row in shown]
    kinds = [row["counts_as"] for row in shown]
    for row, time, kind in zip(shown, times, kinds, strict=True):
        why = row["why"] if row["new"] else f"known since {at(row['known_since'], zone)}"
        yield f"  {time.ljust(max(map(len, times)))}  {kind.ljust(max(map(len, kinds)))}  \t{why}"


# --- make check-now, make test-message --------------------------------------------------------------------------------


def check(answer: Answer) -> Iterator[str]:
    """Yield what a check did."""
    if "skipped" in answer:
        yield f"! Nothing was checked: {answer['skipped']}."
        return
    yield f"✓ The backup history was read: {plural(answer['rows'], 'entry', 'entries')}."
    kinds, sent = answer["notices"], answer["delivered"]
    news = f"{plural(len(kinds), 'new message')} ({', '.join(kinds)})" if kinds else "no new message"
    yield from about("Decided", news)
    yield from about("Sent", *([f"{count} to {label(name)}" for name, count in sent.items() if count] or ["nothing"]))


def test_message(answer: Answer) -> Iterator[str]:
    """Yield what became of a test message on each channel."""
    for channel, result in answer["results"].items():
        good, _, meaning = result.partition("accepted: ")
        yield f"✗ {label(channel)}: \t{result}" if good else f"✓ {label(channel)}: \taccepted: {meaning}"
    yield ""
    if answer["ok"]:
        yield "Every channel took the test message: see whether it has arrived."
    else:
        yield f"Not every channel took it. What to do: make doctor{option(answer['org'])}"
