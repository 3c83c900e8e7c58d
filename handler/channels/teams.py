"""Microsoft Teams, through a workflow: an Adaptive Card.

What came from Zoho stands behind backslashes: TextBlocks and FactSets render Markdown
(https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features).
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar
from urllib.parse import parse_qs

from urllib3.util import parse_url

from handler.addresses import complaint
from handler.channels.channel import Request, Senders, Setting
from handler.channels.webhook import (
    Json,
    Part,
    Table,
    decoded,
    flat,
    ids,
    leads_to_crm,
    pack,
    plain_text,
    post,
    refusal,
    taken,
)
from handler.deadline import Deadline
from handler.message import Bundle, Recipient, list_lines, reference, remarks, severity, symbol_of, title_of, value
from handler.outbox import Notice
from handler.transport import Response
from handler.wording import shorten

MESSAGE_BYTES = 20 * 1024
"""Of a request. The page says 28 KB, and libraries measured 21:
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""
TITLE_LIMIT = 200  # our own: what is shown where a card cannot be
VERSION = "1.2"  # later ones are not shown everywhere
CARD = "application/vnd.microsoft.card.adaptive"

# By error.code: https://github.com/microsoft/coe-starter-kit/issues/8684. Any other 400 may be over at the next check.
TABLE: Table = (
    (400, "WorkflowTriggerIsNotEnabled|WorkflowNotFound|WorkflowDisabled", "gone"),
    (400, "TriggerInputSchemaMismatch", "refused"),
)
RETIRED = r"(.*\.)?webhook\.office\.com|outlook\.office(365)?\.com"
"""Hosts of Office 365 connectors, whose last ones were turned off in May 2026:
https://devblogs.microsoft.com/microsoft365dev/retirement-of-office-365-connectors-within-microsoft-teams/
"""


def _complaint(url: str, loopback: bool) -> str:
    if wrong := complaint(url, loopback_http=loopback):
        return wrong
    parts = parse_url(url)
    if re.fullmatch(RETIRED, parts.host or ""):
        return "must not be an Office 365 connector: Microsoft turned those off in May 2026; make a workflow instead"
    if not parse_qs(parts.query or "").get("sig"):
        return "must contain sig=…: let anyone trigger the workflow, and copy its URL again"
    return ""


class Teams:
    """Posts Adaptive Cards to a workflow with the trigger "When a Teams webhook request is received".

    Source: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
    """

    name: ClassVar = "teams"
    label: ClassVar = "Microsoft Teams"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "teams_webhook_url",
            "Microsoft Teams workflow URL (with sig=)",
            'Make a workflow from the template "Post to a channel when a webhook request is received", and let anyone '
            "trigger it: "
            "https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498",
            _complaint,
        ),
    )
    when_broken: ClassVar = (
        "Open the workflow in Power Automate and turn it on. If it is gone, make a new one and ask {operator} to save "
        "its URL (`{connect}`)."
    )
    min_severity: ClassVar = "info"
    incidents_only: ClassVar = False
    accepted: ClassVar = "the workflow took it, which is not yet a message on the screen: look into the Teams channel"

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take a session that never retries, and the workflow's URL, which is a secret."""
        self._session = senders.session
        self._url = values["teams_webhook_url"]

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[Json]]:
        """Return everything as one card, or as few as the limit allows."""
        messages = pack(notices, recipient, lambda message: size(_message(message, recipient)) <= MESSAGE_BYTES)
        return [Request(ids(message), _within_limit(message, recipient)) for message in messages]

    def send(self, request: Request[Json], deadline: Deadline) -> None:
        """Post one card.

        Raises:
            DeliveryError: It was not accepted.
        """
        response = post(self._session, self.label, self._url, request.payload, deadline)
        if taken(response, 202, (200,)):
            return
        code = _code(response)
        raise refusal(self.label, TABLE, response.status, code, request.notice_ids)


def size(payload: Json) -> int:
    """Return how many bytes a payload is sent as; requests encodes it the same way."""
    return len(json.dumps(payload, allow_nan=False).encode())


def _code(response: Response) -> str:
    error = decoded(response).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def _within_limit(message: Sequence[Part], recipient: Recipient) -> Json:
    """Return a message; what is too long even alone goes as its shortened text."""
    made, limit = _message(message, recipient), MESSAGE_BYTES
    while size(made) > MESSAGE_BYTES and limit > 1:
        limit //= 2
        words = escape(shorten(plain_text(message), limit))
        made = _envelope(message, recipient, [_block(words)], about_crm=True)
    return made


def _message(message: Sequence[Part], recipient: Recipient) -> Json:
    body = [element for bundle, to in message for element in _elements(bundle, to)]
    return _envelope(message, recipient, body, about_crm=leads_to_crm(message))


def _envelope(message: Sequence[Part], recipient: Recipient, body: list[Json], *, about_crm: bool) -> Json:
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": shorten(f"{recipient.name}: {title_of(flat(message))}", TITLE_LIMIT),
        "body": body,
        "msteams": {"width": "full"},
    }
    if about_crm:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open Zoho CRM", "url": recipient.crm_url}]
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _elements(bundle: Bundle, recipient: Recipient) -> Iterator[Json]:
    title = escape(f"{symbol_of(bundle)} {recipient.name}: {title_of(bundle)}")
    yield _block(title, size="large", weight="bolder", color=_color(bundle), separator=True)
    for remark in remarks(bundle, recipient):
        yield _block(escape(remark), color="warning")
    if len(bundle) > 1:
        for line in list_lines(bundle, recipient.zone):
            yield _block(escape(line), spacing="small")
    else:
        yield from _content(bundle[0], recipient)
    yield _block(escape(f"Reference: {reference(bundle)}"), size="small", isSubtle=True)


def _content(notice: Notice, recipient: Recipient) -> Iterator[Json]:
    content = notice.content
    yield _block(escape(content.sentence))
    for line in content.lines:
        yield _block(f"• {escape(line)}", spacing="small")
    if content.facts:
        facts = [(fact.label, escape(value(fact, recipient.zone)) or "–") for fact in content.facts]  # noqa: RUF001
        yield {"type": "FactSet", "facts": [{"title": label, "value": words} for label, words in facts]}
    if content.next_step:
        yield _block(f"**What to do:** {escape(content.next_step, ours=True)}")


def _color(bundle: Bundle) -> str:
    if len(bundle) == 1 and bundle[0].phase == "ended":
        return "good"
    return {"critical": "attention", "warning": "warning"}.get(severity(bundle), "default")


def _block(words: str, **more: object) -> Json:
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def escape(words: str, *, ours: bool = False) -> str:
    """Return a text that reads as it is written: no Markdown, no dates to format, no links made of addresses.

    In words that are all ours, addresses stay links.
    """
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~])", r"\\\1", words)
    return escaped if ours else escaped.replace("://", ":\u200b//")
