"""What can happen to a request of requests: to Zoho, to Slack, and to whoever else speaks HTTP."""

from collections.abc import Callable
from typing import Any

from sandbox.channels.slack import ERRORS, rate_limited
from sandbox.server import Response
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.simulation.faults import Fault, Surroundings
from tests.simulation.wire import HttpCall

TRICKLE_SECONDS = 3.0


def _says(answer: Response, *, acts: bool = False) -> Callable[[HttpCall, Surroundings], Any]:
    return lambda call, around: call.turn(answer, acts=acts)


def _refuses(answer: Response) -> Callable[[HttpCall, Surroundings], Any]:
    def play(call: HttpCall, around: Surroundings) -> Any:
        if call.place == "slack webhook":
            around.refuse()
        return call.turn(answer)

    return play


def _conceals(answer: Response) -> Callable[[HttpCall, Surroundings], Any]:
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


def _json(text: str) -> Response:
    return Response.text(text, content_type="application/json")


_CUT = Response(200, b'{"access_token": "1000.', {"Content-Type": "application/json", "Content-Length": "4000"})


def _row_appears(call: HttpCall, around: Surroundings) -> Any:
    around.deceive()  # it moves the others: those of the next page are not all that there is
    around.show({"state": "failed"})
    return call.act()


HTTP = [
    Fault("connection closed, not done", _drops(acts=False)),
    Fault("connection closed, done", _drops(acts=True)),
    Fault("slow trickle", _trickle),
    Fault("cut answer, done", _says(_CUT, acts=True)),
    Fault("half of a JSON, done", _says(_json('{"history": [{"id": "48768'), acts=True)),
    Fault("wrong JSON: list", _says(_json("[1]"))),
    Fault("wrong JSON: null, done", _says(_json("null"), acts=True)),
    Fault("empty body, done", _says(Response(200), acts=True)),
    Fault("HTML, 200", _says(MAINTENANCE)),
    Fault("HTML, 200, done", _says(MAINTENANCE, acts=True)),
    Fault("HTML, 503", _says(Response.text("<html>down</html>", 503, "text/html"))),
    Fault("redirect", _says(Response(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))),
    Fault("400", _refuses(Response(400))),
    Fault("500", _says(Response(500))),
    Fault("502, done", _says(Response(502), acts=True)),
    Fault("503, wait 1 s", _says(Response(503, b"", {"Retry-After": "1"}))),
    Fault("503, wait 1 h", _says(Response(503, b"", {"Retry-After": "3600"}))),
    Fault("429", _says(Response(429))),
]
ZOHO = [
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in API_ERRORS.items()),
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in TOKEN_ERRORS.items()),
    Fault("wrong JSON: rows", _says(_json('{"history": [[]], "info": {"more_records": false}}'))),
    Fault("wrong JSON: info", _says(_json('{"history": [], "info": {"more_records": "no"}}'))),
    Fault("empty history", _conceals(_json('{"history": [], "info": {"more_records": false}}'))),
    Fault("204", _conceals(Response(204))),
    Fault("a row appears meanwhile", _row_appears, honest=True),
]


SLACK = [
    Fault("Slack: refused", _refuses(ERRORS["invalid_blocks"])),
    Fault("429, wait 1 s", _says(rate_limited(1))),
    Fault("429, wait 1 h", _says(rate_limited(3600))),
    *(Fault(f"Slack: {code}", _says(ERRORS[code])) for code in ("invalid_token", "no_service", "channel_is_archived")),
    Fault("Slack: rollup_error", _says(ERRORS["rollup_error"])),
]
