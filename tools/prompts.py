"""Questions to a person at a terminal; what is secret is shown as stars and kept nowhere."""

import re
import sys
import termios
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from prompt_toolkit import prompt
from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl

from tools.lines import say

T = TypeVar("T")
ONE = "(arrow keys, a number or a few letters, then Enter)"
SEVERAL = "(arrow keys or a number, space to tick, then Enter)"


def choose(question: str, options: Sequence[tuple[T, str]], default: T | None = None) -> T:
    """Let a person choose one of several with the arrow keys, by its number or by its name; Enter takes the default."""
    values = [value for value, _ in options]
    at = values.index(default) if default in values else 0
    picker = Picker(question, options, at)
    picker.ask()
    return values[picker.at]


def choose_several(question: str, options: Sequence[tuple[T, str]], ticked: Collection[T] = ()) -> list[T]:
    """Let a person tick any number of options; Enter takes what is ticked."""
    picker = Picker(question, options, ticked={n for n, (value, _) in enumerate(options) if value in ticked})
    picker.ask()
    return [value for n, (value, _) in enumerate(options) if n in (picker.ticked or ())]


def confirm(question: str, *, default: bool = True) -> bool:
    """Ask for a yes or a no; Enter takes the default."""
    return choose(question, [(True, "Yes"), (False, "No")], default)


def ask(question: str, complaint: Callable[[str], str], *, secret: bool = False) -> str:
    """Ask for a line until there is nothing to complain of, and return it without the blanks around it.

    Args:
        question: Ends with a colon.
        complaint: Judges the answer without the blanks around it: what is wrong with it, or "".
        secret: Show stars instead, and begin with an empty line after a complaint: nobody can correct what is unseen.
    """
    answer = ""
    while True:
        answer = prompt(f"{question} ", is_password=secret, default="" if secret else answer).strip()
        if not (wrong := complaint(answer)):
            return answer
        say(f"  ✗ {wrong}", "    ")


@dataclass
class Picker(Generic[T]):
    """A list on the terminal, from which a person picks.

    Attributes:
        question: What is asked.
        options: Value and label of each.
        at: Where the cursor is.
        ticked: Which are ticked, where several may be; None where one is chosen.
        typed: What was typed to find one: a number, or the beginning of a word of its label.
    """

    question: str
    options: Sequence[tuple[T, str]]
    at: int = 0
    ticked: set[int] | None = None
    typed: str = field(default="", init=False)

    def ask(self) -> None:
        """Show the list until Enter is pressed on an option.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        control = FormattedTextControl(self._shown, focusable=True, show_cursor=False)
        window = Window(control, dont_extend_height=True)
        Application[None](layout=Layout(window), key_bindings=self._keys()).run()

    def move(self, by: int) -> None:
        """Go up or down."""
        self.at, self.typed = (self.at + by) % len(self.options), ""

    def type(self, text: str) -> None:
        """Go to the option that what was typed so far names."""
        if text.isprintable():  # no other key is a name
            self.typed += text.strip().lower()
            self.at = self.at if self.named is None else self.named

    @property
    def named(self) -> int | None:
        """The option that what was typed names; None when there is none."""
        if not self.typed:
            return self.at
        if self.typed.isdecimal():
            number = int(self.typed)
            return number - 1 if 1 <= number <= len(self.options) else None
        begins = re.compile(rf"(?<![a-z0-9]){re.escape(self.typed)}").search
        return next((n for n, (_, label) in enumerate(self.options) if begins(label.lower())), None)

    def tick(self) -> None:
        """Tick the option under the cursor, or take its tick away."""
        if self.ticked is not None and self.named is not None:
            self.ticked ^= {self.at}
            self.typed = ""

    def _shown(self) -> StyleAndTextTuples:
        hint = f"{ONE if self.ticked is None else SEVERAL} {self.typed}"
        hint = "✗ Nothing here is called that." if self.named is None else hint  # it may be a secret, pasted too early
        lines: StyleAndTextTuples = [("", f"{self.question}\n"), ("italic", f"  {hint}\n")]
        for n, (_, label) in enumerate(self.options):
            box = "" if self.ticked is None else "[x] " if n in self.ticked else "[ ] "
            cursor = ">" if n == self.at else " "
            lines.append(("bold" if n == self.at else "", f"  {cursor} {n + 1:2}. {box}{label}\n"))
        return lines

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def on(*names: str) -> Callable[[Callable[[KeyPressEvent], None]], object]:
            return lambda act: [keys.add(name, eager=True)(act) for name in names]

        on("up")(lambda event: self.move(-1))
        on("down")(lambda event: self.move(1))
        keys.add(Keys.Any)(lambda event: self.type(event.data))
        on("c-h", "c-u")(lambda event: self.move(0))
        keys.add(Keys.BracketedPaste)(lambda event: self.type(event.data))
        if self.ticked is not None:
            on(" ")(lambda event: self.tick())
        on("enter")(lambda event: self.move(0) if self.named is None else event.app.exit())
        on("c-c", "<sigint>")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
        on("c-d")(lambda event: event.app.exit(exception=EOFError()))
        return keys


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
