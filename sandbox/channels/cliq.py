"""Zoho Cliq's webhook tokens, with the limits of messages and cards, and the throttle that comes as HTTP 400.

https://www.zoho.com/cliq/help/platform/webhook-tokens.html, https://www.zoho.com/cliq/help/restapi/v2/messagecards/ and
https://www.zoho.com/cliq/help/restapi/v2/messageformat/. The documentation names the statuses; the codes in the bodies
are chosen, the text of the throttle is known from people who met it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import Fake, Payload
from sandbox.server import Request, Response

REQUESTS_A_MINUTE = 20
LOCK = timedelta(minutes=10)
CHANNEL = "backups"


class FakeCliq(Fake):
    """One channel, and a user with a webhook token for each name.

    Attributes:
        throttle: What a locked user is answered: `throttled`, which is HTTP 400, or `too_many_requests`, 429.
    """

    name = "cliq"
    path = re.compile(r"(?:/company/\d+)?/api/v2/(?:channelsbyname|bots)/([\w-]+)/message")
    throttle = "throttled"

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Fake` does."""
        self._asked: defaultdict[str, list[datetime]] = defaultdict(list)
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

    def refusals(self, request: Request, payload: Any) -> Iterator[tuple[bool, str]]:
        """Judge the address, the method, the token, how often it is used, and the message."""
        path, name = self.path.fullmatch(request.path), self.addresses.get(request.query.get("zapikey", ""), "")
        yield path is None, "not_found"
        yield request.method != "POST", "method_not_allowed"
        yield not name, "unauthorized"
        yield self._is_locked(name), self.throttle
        yield path is not None and path[1] != CHANNEL, "not_found"
        yield not self.takes(payload), "invalid_inputs"

    def receive(self, request: Request, payload: Payload) -> Response:
        """Keep a message."""
        self.accept(self.addresses[request.query["zapikey"]], payload)
        return Response(204)

    def _is_locked(self, name: str) -> bool:
        """Count a request; refused ones count as well, and a lock does not get longer by those of its user (chosen)."""
        now = self.clock()
        if now >= self._locked.get(name, now):
            self._asked[name] = [*(at for at in self._asked[name] if at > now - timedelta(minutes=1)), now]
            if len(self._asked[name]) > REQUESTS_A_MINUTE:
                self._locked[name] = now + LOCK
        return now < self._locked.get(name, now)

    @classmethod
    def text(cls, payload: Payload) -> str:
        """Return the text, then the card: its title, slides and buttons."""
        parts = [unmarked(payload["text"])] if "text" in payload else []
        if "card" in payload:
            title = unmarked(payload["card"]["title"])
            parts = [title, "=" * len(title), *parts]
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
