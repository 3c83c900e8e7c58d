"""The policies of docs/policies and the roles of the stack suffice for what is done with them, and grant no more."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]
from moto.iam.models import iam_backends

from sandbox.endpoint import AwsEndpoint
from sandbox.sandbox import Sandbox
from sandbox.zoho import row, sample_rows
from tests.function import Context, cold_start, variables_of
from tests.template.iam import ACCOUNT, NO_RESOURCE, PREFIX, Permission, allows, as_list, granted, only
from tests.template.test_parameters import KEY
from tools import connect, doctor, history_sample, report, undeploy

Json = Any
Made = tuple[dict[str, str], dict[str, str]]
"""A stack's resources and outputs."""
POLICIES = Path(__file__).parents[2] / "docs" / "policies"
NAMES = sorted(path.stem for path in POLICIES.glob("*.json") if path.stem != "bounded")
ORG = ("--org", "acme", "--non-interactive")
USES: dict[str, list[tuple[Callable[[list[str]], int], tuple[str, ...]]]] = {
    "connect": [
        *((connect.main, (*ORG, "--send")), (connect.main, ORG)),
        *((history_sample.main, ORG[:2]), (connect.main, (*ORG, "--remove"))),
    ],
    "look": [(report.main, ("status", *ORG[:2])), (report.main, ("dry-run", *ORG[:2])), (doctor.main, ("--send",))],
    "deploy": [(undeploy.main, ("--non-interactive", "--delete-table"))],
}
"""What people do with each policy, as far as moto goes; `make deploy` is sam's."""
DOCUMENTED = {
    "connect": {"scheduler:ListSchedules", "scheduler:UpdateSchedule"},
    "look": {"logs:FilterLogEvents", "sns:GetTopicAttributes"},
}
"""What these tests cannot see used: commands of the runbook, changes, and failures."""
UNUSED = re.compile(
    "(kms|ec2|elasticfilesystem|s3files|firehose|kinesis|s3):"  # keys, networks, file systems, streams, imports
    "|dynamodb:.*(Replica|Item|Query|Scan|Import|TimeToLive|Contributor|Kinesis|ResourcePolicy)|iam:CreateServiceLinked"
    "|iam:(Attach|Detach|.*(User|Group)Policy)"  # all policies are inline, and of roles
    "|lambda:.*(CodeSigning|Recursion|Scaling|RuntimeManagement|RuntimeAlias|Capacity|Layer|PublishVersion)"
    "|logs:.*(DataProtection|ResourcePol|IndexPol|Delivery|BearerToken|KmsKey|DeletionProtection|LogStream|LogEvents)"
    "|sns:.*(DataProtection|SetSubscription)"
)
"""What CloudFormation calls for properties that the template does not have, when it makes or changes a resource."""
ALWAYS_UNUSED = {
    "kms:Decrypt": "the function has no key of its own",
    "ec2:DescribeNetworkInterfaces": "it has no network either",
    "iam:DetachRolePolicy": "all policies are inline",
    "iam:DeleteGroupPolicy": "and belong to roles",
    "iam:DeleteUserPolicy": "likewise",
}
"""The same, when it reads or deletes one: it asks then also for what a resource may not have."""
BUCKET_OF_SAM = re.compile("s3:(?!Delete|Get).*(Tag|Versioning|EncryptionConf|PublicAccess)")
"""What the bucket has in which sam keeps packages."""
OTHER_NAMES = {
    *("s3:ListBucket", "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration"),
    *("s3:TagResource", "lambda:InvokeFunction", "iam:PassRole"),
}
"""Actions of IAM that are no operation of the API: other names, or rights without a call."""


def policy(name: str, stack: str = "notifier") -> Json:
    """Return a policy document, with this account, region and stack in it."""
    text = (POLICIES / f"{name}.json").read_text()
    for placeholder, value in {"REGION": "eu-west-1", "ACCOUNT": ACCOUNT, "STACK": stack}.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def permitted(name: str, stack: str = "notifier") -> set[Permission]:
    """Return what the policy of this name allows, with its second part, if it has one."""
    return {one for path in POLICIES.glob(f"{name}*.json") for one in granted(policy(path.stem, stack))}


