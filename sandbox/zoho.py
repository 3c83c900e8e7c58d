"""A fake Zoho on loopback: the accounts server and the backup part of the CRM API, as Zoho documents them.

The base is the history's own page, https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html. What Zoho does
not document and the fake had to choose is marked "chosen".
"""

import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.server import Request, Response, Server
from sandbox.zoho_errors import API_ERRORS, TOKEN_ERRORS, envelope

Row = dict[str, Any]
Time = datetime | None

PER_PAGE_MAXIMUM = 200
READ_SCOPES = {"ZohoCRM.bulk.backup.READ", "ZohoCRM.bulk.backup.ALL"}
# https://www.zoho.com/crm/developer/docs/api/v7/token-validity.html
TOKEN_LIFE = timedelta(hours=1)
TOKENS_IN_TEN_MINUTES = 10
ACTIVE_TOKENS = 15
REFRESH_TOKENS = 20
GRANT_LIFE = timedelta(minutes=10)
TOKEN = re.compile(r"(?:/([a-z]{2}))?/oauth/v2/token")
"""Every data centre's accounts server is here, each at a path (`/eu/oauth/v2/token`); without one it is any."""


@dataclass
class Organisation:
    """One Zoho CRM account, with the one client and the one user through which the notifier reads it.

    Change any attribute at any time; the next request sees it.

    Attributes:
        rows: The backup history, newest first, each row as Zoho sends it.
        plan: What `GET …/backup` says of the latest backup that was asked for, as `plan` makes it; None is 204.
        urls: What `GET …/backup/urls` says of the latest backup's files, as `links` makes it; None is 204.
        admin: Whether the user is an administrator.
        scopes: What the tokens were granted for.
        refresh_tokens: Those that work, oldest first; deleting one revokes it.
        grants: Unused grant codes and the time each was made.
        issued: When each access token was issued, by refresh token: the record behind Zoho's limits.
        data_centre: Where it is; the accounts server of another one does not know its client. None: anywhere.
    """

    client_id: str
    client_secret: str
    rows: list[Row] = field(default_factory=list)
    plan: dict[str, Any] | None = None
    urls: dict[str, Any] | None = None
    admin: bool = True
    scopes: set[str] = field(default_factory=lambda: {"ZohoCRM.bulk.backup.READ"})
    refresh_tokens: list[str] = field(default_factory=list, repr=False)
    grants: dict[str, datetime] = field(default_factory=dict, repr=False)
    issued: dict[str, dict[str, datetime]] = field(default_factory=dict, repr=False)
    data_centre: str | None = None

    def secret(self, **more: str) -> dict[str, str]:
        """Return what the notifier's SSM parameter of this organisation holds, with more keys on request."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_tokens[-1],
            "data_center": self.data_centre or "us",
            **more,
        }


def new_token() -> str:
    """Return a token in the form of Zoho's own."""
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"


class FakeZoho(Server):
    """Zoho's accounts servers and CRM API on one URL, for any number of organisations.

    Requests are of the kinds `token`, `history`, `backup`, `urls` and `other`.

    Attributes:
        organisations: By client id.
        api_domain: What a token answer names; the fake itself, or else the client's next call leaves the machine.
        clock: The time by which tokens age; a test moves it instead of waiting.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Server` does, with the time of this machine unless another clock is given."""
        self.organisations: dict[str, Organisation] = {}
        self.clock = clock or (lambda: datetime.now(UTC))
        self._numbers = itertools.count(1)
        super().__init__(certificate)
        self.api_domain = self.url

    def organisation(self, rows: Iterable[Row] = (), **attributes: Any) -> Organisation:
        """Register an organisation, with its own credentials and one refresh token, and return it."""
        credentials = {"client_id": f"1000.SANDBOX{next(self._numbers):026d}", "client_secret": secrets.token_hex(21)}
        made = Organisation(**{**credentials, "refresh_tokens": [new_token()], "rows": list(rows), **attributes})
        self.organisations[made.client_id] = made
        return made

    def grant(self, organisation: Organisation) -> str:
        """Make a grant code, as the API console does for a self client: good once, for ten minutes."""
        code = new_token()
        organisation.grants[code] = self.clock()
        return code

    def kind(self, method: str, path: str) -> str:
        """Name the kind of a request by its path."""
        if TOKEN.fullmatch(path):
            return "token"
        call = re.fullmatch(r"/crm/bulk/v\d+(?:\.\d+)?/backup(?:/(history|urls))?", path)
        return call[1] or "backup" if call else "other"

    def answer(self, request: Request) -> Response:
        """Answer as Zoho does."""
        with self.lock:
            if request.kind == "other":
                return API_ERRORS["INVALID_URL_PATTERN"]
            return self._token_answer(request) if request.kind == "token" else self._api_answer(request)

    # The accounts server

    def _token_answer(self, request: Request) -> Response:
        form = request.form
        if request.method != "POST" or request.query:  # a secret in a URL ends up in logs: refused here; chosen
            return Response.json({"error": "invalid_request"})
        organisation = self.organisations.get(form.get("client_id", ""))
        centre = TOKEN.sub(r"\1", request.path)
        if organisation is None or (centre and organisation.data_centre not in {centre, None}):
            return TOKEN_ERRORS["invalid_client"]
        if form.get("client_secret") != organisation.client_secret:
            return TOKEN_ERRORS["invalid_client_secret"]
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange_grant(organisation, form.get("code", ""))
            case "refresh_token":
                return self._refresh(organisation, form.get("refresh_token", ""))
        return Response.json({"error": "unsupported_grant_type"})  # chosen

    def _exchange_grant(self, organisation: Organisation, code: str) -> Response:
        made = organisation.grants.pop(code, None)
        if made is None or self.clock() - made >= GRANT_LIFE:
            return TOKEN_ERRORS["invalid_code"]
        token = new_token()
        organisation.refresh_tokens.append(token)
        del organisation.refresh_tokens[:-REFRESH_TOKENS]  # the 21st silently kills the first
        return self._issue(organisation, token, refresh_token=token)

    def _refresh(self, organisation: Organisation, token: str) -> Response:
        if token not in organisation.refresh_tokens:
            return TOKEN_ERRORS["invalid_code"]
        recent = self.clock() - timedelta(minutes=10)
        if sum(at > recent for at in organisation.issued.get(token, {}).values()) >= TOKENS_IN_TEN_MINUTES:
            return TOKEN_ERRORS["throttled"]
        return self._issue(organisation, token)

    def _issue(self, organisation: Organisation, issuer: str, **more: str) -> Response:
        access_token = new_token()
        organisation.issued.setdefault(issuer, {})[access_token] = self.clock()
        answer = {
            "access_token": access_token,
            "scope": " ".join(sorted(organisation.scopes)),
            "api_domain": self.api_domain,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }
        return Response.json({**answer, **more})

    # The API

    def _api_answer(self, request: Request) -> Response:
        if request.method != "GET":
            return API_ERRORS["INVALID_REQUEST_METHOD"]
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Zoho-oauthtoken":
            return API_ERRORS["AUTHENTICATION_FAILURE"]
        organisation = self._owner(token)
        if organisation is None:
            return API_ERRORS["INVALID_TOKEN"]
        if not organisation.scopes & READ_SCOPES:
            return API_ERRORS["OAUTH_SCOPE_MISMATCH"]
        if not organisation.admin:
            return API_ERRORS["NO_PERMISSION"]
        if request.kind == "history":
            return _history(organisation.rows, request.query)
        shown = organisation.plan if request.kind == "backup" else organisation.urls
        return Response.json({request.kind: shown}) if shown is not None else Response(204)

    def _owner(self, token: str) -> Organisation | None:
        """Find the organisation whose living token this is: under an hour old, among its refresh token's last 15."""
        for organisation in self.organisations.values():
            for refresh_token in organisation.refresh_tokens:
                last = dict(list(organisation.issued.get(refresh_token, {}).items())[-ACTIVE_TOKENS:])
                if token in last and self.clock() - last[token] < TOKEN_LIFE:
                    return organisation
        return None


