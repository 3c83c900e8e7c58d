"""`make deploy` and `make undeploy` as a person types them: sam itself, against AWS in memory."""

import os
from contextlib import closing
from pathlib import Path
from shlex import join, quote

import pytest

from sandbox.aws import Cloud, Stack
from tests.tools.test_release import ROOT, bash
from tools import stack
from tools.deploy import template

NAME = "deployed-by-sam"
HARD = '"ACME\\ops" \\ \\\' \\" \\\\ a=b "'
"""What sam's own reading of quotes and backslashes must leave alone."""
CHANGED = "Successfully created/updated stack"


@pytest.mark.sam
@pytest.mark.skipif("WITH_SAM" not in os.environ, reason="sam has its own environment: `make sam-deploy` makes it")
def test_sam_deploys_what_was_typed_and_undeploy_leaves_nothing(tmp_path: Path) -> None:
    """Each parameter is what was typed at any deployment, else the template's; every output is there."""
    values = {name: str(rules.get("Default", "")) for name, rules in template().items()}
    with closing(Cloud()) as cloud:
        environment = {**os.environ, **cloud.environment, "HOME": str(tmp_path), "STACK": NAME}
        cloudformation = cloud.client("cloudformation")
        for given, said in (
            ({"OperatedBy": HARD}, CHANGED),
            ({}, "No changes to deploy"),
            ({"RemindHours": "12"}, CHANGED),
        ):
            values |= given
            typed = join(f"{name}={value}" for name, value in given.items())
            done = bash(f"make deploy SET={quote(typed)} ARGS=--no-confirm-changeset", ROOT, environment)
            assert (done.returncode, said in done.stdout) == (0, True), done.stdout + done.stderr
            (found,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
            assert {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]} == values
            assert Stack(cloud, NAME).outputs.keys() >= stack.OUTPUTS
        done = bash("make undeploy ARGS='--non-interactive --delete-table'", ROOT, environment)
        left = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
        assert (done.returncode, left) == (0, ["aws-sam-cli-managed-default"]), done.stdout + done.stderr
        assert cloud.client("dynamodb").list_tables()["TableNames"] == []
