"""HTTP at the wire: what is trusted, what is refused, what is repeated, and where every answer ends."""

import gzip
import json
import logging
import socket
import ssl
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from handler import transport
from handler.deadline import Deadline
from handler.errors import TransportError
from handler.exchange import Exchange
from sandbox.server import Fault, Request, Response, Server
from sandbox.zoho import row
from tests.wire import CHUNK, PATIENCE_SECONDS, Authority, RudeServer, RunningOut, endless, trickling
from tests.world import TLS

SECRET_PATH = "/services/T0/B0/canaryWEBHOOK"


class Echo(Server):
    """Answers everything with "hello"."""

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "any"

    def answer(self, request: Request) -> Response:
        """Say hello."""
        return Response.text("hello")


@pytest.fixture
def echo() -> Iterator[Echo]:
    """Give a server that answers everything."""
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def reading() -> Iterator[requests.Session]:
    """Give a session that retries."""
    with transport.make_session(TLS, transport.RETRY) as session:
        yield session


@pytest.fixture
def sending() -> Iterator[requests.Session]:
    """Give a session that never retries."""
    with transport.make_session(TLS) as session:
        yield session


AMPLE = Deadline(lambda: 60.0)


# --- An answer --------------------------------------------------------------------------------------------------------


def test_an_answer_is_handed_on_as_it_came(echo: Echo, sending: requests.Session) -> None:
    """Status and body arrive, and what the server saw is what was asked for."""
    answer = transport.fetch(sending, "POST", echo.url + "/a", deadline=AMPLE, json={"b": 1})
    assert (answer.status, answer.body) == (200, b"hello")
    seen = echo.requests[0]
    assert (seen.method, seen.path, seen.json()) == ("POST", "/a", {"b": 1})
    assert seen.headers["User-Agent"] == "zoho-backup-notifier"


def test_an_answer_shows_no_body() -> None:
    """A body may hold a token, and a repr ends up in logs."""
    assert repr(transport.Response(200, b"canary")) == "Response(200)"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"\xff",
        b"[" * 200_000,
        b"[" * 51 + b"]" * 51,
        b'{"a":' * 51 + b"1" + b"}" * 51,
        b"1" * 5_000,
    ],
    ids=lambda b: f"{b[:6].hex()}-{len(b)}",
)
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    """Also what is nested too deep, or a number too long."""
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is all that callers look at
        transport.Response(200, body).json()


@pytest.mark.parametrize("depth", [*range(51, 60), *range(100, 2_000, 7)])
def test_no_depth_is_a_recursion_error(depth: int) -> None:
    """Neither here nor where an answer is walked through or written again: there it is no deeper than 50."""
    with pytest.raises(ValueError, match="nested too deep"):
        transport.Response(200, b"[" * depth + b"]" * depth).json()


def test_json_may_be_as_deep_as_the_limit() -> None:
    """Far deeper than Zoho's."""
    assert transport.Response(200, b"[" * 50 + b"]" * 50).json()


def test_a_page_of_the_longest_rows_fits_into_an_answer() -> None:
    """Names and files as long as Zoho takes them, each character one that JSON writes in twelve bytes."""
    raw = row(datetime(2026, 1, 1, tzinfo=UTC), file_name="\U0001f4be" * 255)
    raw["done_by"]["name"] = "\U0001f4be" * 121
    assert len(json.dumps({"history": [raw] * 200})) < transport.MAX_BYTES


def test_a_compressed_answer_is_read(echo: Echo, sending: requests.Session) -> None:
    """Zoho compresses when asked to."""
    echo.script("any", Response(200, gzip.compress(b"[1, 2]"), {"Content-Encoding": "gzip"}))
    assert transport.fetch(sending, "GET", echo.url, deadline=AMPLE).json() == [1, 2]


# --- Where every answer ends ------------------------------------------------------------------------------------------


def test_an_answer_may_be_as_long_as_the_limit(echo: Echo, sending: requests.Session) -> None:
    """The limit itself still passes, a byte more doesn't."""
    limit = transport.MAX_BYTES
    echo.script("any", Response(200, b"x" * limit), Response(200, b"x" * (limit + 1)))
    assert len(transport.fetch(sending, "GET", echo.url, deadline=AMPLE).body) == limit
    with pytest.raises(TransportError, match=f"longer than {limit} bytes"):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)


