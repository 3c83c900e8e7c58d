"""HTTP for everything but AWS: one TLS context, no redirects, and an end to every exchange.

Exceptions of requests and urllib3 hold URLs, and so webhooks; only their class names leave this module.
"""

import json
import logging
import ssl
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry, Timeout

from handler.deadline import Deadline
from handler.errors import TransportError
from handler.exchange import POOLS, TOO_SLOW, Exchange

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
MAX_BYTES = 1_000_000
"""Of one answer, decompressed: 200 rows of Zoho's have some 60,000, and room for 5,000 each."""
MAX_DEPTH = 50
"""Of JSON. Zoho's goes 4 deep; what goes hundreds deep can be read, but not walked through or written again."""
CHUNK_BYTES = 65_536
USER_AGENT = "zoho-backup-notifier"

# urllib3 logs the path of each request that it retries, and a webhook's path is its secret.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class _Retry(Retry):
    """Closes the answer before the next try, where urllib3 would read all of it, however long and slow it is."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        retry = super().increment(*args, **kwargs)
        if response := kwargs.get("response"):
            response.close()
        return retry


ATTEMPTS = 3
RETRY = _Retry(
    total=ATTEMPTS - 1,
    backoff_factor=0.3,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    redirect=0,
    raise_on_status=False,
    retry_after_max=2,  # a longer wait is left to the next invocation
)
"""For reading only. What is sent to people is never repeated here: a lost answer must stay one repeat, not three."""


class Response(NamedTuple):
    """What a server answered. ``repr`` shows the status only."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            ValueError: It is not JSON, or nested too deep.
        """
        try:
            decoded = json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None
        level = [decoded]
        for _ in range(MAX_DEPTH):
            level = [each for one in level if isinstance(one, dict | list) for each in _children(one)]
            if not level:
                return decoded
        raise ValueError("nested too deep")

    def __repr__(self) -> str:
        """Show no body: it may hold a token."""
        return f"Response({self.status})"


def _children(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value


class _Adapter(HTTPAdapter):
    """Uses one loaded TLS context for every host; requests would load the CA bundle (15 to 30 ms) for each."""

    def __init__(self, context: ssl.SSLContext, retries: Retry | int) -> None:
        self._context = context
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection as it is: the context verifies, and has its certificates."""


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return a context that verifies against the certificates in this file."""
    return ssl.create_default_context(cafile=ca_bundle)


def make_session(context: ssl.SSLContext, retries: Retry | int = 0) -> requests.Session:
    """Return a session that takes nothing from its surroundings: no netrc, no proxies, no default headers of others.

    It keeps no cookies: all organisations share it. Its `close` ends idle connections; the next request opens new ones.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": USER_AGENT})
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(context, retries))
    return session


def fetch(session: requests.Session, method: str, url: str, *, deadline: Deadline, **request: Any) -> Response:
    """Return the answer to one request.

    Args:
        session: From `make_session`; it knows how often to try.
        method: GET or POST.
        url: An https URL, or http on loopback; the caller has checked it.
        deadline: When it is over whatever the peer does, the session's retries included.
        **request: Passed on to requests: ``params``, ``data``, ``json``, ``headers``.

    Raises:
        TransportError: No usable answer; nothing of the request is in its text.
    """
    left = deadline.left()
    if left <= 0:
        raise TransportError("no time left in this invocation")

    def work() -> Response:
        timeout: Any = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        try:
            with session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **request) as got:
                return Response(got.status_code, _read(got, deadline))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise TransportError(type(error).__name__) from None

    return Exchange(work).result(left)


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TransportError(f"the answer is longer than {MAX_BYTES} bytes")
        if deadline.left() <= 0:
            raise TransportError(TOO_SLOW)
    return bytes(body)
