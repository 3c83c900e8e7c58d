"""The fakes of the channels, judged by what they refuse: each limit, each failure, and nothing of a good message."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.channels import FAKES, Fake, FakeCliq
from sandbox.channels.slack import markup, plain
from tests.world import Clock

MISSING = object()
GOOD: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("good_messages.json").read_text())
"""A message of each channel that has everything a message can have."""
PLAIN = {"type": "plain_text", "text": "x"}
LIMITS: list[tuple[str, str, Any, Any]] = [
    ("slack", "blocks", GOOD["slack"]["blocks"][:1] * 50, GOOD["slack"]["blocks"][:1] * 51),
    ("slack", "blocks.0.text.text", "x" * 150, "x" * 151),
    ("slack", "blocks.1.text.text", "x" * 3_000, "x" * 3_001),
    ("slack", "blocks.1.fields", [PLAIN] * 10, [PLAIN] * 11),
    ("slack", "blocks.1.fields.0.text", "x" * 2_000, "x" * 2_001),
    ("slack", "blocks.2.elements", [PLAIN] * 10, [PLAIN] * 11),
    ("cliq", "text", "x" * 5_000, "x" * 5_001),
    ("cliq", "card.title", "x" * 200, "x" * 201),
    ("cliq", "buttons", GOOD["cliq"]["buttons"] * 5, GOOD["cliq"]["buttons"] * 6),
    ("cliq", "buttons.0.label", "x" * 30, "x" * 31),
    ("teams", "attachments.0.content.body.0.text", "x" * 28_000, "x" * 28 * 1024),
    ("teams", "attachments.0.content.body.0.size", "extraLarge", "huge"),
    ("pagerduty", "dedup_key", "x" * 255, "x" * 256),
    ("pagerduty", "payload.summary", "x" * 1_024, "x" * 1_025),
    ("pagerduty", "payload.custom_details", {"x": "x" * 511 * 1024}, {"x": "x" * 512 * 1024}),
]
"""Channel, what is changed, a value within the limit and one beyond it."""
WRONG: list[tuple[str, str, Any]] = [
    *(("slack", "text", wrong) for wrong in (1, None)),
    *(
        ("slack", "blocks", wrong)
        for wrong in ({"type": "header"}, ["header"], [{"text": PLAIN}], [{"type": "Header"}])
    ),
    *(("slack", "blocks.0.text", wrong) for wrong in (MISSING, "x", {"type": "mrkdwn", "text": "x"})),
    ("slack", "blocks.1.text.text", ""),
    ("slack", "blocks.1", {"type": "section"}),
    *(("slack", path, []) for path in ("blocks.1.fields", "blocks.2.elements")),
    *(("cliq", "text", wrong) for wrong in ("", 1)),
    *(("cliq", path, MISSING) for path in ("card.title", "slides.0.data", "buttons.0.action", "buttons.0.label")),
    *(("cliq", path, "x") for path in ("slide", "card.theme", "card.titel", "slides", "slides.0.type")),
    *(("cliq", "slides.0.data", wrong) for wrong in ([], [{"a": 1}], [{"a": "1", "b": "2"}], ["x"])),
    *(("cliq", path, "invoke") for path in ("buttons.0.action.type", "buttons.0.action.data.web")),
    *(("teams", path, MISSING) for path in ("type", "attachments", "attachments.0.content.body.1.facts.0.value")),
    *(("teams", path, []) for path in ("attachments", "attachments.0.content.body", "attachments.0.content.actions")),
    *(("teams", f"attachments.0.{key}", "x") for key in ("contentType", "content", "contentUrl")),
    *(("teams", f"attachments.0.content.{key}", "1.5") for key in ("version", "acitons", "actions.0.url")),
    *(("teams", f"attachments.0.content.{key}", wrong) for key in ("fallbackText", "body.0.text") for wrong in ("", 1)),
    *(("teams", "attachments.0.content.body.0.type", wrong) for wrong in ("Textblock", "Table", "FactSet")),
    *(("teams", f"attachments.0.content.{key}", "wide") for key in ("msteams.width", "body.0.style", "body.0.facts")),
    ("teams", "attachments.0.content.actions.0.type", "Action.Submit"),
    *(("pagerduty", path, MISSING) for path in ("dedup_key", "payload", "payload.summary", "payload.source")),
    *(("pagerduty", path, "x") for path in ("event_action", "dedupkey", "payload.severity", "payload.details")),
    *(("pagerduty", "payload.timestamp", wrong) for wrong in ("today", "2026-03-02T10:00")),
    ("pagerduty", "links.0.href", "crm"),
]
"""Channel, what is changed, and a value that is refused."""


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


def changed(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a payload with another value at a path."""
    made: dict[str, Any] = json.loads(json.dumps(payload))
    *ways, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    part: Any = made
    for step in ways:
        part = part[step]
    if value is MISSING:
        del part[last]
    else:
        part[last] = value
    return made


