"""What the tools print for a person: lines that fit the terminal, broken at blanks and not within a word."""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator

WIDEST = 100
"""Columns: longer lines are hard to read."""
COPIED = re.compile(r": (?=aws |https://)")
"""What follows is copied whole, so it gets an indented line to itself, which nothing breaks."""
COLOUR = re.compile(r"\033\[\d+m")


def say(text: str = "", indent: str = "") -> None:
    """Print a text, as `fitted` has it."""
    print(fitted(text, indent), flush=True)


def fitted(text: str, indent: str = "") -> str:
    """Return a text in lines that fit the terminal; where there is none, as it is, without its tabs.

    Args:
        text: Its own line breaks stay, and lines that begin with four blanks and have no tab are left whole.
        indent: What the lines begin with that are added; below a line with a tab, blanks up to it.
    """
    if not (width := min(columns(), WIDEST)):
        return text.replace("\t", "")
    lines = COPIED.sub(":\n    ", text).split("\n")
    whole = re.compile("    [^\t]*$")
    return "\n".join(part for line in lines for part in ([line] if whole.match(line) else _broken(line, width, indent)))


def columns() -> int:
    """Return the terminal's width; 0 where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _broken(line: str, width: int, indent: str) -> Iterator[str]:
    head, tab, text = line.partition("\t")
    if not tab:
        text = line.lstrip(" ")
        head = line[: len(line) - len(text)]
    hang = " " * _width(head) if tab else indent
    shown, begun = head, True
    for word in _words(text, max(20, width - len(hang))):
        if begun or _width(f"{shown} {word}") <= width:
            shown += word if begun else f" {word}"
        else:
            yield shown.rstrip()
            shown, begun = hang + word, True
        begun = begun and not word
    yield shown.rstrip()


def _words(text: str, room: int) -> Iterator[str]:
    """Yield the words, in parts where one is too wide for a line; addresses and paths stay whole."""
    for word in text.split(" "):
        part = ""
        for character in "" if "/" in word else word:
            if _width(part + character) > room:
                yield part
                part = ""
            part += character
        yield part or word


def _width(text: str) -> int:
    return cells(COLOUR.sub("", text))


def cells(text: str) -> int:
    """Return how many columns of a terminal a text fills: a character of the East or an emoji fills two."""
    wide = (0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
    return sum(wide)
