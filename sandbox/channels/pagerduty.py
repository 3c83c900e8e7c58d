"""PagerDuty's Events API v2, with the alerts that its events open and resolve.

https://developer.pagerduty.com/docs/events-api-v2-overview and
https://developer.pagerduty.com/api-reference/368ae3d938c9e-send-an-event-to-pager-duty. The wording of errors is known
from people who met them.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from sandbox.channels.fake import Fake, Payload
from sandbox.server import Request, Response

EVENT_BYTES = 512 * 1024
ROUTING_KEY_CHARACTERS = 32


Alert = list[Payload]
"""The events that opened, updated and resolved what has one `dedup_key`, oldest first."""


class FakePagerDuty(Fake):
    """An integration for each name."""

    name = "pagerduty"
    path = re.compile("/v2/enqueue")

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
        open_now: dict[tuple[str, str], Alert] = {}
        for event in self.messages:
            which = (event["routing_key"], event["dedup_key"])
            if event["event_action"] == "trigger" and which not in open_now:
                alerts.append(open_now.setdefault(which, []))
            alert = open_now.pop(which, None) if event["event_action"] == "resolve" else open_now.get(which)
            if alert is not None:
                alert.append(event)
        return alerts

    @property
    def open_alerts(self) -> list[Alert]:
        """The alerts that nobody has resolved."""
        return [alert for alert in self.alerts if alert[-1]["event_action"] != "resolve"]

    def refusals(self, request: Request, payload: Any) -> Iterator[tuple[bool, str]]:
        """Judge the address, the size, the routing key and the event."""
        key = str((payload or {}).get("routing_key"))
        yield request.kind == "other" or request.method != "POST", "not_found"
        yield len(request.body) > EVENT_BYTES, "too_large"
        yield payload is None, "invalid_event"
        yield len(key) != ROUTING_KEY_CHARACTERS, "wrong_length"
        yield not key.isalnum(), "not_alphanumeric"
        yield not self.takes(payload), "invalid_event"
        yield key not in self.addresses, "invalid_routing_key"

    def receive(self, request: Request, payload: Payload) -> Response:
        """Keep an event."""
        self.accept(self.addresses[payload["routing_key"]], payload)
        answer = {"status": "success", "message": "Event processed", "dedup_key": payload["dedup_key"]}
        return Response.json(answer, 202)

    @classmethod
    def text(cls, payload: Payload) -> str:
        """Return what the on-call person reads of an event."""
        if payload["event_action"] != "trigger":
            return f"{payload['event_action'].capitalize()}: {payload['dedup_key']}"
        alert = payload["payload"]
        shown = [f"{name}: {value}" for name, value in alert.get("custom_details", {}).items()]
        links = [f"[{link.get('text', link['href'])}] {link['href']}" for link in payload.get("links", [])]
        lines = [f"{alert['severity'].upper()}: {alert['summary']}", f"Source: {alert['source']}", *shown, *links]
        return "\n".join([*lines, f"Alert: {payload.get('dedup_key', '')}"])
