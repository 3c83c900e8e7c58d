"""Slack's incoming webhooks, with those of Block Kit's limits that slack_sdk does not judge.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
"""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from sandbox.channels.fake import Fake, Payload
from sandbox.server import Request, Response

TEXT_CHARACTERS = 40_000
"""What lies beyond is cut: https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages"""


class FakeSlack(Fake):
    """Every `/services/T…/B…/…` is a webhook; `text` is cut at 40,000 characters, as Slack does."""

    name = "slack"
    path = re.compile(r"/services/T\w+/B\w+/(\w+)")

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, in the form of Slack's own."""
        return f"{self.url}/services/T00000000/B00000000/{name}"

    def refusals(self, request: Request, payload: Any) -> Iterator[tuple[bool, str]]:
        """Judge the address, the method, the text and the blocks."""
        yield request.kind == "other", "no_service"
        yield request.method != "POST", "method_not_allowed"
        yield payload is None or not isinstance(payload.get("text", ""), str), "invalid_payload"
        yield not payload.get("blocks") and not payload.get("text", "").strip(), "no_text"
        yield not self.takes(payload), "invalid_blocks"

    def receive(self, request: Request, payload: Payload) -> Response:
        """Keep a message, with its text cut."""
        if "text" in payload:
            payload["text"] = payload["text"][:TEXT_CHARACTERS]
        self.accept(request.path.rpartition("/")[2], payload)
        return Response.text("ok")

    @classmethod
    def text(cls, payload: Payload) -> str:
        """Return what Slack shows: its blocks or, without any, its text; dates in this machine's time zone."""
        return "\n".join(map(_block_text, payload.get("blocks", []))) or plain(payload.get("text", ""))


def _block_text(block: Payload) -> str:
    if block["type"] == "header":
        title = _object_text(block["text"])
        return "\n".join([title, "=" * len(title)])
    if block["type"] == "context":
        return " · ".join(map(_object_text, block["elements"]))
    words = [_object_text(block["text"])] if "text" in block else []
    fields = [_object_text(field) for field in block.get("fields", [])]  # in two columns: names and values
    return "\n".join([*words, *(": ".join(fields[at : at + 2]) for at in range(0, len(fields), 2))])


def _object_text(words: dict[str, str]) -> str:
    return plain(words["text"]) if words["type"] == "mrkdwn" else words["text"]


# mrkdwn: https://docs.slack.dev/messaging/formatting-message-text

TAGS = {"*": "b", "_": "i", "~": "s", "`": "code"}
DATES = {"{date_short_pretty}": "%b %-d, %Y", "{time}": "%H:%M"}
"""The date formats that are used here; another one stays in braces, and shows."""


_MARKED = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")


def plain(text: str, zone: tzinfo | None = None) -> str:
    """Return what a person reads: dates resolved, marks gone, the address of a link behind its words."""
    bare = re.sub(r'<a href="([^"]*)">\1</a>', r"\1", markup(text, zone))
    return html.unescape(re.sub("<[^>]*>", "", re.sub(r'<a href="([^"]*)">(.*?)</a>', r"\2 (\1)", bare)))


def markup(text: str, zone: tzinfo | None = None) -> str:
    """Return the same as HTML, in which everything but the marks and the links is literal.

    A mention stays in angle brackets, so that it does not look harmless.
    """
    parts = [html.escape(html.unescape(part), quote=False) for part in re.split(r"<([^>]*)>", text)]
    for number, part in enumerate(parts):
        target, _, label = part.partition("|")
        if number % 2 == 0:
            parts[number] = _MARKED.sub(lambda found: "<{0}>{1}</{0}>".format(TAGS[found[1]], found[2]), part)
        elif date := re.fullmatch(r"!date\^(\d+)\^([^|^]*)(?:\^[^|]*)?\|.*", part):
            at, parts[number] = datetime.fromtimestamp(int(date[1]), UTC).astimezone(zone), date[2]
            for name, form in DATES.items():
                parts[number] = parts[number].replace(name, at.strftime(form))
        elif re.match("https?://", target):
            parts[number] = '<a href="{}">{}</a>'.format(target.replace('"', "&quot;"), label or target)
        else:
            parts[number] = f"&lt;{part}&gt;"
    return "".join(parts)
