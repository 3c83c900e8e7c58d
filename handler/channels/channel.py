"""What a channel is, and what it needs from its surroundings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import requests

from handler.deadline import Deadline
from handler.memory import Notice
from handler.message import Recipient

P = TypeVar("P")


@dataclass(frozen=True)
class Request(Generic[P]):
    """What one request carries.

    Attributes:
        notice_ids: What is accepted when it is.
        payload: Whatever the channel made of it.
    """

    notice_ids: tuple[str, ...]
    payload: P


@dataclass(frozen=True)
class Setting:
    """One of a channel's keys in the organisation's secret.

    Attributes:
        key: Its name.
        question: How `make connect` asks for it.
        help: Where to get it: a sentence, and the page that says how.
        complaint: Value, and whether http on loopback is allowed → what is wrong with it, as it follows the key's
            name, or "".
        default: What counts where the secret has none; None: it must be there.
        secret: It is hidden while it is typed.
        begins: How the service's values begin. A person is asked for one of these; a file and the environment may give
            another, for a receiver that imitates the service. (): anyhow.
    """

    key: str
    question: str
    help: str
    complaint: Callable[[str, bool], str]
    default: str | None = None
    secret: bool = True
    begins: tuple[str, ...] = ()

    def check(self, *, loopback: bool) -> Callable[[str], str]:
        """Return what says whether a value is wrong."""
        return lambda value: self.complaint(value, loopback)


@dataclass(frozen=True)
class Senders:
    """What channels send with; built once per cold start.

    Attributes:
        sns: A boto3 SNS client that never retries: a lost answer must stay one repeat.
        topic_arn: The topic.
        session: An HTTP session that never retries either.
    """

    sns: Any
    topic_arn: str
    session: requests.Session


class Channel(Protocol):
    """One channel of one organisation.

    Attributes:
        name: In the memory, the log and the secret.
        label: For people.
        settings: Its keys in the secret; the first configures it. None: it is always there.
        when_broken: What to do when it refuses messages, beginning with a verb; ``{operator}`` and ``{connect}`` are
            replaced.
        min_severity: The floor where the secret has none.
        incidents_only: It takes what opens, reminds of or ends an incident, and unknown states, only.
        accepted: What an accepted message means.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]
    when_broken: ClassVar[str]
    min_severity: ClassVar[str]
    incidents_only: ClassVar[bool]
    accepted: ClassVar[str]

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take the channel's own values of the secret, checked, by key."""

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[Any]]:
        """Return what is pending as requests, oldest first. Pure."""

    def send(self, request: Request[Any], deadline: Deadline) -> None:
        """Send one request.

        Raises:
            DeliveryError: It was not accepted, or not all of it.
        """
