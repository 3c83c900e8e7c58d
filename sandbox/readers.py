"""What a reader of each channel gets: the real channels, sending to the fakes."""

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any

import certifi

from handler.channels import BY_NAME
from handler.channels.channel import Senders
from handler.message import Rendering
from handler.organisation import open_channels
from handler.outbox import Notice
from handler.transport import Deadline, make_session, tls_context
from sandbox.channels import FAKES, Accepted, Mail


class Readers(ExitStack):
    """A reader of every channel, until `close`."""

    def __init__(self) -> None:
        """Start the fakes, and connect the channels to them."""
        super().__init__()
        self._fakes = {name: self.enter_context(closing(FAKES[name]())) for name in FAKES if name in BY_NAME}
        session = self.enter_context(closing(make_session(tls_context(certifi.where()))))
        self._secret = {key: value for fake in self._fakes.values() for key, value in fake.settings().items()}
        self._senders = Senders(None, "", session)

    def read(self, channel: str, notices: Sequence[Notice], rendering: Rendering) -> list[Mail] | list[Accepted]:
        """Return what arrives on a channel of those notices that are for it: mails of `sns`, messages of the others."""
        _, channels = open_channels(self._secret, "", self._senders, loopback=True)
        sender = channels[channel]
        requests = sender.render([notice for notice in notices if channel in notice.pending_for], rendering)
        if channel not in self._fakes:
            return [_mail(request.payload) for request in requests]
        fake = self._fakes[channel]
        fake.reset()
        for request in requests:
            sender.send(request, Deadline(lambda: 60.0))
        return list(fake.accepted)


def _mail(entry: dict[str, Any]) -> Mail:
    """Return what a subscriber gets of a message that is published."""
    published = entry["MessageAttributes"].items()
    attributes = {name: Mail.value(one["DataType"], one["StringValue"]) for name, one in published}
    return Mail(entry["Subject"], entry["Message"], attributes)


def as_text(message: Mail | Accepted) -> str:
    """Return a message as a person reads it; an e-mail below its attributes."""
    if isinstance(message, Accepted):
        return message.text
    attributes = "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(message.attributes.items()))
    return f"{attributes}\nSubject: {message.subject}\n\n{message.body}"
