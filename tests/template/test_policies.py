"""The policies of docs/policies suffice for what people do with the tools, and grant no more."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from sandbox.endpoint import AwsEndpoint
from sandbox.sandbox import Sandbox
from sandbox.zoho import sample_rows
from tests.template.iam import ACCOUNT, ACTIONS, Permission
from tools import ask, connect, doctor, undeploy

Json = Any
POLICIES = Path(__file__).parents[2] / "docs" / "policies"
NAMES = sorted(path.stem for path in POLICIES.glob("*.json"))
PLACES = {"REGION": "eu-west-1", "ACCOUNT": ACCOUNT}

FREE = {"sts:GetCallerIdentity"}
"""What nobody needs a permission for: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
NO_RESOURCE = {
    "cloudformation:GetTemplateSummary",
    "cloudformation:ValidateTemplate",
    "cloudwatch:GetMetricStatistics",
    "lambda:GetAccountSettings",
    "logs:DescribeLogGroups",
    "scheduler:ListSchedules",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
    "ssm:DescribeParameters",
}
"""What IAM cannot confine to a resource: https://docs.aws.amazon.com/service-authorization/latest/reference/"""
DOCUMENTED = {
    "connect": {"iam:PassRole", "dynamodb:GetItem", "dynamodb:DeleteItem", "scheduler:ListSchedules"},
    "look": {"logs:FilterLogEvents", "cloudwatch:SetAlarmState", "sns:GetTopicAttributes"},
}
"""What these tests cannot see used: a role that is passed, commands of the runbook, and what a failure leads to."""

MADE_OF = {  # resource type → what CloudFormation calls, in the name of who deploys, to make, change and remove it
    "AWS::CloudWatch::Alarm": "cloudwatch: PutMetricAlarm DescribeAlarms DeleteAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch: PutDashboard GetDashboard DeleteDashboards",
    "AWS::DynamoDB::Table": "dynamodb: CreateTable DescribeTable UpdateTable UpdateContinuousBackups",
    "AWS::IAM::Role": "iam: CreateRole GetRole PutRolePolicy UpdateAssumeRolePolicy DeleteRolePolicy DeleteRole"
    " PassRole",
    "AWS::Lambda::EventInvokeConfig": "lambda: PutFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig",
    "AWS::Lambda::Function": "lambda: CreateFunction GetFunction UpdateFunctionCode UpdateFunctionConfiguration"
    " PutFunctionConcurrency DeleteFunctionConcurrency DeleteFunction TagResource",
    "AWS::Logs::LogGroup": "logs: CreateLogGroup DescribeLogGroups PutRetentionPolicy DeleteLogGroup",
    "AWS::Logs::MetricFilter": "logs: PutMetricFilter DescribeMetricFilters DeleteMetricFilter",
    "AWS::SNS::Subscription": "sns: Subscribe GetSubscriptionAttributes Unsubscribe",
    "AWS::SNS::Topic": "sns: CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic",
    "AWS::SNS::TopicPolicy": "sns: SetTopicAttributes",
    "AWS::SQS::Queue": "sqs: CreateQueue GetQueueAttributes SetQueueAttributes DeleteQueue",
    "AWS::SQS::QueuePolicy": "sqs: SetQueueAttributes",
    "AWS::Scheduler::Schedule": "scheduler: CreateSchedule GetSchedule UpdateSchedule DeleteSchedule",
    "AWS::Scheduler::ScheduleGroup": "scheduler: CreateScheduleGroup GetScheduleGroup DeleteScheduleGroup",
}


def policy(name: str, stack: str) -> Json:
    """Return a policy document, with this account, region and stack in it."""
    text = (POLICIES / f"{name}.json").read_text()
    for placeholder, value in {**PLACES, "STACK": stack}.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def as_list(value: Json) -> list[str]:
    """Return what a statement says once or several times."""
    return value if isinstance(value, list) else [value]


