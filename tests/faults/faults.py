"""What can happen to a call: to any, to a request of requests, to one of botocore."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from handler.channels import BY_NAME
from sandbox.channels import FAKES
from sandbox.server import Response
from sandbox.zoho import links, plan
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.faults.calls import AwsCall, HttpCall
from tests.faults.stack import error, query_error

if TYPE_CHECKING:
    from tests.faults.world import World

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""When each timeline begins."""
STALL_SECONDS, TRICKLE_SECONDS = 20.0, 3.0
Play = Callable[[Any, "World"], Any]
"""Call and world → the answer to the call."""
Note = Callable[["World"], None]
"""What a fault does to the world, or lets it know."""


@dataclass(frozen=True)
class Fault:
    """One thing that can happen.

    Attributes:
        name: For the table.
        play: Returns the answer to the call, or raises.
        honest: The answer arrives and is true, so that no repeat is excused.
    """

    name: str
    play: Play
    honest: bool = False


def around(before: Note | None = None, after: Note | None = None) -> Play:
    """Return a fault in which something happens before or after the server does its work."""

    def play(call: Any, world: "World") -> Any:
        if before:
            before(world)
        answer = call.act()
        if after:
            after(world)
        return answer

    return play


def fails(how: str, *, acts: bool = False) -> Play:
    """Return a fault in which the connection fails, before or after the server did its work."""

    def play(call: Any, world: "World") -> Any:
        if acts:
            call.act()
        if how == "timed out":
            world.pass_time(call.timeout)
        call.fail(how)

    return play


def _stall(call: Any, world: "World") -> Any:
    world.pass_time(min(STALL_SECONDS, call.timeout * 0.9))
    return call.act()


CRASH, CHECK = methodcaller("die", "crash"), methodcaller("check_beside")
ANYWHERE = [
    Fault("crash before the request left", around(CRASH)),
    Fault("crash before the answer came", around(after=CRASH)),
    Fault("connection refused", fails("refused")),
    Fault("timeout, not done", fails("timed out")),
    Fault("timeout, done", fails("timed out", acts=True)),
    Fault("reset, not done", fails("reset")),
    Fault("reset, done", fails("reset", acts=True)),
    Fault("slow answer", _stall, honest=True),
    Fault("another check meanwhile, first", around(CHECK), honest=True),
    Fault("another check meanwhile, after", around(after=CHECK), honest=True),
    Fault("the same event again meanwhile", around(after=methodcaller("check_beside", same_event=True)), honest=True),
]


# --- Requests of requests ---


def _says(answer: Response | None, note: Note = lambda world: None, *, acts: bool = False) -> Play:
    """Return a fault in which the server answers this (None: it hangs up), and the world takes a note."""

    def play(call: HttpCall, world: "World") -> Any:
        note(world)
        return call.turn(answer, acts=acts)

    return play


REFUSES, BREAKS, HIDES = (methodcaller(name) for name in ("refuse", "break_channel", "deceive"))
PERHAPS = methodcaller("break_channel", surely=False)


def _trickle(call: HttpCall, world: "World") -> Any:
    response = call.act()
    whole = response.read1

    def read1(amount: int | None = None, **options: Any) -> Any:
        world.pass_time(TRICKLE_SECONDS)
        return whole(1, **options)

    response.read1 = read1
    return response


def _trickling_head(call: HttpCall, world: "World") -> Any:
    """Let a byte of the head come now and then, so that no socket ever times out."""
    answer = call.act()
    for _ in range(40):
        world.pass_time(TRICKLE_SECONDS)
    return answer


def _row_appears(world: "World") -> None:
    world.deceive()  # it moves the others: those of the next page are not all that there is
    world.show({"state": "failed"})


def _json(text: str) -> Response:
    return Response.text(text, content_type="application/json")