@pytest.mark.parametrize("times", [1, 2])
def test_a_gzip_bomb_is_cut_at_the_limit(echo: Echo, sending: requests.Session, times: int) -> None:
    """A body that expands a thousandfold, or a millionfold, never fills the memory."""
    body, encodings = gzip.compress(bytes(200_000_000), compresslevel=1), "gzip"
    for _ in range(times - 1):
        body, encodings = gzip.compress(body), f"{encodings}, gzip"
    echo.script("any", Response(200, body, {"Content-Encoding": encodings}))
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match="longer than"):
            transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * transport.MAX_BYTES


def test_an_answer_without_an_end_ends_with_the_time(sending: requests.Session) -> None:
    """A slow trickle never times out by itself: every piece of it is in time."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(sending, "GET", server.url, deadline=Deadline(RunningOut(10)))
        assert server.connections == 1


def test_an_error_page_without_an_end_is_not_read_before_the_next_try(
    reading: requests.Session, sleeps: list[float]
) -> None:
    """urllib3 would read all of a 503 before it tries again, without any limit of size or time."""
    head = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        with pytest.raises(TransportError):
            transport.fetch(reading, "GET", server.url, deadline=AMPLE)
        assert server.connections == 3
        assert server.sent < 8 * transport.MAX_BYTES


def test_without_time_nothing_is_sent(echo: Echo, sending: requests.Session) -> None:
    """What cannot be waited for is not asked for."""
    with pytest.raises(TransportError, match="no time left"):
        transport.fetch(sending, "GET", echo.url, deadline=Deadline(lambda: 0.0))
    assert echo.requests == []


@pytest.mark.parametrize("seconds", [25, 13, 7])
def test_a_server_that_takes_six_seconds_is_waited_for(
    sending: requests.Session, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """However many attempts there are, and although two such answers have been waited for already."""
    seen: dict[str, Any] = {}

    def refuse(*args: object, **request: Any) -> None:
        seen.update(request)
        raise requests.ConnectionError

    monkeypatch.setattr(sending, "request", refuse)
    with pytest.raises(TransportError):
        transport.fetch(sending, "GET", "http://127.0.0.1", deadline=Deadline(lambda: seconds))
    assert seen["timeout"].connect_timeout == 3
    assert seen["timeout"].read_timeout > 6


def test_a_silent_server_is_given_up(echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an answer ends with the read timeout."""
    monkeypatch.setattr(transport, "READ_SECONDS", 0.05)
    echo.standing["any"] = Fault(drops=True, until=threading.Event())
    with pytest.raises(TransportError, match="ReadTimeout"):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)


# --- One clock around every exchange ----------------------------------------------------------------------------------

A_MOMENT = Deadline(lambda: 0.2)
"""Over sooner than any timeout of a socket; only the thread that waits notices, for this clock never moves."""
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "a status line": (b"HTTP/1.1 200 ", b"O", b"K\r\n" + HELLO),
    "a head": (OK + b"X: ", b"x", b"\r\n" + HELLO),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK + HELLO),
    "a body": (OK + b"Content-Length: 302\r\n\r\n<", b"x", b">"),
    "a chunk's size": (CHUNKED + b"5;", b"x", b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk": (CHUNKED + b"12d\r\n", b"x", b"!\r\n0\r\n\r\n"),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X", b": y\r\n\r\n"),
}
"""What comes at first, what comes then piece by piece, and what would make it a good answer in the end."""


def left_behind() -> list[threading.Thread]:
    """Return the exchanges that nobody waits for any more."""
    return [thread for thread in threading.enumerate() if isinstance(thread, Exchange)]


def wait_for_what_was_left_behind() -> None:
    """Wait until they have ended, each by itself."""
    for thread in left_behind():
        thread.join()


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
def test_an_exchange_ends_with_its_time_whatever_the_peer_does(
    authority: Authority, sleeps: list[float], slow: str, encrypted: bool
) -> None:
    """The server never gets to the end of its answer, is asked once only, and the next request gets its own answer."""
    answers = iter([trickling(*SLOW[slow]), [OK + HELLO.replace(b"hello", b"later")]])
    certificate = authority.certify("127.0.0.1") if encrypted else None
    with (
        closing(RudeServer(lambda: next(answers), pause_seconds=0.02, certificate=certificate)) as server,
        trusting(authority) as session,
    ):
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(session, "GET", server.url, deadline=A_MOMENT)
        wait_for_what_was_left_behind()
        assert server.sent < sum(map(len, trickling(*SLOW[slow]))) / 2
        assert server.requests <= 1  # none where connecting took all the time already
        if server.requests == 0:
            next(answers)
        assert transport.fetch(session, "GET", server.url, deadline=AMPLE).body == b"later"


