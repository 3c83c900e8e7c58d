"""What `make doctor` asks about the organisations: parameter, schedule, and what the function says of each."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from handler.causes import CHANNELS
from handler.wording import plural
from tools.organisations import parameters
from tools.problems import Problem
from tools.stack import Stack


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
    schedules = {}
    for schedule in _schedules(there):
        org = _org(schedule)
        schedules[org] = schedule
        if not org:
            yield Line(False, f"Schedule {schedule['Name']} names no organisation", "Delete it, or mend its input.")
    if not held:
        yield Line(False, "No organisation is connected", "make connect")
    for org in [only] if only else sorted((held.keys() | schedules.keys()) - {""}):
        try:
            yield from _organisation(there, org, held.get(org), schedules.get(org), send=send)
        except Problem as problem:
            yield Line(False, f"{org}: {problem.sentence}", problem.next_step)


def _schedules(there: Stack) -> Iterator[dict[str, Any]]:
    scheduler, group = there.client("scheduler"), there.outputs["ScheduleGroupName"]
    for page in scheduler.get_paginator("list_schedules").paginate(GroupName=group):
        for listed in page["Schedules"]:
            yield scheduler.get_schedule(Name=listed["Name"], GroupName=group)


def _org(schedule: dict[str, Any]) -> str:
    """Return the organisation that a schedule's input names, "" if none."""
    try:
        return str(json.loads(schedule["Target"].get("Input") or "{}").get("org", "default"))
    except (ValueError, AttributeError):
        return ""


def _organisation(
    there: Stack, org: str, parameter: dict[str, Any] | None, schedule: dict[str, Any] | None, *, send: bool
) -> Lines:
    again = f"make connect ORG={org}"
    status = there.ask(org, "status")
    if org == "default" and not parameter and not (schedule and schedule["State"] == "ENABLED" and status["memory"]):
        return
    if not parameter:
        yield Line(False, f"{org}: checked, but without a parameter", f"{again}; or end it: {again} REMOVE=1")
        return
    encrypted = parameter["Type"] == "SecureString"
    kind = "its parameter is encrypted" if encrypted else "its parameter is not encrypted"
    yield Line(
        encrypted, f"{org}: {kind}", f"Delete {parameter['Name']}, make new secrets at Zoho and Slack, and: {again}"
    )
    problem = _schedule_problem(there, schedule)
    found = problem or f"its schedule is {schedule['ScheduleExpression'] if schedule else ''}"
    yield Line(not problem, f"{org}: {found}", f"{again} (Enter keeps what is known; the schedule is written anew)")
    yield Line(not status["problem"], f"{org}: {status['problem'] or 'the function can use the parameter'}", again)
    yield from _readable(there, org, again)
    yield from _remembered(there, org, status["memory"] or {})
    yield Line(True, f"{org}: tells through {', '.join(CHANNELS[name] for name in status['channels'])}")
    if send:
        for channel, result in there.ask(org, "test-message")["results"].items():
            yield Line(result == "accepted", f"{org}: test message, {CHANNELS[channel]}: {result}", again)


def _schedule_problem(there: Stack, schedule: dict[str, Any] | None) -> str:
    if schedule is None:
        return "it has no schedule"
    if schedule["Target"]["Arn"] != there.outputs["FunctionArn"]:
        return "its schedule has another target than the function"
    return "" if schedule["State"] == "ENABLED" else "its schedule is disabled"


def _readable(there: Stack, org: str, again: str) -> Lines:
    read = there.ask(org, "dry-run")
    rows = f"the backup history can be read, {plural(len(read['rows']), 'entry', 'entries')}"
    yield Line(not read["problem"], f"{org}: {read['problem'] or rows}", f"Most often this mends it: {again}")


def _remembered(there: Stack, org: str, memory: dict[str, Any]) -> Lines:
    pending, incidents = len(memory.get("outbox", ())), sorted(memory.get("incidents", ()))
    yield Line(not pending, f"{org}: {plural(pending, 'pending notice')}", f"See why: {there.log_command()}")
    yield Line(
        not incidents,
        f"{org}: open incidents: {', '.join(incidents) or 'none'}",
        f"The message that was sent says what to do; see also docs/runbook.md and: make status ORG={org}",
    )
