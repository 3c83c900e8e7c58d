"""What is shown in the terminal."""

import io
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from sandbox.columns import cells
from sandbox.mail import Mail
from sandbox.runtime import ROOT
from sandbox.screen import Screen


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


LONG = "word " * 60 + "\n\n" + "x" * 250 + " 🔴 " + "界" * 70 + "\n\nlast"
FIELDS = [{"type": "plain_text", "text": text} for text in ("A label", "A value that is long enough to be wrapped")]
POST = {"blocks": [{"type": "header", "text": FIELDS[1]}, {"type": "section", "fields": FIELDS * 2}]}


@pytest.mark.parametrize(("columns", "widest"), [(60, 60), (80, 80), (100, 100), (104, 104), (200, 104)])
def test_nothing_is_wider_than_the_terminal(columns: int, widest: int) -> None:
    """Frames end where they must, nothing is lost, and on a wide terminal lines stay readable."""
    out = io.StringIO()
    screen = Screen(out, columns, full=False)
    screen.narrate("word " * 60, chosen=True)
    screen.sent("word " * 50, ["word"] * 10)
    screen.remark("word " * 60)
    screen.mail(Mail("Subject", LONG, {}), "it@example.com")
    screen.message("slack", POST)
    screen.verdict("word " * 60, good=True)
    shown = out.getvalue()
    framed = [line for line in shown.splitlines() if line[2:3] in tuple("┌│└")]
    assert max(map(cells, framed)) <= widest
    assert max(map(cells, shown.splitlines())) <= columns
    assert {cells(line) for line in framed if line[2] in "┌└"} == {widest}
    assert [shown.count(part) for part in ("word", "x", "界", "🔴", "last")] == [300, 251, 70, 1, 1]
    assert "To:      it@example.com" in shown


def test_fields_stay_in_two_columns_at_80() -> None:
    """The second one is not wrapped under the first."""
    out = io.StringIO()
    Screen(out, 80).message("slack", POST)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("  │ A label")]
    assert [line.index("A value") for line in lines] == [42, 42]


@pytest.mark.parametrize(("columns", "width"), [(80, 76), (132, 100)])
def test_the_width_is_the_terminals(columns: int, width: int) -> None:
    """A real terminal is asked how wide it is, by a process that has it for its standard output."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, columns))
    code = "import sys; from sandbox.screen import Screen; s = Screen(sys.stdout); s.message('slack', {'text': 'x'})"
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = [sys.executable, "-c", f"{code}; print(s.width)"]
    with subprocess.Popen(command, stdout=follower, cwd=ROOT, env={**environment, "LC_ALL": "C.UTF-8"}) as process:
        os.close(follower)
        shown = b""
        with suppress(OSError):  # Linux says so when the other end is closed
            while piece := os.read(leader, 4096):
                shown += piece
    os.close(leader)
    lines = re.sub("\033\\[[0-9]*m", "", shown.decode()).splitlines()
    assert process.returncode == 0
    assert lines[-1] == str(width)
    assert max(map(len, lines)) == width + 4


def test_without_a_terminal_80_columns_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file, a pipe or a log, whose reader's width nobody knows."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda descriptor: os.terminal_size((0, 0)))
    assert Screen(io.StringIO()).width == 76


def test_messages_of_chosen_steps_are_shown_and_the_others_unless_all_are_wanted() -> None:
    """In brief; in full there is no line that would say the same again."""
    shown = {}
    for full in (False, True):
        out = io.StringIO()
        screen = Screen(out, full=full)
        for number in (1, 2, 3):
            screen.narrate("A step.", chosen=number == 2)
            screen.sent(f"title {number}", ["e-mail", "Slack"])
            screen.mail(Mail("Subject", f"mail {number}", {}), "it@example.com")
            screen.message("slack", {"text": f"post {number}"})
        shown[full] = re.findall(r"(?:mail|post|Slack: title) \d", out.getvalue())
    assert shown[False] == ["Slack: title 1", "Slack: title 2", "mail 2", "post 2", "Slack: title 3"]
    assert shown[True] == ["mail 1", "post 1", "mail 2", "post 2", "mail 3", "post 3"]


@pytest.mark.parametrize(("out", "coloured"), [(io.StringIO(), False), (Terminal(), True)])
def test_colours_are_for_terminals(out: io.StringIO, coloured: bool) -> None:
    """A file or a pipe gets plain text."""
    screen = Screen(out)
    screen.narrate("x")
    screen.message("slack", {"text": "x"})
    screen.verdict("x", good=True)
    assert ("\033[" in out.getvalue()) == coloured
