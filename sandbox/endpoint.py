"""One address for every service of AWS: moto answers in this process, and the function really runs."""

import re
from collections.abc import Callable
from typing import Any

import botocore.session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from sandbox.runtime import Result
from sandbox.server import Request, Response, Server

HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "server", "date"}
MOTO = Client(DomainDispatcherApplication(create_backend_app), use_cookies=False)
REST = {
    (http["method"], re.sub(r"\{\w+\}", "[^/]+", http["requestUri"].rstrip("/")) + "/?"): name
    for model in map(botocore.session.get_session().get_service_model, ("lambda", "scheduler"))
    for name, http in ((name, model.operation_model(name).http) for name in model.operation_names)
}
"""Operations that an HTTP method and a path name."""


class AwsEndpoint(Server):
    """What a client takes for AWS, as `AWS_ENDPOINT_URL`; connections stay open, as with AWS.

    The kind of a request is its operation, such as `GetItem`.

    Attributes:
        calls: Each signed call that arrived, oldest first, such as `dynamodb:GetItem`.
    """

    def __init__(self, invoke: Callable[[Any], Result] | None = None, certificate: str | None = None) -> None:
        """Start serving.

        Args:
            invoke: Runs the function; without it, nobody can invoke one.
            certificate: As `Server` takes it.
        """
        self.calls: list[str] = []
        self._invoke = invoke
        super().__init__(certificate)

    def kind(self, method: str, path: str) -> str:
        """Return the same name for every request: its operation may be named in its body only."""
        return "aws"

    def answer(self, request: Request) -> Response:
        """Name the request by its operation, and answer as AWS does."""
        request.kind = operation_of(request)
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
        if signed := re.search(r"Credential=(?:[^/]+/){3}([^/]+)/aws4", request.headers.get("Authorization", "")):
            self.calls.append(f"{signed[1]}:{request.kind}")
        if request.kind != "Invoke" or not self._invoke:
            return _ask_moto(request)
        result = self._invoke(request.json())
        return Response.json(result.payload, headers={} if result.ok else {"X-Amz-Function-Error": "Unhandled"})


def _ask_moto(request: Request) -> Response:
    asked: dict[str, Any] = {"query_string": request.query, "data": request.body, "headers": request.headers.items()}
    answer = MOTO.open(request.path, method=request.method, **asked)
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
    return Response(answer.status_code, answer.data, kept)


def operation_of(request: Request) -> str:
    """Return the operation of a request; each protocol of AWS names it in another place."""
    if target := request.headers.get("X-Amz-Target"):
        return str(target).rpartition(".")[2]
    if action := request.form.get("Action"):
        return action
    for (method, path), operation in REST.items():
        if method == request.method and re.fullmatch(path, request.path):
            return operation
    return request.path.rpartition("/")[2]
