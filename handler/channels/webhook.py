"""What the channels that post to an address share: what goes into one message, posting it, judging the answer."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal

import requests

from handler.deadline import Deadline
from handler.errors import DeliveryError, TransportError
from handler.message import TOGETHER, Bundle, Recipient, bundles, each, text
from handler.outbox import Notice
from handler.transport import Response, fetch

Json = dict[str, Any]
Part = tuple[Bundle, Recipient]
"""Of a message: one notice, or a list of them, and for whom; only the first part says what was lost."""

Verdict = Literal["transient", "refused", "gone"]
"""Accepted later; never, for its content; not before a person does something."""
Table = Sequence[tuple[int, str, Verdict]]
"""Status, pattern of the whole code in the body, verdict. The first line that fits counts; what fits none is transient:
a wrong "transient" costs a try an hour and is seen by an alarm, a wrong "refused" loses a message.
"""
ANY = "(?s).*"
USUAL: Table = (
    (413, ANY, "refused"),
    (401, ANY, "gone"),
    (403, ANY, "gone"),
    (404, ANY, "gone"),
    (410, ANY, "gone"),
)
"""What counts where a channel's own table has nothing that fits."""

LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "'", "[": "(", "]": ")", "{": "(", "}": ")", "@": "＠", "_": "＿"})  # noqa: RUF001
"""For characters that mean something in a chat. They look the same and mean nothing to any parser; a zero-width blank
beside a star may still leave it a star.
"""


def pack(
    notices: Sequence[Notice], recipient: Recipient, fits: Callable[[Sequence[Part]], bool]
) -> Iterator[Sequence[Part]]:
    """Yield as few messages as hold everything, oldest first: notices below each other or, when there are many, lists.

    Args:
        notices: All that is pending.
        recipient: For whom.
        fits: Whether these make one message within the channel's limits. A notice that does not fit alone stands alone
            all the same: its channel has to shorten it.
    """
    parts = each(bundles(notices), recipient)
    if len(notices) > TOGETHER:
        yield from ([half] for part in parts for half in _halves(part, fits))
        return
    message: list[Part] = []
    for part in parts:
        if message and not fits([*message, part]):
            yield message
            message = []
        message.append(part)
    if message:
        yield message


def _halves(part: Part, fits: Callable[[Sequence[Part]], bool]) -> Iterator[Part]:
    notices, recipient = part
    if len(notices) == 1 or fits([part]):
        yield part
        return
    middle = len(notices) // 2
    for half in each((notices[:middle], notices[middle:]), recipient):
        yield from _halves(half, fits)


def flat(message: Sequence[Part]) -> Bundle:
    """Return the notices of a message."""
    return tuple(notice for bundle, _ in message for notice in bundle)


def ids(message: Sequence[Part]) -> tuple[str, ...]:
    """Return what is accepted when a message is."""
    return tuple(notice.notice_id for notice in flat(message))


def leads_to_crm(message: Sequence[Part]) -> bool:
    """Return whether a link to Zoho CRM helps."""
    return any(len(bundle) > 1 or bundle[0].content.about_crm for bundle, _ in message)


def plain_text(message: Sequence[Part]) -> str:
    """Return a message as plain text."""
    return "\n\n".join(text(bundle, recipient) for bundle, recipient in message)


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


def refusal(label: str, table: Table, status: int, code: str, notice_ids: Sequence[str]) -> DeliveryError:
    """Return the error for an answer that is no acceptance; of its code only what looks like one is repeated."""
    table = (*table, *USUAL)
    verdicts = (verdict for known, codes, verdict in table if known == status and re.fullmatch(codes, code))
    verdict = next(verdicts, "transient")
    shown = f" {code}" if re.fullmatch(r"[A-Za-z][A-Za-z_]{1,60}", code) else ""
    refused = notice_ids if verdict == "refused" else ()
    return DeliveryError(f"{label} answered HTTP {status}{shown}", gone=verdict == "gone", refused=refused)
