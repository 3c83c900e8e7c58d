"""Where calls leave the process: urllib3, botocore and the exchanges that end by the clock, patched to be played."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from unittest.mock import patch

import botocore.endpoint
import urllib3.util.retry
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from botocore.retries.quota import RetryQuota
from urllib3.connection import HTTPConnection

from handler import exchange
from handler.exchange import Exchange
from sandbox.server import Server
from tests.simulation.stack import Stack
from tests.simulation.wire import AwsCall, Call, HttpCall

REAL_SECONDS = 60.0
"""An exchange ends by the simulated clock; should it hang, it ends by the real one."""


class _Time:
    """Stands in for the module ``time`` where libraries wait between their attempts."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class Player(Protocol):
    """Whoever plays the calls.

    Attributes:
        stack: What answers those of botocore.
    """

    stack: Stack

    def play(self, call: Call) -> Any:
        """Return the answer to a call, or raise."""

    def pass_time(self, seconds: float) -> None:
        """Wait, as the libraries do between their attempts."""

    def begin_exchange(self, exchange: Exchange[Any], seconds: float) -> None:
        """Note that an exchange ends after so many seconds."""

    def present(self) -> object:
        """Return the invocation that runs."""

    def is_running(self, invocation: object) -> bool:
        """Return whether an invocation still runs."""

    def freeze(self, service: str) -> None:
        """Note that a connection which slept since an earlier invocation was used."""


def _connections(
    servers: Mapping[int | None, tuple[str, Server]], around: Callable[[], Player]
) -> type[exchange._Connection]:
    """Return the class of urllib3's connections that are played."""

    class Connection(exchange._Connection):
        """Sends a request only when its answer is asked for, so that both are one boundary."""

        opened_in: object = None

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
                self.opened_in = around().present()
            elif not around().is_running(self.opened_in):
                around().freeze(servers[self.port][0])
                raise ConnectionResetError("it slept through a freeze")
            self._pending = args, kwargs

        def getresponse(self) -> Any:
            args, kwargs = self._pending

            def send_now() -> Any:
                HTTPConnection.request(self, *args, **kwargs)
                return HTTPConnection.getresponse(self)

            service, fake = servers[self.port]
            operation = fake.kind(args[0], args[1].partition("?")[0])
            if operation == "heartbeat":
                service, operation = "heartbeat", "ping"
            return around().play(HttpCall(service, operation, send_now, self, fake))

    return Connection


class _Aws:
    """What botocore's HTTP sessions do instead of sending."""

    def __init__(self, around: Callable[[], Player]) -> None:
        self._around = around
        self._used_in: dict[int, object] = {}

    def send(self, session: Any, request: AWSPreparedRequest) -> AWSResponse:
        """Play a request."""
        around = self._around()
        service = request.url.split("//")[1].split(".")[0]
        answers = around.stack.answer
        call = AwsCall(service, "", lambda: answers(request), request, answers, float(session._timeout.read_timeout))
        target = request.headers.get("X-Amz-Target")
        if isinstance(target, bytes):
            target = target.decode()
        call.operation = str(target).rpartition(".")[2] if target else call.form["Action"]
        if service == "sns" and not around.is_running(self._used_in.get(id(session), around.present())):
            around.freeze(service)  # the others try again by themselves
            call.fail("reset")
        self._used_in[id(session)] = around.present()
        answer: AWSResponse = around.play(call)
        return answer

    def close(self, session: Any) -> None:
        """Close idle connections; the next request opens new ones."""
        self._used_in.pop(id(session), None)


@contextmanager
def tapped(servers: Mapping[int | None, tuple[str, Server]], around: Callable[[], Player]) -> Iterator[None]:
    """Let every request of this process be played.

    A connection that an earlier invocation left open has died by the next one: Lambda freezes what is idle.

    Args:
        servers: Port → service and fake.
        around: Returns who plays.
    """

    def result(self: Exchange[Any], seconds: float) -> Any:
        around().begin_exchange(self, seconds)
        return whole(self, REAL_SECONDS)

    whole, aws = Exchange.result, _Aws(around)
    waits = _Time(lambda seconds: around().pass_time(seconds))
    with ExitStack() as patches:
        for target, name, new in (
            (exchange._Pool, "ConnectionCls", _connections(servers, around)),
            (Exchange, "result", result),
            (URLLib3Session, "send", lambda session, request: aws.send(session, request)),
            (URLLib3Session, "close", lambda session: aws.close(session)),
            # A client of many timelines would run out of retries, as one of many hours does not.
            (RetryQuota, "acquire", lambda self, amount: True),
            (botocore.endpoint, "time", waits),
            (urllib3.util.retry, "time", waits),
        ):
            patches.enter_context(patch.object(target, name, new))
        yield
