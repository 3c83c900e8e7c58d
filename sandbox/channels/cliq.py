"""Zoho Cliq's webhook tokens, with the limits of messages and cards, and the throttle that comes as HTTP 400.

https://www.zoho.com/cliq/help/platform/webhook-tokens.html, https://www.zoho.com/cliq/help/restapi/v2/messagecards/ and
https://www.zoho.com/cliq/help/restapi/v2/messageformat/. The documentation names the statuses; the codes in the bodies
are chosen, the text of the throttle is known from people who met it.
"""

import re
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import WIDTH, Check, Fake, Payload, among, link, many, payload_of, record, text, typed
from sandbox.server import Request, Response

REQUESTS_A_MINUTE = 20
LOCK = timedelta(minutes=10)
CHANNEL = "backups"


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


def _label(pair: Any) -> bool:
    return isinstance(pair, dict) and len(pair) == 1 and all(isinstance(value, str) for value in pair.values())


def _slide(data: Check) -> Check:
    return record({"data": data}, {"title": text()})


MESSAGE = record(
    {},
    {
        "text": text(5_000),  # 10,000 in the newer text of the documentation: the smaller one is safe
        "card": record({"title": text(200), "theme": among({"modern-inline", "poll", "prompt"})}),
        "slides": many(typed({"label": _slide(many(_label)), "text": _slide(text())}), minimum=0),
        "buttons": many(
            record(
                {"label": text(30), "action": typed({"open.url": record({"data": record({"web": link})})})},
                {"type": among("+-")},
            ),
            maximum=5,
            minimum=0,
        ),
    },
)


class FakeCliq(Fake):
    """One channel, and a user with a webhook token for each name.

    Attributes:
        throttle: What a locked user is answered: `throttled`, which is HTTP 400, or `too_many_requests`, 429.
    """

    name = "cliq"
    label = "Zoho Cliq"
    path = re.compile(r"(?:/company/\d+)?/api/v2/(?:channelsbyname|bots)/([\w-]+)/message")
    errors = ERRORS
    transient = ("throttled", "too_many_requests", "internal_error")
    refused = ("invalid_inputs",)
    gone = ("unauthorized", "forbidden", "not_found")
    throttle = "throttled"

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Fake` does."""
        self._asked: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._locked: dict[str, datetime] = {}
        super().__init__(clock, certificate)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, and make its token where there is none."""
        token = f"1001.{name}"
        self.addresses[token] = name
        return f"{self.url}/api/v2/channelsbyname/{CHANNEL}/message?{urlencode({'zapikey': token})}"

    def reset(self) -> None:
        """Forget the throttle as well."""
        super().reset()
        self._asked.clear()
        self._locked.clear()

    def receive(self, request: Request) -> Response:
        """Answer as Cliq does, and keep what is accepted."""
        path = self.path.fullmatch(request.path)
        if not path:
            return ERRORS["not_found"]
        if request.method != "POST":
            return ERRORS["method_not_allowed"]
        name = self.addresses.get(request.query.get("zapikey", ""))
        if name is None:
            return ERRORS["unauthorized"]
        if self._is_locked(name):
            return ERRORS[self.throttle]
        if path[1] != CHANNEL:
            return ERRORS["not_found"]
        payload = payload_of(request)
        if payload is None or not MESSAGE(payload) or not payload.keys() & {"text", "card"}:
            return ERRORS["invalid_inputs"]
        self.accept(name, payload)
        return Response(204)

    def _is_locked(self, name: str) -> bool:
        """Count a request; refused ones count as well, and a lock does not get longer by those of its user (chosen)."""
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
            data = [slide["data"]] if slide["type"] == "text" else _lines(slide["data"])
            parts += [unmarked(line) for line in (slide.get("title"), *data) if line]
        parts += [f"[{button['label']}] {button['action']['data']['web']}" for button in payload.get("buttons", [])]
        return "\n".join(parts)


def _lines(pairs: list[dict[str, str]]) -> list[str]:
    return [f"{label}: {value}" for pair in pairs for label, value in pair.items()]


def unmarked(text: str) -> str:
    """Return a text as it reads: links with their address behind, marks and what keeps them from working gone."""
    text = re.sub(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
    text = re.sub(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)", r"\2", text)
    return text.replace("\u200b", "")
