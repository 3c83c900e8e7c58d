"""Where requests leave the process: urllib3, botocore and the time limit of an HTTP exchange, patched to be played."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import botocore.endpoint
import urllib3.util.retry
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session
from botocore.retries.quota import RetryQuota
from urllib3.connection import HTTPConnection

from handler import transport
from sandbox.server import Server
from tests.faults.calls import AwsCall, HttpCall

if TYPE_CHECKING:
    from tests.faults.world import World


@contextmanager
def intercepted(servers: Mapping[int, tuple[str, Server]], world: Callable[[], "World"]) -> Iterator[None]:
    """Let the world play every request of this process.

    A connection that an earlier invocation left open has died by the next one: Lambda freezes what is idle.

    Args:
        servers: Port → service and fake.
        world: Returns who plays.
    """
    request_now, response_of = HTTPConnection.request, HTTPConnection.getresponse
    used_in: dict[object, object] = {}

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        """Send only when the answer is asked for, so that both are one boundary."""
        if self.sock is None:
            self.connect()
            self.opened_in = world().running[-1]
        elif self.opened_in not in world().running:
            world().judge.blame("idle", f"a connection to {servers[self.port][0]} was kept over a freeze")
            raise ConnectionResetError("it slept through a freeze")
        self.waiting = args, kwargs

    def getresponse(self: Any) -> Any:
        args, kwargs = self.waiting

        def send() -> Any:
            request_now(self, *args, **kwargs)
            return response_of(self)

        service, fake = servers[self.port]
        operation = fake.kind(args[0], args[1].partition("?")[0])
        service, operation = ("heartbeat", "ping") if operation == "heartbeat" else (service, operation)
        return world().play(HttpCall(service, operation, send, self, fake))

    def send_aws(session: Any, request: AWSPreparedRequest) -> Any:
        call = AwsCall.of(request, world().stack, float(session._timeout.read_timeout))
        present = world().running[-1]
        if call.service == "sns" and used_in.get(session, present) not in world().running:
            world().judge.blame("idle", "a connection to sns was kept over a freeze")  # the others try again
            call.fail("reset")
        used_in[session] = present
        return world().play(call)

    waits = SimpleNamespace(time=time.time, sleep=lambda seconds: world().pass_time(seconds))
    with ExitStack() as patches:
        for target, name, new in (
            (HTTPConnection, "request", request),
            (HTTPConnection, "getresponse", getresponse),
            (transport, "_time_limit", lambda seconds: world().time_limit(seconds)),
            (URLLib3Session, "send", send_aws),
            (URLLib3Session, "close", lambda session: used_in.pop(session, None)),
            # A client of many timelines would run out of retries, as one of many hours does not.
            (RetryQuota, "acquire", lambda self, amount: True),
            (botocore.endpoint, "time", waits),
            (urllib3.util.retry, "time", waits),
        ):
            patches.enter_context(patch.object(target, name, new))
        yield
