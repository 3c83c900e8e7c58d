"""The exceptions, as a tree.

::

    NotifierError
    ├── ConfigError            a setting is missing or wrong; names every mistake and how to fix it
    ├── CheckFailed            raised at the end of a check, so that Lambda, its metric and the alarm see it
    ├── StoreError             the memory could not be read or written
    │   └── ConflictError      another check wrote first
    ├── TransportError         no usable HTTP response (timeout, reset, too large, too slow)
    ├── DeliveryError          a channel did not accept (all of) what it was given
    └── UnreadableError        the history could not be read; its ``cause`` says why

No message in here may hold a secret: texts are built from status codes, error codes and class names.
"""

from collections.abc import Collection

from handler.causes import Cause


class NotifierError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigError(NotifierError):
    """Settings or an event that cannot be used; the text says how to fix each mistake."""


class CheckFailed(NotifierError):  # noqa: N818  (what Lambda shows as errorType: a fact, not a mistake of the code)
    """A check that ended with something pending or broken."""


class StoreError(NotifierError):
    """The organisation's item could not be read or written."""


class ConflictError(StoreError):
    """Another check wrote the item first."""


class TransportError(NotifierError):
    """An HTTP exchange without a usable response. Holds a class name or a limit, never a URL."""


class DeliveryError(NotifierError):
    """A channel did not accept (all of) a request. What is neither accepted nor refused is tried again.

    Attributes:
        gone: The channel itself refuses (webhook revoked, topic missing): a person must fix it.
        accepted: ``notice_id`` of each notice that the channel did accept.
        refused: ``notice_id`` of each notice that it will never accept.
    """

    def __init__(
        self, why: str, *, gone: bool = False, accepted: Collection[str] = (), refused: Collection[str] = ()
    ) -> None:
        """Keep what the caller has to write down."""
        super().__init__(why)
        self.gone = gone
        self.accepted = frozenset(accepted)
        self.refused = frozenset(refused)


class UnreadableError(NotifierError):
    """The backup history could not be read.

    Attributes:
        cause: Why, and what to do.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        """Keep the cause; `detail` says what was seen, without any secret."""
        super().__init__(detail)
        self.cause = cause
