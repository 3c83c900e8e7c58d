"""What the fakes of all channels share: how a test configures, breaks and repairs one, and reads what it took."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.server import Fault, Request, Response, Server

Payload = dict[str, Any]

MESSAGE = "webhook"
"""The kind of a request that brings a message, whatever the service calls it."""
WIDTH = 100
"""Characters of a line of the text, where nothing else is asked for."""


@dataclass(frozen=True)
class Accepted:
    """A message that the service took.

    Attributes:
        name: Whose address it came to: the name that was given to `settings`.
        payload: As it was posted.
        text: What a person reads.
    """

    name: str
    payload: Payload
    text: str


class Fake(Server):
    """A service that takes messages, and heartbeats at every `/heartbeat/…`.

    Requests are of the kinds `webhook` (a message), `heartbeat` and `other`. Whatever a service does not document and
    a fake had to choose is marked "chosen"; what is not known to a fake is refused, so that a misspelt key shows.

    Attributes:
        name: The channel's.
        label: The service's name for people.
        errors: What it answers when something is wrong, by name.
        transient: The names of those after which the same message may be accepted later.
        refused: Those by which it refuses a message for its content.
        gone: Those by which it refuses every message until a person does something.
        accepted: What it took, oldest first.
        clock: The time by which it limits; a test moves it instead of waiting.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    errors: ClassVar[Mapping[str, Response]]
    transient: ClassVar[tuple[str, ...]]
    refused: ClassVar[tuple[str, ...]]
    gone: ClassVar[tuple[str, ...]]

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Server` does, with the time of this machine unless another clock is given."""
        self.accepted: list[Accepted] = []
        self.clock = clock or (lambda: datetime.now(UTC))
        super().__init__(certificate)

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return what an organisation's secret holds for this channel, with an address of this name."""
        raise NotImplementedError

    def takes(self, path: str) -> bool:
        """Return whether messages are posted to this path."""
        raise NotImplementedError

    def receive(self, request: Request) -> Response:
        """Take a message, or refuse it as the service does; also given what no fake knows."""
        raise NotImplementedError

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return what a person reads of a message, set in lines of at most so many characters where it has columns."""
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
        """Forget what happened, not which addresses there are."""
        self.repair()
        self.requests.clear()
        self.accepted.clear()

    def kind(self, method: str, path: str) -> str:
        """Name the kind of a request by its path."""
        if path.startswith("/heartbeat/"):
            return "heartbeat"
        return MESSAGE if self.takes(path) else "other"

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
    """Decode a body; None unless it is a JSON object and says so."""
    if request.headers.get_content_type() != "application/json":
        return None
    try:
        payload = request.json()
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def is_text(value: object, maximum: int | None = None) -> bool:
    """Return whether this is a text of at least one character and at most so many."""
    return isinstance(value, str) and len(value) >= 1 and (maximum is None or len(value) <= maximum)


def is_link(value: object) -> bool:
    """Return whether this is an address of the web."""
    return isinstance(value, str) and bool(re.fullmatch(r"https?://\S+", value))
