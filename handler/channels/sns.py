"""SNS: e-mail, SMS and everything else that subscribes to the topic. This channel is always on."""

import json
import re
import unicodedata
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handler import aws
from handler.channels.channel import ChannelKind, Connection, Json, Request
from handler.errors import DeliveryError
from handler.history import clean
from handler.message import Message, Rendering
from handler.outbox import Notice
from handler.transport import Deadline
from handler.wording import shorten

SUBJECT_LIMIT = 97
"""Printable ASCII characters, before an ellipsis becomes three; SNS takes fewer than 100:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
"""
NAME_LIMIT = 40
"""Longest display name in a subject, in characters: the title must still fit."""
GSM = str.maketrans({"✓": "ok", "✗": "failed", "“": '"', "”": '"', "`": "'", "·": "-", "…": "..."})
"""Replacements for what we write outside GSM 03.38: one such character doubles the parts, and the price, of an SMS.
https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html
"""

# Patterns of whole codes: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
REFUSED = "InvalidParameter|InvalidParameterValue|ParameterValueInvalid|ValidationError|ValidationException"
"""They reject a message for its content, unless SNS names a parameter of `TOPIC_PARAMETER`."""
TOPIC_PARAMETER = "TopicArn|TargetArn|MessageGroupId"
"""Parameters that are the same for every message; FIFO topics want the last one."""
PERMANENT = "(?!.*Throttl)(NotFound|AuthorizationError|AccessDenied|KMS).*"
"""The topic itself refuses: it is missing, access is denied, or its key cannot be used."""


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return one request for each notice."""
    return [Request((notice.notice_id,), _mail(notice, pending.rendering)) for notice in pending.notices]


def _send(request: Request, connection: Connection, deadline: Deadline) -> None:
    """Publish one message.

    Raises:
        DeliveryError: SNS did not accept it.
    """
    try:
        connection.senders.sns.publish(TopicArn=connection.senders.topic_arn, **request.payload)
    except ClientError as error:
        raise _refusal(aws.error_name(error), str(error)) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise DeliveryError(f"SNS did not answer: {type(error).__name__}") from None


def _refusal(code: str, said: str) -> DeliveryError:
    """Judge an error by its code and the parameter that its text names."""
    if not re.fullmatch(REFUSED, code):
        return DeliveryError(f"SNS answered {code}", permanent=re.fullmatch(PERMANENT, code) is not None)
    if topic := re.search(TOPIC_PARAMETER, said):
        return DeliveryError(f"SNS answered {code} ({topic[0]})", permanent=True)
    return DeliveryError(f"SNS answered {code}", refused=True)


def _mail(notice: Notice, rendering: Rendering) -> Json:
    name = _ascii(shorten(rendering.name, NAME_LIMIT)) or rendering.org
    return {
        "Message": rendering.text(notice).translate(GSM),
        "Subject": _ascii(shorten(_ascii(f"[{name}] {notice.content.title}"), SUBJECT_LIMIT)),
        "MessageAttributes": _attributes(notice, rendering.org),
    }


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
"""The stack's topic: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
