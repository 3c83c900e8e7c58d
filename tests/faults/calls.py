"""A request on its way out of the process, to which something may happen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from urllib3.connection import HTTPConnection

from sandbox.server import Fault, Response, Server
from tests.faults.stack import OWN, Stack, parsed


class Death(BaseException):
    """The process is gone: nothing may catch this, and nothing that the process tries afterwards has an effect."""


@dataclass
class Call:
    """One request.

    Attributes:
        service: ``zoho``, ``dynamodb``, ``sns``, ``ssm``, ``heartbeat``, or a channel.
        operation: What it asks for.
        send: Lets the server do its work and returns its answer.
        arrived: Given the server's answer before anybody else is; None when it closed the connection.
    """

    service: str
    operation: str
    send: Callable[[], Any] = field(repr=False)
    arrived: Callable[[Any], None] = field(repr=False, init=False)

    @property
    def place(self) -> str:
        """The boundary: service and operation."""
        return f"{self.service} {self.operation}"

    def act(self) -> Any:
        """Let the server do its work and return its answer."""
        answer = None
        try:
            answer = self.send()
        finally:
            self.arrived(answer)
        return answer


HTTP_ERRORS: dict[str, type[OSError]] = {
    "refused": ConnectionRefusedError,
    "reset": ConnectionResetError,
    "timed out": TimeoutError,
}
AWS_ERRORS: dict[str, Any] = {
    "refused": EndpointConnectionError,
    "reset": ConnectionClosedError,
    "connect timed out": ConnectTimeoutError,
    "timed out": ReadTimeoutError,
}


@dataclass
class HttpCall(Call):
    """A request of requests and urllib3 to one of the sandbox's servers."""

    connection: HTTPConnection = field(repr=False)
    fake: Server = field(repr=False)

    @property
    def timeout(self) -> float:
        """For how many seconds the client waits for an answer."""
        return float(self.connection.timeout or 60)

    def fail(self, how: str) -> NoReturn:
        """Raise what urllib3's own code then turns into its exceptions."""
        raise HTTP_ERRORS[how](how)

    def turn(self, answer: Response | None, *, acts: bool) -> Any:
        """Let the server answer this instead, over the real connection; None: it hangs up."""
        self.fake.script(self.operation, Fault(answer, drops=answer is None, acts=acts))
        return self.act()


@dataclass
class AwsCall(Call):
    """A request of botocore, which the stack answers in this process."""

    request: AWSPreparedRequest = field(repr=False)
    asked: dict[str, Any] = field(repr=False)
    stack: Stack = field(repr=False)
    timeout: float

    @classmethod
    def of(cls, request: AWSPreparedRequest, stack: Stack, timeout: float = 60.0) -> "AwsCall":
        """Return the call that this request makes."""
        operation, asked = parsed(request)
        service = request.url.split("//")[1].split(".")[0]
        return cls(service, operation, lambda: None, request, asked, stack, timeout)

    def act(self) -> Any:
        """Let the stack do its work and return its answer."""
        answer = self.reply(*self.stack.answer(self.operation, self.asked))
        self.arrived(answer)
        return answer

    def fail(self, how: str) -> NoReturn:
        """Raise what botocore's HTTP session raises."""
        raise AWS_ERRORS[how](endpoint_url=self.request.url)

    def reply(self, status: int, body: str | bytes, headers: Any = OWN) -> AWSResponse:
        """Return an answer."""
        raw: Any = MockRawResponse(body.encode() if isinstance(body, str) else body)
        return AWSResponse(self.request.url, status, headers, raw)
