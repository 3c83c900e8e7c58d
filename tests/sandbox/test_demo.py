"""`make run` and `make sandbox`, played as a person plays them."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import requests

from sandbox import endpoint
from sandbox.__main__ import main
from sandbox.demo import PAGE, play
from sandbox.keep import shell
from sandbox.runtime import ROOT
from sandbox.server import Request, Response
from tests.dynamodb import create_table

COMMAND = [sys.executable, "-m", "sandbox"]


@pytest.mark.deep
def test_make_run_tells_the_story_and_opens_a_page() -> None:
    """Everything arrives once, no line is wider than a terminal, one failure is shown in full, and the page has all."""
    environment = {"PATH": os.environ["PATH"], "AWS_PROFILE": "nobody", "PYTHONWARNINGS": "error", "COLUMNS": "80"}
    ran = subprocess.run(
        [*COMMAND, "--open"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    words = "Messages: 16 by e-mail, 14 on Slack, 16 on Zoho Cliq; nothing lost, nothing sent twice."
    assert words in " ".join(ran.stdout.split())
    assert max(len(line) for line in ran.stdout.splitlines() if "file://" not in line) <= 80
    assert re.findall("^  ┌─ (.*?) ─", ran.stdout, re.MULTILINE) == ["E-mail", "Slack", "Zoho Cliq"]
    assert "  → e-mail, Zoho Cliq: Can't deliver to Slack\n" in ran.stdout
    assert "  → Slack: Backup failed\n" in ran.stdout, "what it missed"
    assert PAGE.as_uri() in ran.stdout
    (shown,) = re.findall("```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert set(shown.splitlines()) <= set(ran.stdout.splitlines()), "README.md shows what it prints"
    assert len(re.findall('class="card ', PAGE.read_text())) == 16 + 14 + 16


@pytest.mark.deep
def test_the_story_sends_the_same_with_amazons_own_dynamodb(
    real_dynamodb: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every message, word by word; times and references are each run's own."""
    ask_moto, tables = endpoint._ask_moto, set[str]()

    def ask(request: Request) -> Response:
        """Let AWS's own DynamoDB answer for the items, and moto for everything else."""
        if request.kind not in {"GetItem", "PutItem"}:
            return ask_moto(request)
        if (table := request.json()["TableName"]) not in tables:
            tables.add(table)
            create_table(real_dynamodb, table)
        answer = requests.post(real_dynamodb.meta.endpoint_url, request.body, headers=dict(request.headers), timeout=9)
        return Response(answer.status_code, answer.content, answer.headers)

    def told() -> str:
        assert play(full=True)
        return re.sub(r"Reference: \S+|\d+", "…", capsys.readouterr().out)

    on_moto = told()
    monkeypatch.setattr(endpoint, "_ask_moto", ask)
    assert told() == on_moto
    (table,) = tables
    assert real_dynamodb.scan(TableName=table)["Count"] == 3
    real_dynamodb.delete_table(TableName=table)


@pytest.mark.deep
def test_make_sandbox_serves_until_ctrl_c(tmp_path: Path) -> None:
    """It says what to answer, and ends with one word, the usual exit code and no traceback."""
    with subprocess.Popen(
        [*COMMAND, "--keep"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors, rest.splitlines()[-1]) == (130, "", "Stopped.")
    assert [label for label in ("Client Secret:", "Slack webhook URL:", "Code:") if label not in "".join(lines)] == []


@pytest.mark.parametrize("program", [found for name in ("bash", "zsh") if (found := shutil.which(name))])
def test_a_terminal_enters_the_sandbox_and_leaves_it(tmp_path: Path, program: str) -> None:
    """As long as its process lives; afterwards the terminal is told. Whatever was set before is set again."""
    file = tmp_path / "sandbox.sh"
    before = {"AWS_PROFILE": "it's $HOME", "AWS_REGION": ""}
    show = 'echo "${AWS_ENDPOINT_URL-none}, ${AWS_PROFILE-none}, ${AWS_REGION-none}"; '
    outside = "none, it's $HOME, "
    for process, inside in ((os.getpid(), "it's, none, x"), (2**22 + 1, outside)):
        file.write_text(shell({"AWS_ENDPOINT_URL": "it's", "AWS_REGION": "x"}, process))
        command = [program, "-c", f". {file} >&2; . {file} >&2; {show} leave_sandbox; {show}"]
        ran = subprocess.run(command, capture_output=True, text=True, env=before, check=True)
        assert ran.stdout.split("\n")[:2] == [inside, outside]
        assert ("The sandbox has ended" in ran.stderr) == (process > 2**22)


@pytest.mark.parametrize(
    ("error", "said"), [(PermissionError, "x cannot be written."), (BlockingIOError, "runs already.")]
)
def test_what_the_sandbox_may_not_do_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: type[OSError], said: str
) -> None:
    """Without a traceback."""
    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr("sys.argv", ["sandbox", "--gallery"])
    monkeypatch.setattr("sandbox.gallery.main", MagicMock(side_effect=error(13, "no", "x")))
    code, shown = main(), capsys.readouterr().out
    assert (code, said in shown, "  → " in shown) == (1, True, True)
