"""Slack, through an incoming webhook.

Nothing that came from Zoho is ever interpreted: it stands in ``plain_text`` only, which knows no mentions, links or
formatting (https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, ClassVar

from handler.addresses import complaint
from handler.channels.channel import Request, Senders, Setting
from handler.deadline import Deadline
from handler.errors import DeliveryError, TransportError
from handler.memory import Notice
from handler.message import (
    TOGETHER,
    Recipient,
    bundles,
    list_lines,
    parts,
    reference,
    remarks,
    severity,
    shorten,
    symbol_of,
    text,
    title_of,
)
from handler.transport import fetch
from handler.wording import PAGE, Fact

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FACTS_PER_SECTION = 5  # ten fields: a label and a value each
BLOCK_LIMIT = 50
MESSAGE_LIMIT = 13_000  # all blocks of a message together: https://github.com/slackapi/bolt-js/issues/2509
TEXT_LIMIT = 40_000  # https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages

# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
MESSAGE_CODES = re.compile(r"invalid_payload|invalid_blocks\w*|no_text|msg_too_long|too_many_attachments")
"""What Slack says of a message that it will never take; any other code that comes with 400 is about the channel."""
CODE = re.compile(r"[a-z_]{2,40}")
"""What Slack says, such as ``no_service``; anything else it says is not repeated."""
MENTION = re.compile(r"here|channel|[UW][A-Z0-9]{5,20}|S[A-Z0-9]{5,20}")

Json = dict[str, Any]


@dataclass(frozen=True)
class SlackMessage:
    """One Slack message.

    Attributes:
        payload: For the incoming webhook.
        plain: The same without blocks, in case Slack refuses them.
    """

    payload: Json
    plain: Json


def _mention_complaint(value: str, loopback: bool) -> str:
    known = MENTION.fullmatch(value)
    return "" if known else "must be here, channel, or the ID of a member (U…) or user group (S…)"


class Slack:
    """Posts to an incoming webhook.

    Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    name: ClassVar = "slack"
    label: ClassVar = "Slack"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "slack_webhook_url",
            "Slack webhook URL",
            "Make an incoming webhook for one channel: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
            lambda url, loopback: complaint(url, loopback_http=loopback),
        ),
        Setting(
            "slack_mention",
            "Whom to mention in critical messages (here, channel, a member's or user group's ID)",
            "Enter leaves it out: then nobody is mentioned.",
            _mention_complaint,
            default="",
            secret=False,
        ),
    )
    when_broken: ClassVar = (
        "Make a new incoming webhook in Slack and ask {operator} to save it for this organisation (`{connect}`)."
    )
    min_severity: ClassVar = "info"
    incidents_only: ClassVar = False
    accepted: ClassVar = "Slack shows it in the channel"

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take a session that never retries, and the webhook, which is a secret."""
        self._session = senders.session
        self._url = values["slack_webhook_url"]
        self._mention = values.get("slack_mention", "")

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[SlackMessage]]:
        """Return everything as one message, or as few as Slack's limits allow."""
        packed: list[tuple[list[Notice], list[Json]]] = []
        for number, part in enumerate(bundles(notices)):
            blocks = list(_blocks(part, recipient) if number == 0 else _blocks(part, _quiet(recipient)))[:BLOCK_LIMIT]
            together = len(notices) <= TOGETHER and packed and _fits([*packed[-1][1], *blocks])
            if not together:
                packed.append(([], []))
            packed[-1][0].extend(part)
            packed[-1][1].extend(blocks)
        return [self._request(tuple(some), blocks, recipient) for some, blocks in packed]

    def send(self, request: Request[SlackMessage], deadline: Deadline) -> None:
        """Post; what Slack refuses for its content is sent once more as plain text.

        Raises:
            DeliveryError: It was not accepted.
        """
        status, said = self._post(request.payload.payload, deadline)
        if (status == 400 and MESSAGE_CODES.fullmatch(said)) or status == 413:
            status, said = self._post(request.payload.plain, deadline)
        if (status, said) == (200, "ok"):
            return
        about_message = status == 413 or (status == 400 and MESSAGE_CODES.fullmatch(said) is not None)
        gone = status in {401, 403, 404, 410} or (status == 400 and not about_message)
        code = f" {said}" if CODE.fullmatch(said) else ""
        refused = request.notice_ids if about_message else ()
        raise DeliveryError(f"Slack answered HTTP {status}{code}", gone=gone, refused=refused)

    def _post(self, payload: Json, deadline: Deadline) -> tuple[int, str]:
        try:
            response = fetch(self._session, "POST", self._url, deadline=deadline, json=payload)
        except TransportError as error:
            raise DeliveryError(f"Slack did not answer: {error}") from None
        return response.status, response.body[:100].decode("ascii", "replace").strip()

    def _request(self, notices: tuple[Notice, ...], blocks: list[Json], recipient: Recipient) -> Request[SlackMessage]:
        mention = _mention(self._mention) if severity(notices) == "critical" else ""
        plain = shorten(f"{mention} {_escape(text(notices, recipient))}".strip(), TEXT_LIMIT)
        fallback = f"{mention} {_escape(shorten(f'{recipient.name}: {title_of(notices)}', SECTION_LIMIT))}".strip()
        if mention:
            blocks = [{"type": "section", "text": _mrkdwn(mention)}, *blocks][:BLOCK_LIMIT]
        return Request(
            tuple(notice.notice_id for notice in notices),
            SlackMessage(
                {"text": fallback, "blocks": blocks},
                {"text": plain, "mrkdwn": bool(mention), "parse": "none"},
            ),
        )


