"""What `make status` prints for a person: how the backups stand, in a sentence, and everything behind it. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

from handler.data_centres import DATA_CENTRES
from handler.history import UNKNOWN_TIME
from handler.wording import SEVERITIES, capital, plural
from tools.answers import label
from tools.checkup import INCIDENTS
from tools.reports import SHOWN_NOTICES, Answer, about, age, at, names, option, zone_line, zone_of

OUTCOMES = {"completed": "completed", "failed": "failed", "unknown": "of unknown outcome"}
FLOORS = {"info": "everything", "warning": "warnings and what is critical", "critical": "what is critical"}
UNKNOWN = "not known before the first check"
MOST_MARKS = 10


def headline(status: Answer, now: datetime) -> str:
    """Return how the backups stand, in a sentence."""
    memory, zone = status["memory"] or {}, zone_of(status)
    found = [*_wrong(status, zone)]
    if not status["connected"]:
        return f"✗ The backups are not being monitored. {_sentence(status['problem'])}"
    if not memory.get("baseline_at") and not found:
        return f"! No check has read the backups yet: make check-now{option(status['org'])}"
    if about_backups := [text for text, backups in found if backups]:
        more = len(about_backups) - 1
        rest = f" {capital(plural(more, 'more problem'))} below." if more else ""
        return f"✗ {about_backups[0]}{rest}"
    good = memory.get("last_completed")
    fine = f"the last one completed on {at(good, zone)}" if good else "none was due yet"
    if good and datetime.fromisoformat(good) != UNKNOWN_TIME:
        fine += f" ({age(good, now)} ago)"
    if found:
        return f"! The backups are fine: {fine}. Not all of the rest is."
    return f"✓ The backups are fine: {fine}."


def report(status: Answer, changed: datetime | None, now: datetime) -> Iterator[str]:
    """Yield the whole of it.

    Args:
        status: What the function answers.
        changed: When the organisation was last connected or changed, where that is known.
        now: The present.
    """
    memory, zone, org = status["memory"] or {}, zone_of(status), status["org"]
    found = [text for text, _ in _wrong(status, zone)]
    yield headline(status, now)
    yield ""
    name = f"{status['name']} ({org})" if status["name"] else org
    centre = DATA_CENTRES.get(status["data_center"] or "")
    yield from about("Organisation", name + (f", {centre.crm.removeprefix('https://')}" if centre else ""))
    yield from about("Recent backups", *_recent(memory, zone))
    yield from about("What is wrong", *(found or ["nothing" if memory.get("baseline_at") else UNKNOWN]))
    yield from about("What waits", *(_pending(memory, now) or ["nothing"]))
    yield from about("Lost", *_lost(memory, zone))
    yield from about("Schedule", _schedule(status, memory, zone))
    yield from about("Next backup", *_next(status, zone, now))
    yield from about("Channels", *(f"{label(name)}: {_floor(floor)}" for name, floor in status["channels"].items()))
    yield from about("Heartbeat", "requested after every good check" if status["heartbeat"] else "none")
    yield from about("Last changed", *([at(changed, zone)] if changed else []))
    yield from about("Release", status["version"])
    yield ""
    yield zone_line(status)
    if found:
        yield f"What to do: make doctor{option(org)}"


def _wrong(status: Answer, zone: tzinfo) -> Iterator[tuple[str, bool]]:
    """Yield what is wrong, as a sentence, and whether it is about the backups; the gravest first."""
    memory = status["memory"] or {}
    incidents: dict[str, dict[str, Any]] = memory.get("incidents") or {}
    if status["problem"]:
        yield _sentence(status["problem"]), True
    for name in sorted(incidents, key=lambda name: (*INCIDENTS, "").index(name if name in INCIDENTS else "")):
        incident = incidents[name]
        if name == "failing" and memory.get("failures_in_a_row"):
            continue  # said below, with how many
        text = INCIDENTS[name][0] if name in INCIDENTS else _channel(name)
        detail = f": {incident['detail']}" if incident.get("detail") else ""
        yield _sentence(f"{text}, since {at(incident['since'], zone)}{detail}"), name in INCIDENTS
    if failures := memory.get("failures_in_a_row"):
        what, when = ("backup", "on") if failures == 1 else (f"{failures} backups", "since")
        first = f", {when} {at(memory['failing_since'], zone)}" if memory.get("failing_since") else ""
        yield f"The last {what} failed{first}.", True
    if memory.get("baseline_at") and not status["schedule"]:
        yield "No backup schedule is set up, so Zoho CRM is not backing up your data.", True
    for name, floor in status["channels"].items():
        if floor not in SEVERITIES and f"channel:{name}" not in incidents:
            yield _sentence(f"{label(name)} gets nothing: {floor}"), False


def _channel(name: str) -> str:
    kind, _, channel = name.partition(":")
    return f"{label(channel)} takes no messages" if kind == "channel" else name


def _sentence(text: str) -> str:
    return capital(text).rstrip(".") + "."


def _recent(memory: dict[str, Any], zone: tzinfo) -> Iterator[str]:
    """Yield the outcomes that are remembered, oldest first, and how many there were since the last summary."""
    good, failures = memory.get("last_completed"), memory.get("failures_in_a_row", 0)
    marks = [f"✓ {at(good, zone)}"] if good else []
    marks += [f"✗ {at(memory['failing_since'], zone)}"] if failures and memory.get("failing_since") else []
    marks += ["✗"] * min(failures - 1, MOST_MARKS)
    marks += [f"… ({failures} failed in a row)"] if failures - 1 > MOST_MARKS else []
    if memory:
        yield "  ".join(marks) or "none"
    counted = [f"{count} {OUTCOMES.get(kind, kind)}" for kind, count in (memory.get("outcomes") or {}).items() if count]
    if counted and memory.get("digest_at"):
        yield f"since {at(memory['digest_at'], zone)}: {', '.join(counted)}"


def _pending(memory: dict[str, Any], now: datetime) -> list[str]:
    outbox = memory.get("outbox") or []
    lines = [
        f"{notice['content']['title']}: to {names(notice['pending_for'])}, for {age(notice['at'], now)}"
        for notice in outbox[:SHOWN_NOTICES]
    ]
    more = len(outbox) - len(lines)
    return [*lines, f"and {plural(more, 'newer message')}"] if more else lines


def _lost(memory: dict[str, Any], zone: tzinfo) -> Iterator[str]:
    """Yield what could never be delivered, and why the last of it was not."""
    lost = memory.get("dead_letters") or {}
    if not lost.get("total"):
        return
    last = lost["last"][-1]
    yield f"{plural(lost['total'], 'message')} that could not be delivered, the last of them:"
    yield f"{last['kind']}, to {label(last['channel'])}, on {at(last['at'], zone)}: {last['why']}"


def _schedule(status: Answer, memory: dict[str, Any], zone: tzinfo) -> str:
    stopped = (memory.get("schedule") or {}).get("stopped_at")
    if status["schedule"]:
        return str(status["schedule"])
    return f"turned off on {at(stopped, zone)}" if stopped else "none is known"


def _next(status: Answer, zone: tzinfo, now: datetime) -> Iterator[str]:
    """Yield when the next backup runs, or by when one is expected: when Zoho names no run, it may come earlier."""
    expected = status["next_expected"]
    if not expected:
        return
    due = datetime.fromisoformat(expected)
    if due < now:
        late = due + timedelta(hours=status["settings"]["grace_hours"])
        yield f"was due on {at(due, zone)}" + (f", and is overdue on {at(late, zone)}" if now < late else "")
    else:
        yield f"{'next run' if status['next_run_known'] else 'expected by'} {at(expected, zone)}"


def _floor(floor: str) -> str:
    return FLOORS.get(floor) or f"gets nothing: {floor}"
