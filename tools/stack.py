"""The deployed stack: which one is meant, what AWS says of it, and the function's answers."""

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from handler.channels import BY_NAME
from handler.config import ORG, Settings, read_settings
from handler.errors import ConfigError
from tools.terminal import Problem

SAVED = Path(__file__).parents[1] / ".deploy"
"""Where `make deploy` saves the answers of each stack, outside of git: `ACCOUNT/REGION/NAME.toml`, as sam reads it."""
STACK_NAME = "zoho-backup-notifier"
NAMES = {
    "stack": (
        "[A-Za-z][A-Za-z0-9-]{0,63}",
        "the name of a stack",
        'Take at most 64 letters, digits and "-", beginning with a letter: STACK=zoho-backup-notifier',
    ),
    "region": (r"[a-z]{2,}(-[a-z]+)+-\d+", "an AWS region", "Name one, such as REGION=eu-west-1"),
    "org": (
        ORG.pattern,
        "the short name of an organisation",
        'Take 1 to 64 letters, digits, "-" and "_": ORG=acme. `make connect` asks for its name in messages.',
    ),
}
"""Option → what it must look like, what it is, and what to do. CloudFormation takes 128 characters for a stack, but
schedules and their groups, which are named after it, 64 only:
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html"""
OUTPUTS = {"FunctionArn", "OrgParameterPrefix", "ScheduleRoleArn", "AlarmTopicArn"}
"""By these a stack of ours is known that was finished."""
HERE = ("ZOHO_ACCOUNTS_URL", "ZOHO_API_URL", "AWS_CA_BUNDLE")
"""Settings that come from this machine."""
USUAL = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})
ONCE = Config(connect_timeout=5, read_timeout=70, retries={"total_max_attempts": 1})
"""For the function: it may take 55 seconds, and a lost answer must not make it do things twice."""
GOOD = re.compile("(CREATE|UPDATE|IMPORT)_COMPLETE|UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
DEPLOYABLE = re.compile(
    "(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE|UPDATE_FAILED|REVIEW_IN_PROGRESS"
)
"""Statuses: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""


def next_step(status: str) -> str:
    """Return what to do about a stack in this status, if it is not a good one."""
    if status.endswith("_IN_PROGRESS"):
        return "Wait until AWS has ended that; the stack's events in the CloudFormation console show how far it is."
    if DEPLOYABLE.fullmatch(status):
        return "See the stack's events for what failed first, remove the cause, and: make deploy"
    if status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}:
        return "It can only be removed: make undeploy. Then remove the cause of its failure, and: make deploy"
    return "See its events in the CloudFormation console for what to do there."


@dataclass(frozen=True)
class Stack:
    """A stack that a person means, whether it is deployed or not.

    Attributes:
        name: Its name.
        session: With the person's credentials.
        account: The AWS account of these credentials.
        status: As CloudFormation says; "" when there is none.
        id: Its ARN.
        protected: Whether it is protected against deletion.
        created: When it was first deployed.
        parameters: Name → value.
        outputs: Name → value.
    """

    name: str
    session: boto3.Session
    account: str
    status: str = ""
    id: str = ""
    protected: bool = False
    created: datetime = field(default=datetime.max.replace(tzinfo=UTC))
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    _clients: dict[tuple[str, Config], Any] = field(default_factory=dict, repr=False)

    @property
    def region(self) -> str:
        """The AWS region."""
        return str(self.session.region_name)

    @property
    def where(self) -> str:
        """Region and account, in words."""
        return f"{self.region}, account {self.account}"

    @property
    def file(self) -> Path:
        """Where its answers are saved."""
        return SAVED / self.account / self.region / f"{self.name}.toml"

    @property
    def prefix(self) -> str:
        """The path of the organisations' parameters."""
        return f"/zoho-backup-notifier/{self.name}"

    def client(self, service: str, config: Config = USUAL) -> Any:
        """Return a boto3 client, the same each time."""
        if (service, config) not in self._clients:
            self._clients[service, config] = self.session.client(service, config=config)  # type: ignore[call-overload]
        return self._clients[service, config]

    def pages(self, service: str, operation: str, key: str, **request: Any) -> Iterator[Any]:
        """Yield what an operation of AWS lists under a key, from all its pages."""
        for page in self.client(service).get_paginator(operation).paginate(**request):
            yield from page[key]

    def resources(self) -> dict[str, str]:
        """Return the ids of the stack's resources, by their names in the template."""
        listed = self.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed if one.get("PhysicalResourceId")}

    def settings(self) -> Settings:
        """Return the deployed function's settings, and Zoho's addresses in the sandbox, if this machine names any.

        Raises:
            Problem: The settings cannot be used.
        """
        known = {**self.parameters, **self.outputs}  # NotifyOn is the variable NOTIFY_ON
        values = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): value for name, value in known.items()}
        try:
            return read_settings(values | {name: os.environ[name] for name in HERE if name in os.environ})
        except ConfigError as error:
            raise Problem(str(error), "Correct it, and deploy the stack again: make deploy") from None

    def ask(self, org: str, action: str) -> dict[str, Any]:
        """Return the function's answer to ``{"org": …, "action": …}``.

        Raises:
            Problem: The function failed.
        """
        event = json.dumps({"org": org, "action": action})
        answer = self.client("lambda", ONCE).invoke(FunctionName=self.outputs["FunctionName"], Payload=event)
        payload: Any = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            said = payload.get("errorMessage") if isinstance(payload, dict) else payload
            raise Problem(f"The function answered: {said}", f"Its log says more: {self.log_command()}")
        return dict(payload)

    def log_command(self) -> str:
        """Return the command that shows the function's log."""
        return f"aws logs tail {self.prefix} --since 3h --region {self.region}"


