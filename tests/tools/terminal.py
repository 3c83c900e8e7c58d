"""A command on a real pseudo-terminal, and the person in front of it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
CURSOR_IS_WHERE, IT_IS_HERE = b"\x1b[6n", b"\x1b[1;1R"
ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])|[\x00-\x08\x0b-\x1f]")
CTRL_C, CTRL_U, ENTER = "\x03", "\x15", "\r"


class Terminal:
    """A running command.

    Attributes:
        process: The command.
        shown: All that it has written.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", person: int) -> None:
        """Sit down in front of it."""
        self.process = process
        self._person = person
        self.shown = b""
        self._seen = 0

    @property
    def screen(self) -> str:
        """All that was shown, without escape sequences."""
        return ESCAPES.sub(b"", self.shown).decode(errors="replace")

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed between two questions."""
        return bool(termios.tcgetattr(self._person)[3] & termios.ECHO)

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._person, keys.encode())

    def answer(self, question: str, keys: str = "") -> None:
        """Wait for a text after what was waited for before; then type, and press Enter."""
        self.wait_for(question)
        self.type(keys + ENTER)

    def wait_for(self, text: str) -> None:
        """Wait for a text after what was waited for before."""
        while (at := self.screen.find(text, self._seen)) < 0:
            assert self._read(), f"{text!r} was not shown after:\n{self.screen[self._seen :]}"
        self._seen = at + len(text)

    def exit_code(self) -> int:
        """Wait for the end; return the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        end = time.monotonic() + PATIENCE_SECONDS
        ready, _, _ = select.select([self._person], [], [], max(0.0, end - time.monotonic()))
        try:
            new = os.read(self._person, 65536) if ready else b""
        except OSError:  # the command has ended
            return False
        self.shown += new
        if CURSOR_IS_WHERE in new:
            os.write(self._person, IT_IS_HERE)
        return bool(new)


@contextmanager
def running(module: str, *arguments: str, **variables: str) -> Iterator[Terminal]:
    """Run a tool on a terminal of 24 lines and 100 columns, with these variables and no more."""
    person, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", **variables},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it
    ) as process:
        os.close(terminal)
        try:
            yield Terminal(process, person)
        finally:
            process.kill()
            os.close(person)
