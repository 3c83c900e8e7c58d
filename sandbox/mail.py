"""An e-mail, as far as SNS makes one."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mail:
    """What a topic delivered to a subscriber.

    Attributes:
        subject: None when the publisher gave none.
        body: The message's text.
        attributes: The message attributes; a String.Array is a list.
    """

    subject: str | None
    body: str
    attributes: dict[str, Any]
