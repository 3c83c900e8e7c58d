"""What is printed for a person: on a terminal no line is wider than it; into a file or a pipe every line is whole."""

import re
import shutil
import sys
from collections.abc import Iterator

from sandbox.columns import cells, wrapped

WIDEST = 100
"""Columns: longer lines are hard to read."""
COLOUR = re.compile(r"\033\[\d+m")
COMMAND = re.compile(r"(?<=:) (?=aws )")
"""Before a command of AWS's: it stays in one line, however long, for it is to be copied."""


def show(*lines: str) -> None:
    """Print lines; where one goes on, it is indented as its beginning is, or up to its tab."""
    width = min(WIDEST, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 0
    for line in lines:
        print("\n".join(fitting(line, width)), flush=True)


def fitting(line: str, width: int) -> Iterator[str]:
    """Yield a line in parts of at most so many columns; 0: in one."""
    head, tab, text = line.partition("\t")
    if not width:
        yield f"{head}{text}"
        return
    if not tab:
        text = line.lstrip()
        head = line[: len(line) - len(text)]
    hang = " " * cells(COLOUR.sub("", head))
    said, *commands = COMMAND.split(text)
    parts = [*wrapped(said, max(20, width - len(hang))), *commands] or [""]
    for number, part in enumerate(parts):
        yield f"{hang if number else head}{part}".rstrip()
