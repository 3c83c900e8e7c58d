"""What is printed while the sandbox works: a line of a story, who got what, and messages in frames."""

import shutil
from collections.abc import Iterable
from typing import Any, TextIO

from sandbox.channels import FAKES, Mail
from sandbox.columns import wrapped

WIDTH = 100
MARGIN = 4
"""Characters of a frame's line that are not its text."""
BOLD, DIM, BLUE, GREEN, RED = "1", "2", "34", "32", "31"


class Screen:
    """Prints to a stream; colours only on a terminal, and nothing wider than it, or than 80 columns without one.

    Attributes:
        width: Characters of the text in a frame: at most 100, and as many as the terminal has room for.
        full: Whether every message is printed.
    """

    def __init__(self, out: TextIO, columns: int | None = None, *, full: bool = True) -> None:
        """Print to a stream, whatever characters it can show.

        Args:
            out: The stream.
            columns: The terminal's unless given.
            full: Whether to print every message; else those of chosen steps, and who got what of the others.
        """
        self._out = out
        self._colours = out.isatty()
        self._columns = columns or shutil.get_terminal_size().columns
        self.width = max(20, min(WIDTH, self._columns - MARGIN))
        self.full = full
        self._framed = True

    def narrate(self, text: str, *, chosen: bool = False) -> None:
        """Print a line of the story; the messages that follow are printed if all are, or if this step was chosen."""
        self._framed = self.full or chosen
        self._print("")
        self._lines(text, BOLD, first="▶ ", then="  ")

    def sent(self, title: str, recipients: Iterable[str]) -> None:
        """Print who got a message of this title, unless all are printed anyway."""
        if not self.full:
            self._lines(f"{', '.join(recipients)}: {title}", BLUE, first="  → ", then="    ")

    def remark(self, text: str) -> None:
        """Print something beside the story."""
        self._lines(text, DIM)

    def mail(self, mail: Mail, address: str) -> None:
        """Print an e-mail: what SNS makes of a subject and a body."""
        self._frame("E-mail", f"To:      {address}\nSubject: {mail.subject or '(none)'}\n\n{mail.body}", BLUE)

    def message(self, channel: str, payload: dict[str, Any]) -> None:
        """Print what a channel's reader sees."""
        fake = FAKES[channel]
        self._frame(fake.label, fake.text(payload, self.width), GREEN)

    def verdict(self, text: str, good: bool) -> None:
        """Print whether all went well."""
        self._print("")
        self._lines(text, GREEN if good else RED)

    def _frame(self, title: str, text: str, colour: str) -> None:
        if not self._framed:
            return
        bar = self._painted("│", colour)
        self._print(f"  {self._painted(f'┌─ {title} '.ljust(self.width + MARGIN - 2, '─'), colour)}")
        for line in wrapped(text.rstrip(), self.width):
            self._print(f"  {bar} {line}".rstrip())
        self._print(f"  {self._painted('└'.ljust(self.width + MARGIN - 2, '─'), colour)}")

    def _lines(self, text: str, colour: str, first: str = "", then: str = "") -> None:
        for line in wrapped(text, self._columns - len(first)):
            self._print(self._painted(first + line, colour))
            first = then

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    def _painted(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
