"""How packages are fetched: what is said when pip fails, for an environment and for what ships."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tools import build, environment

RETRYING = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/boto3/\n"
NOT_FOUND = "ERROR: No matching distribution found for boto3==1.42.1\n"
MISMATCH = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (RETRYING + NOT_FOUND, "PyPI cannot be reached.\n  → Check the network"),
        ("ReadTimeoutError: Read timed out.", "PyPI cannot be reached.\n  → Check the network"),
        (NOT_FOUND, "A package has no wheel for this machine and Python 3."),
        (MISMATCH, "A package is not the one that was locked."),
        ("OSError: [Errno 28] No space left on device", "The disk is full.\n  → Free some space"),
        ("a\nERROR: out of luck", "a\nERROR: out of luck\n✗ pip failed.\n  → It says why"),
    ],
)
def test_each_failure_of_pip_has_its_sentence(said: str, words: str) -> None:
    """What failed and what to do; pip's own words only where there are no better ones."""
    assert words in environment.explain(said)
    assert max(map(len, environment.explain(said).splitlines())) <= 80


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the script that Python's pip is here; it records what it is told to do."""
    script, venv = tmp_path / "pip", tmp_path / "python"
    venv.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] || exec {script} "$@"\nmkdir -p "$4/bin" && cp {script} "$4/bin/python"\n'
    )
    venv.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(venv))
    monkeypatch.setattr(environment, "PAUSE_SECONDS", 0.0)
    return script


def does(pip: Path, what: str) -> None:
    """Let pip do this."""
    pip.write_text(f'#!/bin/sh\necho "$3" >>{pip.parent}/calls\n{what}\n')
    pip.chmod(0o755)


@pytest.mark.parametrize("moves", [False, True])
def test_it_says_how_far_it_is(
    pip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moves: bool
) -> None:
    """A log gets two lines; a terminal one more that moves."""
    installs = 'site=$(dirname "$0")/../lib/python3.11/site-packages; mkdir -p $site/boto3-1.42.1.dist-info'
    does(pip, f"echo Collecting boto3==1.42.1\necho Installing collected packages: boto3\n{installs}")
    monkeypatch.setattr("sys.stdout.isatty", lambda: moves, raising=False)
    monkeypatch.setattr("sys.argv", ["environment", "requirements/dev.txt", str(pip.parent / "venv")])
    assert environment.main() == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Installing requirements/dev.txt in {pip.parent / 'venv'}, once: 1-2 minutes\n")
    assert shown.endswith("  1 packages in 0 s\n")
    assert ("\r  fetching boto3 " in shown, "\r  installing all" in shown, "\r" in shown) == (moves, moves, moves)


@pytest.mark.parametrize(("said", "tries"), [(RETRYING + NOT_FOUND, 2), (MISMATCH, 1)])
@pytest.mark.parametrize("command", [partial(environment.make, Path("requirements/dev.txt")), build.fetch, build.build])
def test_it_ends_with_a_sentence_and_tries_again_only_where_that_may_help(
    pip: Path, capsys: pytest.CaptureFixture[str], command: Callable[[Path], object], said: str, tries: int
) -> None:
    """The network may be back; a wrong file stays wrong. Nobody sees a traceback, ours or pip's."""
    does(pip, f"cat <<'END'\n{said}END\nexit 1")
    with pytest.raises(SystemExit, match=r"^✗ .*\n  → "):
        command(pip.parent / "made")
    assert len((pip.parent / "calls").read_text().split()) == tries
    assert "NewConnectionError" not in capsys.readouterr().out


def test_ctrl_c_ends_it_with_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And the usual exit code."""

    def stopped(lock_file: Path, folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "make", stopped)
    monkeypatch.setattr("sys.argv", ["environment", "requirements/dev.txt", "nowhere"])
    assert environment.main() == 130
    assert capsys.readouterr().err == "\nStopped. The next time starts again.\n"
