"""PagerDuty: an alert an incident, opened and resolved by its key; repeats change nothing."""

from datetime import timedelta

import pytest

from handler.channels.pagerduty import KEY_LIMIT, SUMMARY_LIMIT, PagerDuty
from handler.decision import Receiver
from handler.outbox import IncidentRef
from sandbox.channels import FakePagerDuty
from sandbox.server import Fault, Response
from sandbox.watch import EVERYTHING, Watch
from tests.channels.builder import AMPLE, HOSTILE, NOW, RECIPIENT, content, notice, one, ref, refusal_of, row, send_all


@pytest.mark.parametrize(
    ("key", "good"),
    [("R0123456789abcdefghijklmnopqrsTU", True), ("x" * 31, False), ("x" * 33, False), ("x" * 31 + "-", False)],
)
def test_a_routing_key_has_32_letters_and_digits(key: str, good: bool) -> None:
    """That is what PagerDuty calls an integration key."""
    assert (PagerDuty.settings[0].complaint(key, False) == "") == good


def test_accounts_in_the_eu_have_their_own_url() -> None:
    """Others need none."""
    url = PagerDuty.settings[1]
    assert url.default == "https://events.pagerduty.com/v2/enqueue"
    assert url.complaint("https://events.eu.pagerduty.com/v2/enqueue", False) == ""
    assert url.complaint("http://events.pagerduty.com/v2/enqueue", False)


