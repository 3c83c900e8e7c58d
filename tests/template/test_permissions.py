"""The roles allow what is done with them, and nothing else passes."""

import itertools
from collections.abc import Iterator
from contextlib import closing

import pytest
from moto.iam.models import iam_backends

from sandbox.sandbox import Sandbox
from sandbox.zoho import row
from tests.function import Context, cold_start, variables_of
from tests.template.iam import ACCOUNT, PREFIX, Permission, granted, only

_numbers = itertools.count()


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give a deployed stack; the function runs in this process."""
    with closing(Sandbox()) as made, variables_of(made):
        yield made


def permissions(stage: Sandbox, output: str) -> set[Permission]:
    """Return what a deployed role allows; the stack's output names it."""
    policies = iam_backends[ACCOUNT]["aws"].get_role_by_arn(stage.stack.outputs[output]).policies
    (document,) = policies.values()
    return granted(document)


def play(stage: Sandbox, allowed: set[Permission], *actions: str) -> set[Permission]:
    """Let the function do these actions for a new organisation with news; return what it asked to do."""
    org = f"org{next(_numbers)}"
    stage.connect(org, [row(stage.zoho.clock(), state="failure")])
    function = cold_start()
    with only(allowed) as asked:
        for action in actions:
            function.lambda_handler({"org": org, "action": action}, Context())
    return asked


def test_the_role_suffices_for_every_action_and_grants_nothing_else(stage: Sandbox) -> None:
    """What the function asks for is what the role allows, to the resource; only logging is Lambda's own."""
    outputs, allowed = stage.stack.outputs, permissions(stage, "FunctionRoleArn")
    topics = outputs["TopicArn"], outputs["AlarmTopicArn"]
    table = PREFIX.format("dynamodb", f"table/{outputs['TableName']}")
    secrets = Permission("ssm:GetParameter", PREFIX.format("ssm", f"parameter{outputs['OrgParameterPrefix']}/*"))
    streams = PREFIX.format("logs", f"log-group:{stage.stack.resources['NotifierLogGroup']}:*")
    used = {
        Permission("dynamodb:GetItem", table),
        Permission("dynamodb:PutItem", table),
        Permission("sns:Publish", topics[0]),
        *(Permission("sns:GetTopicAttributes", topic) for topic in topics),
    }
    assert allowed == used | {
        secrets,
        *(Permission(f"logs:{verb}", streams) for verb in ("CreateLogStream", "PutLogEvents")),
    }
    asked = play(stage, allowed, *cold_start().ACTIONS)
    assert {needed for needed in asked if needed.action != "ssm:GetParameter"} == used


def test_a_schedule_may_invoke_the_function_and_give_up(stage: Sandbox) -> None:
    """What EventBridge Scheduler does in the schedule's role is all that it grants."""
    outputs = stage.stack.outputs
    where = {"Name": stage.stack.name, "GroupName": outputs["ScheduleGroupName"]}
    target = stage.cloud.client("scheduler").get_schedule(**where)["Target"]
    assert target["RoleArn"] == outputs["ScheduleRoleArn"]
    assert permissions(stage, "ScheduleRoleArn") == {
        Permission("lambda:InvokeFunction", target["Arn"]),
        Permission("sqs:SendMessage", target["DeadLetterConfig"]["Arn"]),
    }
    assert (target["Arn"], target["DeadLetterConfig"]["Arn"]) == (outputs["FunctionArn"], outputs["DeadLetterQueueArn"])


def test_two_stacks_fit_in_one_account(stage: Sandbox) -> None:
    """Every resource of a second stack is another one."""
    second, first = stage.cloud.deploy("second"), stage.stack.resources
    assert second.resources.keys() == first.keys()
    assert [name for name, physical in second.resources.items() if first[name] == physical] == []
    assert {key for key, value in second.outputs.items() if stage.stack.outputs[key] == value} == {"Version"}
