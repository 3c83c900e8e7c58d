"""How wide a text is on a terminal."""

import textwrap
import unicodedata
from collections.abc import Iterator


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text, none wider than so many columns; a character of the East or an emoji takes two."""
    for line in text.splitlines():
        narrow = width
        while any(cells(part) > width for part in textwrap.wrap(line, narrow)):
            narrow -= 1
        yield from textwrap.wrap(line, narrow) or [""]


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
