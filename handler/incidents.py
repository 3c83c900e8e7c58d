"""Conditions that last: overdue, stuck, unreadable and broken channels. Pure.

An incident opens with a notice, repeats it every ``remind_hours`` while it lasts, and closes with one. An incident that
nobody was told of (``told_at`` None) closes in silence.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from handler.decision import Decision, days_between_backups
from handler.errors import UnreadableError
from handler.history import Row
from handler.memory import Incident, Memory, iso

Running = tuple[datetime, Row]
"""When a backup began, and its row."""


def judge_overdue(decision: Decision) -> None:
    """Open `overdue` when no backup has completed for too long, or remind of it. Only a completion closes it."""
    memory, policy = decision.memory, decision.policy
    if "overdue" not in memory.incidents:
        schedule = memory.schedule
        scheduled_at = schedule.at if schedule and schedule.repeat_type else None
        counted_from = memory.last_completed or scheduled_at or memory.baseline_at or decision.now
        gap = policy.longest_gap(schedule)
        if decision.now - counted_from <= gap:
            return
        facts = {
            "last_completed": iso(memory.last_completed),
            "counted_from": counted_from.isoformat(),
            "repeat_type": schedule.repeat_type if schedule else None,
            "max_age_days": policy.max_backup_age_days,
            "expected_days": (gap - timedelta(hours=policy.grace_hours)).days,
            "grace_hours": policy.grace_hours,
        }
        decision.set_incident("overdue", Incident(counted_from + gap, facts=facts))
    keep_telling(decision, "overdue")


def judge_stuck(decision: Decision, running: Running | None) -> None:
    """Open `stuck` when the newest backup that began has had no outcome for too long, or remind of it.

    Args:
        decision: The decision in the making.
        running: When the newest backup without any later outcome began, and its row; None when nothing runs.
    """
    if "stuck" not in decision.memory.incidents:
        if running is None or decision.now - running[0] < timedelta(hours=decision.policy.stuck_hours):
            return
        began, row = running
        facts = {"row": shown(row), "stuck_hours": decision.policy.stuck_hours}
        decision.set_incident("stuck", Incident(began, facts=facts))
    keep_telling(decision, "stuck")


def ends_stuck(decision: Decision, time: datetime, row: Row, running: Running | None) -> bool:
    """Return whether this outcome ends the stuck backup: it came after it, or is the same row, changed in place.

    Args:
        decision: The decision in the making.
        time: When the outcome happened.
        row: The outcome's.
        running: As for `judge_stuck`. While it is the stuck one, an outcome with its id is of an earlier run.
    """
    stuck = decision.memory.incidents.get("stuck")
    if stuck is None or (running and running[0] == stuck.since):
        return False
    return time >= stuck.since or row.id == (stuck.facts["row"]["id"] or None)


def ends_overdue(decision: Decision, time: datetime) -> bool:
    """Return whether a backup completed at this time ends the overdue incident: it is newer, or recent enough."""
    overdue = decision.memory.incidents.get("overdue")
    if overdue is None:
        return False
    gap = decision.policy.longest_gap(decision.memory.schedule)
    return time > datetime.fromisoformat(overdue.facts["counted_from"]) or decision.now - time <= gap


def judge_unreadable(decision: Decision, problem: UnreadableError) -> None:
    """Open `unreadable`, learn a more telling cause of it, or remind of it.

    What a person must mend is told at once; trouble that passes by itself only after ``unreadable_hours``.
    """
    incident = decision.memory.incidents.get("unreadable")
    facts = {"cause": problem.cause, "act": problem.act, "detail": str(problem), "resolution": problem.resolution}
    if incident is None:
        incident = Incident(decision.now, facts=facts)
        decision.set_incident("unreadable", incident)
    elif problem.act and problem.cause != incident.facts["cause"]:
        # Told anew, as there is another thing to mend; what passes by itself never hides what a person must mend.
        incident = Incident(incident.since, facts={**facts, "changed": incident.told_at is not None})
        decision.set_incident("unreadable", incident)
    patience = timedelta(hours=decision.policy.unreadable_hours)
    if incident.facts["act"] or decision.now - incident.since >= patience:
        keep_telling(decision, "unreadable")


def close_unreadable(decision: Decision) -> None:
    """Close `unreadable` after a good read, as `readable`."""
    incident = decision.memory.incidents.get("unreadable")
    if incident is None:
        return
    decision.set_incident("unreadable", None)
    if incident.told_at:
        facts = {**incident.facts, "since": incident.since.isoformat()}
        identity = f"unreadable-{stamp(incident.since)}-closed"
        decision.tell("readable", identity, facts=facts, because_of={"unreadable"}, incident="unreadable")


def judge_channels(decision: Decision) -> None:
    """Tell of each broken channel on the others, remind of it, and tell when it is back or was removed."""
    for name, incident in decision.memory.incidents.items():
        if not name.startswith("channel:"):
            continue
        channel = name.removeprefix("channel:")
        others = tuple(c for c in decision.channels if c != channel)
        removed = channel not in decision.channels
        if removed or "back_at" in incident.facts:
            decision.set_incident(name, None)
            if incident.told_at:
                facts = {**incident.facts, "since": incident.since.isoformat(), "phase": "closed", "removed": removed}
                identity = f"{name}-{stamp(incident.since)}-closed"
                # Where the other channel was removed meanwhile, the one that is back says so itself.
                decision.tell("channel", identity, facts=facts, owed=others or decision.channels, incident=name)
        else:
            keep_telling(decision, name, others)


def keep_telling(decision: Decision, name: str, owed: tuple[str, ...] | None = None) -> None:
    """Tell of an open incident for the first time, or remind of it when it is time to."""
    incident = decision.memory.incidents[name]
    remind = timedelta(hours=decision.policy.remind_hours)
    if incident.told_at is None:
        phase = "changed" if incident.facts.get("changed") else "opened"
    elif remind and decision.now - incident.told_at >= remind:
        phase = "reminder"
    else:
        return
    facts = {key: value for key, value in incident.facts.items() if key not in {"row", "changed"}}
    told = decision.tell(
        name.partition(":")[0],
        f"{name}-{stamp(incident.since)}-{stamp(decision.now)}",
        facts={**facts, "since": incident.since.isoformat(), "phase": phase},
        row=incident.facts.get("row"),
        owed=owed,
        incident=name,
        reminder=phase != "opened",
    )
    if told:
        decision.set_incident(name, replace(incident, told_at=decision.now))


def judge_digest(decision: Decision) -> None:
    """Tell a `digest` every ``digest_days``: what happened since the last one and what comes next."""
    memory, days = decision.memory, decision.policy.digest_days
    since = memory.digest_at or memory.baseline_at
    if not days or since is None or decision.now - since < timedelta(days=days):
        return
    decision.remember(digest_at=decision.now, outcomes={})
    facts = {
        "since": since.isoformat(),
        "outcomes": dict(memory.outcomes),
        "last_completed": iso(memory.last_completed),
        "repeat_type": memory.schedule.repeat_type if memory.schedule else None,
        "next_expected": iso(next_expected(memory)),
        "open": sorted(memory.incidents),
        "failures_in_a_row": memory.failures_in_a_row,
    }
    decision.tell("digest", f"digest-{stamp(decision.now)}", facts=facts)


def next_expected(memory: Memory) -> datetime | None:
    """Return when the schedule in force should bring the next backup; None without a schedule or a last one."""
    days = days_between_backups(memory.schedule)
    return memory.last_completed + timedelta(days=days) if days and memory.last_completed else None


def running_backup(history: Sequence[tuple[datetime, Row, str]]) -> Running | None:
    """Return the newest backup that began and has had no outcome of any kind after it."""
    for time, row, kind in reversed(history):
        if row.state:
            return None
        if kind == "started":
            return time, row
    return None


def shown(row: Row) -> dict[str, Any]:
    """Return what a notice keeps of a row."""
    return {
        "id": row.id,
        "log_time": iso(row.log_time),
        "state": row.state,
        "action": row.action,
        "repeat_type": row.repeat_type,
        "done_by": row.done_by,
        "file_name": row.file_name,
        "count": row.count,
    }


def stamp(time: datetime) -> str:
    """Return a time as identities hold it."""
    return f"{time:%Y%m%dT%H%M%SZ}"
