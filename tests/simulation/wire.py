"""Where requests leave the process: every one of them is a `Call`, to which something may happen."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from urllib3 import exceptions
from urllib3.connection import HTTPConnection

from sandbox.server import Fault, Response, Server


class Death(BaseException):
    """The process is gone. Nothing may catch it, and nothing that the dead process tries afterwards has an effect."""


@dataclass
class Call:
    """One request on its way out.

    Attributes:
        service: ``zoho``, ``dynamodb``, ``sns``, ``ssm``, ``heartbeat``, or a channel.
        operation: What it asks for.
        send: Lets the server do its work and returns its answer.
        arrived: Given the server's answer, None when it closed the connection, before anybody else is.
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
            case "connect timed out":
                raise exceptions.ConnectTimeoutError(self.connection, "timed out in the simulator")
        raise TimeoutError("timed out in the simulator")

    def turn(self, answer: Response | None = None, *, drops: bool = False, acts: bool = False) -> Any:
        """Let the server answer this instead, over the real connection."""
        self.fake.script(self.operation, Fault(answer, drops, acts))
        return self.act()


@dataclass
class AwsCall(Call):
    """A request of botocore, which the stack answers in this process."""

    request: Any = field(repr=False)
    stack: Callable[[Any], AWSResponse] = field(repr=False)
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
        """Return an answer in the stack's place."""
        return AWSResponse(self.request.url, status, headers or {}, MockRawResponse(body))  # type: ignore[arg-type]

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a call in the query protocol."""
        return form_of(self.request)

    @property
    def entries(self) -> dict[str, dict[str, str]]:
        """The entries of a batch by their Id, in order."""
        return batch_of(self.form)

    def act_on(self, entries: Sequence[Mapping[str, str]]) -> AWSResponse:
        """Let the stack do its work with these entries of the batch only."""
        form = {name: value for name, value in self.form.items() if not name.startswith("PublishBatchRequestEntries")}
        for number, entry in enumerate(entries, 1):
            form |= {f"PublishBatchRequestEntries.member.{number}.{name}": value for name, value in entry.items()}
        request = copy.copy(self.request)
        request.body = urlencode(form)
        answer = self.stack(request)
        self.arrived(answer)
        return answer


def reference(entry: Mapping[str, str]) -> str:
    """Return the ``notice_id`` among the attributes of an entry of a batch."""
    [name] = [name for name, value in entry.items() if name.endswith(".Name") and value == "notice_id"]
    return entry[name.removesuffix("Name") + "Value.StringValue"]


def form_of(request: AWSPreparedRequest) -> dict[str, str]:
    """Return the parameters of a call in the query protocol."""
    body = request.body
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True))


def batch_of(form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the entries of a batch by their Id, in order."""
    numbered: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        if match := re.fullmatch(r"PublishBatchRequestEntries\.member\.(\d+)\.(.+)", name):
            numbered.setdefault(int(match[1]), {})[match[2]] = value
    return {numbered[number]["Id"]: numbered[number] for number in sorted(numbered)}
