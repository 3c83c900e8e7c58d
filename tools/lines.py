"""What the tools print for a person: lines that fit the terminal, broken at blanks and not within a word."""

import re
import shutil
import sys
import textwrap

COPIED = re.compile(r": (?=aws |https://)")
"""What follows is copied whole, so it gets an indented line to itself, which nothing breaks."""


def say(text: str = "", indent: str = "") -> None:
    """Print a text, as `fitted` has it."""
    print(fitted(text, indent), flush=True)


def fitted(text: str, indent: str = "") -> str:
    """Return a text in lines that fit the terminal; where there is none, as it is.

    Args:
        text: Its own line breaks stay, and lines that begin with four blanks are left whole.
        indent: What the lines begin with that are added.
    """
    if not (width := columns()):
        return text
    wrap = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    lines = COPIED.sub(":\n    ", text).split("\n")
    return "\n".join(line if line.startswith("    ") else wrap.fill(line) for line in lines)


def columns() -> int:
    """Return the terminal's width; 0 where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
