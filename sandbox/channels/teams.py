"""Microsoft Teams' Workflows, "When a Teams webhook request is received", with an Adaptive Card of version 1.2.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
https://adaptivecards.io/explorer/. A real flow accepts a request before it reads the card: its 202 does not mean that
the message is on the screen. This one reads first, so that a card which Teams would not show is noticed (chosen).
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import Fake, Payload
from sandbox.server import Request, Response

REQUEST_BYTES = 28 * 1024


class FakeTeams(Fake):
    """A flow for each name, all posting into one channel."""

    name = "teams"
    path = re.compile(r"/powerautomate/automations/direct/workflows/(\w+)/triggers/manual/paths/invoke")

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the URL of this name's flow, which is made where there is none; its signature is the secret."""
        flow = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.addresses[flow] = name
        query = urlencode({"api-version": "1", "sp": "/triggers/manual/run", "sv": "1.0", "sig": name})
        return f"{self.url}/powerautomate/automations/direct/workflows/{flow}/triggers/manual/paths/invoke?{query}"

    def refusals(self, request: Request, payload: Any) -> Iterator[tuple[bool, str]]:
        """Judge the flow, its signature, the size and the card."""
        name = self._name(request)
        yield not name, "WorkflowNotFound"
        yield request.query.get("sig") != name, "DirectApiAuthorizationRequired"  # known if missing, chosen if wrong
        yield len(request.body) > REQUEST_BYTES, "RequestEntityTooLarge"
        yield request.method != "POST" or not self.takes(payload), "TriggerInputSchemaMismatch"

    def receive(self, request: Request, payload: Payload) -> Response:
        """Keep a message."""
        self.accept(self._name(request), payload)
        return Response(202)

    def _name(self, request: Request) -> str:
        path = self.path.fullmatch(request.path)
        return self.addresses.get(path[1], "") if path else ""

    @classmethod
    def text(cls, payload: Payload) -> str:
        """Return the lines of its cards, their buttons last."""
        return "\n".join(line for attachment in payload["attachments"] for line in _lines(attachment["content"]))


def _lines(card: Payload) -> Iterator[str]:
    for element in card["body"]:
        if "facts" in element:
            yield from (f"{unmarked(fact['title'])}: {unmarked(fact['value'])}" for fact in element["facts"])
        else:
            yield unmarked(element["text"])
    yield from (f"[{action['title']}] {action['url']}" for action in card.get("actions", []))


def unmarked(text: str) -> str:
    """Return a text as it reads: dates in this machine's zone, links with their address behind, marks gone.

    A backslash stays, as it does on phones.
    """
    text = re.sub(r"\{\{(DATE|TIME)\(([^,)]+)(?:, *\w+)?\)\}\}", _date, text)
    text = re.sub(r"\[(https?://[^\]\n]+)\]\(\1\)", r"\1", text)
    text = re.sub(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
    text = re.sub(r"(\*\*|[*_])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)", r"\2", text)
    return text.replace("\u200b", "")


def _date(match: re.Match[str]) -> str:
    at = datetime.fromisoformat(match[2]).astimezone()
    return f"{at:%b %-d, %Y}" if match[1] == "DATE" else f"{at:%H:%M}"
