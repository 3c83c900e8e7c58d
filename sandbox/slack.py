"""A Slack inbox on loopback: incoming webhooks that enforce Slack's limits and answer as Slack does."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.server import Answer, Request, Server

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
ERRORS = {
    code: Answer.text(code, status)
    for status, codes in {
        400: ("invalid_payload", "invalid_blocks", "no_text", "user_not_found", "too_many_attachments"),
        403: ("invalid_token", "action_prohibited", "posting_to_general_channel_denied", "team_disabled"),
        404: ("no_service", "no_team", "no_active_hooks", "channel_not_found"),
        410: ("channel_is_archived",),
        500: ("rollup_error",),
    }.items()
    for code in codes
}


def rate_limited(seconds: int) -> Answer:
    """Make the answer of a webhook that is asked to wait."""
    return Answer.text("rate_limited", 429, headers={"Retry-After": str(seconds)})


class SlackInbox(Server):
    """Slack's incoming webhooks, every `/services/T…/B…/…`, and heartbeats, every `/heartbeat/…`.

    Requests are of the kinds `webhook`, `heartbeat` and `other`.

    Attributes:
        messages: The payloads that were accepted, oldest first; `text` is cut at 40,000 characters, as Slack does.
    """

    def __init__(self, certificate: str | None = None) -> None:
        """Start serving, as `Server` does."""
        self.messages: list[dict[str, Any]] = []
        super().__init__(certificate)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the webhook URL of this name, in the form of Slack's own."""
        return f"{self.url}/services/T00000000/B00000000/{name}"

    def heartbeat_url(self, name: str = "sandbox") -> str:
        """Return the heartbeat URL of this name."""
        return f"{self.url}/heartbeat/{name}"

    def kind(self, method: str, path: str) -> str:
        """Name the kind of a request by its path."""
        if re.fullmatch(r"/services/T\w+/B\w+/\w+", path):
            return "webhook"
        return "heartbeat" if path.startswith("/heartbeat/") else "other"

    def answer(self, request: Request) -> Answer:
        """Answer as Slack does, and keep what is accepted."""
        if request.kind == "heartbeat":
            return Answer.text("OK")
        if request.kind == "other":
            return ERRORS["no_service"]
        if request.method != "POST":
            return Answer.text("method_not_allowed", 405)
        payload = _payload(request)
        if payload is None:
            return ERRORS["invalid_payload"]
        if error := _error(payload):
            return ERRORS[error]
        if "text" in payload:
            payload["text"] = payload["text"][:TEXT_CHARACTERS]
        with self.lock:
            self.messages.append(payload)
        return Answer.text("ok")


def _payload(request: Request) -> dict[str, Any] | None:
    """Decode the payload; None when Slack would not understand it."""
    if request.headers.get_content_type() != "application/json":
        return None
    try:
        payload = request.json()
    except ValueError:
        return None
    if not isinstance(payload, dict) or not isinstance(payload.get("text", ""), str):
        return None
    return payload


def _error(payload: dict[str, Any]) -> str | None:
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAXIMUM or not all(map(_block_is_valid, blocks)):
        return "invalid_blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        return "invalid_blocks"
    return None if blocks or payload.get("text", "").strip() else "no_text"


def _block_is_valid(block: object) -> bool:
    """Tell whether Slack would take this block.

    Only the types that suit an alert are known; any other is refused, so that a misspelt one shows.
    """
    if not isinstance(block, dict) or not _is_text(block.get("block_id", "id"), BLOCK_ID_CHARACTERS):
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
    return isinstance(text, dict) and text.get("type") in types and _is_text(text.get("text"), maximum)


def _is_text(text: object, maximum: int) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= maximum


def _is_link_button(element: object) -> bool:
    return (
        isinstance(element, dict)
        and element.get("type") == "button"
        and _is_text_object(element.get("text"), BUTTON_CHARACTERS, ("plain_text",))
        and _is_text(element.get("url"), URL_CHARACTERS)
    )
