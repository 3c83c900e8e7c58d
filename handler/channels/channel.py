"""What a channel is, and what the channels that post to a URL share."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import requests

from handler.errors import DeliveryError, TransportError
from handler.message import Message, Rendering
from handler.outbox import Channel, Notice
from handler.transport import Deadline, Response, fetch

Json = dict[str, Any]

Verdict = Literal["transient", "refused", "permanent"]
"""What an answer means: it may be accepted later; never, because of its content; not before a person acts."""
Table = Sequence[tuple[int, str, Verdict]]
"""Status, pattern of the whole code in the body, verdict. The first line that fits counts; without one the answer is
transient: a wrong "transient" costs one attempt an hour and raises an alarm, a wrong "refused" loses a message.
"""
ANY = "(?s).*"
USUAL: Table = ((413, ANY, "refused"), *((status, ANY, "permanent") for status in (401, 403, 404, 410)))
"""The lines behind every channel's own table."""


class Request(NamedTuple):
    """One request of a channel.

    Attributes:
        notice_ids: The notices that are accepted when it is.
        payload: Its body, in the channel's own form.
    """

    notice_ids: tuple[str, ...]
    payload: Any


class Setting(NamedTuple):
    """One of a channel's keys in the organisation's secret.

    Attributes:
        key: Its name.
        question: The question of `make connect`.
        help: Where to get the value: a sentence, and the page that explains it.
        problem: Value, and `loopback`, whether http is allowed there → what is wrong with it as it follows the key's
            name, or "".
        default: The value where the secret has none; None makes it mandatory.
        secret: Whether it is hidden while it is typed.
        begins: How the service's own values begin; () means anyhow. A person is asked for one of these; a file and the
            environment may give another, for a receiver that imitates the service.
    """

    key: str
    question: str
    help: str
    problem: Callable[..., str]
    default: str | None = None
    secret: bool = True
    begins: tuple[str, ...] = ()


class Senders(NamedTuple):
    """What channels send with; built once per cold start.

    Attributes:
        sns: A boto3 SNS client that never retries: a lost answer must cause one repeat at most.
        topic_arn: The topic for notices.
        session: An HTTP session that never retries either.
    """

    sns: Any
    topic_arn: str
    session: requests.Session


class ChannelKind(NamedTuple):
    """A kind of channel: data and two functions.

    Attributes:
        name: Its name in the memory, the log and the secret.
        label: Its name for people.
        repair_hint: What to do when it refuses messages; ``{operator}`` and ``{connect}`` are filled in.
        accepted_means: What an accepted message means, as a person reads it.
        settings: Its keys in the secret; the first one turns the channel on. () means that it is always on.
        render: Returns the pending notices, given as one message, and the checked values of the secret as requests,
            oldest first. Pure.
        send: Sends one request. Raises DeliveryError if it was not accepted, or not all of it.
        min_severity: The lowest severity that it gets where the secret sets none.
        incidents_only: Whether it gets only notices that open, remind of or end an incident, and unknown states.
    """

    name: str
    label: str
    repair_hint: str
    accepted_means: str
    settings: tuple[Setting, ...]
    render: Callable[[Message, Mapping[str, str]], list[Request]]
    send: Callable[[Request, "Connection", Deadline], None]
    min_severity: str = "info"
    incidents_only: bool = False

    @property
    def channel(self) -> Channel:
        """What the decision needs of it, where the secret sets no filter."""
        return Channel(self.name, self.label, self.repair_hint, self.min_severity, self.incidents_only)


class Connection(NamedTuple):
    """One organisation's access to a channel. ``repr`` shows the name only: the values are secret.

    Attributes:
        kind: The kind of channel.
        senders: What it sends with.
        values: The channel's checked values of the secret, by key.
    """

    kind: ChannelKind
    senders: Senders
    values: Mapping[str, str]

    def render(self, notices: Sequence[Notice], rendering: Rendering) -> list[Request]:
        """Return the notices as requests, oldest first, worded for the time at which they are sent."""
        return self.kind.render(Message(tuple(map(rendering.as_sent, notices)), rendering), self.values)

    def send(self, request: Request, deadline: Deadline) -> None:
        """Send one request.

        Raises:
            DeliveryError: It was not accepted, or not all of it.
        """
        self.kind.send(request, self, deadline)

    def post(self, payload: Json, deadline: Deadline, url: str = "") -> Response:
        """Return the answer to a payload, posted to the URL of the first setting unless another one is given.

        Raises:
            DeliveryError: There was no answer.
        """
        url = url or self.values[self.kind.settings[0].key]
        try:
            return fetch(self.senders.session, "POST", url, deadline=deadline, json=payload)
        except TransportError as error:
            raise DeliveryError(f"{self.kind.label} did not answer: {error}") from None

    def refusal(self, table: Table, response: Response, code: str, notice_ids: Sequence[str]) -> DeliveryError:
        """Return the error for an answer that is no acceptance; its code is quoted only if it looks like one."""
        table, status = (*table, *USUAL), response.status
        verdicts = (verdict for known, codes, verdict in table if known == status and re.fullmatch(codes, code))
        verdict = next(verdicts, "transient")
        shown = f" {code}" if re.fullmatch(r"[A-Za-z][A-Za-z_]{1,60}", code) else ""
        return DeliveryError(
            f"{self.kind.label} answered HTTP {status}{shown}",
            permanent=verdict == "permanent",
            refused_ids=notice_ids if verdict == "refused" else (),
        )

    def __repr__(self) -> str:
        """Show the channel's name only."""
        return f"Connection({self.kind.name})"


def decoded(response: Response) -> Json:
    """Return the JSON object in an answer, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def is_acceptance(response: Response, documented: int, others: Collection[int]) -> bool:
    """Return whether an answer is an acceptance. Proxies and maintenance pages answer with 200, too.

    Args:
        response: The answer.
        documented: The status with which the service accepts.
        others: Statuses that count if the body is empty or a JSON object.
    """
    empty_or_object = not response.body.strip() or bool(decoded(response))
    return response.status == documented or (response.status in others and empty_or_object)
