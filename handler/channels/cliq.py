"""Zoho Cliq, through a webhook token.

Text from Zoho CRM is escaped everywhere: Zoho documents Markdown, mentions and links for a message's text, and we
assume that they work in the whole card.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from handler.addresses import url_problem
from handler.channels.channel import THROTTLED, Answers, ChannelKind, Json, Request, Setting, post_forms
from handler.message import Message, Rendering, escape_markdown
from handler.outbox import Notice
from handler.wording import plural, shorten

# https://www.zoho.com/cliq/help/restapi/v2/messageformat/
MESSAGE_LIMIT = 5_000
"""Characters of a whole message: the newer page allows its text 10,000, older ones 5,000."""
TITLE_LIMIT = 200
MESSAGES_A_CHECK = 7
"""Each may need two requests, and 20 a minute lock the user out for ten minutes. The rest waits for the next check."""

# Reported by users, not documented: a throttle is HTTP 400 as well as 429.
THROTTLE = r"(?i)throttl|exceeded|too many|rate.?limit"
PATH = r"(/company/\d+)?/api/v\d/(channelsbyname|channels|bots|chats)/[^/]+/messages?"


def _webhook_problem(url: str, loopback: bool) -> str:
    if wrong := url_problem(url, loopback):
        return wrong
    parts = urlsplit(url)
    if not re.fullmatch(PATH, parts.path):
        return "must be the message endpoint of a channel or bot (…/api/v2/channelsbyname/NAME/message)"
    return "" if parse_qs(parts.query).get("zapikey") else "must end with the webhook token (?zapikey=…)"


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return as few messages as Cliq's limit allows, each as a card and as plain text."""
    messages = pending.split(lambda message: _fits(_card(message)))
    return [Request(message.ids, _forms(message)) for message in islice(messages, MESSAGES_A_CHECK)]


# https://www.zoho.com/cliq/help/restapi/v2/errors/: what is wrong with a request's content.
ANSWERS = Answers(refused=r"invalid_\w+|param_missing", words={THROTTLE: THROTTLED})


def _fits(payload: Json) -> bool:
    return len(json.dumps(payload, ensure_ascii=False)) <= MESSAGE_LIMIT


def _forms(message: Message) -> tuple[Json, Json]:
    """Return a message as a card, if that fits, and as plain text."""
    crm_url = message.rendering.crm_url
    words = escape_markdown(message.text).replace(escape_markdown(crm_url), crm_url)
    plain: Json = {"text": shorten(words, MESSAGE_LIMIT)}
    card = _card(message)
    return (card if _fits(card) else plain), plain


def _card(message: Message) -> Json:
    count, rendering = len(message.notices), message.rendering
    said = _said(message.notices[0], rendering) if count == 1 else f"{plural(count, 'message')}, oldest first."
    title = shorten(escape_markdown(f"{message.symbol} {message.title}"), TITLE_LIMIT)
    card: Json = {
        "text": said,
        "card": {"title": title, "theme": "modern-inline"},
        "slides": [slide for notice in message.notices for slide in _slides(notice, rendering, titled=count > 1)],
    }
    if message.about_crm:
        action = {"type": "open.url", "data": {"web": rendering.crm_url}}
        card["buttons"] = [{"label": "Open Zoho CRM", "type": "+", "action": action}]
    return card


def _slides(notice: Notice, rendering: Rendering, *, titled: bool) -> Iterator[Json]:
    content = notice.content
    if titled:
        title = escape_markdown(f"{content.symbol} {content.title}")
        yield {"type": "text", "title": title, "data": _said(notice, rendering)}
    if content.lines:
        lines = "\n".join(f"• {rendering.line(line)}" for line in content.lines)
        yield {"type": "text", "data": escape_markdown(lines)}
    if content.facts:
        facts = [{fact.label: escape_markdown(rendering.value(fact)) or "–"} for fact in content.facts]  # noqa: RUF001
        yield {"type": "label", "data": facts}
    if content.next_step:
        yield {"type": "text", "title": "What to do", "data": escape_markdown(content.next_step, ours=True)}
    yield {"type": "text", "data": f"Reference: {notice.notice_id}"}


def _said(notice: Notice, rendering: Rendering) -> str:
    return escape_markdown("\n".join([*rendering.remarks(notice), notice.content.said(rendering.show)]))


CLIQ = ChannelKind(
    "cliq",
    "Zoho Cliq",
    "Make a new webhook token in Zoho Cliq as a user who stays. Ask {operator} to save the new URL for this "
    "organisation (`{connect}`).",
    "Zoho Cliq shows it in the channel",
    (
        Setting(
            "cliq_webhook_url",
            "Zoho Cliq webhook URL (with zapikey=)",
            "Make a webhook token as a user who stays, and add it to the channel's API endpoint: "
            "https://www.zoho.com/cliq/help/platform/webhook-tokens.html",
            _webhook_problem,
        ),
    ),
    _render,
    post_forms,
    ANSWERS,
)
"""Message cards, posted to a channel: https://www.zoho.com/cliq/help/platform/webhook-tokens.html."""
