"""Messages as a person sees them: the text of a Slack message, and frames around it in a terminal."""

import html
import itertools
import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TextIO

from sandbox.aws import Mail

WIDTH = 100
COLUMN = 40
BOLD, DIM, BLUE, GREEN, RED = "1", "2", "34", "32", "31"

# https://docs.slack.dev/messaging/formatting-message-text#date-formatting
DATE_TOKENS = {
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


def slack_text(payload: dict[str, Any]) -> str:
    """Return what Slack shows of a message: its blocks or, without any, its text; dates in this machine's time zone."""
    blocks = [text for block in payload.get("blocks", []) if (text := _block_text(block))]
    return "\n".join(blocks) if blocks else mrkdwn(payload.get("text", ""))


def mrkdwn(text: str) -> str:
    """Return mrkdwn as it reads: dates and links resolved, marks of bold and the like gone, escapes undone."""
    text = re.sub(r"<!date\^(\d+)\^([^|>^]*)(?:\^[^|>]*)?\|[^>]*>", _date, text)
    text = re.sub(r"<([^!@#|>][^|>]*)\|([^>]+)>", r"\2 (\1)", text)
    text = re.sub(r"<([^!@#|>][^|>]*)>", r"\1", text)
    text = re.sub(r"(?<!\w)([*_~`])(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    return html.unescape(text)


def _date(match: re.Match[str]) -> str:
    at = datetime.fromtimestamp(int(match[1])).astimezone()
    shown = match[2]
    for token, form in DATE_TOKENS.items():
        shown = shown.replace(token, at.strftime(form))
    return shown


def _block_text(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            text = _object_text(block["text"])
            return f"{text}\n{'=' * len(text)}"
        case "section":
            parts = [_object_text(block["text"])] if "text" in block else []
            return "\n".join([*parts, *_columns([_object_text(field) for field in block.get("fields", [])])])
        case "context":
            return " · ".join(map(_object_text, block["elements"]))
        case "actions":
            return "  ".join(f"[{_object_text(button['text'])}] {button['url']}" for button in block["elements"])
    return "-" * 20


def _columns(fields: list[str]) -> Iterator[str]:
    """Yield the lines of fields in two columns, as Slack sets them."""
    for pair in itertools.zip_longest(fields[::2], fields[1::2], fillvalue=""):
        wrapped = [[part for line in field.splitlines() for part in textwrap.wrap(line, COLUMN - 2)] for field in pair]
        for left, right in itertools.zip_longest(*wrapped, fillvalue=""):
            yield f"{left:{COLUMN}}{right}".rstrip()


def _object_text(text: dict[str, str]) -> str:
    return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else text["text"]


class Screen:
    """What is printed while the story runs; colours only on a terminal."""

    def __init__(self, out: TextIO) -> None:
        """Print to a stream, whatever characters it can show."""
        self._out = out
        self._colours = out.isatty()

    def narrate(self, text: str) -> None:
        """Print a line of the story."""
        print(f"\n{self._painted(f'▶ {text}', BOLD)}", file=self._out, flush=True)

    def remark(self, text: str) -> None:
        """Print something beside the story."""
        print(self._painted(text, DIM), file=self._out, flush=True)

    def mail(self, mail: Mail, address: str) -> None:
        """Print an e-mail: what SNS makes of a subject and a body."""
        self._frame("E-mail", f"To:      {address}\nSubject: {mail.subject or '(none)'}\n\n{mail.body}", BLUE)

    def slack(self, payload: dict[str, Any]) -> None:
        """Print a Slack message."""
        self._frame("Slack", slack_text(payload), GREEN)

    def verdict(self, text: str, good: bool) -> None:
        """Print the last word."""
        print(f"\n{self._painted(text, GREEN if good else RED)}", file=self._out, flush=True)

    def _frame(self, title: str, text: str, colour: str) -> None:
        lines = [part for line in text.rstrip().splitlines() for part in textwrap.wrap(line, WIDTH) or [""]]
        bar = self._painted("│", colour)
        head = self._painted(f"┌─ {title} ".ljust(WIDTH, "─"), colour)
        foot = self._painted("└".ljust(WIDTH, "─"), colour)
        print(
            "\n".join([f"  {head}", *(f"  {bar} {line}".rstrip() for line in lines), f"  {foot}"]),
            file=self._out,
            flush=True,
        )

    def _painted(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
