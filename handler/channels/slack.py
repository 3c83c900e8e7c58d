"""Slack, through an incoming webhook.

Nothing that came from Zoho is ever interpreted: it stands in ``plain_text`` only, which knows no mentions, links or
formatting (https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import ClassVar

from handler.addresses import complaint
from handler.channels.channel import Request, Senders, Setting
from handler.channels.webhook import ANY, Json, Part, Table, flat, ids, inert, pack, plain_text, post, refusal
from handler.deadline import Deadline
from handler.message import Bundle, Recipient, list_lines, parts, reference, remarks, severity, symbol_of, title_of
from handler.outbox import Notice
from handler.wording import PAGE, Content, Fact, shorten

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FACTS_PER_SECTION = 5  # ten fields: a label and a value each
BLOCK_LIMIT = 50
MESSAGE_LIMIT = 13_000  # all blocks of a message together: https://github.com/slackapi/bolt-js/issues/2509
TEXT_LIMIT = 40_000  # https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages

# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors. Codes of the channel come
# with 400, too: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
CHANNEL_CODES = (
    "user_not_found|channel_not_found|channel_is_archived|no_service|no_active_hooks|no_team|team_disabled|"
    "invalid_token|action_prohibited|posting_to_general_channel_denied"
)
TABLE: Table = (
    (400, r"invalid_payload|invalid_blocks\w*|no_text|msg_too_long|too_many_attachments", "refused"),
    (400, ANY, "gone"),  # an unknown code, too, for the plain form was refused as well
)
MENTION = "here|channel|[UW][A-Z0-9]{5,20}|S[A-Z0-9]{5,20}"


def _mention_complaint(value: str, loopback: bool) -> str:
    return (
        "" if re.fullmatch(MENTION, value) else "must be here, channel, or the ID of a member (U…) or user group (S…)"
    )


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
            complaint,
            begins=("https://hooks.slack.com/services/", "https://hooks.slack-gov.com/services/"),
        ),
        Setting(
            "slack_mention",
            "Whom to mention in critical messages",
            "Optional: here, channel, or the ID of a member (U…) or user group (S…).",
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

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[tuple[Json, Json]]]:
        """Return everything as one message, or as few as Slack's limits allow: each in blocks, and as plain text."""
        messages = pack(notices, recipient, lambda message: _fits(self._blocks(message)))
        return [Request(ids(message), self._forms(message, recipient)) for message in messages]

    def send(self, request: Request[tuple[Json, Json]], deadline: Deadline) -> None:
        """Post; what Slack refuses for its content, or for what we do not know, is sent once more as plain text.

        Raises:
            DeliveryError: It was not accepted.
        """
        blocks, plain = request.payload
        status, code = self._post(blocks, deadline)
        if status == 413 or (status == 400 and not re.fullmatch(CHANNEL_CODES, code)):
            status, code = self._post(plain, deadline)
        if (status, code) != (200, "ok"):
            raise refusal(self.label, TABLE, status, code, request.notice_ids)

    def _post(self, payload: Json, deadline: Deadline) -> tuple[int, str]:
        response = post(self._session, self.label, self._url, payload, deadline)
        return response.status, response.body[:100].decode("ascii", "replace").strip()

    def _forms(self, message: Sequence[Part], recipient: Recipient) -> tuple[Json, Json]:
        """Return a message in blocks, if they fit, and as plain text."""
        mention, words = self._mentioned(message), plain_text(message)
        # Whoever is mentioned needs Slack's markup, and then nothing else may be any.
        words = _escape(inert(words, ours=True) if mention else words)
        plain: Json = {
            "text": shorten(f"{mention} {words}".strip(), TEXT_LIMIT),
            "mrkdwn": bool(mention),
            "parse": "none",
        }
        # The line on a locked phone: markup, whatever the blocks are.
        title = _escape(shorten(inert(f"{recipient.name}: {title_of(flat(message))}"), SECTION_LIMIT))
        blocks = self._blocks(message)
        return ({"text": f"{mention} {title}".strip(), "blocks": blocks} if _fits(blocks) else plain), plain

    def _blocks(self, message: Sequence[Part]) -> list[Json]:
        made = [block for bundle, recipient in message for block in _blocks(bundle, recipient)]
        mention = self._mentioned(message)
        return [_section(_mrkdwn(mention)), *made] if mention else made

    def _mentioned(self, message: Sequence[Part]) -> str:
        return _mention(self._mention) if severity(flat(message)) == "critical" else ""


def _fits(blocks: Sequence[Json]) -> bool:
    characters = sum(len(words) for block in blocks for words in _texts(block))
    return len(blocks) <= BLOCK_LIMIT and characters <= MESSAGE_LIMIT


def _texts(block: Json) -> Iterator[str]:
    for words in block.get("fields") or block.get("elements") or [block["text"]]:
        yield words["text"]


def _mention(name: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#mentioning-users
    if name in {"here", "channel"}:
        return f"<!{name}>"
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>" if name else ""


def _blocks(notices: Bundle, recipient: Recipient) -> Iterator[Json]:
    title = f"{symbol_of(notices)} {recipient.name}: {title_of(notices)}"
    yield {"type": "header", "text": _plain(title, HEADER_LIMIT, emoji=True)}
    yield from _paragraphs(remarks(notices, recipient))
    if len(notices) > 1:
        yield from _paragraphs(list_lines(notices, recipient.zone))
        yield _section(_mrkdwn(f"<{recipient.crm_url}|Open Zoho CRM>: {_escape(PAGE)}"))
    else:
        yield from _content(notices[0].content, recipient)
    yield {"type": "context", "elements": [_plain(f"Reference: {reference(notices)}", FIELD_LIMIT)]}


def _content(content: Content, recipient: Recipient) -> Iterator[Json]:
    yield _section(_plain(content.sentence, SECTION_LIMIT))
    yield from _paragraphs(f"• {line}" for line in content.lines)
    for facts in parts(content.facts, FACTS_PER_SECTION):
        yield {"type": "section", "fields": [field for fact in facts for field in _fields(fact)]}
    link = f"<{recipient.crm_url}|Open Zoho CRM>" if content.about_crm else ""
    if content.next_step:
        step = f"*What to do:* {_escape(content.next_step)}\n{link}".rstrip()
        yield _section(_mrkdwn(shorten(step, SECTION_LIMIT)))
    elif link:
        yield _section(_mrkdwn(f"{link}: {_escape(PAGE)}"))


def _paragraphs(lines: Iterable[str]) -> Iterator[Json]:
    """Yield sections with as many whole lines each as Slack allows."""
    words = ""
    for line in lines:
        if words and len(words) + 1 + len(line) > SECTION_LIMIT:
            yield _section(_plain(words, SECTION_LIMIT))
            words = ""
        words += ("\n" if words else "") + line
    if words:
        yield _section(_plain(words, SECTION_LIMIT))


def _section(text: Json) -> Json:
    return {"type": "section", "text": text}


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
