"""Microsoft Teams: its URL, its cards, bytes, and what text from Zoho CRM cannot do there."""

from typing import Any

import pytest

from handler.channels.channel import Connection, Request
from handler.channels.teams import MESSAGE_BYTES, TEAMS, size
from sandbox.channels.teams import FakeTeams
from sandbox.server import Response
from tests.channels.builder import AMPLE, RENDERING, content, notice, ref, send_all, verdict_of

WORKFLOW = (
    "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/a/triggers/manual"
)


def card(request: Request) -> dict[str, Any]:
    """Return the card of a request."""
    (attachment,) = request.payload[0]["attachments"]
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
    said = TEAMS.settings[0].problem(url, False)
    assert complaint in said
    assert bool(said) == bool(complaint)


@pytest.mark.parametrize(
    ("severity", "phase", "color"),
    [
        ("critical", "opened", "Attention"),
        ("warning", "news", "Warning"),
        ("info", "ended", "Good"),
        ("info", "news", "Default"),
    ],
)
def test_the_title_has_the_colour_of_its_news(connection: Connection, severity: str, phase: str, color: str) -> None:
    """An end is good news whatever it ends."""
    ends = (ref(),) if phase == "ended" else ()
    (request,) = connection.render([notice(severity=severity, phase=phase, ends=ends)], RENDERING)
    assert card(request)["body"][0]["color"] == color


@pytest.mark.parametrize("letter", ["x", "é", "🏴"])
@pytest.mark.parametrize("more", [0, 1, 9_999])
def test_a_card_ends_at_the_limit_in_bytes(connection: Connection, fake: FakeTeams, letter: str, more: int) -> None:
    """As they are sent; what is longer goes as its shortened text."""
    (request,) = connection.render([notice()], RENDERING)
    each = size({"": letter}) - size({"": ""})
    room, rest = divmod(MESSAGE_BYTES - size(*request.payload), each)
    made = content()
    long = notice(content=made._replace(sentence=made.sentence + letter * (room + more)))
    (request,) = connection.render([long], RENDERING)
    connection.send(request, AMPLE)
    sent = len(fake.requests[0].body)
    assert sent == size(*request.payload)
    assert sent <= MESSAGE_BYTES
    assert (len(card(request)["body"]) == 1) == bool(more)
    assert more or sent == MESSAGE_BYTES - rest


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("a\\", "a∖"),  # noqa: RUF001
        ("\\*", "∖∗"),  # noqa: RUF001
        ("{{DATE(2026-01-01T00:00:00Z)}}", "((DATE(2026-01-01T00:00:00Z)))"),
        ("1. x\n2) y", "\u200b1. x\n\u200b2) y"),
        ("- x", "\u200b- x"),
        ("    # x", "\u200b    # x"),
        ("> x\n=", "\u200b> x\n\u200b="),
        ("1.5 + 2 (10:10 UTC), a-b. c > d & co; #1!", "\u200b1.5 + 2 (10:10 UTC), a-b. c > d & co; #1!"),
        ("20 Nov 2026", "20 Nov 2026"),
        ("&lt;b&#42; &", "&\u200blt;b&\u200b#42; &"),
    ],
)
def test_every_text_reads_as_written_on_phones_as_well(connection: Connection, words: str, sent: str) -> None:
    """Look-alikes and zero-width spaces, no backslashes."""
    made = content()._replace(sentence=words, next_step=words)
    (request,) = connection.render([notice(content=made)], RENDERING)
    texts = [element.get("text") for element in card(request)["body"]]
    assert {sent, f"**What to do:** {sent}"} <= set(texts)


def test_an_address_of_ours_is_a_link_without_what_follows_it(connection: Connection, fake: FakeTeams) -> None:
    """Clients differ in which bare addresses they make links of."""
    (request,) = send_all(connection, [notice(content=content(next_step="See https://status.zoho.com."))])
    assert "See [https://status.zoho.com](https://status.zoho.com)." in card(request)["body"][-2]["text"]
    assert "What to do: See https://status.zoho.com.\n" in fake.accepted[0].text


@pytest.mark.parametrize(("said", "verdict"), [("", "taken"), ("Posted, thanks.", "taken"), ("<html>", "permanent")])
def test_a_workflow_may_answer_with_a_few_words_of_its_own(
    connection: Connection, fake: FakeTeams, said: str, verdict: str
) -> None:
    """Its owner chooses them; a web page comes from somebody else."""
    fake.script("webhook", Response.text(said))
    (request,) = connection.render([notice()], RENDERING)
    assert verdict_of(connection, request) == verdict
