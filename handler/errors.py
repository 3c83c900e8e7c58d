"""The exceptions, as a tree, and the causes of an unreadable history.

::

    NotifierError
    ├── ConfigError            a setting is missing or wrong; names every mistake and how to fix it
    ├── CheckFailed            raised at the end of a check, so that Lambda, its metric and the alarm see it
    ├── StoreError             the memory could not be read or written
    │   └── ConflictError      another check wrote first
    ├── TransportError         no usable HTTP response (timeout, reset, too large, too slow)
    ├── DeliveryError          a channel did not accept what it was given
    └── UnreadableError        the history could not be read; its ``cause`` says why

No text here may contain a secret: texts are built from status codes, error codes and class names. In causes,
``{operator}`` is the person who runs the notifier, and ``{connect}`` the command that reconnects the organisation.
"""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a history is unreadable, and what to do.

    Attributes:
        name: A stable name: the memory, the log and ``notice_id`` contain it.
        title: A few words for a locked phone, as they follow "Cannot check the backups".
        sentence: What is wrong, and what usually causes it. ``{detail}`` is what was seen, of this cause.
        next_step: What to do, beginning with a verb.
        actionable: Whether a person must act: then it is sent at once, otherwise after ``UNREADABLE_HOURS``.
        codes: Zoho's error codes that mean this, and the HTTP statuses that mean it where a body has no such code.
    """

    name: str
    title: str
    sentence: str
    next_step: str
    actionable: bool = True
    codes: tuple[str | int, ...] = ()


class NotifierError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigError(NotifierError):
    """Settings or an event that cannot be used; the text says how to fix each mistake."""


class CheckFailed(NotifierError):  # noqa: N818  (what Lambda shows as errorType: a fact, not a mistake of the code)
    """A check of whose troubles nobody was told, or that a retry may help."""


class StoreError(NotifierError):
    """The organisation's item could not be read or written."""


class ConflictError(StoreError):
    """Another check wrote the item first."""


class TransportError(NotifierError):
    """An HTTP exchange without a usable response. Holds a class name or a limit, never a URL."""


class DeliveryError(NotifierError):
    """A channel did not accept a request. Its notices are tried again unless they are refused.

    Attributes:
        permanent: The channel itself refuses (webhook revoked, topic missing): a person must fix it.
        refused: The channel will never accept this request because of its content.
    """

    def __init__(self, why: str, permanent: bool = False, refused: bool = False) -> None:
        """Keep what the caller has to record."""
        super().__init__(why)
        self.permanent = permanent
        self.refused = refused


