"""What the fakes of all channels share: addresses, scripted failures, what was accepted, and limits of payloads."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sandbox.server import Fault, Request, Response, Server

Payload = dict[str, Any]

MESSAGE = "webhook"
"""The kind of a request that brings a message, whatever the service calls it."""


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

    @staticmethod
    def value(data_type: str, text: str) -> Any:
        """Return the value of an attribute that is published as this type and text."""
        return json.loads(text) if data_type == "String.Array" else text


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

    Its errors, and its limits as JSON Schema, are in a YAML file of the channel's name beside this one.

    Requests are of the kinds `webhook` (a message), `heartbeat` and `other`. A choice that no documentation supports is
    marked "chosen". Fake and model refuse whatever they do not know, so that a misspelt key shows.

    Attributes:
        name: The channel's.
        path: Where messages are posted to.
        limits: The validator of its messages.
        errors: What it answers when something is wrong, by name.
        transient: Names of the errors after which the same message may be accepted later.
        refused: Names of the errors that refuse a message for its content.
        gone: Names of the errors that refuse every message until a person does something.
        judge: Whether the service's own model takes a message. The tests give the models; `make run` installs none.
        addresses: The name that was given to `settings`, by what stands in its address; deleting one revokes it.
        accepted: What it accepted, oldest first.
        clock: The time by which it limits; a test moves it instead of waiting.
    """

    name: ClassVar[str]
    path: ClassVar[re.Pattern[str]]
    limits: ClassVar[Any]
    errors: ClassVar[Mapping[str, Response]]
    transient: ClassVar[tuple[str, ...]]
    refused: ClassVar[tuple[str, ...]]
    gone: ClassVar[tuple[str, ...]]
    judge: ClassVar[Any] = staticmethod(lambda payload: True)

    def __init_subclass__(cls) -> None:
        """Read the service's errors and limits."""
        service = yaml.safe_load(Path(__file__).with_name(f"{cls.name}.yaml").read_text())
        cls.limits = Draft202012Validator(service.pop("limits"))
        cls.errors = {name: _answer(*error) for errors in service.values() for name, error in errors.items()}
        cls.transient, cls.refused, cls.gone = (tuple(service[kind]) for kind in ("transient", "refused", "gone"))

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

    def refusals(self, request: Request, payload: Any) -> Iterator[tuple[bool, str]]:
        """Yield whether each reason to refuse a request holds, and the name of its error; the first that holds decides.

        Requests of the kind `other` come here, too. The payload is None unless the body is a JSON object and the
        content type says so.
        """
        raise NotImplementedError

    def takes(self, payload: Any) -> bool:
        """Return whether a message keeps the limits, the service's own model takes it, and a person reads something."""
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            return bool(self.limits.is_valid(payload) and self.judge(payload) and self.text(payload))
        return False

    def receive(self, request: Request, payload: Payload) -> Response:
        """Keep a message that nothing refuses, and answer as the service does."""
        raise NotImplementedError

    @classmethod
    def text(cls, payload: Payload) -> str:
        """Return what a person reads of a message."""
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
        fault = self.errors[what] if isinstance(what, str) else what
        if times is None:
            self.standing[MESSAGE] = Fault(fault) if isinstance(fault, Response) else fault
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
        payload: Any = None
        if request.headers.get_content_type() == "application/json":
            with suppress(ValueError):
                payload = request.json()
        payload = payload if isinstance(payload, dict) else None
        with self.lock:
            error = next((error for holds, error in self.refusals(request, payload) if holds), None)
            return self.errors[error] if error else self.receive(request, payload)

    def accept(self, name: str, payload: Payload) -> None:
        """Keep a message."""
        self.accepted.append(Accepted(name, payload, self.text(payload)))


def _answer(status: int, body: str | Payload) -> Response:
    return Response.text(body, status) if isinstance(body, str) else Response.json(body, status)
