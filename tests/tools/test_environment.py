"""How an environment is made: what is shown meanwhile, and what is said when it fails."""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tools import environment, packages

ROOT = Path(__file__).parents[2]
LOCK = "boto3==1.42.1 \\\n    --hash=sha256:00\ncolorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
COLLECTING = """Looking in indexes: https://pypi.org/simple
Ignoring colorama: markers "sys_platform == 'win32'" don't match your environment
Collecting boto3==1.42.1 (from -r requirements/dev.txt (line 1))
  Downloading boto3-1.42.1-py3-none-any.whl (140 kB)
"""
RETRYING = (
    "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by"
    " 'NewConnectionError('<HTTPSConnection object>: Failed to establish a new connection: [Errno 111] Connection"
    " refused')': /simple/boto3/\n"
)
NOT_FOUND = "ERROR: No matching distribution found for boto3==1.42.1\n"
MISMATCH = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
DISK_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("said", "done", "shown"),
    [
        ("", 0, "fetching 0 of 2"),
        (COLLECTING, 0, "fetching 1 of 1"),
        (COLLECTING + RETRYING, 0, "PyPI does not answer; still trying"),
        (RETRYING + COLLECTING, 0, "fetching 1 of 1"),
        (COLLECTING + "Installing collected packages: boto3\n", 0, "installing 0 of 1"),
        (COLLECTING + "Installing collected packages: boto3\n", 1, "installing 1 of 1"),
    ],
)
def test_the_progress_is_true(said: str, done: int, shown: str) -> None:
    """What pip has said so far, and what is there; what is for other platforms does not count."""
    assert environment.progress(said, 2, done) == shown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(RETRYING + NOT_FOUND, "PyPI cannot be reached.\n  → Check the network", id="no network"),
        pytest.param("ReadTimeoutError: Read timed out.", "PyPI cannot be reached.\n  → Check", id="a slow network"),
        pytest.param("NameResolutionError", "PyPI cannot be reached.\n  → Check the network", id="no DNS"),
        pytest.param(NOT_FOUND, "There is no wheel of boto3 for this machine and Python 3.", id="no wheel"),
        pytest.param(MISMATCH, "A package is not the one that was locked.", id="another file"),
        pytest.param(DISK_FULL, "The disk is full.\n  → Free some space", id="no disk"),
        pytest.param("a\nERROR: out of luck", "a\nERROR: out of luck\n✗ pip failed.\n  → It says why", id="else"),
    ],
)
def test_each_failure_of_pip_has_its_sentence(said: str, words: str) -> None:
    """What failed and what to do; pip's own words only where there are no better ones."""
    assert words in packages.explain(said)
    assert max(map(len, packages.explain(said).splitlines())) <= 80


def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> list[str]:
    """Make an interpreter whose pip does this; return the arguments of `make`."""
    venv = tmp_path / "python"
    inner = tmp_path / "pip"
    inner.write_text(f"#!/bin/sh\necho x >>{tmp_path}/calls\n{does}\n")
    venv.write_text(f'#!/bin/sh\n[ "$2" = venv ] || exit 9\nmkdir -p "$4/bin" && cp {inner} "$4/bin/python"\n')
    for script in (inner, venv):
        script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(venv))
    monkeypatch.setattr("tools.packages.PAUSE_SECONDS", 0.0)
    (tmp_path / "dev.txt").write_text(LOCK)
    return [str(tmp_path / "dev.txt"), str(tmp_path / "made" / "venv")]


INSTALLS = 'site=$(dirname "$0")/../lib/python3.11/site-packages; mkdir -p $site/boto3-1.42.1.dist-info'


@pytest.mark.parametrize(("out", "moves"), [(io.StringIO(), False), (Terminal(), True)])
def test_it_says_what_it_does_how_much_and_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: io.StringIO, moves: bool
) -> None:
    """A log gets two lines; a terminal one more that moves."""
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    does = f"cat <<'END'\n{COLLECTING}END\ncat {go_on}\n{INSTALLS}"
    arguments = fake_pip(tmp_path, monkeypatch, does)
    real = packages.pip

    def pip(*given: object, meanwhile: object, **named: object) -> None:
        def shown() -> None:
            assert callable(meanwhile)
            meanwhile()
            with suppress(OSError):  # it does not wait yet
                os.close(os.open(go_on, os.O_WRONLY | os.O_NONBLOCK))

        real(*given, meanwhile=shown, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("tools.packages.POLL_SECONDS", 0.01)
    monkeypatch.setattr("tools.environment.pip", pip)
    monkeypatch.setattr(sys, "stdout", out)
    environment.make(*map(Path, arguments))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith(f"Installing {arguments[0]}, once: 1-2 minutes, {environment.DISK_MB['dev']} MB in ")
    assert lines[-1].strip().startswith("1 packages in 0 s, 0 MB")
    assert ("\r  fetching " in out.getvalue()) == moves
    assert moves or len(lines) == 2


@pytest.mark.parametrize(("said", "tries"), [(RETRYING + NOT_FOUND, 2), (MISMATCH, 1)])
def test_it_ends_with_a_sentence_and_tries_again_only_where_that_may_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, tries: int
) -> None:
    """The network may be back; a wrong file stays wrong."""
    arguments = fake_pip(tmp_path, monkeypatch, f"cat <<'END'\n{said}END\nexit 1")
    with pytest.raises(SystemExit, match=r"^✗ .*\n  → "):
        environment.make(*map(Path, arguments))
    assert (tmp_path / "calls").read_text() == "x\n" * tries


def test_a_machine_that_cannot_do_it_is_told_before_anything_is_made() -> None:
    """Too little disk, or Windows."""
    with pytest.raises(SystemExit, match=r"needs 460 MB of disk, and 100 MB are free\.\n  → Free some"):
        environment._refuse("posix", 100, 460)
    with pytest.raises(SystemExit, match="needs Linux or macOS"):
        environment._refuse("nt", 10**6, 460)
    environment._refuse("posix", 460, 460)


def test_ctrl_c_ends_it_with_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And the usual exit code."""

    def stopped(lock_file: Path, folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "make", stopped)
    monkeypatch.setattr("sys.argv", ["environment", "requirements/dev.txt", "nowhere"])
    assert environment.main() == 130
    assert capsys.readouterr().err == "\nStopped. The next time starts again.\n"


def test_the_disk_of_every_environment_is_known() -> None:
    """Of all but `runtime`, which is no environment."""
    names = {path.stem for path in (ROOT / "requirements").glob("*.txt")} - {"runtime"}
    assert environment.DISK_MB.keys() == names
    assert min(environment.DISK_MB.values()) > 0
