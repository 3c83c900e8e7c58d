"""What a channel is, and what the channels that post to a URL share."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import requests

from handler.errors import DeliveryError, TransportError
from handler.message import Message, Rendering
from handler.outbox import Channel, Notice
from handler.transport import Deadline, Response, fetch

Json = dict[str, Any]

PERMANENT = {401, 403, 404, 410}
"""Statuses that stay until a person acts, whatever the service."""
THROTTLED = "throttled"
"""The code that stands for a request too many, where a service says that in words."""


class Answers(NamedTuple):
    """What is known of a service's answers: patterns of a whole text or code, if not said otherwise.

    Another answer may pass, unless its status or form says otherwise. If it does not, the channel is broken after
    `delivery.BROKEN_AFTER`.

    Attributes:
        accepts: The text with which it accepts a message, beside an empty one and a JSON object.
        refused: Codes that come with HTTP 400 and are about the message. A wrong one here loses messages.
        permanent: Codes that refuse every message until a person acts, whatever their status.
        words: What a service says without a code: a pattern found anywhere in an answer → the code that it stands for.
    """

    accepts: str = ""
    refused: str = ""
    permanent: str = ""
    words: Mapping[str, str] = {}


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
        send: Sends one request. Raises DeliveryError if it was not accepted.
        answers: What is known of its answers over HTTP.
        min_severity: The lowest severity that it gets where the secret sets none.
        incidents_only: Whether it gets only notices that open, remind of or end an incident.
    """

    name: str
    label: str
    repair_hint: str
    accepted_means: str
    settings: tuple[Setting, ...]
    render: Callable[[Message, Mapping[str, str]], list[Request]]
    send: Callable[[Request, "Connection", Deadline], None]
    answers: Answers = Answers()
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
            DeliveryError: It was not accepted.
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

    def code(self, response: Response) -> str:
        """Return the code in an answer: the one that its words stand for, a field of its JSON object, or its text."""
        text = response.body.decode("utf-8", "replace").strip()
        for pattern, code in self.kind.answers.words.items():
            if re.search(pattern, text):
                return code
        match decoded(response):
            case {"error": {"code": str(code)}} | {"code": str(code)}:
                return code
            case None:
                return text
        return ""

    def refusal(self, response: Response) -> DeliveryError | None:
        """Return the error for an answer, or None if it is an acceptance; only what looks like a code is quoted."""
        status, label, ok = response.status, self.kind.label, 200 <= response.status < 300
        answers, code, body = self.kind.answers, self.code(response), decoded(response)
        # Proxies and maintenance pages answer with 2xx, too.
        says_yes = re.fullmatch(f"({answers.accepts})?", code) if body is None else not says_no(body)
        if ok and says_yes:
            return None
        shown = f" {code}" if re.fullmatch(r"[A-Za-z][A-Za-z_]{1,60}", code) else ""
        permanent = ok or status in PERMANENT or bool(code and re.fullmatch(answers.permanent, code))
        refused = status == 413 or bool(status == 400 and code and re.fullmatch(answers.refused, code))
        why = f"{label} answered HTTP {status}{shown}" + (f", but not as {label} does" if ok else "")
        return DeliveryError(why, permanent=permanent, refused=refused and not permanent)

    def __repr__(self) -> str:
        """Show the channel's name only."""
        return f"Connection({self.kind.name})"


def post_forms(request: Request, connection: Connection, deadline: Deadline) -> None:
    """Post a request whose payload is a tuple of forms, the best one first.

    The next form is tried if the service refuses the content of one, or answers with a code that is not known.

    Raises:
        DeliveryError: The service did not accept any of them.
    """
    refusal: DeliveryError | None = None
    for form in request.payload:
        response = connection.post(form, deadline)
        refusal = connection.refusal(response)
        final = refusal is None or refusal.permanent or response.status not in {400, 413}
        if final or connection.code(response) == THROTTLED:
            break
    if refusal:
        raise refusal


def matching(pattern: str, wrong: str) -> Callable[[str, bool], str]:
    """Return a setting's `problem` that finds this wrong with a value that does not match."""
    return lambda value, loopback: "" if re.fullmatch(pattern, value) else wrong


def decoded(response: Response) -> Json | None:
    """Return the JSON object in an answer, or None if there is none."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def says_no(answer: Json) -> bool:
    """Return whether a JSON object declines what was asked, whatever the status."""
    return answer.get("ok") is False or answer.get("success") is False or bool(answer.get("error"))
