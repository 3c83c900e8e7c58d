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
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from handler.config import ORG, Settings, read_settings
from handler.errors import ConfigError
from tools.problems import Problem

SAMCONFIG = Path(__file__).parents[1] / "samconfig.toml"
STACK_NAME = "zoho-backup-notifier"
OUTPUTS = {
    "FunctionName",
    "FunctionArn",
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
            raise Problem(str(error), "Mend it and deploy the stack again: make deploy") from None

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


def _variable(name: str) -> str:
    """Return the environment variable of a template parameter or output: NotifyOn → NOTIFY_ON."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def add_arguments(parser: argparse.ArgumentParser, org: str = "default") -> None:
    """Add what every command takes; `org` is which organisation is meant when none is named."""
    parser.add_argument("--org", default=org, help=f"the organisation, as in the function's event ({org or 'all'})")
    parser.add_argument("--stack", default="", help="the stack's name (as samconfig.toml says)")
    parser.add_argument("--region", default="", help="its AWS region (as samconfig.toml says, else your AWS default)")


def find(options: argparse.Namespace, samconfig: Path = SAMCONFIG) -> Stack:
    """Return the stack that the options, or else samconfig.toml, name.

    Raises:
        Problem: There is none, or it was never finished.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS cannot be asked.
    """
    if options.org and not ORG.fullmatch(options.org):
        raise Problem(f"{options.org!r} is no organisation.", 'Take 1 to 64 letters, digits, "-" or "_": ORG=acme')
    config = tomllib.loads(samconfig.read_text()).get("default", {}) if samconfig.exists() else {}
    deployed = {**config.get("global", {}).get("parameters", {}), **config.get("deploy", {}).get("parameters", {})}
    name = options.stack or deployed.get("stack_name", STACK_NAME)
    session = boto3.Session(region_name=options.region or deployed.get("region") or None)
    account = session.client("sts", config=USUAL).get_caller_identity()["Account"]
    where = f"{session.region_name}, account {account}"
    try:
        stack = session.client("cloudformation", config=USUAL).describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise Problem(
            f"There is no stack {name} ({where}).", "Deploy it: make deploy. Or name it: STACK=… REGION=…"
        ) from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if not outputs.keys() >= OUTPUTS:
        raise Problem(
            f"The stack {name} ({where}) is {stack['StackStatus']} and not complete.",
            "Wait until its deployment has ended, or deploy it again: make deploy",
        )
    parameters = {p["ParameterKey"]: str(p["ParameterValue"]) for p in stack.get("Parameters", [])}
    status, created = stack["StackStatus"], stack["CreationTime"]
    return Stack(name, session.region_name, account, status, created, parameters, outputs, session)
