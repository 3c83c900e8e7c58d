"""Slack's incoming webhooks, with Block Kit's limits.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
"""

import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.channels.fake import WIDTH, Fake, Payload, is_text, payload_of
from sandbox.mrkdwn import plain
from sandbox.server import Request, Response

Block = dict[str, Any]

# https://docs.slack.dev/reference/block-kit/blocks and, for the text, https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages
BLOCKS_MAXIMUM = 50
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3_000
FIELDS_MAXIMUM = 10
FIELD_CHARACTERS = 2_000
CONTEXT_ELEMENTS_MAXIMUM = 10
ACTIONS_ELEMENTS_MAXIMUM = 25
BUTTON_CHARACTERS = 75
URL_CHARACTERS = 3_000
BLOCK_ID_CHARACTERS = 255
TEXT_CHARACTERS = 40_000

# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors
TRANSIENT = {"rollup_error": 500, "rate_limited": 429}
REFUSED = {
    "invalid_payload": 400,
    "invalid_blocks": 400,
    "no_text": 400,
    "msg_too_long": 400,
    "too_many_attachments": 400,
    "too_large": 413,
}
GONE = {
    "user_not_found": 400,
    "invalid_token": 403,
    "action_prohibited": 403,
    "posting_to_general_channel_denied": 403,
    "team_disabled": 403,
    "no_service": 404,
    "no_team": 404,
    "no_active_hooks": 404,
    "channel_not_found": 404,
    "channel_is_archived": 410,
}
# Slack's changelog and its users know the channel's codes with 400, too: judge by the code.
GONE_400 = {f"400 {code}": code for code, status in GONE.items() if status != 400}
ERRORS = {
    **{code: Response.text(code, status) for code, status in {**TRANSIENT, **REFUSED, **GONE}.items()},
    **{name: Response.text(code, 400) for name, code in GONE_400.items()},
}


def rate_limited(seconds: int) -> Response:
    """Make the answer of a webhook that is asked to wait."""
    return Response.text("rate_limited", 429, headers={"Retry-After": str(seconds)})


class FakeSlack(Fake):
    """Every `/services/T…/B…/…` is a webhook; `text` is cut at 40,000 characters, as Slack does."""

    name = "slack"
    label = "Slack"
    errors = ERRORS
    transient = tuple(TRANSIENT)
    refused = tuple(REFUSED)
    gone = (*GONE, *GONE_400)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, in the form of Slack's own."""
        return f"{self.url}/services/T00000000/B00000000/{name}"

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return the secret's key."""
        return {"slack_webhook_url": self.webhook_url(name)}

    def takes(self, path: str) -> bool:
        """Return whether it is a webhook's path."""
        return bool(re.fullmatch(r"/services/T\w+/B\w+/\w+", path))

    def receive(self, request: Request) -> Response:
        """Answer as Slack does, and keep what is accepted."""
        if request.kind == "other":
            return ERRORS["no_service"]
        if request.method != "POST":
            return Response.text("method_not_allowed", 405)
        payload = payload_of(request)
        if payload is None or not isinstance(payload.get("text", ""), str):
            return ERRORS["invalid_payload"]
        if error := _error(payload):
            return ERRORS[error]
        if "text" in payload:
            payload["text"] = payload["text"][:TEXT_CHARACTERS]
        self.accept(request.path.rpartition("/")[2], payload)
        return Response.text("ok")

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return what Slack shows: its blocks or, without any, its text; dates in this machine's time zone."""
        blocks = [text for block in payload.get("blocks", []) if (text := _block_text(block, width))]
        return "\n".join(blocks) if blocks else plain(payload.get("text", ""))


def _block_text(block: Block, width: int) -> str:
    match block["type"]:
        case "header":
            text = _object_text(block["text"])
            return f"{text}\n{'=' * min(len(text), width)}"
        case "section":
            parts = [_object_text(block["text"])] if "text" in block else []
            fields = [_object_text(field) for field in block.get("fields", [])]
            return "\n".join([*parts, *_columns(fields, min(40, width // 2))])
        case "context":
            return " · ".join(map(_object_text, block["elements"]))
        case "actions":
            return "  ".join(f"[{_object_text(button['text'])}] {button['url']}" for button in block["elements"])
    return "-" * 20


def _columns(fields: list[str], column: int) -> Iterator[str]:
    """Yield the lines of fields in two columns of so many characters, as Slack sets them."""
    for pair in itertools.zip_longest(fields[::2], fields[1::2], fillvalue=""):
        wrapped = [[part for line in field.splitlines() for part in textwrap.wrap(line, column - 2)] for field in pair]
        for left, right in itertools.zip_longest(*wrapped, fillvalue=""):
            yield f"{left:{column}}{right}".rstrip()


def _object_text(text: dict[str, str]) -> str:
    return plain(text["text"]) if text["type"] == "mrkdwn" else text["text"]


def _error(payload: dict[str, Any]) -> str | None:
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAXIMUM or not all(map(_block_is_valid, blocks)):
        return "invalid_blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        return "invalid_blocks"
    return None if blocks or payload.get("text", "").strip() else "no_text"


def _block_is_valid(block: object) -> bool:
    """Return whether Slack would take this block.

    Only the types that suit an alert are known; any other is refused, so that a misspelt one shows.
    """
    if not isinstance(block, dict) or not is_text(block.get("block_id", "id"), BLOCK_ID_CHARACTERS):
        return False
    match block.get("type"):
        case "divider":
            return True
        case "header":
            return _is_text_object(block.get("text"), HEADER_CHARACTERS, ("plain_text",))
        case "section":
            return _section_is_valid(block)
        case "context":
            return _has_elements(block, CONTEXT_ELEMENTS_MAXIMUM, _is_text_object)
        case "actions":
            return _has_elements(block, ACTIONS_ELEMENTS_MAXIMUM, _is_link_button)
    return False


def _section_is_valid(block: Block) -> bool:
    if "text" in block and not _is_text_object(block["text"], SECTION_CHARACTERS):
        return False
    if "fields" not in block:
        return "text" in block
    fields = block["fields"]
    if not isinstance(fields, list) or not 1 <= len(fields) <= FIELDS_MAXIMUM:
        return False
    return all(_is_text_object(text, FIELD_CHARACTERS) for text in fields)


def _has_elements(block: Block, maximum: int, is_valid: Callable[[object], bool]) -> bool:
    elements = block.get("elements")
    return isinstance(elements, list) and 1 <= len(elements) <= maximum and all(map(is_valid, elements))


def _is_text_object(
    text: object, maximum: int = SECTION_CHARACTERS, types: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> bool:
    return isinstance(text, dict) and text.get("type") in types and is_text(text.get("text"), maximum)


def _is_link_button(element: object) -> bool:
    return (
        isinstance(element, dict)
        and element.get("type") == "button"
        and _is_text_object(element.get("text"), BUTTON_CHARACTERS, ("plain_text",))
        and is_text(element.get("url"), URL_CHARACTERS)
    )
