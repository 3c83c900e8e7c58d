"""Slack's mrkdwn, read once and shown twice: as plain text for a terminal and as HTML for a page. Pure.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from markupsafe import Markup, escape

# https://docs.slack.dev/messaging/formatting-message-text#date-formatting
DATE_FORMATS = {
    "{date_num}": "%Y-%m-%d",
    "{date}": "%B %-d, %Y",
    "{date_pretty}": "%B %-d, %Y",
    "{date_short}": "%b %-d, %Y",
    "{date_short_pretty}": "%b %-d, %Y",
    "{date_long}": "%A, %B %-d, %Y",
    "{date_long_pretty}": "%A, %B %-d, %Y",
    "{time}": "%H:%M",
    "{time_secs}": "%H:%M:%S",
}
TAGS = {"*": "b", "_": "i", "~": "s", "`": "code"}
_DATE = re.compile(r"!date\^(\d+)\^([^|^]*)(?:\^[^|]*)?\|.*")
_MARKED = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")


@dataclass(frozen=True)
class Token:
    """A piece of a text.

    Attributes:
        text: What is read, its escapes undone.
        mark: One of the characters of `TAGS` when it is marked by a pair of them.
        target: Where a link leads.
    """

    text: str
    mark: str = ""
    target: str = ""


def tokens(text: str, zone: tzinfo | None = None) -> Iterator[Token]:
    """Yield the pieces of a text, its dates in a zone, None for this machine's.

    A mention stays as it was sent, in angle brackets: it must not look harmless.
    """
    for number, part in enumerate(re.split(r"<([^>]*)>", text)):
        if number % 2:
            yield _in_brackets(part, zone)
        else:
            yield from _marked(part)


def plain(text: str, zone: tzinfo | None = None) -> str:
    """Return what a person reads: dates resolved, marks gone, the address of a link behind its words."""
    return "".join(
        f"{token.text} ({token.target})" if token.target not in {"", token.text} else token.text
        for token in tokens(text, zone)
    )


def markup(text: str, zone: tzinfo | None = None) -> Markup:
    """Return the same as HTML, in which everything but the marks and the links is literal."""
    return Markup().join(_as_html(token) for token in tokens(text, zone))


def _in_brackets(inside: str, zone: tzinfo | None) -> Token:
    if date := _DATE.fullmatch(inside):
        at, shown = datetime.fromtimestamp(int(date[1]), UTC).astimezone(zone), date[2]
        for name, form in DATE_FORMATS.items():
            shown = shown.replace(name, at.strftime(form))
        return Token(shown)
    target, _, label = inside.partition("|")
    if target.startswith(("https://", "http://")):
        return Token(html.unescape(label or target), target=html.unescape(target))
    return Token(f"<{html.unescape(inside)}>")


def _marked(text: str) -> Iterator[Token]:
    end = 0
    for match in _MARKED.finditer(text):
        yield Token(html.unescape(text[end : match.start()]))
        yield Token(html.unescape(match[2]), mark=match[1])
        end = match.end()
    yield Token(html.unescape(text[end:]))


def _as_html(token: Token) -> Markup:
    if token.target:
        return Markup('<a href="{}">{}</a>').format(token.target, token.text)
    if token.mark:
        return Markup(f"<{TAGS[token.mark]}>{{}}</{TAGS[token.mark]}>").format(token.text)  # noqa: S704  (our own tags)
    return escape(token.text)
