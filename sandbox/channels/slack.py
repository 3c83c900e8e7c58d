"""Slack's incoming webhooks, with Block Kit's limits.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
"""

import html
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from sandbox.channels.fake import WIDTH, Check, Fake, Payload, flag, many, payload_of, record, text, typed
from sandbox.server import Request, Response

# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors
TRANSIENT = {500: "rollup_error", 429: "rate_limited"}
REFUSED = {400: "invalid_payload invalid_blocks no_text msg_too_long too_many_attachments", 413: "too_large"}
GONE = {
    400: "user_not_found",
    403: "invalid_token action_prohibited posting_to_general_channel_denied team_disabled",
    404: "no_service no_team no_active_hooks channel_not_found",
    410: "channel_is_archived",
}


def _answers(codes: Mapping[int, str]) -> dict[str, Response]:
    return {code: Response.text(code, status) for status, listed in codes.items() for code in listed.split()}


# Slack's changelog and its users know the channel's codes with 400, too: judge by the code.
GONE_400 = {
    f"400 {code}": Response.text(code, 400) for status in GONE if status != 400 for code in GONE[status].split()
}
ERRORS = {**_answers(TRANSIENT), **_answers(REFUSED), **_answers(GONE), **GONE_400}

TEXT_CHARACTERS = 40_000
"""What lies beyond is cut: https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages"""


def _words(maximum: int, *, marked: bool = True) -> Check:
    """Check a text object; only some may be in mrkdwn."""
    kinds = {"plain_text": record({"text": text(maximum)}, {"emoji": flag})}
    if marked:
        kinds["mrkdwn"] = record({"text": text(maximum)}, {"verbatim": flag})
    return typed(kinds)


def _section(value: Payload) -> bool:
    return len(value) > 0 and record({}, {"text": _words(3_000), "fields": many(_words(2_000), 10)})(value)


# https://docs.slack.dev/reference/block-kit/blocks; of its blocks, those that an alert needs
BLOCKS = many(
    typed(
        {
            "header": record({"text": _words(150, marked=False)}),
            "section": _section,
            "context": record({"elements": many(_words(3_000), 10)}),
        }
    ),
    maximum=50,
    minimum=0,
)


def rate_limited(seconds: int) -> Response:
    """Make the answer of a webhook that is asked to wait."""
    return Response.text("rate_limited", 429, headers={"Retry-After": str(seconds)})


class FakeSlack(Fake):
    """Every `/services/T…/B…/…` is a webhook; `text` is cut at 40,000 characters, as Slack does."""

    name = "slack"
    label = "Slack"
    path = re.compile(r"/services/T\w+/B\w+/(\w+)")
    errors = ERRORS
    transient = tuple(_answers(TRANSIENT))
    refused = tuple(_answers(REFUSED))
    gone = (*_answers(GONE), *GONE_400)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, in the form of Slack's own."""
        return f"{self.url}/services/T00000000/B00000000/{name}"

    def receive(self, request: Request) -> Response:
        """Answer as Slack does, and keep what is accepted."""
        path = self.path.fullmatch(request.path)
        if not path:
            return ERRORS["no_service"]
        if request.method != "POST":
            return Response.text("method_not_allowed", 405)
        payload = payload_of(request)
        if payload is None or not isinstance(payload.get("text", ""), str):
            return ERRORS["invalid_payload"]
        blocks = payload.get("blocks", [])
        if not BLOCKS(blocks):
            return ERRORS["invalid_blocks"]
        if not blocks and not payload.get("text", "").strip():
            return ERRORS["no_text"]
        if "text" in payload:
            payload["text"] = payload["text"][:TEXT_CHARACTERS]
        self.accept(path[1], payload)
        return Response.text("ok")

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return what Slack shows: its blocks or, without any, its text; dates in this machine's time zone."""
        blocks = [_block_text(block, width) for block in payload.get("blocks", [])]
        return "\n".join(blocks) if blocks else plain(payload.get("text", ""))


def _block_text(block: Payload, width: int) -> str:
    if block["type"] == "header":
        title = _object_text(block["text"])
        return f"{title}\n{'=' * min(len(title), width)}"
    if block["type"] == "context":
        return " · ".join(map(_object_text, block["elements"]))
    words = [_object_text(block["text"])] if "text" in block else []
    fields = [_object_text(field) for field in block.get("fields", [])]
    return "\n".join([*words, *_columns(fields, min(40, width // 2))])


def _columns(fields: list[str], column: int) -> Iterator[str]:
    """Yield the lines of fields in two columns of so many characters, as Slack sets them."""
    for pair in itertools.zip_longest(fields[::2], fields[1::2], fillvalue=""):
        wrapped = [[part for line in field.splitlines() for part in textwrap.wrap(line, column - 2)] for field in pair]
        for left, right in itertools.zip_longest(*wrapped, fillvalue=""):
            yield f"{left:{column}}{right}".rstrip()


def _object_text(words: dict[str, str]) -> str:
    return plain(words["text"]) if words["type"] == "mrkdwn" else words["text"]


# mrkdwn: https://docs.slack.dev/messaging/formatting-message-text

TAGS = {"*": "b", "_": "i", "~": "s", "`": "code"}
DATES = {"{date_short_pretty}": "%b %-d, %Y", "{time}": "%H:%M"}
"""The date formats that are used here; another one stays in braces, and shows."""


_MARKED = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")


def plain(text: str, zone: tzinfo | None = None) -> str:
    """Return what a person reads: dates resolved, marks gone, the address of a link behind its words."""

    def link(target: str, label: str) -> str:
        return label if label == target else f"{label} ({target})"

    return html.unescape(_read(text, zone, lambda tag, words: words, link))


def markup(text: str, zone: tzinfo | None = None) -> str:
    """Return the same as HTML, in which everything but the marks and the links is literal."""

    def link(target: str, label: str) -> str:
        address = target.replace('"', "&quot;")
        return f'<a href="{address}">{label}</a>'

    return _read(text, zone, lambda tag, words: f"<{tag}>{words}</{tag}>", link)


def _read(text: str, zone: tzinfo | None, mark: Callable[[str, str], str], link: Callable[[str, str], str]) -> str:
    """Return a text as HTML; a mention stays in angle brackets, so that it does not look harmless."""
    parts = [html.escape(html.unescape(part), quote=False) for part in re.split(r"<([^>]*)>", text)]
    for number, part in enumerate(parts):
        target, _, label = part.partition("|")
        if number % 2 == 0:
            parts[number] = _MARKED.sub(lambda found: mark(TAGS[found[1]], found[2]), part)
        elif date := re.fullmatch(r"!date\^(\d+)\^([^|^]*)(?:\^[^|]*)?\|.*", part):
            at, parts[number] = datetime.fromtimestamp(int(date[1]), UTC).astimezone(zone), date[2]
            for name, form in DATES.items():
                parts[number] = parts[number].replace(name, at.strftime(form))
        elif re.match("https?://", target):
            parts[number] = link(target, label or target)
        else:
            parts[number] = f"&lt;{part}&gt;"
    return "".join(parts)