def test_what_is_within_the_limits_is_accepted_and_what_is_beyond_is_refused(fake: Fake, clock: Clock) -> None:
    """Nothing of what is refused is kept."""
    good = GOOD[fake.name]
    assert post(fake, good).ok
    assert [message.name for message in fake.accepted] == ["acme"]
    for path, within in [(path, within) for name, path, within, _ in LIMITS if name == fake.name]:
        assert post(fake, changed(good, path, within)).ok, path
    accepted = len(fake.accepted)
    beyond = [(path, value) for name, path, _, value in LIMITS if name == fake.name]
    for path, value in [*beyond, *((path, value) for name, path, value in WRONG if name == fake.name)]:
        clock.advance(minutes=1)  # Cliq counts requests
        assert post(fake, changed(good, path, value)).status_code in {400, 413}, (path, value)
    assert post(fake, {}).status_code == 400
    assert not requests.post(post(fake, good).request.url or "", data=b"{}", timeout=5).ok, (
        "it must say that it is JSON"
    )
    assert len(fake.accepted) == accepted + 1


def test_each_failure_comes_on_demand_and_means_one_thing(fake: Fake) -> None:
    """About this attempt, this message or this channel; a repaired fake accepts again, and heartbeats always arrive."""
    named = [*fake.transient, *fake.refused, *fake.gone]
    assert len(named) == len(set(named))
    assert set(fake.errors) - set(named) <= {"method_not_allowed"}
    for name in named:
        fake.break_with(name, times=1)
        answer = post(fake, GOOD[fake.name])
        assert (answer.status_code, answer.content) == (fake.errors[name].status, fake.errors[name].body)
    fake.break_with(fake.gone[0])
    assert [post(fake, GOOD[fake.name]).ok for _ in range(2)] == [False, False]
    assert requests.get(fake.heartbeat_url("acme"), timeout=5).ok
    fake.repair()
    assert post(fake, GOOD[fake.name]).ok
    assert len(fake.accepted) == 1


def test_an_address_that_is_revoked_or_wrong_is_refused(fake: Fake) -> None:
    """Slack alone accepts at any address of the right form."""
    url = next(value for key, value in fake.settings("acme").items() if key.endswith("_url"))
    assert not requests.get(url, timeout=5).ok
    assert not requests.post(f"{fake.url}/elsewhere", json=GOOD[fake.name], timeout=5).ok
    sent = {**GOOD[fake.name], **{key[10:]: value for key, value in fake.settings("acme").items() if "_key" in key}}
    fake.addresses.clear()
    assert requests.post(url, json=sent, timeout=5).ok == (fake.name == "slack")


def test_slack_cuts_what_is_too_long() -> None:
    """It accepts the message, and what lies beyond is lost."""
    with closing(FAKES["slack"]()) as slack:
        assert post(slack, {"text": "x" * 40_001}).ok
        assert slack.messages == ({"text": "x" * 40_000},)


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
        ("<https://x.org>", '<a href="https://x.org">https://x.org</a>', "https://x.org"),
        ("2 * 3 * 4, a*b*c", "2 * 3 * 4, a*b*c", "2 * 3 * 4, a*b*c"),
        ("&lt;b&gt; &amp; \"", "&lt;b&gt; &amp; \"", "<b> & \""),
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
