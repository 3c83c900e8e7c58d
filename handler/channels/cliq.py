"""Zoho Cliq, through a webhook token.

What came from Zoho CRM is made inert: Markdown, mentions and links work in a message's text, and nothing says that they
don't in the rest of a card.
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
    inert,
    leads_to_crm,
    pack,
    plain_text,
    post,
    refusal,
    taken,
)
from handler.deadline import Deadline
from handler.errors import DeliveryError
from handler.message import Bundle, Recipient, list_lines, reference, remarks, symbol_of, title_of, value
from handler.outbox import Notice
from handler.transport import Response
from handler.wording import plural, shorten

# https://www.zoho.com/cliq/help/restapi/v2/messageformat/
MESSAGE_LIMIT = 5_000
"""Characters of all of a message: its text may have 10,000 by the newer page, 5,000 by older ones."""
TITLE_LIMIT = 200
REQUESTS_A_CHECK = 15
"""20 a minute lock the user out for ten minutes; Lambda tries a check again after one."""

TABLE: Table = (
    # Known from people who met it, and not from the page: a throttle is HTTP 400 as well as 429.
    (400, "throttled", "transient"),
    # https://www.zoho.com/cliq/help/restapi/v2/errors/: what is wrong with a request's content.
    (400, r"invalid_\w+|param_missing", "refused"),
)
THROTTLE = r"(?i)throttl|exceeded|too many|rate.?limit"
PATH = r"(/company/\d+)?/api/v\d/(channelsbyname|channels|bots|chats)/[^/]+/messages?"


def _complaint(url: str, loopback: bool) -> str:
    if wrong := complaint(url, loopback_http=loopback):
        return wrong
    parts = parse_url(url)
    if not re.fullmatch(PATH, parts.path or ""):
        return "must be the message endpoint of a channel or bot (…/api/v2/channelsbyname/NAME/message)"
    return "" if parse_qs(parts.query or "").get("zapikey") else "must end with the webhook token (?zapikey=…)"


class Cliq:
    """Posts message cards to a channel.

    Source: https://www.zoho.com/cliq/help/platform/webhook-tokens.html
    """

    name: ClassVar = "cliq"
    label: ClassVar = "Zoho Cliq"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "cliq_webhook_url",
            "Zoho Cliq webhook URL (with zapikey=)",
            "Make a webhook token as a user who stays, and add it to the channel's API endpoint: "
            "https://www.zoho.com/cliq/help/platform/webhook-tokens.html",
            _complaint,
        ),
    )
    when_broken: ClassVar = (
        "Make a new webhook token in Zoho Cliq as a user who stays. Ask {operator} to save the new URL for this "
        "organisation (`{connect}`)."
    )
    min_severity: ClassVar = "info"
    incidents_only: ClassVar = False
    accepted: ClassVar = "Zoho Cliq shows it in the channel"

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take a session that never retries, and the webhook, which is a secret. One object serves one check."""
        self._session = senders.session
        self._url = values["cliq_webhook_url"]
        self._left = REQUESTS_A_CHECK

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[tuple[Json, Json]]]:
        """Return as few messages as Cliq's limit allows: each as a card, and as plain text."""
        messages = pack(notices, recipient, lambda message: _fits(_card(message, recipient)))
        return [Request(ids(message), _forms(message, recipient)) for message in messages]

    def send(self, request: Request[tuple[Json, Json]], deadline: Deadline) -> None:
        """Post; what Cliq refuses for its content is sent once more as plain text, what it throttles is not.

        Raises:
            DeliveryError: It was not accepted.
        """
        card, plain = request.payload
        response, code = self._post(card, deadline)
        if response.status in {400, 413} and code != "throttled":
            response, code = self._post(plain, deadline)
        if taken(response, 204, (200, 201)):
            return
        raise refusal(self.label, TABLE, response.status, code, request.notice_ids)

    def _post(self, payload: Json, deadline: Deadline) -> tuple[Response, str]:
        if not self._left:
            raise DeliveryError(f"Zoho Cliq gets at most {REQUESTS_A_CHECK} requests a check; the rest follows")
        self._left -= 1
        response = post(self._session, self.label, self._url, payload, deadline)
        return response, _code(response)


def _code(response: Response) -> str:
    """Return the code of an answer; a throttle is known by its words."""
    body = decoded(response)
    code, said = body.get("code"), body.get("message")
    if response.status in {400, 429} and re.search(THROTTLE, f"{code} {said}"):
        return "throttled"
    return code if isinstance(code, str) else ""


def _fits(payload: Json) -> bool:
    return len(json.dumps(payload, ensure_ascii=False)) <= MESSAGE_LIMIT


def _forms(message: Sequence[Part], recipient: Recipient) -> tuple[Json, Json]:
    """Return a message as a card, if that fits, and as plain text."""
    words = inert(plain_text(message)).replace(inert(recipient.crm_url), recipient.crm_url)
    plain: Json = {"text": shorten(words, MESSAGE_LIMIT)}
    card = _card(message, recipient)
    return (card if _fits(card) else plain), plain


def _card(message: Sequence[Part], recipient: Recipient) -> Json:
    notices = flat(message)
    card: Json = {
        "text": _text(message),
        "card": {
            "title": shorten(inert(f"{symbol_of(notices)} {recipient.name}: {title_of(notices)}"), TITLE_LIMIT),
            "theme": "modern-inline",
        },
        "slides": [slide for bundle, to in message for slide in _slides(bundle, to, alone=len(message) == 1)],
    }
    if leads_to_crm(message):
        action = {"type": "open.url", "data": {"web": recipient.crm_url}}
        card["buttons"] = [{"label": "Open Zoho CRM", "type": "+", "action": action}]
    return card


def _text(message: Sequence[Part]) -> str:
    if len(message) > 1:
        return f"{plural(len(message), 'message')}, oldest first."
    ((bundle, recipient),) = message
    body = list_lines(bundle, recipient.zone) if len(bundle) > 1 else [bundle[0].content.sentence]
    return inert("\n".join([*remarks(bundle, recipient), *body]))


def _slides(bundle: Bundle, recipient: Recipient, *, alone: bool) -> Iterator[Json]:
    if len(bundle) == 1:
        content = bundle[0].content
        if not alone:
            words = "\n".join([*remarks(bundle, recipient), content.sentence])
            yield {"type": "text", "title": inert(f"{content.symbol} {content.title}"), "data": inert(words)}
        if content.lines:
            yield {"type": "text", "data": inert("\n".join(f"• {line}" for line in content.lines))}
        if content.facts:
            facts = [{fact.label: inert(value(fact, recipient.zone)) or "–"} for fact in content.facts]  # noqa: RUF001
            yield {"type": "label", "data": facts}
        if content.next_step:
            yield {"type": "text", "title": "What to do", "data": inert(content.next_step, ours=True)}
    yield {"type": "text", "data": f"Reference: {reference(bundle)}"}
