"""SNS: e-mail, SMS and everything else that subscribes to the topic. This channel is always on."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handler import aws
from handler.channels.channel import ChannelKind, Connection, Json, Request
from handler.errors import DeliveryError
from handler.history import clean
from handler.message import Message
from handler.outbox import Notice
from handler.transport import Deadline
from handler.wording import shorten

SUBJECT_LIMIT = 99
"""Printable ASCII characters; fewer than 100: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
BATCH = 10
NAME_LIMIT = 40
"""Longest display name in a subject, in characters: the title must still fit."""
GSM = str.maketrans({"✓": "ok", "✗": "failed", "“": '"', "”": '"', "`": "'", "·": "-", "…": "..."})
"""Replacements for what we write outside GSM 03.38: one such character doubles the parts, and the price, of an SMS.
https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html
"""

# Patterns of whole codes: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
REFUSED = (
    "InvalidParameter|InvalidParameterValue|ParameterValueInvalid|ValidationError|ValidationException|"
    "BatchRequestTooLong|BatchEntryIdsNotDistinct|EmptyBatchRequest|InvalidBatchEntryId|TooManyEntriesInBatchRequest"
)
"""They reject a request or an entry for its content, unless SNS names a parameter of `TOPIC_PARAMETER`."""
TOPIC_PARAMETER = "TopicArn|TargetArn|MessageGroupId"
"""Parameters that are the same for every message; FIFO topics want the last one."""
PERMANENT = "(?!.*Throttl)(NotFound|AuthorizationError|AccessDenied|KMS).*"
"""The topic itself refuses: it is missing, access is denied, or its key cannot be used."""


class Failure(NamedTuple):
    """Why SNS did not accept one message.

    Attributes:
        code: The code that SNS gave, or the name of an exception; "" if the answer does not mention the message.
        refused: Whether SNS will never accept it because of its content.
        permanent: Whether the topic itself refuses.
    """

    code: str = ""
    refused: bool = False
    permanent: bool = False


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return one request for every ten notices, with an entry for each."""
    messages = pending.split(lambda message: len(message.notices) <= BATCH)
    return [Request(message.ids, _entries(message)) for message in messages]


def _send(request: Request, connection: Connection, deadline: Deadline) -> None:
    """Publish the messages; SNS accepts or refuses each by itself.

    Raises:
        DeliveryError: With what was accepted, and what was refused permanently.
    """
    why, results = _publish(request.payload, connection, deadline)
    failures = {notice_id: failure for notice_id, failure in zip(request.notice_ids, results, strict=True) if failure}
    if not failures:
        return
    codes = sorted({failure.code for failure in failures.values()} - {""})
    permanent = any(failure.permanent for failure in failures.values())
    counted = f"SNS refused {len(failures)} of {len(results)} messages: {', '.join(codes) or 'no answer'}"
    raise DeliveryError(
        why or counted,
        permanent=permanent,
        accepted_ids=set(request.notice_ids) - failures.keys(),
        refused_ids=[one for one, failure in failures.items() if failure.refused and not permanent],
    )


def _publish(entries: list[Json], connection: Connection, deadline: Deadline) -> tuple[str, list[Failure | None]]:
    """Publish messages in one request; if SNS refuses it as a whole for its content, publish each alone.

    So one malformed message stops no other. Those for which no time is left are neither accepted nor refused.

    Returns:
        Why the request as a whole failed, or ""; for each message why SNS did not accept it, or None.
    """
    senders = connection.senders
    try:
        answer = senders.sns.publish_batch(TopicArn=senders.topic_arn, PublishBatchRequestEntries=entries)
    except ClientError as error:
        failure = _failure(aws.error_name(error), str(error))
        if not failure.refused:
            return f"SNS answered {failure.code}", [failure] * len(entries)
        if len(entries) == 1:
            return "", [failure]
        results: list[Failure | None] = []
        for entry in entries:
            results += _publish([entry], connection, deadline)[1] if deadline.left() > 0 else [Failure()]
        return "", results
    except (BotoCoreError, ResponseParserError) as error:
        name = type(error).__name__
        return f"SNS did not answer: {name}", [Failure(name)] * len(entries)

    accepted = {result["Id"] for result in answer.get("Successful", [])}
    failed = {one["Id"]: _failure(str(one.get("Code")), str(one.get("Message"))) for one in answer.get("Failed", [])}
    ids = [entry["Id"] for entry in entries]
    return "", [failed.get(one, None if one in accepted else Failure()) for one in ids]


def _failure(code: str, said: str) -> Failure:
    """Judge an error by its code and the parameter that its text names."""
    if not re.fullmatch(REFUSED, code):
        return Failure(code, permanent=re.fullmatch(PERMANENT, code) is not None)
    topic = re.search(TOPIC_PARAMETER, said)
    return Failure(f"{code} ({topic[0]})", permanent=True) if topic else Failure(code, refused=True)


def _entries(message: Message) -> list[Json]:
    rendering = message.rendering
    name = _ascii(shorten(rendering.name, NAME_LIMIT)) or rendering.org
    return [
        {
            "Id": str(number),
            "Message": rendering.text(notice).translate(GSM),
            "Subject": _subject(f"[{name}] {notice.content.title}"),
            "MessageAttributes": _attributes(notice, rendering.org),
        }
        for number, notice in enumerate(message.notices)
    ]


def _subject(words: str) -> str:
    subject = _ascii(words)
    return subject if len(subject) <= SUBJECT_LIMIT else subject[: SUBJECT_LIMIT - 3] + "..."


def _ascii(words: str) -> str:
    ascii_words = unicodedata.normalize("NFKD", clean(words) or "").encode("ascii", "ignore").decode()
    return " ".join(ascii_words.split())


def _attributes(notice: Notice, org: str) -> dict[str, Json]:
    words: dict[str, str | None] = {
        "org": org,
        "severity": notice.severity,
        "notice_id": notice.notice_id,
        "kind": notice.kind,
        "phase": notice.phase,
    }
    if row := notice.row:
        log_time = row.log_time.isoformat() if row.log_time else None
        words |= {"row_id": row.id, "state": row.state, "log_time": log_time, "repeat_type": row.repeat_type}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in words.items() if value}
    if notice.kinds:
        attributes["kind"] = {"DataType": "String.Array", "StringValue": json.dumps(notice.kinds)}
    return attributes


SNS = ChannelKind(
    "sns",
    "SNS (e-mail, SMS)",
    "Ask {operator} to check that the stack's topic exists and that the function's role may publish to it.",
    "SNS took it, and delivers it to every confirmed subscriber",
    (),
    _render,
    _send,
)
"""The stack's topic, up to ten messages a request: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html."""
