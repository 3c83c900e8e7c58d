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

from handler import causes
from handler.data_centres import API_DOMAINS, DATA_CENTRES
from handler.deadline import Deadline
from handler.decision import Links
from handler.errors import TransportError, UnreadableError
from handler.history import Row, parse_page, parse_time
from handler.memory import MAX_KEYS
from handler.plan import Plan, parse_plan
from handler.transport import Response, fetch

SCOPE = "ZohoCRM.bulk.backup.READ"
PER_PAGE = 200
MAX_PAGES = MAX_KEYS // PER_PAGE
TOKEN_LIFE_SECONDS = 3600
RENEW_SECONDS_BEFORE = 60


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
        self.credentials = credentials
        self._session = session
        self._clock = clock
        self._accounts = accounts_url or DATA_CENTRES[credentials.data_centre].accounts
        self._fixed_api = api_url
        self._path = f"/crm/bulk/{version}/backup"
        self._token = ""
        self._api = ""
        self._renew_at: datetime | None = None

    def history(self, deadline: Deadline) -> History:
        """Read every page.

        Args:
            deadline: When reading must be over.

        Raises:
            UnreadableError: With its cause.
        """
        rows: dict[str, Row] = {}
        for page in range(1, MAX_PAGES + 1):
            body = self._get("/history", deadline, {"page": page, "per_page": PER_PAGE})
            if body is None:
                return History(list(rows.values()), page)
            new, more = parse_page(body, PER_PAGE)
            if more and all(row.key in rows for row in new):
                why = f"Page {page} of the history repeats earlier ones without an end."
                raise UnreadableError(causes.UNUSABLE, why)
            rows |= {row.key: row for row in new}
            if not more:
                return History(list(rows.values()), page)
        why = f"The history goes on after {MAX_PAGES} pages of {PER_PAGE} rows."
        raise UnreadableError(causes.HISTORY_TOO_LONG, why)

    def plan(self, deadline: Deadline) -> Plan | None:
        """Return what Zoho plans; None when it names no rule: nothing is scheduled, or the latest backup was by hand.

        Source: https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html

        Raises:
            UnreadableError: As for the history.
        """
        return parse_plan(self._get("", deadline), self._clock().replace(microsecond=0))

    def links(self, deadline: Deadline) -> Links | None:
        """Return where the latest backup can be downloaded; None when Zoho has nothing, or does not say until when.

        Source: https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html

        Raises:
            UnreadableError: As for the history.
        """
        match self._get("/urls", deadline):
            case {"urls": {"expiry_date": expiry} as urls} if until := parse_time(expiry):
                lists = [urls.get("data_links"), urls.get("attachment_links")]
                return Links(until, sum(len(links) for links in lists if isinstance(links, list)))
        return None

    def _get(self, path: str, deadline: Deadline, params: dict[str, int] | None = None) -> Any:
        """Return the decoded answer, None for 204; a token that Zoho refuses is replaced once."""
        self._ensure_token(deadline)
        try:
            return self._get_once(path, deadline, params)
        except UnreadableError as error:
            if error.cause is not causes.INVALID_TOKEN:
                raise
        self._renew_at = None
        self._ensure_token(deadline)
        return self._get_once(path, deadline, params)

    def _get_once(self, path: str, deadline: Deadline, params: dict[str, int] | None) -> Any:
        headers = {"Authorization": f"Zoho-oauthtoken {self._token}"}
        response = self._fetch("GET", self._api + self._path + path, deadline, params=params, headers=headers)
        if response.status == 204:  # the past year holds nothing
            return None
        if response.status != 200:
            raise _api_error(response)
        body = _json(response)
        if isinstance(body, dict) and body.get("status") == "error":
            raise _api_error(response)
        if body is None:  # "null" is not Zoho's way to say that there is nothing
            raise UnreadableError(causes.UNUSABLE, "The answer is JSON, but not the documented one.")
        return body

    def _ensure_token(self, deadline: Deadline) -> None:
        """Refresh the access token when there is none or it is about to expire."""
        now = self._clock()
        if self._renew_at and now < self._renew_at:
            return
        form = {
            "grant_type": "refresh_token",
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "refresh_token": self.credentials.refresh_token,
        }
        response = self._fetch("POST", f"{self._accounts}/oauth/v2/token", deadline, data=form)
        match _json(response):
            case {"access_token": str(token), **rest} if token and token.isascii() and token.isprintable():
                self._api = self._fixed_api or _known_api(rest.get("api_domain"), self.credentials.data_centre)
                self._token = token
                life = _lifetime(rest.get("expires_in")) - RENEW_SECONDS_BEFORE
                self._renew_at = now + timedelta(seconds=life)
                return
            case {"error": error}:  # with HTTP 200, too
                cause = causes.TOKEN_ERRORS.get(str(error), causes.TRANSIENT)
                raise UnreadableError(cause, f"Zoho accounts answered: {error_code(error)}")
        if response.status != 200:
            raise _api_error(response)
        raise UnreadableError(causes.UNUSABLE, "The answer to the token request is not the documented one.")

    def _fetch(self, method: str, url: str, deadline: Deadline, **request: Any) -> Response:
        try:
            return fetch(self._session, method, url, deadline=deadline, **request)
        except TransportError as error:
            raise UnreadableError(causes.TRANSIENT, f"No usable answer from Zoho: {error}") from None


def _json(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        kind = "a web page" if response.body.lstrip()[:1] == b"<" else "something"
        raise UnreadableError(causes.TRANSIENT, f"HTTP {response.status} with {kind} that is not JSON") from None


def _api_error(response: Response) -> UnreadableError:
    """Return the exception for an answer that is neither 200 nor 204."""
    try:
        body = response.json()
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    cause = causes.API_ERRORS.get(code) if isinstance(code, str) else None
    if cause is None or (response.status >= 500 and cause.actionable):
        cause = causes.STATUS_ERRORS.get(response.status)
    if cause is None:
        # A redirect is where maintenance pages live; anything else unknown is an answer that a person must look at.
        transient = response.status >= 500 or 300 <= response.status < 400
        cause = causes.TRANSIENT if transient else causes.UNUSABLE
    return UnreadableError(cause, f"HTTP {response.status}" + (f" {error_code(code)}" if code else ""))


def error_code(said: object) -> str:
    """Return an error code as it may be shown: letters only, so that no credential that Zoho may echo is repeated."""
    return said if isinstance(said, str) and re.fullmatch(r"[A-Za-z_ ]{2,40}", said) else "an unknown error"


def _known_api(domain: object, data_centre: str) -> str:
    if domain is None:
        return DATA_CENTRES[data_centre].api
    if isinstance(domain, str) and domain in API_DOMAINS:
        return domain
    raise UnreadableError(causes.UNUSABLE, "The token answer names an api_domain that is no Zoho data centre's.")


def _lifetime(expires_in: object) -> int:
    """Return a token's life in seconds; an old form of the answer gave milliseconds, hence the upper bound."""
    seconds = expires_in if isinstance(expires_in, int) else TOKEN_LIFE_SECONDS
    return max(2 * RENEW_SECONDS_BEFORE, min(seconds, TOKEN_LIFE_SECONDS))
