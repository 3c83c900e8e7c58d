"""What `make status`, `dry-run`, `check-now` and `test-message` print for a person."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools import report
from tools.terminal import fitted

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
"""The day on which Berlin goes over to summer time."""
DAY = timedelta(days=1)
MEMORY: dict[str, Any] = {
    "baseline_at": (NOW - 90 * DAY).isoformat(),
    "last_completed": (NOW - 2 * DAY).isoformat(),
    "links_until": (NOW + 5 * DAY).isoformat(),
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
        "subscribers": {"messages": 2, "alarms": 0},
        "schedule": "weekly",
        "next_expected": (NOW + 5 * DAY).isoformat(),
        "next_run_known": True,
        "settings": {"grace_hours": 24, "time_zone": "UTC"},
        "memory": memory,
        **answer,
    }


def shown(action: str, answer: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> str:
    """Return what is printed of an answer, each line whole."""
    return fitted("\n".join(report.lines(action, answer, state or answer)))


FINE = "✓ The backups are fine: the last one completed on"
SECRETLESS = {"connected": False, "problem": "the parameter is missing", "time_zone": None, "data_center": None}
HEADLINES: list[tuple[dict[str, Any], str]] = [
    (status(), f"{FINE} 27 Mar 2026 13:00 CET."),
    (status({**MEMORY, "last_completed": "unknown"}), f"{FINE} a time that Zoho does not give."),
    (status(problems=[PROBLEM, LATE]), "✗ Backup failed: The backup of 29 March failed."),
    (status(None), "! No check has read the backups yet: make check-now ORG=default"),
    (status(None, **SECRETLESS), "✗ The backups are not being monitored. The parameter is missing."),
]


@pytest.mark.parametrize(("answer", "line"), HEADLINES)
def test_a_status_begins_with_how_the_backups_stand(answer: dict[str, Any], line: str) -> None:
    """What is wrong in the function's words, with what to do, once; or one line."""
    text = shown("status", answer)
    assert text.startswith(f"{line}\n")
    for problem in answer["problems"]:
        assert text.count(f"✗ {problem['title']}: {problem['sentence']}\n  → {problem['next_step']}\n") == 1


def test_a_status_says_everything_a_person_asks() -> None:
    """What was, what waits and for whom, what was lost, the next run, channels, release."""
    waits = {"content": {"title": "Title"}, "pending_for": ["slack", "sns"], "at": NOW.isoformat()}
    lost = {"kind": "failed", "channel": "teams", "why": "HTTP 410", "at": (NOW - 3 * DAY).isoformat()}
    failing = {"failures_in_a_row": 2, "failing_since": (NOW - DAY).isoformat()}
    memory = {**MEMORY, **failing, "outbox": [waits] * 7, "dead_letters": {"total": 3, "last": [lost]}}
    text = shown("status", status(memory, channels={"sns": "info", "slack": "slack_mention must be …"}))
    for line in (
        "  Organisation     Acme Ltd (default), crm.zoho.eu\n",
        "  Recent backups   ✓ 27 Mar 2026 13:00 CET, download links end 3 Apr 2026 14:00 CEST\n"
        "                   ✗ 2 failed, since 28 Mar 2026 13:00 CET\n",
        "  Undelivered      Title: to Slack, SNS (e-mail, SMS), since 29 Mar 2026 14:00 CEST\n",
        "                   and 2 newer messages\n  Lost             3 messages, the last of them:\n",
        "                   failed, to Microsoft Teams, on 26 Mar 2026 13:00 CET: HTTP 410\n  Schedule  ",
        "  Schedule         weekly\n  Next backup      next run 3 Apr 2026 14:00 CEST\n",
        "  Channels         SNS (e-mail, SMS): everything\n",
        "                   Slack: gets nothing: slack_mention must be …\n"
        "  E-mail and SMS   2 subscribers of messages\n",
        "                   0 subscribers of alarms\n  Heartbeat        none\n",
    ):
        assert line in text
    assert text.endswith("  Release          1.2.3\n\nTimes are in the time zone Europe/Berlin.")
    stopped = {**MEMORY, "schedule": {"stopped_at": (NOW - DAY).isoformat()}}
    text = shown("status", status(stopped, schedule=None, next_expected=None))
    assert "  Schedule         turned off on 28 Mar 2026 13:00 CET\n  Channels" in text


def test_a_dry_run_says_what_would_be_sent_and_why() -> None:
    """Each message with its title, its sentence and to whom; then each entry, and why nothing is sent of it."""
    message = {"severity": "critical", "title": "Backup failed", "sentence": "It failed.", "channels": ["sns", "slack"]}
    known = {"counts_as": "completed", "new": False, "known_since": (NOW - DAY).isoformat(), "why": "?"}
    fresh = {"log_time": NOW.isoformat(), "counts_as": "failed", "new": True, "why": "new, and sent as failed"}
    answer = {"org": "default", "problem": None, "problems": [PROBLEM], "pending": 2, "would_notify": [message]}
    text = shown("dry-run", {**answer, "rows": [fresh, {**known, "log_time": None}] * 9}, status())
    assert text.startswith("✗ Backup failed: The backup of 29 March failed.\n  → Start one manually.\n")
    for part in (
        "The next check of Acme Ltd would send 1 new message:\n\n  1. Backup failed (critical)\n     It failed.\n",
        "     To SNS (e-mail, SMS), Slack.\n\nIt would also try 2 earlier messages again: make status ORG=default\n",
        "The newest 10 of 18 in the backup history, and what happens to each:\n",
        "  29 Mar 2026 14:00 CEST  failed     new, and sent as failed\n",
        "  no time                 completed  known since 28 Mar 2026 13:00 CET\n",
    ):
        assert part in text
    quiet = {**answer, "problem": "zoho: no scope.", "problems": [], "pending": 0, "would_notify": [], "rows": []}
    assert shown("dry-run", quiet, status()).startswith(
        "✗ Zoho: no scope.\nThe next check of Acme Ltd would send nothing new.\n"
    )


def test_a_check_and_a_test_message_say_what_they_did() -> None:
    """Read, decided, sent; and what to do where a channel refused."""
    skipped = shown("check", {"skipped": "another check is delivering"}, status())
    assert skipped.startswith("! Nothing was checked: another check is delivering.\n✓ The backups are fine: ")
    did = {"rows": 4, "notices": ["failed", "overdue"], "delivered": {"sns": 2, "slack": 0, "cliq": 1}}
    did |= {"incidents": ["overdue"], "problem": "slack: Slack answered HTTP 500; 2 notices pending"}
    assert shown("check", did, status(problems=[LATE])).splitlines() == [
        "✓ The backup history was read: 4 entries.",
        "✗ Slack: Slack answered HTTP 500; 2 notices pending.",
        "  Decided          2 new messages (failed, overdue)",
        "  Sent             2 to SNS (e-mail, SMS)",
        "                   1 to Zoho Cliq",
        "✗ No backup for 9 days: A backup is overdue.",
        "  → Look why.",
    ]
    unread = {"rows": 0, "notices": [], "delivered": {}, "incidents": ["unreadable"], "problem": "no token"}
    assert shown("check", unread, status()).startswith("✗ No token.\n  Decided")
    results = {"sns": "accepted: SNS took it", "slack": "HTTP 500"}
    assert shown("test-message", {"org": "acme", "results": results, "ok": False}, status()) == (
        "✓ SNS (e-mail, SMS): accepted: SNS took it\n✗ Slack: HTTP 500\n\n"
        "Not every channel took it. What to do: make doctor ORG=acme"
    )
