"""Microsoft Teams' Workflows, "When a Teams webhook request is received", with an Adaptive Card of version 1.2.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
https://adaptivecards.io/explorer/. A real flow takes a request before it reads the card: its 202 is no message on the
screen yet. This one reads first, so that a card which Teams would not show is noticed (chosen).
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import WIDTH, Fake, Payload, is_link, is_text, payload_of
from sandbox.server import Request, Response

REQUEST_BYTES = 28 * 1024
CARD = "application/vnd.microsoft.card.adaptive"
VERSION = "1.2"
_PATH = re.compile(r"/powerautomate/automations/direct/workflows/(\w+)/triggers/manual/paths/invoke")

EVERY = {"type", "id", "spacing", "separator", "height"}
ELEMENTS = {
    "TextBlock": {"text", "color", "fontType", "horizontalAlignment", "isSubtle", "maxLines", "size", "weight", "wrap"},
    "FactSet": {"facts"},
    "Container": {"items", "style", "bleed"},
    "ColumnSet": {"columns", "style", "bleed"},
    "ActionSet": {"actions"},
}
VALUES = {  # compared without regard to case, as Teams does
    "color": {"default", "dark", "light", "accent", "good", "warning", "attention"},
    "fontType": {"default", "monospace"},
    "height": {"auto", "stretch"},
    "horizontalAlignment": {"left", "center", "right"},
    "size": {"default", "small", "medium", "large", "extralarge"},
    "spacing": {"default", "none", "small", "medium", "large", "extralarge", "padding"},
    "style": {"default", "emphasis", "good", "attention", "warning", "accent"},
    "weight": {"default", "lighter", "bolder"},
}


def _error(status: int, code: str, message: str) -> Response:
    return Response.json({"error": {"code": code, "message": message}}, status)


_OFF = "Could not execute workflow with trigger 'manual': the workflow is not enabled."
ERRORS = {
    "TooManyRequests": _error(429, "TooManyRequests", "Rate limit is exceeded."),
    "InternalServerError": _error(500, "InternalServerError", "The server encountered an internal error."),
    "BadGateway": _error(502, "BadGateway", "The server was unable to reach the flow."),
    "BadRequest": _error(400, "BadRequest", "Something else is wrong."),
    "TriggerInputSchemaMismatch": _error(400, "TriggerInputSchemaMismatch", "The input does not match the schema."),
    "RequestEntityTooLarge": _error(413, "RequestEntityTooLarge", "The request is too large."),
    "WorkflowTriggerIsNotEnabled": _error(400, "WorkflowTriggerIsNotEnabled", _OFF),
    "WorkflowDisabled": _error(400, "WorkflowDisabled", _OFF),
    "WorkflowNotFound": _error(404, "WorkflowNotFound", "The workflow could not be found."),
    "400 WorkflowNotFound": _error(400, "WorkflowNotFound", "The workflow could not be found."),
    "DirectApiAuthorizationRequired": _error(
        401, "DirectApiAuthorizationRequired", "The request must be authenticated only by OAuth."
    ),
    "Forbidden": _error(403, "Forbidden", "The request is not allowed."),
    "Gone": _error(410, "Gone", "The endpoint is gone."),
}


class FakeTeams(Fake):
    """A flow for each name, all posting into one channel.

    Attributes:
        flows: Name by id; deleting one deletes the flow.
        off: The names whose flows are switched off.
    """

    name = "teams"
    label = "Microsoft Teams"
    errors = ERRORS
    transient = ("TooManyRequests", "InternalServerError", "BadGateway", "BadRequest")
    refused = ("TriggerInputSchemaMismatch", "RequestEntityTooLarge")
    gone = (
        "WorkflowTriggerIsNotEnabled",
        "WorkflowDisabled",
        "WorkflowNotFound",
        "400 WorkflowNotFound",
        "DirectApiAuthorizationRequired",
        "Forbidden",
        "Gone",
    )

    def __init__(self, clock: Callable[[], datetime] | None = None, certificate: str | None = None) -> None:
        """Start serving, as `Fake` does."""
        self.flows: dict[str, str] = {}
        self.off: set[str] = set()
        super().__init__(clock, certificate)

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the URL of this name's flow, which is made where there is none; its signature is the secret."""
        flow = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.flows[flow] = name
        query = urlencode({"api-version": "1", "sp": "/triggers/manual/run", "sv": "1.0", "sig": name})
        return f"{self.url}/powerautomate/automations/direct/workflows/{flow}/triggers/manual/paths/invoke?{query}"

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return the secret's key."""
        return {"teams_webhook_url": self.webhook_url(name)}

    def reset(self) -> None:
        """Switch every flow on as well."""
        super().reset()
        self.off.clear()

    def takes(self, path: str) -> bool:
        """Return whether it is a flow's path."""
        return bool(_PATH.fullmatch(path))

    def receive(self, request: Request) -> Response:
        """Answer as a flow does, and keep what is accepted."""
        path = _PATH.fullmatch(request.path)
        name = self.flows.get(path[1]) if path else None
        if name is None:
            return ERRORS["WorkflowNotFound"]
        if request.query.get("sig") != name:  # chosen for a wrong signature; known for a missing one
            return ERRORS["DirectApiAuthorizationRequired"]
        if name in self.off:
            return ERRORS["WorkflowTriggerIsNotEnabled"]
        if len(request.body) > REQUEST_BYTES:
            return ERRORS["RequestEntityTooLarge"]
        payload = payload_of(request)
        if request.method != "POST" or payload is None or not _is_valid(payload):
            return ERRORS["TriggerInputSchemaMismatch"]
        self.accept(name, payload)
        return Response(202)

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return the lines of its cards, their buttons last."""
        return "\n".join(line for attachment in payload["attachments"] for line in _lines(attachment["content"]))


def _lines(part: dict[str, Any]) -> list[str]:
    """Return what is read of a card or of an element of one."""
    match part["type"]:
        case "TextBlock":
            return [unmarked(part["text"])]
        case "FactSet":
            return [f"{unmarked(fact['title'])}: {unmarked(fact['value'])}" for fact in part["facts"]]
    inner = [*part.get("body", []), *part.get("items", []), *part.get("columns", [])]
    lines = [line for element in inner for line in _lines(element)]
    return [*lines, *(f"[{action['title']}] {action['url']}" for action in part.get("actions", []))]


def unmarked(text: str) -> str:
    """Return a text as it reads: dates in this machine's zone, links with their address behind, marks gone."""
    text = re.sub(r"\{\{(DATE|TIME)\(([^,)]+)(?:, *\w+)?\)\}\}", _date, text)
    text = re.sub(r"(?<!\\)\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
    text = re.sub(r"(?<!\\)(\*\*|[*_])(?=\S)([^\n]+?)(?<![\s\\])\1(?!\w)", r"\2", text)
    return re.sub(r"\\([\\`*_{}\[\]()#+\-.!|<>~])", r"\1", text).replace("\u200b", "")


def _date(match: re.Match[str]) -> str:
    at = datetime.fromisoformat(match[2]).astimezone()
    return f"{at:%b %-d, %Y}" if match[1] == "DATE" else f"{at:%H:%M}"


def _is_valid(payload: Payload) -> bool:
    """Return whether the flow could post it and Teams show all of it."""
    attachments = payload.get("attachments")
    if payload.get("type") != "message" or not isinstance(attachments, list) or not attachments:
        return False
    return all(
        isinstance(attachment, dict)
        and not attachment.keys() - {"contentType", "contentUrl", "content"}
        and attachment.get("contentType") == CARD
        and attachment.get("contentUrl") is None
        and _card_is_valid(attachment.get("content"))
        for attachment in attachments
    )


def _card_is_valid(card: object) -> bool:
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard" or card.get("version") != VERSION:
        return False
    if card.keys() - {"$schema", "type", "version", "fallbackText", "speak", "body", "actions", "msteams", "lang"}:
        return False
    if "fallbackText" in card and not is_text(card["fallbackText"]):
        return False
    teams = card.get("msteams", {"width": "full"})
    return (
        isinstance(teams, dict)
        and teams.keys() == {"width"}
        and str(teams["width"]).lower() == "full"
        and _are(card.get("body"), _element_is_valid)
        and ("actions" not in card or _are(card["actions"], _action_is_valid))
    )


def _element_is_valid(element: Any) -> bool:
    if not isinstance(element, dict) or element.get("type") not in ELEMENTS:
        return False
    if element.keys() - EVERY - ELEMENTS[element["type"]]:
        return False
    if any(str(element[name]).lower() not in allowed for name, allowed in VALUES.items() if name in element):
        return False
    match element["type"]:
        case "TextBlock":
            return is_text(element.get("text"))
        case "FactSet":
            return _are(element.get("facts"), _fact_is_valid)
        case "Container":
            return _are(element.get("items"), _element_is_valid)
        case "ColumnSet":
            return _are(element.get("columns"), _column_is_valid)
    return _are(element.get("actions"), _action_is_valid)


def _are(parts: object, is_valid: Callable[[Any], bool]) -> bool:
    return isinstance(parts, list) and len(parts) > 0 and all(map(is_valid, parts))


def _fact_is_valid(fact: Any) -> bool:
    return isinstance(fact, dict) and fact.keys() == {"title", "value"} and all(map(is_text, fact.values()))


def _column_is_valid(column: Any) -> bool:
    if not isinstance(column, dict) or column.get("type", "Column") != "Column":
        return False
    return not column.keys() - {"type", "items", "width", "style"} and _are(column.get("items"), _element_is_valid)


def _action_is_valid(action: Any) -> bool:
    return (
        isinstance(action, dict)
        and not action.keys() - {"type", "title", "url", "style", "id"}
        and action.get("type") == "Action.OpenUrl"
        and is_text(action.get("title"))
        and is_link(action.get("url"))
    )
