"""The first ten minutes of somebody who has just deployed the stack, as the commands that they type."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.demo import History
from tests.tools.bench import Bench

ROOT = Path(__file__).parents[2]


def type_in(bench: Bench, *command: str, **variables: str) -> str:
    """Run a command as a shell does, and return what it printed; fail when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *command, "--stack", "notifier"],
        cwd=ROOT,
        env={**bench.environment, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_from_a_deployed_stack_to_a_message_about_a_failed_backup(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connect, look, wait for the first check, and hear of the first failure on both channels."""
    stage, history = bench.stage, History(datetime.now(UTC))
    company = bench.company([*history.run(timedelta(days=2), "weekly", "completed")][::-1])
    shown = type_in(
        bench,
        "tools.connect",
        "--org=newcomer",
        "--non-interactive",
        "--send",
        ZOHO_DATA_CENTER="eu",
        ZOHO_CLIENT_ID=company.client_id,
        ZOHO_CLIENT_SECRET=company.client_secret,
        ZOHO_CODE=bench.code(company),
        SLACK_WEBHOOK_URL=bench.webhook("NEWCOMER"),
        ORGANISATION_NAME="Newcomer Ltd",
    )
    assert "newcomer is checked: rate(1 hour)" in shown
    assert bench.shows_no_secret(shown)

    made = stage.cloud.client("scheduler").get_schedule(Name="newcomer", GroupName="notifier")
    event = json.loads(made["Target"]["Input"])
    first = stage.function.invoke(event)
    assert (first.ok, first.payload["notices"]) == (True, ["baseline"]), first

    company.rows[:0] = reversed(history.run(timedelta(hours=1), "weekly", "failed"))
    announced = json.loads(type_in(bench, "tools.ask", "dry-run", "--org=newcomer", "--json"))
    assert [notice["kind"] for notice in announced["would_notify"]] == ["failed"]
    mails, posts = len(stage.mailbox.mails), len(stage.slack.messages)
    second = stage.function.invoke(event)
    assert (second.ok, second.payload["delivered"]) == (True, {"sns": 1, "slack": 1}), second
    [mail], [post] = stage.mailbox.mails[mails:], stage.slack.messages[posts:]
    assert mail.attributes["kind"] == "failed"
    assert "Newcomer Ltd" in mail.body
    assert "Newcomer Ltd" in json.dumps(post)

    known = json.loads(type_in(bench, "tools.ask", "status", "--org=newcomer", "--json"))
    assert known["memory"]["failures_in_a_row"] == 1
    removed = type_in(bench, "tools.connect", "--org=newcomer", "--remove", "--non-interactive")
    assert "Removed: schedule, parameter, item." in removed


def test_whoever_has_seen_enough_may_leave(bench: Bench) -> None:
    """`make status | head -n 1` shows one line, and no traceback."""
    bench.stage.connect("seen")
    command = [sys.executable, "-m", "tools.ask", "status", "--org=seen", "--stack=notifier"]
    with subprocess.Popen(
        command, cwd=ROOT, env=bench.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
