"""Slack: blocks and their limits, plain text where they are refused, the mention, and what text from Zoho cannot do."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from handler.channels import BY_NAME
from handler.channels.channel import Request, Senders
from handler.channels.slack import BLOCK_LIMIT, FIELD_LIMIT, HEADER_LIMIT, MESSAGE_LIMIT, SECTION_LIMIT, Slack
from handler.deadline import Deadline
from handler.errors import DeliveryError
from handler.wording import Fact
from sandbox.channels import FakeSlack
from sandbox.channels.slack import ERRORS, rate_limited
from sandbox.server import Response
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    RECIPIENT,
    channel_to,
    content,
    notice,
    notices,
    refusal_of,
    row,
    send_all,
    texts,
)
from tests.wire import CHUNK, RudeServer, RunningOut, endless

MENTION = BY_NAME["slack"].settings[1]


@pytest.fixture
def channel(slack: FakeSlack, session: requests.Session) -> Slack:
    """Give the channel that posts to the fake."""
    made = channel_to(slack, session)
    assert isinstance(made, Slack)
    return made


def mentioning(slack: FakeSlack, session: requests.Session, whom: str = "here") -> Slack:
    """Return a channel that mentions somebody in critical messages."""
    made = channel_to(slack, session, slack_mention=whom)
    assert isinstance(made, Slack)
    return made


def one(channel: Slack, count: int = 1) -> Request[Any]:
    """Return the one request for so many notices."""
    (request,) = channel.render(notices(count), RECIPIENT)
    return request


def objects(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield every text object of a payload's blocks."""
    for block in payload.get("blocks", []):
        yield from block.get("fields") or block.get("elements") or [block["text"]]


@pytest.mark.parametrize("pending", [1, 3, 10, 11, 100])
def test_all_that_is_pending_is_one_message(channel: Slack, slack: FakeSlack, pending: int) -> None:
    """Taken by a fake that knows Slack's limits."""
    plain = [n._replace(content=content(facts=())) for n in notices(pending)]
    send_all(channel, plain if pending < 11 else notices(pending))
    assert len(slack.messages) == len(slack.requests) == 1


def test_a_few_that_do_not_fit_are_split(channel: Slack, slack: FakeSlack) -> None:
    """By blocks or by characters, oldest first."""
    lines = tuple("x" * 2_900 for _ in range(3))
    made = send_all(channel, [n._replace(content=content(lines=lines)) for n in notices(3)])
    assert [request.notice_ids for request in made] == [("acme-0",), ("acme-1",), ("acme-2",)]
    assert len(slack.messages) == 3


def test_a_message_has_no_more_blocks_than_slack_takes(channel: Slack, slack: FakeSlack) -> None:
    """Ten short notices have few characters and sixty blocks."""
    short = [n._replace(content=content(lines=("One.",))) for n in notices(10)]
    send_all(channel, short)
    sizes = [len(payload["blocks"]) for payload in slack.messages]
    assert sum(sizes) > BLOCK_LIMIT >= max(sizes)


def test_a_list_of_long_ids_stays_below_the_limit_of_a_message(channel: Slack, slack: FakeSlack) -> None:
    """Blocks hold so many characters together, which no page of Slack's says."""
    long = [notice(number, row=row(number, id=f"{number:0100}")) for number in range(100)]
    send_all(channel, long)
    sizes = [sum(len(words["text"]) for words in objects(payload)) for payload in slack.messages]
    assert len(sizes) > 1
    assert max(sizes) <= MESSAGE_LIMIT
    assert max(len(payload["blocks"]) for payload in slack.messages) <= BLOCK_LIMIT


@pytest.mark.parametrize("more", [0, 1])
def test_each_text_ends_at_its_limit(channel: Slack, slack: FakeSlack, more: int) -> None:
    """With an ellipsis."""
    title = "t" * (HEADER_LIMIT - len("🔴 Acme Ltd: ") + more)
    made = content(title, sentence="s" * (SECTION_LIMIT + more), facts=(Fact("File", "f" * (FIELD_LIMIT + more)),))
    send_all(channel, [notice(content=made)])
    shown = [words["text"] for words in objects(slack.messages[0])]
    cut = [words for words in shown if words.endswith("…")]
    assert sorted(map(len, cut)) == (sorted([HEADER_LIMIT, SECTION_LIMIT, FIELD_LIMIT]) if more else [])


@pytest.mark.parametrize("answer", [Response.text("ok"), Response.text("ok\n")], ids=["ok", "ok and a line break"])
def test_ok_is_an_acceptance(channel: Slack, slack: FakeSlack, answer: Response) -> None:
    """That is what Slack says."""
    slack.script("webhook", answer)
    channel.send(one(channel), AMPLE)


@pytest.mark.parametrize(
    "answer", [Response.text("<html>ok</html>"), Response(200), Response(204), Response(202)], ids=repr
)
def test_nothing_else_is(channel: Slack, slack: FakeSlack, answer: Response) -> None:
    """It is kept."""
    slack.script("webhook", answer)
    raised = refusal_of(channel, one(channel))
    assert (raised.gone, set(raised.refused)) == (False, set())


