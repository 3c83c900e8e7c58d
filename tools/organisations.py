"""AWS's side of connecting: an organisation's parameter, and its schedule in the stack's own group."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.problems import Problem, from_aws
from tools.stack import ONCE, Stack

COPIED = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "StartDate",
    "EndDate",
    "KmsKeyArn",
    "ActionAfterCompletion",
    "Description",
    "Target",
)
"""All that an update must repeat: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html"""

BEFORE = {"DescribeParameters", "PutParameter"}
"""When AWS refuses one of these, nothing was written."""


@dataclass(frozen=True)
class Organisation:
    """One organisation in a stack. ``default`` has the stack's own schedule, any other one of its own."""

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

    def save(self, secret: dict[str, str], *, new: bool) -> None:
        """Write the parameter, then the schedule; for a new organisation, both or neither.

        Raises:
            Problem: AWS refuses; the text says what was done.
        """
        done = "Nothing was written."
        try:
            schedule = self._wanted_schedule()
            try:
                self._write(secret, new=new)
                if schedule:
                    self._start(schedule)
            except BaseException as error:
                if not (isinstance(error, ClientError) and error.operation_name in BEFORE):
                    done = self._undo() if new else "The parameter may have been written; its schedule was not."
                raise
        except (BotoCoreError, ClientError) as error:
            problem = from_aws(error)
            raise Problem(f"{problem.sentence} {done}", problem.next_step) from None
        except KeyboardInterrupt:
            raise KeyboardInterrupt(done) from None

    def remove(self) -> list[str]:
        """End the schedule, then delete the parameter; return what was there. The stack's own schedule is disabled."""
        ssm, scheduler = self.stack.client("ssm"), self.stack.client("scheduler")
        removed = []
        if self.org == "default":
            own = scheduler.get_schedule(**self.schedule)
            if own["State"] == "ENABLED":
                scheduler.update_schedule(**{**_copied(own), **self.schedule, "State": "DISABLED"})
        else:
            with suppress(scheduler.exceptions.ResourceNotFoundException):
                scheduler.delete_schedule(**self.schedule)
                removed.append("schedule")
        with suppress(ssm.exceptions.ParameterNotFound):
            ssm.delete_parameter(Name=self.parameter)
            removed.append("parameter")
        return removed

    def _wanted_schedule(self) -> dict[str, Any] | None:
        """Return the schedule that must be written; None when the stack's own is as it should be."""
        own = self.stack.client("scheduler").get_schedule(**Organisation(self.stack, "default").schedule)
        if self.org == "default":
            return None if own["State"] == "ENABLED" else {**_copied(own), **self.schedule, "State": "ENABLED"}
        target = {**own["Target"], "Input": json.dumps({"org": self.org})}
        described = f'Checks the organisation "{self.org}"; written by `make connect`'
        return {**_copied(own), **self.schedule, "State": "ENABLED", "Target": target, "Description": described}

    def _write(self, secret: dict[str, str], *, new: bool) -> None:
        request = {"Name": self.parameter, "Value": json.dumps(secret), "Type": "SecureString", "Overwrite": not new}
        for listed in [] if new else parameters(self.stack, self.org):
            if "KeyId" in listed:  # not repeated, it would change to the account's default key
                request["KeyId"] = listed["KeyId"]
        self.stack.client("ssm", ONCE).put_parameter(**request)  # a repeat of one that arrived would be refused

    def _start(self, schedule: dict[str, Any]) -> None:
        scheduler = self.stack.client("scheduler")
        try:
            scheduler.update_schedule(**schedule)
        except scheduler.exceptions.ResourceNotFoundException:
            scheduler.create_schedule(**schedule)

    def _undo(self) -> str:
        """Take back what a new organisation got, the schedule too: its writing may only seem to have failed."""
        with suppress(BotoCoreError, ClientError):
            if self.org != "default":
                self.stack.client("scheduler").delete_schedule(**self.schedule)
        ssm = self.stack.client("ssm")
        try:
            ssm.delete_parameter(Name=self.parameter)
        except ssm.exceptions.ParameterNotFound:
            pass
        except (BotoCoreError, ClientError):
            return f"The parameter {self.parameter} may have been written and could not be taken back: delete it."
        return "Nothing was left behind."


def parameters(stack: Stack, org: str = "") -> Iterator[dict[str, Any]]:
    """Yield name, type and key, never a value, of each organisation's parameter, or of one's."""
    prefix = stack.outputs["OrgParameterPrefix"]
    one = {"Key": "Name", "Option": "Equals", "Values": [f"{prefix}/{org}"]}
    every = {"Key": "Path", "Option": "OneLevel", "Values": [prefix]}
    pages = stack.client("ssm").get_paginator("describe_parameters")
    for page in pages.paginate(ParameterFilters=[one if org else every]):
        yield from page["Parameters"]


def _copied(schedule: dict[str, Any]) -> dict[str, Any]:
    return {key: schedule[key] for key in COPIED if key in schedule}
