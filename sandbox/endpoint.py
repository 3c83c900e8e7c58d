"""One address for every service of AWS: moto, but for the function, which really runs."""

import re
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from sandbox.runtime import Result
from sandbox.server import Request, Response, Server

HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "server", "date"}
REST = {
    ("GET", r"/2016-08-19/account-settings/?"): "GetAccountSettings",
    ("POST", r"/2015-03-31/functions/[^/]+/invocations"): "Invoke",
    ("GET", r"/2015-03-31/functions/[^/]+/configuration"): "GetFunctionConfiguration",
    ("GET", r"/schedules"): "ListSchedules",
    ("GET", r"/schedules/[^/]+"): "GetSchedule",
    ("POST", r"/schedules/[^/]+"): "CreateSchedule",
    ("PUT", r"/schedules/[^/]+"): "UpdateSchedule",
    ("DELETE", r"/schedules/[^/]+"): "DeleteSchedule",
}
"""The operations that are asked for by method and path, as far as anybody here asks for them."""


class AwsEndpoint(Server):
    """What another process takes for AWS, as `AWS_ENDPOINT_URL`, with connections kept open as AWS keeps them.

    The kind of a request is its operation, such as `GetItem`.
    """

    def __init__(self, moto_url: str, invoke: Callable[[Any], Result], certificate: str | None = None) -> None:
        """Start serving.

        Args:
            moto_url: Where requests are passed on to.
            invoke: Lets the function run.
            certificate: As `Server` takes it.
        """
        self._moto = moto_url.removeprefix("http://")
        self._invoke = invoke
        super().__init__(certificate)

    def kind(self, method: str, path: str) -> str:
        """Name every request alike: what it asks for may stand in its body."""
        return "aws"

    def answer(self, request: Request) -> Response:
        """Name the request by its operation, and answer as AWS does."""
        request.kind = operation_of(request)
        if request.kind != "Invoke":
            return self._forward(request)
        result = self.invoke(request.json())
        return Response.json(result.payload, headers={} if result.ok else {"X-Amz-Function-Error": "Unhandled"})

    def invoke(self, event: Any) -> Result:
        """Let the function run."""
        return self._invoke(event)

    def _forward(self, request: Request) -> Response:
        moto = HTTPConnection(self._moto)
        target = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
        try:
            moto.request(request.method, target, request.body, dict(request.headers.items()))
            answer = moto.getresponse()
            body = answer.read()
        finally:
            moto.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        return Response(answer.status, body, kept)


def operation_of(request: Request) -> str:
    """Return the operation, from wherever the service's protocol puts it."""
    if target := request.headers.get("X-Amz-Target"):
        return str(target).rpartition(".")[2]
    if action := request.form.get("Action"):
        return action
    for (method, path), operation in REST.items():
        if method == request.method and re.fullmatch(path, request.path):
            return operation
    return request.path.rpartition("/")[2]