def _quiet(recipient: Recipient) -> Recipient:
    return Recipient(recipient.org, recipient.name, recipient.zone, recipient.crm_url, recipient.now)


def _fits(blocks: Sequence[Json]) -> bool:
    return len(blocks) < BLOCK_LIMIT and sum(len(words) for block in blocks for words in _texts(block)) <= MESSAGE_LIMIT


def _texts(block: Json) -> Iterator[str]:
    for words in block.get("fields") or block.get("elements") or [block["text"]]:
        yield words["text"]


def _mention(name: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#mentioning-users
    if name in {"here", "channel"}:
        return f"<!{name}>"
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>" if name else ""


def _blocks(notices: tuple[Notice, ...], recipient: Recipient) -> Iterator[Json]:
    yield _header(f"{symbol_of(notices)} {recipient.name}: {title_of(notices)}")
    yield from _paragraphs(list(remarks(notices, recipient)))
    if len(notices) > 1:
        yield from _paragraphs(list(list_lines(notices, recipient.zone)))
        yield {"type": "section", "text": _mrkdwn(f"<{recipient.crm_url}|Open Zoho CRM>: {_escape(PAGE)}")}
        return
    content = notices[0].content
    yield _section(content.sentence)
    for facts in parts(content.facts, FACTS_PER_SECTION):
        yield {"type": "section", "fields": [field for fact in facts for field in _fields(fact)]}
    yield from _paragraphs([f"• {line}" for line in content.lines])
    link = f"<{recipient.crm_url}|Open Zoho CRM>" if content.about_crm else ""
    if content.next_step:
        step = f"*What to do:* {_escape(content.next_step)} {link}".rstrip()
        yield {"type": "section", "text": _mrkdwn(shorten(step, SECTION_LIMIT))}
    elif link:
        yield {"type": "section", "text": _mrkdwn(f"{link}: {_escape(PAGE)}")}
    yield {"type": "context", "elements": [_plain(f"{recipient.org} · {reference(notices)}", FIELD_LIMIT)]}


def _paragraphs(lines: Sequence[str]) -> Iterator[Json]:
    """Yield sections with as many whole lines each as Slack allows."""
    words = ""
    for line in lines:
        if words and len(words) + 1 + len(line) > SECTION_LIMIT:
            yield _section(words)
            words = ""
        words += ("\n" if words else "") + line
    if words:
        yield _section(words)


def _header(words: str) -> Json:
    return {"type": "header", "text": _plain(words, HEADER_LIMIT, emoji=True)}


def _section(words: str) -> Json:
    return {"type": "section", "text": _plain(words, SECTION_LIMIT)}


def _fields(fact: Fact) -> tuple[Json, Json]:
    label = _mrkdwn(f"*{fact.label}*")
    if fact.time is None:
        return label, _plain(fact.text, FIELD_LIMIT)
    # https://docs.slack.dev/messaging/formatting-message-text#date-formatting: each reader's own time zone
    fallback = f"{fact.time.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return label, _mrkdwn(f"<!date^{int(fact.time.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>")


def _plain(words: str, limit: int, *, emoji: bool = False) -> Json:
    return {"type": "plain_text", "text": shorten(words, limit), "emoji": emoji}


def _mrkdwn(words: str) -> Json:
    return {"type": "mrkdwn", "text": words, "verbatim": True}


def _escape(words: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