@pytest.mark.parametrize(
    "refusal",
    [
        ERRORS["invalid_blocks"],
        Response.text("too_large", 413),
        Response.text("invalid_blocks_format", 400),
        Response.text("new", 400),
    ],
    ids=["400", "413", "a longer code", "an unknown code"],
)
def test_a_refused_message_is_sent_once_more_as_plain_text(channel: Slack, slack: FakeSlack, refusal: Response) -> None:
    """Better an ugly message than none."""
    slack.script("webhook", refusal)
    channel.send(one(channel), AMPLE)
    first, second = (request.json() for request in slack.requests)
    assert "blocks" in first
    assert "blocks" not in second
    assert (second["mrkdwn"], second["parse"]) == (False, "none")
    assert "Backup failed" in slack.messages[0]["text"]


@pytest.mark.parametrize(
    ("second", "gone", "refused"),
    [
        (ERRORS["invalid_payload"], False, True),
        (ERRORS["rollup_error"], False, False),
        (rate_limited(9), False, False),
        (ERRORS["no_service"], True, False),
        (Response.text("something_new", 400), True, False),
    ],
    ids=["refused", "500", "429", "gone", "unknown"],
)
def test_the_answer_to_plain_text_counts(
    channel: Slack, slack: FakeSlack, second: Response, gone: bool, refused: bool
) -> None:
    """An unknown 400 for plain text as well is about the channel: what waits for it is kept."""
    slack.script("webhook", ERRORS["invalid_blocks"], second)
    raised = refusal_of(channel, one(channel, 3))
    assert raised.gone == gone
    assert raised.refused == ({"acme-0", "acme-1", "acme-2"} if refused else set())


def test_a_slow_trickle_ends_with_the_time(session: requests.Session) -> None:
    """An answer that never ends is none."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        channel = Slack(Senders(None, "", session), {"slack_webhook_url": server.url + "/services/T0/B0/x"})
        with pytest.raises(DeliveryError, match="too slow"):
            channel.send(one(channel), Deadline(RunningOut(10)))


# --- whom it mentions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whom", "mention"),
    [
        ("here", "<!here>"),
        ("channel", "<!channel>"),
        ("U0123ABCD", "<@U0123ABCD>"),
        ("W0123ABCD", "<@W0123ABCD>"),
        ("S0123ABCD", "<!subteam^S0123ABCD>"),
    ],
)
def test_a_critical_message_mentions_whom_the_secret_names(
    slack: FakeSlack, session: requests.Session, whom: str, mention: str
) -> None:
    """First, in blocks and in plain text; other messages mention nobody."""
    assert MENTION.complaint(whom, False) == ""
    channel = mentioning(slack, session, whom)
    blocks, plain = one(channel).payload
    assert (blocks["text"].split()[0], blocks["blocks"][0]["text"]["text"], plain["text"].split()[0]) == (mention,) * 3
    send_all(channel, notices(3))
    send_all(channel, notices(12))
    for severity in ("warning", "info"):
        (request,) = channel.render(notices(3, severity=severity), RECIPIENT)
        assert mention not in str(request.payload)


@pytest.mark.parametrize("whom", ["everyone", "@here", "U01", "<!here>", "C0123ABCD", "here channel"])
def test_whoever_cannot_be_mentioned_is_refused(whom: str) -> None:
    """With what it must be."""
    assert MENTION.complaint(whom, False).startswith("must be here, channel, or")


@pytest.mark.parametrize("whom", ["", "here"])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_text_from_zoho_is_inert(slack: FakeSlack, session: requests.Session, count: int, whom: str) -> None:
    """In blocks it is plain_text; plain text has no markup or, where it has a mention, nothing else that is any."""
    channel = mentioning(slack, session, whom)
    hostile = [n._replace(content=content(HOSTILE, HOSTILE, lines=(HOSTILE,))) for n in notices(count)]
    for request in channel.render(hostile, RECIPIENT._replace(name=HOSTILE[:60])):
        blocks, plain = request.payload
        for words in objects(blocks):
            assert words["type"] == "plain_text" or "evil" not in words["text"]
        control = set(re.findall(r"<[^>]*>", blocks["text"] + plain["text"]))
        assert control == ({"<!here>"} if whom else set())
        title = blocks["text"].removeprefix("<!here> ")
        assert not set("*~`[]@") & set(title)
        assert "_i_" not in title
        assert "://" not in title
        assert plain["parse"] == "none"
        assert plain["mrkdwn"] == bool(whom)
        if whom:
            assert not set("*~`[]@") & set(plain["text"])
            assert "_i_" not in plain["text"]


def test_times_are_each_readers_own(channel: Slack) -> None:
    """With what old clients show instead."""
    blocks, _ = one(channel).payload
    assert any(
        words.startswith("<!date^1772445600^{date_short_pretty} {time}|02 Mar 2026 10:00 UTC>")
        for words in texts(blocks)
    )
