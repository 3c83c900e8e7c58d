"""PagerDuty, through the Events API v2: one alert for each incident, resolved when the incident ends.

A ``dedup_key`` names an incident from its opening to its end, so a repeated event changes nothing: the one case in
which other channels may get a message twice does not exist here.
"""

from collections.abc import Mapping

from handler.addresses import url_problem
from handler.channels.channel import Answers, ChannelKind, Connection, Json, Request, Setting, matching
from handler.errors import DeliveryError
from handler.history import known_time
from handler.message import Message, Rendering
from handler.outbox import IncidentRef, Notice
from handler.transport import Deadline
from handler.wording import compact_time, shorten

# https://developer.pagerduty.com/docs/send-alert-event
SUMMARY_LIMIT = 1_024
URL = "https://events.pagerduty.com/v2/enqueue"


def _render(pending: Message, values: Mapping[str, str]) -> list[Request]:
    """Return a request for each notice, with an event for each incident that it opens, reminds of or ends."""
    return [Request((notice.notice_id,), _events(notice, pending.rendering)) for notice in pending.notices]


def _send(request: Request, connection: Connection, deadline: Deadline) -> None:
    """Send the events one by one; the notice is accepted when all were. Those before a failure are sent again.

    Raises:
        DeliveryError: PagerDuty did not accept all of them.
    """
    refusal: DeliveryError | None = None
    for event in request.payload:
        payload = {"routing_key": connection.values["pagerduty_routing_key"], **event}
        response = connection.post(payload, deadline, connection.values["pagerduty_url"])
        if error := connection.refusal(response):
            if not error.refused:
                raise error
            refusal = error  # the remaining events may resolve an open alert
    if refusal:
        raise refusal


# https://developer.pagerduty.com/docs/events-api-v2-overview: a wrong or disabled routing key is a 400, too.
WORDS = {"(?i)routing.key": "routing_key", "invalid event": "invalid_event"}
ANSWERS = Answers(refused="invalid_event", permanent="routing_key", words=WORDS)


def _events(notice: Notice, rendering: Rendering) -> list[Json]:
    """Return an event for each incident that a notice is about, or one for a notice that is about none."""
    org = rendering.org
    changes = [("resolve", ref) for ref in notice.ends]
    # If PagerDuty accepts this, PagerDuty works: resolve its own alert instead of opening it.
    changes += [("resolve" if ref.name == "channel:pagerduty" else "trigger", ref) for ref in notice.opens]
    events = [(action, f"{org}-{ref.name}-{compact_time(known_time(ref.since))}", ref) for action, ref in changes]
    if not events:
        # Nothing ends a lost message: a person closes the alert. A test is closed at once.
        own = IncidentRef(notice.kind, notice.at, notice.severity)
        actions = ("trigger", "resolve") if notice.kind == "test" else ("trigger",)
        events = [(action, notice.notice_id, own) for action in actions]
    return [_event(*event, notice, rendering) for event in events]


def _event(action: str, key: str, ref: IncidentRef, notice: Notice, rendering: Rendering) -> Json:
    """Return an event without its routing key. PagerDuty's log shows what a resolving event says."""
    content = notice.content
    details = {
        "Note": " ".join(rendering.remarks(notice)),
        "What happened": content.said(rendering.show),
        content.lines_label: " ".join(map(rendering.line, content.lines)),
        **{fact.label: rendering.value(fact) for fact in content.facts},
        "What to do": content.next_step,
        "Job ID": notice.row.id if notice.row else None,
        "Reference": notice.notice_id,
    }
    event: Json = {
        "event_action": action,
        "dedup_key": key,
        "payload": {
            "summary": shorten(f"{rendering.name}: {ref.line or content.title}", SUMMARY_LIMIT),
            "source": f"Zoho CRM, {rendering.name}",
            "severity": ref.severity,
            "timestamp": notice.at.isoformat(),
            "component": "data backup",
            "group": rendering.org,
            "class": ref.name,
            "custom_details": {label: words for label, words in details.items() if words},
        },
        "client": "Zoho CRM backup notifier",
    }
    if content.about_crm:
        event["links"] = [{"href": rendering.crm_url, "text": "Open Zoho CRM"}]
    return event


PAGERDUTY = ChannelKind(
    "pagerduty",
    "PagerDuty",
    "Check in PagerDuty that the service and its Events API v2 integration exist and are enabled. If the "
    "integration key has changed, ask {operator} to save the new one (`{connect}`).",
    "PagerDuty took it, and opens or resolves an alert",
    (
        Setting(
            "pagerduty_routing_key",
            "PagerDuty integration key",
            "Add the integration Events API v2 to a service, and copy its integration key: "
            "https://support.pagerduty.com/main/docs/services-and-integrations",
            matching(r"[A-Za-z0-9]{32}", "must be an integration key of 32 letters and digits"),
        ),
        Setting(
            "pagerduty_url",
            "PagerDuty events URL",
            f"Enter takes {URL}; accounts in the EU need https://events.eu.pagerduty.com/v2/enqueue: "
            "https://support.pagerduty.com/main/docs/service-regions",
            url_problem,
            default=URL,
            secret=False,
            begins=("https://events.pagerduty.com/", "https://events.eu.pagerduty.com/"),
        ),
    ),
    _render,
    _send,
    ANSWERS,
    min_severity="critical",
    incidents_only=True,
)
"""One integration of a service: https://developer.pagerduty.com/docs/events-api-v2-overview."""
