"""What the channels that post to an address share: what goes into one message, posting it, judging the answer."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal

import requests

from handler.deadline import Deadline
from handler.errors import DeliveryError, TransportError
from handler.message import TOGETHER, Recipient, bundles, text
from handler.outbox import Notice
from handler.transport import Response, fetch

Json = dict[str, Any]
Bundle = tuple[Notice, ...]
"""One notice, or a list of them."""

Verdict = Literal["transient", "refused", "gone"]
"""Accepted later; never, for its content; not before a person does something."""
Table = Sequence[tuple[int, str, Verdict]]
"""Status, pattern of the whole code in the body, verdict. The first line that fits counts; what fits none is transient:
a wrong "transient" costs a try an hour and is seen by an alarm, a wrong "refused" loses a message.
"""
ANY = "(?s).*"

LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "'", "[": "(", "]": ")", "{": "(", "}": ")", "@": "＠", "_": "＿"})  # noqa: RUF001
"""For characters that mean something in a chat. They look the same and mean nothing to any parser; a zero-width blank
beside a star may still leave it a star.
"""


def pack(
    notices: Sequence[Notice], recipient: Recipient, fits: Callable[[Sequence[Bundle], Recipient], bool]
) -> list[tuple[list[Bundle], Recipient]]:
    """Return as few messages as hold everything, oldest first: notices below each other or, when there are many, lists.

    Args:
        notices: All that is pending.
        recipient: For whom; each message has its own, for only the first one says what was lost.
        fits: Whether these make one message within the channel's limits. A notice that does not fit alone stands alone
            all the same: its channel has to shorten it.
    """
    messages = list(_messages(notices, lambda some: fits(some, recipient)))
    return [(message, recipient._replace(lost=0) if number else recipient) for number, message in enumerate(messages)]


def _messages(notices: Sequence[Notice], fits: Callable[[Sequence[Bundle]], bool]) -> Iterator[list[Bundle]]:
    if len(notices) > TOGETHER:
        for part in bundles(notices):
            yield from ([half] for half in _halves(part, fits))
        return
    message: list[Bundle] = []
    for bundle in bundles(notices):
        if message and not fits([*message, bundle]):
            yield message
            message = []
        message.append(bundle)
    if message:
        yield message


def _halves(part: Bundle, fits: Callable[[Sequence[Bundle]], bool]) -> Iterator[Bundle]:
    if len(part) == 1 or fits([part]):
        yield part
        return
    middle = len(part) // 2
    yield from _halves(part[:middle], fits)
    yield from _halves(part[middle:], fits)


def flat(message: Sequence[Bundle]) -> Bundle:
    """Return the notices of a message."""
    return tuple(notice for bundle in message for notice in bundle)


def ids(message: Sequence[Bundle]) -> tuple[str, ...]:
    """Return what is accepted when a message is."""
    return tuple(notice.notice_id for notice in flat(message))


def each(message: Sequence[Bundle], recipient: Recipient) -> Iterator[tuple[Bundle, Recipient]]:
    """Yield the bundles of a message, each with its recipient: only the first one says what was lost."""
    for bundle in message:
        yield bundle, recipient
        recipient = recipient._replace(lost=0)


def plain_text(message: Sequence[Bundle], recipient: Recipient) -> str:
    """Return a message as plain text."""
    return "\n\n".join(text(bundle, to) for bundle, to in each(message, recipient))


def inert(words: str, *, ours: bool = False) -> str:
    """Return a text in which nothing formats, mentions or links, where a chat reads Markdown.

    A low line between letters stays: it formats nothing, and file names are full of them. In words that are all ours,
    addresses stay links, and an e-mail address can be copied.
    """
    words = re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "\0", words)
    if ours:
        words = re.sub(r"(?<=[A-Za-z0-9])@(?=[A-Za-z0-9])", "\1", words)
    words = words.translate(LOOKALIKES).replace("\0", "_").replace("\1", "@")
    return words if ours else words.replace("://", ":\u200b//")


def post(session: requests.Session, label: str, url: str, payload: Json, deadline: Deadline) -> Response:
    """Return the answer to a payload.

    Raises:
        DeliveryError: There was none.
    """
    try:
        return fetch(session, "POST", url, deadline=deadline, json=payload)
    except TransportError as error:
        raise DeliveryError(f"{label} did not answer: {error}") from None


def decoded(response: Response) -> Json:
    """Return the JSON object that was answered, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def taken(response: Response, surely: int, perhaps: Collection[int]) -> bool:
    """Return whether an answer is an acceptance. A proxy's or a maintenance page comes with 200, too.

    Args:
        response: The answer.
        surely: The status by which the service says so.
        perhaps: Others that count where the body is empty or a JSON object.
    """
    return response.status == surely or (
        response.status in perhaps and (not response.body.strip() or bool(decoded(response)))
    )


def judge(table: Table, status: int, code: str) -> Verdict:
    """Return what an answer that is no acceptance means."""
    return next(
        (verdict for known, codes, verdict in table if status == known and re.fullmatch(codes, code)), "transient"
    )


def refusal(label: str, status: int, code: str, verdict: Verdict, notice_ids: Sequence[str]) -> DeliveryError:
    """Return the error for an answer that is no acceptance; of its code only what looks like one is repeated."""
    shown = f" {code}" if re.fullmatch(r"[A-Za-z][A-Za-z_]{1,60}", code) else ""
    refused = notice_ids if verdict == "refused" else ()
    return DeliveryError(f"{label} answered HTTP {status}{shown}", gone=verdict == "gone", refused=refused)
