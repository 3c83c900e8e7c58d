"""The fake PagerDuty against what PagerDuty documents, and what people met."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from sandbox.channels import FakePagerDuty


@pytest.fixture
def pagerduty() -> Iterator[FakePagerDuty]:
    """Give a PagerDuty of the test's own."""
    with closing(FakePagerDuty()) as server:
        yield server


PAYLOAD = {"summary": "Backup failed", "source": "Zoho CRM", "severity": "critical"}


def event(pagerduty: FakePagerDuty, action: str = "trigger", name: str = "acme", **more: object) -> dict[str, Any]:
    """Return an event."""
    made = {"routing_key": pagerduty.routing_key(name), "event_action": action, "dedup_key": "acme/failing", **more}
    return {**made, "payload": PAYLOAD} if action == "trigger" and "payload" not in more else made


def post(pagerduty: FakePagerDuty, payload: object) -> tuple[int, Any]:
    """Post an event and return the status and what is wrong or, of an accepted one, its key."""
    answer = requests.post(pagerduty.settings()["pagerduty_url"], json=payload, timeout=5)
    said = answer.json()
    return answer.status_code, said["dedup_key"] if answer.status_code == 202 else said.get("errors")


def test_an_incident_from_its_opening_to_its_end(pagerduty: FakePagerDuty) -> None:
    """One alert however often it is triggered; resolved, it is open no more, and a repeat of that changes nothing."""
    for action in ("resolve", "trigger", "trigger", "acknowledge"):
        assert post(pagerduty, event(pagerduty, action)) == (202, "acme/failing")
    (alert,) = pagerduty.open_alerts
    assert (alert.name, alert.key) == ("acme", "acme/failing")
    assert [sent["event_action"] for sent in alert.events] == ["trigger", "trigger", "acknowledge"]
    for _ in range(2):
        assert post(pagerduty, event(pagerduty, "resolve"))[0] == 202
    assert pagerduty.open_alerts == []
    assert pagerduty.alerts == [alert]
    assert len(pagerduty.accepted) == 6


def test_alerts_are_kept_apart(pagerduty: FakePagerDuty) -> None:
    """By key and by integration; a key that was resolved opens another one; no key is a new one each time."""
    post(pagerduty, event(pagerduty))
    post(pagerduty, event(pagerduty, name="another"))
    post(pagerduty, event(pagerduty, dedup_key="acme/stuck"))
    post(pagerduty, event(pagerduty, "resolve"))
    assert [(a.name, a.key) for a in pagerduty.open_alerts] == [("another", "acme/failing"), ("acme", "acme/stuck")]
    post(pagerduty, event(pagerduty))
    assert [a.is_open for a in pagerduty.alerts] == [False, True, True, True]
    unkeyed = {key: value for key, value in event(pagerduty).items() if key != "dedup_key"}
    assert len({post(pagerduty, unkeyed) for _ in range(2)}) == 2


