"""The stack answers as moto does: the same calls through boto3, the same answers."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from sandbox.watch import START
from tests.simulation.stack import PREFIX, TABLE, TOPIC, Stack

REGION = "eu-central-1"
ACME = {"org": {"S": "acme"}, "version": {"N": "1"}, "outbox": {"L": [{"M": {"kind": {"S": "failed"}}}]}}
NAME = f"{PREFIX}/acme"


def entries(number: int, size: int = 10) -> list[dict[str, Any]]:
    """Return a batch of messages."""
    attributes = {"kind": {"DataType": "String", "StringValue": "failed"}}
    one = {"Subject": "s", "Message": "ü" * size, "MessageAttributes": attributes}
    return [{"Id": str(n), **one} for n in range(number)]


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "get_item", {"TableName": TABLE, "Key": {"org": {"S": "acme"}}, "ConsistentRead": True}),
    *(
        ("dynamodb", "put_item", {"TableName": TABLE, "Item": {**ACME, "version": {"N": new}}, **condition})
        for new, condition in (
            ("3", {"ConditionExpression": "version = :version", "ExpressionAttributeValues": {":version": {"N": "2"}}}),
            ("1", {"ConditionExpression": "attribute_not_exists(org)"}),
            ("1", {"ConditionExpression": "attribute_not_exists(org)"}),
            ("2", {"ConditionExpression": "version = :version", "ExpressionAttributeValues": {":version": {"N": "1"}}}),
            ("2", {"ConditionExpression": "version = :version", "ExpressionAttributeValues": {":version": {"N": "1"}}}),
        )
    ),
    ("dynamodb", "get_item", {"TableName": TABLE, "Key": {"org": {"S": "acme"}}, "ConsistentRead": True}),
    ("ssm", "get_parameter", {"Name": NAME, "WithDecryption": True}),
    ("ssm", "get_parameter", {"Name": f"{PREFIX}/nobody", "WithDecryption": True}),
    *(
        ("sns", "publish_batch", {"TopicArn": TOPIC, "PublishBatchRequestEntries": batch})
        for batch in (entries(1), entries(10), entries(11))
    ),
    ("sns", "list_subscriptions_by_topic", {"TopicArn": TOPIC}),
]


def moto() -> Callable[[AWSPreparedRequest], AWSResponse]:
    """Return what lets moto answer a request of botocore."""
    stubber = BotocoreStubber()

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        status, headers, body = stubber.process_request(request)  # type: ignore[misc]
        return AWSResponse(request.url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]

    return answer


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Give what makes the calls and returns what boto3 made of the answers."""

    def run(answer: Callable[[AWSPreparedRequest], AWSResponse], calls: list[Any]) -> list[Any]:
        monkeypatch.setattr(URLLib3Session, "send", lambda session, request: answer(request))
        clients: dict[str, Any] = {
            service: boto3.client(service, region_name=REGION) for service in ("dynamodb", "ssm", "sns")
        }
        return [_outcome(getattr(clients[service], operation), request) for service, operation, request in calls]

    return run


def _outcome(call: Callable[..., Any], request: dict[str, Any]) -> Any:
    try:
        answer = call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    said = answer.get("Parameter") or {name: answer[name] for name in ("Item", "Successful") if name in answer}
    if "Successful" in said:
        return sorted(entry["Id"] for entry in said["Successful"]), answer.get("Failed", [])
    if "Subscriptions" in answer:
        return [one["SubscriptionArn"].rpartition(":")[0] for one in answer["Subscriptions"]]
    return said.get("Value", said)


def test_the_stack_answers_as_moto_does(answered: Callable[..., list[Any]]) -> None:
    """Reading, writing with either condition, a parameter, and batches of any size."""
    stack, secret = Stack(), {"client_id": "ü"}
    stack.connect("acme", secret)
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("sns", "create_topic", {"Name": TOPIC.rpartition(":")[2]}),
        ("sns", "subscribe", {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "it@example.com"}),
        (
            "dynamodb",
            "create_table",
            {
                "TableName": TABLE,
                "KeySchema": [{"AttributeName": "org", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "org", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        ),
        ("ssm", "put_parameter", {"Name": NAME, "Value": json.dumps(secret), "Type": "SecureString"}),
    ]
    truth = answered(moto(), [*made, *CALLS])[len(made) :]
    answered(moto(), [("dynamodb", "delete_table", {"TableName": TABLE}), ("ssm", "delete_parameter", {"Name": NAME})])
    assert answered(stack.answer, CALLS) == truth


def test_a_batch_may_only_be_so_big(answered: Callable[..., list[Any]]) -> None:
    """In bytes, which moto does not count."""
    batches = [entries(2, 65_000), entries(2, 66_000)]
    calls = [("sns", "publish_batch", {"TopicArn": TOPIC, "PublishBatchRequestEntries": batch}) for batch in batches]
    assert answered(Stack().answer, calls) == [(["0", "1"], []), "BatchRequestTooLong"]


def test_a_lease_can_be_stolen_and_an_item_forgotten(answered: Callable[..., list[Any]]) -> None:
    """As another check or a person would."""
    stack = Stack()
    answered(stack.answer, CALLS[2:3])
    stolen = stack.steal("acme", START)
    assert answered(stack.answer, CALLS[:1]) == [{"Item": stolen}]
    assert (stolen["version"], stolen["lease_owner"]) == ({"N": "2"}, {"S": "thief"})
    stack.forget("acme")
    assert answered(stack.answer, CALLS[:1]) == [{}]
