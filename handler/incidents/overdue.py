"""No backup has completed by the time one was due. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from handler.decision import Decision
from handler.history import Event, has_own_time, known_time
from handler.incidents.kind import IncidentKind
from handler.memory import Incident
from handler.schedule import Due, current_plan, due, has_schedule, how_often, learn_plan, next_run_fact, planned_run
from handler.wording import NO_ACTION, PAGE, Content, Fact, duration, plural

ADJECTIVES = {"daily", "weekly", "biweekly", "monthly", "yearly"}
"""Words for a schedule that fit before “backup”; any other one may be Zoho's own."""


def _evaluate(decision: Decision, known: Incident | None) -> Incident | None:
    """Open it when a backup was due longer ago than the grace; close it when none is due by the current rules."""
    if known is None and _late_since(decision):
        if _is_running(decision):
            return None
        learn_plan(decision)  # Zoho may know a longer interval than the history's word for it
    since = _late_since(decision)
    return (known or Incident(since)) if since else None


def _ending(decision: Decision, incident: Incident, news: Sequence[Event]) -> tuple[Event, str] | None:
    """Return the newest completed backup, and how late it was."""
    event = next((event for event in reversed(news) if event.kind == "completed"), None)
    if event is None:
        return None
    if event.at <= incident.since:
        own = has_own_time(event, decision.memory.seen, decision.memory.unknown)
        return event, "an overdue alert" + (": the backup was in time, and Zoho listed it late" if own else "")
    return event, f"a backup that was {duration(event.at - incident.since)} late"


def _suppressed(decision: Decision) -> bool:
    """Return True while a backup runs, and for a reminder's time after a notice of `failing`."""
    if _is_running(decision):
        return True
    failing = decision.memory.incidents.get("failing")
    hours = timedelta(hours=decision.policy.remind_hours)
    return bool(failing and failing.notified_at and decision.now - failing.notified_at < hours)


def _content(decision: Decision, incident: Incident, phase: str) -> Content:
    """Return what its notices say."""
    memory, policy, now = decision.memory, decision.policy, decision.now
    good = decision.last_good_facts()
    if phase == "ended":
        sentence = "No backup is overdue by the current schedule and settings."
        facts = (*good, *next_run_fact(decision))
        return Content("✅", "Backup no longer overdue", sentence, facts, next_step=NO_ACTION)
    late = due(memory, policy.max_backup_age_days, now)
    still, lasted = phase == "reminder", duration(now - (known_time(memory.last_completed) or late.counted_from))
    by_schedule = has_schedule(memory) and not policy.max_backup_age_days and not _has_ended(decision)
    if by_schedule:
        late_by = duration(now - late.at)
        title = f"Still no backup, {late_by} late" if still else f"Backup {late_by} late"
    elif memory.last_completed:
        title = f"Still no backup after {lasted}" if still else f"No backup for {lasted}"
    else:
        title = "Still no backup" if still else "No backup yet"
    sentence = _rule(decision, late)
    if has_schedule(memory) and not _has_ended(decision):
        sentence += decision.used_up(late.at)
    if memory.failures_in_a_row:
        sentence += f" Failures in a row: {memory.failures_in_a_row:,}."
    planned = [Fact("Next run", time=run)] if (run := planned_run(memory)) and run > now else []
    facts = (*good, *([] if by_schedule else [Fact("Was due", time=late.at)]), *planned)
    step = decision.download_first(decision.fill_in(_next_step(decision)))
    return Content("⏰", title, sentence, facts, next_step=step, time=late.at if by_schedule else None)


def _late_since(decision: Decision) -> datetime | None:
    """Return when the backup was due that is late by more than the grace, or None."""
    was_due = due(decision.memory, decision.policy.max_backup_age_days, decision.now).at
    return was_due if decision.now > was_due + timedelta(hours=decision.policy.grace_hours) else None


def _is_running(decision: Decision) -> bool:
    """Return whether `stuck` watches a backup that began after the last completed one: one hung run is one incident."""
    last = decision.memory.last_completed
    began_since = any(last is None or running.at > last for running in decision.current.running)
    return began_since and "stuck" in decision.policy.notify_on


def _next_step(decision: Decision) -> str:
    runs_on = has_schedule(decision.memory) and not _has_ended(decision)
    check = "check that the schedule is still there" if runs_on else "set up a schedule"
    step = f"Open {PAGE} in Zoho CRM, {check}, and start a backup now."
    if (days := decision.policy.max_backup_age_days) or current_plan(decision.memory) is None:
        step += f" If backups may be less frequent, ask {{operator}} to {'change' if days else 'set'} MaxBackupAgeDays."
    return step


def _has_ended(decision: Decision) -> bool:
    """Return whether the plan's last run has passed."""
    plan = current_plan(decision.memory)
    return plan is not None and plan.ends_at is not None and plan.ends_at < decision.now


def _rule(decision: Decision, late: Due) -> str:
    """Return the rule by which the backup is late, as a sentence."""
    memory, days = decision.memory, plural((late.at - late.counted_from).days, "day")
    if decision.policy.max_backup_age_days:
        return f"This notifier is set to alert after {days} without a backup."
    if _has_ended(decision):
        return "The backup schedule has ended, so no further backups will run."
    if not has_schedule(memory):
        words = how_often(memory)
        rest = f". The previous schedule was {words}." if words else f", so we alert after {days}."
        return f"No backup schedule is set up{rest}"
    which = words if (words := how_often(memory)) in ADJECTIVES else "scheduled"
    said = f"Your {which} backup was due %time% and has not completed."
    return said if late.exact else f"{said} It should run at least every {days}."


OVERDUE = IncidentKind("overdue", "overdue", _evaluate, _ending, _content, _suppressed)
