"""What can happen to a request of botocore."""

import json
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from tests.faults.calls import AwsCall
from tests.faults.faults import Fault, Play, around, fails
from tests.faults.stack import error, query_error, reference

if TYPE_CHECKING:
    from tests.faults.world import World

GONE = {"NotFound", "AuthorizationError", "AccessDeniedException", "KMSDisabled"}
"""By which SNS says that the topic itself refuses."""
CONTENT = {"ValidationException", "InvalidParameter", "BatchRequestTooLong"}
"""By which SNS refuses a batch for what is in it."""


def _replies(status: int, body: bytes, *, acts: bool = False, wait: str = "") -> Play:
    """Return a fault in which somebody answers who is not AWS."""

    def play(call: AwsCall, world: "World") -> Any:
        if acts:
            call.act()
        return call.reply(status, body, {"Retry-After": wait} if wait else {})

    return play


def _errs(status: int, code: str, *, acts: bool = False) -> Play:
    def play(call: AwsCall, world: "World") -> Any:
        if acts:
            call.act()
        if call.service != "sns":
            return call.reply(status, error(code))
        if code in GONE:
            world.break_channel()
        elif code in CONTENT and len(call.entries) == 1:  # a batch is tried once more, entry by entry
            world.refuse([reference(entry) for entry in call.entries.values()])
        return call.reply(status, query_error(code))

    return play


def _half(call: AwsCall, world: "World") -> Any:
    answer = call.act()
    whole = answer.content
    return call.reply(200, whole[: len(whole) // 2], {**answer.headers, "content-length": str(len(whole) or 1)})


def _written_by_another(**attributes: Any) -> Play:
    """Return a fault in which the item has other attributes than we wrote."""

    def play(call: AwsCall, world: "World") -> Any:
        said = json.loads(call.act().content)
        if "Item" in said:
            said["Item"] |= attributes
            world.running[-1].may_write = "schema" not in attributes or len(world.running[-1].calls) > 1
        return call.reply(200, json.dumps(said))

    return play


def _some_refused(code: str, *, permanently: bool) -> Play:
    """Return a fault in which the first half of a batch, rounded up, is refused and the rest is published."""

    def play(call: AwsCall, world: "World") -> Any:
        entries = list(call.entries.items())
        half = (len(entries) + 1) // 2
        if code in GONE:
            world.break_channel()
        elif permanently:
            world.refuse([reference(entry) for _, entry in entries[:half]])
        why = f"<Code>{code}</Code><SenderFault>{str(permanently).lower()}</SenderFault>"
        failed = "".join(f"<member><Id>{number}</Id>{why}</member>" for number, _ in entries[:half])
        answer = call.reply(*call.stack.publish(dict(entries[half:]), failed))
        call.arrived(answer)
        return answer

    return play


AWS = [
    Fault("connect timeout", fails("connect timed out")),
    Fault("half of an answer, done", _half),
    Fault("wrong JSON: list", _replies(200, b"[1]")),
    Fault("wrong JSON: null, done", _replies(200, b"null", acts=True)),
    Fault("empty body, done", _replies(200, b"", acts=True)),
    Fault("HTML, 200", _replies(200, b"<!DOCTYPE html><html><body>Sign in<br></body></html>")),
    Fault("HTML, 200, done", _replies(200, b"<html><body>Sign in</body></html>", acts=True)),
    Fault("HTML, 503", _replies(503, b"<html>down<br></html>")),
    Fault("400", _errs(400, "ValidationException")),
    Fault("403", _errs(403, "AccessDeniedException")),
    Fault("500", _errs(500, "InternalServerError")),
    Fault("500, done", _errs(500, "InternalServerError", acts=True)),
    Fault("503", _errs(503, "ServiceUnavailable")),
    Fault("throttled", _errs(400, "ThrottlingException")),
    Fault("throttled, wait 1 h", _replies(429, b"", wait="3600")),
    Fault("expired credentials", _errs(403, "ExpiredTokenException")),
]
BY_SERVICE = {
    "dynamodb": [
        Fault("throttled by DynamoDB", _errs(400, "ProvisionedThroughputExceededException")),
        Fault("table gone", _errs(400, "ResourceNotFoundException")),
        Fault("wrong JSON: item", _replies(200, b'{"Item": {"org": 5}}')),
    ],
    "ssm": [
        Fault("parameter gone", _errs(400, "ParameterNotFound")),
        Fault("wrong JSON: parameter", _replies(200, b'{"Parameter": {"Value": "{}"}}')),
        Fault("parameter's key denied", _errs(400, "KMSAccessDeniedException")),
    ],
    "sns": [
        Fault("topic gone", _errs(404, "NotFound")),
        Fault("topic denied", _errs(403, "AuthorizationError")),
        Fault("topic's key disabled", _errs(400, "KMSDisabled")),
        Fault("throttled by SNS", _errs(400, "Throttled")),
    ],
}
BY_PLACE = {
    "dynamodb GetItem": [
        Fault("item of a newer release", _written_by_another(schema={"N": "2"})),
        Fault("item with unknown attributes", _written_by_another(colour={"S": "blue"}, more={"M": {}}), honest=True),
    ],
    "dynamodb PutItem": [
        Fault("condition failed for no reason", _errs(400, "ConditionalCheckFailedException")),
        Fault("somebody else's write", around(methodcaller("write_beside"))),
    ],
    "sns PublishBatch": [
        Fault("some refused", _some_refused("InternalError", permanently=False), honest=True),
        Fault("some refused permanently", _some_refused("InvalidParameter", permanently=True), honest=True),
        Fault("some refused: topic gone", _some_refused("NotFound", permanently=True), honest=True),
        Fault("batch refused as a whole", _errs(400, "InvalidParameter"), honest=True),
        Fault("batch too long", _errs(400, "BatchRequestTooLong"), honest=True),
    ],
}


def faults_of(call: AwsCall) -> list[Fault]:
    """Return what can happen to this call and to none of requests'."""
    return [*AWS, *BY_SERVICE.get(call.service, []), *BY_PLACE.get(call.place, [])]
