"""What `make status`, `dry-run`, `check-now` and `test-message` print for a person, and for programs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.tools.bench import Bench
from tests.tools.conftest import Tool
from tools import report
from tools.stack import Stack
from tools.terminal import fitted

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
"""The day on which Berlin goes over to summer time."""
DAY = timedelta(days=1)
MEMORY: dict[str, Any] = {
    "baseline_at": (NOW - 90 * DAY).isoformat(),
    "digest_at": (NOW - 20 * DAY).isoformat(),
    "last_completed": (NOW - 2 * DAY).isoformat(),
    "outcomes": {"completed": 3, "failed": 1},
}
PROBLEM = {"title": "Backup failed", "sentence": "The backup of 29 March failed.", "next_step": "Start one manually."}
LATE = {"title": "No backup for 9 days", "sentence": "A backup is overdue.", "next_step": "Look why."}


def status(memory: Mapping[str, Any] | None = MEMORY, **answer: Any) -> dict[str, Any]:
    """Return what the function answers of an organisation in good order, but for this."""
    return {
        "org": "default",
        "version": "1.2.3",
        "connected": True,
        "problem": None,
        "problems": [],
        "channels": {"sns": "info", "slack": "warning"},
        "data_center": "eu",
        "name": "Acme Ltd",
        "time_zone": "Europe/Berlin",
        "heartbeat": False,
        "schedule": "weekly",
        "next_expected": (NOW + 5 * DAY).isoformat(),
        "next_run_known": True,
        "settings": {"grace_hours": 24, "time_zone": "UTC"},
        "memory": memory,
        **answer,
    }


def shown(action: str, answer: Mapping[str, Any], **given: Any) -> str:
    """Return what is printed of an answer, each line whole."""
    return fitted("\n".join(report.lines(action, answer, given.pop("status", answer), **given)))


HEADLINES: dict[str, tuple[dict[str, Any], str]] = {
    "good": (status(), "✓ The backups are fine: the last one completed on 27 Mar 2026 13:00 CET."),
    "none yet": (status({**MEMORY, "last_completed": None}), "✓ The backups are fine: none was due yet."),
    "no time": (
        status({**MEMORY, "last_completed": "1970-01-01T00:00:00+00:00"}),
        "✓ The backups are fine: the last one completed on a time that Zoho does not give.",
    ),
    "one": (status(problems=[PROBLEM]), "✗ Backup failed."),
    "more": (status(problems=[PROBLEM, LATE]), "✗ Backup failed. 1 more problem below."),
    "unchecked": (status(None), "! No check has read the backups yet: make check-now"),
    "not connected": (
        status(None, connected=False, problem="the parameter is missing", name=None, time_zone=None, data_center=None),
        "✗ The backups are not being monitored. The parameter is missing.",
    ),
}


@pytest.mark.parametrize("case", HEADLINES)
def test_a_status_begins_with_how_the_backups_stand(case: str) -> None:
    """In one line; what is wrong stands below it in the function's words, with what to do."""
    answer, line = HEADLINES[case]
    first, _, rest = shown("status", answer).partition("\n")
    assert first == line
    for problem in answer["problems"]:
        assert f"✗ {problem['title']}: {problem['sentence']}\n  → {problem['next_step']}\n" in rest


def test_a_status_says_everything_a_person_asks() -> None:
    """What was, what waits and for whom, what was lost, the next run, channels, release, last change."""
    waits = {"content": {"title": "Title"}, "pending_for": ["slack", "sns"], "at": NOW.isoformat()}
    lost = {"kind": "failed", "channel": "teams", "why": "HTTP 410", "at": (NOW - 3 * DAY).isoformat()}
    failing = {"failures_in_a_row": 2, "failing_since": (NOW - DAY).isoformat()}
    memory = {**MEMORY, **failing, "outbox": [waits] * 7, "dead_letters": {"total": 3, "last": [lost]}}
    channels = {"sns": "info", "slack": "slack_mention must be …"}
    text = shown("status", status(memory, channels=channels), changed=NOW - 4 * DAY)
    for line in (
        "  Organisation     Acme Ltd (default), crm.zoho.eu",
        "  Recent backups   ✓ 27 Mar 2026 13:00 CET",
        "                   ✗ 2 failed, since 28 Mar 2026 13:00 CET",
        "                   since 9 Mar 2026 13:00 CET: 3 completed, 1 failed",
        "  What waits       Title: to Slack and SNS (e-mail, SMS), since 29 Mar 2026 14:00 CEST",
        "                   and 2 newer messages",
        "  Lost             3 messages, the last of them:",
        "                   failed, to Microsoft Teams, on 26 Mar 2026 13:00 CET: HTTP 410",
        "  Schedule         weekly",
        "  Next backup      next run 3 Apr 2026 14:00 CEST",
        "  Channels         SNS (e-mail, SMS): everything",
        "                   Slack: gets nothing: slack_mention must be …",
        "  Last changed     25 Mar 2026 13:00 CET",
        "  Release          1.2.3",
        "Times are in the time zone Europe/Berlin.",
    ):
        assert f"{line}\n" in text + "\n"
    stopped = {**MEMORY, "schedule": {"stopped_at": (NOW - DAY).isoformat()}}
    text = shown("status", status(stopped, schedule=None, next_expected=None))
    assert "  Schedule         turned off on 28 Mar 2026 13:00 CET\n" in text
    assert "Next backup" not in text
    assert "  Next backup      expected by 3 Apr" in shown("status", status(next_run_known=False))