def actions(permissions: set[Permission]) -> set[str]:
    """Return the actions of some permissions."""
    return {permission.action for permission in permissions}


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give a stage with a deployed stack."""
    with closing(Sandbox()) as stage:
        yield stage


@pytest.fixture(scope="module")
def second(stage: Sandbox) -> Made:
    """Deploy a second stack into the account, with a key of its own, which a test will remove; give what was made."""
    deployed = stage.cloud.deploy("second", {"KmsKeyArn": KEY})
    deployed.put_organisation("acme", {"client_id": "1"})
    return deployed.resources, deployed.outputs


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("name", USES)
def test_a_policy_suffices_for_what_people_do_and_grants_no_more(
    stage: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With that policy alone; whoever only looks reads no secret and no memory."""
    stack = "second" if name == "deploy" else stage.stack.name
    permissions = permitted(name, stack)
    company = stage.connect("acme", sample_rows())
    with closing(AwsEndpoint(stage.function.invoke)) as front, only(permissions) as asked:
        for variable, value in {
            **stage.environment,
            "AWS_ENDPOINT_URL": front.url,
            "ZOHO_DATA_CENTER": "us",
            "ZOHO_CLIENT_ID": company.client_id,
            "ZOHO_CLIENT_SECRET": company.client_secret,
            "ZOHO_CODE": stage.zoho.grant(company),
        }.items():
            monkeypatch.setenv(variable, value)
        for main, arguments in USES[name]:
            main([*arguments, "--stack", stack])
            monkeypatch.delenv("ZOHO_CODE", raising=False)
    assert [needed for needed in asked if not allows(permissions, needed)] == []
    assert actions(permissions) - actions(asked) <= DOCUMENTED.get(name, actions(permissions))
    assert name != "deploy" or "cloudformation:DeleteStack" in actions(asked)
    assert name != "look" or not {"ssm:GetParameter", "dynamodb:GetItem"} & actions(permissions)


def called(kinds: set[str], *verbs: str) -> set[str]:
    """Return what AWS's schemas say that CloudFormation calls for these types."""
    schemas = [PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema for kind in kinds]
    handlers = [schema["handlers"].get(verb, {}) for schema in schemas for verb in verbs]
    return {action for handler in handlers for action in handler.get("permissions", [])}


