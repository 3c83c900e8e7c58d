"""Zoho's side of connecting: exchange a code for a refresh token, and read the history with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from handler.channels import BY_NAME
from handler.channels.channel import Senders
from handler.config import Settings, ca_bundle
from handler.decision import Decision, Sources
from handler.errors import CAUSES, TransportError, UnreadableError
from handler.history import parse_page
from handler.memory import Memory
from handler.organisation import open_channels, parse_secret
from handler.rules import decide
from handler.transport import RETRY, Deadline, fetch, make_session, tls_context
from handler.zoho import DATA_CENTRES, PER_PAGE, SCOPE, Credentials, Zoho, error_code
from tools.terminal import Problem

SECONDS = 40.0
_tls = cache(tls_context)


class Trouble(NamedTuple):
    """What goes wrong between this terminal and Zoho, for the person who connects.

    Attributes:
        next_step: What to do. The handler's own words speak to a reader of messages.
        sentence: What is wrong; "" for the handler's own.
        again: The questions to ask again; "*" for all. Without any, no answer can help.
    """

    next_step: str
    sentence: str = ""
    again: str = ""


_CLIENT = "client_id client_secret code"
_PASTE = "paste it at once: it works once, and for minutes only."
_UNREACHABLE = "Zoho could not be reached, or answered with an error of its own"
_NETWORK = "Check this machine's network (a proxy is not used) and https://status.zoho.com"
_NEWER = "Get a newer release of this notifier; if there is none, please report this line."
TROUBLES = {
    "used_code": Trouble(
        f'Make one in the tab "Generate Code" and {_PASTE}',
        "Zoho refuses the code: old, used, or another client's.",
        "code",
    ),
    "no_refresh_token": Trouble('Make a "Self Client" in the API console.', "Zoho gave no refresh token.", _CLIENT),
    "throttled": Trouble("Wait ten minutes, and make a new code.", "Zoho has had too many requests.", "code"),
    "unanswered_code": Trouble(f"{_NETWORK}; then make a new code.", f"{_UNREACHABLE}: the code may be used.", "code"),
    "revoked_token": Trouble(f"Make a new code and {_PASTE} Best as a separate Zoho user.", again="code"),
    "wrong_client": Trouble(
        "Choose the data centre of your Zoho CRM, and copy the client id again.",
        "Zoho does not know this client id in this data centre.",
        f"data_center {_CLIENT}",
    ),
    "wrong_client_secret": Trouble('Copy it again: API console, tab "Client Secret".', again="client_secret code"),
    "invalid_token": Trouble("Check that the user is active in Zoho CRM, then make a new code.", again="code"),
    "wrong_scope": Trouble(f"Make a new code with exactly this scope: {SCOPE}", again="code"),
    "no_permission": Trouble("Let an administrator of Zoho CRM make the client and the code.", again=_CLIENT),
    "secret_malformed": Trouble(
        "Give another answer for what is named above.", "The answers, or what was saved before, cannot be used.", "*"
    ),
    "api_changed": Trouble(f"Check the parameter ZohoApiVersion of the stack. {_NEWER}"),
    "refused": Trouble("Check the user's profile and the allowed IP addresses in Zoho CRM."),
    "unusable": Trouble(_NEWER),
    "no_time": Trouble(f"{_NETWORK}; then try again.", "Zoho answered too slowly."),
    "token_refused": Trouble("Wait ten minutes and try again; then make a new code.", "Zoho gives no token.", "code"),
    "transient": Trouble(f"{_NETWORK}; then try again.", f"{_UNREACHABLE}."),
}
CODE_ERRORS = {
    "invalid_code": "used_code",
    "invalid_client": "wrong_client",
    "invalid_client_secret": "wrong_client_secret",
    "Access Denied": "throttled",  # which means too many requests
}
"""What Zoho's accounts server answers to a code → what that means here."""


class ZohoError(Problem):
    """Zoho refuses a code, or its history cannot be read: as a person at a terminal sees it, with what Zoho answered.

    Attributes:
        cause: A name of `TROUBLES`.
        again: The questions to ask again.
    """

    def __init__(self, cause: str, detail: str) -> None:
        """Find the words; `detail` says what Zoho answered, without any secret."""
        trouble = TROUBLES[cause]
        sentence = trouble.sentence or CAUSES[cause].sentence
        super().__init__(f"{sentence} ({detail.rstrip('.')}.)", trouble.next_step)
        self.cause, self.again = cause, trouble.again


def api_console(data_centre: str) -> str:
    """Return the address where clients and codes are made.

    Source: https://www.zoho.com/accounts/protocol/oauth/self-client/authorization-code-flow.html
    """
    return DATA_CENTRES[data_centre].accounts.replace("://accounts.", "://api-console.")


