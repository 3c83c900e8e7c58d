"""Slack's markup, as text and as HTML."""

import time
from collections.abc import Iterator

import pytest

from sandbox.mrkdwn import markup, plain


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine into its own time zone, as a reader's is."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "read", "html"),
    [
        (
            "*bold* _italic_ ~gone~ `code`",
            "bold italic gone code",
            "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>",
        ),
        ("2 * 3 * 4, a*b*c, snake_case_name", "2 * 3 * 4, a*b*c, snake_case_name", "2 * 3 * 4, a*b*c, snake_case_name"),
        ("*two\nlines*", "*two\nlines*", "*two\nlines*"),
        (
            "<https://crm.zoho.com|Open Zoho CRM>",
            "Open Zoho CRM (https://crm.zoho.com)",
            '<a href="https://crm.zoho.com">Open Zoho CRM</a>',
        ),
        ("<https://x.org>", "https://x.org", '<a href="https://x.org">https://x.org</a>'),
        (
            '<https://x.org/"onclick="|a>',
            'a (https://x.org/"onclick=")',
            '<a href="https://x.org/&#34;onclick=&#34;">a</a>',
        ),
        ("<javascript:alert(1)|click>", "<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        ("&lt;!channel&gt; &amp; R&amp;D", "<!channel> & R&D", "&lt;!channel&gt; &amp; R&amp;D"),
        ("<!date^1656000000^{date_num} {time}|fallback>", "2022-06-23 18:00", "2022-06-23 18:00"),
        (
            "<!date^1656000000^{date_short_pretty} at {time}^https://x.org|fallback>",
            "Jun 23, 2022 at 18:00",
            "Jun 23, 2022 at 18:00",
        ),
        (
            "before <!date^1656000000^{date_long}|fallback> after",
            "before Thursday, June 23, 2022 after",
            "before Thursday, June 23, 2022 after",
        ),
    ],
)
def test_it_reads_as_in_slack(text: str, read: str, html: str) -> None:
    """Marks, links, escapes and dates, the latter in the reader's time zone; in HTML nothing else comes alive."""
    assert (plain(text), str(markup(text))) == (read, html)


@pytest.mark.parametrize("text", ["<!channel>", "<@U123>", "<#C1|general>", "<b onclick=x>"])
def test_a_mention_shows_as_it_was_sent(text: str) -> None:
    """A message that would mention everybody must not look harmless."""
    assert plain(text) == text
    assert str(markup(text)) == text.replace("<", "&lt;").replace(">", "&gt;")