class UnreadableError(NotifierError):
    """The backup history could not be read.

    Attributes:
        cause: Why, and what to do.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        """Keep the cause; `detail` says what was seen, without any secret."""
        super().__init__(detail)
        self.cause = cause


_RECONNECT = "Ask {operator} to reconnect this organisation as a Zoho CRM administrator (`{connect}`)."

REVOKED_TOKEN = Cause(
    "revoked_token",
    "Zoho rejects the token",
    "Zoho does not accept the refresh token. It was revoked, its owner left, or it belongs to another data centre. "
    "Zoho also deletes the oldest token of a user who has more than 20.",
    f"{_RECONNECT} Use a separate Zoho user for this notifier.",
    codes=("invalid_code",),
)
WRONG_CLIENT = Cause(
    "wrong_client",
    "Zoho does not know the client",
    "Zoho does not know the client ID. It was deleted in the API console, or it belongs to another data centre.",
    "Ask {operator} to check the client in Zoho's API console, and then to reconnect this organisation (`{connect}`).",
    codes=("invalid_client",),
)
WRONG_CLIENT_SECRET = Cause(
    "wrong_client_secret",
    "wrong client secret",
    "Zoho does not accept the client secret. Usually it was renewed in the API console.",
    "Ask {operator} to reconnect this organisation with the secret that Zoho's API console shows now (`{connect}`).",
    codes=("invalid_client_secret",),
)
INVALID_TOKEN = Cause(
    "invalid_token",
    "access denied by Zoho",
    "Zoho rejects access tokens that it has just issued. Usually the token's owner was deactivated, or the data centre "
    "is the wrong one.",
    f"Check that the token's owner is active in Zoho CRM. {_RECONNECT}",
    codes=("INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE", 401),
)
WRONG_SCOPE = Cause(
    "wrong_scope",
    "the token has no access to backups",
    "The token's scope is not ZohoCRM.bulk.backup.READ.",
    "Ask {operator} to reconnect this organisation with the scope that `{connect}` shows.",
    codes=("OAUTH_SCOPE_MISMATCH",),
)
NO_PERMISSION = Cause(
    "no_permission",
    "the user is not an administrator",
    "The token's owner has no access to backups. Only administrators have it, and this user is not one, or no longer.",
    "Give the user the Administrator profile in Zoho CRM, or ask {operator} to reconnect as an administrator "
    "(`{connect}`).",
    codes=("NO_PERMISSION",),
)
API_CHANGED = Cause(
    "api_changed",
    "Zoho's API has changed",
    "Zoho does not answer the request with which this notifier reads the backup history.",
    "Ask {operator} to check the parameter ZohoApiVersion, and to install the latest release of this notifier.",
    codes=("INVALID_URL_PATTERN", "INVALID_REQUEST_METHOD"),
)
REFUSED = Cause(
    "refused",
    "Zoho refuses the request",
    "Zoho refuses this notifier's request, and gives no reason that it documents. It can be the profile of the token's "
    "owner, an IP address that is not allowed, the licence, or a limit.",
    "Check in Zoho CRM whether the token's owner is an administrator and whether only some IP addresses are allowed. "
    "If neither explains it, contact Zoho support and give them the technical detail.",
)
UNUSABLE = Cause(
    "unusable",
    "unexpected response from Zoho",
    "Zoho answered, but not as it documents, or with more than this notifier can remember.",
    "Check the data backup page yourself for now. Ask {operator} to install the latest release of this notifier.",
)
HISTORY_VANISHED = Cause(
    "history_vanished",
    "the history is suddenly empty",
    "The backup history had entries and is now empty, although Zoho keeps them for a year.",
    "Check the history on the data backup page. If it is empty there, too, contact Zoho support. If it is not, ask "
    "{operator} to reconnect this organisation (`{connect}`).",
)
HISTORY_REPLACED = Cause(
    "history_replaced",
    "the history is another one",
    "The backup history has none of the entries that we know, as after a change to another Zoho organisation.",
    "Check that the right Zoho organisation is connected. If it is not, ask {operator} to reconnect it (`{connect}`).",
)
SECRET_MISSING = Cause(
    "secret_missing",
    "no saved Zoho credentials",
    "The Zoho credentials of this organisation are no longer stored in AWS Systems Manager.",
    _RECONNECT,
)
SECRET_MALFORMED = Cause(
    "secret_malformed",
    "invalid Zoho credentials",
    "The saved Zoho credentials are invalid.",
    "Ask {operator} to fix the setting named above, or to reconnect this organisation (`{connect}`).",
)
SECRET_DENIED = Cause(
    "secret_denied",
    "AWS denied access to the saved credentials",
    "AWS does not let this notifier read the saved Zoho credentials.",
    "Ask {operator} to check the permissions of the function's role and the key that encrypts the parameter.",
)
SECRET_UNAVAILABLE = Cause(
    "secret_unavailable",
    "AWS does not give the credentials",
    "AWS does not give this notifier the saved Zoho credentials, so Zoho could not be asked.",
    "Wait: we try again at every check. If this lasts longer than a day, ask {operator} to look at AWS's status page, "
    "https://health.aws.amazon.com/health/status.",
    actionable=False,
)
TOKEN_REFUSED = Cause(
    "token_refused",
    "Zoho refuses a token",
    "{detail}. We do not know this reason.",
    "Wait: we try again at every check. If this lasts longer than a day, ask {operator} to reconnect this organisation "
    "(`{connect}`).",
    actionable=False,
)
NO_TIME = Cause(
    "no_time",
    "a check took too long",
    "This notifier's checks run out of time before they have read the history.",
    "Wait: we try again at every check. If this lasts longer than a day, ask {operator} to read the function's log.",
    actionable=False,
)
TRANSIENT = Cause(
    "transient",
    "no usable answer from Zoho",
    "{detail}.",
    "Wait: we try again at every check. Zoho's status page is https://status.zoho.com. If this lasts longer than a "
    "day, contact Zoho support.",
    actionable=False,
    codes=("INTERNAL_ERROR", "TOO_MANY_REQUESTS", "Access Denied", 408, 429),
)
CAUSES = {cause.name: cause for cause in list(vars().values()) if isinstance(cause, Cause)}
"""By name."""
CONCLUDED = (INVALID_TOKEN, REFUSED, UNUSABLE, HISTORY_VANISHED, HISTORY_REPLACED)
"""Causes that no code on Zoho's page names: one odd answer may pass, so a second one must confirm the first."""
BY_CODE = {code: cause for cause in CAUSES.values() for code in cause.codes}