def test_a_dry_run_says_what_would_be_sent_and_why() -> None:
    """Each message with its title, its sentence and to whom; then each entry, and why nothing is sent of it."""
    message = {"severity": "critical", "title": "Backup failed", "sentence": "It failed.", "channels": ["sns", "slack"]}
    known = {"counts_as": "completed", "new": False, "known_since": (NOW - DAY).isoformat(), "why": "?"}
    fresh = {"log_time": NOW.isoformat(), "counts_as": "failed", "new": True, "why": "new, and sent as failed"}
    rows = [fresh, {**known, "log_time": (NOW - 9 * DAY).isoformat()}, {**known, "log_time": None}]
    answer = {"org": "default", "problem": None, "problems": [PROBLEM], "pending": 2, "incidents": []}
    text = shown("dry-run", {**answer, "would_notify": [message], "rows": rows}, status=status())
    assert text == (
        "✗ Backup failed: The backup of 29 March failed.\n"
        "  → Start one manually.\n"
        "The next check of Acme Ltd would send 1 new message:\n\n"
        "  1. Backup failed (critical)\n"
        "     It failed.\n"
        "     To SNS (e-mail, SMS) and Slack.\n\n"
        "It would also try 2 earlier messages again: make status\n\n"
        "The newest 3 of 3 in the backup history, and what happens to each:\n\n"
        "  29 Mar 2026 14:00 CEST  failed     new, and sent as failed\n"
        "  20 Mar 2026 13:00 CET   completed  known since 28 Mar 2026 13:00 CET\n"
        "  no time                 completed  known since 28 Mar 2026 13:00 CET\n\n"
        "Times are in the time zone Europe/Berlin."
    )
    quiet = {**answer, "problem": "zoho: no scope.", "problems": [], "pending": 0, "would_notify": [], "rows": rows * 9}
    text = shown("dry-run", quiet, status=status())
    assert text.startswith("✗ Zoho: no scope.\nThe next check of Acme Ltd would send nothing new.\n")
    assert "The newest 10 of 27 in" in text


def test_a_check_and_a_test_message_say_what_they_did() -> None:
    """Read, decided, sent; and what to do where a channel refused."""
    skipped = shown("check", {"skipped": "another check is delivering"}, status=status())
    assert skipped.startswith("! Nothing was checked: another check is delivering.\n✓ The backups are fine")
    did = {"rows": 4, "notices": ["failed", "overdue"], "delivered": {"sns": 2, "slack": 0, "cliq": 1}}
    assert shown("check", did, status=status(problems=[LATE])).splitlines() == [
        "✓ The backup history was read: 4 entries.",
        "  Decided          2 new messages (failed, overdue)",
        "  Sent             2 to SNS (e-mail, SMS)",
        "                   1 to Zoho Cliq",
        "✗ No backup for 9 days.",
    ]
    results = {"sns": "accepted: SNS took it", "slack": "HTTP 500"}
    assert shown("test-message", {"org": "acme", "results": results, "ok": False}).splitlines() == [
        "✓ SNS (e-mail, SMS): accepted: SNS took it",
        "✗ Slack: HTTP 500",
        "",
        "Not every channel took it. What to do: make doctor ORG=acme",
    ]


def test_the_function_is_asked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs get its answer as it is; the exit code tells of problems, and an unknown organisation is one."""
    bench.connected("asked")
    answers: dict[str, Any] = {
        "status": status(),
        "check": {"rows": 0, "notices": [], "delivered": {}},
        "dry-run": {"org": "asked", "problem": "no", "problems": [], "would_notify": [], "rows": [], "pending": 0},
        "test-message": {"org": "asked", "results": {"sns": "no"}, "ok": False},
    }
    monkeypatch.setattr(Stack, "ask", lambda self, org, action: answers[action])
    for action, expected in {"status": 0, "check": 0, "dry-run": 1, "test-message": 1}.items():
        code, shown = tool(report.main, action, "--org", "asked", "--json")
        assert (code, json.loads(shown)) == (expected, answers[action])
        assert tool(report.main, action, "--org", "asked")[0] == expected
    answers["status"] = status(None)
    code, shown = tool(report.main, "status", "--org", "nope")
    assert (code, "✗ No organisation nope is connected" in shown, "asked" in shown) == (1, True, True)


def test_a_function_that_fails_says_why(bench: Bench, tool: Tool) -> None:
    """In its own words, and where its log is."""
    bench.stage.connect("failing")
    bench.client("ssm").put_parameter(Name="/zoho-backup-notifier/notifier/failing", Value="{}", Overwrite=True)
    code, shown = tool(report.main, "check", "--org", "failing")
    assert (code, "✗ The function answered: failing: " in shown) == (1, True), shown
    assert "aws logs tail /zoho-backup-notifier/notifier --since 3h --region eu-west-1" in shown
