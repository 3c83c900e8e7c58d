"""The newcomer sees what a terminal shows, and is lost where somebody would be."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.newcomer.answers import Answer, answer_all
from tests.newcomer.display import COLUMNS, Display
from tests.newcomer.shell import LostError, Shell

SHOWN: dict[str, tuple[str, list[str], list[str]]] = {
    "lines": ("one\r\ntwo", ["one", "two"], []),
    "as wide as the terminal": ("x" * 80 + "\r\ny", ["x" * 80, "y"], []),
    "wider": ("x" * 81, ["x" * 80, "x"], ["x" * 80]),
    "wide characters": ("界" * 41, ["界" * 40, "界"], ["界" * 40]),
    "much wider is one line": ("x" * 170, ["x" * 80, "x" * 80, "x" * 10], ["x" * 160]),
    "cut, where the program wants it": ("\x1b[?7l" + "x" * 90 + "\x1b[?7h", ["x" * 80], []),
    "colours": ("\x1b[31m✗\x1b[0m no", ["✗ no"], []),
    "written over": ("Code: \rName: ", ["Name:"], []),
    "moved and erased": ("one\r\ntwo\x1b[1A\x1b[1D\x1b[0KE\x1b[5G!", ["onE !", "two"], []),
    "erased below": ("one\r\ntwo\r\n\x1b[2A\x1b[J.", ["."], []),
    "a title": ("\x1b]0;title\x07x", ["x"], []),
}


@pytest.mark.parametrize("case", SHOWN)
@pytest.mark.parametrize("piece", [1, 1000])
def test_a_display_shows_what_a_terminal_does(case: str, piece: int) -> None:
    """Whole or in pieces; and it knows which lines were too wide."""
    written, lines, broken = SHOWN[case]
    display = Display()
    for start in range(0, len(written), piece):
        display.feed(written[start : start + piece])
    assert (display.lines(), display.broken) == (lines, broken)


def test_a_program_is_told_where_the_cursor_is() -> None:
    """On the screen, of which 24 lines are seen."""
    display = Display()
    display.feed("\r\n" * 100 + "ab\x1b[6n")
    assert (display.questions, display.place) == (1, "\x1b[24;3R")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give a shell in an empty folder."""
    with closing(Shell(tmp_path, {"PATH": "/usr/bin:/bin"})) as opened:
        yield opened


NEVER_SEEN = {
    "a traceback": "echo Traceback '(most recent call last):'",
    "a usage text": "echo usage: ask",
    "what the shell says": "nonesuch",
    "a line that is too wide": "printf %081d 1",
    "wide characters": "printf '界%.0s' {1..41}",
}


@pytest.mark.parametrize("case", NEVER_SEEN)
def test_the_newcomer_is_lost_where_nobody_should_be(shell: Shell, case: str) -> None:
    """Whatever its exit code."""
    shell.start(NEVER_SEEN[case] + "; echo")
    with pytest.raises(LostError):
        shell.end()


def test_an_end_has_its_exit_code_and_what_was_shown(shell: Shell) -> None:
    """What is to be copied may be as long as it is."""
    shell.start("echo one; echo https://example.com/$(printf %0200d 1); (exit 3)")
    code, shown = shell.end()
    assert (code, shown.splitlines()[0]) == (3, "one")
    assert max(map(len, shown.splitlines())) == COLUMNS


ASKS = 'read -p "Name: " a; read -p "Code: " b; '
WRONG = 'echo "  ✗ Wrong."; read -p "Code: " b; '
RIGHT: dict[str, list[Answer]] = {"Name: ": [Answer("x")], "Code: ": [Answer("1", "Wrong."), Answer("2")]}
LOST: dict[str, tuple[str, dict[str, list[Answer]], str]] = {
    "asked once more": (ASKS + WRONG + WRONG, RIGHT, "'Code: ' is asked once more, for nothing"),
    "all asked once more": (ASKS + WRONG + ASKS, RIGHT, "'Name: ' is asked once more, for nothing"),
    "a mistake that passes": (ASKS, RIGHT, "Never asked: Code: "),
    "no complaint": (ASKS + ASKS[ASKS.index("; ") + 2 :], RIGHT, "Nothing says 'Wrong.'"),
}


@pytest.mark.parametrize("case", LOST)
def test_a_question_for_nothing_is_noticed(shell: Shell, case: str) -> None:
    """And a mistake that nobody complains of."""
    command, asked, said = LOST[case]
    (shell.folder / "asks").write_text(command)
    shell.start(". ./asks")
    with pytest.raises(LostError) as lost:
        answer_all(shell, asked)
    assert said in str(lost.value)


def test_questions_are_answered_by_their_text(shell: Shell) -> None:
    """In whatever order."""
    (shell.folder / "asks").write_text(ASKS + WRONG + 'echo "$a $b"')
    shell.start(". ./asks")
    answer_all(shell, dict(reversed(RIGHT.items())))
    code, shown = shell.end()
    assert (code, shown.splitlines()[-1]) == (0, "x 2")