def test_silence_ends_with_the_time(echo: Echo, reading: requests.Session) -> None:
    """Earlier than the timeout of the socket, where less than that is left."""
    echo.standing["any"] = Fault(until=threading.Event())
    with pytest.raises(TransportError, match="too slowly"):
        transport.fetch(reading, "GET", echo.url, deadline=A_MOMENT)
    wait_for_what_was_left_behind()
    assert len(echo.requests) == 1


@pytest.mark.parametrize("where", ["getaddrinfo", "connect"])
def test_what_is_connected_too_late_is_not_used(
    echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A resolver that hangs, addresses that drop packets: a message sent later would be one sent twice."""
    goes_on, done = threading.Event(), threading.Event()
    owner: Any = socket if where == "getaddrinfo" else socket.socket
    real = getattr(owner, where)

    def hang(*args: Any, **more: Any) -> Any:
        goes_on.wait(PATIENCE_SECONDS)
        found = real(*args, **more)
        done.set()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, hang)
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(sending, "POST", echo.url, deadline=A_MOMENT, json={})
        assert not done.is_set()
        assert [thread.daemon for thread in left_behind()] == [True]  # Ctrl-C ends a tool at once
        goes_on.set()
        wait_for_what_was_left_behind()
    assert done.is_set()
    assert echo.requests == []
    assert transport.fetch(sending, "POST", echo.url, deadline=AMPLE, json={}).body == b"hello"


def test_every_address_may_take_its_time_but_not_all_of_them_more_than_there_is(
    echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeout for connecting counts for each address of a host anew."""
    tried: list[object] = []

    def drop(self: socket.socket, address: Any) -> None:
        tried.append(address)
        if len(tried) < 8:
            hanging.wait(0.1)
            raise TimeoutError
        connect(self, address)

    connect, look_up, hanging = socket.socket.connect, socket.getaddrinfo, threading.Event()
    monkeypatch.setattr(socket.socket, "connect", drop)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: look_up(*args)[:1] * 8)
    with pytest.raises(TransportError, match="too slowly"):
        transport.fetch(sending, "GET", echo.url, deadline=A_MOMENT)
    wait_for_what_was_left_behind()
    assert len(tried) == 8
    assert echo.requests == []


