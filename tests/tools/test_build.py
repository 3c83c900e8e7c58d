"""`make build` where it cannot fetch what ships."""

import sys
from pathlib import Path

import pytest

from tools import build

RETRYING = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/boto3/"


@pytest.mark.parametrize("step", ["download", "install"])
def test_pip_that_fails_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    """Not in a traceback, neither ours nor pip's; after a second try."""
    pip = tmp_path / "python"
    pip.write_text(f'#!/bin/sh\necho "$3" >>{tmp_path}/calls\necho "{RETRYING}"\nexit 1\n')
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    monkeypatch.setattr("tools.build.ROOT", tmp_path)
    monkeypatch.setattr("tools.packages.PAUSE_SECONDS", 0.0)
    with pytest.raises(SystemExit, match=r"^✗ The packages cannot be fetched: PyPI .*\n  → Check the network"):
        build.fetch(tmp_path / "wheels") if step == "download" else build.build(tmp_path / "package")
    assert (tmp_path / "calls").read_text().split() == [step, step]
    assert "NewConnectionError" not in capsys.readouterr().out
