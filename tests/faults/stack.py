"""What the function has in AWS: a table, a topic and a parameter, below botocore; moto takes ten times as long.

It answers what the function asks, and nothing else; other tests have moto and AWS's own DynamoDB answer the same calls.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from tests.world import TableInMemory

TABLE, PREFIX = "memory", "/zoho-backup-notifier/faults"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:faults"
MESSAGE_BYTES = 262_144
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
OWN = {"x-amzn-requestid": "simulated"}
"""What each answer of AWS has, and no answer of a proxy."""
Answer = tuple[int, str]


class Stack:
    """AWS as the function meets it.

    Attributes:
        items: Organisation → its item, in DynamoDB's types.
        parameters: Name → value.
        published: Messages that the topic took.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.table = TableInMemory()
        self.items = self.table.items
        self.parameters: dict[str, str] = {}
        self.published: list[Mapping[str, str]] = []
        self.subscribers = 1

    def answer(self, operation: str, asked: dict[str, Any]) -> Answer:
        """Return status and body; raises NotImplementedError for a call that the function does not make today."""
        match operation:
            case "GetItem":
                return 200, json.dumps(self.table.get_item(**asked))
            case "PutItem":
                try:
                    self.table.put_item(**asked)
                except ClientError:
                    return 400, error("ConditionalCheckFailedException")
                return 200, "{}"
            case "GetParameter":
                assert asked["WithDecryption"]
                found = {"Name": asked["Name"], "Type": "SecureString", "Value": self.parameters.get(asked["Name"])}
                return (200, json.dumps({"Parameter": found})) if found["Value"] else (400, error("ParameterNotFound"))
            case "Publish":
                return self.publish(asked)
            case "GetTopicAttributes":
                count = f"<entry><key>SubscriptionsConfirmed</key><value>{self.subscribers}</value></entry>"
                return 200, _result(operation, f"<Attributes>{count}</Attributes>")
        raise NotImplementedError(operation)

    def publish(self, asked: Mapping[str, str]) -> Answer:
        """Return the answer to a message, which the topic takes unless it is too long."""
        if len(asked["Message"].encode()) > MESSAGE_BYTES:
            return 400, query_error("InvalidParameter")
        self.published.append(asked)
        return 200, _result("Publish", "<MessageId>m</MessageId>")


def _result(operation: str, body: str) -> str:
    return f"<{operation}Response><{operation}Result>{body}</{operation}Result></{operation}Response>"


def error(code: str) -> str:
    """Return an error in the JSON protocol."""
    return json.dumps({"__type": f"com.amazonaws#{code}", "message": "simulated"})


def query_error(code: str, said: str = "simulated") -> str:
    """Return an error in the query protocol, which SNS speaks."""
    what = f"<Type>Sender</Type><Code>{code}</Code><Message>{said}</Message>"
    return f"<ErrorResponse><Error>{what}</Error><RequestId>1</RequestId></ErrorResponse>"


def parsed(request: AWSPreparedRequest) -> tuple[str, dict[str, Any]]:
    """Return operation and parameters of a request of botocore."""
    target, body = (_text(value) for value in (request.headers.get("X-Amz-Target", ""), request.body))
    if target:
        return target.rpartition(".")[2], json.loads(body)
    form = dict(parse_qsl(body, keep_blank_values=True))
    return form["Action"], form


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def reference(message: Mapping[str, str]) -> str:
    """Return the ``notice_id`` among the attributes of a message."""
    [name] = [name for name, value in message.items() if name.endswith(".Name") and value == "notice_id"]
    return message[name.removesuffix("Name") + "Value.StringValue"]
