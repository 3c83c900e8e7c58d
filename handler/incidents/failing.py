"""Backups failed, and none has completed since. Its opening is the notice of the failed row. Pure."""

from collections.abc import Sequence

from handler.decision import Decision
from handler.due import known_time, last_completed_fact, time_fact
from handler.history import UNKNOWN_TIME, Event, Row
from handler.incidents.situation import Situation
from handler.memory import Incident
from handler.outcomes import NO_ACTION, failed_step, last_good, row_facts
from handler.wording import Content, Fact, duration, plural

NAME, KIND = "failing", "failed"


def evaluate(decision: Decision, situation: Situation, known: Incident | None) -> Incident | None:
    """Open with the first failed backup after the last completed one, close when none stands."""
    memory = decision.memory
    if not memory.failures_in_a_row:
        return None
    return known or Incident(memory.failing_since or decision.now)


def ended_by(incident: Incident, situation: Situation, news: Sequence[Event]) -> Event | None:
    """Return the completed backup that ended the failures."""
    return situation.recovered_by if situation.recovered_by in news else None


def resolved(incident: Incident, event: Event) -> str:
    """Return "": the walk through the history counts what a completed backup ends."""
    return ""


def waits(decision: Decision, situation: Situation) -> bool:
    """Return whether an `overdue` that was sent is open, which says it as well."""
    overdue = decision.memory.incidents.get("overdue")
    return bool(overdue and overdue.notified_at)


def row(situation: Situation, incident: Incident) -> Row | None:
    """Return the newest failed row."""
    return situation.newest_failed.row if situation.newest_failed else None


def line(decision: Decision, incident: Incident) -> str:
    """Return what a list of everything that is wrong says of it."""
    count, since = decision.memory.failures_in_a_row, known_time(decision.memory.failing_since)
    ago = f"{duration(decision.now - since)} ago" if since else ""
    if count > 1:
        return f"The last {count} backups failed" + (f", the first of them {ago}." if ago else ".")
    return "The last backup failed" + (f", {ago}." if ago else ".")


def content(decision: Decision, situation: Situation, incident: Incident, phase: str) -> Content:
    """Return what its reminder says; its opening is the failed row's own notice, unless that could not be sent."""
    memory, failed = decision.memory, situation.newest_failed
    good = last_completed_fact(memory.last_completed)
    if phase == "ended":
        return Content(
            "✅",
            "Backups no longer failing",
            "The backup history no longer shows a failed backup after the last successful one.",
            (good,),
            next_step=NO_ACTION,
        )
    count = memory.failures_in_a_row
    since = memory.failing_since or UNKNOWN_TIME
    ago = f" {duration(decision.now - since)} ago" if known_time(since) else ""
    what = f"The last {plural(count, 'backup')} failed." if count > 1 else f"The last backup failed{ago}."
    payment = failed is not None and (failed.row.state or "").casefold() == "payment_failed"
    return Content(
        "🔴",
        "Still no successful backup" if phase == "reminder" else "The last backup failed",
        f"{what} {last_good(memory.last_completed, decision.now)}",
        (
            *((Fact("Failures in a row", str(count)),) if count > 1 else ()),
            time_fact("Failing since" if count > 1 else "Failed", since),
            good,
            *(row_facts(failed.row) if failed else []),
        ),
        next_step=failed_step(payment=payment),
    )
