"""What can happen to a request of requests: to Zoho, to the channels, and to whoever else speaks HTTP."""

from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from sandbox.channels import FAKES
from sandbox.server import Response
from sandbox.zoho import links, plan
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.faults.calls import HttpCall
from tests.faults.faults import Fault, Note, Play, around

if TYPE_CHECKING:
    from tests.faults.world import World

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""When each timeline begins."""
TRICKLE_SECONDS = CONNECT_SECONDS = 3.0
ADDRESSES = 8


def _says(answer: Response | None, note: Note = lambda world: None, *, acts: bool = False) -> Play:
    """Return a fault in which the server answers this (None: it hangs up), and the world takes a note."""

    def play(call: HttpCall, world: "World") -> Any:
        note(world)
        return call.turn(answer, acts=acts)

    return play


REFUSES, BREAKS, HIDES = (methodcaller(name) for name in ("refuse", "break_channel", "deceive"))


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


def _many_addresses(call: HttpCall, world: "World") -> Any:
    """Let each address of the host take its own time to connect, in vain."""
    for _ in range(ADDRESSES):
        world.pass_time(CONNECT_SECONDS)
    call.fail("connect timed out")


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
    Fault("many addresses", _many_addresses),
    Fault("cut answer, done", _says(CUT, acts=True)),
    Fault("half of a JSON, done", _says(_json('{"history": [{"id": "48768'), acts=True)),
    Fault("wrong JSON: list", _says(_json("[1]"))),
    Fault("wrong JSON: null, done", _says(_json("null"), acts=True)),
    Fault("empty body, done", _says(Response(200), acts=True)),
    Fault("HTML, 200", _says(MAINTENANCE)),
    Fault("HTML, 200, done", _says(MAINTENANCE, acts=True)),
    Fault("HTML, 503", _says(Response.text("<html>down</html>", 503, "text/html"))),
    Fault("redirect", _says(ELSEWHERE)),
    Fault("400", _says(Response(400), methodcaller("break_channel", surely=False))),
    Fault("500", _says(Response(500))),
    Fault("502, done", _says(Response(502), acts=True)),
    *(
        Fault(f"{status}, wait {wait}", _says(Response(status, b"", {"Retry-After": wait} if wait else {})))
        for status in (429, 503)
        for wait in ("", "1", "3600")
    ),
]
ZOHO = [
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in (API_ERRORS | TOKEN_ERRORS).items()),
    Fault("204", _says(Response(204), HIDES)),
]
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
}
for name, fake in FAKES.items():
    BY_PLACE[f"{name} webhook"] = [
        *(Fault(f"{fake.label}: {error}", _says(fake.errors[error])) for error in fake.transient),
        *(Fault(f"{fake.label}: {error}", _says(fake.errors[error], REFUSES)) for error in fake.refused),
        *(Fault(f"{fake.label}: {error}", _says(fake.errors[error], BREAKS)) for error in fake.gone),
    ]


def faults_of(call: HttpCall) -> list[Fault]:
    """Return what can happen to this call and to none of botocore's."""
    return [*HTTP, *(ZOHO if call.service == "zoho" else []), *BY_PLACE.get(call.place, [])]