CUT = Response(200, b'{"access_token": "1000.', {"Content-Type": "application/json", "Content-Length": "4000"})
ELSEWHERE = Response(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
HTTP = [
    Fault("connection closed, not done", _says(None)),
    Fault("connection closed, done", _says(None, acts=True)),
    Fault("slow trickle", _trickle),
    Fault("trickling head, done", _trickling_head),
    Fault("cut answer, done", _says(CUT, acts=True)),
    Fault("half of a JSON, done", _says(_json('{"history": [{"id": "48768'), PERHAPS, acts=True)),
    Fault("wrong JSON: list", _says(_json("[1]"), PERHAPS)),
    Fault("wrong JSON: null, done", _says(_json("null"), PERHAPS, acts=True)),
    Fault("empty body, done", _says(Response(200), acts=True)),
    Fault("HTML, 200", _says(MAINTENANCE, PERHAPS)),
    Fault("HTML, 200, done", _says(MAINTENANCE, PERHAPS, acts=True)),
    Fault("HTML, 503", _says(Response.text("<html>down</html>", 503, "text/html"))),
    Fault("redirect", _says(ELSEWHERE)),
    Fault("400", _says(Response(400))),
    Fault("500", _says(Response(500))),
    Fault("502, done", _says(Response(502), acts=True)),
    *(
        Fault(f"{status}, wait {wait}", _says(Response(status, b"", {"Retry-After": wait} if wait else {})))
        for status in (429, 503)
        for wait in ("", "1", "3600")
    ),
]


# --- Requests of botocore ---

GONE = {"NotFound", "AuthorizationError", "AccessDeniedException", "KMSDisabled"}
"""By which SNS says that the topic itself refuses."""
CONTENT = {"ValidationException", "InvalidParameter"}
"""By which SNS refuses a message for what is in it."""


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
        elif code in CONTENT:
            world.refuse()
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

# --- By service and place ---

BY_SERVICE = {
    "zoho": [
        *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in (API_ERRORS | TOKEN_ERRORS).items()),
        Fault("204", _says(Response(204), HIDES)),
    ],
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
PLANS: tuple[Any, ...] = (plan(next_run=START + timedelta(days=7)), plan(None), [], {"rrule": 7}, None)
BY_PLACE = {
    "zoho history": [
        Fault("wrong JSON: rows", _says(_json('{"history": [[]], "info": {"more_records": false}}'))),
        Fault("wrong JSON: info", _says(_json('{"history": [], "info": {"more_records": "no"}}'))),
        Fault("empty history", _says(_json('{"history": [], "info": {"more_records": false}}'), HIDES)),
        Fault("a row appears meanwhile", around(_row_appears), honest=True),
    ],
    "zoho backup": [
        Fault(f"plan {number}", _says(Response.json({"backup": shown}))) for number, shown in enumerate(PLANS)
    ],
    "zoho urls": [
        Fault("links: for ever", _says(Response.json({"urls": links(START + timedelta(days=9_000), 5_000)}))),
        Fault("links: none", _says(Response.json({"urls": None}))),
    ],
    "dynamodb GetItem": [
        Fault("item of a newer release", _written_by_another(schema={"N": "2"})),
        Fault("item with unknown attributes", _written_by_another(colour={"S": "blue"}, more={"M": {}}), honest=True),
    ],
    "dynamodb PutItem": [
        Fault("condition failed for no reason", _errs(400, "ConditionalCheckFailedException")),
        Fault("somebody else's write", around(methodcaller("write_beside"))),
    ],
    "sns Publish": [Fault("refused", _errs(400, "InvalidParameter"), honest=True)],
}
for name, fake in FAKES.items():
    BY_PLACE[f"{name} webhook"] = [
        *(Fault(f"{BY_NAME[name].label}: {error}", _says(fake.errors[error])) for error in fake.transient),
        *(Fault(f"{BY_NAME[name].label}: {error}", _says(fake.errors[error], REFUSES)) for error in fake.refused),
        *(Fault(f"{BY_NAME[name].label}: {error}", _says(fake.errors[error], BREAKS)) for error in fake.gone),
    ]


def faults_of(call: HttpCall | AwsCall) -> list[Fault]:
    """Return everything that can happen to this call, also to one that nobody has thought of yet."""
    protocol = HTTP if isinstance(call, HttpCall) else AWS
    return [*ANYWHERE, *protocol, *BY_SERVICE.get(call.service, []), *BY_PLACE.get(call.place, [])]
