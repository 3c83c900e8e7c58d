"""What can happen to a request of botocore."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.faults import Fault, Surroundings, fail
from tests.simulation.stack import OWN
from tests.simulation.wire import AwsCall, reference


def _replies(
    status: int, body: bytes, *, acts: bool = False, headers: Mapping[str, str] | None = None
) -> Callable[[AwsCall, Surroundings], Any]:
    def play(call: AwsCall, around: Surroundings) -> Any:
        if acts:
            call.act()
        return call.answer(status, body, dict(headers or {}))

    return play


GONE = {"NotFound", "AuthorizationError", "AccessDeniedException", "KMSDisabled"}
"""By which SNS says that the topic itself refuses."""
CONTENT = {"ValidationException", "InvalidParameter", "BatchRequestTooLong"}
"""By which SNS refuses a batch for what is in it."""


def _error(status: int, code: str, *, acts: bool = False) -> Callable[[AwsCall, Surroundings], Any]:
    def play(call: AwsCall, around: Surroundings) -> Any:
        if acts:
            call.act()
        return _error_answer(call, around, status, code)

    return play


def _error_answer(call: AwsCall, around: Surroundings, status: int, code: str) -> Any:
    if call.service == "sns":  # the query protocol
        if code in GONE:
            around.break_channel()
        elif code in CONTENT and len(call.entries) == 1:  # a batch is tried once more, entry by entry
            around.refuse([reference(entry) for entry in call.entries.values()])
        xml = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>simulated</Message></Error>"
        return call.answer(status, f"<ErrorResponse>{xml}<RequestId>1</RequestId></ErrorResponse>".encode(), OWN)
    error = {"__type": f"com.amazonaws#{code}", "message": "simulated"}
    return call.answer(status, json.dumps(error).encode(), OWN)


def _half(call: AwsCall, around: Surroundings) -> Any:
    answer = call.act()
    whole = answer.content
    return call.answer(200, whole[: len(whole) // 2], {**answer.headers, "content-length": str(len(whole) or 1)})


AWS = [
    Fault("connect timeout", fail("connect timed out", acts=False)),
    Fault("half of an answer, done", _half),
    Fault("wrong JSON: list", _replies(200, b"[1]")),
    Fault("wrong JSON: null, done", _replies(200, b"null", acts=True)),
    Fault("empty body, done", _replies(200, b"", acts=True)),
    Fault("HTML, 200", _replies(200, b"<!DOCTYPE html><html><body>Sign in<br></body></html>")),
    Fault("HTML, 200, done", _replies(200, b"<html><body>Sign in</body></html>", acts=True)),
    Fault("HTML, 503", _replies(503, b"<html>down<br></html>")),
    Fault("400", _error(400, "ValidationException")),
    Fault("403", _error(403, "AccessDeniedException")),
    Fault("500", _error(500, "InternalServerError")),
    Fault("500, done", _error(500, "InternalServerError", acts=True)),
    Fault("503", _error(503, "ServiceUnavailable")),
    Fault("throttled", _error(400, "ThrottlingException")),
    Fault("throttled, wait 1 h", _replies(429, b"", headers={"Retry-After": "3600"})),
    Fault("expired credentials", _error(403, "ExpiredTokenException")),
]
DYNAMODB = [
    Fault("throttled by DynamoDB", _error(400, "ProvisionedThroughputExceededException")),
    Fault("table gone", _error(400, "ResourceNotFoundException")),
    Fault("wrong JSON: item", _replies(200, b'{"Item": {"org": 5}}')),
]


def _written_by_another(**attributes: Any) -> Callable[[AwsCall, Surroundings], Any]:
    """Return a fault in which the item has other attributes than we wrote."""

    def play(call: AwsCall, around: Surroundings) -> Any:
        answer = call.act()
        body = json.loads(answer.content)
        if "Item" in body:
            body["Item"] |= attributes
            if "schema" in attributes:
                around.forbid_writing()
        return call.answer(200, json.dumps(body).encode(), OWN)

    return play


SSM = [
    Fault("parameter gone", _error(400, "ParameterNotFound")),
    Fault("wrong JSON: parameter", _replies(200, b'{"Parameter": {"Value": "{}"}}')),
    Fault("parameter's key denied", _error(400, "KMSAccessDeniedException")),
]
SNS = [
    Fault("topic gone", _error(404, "NotFound")),
    Fault("topic denied", _error(403, "AuthorizationError")),
    Fault("topic's key disabled", _error(400, "KMSDisabled")),
    Fault("throttled by SNS", _error(400, "Throttled")),
]


def _write_before(call: AwsCall, around: Surroundings) -> Any:
    around.write_beside()
    return call.act()


def _some_refused(code: str, *, permanently: bool) -> Callable[[AwsCall, Surroundings], Any]:
    """Return a fault in which the first half of a batch, rounded up, is refused and the rest is published."""

    def play(call: AwsCall, around: Surroundings) -> Any:
        entries = list(call.entries.values())
        refused, taken = entries[: (len(entries) + 1) // 2], entries[(len(entries) + 1) // 2 :]
        text = '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>'
        if taken:
            call.act_on(taken)
        if code in GONE:
            around.break_channel()
        elif permanently:
            around.refuse([reference(entry) for entry in refused])
        text += "".join(f"<member><Id>{e['Id']}</Id><MessageId>m</MessageId></member>" for e in taken)
        failed = f"<Code>{code}</Code><SenderFault>{str(permanently).lower()}</SenderFault>"
        text += "</Successful><Failed>" + "".join(f"<member><Id>{e['Id']}</Id>{failed}</member>" for e in refused)
        return call.answer(200, f"{text}</Failed></PublishBatchResult></PublishBatchResponse>".encode(), OWN)

    return play


BY_PLACE = {
    "dynamodb GetItem": [
        Fault("item of a newer release", _written_by_another(schema={"N": "2"})),
        Fault("item with unknown attributes", _written_by_another(colour={"S": "blue"}, more={"M": {}}), honest=True),
    ],
    "dynamodb PutItem": [
        Fault("condition failed for no reason", _error(400, "ConditionalCheckFailedException")),
        Fault("somebody else's write", _write_before),
    ],
    "sns PublishBatch": [
        Fault("some refused", _some_refused("InternalError", permanently=False), honest=True),
        Fault("some refused permanently", _some_refused("InvalidParameter", permanently=True), honest=True),
        Fault("some refused: topic gone", _some_refused("NotFound", permanently=True), honest=True),
        Fault("batch refused as a whole", _error(400, "InvalidParameter"), honest=True),
        Fault("batch too long", _error(400, "BatchRequestTooLong"), honest=True),
    ],
}