def test_an_incident_is_one_alert_from_its_opening_to_its_end(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """A failure, its reminder and its recovery: one alert, which is resolved."""
    incident = ref(hours_ago=5)
    story = [
        notice(0, opens=(incident,), phase="opened"),
        notice(1, opens=(incident,), phase="reminder"),
        notice(2, "recovered", "info", ends=(incident,), phase="ended"),
    ]
    send_all(channel, story[:2])
    assert len(fake.open_alerts) == 1
    send_all(channel, story[2:])
    assert (len(fake.alerts), fake.open_alerts) == (1, [])
    assert [event["event_action"] for event in fake.alerts[0].events] == ["trigger", "trigger", "resolve"]
    assert fake.alerts[0].key == "acme-failing-20260302T050000Z"


def test_whatever_is_repeated_changes_nothing(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """An answer that was lost costs nobody a second page."""
    fake.break_with(Fault(acts=True, drops=True), times=1)
    refusal_of(channel, one(channel, opens=(ref(),)))
    for request in (one(channel, opens=(ref(),)), *[one(channel, ends=(ref(),))] * 2):
        channel.send(request, AMPLE)
    assert (len(fake.alerts), fake.open_alerts) == (1, [])


def test_a_reopened_incident_is_another_alert(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """Its beginning is in the key, and so is its organisation."""
    send_all(channel, [notice(0, opens=(ref(hours_ago=5),)), notice(1, opens=(ref(hours_ago=1),))])
    send_all(channel, [notice(0, opens=(ref(hours_ago=5),))], RECIPIENT._replace(org="borealis"))
    assert len({alert.key for alert in fake.open_alerts}) == 3


def test_several_incidents_in_one_notice_are_several_events_and_are_accepted_together(
    channel: PagerDuty, fake: FakePagerDuty
) -> None:
    """What fails between them leaves the notice pending; the next try brings all."""
    listed = content("3 problems", lines=("Overdue.", "Failing.", "No schedule."))
    baseline = notice(kind="baseline", row=None, content=listed, opens=(ref("overdue"), ref("failing")))
    (request,) = channel.render([baseline], RECIPIENT)
    fake.script("webhook", Fault(), Fault(Response(500)))
    raised = refusal_of(channel, request)
    assert (set(raised.accepted), set(raised.refused), raised.gone) == (set(), set(), False)
    channel.send(request, AMPLE)
    summaries = [alert.events[0]["payload"]["summary"] for alert in fake.open_alerts]
    assert summaries == ["Acme Ltd: Overdue.", "Acme Ltd: Failing."]
    send_all(channel, [notice(1, "recovered", "info", ends=baseline.opens)])
    assert fake.open_alerts == []


def test_an_event_that_is_refused_does_not_keep_the_others(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """The notice is refused, but an alert that is open is resolved."""
    send_all(channel, [notice(0, opens=(ref("stuck"),))])
    (request,) = channel.render([notice(1, ends=(ref("overdue"), ref("stuck")))], RECIPIENT)
    fake.break_with("invalid_event", times=1)
    assert refusal_of(channel, request).refused == {"acme-1"}
    assert fake.open_alerts == []


def test_an_unknown_state_opens_an_alert_of_its_row(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """A person closes it; a repeat is no second one, another row is."""
    unknown = notice(0, "unknown", row=row(0, state="PARTIAL"))
    for _ in range(2):
        send_all(channel, [unknown])
    send_all(channel, [notice(1, "unknown", row=row(1, state="PARTIAL"))])
    assert len(fake.open_alerts) == 2


def test_a_test_message_opens_an_alert_and_resolves_it_at_once(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """Of its own, with the lowest severity."""
    send_all(channel, [notice(kind="test", severity="info", row=None)])
    assert (len(fake.alerts), fake.open_alerts) == (1, [])
    assert fake.alerts[0].events[0]["payload"]["severity"] == "info"


def test_what_lists_its_own_breakdown_does_not_open_an_alert_of_it(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """When it is taken, PagerDuty works, and nothing would ever resolve it here."""
    send_all(channel, [notice(kind="digest", row=None, opens=(ref("channel:pagerduty"), ref("channel:slack")))])
    assert [alert.key for alert in fake.open_alerts] == ["acme-channel:slack-20260302T100000Z"]


def test_what_lists_one_problem_calls_the_alert_after_it(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """Nobody can act on "1 problem needs attention"."""
    stuck = content("1 problem needs attention", lines=("A backup is stuck.",))
    send_all(channel, [notice(kind="baseline", row=None, content=stuck, opens=(ref("stuck"),))])
    payload = fake.messages[0]["payload"]
    assert payload["summary"] == "Acme Ltd: A backup is stuck."
    assert payload["custom_details"]["Open problems"] == "A backup is stuck."


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_an_event_says_what_who_is_on_call_needs(channel: PagerDuty, fake: FakePagerDuty, severity: str) -> None:
    """Severity of the incident, when, the organisation, the facts with the row's id, and a link."""
    send_all(channel, [notice(7, opens=(ref(severity=severity),))])
    (event,) = fake.messages
    assert event["links"] == [{"href": RECIPIENT.crm_url, "text": "Open Zoho CRM"}]
    payload = event["payload"]
    assert (payload["summary"], payload["severity"]) == ("Acme Ltd: Backup failed", severity)
    assert (payload["timestamp"], payload["group"], payload["class"]) == (NOW.isoformat(), "acme", "failing")
    details = payload["custom_details"]
    assert details["Job ID"] == notice(7).row.id  # type: ignore[union-attr]
    assert details["Failed"] == "02 Mar 2026 10:00 UTC"
    assert details["What to do"] == "Start a backup manually."
    assert details["Reference"] == "acme-7"


def test_the_rows_id_is_shown_whatever_the_facts_are(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """A row without one has none to show."""
    for about in (row(3), row(4, id=None)):
        made = notice(row=None, opens=(ref(),))._replace(row=about)
        send_all(channel, [made])
    shown = [event["payload"]["custom_details"].get("Job ID") for event in fake.messages]
    assert shown == [row(3).id, None]


def test_a_notice_about_a_channel_has_no_link_to_zoho(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """It would not help."""
    send_all(channel, [notice(row=None, content=content(about_crm=False), opens=(ref("channel:slack"),))])
    assert "links" not in fake.messages[0]


@pytest.mark.parametrize("length", [SUMMARY_LIMIT, SUMMARY_LIMIT + 1])
def test_a_summary_ends_at_its_limit(channel: PagerDuty, fake: FakePagerDuty, length: int) -> None:
    """With an ellipsis."""
    title = "t" * (length - len("Acme Ltd: "))
    send_all(channel, [notice(content=content(title), opens=(ref(),))])
    summary = fake.messages[0]["payload"]["summary"]
    assert len(summary) == SUMMARY_LIMIT
    assert summary.endswith("…") == (length > SUMMARY_LIMIT)


@pytest.mark.parametrize("more", [0, 1])
def test_a_key_ends_at_its_limit_and_stays_the_same(channel: PagerDuty, fake: FakePagerDuty, more: int) -> None:
    """A longer one becomes a digest, at the opening and at the end."""
    name = "n" * (KEY_LIMIT - len("acme--20260302T100000Z") + more)
    incident = IncidentRef(name, NOW)
    send_all(channel, [notice(0, opens=(incident,)), notice(1, ends=(incident,))])
    (alert,) = fake.alerts
    assert len(alert.key) == (64 if more else KEY_LIMIT)
    assert not alert.is_open


def test_hostile_text_stays_text(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """PagerDuty shows it as it is; it stands in no key and no link."""
    send_all(channel, [notice(content=content(HOSTILE, HOSTILE), opens=(ref(),))])
    (event,) = fake.messages
    assert HOSTILE in event["payload"]["summary"]
    assert HOSTILE not in event["dedup_key"] + str(event["links"])


def test_what_the_rules_open_by_name_their_ends_resolve(channel: PagerDuty, fake: FakePagerDuty) -> None:
    """A baseline with three problems, each with its sentence; the completion that ends them."""
    receiver = Receiver("pagerduty", min_severity=PagerDuty.min_severity, incidents_only=True)
    watch = Watch(receivers=(receiver,), notify_on=EVERYTHING)
    for days, fields in ((60, {"state": "completed"}), (59, {"state": "failure"}), (2, {"action": "initiated"})):
        watch.log(at=watch.now - timedelta(days=days), **fields)
    send_all(channel, watch.check())
    said = {alert.key.split("-")[1]: alert.events[0]["payload"]["summary"] for alert in fake.open_alerts}
    assert said.keys() == watch.memory.incidents.keys() == {"failing", "stuck"}
    assert "failed" in said["failing"]
    assert "hasn't finished" in said["stuck"]
    watch.log(state="completed")
    watch.now += timedelta(hours=2)
    send_all(channel, watch.check(), RECIPIENT._replace(now=watch.now))
    assert fake.open_alerts == []
