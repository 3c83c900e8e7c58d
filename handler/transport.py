"""HTTP for everything but AWS: one TLS context (AWS shares it), no redirects, and an end to every answer.

Exceptions of requests and urllib3 hold URLs, and so webhooks; only their class names leave this module.
"""

import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import requests
from botocore.exceptions import HTTPClientError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry, Timeout

from handler.errors import TransportError

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
MAX_ANSWER_BYTES = 5_000_000
CHUNK_BYTES = 65_536
USER_AGENT = "zoho-backup-notifier"

# urllib3 logs the path of each request that it retries, and a webhook's path is its secret.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)
# botocore logs at DEBUG whatever it sends and gets, and the organisation's parameter is all secret.
logging.getLogger("botocore").setLevel(logging.INFO)


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


@dataclass(frozen=True)
class Answer:
    """What a server said. ``repr`` shows the status only."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            ValueError: It is not JSON, or nested too deep to be read.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None

    def __repr__(self) -> str:
        """Show no body: it may hold a token."""
        return f"Answer({self.status})"


class _SharedTlsAdapter(HTTPAdapter):
    """Uses one loaded TLS context for every host; requests would load the CA bundle (15 to 30 ms) for each."""

    def __init__(self, context: ssl.SSLContext, retries: Retry | int) -> None:
        self._context = context
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection as it is: the context verifies, and has its certificates."""


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return a context that verifies against the certificates in this file."""
    return ssl.create_default_context(cafile=ca_bundle)


def share_tls(client: Any, context: ssl.SSLContext) -> None:
    """Let an AWS client use this context, too; botocore would load the CA bundle at each new connection.

    botocore has no setting for it. Should a later release name these things otherwise, it loads the bundle again, or
    the function fails to start; ``tests/test_budget.py`` tells, and that a stranger's certificate is refused.
    """
    session = client._endpoint.http_session
    session._manager.connection_pool_kw["ssl_context"] = context
    session._setup_ssl_cert = lambda *_: None  # it would name the bundle; the context verifies, and has it


def refuse_half_answers(client: Any) -> None:
    """Let an AWS client take no success that was cut short or is not AWS's own, such as a proxy's page.

    botocore reads either as an empty answer: no such item, a write done. What is raised here is a ``BotoCoreError``.
    """
    client.meta.events.register("before-parse", _raise_unless_whole)


def _raise_unless_whole(response_dict: dict[str, Any], **_: Any) -> None:
    headers, body = response_dict["headers"], response_dict["body"]
    whole = len(body) == int(headers.get("content-length", len(body)))
    if response_dict["status_code"] < 300 and not (whole and "x-amzn-requestid" in headers):
        raise HTTPClientError(error="half an answer, or not AWS's")


def make_session(context: ssl.SSLContext, retries: Retry | int = 0) -> requests.Session:
    """Return a session that takes nothing from its surroundings: no netrc, no proxies, no default headers of others."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"User-Agent": USER_AGENT})
    session.mount("https://", _SharedTlsAdapter(context, retries))
    session.mount("http://", HTTPAdapter(max_retries=retries))
    return session


def fetch(
    session: requests.Session,
    method: str,
    url: str,
    *,
    seconds: Callable[[], float],
    attempts: int = 1,
    **request: Any,
) -> Answer:
    """Return the answer to one request.

    Args:
        session: From `make_session`.
        method: GET or POST.
        url: An https URL, or http on loopback; the caller has checked it.
        seconds: Says how long it may still take, the session's own retries included.
        attempts: How often the session may try; each attempt gets its share of the time.
        **request: Passed on to requests: ``params``, ``data``, ``json``, ``headers``.

    Raises:
        TransportError: No usable answer; nothing of the request is in its text.
    """
    left = seconds()
    if left <= 0:
        raise TransportError("no time left in this invocation")
    share = left / attempts / 2
    timeout: Any = Timeout(connect=min(CONNECT_SECONDS, share), read=min(READ_SECONDS, share))
    try:
        with session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **request) as response:
            return Answer(response.status_code, _read(response, seconds))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise TransportError(type(error).__name__) from None


def _read(response: requests.Response, seconds: Callable[[], float]) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise TransportError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        if seconds() <= 0:
            raise TransportError("the answer came too slowly")
    return bytes(body)
