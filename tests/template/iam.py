"""IAM in miniature, in front of every boto3 client of this process: what is not permitted is refused.

It knows statements with actions and resources, for the calls that the function and the tools make:
https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import botocore.client
import pytest
from botocore.exceptions import ClientError

Json = Any
ACCOUNT = "123456789012"  # moto's
PREFIX = f"arn:aws:{{}}:eu-west-1:{ACCOUNT}:{{}}"
ACTIONS = {  # an operation that IAM knows under another name
    "lambda:Invoke": "lambda:InvokeFunction",
}
FREE = {"sts:GetCallerIdentity"}
"""What nobody needs a permission for: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
NO_RESOURCE = {
    *("cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"),
    *("lambda:GetAccountSettings", "logs:DescribeLogGroups", "scheduler:ListSchedules", "ssm:DescribeParameters"),
    *("logs:DescribeResourcePolicies", "sns:GetSubscriptionAttributes", "sns:Unsubscribe"),
}
"""What IAM cannot confine to a resource."""

RESOURCES = {
    "cloudformation": "stack/{StackName}/id",
    "cloudwatch": "alarm:{AlarmName}",
    "dynamodb": "table/{TableName}",
    "lambda": "function:{FunctionName}",
    "scheduler": "schedule/{GroupName}/{Name}",
    "sns": "{TopicArn}",
    "ssm": "parameter{Name}",
}
"""Service → what a call is about, a whole ARN or the end of one."""


class Permission(NamedTuple):
    """An action on a resource, which may hold `*`."""

    action: str
    resource: str


def as_list(value: Json) -> list[str]:
    """Return what a statement says once or several times."""
    return value if isinstance(value, list) else [value]


def granted(document: Json) -> set[Permission]:
    """Return what a policy's statements allow."""
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    return {
        Permission(action, resource)
        for statement in document["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def allows(permissions: Iterable[Permission], needed: Permission) -> bool:
    """Return whether a call may be made."""
    return any(p.action == needed.action and fnmatchcase(needed.resource, p.resource) for p in permissions)


def needs(service: str, operation: str, said: Json) -> list[Permission]:
    """Return what a call of boto3 needs."""
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    if action in NO_RESOURCE:
        return [Permission(action, "*")]
    names = [{"AlarmName": name} for name in said.get("AlarmNames", ())] or [said]
    found = [RESOURCES[service].format_map(name) for name in names]
    arns = [name[name.find("arn:") :] if "arn:" in name else PREFIX.format(service, name) for name in found]
    permissions = [Permission(action, arn) for arn in arns]
    if service == "scheduler" and "Target" in said:
        permissions.append(Permission("iam:PassRole", said["Target"]["RoleArn"]))
    return permissions


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
