"""The tools on a real terminal: each interactive command once, and lines that fit it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from sandbox.server import Fault
from tests.tools.bench import Bench, Person
from tests.tools.terminal import CTRL_C, CTRL_U, ENTER, ROOT, running
from tools import deploy, terminal
from tools.questions import OPTIONAL, QUESTIONS, Round
from tools.zoho_token import TROUBLES, ZohoError, from_zoho

UP = "\x1b[A"


def test_connect(bench: Bench) -> None:
    """A number, an arrow and a tick choose; a secret is never seen, mistakes are corrected, Ctrl-C leaves."""
    company, hook = bench.company(), bench.stage.slack.webhook_url("TYPED")
    with running("tools.connect", "--stack", "notifier", "--org", "typed", **bench.environment) as person:
        person.answer("Which address", f"2{UP}")
        person.wait_for("https://api-console.zoho.com")
        person.answer("Client ID:", "99")
        person.wait_for('✗ A client id of Zoho begins with "1000."')
        person.answer("Client ID:", CTRL_U + company.client_id)
        person.answer("Client Secret:", company.client_secret)
        person.answer("Where else should messages go?", "1 ")
        person.answer("Slack webhook URL:", hook)
        for question in ("Whom to mention", "Heartbeat URL", "Name of", "Time zone"):
            person.answer(question)
        gate, reads = threading.Event(), sum(request.kind == "history" for request in bench.stage.zoho.requests)
        bench.stage.zoho.script("history", Fault(until=gate))
        person.answer("Code:", bench.code(company))
        while sum(request.kind == "history" for request in bench.stage.zoho.requests) == reads:
            gate.wait(0.1)
        person.type("pasted-too-early" + ENTER)
        gate.set()
        person.answer("Send a test message", "2")
        assert person.exit_code() == 0
    bench.secrets += ["B00000000/TYPED", "pasted-too-early"]
    assert bench.shows_no_secret(person.screen)
    assert bench.parameter("typed")["slack_webhook_url"] == hook


def test_a_signal_restores_the_terminal(bench: Bench) -> None:
    """Whoever goes on in this terminal sees what they type."""
    with running("tools.connect", "--stack", "notifier", "--org", "ended", **bench.environment) as person:
        person.answer("Which address")
        person.wait_for("Client ID:")
        person.process.send_signal(signal.SIGHUP)
        person.wait_for("Stopped. Nothing was changed.")
        assert (person.exit_code(), person.echoes) == (130, True)


def test_deploy_and_undeploy(bench: Bench) -> None:
    """Typed answers, a refused one, and leaving."""
    with running("tools.deploy", "--stack", "notifier", **{**bench.environment, "ZOHO_API_URL": ""}) as person:
        person.answer("NotificationEmail (Enter for none):", "it@example")
        person.wait_for("✗ One e-mail address, or nothing.")
        person.type(CTRL_C)
        assert person.exit_code() == 130
        assert person.screen.endswith("Stopped. Nothing was saved or deployed.\n")
    with running("tools.undeploy", "--stack", "notifier", **bench.environment) as person:
        person.answer("Type the stack's name to remove it (notifier):", "notifier")
        person.wait_for("Delete the table, too?")
        person.type(CTRL_C)
        assert person.exit_code() == 130
        assert person.screen.endswith("Stopped. Nothing was changed.\n")


def test_doctor_and_status_in_a_pipe(bench: Bench) -> None:
    """Colours are for terminals; a reader who has seen enough leaves without a traceback."""
    with running("tools.doctor", "--stack", "notifier", **bench.environment) as person:
        person.exit_code()
        assert "✓ Stack notifier: CREATE_COMPLETE" in person.screen
    assert "\033[32m✓\033[0m" in person.shown.decode()
    bench.stage.connect("seen")
    command = [sys.executable, "-m", "tools.report", "status", "--org=seen", "--stack=notifier", "--json"]
    environment = {"PATH": os.environ["PATH"], **bench.environment}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a terminal of 80 columns, as most have."""
    monkeypatch.setattr(terminal, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", [""]),
        ("Not ✓ " + "word " * 20, ["Not ✓ " + "word " * 14 + "word", "  word word word word word"]),
        ("See: aws logs tail /a/" + "b" * 80 + " --since", ["See:", "    aws logs tail /a/" + "b" * 80 + " --since"]),
        ("    kept " * 12, ["    kept " * 12]),
        ("two\nlines", ["two", "lines"]),
        ("    → \t" + "word " * 16, ["    → " + "word " * 14 + "word", "      word"]),
        ("✗ \tred", ["\033[31m✗\033[0m red"]),
    ],
)
def test_a_text_is_broken_at_blanks(text: str, broken: list[str]) -> None:
    """What is copied stays whole, on a line to itself; marks have colours."""
    assert terminal.fitted(text, "  ").split("\n") == broken


def test_in_a_pipe_nothing_is_broken() -> None:
    """Where a program reads, a sentence is a line."""
    assert terminal.fitted("word " * 50 + "\n  → \tdo it") == "word " * 50 + "\n  → do it"


@pytest.mark.usefixtures("narrow")
def test_every_question_and_trouble_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With all that is said before it and the longest values that it can show."""
    client = {
        "data_center": "us",
        "client_id": f"1000.{'0' * 30}",
        "client_secret": "0" * 42,
        "refresh_token": "1000.a",
    }
    settings = {setting.key: "U0123456789" for channel in OPTIONAL for setting in channel.settings}
    person = Person(monkeypatch, {"Where else": [",".join(channel.label for channel in OPTIONAL)]})
    Round({**client, **settings, "name": "n" * 100, "time_zone": "America/Argentina/ComodRivadavia"}).ask()
    deploy._ask({name: str(rules.get("Default", "")) for name, rules in deploy.template().items()}, [*deploy.ASKED])
    for name in TROUBLES:
        from_zoho(ZohoError(name, "Zoho accounts answered: invalid_client_secret")).show()
    shown = re.sub("\033\\[[0-9]+m", "", capsys.readouterr().out).splitlines()
    asked = " ".join(person.asked)
    assert [q.text for key, q in QUESTIONS.items() if q.text not in asked and "_min_" not in key] == []
    assert [line for line in (*shown, *person.asked) if len(line) > 80] == []
