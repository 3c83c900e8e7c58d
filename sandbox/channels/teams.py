"""Microsoft Teams' Workflows, "When a Teams webhook request is received", with an Adaptive Card of version 1.2.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
https://adaptivecards.io/explorer/. A real flow accepts a request before it reads the card: its 202 does not mean that
the message is on the screen. This one reads first, so that a card which Teams would not show is noticed (chosen).
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
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
TEXT = {
    "color": _word("default", "dark", "light", "accent", "good", "warning", "attention"),
    "isSubtle": flag,
    "separator": flag,
    "size": _word(*_SIZES),
    "spacing": _word("none", "padding", *_SIZES),
    "weight": _word("default", "lighter", "bolder"),
    "wrap": flag,
}
FACT = record({"title": text(), "value": text()})
# Of version 1.2, those that an alert needs: https://adaptivecards.io/explorer/
ELEMENT = typed({"TextBlock": record({"text": text()}, TEXT), "FactSet": record({"facts": many(FACT)})})
ACTION = typed({"Action.OpenUrl": record({"title": text(), "url": link})})
CARD = record(
    {"version": among({"1.2"}), "body": many(ELEMENT)},
    {
        "$schema": link,
        "fallbackText": text(),
        "actions": many(ACTION),
        "msteams": record({"width": _word("full")}),
    },
)
_CARD_ATTACHED = record(
    {"contentType": among({"application/vnd.microsoft.card.adaptive"}), "content": typed({"AdaptiveCard": CARD})},
    {"contentUrl": lambda value: value is None},
)
MESSAGE = typed({"message": record({"attachments": many(_CARD_ATTACHED)})})


class FakeTeams(Fake):
    """A flow for each name, all posting into one channel."""

    name = "teams"
    label = "Microsoft Teams"
    path = re.compile(r"/powerautomate/automations/direct/workflows/(\w+)/triggers/manual/paths/invoke")
    errors = ERRORS
    transient = TRANSIENT
    refused = REFUSED
    gone = tuple(name for name in ERRORS if name not in {*TRANSIENT, *REFUSED})

    def webhook_url(self, name: str = "SANDBOX") -> str:
        """Return the URL of this name's flow, which is made where there is none; its signature is the secret."""
        flow = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.addresses[flow] = name
        query = urlencode({"api-version": "1", "sp": "/triggers/manual/run", "sv": "1.0", "sig": name})
        return f"{self.url}/powerautomate/automations/direct/workflows/{flow}/triggers/manual/paths/invoke?{query}"

    def receive(self, request: Request) -> Response:
        """Answer as a flow does, and keep what is accepted."""
        path = self.path.fullmatch(request.path)
        name = self.addresses.get(path[1]) if path else None
        if name is None:
            return ERRORS["WorkflowNotFound"]
        if request.query.get("sig") != name:  # chosen for a wrong signature; known for a missing one
            return ERRORS["DirectApiAuthorizationRequired"]
        if len(request.body) > REQUEST_BYTES:
            return ERRORS["RequestEntityTooLarge"]
        payload = payload_of(request)
        if request.method != "POST" or payload is None or not MESSAGE(payload):
            return ERRORS["TriggerInputSchemaMismatch"]
        self.accept(name, payload)
        return Response(202)

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return the lines of its cards, their buttons last."""
        cards = [attachment["content"] for attachment in payload["attachments"]]
        return "\n".join(line for card in cards for line in _lines(card))


def _lines(card: Payload) -> Iterator[str]:
    for element in card["body"]:
        if "facts" in element:
            yield from (f"{unmarked(fact['title'])}: {unmarked(fact['value'])}" for fact in element["facts"])
        else:
            yield unmarked(element["text"])
    yield from (f"[{action['title']}] {action['url']}" for action in card.get("actions", []))


def unmarked(text: str) -> str:
    """Return a text as it reads: dates in this machine's zone, links with their address behind, marks gone."""
    text = re.sub(r"\{\{(DATE|TIME)\(([^,)]+)(?:, *\w+)?\)\}\}", _date, text)
    text = re.sub(r"(?<!\\)\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"\1 (\2)", text)
    text = re.sub(r"(?<!\\)(\*\*|[*_])(?=\S)([^\n]+?)(?<![\s\\])\1(?!\w)", r"\2", text)
    return re.sub(r"\\([\\`*_{}\[\]()#+\-.!|<>~])", r"\1", text).replace("\u200b", "")


def _date(match: re.Match[str]) -> str:
    at = datetime.fromisoformat(match[2]).astimezone()
    return f"{at:%b %-d, %Y}" if match[1] == "DATE" else f"{at:%H:%M}"
