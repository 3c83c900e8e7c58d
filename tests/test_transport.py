"""HTTP at the wire: what is trusted, what is refused, what is repeated, and where every answer ends."""

import gzip
import json
import logging
import signal
import socket
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from handler import transport
from handler.errors import TransportError
from handler.transport import Deadline
from sandbox.server import Fault, Response
from sandbox.zoho import row
from tests.wire import CHUNK, Authority, Echo, RudeServer, trickling
from tests.world import TLS

AMPLE = Deadline(lambda: 60.0)
A_MOMENT = Deadline(lambda: 0.2)
"""Over sooner than any timeout of a socket, by the real clock only: this one never moves."""


@pytest.fixture
def echo() -> Iterator[Echo]:
    """Give a server that answers everything."""
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def reading(authority: Authority, sleeps: list[float]) -> Iterator[requests.Session]:
    """Give a session that retries, without waiting in between, and trusts the tests' authority."""
    with transport.make_session(transport.tls_context(authority.bundle), transport.RETRY) as session:
        yield session


@pytest.fixture
def sending() -> Iterator[requests.Session]:
    """Give a session that never retries."""
    with transport.make_session(TLS) as session:
        yield session


# --- An answer --------------------------------------------------------------------------------------------------------


def test_an_answer_is_handed_on_as_it_came(echo: Echo, sending: requests.Session) -> None:
    """Status and body arrive, and the server saw the request; a repr shows no body, which may hold a token."""
    answer = transport.fetch(sending, "POST", echo.url + "/a", deadline=AMPLE, json={"b": 1})
    assert (answer.status, answer.body, repr(answer)) == (200, b"hello", "Response(200)")
    seen = echo.requests[0]
    assert (seen.method, seen.path, seen.json()) == ("POST", "/a", {"b": 1})
    assert seen.headers["User-Agent"] == "zoho-backup-notifier"


def test_a_page_of_the_longest_rows_fits_into_an_answer(echo: Echo, sending: requests.Session) -> None:
    """Names and files as long as Zoho takes them, twelve bytes of JSON each character; compressed."""
    raw = row(datetime(2026, 1, 1, tzinfo=UTC), file_name="\U0001f4be" * 255)
    raw["done_by"]["name"] = "\U0001f4be" * 121
    body = json.dumps([raw] * 200).encode()
    echo.script("any", Response(200, gzip.compress(body), {"Content-Encoding": "gzip"}))
    assert transport.fetch(sending, "GET", echo.url, deadline=AMPLE).json() == [raw] * 200


NO_JSON = (b"", b"[" * 200_000, b"9" * 5_000, b'{"a": "\xff\xfe"}', b"{} {}", b"{")


def test_what_is_no_json_says_so() -> None:
    """Whatever is wrong with it: too deep, a number of too many digits, no UTF-8, two values, half of one."""
    for body in NO_JSON:
        with pytest.raises(ValueError, match=r"\w"):
            transport.Response(200, body).json()


# --- Where every answer ends ------------------------------------------------------------------------------------------


def test_an_answer_may_be_as_long_as_the_limit(echo: Echo, sending: requests.Session) -> None:
    """The limit itself still passes, a byte more doesn't."""
    limit = transport.MAX_BYTES
    echo.script("any", Response(200, b"x" * limit), Response(200, b"x" * (limit + 1)))
    assert len(transport.fetch(sending, "GET", echo.url, deadline=AMPLE).body) == limit
    with pytest.raises(TransportError, match=f"longer than {limit} bytes"):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)