def label(channel: str) -> str:
    """Return a channel's name for people."""
    return BY_NAME[channel].label if channel in BY_NAME else channel


def results(answer: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """Return whether each channel took a test message, and what it said, from the function's answer."""
    said = answer["results"].items()
    return [(text.startswith(("accepted: ", "skipped: ")), f"{label(channel)}: {text}") for channel, text in said]


def parser(command: str, description: str | None, org: str | None = "default") -> argparse.ArgumentParser:
    """Return a parser of what every command takes; `org` is the organisation where none is named, None: no option."""
    made = argparse.ArgumentParser(prog=command, description=description)
    if org is not None:
        made.add_argument("--org", default=org, help=f"the organisation, as in the function's event ({org or 'all'})")
    made.add_argument("--stack", default="", help=f"the stack's name (the one that was deployed, else {STACK_NAME})")
    made.add_argument("--region", default="", help="its AWS region (where it was deployed, else your AWS default)")
    return made


def choose(options: argparse.Namespace) -> Stack:
    """Return the stack that the options, or else the saved answers, name; AWS takes the credentials.

    Raises:
        Problem: No stack, region or organisation can have this name.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS cannot be asked.
    """
    for option, (pattern, what, step) in NAMES.items():
        if (name := getattr(options, option, "")) and not re.fullmatch(pattern, name):
            raise Problem(f'"{name}" cannot be {what}.', step)
    core = botocore.session.get_session()  # the same throughout, so that a code of a second factor is asked for once
    session = boto3.Session(botocore_session=core, region_name=options.region or None)
    anywhere = session.region_name or next((file.parent.name for file in SAVED.glob("*/*/*.toml")), None)
    account = session.client("sts", config=USUAL, region_name=anywhere).get_caller_identity()["Account"]
    files = [*SAVED.glob(f"{account}/*/{options.stack or '*'}.toml")]
    names = {file.stem for file in files}
    name = options.stack or (names.pop() if len(names) == 1 else STACK_NAME)
    regions = {file.parent.name for file in files if file.stem == name}
    if not options.region and len(regions) == 1:
        core.set_config_variable("region", regions.pop())
    stack = Stack(name, session, account)
    try:
        found = stack.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return stack
    return replace(
        stack,
        status=found["StackStatus"],
        id=found["StackId"],
        protected=found.get("EnableTerminationProtection", False),
        created=found["CreationTime"],
        parameters={p["ParameterKey"]: str(p["ParameterValue"]) for p in found.get("Parameters", [])},
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
    )


def find(options: argparse.Namespace) -> Stack:
    """Return the deployed stack that the options, or else the saved answers, name.

    Raises:
        Problem: There is none, or it was never finished.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS cannot be asked.
    """
    stack = choose(options)
    if not stack.status:
        files = sorted(SAVED.glob(f"{stack.account}/*/*.toml"))
        others = ", ".join(f"{file.stem} in {file.parent.name}" for file in files)
        raise Problem(
            f"There is no stack {stack.name} ({stack.where}).",
            f"Deploy it: make deploy. Or name the one you mean: STACK=… REGION=…{others and f' ({others})'}",
        )
    if not stack.outputs.keys() >= OUTPUTS:
        other = "It is another stack, or one of an older release. Name yours (STACK=…), or: make deploy"
        step = other if GOOD.fullmatch(stack.status) else next_step(stack.status)
        raise Problem(f"The stack {stack.name} ({stack.where}) is {stack.status} and not complete.", step)
    return stack
