"""The fake Zoho Cliq against what Zoho documents, and what people met."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from sandbox.channels import FakeCliq
from tests.world import Clock


@pytest.fixture
def cliq(clock: Clock) -> Iterator[FakeCliq]:
    """Give a Cliq whose throttle goes by the test's clock."""
    with closing(FakeCliq(clock)) as server:
        yield server


def post(cliq: FakeCliq, payload: object, url: str = "") -> tuple[int, str]:
    """Post a payload and return the status and the code or, without any, the message."""
    answer = requests.post(url or cliq.webhook_url(), json=payload, timeout=5)
    said = answer.json() if answer.content else {}
    return answer.status_code, said.get("code", said.get("message", ""))


def button(label: str = "Open Zoho CRM", web: str = "https://crm.zoho.com") -> dict[str, Any]:
    """Return a button that opens an address."""
    return {"label": label, "type": "+", "action": {"type": "open.url", "data": {"web": web}}}


def slide(kind: str, data: object) -> dict[str, Any]:
    """Return a message with one slide."""
    return {"text": "x", "slides": [{"type": kind, "title": "A title", "data": data}]}


CARD = {"title": "Backup failed", "theme": "modern-inline"}
WITHIN_THE_LIMITS: dict[str, dict[str, Any]] = {
    "text": {"text": "x" * 5_000},
    "card alone": {"card": {"title": "x" * 200, "theme": "modern-inline"}},
    "prompt": {"text": "x", "card": {**CARD, "theme": "prompt"}},
    "five buttons": {"text": "x", "buttons": [button()] * 5},
    "long label": {"text": "x", "buttons": [button("x" * 30)]},
    "label slide": slide("label", [{"Job id": "1"}, {"State": "failed"}]),
    "label slide, newer form": slide("label", [{"label": "Job id", "value": "1"}]),
    "list slide": slide("list", ["one", "two"]),
    "text slide": slide("text", "one"),
    "table slide": slide("table", {"headers": ["a", "b"], "rows": [{"a": "1", "b": "2"}, {"a": "3"}]}),
}
BEYOND_THE_LIMITS: dict[str, object] = {
    "nothing": {},
    "no object": ["x"],
    "empty text": {"text": ""},
    "text too long": {"text": "x" * 5_001},
    "text of a number": {"text": 1},
    "title too long": {"card": {**CARD, "title": "x" * 201}},
    "no title": {"card": {"theme": "modern-inline"}},
    "unknown theme": {"card": {**CARD, "theme": "modern"}},
    "misspelt key": {"text": "x", "slide": []},
    "misspelt key of a card": {"card": {**CARD, "titel": "x"}},
    "six buttons": {"text": "x", "buttons": [button()] * 6},
    "label too long": {"text": "x", "buttons": [button("x" * 31)]},
    "button without an address": {"text": "x", "buttons": [button(web="crm")]},
    "button of another action": {"text": "x", "buttons": [{"label": "x", "action": {"type": "invoke"}}]},
    "unknown slide": slide("lable", [{"a": "b"}]),
    "empty slide": slide("label", []),
    "two labels in one": slide("label", [{"a": "1", "b": "2"}]),
    "value of a number": slide("label", [{"a": 1}]),
    "list of numbers": slide("list", [1]),
    "column without a header": slide("table", {"headers": ["a"], "rows": [{"b": "1"}]}),
    "slides of an object": {"text": "x", "slides": {}},
}


@pytest.mark.parametrize("case", WITHIN_THE_LIMITS)
def test_a_message_within_the_limits_is_accepted(cliq: FakeCliq, case: str) -> None:
    """With 204 and no body; what was posted is there to be read."""
    answer = requests.post(cliq.webhook_url("acme"), json=WITHIN_THE_LIMITS[case], timeout=5)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [(message.name, message.payload) for message in cliq.accepted] == [("acme", WITHIN_THE_LIMITS[case])]


