"""The schedules in the stack's group: what there is, and how one differs from what it must be."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tools.stack import Stack

COPIED = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "StartDate",
    "EndDate",
    "KmsKeyArn",
    "ActionAfterCompletion",
    "Description",
    "State",
    "Target",
)
"""All that an update must repeat: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html"""


def schedules(stack: Stack) -> Iterator[dict[str, Any]]:
    """Yield every schedule in the stack's group."""
    scheduler, group = stack.client("scheduler"), stack.outputs["ScheduleGroupName"]
    for page in scheduler.get_paginator("list_schedules").paginate(GroupName=group):
        for listed in page["Schedules"]:
            yield scheduler.get_schedule(Name=listed["Name"], GroupName=group)


PARTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "target": lambda schedule: schedule["Target"]["Arn"],
    "expression": lambda schedule: schedule["ScheduleExpression"],
    "time zone": lambda schedule: schedule.get("ScheduleExpressionTimezone", "UTC"),
    "window": lambda schedule: schedule["FlexibleTimeWindow"],
    "role": lambda schedule: schedule["Target"]["RoleArn"],
    "retries": lambda schedule: schedule["Target"].get("RetryPolicy"),
    "dead-letter queue": lambda schedule: schedule["Target"].get("DeadLetterConfig"),
    "input": lambda schedule: _input(schedule),
    "end": lambda schedule: schedule.get("EndDate"),
    "state": lambda schedule: schedule["State"],
}


def differences(schedule: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return which parts of a schedule are not as wanted."""
    return [part for part, value in PARTS.items() if value(schedule) != value(wanted)]


def _input(schedule: dict[str, Any]) -> Any:
    """Return what the function makes of a schedule's input: organisation and action; None if nothing."""
    try:
        event = json.loads(schedule["Target"].get("Input") or "{}")
        return event.get("org", "default"), event.get("action", "check")
    except (ValueError, AttributeError):
        return None


def scheduled_org(schedule: dict[str, Any]) -> str:
    """Return the organisation that a schedule's input names, "" if none."""
    found = _input(schedule)
    return str(found[0]) if found else ""
