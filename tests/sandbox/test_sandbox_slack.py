"""The fake Slack against what Slack documents."""

from typing import Any

import pytest
import requests

from sandbox.channels.slack import ERRORS, FakeSlack, rate_limited


def plain(characters: int) -> dict[str, str]:
    """Return a plain text object of this length."""
    return {"type": "plain_text", "text": "x" * characters}


def mrkdwn(characters: int) -> dict[str, str]:
    """Return a mrkdwn text object of this length."""
    return {"type": "mrkdwn", "text": "x" * characters}


def post(slack: FakeSlack, payload: object) -> tuple[int, str]:
    """Post a payload and return the answer."""
    answer = requests.post(slack.webhook_url(), json=payload, timeout=5)
    return answer.status_code, answer.text


def button(text: dict[str, str], url: str) -> dict[str, Any]:
    """Return a block with one button that links somewhere."""
    return {"type": "actions", "elements": [{"type": "button", "text": text, "url": url}]}


def test_a_message_is_accepted_and_kept(slack: FakeSlack) -> None:
    """Slack says ok; the payload is there to be read."""
    payload = {"text": "Backup failed", "blocks": [{"type": "divider"}]}
    assert post(slack, payload) == (200, "ok")
    assert slack.messages == (payload,)


WITHIN_THE_LIMITS: dict[str, list[dict[str, Any]]] = {
    "fifty blocks": [{"type": "divider"}] * 50,
    "header": [{"type": "header", "text": plain(150)}],
    "section": [{"type": "section", "text": mrkdwn(3000)}],
    "plain section": [{"type": "section", "text": plain(1)}],
    "fields": [{"type": "section", "fields": [mrkdwn(2000)] * 10}],
    "text and fields": [{"type": "section", "text": mrkdwn(1), "fields": [plain(1)]}],
    "context": [{"type": "context", "elements": [mrkdwn(1)] * 10}],
    "button": [button(plain(75), "https://example.com")],
    "ids": [{"type": "divider", "block_id": "x" * 255}, {"type": "divider", "block_id": "y"}],
}
BEYOND_THE_LIMITS: dict[str, Any] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "header too long": [{"type": "header", "text": plain(151)}],
    "header in mrkdwn": [{"type": "header", "text": mrkdwn(1)}],
    "header without text": [{"type": "header"}],
    "section too long": [{"type": "section", "text": mrkdwn(3001)}],
    "empty section": [{"type": "section", "text": mrkdwn(0)}],
    "section of nothing": [{"type": "section"}],
    "section of a string": [{"type": "section", "text": "x"}],
    "eleven fields": [{"type": "section", "fields": [mrkdwn(1)] * 11}],
    "no fields": [{"type": "section", "fields": []}],
    "field too long": [{"type": "section", "fields": [mrkdwn(2001)]}],
    "eleven elements": [{"type": "context", "elements": [mrkdwn(1)] * 11}],
    "context of nothing": [{"type": "context", "elements": []}],
    "button too long": [button(plain(76), "https://example.com")],
    "button in mrkdwn": [button(mrkdwn(1), "https://example.com")],
    "id too long": [{"type": "divider", "block_id": "x" * 256}],
    "same id twice": [{"type": "divider", "block_id": "x"}] * 2,
    "unknown type": [{"type": "sektion", "text": mrkdwn(1)}],
    "no type": [{"text": mrkdwn(1)}],
    "block of a string": ["divider"],
    "no list": {"type": "divider"},
}


@pytest.mark.parametrize("name", WITHIN_THE_LIMITS)
def test_blocks_within_the_limits_are_accepted(slack: FakeSlack, name: str) -> None:
    """Up to the last character; a message of blocks needs no text."""
    assert post(slack, {"blocks": WITHIN_THE_LIMITS[name]}) == (200, "ok")


@pytest.mark.parametrize("name", BEYOND_THE_LIMITS)
def test_blocks_beyond_the_limits_are_refused(slack: FakeSlack, name: str) -> None:
    """From the first character too many; nothing is kept."""
    assert post(slack, {"text": "x", "blocks": BEYOND_THE_LIMITS[name]}) == (400, "invalid_blocks")
    assert slack.accepted == []


