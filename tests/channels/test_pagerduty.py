"""PagerDuty: an alert an incident, opened and resolved by its key; repeats change nothing."""

from datetime import timedelta
from typing import Any

import pytest
import requests

from handler.channels.pagerduty import KEY_LIMIT, SUMMARY_LIMIT, PagerDuty
from handler.decision import Receiver
from handler.outbox import IncidentRef, Notice
from sandbox.channels import FakePagerDuty
from sandbox.server import Fault, Response
from sandbox.watch import EVERYTHING, Watch
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    NOW,
    RECIPIENT,
    channel_to,
    content,
    notice,
    ref,
    refusal_of,
    row,
    send_all,
)

RECEIVER = Receiver("pagerduty", "PagerDuty", "", PagerDuty.min_severity, PagerDuty.incidents_only)


@pytest.fixture
def channel(pagerduty: FakePagerDuty, session: requests.Session) -> PagerDuty:
    """Give the channel that sends to the fake."""
    made = channel_to(pagerduty, session)
    assert isinstance(made, PagerDuty)
    return made


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


def test_an_incident_is_one_alert_from_its_opening_to_its_end(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """A failure, its reminder and its recovery: one alert, which is resolved."""
    incident = ref(hours_ago=5)
    story = [
        notice(0, opens=(incident,), phase="opened"),
        notice(1, opens=(incident,), phase="reminder"),
        notice(2, "recovered", "info", ends=(incident,), phase="ended"),
    ]
    send_all(channel, story[:2])
    assert len(pagerduty.open_alerts) == 1
    send_all(channel, story[2:])
    assert (len(pagerduty.alerts), pagerduty.open_alerts) == (1, [])
    assert [event["event_action"] for event in pagerduty.alerts[0].events] == ["trigger", "trigger", "resolve"]
    assert pagerduty.alerts[0].key == "acme-failing-20260302T050000Z"


def test_whatever_is_repeated_changes_nothing(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """An answer that was lost costs nobody a second page."""
    (request,) = channel.render([notice(opens=(ref(),))], RECIPIENT)
    pagerduty.break_with(Fault(acts=True, drops=True), times=1)
    refusal_of(channel, request)
    channel.send(request, AMPLE)
    assert len(pagerduty.alerts) == 1
    (request,) = channel.render([notice(ends=(ref(),))], RECIPIENT)
    for _ in range(2):
        channel.send(request, AMPLE)
    assert (len(pagerduty.alerts), pagerduty.open_alerts) == (1, [])


def test_a_reopened_incident_is_another_alert(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """Its beginning is in the key, and so is its organisation."""
    send_all(channel, [notice(0, opens=(ref(hours_ago=5),)), notice(1, opens=(ref(hours_ago=1),))])
    send_all(channel, [notice(0, opens=(ref(hours_ago=5),))], RECIPIENT._replace(org="borealis"))
    assert len({alert.key for alert in pagerduty.open_alerts}) == 3


def test_several_incidents_in_one_notice_are_several_events_and_are_accepted_together(
    channel: PagerDuty, pagerduty: FakePagerDuty
) -> None:
    """What fails between them leaves the notice pending; the next try brings all."""
    baseline = notice(kind="baseline", row=None, opens=(ref("overdue"), ref("stuck"), ref("failing")))
    baseline = baseline._replace(
        content=content("3 problems", lines=("Overdue.", "Stuck.", "Failing.", "No schedule."))
    )
    (request,) = channel.render([baseline], RECIPIENT)
    pagerduty.script("webhook", Fault(), Fault(Response(500)))
    raised = refusal_of(channel, request)
    assert (set(raised.accepted), set(raised.refused), raised.gone) == (set(), set(), False)
    channel.send(request, AMPLE)
    assert [alert.events[0]["payload"]["summary"] for alert in pagerduty.open_alerts] == [
        "Acme Ltd: Overdue.",
        "Acme Ltd: Stuck.",
        "Acme Ltd: Failing.",
    ]
    ended = notice(1, "recovered", "info", ends=baseline.opens)
    send_all(channel, [ended])
    assert pagerduty.open_alerts == []


def test_an_event_that_is_refused_does_not_keep_the_others(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """The notice is refused, but an alert that is open is resolved."""
    send_all(channel, [notice(0, opens=(ref("stuck"),))])
    (request,) = channel.render([notice(1, ends=(ref("overdue"), ref("stuck")))], RECIPIENT)
    pagerduty.break_with("invalid_event", times=1)
    assert refusal_of(channel, request).refused == {"acme-1"}
    assert pagerduty.open_alerts == []


@pytest.mark.parametrize("error", ["invalid_routing_key", "wrong_length", "not_alphanumeric"])
def test_a_routing_key_that_is_not_taken_is_the_channels_fault(
    channel: PagerDuty, pagerduty: FakePagerDuty, error: str
) -> None:
    """Although it is HTTP 400, like an invalid event."""
    pagerduty.break_with(error)
    raised = refusal_of(channel, channel.render([notice(opens=(ref(),))], RECIPIENT)[0])
    assert (raised.gone, set(raised.refused)) == (True, set())


def test_a_disabled_integration_takes_what_waited_once_it_is_enabled(
    channel: PagerDuty, pagerduty: FakePagerDuty
) -> None:
    """With the same key."""
    addresses = dict(pagerduty.addresses)
    pagerduty.addresses.clear()
    (request,) = channel.render([notice(opens=(ref(),))], RECIPIENT)
    assert refusal_of(channel, request).gone
    pagerduty.addresses.update(addresses)
    channel.send(request, AMPLE)
    assert len(pagerduty.open_alerts) == 1


def test_an_unknown_state_opens_an_alert_of_its_row(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """A person closes it; a repeat is no second one, another row is."""
    unknown = notice(0, "unknown", row=row(0, state="PARTIAL"))
    assert RECEIVER.wants(unknown)
    for _ in range(2):
        send_all(channel, [unknown])
    send_all(channel, [notice(1, "unknown", row=row(1, state="PARTIAL"))])
    assert len(pagerduty.open_alerts) == 2


def test_a_test_message_opens_an_alert_and_resolves_it_at_once(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """Of its own, with the lowest severity."""
    send_all(channel, [notice(kind="test", severity="info", row=None)])
    assert (len(pagerduty.alerts), pagerduty.open_alerts) == (1, [])
    assert pagerduty.alerts[0].events[0]["payload"]["severity"] == "info"


def test_what_lists_its_own_breakdown_does_not_open_an_alert_of_it(
    channel: PagerDuty, pagerduty: FakePagerDuty
) -> None:
    """When it is taken, PagerDuty works, and nothing would ever resolve it here."""
    send_all(channel, [notice(kind="digest", row=None, opens=(ref("channel:pagerduty"), ref("channel:slack")))])
    assert [alert.key for alert in pagerduty.open_alerts] == ["acme-channel:slack-20260302T100000Z"]


def test_what_lists_one_problem_calls_the_alert_after_it(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """Nobody can act on "1 problem needs attention"."""
    stuck = content("1 problem needs attention", lines=("A backup is stuck.",))
    send_all(channel, [notice(kind="baseline", row=None, content=stuck, opens=(ref("stuck"),))])
    payload = pagerduty.messages[0]["payload"]
    assert payload["summary"] == "Acme Ltd: A backup is stuck."
    assert payload["custom_details"]["Open problems"] == "A backup is stuck."


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_an_event_says_what_who_is_on_call_needs(channel: PagerDuty, pagerduty: FakePagerDuty, severity: str) -> None:
    """Severity of the incident, when, the organisation, the facts with the row's id, and a link."""
    send_all(channel, [notice(7, opens=(ref(severity=severity),))])
    (event,) = pagerduty.messages
    assert event["links"] == [{"href": RECIPIENT.crm_url, "text": "Open Zoho CRM"}]
    payload = event["payload"]
    assert (payload["summary"], payload["severity"]) == ("Acme Ltd: Backup failed", severity)
    assert (payload["timestamp"], payload["group"], payload["class"]) == (NOW.isoformat(), "acme", "failing")
    details = payload["custom_details"]
    assert details["Job ID"] == notice(7).row.id  # type: ignore[union-attr]
    assert details["Failed"] == "02 Mar 2026 10:00 UTC"
    assert details["What to do"] == "Start a backup manually."
    assert details["Reference"] == "acme-7"


def test_the_rows_id_is_shown_whatever_the_facts_are(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """A row without one has none to show."""
    for about in (row(3), row(4, id=None)):
        made = notice(row=None, opens=(ref(),))._replace(row=about)
        send_all(channel, [made])
    shown = [event["payload"]["custom_details"].get("Job ID") for event in pagerduty.messages]
    assert shown == [row(3).id, None]


def test_a_notice_about_a_channel_has_no_link_to_zoho(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """It would not help."""
    send_all(channel, [notice(row=None, content=content(about_crm=False), opens=(ref("channel:slack"),))])
    assert "links" not in pagerduty.messages[0]


@pytest.mark.parametrize("length", [SUMMARY_LIMIT, SUMMARY_LIMIT + 1])
def test_a_summary_ends_at_its_limit(channel: PagerDuty, pagerduty: FakePagerDuty, length: int) -> None:
    """With an ellipsis."""
    title = "t" * (length - len("Acme Ltd: "))
    send_all(channel, [notice(content=content(title), opens=(ref(),))])
    summary = pagerduty.messages[0]["payload"]["summary"]
    assert len(summary) == SUMMARY_LIMIT
    assert summary.endswith("…") == (length > SUMMARY_LIMIT)


@pytest.mark.parametrize("more", [0, 1])
def test_a_key_ends_at_its_limit_and_stays_the_same(channel: PagerDuty, pagerduty: FakePagerDuty, more: int) -> None:
    """A longer one becomes a digest, at the opening and at the end."""
    name = "n" * (KEY_LIMIT - len("acme--20260302T100000Z") + more)
    incident = IncidentRef(name, NOW)
    send_all(channel, [notice(0, opens=(incident,)), notice(1, ends=(incident,))])
    (alert,) = pagerduty.alerts
    assert len(alert.key) == (64 if more else KEY_LIMIT)
    assert not alert.is_open


def test_hostile_text_stays_text(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """PagerDuty shows it as it is; it stands in no key and no link."""
    send_all(channel, [notice(content=content(HOSTILE, HOSTILE), opens=(ref(),))])
    (event,) = pagerduty.messages
    assert HOSTILE in event["payload"]["summary"]
    assert HOSTILE not in event["dedup_key"] + str(event["links"])


# --- what the rules decide for it -------------------------------------------------------------------------------------


def decided(watch: Watch) -> list[Notice]:
    """Return what is pending for PagerDuty at the next check."""
    return [each for each in watch.check() if "pagerduty" in each.pending_for]


def watch(*rows: Any, **more: Any) -> Watch:
    """Return a history that PagerDuty hears of, after its first check."""
    made = Watch(rows, receivers=(RECEIVER,), notify_on=EVERYTHING, **more)
    made.check()
    return made


def test_alternating_outcomes_at_once_leave_no_alert_open(channel: PagerDuty, pagerduty: FakePagerDuty) -> None:
    """150 rows that end well open none that stays; one more failure opens one."""
    history = watch()
    for number in range(150):
        history.log(at=history.now + timedelta(minutes=number), state="failure" if number % 2 == 0 else "completed")
    history.now += timedelta(hours=3)
    send_all(channel, decided(history))
    assert pagerduty.open_alerts == []
    history.log(at=history.now, state="failure")
    history.now += timedelta(minutes=1)
    send_all(channel, decided(history))
    assert len(pagerduty.open_alerts) == 1


def test_a_failed_row_that_appears_after_a_later_good_one_opens_none(
    channel: PagerDuty, pagerduty: FakePagerDuty
) -> None:
    """The data is backed up."""
    history = watch()
    history.log(at=history.now, state="completed")
    decided(history)
    history.log(at=history.now - timedelta(hours=1), state="failure")
    history.now += timedelta(hours=1)
    send_all(channel, decided(history))
    assert pagerduty.alerts == []


def test_a_baseline_opens_what_is_wrong_by_name_and_its_ends_resolve_it(
    channel: PagerDuty, pagerduty: FakePagerDuty
) -> None:
    """Each incident has the sentence that the baseline lists for it."""
    history = Watch(receivers=(RECEIVER,), notify_on=EVERYTHING)
    history.log(at=history.now - timedelta(days=60), state="completed")
    history.log(at=history.now - timedelta(days=59), state="failure")
    history.log(at=history.now - timedelta(days=2), action="initiated")
    (baseline,) = decided(history)
    send_all(channel, [baseline])
    said = {alert.key.split("-")[1]: alert.events[0]["payload"]["summary"] for alert in pagerduty.open_alerts}
    assert said.keys() == {each.name for each in baseline.opens}
    assert "failed" in said["failing"]
    assert "hasn't finished" in said["stuck"]
    history.log(at=history.now + timedelta(hours=1), state="completed")
    history.now += timedelta(hours=2)
    send_all(channel, decided(history), RECIPIENT._replace(now=history.now))
    assert pagerduty.open_alerts == []
