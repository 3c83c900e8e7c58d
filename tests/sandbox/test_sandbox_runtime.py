"""The Lambda environment: what a function sees of it and what is seen of the function."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from sandbox.runtime import LambdaEnvironment
from sandbox.server import Request, Response, Server

FUNCTION = """
import logging, os, sys, time, urllib.request

log = logging.getLogger("notifier")
log.setLevel("INFO")
calls = 0

def handle(event, context):
    global calls
    calls += 1
    log.info("called", extra={"calls": calls})
    print("plain words")
    match event.get("do"):
        case "raise":
            raise ValueError("no such luck")
        case "exit":
            os._exit(3)
        case "hang":
            urllib.request.urlopen(event["url"])
            time.sleep(600)
        case "shout":
            print("x" * 1_000_000)
    return {
        "calls": calls,
        "request_id": context.aws_request_id,
        "left": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
    }
"""


@pytest.fixture
def function(tmp_path: Path) -> Iterator[LambdaEnvironment]:
    """Give an environment of a small function."""
    (tmp_path / "function.py").write_text(FUNCTION)
    with closing(LambdaEnvironment({"MINE": "1"}, handler="function.handle", root=tmp_path)) as environment:
        yield environment


class Doorbell(Server):
    """A server that the function calls to say that it has begun."""

    on_ring: Callable[[], None] = staticmethod(lambda: None)

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "ring"

    def answer(self, request: Request) -> Response:
        """Tell the test."""
        self.on_ring()
        return Response()


def test_an_environment_serves_many_invocations(function: LambdaEnvironment) -> None:
    """The module is imported once; the first invocation is the cold one."""
    results = [function.invoke({}) for _ in range(3)]
    assert [result.payload["calls"] for result in results] == [1, 2, 3]
    assert [result.cold for result in results] == [True, False, False]
    assert all(result.ok for result in results)


def test_a_stopped_environment_starts_cold_again(function: LambdaEnvironment) -> None:
    """As Lambda does after a while."""
    function.invoke({})
    function.stop()
    again = function.invoke({})
    assert (again.cold, again.payload["calls"]) == (True, 1)


def test_the_function_sees_its_own_variables_only(function: LambdaEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given and what Lambda sets; nothing of this machine but PATH."""
    monkeypatch.setenv("AWS_PROFILE", "canary")
    monkeypatch.setenv("HOME", "canary")
    environment = function.invoke({}).payload["environment"]
    assert environment["MINE"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "notifier"
    assert "canary" not in environment.values()


def test_the_context_has_the_request_id_and_the_deadline(function: LambdaEnvironment) -> None:
    """As given by the invocation."""
    payload = function.invoke({}, request_id="ours", timeout=30).payload
    assert payload["request_id"] == "ours"
    assert 0 < payload["left"] <= 30_000


def test_logs_are_parsed_and_complete(function: LambdaEnvironment) -> None:
    """Each invocation has its own lines: JSON ones parsed, everything else in the output."""
    function.invoke({})
    result = function.invoke({}, request_id="second")
    assert [(line["message"], line["calls"], line["requestId"]) for line in result.logs] == [("called", 2, "second")]
    assert "plain words" in result.output


def test_a_long_output_blocks_nothing(function: LambdaEnvironment) -> None:
    """A megabyte is more than any pipe holds."""
    assert len(function.invoke({"do": "shout"}).output) > 1_000_000


def test_an_exception_is_an_error_with_its_trace(function: LambdaEnvironment) -> None:
    """In Lambda's words; the environment lives on."""
    result = function.invoke({"do": "raise"})
    assert not result.ok
    assert (result.payload["errorType"], result.payload["errorMessage"]) == ("ValueError", "no such luck")
    assert function.invoke({}).payload["calls"] == 2


def test_a_process_that_ends_is_an_error_and_the_next_one_is_cold(function: LambdaEnvironment) -> None:
    """Its log is there all the same."""
    result = function.invoke({"do": "exit"})
    assert (result.ok, result.payload["errorType"]) == (False, "Runtime.ExitError")
    assert [line["message"] for line in result.logs] == ["called"]
    assert function.invoke({}).cold


def test_the_process_is_killed_at_the_deadline(function: LambdaEnvironment) -> None:
    """Not asked, killed; the next invocation is cold."""
    with closing(Doorbell()) as doorbell:
        result = function.invoke({"do": "hang", "url": doorbell.url}, timeout=0.5)
    assert (result.ok, result.payload["errorType"]) == (False, "Sandbox.Timedout")
    assert re.search(r"Task timed out after 0\.50 seconds", result.payload["errorMessage"])
    assert function.invoke({}).payload["calls"] == 1


def test_it_can_be_killed_in_the_middle_of_an_invocation(function: LambdaEnvironment) -> None:
    """From another thread, here the one that serves a request of the function."""
    with closing(Doorbell()) as doorbell:
        doorbell.on_ring = function.kill
        result = function.invoke({"do": "hang", "url": doorbell.url})
    assert (result.ok, result.payload["errorType"]) == (False, "Runtime.ExitError")
    assert function.invoke({}).cold


def test_a_kill_between_invocations_makes_the_next_one_cold(function: LambdaEnvironment) -> None:
    """It is not an error."""
    function.invoke({})
    function.kill()
    result = function.invoke({})
    assert (result.ok, result.cold) == (True, True)


@pytest.mark.parametrize(
    ("module", "error"), [("raise ValueError('x')", "ValueError"), ("import nowhere", "Runtime.ImportModuleError")]
)
def test_an_init_error_is_told_every_time(tmp_path: Path, module: str, error: str) -> None:
    """A module that can't be imported fails each invocation, cold."""
    (tmp_path / "function.py").write_text(module)
    with closing(LambdaEnvironment({}, handler="function.handle", root=tmp_path)) as function:
        results = [function.invoke({}) for _ in range(2)]
    assert [(result.ok, result.cold, result.payload["errorType"]) for result in results] == [(False, True, error)] * 2


def test_nothing_is_left_running(function: LambdaEnvironment) -> None:
    """After a stop neither the process's Runtime API nor a thread of it is there."""
    before = set(threading.enumerate())
    api = f"http://{function.invoke({}).payload['environment']['AWS_LAMBDA_RUNTIME_API']}"
    function.stop()
    assert set(threading.enumerate()) == before
    with pytest.raises(requests.ConnectionError):
        requests.get(api, timeout=5)