@pytest.mark.parametrize("payload", [{}, {"text": ""}, {"text": "  "}, {"text": "", "blocks": []}])
def test_a_message_must_say_something(slack: FakeSlack, payload: dict[str, Any]) -> None:
    """Without text and blocks there is nothing to show."""
    assert post(slack, payload) == (400, "no_text")


@pytest.mark.parametrize("payload", [["text"], "text", None, {"text": 1}])
def test_a_payload_must_have_the_documented_shape(slack: FakeSlack, payload: object) -> None:
    """An object whose text is a string."""
    assert post(slack, payload) == (400, "invalid_payload")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"text": "x"', "application/json"), (b'{"text": "x"}', "text/plain"), (b"\xff", "application/json")],
)
def test_a_body_must_be_json_and_say_so(slack: FakeSlack, body: bytes, content_type: str) -> None:
    """Cut short, not UTF-8, or under another content type."""
    headers = {"Content-Type": content_type}
    answer = requests.post(slack.webhook_url(), data=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.text) == (400, "invalid_payload")


def test_text_is_cut_at_40000_characters(slack: FakeSlack) -> None:
    """Slack accepts it and truncates, so what lies beyond is lost."""
    assert post(slack, {"text": "x" * 40_001}) == (200, "ok")
    assert slack.messages == ({"text": "x" * 40_000},)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_payload", 400),
        ("invalid_token", 403),
        ("action_prohibited", 403),
        ("no_service", 404),
        ("channel_not_found", 404),
        ("channel_is_archived", 410),
        ("rollup_error", 500),
    ],
)
def test_each_error_comes_on_demand(slack: FakeSlack, code: str, status: int) -> None:
    """Once; the next message is accepted."""
    slack.script("webhook", ERRORS[code])
    assert post(slack, {"text": "x"}) == (status, code)
    assert slack.accepted == []
    assert post(slack, {"text": "x"}) == (200, "ok")


def test_a_webhook_can_be_asked_to_wait(slack: FakeSlack) -> None:
    """429 with the seconds in Retry-After."""
    slack.script("webhook", rate_limited(30))
    answer = requests.post(slack.webhook_url(), json={"text": "x"}, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")


def test_only_posts_to_a_webhook_count(slack: FakeSlack) -> None:
    """Another path is no service, another method is not allowed."""
    assert requests.get(slack.webhook_url(), timeout=5).status_code == 405
    assert requests.post(f"{slack.url}/services/T1/B1", json={"text": "x"}, timeout=5).text == "no_service"
    assert slack.accepted == []


def test_webhooks_and_heartbeats_are_kept_apart(slack: FakeSlack) -> None:
    """Each has a URL by name, so that organisations can have their own."""
    post(slack, {"text": "x"})
    assert requests.get(slack.heartbeat_url("acme"), timeout=5).status_code == 200
    assert [(request.kind, request.path) for request in slack.requests] == [
        ("webhook", "/services/T00000000/B00000000/SANDBOX"),
        ("heartbeat", "/heartbeat/acme"),
    ]


# What is read


def test_every_block_is_shown() -> None:
    """In order, fields in two columns."""
    payload = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "*Backup* failed"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*Acme*"}},
            {
                "type": "section",
                "fields": [{"type": "mrkdwn", "text": text} for text in ("*When*\ntoday", "*Id*\n1", "x")],
            },
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}, {"type": "plain_text", "text": "*b*"}]},
            {
                "type": "actions",
                "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": "https://x.org"}],
            },
        ],
    }
    assert FakeSlack.text(payload).splitlines() == [
        "*Backup* failed",
        "===============",
        "Acme",
        "When                                    Id",
        "today                                   1",
        "x",
        "--------------------",
        "a · *b*",
        "[Go] https://x.org",
    ]


def test_a_message_without_blocks_shows_its_text() -> None:
    """As Slack does."""
    assert FakeSlack.text({"text": "*plain*"}) == "plain"