def test_a_gzip_bomb_is_cut_at_the_limit(echo: Echo, sending: requests.Session) -> None:
    """A body that expands a millionfold never fills the memory."""
    body = gzip.compress(gzip.compress(bytes(200_000_000), compresslevel=1))
    echo.script("any", Response(200, body, {"Content-Encoding": "gzip, gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match="longer than"):
            transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
        assert tracemalloc.get_traced_memory()[1] < 4 * transport.MAX_BYTES
    finally:
        tracemalloc.stop()


def test_an_error_page_without_an_end_is_not_read_before_the_next_try(reading: requests.Session) -> None:
    """urllib3 would read all of a 503 before it tries again, without any limit of size or time."""
    head = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: trickling(head, CHUNK, b"", times=100_000))) as server:
        with pytest.raises(TransportError):
            transport.fetch(reading, "GET", server.url, deadline=AMPLE)
        assert server.connections == 3
        assert server.sent < 25 * transport.MAX_BYTES  # most of it waits in sockets


def test_a_silent_server_is_given_up(echo: Echo, sending: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an answer ends with the read timeout, which lets a server take six seconds."""
    assert (transport.CONNECT_SECONDS, transport.READ_SECONDS) == (3, 8)
    monkeypatch.setattr(transport, "READ_SECONDS", 0.05)
    echo.standing["any"] = Fault(drops=True, until=threading.Event())
    with pytest.raises(TransportError, match="ReadTimeout"):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)


# --- One clock around every exchange ----------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = b"Content-Length: 5\r\n\r\nhello"
SLOW = {
    "silence": (b"", b"", OK + HELLO),
    "headers": (OK + b"X: ", b"x", b"\r\n" + HELLO),
    "a body": (OK + b"Content-Length: 302\r\n\r\n<", b"x", b">"),
}
"""What comes at first, what comes then piece by piece, and what would make it a good answer in the end."""


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_exchange_ends_with_its_time_whatever_the_peer_does(
    authority: Authority, reading: requests.Session, slow: str, scheme: str
) -> None:
    """A slow server is asked once, never gets to the end of its answer, and the next request gets its own answer."""
    answers = [trickling(*SLOW[slow])]
    certificate = authority.certify("127.0.0.1") if scheme == "https" else None

    def say() -> Iterator[bytes]:
        yield from answers.pop() if answers else [OK + HELLO]

    with closing(RudeServer(say, pause_seconds=0.02, certificate=certificate)) as server:
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(reading, "GET", server.url, deadline=A_MOMENT)
        answers.clear()  # where the handshake took all the time
        assert transport.fetch(reading, "GET", server.url, deadline=AMPLE).body == b"hello"
        assert server.requests <= 2
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert server.sent < 150


@pytest.mark.filterwarnings(
    "ignore:unclosed <socket"
)  # urllib3 leaves it to its destructor where connecting is cut off
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_accepts_no_connection_is_given_up_in_time(reading: requests.Session, scheme: str) -> None:
    """Its queue is full, so that the handshake of TCP never ends."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TransportError, match="too slowly"):
            transport.fetch(reading, "POST", url, deadline=A_MOMENT, json={})


SECONDS = st.floats(0, 1_000)


@given(remaining=SECONDS, reserve=SECONDS, seconds=SECONDS)
def test_a_deadline_is_never_made_later(remaining: float, reserve: float, seconds: float) -> None:
    """Each who hands it down keeps some time for what comes after, or sets a limit from now on; both add up."""
    deadline = Deadline(lambda: remaining, reserve)
    assert deadline.left() == remaining - reserve
    assert deadline.keeping(seconds).left() == pytest.approx(deadline.left() - seconds)
    assert deadline.within(seconds).left() == pytest.approx(min(deadline.left(), seconds))


# --- Cookies ----------------------------------------------------------------------------------------------------------


def test_no_cookie_is_sent_back(echo: Echo, sending: requests.Session) -> None:
    """All organisations share a session: the cookie of one would go out with the requests of the others."""
    echo.script("any", Response(200, b"", {"Set-Cookie": "JSESSIONID=canary; Path=/"}))
    for _ in range(2):
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
    assert "Cookie" not in echo.requests[1].headers
    assert not list(sending.cookies)


# --- What is repeated, and what never is ------------------------------------------------------------------------------

TROUBLE: dict[str, Fault] = {
    **{str(status): Fault(Response(status)) for status in (429, 500, 502, 503, 504)},
    **{f"{s}, later": Fault(Response(s, headers={"Retry-After": "3600"})) for s in (413, 429, 503)},
    "dropped": Fault(drops=True),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize(("session", "tries"), [("reading", 3), ("sending", 1)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reading_is_tried_three_times_and_sending_once(
    echo: Echo, request: pytest.FixtureRequest, sleeps: list[float], trouble: str, session: str, tries: int, method: str
) -> None:
    """A lost answer to a message must stay one repeat, of the next invocation; the last answer is handed on.

    No pause is as long as a server may ask for: the next invocation comes soon enough, and this one has a deadline.
    """
    fault = echo.standing["any"] = TROUBLE[trouble]
    try:
        answer = transport.fetch(request.getfixturevalue(session), method, echo.url, deadline=AMPLE)
        assert fault.response
        assert answer.status == fault.response.status
    except TransportError:
        assert fault.drops
    assert len(echo.requests) == tries
    assert sum(sleeps) <= 4


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
def test_no_exception_and_no_log_record_holds_the_url(
    echo: Echo,
    reading: requests.Session,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    failure: str,
) -> None:
    """A webhook's path is its secret, and requests and urllib3 put URLs into everything they say."""
    echo.standing["any"] = Fault(drops=True)
    url = FAILURES[failure](echo) + "/services/T0/B0/canaryWEBHOOK"
    with caplog.at_level(logging.DEBUG), pytest.raises(TransportError) as raised:
        transport.fetch(reading, "POST", url, deadline=AMPLE)
    said = [*traceback.format_exception(raised.value), repr(raised.value), caplog.text, *capfd.readouterr()]
    assert not [text for text in said if "canary" in text or url in text]
    assert raised.value.__suppress_context__


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["unknown authority", "other name", "expired"])
def test_a_server_is_trusted_by_the_bundle_alone_and_any_other_refused_before_a_request_is_sent(
    authority: Authority, reading: requests.Session, tmp_path: Path, wrong: str
) -> None:
    """Unknown authority, another host's certificate, an expired one: not a byte of the request leaves."""
    signer = Authority(tmp_path) if wrong == "unknown authority" else authority
    names = ["zoho.example"] if wrong == "other name" else ["127.0.0.1"]
    with closing(Echo(signer.certify(*names, expired=wrong == "expired"))) as server:
        with pytest.raises(TransportError, match="SSLError"):
            transport.fetch(reading, "POST", server.url, deadline=AMPLE, data={"client_secret": "canary"})
        assert server.requests == []


# --- Surroundings ----------------------------------------------------------------------------------------------------


def test_nothing_is_taken_from_the_surroundings(
    echo: Echo, sending: requests.Session, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy that a variable names, no password that a netrc holds, no authority that a variable adds."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login canary password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.bundle)
    with closing(Echo()) as proxy, closing(Echo(authority.certify("127.0.0.1"))) as stranger:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        transport.fetch(sending, "GET", echo.url, deadline=AMPLE)
        with pytest.raises(TransportError, match="SSLError"):
            transport.fetch(sending, "GET", stranger.url, deadline=AMPLE)
        assert proxy.requests == []
    assert "Authorization" not in echo.requests[0].headers
