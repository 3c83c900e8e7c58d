"""Where requests leave the process: every one of them is a `Call`, to which something may happen."""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode

import botocore.endpoint
import urllib3.util.retry
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.retries.quota import RetryQuota
from moto.core import responses, utils
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from urllib3 import exceptions
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from sandbox.server import Fault, Response, Server

_MOTO = BotocoreStubber()


class Death(BaseException):
    """The process is gone. Nothing may catch it, and nothing that the dead process tries afterwards has an effect."""


@dataclass
class Call:
    """One request on its way out.

    Attributes:
        service: ``zoho``, ``slack``, ``dynamodb``, ``sns``, ``ssm``.
        operation: What it asks for.
        send: Lets the server do its work and returns its answer.
        arrived: Told of the server's answer, None when it closed the connection, before anybody else is.
    """

    service: str
    operation: str
    send: Callable[[], Any] = field(repr=False)
    arrived: Callable[[Any], None] = field(repr=False, init=False)

    def act(self) -> Any:
        """Let the server do its work and return its answer."""
        answer = None
        try:
            answer = self.send()
        finally:
            self.arrived(answer)
        return answer

    @property
    def place(self) -> str:
        """The boundary: service and operation."""
        return f"{self.service} {self.operation}"

    def time_out(self) -> float:
        """Return how long the client would wait for an answer, in seconds."""
        raise NotImplementedError

    def fail(self, how: str) -> NoReturn:
        """Raise what the client library raises when the connection is ``refused``, ``reset`` or ``timed out``."""
        raise NotImplementedError


@dataclass
class HttpCall(Call):
    """A request of requests and urllib3 to one of the sandbox's servers."""

    connection: HTTPConnection = field(repr=False)
    fake: Server = field(repr=False)

    def time_out(self) -> float:
        """Return the read timeout that the pool has set."""
        return float(self.connection.timeout or 60)

    def fail(self, how: str) -> NoReturn:
        """Raise what urllib3's own code then turns into its exceptions."""
        match how:
            case "refused":
                raise exceptions.NewConnectionError(self.connection, "refused by the simulator")
            case "reset":
                raise ConnectionResetError("reset by the simulator")
        raise TimeoutError("timed out in the simulator")

    def turn(self, answer: Response | None = None, *, drops: bool = False, acts: bool = False) -> Any:
        """Let the server answer this instead, over the real connection."""
        self.fake.script(self.operation, Fault(answer, drops, acts))
        return self.act()


@dataclass
class AwsCall(Call):
    """A request of botocore, which moto answers in this process."""

    request: Any = field(repr=False)
    timeout: float = 60.0

    def time_out(self) -> float:
        """Return the client's read timeout."""
        return self.timeout

    def fail(self, how: str) -> NoReturn:
        """Raise what botocore's HTTP session raises."""
        url = self.request.url
        match how:
            case "refused":
                raise EndpointConnectionError(endpoint_url=url)
            case "reset":
                raise ConnectionClosedError(endpoint_url=url)
            case "connect timed out":
                raise ConnectTimeoutError(endpoint_url=url)
        raise ReadTimeoutError(endpoint_url=url)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> AWSResponse:
        """Return an answer in moto's place."""
        return AWSResponse(self.request.url, status, headers or {}, MockRawResponse(body))  # type: ignore[arg-type]

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a call in the query protocol."""
        body = self.request.body
        return dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True))

    def act_on(self, form: dict[str, str]) -> AWSResponse:
        """Let moto do its work with other parameters."""
        request = copy.copy(self.request)
        request.body = urlencode(form)
        answer = ask_moto(request)
        self.arrived(answer)
        return answer


def ask_moto(request: AWSPreparedRequest) -> AWSResponse:
    """Return moto's answer to a request of botocore."""
    answer = _MOTO.process_request(request)
    assert answer is not None, f"moto does not know {request.url}"
    status, headers, body = answer
    return AWSResponse(request.url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]


class _Time:
    """Stands in for the module ``time`` where libraries wait between their attempts."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def tapped(
    servers: Mapping[int | None, tuple[str, Server]], play: Callable[[Call], Any], sleep: Callable[[float], None]
) -> Iterator[None]:
    """Let every request of this process go through ``play``.

    Args:
        servers: Port → service and fake.
        play: Returns the answer to a call, or raises.
        sleep: Waits, as the libraries do between their attempts.
    """

    class Connection(HTTPConnection):
        """Sends a request only when its answer is asked for, so that both are one boundary."""

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
            self._pending = args, kwargs

        def getresponse(self) -> Any:
            args, kwargs = self._pending

            def send_now() -> Any:
                HTTPConnection.request(self, *args, **kwargs)
                return HTTPConnection.getresponse(self)

            service, fake = servers[self.port]
            operation = fake.kind(args[0], args[1].partition("?")[0])
            return play(HttpCall(service, operation, send_now, self, fake))

    def send(session: Any, request: AWSPreparedRequest) -> AWSResponse:
        service = request.url.split("//")[1].split(".")[0]
        call = AwsCall(service, "", lambda: ask_moto(request), request, float(session._timeout.read_timeout))
        target = request.headers.get("X-Amz-Target")
        if isinstance(target, bytes):
            target = target.decode()
        call.operation = str(target).rpartition(".")[2] if target else call.form["Action"]
        answer: AWSResponse = play(call)
        return answer

    with ExitStack() as patches:
        for target, name, new in (
            (HTTPConnectionPool, "ConnectionCls", Connection),
            (URLLib3Session, "send", send),
            # A client of many timelines would run out of retries, as one of many hours does not.
            (RetryQuota, "acquire", lambda self, amount: True),
            (botocore.endpoint, "time", _Time(sleep)),
            (urllib3.util.retry, "time", _Time(sleep)),
            # moto inspects its class anew at each call.
            (responses, "method_names_from_class", cache(utils.method_names_from_class)),
        ):
            patches.enter_context(patch.object(target, name, new))
        yield
