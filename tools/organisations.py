"""AWS's side of connecting: an organisation's parameter, its schedule in the stack's own group, and its item."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tools.problems import Problem, from_aws
from tools.schedules import COPIED, differences
from tools.stack import ONCE, Stack

BEFORE = {"DescribeParameters", "PutParameter"}
"""When AWS refuses one of these, nothing was written."""


class Plan(NamedTuple):
    """What writing an organisation will do, known before anything is written.

    Attributes:
        parameter: The request, but for the value.
        schedule: What the schedule must be; None when it is.
        before: What the schedule is; None when there is none.
    """

    parameter: dict[str, Any]
    schedule: dict[str, Any] | None
    before: dict[str, Any] | None

    @property
    def new(self) -> bool:
        """Whether there is no parameter yet."""
        return not self.parameter["Overwrite"]


@dataclass(frozen=True)
class Organisation:
    """One organisation in a stack. ``default`` has the stack's own schedule, any other a separate one."""

    stack: Stack
    org: str

    def __post_init__(self) -> None:
        """Refuse the one name that is taken."""
        if self.org == self.stack.name != "default":
            raise Problem(f"The schedule {self.org} is the stack's own.", "Choose another name for the organisation.")

    @property
    def parameter(self) -> str:
        """The parameter's name."""
        return f"{self.stack.outputs['OrgParameterPrefix']}/{self.org}"

    @property
    def schedule(self) -> dict[str, str]:
        """The schedule's name and group."""
        name = self.stack.name if self.org == "default" else self.org
        return {"Name": name, "GroupName": self.stack.outputs["ScheduleGroupName"]}

    @property
    def _item(self) -> dict[str, Any]:
        return {"TableName": self.stack.outputs["TableName"], "Key": {"org": {"S": self.org}}}

    def read(self) -> dict[str, str] | None:
        """Return what the parameter holds, as far as it can be understood; None when there is none."""
        ssm = self.stack.client("ssm")
        try:
            text = ssm.get_parameter(Name=self.parameter, WithDecryption=True)["Parameter"]["Value"]
            held = json.loads(text)
        except ssm.exceptions.ParameterNotFound:
            return None
        except ValueError:
            return {}
        return {key: value for key, value in held.items() if isinstance(value, str)} if isinstance(held, dict) else {}

    def plan(self, *, new: bool) -> Plan:
        """Return what `save` will do. Most of what AWS can refuse is refused here, before a code is spent."""
        request = {"Name": self.parameter, "Type": "SecureString", "Overwrite": not new}
        for listed in [] if new else parameters(self.stack, self.org):
            if "KeyId" in listed:  # not repeated, it would change to the account's default key
                request["KeyId"] = listed["KeyId"]
        wanted, before = self.wanted_schedule(), self._current_schedule()
        same = before is not None and not differences(before, wanted)
        return Plan(request, None if same else wanted, before)

    def save(self, secret: dict[str, str], plan: Plan) -> None:
        """Write the parameter, then the schedule; for a new organisation, both or neither.

        Raises:
            Problem: AWS refuses; the text says what was done.
            KeyboardInterrupt: The text says what was done.
        """
        done = "Nothing was written."
        try:
            try:  # a repeat of a write that arrived would be refused: it is made once
                self.stack.client("ssm", ONCE).put_parameter(**plan.parameter, Value=json.dumps(secret))
                if plan.schedule:
                    self._start(plan.schedule)
            except BaseException as error:
                if not (isinstance(error, ClientError) and error.operation_name in BEFORE):
                    done = "The parameter may have been written; its schedule may not: `make doctor` shows it."
                    done = self._undo(plan) if plan.new else done
                raise
        except (BotoCoreError, ClientError) as error:
            problem = from_aws(error)
            raise Problem(f"{problem.sentence} {done}", problem.next_step) from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(done) from None

    def known(self) -> bool:
        """Return whether there is anything to remove."""
        if any(parameters(self.stack, self.org)) or (self.org != "default" and self._current_schedule()):
            return True
        found = self.stack.client("dynamodb").get_item(**self._item, ProjectionExpression="org")
        return "Item" in found

    def remove(self) -> list[str]:
        """Delete schedule, parameter and, last, item; return what was there. The stack's own schedule stays.

        Without parameter and item the function does nothing for `default`, so its schedule harms nobody; disabled, it
        would come back with any deployment that changes it.

        Raises:
            Problem: AWS refuses; the text says what was removed.
            KeyboardInterrupt: The text says what was removed.
        """
        removed: list[str] = []
        try:
            for what, delete in self._removals():
                if delete():
                    removed.append(what)
        except (BotoCoreError, ClientError) as error:
            problem = from_aws(error)
            raise Problem(f"{problem.sentence} {_so_far(removed)}", problem.next_step) from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_so_far(removed)) from None
        return removed

    def _removals(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        if self.org != "default":
            yield "schedule", self._delete_schedule
        yield "parameter", self._delete_parameter
        yield "item", self._delete_item

    def _delete_schedule(self) -> bool:
        scheduler = self.stack.client("scheduler")
        try:
            scheduler.delete_schedule(**self.schedule)
        except scheduler.exceptions.ResourceNotFoundException:
            return False
        return True

    def _delete_parameter(self) -> bool:
        ssm = self.stack.client("ssm")
        try:
            ssm.delete_parameter(Name=self.parameter)
        except ssm.exceptions.ParameterNotFound:
            return False
        return True

    def _delete_item(self) -> bool:
        answer = self.stack.client("dynamodb").delete_item(**self._item, ReturnValues="ALL_OLD")
        return "Attributes" in answer

    def wanted_schedule(self) -> dict[str, Any]:
        """Return what the organisation's schedule must be: the stack's own, as the stack's parameters have it."""
        outputs, stack_parameters = self.stack.outputs, self.stack.parameters
        own = Organisation(self.stack, "default")
        current = own._current_schedule()
        if current is None:
            raise Problem(
                f"The stack's own schedule {own.schedule['Name']} is gone.",
                "Delete nothing else; deploy again with another ScheduleExpression, which makes it again: make deploy",
            )
        target = {
            **current["Target"],
            "Arn": outputs["FunctionArn"],
            "RoleArn": outputs["ScheduleRoleArn"],
            "DeadLetterConfig": {"Arn": outputs["DeadLetterQueueArn"]},
            "Input": json.dumps({"org": self.org}),
        }
        wanted = {**current, **self.schedule, "State": "ENABLED", "Target": target}
        wanted["ScheduleExpression"] = stack_parameters["ScheduleExpression"]
        wanted["ScheduleExpressionTimezone"] = stack_parameters["TimeZone"]
        if self.org != "default":
            wanted["Description"] = f'Checks the organisation "{self.org}"; written by `make connect`'
        return wanted

    def _current_schedule(self) -> dict[str, Any] | None:
        scheduler = self.stack.client("scheduler")
        try:
            found = scheduler.get_schedule(**self.schedule)
        except scheduler.exceptions.ResourceNotFoundException:
            return None
        return {**{key: found[key] for key in COPIED if key in found}, **self.schedule}

    def _start(self, schedule: dict[str, Any]) -> None:
        scheduler = self.stack.client("scheduler")
        try:
            scheduler.update_schedule(**schedule)
        except scheduler.exceptions.ResourceNotFoundException:
            scheduler.create_schedule(**schedule)

    def _undo(self, plan: Plan) -> str:
        """Take back what a new organisation got; its writing may only seem to have failed. Return what is left."""
        left = []
        try:
            if plan.before is None:
                self._delete_schedule()
            elif plan.schedule:
                self.stack.client("scheduler").update_schedule(**plan.before)
        except (BotoCoreError, ClientError):
            left.append(f"The schedule {self.schedule['Name']} may have been written and could not be taken back.")
        with suppress(BotoCoreError, ClientError):
            self._delete_parameter()
            return " ".join(left) or "Nothing was left behind."
        left.append(f"The parameter {self.parameter} may have been written and could not be taken back: delete it.")
        return " ".join(left)


def parameters(stack: Stack, org: str = "") -> Iterator[dict[str, Any]]:
    """Yield name, type and key, never a value, of each organisation's parameter, or of one's."""
    prefix = stack.outputs["OrgParameterPrefix"]
    one = {"Key": "Name", "Option": "Equals", "Values": [f"{prefix}/{org}"]}
    every = {"Key": "Path", "Option": "OneLevel", "Values": [prefix]}
    pages = stack.client("ssm").get_paginator("describe_parameters")
    for page in pages.paginate(ParameterFilters=[one if org else every]):
        yield from page["Parameters"]


def unknown(stack: Stack, org: str) -> Problem:
    """Return that the stack has no such organisation, and which it has."""
    prefix = stack.outputs["OrgParameterPrefix"]
    names = sorted(parameter["Name"].removeprefix(f"{prefix}/") for parameter in parameters(stack))
    connect = "make connect" if org == "default" else f"make connect ORG={org}"
    return Problem(
        f"No organisation {org} is connected to the stack {stack.name}.",
        f"Connected: {', '.join(names) or 'none'}. To connect this one: {connect}",
    )


def _so_far(removed: list[str]) -> str:
    return f"Removed so far: {', '.join(removed)}." if removed else "Nothing was removed."
