"""One endpoint for every service of AWS, in front of a stage: moto, but for the function, which really runs."""

import re
from typing import Any

import requests

from sandbox.runtime import Result
from sandbox.server import Answer, Request, Server
from sandbox.stage import Stage

HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "content-encoding", "server", "date"}
INVOKE = re.compile(r"/2015-03-31/functions/[^/]+/invocations")


class Front(Server):
    """What a command of another process takes for AWS, as `AWS_ENDPOINT_URL`."""

    def __init__(self, stage: Stage) -> None:
        """Start serving."""
        self._stage = stage
        super().__init__()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a person whose AWS and Zoho are the sandbox."""
        zoho = {"ZOHO_ACCOUNTS_URL": self._stage.zoho.url, "ZOHO_API_URL": self._stage.zoho.url}
        return {**self._stage.cloud.environment, "AWS_ENDPOINT_URL": self.url, **zoho}

    def kind(self, method: str, path: str) -> str:
        """Name every request alike: what it asks for may stand in its body."""
        return "aws"

    def answer(self, request: Request) -> Answer:
        """Answer as AWS does."""
        if request.method == "POST" and INVOKE.fullmatch(request.path):
            result = self.invoke(request.json())
            return Answer.json(result.payload, headers={} if result.ok else {"X-Amz-Function-Error": "Unhandled"})
        return self._forward(request)

    def invoke(self, event: Any) -> Result:
        """Let the function run."""
        return self._stage.function.invoke(event)

    def _forward(self, request: Request) -> Answer:
        url = self._stage.cloud.url + request.path
        headers: Any = dict(request.headers.items())
        said = requests.request(
            request.method, url, params=request.query, headers=headers, data=request.body, timeout=60
        )
        kept = {name: value for name, value in said.headers.items() if name.lower() not in HOP_BY_HOP}
        return Answer(said.status_code, said.content, kept)
