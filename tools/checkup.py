"""What `make doctor` asks about the organisations: parameter, schedule, what the function says of each, its backups."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from handler.history import UNKNOWN_TIME
from handler.wording import PAGE, SEVERITIES, plural
from tools.answers import label
from tools.organisations import Organisation, parameters, unknown
from tools.problems import Problem
from tools.schedules import differences, scheduled_org, schedules
from tools.stack import Stack, accepted

IN_CRM = f"{PAGE} in Zoho CRM"
INCIDENTS = {
    "overdue": ("a backup is overdue", f"Open {IN_CRM} and see why no backup completed."),
    "stuck": ("a backup has been running too long", f"Open {IN_CRM}; if it is still running, contact Zoho support."),
    "failing": ("backups fail", f"Open {IN_CRM}, start a backup manually; if it fails again, contact Zoho support."),
    "unreadable": ("checks cannot read the backup history", ""),
}
"""What lasts, in words, and what to do; "": what else is said of the organisation says it."""


class Line(NamedTuple):
    """One line of the checklist.

    Attributes:
        good: Green or red.
        text: What was found.
        step: What to do about it, where it is red.
    """

    good: bool
    text: str
    step: str = ""


Lines = Iterator[Line]


def organisations(there: Stack, only: str, *, send: bool) -> Lines:
    """Yield what there is to say of every organisation, or of one; `send` has each send a test message.

    An organisation is whatever has a parameter or a schedule. ``default`` has the stack's own schedule from the
    beginning, and is not connected as long as it has no parameter and nothing is remembered of it.
    """
    prefix = there.outputs["OrgParameterPrefix"]
    held = {parameter["Name"].removeprefix(f"{prefix}/"): parameter for parameter in parameters(there)}
    scheduled = {}
    for schedule in schedules(there):
        org = scheduled_org(schedule)
        scheduled[org] = schedule
        if not org:
            yield Line(False, f"Schedule {schedule['Name']} names no organisation", "Delete it, or correct its input.")
    if not held:
        yield Line(False, "No organisation is connected", "make connect")
    names = (held.keys() | scheduled.keys()) - {""}
    if only and only not in names:
        problem = unknown(there, only)
        yield Line(False, problem.sentence, problem.next_step)
        return
    for org in [only] if only else sorted(names):
        try:
            yield from _organisation(there, org, held.get(org), scheduled.get(org), send=send)
        except Problem as problem:
            yield Line(False, f"{org}: {problem.sentence}", problem.next_step)


def _organisation(
    there: Stack, org: str, parameter: dict[str, Any] | None, schedule: dict[str, Any] | None, *, send: bool
) -> Lines:
    again = f"make connect ORG={org}"
    status = there.ask(org, "status")
    if org == "default" and not parameter and not status["memory"]:
        return
    if not parameter:
        yield Line(False, f"{org}: checked, but without a parameter", f"{again}; or end it: {again} REMOVE=1")
        return
    encrypted = parameter["Type"] == "SecureString"
    kind = "its parameter is encrypted" if encrypted else "its parameter is not encrypted"
    yield Line(
        encrypted, f"{org}: {kind}", f"Delete {parameter['Name']}, make new secrets at Zoho and Slack, and: {again}"
    )
    problem = _schedule_problem(Organisation(there, org), schedule)
    found = problem or f"its schedule is {schedule['ScheduleExpression'] if schedule else ''}"
    yield Line(not problem, f"{org}: {found}", f"{again} (Enter keeps what is known; the schedule is written again)")
    yield Line(not status["problem"], f"{org}: {status['problem'] or 'the function can use the parameter'}", again)
    read = there.ask(org, "dry-run")
    yield from _readable(org, read, again)
    yield from _notices(there, org, status["memory"] or {})
    yield from _backups(org, status, read)
    yield from _channels(org, status["channels"], again)
    if send:
        for channel, result in there.ask(org, "test-message")["results"].items():
            yield Line(accepted(result), f"{org}: test message, {label(channel)}: {result}", again)


def _schedule_problem(organisation: Organisation, schedule: dict[str, Any] | None) -> str:
    """Return how a schedule differs from what `make connect` would write, "" if in nothing."""
    if schedule is None:
        return "it has no schedule"
    wanted = organisation.wanted_schedule()
    wrong = differences(schedule, wanted)
    if not wrong:
        return ""
    if wrong == ["state"]:
        return "its schedule is disabled"
    there = f" ({schedule['ScheduleExpression']} instead of {wanted['ScheduleExpression']})"
    return f"its schedule is not the stack's: {', '.join(wrong)}{there if 'expression' in wrong else ''}"


def _readable(org: str, read: Mapping[str, Any], again: str) -> Lines:
    rows = f"the backup history can be read, {plural(len(read['rows']), 'entry', 'entries')}"
    yield Line(not read["problem"], f"{org}: {read['problem'] or rows}", f"Most often this helps: {again}")


def _channels(org: str, channels: Mapping[str, str], again: str) -> Lines:
    """Yield where messages go, and which channels cannot be used as they are configured."""
    usable = {name: floor for name, floor in channels.items() if floor in SEVERITIES}
    least = {name: "" if floor == SEVERITIES[0] else f" ({floor})" for name, floor in usable.items()}
    yield Line(True, f"{org}: sends to {', '.join(f'{label(name)}{least[name]}' for name in usable)}")
    for name in channels.keys() - usable.keys():
        yield Line(False, f"{org}: {label(name)} gets nothing. {channels[name]}", again)


def _notices(there: Stack, org: str, memory: Mapping[str, Any]) -> Lines:
    pending = len(memory.get("outbox", ()))
    yield Line(not pending, f"{org}: {plural(pending, 'pending notice')}", f"See why: {there.log_command()}")
    for name in sorted(memory.get("incidents", ())):
        if name.startswith("channel:"):
            channel = label(name.partition(":")[2])
            step = f"The message that was sent says what to do; then: make doctor ORG={org} SEND=1"
            yield Line(False, f"{org}: {channel} takes no messages", step)
    lost = memory.get("dead_letters") or {}
    if lost.get("total"):
        last = lost["last"][-1]
        what = f"{plural(lost['total'], 'notice')} lost, the last of them ({last['kind']} to {label(last['channel'])}, "
        text = f"{org}: {what}{_day(last['at'])}): {last['why']}"
        # A message that gets through says it; until then nobody knows.
        yield Line(not lost.get("unmentioned"), text, f"See what it said: make status ORG={org}")


def _backups(org: str, status: Mapping[str, Any], read: Mapping[str, Any]) -> Lines:
    """Yield what is wrong with the backups as a check would find it now, or that nothing is."""
    memory = status["memory"] or {}
    if not memory.get("baseline_at"):
        first = next((notice for notice in read["would_notify"] if notice["kind"] == "baseline"), None)
        good = first is None or first["severity"] == SEVERITIES[0]
        said = f"; the first will say: {first['title']}" if first else ""
        yield Line(good, f"{org}: no check has read the backups yet{said}", f"make check-now ORG={org}, then: {IN_CRM}")
        return
    wrong = [*_wrong(org, status, memory, read)]
    yield from wrong
    if not wrong:
        expected = status["next_expected"]
        named = "the next run is on" if status["next_run_known"] else "the next is expected by"
        then = f", {named} {_day(expected)}" if expected else ""
        yield Line(True, f"{org}: {_last_good(memory)}{then}")


def _wrong(org: str, status: Mapping[str, Any], memory: Mapping[str, Any], read: Mapping[str, Any]) -> Lines:
    remembered = memory.get("incidents") or {}
    failures = _failures(read["rows"]) if read["rows"] else memory.get("failures_in_a_row", 0)
    if failures:
        what = "the last backup failed" if failures == 1 else f"the last {failures} backups failed"
        yield Line(False, f"{org}: {what}; {_last_good(memory)}", INCIDENTS["failing"][1])
    for name in read["incidents"]:
        if name.startswith("channel:") or (name == "failing" and failures):
            continue
        text, step = INCIDENTS.get(name, (name, ""))
        known = remembered.get(name)
        since = f" (since {_day(known['since'])})" if known else " (the next check will say so)"
        yield Line(False, f"{org}: {text}{since}", step or f"See docs/runbook.md#{name} and: make status ORG={org}")
    if not status["schedule"]:
        yield Line(False, f"{org}: Zoho CRM has no backup schedule", f"Open {IN_CRM} and set one up.")


def _failures(rows: list[dict[str, Any]]) -> int:
    """Return how many failed backups there are above the newest completed one."""
    outcomes = [row["counts_as"] for row in rows if row["counts_as"] in {"failed", "completed"}]
    return outcomes.index("completed") if "completed" in outcomes else len(outcomes)


def _last_good(memory: Mapping[str, Any]) -> str:
    good = memory.get("last_completed")
    return f"the last good one is of {_day(good)}" if good else "no good one is known"


def _day(moment: str) -> str:
    time = datetime.fromisoformat(moment)
    return "an unknown day" if time == UNKNOWN_TIME else f"{time:%-d %b %Y}"
