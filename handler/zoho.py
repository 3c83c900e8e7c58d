"""Zoho's data centres, OAuth and the backup endpoints: the only file with Zoho's URLs.

Sources: https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html,
https://www.zoho.com/crm/developer/docs/api/v7/refresh.html and the pages beside them.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import requests

from handler import errors
from handler.codec import parse_time
from handler.config import Settings
from handler.decision import Links
from handler.errors import TransportError, UnreadableError
from handler.history import Row, parse_page
from handler.memory import MAX_KEYS
from handler.plan import Plan, parse_plan
from handler.transport import Deadline, Response, fetch

SCOPE = "ZohoCRM.bulk.backup.READ"
PER_PAGE = 200
MAX_PAGES = MAX_KEYS // PER_PAGE
NOTHING = {"history": [], "info": {"more_records": False}}
"""Stands for HTTP 204, with which Zoho answers where there is nothing, such as no backup in the past year."""
TOKEN_LIFE = timedelta(minutes=59)
"""A minute less than Zoho documents. A token that Zoho refuses before is replaced at once."""


class DataCentre(NamedTuple):
    """The hosts of one data centre: https://www.zoho.com/crm/developer/docs/api/v7/multi-dc.html."""

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


@dataclass(frozen=True, repr=False)
class Credentials:
    """The credentials of one organisation, without a ``repr``."""

    client_id: str
    client_secret: str
    refresh_token: str
    data_centre: str


