"""Microsoft Teams, through a workflow: an Adaptive Card.

TextBlocks and FactSets render Markdown (https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features),
and Teams on phones shows the backslashes of CommonMark's escapes: look-alikes replace marks in text from Zoho CRM.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from handler.addresses import url_problem
from handler.channels.channel import Answers, ChannelKind, Json, Request, Setting, post_forms
from handler.message import Message, Rendering, escape_markdown
from handler.outbox import Notice
from handler.wording import shorten

MESSAGE_BYTES = 20 * 1024
"""Largest request. The page says 28 KB, and libraries measured 21:
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""
TITLE_LIMIT = 200  # our own limit, for the text shown where cards are not supported
TEXT_LIMIT = 1_400  # a character takes up to 12 bytes once it is encoded; the rest of the card takes 3 KB at most
VERSION = "1.2"  # later ones are not shown everywhere
COLORS = {"critical": "Attention", "warning": "Warning"}
CARD = "application/vnd.microsoft.card.adaptive"

RETIRED = r"(.*\.)?webhook\.office\.com|outlook\.office(365)?\.com"
"""Hosts of Office 365 connectors, whose last ones were turned off in May 2026:
https://devblogs.microsoft.com/microsoft365dev/retirement-of-office-365-connectors-within-microsoft-teams/
"""


def _workflow_problem(url: str, loopback: bool) -> str:
    if wrong := url_problem(url, loopback):
        return wrong
    parts = urlsplit(url)
    if re.fullmatch(RETIRED, parts.hostname or ""):
        return "must not be an Office 365 connector: Microsoft turned those off in May 2026; make a workflow instead"
    if not parse_qs(parts.query).get("sig"):
        return "must contain sig=…: let anyone trigger the workflow, and copy its URL again"
    return ""


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return as few cards as the limit allows."""
    messages = pending.split(lambda message: size(_payload(message)) <= MESSAGE_BYTES)
    return [Request(message.ids, (_within_limit(message),)) for message in messages]


def size(payload: Json) -> int:
    """Return how many bytes a payload has when requests encodes it."""
    return len(json.dumps(payload, allow_nan=False).encode())


# https://github.com/microsoft/coe-starter-kit/issues/8684. A workflow may answer with words of its own.
ANSWERS = Answers(
    accepts=r"[^<{\[]{1,100}",
    refused="TriggerInputSchemaMismatch",
    permanent="WorkflowTriggerIsNotEnabled|WorkflowNotFound|WorkflowDisabled",
)


def _within_limit(message: Message) -> Json:
    """Return a message's payload; a single notice that is too long becomes its shortened text."""
    payload = _payload(message)
    fits = size(payload) <= MESSAGE_BYTES
    return payload if fits else _payload(message, escape_markdown(shorten(message.text, TEXT_LIMIT)))


def _payload(message: Message, words: str = "") -> Json:
    """Return a card of a message's notices, or of these words in their place."""
    elements = [element for notice in message.notices for element in _elements(notice, message.rendering)]
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": shorten(escape_markdown(message.title), TITLE_LIMIT),
        "body": [_block(words)] if words else elements,
        "msteams": {"width": "full"},
    }
    if message.about_crm:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open Zoho CRM", "url": message.rendering.crm_url}]
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _elements(notice: Notice, rendering: Rendering) -> Iterator[Json]:
    content = notice.content
    title = escape_markdown(f"{content.symbol} {rendering.name}: {content.title}")
    color = "Good" if notice.phase == "ended" else COLORS.get(notice.severity, "Default")
    yield _block(title, size="Large", weight="Bolder", color=color, separator=True)
    for remark in rendering.remarks(notice):
        yield _block(escape_markdown(remark), color="Warning")
    yield _block(escape_markdown(content.said(rendering.show)))
    for line in content.lines:
        yield _block(f"• {escape_markdown(rendering.line(line))}", spacing="Small")
    if content.facts:
        facts = [(fact.label, escape_markdown(rendering.value(fact)) or "–") for fact in content.facts]  # noqa: RUF001
        yield {"type": "FactSet", "facts": [{"title": label, "value": words} for label, words in facts]}
    if content.next_step:
        # A client that makes links of bare addresses may take the full stop behind one as a part of it.
        step = re.sub(r"\w+://\S*\w", r"[\g<0>](\g<0>)", escape_markdown(content.next_step, ours=True))
        yield _block(f"**What to do:** {step}")
    yield _block(f"Reference: {notice.notice_id}", size="Small", isSubtle=True)


def _block(words: str, **more: object) -> Json:
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


TEAMS = ChannelKind(
    "teams",
    "Microsoft Teams",
    "Open the workflow in Power Automate and turn it on. If it is gone, make a new one and ask {operator} to save "
    "its URL (`{connect}`).",
    "the workflow took it, which is not yet a message on the screen: look into the Teams channel",
    (
        Setting(
            "teams_webhook_url",
            "Microsoft Teams workflow URL (with sig=)",
            'Make a workflow from the template "Post to a channel when a webhook request is received", and let anyone '
            "trigger it: https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498",
            _workflow_problem,
        ),
    ),
    _render,
    post_forms,
    ANSWERS,
)
"""A workflow with the trigger "When a Teams webhook request is received":
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""
