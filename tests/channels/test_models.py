"""The models of Slack and Microsoft, and PagerDuty's own client, take every sample of a message."""

from contextlib import closing
from typing import Any

import pytest
from pagerduty import EventsApiV2Client

from handler.transport import tls_context
from sandbox.channels import FAKES, Accepted, Fake, FakePagerDuty
from sandbox.readers import Readers
from sandbox.samples import samples
from tests.sandbox.test_fakes import GOOD, MESSAGES, changed, post
from tests.wire import Authority


def sent(name: str) -> list[dict[str, Any]]:
    """Return all that a channel sends for the samples."""
    with closing(Readers()) as readers:
        arrived = [message for sample in samples() for message in readers.read(name, sample.notices, sample.reader)]
    return [message.payload for message in arrived if isinstance(message, Accepted)]


@pytest.mark.parametrize(("name", "part"), [("slack", "blocks"), ("teams", "attachments")])
def test_the_fakes_ask_the_services_own_models(monkeypatch: pytest.MonkeyPatch, name: str, part: str) -> None:
    """These take every sample: what Slack refuses comes as plain text. `make run` has no models, and takes more."""
    assert [payload for payload in sent(name) if part not in payload] == []
    beyond = {path: changed(GOOD[name], path, **change) for path, change in MESSAGES[name]["models"].items()}
    with closing(FAKES[name]()) as fake:
        assert [path for path, payload in beyond.items() if post(fake, payload).ok] == []
        monkeypatch.setattr(FAKES[name], "judge", staticmethod(Fake.judge))
        assert [path for path, payload in beyond.items() if not post(fake, payload).ok] == []


def test_pagerdutys_own_client_sends_what_we_send(authority: Authority) -> None:
    """For the same values, but for the name of the client and what describes an end, which it does not know."""
    known = []
    with (
        closing(FakePagerDuty(certificate=authority.certify("127.0.0.1"))) as fake,
        EventsApiV2Client(fake.routing_key(), base_url=fake.url, verify=tls_context(authority.bundle)) as client,
    ):
        for event in sent("pagerduty"):
            del event["client"]
            if event["event_action"] == "resolve":
                client.resolve(event["dedup_key"])
                event = {name: event[name] for name in ("routing_key", "event_action", "dedup_key")}
            else:
                key, said, links = event["dedup_key"], event["payload"], event.get("links")
                client.trigger(said["summary"], said["source"], key, payload=said, links=links)
            known.append(event)
        assert [*fake.messages] == known
    assert {event["event_action"] for event in known} == {"trigger", "resolve"}
