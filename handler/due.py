"""When the next backup is due, and how the schedule reads. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from handler.history import UNKNOWN_TIME
from handler.memory import Memory
from handler.plan import Plan
from handler.wording import Fact

GAP_DAYS = {"weekly": 7, "biweekly": 14}
LONGEST_GAP_DAYS = 35
"""Of whatever else recurs, and without a schedule: a first Thursday comes after 28 or 35 days."""


class Due(NamedTuple):
    """When the next backup should have completed.

    Attributes:
        at: By then.
        counted_from: What that was counted from.
        gap: How long after it, at the longest.
        exact: Zoho named this run.
    """

    at: datetime
    counted_from: datetime
    gap: timedelta
    exact: bool


def due(memory: Memory, max_age_days: int, now: datetime) -> Due:
    """Return when a backup is due.

    Args:
        memory: What is known of completions, schedule and plan.
        max_age_days: The setting MAX_BACKUP_AGE_DAYS; 0: by the schedule.
        now: Stands in for the baseline at the first read.
    """
    last, baseline = known_time(memory.last_completed), memory.baseline_at or now
    if max_age_days:
        return _after(last or baseline, timedelta(days=max_age_days))
    schedule, plan = memory.schedule, current_plan(memory)
    set_up = known_time(schedule.at) if schedule and schedule.explicit else None
    begun = [time for time in (last, set_up, plan.starts_at if plan else None) if time]
    counted_from = max(begun, default=baseline)
    by_rule = _after(counted_from, timedelta(days=plan.gap_days if plan else repeat_days(memory)))
    next_run = standing_run(memory)
    return by_rule._replace(at=next_run, exact=True) if next_run and next_run <= by_rule.at else by_rule


def _after(counted_from: datetime, gap: timedelta) -> Due:
    return Due(counted_from + gap, counted_from, gap, exact=False)


def repeat_days(memory: Memory) -> int:
    """Return the longest time between two backups by the word in the history, in days."""
    schedule = memory.schedule
    return GAP_DAYS.get(schedule.repeat_type or "", LONGEST_GAP_DAYS) if schedule else LONGEST_GAP_DAYS


def current_plan(memory: Memory) -> Plan | None:
    """Return the plan if it was read since the schedule was set up."""
    set_up = memory.schedule.at if memory.schedule and memory.schedule.explicit else None
    return memory.plan if memory.plan and memory.plan.applies(set_up) else None


def changed_at(memory: Memory) -> datetime | None:
    """Return when the schedule was last set up or turned off, as far as the history says."""
    schedule = memory.schedule
    if schedule is None or not (schedule.explicit or schedule.stopped_at):
        return None
    return schedule.stopped_at or schedule.at


def standing_run(memory: Memory) -> datetime | None:
    """Return the next run that Zoho named, while it counts."""
    plan = memory.plan
    return plan.next_run if plan and plan.stands(memory.last_completed, changed_at(memory)) else None


def has_schedule(memory: Memory) -> bool:
    """Return whether backups run by themselves, as far as history and plan say."""
    schedule = memory.schedule
    if schedule and schedule.in_force:
        return True
    return standing_run(memory) is not None if schedule else memory.plan is not None


def known_time(time: datetime | None) -> datetime | None:
    """Return a time; None also where Zoho never gave it."""
    return None if time == UNKNOWN_TIME else time


def how_often(memory: Memory) -> str:
    """Return how often backups run, or last ran: "weekly", "every 3 weeks", Zoho's own word, or ""."""
    plan, schedule = current_plan(memory), memory.schedule
    return (plan.how_often if plan else "") or (schedule.repeat_type or "" if schedule else "")


def time_fact(label: str, time: datetime) -> Fact:
    """Return a time that Zoho may never have given."""
    return Fact(label, "at a time that Zoho does not give") if time == UNKNOWN_TIME else Fact(label, time=time)


def last_completed_fact(time: datetime | None, label: str = "Last successful backup") -> Fact:
    """Return when a backup last completed."""
    return time_fact(label, time) if time else Fact(label, "never")


def next_run_fact(memory: Memory, max_age_days: int, now: datetime) -> tuple[Fact, ...]:
    """Return when the next backup runs, or by when one is expected; nothing without a schedule."""
    if not has_schedule(memory) and not max_age_days:
        return ()
    next_due = due(memory, max_age_days, now)
    if next_due.at < now:
        return (Fact("Was due", time=next_due.at),)
    return (Fact("Next run" if next_due.exact else "Next backup expected by", time=next_due.at),)
