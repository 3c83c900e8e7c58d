"""The roles allow what is done with them, each permission is needed, and nothing else passes."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.runtime import LambdaEnvironment, Result
from sandbox.sandbox import Sandbox
from sandbox.zoho import row
from tests.template import iam

NOTIFIER = {
    *("dynamodb:GetItem", "dynamodb:PutItem", "ssm:GetParameter"),
    *("sns:ListSubscriptionsByTopic", "sns:Publish"),
}
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}  # used by Lambda itself, in the function's name
ORGS = iter(range(1000))


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give a stage with a deployed stack."""
    with closing(Sandbox()) as stage:
        yield stage


def permissions(stage: Sandbox, role: str) -> set[iam.Permission]:
    """Return what a role of the stack, named by its output, allows."""
    return iam.granted(stage.stack.outputs[role])


def play(
    stage: Sandbox, allowed: set[iam.Permission], *events: dict[str, Any]
) -> tuple[list[Result], set[iam.Permission]]:
    """Invoke the function for an organisation with news, in its own role; return also what it asked to do."""
    org = f"org{next(ORGS)}"
    stage.connect(org, [row(stage.zoho.clock(), state="failure")])
    variables = {
        **stage.function.variables,
        **iam.credentials(stage.stack, stage.stack.outputs["FunctionRoleArn"]),
    }
    with closing(LambdaEnvironment(variables)) as function, iam.only(allowed) as asked:
        return [function.invoke({"org": org, **event}) for event in events], asked


def test_the_role_suffices_for_every_action_and_grants_nothing_else(stage: Sandbox) -> None:
    """What the function asks for is what the role allows, to the resource; only logging is Lambda's own."""
    actions = importlib.import_module("handler.app").ACTIONS
    allowed = permissions(stage, "FunctionRoleArn")
    results, asked = play(stage, allowed, *({"action": action} for action in actions))
    assert [result.payload for result in results if not result.ok] == []
    assert {p.action for p in asked} == NOTIFIER
    assert {p.action for p in allowed} == NOTIFIER | LOG
    exact = {p for p in allowed if p.action in NOTIFIER and "*" not in p.resource}
    assert exact <= asked
    (secrets,) = (p for p in allowed if p.action == "ssm:GetParameter")
    assert (
        secrets.resource == f"arn:aws:ssm:eu-west-1:123456789012:parameter{stage.stack.outputs['OrgParameterPrefix']}/*"
    )


@pytest.mark.parametrize("action", sorted(NOTIFIER - {"sns:ListSubscriptionsByTopic"}))
def test_a_check_needs_each_permission(stage: Sandbox, action: str) -> None:
    """Without any one of them a check fails, loudly; subscribers that cannot be counted are only not mentioned."""
    allowed = {p for p in permissions(stage, "FunctionRoleArn") if p.action != action}
    (result,), _ = play(stage, allowed, {})
    assert not result.ok


def test_the_log_permissions_cover_the_functions_own_log(stage: Sandbox) -> None:
    """Streams of the stack's log group, and of no other."""
    group = stage.stack.resources["NotifierLogGroup"]
    streams = f"arn:aws:logs:eu-west-1:123456789012:log-group:{group}:*"
    assert {p.resource for p in permissions(stage, "FunctionRoleArn") if p.action in LOG} == {streams}


def client_of(stage: Sandbox, role: str) -> Callable[[str], Any]:
    """Return what makes a service's client in a role of the stack."""
    taken = iam.credentials(stage.stack, stage.stack.outputs[role])
    session = boto3.Session(
        taken["AWS_ACCESS_KEY_ID"], taken["AWS_SECRET_ACCESS_KEY"], taken["AWS_SESSION_TOKEN"], region_name="eu-west-1"
    )
    return lambda service: session.client(service, endpoint_url=stage.cloud.url)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("dynamodb", "get_item", {"TableName": "other", "Key": {"org": {"S": "acme"}}}),
        ("dynamodb", "delete_item", {"TableName": "{TableName}", "Key": {"org": {"S": "acme"}}}),
        ("sns", "publish", {"TopicArn": "{AlarmTopicArn}", "Message": "hello"}),
        ("ssm", "get_parameter", {"Name": "{OrgParameterPrefix}-2/default"}),
        ("ssm", "get_parameters_by_path", {"Path": "{OrgParameterPrefix}"}),
        ("ssm", "put_parameter", {"Name": "{OrgParameterPrefix}/acme", "Value": "x", "Type": "SecureString"}),
    ],
    ids=["another table", "delete", "the alarm topic", "another stack's secret", "list secrets", "write a secret"],
)
def test_the_function_may_do_nothing_else(
    stage: Sandbox, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    """What is close to what it may do, and not that."""
    outputs, allowed = stage.stack.outputs, permissions(stage, "FunctionRoleArn")
    call = getattr(client_of(stage, "FunctionRoleArn")(service), operation)
    filled = {name: value.format(**outputs) if isinstance(value, str) else value for name, value in arguments.items()}
    with iam.only(allowed), pytest.raises(ClientError, match="AccessDenied"):
        call(**filled)


def test_a_schedule_may_invoke_the_function_and_give_up(stage: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What EventBridge Scheduler does in the schedule's role, and both are all that it grants."""
    outputs, allowed = stage.stack.outputs, permissions(stage, "ScheduleRoleArn")
    where = {"Name": stage.stack.name, "GroupName": outputs["ScheduleGroupName"]}
    target = stage.cloud.client("scheduler").get_schedule(**where)["Target"]
    assert target["RoleArn"] == outputs["ScheduleRoleArn"]
    client = client_of(stage, "ScheduleRoleArn")
    monkeypatch.setattr("moto.awslambda.models.LambdaBackend.invoke", lambda *_, **__: b"")  # it would start Docker
    with iam.only(allowed) as asked:
        client("lambda").invoke(FunctionName=target["Arn"], InvocationType="Event")
        client("sqs").send_message(QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="{}")
    assert asked == allowed
    assert allowed == {
        iam.Permission("lambda:InvokeFunction", target["Arn"]),
        iam.Permission("sqs:SendMessage", target["DeadLetterConfig"]["Arn"]),
    }


def test_two_stacks_fit_in_one_account(stage: Sandbox) -> None:
    """Every resource of a second stack is another one."""
    second = stage.cloud.deploy("second")
    first = stage.stack.resources
    assert second.resources.keys() == first.keys()
    same = {name for name, physical in second.resources.items() if first[name] == physical}
    assert same == set()
    same_outputs = {key for key, value in second.outputs.items() if stage.stack.outputs[key] == value}
    assert same_outputs == {"Version"}
