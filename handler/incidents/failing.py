"""Backups failed, and none has completed since. The failed row's own notice opens the incident. Pure."""

from collections.abc import Sequence

from handler import history
from handler.decision import Decision
from handler.history import Event, Row
from handler.incidents.kind import IncidentKind
from handler.memory import Incident
from handler.wording import NO_ACTION, Content, Fact


def _evaluate(decision: Decision, known: Incident | None) -> Incident | None:
    """Open it with the first failed backup after the last completed one; close it when a backup completed."""
    memory = decision.memory
    return (known or Incident(memory.failing_since or decision.now)) if memory.failures_in_a_row else None


def _ending(decision: Decision, incident: Incident, news: Sequence[Event]) -> tuple[Event, str] | None:
    """Return the completed backup that ended the failures; its notice counts them itself."""
    completed = decision.current.recovered_by
    return (completed, "") if completed and completed in news else None


def _suppressed(decision: Decision) -> bool:
    """Return True if `overdue` is open and has been sent: it covers this."""
    overdue = decision.memory.incidents.get("overdue")
    return bool(overdue and overdue.notified_at)


def _row(decision: Decision, incident: Incident) -> Row | None:
    """Return the newest failed row."""
    return decision.current.newest_failed.row if decision.current.newest_failed else None


def _content(decision: Decision, incident: Incident, phase: str) -> Content:
    """Return what its reminder and its end say, and its opening where the failed row had no notice."""
    memory, row = decision.memory, _row(decision, incident)
    good = decision.last_good_facts()
    if phase == "ended":
        sentence = "The backup history no longer shows a failed backup after the last successful one."
        return Content("✅", "Backups no longer failing", sentence, good, next_step=NO_ACTION)
    count, since = memory.failures_in_a_row, memory.failing_since
    title = f"The last {count} backups failed" if count > 1 else "The last backup failed"
    sentence = history.not_completed_for(memory.last_completed, decision.now)
    if phase == "reminder":
        title, sentence = sentence.rstrip("."), f"{title}."
    if (newest := decision.current.newest_failed) and not history.is_unpaid(newest.row):
        sentence += decision.used_up(newest.at)
    facts = [Fact("Failures in a row", str(count))] if count > 1 else []
    facts += [history.time_fact("Failing since" if count > 1 else "Failed", since), *good]
    facts += history.row_facts(row) if row else []
    return Content("🔴", title, sentence, tuple(facts), next_step=decision.download_first(history.failed_step(row)))


FAILING = IncidentKind("failing", "failed", _evaluate, _ending, _content, _suppressed, _row)
