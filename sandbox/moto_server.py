"""The moto server, which answers as AWS does, and a record of the calls that reach it."""

import io
import logging
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from sandbox.server import POLL_SECONDS

Environ = dict[str, Any]


class MotoServer:
    """Every AWS service on one free loopback port, running from construction until `close`.

    Attributes:
        url: Where it listens.
        calls: Each call that arrived, oldest first, such as `dynamodb:GetItem` or, of a service that has paths in place
            of operations, `scheduler:GET /schedules/notifier`.
    """

    def __init__(self) -> None:
        """Start serving."""
        self.calls: list[str] = []
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print each request
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=MotoRequestHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if call := _call(environ, body):
            self.calls.append(call)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def _call(environ: Environ, body: bytes) -> str | None:
    """Name a signed request by its service and, from wherever the service's protocol puts it, its operation.

    The service is in the signature: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html.
    """
    service = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    if not service:
        return None
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        operation = target.rpartition(".")[2]
    elif action := parse_qs(body.decode(errors="replace")).get("Action"):
        operation = action[0]
    else:
        operation = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    return f"{service[1]}:{operation}"
