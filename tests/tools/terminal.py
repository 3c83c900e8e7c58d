"""A command on a real pseudo-terminal, and the person in front of it."""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.aws import NO_FILES

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30.0
SILENT_SECONDS = 5.0
WHERE_IS_THE_CURSOR, THERE = b"\x1b[6n", b"\x1b[1;1R"
ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
CTRL_C, ENTER = "\x03", "\r"
UP, DOWN = "\x1b[A", "\x1b[B"


class Nursery:
    """Where the commands are started; see the module of this name."""

    def __init__(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "tests.tools.nursery"]
        alone = {"PATH": os.environ["PATH"], **NO_FILES}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=alone, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, **request: object) -> int:
        """Return the answer to a request."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


class Terminal:
    """One command, running from construction until it ends or the `with` block does.

    Attributes:
        screen: All that was shown, without the escape sequences that move the cursor and colour.
    """

    def __init__(self, nursery: Nursery, environment: Mapping[str, str], module: str, *arguments: str) -> None:
        """Start a tool on a terminal of its own, with these variables and no more."""
        self.screen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unshown = ""
        self._seen = 0
        self._person, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", **environment}
        self._nursery = nursery
        self._process = nursery.ask(
            module=module, arguments=arguments, environment=variables, terminal=os.ttyname(terminal)
        )
        self._terminal: int | None = terminal
        self._ended = False

    def __enter__(self) -> Self:
        """Do nothing: the command runs already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the command if it still runs."""
        if not self._ended:
            os.kill(self._process, signal.SIGKILL)
        os.close(self._person)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._person, text.encode())

    def answer(self, question: str, text: str = "") -> None:
        """Wait for a question and answer it."""
        self.wait_for(question)
        self.type(text + ENTER)

    def wait_for(self, text: str) -> None:
        """Wait until something is shown after what was waited for before."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (at := self.screen.find(text, self._seen)) < 0:
            if not self._read(end):
                raise AssertionError(f"{text!r} was not shown after:\n{self.screen[self._seen :]}")
        self._seen = at + len(text)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed between two questions."""
        return bool(termios.tcgetattr(self._person)[3] & termios.ECHO)

    def end(self, how: signal.Signals) -> None:
        """Send the command a signal."""
        os.kill(self._process, how)

    def exit_code(self, again: str = "") -> int:
        """Wait for the command's end and return its exit code.

        `again` is pressed once more where nothing happens for seconds: a key can get lost while a question is drawn.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        silent = min(end, time.monotonic() + SILENT_SECONDS) if again else end
        while self._read(silent):
            pass
        if silent < end and time.monotonic() >= silent:
            self.type(again)
            while self._read(end):
                pass
        assert time.monotonic() < end, f"it has not ended after:\n{self.screen[self._seen :]}"
        self._ended = True
        return self._nursery.ask(wait=self._process)

    def _read(self, end: float) -> bool:
        """Read on, answering as a terminal does; return False when there is nothing more to come."""
        ready, _, _ = select.select([self._person], [], [], max(0.0, end - time.monotonic()))
        try:
            new = os.read(self._person, 65536) if ready else b""
        except OSError:  # the other side is closed
            new = b""
        if self._terminal is not None and new:  # the command has opened it: from now on only its end closes it
            os.close(self._terminal)
            self._terminal = None
        if new.count(WHERE_IS_THE_CURSOR):
            os.write(self._person, THERE * new.count(WHERE_IS_THE_CURSOR))
        text = self._unshown + self._decoder.decode(new)
        begun = text.rfind("\x1b")
        whole = len(text) if begun < 0 or ESCAPE.match(text, begun) else begun
        self._unshown = text[whole:]
        self.screen += ESCAPE.sub("", text[:whole]).replace("\r", "")
        return bool(new)