def _history(rows: list[Row], query: dict[str, str]) -> Response:
    asked = {"page": query.get("page", "1"), "per_page": query.get("per_page", str(PER_PAGE_MAXIMUM))}
    for name, value in asked.items():
        if not re.fullmatch("0*[1-9][0-9]*", value) or (name == "per_page" and int(value) > PER_PAGE_MAXIMUM):
            return envelope(400, "INVALID_DATA", "invalid data", param_name=name)  # chosen
    page, per_page = map(int, asked.values())
    shown = rows[(page - 1) * per_page : page * per_page]
    more = page * per_page < len(rows)
    info = {"page": page, "per_page": per_page, "count": len(shown), "more_records": more}
    return Response.json({"history": shown, "info": info}) if shown else Response(204)


# What Zoho sends

WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"
DOWNLOADS = "https://download-accl.zoho.com/v2/crm/75734565104/backup/4876876000001781013"
USER = {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "75734577"}
SAMPLE_FILE = Path(__file__).with_name("sample_history.json")
_ids = (str(4_876_876_000_002_000_001 + 1_003 * number) for number in itertools.count(1))


def sample_rows() -> list[Row]:
    """Return the four rows of Zoho's documented sample page, newest first."""
    return list(json.loads(SAMPLE_FILE.read_text())["history"])


def row(at: Time, **fields: Any) -> Row:
    """Return a row of the history as Zoho sends it; every later one has a greater id.

    Args:
        at: Its `log_time`, to the second; None is null.
        fields: What is not as in Zoho's sample: `state` or `action`, and whatever else.
    """
    nothing = dict.fromkeys(("state", "action", "file_name"))
    known = {"id": next(_ids), "done_by": dict(USER), "log_time": _time(at), "repeat_type": "weekly", "count": 0}
    return {**known, **nothing, **fields}


def plan(rrule: str | None = WEEKLY, next_run: Time = None, start: Time = None, status: str = "SCHEDULED") -> Row:
    """Return what `GET …/backup` says of the latest backup that was asked for.

    https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html

    Args:
        rrule: When the schedule runs; None for a backup made by hand, which has no such key and no dates.
        next_run: Its `scheduled_date`.
        start: Its `start_date`.
        status: `SCHEDULED`, `INPROGRESS`, `COMPLETED`, `FAILED` or `STOPPED`; older text has more.
    """
    dates = {"scheduled_date": _time(next_run), "start_date": _time(start)}
    return {"id": next(_ids), **dates, **({"rrule": rrule} if rrule else {}), "requester": dict(USER), "status": status}


def links(expiry: datetime, data: int = 1, attachments: int = 0) -> dict[str, Any]:
    """Return what `GET …/backup/urls` says: so many files of each sort, and until when they can be downloaded.

    https://www.zoho.com/crm/developer/docs/api/v8/get-backup-urls.html
    """
    return {
        "data_links": [f"{DOWNLOADS}/Data_{number:03}.zip" for number in range(1, data + 1)],
        "attachment_links": [f"{DOWNLOADS}/Attachments_{number:03}.zip" for number in range(1, attachments + 1)],
        "expiry_date": _time(expiry),
    }


def _time(at: Time) -> str | None:
    return at.replace(microsecond=0).isoformat() if at else None
