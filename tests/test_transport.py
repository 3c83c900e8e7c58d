"""HTTP at the wire: what is trusted, what is refused, what is repeated, and where every answer ends."""

import gzip
import logging
import ssl
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from handler import transport
from handler.errors import TransportError
from sandbox.server import Fault, Request, Response, Server
from tests.wire import CHUNK, Authority, RudeServer, RunningOut, endless
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


def ample() -> float:
    """Leave all the time there is."""
    return 60.0


# --- An answer --------------------------------------------------------------------------------------------------------


def test_an_answer_is_handed_on_as_it_came(echo: Echo, sending: requests.Session) -> None:
    """Status and body arrive, and what the server saw is what was asked for."""
    answer = transport.fetch(sending, "POST", echo.url + "/a", seconds=ample, json={"b": 1})
    assert (answer.status, answer.body) == (200, b"hello")
    seen = echo.requests[0]
    assert (seen.method, seen.path, seen.json()) == ("POST", "/a", {"b": 1})
    assert seen.headers["User-Agent"] == "zoho-backup-notifier"


def test_an_answer_shows_no_body() -> None:
    """A body may hold a token, and a repr ends up in logs."""
    assert repr(transport.Answer(200, b"canary")) == "Answer(200)"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html>", b"\xff", b"[" * 200_000, b"1" * 5_000], ids=lambda b: b[:6].hex()
)
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    """Also what is nested too deep, or a number too long."""
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is all that callers look at
        transport.Answer(200, body).json()


def test_a_compressed_answer_is_read(echo: Echo, sending: requests.Session) -> None:
    """Zoho compresses when asked to."""
    echo.script("any", Response(200, gzip.compress(b"[1, 2]"), {"Content-Encoding": "gzip"}))
    assert transport.fetch(sending, "GET", echo.url, seconds=ample).json() == [1, 2]


# --- Where every answer ends ------------------------------------------------------------------------------------------


def test_an_answer_may_be_as_long_as_the_limit(
    echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit itself still passes, a byte more doesn't."""
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 100_000)
    echo.script("any", Response(200, b"x" * 100_000), Response(200, b"x" * 100_001))
    assert len(transport.fetch(sending, "GET", echo.url, seconds=ample).body) == 100_000
    with pytest.raises(TransportError, match="longer than 100000 bytes"):
        transport.fetch(sending, "GET", echo.url, seconds=ample)


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
            transport.fetch(sending, "GET", echo.url, seconds=ample)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * transport.MAX_ANSWER_BYTES


def test_an_answer_without_an_end_ends_with_the_time(sending: requests.Session) -> None:
    """A slow trickle never times out by itself: every piece of it is in time."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(sending, "GET", server.url, seconds=RunningOut(10))
        assert server.connections == 1


def test_an_error_page_without_an_end_is_not_read_before_the_next_try(
    reading: requests.Session, sleeps: list[float]
) -> None:
    """urllib3 would read all of a 503 before it tries again, without any limit of size or time."""
    head = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        with pytest.raises(TransportError):
            transport.fetch(reading, "GET", server.url, seconds=ample, attempts=3)
        assert server.connections == 3
        assert server.sent < 8 * transport.MAX_ANSWER_BYTES


def test_without_time_nothing_is_sent(echo: Echo, sending: requests.Session) -> None:
    """What cannot be waited for is not asked for."""
    with pytest.raises(TransportError, match="no time left"):
        transport.fetch(sending, "GET", echo.url, seconds=lambda: 0.0)
    assert echo.requests == []


@pytest.mark.parametrize(
    ("seconds", "attempts", "connect", "read"),
    [(60, 1, 3, 8), (60, 3, 3, 8), (6, 1, 3, 3), (12, 3, 2, 2), (0.6, 3, 0.1, 0.1)],
)
def test_timeouts_are_explicit_and_fit_into_the_time_left(
    sending: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    attempts: int,
    connect: float,
    read: float,
) -> None:
    """Every attempt's connecting and reading, one after the other, take no longer than there is."""
    seen: dict[str, Any] = {}

    def refuse(*args: object, **request: Any) -> None:
        seen.update(request)
        raise requests.ConnectionError

    monkeypatch.setattr(sending, "request", refuse)
    with pytest.raises(TransportError):
        transport.fetch(sending, "GET", "http://127.0.0.1", seconds=lambda: seconds, attempts=attempts)
    assert seen["timeout"].connect_timeout == pytest.approx(connect)
    assert seen["timeout"].read_timeout == pytest.approx(read)
    assert (connect + read) * attempts <= max(seconds, 11 * attempts)


