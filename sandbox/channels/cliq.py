"""Zoho Cliq's webhook tokens, with the limits of messages and cards, and the throttle that comes as HTTP 400.

https://www.zoho.com/cliq/help/platform/webhook-tokens.html, https://www.zoho.com/cliq/help/restapi/v2/messagecards/ and
https://www.zoho.com/cliq/help/restapi/v2/messageformat/. The documentation names the statuses; the codes in the bodies
are chosen, the text of the throttle is known from people who met it.
"""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import WIDTH, Fake, Payload, is_link, is_text, payload_of
from sandbox.server import Request, Response

TEXT_CHARACTERS = 5_000  # 10,000 in the newer text of the documentation: the smaller one is safe
TITLE_CHARACTERS = 200
BUTTONS_MAXIMUM = 5
BUTTON_CHARACTERS = 30
THEMES = {"modern-inline", "poll", "prompt"}
REQUESTS_A_MINUTE = 20
LOCK = timedelta(minutes=10)
CHANNEL = "backups"
_PATH = re.compile(r"(?:/company/\d+)?/api/v2/(?:channelsbyname|bots)/([\w-]+)/message")


def _error(status: int, code: str, message: str) -> Response:
    return Response.json({"code": code, "message": message}, status)


ERRORS = {
    "throttled": Response.json({"message": "You have exceeded the URL throttle limits."}, 400),
    "too_many_requests": _error(429, "too_many_requests", "You have exceeded the maximum number of requests."),
    "internal_error": _error(500, "internal_error", "Something went wrong."),
    "invalid_inputs": _error(400, "invalid_inputs", "The inputs are not valid."),
    "unauthorized": _error(401, "authtoken_invalid", "The token is not valid."),
    "forbidden": _error(403, "access_denied", "You do not have permission to post in this channel."),
    "not_found": _error(404, "channel_not_exists", "The channel does not exist."),
    "method_not_allowed": _error(405, "method_not_allowed", "The method is not supported."),
}


