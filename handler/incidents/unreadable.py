"""The history cannot be read. Pure."""

from datetime import timedelta

from handler.causes import CAUSES, TRANSIENT, Cause
from handler.decision import Decision
from handler.errors import UnreadableError
from handler.memory import Incident
from handler.outcomes import NO_ACTION
from handler.wording import Content, Fact, duration

NAME = KIND = "unreadable"


def evaluate(decision: Decision, problem: UnreadableError) -> None:
    """Open it, learn a more telling cause, or remind of it.

    What a person must fix is sent at once, each cause; transient errors only after ``unreadable_hours``, and they never
    hide what a person must fix.
    """
    incident = decision.memory.incidents.get(NAME) or Incident(decision.now, cause=problem.cause.name)
    known = CAUSES.get(incident.cause, TRANSIENT)
    if problem.cause.actionable or not known.actionable:
        known = problem.cause
        incident = incident._replace(cause=known.name, detail=str(problem))
    decision.set_incident(NAME, incident)
    if known.actionable or decision.now - incident.since >= timedelta(hours=decision.policy.unreadable_hours):
        _notify(decision, incident, known)


def _notify(decision: Decision, incident: Incident, cause: Cause) -> None:
    last = incident.causes.get(cause.name)
    if not decision.is_due(last, incident.reminders):
        return
    content = _content(decision, incident, cause, still=last is not None)
    notice = decision.opening(KIND, NAME, incident, content, identity=f"{NAME}-{cause.name}")
    if decision.wants(KIND) and decision.notify(notice):
        reminders = incident.reminders + (1 if last else 0)
        causes = {**incident.causes, cause.name: decision.now}
        decision.set_incident(NAME, incident._replace(notified_at=decision.now, reminders=reminders, causes=causes))


def _content(decision: Decision, incident: Incident, cause: Cause, *, still: bool) -> Content:
    facts = [Fact("Since", time=incident.since)]
    if incident.since < decision.now:
        facts.append(Fact("For", duration(decision.now - incident.since)))
    if incident.detail:
        facts.append(Fact("Technical detail", incident.detail))
    if cause.resolution:
        facts.append(Fact("Zoho's advice", cause.resolution))
    until = "this is fixed" if cause.actionable else "Zoho answers again"
    return Content(
        "🚫",
        f"{'Still cannot' if still else 'Cannot'} check the backups ({cause.title})",
        f"{cause.sentence} Backups are not being monitored until {until}.",
        tuple(facts),
        next_step=decision.step(cause.next_step),
    )


def close(decision: Decision) -> None:
    """Close it after a good read, as ``readable``."""
    incident = decision.memory.incidents.get(NAME)
    if incident is None:
        return
    decision.set_incident(NAME, None)
    if incident.notified_at and decision.wants(KIND):
        lasted = duration(decision.now - incident.since)
        content = Content(
            "✅",
            "Backups can be checked again",
            f"Monitoring resumed after {lasted}. Messages about anything that happened meanwhile follow.",
            (Fact("Not monitored since", time=incident.since),),
            next_step=NO_ACTION,
        )
        decision.notify(decision.ending("readable", NAME, incident, content))
