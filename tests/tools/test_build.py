"""`make build` where it cannot fetch what ships."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build


@pytest.mark.parametrize(("step", "said"), [("download", "Check the network"), ("install", "make clean build")])
def test_pip_that_fails_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch, step: str, said: str) -> None:
    """Not in a traceback: pip itself has said why."""

    def fails(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        assert command[:4] == [sys.executable, "-m", "pip", step]
        assert not check
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", fails)
    monkeypatch.setattr(shutil, "rmtree", lambda folder, ignore_errors: None)
    with pytest.raises(SystemExit, match=f"✗ pip could not {step} the packages that ship.\n  → .*{said}"):
        build.fetch(Path("nowhere")) if step == "download" else build.build(Path("nowhere"))
