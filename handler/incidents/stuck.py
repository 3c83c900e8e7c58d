"""A backup began, and has neither completed nor failed for long. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from handler.decision import Decision
from handler.due import time_fact
from handler.history import Event, Row
from handler.incidents.situation import Situation
from handler.memory import Incident
from handler.outcomes import row_facts
from handler.wording import PAGE, Content, duration

NAME = KIND = "stuck"


def evaluate(decision: Decision, situation: Situation, known: Incident | None) -> Incident | None:
    """Open when the newest backup that began runs too long; close when it no longer runs."""
    if known and any(running.since == known.since for running in situation.running):
        return known
    if situation.running:
        newest = situation.running[0]
        if decision.now - newest.since >= timedelta(hours=decision.policy.stuck_hours):
            return Incident(newest.since, row_id=newest.row.id)
    return None


def ended_by(incident: Incident, situation: Situation, news: Sequence[Event]) -> Event | None:
    """Return the first outcome that came after it began, or is the same row, changed in place."""
    return next((e for e in news if e.at >= incident.since or e.row.id == (incident.row_id or None)), None)


def resolved(incident: Incident, event: Event) -> str:
    """Return how long it ran until this outcome."""
    if event.at <= incident.since:
        return "a backup that had not finished"  # its row kept the time at which it began
    return f"a backup that ran for {duration(event.at - incident.since)}"


def waits(decision: Decision, situation: Situation) -> bool:
    """Return False: nothing else speaks for it."""
    return False


def row(situation: Situation, incident: Incident) -> Row | None:
    """Return the row of the backup that runs."""
    return next((running.row for running in situation.running if running.since == incident.since), None)


def line(decision: Decision, incident: Incident) -> str:
    """Return what a list of everything that is wrong says of it."""
    return f"A backup started {duration(decision.now - incident.since)} ago and hasn't finished or failed."


def content(decision: Decision, situation: Situation, incident: Incident, phase: str) -> Content:
    """Return what its notices say."""
    lasted = duration(decision.now - incident.since)
    started = time_fact("Started", incident.since)
    if phase == "ended":
        return Content(
            "☑️",
            "Backup no longer shown as running",
            f"Zoho CRM no longer shows the backup that started {lasted} ago as running. We can't tell how it ended.",
            (started,),
            next_step=f"Check under {PAGE} in Zoho CRM how it ended.",
        )
    running = row(situation, incident)
    still = "still running" if phase == "opened" else "still not finished"
    return Content(
        "⏳",
        f"Backup {still} after {lasted}",
        f"A backup started {lasted} ago and hasn't finished or failed.",
        (started, *(row_facts(running) if running else ())),
        next_step=f"Check under {PAGE} in Zoho CRM whether it still runs. If it does not finish, contact Zoho support.",
    )