def granted(name: str, stack: str = "notifier") -> set[Permission]:
    """Return what a policy allows."""
    return {
        Permission(action, resource)
        for statement in policy(name, stack)["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def allows(permissions: set[Permission], needed: Permission) -> bool:
    """Return whether a call may be made."""
    return any(p.action == needed.action and fnmatchcase(needed.resource, p.resource) for p in permissions)


def needs(service: str, operation: str, said: Json) -> list[Permission]:
    """Return what a call of boto3 needs."""
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    if action in NO_RESOURCE:
        return [Permission(action, "*")]

    def on(*resources: str) -> list[Permission]:
        found = [r if r.startswith("arn:") else f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{r}" for r in resources]
        return [Permission(action, resource) for resource in found]

    match service:
        case "cloudformation":
            return on(said["StackName"] if said["StackName"].startswith("arn:") else f"stack/{said['StackName']}/id")
        case "cloudwatch":
            return on(*(f"alarm:{name}" for name in said.get("AlarmNames", [said.get("AlarmName")])))
        case "dynamodb":
            return on(f"table/{said['TableName']}")
        case "lambda":
            return on(f"function:{said['FunctionName']}")
        case "scheduler":
            role = [Permission("iam:PassRole", said["Target"]["RoleArn"])] if "Target" in said else []
            return [*on(f"schedule/{said['GroupName']}/{said['Name']}"), *role]
        case "sns":
            return on(said["TopicArn"])
        case "ssm":
            return on(f"parameter{said['Name']}")
    raise AssertionError(f"{service}:{operation}: say here what resource it is about")


@contextmanager
def only(permissions: set[Permission]) -> Iterator[set[Permission]]:
    """Refuse every call of this process that is not permitted; give what was asked for."""
    asked: set[Permission] = set()
    really = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, operation: str, said: Json) -> Json:
        model = client.meta.service_model
        service = {"monitoring": "cloudwatch"}.get(model.signing_name, model.signing_name)
        if f"{service}:{operation}" not in FREE:
            for needed in needs(service, operation, said):
                asked.add(needed)
                if not allows(permissions, needed):
                    message = f"not authorized to perform: {needed.action} on resource: {needed.resource}"
                    raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)
        return really(client, operation, said)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield asked


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give a stage with a deployed stack."""
    with closing(Sandbox()) as stage:
        yield stage


@pytest.fixture
def front(stage: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsEndpoint]:
    """Give AWS as the tools meet it, and a person at it who has a Zoho organisation to connect."""
    with closing(AwsEndpoint(stage.function.invoke)) as front:
        company = stage.zoho.organisation(sample_rows(), refresh_tokens=[])
        answers = {
            "ZOHO_DATA_CENTER": "us",
            "ZOHO_CLIENT_ID": company.client_id,
            "ZOHO_CLIENT_SECRET": company.client_secret,
            "ZOHO_CODE": stage.zoho.grant(company),
        }
        for name, value in {**stage.environment, "AWS_ENDPOINT_URL": front.url, **answers}.items():
            monkeypatch.setenv(name, value)
        yield front


def run(main: Callable[[list[str]], int], *arguments: str, stack: str = "notifier") -> int:
    """Run a tool for the stack; return its exit code."""
    return main([*arguments, "--stack", stack])


def used(asked: set[Permission]) -> set[str]:
    """Return the actions that were asked for."""
    return {permission.action for permission in asked}


@pytest.mark.parametrize("org", ["default", "acme"])
def test_who_connects_can_connect_change_and_remove(
    front: AwsEndpoint, monkeypatch: pytest.MonkeyPatch, org: str
) -> None:
    """With the policy `connect` alone: parameter, schedule, test message and, at the end, everything away."""
    permissions = granted("connect")
    with only(permissions) as asked:
        assert run(connect.main, "--org", org, "--non-interactive", "--send") == 0
        monkeypatch.delenv("ZOHO_CODE")
        assert run(connect.main, "--org", org, "--non-interactive") == 0
        assert run(connect.main, "--org", org, "--non-interactive", "--remove") == 0
    assert [needed for needed in asked if not allows(permissions, needed)] == []
    if org == "acme":
        assert {p.action for p in permissions} - used(asked) <= DOCUMENTED["connect"]


def test_who_looks_can_run_the_doctor_and_ask_the_function(
    front: AwsEndpoint, stage: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the policy `look` alone; it reads no secret and changes nothing."""
    assert run(connect.main, "--org", "seen", "--non-interactive") == 0
    permissions = granted("look")
    with only(permissions) as asked:
        run(doctor.main, "--send")
        assert run(ask.main, "status", "--org", "seen") == 0
        assert run(ask.main, "dry-run", "--org", "seen") == 0
    assert [needed for needed in asked if not allows(permissions, needed)] == []
    assert {p.action for p in permissions} - used(asked) <= DOCUMENTED["look"]
    assert {"ssm:GetParameter", "dynamodb:GetItem"} & {p.action for p in permissions} == set()


def test_who_deploys_can_undeploy(front: AwsEndpoint, stage: Sandbox) -> None:
    """With the policy `deploy` alone: organisations, stack and table, as far as moto goes."""
    permissions = granted("deploy", "gone")
    stage.cloud.deploy("gone").put_organisation("acme", {"client_id": "1"})
    with only(permissions) as asked:
        run(undeploy.main, "--non-interactive", "--delete-table", stack="gone")
    assert [needed for needed in asked if not allows(permissions, needed)] == []
    assert "cloudformation:DeleteStack" in used(asked)
    assert {"ssm:DeleteParameter", "dynamodb:UpdateTable", "dynamodb:DeleteTable"} <= used(permissions)


def test_who_deploys_may_make_every_resource_of_the_template(template: Json, stage: Sandbox) -> None:
    """And on the names that the stack's resources get, nothing else."""
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert types == MADE_OF.keys(), "say here what a new type of resource takes"
    actions = {p.action for p in granted("deploy")}
    for service, _, operations in (text.partition(": ") for text in MADE_OF.values()):
        assert {f"{service}:{operation}" for operation in operations.split()} <= actions
    arns = [value for value in stage.stack.outputs.values() if value.startswith("arn:aws:") and ":sns:" not in value]
    resources = {p.resource for p in granted("deploy")}
    assert [arn for arn in arns if not any(fnmatchcase(arn, pattern) for pattern in resources)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_can_be_copied(name: str) -> None:
    """Well formed, within IAM's limit for a managed policy, and a wildcard only where IAM knows no resource."""
    text = (POLICIES / f"{name}.json").read_text()
    statements = json.loads(text)["Statement"]
    assert len(json.dumps(json.loads(text), separators=(",", ":"))) <= 6144
    assert len({s["Sid"] for s in statements}) == len(statements)
    for statement in statements:
        assert statement["Effect"] == "Allow"
        actions = as_list(statement["Action"])
        assert not [action for action in actions if "*" in action]
        for resource in as_list(statement["Resource"]):
            assert (
                "STACK" in resource
                or resource == "*"
                or "aws-sam-cli-managed" in resource
                or "transform" in resource
                or (actions == ["cloudwatch:DescribeAlarms"])
            )
            if resource == "*":
                assert set(actions) <= NO_RESOURCE
        if "iam:PassRole" in actions:
            assert statement["Condition"]["StringEquals"]["iam:PassedToService"]


def test_there_is_a_policy_for_each_person() -> None:
    """Who deploys, who connects, who only looks; the document names each."""
    assert NAMES == ["connect", "deploy", "look"]
    security = (POLICIES.parent / "security.md").read_text()
    assert [name for name in NAMES if f"policies/{name}.json" not in security] == []
