"""The deployed stack: which one, what it says of itself, and the function's answers."""

import argparse
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from handler.config import ORG, Settings, read_settings
from handler.errors import ConfigError
from tools.problems import Problem
from tools.statuses import STATUSES

SAVED = Path(__file__).parents[1] / ".deploy"
"""Where `make deploy` saves the answers of each stack, outside of git: `NAME.toml`, as sam reads it."""
STACK_NAME = "zoho-backup-notifier"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
"""CloudFormation takes 128 characters, but schedules and their groups, which are named after the stack, 64 only:
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html"""
OUTPUTS = {
    "FunctionName",
    "FunctionArn",
    "ScheduleRoleArn",
    "DeadLetterQueueArn",
    "TableName",
    "TopicArn",
    "AlarmTopicArn",
    "ScheduleGroupName",
    "OrgParameterPrefix",
}
"""What the tools need."""
HERE = ("ZOHO_ACCOUNTS_URL", "ZOHO_API_URL", "AWS_CA_BUNDLE")
"""Settings that this machine has of its own."""
USUAL = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})
ONCE = Config(connect_timeout=5, read_timeout=70, retries={"total_max_attempts": 1})
"""For the function: it may take 55 seconds, and a lost answer must not make it do things twice."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: Its name.
        region: Where it is.
        account: Whose it is.
        status: As CloudFormation says.
        created: When.
        parameters: Name → value.
        outputs: Name → value.
        session: With the person's credentials.
    """

    name: str
    region: str
    account: str
    status: str
    created: datetime
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    session: boto3.Session
    _clients: dict[tuple[str, Config], Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, config: Config = USUAL) -> Any:
        """Return a boto3 client, the same each time."""
        if (service, config) not in self._clients:
            self._clients[service, config] = self.session.client(service, config=config)  # type: ignore[call-overload]
        return self._clients[service, config]

    def settings(self) -> Settings:
        """Return the deployed function's settings, and this machine's loopback addresses of Zoho, if any.

        Raises:
            Problem: They cannot be used.
        """
        values = {_variable(name): value for name, value in (*self.parameters.items(), *self.outputs.items())}
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
        return f"aws logs tail /zoho-backup-notifier/{self.name} --since 3h --region {self.region}"


def accepted(result: str) -> bool:
    """Return whether a channel took a test message, by what the function answers of it."""
    return result.startswith("accepted: ")


def _variable(name: str) -> str:
    """Return the environment variable of a template parameter or output: NotifyOn → NOTIFY_ON."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def add_arguments(parser: argparse.ArgumentParser, org: str | None = "default") -> None:
    """Add what every command takes; `org` is which organisation is meant when none is named, None: none is."""
    if org is not None:
        parser.add_argument("--org", default=org, help=f"the organisation, as in the function's event ({org or 'all'})")
    parser.add_argument("--stack", default="", help=f"the stack's name (the one that was deployed, else {STACK_NAME})")
    parser.add_argument("--region", default="", help="its AWS region (where it was deployed, else your AWS default)")


class Choice(NamedTuple):
    """Which stack is meant.

    Attributes:
        name: Its name.
        session: With the person's credentials, in its region.
        account: Whose credentials they are.
        saved: What `make deploy` saved of it.
    """

    name: str
    session: boto3.Session
    account: str
    saved: Mapping[str, Any]

    @property
    def where(self) -> str:
        """Region and account, in words."""
        return f"{self.session.region_name}, account {self.account}"

    def described(self) -> dict[str, Any] | None:
        """Return what CloudFormation says of the stack; None when there is none."""
        try:
            client = self.session.client("cloudformation", config=USUAL)
            return dict(client.describe_stacks(StackName=self.name)["Stacks"][0])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None


def file_of(name: str, folder: Path = SAVED) -> Path:
    """Return where a stack's answers are saved."""
    return folder / f"{name}.toml"


def chosen_name(name: str, folder: Path = SAVED) -> str:
    """Return the name of the stack that is meant: this one, or else the only one that was deployed from here.

    Raises:
        Problem: It cannot be a stack's name.
    """
    only = [file.stem for file in folder.glob("*.toml")] if not name else []
    name = name or (only[0] if len(only) == 1 else STACK_NAME)
    if not NAME.fullmatch(name):
        raise Problem(
            f"{name!r} cannot be the name of a stack.",
            'Take at most 64 letters, digits and "-", beginning with a letter: STACK=zoho-backup-notifier',
        )
    return name


def choose(options: argparse.Namespace, folder: Path = SAVED) -> Choice:
    """Return which stack the options, or else the saved answers, name; AWS takes the credentials.

    Raises:
        Problem: The name cannot be one.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS cannot be asked.
    """
    name = chosen_name(options.stack, folder)
    file = file_of(name, folder)
    config = tomllib.loads(file.read_text()) if file.exists() else {}
    saved = config.get("default", {}).get("deploy", {}).get("parameters", {})
    session = boto3.Session(region_name=options.region or saved.get("region") or None)
    account = session.client("sts", config=USUAL).get_caller_identity()["Account"]
    return Choice(name, session, account, saved)


def find(options: argparse.Namespace, folder: Path = SAVED) -> Stack:
    """Return the stack that the options, or else the saved answers, name.

    Raises:
        Problem: There is none, or it was never finished.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS cannot be asked.
    """
    if options.org and not ORG.fullmatch(options.org):
        raise Problem(
            f'"{options.org}" cannot be the short name of an organisation.',
            'Take 1 to 64 of A to Z, a to z, 0 to 9, "-" and "_": ORG=acme. The name in messages may be any: '
            "`make connect` asks for it.",
        )
    choice = choose(options, folder)
    stack = choice.described()
    if stack is None:
        others = sorted(file.stem for file in folder.glob("*.toml"))
        name_it = f" ({', '.join(others)})" if others else ""
        raise Problem(
            f"There is no stack {choice.name} ({choice.where}).",
            f"Deploy it: make deploy. Or name the one you mean: STACK=…{name_it} REGION=…",
        )
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    status = stack["StackStatus"]
    if not outputs.keys() >= OUTPUTS:
        sentence, next_step = STATUSES.get(status, ("", ""))
        raise Problem(
            f"The stack {choice.name} ({choice.where}) is {status} and not complete{sentence and ': '}{sentence}.",
            next_step or "It is another stack, or one of an older release. Name yours (STACK=…), or: make deploy",
        )
    parameters = {p["ParameterKey"]: str(p["ParameterValue"]) for p in stack.get("Parameters", [])}
    session, created = choice.session, stack["CreationTime"]
    return Stack(choice.name, session.region_name, choice.account, status, created, parameters, outputs, session)
