"""What a person sees and types at a terminal: lines that fit it, and questions."""

import re
import shutil
import sys
import termios
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from prompt_toolkit import prompt
from prompt_toolkit.application import Application
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import HSplit, Layout
from prompt_toolkit.shortcuts import choice
from prompt_toolkit.widgets import CheckboxList, Label

T = TypeVar("T")
WIDEST = 100
"""Columns: longer lines are hard to read."""
COPIED = re.compile(r": (?=aws |https://)")
"""A command or an address to be copied follows: it gets a line of its own, which is never broken."""
COLOURS = {"✓": 32, "✗": 31, "!": 33}
TICKING = "(arrow keys or a number, space to tick, then Enter)"


def say(text: str = "", indent: str = "") -> None:
    """Print a text, as `fitted` has it."""
    print(fitted(text, indent), flush=True)


def fitted(text: str, indent: str = "") -> str:
    """Return a text for a person: in lines that fit the terminal, with coloured marks; in a pipe, as it is.

    Args:
        text: Its line breaks stay. A line that begins with four blanks stays whole, unless it has a tab.
        indent: What continued lines begin with. Below a line with a tab, they begin where the tab is.
    """
    if not sys.stdout.isatty():
        return text.replace("\t", "")
    width = min(shutil.get_terminal_size().columns, WIDEST)
    lines = COPIED.sub(":\n    ", text).split("\n")
    broken = "\n".join(part for line in lines for part in _broken(line, width, indent))
    return re.sub(r"^[✓✗!](?= )", lambda mark: f"\033[{COLOURS[mark[0]]}m{mark[0]}\033[0m", broken, flags=re.MULTILINE)


def _broken(line: str, width: int, indent: str) -> list[str]:
    head, tab, text = line.rpartition("\t")
    if line.startswith("    ") and not tab:
        return [line]
    return textwrap.wrap(
        text,
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head) if tab else indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head]


class Problem(Exception):  # noqa: N818  (it is shown to a person, as what it is)
    """Something that a person must put right.

    Attributes:
        sentence: What is wrong.
        next_step: What to do.
    """

    def __init__(self, sentence: str, next_step: str) -> None:
        """Keep both; neither holds a secret."""
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def show(self) -> None:
        """Print it."""
        say(f"✗ {self.sentence}", "  ")
        say(f"  → {self.next_step}", "    ")


def choose(question: str, options: Sequence[tuple[T, str]], default: T | None = None) -> T:
    """Let a person choose one option with the arrow keys or its number; Enter takes the default."""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question must not answer it
    return choice(question, options=options, default=default)


def choose_several(question: str, options: Sequence[tuple[T, str]], ticked: Collection[T] = ()) -> list[T]:
    """Let a person tick any number of options; Enter takes what is ticked."""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    boxes = CheckboxList(options, default_values=[*ticked], select_character="x")
    boxes.show_numbers, boxes.show_scrollbar = True, False
    keys = KeyBindings()

    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())

    keys.add("enter", eager=True)(lambda event: event.app.exit())
    keys.add("c-c")(leave)
    keys.add("<sigint>")(leave)
    shown = HSplit([Label(f"{question}\n  {TICKING}", dont_extend_height=True), boxes])
    Application[None](layout=Layout(shown, focused_element=boxes), key_bindings=keys).run()
    return [value for value, _ in options if value in boxes.current_values]


def confirm(question: str, *, default: bool = True) -> bool:
    """Ask for a yes or a no; Enter takes the default."""
    return choose(question, [(True, "Yes"), (False, "No")], default)


def ask(question: str, complaint: Callable[[str], str], *, secret: bool = False) -> str:
    """Ask for a line until it is right; return it without the blanks around it.

    Args:
        question: Ends with a colon.
        complaint: Answer → what is wrong with it, or "".
        secret: Show stars. After a complaint the line begins empty, for nobody can correct what is unseen.
    """
    answer = ""
    while True:
        answer = prompt(f"{question} ", is_password=secret, default="" if secret else answer).strip()
        if not (wrong := complaint(answer)):
            return answer
        say(f"  ✗ {wrong}", "    ")


@contextmanager
def asking(otherwise: str, leaving: Callable[[], str]) -> Iterator[None]:
    """Keep the terminal from showing what is typed between two questions.

    Args:
        otherwise: How to do it without a terminal.
        leaving: What to tell a person who leaves now.

    Raises:
        Problem: There is no terminal.
        KeyboardInterrupt: The person leaves.
    """
    if not sys.stdin.isatty():
        raise Problem("There is no terminal to ask at.", otherwise)
    with _without_echo():
        try:
            yield
        except (KeyboardInterrupt, EOFError) as stop:
            raise KeyboardInterrupt(str(stop) or leaving()) from None


@contextmanager
def _without_echo() -> Iterator[None]:
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    termios.tcsetattr(terminal, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:]])
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
