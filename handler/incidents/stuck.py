"""A backup began long ago, and has neither completed nor failed. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from handler.decision import Decision
from handler.history import Event, Row, row_facts, time_fact
from handler.incidents.kind import IncidentKind
from handler.memory import Incident
from handler.timeline import LONGEST_RUN
from handler.wording import PAGE, Content, duration


def _limit(decision: Decision) -> timedelta:
    """Return how long a backup may run: half as long again as the longest remembered one, at least `stuck_hours`."""
    learned = timedelta(minutes=1.5 * max(decision.memory.run_minutes, default=0))
    return min(max(timedelta(hours=decision.policy.stuck_hours), learned), LONGEST_RUN)


def _evaluate(decision: Decision, known: Incident | None) -> Incident | None:
    """Open it when the oldest backup without an outcome runs too long; close it when that no longer runs.

    If the newest counted, each hanging backup would restart the clock for the one before.
    """
    running = decision.current.running
    if known and any(event.at == known.since for event in running):
        return known
    oldest = min(running, key=lambda event: event.at, default=None)
    hangs = oldest is not None and decision.now - oldest.at >= _limit(decision)
    return Incident(oldest.at, row_id=oldest.row.id) if oldest and hangs else None


def _ending(decision: Decision, incident: Incident, news: Sequence[Event]) -> tuple[Event, str] | None:
    """Return the first outcome after it began, or the outcome of the same row, changed in place."""
    same_row = incident.row_id or None
    event = next((e for e in news if e.at >= incident.since or e.row.id == same_row), None)
    if event is None:
        return None
    if event.at <= incident.since:  # the row kept the time at which the backup began
        return event, "a backup that had not finished"
    return event, f"a backup that ran for {duration(event.at - incident.since)}"


def _row(decision: Decision, incident: Incident) -> Row | None:
    """Return the row of the backup that runs."""
    return next((event.row for event in decision.current.running if event.at == incident.since), None)


def _content(decision: Decision, incident: Incident, phase: str) -> Content:
    """Return what its notices say."""
    lasted = duration(decision.now - incident.since)
    facts = (time_fact("Started", incident.since), *decision.last_good_facts())
    if phase == "ended":
        sentence = f"Zoho CRM no longer shows the backup that started {lasted} ago as running."
        sentence, step = f"{sentence} We can't tell how it ended.", f"Check under {PAGE} in Zoho CRM how it ended."
        return Content("☑️", "Backup no longer shown as running", sentence, facts, next_step=step)
    row = _row(decision, incident)
    title = f"Backup {'still running' if phase == 'opened' else 'still not finished'} after {lasted}"
    facts += tuple(row_facts(row)) if row else ()
    step = f"Check under {PAGE} in Zoho CRM whether it still runs. If it does not finish, contact Zoho support."
    sentence = "It has neither completed nor failed."
    if decision.now - incident.since < LONGEST_RUN:
        sentence += " If it completes within 7 days of its start, we allow the next backups as much time."
    return Content("⏳", title, sentence, facts, next_step=decision.download_first(step))


STUCK = IncidentKind("stuck", "stuck", _evaluate, _ending, _content, row=_row)