GOOD: dict[str, dict[str, Any]] = {
    "longest": {"dedup_key": "x" * 255, "payload": {**PAYLOAD, "summary": "x" * 1_024}},
    **{
        severity: {"payload": {**PAYLOAD, "severity": severity}}
        for severity in ("critical", "error", "warning", "info")
    },
    "everything": {
        "payload": {
            **PAYLOAD,
            "timestamp": "2026-03-02T10:00:00+00:00",
            "component": "backup",
            "group": "acme",
            "class": "failed",
            "custom_details": {"Job id": "1"},
        },
        "links": [{"href": "https://crm.zoho.com", "text": "Open Zoho CRM"}],
        "client": "Zoho CRM backup notifier",
        "client_url": "https://crm.zoho.com",
    },
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "key too long": ({"dedup_key": "x" * 256}, "Length of 'dedup_key' is incorrect (should be at most 255 characters)"),
    "summary too long": (
        {"payload": {**PAYLOAD, "summary": "x" * 1_025}},
        "'payload.summary' is too long (maximum is 1024 characters)",
    ),
    "no summary": ({"payload": {**PAYLOAD, "summary": ""}}, "'payload.summary' is missing or blank"),
    "no source": ({"payload": {**PAYLOAD, "source": None}}, "'payload.source' is missing or blank"),
    "wrong severity": (
        {"payload": {**PAYLOAD, "severity": "CRITICAL"}},
        "'payload.severity' is invalid (must be one of the following: critical, warning, error, info)",
    ),
    "wrong time": ({"payload": {**PAYLOAD, "timestamp": "today"}}, "'payload.timestamp' is not a valid timestamp"),
    "time without a zone": (
        {"payload": {**PAYLOAD, "timestamp": "2026-03-02T10:00"}},
        "'payload.timestamp' is not a valid timestamp",
    ),
    "no payload": ({"payload": None}, "'payload' is missing or blank"),
    "misspelt key": ({"dedupkey": "x"}, "'dedupkey' is unknown"),
    "misspelt key of the payload": ({"payload": {**PAYLOAD, "details": {}}}, "'payload.details' is unknown"),
    "wrong link": ({"links": [{"href": "crm"}]}, "'links' is invalid"),
    "wrong action": (
        {"event_action": "open"},
        "'event_action' is invalid (must be one of the following: trigger, acknowledge, resolve)",
    ),
    "end of nothing": ({"event_action": "resolve", "dedup_key": ""}, "'dedup_key' is missing or blank"),
    "no routing key": ({"routing_key": None}, "'routing_key' is missing or blank"),
    "short routing key": ({"routing_key": "x" * 31}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
    "strange routing key": ({"routing_key": "x-" * 16}, "'routing_key' cannot contain non-alphanumeric characters."),
    "unknown routing key": ({"routing_key": "x" * 32}, "Invalid routing key"),
}


@pytest.mark.parametrize("case", GOOD)
def test_an_event_within_the_limits_is_accepted(pagerduty: FakePagerDuty, case: str) -> None:
    """With 202; what was posted is there to be read."""
    sent = event(pagerduty, **GOOD[case])
    assert post(pagerduty, sent)[0] == 202
    assert [(message.name, message.payload) for message in pagerduty.accepted] == [("acme", sent)]


@pytest.mark.parametrize("case", BAD)
def test_an_event_beyond_the_limits_is_refused(pagerduty: FakePagerDuty, case: str) -> None:
    """The error says what is wrong; nothing is kept and nothing opened."""
    change, error = BAD[case]
    assert post(pagerduty, event(pagerduty, **change)) == (400, [error])
    assert (pagerduty.accepted, pagerduty.alerts) == ([], [])


def test_an_integration_can_be_disabled(pagerduty: FakePagerDuty) -> None:
    """Its key is then as invalid as one that never was."""
    sent = event(pagerduty)
    pagerduty.integrations.clear()
    assert post(pagerduty, sent) == (400, ["Invalid routing key"])


def test_an_event_holds_512_kilobytes(pagerduty: FakePagerDuty) -> None:
    """In whatever it says in detail."""
    sent = event(pagerduty, payload={**PAYLOAD, "custom_details": ""})
    room = 512 * 1024 - len(json.dumps(sent))
    for size, status in ((room, 202), (room + 1, 413)):
        assert post(pagerduty, {**sent, "payload": {**PAYLOAD, "custom_details": "x" * size}})[0] == status


@pytest.mark.parametrize("name", ["acme", "a-very_long-name-" * 4, "ACME_1"])
def test_a_routing_key_has_32_letters_and_digits(pagerduty: FakePagerDuty, name: str) -> None:
    """The same each time, and another one for another name."""
    key = pagerduty.routing_key(name)
    assert key.isalnum()
    assert len(key) == 32
    assert key == pagerduty.routing_key(name) != pagerduty.routing_key(f"{name[0]}-{name[1:]}")


def test_what_is_read(pagerduty: FakePagerDuty) -> None:
    """Of an opening what the on-call person needs, of an end what has ended."""
    post(pagerduty, event(pagerduty, **GOOD["everything"]))
    post(pagerduty, event(pagerduty, "resolve"))
    assert [message.text.splitlines() for message in pagerduty.accepted] == [
        [
            "CRITICAL: Backup failed",
            "Source: Zoho CRM",
            "Job id: 1",
            "[Open Zoho CRM] https://crm.zoho.com",
            "Alert: acme/failing",
        ],
        ["Resolve: acme/failing"],
    ]


def test_another_path_is_not_there(pagerduty: FakePagerDuty) -> None:
    """Events are posted to one address only."""
    assert requests.post(f"{pagerduty.url}/v1/enqueue", json=event(pagerduty), timeout=5).status_code == 404
    assert requests.get(f"{pagerduty.url}/v2/enqueue", timeout=5).status_code == 404
