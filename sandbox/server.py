"""The HTTP server that every fake is built on: it records each request and plays scripted faults."""

import json
import socket
import ssl
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

POLL_SECONDS = 0.02
BODILESS = {204, 304}


@dataclass(frozen=True)
class Response:
    """What a server sends back; a `Content-Length` among the headers is sent as it is, even when it is wrong."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """Make a JSON answer."""
        return cls.text(json.dumps(payload), status, "application/json;charset=UTF-8", headers)

    @classmethod
    def text(
        cls, text: str, status: int = 200, content_type: str = "text/plain", headers: Mapping[str, str] | None = None
    ) -> Self:
        """Make an answer of text."""
        return cls(status, text.encode(), {"Content-Type": content_type, **(headers or {})})


@dataclass(frozen=True)
class Fault:
    """What happens to one request in place of the server's own behaviour.

    Attributes:
        response: Sent in place of the server's own; None sends the server's own.
        drops: The connection closes without an answer.
        acts: The server does its work first (issues the token, accepts the message), but the client won't learn it.
        until: The response waits for this event, or for the end of the server.
    """

    response: Response | None = None
    drops: bool = False
    acts: bool = False
    until: threading.Event | None = None


@dataclass
class Request:
    """One request as it arrived; `status` is None until it is answered, and stays None when it never is."""

    kind: str
    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    headers: "Message[str, str]" = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body; empty for any other content type."""
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            return {}
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def json(self) -> Any:
        """Decode the body as JSON; raises ValueError."""
        return json.loads(self.body)


class Server:
    """A threaded HTTP/1.1 server on a free loopback port, running from construction until `close`.

    A fake derives from it and says what `kind` of request it got and what its own `answer` is. A test looks at
    `requests` and replaces answers.

    Attributes:
        url: Where it listens, without a path.
        requests: Every request, oldest first.
        standing: By kind, what happens to every request for which nothing is scripted, for as long as it is in here.
    """

    def __init__(self, certificate: str | None = None) -> None:
        """Start serving; https instead of http with a certificate, a PEM file that holds its chain and key."""
        self.requests: list[Request] = []
        self.standing: dict[str, Fault] = {}
        self.lock = threading.RLock()
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._closing = threading.Event()
        self._http = _Http(self._exchange)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def kind(self, method: str, path: str) -> str:
        """Return the kind of a request, by which it is recorded and scripted."""
        raise NotImplementedError

    def answer(self, request: Request) -> Response:
        """Do the server's own work and return its answer; called by several threads at once."""
        raise NotImplementedError

    def script(self, kind: str, *faults: Fault | Response) -> None:
        """Queue what happens to the next requests of a kind, one fault a request."""
        with self.lock:
            self._faults[kind].extend(Fault(fault) if isinstance(fault, Response) else fault for fault in faults)

    def unscript(self, kind: str) -> None:
        """Forget what is queued for requests of a kind."""
        with self.lock:
            self._faults.pop(kind, None)

    def close(self) -> None:
        """Stop listening, cut every open connection and wait for the threads."""
        self._closing.set()
        with suppress(OSError), socket.socket() as last:  # which wakes the thread
            last.connect(("127.0.0.1", self._http.server_port))
        self._thread.join()  # or it might begin a thread while those there are waited for
        self._http.cut()
        self._http.server_close()

    def _serve(self) -> None:
        """Serve without polling: `serve_forever` would make each close wait for its next poll."""
        while not self._closing.is_set():
            self._http.handle_request()

    def _exchange(self, method: str, target: str, headers: "Message[str, str]", body: bytes) -> Response | None:
        """Record a request and return its answer; None drops the connection."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(self.kind(method, url.path), method, url.path, query, headers, body)
        with self.lock:
            self.requests.append(request)
            queued = self._faults[request.kind]
            fault = queued.popleft() if queued else self.standing.get(request.kind, Fault())
        own = self.answer(request) if fault.acts or not (fault.response or fault.drops) else None
        while fault.until and not self._closing.is_set() and not fault.until.wait(POLL_SECONDS):
            pass
        answer = None if fault.drops else fault.response or own
        request.status = answer.status if answer else None
        return answer


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # server_close then waits for them

    def __init__(self, exchange: Callable[[str, str, "Message[str, str]", bytes], Response | None]) -> None:
        self.exchange = exchange
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hung up is everyday
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # without a buffer and with Nagle's algorithm each answer costs 44 ms
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method at all, so that the fake can refuse it as the real service does
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.exchange(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            return
        headers = dict(answer.headers)
        if "Content-Length" in headers:
            self.close_connection = True
        elif answer.status not in BODILESS:
            headers["Content-Length"] = str(len(answer.body))
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and answer.status not in BODILESS:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the server records its requests."""
