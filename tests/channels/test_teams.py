"""Microsoft Teams: its URL, its cards, bytes, and what text from Zoho CRM cannot do there."""

import re
from typing import Any

import pytest
import requests

from handler.channels.channel import Request
from handler.channels.teams import MESSAGE_BYTES, Teams, escape, size
from sandbox.channels import FakeTeams
from sandbox.server import Response
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    RECIPIENT,
    channel_to,
    content,
    notice,
    notices,
    ref,
    refusal_of,
    send_all,
)

WORKFLOW = (
    "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/a/triggers/manual"
)


@pytest.fixture
def channel(teams: FakeTeams, session: requests.Session) -> Teams:
    """Give the channel that posts to the fake."""
    made = channel_to(teams, session)
    assert isinstance(made, Teams)
    return made


def card(request: Request[Any]) -> dict[str, Any]:
    """Return the card of a request."""
    (attachment,) = request.payload["attachments"]
    made: dict[str, Any] = attachment["content"]
    return made


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"{WORKFLOW}/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abc", ""),
        (f"{WORKFLOW}/paths/invoke?api-version=1", "sig="),
        (f"{WORKFLOW}/paths/invoke?sig=", "sig="),
        ("https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "turned those off in May 2026"),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d?sig=x", "turned those off in May 2026"),
        ("https://webhook.office.com.example/x?sig=abc", ""),
        ("http://x.example/?sig=abc", "https"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_the_reason(url: str, complaint: str) -> None:
    """A retired connector, or a workflow that only the tenant may trigger."""
    said = Teams.settings[0].complaint(url, False)
    assert complaint in said
    assert bool(said) == bool(complaint)


def test_all_that_is_pending_is_one_card(channel: Teams, teams: FakeTeams) -> None:
    """Of version 1.2, with facts, a button and the next step of each."""
    send_all(channel, notices(3))
    (request,) = channel.render(notices(3), RECIPIENT)
    made = card(request)
    assert made["version"] == "1.2"
    assert [element["type"] for element in made["body"]].count("FactSet") == 3
    assert made["actions"] == [{"type": "Action.OpenUrl", "title": "Open Zoho CRM", "url": RECIPIENT.crm_url}]
    assert "What to do: Start a backup manually." in teams.accepted[0].text
    assert "Failed: 02 Mar 2026 10:00 UTC" in teams.accepted[0].text
    assert len(teams.messages) == 1


@pytest.mark.parametrize(
    ("severity", "phase", "color"),
    [
        ("critical", "opened", "attention"),
        ("warning", "news", "warning"),
        ("info", "ended", "good"),
        ("info", "news", "default"),
    ],
)
def test_the_title_has_the_colour_of_its_news(channel: Teams, severity: str, phase: str, color: str) -> None:
    """An end is good news whatever it ends."""
    ends = (ref(),) if phase == "ended" else ()
    (request,) = channel.render([notice(severity=severity, phase=phase, ends=ends)], RECIPIENT)
    assert card(request)["body"][0]["color"] == color


@pytest.mark.parametrize("letter", ["x", "é", "🏴"])
@pytest.mark.parametrize("more", [0, 1])
def test_a_card_ends_at_the_limit_in_bytes(channel: Teams, teams: FakeTeams, letter: str, more: int) -> None:
    """As they are sent; what is longer goes as its shortened text."""
    (request,) = channel.render([notice()], RECIPIENT)
    each = size({"": letter}) - size({"": ""})
    room, rest = divmod(MESSAGE_BYTES - size(request.payload), each)
    made = content()
    long = notice(content=made._replace(sentence=made.sentence + letter * (room + more) + "." * 0))
    (request,) = channel.render([long], RECIPIENT)
    channel.send(request, AMPLE)
    sent = len(teams.requests[0].body)
    assert sent == size(request.payload)
    assert sent <= MESSAGE_BYTES
    assert (len(card(request)["body"]) == 1) == bool(more)
    assert more or sent == MESSAGE_BYTES - rest


def test_many_that_are_long_are_split(channel: Teams, teams: FakeTeams) -> None:
    """Each within the limit; none is lost, and none is twice."""
    long = [n._replace(content=content("Backup failed", "é" * 500)) for n in notices(8)]
    made = send_all(channel, long)
    assert len(made) > 1
    assert all(len(request.body) <= MESSAGE_BYTES for request in teams.requests)
    assert [i for request in made for i in request.notice_ids] == [n.notice_id for n in long]


@pytest.mark.parametrize("count", [1, 3, 12])
def test_text_from_zoho_reads_as_it_was_written_and_is_inert(channel: Teams, teams: FakeTeams, count: int) -> None:
    """Every character that Markdown or a template knows stands behind a backslash."""
    hostile = [n._replace(content=content(HOSTILE, HOSTILE, next_step="", lines=(HOSTILE,))) for n in notices(count)]
    made = send_all(channel, hostile, RECIPIENT._replace(name=HOSTILE[:60]))
    assert HOSTILE in teams.accepted[0].text
    for element in [element for request in made for element in card(request)["body"]]:
        shown = [element["text"]] if "text" in element else [fact["value"] for fact in element["facts"]]
        for words in shown:
            assert re.sub(r"\\[\\`*_{}\[\]()#+\-.!|<>~]", "", words).translate(str.maketrans("", "", "`*_{}[]<>~")) == (
                re.sub(r"\\[\\`*_{}\[\]()#+\-.!|<>~]", "", words)
            )
            assert "https://evil" not in words


@pytest.mark.parametrize("words", ["a\\", "\\*", "*a*", "{{DATE(2026-01-01T00:00:00Z)}}", "1. x", "- x", "a|b"])
def test_an_escaped_text_reads_as_it_was_written(words: str) -> None:
    """A backslash that was there is doubled, so that it escapes nothing."""
    card = {"body": [{"type": "TextBlock", "text": escape(words)}]}
    assert FakeTeams.text({"attachments": [{"content": card}]}) == words


@pytest.mark.parametrize("status", [200, 202])
def test_what_a_workflow_takes_is_accepted(channel: Teams, teams: FakeTeams, status: int) -> None:
    """202 is all that it says; 200 where the workflow has a response of its own."""
    teams.script("webhook", Response(status))
    send_all(channel, [notice()])


@pytest.mark.parametrize("status", [201, 204, 302])
def test_what_a_workflow_never_answers_is_no_acceptance(channel: Teams, teams: FakeTeams, status: int) -> None:
    """Whatever sits between."""
    teams.script("webhook", Response(status))
    raised = refusal_of(channel, channel.render([notice()], RECIPIENT)[0])
    assert (raised.gone, set(raised.refused)) == (False, set())


def test_a_switched_off_workflow_takes_what_waited_once_it_is_on(channel: Teams, teams: FakeTeams) -> None:
    """Its 400 is about the channel."""
    teams.break_with("WorkflowTriggerIsNotEnabled")
    (request,) = channel.render(notices(2), RECIPIENT)
    raised = refusal_of(channel, request)
    assert (raised.gone, set(raised.refused)) == (True, set())
    assert str(raised) == "Microsoft Teams answered HTTP 400 WorkflowTriggerIsNotEnabled"
    teams.repair()
    channel.send(request, AMPLE)
