"""SNS and Slack. A send returns when everything was accepted, or raises `DeliveryError`.

CONTRIBUTING.md says how to add one.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handler.errors import DeliveryError, TransportError
from handler.memory import Notice
from handler.message import TOGETHER, Mail, Reader, mails
from handler.slack import Post, posts
from handler.transport import fetch

ERROR_CODE = re.compile(r"[a-z_]{2,40}")
"""What Slack says of a refusal, such as ``no_service``; anything else it says is not repeated."""


@dataclass(frozen=True)
class Batch:
    """What one request carries.

    Attributes:
        notice_ids: What is accepted when it is.
        content: Whatever the channel made of it.
    """

    notice_ids: tuple[str, ...]
    content: Any


class Channel(Protocol):
    """What the check needs of a channel."""

    name: str

    def batches(self, notices: Sequence[Notice], reader: Reader) -> list[Batch]:
        """Return what is owed as requests, oldest first."""

    def send(self, batch: Batch, seconds: Callable[[], float]) -> None:
        """Send one batch.

        Raises:
            DeliveryError: It was not accepted, or not all of it.
        """


class SnsChannel:
    """Publishes to the topic, up to ten messages a request.

    Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
    """

    name = "sns"

    def __init__(self, sns: Any, topic_arn: str) -> None:
        """Take a boto3 SNS client that never retries: a lost answer must stay one repeat."""
        self._sns = sns
        self._topic_arn = topic_arn

    def batches(self, notices: Sequence[Notice], reader: Reader) -> list[Batch]:
        """Return one request for up to ten notices; one for each hundred of a longer list."""
        messages = mails(notices, reader)
        groups = [messages] if len(notices) <= TOGETHER else [[message] for message in messages]
        return [Batch(tuple(n.notice_id for mail in group for n in mail.notices), group) for group in groups if group]

    def send(self, batch: Batch, seconds: Callable[[], float]) -> None:
        """Publish; each entry is accepted or refused by itself.

        Raises:
            DeliveryError: With what was accepted, and what was refused for good.
        """
        group: list[Mail] = batch.content
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[_entry(str(number), mail) for number, mail in enumerate(group)],
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "?")
            gone = _is_gone(code)
            raise DeliveryError(f"SNS answered {code}", permanent=gone, gone=gone) from None
        except (BotoCoreError, ResponseParserError) as error:
            raise DeliveryError(f"SNS did not answer: {type(error).__name__}") from None
        failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
        accepted = {entry["Id"] for entry in answer.get("Successful", [])} - failed.keys()
        if len(accepted) == len(group):
            return
        codes = sorted({str(entry.get("Code")) for entry in failed.values()})
        gone = any(_is_gone(code) for code in codes)
        refused = {i for i, entry in failed.items() if entry.get("SenderFault") and not _passes(str(entry.get("Code")))}
        raise DeliveryError(
            f"SNS refused {len(group) - len(accepted)} of {len(group)} messages: {', '.join(codes) or 'no answer'}",
            permanent=gone or bool(refused),
            gone=gone,
            accepted=_ids(group, accepted),
            refused=() if gone else _ids(group, refused),
        )


class SlackChannel:
    """Posts to an incoming webhook.

    Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    name = "slack"

    def __init__(self, session: requests.Session, url: str) -> None:
        """Take a session that never retries, and the webhook, which is a secret."""
        self._session = session
        self._url = url

    def batches(self, notices: Sequence[Notice], reader: Reader) -> list[Batch]:
        """Return everything as one message, or as few as Slack's limits allow."""
        return [Batch(tuple(n.notice_id for n in post.notices), post) for post in posts(notices, reader)]

    def send(self, batch: Batch, seconds: Callable[[], float]) -> None:
        """Post; what Slack refuses is sent once more as plain text.

        Raises:
            DeliveryError: It was not accepted.
        """
        post: Post = batch.content
        status, said = self._post(post.payload, seconds)
        if status in {400, 413}:
            status, said = self._post(post.plain, seconds)
        if (status, said) == (200, "ok"):
            return
        gone = status in {401, 403, 404, 410}
        refused = batch.notice_ids if status in {400, 413} else ()
        code = f" {said}" if ERROR_CODE.fullmatch(said) else ""
        raise DeliveryError(
            f"Slack answered HTTP {status}{code}", permanent=gone or bool(refused), gone=gone, refused=refused
        )

    def _post(self, payload: dict[str, Any], seconds: Callable[[], float]) -> tuple[int, str]:
        try:
            answer = fetch(self._session, "POST", self._url, seconds=seconds, json=payload)
        except TransportError as error:
            raise DeliveryError(f"Slack did not answer: {error}") from None
        return answer.status, answer.body[:100].decode("ascii", "replace").strip()


def _entry(number: str, mail: Mail) -> dict[str, Any]:
    return {
        "Id": number,
        "Message": mail.text,
        "Subject": mail.subject,
        "MessageAttributes": {name: _attribute(value) for name, value in mail.attributes.items()},
    }


def _attribute(value: str | list[str]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(value)}


def _ids(group: Sequence[Mail], numbers: set[str]) -> list[str]:
    return [n.notice_id for number, mail in enumerate(group) if str(number) in numbers for n in mail.notices]


def _is_gone(code: str) -> bool:
    """Return whether the topic itself refuses: it is missing, access is denied, or its key cannot be used."""
    return code.startswith(("NotFound", "AuthorizationError", "AccessDenied", "KMS")) and not _passes(code)


def _passes(code: str) -> bool:
    return "Throttl" in code or code in {"InternalError", "InternalErrorException", "ServiceUnavailable"}
