"""The server under every fake: what a test can record, script and hold."""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
import requests

from sandbox.server import Fault, Request, Response, Server
from tests.wire import Authority


class Counter(Server):
    """A server that counts what it did."""

    def __init__(self, certificate: str | None = None) -> None:
        """Start at nought."""
        self.done = 0
        super().__init__(certificate)

    def kind(self, method: str, path: str) -> str:
        """Take the path's first part."""
        return path.split("/")[1]

    def answer(self, request: Request) -> Response:
        """Count."""
        with self.lock:
            self.done += 1
        return Response.json({"done": self.done})


@pytest.fixture
def server() -> Iterator[Counter]:
    """Give a counting server."""
    with closing(Counter()) as server:
        yield server


def test_every_request_is_recorded_as_it_arrived(server: Counter) -> None:
    """Method, path, query, form, headers and status."""
    requests.post(f"{server.url}/a/b?x=1&y=", data={"p": "q r"}, headers={"X-One": "1"}, timeout=5)
    requests.put(f"{server.url}/c", json=[1], timeout=5)
    first, second = server.requests
    assert (first.kind, first.method, first.path, first.query) == ("a", "POST", "/a/b", {"x": "1", "y": ""})
    assert (first.form, first.headers["x-one"], first.status) == ({"p": "q r"}, "1", 200)
    assert (second.kind, second.method, second.json(), second.form) == ("c", "PUT", [1], {})


def test_a_record_shows_no_secret_in_its_repr(server: Counter) -> None:
    """A failing assertion prints requests; headers, query and body stay out of it."""
    headers = {"Authorization": "canary"}
    requests.post(f"{server.url}/a?token=canary", data={"secret": "canary"}, headers=headers, timeout=5)
    assert "canary" not in repr(server.requests)


def test_turns_are_taken_in_order_and_by_kind(server: Counter) -> None:
    """One scripted fault answers one request of its kind; others and later ones are served."""
    server.script("a", Response(503), Response(429, headers={"Retry-After": "7"}))
    answers = [requests.get(f"{server.url}/{kind}", timeout=5) for kind in ("a", "b", "a", "a")]
    assert [answer.status_code for answer in answers] == [503, 200, 429, 200]
    assert answers[2].headers["Retry-After"] == "7"
    assert server.done == 2


def test_a_standing_turn_answers_until_it_is_removed(server: Counter) -> None:
    """It comes after what is scripted."""
    server.standing["a"] = Fault(Response(500))
    server.script("a", Response(418))
    assert [requests.get(f"{server.url}/a", timeout=5).status_code for _ in range(3)] == [418, 500, 500]
    del server.standing["a"]
    assert requests.get(f"{server.url}/a", timeout=5).status_code == 200


@pytest.mark.parametrize("acts", [False, True])
def test_a_dropped_connection_leaves_the_work_done_or_not(server: Counter, acts: bool) -> None:
    """The client learns nothing either way; the record has the request without a status."""
    server.script("a", Fault(drops=True, acts=acts))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/a", timeout=5)
    assert server.done == acts
    assert [request.status for request in server.requests] == [None]


def test_a_wrong_answer_can_hide_work_that_was_done(server: Counter) -> None:
    """The server acts and says 500."""
    server.script("a", Fault(Response(500), acts=True))
    assert requests.get(f"{server.url}/a", timeout=5).status_code == 500
    assert server.done == 1


def test_an_answer_can_be_held_until_the_test_lets_go(server: Counter) -> None:
    """The work is done and recorded meanwhile, and other requests are served: this is how a timeout is made."""
    held = threading.Event()
    server.script("a", Fault(until=held))
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/a", timeout=(5, 0.05))
    assert server.done == 1
    assert requests.get(f"{server.url}/b", timeout=5).json() == {"done": 2}
    held.set()


def test_closing_ends_what_is_held() -> None:
    """A test that fails while it holds an answer doesn't hang."""
    with closing(Counter()) as server:
        server.script("a", Fault(until=threading.Event()))
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{server.url}/a", timeout=(5, 0.05))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/a", timeout=5)


def test_an_answer_can_promise_more_than_it_brings(server: Counter) -> None:
    """The body is cut short: its Content-Length is a lie."""
    server.script("a", Response(200, b'{"history": [', {"Content-Length": "4096"}))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(f"{server.url}/a", timeout=5)


def test_a_connection_serves_many_requests(server: Counter) -> None:
    """HTTP/1.1 with keep-alive, also over an answer without a body."""
    server.script("a", Response(204), Response(200))
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.connect()
        connection.auto_open = False  # or it would connect again and hide that it had to
        for status in (204, 200, 200):
            connection.request("GET", "/a")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status


def test_a_chunked_body_is_read(server: Counter) -> None:
    """As any HTTP/1.1 server must."""
    requests.post(f"{server.url}/a", data=iter([b"one ", b"two"]), timeout=5)
    assert server.requests[0].body == b"one two"


def test_a_client_that_hangs_up_is_no_error(server: Counter, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed and the next one is served."""
    held = threading.Event()
    server.script("a", Fault(Response(200, b"x" * 10_000_000), until=held))
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/a", timeout=(5, 0.05))
    held.set()
    assert requests.get(f"{server.url}/b", timeout=5).status_code == 200
    assert capfd.readouterr().err == ""


def test_it_serves_https_with_a_certificate(authority: Authority) -> None:
    """The URL says so, a client that trusts the certificate is served, and one that doesn't breaks nothing."""
    with closing(Counter(authority.certify("127.0.0.1"))) as server:
        assert server.url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}/a", timeout=5)
        assert requests.get(f"{server.url}/a", verify=authority.bundle, timeout=5).status_code == 200
