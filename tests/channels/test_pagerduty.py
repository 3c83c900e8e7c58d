"""PagerDuty: an alert an incident, opened and resolved by its key; repeats change nothing."""

from datetime import timedelta

import pytest

from handler.channels.channel import Connection
from handler.channels.pagerduty import PAGERDUTY
from handler.outbox import IncidentRef
from sandbox.channels import FakePagerDuty
from sandbox.server import Fault, Response
from tests.channels.builder import AMPLE, NOW, RENDERING, content, notice, ref, refusal_of, send_all


@pytest.mark.parametrize(
    ("key", "good"),
    [("R0123456789abcdefghijklmnopqrsTU", True), ("x" * 31, False), ("x" * 33, False), ("x" * 31 + "-", False)],
)
def test_a_routing_key_has_32_letters_and_digits(key: str, good: bool) -> None:
    """That is what PagerDuty calls an integration key."""
    assert (PAGERDUTY.settings[0].problem(key, False) == "") == good


def test_accounts_in_the_eu_have_their_own_url() -> None:
    """Others need none."""
    url = PAGERDUTY.settings[1]
    assert url.default == "https://events.pagerduty.com/v2/enqueue"
    assert url.problem("https://events.eu.pagerduty.com/v2/enqueue", False) == ""
    assert url.problem("http://events.pagerduty.com/v2/enqueue", False)


def test_an_incident_is_one_alert_from_its_opening_to_its_end(connection: Connection, fake: FakePagerDuty) -> None:
    """A failure, its reminder and its recovery: one alert, which is resolved."""
    incident = ref(hours_ago=5)
    story = [
        notice(0, opens=(incident,), phase="opened"),
        notice(1, opens=(incident,), phase="reminder"),
        notice(2, "recovered", "info", ends=(incident,), phase="ended"),
    ]
    send_all(connection, story[:2])
    assert len(fake.open_alerts) == 1
    send_all(connection, story[2:])
    assert (len(fake.alerts), fake.open_alerts) == (1, [])
    assert [event["event_action"] for event in fake.alerts[0]] == ["trigger", "trigger", "resolve"]
    assert fake.alerts[0][0]["dedup_key"] == "acme-failing-20260302T050000Z"
    send_all(connection, story[:1])
    assert (len(fake.alerts), len(fake.open_alerts)) == (2, 1), "what comes after the end would alert once more"


def test_several_incidents_in_one_notice_are_several_events_and_are_accepted_together(
    connection: Connection, fake: FakePagerDuty
) -> None:
    """What fails between them leaves the notice pending; the next try brings all."""
    listed = content("3 problems", lines=("Overdue.", "Failing.", "No schedule."))
    opens = (ref("overdue", line="Overdue."), ref("failing", line="Failing."))
    baseline = notice(kind="baseline", row=None, content=listed, opens=opens)
    (request,) = connection.render([baseline], RENDERING)
    fake.script("webhook", Fault(), Fault(Response(500)))
    raised = refusal_of(connection, request)
    assert (raised.refused, raised.permanent) == (False, False)
    connection.send(request, AMPLE)
    said = [alert[0]["payload"] for alert in fake.open_alerts]
    assert [payload["summary"] for payload in said] == ["Acme Ltd: Overdue.", "Acme Ltd: Failing."]
    assert {payload["custom_details"]["Open problems"] for payload in said} == {"Overdue. Failing. No schedule."}
    send_all(connection, [notice(1, "recovered", "info", ends=baseline.opens)])
    assert fake.open_alerts == []


def test_an_event_that_is_refused_does_not_keep_the_others(connection: Connection, fake: FakePagerDuty) -> None:
    """The notice is refused, but an alert that is open is resolved."""
    send_all(connection, [notice(0, opens=(ref("stuck"),))])
    (request,) = connection.render([notice(1, ends=(ref("overdue"), ref("stuck")))], RENDERING)
    fake.break_with("invalid_event", times=1)
    assert refusal_of(connection, request).refused
    assert fake.open_alerts == []


def test_a_test_message_opens_an_alert_and_resolves_it_at_once(connection: Connection, fake: FakePagerDuty) -> None:
    """Of its own, with the lowest severity."""
    send_all(connection, [notice(kind="test", severity="info", row=None)])
    assert (len(fake.alerts), fake.open_alerts) == (1, [])
    assert fake.alerts[0][0]["payload"]["severity"] == "info"


def test_what_lists_its_own_breakdown_does_not_open_an_alert_of_it(connection: Connection, fake: FakePagerDuty) -> None:
    """When it is taken, PagerDuty works, and nothing would ever resolve it here."""
    send_all(connection, [notice(kind="digest", row=None, opens=(ref("channel:pagerduty"), ref("channel:slack")))])
    assert [alert[0]["dedup_key"] for alert in fake.open_alerts] == ["acme-channel:slack-20260302T100000Z"]


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_an_event_is_as_severe_as_its_incident_and_as_old_as_its_notice(
    connection: Connection, fake: FakePagerDuty, severity: str
) -> None:
    """Whatever the notice's own severity is; events group by the organisation's key, which no renaming changes."""
    send_all(connection, [notice(opens=(ref(severity=severity),))], RENDERING._replace(now=NOW + timedelta(hours=1)))
    payload = fake.messages[0]["payload"]
    assert (payload["severity"], payload["timestamp"], payload["group"]) == (severity, NOW.isoformat(), "acme")


@pytest.mark.parametrize(("opens", "key"), [((ref("stuck"),), "acme-stuck-20260302T100000Z"), ((), "acme-0")])
def test_a_lost_message_alerts_in_place_of_what_it_lost(
    connection: Connection, fake: FakePagerDuty, opens: tuple[IncidentRef, ...], key: str
) -> None:
    """Of the incident that is still open, which its end resolves; else of its own, which a person closes."""
    send_all(connection, [notice(0, "lost", "warning", row=None, opens=opens)])
    assert [alert[0]["dedup_key"] for alert in fake.open_alerts] == [key]
    send_all(connection, [notice(1, ends=opens)] if opens else [])
    assert len(fake.open_alerts) == (0 if opens else 1)
