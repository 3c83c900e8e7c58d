"""An organisation on AWS: its parameter, its schedule in the stack's own group, and its item in the table."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tools.stack import ONCE, Stack
from tools.terminal import Problem, problem_of

READ_ONLY = {"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"}
"""An update must repeat everything else: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html"""
OF_SCHEDULE = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "EndDate", "State")
OF_TARGET = ("Arn", "RoleArn", "RetryPolicy", "DeadLetterConfig", "Input")


class Plan(NamedTuple):
    """What writing an organisation will do, known before anything is written.

    Attributes:
        parameter: The request to write the parameter, without the value.
        schedule: The schedule to write; None when it is right already.
        new: Whether there is no schedule yet.
    """

    parameter: dict[str, Any]
    schedule: dict[str, Any] | None
    new: bool


@dataclass(frozen=True)
class Organisation:
    """One organisation in a stack. ``default`` has the stack's own schedule, any other a copy of it."""

    stack: Stack
    org: str

    def __post_init__(self) -> None:
        """Refuse the one name that is taken."""
        if self.org == self.stack.name != "default":
            raise Problem(f"The schedule {self.org} is the stack's own.", "Choose another name for the organisation.")

    @property
    def parameter(self) -> str:
        """The parameter's name."""
        return f"{self.stack.prefix}/{self.org}"

    @property
    def schedule(self) -> dict[str, str]:
        """The schedule's name and group."""
        return {"Name": self.stack.name if self.org == "default" else self.org, "GroupName": self.stack.name}

    def read(self) -> dict[str, str] | None:
        """Return what the parameter holds, as far as it can be understood; None when there is none."""
        ssm = self.stack.client("ssm")
        try:
            held = json.loads(ssm.get_parameter(Name=self.parameter, WithDecryption=True)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None
        except ValueError:
            return {}
        return {key: value for key, value in held.items() if isinstance(value, str)} if isinstance(held, dict) else {}

    def plan(self, *, new: bool) -> Plan:
        """Return what `save` will do. Most refusals of AWS happen here, before a code is spent."""
        request = {"Name": self.parameter, "Type": "SecureString", "Overwrite": not new}
        for listed in [] if new else parameters(self.stack, self.org):
            if "KeyId" in listed:  # not repeated, it would change to the account's default key
                request["KeyId"] = listed["KeyId"]
        wanted, before = self.wanted_schedule(), self._current_schedule()
        same = before is not None and not differences(before, wanted)
        return Plan(request, None if same else wanted, before is None)

    def save(self, secret: dict[str, str], plan: Plan, note: str = "") -> None:
        """Write the schedule, then the parameter: a schedule without a parameter makes the function do nothing.

        Args:
            secret: What the parameter will hold.
            plan: What was planned before.
            note: What else to say if it fails.

        Raises:
            Problem: AWS refuses; the text says what was done.
            KeyboardInterrupt: The text says what was done.
        """
        done = "The parameter was not written."
        with _ending_with(lambda: done + note):
            if plan.schedule:
                write = "create_schedule" if plan.new else "update_schedule"
                getattr(self.stack.client("scheduler"), write)(**plan.schedule)
            try:  # once only: AWS would refuse to repeat a write that arrived
                self.stack.client("ssm", ONCE).put_parameter(**plan.parameter, Value=json.dumps(secret))
            except BaseException as error:
                if not isinstance(error, ClientError):
                    done = "The parameter may have been written: `make doctor` shows it."
                raise

    def remove(self) -> list[str]:
        """Delete schedule, parameter and, last, item; return what was there.

        The stack's own schedule stays. Without parameter and item the function does nothing for `default`; a schedule
        that was disabled would come back with any deployment that changes it.

        Raises:
            Problem: AWS refuses; the text says what was removed.
            KeyboardInterrupt: The text says what was removed.
        """
        client, removed = self.stack.client, list[str]()
        item = {"TableName": self.stack.outputs["TableName"], "Key": {"org": {"S": self.org}}}
        deletes: dict[str, Callable[[], Any]] = {
            "schedule": lambda: client("scheduler").delete_schedule(**self.schedule),
            "parameter": lambda: client("ssm").delete_parameter(Name=self.parameter),
            "item": lambda: client("dynamodb").delete_item(**item, ReturnValues="ALL_OLD"),
        }
        with _ending_with(lambda: f"Removed so far: {', '.join(removed)}." if removed else "Nothing was removed."):
            for what in ("parameter", "item") if self.org == "default" else deletes:
                try:
                    answer = deletes[what]()
                except ClientError as error:
                    if error.response["Error"]["Code"] not in {"ResourceNotFoundException", "ParameterNotFound"}:
                        raise
                else:
                    removed += [what] * (what != "item" or "Attributes" in answer)
        return removed

    def wanted_schedule(self) -> dict[str, Any]:
        """Return what the organisation's schedule must be: the stack's own, as the stack's parameters have it."""
        outputs = self.stack.outputs
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
        copy = {"Description": f'Checks the organisation "{self.org}"; written by `make connect`'}
        return {
            **current,
            **self.schedule,
            **({} if self.org == "default" else copy),
            "State": "ENABLED",
            "Target": target,
            "ScheduleExpression": self.stack.parameters["ScheduleExpression"],
            "ScheduleExpressionTimezone": self.stack.parameters["TimeZone"],
        }

    def _current_schedule(self) -> dict[str, Any] | None:
        scheduler = self.stack.client("scheduler")
        try:
            found = scheduler.get_schedule(**self.schedule)
        except scheduler.exceptions.ResourceNotFoundException:
            return None
        return {key: value for key, value in found.items() if key not in READ_ONLY}


def parameters(stack: Stack, org: str = "") -> Iterator[dict[str, Any]]:
    """Yield name, type and key, never a value, of each organisation's parameter, or of one's."""
    one = {"Key": "Name", "Option": "Equals", "Values": [f"{stack.prefix}/{org}"]}
    every = {"Key": "Path", "Option": "OneLevel", "Values": [stack.prefix]}
    return stack.pages("ssm", "describe_parameters", "Parameters", ParameterFilters=[one if org else every])


def schedules(stack: Stack) -> Iterator[dict[str, Any]]:
    """Yield every schedule in the stack's group, which has the stack's name."""
    scheduler = stack.client("scheduler")
    with suppress(scheduler.exceptions.ResourceNotFoundException):
        for listed in stack.pages("scheduler", "list_schedules", "Schedules", GroupName=stack.name):
            yield scheduler.get_schedule(Name=listed["Name"], GroupName=stack.name)


def renew(stack: Stack) -> Iterator[str]:
    """Write the schedules again that are older than the stack's own, of which they are copies; yield their names.

    A disabled one stays disabled.
    """
    listed = {one["Name"]: one for one in stack.pages("scheduler", "list_schedules", "Schedules", GroupName=stack.name)}
    for name, one in listed.items():
        if "." not in name and one["LastModificationDate"] < listed[stack.name]["LastModificationDate"]:
            wanted = Organisation(stack, name).wanted_schedule()
            stack.client("scheduler").update_schedule(**{**wanted, "State": one["State"]})
            yield name


def differences(schedule: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return the names of what is not as wanted in a schedule."""
    return [
        name
        for names, one, other in ((OF_SCHEDULE, schedule, wanted), (OF_TARGET, schedule["Target"], wanted["Target"]))
        for name in names
        if one.get(name) != other.get(name)
    ]


def scheduled_org(schedule: dict[str, Any]) -> str:
    """Return the organisation that a schedule's input names, "" if none; of the roll-call its own name, with a dot."""
    try:
        event = json.loads(schedule["Target"].get("Input") or "{}")
        return str(schedule["Name"] if "action" in event else event.get("org", "default"))
    except (ValueError, AttributeError):
        return ""


def unknown(stack: Stack, org: str) -> Problem:
    """Return the problem that the stack has no such organisation, with those that it has."""
    names = sorted(parameter["Name"].removeprefix(f"{stack.prefix}/") for parameter in parameters(stack))
    connect = "make connect" if org == "default" else f"make connect ORG={org}"
    return Problem(
        f"No organisation {org} is connected to the stack {stack.name}.",
        f"Connected: {', '.join(names) or 'none'}. To connect this one: {connect}",
    )


@contextmanager
def _ending_with(done: Callable[[], str]) -> Iterator[None]:
    """Add what was done to the text of whatever ends the block: a refusal of AWS, or Ctrl-C."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        problem = problem_of(error)
        raise Problem(f"{problem.sentence} {done()}", problem.next_step) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(done()) from None
