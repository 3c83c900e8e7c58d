"""HTTP for everything but AWS: one TLS context, no redirects, and a time limit for every exchange.

Exceptions of requests and urllib3 contain URLs, and thereby webhooks; only their class names leave this module.
"""

import json
import logging
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple, Self

import requests
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from handler.errors import TransportError

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
MAX_BYTES = 1_000_000
"""Largest answer, decompressed: a page of 200 rows has about 60,000; this allows 5,000 a row."""
CHUNK_BYTES = 65_536

# urllib3 logs the path of each request that it retries, and the path of a webhook is its secret.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class Deadline(NamedTuple):
    """Until when something may take: the end of the invocation, or earlier. It is only ever made shorter.

    Attributes:
        remaining: Returns the seconds until the invocation is killed.
        reserve: Seconds before that which are kept free.
    """

    remaining: Callable[[], float]
    reserve: float = 0.0

    def left(self) -> float:
        """Return the seconds that are left; negative once it has passed."""
        return self.remaining() - self.reserve

    def keeping(self, seconds: float) -> Self:
        """Return a deadline that keeps this many more seconds free."""
        return self._replace(reserve=self.reserve + seconds)

    def within(self, seconds: float) -> Self:
        """Return a deadline that ends at most this many seconds from now."""
        return self._replace(reserve=max(self.reserve, self.remaining() - seconds))


class _Retry(Retry):
    """Closes an answer before the next attempt; urllib3 would read all of it, however long and slow it is."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        retry = super().increment(*args, **kwargs)
        if response := kwargs.get("response"):
            response.close()
        return retry


RETRY = _Retry(
    total=2,
    backoff_factor=0.3,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
    retry_after_max=2,  # the next invocation waits longer
)
"""For reading only. Messages to people are never retried here: a lost answer must cause one repeat, not three."""


class Response(NamedTuple):
    """The answer of a server. ``repr`` shows the status only."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            ValueError: It is not JSON, or nested too deep.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None

    def __repr__(self) -> str:
        """Show the status only: the body may contain a token."""
        return f"Response({self.status})"


class _Adapter(HTTPAdapter):
    """Leaves certificates to the pool's TLS context; requests would load the CA bundle for each host (15 to 30 ms)."""

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context has its certificates."""


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return a context that verifies against the certificates in this file."""
    return ssl.create_default_context(cafile=ca_bundle)


def make_session(context: ssl.SSLContext, retries: Retry | int = 0) -> requests.Session:
    """Return a session that ignores netrc, proxies and the environment.

    It keeps no cookies, because all organisations share it. Its `close` ends idle connections; the next request opens
    new ones.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": "zoho-backup-notifier"})
    adapter = _Adapter(max_retries=retries)
    adapter.init_poolmanager(DEFAULT_POOLSIZE, DEFAULT_POOLSIZE, ssl_context=context)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def fetch(session: requests.Session, method: str, url: str, *, deadline: Deadline, **request: Any) -> Response:
    """Return the answer to one request.

    Args:
        session: From `make_session`; it knows how often to try.
        method: GET or POST.
        url: An https URL, or http on loopback; the caller has checked it.
        deadline: When the exchange ends whatever the peer does, the session's retries included.
        **request: Passed on to requests: ``params``, ``data``, ``json``, ``headers``.

    Raises:
        TransportError: No usable answer; nothing of the request is in its text.
    """
    left = deadline.left()
    if left <= 0:
        raise TransportError("no time left in this invocation")
    request |= {"timeout": (CONNECT_SECONDS, READ_SECONDS), "allow_redirects": False, "stream": True}
    try:
        with _time_limit(left), session.request(method, url, **request) as got:
            return Response(got.status_code, _read(got))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise TransportError(type(error).__name__) from None


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TransportError after this many seconds. A socket's own timeout starts again with each byte.

    Lambda calls its handler in the main thread. In other threads signals cannot be handled, and there is no limit.
    """

    def over(*_: object) -> None:
        raise TransportError("the answer came too slowly")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, over)
    # It rings again each second: Python drops an exception that is raised inside a destructor.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TransportError(f"the answer is longer than {MAX_BYTES} bytes")
    return bytes(body)
