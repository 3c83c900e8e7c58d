"""The exceptions, as a tree.

::

    NotifierError
    ├── ConfigError            a setting is missing or wrong; names every mistake and its mend
    ├── CheckFailed            raised at the end of a check, so that Lambda, its metric and the alarm see it
    ├── StoreError             the memory could not be read or written
    │   └── ConflictError      another check wrote first
    ├── TransportError         no usable HTTP answer (timeout, reset, too large, too slow)
    ├── DeliveryError          a channel did not take (all of) what it was given
    └── UnreadableError        the history could not be read; has a ``cause``
        ├── TroubleError       passes by itself: told only after UNREADABLE_HOURS
        └── …                  a person must act: told at once

No message in here may hold a secret: texts are built from status codes, error codes and class names.
"""

from collections.abc import Collection


class NotifierError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigError(NotifierError):
    """Settings or an event that cannot be used; the text says how to mend each mistake."""


class CheckFailed(NotifierError):  # noqa: N818  (what Lambda shows as errorType: a fact, not a mistake of the code)
    """A check that ended with something pending or broken."""


class StoreError(NotifierError):
    """The organisation's item could not be read or written."""


class ConflictError(StoreError):
    """Another check wrote the item first."""


class TransportError(NotifierError):
    """An HTTP exchange without a usable answer. Holds a class name or a limit, never a URL."""


class DeliveryError(NotifierError):
    """A channel did not take (all of) a batch.

    Attributes:
        permanent: False: keep it for the next invocation. True: trying the same again is useless.
        gone: The channel itself refuses (webhook revoked, topic missing): a person must mend it.
        accepted: ``notice_id`` of each notice that the channel did take.
        refused: ``notice_id`` of each notice that it will never take.
    """

    def __init__(
        self,
        why: str,
        *,
        permanent: bool = False,
        gone: bool = False,
        accepted: Collection[str] = (),
        refused: Collection[str] = (),
    ) -> None:
        """Keep what the caller has to write down."""
        super().__init__(why)
        self.permanent = permanent
        self.gone = gone
        self.accepted = frozenset(accepted)
        self.refused = frozenset(refused)


class UnreadableError(NotifierError):
    """The backup history could not be read.

    Attributes:
        cause: Stable name; ``causes.CAUSES`` has a sentence and a next step for each.
        act: True: a person must act, so it is told at once.
        credentials: True: a rotated secret may mend it, so the secret is read afresh once.
        resolution: Zoho's own advice (https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html), or "".
    """

    cause = "unusable"
    act = True
    credentials = False
    resolution = ""


class TroubleError(UnreadableError):
    """Zoho or the network is in trouble: 5xx, 429, timeout, throttling, maintenance page."""

    cause = "trouble"
    act = False


class InternalError(TroubleError):
    """INTERNAL_ERROR, HTTP 500."""

    resolution = "Unexpected and unhandled exception in the server. Contact the support team."


class RevokedTokenError(UnreadableError):
    """``invalid_code``: the refresh token is revoked, wrong, or was pushed out by the user's 21st."""

    cause = "revoked_token"
    credentials = True


class WrongClientError(UnreadableError):
    """``invalid_client``: unknown client id, or the client of another data centre."""

    cause = "wrong_client"
    credentials = True


class WrongClientSecretError(UnreadableError):
    """``invalid_client_secret``."""

    cause = "wrong_client_secret"
    credentials = True


class InvalidTokenError(UnreadableError):
    """HTTP 401 for a token that was issued a moment ago."""

    cause = "invalid_token"
    credentials = True


class ScopeMismatchError(UnreadableError):
    """OAUTH_SCOPE_MISMATCH, HTTP 401."""

    cause = "wrong_scope"
    credentials = True
    resolution = "The client does not have the scope ZohoCRM.bulk.backup.READ. Create a new client with a valid scope."


class NoPermissionError(UnreadableError):
    """NO_PERMISSION, HTTP 403."""

    cause = "no_permission"
    credentials = True
    resolution = "The user does not have permission to read backup details. Contact your system administrator."


class WrongUrlError(UnreadableError):
    """INVALID_URL_PATTERN, HTTP 404."""

    cause = "wrong_url"
    resolution = "The request URL specified is incorrect. Specify a valid request URL."


class WrongMethodError(UnreadableError):
    """INVALID_REQUEST_METHOD, HTTP 400."""

    cause = "wrong_method"
    resolution = "The HTTP method is invalid for this URL. Specify a valid request method."


class UnusableAnswerError(UnreadableError):
    """An answer that is not the documented shape."""


class HistoryTooLongError(UnreadableError):
    """More rows than the memory can hold."""

    cause = "history_too_long"


class HistoryVanishedError(UnreadableError):
    """A history that had rows is empty, long before they could have aged out."""

    cause = "history_vanished"


class SecretMissingError(UnreadableError):
    """The organisation's parameter does not exist."""

    cause = "secret_missing"


class SecretMalformedError(UnreadableError):
    """The organisation's parameter cannot be used; the text names every mistake and never a value."""

    cause = "secret_malformed"


class SecretDeniedError(UnreadableError):
    """AWS does not let the function read or decrypt the parameter."""

    cause = "secret_denied"