@pytest.mark.parametrize("case", BEYOND_THE_LIMITS)
def test_a_message_beyond_the_limits_is_refused(cliq: FakeCliq, case: str) -> None:
    """From the first character too many; nothing is kept."""
    assert post(cliq, BEYOND_THE_LIMITS[case]) == (400, "invalid_inputs")
    assert cliq.accepted == []


def test_the_21st_request_of_a_minute_locks_the_user_for_ten(cliq: FakeCliq, clock: Clock) -> None:
    """It comes as HTTP 400; another user is served; afterwards everything is as before."""
    for _ in range(19):
        assert post(cliq, {"text": "x"})[0] == 204
    assert post(cliq, {"text": ""})[0] == 400, "what is refused counts as well"
    clock.advance(seconds=59)
    throttled = (400, "You have exceeded the URL throttle limits.")
    assert post(cliq, {"text": "x"}) == throttled
    assert post(cliq, {"text": "x"}, cliq.webhook_url("another"))[0] == 204
    clock.advance(minutes=10, seconds=-1)
    assert post(cliq, {"text": "x"}) == throttled
    clock.advance(seconds=1)
    assert post(cliq, {"text": "x"})[0] == 204
    assert len(cliq.accepted) == 21


def test_twenty_requests_of_any_minute_are_served(cliq: FakeCliq, clock: Clock) -> None:
    """The minute slides."""
    for _ in range(3):
        for _ in range(20):
            assert post(cliq, {"text": "x"})[0] == 204
        clock.advance(minutes=1)


def test_the_throttle_can_come_as_429(cliq: FakeCliq) -> None:
    """The documentation lists that status, too."""
    cliq.throttle = "too_many_requests"
    assert [post(cliq, {"text": "x"})[0] for _ in range(22)] == [204] * 20 + [429] * 2


def test_a_token_is_needed_and_can_be_revoked(cliq: FakeCliq) -> None:
    """It stands in the query; who leaves takes it along."""
    url = cliq.webhook_url("acme")
    assert post(cliq, {"text": "x"}, url.partition("?")[0]) == (401, "authtoken_invalid")
    assert post(cliq, {"text": "x"}, f"{url}x") == (401, "authtoken_invalid")
    cliq.tokens.clear()
    assert post(cliq, {"text": "x"}, url) == (401, "authtoken_invalid")


def test_other_paths_and_methods(cliq: FakeCliq) -> None:
    """Another channel does not exist; the newer form of the address does; a message is posted, not fetched."""
    url = cliq.webhook_url()
    assert post(cliq, {"text": "x"}, url.replace("/backups/", "/nobody/")) == (404, "channel_not_exists")
    assert post(cliq, {"text": "x"}, url.replace("/v2/", "/v9/")) == (404, "channel_not_exists")
    assert post(cliq, {"text": "x"}, url.replace("/api/", "/company/64/api/"))[0] == 204
    assert requests.get(url, timeout=5).status_code == 405


def test_what_is_read(cliq: FakeCliq) -> None:
    """Title first, then text, slides and buttons; marks and what keeps them from working are gone."""
    payload = {
        "card": CARD,
        "text": "*Acme*: see [Zoho CRM](https://crm.zoho.com), \u200b_not_ a b_c",
        "slides": [
            {"type": "label", "title": "Facts", "data": [{"Job id": "1"}, {"label": "State", "value": "failed"}]},
            {"type": "table", "data": {"headers": ["a", "b"], "rows": [{"a": "1", "b": "2"}]}},
            {"type": "list", "data": ["one"]},
            {"type": "text", "data": "end"},
        ],
        "buttons": [button()],
    }
    assert post(cliq, payload)[0] == 204
    assert cliq.accepted[0].text.splitlines() == [
        "Backup failed",
        "=============",
        "Acme: see Zoho CRM (https://crm.zoho.com), not a b_c",
        "Facts",
        "Job id: 1",
        "State: failed",
        "1 | 2",
        "• one",
        "end",
        "[Open Zoho CRM] https://crm.zoho.com",
    ]
