"""The fake Microsoft Teams against what Microsoft documents, and what people met."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from sandbox.channels import FakeTeams


@pytest.fixture
def teams() -> Iterator[FakeTeams]:
    """Give a Teams of the test's own."""
    with closing(FakeTeams()) as server:
        yield server


def card(*body: object, **more: object) -> dict[str, Any]:
    """Return a message with one card."""
    content = {"type": "AdaptiveCard", "version": "1.2", "body": list(body), **more}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


def post(teams: FakeTeams, payload: object, url: str = "") -> tuple[int, str]:
    """Post a payload and return the status and the code."""
    answer = requests.post(url or teams.webhook_url(), json=payload, timeout=5)
    return answer.status_code, answer.json()["error"]["code"] if answer.content else ""


TEXT = {"type": "TextBlock", "text": "Backup failed", "wrap": True}
FACTS = {"type": "FactSet", "facts": [{"title": "Job id", "value": "1"}]}
BUTTON = {"type": "Action.OpenUrl", "title": "Open Zoho CRM", "url": "https://crm.zoho.com"}
GOOD: dict[str, dict[str, Any]] = {
    "text": card(TEXT),
    "everything": card(
        {**TEXT, "weight": "Bolder", "size": "Large", "color": "Attention", "isSubtle": True, "spacing": "None"},
        FACTS,
        {"type": "Container", "style": "attention", "items": [TEXT]},
        {"type": "ColumnSet", "columns": [{"type": "Column", "width": "auto", "items": [TEXT]}]},
        {"type": "ActionSet", "actions": [BUTTON]},
        **{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "fallbackText": "x", "actions": [BUTTON]},
        msteams={"width": "Full"},
    ),
}
BAD: dict[str, object] = {
    "no object": [],
    "no type": {"attachments": card(TEXT)["attachments"]},
    "no card": {"type": "message", "attachments": []},
    "text alone": {"text": "x"},
    "a card of Office 365 connectors": {"@type": "MessageCard", "text": "x"},
    "another content type": json.loads(json.dumps(card(TEXT)).replace("card.adaptive", "card.hero")),
    "version 1.5": card(TEXT, version="1.5"),
    "empty body": card(),
    "empty text": card({**TEXT, "text": ""}),
    "text of a number": card({**TEXT, "text": 1}),
    "unknown element": card({"type": "Textblock", "text": "x"}),
    "element of 1.5": card({"type": "Table", "rows": []}),
    "style of 1.5": card({**TEXT, "style": "heading"}),
    "key of another element": card({**TEXT, "facts": FACTS["facts"]}),
    "unknown size": card({**TEXT, "size": "huge"}),
    "fact without a value": card({"type": "FactSet", "facts": [{"title": "x"}]}),
    "fact of a number": card({"type": "FactSet", "facts": [{"title": "x", "value": 1}]}),
    "no facts": card({"type": "FactSet", "facts": []}),
    "bad element inside": card({"type": "Container", "items": [{"type": "?"}]}),
    "bad column": card({"type": "ColumnSet", "columns": [{"type": "Row", "items": [TEXT]}]}),
    "button without an address": card(TEXT, actions=[{**BUTTON, "url": "crm"}]),
    "button that submits": card(TEXT, actions=[{**BUTTON, "type": "Action.Submit"}]),
    "unknown width": card(TEXT, msteams={"width": "wide"}),
    "empty fallback": card(TEXT, fallbackText=""),
    "misspelt key": card(TEXT, acitons=[BUTTON]),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_card_is_taken(teams: FakeTeams, case: str) -> None:
    """With 202, which says that the flow has it; what was posted is there to be read."""
    answer = requests.post(teams.webhook_url("acme"), json=GOOD[case], timeout=5)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [(message.name, message.payload) for message in teams.accepted] == [("acme", GOOD[case])]


@pytest.mark.parametrize("case", BAD)
def test_a_card_that_teams_would_not_show_is_refused(teams: FakeTeams, case: str) -> None:
    """Wrong in shape, or newer than 1.2; nothing is kept."""
    assert post(teams, BAD[case]) == (400, "TriggerInputSchemaMismatch")
    assert teams.accepted == []


def test_a_request_holds_28_kilobytes(teams: FakeTeams) -> None:
    """Bytes, not characters."""
    empty = len(json.dumps(card({**TEXT, "text": ""})))
    for size, status in ((28 * 1024, 202), (28 * 1024 + 1, 413)):
        body = json.dumps(card({**TEXT, "text": "é" + "x" * (size - empty - 2)}), ensure_ascii=False).encode()
        assert len(body) == size
        headers = {"Content-Type": "application/json; charset=utf-8"}
        assert requests.post(teams.webhook_url(), data=body, headers=headers, timeout=5).status_code == status


def test_a_flow_can_be_switched_off_alone(teams: FakeTeams) -> None:
    """HTTP 400, with a code that says so; on again, it works."""
    teams.off.add("acme")
    assert post(teams, card(TEXT), teams.webhook_url("acme")) == (400, "WorkflowTriggerIsNotEnabled")
    assert post(teams, card(TEXT), teams.webhook_url("another"))[0] == 202
    teams.off.clear()
    assert post(teams, card(TEXT), teams.webhook_url("acme"))[0] == 202


def test_the_signature_is_needed(teams: FakeTeams) -> None:
    """A trigger limited to the tenant has none in its address."""
    url = teams.webhook_url("acme")
    assert "&sig=acme" in url
    for wrong in (url.replace("&sig=acme", ""), f"{url}x"):
        assert post(teams, card(TEXT), wrong) == (401, "DirectApiAuthorizationRequired")


def test_a_flow_that_is_gone(teams: FakeTeams) -> None:
    """Deleted, or never there."""
    url = teams.webhook_url("acme")
    teams.flows.clear()
    assert post(teams, card(TEXT), url) == (404, "WorkflowNotFound")
    assert post(teams, card(TEXT), teams.url) == (404, "WorkflowNotFound")


def test_what_is_read(teams: FakeTeams, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks are gone, what is escaped stays; dates are in the reader's zone; columns and buttons come in order."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    text = (
        r"**Acme**: [Zoho](https://x.org) \[click\](https://evil\.org) \*b\* _i_ {{DATE(2022-06-23T16:00:00Z, SHORT)}}"
    )
    columns = {"type": "ColumnSet", "columns": [{"type": "Column", "items": [FACTS]}]}
    assert (
        post(teams, card({**TEXT, "text": text + " {{TIME(2022-06-23T16:00:00Z)}}"}, columns, actions=[BUTTON]))[0]
        == 202
    )
    assert teams.accepted[0].text.splitlines() == [
        "Acme: Zoho (https://x.org) [click](https://evil.org) *b* i Jun 23, 2022 18:00",
        "Job id: 1",
        "[Open Zoho CRM] https://crm.zoho.com",
    ]
    monkeypatch.undo()
    time.tzset()