def test_whatever_goes_wrong_in_time_is_raised_where_the_answer_is_waited_for(
    sending: requests.Session, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Mistakes of ours, too; a thread alone would print them, with what they hold, and go on."""

    def fail(*args: object, **more: object) -> None:
        raise SystemExit("canary")

    monkeypatch.setattr(sending, "request", fail)
    with pytest.raises(SystemExit, match="canary"):
        transport.fetch(sending, "GET", "http://127.0.0.1", deadline=AMPLE)
    assert capfd.readouterr() == ("", "")


def test_what_comes_between_the_end_and_the_look_at_it_is_late(sending: requests.Session) -> None:
    """However close: what was shut down must not count a moment later."""
    may_answer = threading.Event()

    class Close(Exchange[str]):
        def _end(self) -> None:
            super()._end()
            may_answer.set()
            self.join()

    def work() -> str:
        may_answer.wait(PATIENCE_SECONDS)
        return "late"

    with pytest.raises(TransportError, match="too slowly"):
        Close(work).result(0.01)


def test_who_stops_waiting_ends_the_exchange(echo: Echo, sending: requests.Session) -> None:
    """Ctrl-C while the tools wait."""
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> transport.Response:
        begun.set()
        goes_on.wait(PATIENCE_SECONDS)
        return transport.Response(200, sending.post(echo.url, timeout=PATIENCE_SECONDS).content)

    class Interrupted(Exchange[transport.Response]):
        def join(self, timeout: float | None = None) -> None:
            begun.wait(PATIENCE_SECONDS)
            raise KeyboardInterrupt

    exchange = Interrupted(work)
    with pytest.raises(KeyboardInterrupt):
        exchange.result(60)
    goes_on.set()
    threading.Thread.join(exchange)
    assert echo.requests == []


# --- Connections and cookies ------------------------------------------------------------------------------------------


def test_a_session_that_was_closed_connects_again(sending: requests.Session) -> None:
    """Closed at an invocation's end, it has no connection that could die while Lambda freezes it."""
    keeping_open = OK + HELLO
    gone = threading.Event()

    def say() -> Iterator[bytes]:
        yield keeping_open
        yield b"" if gone.wait(PATIENCE_SECONDS) else b"never"

    with closing(RudeServer(say)) as server:
        assert transport.fetch(sending, "GET", server.url, deadline=AMPLE).body == b"hello"
        sending.close()
        gone.set()
        assert transport.fetch(sending, "POST", server.url, deadline=AMPLE).body == b"hello"
        assert server.connections == 2


def test_within_an_invocation_connections_are_used_again(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake costs a check more than all else that it does with a page."""
    looked_up: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", counted(socket.getaddrinfo, looked_up))
    with closing(Echo(authority.certify("127.0.0.1"))) as server, trusting(authority) as session:
        for _ in range(3):
            transport.fetch(session, "GET", server.url, deadline=AMPLE)
    assert len(looked_up) == 1


def test_no_cookie_is_sent_back(echo: Echo, sending: requests.Session) -> None:
    """All organisations share a session: the cookie of one would go out with the requests of the others."""
    echo.script("any", Response(200, b"", {"Set-Cookie": "JSESSIONID=canary; Path=/"}))
    for _ in range(2):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
    assert "Cookie" not in echo.requests[1].headers
    assert not list(sending.cookies)


# --- What is repeated, and what never is ------------------------------------------------------------------------------

TROUBLE = [
    *(pytest.param(Fault(Response(status)), id=str(status)) for status in (429, 500, 502, 503, 504)),
    pytest.param(Fault(Response(503, headers={"Retry-After": "1"})), id="503 and Retry-After"),
    pytest.param(Fault(Response(429, headers={"Retry-After": "1"})), id="429 and Retry-After"),
    pytest.param(Fault(Response(413, headers={"Retry-After": "1"})), id="413 and Retry-After"),
    pytest.param(Fault(drops=True), id="dropped"),
]


@pytest.mark.parametrize("fault", TROUBLE)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reading_is_tried_three_times(
    echo: Echo, reading: requests.Session, sleeps: list[float], fault: Fault, method: str
) -> None:
    """Two failures are got over, and only there."""
    echo.script("any", fault, fault)
    assert transport.fetch(reading, method, echo.url, deadline=AMPLE).body == b"hello"
    assert len(echo.requests) == 3


@pytest.mark.parametrize("fault", TROUBLE)
def test_reading_is_given_up_after_three_tries(
    echo: Echo, reading: requests.Session, sleeps: list[float], fault: Fault
) -> None:
    """The last answer is handed on, so that its reason is known."""
    echo.standing["any"] = fault
    if fault.response:
        assert transport.fetch(reading, "GET", echo.url, deadline=AMPLE).status == fault.response.status
    else:
        with pytest.raises(TransportError):
            transport.fetch(reading, "GET", echo.url, deadline=AMPLE)
    assert len(echo.requests) == transport.ATTEMPTS == 3


@pytest.mark.parametrize("fault", TROUBLE)
def test_sending_is_never_repeated(echo: Echo, sending: requests.Session, fault: Fault) -> None:
    """A lost answer must stay one repeat, of the next invocation, not three."""
    echo.standing["any"] = fault
    try:
        transport.fetch(sending, "POST", echo.url, deadline=AMPLE, json={})
    except TransportError:
        assert fault.drops
    assert len(echo.requests) == 1


def test_a_long_retry_after_is_not_slept_through(echo: Echo, reading: requests.Session, sleeps: list[float]) -> None:
    """The next invocation comes soon enough; this one has a deadline."""
    echo.standing["any"] = Fault(Response(503, headers={"Retry-After": "3600"}))
    transport.fetch(reading, "GET", echo.url, deadline=AMPLE)
    assert len(sleeps) == 2
    assert sum(sleeps) <= 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("session", ["reading", "sending"])
def test_redirects_are_never_followed(echo: Echo, request: pytest.FixtureRequest, status: int, session: str) -> None:
    """What is sent to one host is a secret that no other host may see."""
    with closing(Echo()) as other:
        echo.script("any", Response(status, headers={"Location": other.url + "/stolen"}))
        answer = transport.fetch(request.getfixturevalue(session), "POST", echo.url, deadline=AMPLE, data={"a": "b"})
        assert answer.status == status
        assert other.requests == []
    assert len(echo.requests) == 1


# --- What never leaves -----------------------------------------------------------------------------------------------

FAILURES: dict[str, Callable[[Echo], str]] = {
    "refused": lambda echo: "http://127.0.0.1:1",
    "dropped": lambda echo: echo.url,
    "not TLS": lambda echo: echo.url.replace("http:", "https:"),
    "no such port": lambda echo: "http://127.0.0.1:99999",
    "no host": lambda echo: "http://",
    "not HTTP": lambda echo: "gopher://127.0.0.1",
    "bad name": lambda echo: "http://.127.0.0.1" + "x" * 80,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("session", ["reading", "sending"])
def test_no_exception_and_no_log_record_holds_the_url(
    echo: Echo,
    request: pytest.FixtureRequest,
    sleeps: list[float],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    failure: str,
    session: str,
) -> None:
    """A webhook's path is its secret, and requests and urllib3 put URLs into everything they say."""
    echo.standing["any"] = Fault(drops=True)
    url = FAILURES[failure](echo) + SECRET_PATH
    with caplog.at_level(logging.DEBUG), pytest.raises(TransportError) as raised:
        transport.fetch(request.getfixturevalue(session), "POST", url, deadline=AMPLE)
    said = (
        "".join(traceback.format_exception(raised.value))
        + repr(raised.value)
        + caplog.text
        + "".join(capfd.readouterr())
    )
    assert "canary" not in said
    assert url not in said
    assert raised.value.__suppress_context__


# --- TLS -------------------------------------------------------------------------------------------------------------


def trusting(authority: Authority) -> requests.Session:
    """Return a session that trusts the tests' authority."""
    return transport.make_session(transport.tls_context(authority.bundle), transport.RETRY)


def test_a_server_with_a_certificate_of_the_bundle_is_spoken_to(authority: Authority) -> None:
    """A private authority works when it is in the bundle."""
    with closing(Echo(authority.certify("127.0.0.1"))) as server, trusting(authority) as session:
        assert server.url.startswith("https:")
        assert transport.fetch(session, "GET", server.url, deadline=AMPLE).body == b"hello"


@pytest.mark.parametrize("wrong", ["unknown authority", "other name", "expired"])
def test_any_other_server_is_refused_before_a_request_is_sent(
    authority: Authority, tmp_path: Path, sleeps: list[float], wrong: str
) -> None:
    """Unknown authority, another host's certificate, an expired one: not a byte of the request leaves."""
    signer = Authority(tmp_path) if wrong == "unknown authority" else authority
    names = ["zoho.example"] if wrong == "other name" else ["127.0.0.1"]
    certificate = signer.certify(*names, expired=wrong == "expired")
    with closing(Echo(certificate)) as server, trusting(authority) as session:
        with pytest.raises(TransportError, match="SSLError"):
            transport.fetch(session, "POST", server.url, deadline=AMPLE, data={"client_secret": "canary"})
        assert server.requests == []


def counted(method: Callable[..., Any], calls: list[str]) -> Callable[..., Any]:
    """Return a method that notes each call of it."""

    def call(*args: Any, **more: Any) -> Any:
        calls.append(method.__name__)
        return method(*args, **more)

    return call


def test_the_certificates_are_loaded_once_for_all_hosts(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading them takes 30 ms, and requests would do it for each host."""
    loads: list[str] = []
    for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
        monkeypatch.setattr(ssl.SSLContext, name, counted(getattr(ssl.SSLContext, name), loads))
    pem = authority.certify("127.0.0.1", "localhost")
    with closing(Echo(pem)) as one, closing(Echo(pem)) as two:
        context = transport.tls_context(authority.bundle)
        with transport.make_session(context, transport.RETRY) as reading, transport.make_session(context) as sending:
            for session in (reading, sending):
                for url in (one.url, two.url, two.url.replace("127.0.0.1", "localhost")):
                    assert transport.fetch(session, "GET", url, deadline=AMPLE).status == 200
    assert len(loads) == 1


# --- Surroundings ----------------------------------------------------------------------------------------------------


def test_nothing_is_taken_from_the_surroundings(
    echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy that a variable names, no password that a netrc holds, no authority that a variable adds."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login canary password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with closing(Echo()) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
        assert proxy.requests == []
    assert "Authorization" not in echo.requests[0].headers


def test_an_authority_that_a_variable_names_is_not_trusted(
    authority: Authority, sending: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the bundle that the settings name counts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.bundle)
    monkeypatch.setenv("SSL_CERT_FILE", authority.bundle)
    with closing(Echo(authority.certify("127.0.0.1"))) as server, pytest.raises(TransportError, match="SSLError"):
        transport.fetch(sending, "GET", server.url, deadline=AMPLE)
