"""PagerDuty's Events API v2, with the alerts that its events open and resolve.

https://developer.pagerduty.com/docs/events-api-v2-overview and
https://developer.pagerduty.com/api-reference/368ae3d938c9e-send-an-event-to-pager-duty. The wording of errors is known
from people who met them.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.channels.fake import WIDTH, Fake, Payload, among, link, many, payload_of, record, text
from sandbox.server import Request, Response

EVENT_BYTES = 512 * 1024
ROUTING_KEY_CHARACTERS = 32


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


PAYLOAD = record(
    {"summary": text(1_024), "source": text(), "severity": among({"critical", "warning", "error", "info"})},
    {
        "timestamp": _is_time,
        **dict.fromkeys(("component", "group", "class"), text()),
        "custom_details": lambda value: True,
    },
)
EVENT = record(
    {"routing_key": text(), "event_action": among({"trigger", "acknowledge", "resolve"}), "dedup_key": text(255)},
    {
        "payload": PAYLOAD,
        "links": many(record({"href": link}, {"text": text()}), minimum=0),
        "client": text(),
        "client_url": link,
    },
)


def invalid_event(*errors: str) -> Response:
    """Make the answer to an event in which this is wrong."""
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}
    return Response.json(body, 400)


ERRORS = {
    "throttled": Response.json({"status": "throttle exceeded", "message": "Throttle limit exceeded"}, 429),
    "internal_error": Response.json({"status": "error", "message": "Internal Server Error"}, 500),
    "invalid_event": invalid_event("'payload.summary' is missing or blank"),
    "too_large": Response.json({"status": "invalid event", "message": "Event object exceeds size limit"}, 413),
    "wrong_length": invalid_event("Length of 'routing_key' is incorrect (should be 32 characters)"),
    "not_alphanumeric": invalid_event("'routing_key' cannot contain non-alphanumeric characters."),
    "invalid_routing_key": invalid_event("Invalid routing key"),
}


@dataclass
class Alert:
    """What one `dedup_key` opened, until it is resolved.

    Attributes:
        name: Of the integration that it came to: the name that was given to `settings`.
        key: Its `dedup_key`.
        events: Those that opened, updated and resolved it, oldest first.
        is_open: Whether nobody has resolved it yet.
    """

    name: str
    key: str
    events: list[Payload] = field(default_factory=list, repr=False)
    is_open: bool = True


class FakePagerDuty(Fake):
    """An integration for each name."""

    name = "pagerduty"
    label = "PagerDuty"
    path = re.compile("/v2/enqueue")
    errors = ERRORS
    transient = ("throttled", "internal_error")
    refused = ("invalid_event", "too_large")
    gone = ("wrong_length", "not_alphanumeric", "invalid_routing_key")

    def routing_key(self, name: str = "SANDBOX") -> str:
        """Return the routing key of this name, made where there is none: letters and digits, 32 of them."""
        letters = re.sub(r"[^A-Za-z0-9]", "", name)[:20]
        key = (letters + hashlib.sha256(name.encode()).hexdigest())[:ROUTING_KEY_CHARACTERS]
        self.addresses[key] = name
        return key

    def settings(self, name: str = "SANDBOX") -> dict[str, str]:
        """Return the secret's keys."""
        return {"pagerduty_routing_key": self.routing_key(name), "pagerduty_url": f"{self.url}/v2/enqueue"}

    @property
    def alerts(self) -> list[Alert]:
        """All that were ever opened, oldest first; the same key opens another one once the first is resolved."""
        alerts: list[Alert] = []
        for message in self.accepted:
            name, key, action = message.name, message.payload["dedup_key"], message.payload["event_action"]
            alert = next((known for known in alerts if known.is_open and (known.name, known.key) == (name, key)), None)
            if alert is None and action == "trigger":
                alert = Alert(name, key)
                alerts.append(alert)
            if alert:
                alert.events.append(message.payload)
                alert.is_open = action != "resolve"
        return alerts

    @property
    def open_alerts(self) -> list[Alert]:
        """The alerts that nobody has resolved."""
        return [alert for alert in self.alerts if alert.is_open]

    def receive(self, request: Request) -> Response:
        """Answer as PagerDuty does, and keep what is accepted."""
        if request.kind == "other" or request.method != "POST":
            return Response(404)
        if len(request.body) > EVENT_BYTES:
            return ERRORS["too_large"]
        event = payload_of(request)
        if event is None:
            return invalid_event("Event object is not valid JSON")  # chosen
        if errors := _errors(event):
            return invalid_event(*errors)
        name = self.addresses.get(event["routing_key"])
        if name is None:
            return ERRORS["invalid_routing_key"]
        self.accept(name, event)
        return Response.json({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}, 202)

    @classmethod
    def text(cls, payload: Payload, width: int = WIDTH) -> str:
        """Return what the on-call person reads of an event."""
        if payload["event_action"] != "trigger":
            return f"{payload['event_action'].capitalize()}: {payload['dedup_key']}"
        alert = payload["payload"]
        details = alert.get("custom_details", {})
        shown = [f"{name}: {value}" for name, value in details.items()] if isinstance(details, dict) else [str(details)]
        links = [f"[{link.get('text', link['href'])}] {link['href']}" for link in payload.get("links", [])]
        lines = [f"{alert['severity'].upper()}: {alert['summary']}", f"Source: {alert['source']}", *shown, *links]
        return "\n".join([*lines, f"Alert: {payload.get('dedup_key', '')}"])


def _errors(event: Payload) -> list[str]:
    """Return what is wrong with an event; the words about its content, and that it has a `dedup_key`, are chosen."""
    key, errors = str(event.get("routing_key")), []
    if len(key) != ROUTING_KEY_CHARACTERS:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if not key.isalnum():
        errors.append("'routing_key' cannot contain non-alphanumeric characters.")
    if not EVENT(event) or (event["event_action"] == "trigger" and "payload" not in event):
        errors.append("'payload' is missing, blank or too long, or has an unknown key")
    return errors
