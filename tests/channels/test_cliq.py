"""Zoho Cliq: its URL, its cards, its throttle, and what text from Zoho CRM cannot do there."""

import pytest
import requests

from handler.channels.channel import Connection
from handler.channels.cliq import CLIQ, MESSAGE_LIMIT, MESSAGES_A_CHECK, TITLE_LIMIT
from sandbox.channels import FakeCliq
from sandbox.channels.cliq import REQUESTS_A_MINUTE
from sandbox.server import Fault
from tests.channels.builder import (
    AMPLE,
    RENDERING,
    notice,
    notices,
    one,
    refusal_of,
    send_all,
)
from tests.world import Clock

API = "https://cliq.zoho.com/api/v2"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"{API}/channelsbyname/backups/message?zapikey=1001.x", ""),
        ("https://cliq.zoho.eu/api/v2/channelsbyname/backups/message?zapikey=1001.x&bot_unique_name=b", ""),
        ("https://cliq.zoho.in/company/60001/api/v2/bots/backups/message?zapikey=1001.x", ""),
        (f"{API}/channelsbyname/backups/message", "webhook token"),
        (f"{API}/channelsbyname/backups/message?zapikey=", "webhook token"),
        ("https://cliq.zoho.com/channels/backups?zapikey=1001.x", "message endpoint"),
        (f"{API}/bots/backups/incoming?zapikey=1001.x", "message endpoint"),
        (f"{API}/channelsbyname/backups/message?zapikey=1001.x".replace("https", "http"), "https"),
    ],
)
def test_a_url_without_its_path_or_token_is_refused(url: str, complaint: str) -> None:
    """With what it must be."""
    said = CLIQ.settings[0].problem(url, False)
    assert complaint in said
    assert bool(said) == bool(complaint)


def test_a_title_ends_at_its_limit(connection: Connection, fake: FakeCliq) -> None:
    """With an ellipsis."""
    send_all(connection, [notice()], RENDERING._replace(name="n" * 300))
    title = fake.messages[0]["card"]["title"]
    assert (len(title), title[-1]) == (TITLE_LIMIT, "…")


@pytest.mark.parametrize("throttle", ["throttled", "too_many_requests"])
def test_a_throttle_is_never_tried_in_plain_text(
    connection: Connection, fake: FakeCliq, clock: Clock, throttle: str
) -> None:
    """It comes as HTTP 400, too; ten minutes later the same message is taken."""
    fake.throttle = throttle
    url = fake.webhook_url()
    while requests.post(url, json={"text": "x"}, timeout=5).ok:
        pass
    before = len(fake.requests)
    raised = refusal_of(connection, one(connection))
    assert (raised.permanent, raised.refused) == (False, False)
    assert str(raised) == f"Zoho Cliq answered HTTP {fake.errors[throttle].status} throttled"
    assert len(fake.requests) == before + 1
    clock.advance(minutes=11)
    connection.send(one(connection), AMPLE)


def test_a_check_stays_below_the_throttle_and_leaves_the_rest(
    connection: Connection, fake: FakeCliq, clock: Clock
) -> None:
    """Even if each card is refused; so soon as a minute later Lambda tries a failed check again."""
    pending, sent = notices(12, said="x" * MESSAGE_LIMIT), []
    while left := pending[len(fake.accepted) :]:
        asked = len(fake.requests)
        for request in connection.render(left, RENDERING):
            fake.script("webhook", fake.errors["invalid_inputs"], Fault())
            connection.send(request, AMPLE)
            sent.append(request.notice_ids)
        assert len(fake.requests) - asked <= 2 * MESSAGES_A_CHECK <= REQUESTS_A_MINUTE
        clock.advance(seconds=61)
    assert len(fake.requests) == 2 * len(pending)
    assert sent == [(notice.notice_id,) for notice in pending]
