"""What can happen to a call. `kinds` lists it for any call, also for one that nobody has thought of yet."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from sandbox.server import Answer
from sandbox.slack import ERRORS, rate_limited
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.simulation.wire import AwsCall, Call, HttpCall

TRICKLE_SECONDS = 3.0
STALL_SECONDS = 20.0


class Surroundings(Protocol):
    """What a fault can do besides."""

    def die(self, why: str) -> NoReturn:
        """Kill the process."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""

    def check_beside(self) -> None:
        """Run a whole check of the same organisation in another environment."""

    def write_beside(self) -> None:
        """Write the item, as somebody else who does not care about the lease."""

    def deceive(self) -> None:
        """Note that Zoho conceals rows, in an answer that is as documented."""

    def refuse(self, entries: set[str] | None = None) -> None:
        """Note that what is being sent is refused for good: all of it, or these entries of a batch."""


@dataclass(frozen=True)
class Fault:
    """One thing that can happen.

    Attributes:
        name: For the table.
        play: Returns the answer to the call, or raises.
        honest: The answer arrives and is true, so that no repeat is excused.
    """

    name: str
    play: Callable[[Any, Surroundings], Any]
    honest: bool = False


def kinds(call: Call) -> list[Fault]:
    """Return everything that can happen to this call."""
    own: dict[str, list[Fault]] = {"zoho": _ZOHO, "slack": _SLACK, "dynamodb": _DYNAMODB, "sns": _SNS, "ssm": _SSM}
    return [
        *_ANY,
        *(_HTTP if isinstance(call, HttpCall) else _AWS),
        *own[call.service],
        *_BY_PLACE.get(call.place, []),
    ]


# --- Anything, anywhere ----------------------------------------------------------------------------------------------


def _die_before(call: Call, around: Surroundings) -> NoReturn:
    around.die("crash")


def _die_after(call: Call, around: Surroundings) -> NoReturn:
    call.act()
    around.die("crash")


def _fail(how: str, *, acts: bool) -> Callable[[Call, Surroundings], NoReturn]:
    def play(call: Call, around: Surroundings) -> NoReturn:
        if acts:
            call.act()
        if how == "timed out":
            around.pass_time(call.time_out())
        call.fail(how)

    return play


def _stall(call: Call, around: Surroundings) -> Any:
    around.pass_time(min(STALL_SECONDS, call.time_out() * 0.9))
    return call.act()


def _check_before(call: Call, around: Surroundings) -> Any:
    around.check_beside()
    return call.act()


def _check_after(call: Call, around: Surroundings) -> Any:
    answer = call.act()
    around.check_beside()
    return answer


_ANY = [
    Fault("crash before the request left", _die_before),
    Fault("crash before the answer came", _die_after),
    Fault("connection refused", _fail("refused", acts=False)),
    Fault("timeout, not done", _fail("timed out", acts=False)),
    Fault("timeout, done", _fail("timed out", acts=True)),
    Fault("reset, not done", _fail("reset", acts=False)),
    Fault("reset, done", _fail("reset", acts=True)),
    Fault("slow answer", _stall, honest=True),
    Fault("another check meanwhile, first", _check_before, honest=True),
    Fault("another check meanwhile, after", _check_after, honest=True),
]

# --- HTTP ------------------------------------------------------------------------------------------------------------


def _says(answer: Answer, *, acts: bool = False) -> Callable[[HttpCall, Surroundings], Any]:
    return lambda call, around: call.turn(answer, acts=acts)


def _refuses(answer: Answer) -> Callable[[HttpCall, Surroundings], Any]:
    def play(call: HttpCall, around: Surroundings) -> Any:
        if call.place == "slack webhook":
            around.refuse()
        return call.turn(answer)

    return play


def _conceals(answer: Answer) -> Callable[[HttpCall, Surroundings], Any]:
    def play(call: HttpCall, around: Surroundings) -> Any:
        around.deceive()
        return call.turn(answer)

    return play


def _drops(*, acts: bool) -> Callable[[HttpCall, Surroundings], Any]:
    return lambda call, around: call.turn(drops=True, acts=acts)


def _trickle(call: HttpCall, around: Surroundings) -> Any:
    response = call.act()
    whole = response.read1

    def read1(amount: int | None = None, **options: Any) -> Any:
        around.pass_time(TRICKLE_SECONDS)
        return whole(1, **options)

    response.read1 = read1
    return response


def _json(text: str) -> Answer:
    return Answer.text(text, content_type="application/json")


_CUT = Answer(200, b'{"access_token": "1000.', {"Content-Type": "application/json", "Content-Length": "4000"})
_HTTP = [
    Fault("connection closed, not done", _drops(acts=False)),
    Fault("connection closed, done", _drops(acts=True)),
    Fault("slow trickle", _trickle),
    Fault("cut answer, done", _says(_CUT, acts=True)),
    Fault("half of a JSON, done", _says(_json('{"history": [{"id": "48768'), acts=True)),
    Fault("wrong JSON: list", _says(_json("[1]"))),
    Fault("wrong JSON: null, done", _says(_json("null"), acts=True)),
    Fault("empty body, done", _says(Answer(200), acts=True)),
    Fault("HTML, 200", _says(MAINTENANCE)),
    Fault("HTML, 200, done", _says(MAINTENANCE, acts=True)),
    Fault("HTML, 503", _says(Answer.text("<html>down</html>", 503, "text/html"))),
    Fault("redirect", _says(Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))),
    Fault("400", _refuses(Answer(400))),
    Fault("500", _says(Answer(500))),
    Fault("502, done", _says(Answer(502), acts=True)),
    Fault("503, wait 1 s", _says(Answer(503, b"", {"Retry-After": "1"}))),
    Fault("503, wait 1 h", _says(Answer(503, b"", {"Retry-After": "3600"}))),
    Fault("429", _says(Answer(429))),
]
_ZOHO = [
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in API_ERRORS.items()),
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in TOKEN_ERRORS.items()),
    Fault("wrong JSON: rows", _says(_json('{"history": [[]], "info": {"more_records": false}}'))),
    Fault("wrong JSON: info", _says(_json('{"history": [], "info": {"more_records": "no"}}'))),
    Fault("empty history", _conceals(_json('{"history": [], "info": {"more_records": false}}'))),
    Fault("204", _conceals(Answer(204))),
]


