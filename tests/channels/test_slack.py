"""Slack: blocks and their limits, plain text where they are refused, the mention, and what text from Zoho cannot do."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from handler.channels.channel import Connection
from handler.channels.slack import BLOCK_LIMIT, FIELD_LIMIT, HEADER_LIMIT, SECTION_LIMIT, SLACK
from handler.wording import Fact
from sandbox.channels import FakeSlack
from sandbox.server import Response
from tests.channels.builder import (
    NOW,
    RENDERING,
    connect,
    content,
    everything,
    notice,
    notices,
    one,
    send_all,
    verdict_of,
)

MENTION = SLACK.settings[1]


def objects(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield every text object of a payload's blocks."""
    for block in payload.get("blocks", []):
        yield from block.get("fields") or block.get("elements") or [block["text"]]


def test_what_does_not_fit_is_split(connection: Connection, fake: FakeSlack) -> None:
    """By characters or by blocks, oldest first."""
    lines = tuple("x" * 2_900 for _ in range(3))
    made = send_all(connection, [n._replace(content=content(lines=lines)) for n in notices(3)])
    assert [request.notice_ids for request in made] == [("acme-0",), ("acme-1",), ("acme-2",)]
    fake.reset()
    send_all(connection, [n._replace(content=content(lines=("One.",))) for n in notices(10)])
    sizes = [len(payload["blocks"]) for payload in fake.messages]
    assert sum(sizes) > BLOCK_LIMIT >= max(sizes)


@pytest.mark.parametrize("more", [0, 1])
def test_each_text_ends_at_its_limit(connection: Connection, fake: FakeSlack, more: int) -> None:
    """With an ellipsis."""
    title = "t" * (HEADER_LIMIT - len("🔴 Acme Ltd: ") + more)
    made = content(title, sentence="s" * (SECTION_LIMIT + more), facts=(Fact("File", "f" * (FIELD_LIMIT + more)),))
    send_all(connection, [notice(content=made)])
    shown = [words["text"] for words in objects(fake.messages[0])]
    cut = [words for words in shown if words.endswith("…")]
    assert sorted(map(len, cut)) == (sorted([HEADER_LIMIT, SECTION_LIMIT, FIELD_LIMIT]) if more else [])


def test_ok_is_the_only_word_that_is_an_acceptance(connection: Connection, fake: FakeSlack) -> None:
    """That is the only word with which Slack accepts a message."""
    for said, verdict in (("ok", "taken"), ("ok\n", "taken"), ("okay", "permanent"), ("not ok", "permanent")):
        fake.script("webhook", Response.text(said))
        assert verdict_of(connection, one(connection)) == verdict


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
    fake: FakeSlack, session: requests.Session, whom: str, mention: str
) -> None:
    """First, in blocks and in plain text; other messages mention nobody."""
    assert MENTION.problem(whom, False) == ""
    connection = connect(fake, session, slack_mention=whom)
    blocks, plain = one(connection).payload
    assert (blocks["text"].split()[0], blocks["blocks"][0]["text"]["text"], plain["text"].split()[0]) == (mention,) * 3
    send_all(connection, notices(3))
    for severity in ("warning", "info"):
        (request,) = connection.render(notices(3, severity=severity), RENDERING)
        assert mention not in str(request.payload)


@pytest.mark.parametrize("whom", ["everyone", "@here", "U01", "<!here>", "C0123ABCD", "here channel"])
def test_whoever_cannot_be_mentioned_is_refused(whom: str) -> None:
    """With what it must be."""
    assert MENTION.problem(whom, False).startswith("must be here, channel, or")


def test_a_message_with_a_list_of_rows_has_all_its_times_in_one_zone(connection: Connection) -> None:
    """No text from Zoho may stand in markup, which a time in the reader's zone would need."""
    listed = content(lines=("Backup failed",))
    listed = listed._replace(lines=(listed.lines[0]._replace(time=NOW),))
    (request,) = connection.render([notice(0), notice(1, content=listed)], RENDERING)
    assert "<!date" not in everything(request.payload)


def test_times_are_each_readers_own(connection: Connection) -> None:
    """With what old clients show instead."""
    blocks, _ = one(connection).payload
    assert '"<!date^1772445600^{date_short_pretty} {time}|02 Mar 2026 10:00 UTC>"' in everything(blocks)
