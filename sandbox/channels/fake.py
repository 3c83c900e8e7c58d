"""What the fakes of all channels share: addresses, scripted failures, what was accepted, and checks of payloads."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.server import Fault, Request, Response, Server

Payload = dict[str, Any]
Check = Callable[[Any], bool]
"""Whether a service accepts a part of a payload."""

MESSAGE = "webhook"
"""The kind of a request that brings a message, whatever the service calls it."""
WIDTH = 100
"""Characters in a line of a message's text, unless a caller asks for another number."""


@dataclass(frozen=True)
class Mail:
    """What an SNS topic delivered to a subscriber.

    Attributes:
        subject: None when the publisher gave none.
        body: The message's text.
        attributes: The message attributes; a String.Array is a list.
    """

    subject: str | None
    body: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """A message that a service accepted.

    Attributes:
        name: Whose address it came to: the name that was given to `settings`.
        payload: As it was posted.
        text: What a person reads.
    """

    name: str
    payload: Payload
    text: str


class Fake(Server):
    """A service that accepts messages, and heartbeats at every `/heartbeat/…`.

    Requests are of the kinds `webhook` (a message), `heartbeat` and `other`. A choice that no documentation supports is
    marked "chosen". The fake refuses whatever it does not know, so that a misspelt key shows.

    Attributes:
        name: The channel's.
        label: The service's name for people.
        path: Where messages are posted to.
        errors: What it answers when something is wrong, by name.
        transient: Names of the errors after which the same message may be accepted later.
        refused: Names of the errors that refuse a message for its content.
        gone: Names of the errors that refuse every message until a person does something.
        addresses: The name that was given to `settings`, by what stands in its address; deleting one revokes it.
        accepted: What it accepted, oldest first.
        clock: The time by which it limits; a test moves it instead of waiting.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    path: ClassVar[re.Pattern[str]]
    errors: ClassVar[Mapping[str, Response]]
    transient: ClassVar[tuple[str, ...]]
    refused: ClassVar[tuple[str, ...]]
    gone: ClassVar[tuple[str, ...]]

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Server` does, with the time of this machine unless another clock is given."""
        self.addresses: dict[str, str] = {}
        self.accepted: list[Accepted] = []
        self.clock = clock or (lambda: datetime.now(UTC))
        super().__init__(certificate)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the address of this name, and make it known to the fake."""
        raise NotImplementedError

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return what an organisation's secret holds for this channel, with an address of this name."""
        return {f"{self.name}_webhook_url": self.webhook_url(name)}

    def receive(self, request: Request) -> Response:
        """Accept a message, or refuse it as the service does; requests of the kind `other` come here, too."""
        raise NotImplementedError

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return what a person reads of a message; columns are set in lines of at most this many characters."""
        raise NotImplementedError

    @property
    def messages(self) -> tuple[Payload, ...]:
        """The payloads of what was accepted, oldest first."""
        return tuple(message.payload for message in self.accepted)

    def heartbeat_url(self, name: str = "sandbox") -> str:
        """Return the heartbeat URL of this name."""
        return f"{self.url}/heartbeat/{name}"

    def break_with(self, what: str | Response | Fault, times: int | None = None) -> None:
        """Let this happen to the next so many messages, or to all until `repair`; a name is one of `errors`."""
        response = self.errors[what] if isinstance(what, str) else what
        fault = Fault(response) if isinstance(response, Response) else response
        if times is None:
            self.standing[MESSAGE] = fault
        else:
            self.script(MESSAGE, *[fault] * times)

    def repair(self) -> None:
        """End what `break_with` began."""
        self.standing.pop(MESSAGE, None)
        self.unscript(MESSAGE)

    def reset(self) -> None:
        """Forget everything that happened, but keep the addresses."""
        self.repair()
        self.requests.clear()
        self.accepted.clear()

    def kind(self, method: str, path: str) -> str:
        """Name the kind of a request by its path."""
        if path.startswith("/heartbeat/"):
            return "heartbeat"
        return MESSAGE if self.path.fullmatch(path) else "other"

    def answer(self, request: Request) -> Response:
        """Answer as the service does."""
        if request.kind == "heartbeat":
            return Response.text("OK")
        with self.lock:
            return self.receive(request)

    def accept(self, name: str, payload: Payload) -> None:
        """Keep a message."""
        self.accepted.append(Accepted(name, payload, self.text(payload)))


def payload_of(request: Request) -> Payload | None:
    """Decode a body; None unless it is a JSON object and its content type says so."""
    if request.headers.get_content_type() != "application/json":
        return None
    try:
        payload = request.json()
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


# Checks, and what makes them: a channel's limits are put together from these


def text(maximum: float = math.inf) -> Check:
    """Check that a part is a text of at least one character and at most so many."""
    return lambda value: isinstance(value, str) and 1 <= len(value) <= maximum


def link(value: Any) -> bool:
    """Check that a part is an address of the web."""
    return isinstance(value, str) and bool(re.fullmatch(r"https?://\S+", value))


def flag(value: Any) -> bool:
    """Check that a part is true or false."""
    return isinstance(value, bool)


def among(allowed: Collection[str]) -> Check:
    """Check that a part is one of these words."""
    return lambda value: isinstance(value, str) and value in allowed


def many(part: Check, maximum: float = math.inf, minimum: int = 1) -> Check:
    """Check that every entry of a list passes, and that there are neither too few nor too many."""
    return lambda value: isinstance(value, list) and minimum <= len(value) <= maximum and all(map(part, value))


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check an object: it has the required keys, no unknown one, and each value passes."""
    known = {**required, **(optional or {})}

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and required.keys() <= value.keys() <= known.keys()
            and all(known[key](part) for key, part in value.items())
        )

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """Check an object by its `type`: it is one of these kinds, whose check judges all other keys."""

    def check(value: Any) -> bool:
        kind = kinds.get(str(value.get("type"))) if isinstance(value, dict) else None
        return kind is not None and kind({key: part for key, part in value.items() if key != "type"})

    return check
