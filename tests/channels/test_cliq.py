"""Zoho Cliq: its URL, its cards, its throttle, and what text from Zoho CRM cannot do there."""

import re

import pytest
import requests

from handler.channels.cliq import MESSAGE_LIMIT, REQUESTS_A_CHECK, TITLE_LIMIT, Cliq
from handler.wording import Fact
from sandbox.channels import FakeCliq
from sandbox.server import Response
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    RECIPIENT,
    channel_to,
    content,
    everything,
    notice,
    notices,
    one,
    refusal_of,
    send_all,
    texts,
)
from tests.world import Clock

CLIQ = "https://cliq.zoho.com/api/v2"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"{CLIQ}/channelsbyname/backups/message?zapikey=1001.x", ""),
        ("https://cliq.zoho.eu/api/v2/channelsbyname/backups/message?zapikey=1001.x&bot_unique_name=b", ""),
        ("https://cliq.zoho.in/company/60001/api/v2/bots/backups/message?zapikey=1001.x", ""),
        (f"{CLIQ}/channelsbyname/backups/message", "webhook token"),
        (f"{CLIQ}/channelsbyname/backups/message?zapikey=", "webhook token"),
        ("https://cliq.zoho.com/channels/backups?zapikey=1001.x", "message endpoint"),
        (f"{CLIQ}/bots/backups/incoming?zapikey=1001.x", "message endpoint"),
        (f"{CLIQ}/channelsbyname/backups/message?zapikey=1001.x".replace("https", "http"), "https"),
    ],
)
def test_a_url_without_its_path_or_token_is_refused(url: str, complaint: str) -> None:
    """With what it must be."""
    said = Cliq.settings[0].complaint(url, False)
    assert complaint in said
    assert bool(said) == bool(complaint)


@pytest.mark.parametrize("size", [MESSAGE_LIMIT - 100, MESSAGE_LIMIT, MESSAGE_LIMIT + 1, MESSAGE_LIMIT * 2])
def test_a_message_ends_at_the_limit(channel: Cliq, size: int) -> None:
    """Characters of the whole; what is longer goes as its shortened text."""
    (request,) = channel.render([notice(content=content(said="x" * 10))], RECIPIENT)
    filler = size - len(everything(request.payload[0]))
    long = notice(content=content(said="x" * 10))
    long = long._replace(content=long.content._replace(sentence=long.content.sentence + "y" * filler))
    card, plain = channel.render([long], RECIPIENT)[0].payload
    assert len(everything(card)) == size if size <= MESSAGE_LIMIT else card == plain
    assert len(plain["text"]) <= MESSAGE_LIMIT


def test_a_title_ends_at_its_limit(channel: Cliq, fake: FakeCliq) -> None:
    """With an ellipsis."""
    send_all(channel, [notice()], RECIPIENT._replace(name="n" * 300))
    title = fake.messages[0]["card"]["title"]
    assert (len(title), title[-1]) == (TITLE_LIMIT, "…")


def test_a_check_makes_fifteen_requests_and_leaves_the_rest(channel: Cliq, fake: FakeCliq) -> None:
    """Second tries counted: what is left is transient, and the next check begins again."""
    for _ in range(REQUESTS_A_CHECK - 1):
        channel.send(one(channel), AMPLE)
    fake.break_with("invalid_inputs", times=1)
    raised = refusal_of(channel, one(channel))
    assert (raised.gone, set(raised.refused)) == (False, set())
    assert len(fake.requests) == REQUESTS_A_CHECK


@pytest.mark.parametrize("throttle", ["throttled", "too_many_requests"])
def test_a_throttle_is_never_tried_in_plain_text(channel: Cliq, fake: FakeCliq, clock: Clock, throttle: str) -> None:
    """It comes as HTTP 400, too; ten minutes later the same message is taken."""
    fake.throttle = throttle
    url = fake.webhook_url()
    while requests.post(url, json={"text": "x"}, timeout=5).ok:
        pass
    before = len(fake.requests)
    raised = refusal_of(channel, one(channel))
    assert (raised.gone, set(raised.refused)) == (False, set())
    assert str(raised) == f"Zoho Cliq answered HTTP {fake.errors[throttle].status} throttled"
    assert len(fake.requests) == before + 1
    clock.advance(minutes=11)
    channel.send(one(channel), AMPLE)


@pytest.mark.parametrize(
    ("second", "gone", "refused"),
    [
        (Response(204), None, None),
        (Response.json({"message": "Something is wrong"}, 400), False, False),
        (Response.json({"code": "param_missing"}, 400), False, True),
        (Response.json({"code": "operation_failed"}, 400), False, False),
        (Response.json({"message": "You have exceeded the URL throttle limits."}, 400), False, False),
        (Response(401), True, False),
    ],
    ids=["taken", "unknown", "content", "another code", "throttled", "gone"],
)
def test_a_refused_card_is_sent_as_plain_text_and_that_answer_counts(
    channel: Cliq, fake: FakeCliq, second: Response, gone: bool | None, refused: bool | None
) -> None:
    """A 400 that says nothing we know is kept: the alarm sees what waits."""
    fake.script("webhook", Response.json({"message": "?"}, 400), second)
    if gone is None:
        channel.send(one(channel), AMPLE)
    else:
        raised = refusal_of(channel, one(channel))
        assert (raised.gone, bool(raised.refused)) == (gone, refused)
    first, plain = (request.json() for request in fake.requests)
    assert "card" in first
    assert list(plain) == ["text"]
    assert plain["text"].startswith("Acme Ltd: Backup failed\n")
    assert RECIPIENT.crm_url in plain["text"]


def test_text_from_zoho_is_inert(channel: Cliq) -> None:
    """No marks, mentions or links in any form; an address among our own words stays one."""
    made = content(
        HOSTILE, HOSTILE, next_step="Ask it@it.example, https://it.example (`make x ORG=a_b`).", lines=(HOSTILE,)
    )
    made = made._replace(facts=(*made.facts, Fact("Type", "a_b_c _d_")))
    (request,) = channel.render([each._replace(content=made) for each in notices(2)], RECIPIENT)
    card, plain = request.payload
    for words in [words for words in texts([card, plain]) if words != RECIPIENT.crm_url]:
        assert not set("*~`[]{}@") & set(words.replace("it@it", ""))
        assert not re.search(r"https://evil|_i_| _d_", words)
    assert "a_b_c ＿d＿" in everything(card)  # noqa: RUF001
    assert "Ask it@it.example, https://it.example ('make x ORG=a_b')." in everything(card)
    assert f"Zoho CRM: {RECIPIENT.crm_url} " in plain["text"]


def test_two_checks_a_minute_apart_stay_below_the_throttle(
    fake: FakeCliq, session: requests.Session, clock: Clock
) -> None:
    """So soon does Lambda try a failed check again."""
    for _ in range(2):
        channel = channel_to(fake, session)
        (request,) = channel.render([notice()], RECIPIENT)
        for _ in range(REQUESTS_A_CHECK):
            channel.send(request, AMPLE)
        clock.advance(seconds=61)
    assert len(fake.messages) == 2 * REQUESTS_A_CHECK
