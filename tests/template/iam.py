"""IAM in miniature, in front of moto: a call passes when the statements at hand allow its action on its resource.

moto's own check looks at resources only for a few services, asks for an action `sns:PublishBatch` that IAM does not
have, and cannot read inline policies that CloudFormation made. Here is what AWS documents, for what the stack's roles
allow, statements with actions and resources: https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NoReturn
from urllib.parse import unquote

import pytest
from moto.core.authorization import enable_iam_authentication
from moto.core.exceptions import JsonRESTError
from moto.iam.access_control import IAMRequest
from moto.iam.models import iam_backends

from sandbox.aws import Stack

ACCOUNT = "123456789012"  # moto's
ACTIONS = {  # an operation that IAM knows under another name
    "sns:PublishBatch": "sns:Publish",
    "lambda:Invoke": "lambda:InvokeFunction",
}


@dataclass(frozen=True, order=True)
class Permission:
    """An action on a resource, which may hold `*`."""

    action: str
    resource: str


def granted(role_arn: str) -> set[Permission]:
    """Return what a deployed role's inline policies allow."""
    role = iam_backends[ACCOUNT]["aws"].get_role_by_arn(role_arn)
    permissions = set()
    documents: Iterable[Any] = role.policies.values()
    for document in documents:
        for statement in document["Statement"]:
            assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
            assert statement["Effect"] == "Allow"
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            permissions |= {Permission(action, resource) for action in actions for resource in resources}
    return permissions


def credentials(stack: Stack, role_arn: str) -> dict[str, str]:
    """Take a role, as the service does that runs in it; return the environment variables."""
    taken = stack.cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }


@contextmanager
def only(permissions: Iterable[Permission]) -> Iterator[set[Permission]]:
    """Let nothing pass but what is permitted; give the permissions that were asked for, exactly."""
    permissions = list(permissions)
    asked: set[Permission] = set()

    def check(request: Any, resource: str) -> None:
        action = ACTIONS.get(request._action, request._action)
        needed = Permission(action, _resource(request, resource))
        asked.add(needed)
        if not any(p.action == action and fnmatchcase(needed.resource, p.resource) for p in permissions):
            _deny(request, needed)

    with pytest.MonkeyPatch.context() as patch, enable_iam_authentication():
        patch.setattr(IAMRequest, "check_signature", lambda request: None)  # not what is in question
        patch.setattr(IAMRequest, "check_action_permitted", check)
        yield asked


def _resource(request: Any, found: str) -> str:
    """Return the ARN of what a call is about, which each service puts elsewhere."""
    service, region = request._service, request._region
    prefix = f"arn:aws:{service}:{region}:{ACCOUNT}:"
    body = json.loads(request._body) if service in {"dynamodb", "ssm", "sqs"} else {}
    match service:
        case "dynamodb":
            return f"{prefix}table/{body['TableName']}"
        case "ssm":
            return f"{prefix}parameter{body.get('Name') or body['Path']}"
        case "sqs":
            return f"{prefix}{body['QueueUrl'].rpartition('/')[2]}"
        case "sns":
            return str(request._data["TopicArn"][0])
        case "lambda":
            return unquote(request._path.split("/")[3])  # the function's ARN, as a schedule's target has it
    return found


def _deny(request: Any, needed: Permission) -> NoReturn:
    """Response as AWS does, in the form that the service's protocol has for errors."""
    if request._service == "sns":
        request._raise_access_denied()
    error = JsonRESTError("AccessDeniedException", f"not authorized to perform {needed.action} on {needed.resource}")
    error.code = 400
    raise error
