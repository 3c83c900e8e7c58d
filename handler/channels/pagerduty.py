"""PagerDuty, through the Events API v2: an alert an incident, which resolves itself.

A ``dedup_key`` names an incident from its opening to its end, so that a repeated event changes nothing: the one
window in which a message can be sent twice does not exist here.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from handler.addresses import complaint
from handler.channels.channel import Request, Senders, Setting
from handler.channels.webhook import ANY, Json, Table, decoded, post, refusal
from handler.deadline import Deadline
from handler.decision import stamp
from handler.errors import DeliveryError
from handler.message import Recipient, each, remarks, value
from handler.outbox import IncidentRef, Notice
from handler.transport import Response
from handler.wording import shorten

# https://developer.pagerduty.com/docs/send-alert-event
SUMMARY_LIMIT = 1_024
KEY_LIMIT = 255
URL = "https://events.pagerduty.com/v2/enqueue"
CLIENT = "Zoho CRM backup notifier"

# https://developer.pagerduty.com/docs/events-api-v2-overview: a routing key that is wrong or disabled is a 400, too.
TABLE: Table = (
    (400, "routing_key", "gone"),
    (400, "invalid_event", "refused"),
    (403, ANY, "transient"),  # version 1's word for a throttle
)


def _key_complaint(value: str, loopback: bool) -> str:
    return "" if re.fullmatch(r"[A-Za-z0-9]{32}", value) else "must be an integration key of 32 letters and digits"


class PagerDuty:
    """Sends events to one integration.

    Source: https://developer.pagerduty.com/docs/events-api-v2-overview
    """

    name: ClassVar = "pagerduty"
    label: ClassVar = "PagerDuty"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "pagerduty_routing_key",
            "PagerDuty integration key",
            "Add the integration Events API v2 to a service, and copy its integration key: "
            "https://support.pagerduty.com/main/docs/services-and-integrations",
            _key_complaint,
        ),
        Setting(
            "pagerduty_url",
            "PagerDuty events URL",
            f"Enter takes {URL}; accounts in the EU need https://events.eu.pagerduty.com/v2/enqueue: "
            "https://support.pagerduty.com/main/docs/service-regions",
            complaint,
            default=URL,
            secret=False,
            begins=("https://events.pagerduty.com/", "https://events.eu.pagerduty.com/"),
        ),
    )
    when_broken: ClassVar = (
        "Check in PagerDuty that the service and its Events API v2 integration exist and are enabled. If the "
        "integration key has changed, ask {operator} to save the new one (`{connect}`)."
    )
    min_severity: ClassVar = "critical"
    incidents_only: ClassVar = True
    accepted: ClassVar = "PagerDuty took it, and opens or resolves an alert"

    def __init__(self, senders: Senders, values: dict[str, str]) -> None:
        """Take a session that never retries, and the routing key, which is a secret."""
        self._session = senders.session
        self._key = values["pagerduty_routing_key"]
        self._url = values["pagerduty_url"]

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[list[Json]]]:
        """Return a request for each notice, with an event for each incident that it opens, reminds of or ends."""
        alone = each(((notice,) for notice in notices), recipient)
        return [Request((notice.notice_id,), list(_events(notice, to))) for (notice,), to in alone]

    def send(self, request: Request[list[Json]], deadline: Deadline) -> None:
        """Send the events one by one; the notice is accepted when all were. Those before a failure are repeated.

        Raises:
            DeliveryError: Not all were accepted.
        """
        refused: DeliveryError | None = None
        for event in request.payload:
            response = post(self._session, self.label, self._url, {"routing_key": self._key, **event}, deadline)
            if response.status == 202:
                continue
            error = refusal(self.label, TABLE, response.status, _code(response), request.notice_ids)
            if not error.refused:
                raise error
            refused = error  # the others may end an alert that is open
        if refused:
            raise refused


def _code(response: Response) -> str:
    """Return what an answer is about, for PagerDuty says it in words."""
    body = decoded(response)
    if re.search(r"(?i)routing.key", f"{body.get('message')} {body.get('errors')}"):
        return "routing_key"
    return "invalid_event" if body.get("status") == "invalid event" else ""


def _events(notice: Notice, recipient: Recipient) -> Iterator[Json]:
    for ref in notice.ends:
        yield _event("resolve", _key(recipient.org, ref), notice, recipient, ref)
    for ref, line in zip(notice.opens, _lines(notice), strict=True):
        # Whoever takes this works: an alert that says the opposite would never be resolved, for nobody ends it here.
        action = "resolve" if ref.name == f"channel:{PagerDuty.name}" else "trigger"
        yield _event(action, _key(recipient.org, ref), notice, recipient, ref, line)
    if not (notice.ends or notice.opens):
        # An unknown state, which nothing ends: a person closes it. Or a test.
        key = f"{recipient.org}-{notice.kind}-{notice.row.key}" if notice.row else notice.notice_id
        yield _event("trigger", _short(key), notice, recipient)
        if notice.kind == "test":
            yield _event("resolve", _short(key), notice, recipient)


def _lines(notice: Notice) -> tuple[str, ...]:
    """Return what each opened incident is called: a list has a line for each, in their order."""
    content, count = notice.content, len(notice.opens)
    return content.lines[:count] if len(content.lines) >= count else (content.title,) * count


def _event(
    action: str, key: str, notice: Notice, recipient: Recipient, ref: IncidentRef | None = None, line: str = ""
) -> Json:
    """Return an event without its routing key. One that resolves says what ended the alert: its log shows it."""
    payload = {
        "summary": shorten(f"{recipient.name}: {line or notice.content.title}", SUMMARY_LIMIT),
        "source": f"Zoho CRM, {recipient.name}",
        "severity": ref.severity if ref else notice.severity,
        "timestamp": notice.at.isoformat(),
        "component": "data backup",
        "group": recipient.org,
        "class": ref.name if ref else notice.kind,
        "custom_details": _details(notice, recipient),
    }
    event: Json = {"event_action": action, "dedup_key": key, "payload": payload, "client": CLIENT}
    if notice.content.about_crm:
        event["links"] = [{"href": recipient.crm_url, "text": "Open Zoho CRM"}]
    return event


def _details(notice: Notice, recipient: Recipient) -> dict[str, str]:
    content = notice.content
    details = {"Note": " ".join(remarks((notice,), recipient)), "What happened": content.sentence}
    details["Open problems"] = " ".join(content.lines)
    details |= {fact.label: value(fact, recipient.zone) for fact in content.facts}
    details["What to do"] = content.next_step
    if notice.row and notice.row.id:
        details["Job ID"] = notice.row.id
    details["Reference"] = notice.notice_id
    return {label: words for label, words in details.items() if words}


def _key(org: str, ref: IncidentRef) -> str:
    return _short(f"{org}-{ref.name}-{stamp(ref.since)}")


def _short(key: str) -> str:
    return key if len(key) <= KEY_LIMIT else hashlib.sha256(key.encode()).hexdigest()
