"""What all fakes of channels share, so that a test can do to each what it does to one."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from sandbox.channels import FAKES, Fake
from sandbox.server import Fault, Response
from tests.world import Clock

GOOD: dict[str, dict[str, Any]] = {
    "slack": {"text": "Hello"},
    "cliq": {"text": "Hello"},
    "teams": {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [{"type": "TextBlock", "text": "Hello"}],
                },
            }
        ],
    },
    "pagerduty": {
        "event_action": "trigger",
        "payload": {"summary": "Hello", "source": "x", "severity": "info"},
    },
}
NAMES = ("transient", "refused", "gone")


@pytest.fixture(params=FAKES)
def fake(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Fake]:
    """Give each fake in turn."""
    with closing(FAKES[request.param](clock)) as server:
        yield server


def post(fake: Fake, name: str = "acme") -> requests.Response:
    """Post a good message to the address of a name, as the settings have it."""
    settings = fake.settings(name)
    url = next(value for key, value in settings.items() if key.endswith("_url"))
    key = settings.get("pagerduty_routing_key")
    return requests.post(url, json={**GOOD[fake.name], **({"routing_key": key} if key else {})}, timeout=5)


def test_each_is_registered_by_its_name_and_has_its_own_keys(fake: Fake) -> None:
    """The keys of its settings begin with it, and each name has an address."""
    assert FAKES[fake.name] is type(fake)
    assert fake.label
    assert fake.settings("a") != fake.settings("b")
    assert all(key.startswith(f"{fake.name}_") for key in fake.settings())


def test_what_is_accepted_is_known_by_name_payload_and_text(fake: Fake) -> None:
    """In order."""
    assert [post(fake, name).ok for name in ("acme", "borealis")] == [True, True]
    assert [message.name for message in fake.accepted] == ["acme", "borealis"]
    assert all("Hello" in message.text for message in fake.accepted)
    assert fake.messages == tuple(message.payload for message in fake.accepted)


@pytest.mark.parametrize("what", ["a name", "a response", "a fault"])
def test_it_can_be_broken_until_it_is_repaired(fake: Fake, what: str) -> None:
    """For the next messages or for all of them; nothing is accepted meanwhile."""
    name = fake.transient[0]
    faults: dict[str, str | Response | Fault] = {
        "a name": name,
        "a response": fake.errors[name],
        "a fault": Fault(fake.errors[name]),
    }
    fake.break_with(faults[what])
    assert [post(fake).status_code for _ in range(3)] == [fake.errors[name].status] * 3
    fake.break_with(Response(500), times=1)
    assert [post(fake).status_code for _ in range(2)] == [500, fake.errors[name].status]
    fake.break_with(Response(500), times=9)
    fake.repair()
    assert post(fake).ok
    assert len(fake.accepted) == 1


def test_each_error_means_one_thing_and_comes_on_demand(fake: Fake) -> None:
    """Transient, about the message or about the channel; a wrong method is nobody's business but the developer's."""
    named = [name for names in NAMES for name in getattr(fake, names)]
    assert len(named) == len(set(named))
    assert set(fake.errors) - set(named) <= {"method_not_allowed"}
    for name in named:
        fake.break_with(name, times=1)
        assert (answer := post(fake)).status_code == fake.errors[name].status
        assert answer.content == fake.errors[name].body
    assert fake.accepted == []


def test_a_reset_forgets_what_happened(fake: Fake, clock: Clock) -> None:
    """As if it had just been started, but for the addresses that are in somebody's settings."""
    url = fake.settings("acme")
    fake.break_with(Response(500), times=1)
    post(fake)
    for _ in range(25):
        post(fake)
    fake.break_with(fake.gone[0])
    fake.reset()
    assert (fake.accepted, fake.requests) == ([], [])
    assert post(fake).ok
    assert fake.settings("acme") == url


def test_heartbeats_are_kept_apart_from_messages(fake: Fake) -> None:
    """Each name has an address; a broken channel still takes them."""
    fake.break_with(Response(500))
    assert requests.get(fake.heartbeat_url("acme"), timeout=5).status_code == 200
    post(fake)
    assert [request.kind for request in fake.requests] == ["heartbeat", "webhook"]


def test_a_payload_must_say_that_it_is_json(fake: Fake) -> None:
    """Under another content type nothing is accepted."""
    url = next(value for key, value in fake.settings().items() if key.endswith("_url"))
    answer = requests.post(url, data=b"{}", headers={"Content-Type": "text/plain"}, timeout=5)
    assert 400 <= answer.status_code < 500
    assert fake.accepted == []
