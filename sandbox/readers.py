"""What a reader of each channel gets: the real channels, sending to the fakes."""

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any

import certifi

from handler.channels import BY_NAME
from handler.channels.channel import Senders
from handler.deadline import Deadline
from handler.message import Recipient
from handler.organisation import open_channels
from handler.outbox import Notice
from handler.secret import Values
from handler.transport import make_session, tls_context
from sandbox.channels import FAKES, Accepted, Mail


class _Topic:
    """An SNS client that keeps what is published."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def publish_batch(self, *, PublishBatchRequestEntries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        for entry in PublishBatchRequestEntries:
            attributes = {
                name: json.loads(value["StringValue"]) if value["DataType"] == "String.Array" else value["StringValue"]
                for name, value in entry["MessageAttributes"].items()
            }
            self.mails.append(Mail(entry["Subject"], entry["Message"], attributes))
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries], "Failed": []}


class Readers:
    """A reader of every channel, until `close`."""

    def __init__(self) -> None:
        """Start the fakes, and connect the channels to them."""
        self._topic = _Topic()
        with ExitStack() as opened:
            self._fakes = {
                name: opened.enter_context(closing(fake())) for name, fake in FAKES.items() if name in BY_NAME
            }
            session = opened.enter_context(closing(make_session(tls_context(certifi.where()))))
            self._secret = {key: value for fake in self._fakes.values() for key, value in fake.settings().items()}
            self._senders = Senders(self._topic, "arn:aws:sns:eu-west-1:123456789012:topic", session)
            self._opened = opened.pop_all()

    def read(self, channel: str, notices: Sequence[Notice], recipient: Recipient) -> list[Mail] | list[Accepted]:
        """Return what arrives on a channel of those notices that are for it: mails of `sns`, messages of the others."""
        self._topic.mails = []
        fake = self._fakes.get(channel)
        if fake:
            fake.reset()
        _, channels = open_channels(Values(self._secret, ""), self._senders, loopback=True)
        sender = channels[channel]
        for request in sender.render([notice for notice in notices if channel in notice.pending_for], recipient):
            sender.send(request, Deadline(lambda: 60.0))
        return list(fake.accepted) if fake else self._topic.mails

    def close(self) -> None:
        """Stop the fakes."""
        self._opened.close()


def as_text(message: Mail | Accepted) -> str:
    """Return a message as a person reads it; an e-mail below its attributes."""
    if isinstance(message, Accepted):
        return message.text
    attributes = "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(message.attributes.items()))
    return f"{attributes}\nSubject: {message.subject}\n\n{message.body}"
