"""How packages are fetched: what is said when pip fails, for an environment and for what ships."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tools import build, environment

NOT_FOUND = "ERROR: No matching distribution found for boto3==1.42.1\n"
RETRYING = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/boto3/\n"


def test_each_failure_of_pip_has_its_sentence() -> None:
    """What failed and what to do; pip's own words only where there are no better ones."""
    for said, words in {
        RETRYING + NOT_FOUND: "PyPI cannot be reached.\n  → ",
        NOT_FOUND: "A package has no wheel for this machine and Python 3.",
        "THESE PACKAGES DO NOT MATCH THE HASHES": "A package is not the one that was locked.",
        "OSError: [Errno 28] No space left on device": "The disk is full.\n  → ",
        "a\nERROR: out of luck": "a\nERROR: out of luck\n✗ That failed.\n  → ",
    }.items():
        assert words in environment.explain(said)


@pytest.mark.parametrize("command", [partial(environment.make, Path("requirements/dev.txt")), build.fetch])
def test_a_failure_ends_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[[Path], object]
) -> None:
    """Nobody sees one, ours or pip's; this Python can make an environment whose pip reaches nothing."""
    python = tmp_path / "python"
    fails = f'[ "$2" = pip ] && {{ echo "{RETRYING.strip()}"; exit 1; }}'
    python.write_text(f'#!/bin/sh\n{fails}\nmkdir -p "$4/bin" && cp "$0" "$4/bin/python"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(SystemExit, match=r"^✗ The packages cannot be fetched: PyPI cannot be reached\.\n  → "):
        command(tmp_path / "made")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A link may lead nowhere."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"^✗ The folder cannot be made or written\.\n  → .*VENV=\.\.\."):
        environment.make(Path("requirements/run.txt"), tmp_path / "link" / "venv")
