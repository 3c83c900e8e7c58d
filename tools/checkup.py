"""What `make doctor` asks about the organisations: parameter, schedule, what the function says of each, its backups."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from handler.wording import plural
from tools import channels
from tools.organisations import Organisation, parameters, unknown
from tools.problems import Problem
from tools.schedules import differences, scheduled_org, schedules
from tools.stack import Stack

PAGE = "Setup > Data Administration > Data Backup in Zoho CRM"
INCIDENTS = {
    "overdue": ("a backup is overdue", f"Open {PAGE} and see why no backup completed."),
    "stuck": ("a backup has been running too long", f"Open {PAGE}; if it is still running, contact Zoho support."),
    "failing": ("backups fail", f"Open {PAGE}, start a backup manually; if it fails again, contact Zoho support."),
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
    yield from _readable(there, org, again)
    yield from _notices(there, org, status["memory"] or {})
    yield from _backups(org, status["memory"])
    yield Line(True, f"{org}: sends to {', '.join(channels.label(name) for name in status['channels'])}")
    if send:
        for channel, result in there.ask(org, "test-message")["results"].items():
            yield Line(result == "accepted", f"{org}: test message, {channels.label(channel)}: {result}", again)


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


def _readable(there: Stack, org: str, again: str) -> Lines:
    read = there.ask(org, "dry-run")
    rows = f"the backup history can be read, {plural(len(read['rows']), 'entry', 'entries')}"
    yield Line(not read["problem"], f"{org}: {read['problem'] or rows}", f"Most often this helps: {again}")


def _notices(there: Stack, org: str, memory: dict[str, Any]) -> Lines:
    pending = len(memory.get("outbox", ()))
    yield Line(not pending, f"{org}: {plural(pending, 'pending notice')}", f"See why: {there.log_command()}")
    for name in sorted(memory.get("incidents", ())):
        if name.startswith("channel:"):
            channel = channels.label(name.partition(":")[2])
            step = f"The message that was sent says what to do; then: make doctor ORG={org} SEND=1"
            yield Line(False, f"{org}: {channel} takes no messages", step)


def _backups(org: str, memory: dict[str, Any] | None) -> Lines:
    """Yield what is wrong with the backups, or that nothing is."""
    if not memory or not memory.get("baseline_at"):
        yield Line(True, f"{org}: no check has read the backups yet")
        return
    wrong = [*_wrong(org, memory)]
    yield from wrong
    if not wrong:
        yield Line(True, f"{org}: the last good backup is of {_day(memory.get('last_completed'))}")


def _wrong(org: str, memory: dict[str, Any]) -> Lines:
    incidents: dict[str, Any] = memory.get("incidents") or {}
    failures = memory.get("failures_in_a_row", 0)
    if failures:
        what = "the last backup failed" if failures == 1 else f"the last {failures} backups failed"
        good = memory.get("last_completed")
        when = f"the last good one is of {_day(good)}" if good else "no good one is known"
        yield Line(False, f"{org}: {what}; {when}", INCIDENTS["failing"][1])
    for name, incident in sorted(incidents.items()):
        if name.startswith("channel:") or (name == "failing" and failures):
            continue
        text, step = INCIDENTS.get(name, (name, ""))
        since = f" (since {_day(incident.get('since'))})" if incident.get("since") else ""
        yield Line(False, f"{org}: {text}{since}", step or f"See docs/runbook.md#{name} and: make status ORG={org}")
    if not (memory.get("schedule") or {}).get("repeat_type"):
        yield Line(False, f"{org}: Zoho CRM has no backup schedule", f"Open {PAGE} and set one up.")


def _day(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment):%-d %b %Y}" if moment else "an unknown day"