class FakeCliq(Fake):
    """One channel, and a user with a webhook token for each name.

    Attributes:
        tokens: Name by token; deleting one revokes it.
        throttle: What a locked user is answered: `throttled`, which is HTTP 400, or `too_many_requests`, 429.
    """

    name = "cliq"
    label = "Zoho Cliq"
    errors = ERRORS
    transient = ("throttled", "too_many_requests", "internal_error")
    refused = ("invalid_inputs",)
    gone = ("unauthorized", "forbidden", "not_found")

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Fake` does."""
        self.tokens: dict[str, str] = {}
        self.throttle = "throttled"
        self._asked: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._locked: dict[str, datetime] = {}
        super().__init__(clock, certificate)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, and make its token where there is none."""
        token = f"1001.{name}"
        self.tokens[token] = name
        return f"{self.url}/api/v2/channelsbyname/{CHANNEL}/message?{urlencode({'zapikey': token})}"

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return the secret's key."""
        return {"cliq_webhook_url": self.webhook_url(name)}

    def reset(self) -> None:
        """Forget the throttle as well."""
        super().reset()
        self._asked.clear()
        self._locked.clear()

    def takes(self, path: str) -> bool:
        """Return whether messages are posted to this path."""
        return bool(_PATH.fullmatch(path))

    def receive(self, request: Request) -> Response:
        """Answer as Cliq does, and keep what is accepted."""
        path = _PATH.fullmatch(request.path)
        if not path:
            return ERRORS["not_found"]
        if request.method != "POST":
            return ERRORS["method_not_allowed"]
        name = self.tokens.get(request.query.get("zapikey", ""))
        if name is None:
            return ERRORS["unauthorized"]
        if self._is_locked(name):
            return ERRORS[self.throttle]
        if path[1] != CHANNEL:
            return ERRORS["not_found"]
        payload = payload_of(request)
        if payload is None or not _is_valid(payload):
            return ERRORS["invalid_inputs"]
        self.accept(name, payload)
        return Response(204)

    def _is_locked(self, name: str) -> bool:
        """Count a request; refused ones count as well, those of a locked user do not make it longer (chosen)."""
        now = self.clock()
        if now < self._locked.get(name, now):
            return True
        asked = self._asked[name]
        while asked and asked[0] <= now - timedelta(minutes=1):
            asked.popleft()
        if len(asked) >= REQUESTS_A_MINUTE:
            asked.clear()
            self._locked[name] = now + LOCK
            return True
        asked.append(now)
        return False

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return the text, then the card: its title, slides and buttons."""
        parts = [unmarked(payload["text"])] if "text" in payload else []
        if "card" in payload:
            title = unmarked(payload["card"]["title"])
            parts = [title, "=" * min(len(title), width), *parts]
        for slide in payload.get("slides", []):
            parts += [unmarked(slide["title"])] if "title" in slide else []
            parts += map(unmarked, _slide_lines(slide["type"], slide["data"]))
        parts += [f"[{button['label']}] {button['action']['data']['web']}" for button in payload.get("buttons", [])]
        return "\n".join(parts)


def unmarked(text: str) -> str:
    """Return a text as it reads: links with their address behind, marks and what keeps them from working gone."""
    text = re.sub(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
    text = re.sub(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)", r"\2", text)
    return text.replace("\u200b", "")


def _slide_lines(kind: str, data: Any) -> list[str]:
    match kind:
        case "label":
            return [f"{label}: {value}" for pair in data for label, value in _pair(pair).items()]
        case "table":
            return [" | ".join(str(row.get(name, "")) for name in data["headers"]) for row in data["rows"]]
        case "list":
            return [f"• {line}" for line in data]
    return [data]


def _pair(pair: Mapping[str, str]) -> Mapping[str, str]:
    """Return a label and its value in the older form; the newer one names both."""
    return {pair["label"]: pair["value"]} if pair.keys() == {"label", "value"} else pair


def _is_valid(payload: Payload) -> bool:
    """Return whether Cliq would show all of it."""
    if payload.keys() - {"text", "card", "slides", "buttons", "bot"} or not payload.keys() & {"text", "card"}:
        return False
    if "text" in payload and not is_text(payload["text"], TEXT_CHARACTERS):
        return False
    slides, buttons = payload.get("slides", []), payload.get("buttons", [])
    if not isinstance(slides, list) or not isinstance(buttons, list) or len(buttons) > BUTTONS_MAXIMUM:
        return False
    return _card_is_valid(payload) and all(map(_slide_is_valid, slides)) and all(map(_button_is_valid, buttons))


def _card_is_valid(payload: Payload) -> bool:
    if "card" not in payload:
        return True
    card = payload["card"]
    return (
        isinstance(card, dict)
        and not card.keys() - {"title", "theme", "thumbnail"}
        and is_text(card.get("title"), TITLE_CHARACTERS)
        and card.get("theme") in THEMES
    )


def _slide_is_valid(slide: object) -> bool:
    if not isinstance(slide, dict) or slide.keys() - {"type", "title", "data"}:
        return False
    if "title" in slide and not is_text(slide["title"]):
        return False
    data = slide.get("data")
    match slide.get("type"):
        case "label":
            return _is_list_of(data, lambda pair: _is_flat(pair) and (len(pair) == 1 or _pair(pair) is not pair))
        case "list":
            return _is_list_of(data, is_text)
        case "text":
            return is_text(data)
        case "table":
            return (
                isinstance(data, dict)
                and data.keys() == {"headers", "rows"}
                and _is_list_of(data["headers"], is_text)
                and _is_list_of(data["rows"], lambda row: _is_flat(row) and not row.keys() - set(data["headers"]))
            )
    return False


def _is_list_of(value: object, is_valid: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(is_valid, value))


def _is_flat(value: object) -> bool:
    return isinstance(value, dict) and len(value) > 0 and all(isinstance(text, str) for text in value.values())


def _button_is_valid(button: object) -> bool:
    if not isinstance(button, dict) or not is_text(button.get("label"), BUTTON_CHARACTERS):
        return False
    if button.get("type", "+") not in {"+", "-"} or button.keys() - {"label", "type", "action", "hint"}:
        return False
    match button.get("action"):
        case {"type": "open.url", "data": {"web": address}}:
            return is_link(address)
    return False
