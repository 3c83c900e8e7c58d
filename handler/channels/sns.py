"""SNS: e-mail, SMS and whatever else subscribes to the topic. It is always there."""

import json
import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handler import aws
from handler.channels.channel import Request, Senders, Setting
from handler.deadline import Deadline
from handler.errors import DeliveryError
from handler.history import clean
from handler.message import TOGETHER, Bundle, Recipient, bundles, each, reference, severity, text, title_of
from handler.outbox import Notice
from handler.wording import shorten

SUBJECT_LIMIT = 99
"""Printable ASCII characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html wants less than 100."""
NAME_LIMIT = 40
"""Characters of a display name in a subject: the title must still fit."""
REFUSED_WHOLE = {
    "InvalidParameter",
    "InvalidParameterValue",
    "ParameterValueInvalid",
    "ValidationError",
    "ValidationException",
    "BatchRequestTooLong",
    "BatchEntryIdsNotDistinct",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "TooManyEntriesInBatchRequest",
}
"""Codes for a whole request that are about its content: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html"""


class SnsMessage(NamedTuple):
    """One SNS message.

    Attributes:
        notice_ids: What it says.
        subject: At most `SUBJECT_LIMIT` printable ASCII characters.
        text: The first line stands alone.
        attributes: Name → text, or texts for a String.Array.
    """

    notice_ids: tuple[str, ...]
    subject: str
    text: str
    attributes: dict[str, str | list[str]]


class Sns:
    """Publishes to the topic, up to ten messages a request.

    Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
    """

    name: ClassVar = "sns"
    label: ClassVar = "SNS (e-mail, SMS)"
    settings: ClassVar[tuple[Setting, ...]] = ()
    when_broken: ClassVar = (
        "Ask {operator} to check that the stack's topic exists and that the function's role may publish to it."
    )
    min_severity: ClassVar = "info"
    incidents_only: ClassVar = False
    accepted: ClassVar = "SNS took it, and delivers it to every confirmed subscriber"

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take the client and the topic; the secret has nothing for it."""
        self._sns = senders.sns
        self._topic_arn = senders.topic_arn

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[list[SnsMessage]]]:
        """Return one request for up to ten notices; one for each hundred of a longer list."""
        made = [_message(part, to) for part, to in each(bundles(notices), recipient)]
        groups = [made] if len(notices) <= TOGETHER else [[message] for message in made]
        return [Request(_ids(group), group) for group in groups if group]

    def send(self, request: Request[list[SnsMessage]], deadline: Deadline) -> None:
        """Publish; each entry is accepted or refused by itself.

        Raises:
            DeliveryError: With what was accepted, and what was refused permanently.
        """
        group = request.payload
        try:
            result = self._publish(group)
        except ClientError as error:
            code = aws.error_name(error)
            if code not in REFUSED_WHOLE:
                raise DeliveryError(f"SNS answered {code}", gone=_is_gone(code)) from None
            result = self._publish_one_by_one(group, code, deadline)
        except (BotoCoreError, ResponseParserError) as error:
            raise DeliveryError(f"SNS did not answer: {type(error).__name__}") from None
        if len(result.accepted) == len(group):
            return
        gone = any(_is_gone(code) for code in result.codes)
        raise DeliveryError(
            f"SNS refused {len(group) - len(result.accepted)} of {len(group)} messages: "
            + (", ".join(sorted(result.codes)) or "no answer"),
            gone=gone,
            accepted=_ids(result.accepted),
            refused=() if gone else _ids(result.refused),
        )

    def _publish(self, group: Sequence[SnsMessage]) -> "_Result":
        answer = self._sns.publish_batch(
            TopicArn=self._topic_arn,
            PublishBatchRequestEntries=[_entry(str(number), message) for number, message in enumerate(group)],
        )
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed", [])}
        taken = {int(entry["Id"]) for entry in answer.get("Successful", [])} - failed.keys()
        codes = {number: str(entry.get("Code")) for number, entry in failed.items()}
        refused = {n for n, entry in failed.items() if entry.get("SenderFault") and not _is_transient(codes[n])}
        return _Result([group[n] for n in sorted(taken)], [group[n] for n in sorted(refused)], set(codes.values()))

    def _publish_one_by_one(self, group: Sequence[SnsMessage], code: str, deadline: Deadline) -> "_Result":
        """Publish each message of a request that was refused as a whole: one that is malformed stops no other.

        Those for which no time is left are neither accepted nor refused.
        """
        if len(group) == 1:
            return _Result([], [*group], {code})
        total = _Result([], [], set())
        for message in group:
            if deadline.left() <= 0:
                break
            try:
                one = self._publish([message])
            except ClientError as error:
                one = _Result([], [message] if aws.error_name(error) in REFUSED_WHOLE else [], {aws.error_name(error)})
            except (BotoCoreError, ResponseParserError) as error:
                one = _Result([], [], {type(error).__name__})
            total.accepted.extend(one.accepted)
            total.refused.extend(one.refused)
            total.codes.update(one.codes)
        return total


class _Result(NamedTuple):
    """What was accepted, what was refused permanently; and the codes of all that was not accepted."""

    accepted: list[SnsMessage]
    refused: list[SnsMessage]
    codes: set[str]


def _message(notices: Bundle, recipient: Recipient) -> SnsMessage:
    ids = tuple(notice.notice_id for notice in notices)
    name = _ascii(shorten(recipient.name, NAME_LIMIT)) or recipient.org
    subject = _ascii(f"[{name}] {title_of(notices)}")
    if len(subject) > SUBJECT_LIMIT:
        subject = subject[: SUBJECT_LIMIT - 3] + "..."
    return SnsMessage(ids, subject, text(notices, recipient), _attributes(notices, recipient))


def _ascii(words: str) -> str:
    ascii_words = unicodedata.normalize("NFKD", clean(words) or "").encode("ascii", "ignore").decode()
    return " ".join(ascii_words.split())


def _attributes(notices: Bundle, recipient: Recipient) -> dict[str, str | list[str]]:
    attributes: dict[str, str | list[str]] = {
        "org": recipient.org,
        "severity": severity(notices),
        "notice_id": reference(notices),
    }
    if len(notices) > 1:
        # A filter policy on an attribute that is missing matches nothing, so a list has what each of its notices has.
        return attributes | {
            "kind": [notice.kind for notice in notices],
            "phase": [notice.phase for notice in notices],
            "row_id": [notice.row.id if notice.row else "" for notice in notices],
        }
    (notice,) = notices
    attributes |= {"kind": notice.kind, "phase": notice.phase}
    if row := notice.row:
        log_time = row.log_time.isoformat() if row.log_time else ""
        named = {"row_id": row.id, "state": row.state, "log_time": log_time, "repeat_type": row.repeat_type}
        attributes |= {name: value for name, value in named.items() if value}
    return attributes


def _entry(number: str, message: SnsMessage) -> dict[str, Any]:
    return {
        "Id": number,
        "Message": message.text,
        "Subject": message.subject,
        "MessageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
    }


def _attribute(value: str | list[str]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(value)}


def _ids(messages: Sequence[SnsMessage]) -> tuple[str, ...]:
    return tuple(notice_id for message in messages for notice_id in message.notice_ids)


def _is_gone(code: str) -> bool:
    """Return whether the topic itself refuses: it is missing, access is denied, or its key cannot be used."""
    return code.startswith(("NotFound", "AuthorizationError", "AccessDenied", "KMS")) and not _is_transient(code)


def _is_transient(code: str) -> bool:
    return "Throttl" in code or code in {
        "InternalError",
        "InternalErrorException",
        "InternalFailure",
        "ServiceUnavailable",
    }
