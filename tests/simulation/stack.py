"""What the function has in AWS: a table, a topic and a parameter, at the wire; moto takes ten times as long for them.

It answers what the function asks, and nothing else; `test_stack` has moto answer the same calls.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from tests.simulation.wire import batch_of, form_of

TABLE, PREFIX = "memory", "/zoho-backup-notifier/simulation"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:simulation"
ENTRIES, BATCH_BYTES = 10, 262_144
"""https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html."""
OWN = {"x-amzn-requestid": "simulated"}
"""What each answer of AWS has, and no answer of a proxy."""
Answer = tuple[int, str]


class Stack:
    """AWS as the function meets it, and the simulation's own access to it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._items: dict[str, dict[str, Any]] = {}
        self._parameters: dict[str, str] = {}

    def connect(self, org: str, secret: Mapping[str, str]) -> None:
        """Write an organisation's parameter."""
        self._parameters[f"{PREFIX}/{org}"] = json.dumps(secret)

    def forget(self, org: str) -> None:
        """Delete an organisation's item, if there is one."""
        self._items.pop(org, None)

    def steal(self, org: str, until: datetime) -> dict[str, Any]:
        """Write an organisation's item with a lease of somebody else, and return it."""
        item = dict(self._items[org])
        item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
        item |= {"lease_owner": {"S": "thief"}, "lease_until": {"S": until.isoformat()}}
        self._items[org] = item
        return item

    def answer(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request of botocore; raises KeyError for a call that the function does not make today."""
        target: Any = request.headers.get("X-Amz-Target", "")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        answers = {"GetItem": self._get_item, "PutItem": self._put_item, "GetParameter": self._get_parameter}
        if operation:
            asked: Any = request.body
            status, body = answers[operation](json.loads(asked))
        else:
            form = form_of(request)
            status, body = (_publish_batch if form["Action"] == "PublishBatch" else _list_subscriptions)(form)
        return AWSResponse(request.url, status, OWN, MockRawResponse(body.encode()))  # type: ignore[arg-type]

    def _get_item(self, asked: dict[str, Any]) -> Answer:
        assert (asked["TableName"], asked["ConsistentRead"]) == (TABLE, True)
        item = self._items.get(asked["Key"]["org"]["S"])
        return 200, json.dumps({"Item": item} if item else {})

    def _put_item(self, asked: dict[str, Any]) -> Answer:
        assert asked["TableName"] == TABLE
        org, condition = asked["Item"]["org"]["S"], asked["ConditionExpression"]
        old = self._items.get(org)
        if condition == "attribute_not_exists(org)":
            holds = old is None
        else:
            assert condition == "version = :version"
            holds = old is not None and old["version"] == asked["ExpressionAttributeValues"][":version"]
        if not holds:
            return _error("ConditionalCheckFailedException", "The conditional request failed")
        self._items[org] = asked["Item"]
        return 200, "{}"

    def _get_parameter(self, asked: dict[str, Any]) -> Answer:
        assert asked["WithDecryption"]
        name = asked["Name"]
        if name not in self._parameters:
            return _error("ParameterNotFound", f"Parameter {name} not found.")
        return 200, json.dumps({"Parameter": {"Name": name, "Type": "SecureString", "Value": self._parameters[name]}})


def _publish_batch(form: Mapping[str, str]) -> Answer:
    assert (form["Action"], form["TopicArn"]) == ("PublishBatch", TOPIC)
    entries = batch_of(form)
    if len(entries) > ENTRIES or sum(len(entry["Message"].encode()) for entry in entries.values()) > BATCH_BYTES:
        code = "TooManyEntriesInBatchRequest" if len(entries) > ENTRIES else "BatchRequestTooLong"
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>refused</Message></Error>"
        return 400, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
    taken = "".join(f"<member><Id>{number}</Id><MessageId>{uuid4()}</MessageId></member>" for number in entries)
    result = f"<PublishBatchResult><Successful>{taken}</Successful><Failed/></PublishBatchResult>"
    return 200, f"<PublishBatchResponse>{result}</PublishBatchResponse>"


def _list_subscriptions(form: Mapping[str, str]) -> Answer:
    assert (form["Action"], form["TopicArn"]) == ("ListSubscriptionsByTopic", TOPIC)
    one = f"<member><SubscriptionArn>{TOPIC}:1</SubscriptionArn><TopicArn>{TOPIC}</TopicArn></member>"
    result = f"<ListSubscriptionsByTopicResult><Subscriptions>{one}</Subscriptions></ListSubscriptionsByTopicResult>"
    return 200, f"<ListSubscriptionsByTopicResponse>{result}</ListSubscriptionsByTopicResponse>"


def _error(code: str, message: str) -> Answer:
    return 400, json.dumps({"__type": f"com.amazonaws#{code}", "message": message})
