"""OAuth and the backup endpoints: the only file with Zoho's URLs.

Sources: https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html,
https://www.zoho.com/crm/developer/docs/api/v7/refresh.html and the pages beside them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import requests

from handler import errors
from handler.history import Row, parse_page, parse_time
from handler.memory import MAX_KEYS
from handler.transport import ATTEMPTS, Answer, fetch

SCOPE = "ZohoCRM.bulk.backup.READ"
PER_PAGE = 200
MAX_PAGES = MAX_KEYS // PER_PAGE
TOKEN_LIFE_SECONDS = 3600
RENEW_SECONDS_BEFORE = 60


class DataCentre(NamedTuple):
    """Where one data centre answers: https://www.zoho.com/crm/developer/docs/api/v7/multi-dc.html."""

    accounts: str
    api: str
    crm: str


DATA_CENTRES = {
    "us": DataCentre("https://accounts.zoho.com", "https://www.zohoapis.com", "https://crm.zoho.com"),
    "eu": DataCentre("https://accounts.zoho.eu", "https://www.zohoapis.eu", "https://crm.zoho.eu"),
    "in": DataCentre("https://accounts.zoho.in", "https://www.zohoapis.in", "https://crm.zoho.in"),
    "au": DataCentre("https://accounts.zoho.com.au", "https://www.zohoapis.com.au", "https://crm.zoho.com.au"),
    "jp": DataCentre("https://accounts.zoho.jp", "https://www.zohoapis.jp", "https://crm.zoho.jp"),
    "cn": DataCentre("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", "https://crm.zoho.com.cn"),
    "ca": DataCentre("https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "https://crm.zohocloud.ca"),
    "sa": DataCentre("https://accounts.zoho.sa", "https://www.zohoapis.sa", "https://crm.zoho.sa"),
    "uk": DataCentre("https://accounts.zoho.uk", "https://www.zohoapis.uk", "https://crm.zoho.uk"),
    "ae": DataCentre("https://accounts.zoho.ae", "https://www.zohoapis.ae", "https://crm.zoho.ae"),
}
API_DOMAINS = frozenset(centre.api for centre in DATA_CENTRES.values())

TOKEN_ERRORS: dict[str, type[errors.UnreadableError]] = {
    "invalid_code": errors.RevokedTokenError,
    "invalid_client": errors.WrongClientError,
    "invalid_client_secret": errors.WrongClientSecretError,
}
API_ERRORS: dict[str, type[errors.UnreadableError]] = {
    "INVALID_URL_PATTERN": errors.WrongUrlError,
    "OAUTH_SCOPE_MISMATCH": errors.ScopeMismatchError,
    "NO_PERMISSION": errors.NoPermissionError,
    "INTERNAL_ERROR": errors.InternalError,
    "INVALID_REQUEST_METHOD": errors.WrongMethodError,
    "INVALID_TOKEN": errors.InvalidTokenError,
    "INVALID_OAUTHTOKEN": errors.InvalidTokenError,
    "AUTHENTICATION_FAILURE": errors.InvalidTokenError,
    "TOO_MANY_REQUESTS": errors.TroubleError,
}
STATUS_ERRORS: dict[int, type[errors.UnreadableError]] = {
    401: errors.InvalidTokenError,
    403: errors.NoPermissionError,
    404: errors.WrongUrlError,
    408: errors.TroubleError,
    429: errors.TroubleError,
}
"""For answers without one of Zoho's codes."""


@dataclass(frozen=True)
class Credentials:
    """What a refresh needs. ``repr`` shows none of it."""

    client_id: str
    client_secret: str
    refresh_token: str
    data_centre: str

    def __repr__(self) -> str:
        """Show the data centre only."""
        return f"Credentials({self.data_centre})"


class History(NamedTuple):
    """The whole history as one read gave it."""

    rows: list[Row]
    pages: int


class Zoho:
    """One organisation's access to Zoho; keeps its access token while the environment is warm."""

    def __init__(
        self,
        credentials: Credentials,
        session: requests.Session,
        clock: Callable[[], datetime],
        *,
        version: str = "v7",
        accounts_url: str = "",
        api_url: str = "",
    ) -> None:
        """Keep what is needed; nothing is requested yet.

        Args:
            credentials: The organisation's own.
            session: Retries what may be retried.
            clock: Returns the present, aware.
            version: Of the API, as in its URLs.
            accounts_url: Instead of the data centre's, for tests and the sandbox.
            api_url: Instead of the ``api_domain`` that Zoho names, likewise.
        """
        self._credentials = credentials
        self._session = session
        self._clock = clock
        self._accounts = accounts_url or DATA_CENTRES[credentials.data_centre].accounts
        self._fixed_api = api_url
        self._path = f"/crm/bulk/{version}/backup"
        self._token = ""
        self._api = ""
        self._renew_at: datetime | None = None

    def history(self, seconds: Callable[[], float]) -> History:
        """Read every page.

        Args:
            seconds: Says how long reading may still take.

        Raises:
            UnreadableError: One of its kinds, by cause.
        """
        rows: dict[str, Row] = {}
        for page in range(1, MAX_PAGES + 1):
            body = self._get("/history", seconds, {"page": page, "per_page": PER_PAGE})
            if body is None:
                return History(list(rows.values()), page)
            new, more = parse_page(body)
            if more and all(row.key in rows for row in new):
                raise errors.UnusableAnswerError(f"Page {page} of the history repeats earlier ones without an end.")
            rows |= {row.key: row for row in new}
            if not more:
                return History(list(rows.values()), page)
        raise errors.HistoryTooLongError(f"The history goes on after {MAX_PAGES} pages of {PER_PAGE} rows.")

    def download_deadline(self, seconds: Callable[[], float]) -> datetime | None:
        """Return until when the latest backup's files can be downloaded; None when Zoho has none or does not say.

        Source: https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html

        Raises:
            UnreadableError: As for the history.
        """
        match self._get("/urls", seconds):
            case {"urls": {"expiry_date": expiry}}:
                return parse_time(expiry)
        return None

    def _get(self, path: str, seconds: Callable[[], float], params: dict[str, int] | None = None) -> Any:
        """Return the decoded answer, None for 204; a token that Zoho refuses is replaced once."""
        self._ensure_token(seconds)
        try:
            return self._get_once(path, seconds, params)
        except errors.InvalidTokenError:
            self._renew_at = None
        self._ensure_token(seconds)
        return self._get_once(path, seconds, params)

    def _get_once(self, path: str, seconds: Callable[[], float], params: dict[str, int] | None) -> Any:
        headers = {"Authorization": f"Zoho-oauthtoken {self._token}"}
        answer = self._fetch("GET", self._api + self._path + path, seconds, params=params, headers=headers)
        if answer.status == 204:  # the past year holds nothing
            return None
        if answer.status != 200:
            raise _api_error(answer)
        body = _json(answer)
        if isinstance(body, dict) and body.get("status") == "error":
            raise _api_error(answer)
        if body is None:  # "null" is not Zoho's way to say that there is nothing
            raise errors.UnusableAnswerError("The answer is JSON, but not the documented one.")
        return body

    def _ensure_token(self, seconds: Callable[[], float]) -> None:
        """Refresh the access token when there is none or it is about to expire."""
        now = self._clock()
        if self._renew_at and now < self._renew_at:
            return
        form = {
            "grant_type": "refresh_token",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
            "refresh_token": self._credentials.refresh_token,
        }
        answer = self._fetch("POST", f"{self._accounts}/oauth/v2/token", seconds, data=form)
        match _json(answer):
            case {"access_token": str(token), **rest} if token and token.isascii() and token.isprintable():
                self._api = self._fixed_api or _known_api(rest.get("api_domain"), self._credentials.data_centre)
                self._token = token
                self._renew_at = now + timedelta(seconds=_life(rest.get("expires_in")) - RENEW_SECONDS_BEFORE)
                return
            case {"error": error}:  # with HTTP 200, too
                raise TOKEN_ERRORS.get(str(error), errors.TroubleError)(f"Zoho accounts answered: {_code(error)}")
        if answer.status != 200:
            raise _api_error(answer)
        raise errors.UnusableAnswerError("The answer to the token request is not the documented one.")

    def _fetch(self, method: str, url: str, seconds: Callable[[], float], **request: Any) -> Answer:
        try:
            return fetch(self._session, method, url, seconds=seconds, attempts=ATTEMPTS, **request)
        except errors.TransportError as error:
            raise errors.TroubleError(f"No usable answer from Zoho: {error}") from None


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        kind = "a web page" if answer.body.lstrip()[:1] == b"<" else "something"
        raise errors.TroubleError(f"HTTP {answer.status} with {kind} that is not JSON") from None


def _api_error(answer: Answer) -> errors.UnreadableError:
    """Return the exception for an answer that is neither 200 nor 204."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    known = API_ERRORS.get(code) if isinstance(code, str) else None
    if known is None or (answer.status >= 500 and known.act):
        known = STATUS_ERRORS.get(answer.status)
    if known is None:
        # A redirect is where maintenance pages live; anything else unknown is an answer that a person must look at.
        passing = answer.status >= 500 or 300 <= answer.status < 400
        known = errors.TroubleError if passing else errors.UnusableAnswerError
    return known(f"HTTP {answer.status}" + (f" {_code(code)}" if code else ""))


def _code(said: object) -> str:
    """Return an error code as it may be shown: letters only, so that no credential that Zoho may echo is repeated."""
    return said if isinstance(said, str) and re.fullmatch(r"[A-Za-z_ ]{2,40}", said) else "an unknown error"


def _known_api(domain: object, data_centre: str) -> str:
    if domain is None:
        return DATA_CENTRES[data_centre].api
    if isinstance(domain, str) and domain in API_DOMAINS:
        return domain
    raise errors.UnusableAnswerError("The token answer names an api_domain that is no Zoho data centre's.")


def _life(expires_in: object) -> int:
    """Return a token's life in seconds; an old form of the answer gave milliseconds, hence the upper bound."""
    seconds = expires_in if isinstance(expires_in, int) else TOKEN_LIFE_SECONDS
    return max(2 * RENEW_SECONDS_BEFORE, min(seconds, TOKEN_LIFE_SECONDS))
