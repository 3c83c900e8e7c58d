"""What can happen to a request of requests: to Zoho, to the channels, and to whoever else speaks HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.channels import FAKES, Fake
from sandbox.server import Response
from sandbox.zoho import links, plan
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.simulation.faults import START, Fault, Surroundings
from tests.simulation.wire import HttpCall

TRICKLE_SECONDS = 3.0
CONNECT_SECONDS = 3.0
ADDRESSES = 8

Play = Callable[[HttpCall, Surroundings], Any]


def _says(answer: Response, *, acts: bool = False) -> Play:
    return lambda call, around: call.turn(answer, acts=acts)


def _refuses(answer: Response) -> Play:
    def play(call: HttpCall, around: Surroundings) -> Any:
        around.refuse()
        return call.turn(answer)

    return play


def _breaks(answer: Response, *, surely: bool = True) -> Play:
    def play(call: HttpCall, around: Surroundings) -> Any:
        if call.place.endswith(" webhook"):
            around.break_channel(surely=surely)
        return call.turn(answer)

    return play


def _conceals(answer: Response) -> Play:
    def play(call: HttpCall, around: Surroundings) -> Any:
        if call.place == "zoho history":
            around.deceive()
        return call.turn(answer)

    return play


def _drops(*, acts: bool) -> Play:
    return lambda call, around: call.turn(drops=True, acts=acts)


def _trickle(call: HttpCall, around: Surroundings) -> Any:
    response = call.act()
    whole = response.read1

    def read1(amount: int | None = None, **options: Any) -> Any:
        around.pass_time(TRICKLE_SECONDS)
        return whole(1, **options)

    response.read1 = read1
    return response


def _trickling_head(call: HttpCall, around: Surroundings) -> Any:
    """Let a byte of the head come now and then, so that no socket ever times out."""
    answer = call.act()
    for _ in range(40):
        around.pass_time(TRICKLE_SECONDS)
    return answer


def _many_addresses(call: HttpCall, around: Surroundings) -> Any:
    """Let each address of the host take its own time to connect, in vain."""
    for _ in range(ADDRESSES):
        around.pass_time(CONNECT_SECONDS)
    call.fail("connect timed out")


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
    Fault("trickling head, done", _trickling_head),
    Fault("many addresses", _many_addresses),
    Fault("cut answer, done", _says(_CUT, acts=True)),
    Fault("half of a JSON, done", _says(_json('{"history": [{"id": "48768'), acts=True)),
    Fault("wrong JSON: list", _says(_json("[1]"))),
    Fault("wrong JSON: null, done", _says(_json("null"), acts=True)),
    Fault("empty body, done", _says(Response(200), acts=True)),
    Fault("HTML, 200", _says(MAINTENANCE)),
    Fault("HTML, 200, done", _says(MAINTENANCE, acts=True)),
    Fault("HTML, 503", _says(Response.text("<html>down</html>", 503, "text/html"))),
    Fault("redirect", _says(Response(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))),
    Fault("400", _breaks(Response(400), surely=False)),
    Fault("500", _says(Response(500))),
    Fault("502, done", _says(Response(502), acts=True)),
    Fault("503, wait 1 s", _says(Response(503, b"", {"Retry-After": "1"}))),
    Fault("503, wait 1 h", _says(Response(503, b"", {"Retry-After": "3600"}))),
    Fault("429", _says(Response(429))),
    Fault("429, wait 1 s", _says(Response(429, b"", {"Retry-After": "1"}))),
    Fault("429, wait 1 h", _says(Response(429, b"", {"Retry-After": "3600"}))),
]
ZOHO = [
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in API_ERRORS.items()),
    *(Fault(f"Zoho: {code}", _says(answer)) for code, answer in TOKEN_ERRORS.items()),
    Fault("204", _conceals(Response(204))),
]
HISTORY = [
    Fault("wrong JSON: rows", _says(_json('{"history": [[]], "info": {"more_records": false}}'))),
    Fault("wrong JSON: info", _says(_json('{"history": [], "info": {"more_records": "no"}}'))),
    Fault("empty history", _conceals(_json('{"history": [], "info": {"more_records": false}}'))),
    Fault("a row appears meanwhile", _row_appears, honest=True),
]
PLANS = {
    "weekly": plan(next_run=START + timedelta(days=7)),
    "rarer than the history says": plan("RRULE:FREQ=MONTHLY;INTERVAL=3;BYDAY=1TH", START + timedelta(days=80)),
    "made by hand": plan(None),
    "turned off": plan(next_run=START, status="STOPPED"),
    "ended": plan("RRULE:FREQ=WEEKLY;COUNT=2", START, START - timedelta(days=60)),
    "hostile rule": plan("RRULE:FREQ=SECONDLY;INTERVAL=1", START),
    "endless rule": plan("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", START),
    "rule that is none": plan("RRULE:FREQ=DAILY;BYSETPOS=367;BYDAY=9XX;COUNT=99999999999", START),
    "no times": {"rrule": "RRULE:FREQ=WEEKLY", "scheduled_date": "soon", "start_date": 7, "status": None},
}
"""What Zoho may say of the plan, true or not."""


NO_PLANS: tuple[object, ...] = ([], "x", None)
MOVES_ON = "moves on"


def said(name: str, now: datetime) -> dict[str, Any] | None:
    """Return what Zoho says of the plan: one of `PLANS`, or a next run that is always still to come."""
    if name == MOVES_ON:
        weekday = now.weekday()
        run = now + timedelta(days=min((day - weekday) % 7 or 7 for day in (1, 2)))
        return plan("RRULE:FREQ=WEEKLY;BYDAY=TU,WE", run, START - timedelta(days=60))
    return PLANS.get(name)


BACKUP = [Fault(f"plan: {name}", _says(Response.json({"backup": shown}))) for name, shown in PLANS.items()]
BACKUP += [Fault(f"plan: {what}", _says(Response.json({"backup": what}))) for what in NO_PLANS]
URLS = [
    Fault("links: long ago", _says(Response.json({"urls": links(START - timedelta(days=900))}))),
    Fault("links: for ever", _says(Response.json({"urls": links(START + timedelta(days=9_000), 5_000)}))),
    Fault("links: no date", _says(Response.json({"urls": {"data_links": 5, "expiry_date": ["x"]}}))),
    Fault("links: none", _says(Response.json({"urls": None}))),
]


def channel_faults(fake: type[Fake]) -> list[Fault]:
    """Return everything that a channel's service answers when something is wrong."""
    label = fake.label
    return [
        *(Fault(f"{label}: {name}", _says(fake.errors[name])) for name in fake.transient),
        *(Fault(f"{label}: {name}", _refuses(fake.errors[name])) for name in fake.refused),
        *(Fault(f"{label}: {name}", _breaks(fake.errors[name])) for name in fake.gone),
    ]


CHANNELS = {f"{name} webhook": channel_faults(fake) for name, fake in FAKES.items()}
