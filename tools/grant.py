"""Zoho's side of connecting: where a code is made, what it is exchanged for, and whether that reads the history."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from handler import causes
from handler.causes import Cause
from handler.channels.channel import Senders
from handler.channels.sns import Sns
from handler.config import Settings
from handler.deadline import Deadline
from handler.decision import Answers, Decision
from handler.errors import TransportError, UnreadableError
from handler.memory import Memory
from handler.organisation import open_channels, receiver_of
from handler.plan import Plan
from handler.rules import decide
from handler.secret import parse_secret
from handler.transport import RETRY, fetch, make_session, tls_context
from handler.zoho import DATA_CENTRES, Credentials, Zoho, error_code
from tools import problems
from tools.problems import ZohoError

SECONDS = 40.0
_tls = cache(tls_context)
CODE_ERRORS: dict[str, Cause] = {
    "invalid_code": problems.USED_CODE,
    "invalid_client": causes.WRONG_CLIENT,
    "invalid_client_secret": causes.WRONG_CLIENT_SECRET,
    "Access Denied": problems.THROTTLED,  # which means too many requests
}
"""What Zoho's accounts server answers to a code, and what that means here."""
UNTOUCHED = {causes.WRONG_CLIENT, causes.WRONG_CLIENT_SECRET, problems.THROTTLED}
"""After these the same code is tried once more, unless there is a new one."""


def api_console(data_centre: str) -> str:
    """Return the address where clients and codes are made.

    Source: https://www.zoho.com/accounts/protocol/oauth/self-client/authorization-code-flow.html
    """
    return DATA_CENTRES[data_centre].accounts.replace("://accounts.", "://api-console.")


def prove(secret: dict[str, str], settings: Settings, parameter: str) -> None:
    """Check everything but the token, before a code is spent.

    Raises:
        ZohoError: The function could not use it; the text names every mistake and never a value.
    """
    loopback = bool(settings.zoho_api_url)
    try:
        parsed = parse_secret(json.dumps({"refresh_token": "still-to-come", **secret}), parameter, loopback=loopback)
    except UnreadableError as error:
        raise _as_zoho_error(error) from None
    senders = Senders(None, settings.topic_arn, make_session(_tls(settings.ca_bundle)))
    receivers, _ = open_channels(parsed.values, senders, loopback=loopback)
    if wrong := " ".join(receiver.problem for receiver in receivers if receiver.problem):
        raise ZohoError(causes.SECRET_MALFORMED, wrong)


def exchange(answers: dict[str, str], settings: Settings) -> str:
    """Return the refresh token that a code is worth. It is asked once: a code works once.

    Source: https://www.zoho.com/crm/developer/docs/api/v7/access-refresh.html

    Args:
        answers: ``data_center``, ``client_id``, ``client_secret``, ``code``.
        settings: Where Zoho is, in the sandbox.

    Raises:
        ZohoError: By name.
    """
    accounts = settings.accounts_url(answers["data_center"]) or DATA_CENTRES[answers["data_center"]].accounts
    form = {"grant_type": "authorization_code", **{key: answers[key] for key in ("client_id", "client_secret", "code")}}
    session = make_session(_tls(settings.ca_bundle))
    try:
        answer = fetch(session, "POST", f"{accounts}/oauth/v2/token", deadline=_deadline(), data=form)
        said: Any = answer.json()
    except TransportError as error:
        raise ZohoError(problems.UNANSWERED_CODE, f"No usable answer from Zoho accounts: {error}") from None
    except ValueError:
        status = f"Zoho accounts answered HTTP {answer.status} without JSON"
        raise ZohoError(problems.UNANSWERED_CODE, status) from None
    match said:
        case {"refresh_token": str(token)} if token:
            return token
        case {"error": error}:
            cause = CODE_ERRORS.get(str(error), problems.UNANSWERED_CODE)
            raise ZohoError(cause, f"Zoho accounts answered: {error_code(error)}")
        case {"access_token": _}:
            raise ZohoError(problems.NO_REFRESH_TOKEN, "Zoho accounts answered without refresh_token")
    raise ZohoError(problems.UNANSWERED_CODE, f"Zoho accounts answered HTTP {answer.status} in no documented form")


def first_look(secret: dict[str, str], settings: Settings) -> Decision:
    """Read the history as a check does, and return what a first check would decide; nothing is kept.

    Raises:
        ZohoError: Its cause says why: scope, administrator rights, a revoked token and so on.
    """
    credentials = Credentials(*(secret[key] for key in ("client_id", "client_secret", "refresh_token", "data_center")))
    zoho = Zoho(
        credentials,
        make_session(_tls(settings.ca_bundle), RETRY),
        lambda: datetime.now(UTC),
        version=settings.zoho_api_version,
        accounts_url=settings.accounts_url(credentials.data_centre),
        api_url=settings.zoho_api_url,
    )
    deadline, answers = _deadline(), Answers()
    memory, now, receivers = Memory("default"), datetime.now(UTC), [receiver_of(Sns)]
    try:
        rows = zoho.history(deadline).rows
        while (decision := decide(rows, memory, now, settings.policy, receivers, answers)).asks:
            answers = Answers(answers.asked | decision.asks, _plan(zoho, deadline))
    except UnreadableError as error:
        raise _as_zoho_error(error) from None
    return decision


def _plan(zoho: Zoho, deadline: Deadline) -> Plan | None:
    """Return Zoho's plan; without an answer, no harm."""
    try:
        return zoho.plan(deadline)
    except UnreadableError:
        return None


def _as_zoho_error(error: UnreadableError) -> ZohoError:
    throttled = not error.cause.actionable and any(word in str(error) for word in ("Access Denied", "429"))
    return ZohoError(problems.THROTTLED if throttled else error.cause, str(error))


def _deadline() -> Deadline:
    """Return a deadline that ends soon."""
    end = datetime.now(UTC) + timedelta(seconds=SECONDS)
    return Deadline(lambda: (end - datetime.now(UTC)).total_seconds())
