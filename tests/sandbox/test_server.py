"""The server under every fake: it records what arrived, and a test scripts what happens to it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from sandbox.server import Fault, Request, Response, Server


class Counter(Server):
    """A server that counts what it did."""

    done = 0

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


def test_every_request_is_recorded_without_its_secrets(server: Counter) -> None:
    """A failing assertion prints requests: what may hold a secret stays out of that."""
    requests.post(f"{server.url}/a/b?x=canary&y=", data={"p": "canary"}, headers={"X-One": "canary"}, timeout=5)
    (one,) = server.requests
    assert (one.kind, one.method, one.path, one.status) == ("a", "POST", "/a/b", 200)
    assert (one.query, one.form, one.headers["x-one"]) == ({"x": "canary", "y": ""}, {"p": "canary"}, "canary")
    assert "canary" not in repr(one)


def test_faults_are_taken_in_order_and_by_kind(server: Counter) -> None:
    """First what is scripted, then what stands; another kind is served; a client can be told less than was done."""
    server.script("a", Response(503), Fault(Response(500), acts=True), Fault(drops=True, acts=True))
    server.standing["a"] = Fault(Response(418))
    assert [requests.get(f"{server.url}/{kind}", timeout=5).status_code for kind in ("a", "b", "a")] == [503, 200, 500]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/a", timeout=5)
    assert requests.get(f"{server.url}/a", timeout=5).status_code == 418
    assert (server.done, [request.status for request in server.requests]) == (3, [503, 200, 500, None, 418])
