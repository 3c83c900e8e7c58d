"""No backup has completed by the time one was due. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from handler.decision import Decision
from handler.due import (
    Due,
    current_plan,
    due,
    has_schedule,
    how_often,
    last_completed_fact,
    next_run_fact,
    standing_run,
)
from handler.history import Event, Row
from handler.incidents.situation import Situation
from handler.memory import Incident
from handler.outcomes import NO_ACTION
from handler.wording import PAGE, Content, Fact, duration, plural

NAME = KIND = "overdue"


def evaluate(decision: Decision, situation: Situation, known: Incident | None) -> Incident | None:
    """Open when a backup was due longer ago than the grace; close when the rules in force no longer say so."""
    late = due(decision.memory, decision.policy.max_backup_age_days, decision.now)
    limit = late.at + timedelta(hours=decision.policy.grace_hours)
    if decision.now <= limit:
        return None
    if known:
        return known
    if _is_running(decision, situation):
        return None
    if not decision.policy.max_backup_age_days:
        decision.ask("plan")  # Zoho may know another rule than the history's one word for it
    return Incident(late.at)


def _is_running(decision: Decision, situation: Situation) -> bool:
    """Return whether `stuck` watches a backup that began after the last completed one: one hung run is one incident."""
    last = decision.memory.last_completed
    began_since = any(last is None or running.since > last for running in situation.running)
    return began_since and "stuck" in decision.policy.notify_on


def ended_by(incident: Incident, situation: Situation, news: Sequence[Event]) -> Event | None:
    """Return the newest completed backup."""
    return next((event for event in reversed(news) if event.kind == "completed"), None)


def resolved(incident: Incident, event: Event) -> str:
    """Return how long it lasted, until the backup completed."""
    if event.at <= incident.since:
        return "an overdue alert: the backup had completed in time, and Zoho listed it late"
    return f"a backup overdue for {duration(event.at - incident.since)}"


def waits(decision: Decision, situation: Situation) -> bool:
    """Return whether a backup runs, or `failing` was notified of within a reminder's time: never both on one day."""
    if _is_running(decision, situation):
        return True
    failing = decision.memory.incidents.get("failing")
    hours = timedelta(hours=decision.policy.remind_hours)
    return bool(failing and failing.notified_at and decision.now - failing.notified_at < hours)


def row(situation: Situation, incident: Incident) -> Row | None:
    """Return None: no row is the matter."""
    return None


def line(decision: Decision, incident: Incident) -> str:
    """Return what a list of everything that is wrong says of it."""
    return f"A backup has been overdue for {duration(decision.now - incident.since)}."


def content(decision: Decision, situation: Situation, incident: Incident, phase: str) -> Content:
    """Return what its notices say."""
    memory, policy, now = decision.memory, decision.policy, decision.now
    if phase == "ended":
        return Content(
            "✅",
            "Backup no longer overdue",
            "No backup is overdue by the current schedule and settings.",
            (last_completed_fact(memory.last_completed), *next_run_fact(memory, policy.max_backup_age_days, now)),
            next_step=NO_ACTION,
        )
    late = due(memory, policy.max_backup_age_days, now)
    lasted = duration(now - late.counted_from)
    sentences = [f"No backup has completed in the last {lasted}.", _rule(decision, late)]
    if memory.failures_in_a_row:
        sentences.append(f"Failed since then: {plural(memory.failures_in_a_row, 'backup')}.")
    check = "check that the schedule is still there" if has_schedule(memory) else "set up a schedule"
    if _has_ended(decision):
        check = "set up a new schedule"
    step = f"Open {PAGE} in Zoho CRM, {check}, and start a backup now."
    if not policy.max_backup_age_days and current_plan(memory) is None:
        step += " If backups are meant to be less frequent, ask {operator} to set MaxBackupAgeDays."
    next_run = standing_run(memory)
    return Content(
        "⏰",
        f"Still no backup after {lasted}" if phase == "reminder" else f"No backup for {lasted}",
        " ".join(sentences),
        (
            last_completed_fact(memory.last_completed),
            Fact("Was due", time=late.at),
            *([Fact("Next run", time=next_run)] if next_run and next_run > now else []),
        ),
        next_step=decision.step(step),
    )


def _has_ended(decision: Decision) -> bool:
    """Return whether the plan's last run has passed."""
    plan = current_plan(decision.memory)
    return plan is not None and plan.ends_at is not None and plan.ends_at < decision.now


def _rule(decision: Decision, late: Due) -> str:
    memory, days = decision.memory, plural(late.gap.days, "day")
    if decision.policy.max_backup_age_days:
        return f"This notifier is set to alert after {days} without a backup."
    if _has_ended(decision):
        return "The backup schedule has ended, so no further backups will run."
    if not has_schedule(memory):
        words = how_often(memory)
        return (
            f"No backup schedule is set up. The previous schedule was {words}."
            if words
            else f"No backup schedule is set up; the alert limit is then {days}."
        )
    if late.exact:
        return f"Your schedule ({how_often(memory)}) had a backup planned {duration(decision.now - late.at)} ago."
    return f"Your schedule ({how_often(memory)}) should produce one at least every {days}."
