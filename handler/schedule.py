"""The schedule that the history shows, and when the next backup is due. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from handler.codec import UNKNOWN_TIME
from handler.decision import Decision
from handler.history import Event, known_time
from handler.memory import Memory
from handler.plan import Plan, Schedule, adopt
from handler.wording import Fact

GAP_DAYS = {"weekly": 7, "biweekly": 14}
LONGEST_GAP_DAYS = 35
"""Gap of any other interval, and without a schedule: a first Thursday comes after 28 or 35 days."""


class Due(NamedTuple):
    """When the next backup should have completed.

    Attributes:
        at: The time by which it should have completed.
        counted_from: The time from which that was counted.
        exact: Whether Zoho named this run.
    """

    at: datetime
    counted_from: datetime
    exact: bool


def due(memory: Memory, max_age_days: int, now: datetime) -> Due:
    """Return when a backup is due.

    Args:
        memory: What is known of completions, schedule and plan.
        max_age_days: The setting MAX_BACKUP_AGE_DAYS; 0 means by the schedule.
        now: Stands in for the baseline at the first read.
    """
    last, baseline = known_time(memory.last_completed), memory.baseline_at or now
    if max_age_days:
        counted_from = last or baseline
        return Due(counted_from + timedelta(days=max_age_days), counted_from, exact=False)
    schedule, plan = memory.schedule or Schedule(), current_plan(memory)
    begun = [time for time in (last, known_time(schedule.at), plan.starts_at if plan else None) if time]
    counted_from = max(begun, default=baseline)
    days = plan.gap_days if plan else GAP_DAYS.get(schedule.repeat_type or "", LONGEST_GAP_DAYS)
    by_rule = Due(counted_from + timedelta(days=days), counted_from, exact=False)
    next_run = planned_run(memory)
    return by_rule._replace(at=next_run, exact=True) if next_run and next_run <= by_rule.at else by_rule


def current_plan(memory: Memory) -> Plan | None:
    """Return the plan if it was read since the schedule was set up."""
    schedule, plan = memory.schedule, memory.plan
    return plan if plan and plan.applies(schedule.at if schedule else None) else None


def changed_at(memory: Memory) -> datetime | None:
    """Return when the schedule was last set up or turned off, as far as the history says."""
    return memory.schedule.changed_at if memory.schedule else None


def planned_run(memory: Memory) -> datetime | None:
    """Return the next run that Zoho named, while it still counts."""
    plan = memory.plan
    return plan.next_run if plan and plan.stands(memory.last_completed, changed_at(memory)) else None


def has_schedule(memory: Memory) -> bool:
    """Return whether backups run by themselves, as far as history and plan say."""
    schedule = memory.schedule
    if schedule and schedule.in_force:
        return True
    return planned_run(memory) is not None if schedule else memory.plan is not None


def how_often(memory: Memory) -> str:
    """Return how often backups run, or last ran: "weekly", "every 3 weeks", Zoho's own word, or ""."""
    plan, schedule = current_plan(memory), memory.schedule
    return (plan.how_often if plan else "") or (schedule.repeat_type or "" if schedule else "")


def learn_plan(decision: Decision) -> None:
    """Look up what Zoho plans, unless a setting replaces it, and remember it."""
    memory = decision.memory
    if not decision.policy.max_backup_age_days and (plan := decision.sources.plan()):
        decision.update_memory(plan=adopt(memory.plan, plan, memory.last_completed, changed_at(memory)))


def newest_schedule(history: Sequence[Event], remembered: Schedule | None) -> Schedule | None:
    """Return the schedule to remember, from the history (oldest first) and the remembered one.

    The newer of the two counts. A schedule that is only implied by the ``repeat_type`` of other rows counts where
    neither was ever set up nor turned off.
    """
    told = remembered if remembered and remembered.changed_at else None
    implied = next((Schedule(event.row.repeat_type) for event in reversed(history) if recurs(event)), None)
    before = told or implied or remembered
    shown = _shown(history, before) or before
    if not shown or not told:
        return shown
    newer = max(shown, told, key=lambda schedule: schedule.changed_at or UNKNOWN_TIME)
    return newer._replace(stop_sent=told.stop_sent) if newer.stopped_at == told.stopped_at else newer


def recurs(event: Event) -> bool:
    """Return whether a row is about a recurring backup."""
    return event.row.repeat_type not in {None, "immediate"}


def _shown(history: Sequence[Event], before: Schedule | None) -> Schedule | None:
    """Return the newest schedule that was set up or turned off in the history; `before` is what a stop turned off."""
    set_up = next((event for event in reversed(history) if _action(event) == "scheduled" and recurs(event)), None)
    later = history[history.index(set_up) + 1 :] if set_up else history
    stopped_at = max((event.at for event in later if _action(event) == "stopped"), default=None)
    if set_up:
        return Schedule(set_up.row.repeat_type, set_up.at, stopped_at=stopped_at)
    return (before or Schedule())._replace(stopped_at=stopped_at, stop_sent=False) if stopped_at else None


def _action(event: Event) -> str:
    # A row may have a state as well, and then its kind is the outcome.
    return (event.row.action or "").casefold()


def next_run_fact(decision: Decision) -> tuple[Fact, ...]:
    """Return when the next backup runs, or by when one is expected; nothing without a schedule."""
    max_age_days = decision.policy.max_backup_age_days
    if not has_schedule(decision.memory) and not max_age_days:
        return ()
    next_due = due(decision.memory, max_age_days, decision.now)
    if next_due.at < decision.now:
        late = decision.now > next_due.at + timedelta(hours=decision.policy.grace_hours)
        return (Fact("Was due" if late else "Due since", time=next_due.at),)
    return (Fact("Next run" if next_due.exact else "Next backup expected by", time=next_due.at),)
