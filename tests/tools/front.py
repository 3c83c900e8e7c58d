"""AWS as the tools meet it in the sandbox, with refusals on request."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from sandbox.endpoint import AwsEndpoint, operation_of
from sandbox.sandbox import Sandbox
from sandbox.server import Request, Response

WRITES = re.compile("(Put|Delete|Create|Update).*(Item|Parameter|Schedule)|Invoke")


class Refusal(NamedTuple):
    """An error of AWS."""

    code: str
    message: str = ""
    status: int = 400


def denied(action: str) -> Refusal:
    """Make the error of credentials that do not allow an action."""
    who = "User: arn:aws:iam::123456789012:user/me"
    return Refusal("AccessDeniedException", f"{who} is not authorized to perform: {action} on resource: x")


class Front(AwsEndpoint):
    """One endpoint for every service, in front of a stage.

    Attributes:
        operations: What was asked for, oldest first.
        instead: By operation, what is answered in place of AWS's own answer.
        before: By operation, what happens when it is asked for.
        lost: Operations that AWS does, but whose next answer never arrives.
    """

    def __init__(self, stage: Sandbox) -> None:
        """Start serving."""
        self.operations: list[str] = []
        self.instead: dict[str, Response | Refusal] = {}
        self.lost: set[str] = set()
        self.before: dict[str, Callable[[], object]] = {}
        super().__init__(stage.function.invoke)

    @property
    def writes(self) -> list[str]:
        """The operations that change something."""
        return [operation for operation in self.operations if WRITES.fullmatch(operation)]

    def asked(self, operation: str) -> list[Any]:
        """Return what was asked for in each request for an operation, of a service that speaks JSON."""
        return [request.json() for request in self.requests if operation_of(request) == operation]

    def answer(self, request: Request) -> Response:
        """Answer as AWS does, or as the test wants."""
        operation = operation_of(request)
        assert operation[:1].isupper(), f"sandbox/endpoint.py has no name for {request.method} {request.path}"
        self.operations.append(operation)
        if operation in self.before:
            self.before.pop(operation)()
        scripted = self.instead.get(operation)
        if scripted:
            return scripted if isinstance(scripted, Response) else _error(request, scripted)
        answer = super().answer(request)
        if operation in self.lost:
            self.lost.remove(operation)
            raise ConnectionAbortedError  # which the server takes for a client that hung up
        return answer


def _error(request: Request, refusal: Refusal) -> Response:
    """Make an error in the protocol of the request: https://smithy.io/2.0/aws/protocols/index.html."""
    code, message, status = refusal
    if "Action" not in request.form:
        return Response.json({"__type": code, "message": message}, status, {"x-amzn-errortype": code})
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(status, f"<ErrorResponse>{error}</ErrorResponse>".encode(), {"Content-Type": "text/xml"})