def test_a_silent_server_is_given_up(echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an answer ends with the read timeout."""
    monkeypatch.setattr(transport, "READ_SECONDS", 0.05)
    echo.standing["any"] = Fault(drops=True, until=threading.Event())
    with pytest.raises(TransportError, match="ReadTimeout"):
        transport.fetch(sending, "GET", echo.url, seconds=ample)


# --- What is repeated, and what never is ------------------------------------------------------------------------------

TROUBLE = [
    *(pytest.param(Fault(Response(status)), id=str(status)) for status in (429, 500, 502, 503, 504)),
    pytest.param(Fault(Response(503, headers={"Retry-After": "1"})), id="503 and Retry-After"),
    pytest.param(Fault(Response(429, headers={"Retry-After": "1"})), id="429 and Retry-After"),
    pytest.param(Fault(Response(413, headers={"Retry-After": "1"})), id="413 and Retry-After"),
    pytest.param(Fault(drops=True), id="dropped"),
]


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reading_is_tried_three_times(
    echo: Echo, reading: requests.Session, sleeps: list[float], trouble: Fault, method: str
) -> None:
    """Two failures are got over, and only there."""
    echo.script("any", trouble, trouble)
    assert transport.fetch(reading, method, echo.url, seconds=ample, attempts=3).body == b"hello"
    assert len(echo.requests) == 3


@pytest.mark.parametrize("trouble", TROUBLE)
def test_reading_is_given_up_after_three_tries(
    echo: Echo, reading: requests.Session, sleeps: list[float], trouble: Fault
) -> None:
    """The last answer is handed on, so that its reason is known."""
    echo.standing["any"] = trouble
    if trouble.response:
        assert transport.fetch(reading, "GET", echo.url, seconds=ample).status == trouble.response.status
    else:
        with pytest.raises(TransportError):
            transport.fetch(reading, "GET", echo.url, seconds=ample)
    assert len(echo.requests) == transport.ATTEMPTS == 3


@pytest.mark.parametrize("trouble", TROUBLE)
def test_sending_is_never_repeated(echo: Echo, sending: requests.Session, trouble: Fault) -> None:
    """A lost answer must stay one repeat, of the next invocation, not three."""
    echo.standing["any"] = trouble
    try:
        transport.fetch(sending, "POST", echo.url, seconds=ample, json={})
    except TransportError:
        assert trouble.drops
    assert len(echo.requests) == 1


def test_a_long_retry_after_is_not_slept_through(echo: Echo, reading: requests.Session, sleeps: list[float]) -> None:
    """The next invocation comes soon enough; this one has a deadline."""
    echo.standing["any"] = Fault(Response(503, headers={"Retry-After": "3600"}))
    transport.fetch(reading, "GET", echo.url, seconds=ample)
    assert len(sleeps) == 2
    assert sum(sleeps) <= 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("session", ["reading", "sending"])
def test_redirects_are_never_followed(echo: Echo, request: pytest.FixtureRequest, status: int, session: str) -> None:
    """What is sent to one host is a secret that no other host may see."""
    with closing(Echo()) as other:
        echo.script("any", Response(status, headers={"Location": other.url + "/stolen"}))
        answer = transport.fetch(request.getfixturevalue(session), "POST", echo.url, seconds=ample, data={"a": "b"})
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
        transport.fetch(request.getfixturevalue(session), "POST", url, seconds=ample)
    told = (
        "".join(traceback.format_exception(raised.value))
        + repr(raised.value)
        + caplog.text
        + "".join(capfd.readouterr())
    )
    assert "canary" not in told
    assert url not in told
    assert raised.value.__suppress_context__


# --- TLS -------------------------------------------------------------------------------------------------------------


def trusting(authority: Authority) -> requests.Session:
    """Return a session that trusts the tests' authority."""
    return transport.make_session(transport.tls_context(authority.bundle), transport.RETRY)


def test_a_server_with_a_certificate_of_the_bundle_is_spoken_to(authority: Authority) -> None:
    """A private authority works when it is in the bundle."""
    with closing(Echo(authority.certify("127.0.0.1"))) as server, trusting(authority) as session:
        assert server.url.startswith("https:")
        assert transport.fetch(session, "GET", server.url, seconds=ample).body == b"hello"


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
            transport.fetch(session, "POST", server.url, seconds=ample, data={"client_secret": "canary"})
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
                    assert transport.fetch(session, "GET", url, seconds=ample).status == 200
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
        transport.fetch(sending, "GET", echo.url, seconds=ample)
        assert proxy.requests == []
    assert "Authorization" not in echo.requests[0].headers


def test_an_authority_that_a_variable_names_is_not_trusted(
    authority: Authority, sending: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the bundle that the settings name counts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.bundle)
    monkeypatch.setenv("SSL_CERT_FILE", authority.bundle)
    with closing(Echo(authority.certify("127.0.0.1"))) as server, pytest.raises(TransportError, match="SSLError"):
        transport.fetch(sending, "GET", server.url, seconds=ample)
