"""Zoho's side of connecting: where a code is made, what it is exchanged for, and whether that reads the history."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from handler import errors
from handler.config import Settings, parse_secret
from handler.decision import Decision
from handler.memory import Memory
from handler.rules import decide
from handler.transport import RETRY, fetch, make_session, tls_context
from handler.zoho import DATA_CENTRES, Credentials, Zoho
from tools.problems import ZohoError

SECONDS = 40.0
_tls = cache(tls_context)
CODE_ERRORS = {
    "invalid_code": "used_code",
    "invalid_client": "wrong_client",
    "invalid_client_secret": "wrong_client_secret",
    "Access Denied": "throttled",  # which means too many requests
}
"""What Zoho's accounts server answers to a code, and what that means here."""


def api_console(data_centre: str) -> str:
    """Return the address where clients and codes are made.

    Source: https://www.zoho.com/accounts/protocol/oauth/self-client/authorization-code-flow.html
    """
    return DATA_CENTRES[data_centre].accounts.replace("://accounts.", "://api-console.")


def prove(secret: dict[str, str], org: str) -> None:
    """Check everything but the token, before a code is spent.

    Raises:
        ZohoError: The function could not use it.
    """
    try:
        parse_secret(json.dumps({"refresh_token": "still-to-come", **secret}), org)
    except errors.UnreadableError as error:
        raise _as_zoho_error(error) from None


def exchange(answers: dict[str, str], settings: Settings) -> str:
    """Return the refresh token that a code is worth. It is asked once: a code works once.

    Source: https://www.zoho.com/crm/developer/docs/api/v7/access-refresh.html

    Args:
        answers: ``data_center``, ``client_id``, ``client_secret``, ``code``.
        settings: Where Zoho is, in the sandbox.

    Raises:
        ZohoError: By name.
    """
    accounts = settings.zoho_accounts_url or DATA_CENTRES[answers["data_center"]].accounts
    form = {"grant_type": "authorization_code", **{key: answers[key] for key in ("client_id", "client_secret", "code")}}
    session = make_session(_tls(settings.ca_bundle))
    try:
        answer = fetch(session, "POST", f"{accounts}/oauth/v2/token", seconds=_countdown(), data=form)
        said: Any = answer.json()
    except errors.TransportError as error:
        raise ZohoError("unanswered_code", f"No usable answer from Zoho accounts: {error}") from None
    except ValueError:
        raise ZohoError("unanswered_code", f"Zoho accounts answered HTTP {answer.status} without JSON") from None
    match said:
        case {"refresh_token": str(token)} if token:
            return token
        case {"error": error}:
            shown = error if isinstance(error, str) and re.fullmatch(r"[A-Za-z_ ]{2,40}", error) else "an unknown error"
            raise ZohoError(CODE_ERRORS.get(str(error), "unanswered_code"), f"Zoho accounts answered: {shown}")
        case {"access_token": _}:
            raise ZohoError("no_refresh_token", "Zoho accounts answered without refresh_token")
    raise ZohoError("unusable", f"Zoho accounts answered HTTP {answer.status} in no documented form")


def first_look(secret: dict[str, str], settings: Settings) -> Decision:
    """Read the history as a check does, and return what a first check would decide; nothing is kept.

    Raises:
        ZohoError: By name: scope, administrator rights, a revoked token and so on.
    """
    credentials = Credentials(*(secret[key] for key in ("client_id", "client_secret", "refresh_token", "data_center")))
    zoho = Zoho(
        credentials,
        make_session(_tls(settings.ca_bundle), RETRY),
        lambda: datetime.now(UTC),
        version=settings.zoho_api_version,
        accounts_url=settings.zoho_accounts_url,
        api_url=settings.zoho_api_url,
    )
    try:
        rows = zoho.history(_countdown()).rows
    except errors.UnreadableError as error:
        raise _as_zoho_error(error) from None
    return decide(rows, Memory("default"), datetime.now(UTC), settings.policy, ["sns"])


def _as_zoho_error(error: errors.UnreadableError) -> ZohoError:
    throttled = not error.act and any(word in str(error) for word in ("Access Denied", "429"))
    return ZohoError("throttled" if throttled else error.cause, str(error), transient=not error.act)


def _countdown() -> Callable[[], float]:
    """Return what says how many seconds are left."""
    end = datetime.now(UTC) + timedelta(seconds=SECONDS)
    return lambda: (end - datetime.now(UTC)).total_seconds()
