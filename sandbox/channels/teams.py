"""Microsoft Teams' Workflows, "When a Teams webhook request is received", with an Adaptive Card of version 1.2.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
https://adaptivecards.io/explorer/. A real flow accepts a request before it reads the card: its 202 does not mean that
the message is on the screen. This one reads first, so that a card which Teams would not show is noticed (chosen).
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.channels.fake import WIDTH, Check, Fake, Payload, among, flag, link, many, payload_of, record, text, typed
from sandbox.server import Request, Response

REQUEST_BYTES = 28 * 1024


def _error(status: int, code: str, message: str) -> Response:
    return Response.json({"error": {"code": code, "message": message}}, status)


_OFF = "Could not execute workflow with trigger 'manual': the workflow is not enabled."
_OAUTH = "The request must be authenticated only by OAuth."
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
    "DirectApiAuthorizationRequired": _error(401, "DirectApiAuthorizationRequired", _OAUTH),
    "Forbidden": _error(403, "Forbidden", "The request is not allowed."),
    "Gone": _error(410, "Gone", "The endpoint is gone."),
}

TRANSIENT = ("TooManyRequests", "InternalServerError", "BadGateway", "BadRequest")
REFUSED = ("TriggerInputSchemaMismatch", "RequestEntityTooLarge")


def _word(*allowed: str) -> Check:
    """Compare without regard to case, as Teams does."""
    return lambda value: isinstance(value, str) and value.lower() in allowed


_SIZES = ("default", "small", "medium", "large", "extralarge")
_STYLE = _word("default", "emphasis", "good", "attention", "warning", "accent")
_BOX = {"style": _STYLE, "bleed": flag}
_EVERY = {
    "id": text(),
    "spacing": _word("none", "padding", *_SIZES),
    "separator": flag,
    "height": _word("auto", "stretch"),
}
_TEXT = {
    "color": _word("default", "dark", "light", "accent", "good", "warning", "attention"),
    "fontType": _word("default", "monospace"),
    "horizontalAlignment": _word("left", "center", "right"),
    "isSubtle": flag,
    "maxLines": lambda value: isinstance(value, int) and value > 0,
    "size": _word(*_SIZES),
    "weight": _word("default", "lighter", "bolder"),
    "wrap": flag,
}


def _elements(value: Any) -> bool:
    """Check a list of elements, which hold others."""
    return many(ELEMENT)(value)


_COLUMN = record({"items": _elements}, {"type": among({"Column"}), "width": text(), "style": _STYLE})
_ACTION = typed({"Action.OpenUrl": record({"title": text(), "url": link}, {"style": text(), "id": text()})})
ELEMENT = typed(
    {
        "TextBlock": record({"text": text()}, {**_TEXT, **_EVERY}),
        "FactSet": record({"facts": many(record({"title": text(), "value": text()}))}, _EVERY),
        "Container": record({"items": _elements}, {**_BOX, **_EVERY}),
        "ColumnSet": record({"columns": many(_COLUMN)}, {**_BOX, **_EVERY}),
        "ActionSet": record({"actions": many(_ACTION)}, _EVERY),
    }
)
CARD = record(
    {"version": among({"1.2"}), "body": _elements},
    {
        "$schema": link,
        "fallbackText": text(),
        "speak": text(),
        "lang": text(),
        "actions": many(_ACTION),
        "msteams": record({"width": _word("full")}),
    },
)
ATTACHMENT = record(
    {"contentType": among({"application/vnd.microsoft.card.adaptive"}), "content": typed({"AdaptiveCard": CARD})},
    {"contentUrl": lambda value: value is None},
)


class FakeTeams(Fake):
    """A flow for each name, all posting into one channel.

    Attributes:
        flows: Name by id; deleting one deletes the flow.
        off: The names whose flows are switched off.
    """

    name = "teams"
    label = "Microsoft Teams"
    path = re.compile(r"/powerautomate/automations/direct/workflows/(\w+)/triggers/manual/paths/invoke")
    errors = ERRORS
    transient = TRANSIENT
    refused = REFUSED
    gone = tuple(name for name in ERRORS if name not in {*TRANSIENT, *REFUSED})

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

    def reset(self) -> None:
        """Switch every flow on as well."""
        super().reset()
        self.off.clear()

    def receive(self, request: Request) -> Response:
        """Answer as a flow does, and keep what is accepted."""
        path = self.path.fullmatch(request.path)
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


def _is_valid(payload: Payload) -> bool:
    """Return whether the flow could post it and Teams show all of it."""
    return payload.get("type") == "message" and many(ATTACHMENT)(payload.get("attachments"))


def _lines(part: Payload) -> list[str]:
    """Return what is read of a card or of an element of one."""
    match part.get("type"):
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
