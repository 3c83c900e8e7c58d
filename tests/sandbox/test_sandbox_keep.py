"""`make sandbox`: a stack that other commands are tried at, kept until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from handler.channels import CHANNELS

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0


@pytest.fixture
def kept(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start it, in an empty folder."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "sandbox", "--keep"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        impatience = threading.Timer(PATIENCE_SECONDS, process.kill)  # or waiting for what never comes would not end
        impatience.start()
        yield process
        impatience.cancel()
        process.kill()


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """Return what is shown, up to the line with a text."""
    shown = ""
    assert process.stdout
    for line in process.stdout:
        shown += line
        if text in line:
            return shown
    raise AssertionError(f"{text!r} was never shown: {shown}")


def test_it_plays_schedules_and_shows_what_was_sent(kept: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """The commands' environment is in a file; a line of input lets a backup fail; Ctrl-C ends all and cleans up."""
    answers = read_until(kept, "Press Enter")
    assert "Where else should messages go?" in answers
    given = dict(line.strip().split(":", 1) for line in answers.splitlines() if line.startswith("  ") and ":" in line)
    assert {channel.settings[0].question for channel in CHANNELS if channel.settings} <= given.keys()
    lines = (tmp_path / "build" / "sandbox.sh").read_text().splitlines()
    variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    connect = [sys.executable, "-m", "tools.connect", "--non-interactive", "--stack", variables["STACK"]]
    answered = {
        "ZOHO_DATA_CENTER": "us",
        "ZOHO_CLIENT_ID": given["Client ID"].strip(),
        "ZOHO_CLIENT_SECRET": given["Client Secret"].strip(),
        "ZOHO_CODE": given["Code"].strip(),
        "SLACK_WEBHOOK_URL": given["Slack webhook URL"].strip(),
    }
    environment = {"PATH": os.environ["PATH"], **variables, **answered}
    subprocess.run(connect, cwd=ROOT, env=environment, check=True, capture_output=True)

    assert kept.stdin
    kept.stdin.write("\n")
    kept.stdin.flush()
    shown = read_until(kept, "a new code")
    assert "Subject: [default] Backup monitoring is on, no problems found" in shown
    assert "Subject: [default] Backup failed" in shown
    assert "🔴 default: Backup failed" in shown

    client = boto3.client("lambda", "eu-west-1", endpoint_url=variables["AWS_ENDPOINT_URL"])
    answer = client.invoke(FunctionName="notifier", Payload=json.dumps({"org": "nobody"}))
    assert answer["FunctionError"] == "Unhandled"
    assert "A check failed" in read_until(kept, "A check failed")

    kept.send_signal(signal.SIGINT)
    assert kept.wait(30) == 130
    assert not (tmp_path / "build" / "sandbox.sh").exists()
