"""What is shown in the terminal."""

import io
import time
from collections.abc import Iterator

import pytest

from sandbox.aws import Mail
from sandbox.screen import WIDTH, Screen, mrkdwn, slack_text


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine into a time zone of its own, as a reader's is."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _italic_ ~gone~ `code`", "bold italic gone code"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("<https://crm.zoho.com|Open Zoho CRM>", "Open Zoho CRM (https://crm.zoho.com)"),
        ("<https://crm.zoho.com>", "https://crm.zoho.com"),
        ("&lt;!channel&gt; &amp; R&amp;D", "<!channel> & R&D"),
        ("<!date^1656000000^{date_num} {time}|fallback>", "2022-06-23 18:00"),
        ("<!date^1656000000^{date_short_pretty} at {time}^https://x.org|fallback>", "Jun 23, 2022 at 18:00"),
        ("before <!date^1656000000^{date_long}|fallback> after", "before Thursday, June 23, 2022 after"),
    ],
)
def test_mrkdwn_reads_as_in_slack(text: str, shown: str) -> None:
    """Marks, links, escapes and dates, the latter in the reader's time zone."""
    assert mrkdwn(text) == shown


def test_a_mention_shows_as_it_was_sent() -> None:
    """A message that would mention everybody must not look harmless."""
    assert mrkdwn("<!channel> <@U123>") == "<!channel> <@U123>"


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
    assert slack_text(payload).splitlines() == [
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
    assert slack_text({"text": "*plain*"}) == "plain"


def test_frames_hold_long_lines() -> None:
    """Nothing is wider than the frame, and nothing is lost."""
    out = io.StringIO()
    Screen(out).mail(Mail("Subject", "word " * 100 + "\n\nlast", {}), "it@example.com")
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH + 4
    assert out.getvalue().count("word") == 100
    assert any("To:      it@example.com" in line for line in lines)


@pytest.mark.parametrize(("out", "coloured"), [(io.StringIO(), False), (Terminal(), True)])
def test_colours_are_for_terminals(out: io.StringIO, coloured: bool) -> None:
    """A file or a pipe gets plain text."""
    screen = Screen(out)
    screen.narrate("x")
    screen.slack({"text": "x"})
    screen.verdict("x", good=True)
    assert ("\033[" in out.getvalue()) == coloured