def prove(secret: dict[str, str], settings: Settings, parameter: str) -> None:
    """Check everything but the token, before a code is spent.

    Raises:
        ZohoError: The function could not use the secret; the text names every mistake and never a value.
    """
    loopback = bool(settings.zoho_api_url)
    with _told():
        parsed = parse_secret(json.dumps({"refresh_token": "still-to-come", **secret}), parameter, loopback=loopback)
    senders = Senders(None, settings.topic_arn, make_session(_tls(ca_bundle())))
    channels, _ = open_channels(parsed.values, parameter, senders, loopback=loopback)
    if wrong := " ".join(channel.problem for channel in channels if channel.problem):
        raise ZohoError("secret_malformed", wrong)


def exchange(answers: dict[str, str], settings: Settings) -> str:
    """Exchange a code for its refresh token. The request is made once, because a code works once.

    Source: https://www.zoho.com/crm/developer/docs/api/v7/access-refresh.html

    Args:
        answers: ``data_center``, ``client_id``, ``client_secret``, ``code``.
        settings: The deployed function's; in the sandbox they say where Zoho is.

    Raises:
        ZohoError: Zoho gives no token.
    """
    accounts = settings.accounts_url(answers["data_center"]) or DATA_CENTRES[answers["data_center"]].accounts
    form = {"grant_type": "authorization_code", **{key: answers[key] for key in _CLIENT.split()}}
    session = make_session(_tls(ca_bundle()))
    try:
        answer = fetch(session, "POST", f"{accounts}/oauth/v2/token", deadline=_deadline(), data=form)
        said: Any = answer.json()
    except TransportError as error:
        raise ZohoError("unanswered_code", f"No usable answer from Zoho accounts: {error}") from None
    except ValueError:
        raise ZohoError("unanswered_code", f"Zoho accounts answered HTTP {answer.status} without JSON") from None
    match said:
        case {"refresh_token": str(token)} if token:
            return token
        case {"error": error}:
            cause = CODE_ERRORS.get(str(error), "unanswered_code")
            raise ZohoError(cause, f"Zoho accounts answered: {error_code(error)}")
        case {"access_token": _}:
            raise ZohoError("no_refresh_token", "Zoho accounts answered without refresh_token")
    raise ZohoError("unanswered_code", f"Zoho accounts answered HTTP {answer.status} in no documented form")


def first_look(secret: dict[str, str], settings: Settings) -> Decision:
    """Read the history as a check does, and return what a first check would decide; nothing is kept.

    Raises:
        ZohoError: The history cannot be read.
    """
    zoho, deadline, plan = _zoho(secret, settings), _deadline(), None
    with _told():
        (rows, _), now = zoho.history(deadline), datetime.now(UTC)
    with suppress(UnreadableError):
        plan = zoho.plan(deadline)
    channels, sources = (BY_NAME["sns"].channel,), Sources(plan=lambda: plan)
    return decide(rows, Decision(Memory("default"), now, settings.policy, channels, sources))


def everything(secret: dict[str, str], settings: Settings) -> dict[str, Any]:
    """Return what Zoho sends: all rows as ``history``, and where there are any, the plan as ``backup`` and ``urls``.

    Raises:
        ZohoError: It cannot be read.
    """
    zoho, deadline, rows, page, more = _zoho(secret, settings), _deadline(), [], 1, True
    with _told():
        while more:
            body = zoho.get("/history", deadline, {"page": page, "per_page": PER_PAGE})
            more, page = parse_page(body, PER_PAGE)[1], page + 1
            rows += body["history"]
        answers = zoho.get("", deadline) | zoho.get("/urls", deadline)
        return {"history": rows, **{key: answers[key] for key in ("backup", "urls") if key in answers}}


def _zoho(secret: dict[str, str], settings: Settings) -> Zoho:
    credentials = Credentials(*(secret[key] for key in ("client_id", "client_secret", "refresh_token", "data_center")))
    return Zoho(credentials, make_session(_tls(ca_bundle()), RETRY), lambda: datetime.now(UTC), settings)


@contextmanager
def _told() -> Iterator[None]:
    """Raise a `ZohoError` for what cannot be read."""
    try:
        yield
    except UnreadableError as error:
        throttled = not error.cause.actionable and any(word in str(error) for word in ("Access Denied", "429"))
        raise ZohoError("throttled" if throttled else error.cause.name, str(error)) from None


def _deadline() -> Deadline:
    end = datetime.now(UTC) + timedelta(seconds=SECONDS)
    return Deadline(lambda: (end - datetime.now(UTC)).total_seconds())
