"""The tools on a real terminal: each interactive command once, and lines that fit it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from sandbox.server import Fault
from tests.tools.bench import Bench
from tests.tools.terminal import CTRL_C, CTRL_U, ENTER, ROOT, running
from tools import terminal

UP = "\x1b[A"


def test_connect(bench: Bench) -> None:
    """A number, an arrow and a tick choose; a secret is never seen, mistakes are corrected, Ctrl-C leaves."""
    company, hook = bench.company(), bench.stage.slack.webhook_url("TYPED")
    with running("tools.connect", "--stack", "notifier", "--org", "typed", **bench.environment) as person:
        person.answer("Which address", f"2{UP}")
        person.wait_for("https://api-console.zoho.com")
        person.answer("Client ID:", "99")
        person.wait_for("✗ It must begin with 1000.")
        person.answer("Client ID:", CTRL_U + company.client_id)
        person.answer("Client Secret:", company.client_secret)
        person.answer("Which messages go to Slack?", "2")
        person.answer("Slack webhook URL:", hook)
        person.answer("Whom to mention")
        for name in ("Zoho Cliq", "Microsoft Teams", "PagerDuty"):
            person.answer(f"Which messages go to {name}?")
        for question in ("Heartbeat URL", "Name of", "Time zone"):
            person.answer(question)
        gate, reads = threading.Event(), sum(request.kind == "history" for request in bench.stage.zoho.requests)
        bench.stage.zoho.script("history", Fault(until=gate))
        person.answer("Code:", bench.code(company))
        while sum(request.kind == "history" for request in bench.stage.zoho.requests) == reads:
            gate.wait(0.1)
        person.type("pasted-too-early" + ENTER)
        gate.set()
        person.wait_for("What now?")
        person.wait_for("the schedule checks")
        person.type(CTRL_C)
        person.wait_for("Stopped. typed is connected; no message was sent.")
        assert (person.exit_code(), person.echoes) == (130, True)
    bench.secrets += ["B00000000/TYPED", "pasted-too-early"]
    assert bench.shows_no_secret(person.screen)
    assert bench.parameter("typed")["slack_webhook_url"] == hook


def test_a_signal_restores_the_terminal(bench: Bench) -> None:
    """After a typed answer; whoever goes on in this terminal sees what they type."""
    with running("tools.deploy", "--stack", "notifier", **{**bench.environment, "ZOHO_API_URL": ""}) as person:
        person.answer("NotificationEmail (Enter for none):", "it@example")
        person.wait_for("✗ One e-mail")
        person.process.send_signal(signal.SIGHUP)
        person.wait_for("Stopped. Nothing was saved or deployed.")
        assert (person.exit_code(), person.echoes) == (130, True)


def test_a_reader_who_has_seen_enough_leaves_without_a_traceback(bench: Bench) -> None:
    """Such as `head`."""
    bench.connected("seen")
    script = f"{sys.executable} -m tools.report status --org=seen --stack=notifier --json | true"
    environment = {"PATH": os.environ["PATH"], **bench.environment}
    assert subprocess.run(["/bin/sh", "-c", script], cwd=ROOT, env=environment, stderr=subprocess.PIPE).stderr == b""


def test_ctrl_c_while_a_command_is_imported_leaves_no_traceback(tmp_path: Path) -> None:
    """It is what somebody types who chose the wrong command."""
    (tmp_path / "boto3.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    command, environment = [sys.executable, "-m", "tools.report", "status"], {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


WORDS = "word " * 20
COPIED = "aws logs tail /a/" + "b" * 80 + " --since"
BROKEN = {
    f"Not ✓ {WORDS}": ["Not ✓ " + "word " * 14 + "word", "word word word word word"],
    f"See: {COPIED}": ["See:", f"    {COPIED}"],
    f"    → \t{WORDS}": ["    → " + "word " * 14 + "word", "      word word word word word"],
    "✗ \tred": ["\033[31m✗\033[0m red"],
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_text_is_broken_at_blanks(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """On 80 columns; what is copied stays whole, on a line to itself; marks have colours."""
    monkeypatch.setattr(terminal, "sys", MagicMock())
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    assert terminal.fitted(text).split("\n") == BROKEN[text]
