"""Somebody at a terminal: what they type, what they wait for, and what they must never see."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from tests.newcomer.display import COLUMNS, LINES, Display

CTRL_C, CTRL_U, ENTER = "\x03", "\x15", "\r"
PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 0.15
"""So long a program writes nothing when it waits for an answer."""
PROMPT = re.compile(r"^\[(\d+)\] > ?$")
NEVER = re.compile(
    r"Traceback \(most recent call last\)|^usage: |Unexpected: |command not found|: line \d+: |No such file"
)
"""What nobody should see, whatever they typed."""
COPIED = re.compile(r"https?://\S+|^ *(aws|pip) ")
"""What is to be copied stays in one piece, however long it is."""


class LostError(Exception):
    """The newcomer does not know how to go on."""


class Shell:
    """Bash on a terminal of 80 columns and 24 lines; it shows the exit code of what was typed last, and then waits.

    Attributes:
        folder: Where it was started.
        display: What the terminal shows.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in a folder, with these variables and no more."""
        self.folder = folder
        self.display = Display()
        self._seen = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._person, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],  # noqa: S607 - whichever a person has
            cwd=folder,
            env={**environment, "TERM": "xterm", "LANG": "C.UTF-8", "PS1": "[$?] > ", "HISTFILE": os.devnull},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it
        )
        os.close(terminal)
        self.wait_for(PROMPT.pattern)

    def close(self) -> None:
        """Hang up, as closing the window does."""
        os.close(self._person)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def type(self, keys: str) -> None:
        """Press these keys; what is shown from then on is new."""
        self.read()
        self._seen = self.display.row
        os.write(self._person, keys.encode())

    @property
    def new(self) -> str:
        """What has been shown since something was typed, in that line and below it."""
        return "\n".join(self.display.lines(self._seen))

    def wait_for(self, pattern: str, patience: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Wait until what is new has something in it."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.new, re.MULTILINE)):
            if not self.read(end - time.monotonic()):
                raise LostError(f"{pattern!r} was not shown, but:\n{self.new}")
        return found

    def quiet(self, patience: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing has been written for a moment."""
        end = time.monotonic() + patience
        while self.read(QUIET_SECONDS):
            if time.monotonic() > end:
                raise LostError(f"It never waits:\n{self.new}")

    def read(self, patience: float = 0.0) -> bool:
        """Take what was written, and answer as a terminal does; return whether there was anything."""
        if not select.select([self._person], [], [], max(0.0, patience))[0]:
            return False
        try:
            written = os.read(self._person, 65536)
        except OSError:  # the program has ended
            return False
        self.display.feed(self._decoder.decode(written))
        for _ in range(self.display.questions):
            os.write(self._person, self.display.place.encode())
        self.display.questions = 0
        return bool(written)

    def examine(self) -> None:
        """See that nothing was shown that nobody should see, and that everything fitted."""
        for line in self.display.lines():
            if NEVER.search(line):
                raise LostError(f"Nobody should see this: {line}\n{self.new}")
        if wide := [line for line in self.display.broken if not COPIED.search(line)]:
            raise LostError(f"Wider than {COLUMNS} columns: {wide[0]!r}\n{self.new}")
        self.display.broken.clear()

    def start(self, command: str) -> None:
        """Type a command."""
        self.type(command + ENTER)

    def end(self, patience: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Wait until the shell takes the next command; return the last one's exit code, and what it has shown."""
        deadline = time.monotonic() + patience
        while not (code := self.waits):
            if not self.read(deadline - time.monotonic()):
                raise LostError(f"It did not end:\n{self.new}")
        self.examine()
        shown = self.new.partition("\n")[2].rpartition("\n")[0]
        return int(code[1]), shown

    @property
    def waits(self) -> re.Match[str] | None:
        """The prompt at the cursor, if the shell waits for a command there."""
        return PROMPT.match(self.display.lines()[self.display.row]) if self.display.row > self._seen else None