@dataclass(repr=False)
class Zoho:
    """One organisation's access to Zoho. It keeps its access token while the environment is warm.

    Attributes:
        credentials: The organisation's own.
        session: An HTTP session that may retry.
        clock: Returns the present, aware, in whole seconds.
        settings: The version of the API in its URLs; the hosts of tests and the sandbox, which replace Zoho's.
    """

    credentials: Credentials
    session: requests.Session
    clock: Callable[[], datetime]
    settings: Settings
    _token: str = ""
    _api: str = ""
    _renew_at: datetime | None = None

    def history(self, deadline: Deadline) -> tuple[list[Row], int]:
        """Return the rows of every page, and how many pages there were.

        Args:
            deadline: When reading must be finished.

        Raises:
            UnreadableError: With its cause.
        """
        rows: dict[str, Row] = {}
        for page in range(1, MAX_PAGES + 1):
            new, more = parse_page(self.get("/history", deadline, {"page": page, "per_page": PER_PAGE}), PER_PAGE)
            rows |= {row.key: row for row in new}
            if not more:
                return list(rows.values()), page
        raise UnreadableError(errors.UNUSABLE, f"The history goes on after {MAX_PAGES} pages of {PER_PAGE} rows.")

    def plan(self, deadline: Deadline) -> Plan | None:
        """Return what Zoho plans, or None if it names no rule: nothing is scheduled, or the latest backup was by hand.

        Source: https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html

        Raises:
            UnreadableError: As for the history.
        """
        return parse_plan(self.get("", deadline), self.clock())

    def links(self, deadline: Deadline) -> Links | None:
        """Return where the latest backup can be downloaded, or None if Zoho has nothing or gives no expiry.

        Source: https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html

        Raises:
            UnreadableError: As for the history.
        """
        match self.get("/urls", deadline):
            case {"urls": {"expiry_date": expiry} as urls} if until := parse_time(expiry):
                kinds = [urls.get("data_links"), urls.get("attachment_links")]
                files = tuple(len(links) for links in kinds if isinstance(links, list))
                return Links(until, files if len(files) == len(kinds) and any(files) else ())
        return None

    def get(self, path: str, deadline: Deadline, params: dict[str, int] | None = None) -> Any:
        """Return Zoho's decoded answer for a path below `/backup`, or `NOTHING`.

        A token that Zoho refuses is replaced once.

        Raises:
            UnreadableError: With its cause.
        """
        try:
            return self._get_once(path, deadline, params)
        except UnreadableError as error:
            if error.cause is not errors.INVALID_TOKEN:
                raise
        self._renew_at = None
        return self._get_once(path, deadline, params)

    def _get_once(self, path: str, deadline: Deadline, params: dict[str, int] | None) -> Any:
        self._ensure_token(deadline)
        url = f"{self._api}/crm/bulk/{self.settings.zoho_api_version}/backup{path}"
        headers = {"Authorization": f"Zoho-oauthtoken {self._token}"}
        response = self._fetch("GET", url, deadline, params=params, headers=headers)
        if response.status == 204:
            return NOTHING
        body = _json(response) if response.status == 200 else None
        if response.status != 200 or (isinstance(body, dict) and body.get("status") == "error"):
            raise _api_error(response)
        return body

    def _ensure_token(self, deadline: Deadline) -> None:
        """Refresh the access token if there is none or it is about to expire."""
        now = self.clock()
        if self._renew_at and now < self._renew_at:
            return
        form = {"grant_type": "refresh_token", **asdict(self.credentials)}
        centre = form.pop("data_centre")
        accounts = self.settings.accounts_url(centre) or DATA_CENTRES[centre].accounts
        response = self._fetch("POST", f"{accounts}/oauth/v2/token", deadline, data=form)
        match _json(response):
            case {"access_token": str(token), **rest} if token and token.isascii() and token.isprintable():
                self._api = self.settings.zoho_api_url or _known_api(rest.get("api_domain", DATA_CENTRES[centre].api))
                self._token = token
                self._renew_at = now + TOKEN_LIFE
                return
            case {"error": error}:  # with HTTP 200, too
                cause = errors.BY_CODE.get(str(error), errors.TOKEN_REFUSED)
                raise UnreadableError(cause, f"Zoho refuses a token ({error_code(error)})")
        if response.status // 100 == 4:
            raise UnreadableError(errors.TOKEN_REFUSED, f"Zoho refuses a token (HTTP {response.status})")
        if response.status != 200:
            raise _api_error(response)
        raise UnreadableError(errors.UNUSABLE, "The answer to the token request is not the documented one.")

    def _fetch(self, method: str, url: str, deadline: Deadline, **request: Any) -> Response:
        if deadline.left() <= 0:
            raise UnreadableError(errors.NO_TIME, "The time of this check was over before Zoho was asked.")
        try:
            return fetch(self.session, method, url, deadline=deadline, **request)
        except TransportError as error:
            raise UnreadableError(errors.TRANSIENT, f"No usable answer from Zoho: {error}") from None


def _json(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        what = "with a web page" if response.body.lstrip()[:1] == b"<" else "without JSON"
        raise UnreadableError(errors.TRANSIENT, f"Zoho answered HTTP {response.status} {what}") from None


def _api_error(response: Response) -> UnreadableError:
    """Return the exception for an answer that says no."""
    said = _json(response) if response.body else None
    code = said.get("code") if isinstance(said, dict) else None
    cause = errors.BY_CODE.get(code) if isinstance(code, str) else None
    # Maintenance pages are behind redirects; a person must look at any other unknown answer below 500.
    unknown = errors.REFUSED if response.status // 100 in (2, 4) else errors.TRANSIENT
    if cause is None or (response.status >= 500 and cause.actionable):
        cause = errors.BY_CODE.get(response.status, unknown)
    return UnreadableError(cause, f"Zoho answered HTTP {response.status}" + (f" {error_code(code)}" if code else ""))


def error_code(said: object) -> str:
    """Return an error code that is safe to show: letters only, in case Zoho echoes a credential."""
    return said if isinstance(said, str) and re.fullmatch(r"[A-Za-z_ ]{2,40}", said) else "an unknown error"


def _known_api(domain: object) -> str:
    if isinstance(domain, str) and domain in API_DOMAINS:
        return domain
    raise UnreadableError(errors.UNUSABLE, "The token answer names an api_domain that is no Zoho data centre's.")