_SLACK = [
    Fault("Slack: refused", _refuses(ERRORS["invalid_blocks"])),
    Fault("429, wait 1 s", _says(rate_limited(1))),
    Fault("429, wait 1 h", _says(rate_limited(3600))),
    *(Fault(f"Slack: {code}", _says(ERRORS[code])) for code in ("invalid_token", "no_service", "channel_is_archived")),
    Fault("Slack: rollup_error", _says(ERRORS["rollup_error"])),
]

# --- AWS -------------------------------------------------------------------------------------------------------------

_OWN = {"x-amzn-requestid": "simulated"}
"""What each answer of AWS has, and no answer of a proxy."""


def _replies(
    status: int, body: bytes, *, acts: bool = False, headers: Mapping[str, str] | None = None
) -> Callable[[AwsCall, Surroundings], Any]:
    def play(call: AwsCall, around: Surroundings) -> Any:
        if acts:
            call.act()
        return call.answer(status, body, dict(headers or {}))

    return play


def _error(status: int, code: str, *, acts: bool = False) -> Callable[[AwsCall, Surroundings], Any]:
    def play(call: AwsCall, around: Surroundings) -> Any:
        if acts:
            call.act()
        if call.service == "sns":  # the query protocol
            xml = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>simulated</Message></Error>"
            return call.answer(status, f"<ErrorResponse>{xml}<RequestId>1</RequestId></ErrorResponse>".encode(), _OWN)
        error = {"__type": f"com.amazonaws#{code}", "message": "simulated"}
        return call.answer(status, json.dumps(error).encode(), _OWN)

    return play


def _half(call: AwsCall, around: Surroundings) -> Any:
    answer = call.act()
    whole = answer.content
    return call.answer(200, whole[: len(whole) // 2], {**answer.headers, "content-length": str(len(whole) or 1)})


_AWS = [
    Fault("connect timeout", _fail("connect timed out", acts=False)),
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
_DYNAMODB = [
    Fault("throttled by DynamoDB", _error(400, "ProvisionedThroughputExceededException")),
    Fault("table gone", _error(400, "ResourceNotFoundException")),
    Fault("wrong JSON: item", _replies(200, b'{"Item": {"org": 5}}')),
]
_SSM = [
    Fault("parameter gone", _error(400, "ParameterNotFound")),
    Fault("wrong JSON: parameter", _replies(200, b'{"Parameter": {"Value": "{}"}}')),
    Fault("parameter's key denied", _error(400, "KMSAccessDeniedException")),
]
_SNS = [
    Fault("topic gone", _error(404, "NotFound")),
    Fault("topic denied", _error(403, "AuthorizationError")),
    Fault("topic's key disabled", _error(400, "KMSDisabled")),
    Fault("throttled by SNS", _error(400, "Throttled")),
]


def _write_before(call: AwsCall, around: Surroundings) -> Any:
    around.write_beside()
    return call.act()


def _some_refused(code: str, *, sender_fault: bool) -> Callable[[AwsCall, Surroundings], Any]:
    """Return a fault in which the first half of a batch, rounded up, is refused and the rest is published."""

    def play(call: AwsCall, around: Surroundings) -> Any:
        groups: dict[int, dict[str, str]] = {}
        others = {}
        for name, value in call.form.items():
            if match := re.fullmatch(r"(PublishBatchRequestEntries\.member)\.(\d+)\.(.+)", name):
                groups.setdefault(int(match[2]), {})[match[3]] = value
            else:
                others[name] = value
        entries = [groups[number] for number in sorted(groups)]
        refused, taken = entries[: (len(entries) + 1) // 2], entries[(len(entries) + 1) // 2 :]
        if sender_fault:
            around.refuse({entry["Id"] for entry in refused})
        text = '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>'
        if taken:
            names = {
                f"PublishBatchRequestEntries.member.{number}.{name}": value
                for number, entry in enumerate(taken, 1)
                for name, value in entry.items()
            }
            call.act_on({**others, **names})
        text += "".join(f"<member><Id>{e['Id']}</Id><MessageId>m</MessageId></member>" for e in taken)
        failed = f"<Code>{code}</Code><SenderFault>{str(sender_fault).lower()}</SenderFault>"
        text += "</Successful><Failed>" + "".join(f"<member><Id>{e['Id']}</Id>{failed}</member>" for e in refused)
        return call.answer(200, f"{text}</Failed></PublishBatchResult></PublishBatchResponse>".encode(), _OWN)

    return play


_BY_PLACE = {
    "dynamodb PutItem": [
        Fault("condition failed for no reason", _error(400, "ConditionalCheckFailedException")),
        Fault("somebody else's write", _write_before),
    ],
    "sns PublishBatch": [
        Fault("some refused", _some_refused("InternalError", sender_fault=False), honest=True),
        Fault("some refused for good", _some_refused("InvalidParameter", sender_fault=True), honest=True),
        Fault("some refused: topic gone", _some_refused("NotFound", sender_fault=True), honest=True),
    ],
}
