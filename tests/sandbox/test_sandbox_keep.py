"""`make sandbox`: a stack that other commands are tried at, kept until Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from handler.channels import CHANNELS
from sandbox.keep import shell

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
TOOLS = (
    "tools.connect",
    "tools.doctor",
    "tools.deploy",
    "tools.undeploy",
    *(f"tools.ask {action}" for action in ("status", "dry-run", "test-message", "check")),
)
"""All that talk to AWS, as `make` starts them."""


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


def in_shell(folder: Path, *lines: str) -> "subprocess.CompletedProcess[str]":
    """Run lines in a shell with nothing in its environment."""
    command = ["bash", "--norc", "-euc", "\n".join(lines)]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=True)


def sourced(folder: Path, *then: str) -> dict[str, str]:
    """Return the variables that a shell has after it has sourced the sandbox's file."""
    shown = in_shell(folder, "source build/sandbox.sh >&2", *then, "/usr/bin/env").stdout
    found = dict(line.split("=", 1) for line in shown.splitlines())
    return {name: value for name, value in found.items() if name not in {"PWD", "SHLVL", "_", "OLDPWD"}}


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
    variables = sourced(tmp_path)
    assert variables.keys() >= {"AWS_ENDPOINT_URL", "ZOHO_ACCOUNTS_URL", "STACK", "REGION"}
    connect = [sys.executable, "-m", "tools.connect", "--non-interactive", "--stack", variables["STACK"]]
    answered = {
        "ZOHO_DATA_CENTER": "us",
        "ZOHO_CLIENT_ID": given["Client ID"].strip(),
        "ZOHO_CLIENT_SECRET": given["Client Secret"].strip(),
        "ZOHO_CODE": given["Code"].strip(),
        "SLACK_WEBHOOK_URL": given["Slack webhook URL"].strip(),
    }
    environment = {"PATH": os.environ["PATH"], **variables, **answered}
    elsewhere = {**environment, "ZOHO_DATA_CENTER": "eu"}
    refused = subprocess.run(connect, cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=False)
    assert (refused.returncode, "does not know this client id in this data centre" in refused.stdout) == (1, True)
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

    assert sourced(tmp_path, "leave_sandbox") == {}
    assert "leave_sandbox" in in_shell(tmp_path, "source build/sandbox.sh").stdout
    kept.send_signal(signal.SIGINT)
    assert kept.wait(30) == 130
    assert sourced(tmp_path) == {}
    ended = "The sandbox has ended"
    assert ended in in_shell(tmp_path, "source build/sandbox.sh").stderr
    commands = [[sys.executable, "-m", *module.split(), "--stack", "notifier"] for module in TOOLS]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for command in commands
    ]
    for tool in started:
        said, _ = tool.communicate()
        assert (tool.returncode, said.startswith(f"✗ {ended}: nothing answers")) == (1, True), said


@pytest.mark.parametrize("program", [found for name in ("bash", "zsh", "sh") if (found := shutil.which(name))])
def test_the_file_is_for_every_shell(tmp_path: Path, program: str) -> None:
    """A person's own profile does not get in its way, and a sandbox that has ended changes nothing."""
    file, value = tmp_path / "sandbox.sh", "it's “quoted” $HOME"
    lines = f'. {file}; echo "$A,${{AWS_PROFILE-none}}"; leave_sandbox; echo "${{A-none}}"; leave_sandbox || echo gone'

    def shown(process: int) -> "subprocess.CompletedProcess[str]":
        file.write_text(shell({"A": value, "B": ""}, process))
        return subprocess.run(
            [program, "-c", lines], env={"AWS_PROFILE": "own"}, capture_output=True, text=True, check=False
        )

    alive = shown(os.getpid())
    hint = "This terminal now uses the sandbox. To leave it: leave_sandbox"
    assert alive.stdout.splitlines() == [hint, f"{value},none", "none", "gone"]
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    ended = shown(process.pid)
    assert ended.stdout.splitlines()[0] == ",own"
    assert ended.stderr.startswith("The sandbox has ended.")
