"""The fakes of the channels, judged by what they refuse: each limit, each failure, and nothing of a good message."""

import copy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from sandbox.channels import FAKES, Fake, FakeCliq
from sandbox.channels.slack import markup, plain
from sandbox.server import Fault
from tests.world import Clock

MISSING = object()
MESSAGES = yaml.safe_load(Path(__file__).with_name("messages.yaml").read_text())
GOOD: dict[str, dict[str, Any]] = {name: messages["good"] for name, messages in MESSAGES.items()}


@pytest.fixture(params=FAKES)
def fake(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Fake]:
    """Give each fake in turn."""
    with closing(FAKES[request.param](clock)) as server:
        yield server


def post(fake: Fake, payload: dict[str, Any], **more: Any) -> requests.Response:
    """Post a payload to the address that the settings name."""
    settings = fake.settings("acme")
    url = next(value for key, value in settings.items() if key.endswith("_url"))
    key = {"routing_key": settings[f"{fake.name}_routing_key"]} if fake.name == "pagerduty" else {}
    return requests.post(url, json={**key, **payload}, timeout=5, **more)


def changed(payload: dict[str, Any], path: str, *, value: Any = MISSING, size: int = 0) -> dict[str, Any]:
    """Return a payload in which a part has another value or so many times its first entry, or is missing."""
    part: Any = (made := copy.deepcopy(payload))
    *ways, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in ways:
        part = part[step]
    part[last] = part[last][:1] * size if size else value
    if part[last] is MISSING:
        del part[last]
    return made


def test_what_is_within_the_limits_is_accepted_and_what_is_beyond_is_refused(fake: Fake, clock: Clock) -> None:
    """Nothing of what is refused is kept."""
    messages, good = MESSAGES[fake.name], GOOD[fake.name]
    assert post(fake, good).ok
    assert [message.name for message in fake.accepted] == ["acme"]
    changes: list[tuple[str, dict[str, Any]]] = [(path, {}) for path in messages.get("needed", ())]
    changes += [(path, {"value": wrong}) for path, some in messages["wrong"].items() for wrong in some]
    for path, (within, beyond) in messages["limits"].items():
        assert post(fake, changed(good, path, size=within)).ok, path
        changes.append((path, {"size": beyond}))
    accepted = len(fake.accepted)
    for path, change in changes:
        clock.advance(minutes=1)  # Cliq counts requests
        assert post(fake, changed(good, path, **change)).status_code in {400, 413}, (path, change)
    assert post(fake, {}).status_code == 400
    address = post(fake, good).request.url or ""
    assert not requests.post(address, data=b"{}", timeout=5).ok, "it must say that it is JSON"
    assert len(fake.accepted) == accepted + 1


def test_each_failure_comes_on_demand_and_means_one_thing(fake: Fake) -> None:
    """About this attempt, this message or this channel; a repaired fake accepts again, and heartbeats always arrive."""
    named = [*fake.transient, *fake.refused, *fake.gone]
    assert len(named) == len(set(named))
    assert set(fake.errors) - set(named) <= {"method_not_allowed", "not_found"}
    for name in named:
        fake.break_with(name, times=1)
        answer = post(fake, GOOD[fake.name])
        assert (answer.status_code, answer.content) == (fake.errors[name].status, fake.errors[name].body)
    fake.break_with(fake.gone[0])
    assert [post(fake, GOOD[fake.name]).ok for _ in range(2)] == [False, False]
    assert requests.get(fake.heartbeat_url("acme"), timeout=5).ok
    fake.repair()
    fake.break_with(Fault(drops=True, acts=True), times=1)
    with pytest.raises(requests.ConnectionError):
        post(fake, GOOD[fake.name])
    assert post(fake, GOOD[fake.name]).ok
    assert len(fake.accepted) == 2, "one of them was accepted, but nobody was told"


def test_an_address_that_is_revoked_or_wrong_is_refused(fake: Fake) -> None:
    """Slack alone accepts at any address of the right form."""
    url = next(value for key, value in fake.settings("acme").items() if key.endswith("_url"))
    assert not requests.get(url, timeout=5).ok
    assert not requests.post(f"{fake.url}/elsewhere", json=GOOD[fake.name], timeout=5).ok
    sent = {**GOOD[fake.name], **{key[10:]: value for key, value in fake.settings("acme").items() if "_key" in key}}
    fake.addresses.clear()
    assert requests.post(url, json=sent, timeout=5).ok == (fake.name == "slack")


def test_cliq_locks_who_asks_21_times_a_minute_for_ten_minutes(clock: Clock) -> None:
    """Another user is served meanwhile."""
    with closing(FakeCliq(clock)) as cliq:
        asked = [post(cliq, GOOD["cliq"]).status_code for _ in range(21)]
        assert asked == [204] * 20 + [400]
        assert requests.post(cliq.webhook_url("another"), json=GOOD["cliq"], timeout=5).ok
        clock.advance(minutes=10, seconds=-1)
        assert not post(cliq, GOOD["cliq"]).ok
        clock.advance(seconds=1)
        assert post(cliq, GOOD["cliq"]).ok


@pytest.mark.parametrize(
    ("text", "html", "words"),
    [
        ("*To do:* `make`", "<b>To do:</b> <code>make</code>", "To do: make"),
        ("<https://x.org|Open>", '<a href="https://x.org">Open</a>', "Open (https://x.org)"),
        ("<b onclick=x>", "&lt;b onclick=x&gt;", "<b onclick=x>"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;", "<!channel> <@U1>"),
        ("<javascript:x|a>", "&lt;javascript:x|a&gt;", "<javascript:x|a>"),
        ('<https://x.org/"o="|<b>', '<a href="https://x.org/&quot;o=&quot;">&lt;b</a>', 'https://x.org/"o="'),
        ("<!date^1656000000^{date_short_pretty} {time}|then>", "Jun 23, 2022 16:00", "Jun 23, 2022 16:00"),
    ],
)  # fmt: skip
def test_only_slacks_own_marks_become_html(clock: Clock, text: str, html: str, words: str) -> None:
    """Whatever else looks like markup is shown as text, and a mention is shown as one."""
    assert markup(text, clock.now.tzinfo) == html
    assert words in plain(text, clock.now.tzinfo)
