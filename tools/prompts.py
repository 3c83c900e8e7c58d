"""Questions to a person at a terminal; what is secret is shown as stars and kept nowhere."""

import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from prompt_toolkit import prompt
from prompt_toolkit.shortcuts import choice
from prompt_toolkit.validation import Validator

T = TypeVar("T")


def choose(question: str, options: Sequence[tuple[T, str]], default: T | None = None) -> T:
    """Let a person choose one of several with the arrow keys or its number; Enter takes the default."""
    return choice(question, options=options, default=default)


def confirm(question: str, *, default: bool = True) -> bool:
    """Ask for a yes or a no; Enter takes the default."""
    return choose(question, [(True, "Yes"), (False, "No")], default)


def ask(question: str, valid: Callable[[str], bool], complaint: str, *, secret: bool = False) -> str:
    """Ask for a line until it is valid, and return it without the blanks around it.

    Args:
        question: Ends with a colon.
        valid: Judges the answer without the blanks around it.
        complaint: What to say of one that is not valid.
        secret: Show stars instead.
    """
    validator = Validator.from_callable(lambda text: valid(text.strip()), complaint, move_cursor_to_end=True)
    answer = prompt(f"{question} ", is_password=secret, validator=validator, validate_while_typing=False)
    return answer.strip()


@contextmanager
def without_echo() -> Iterator[None]:
    """Let the terminal show nothing of what is typed or pasted between two questions."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
