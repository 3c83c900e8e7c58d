"""What `make status`, `dry-run`, `check-now` and `test-message` print for a person."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handler.channels import BY_NAME
from handler.memory import DeadLetter, DeadLetters, Incident, Memory, Schedule
from handler.outbox import Notice
from handler.store import as_json
from handler.wording import Content
from tools import lines, reports, standing
from tools.lines import cells

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
"""The day on which Berlin goes over to summer time."""
DAY = timedelta(days=1)
GOOD = Memory(
    "default",
    baseline_at=NOW - 90 * DAY,
    digest_at=NOW - 20 * DAY,
    last_completed=NOW - 2 * DAY,
    outcomes={"completed": 3, "failed": 1},
    schedule=Schedule("weekly", NOW - 90 * DAY),
)
FAILING: dict[str, Any] = {"failures_in_a_row": 2, "failing_since": NOW - DAY}


def status(memory: Memory | None = GOOD, **answer: Any) -> dict[str, Any]:
    """Return what the function answers of an organisation in good order, but for this."""
    return {
        "org": "default",
        "version": "1.2.3",
        "connected": True,
        "problem": None,
        "channels": {"sns": "info", "slack": "warning"},
        "data_center": "eu",
        "name": "Acme Ltd",
        "time_zone": "Europe/Berlin",
        "heartbeat": False,
        "schedule": "weekly",
        "next_expected": (NOW + 5 * DAY).isoformat(),
        "next_run_known": True,
        "settings": {"grace_hours": 24, "time_zone": "UTC"},
        "memory": as_json(memory) if memory else None,
        **answer,
    }


def changed(**memory: Any) -> Memory:
    """Return the good memory, but for this."""
    return Memory(**{**GOOD._asdict(), **memory})


def notice(number: int, *channels: str) -> Notice:
    """Return one that waits."""
    at = NOW - timedelta(hours=number)
    return Notice(f"n{number}", "failed", at, channels, "critical", Content("🔴", f"Title {number}", "It failed."))


def shown(answer: dict[str, Any], changed: datetime | None = None) -> str:
    """Return the report of a status, each line whole."""
    return lines.fitted("\n".join(standing.report(answer, changed, NOW)))


STANDING: dict[str, tuple[dict[str, Any], str]] = {
    "good": (status(), "✓ The backups are fine: the last one completed on 27 Mar 2026 13:00 CET (2 days ago)."),
    "no backup yet": (status(changed(last_completed=None)), "✓ The backups are fine: none was due yet."),
    "a time that Zoho does not give": (
        status(changed(last_completed=datetime(1970, 1, 1, tzinfo=UTC))),
        "✓ The backups are fine: the last one completed on a time that Zoho does not give.",
    ),
    "not checked": (status(None, schedule=None), "! No check has read the backups yet: make check-now"),
    "another, not checked": (
        status(None, org="acme", schedule=None),
        "! No check has read the backups yet: make check-now ORG=acme",
    ),
    "one failure": (
        status(changed(failures_in_a_row=1, failing_since=NOW)),
        "✗ The last backup failed, on 29 Mar 2026 14:00 CEST.",
    ),
    "failures": (status(changed(**FAILING)), "✗ The last 2 backups failed, since 28 Mar 2026 13:00 CET."),
    "failures that have an incident": (
        status(changed(**FAILING, incidents={"failing": Incident(NOW - DAY)})),
        "✗ The last 2 backups failed, since 28 Mar 2026 13:00 CET.",
    ),
    "overdue and failing": (
        status(changed(**FAILING, incidents={"overdue": Incident(NOW - DAY)})),
        "✗ A backup is overdue, since 28 Mar 2026 13:00 CET. 1 more problem below.",
    ),
    "unreadable": (
        status(changed(incidents={"unreadable": Incident(NOW - DAY, detail="Zoho answered HTTP 401.")})),
        "✗ Checks cannot read the backup history, since 28 Mar 2026 13:00 CET: Zoho answered HTTP 401.",
    ),
    "no schedule": (
        status(schedule=None),
        "✗ No backup schedule is set up, so Zoho CRM is not backing up your data.",
    ),
    "a channel": (
        status(changed(incidents={"channel:slack": Incident(NOW - DAY)})),
        "! The backups are fine: the last one completed on 27 Mar 2026 13:00 CET (2 days ago). Not all of the rest is.",
    ),
    "no parameter": (
        status(connected=False, problem="The parameter is missing.", name=None, time_zone=None),
        "✗ The backups are not being monitored. The parameter is missing.",
    ),
}


@pytest.mark.parametrize("case", STANDING)
def test_a_status_begins_with_how_the_backups_stand(case: str) -> None:
    """In one sentence, the gravest first; what is wrong stands below it, too, and what to do about it."""
    answer, sentence = STANDING[case]
    first, _, rest = shown(answer).partition("\n")
    assert first == sentence
    assert ("What to do: make doctor" in rest) == (first[0] == "✗" or case == "a channel")


def test_a_status_says_everything_a_person_asks() -> None:
    """Recent backups with dates, what waits and for whom, what was lost, the next run, channels, version, changes."""
    memory = changed(
        **FAILING,
        outbox=tuple(notice(number, "slack", "sns") for number in (30, 9, 8, 7, 6, 5, 4)),
        incidents={"channel:slack": Incident(NOW - DAY, detail="Slack answered HTTP 403")},
        dead_letters=DeadLetters(3, last=(DeadLetter("n", "failed", "teams", "HTTP 410", NOW - 3 * DAY),)),
    )
    text = shown(status(memory, channels={"sns": "info", "slack": "slack_mention must be …"}), NOW - 4 * DAY)
    for line in (
        "  Organisation     Acme Ltd (default), crm.zoho.eu",
        "  Recent backups   ✓ 27 Mar 2026 13:00 CET  ✗ 28 Mar 2026 13:00 CET  ✗",
        "                   since 9 Mar 2026 13:00 CET: 3 completed, 1 failed",
        "  What is wrong    Slack takes no messages, since 28 Mar 2026 13:00 CET: Slack answered HTTP 403.",
        "                   The last 2 backups failed, since 28 Mar 2026 13:00 CET.",
        "  What waits       Title 30: to Slack and SNS (e-mail, SMS), for 30 hours",
        "                   and 2 newer messages",
        "  Lost             3 messages that could not be delivered, the last of them:",
        "                   failed, to Microsoft Teams, on 26 Mar 2026 13:00 CET: HTTP 410",
        "  Next backup      next run 3 Apr 2026 14:00 CEST",
        "  Channels         SNS (e-mail, SMS): everything",
        "                   Slack: gets nothing: slack_mention must be …",
        "  Last changed     25 Mar 2026 13:00 CET",
        "  Release          1.2.3",
        "Times are in the time zone Europe/Berlin.",
    ):
        assert f"{line}\n" in text + "\n"


EXPECTED: dict[str, tuple[dict[str, Any], str]] = {
    "named": ({}, "next run 3 Apr 2026 14:00 CEST"),
    "by rule": ({"next_run_known": False}, "expected by 3 Apr 2026 14:00 CEST"),
    "late": (
        {"next_expected": (NOW - timedelta(hours=9)).isoformat()},
        "was due on 29 Mar 2026 05:00 CEST, and is overdue on 30 Mar 2026 05:00 CEST",
    ),
    "overdue": ({"next_expected": (NOW - 2 * DAY).isoformat()}, "was due on 27 Mar 2026 13:00 CET"),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_a_status_says_when_the_next_backup_is_expected(case: str) -> None:
    """Only a run that Zoho names is a promise."""
    answer, said = EXPECTED[case]
    assert f"  Next backup      {said}\n" in shown(status(**answer))


def test_a_status_says_when_the_schedule_was_turned_off() -> None:
    """And expects no backup then."""
    stopped = Schedule("weekly", NOW - 90 * DAY, stopped_at=NOW - DAY)
    text = shown(status(changed(schedule=stopped), schedule=None, next_expected=None))
    assert "  Schedule         turned off on 28 Mar 2026 13:00 CET\n" in text
    assert "Next backup" not in text


def test_many_failures_are_counted() -> None:
    """A hundred marks say no more than ten."""
    text = shown(status(changed(failures_in_a_row=100, failing_since=NOW)))
    assert "✗  ✗  … (100 failed in a row)\n" in text
    assert text.count("✗") == 12


def row(number: int, counts_as: str = "completed", **fields: Any) -> dict[str, Any]:
    """Return an entry of a dry run."""
    known = (NOW - DAY).isoformat()
    time = (NOW - number * DAY).isoformat()
    return {"log_time": time, "counts_as": counts_as, "new": False, "known_since": known, "why": "?", **fields}


def planned(answer: Mapping[str, Any]) -> str:
    """Return the report of a dry run, each line whole."""
    whole = {"org": "default", "rows": [], "would_notify": [], "incidents": [], "pending": 0, "problem": None, **answer}
    return lines.fitted("\n".join(reports.dry_run(whole, status())))


def test_a_dry_run_says_what_would_be_sent_and_why() -> None:
    """Each message with its title, its sentence and to whom; then each entry, and why nothing is sent of it."""
    message = {
        "severity": "critical",
        "title": "Backup failed",
        "sentence": "It failed.",
        "channels": ["sns", "slack", "cliq"],
    }
    fresh = row(0, "failed", new=True, known_since=None, why="new, and sent as failed")
    text = planned({"would_notify": [message], "rows": [fresh, row(9), row(10, log_time=None)], "pending": 2})
    assert text == (
        "The next check of Acme Ltd would send 1 new message:\n\n"
        "  1. Backup failed (critical)\n"
        "     It failed.\n"
        "     To SNS (e-mail, SMS), Slack and Zoho Cliq.\n\n"
        "It would also try 2 earlier messages again: make status\n\n"
        "Entries of the backup history (3, newest first), and what happens to each:\n\n"
        "  29 Mar 2026 14:00 CEST  failed     new, and sent as failed\n"
        "  20 Mar 2026 13:00 CET   completed  known since 28 Mar 2026 13:00 CET\n"
        "  no time                 completed  known since 28 Mar 2026 13:00 CET\n\n"
        "Times are in the time zone Europe/Berlin."
    )


def test_a_dry_run_of_nothing_new_says_so() -> None:
    """And shows the newest entries only; what cannot be read comes first."""
    text = planned({"rows": [row(number) for number in range(300)]})
    assert text.startswith("The next check of Acme Ltd would send nothing new.\n")
    assert "(the newest 10 of 300)" in text
    assert text.count("known since") == 10
    assert planned({"problem": "zoho: no scope."}).startswith("✗ Zoho: no scope.\nThe next check")


CHECKED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "skipped": ({"org": "default", "skipped": "another check is delivering"}, ["! Nothing was checked: another"]),
    "quiet": (
        {"rows": 1, "notices": [], "delivered": {}},
        ["✓ The backup history was read: 1 entry.", "  Decided          no new message", "  Sent             nothing"],
    ),
    "news": (
        {"rows": 4, "notices": ["failed", "overdue"], "delivered": {"sns": 2, "slack": 0, "cliq": 1}},
        [
            "✓ The",
            "  Decided          2 new messages (failed, overdue)",
            "  Sent             2 to SNS (e",
            " " * 19 + "1 to",
        ],
    ),
}


@pytest.mark.parametrize("case", CHECKED)
def test_a_check_says_what_it_did(case: str) -> None:
    """Read, decided, sent."""
    answer, said = CHECKED[case]
    printed = lines.fitted("\n".join(reports.check(answer))).splitlines()
    assert [line[: len(start)] for line, start in zip(printed, said, strict=True)] == said


@pytest.mark.parametrize("ok", [True, False])
def test_a_test_message_says_what_became_of_it(ok: bool) -> None:
    """On each channel, and what to do then."""
    results = {"sns": f"accepted: {BY_NAME['sns'].accepted}", "slack": "accepted: yes" if ok else "HTTP 500"}
    said = [*reports.test_message({"org": "acme", "results": results, "ok": ok})]
    assert said[0].startswith("✓ SNS (e-mail, SMS): \taccepted: SNS took it")
    assert said[1] == ("✓ Slack: \taccepted: yes" if ok else "✗ Slack: \tHTTP 500")
    assert said[-1] == (
        "Every channel took the test message: see whether it has arrived."
        if ok
        else "Not every channel took it. What to do: make doctor ORG=acme"
    )


@pytest.mark.parametrize("name", ["Acme Ltd", "日本語株式会社" * 12, "x" * 300, "Ünï " * 40])
@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_report_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    """Whatever an organisation is called, and nothing of it is lost."""
    monkeypatch.setattr(lines, "columns", lambda: width)
    answer = status(changed(**FAILING, outbox=(notice(1, "sns"),)), name=name)
    printed = lines.fitted("\n".join(standing.report(answer, NOW, NOW))).splitlines()
    assert max(map(cells, printed)) <= width
    assert re.sub(r"\s", "", name) in re.sub(r"\s", "", "".join(printed))
