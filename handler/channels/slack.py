"""Slack, through an incoming webhook.

Slack interprets no text from Zoho: it is always ``plain_text``, which knows no mentions, links or formatting
(https://docs.slack.dev/reference/block-kit/composition-objects/text-object). A time in each reader's zone needs markup,
so a message with a list of rows shows all its times in the organisation's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from handler.addresses import url_problem
from handler.channels.channel import Answers, ChannelKind, Json, Request, Setting, matching, post_forms
from handler.message import Message, Rendering, escape_markdown
from handler.outbox import Notice
from handler.wording import PAGE, Fact, shorten

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FACTS_PER_SECTION = 5  # ten fields: a label and a value each
BLOCK_LIMIT = 50
MESSAGE_LIMIT = 13_000  # all blocks of a message together: https://github.com/slackapi/bolt-js/issues/2509
TEXT_LIMIT = 40_000  # https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages

# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors. Codes of the channel come
# with other statuses, too: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
CHANNEL_CODES = (
    "user_not_found|channel_not_found|channel_is_archived|no_service|no_active_hooks|no_team|team_disabled|"
    "invalid_token|action_prohibited|posting_to_general_channel_denied"
)
CONTENT_CODES = r"invalid_payload|invalid_blocks\w*|no_text|msg_too_long|too_many_attachments"
ANSWERS = Answers("ok", CONTENT_CODES, CHANNEL_CODES)

MENTION = "here|channel|[UW][A-Z0-9]{5,20}|S[A-Z0-9]{5,20}"


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return as few messages as Slack's limits allow, each in blocks and as plain text."""
    whom = values.get("slack_mention", "")
    messages = pending.split(lambda message: _fits(_blocks(message, _mention(message, whom))))
    return [Request(message.ids, _forms(message, _mention(message, whom))) for message in messages]


def _mention(message: Message, whom: str) -> str:
    """Return the markup that mentions somebody in a critical message, or "".

    Source: https://docs.slack.dev/messaging/formatting-message-text#mentioning-users
    """
    if not whom or message.severity != "critical":
        return ""
    if whom in {"here", "channel"}:
        return f"<!{whom}>"
    return f"<!subteam^{whom}>" if whom.startswith("S") else f"<@{whom}>"


def _forms(message: Message, mention: str) -> tuple[Json, Json]:
    """Return a message in blocks, if they fit, and as plain text."""
    # A mention works in Slack's markup only, and then no other text may be interpreted.
    words = _escape(escape_markdown(message.text, ours=True) if mention else message.text)
    plain: Json = {"text": shorten(f"{mention} {words}".strip(), TEXT_LIMIT), "mrkdwn": bool(mention), "parse": "none"}
    # The line on a locked phone is markup, whatever the blocks are.
    title = _escape(shorten(escape_markdown(message.title), SECTION_LIMIT))
    blocks = _blocks(message, mention)
    return ({"text": f"{mention} {title}".strip(), "blocks": blocks} if _fits(blocks) else plain), plain


def _fits(blocks: Sequence[Json]) -> bool:
    texts = [text for block in blocks for text in block.get("fields") or block.get("elements") or [block["text"]]]
    return len(blocks) <= BLOCK_LIMIT and sum(len(text["text"]) for text in texts) <= MESSAGE_LIMIT


def _blocks(message: Message, mention: str) -> list[Json]:
    first = [_section(_mrkdwn(mention))] if mention else []
    listed = any(line.time for notice in message.notices for line in notice.content.lines)
    rendering = message.rendering._replace(as_text=None if listed else _date)
    return [*first, *(block for notice in message.notices for block in _notice_blocks(notice, rendering))]


def _notice_blocks(notice: Notice, rendering: Rendering) -> Iterator[Json]:
    content = notice.content
    title = f"{content.symbol} {rendering.name}: {content.title}"
    yield {"type": "header", "text": _plain(title, HEADER_LIMIT, emoji=True)}
    yield from (_section(_mrkdwn(remark)) for remark in rendering.remarks(notice))
    said = content.said(rendering.show)
    yield _section(_mrkdwn(said) if content.time else _plain(said, SECTION_LIMIT))
    yield from _paragraphs(f"• {rendering.line(line)}" for line in content.lines)
    for start in range(0, len(content.facts), FACTS_PER_SECTION):
        facts = content.facts[start : start + FACTS_PER_SECTION]
        yield {"type": "section", "fields": [field for fact in facts for field in _fields(fact, rendering)]}
    link = f"<{rendering.crm_url}|Open Zoho CRM>" if content.about_crm else ""
    if content.next_step:
        words = re.sub(r"\w+://\S+\w$", r"<\g<0>>", _escape(content.next_step))  # the runbook, as a link
        step = f"*What to do:* {words}\n{link}".rstrip()
        yield _section(_mrkdwn(shorten(step, SECTION_LIMIT)))
    elif link:
        yield _section(_mrkdwn(f"{link}: {_escape(PAGE)}"))
    yield {"type": "context", "elements": [_plain(f"Reference: {notice.notice_id}", FIELD_LIMIT)]}


def _paragraphs(lines: Iterable[str]) -> list[Json]:
    """Return sections with as many whole lines each as Slack allows."""
    paragraphs: list[str] = []
    for line in lines:
        if paragraphs and len(paragraphs[-1]) + 1 + len(line) <= SECTION_LIMIT:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(line)
    return [_section(_plain(words, SECTION_LIMIT)) for words in paragraphs]


def _section(text: Json) -> Json:
    return {"type": "section", "text": text}


def _fields(fact: Fact, rendering: Rendering) -> tuple[Json, Json]:
    label, own_words = _mrkdwn(f"*{fact.label}*"), fact.time or fact.links_until
    return label, _mrkdwn(rendering.value(fact)) if own_words else _plain(fact.text, FIELD_LIMIT)


def _date(time: datetime) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#date-formatting: each reader's own time zone
    fallback = f"{time.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return f"<!date^{int(time.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def _plain(words: str, limit: int, *, emoji: bool = False) -> Json:
    return {"type": "plain_text", "text": shorten(words, limit), "emoji": emoji}


def _mrkdwn(words: str) -> Json:
    return {"type": "mrkdwn", "text": words, "verbatim": True}


def _escape(words: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


SLACK = ChannelKind(
    "slack",
    "Slack",
    "Make a new incoming webhook in Slack and ask {operator} to save it for this organisation (`{connect}`).",
    "Slack shows it in the channel",
    (
        Setting(
            "slack_webhook_url",
            "Slack webhook URL",
            "Make an incoming webhook for one channel: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
            url_problem,
            begins=("https://hooks.slack.com/services/", "https://hooks.slack-gov.com/services/"),
        ),
        Setting(
            "slack_mention",
            "Whom to mention in critical messages",
            "Optional: here, channel, or the ID of a member (U…) or user group (S…).",
            matching(MENTION, "must be here, channel, or the ID of a member (U…) or user group (S…)"),
            default="",
            secret=False,
        ),
    ),
    _render,
    post_forms,
    ANSWERS,
)
"""An incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