def test_who_deploys_may_make_every_resource_of_the_template(template: Json, stage: Sandbox) -> None:
    """All that AWS's own schemas name for these types, on the names that the stack's resources get."""
    permissions = permitted("deploy")
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    made, kept = called(kinds, "create", "update"), called(kinds, "read", "delete") - ALWAYS_UNUSED.keys()
    sams = {action for action in called({"AWS::S3::Bucket"}, "create", "update") if BUCKET_OF_SAM.match(action)}
    needed = {action for action in made if not UNUSED.match(action)} | kept | sams
    assert needed - actions(permissions) == set()
    arns = [value for value in stage.stack.outputs.values() if value.startswith("arn:aws:") and ":sns:" not in value]
    assert [arn for arn in arns if not any(fnmatchcase(arn, p.resource) for p in permissions)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_can_be_copied(name: str) -> None:
    """Explained, within IAM's limit, of real actions, on this stack only, or on all where IAM knows no resource."""
    assert f"policies/{name}.json" in (POLICIES.parent / "security.md").read_text()
    assert len(json.dumps(policy(name, stack="x" * 64), separators=(",", ":"))) <= 6144
    aws = botocore.session.get_session()
    for action, resource in granted(policy(name, stack="STACK")):
        service, _, operation = action.partition(":")
        if action not in OTHER_NAMES:
            assert operation in aws.get_service_model(service).operation_names, action
        ours = any(text in resource for text in ("STACK", "aws-sam-cli-managed", ":transform/"))
        assert ours or action in {*NO_RESOURCE, "cloudwatch:DescribeAlarms"}, action
    for statement in policy(name)["Statement"]:
        if "iam:PassRole" in as_list(statement["Action"]):
            assert statement["Condition"]["StringEquals"]["iam:PassedToService"]


def denied(boundary: str | None) -> set[str]:
    """Return the actions that bounded.json denies on a role with this boundary."""
    matches = [(one, one.get("Condition", {}).get("StringNotEquals")) for one in policy("bounded")["Statement"]]
    assert {one["Effect"] for one, _ in matches} == {"Deny"}
    holds = [one for one, unless in matches if unless is None or unless != {"iam:PermissionsBoundary": boundary}]
    return {action for one in holds for action in as_list(one["Action"])}


def test_who_deploys_with_a_boundary_cannot_shed_it() -> None:
    """Every action of deploy.json that makes a role, or gives it more, needs the boundary; none takes it away."""
    may = {action for action in actions(permitted("deploy")) if action.startswith("iam:")}
    lets_more = {action for action in may if re.search(":(Create|Put|Attach)", action)}
    assert denied(None) & may == denied("another") & may == lets_more | {"iam:DeleteRolePermissionsBoundary"}
    assert denied("BOUNDARY") == {"iam:DeleteRolePermissionsBoundary"}


# --- Roles ------------------------------------------------------------------------------------------------------------


def of_role(stage: Sandbox, output: str) -> set[Permission]:
    """Return what a deployed role allows; the stack's output names it."""
    policies = iam_backends[ACCOUNT]["aws"].get_role_by_arn(stage.stack.outputs[output]).policies
    (document,) = policies.values()
    return granted(document)


def test_the_role_suffices_for_every_action_and_grants_nothing_else(stage: Sandbox) -> None:
    """What the function asks for is what the role allows, to the resource; only logging is Lambda's own."""
    outputs, allowed = stage.stack.outputs, of_role(stage, "FunctionRoleArn")
    topics = outputs["TopicArn"], outputs["AlarmTopicArn"]
    table = PREFIX.format("dynamodb", f"table/{outputs['TableName']}")
    secrets = Permission("ssm:GetParameter", PREFIX.format("ssm", f"parameter{outputs['OrgParameterPrefix']}/*"))
    streams = PREFIX.format("logs", f"log-group:{stage.stack.resources['NotifierLogGroup']}:*")
    used = {
        Permission("dynamodb:GetItem", table),
        Permission("dynamodb:PutItem", table),
        *(Permission(f"sns:{verb}", topic) for verb in ("GetTopicAttributes", "Publish") for topic in topics),
        *(Permission(action, "*") for action in ("scheduler:ListSchedules", "ssm:DescribeParameters")),
    }
    assert allowed == used | {
        secrets,
        *(Permission(f"logs:{verb}", streams) for verb in ("CreateLogStream", "PutLogEvents")),
    }
    stage.connect("news", [row(stage.zoho.clock(), state="failure")])
    with variables_of(stage):
        function = cold_start()
        with only(allowed) as asked:
            for action in function.ACTIONS:
                function.lambda_handler({"org": "news", "action": action}, Context())
        for action in ("scheduler:ListSchedules", "ssm:DescribeParameters", "sns:Publish"):
            lacking = {permission for permission in allowed if permission.action != action}
            with only(lacking), pytest.raises(ClientError, match=action):  # silence would mean that nobody is missing
                function.lambda_handler({"action": "roll-call"}, Context())
    assert {needed for needed in asked if needed.action != "ssm:GetParameter"} == used


def test_a_schedule_may_invoke_the_function_and_give_up(stage: Sandbox) -> None:
    """What EventBridge Scheduler does in the schedule's role is all that it grants."""
    outputs = stage.stack.outputs
    where = {"Name": stage.stack.name, "GroupName": outputs["ScheduleGroupName"]}
    target = stage.cloud.client("scheduler").get_schedule(**where)["Target"]
    assert target["RoleArn"] == outputs["ScheduleRoleArn"]
    assert of_role(stage, "ScheduleRoleArn") == {
        Permission("lambda:InvokeFunction", target["Arn"]),
        Permission("sqs:SendMessage", target["DeadLetterConfig"]["Arn"]),
    }
    assert (target["Arn"], target["DeadLetterConfig"]["Arn"]) == (outputs["FunctionArn"], outputs["DeadLetterQueueArn"])


def test_two_stacks_fit_in_one_account(stage: Sandbox, second: Made) -> None:
    """Every resource of a second stack is another one."""
    resources, outputs = second
    first = stage.stack.resources
    assert resources.keys() - {"KeyPolicy"} == first.keys()
    assert [name for name, physical in first.items() if resources[name] == physical] == []
    assert {key for key, value in outputs.items() if stage.stack.outputs[key] == value} == {"Version"}
