"""The history cannot be read. Pure."""

from datetime import timedelta

from handler.decision import Decision
from handler.errors import CAUSES, CONCLUDED, TRANSIENT, Cause, UnreadableError
from handler.incidents.kind import heard_of
from handler.memory import Incident
from handler.wording import NO_ACTION, Content, Fact, duration

NAME = KIND = "unreadable"


def evaluate(decision: Decision, problem: UnreadableError) -> None:
    """Open the incident, update its cause, or send a reminder.

    A cause that a person must fix is sent at once, each by itself. Transient errors are sent after
    ``unreadable_hours``, and never replace a cause that a person must fix. The first concluded cause since the last
    good read counts as transient.
    """
    incident = decision.memory.incidents.get(NAME) or Incident(decision.now)
    cause, known = problem.cause, CAUSES.get(incident.cause, TRANSIENT)
    if cause in CONCLUDED:
        incident = incident._replace(concluded={cause.name: decision.now, **incident.concluded})
        if min(incident.concluded.values()) == decision.now:
            cause = TRANSIENT
    if cause.actionable or not known.actionable:
        known = cause
        incident = incident._replace(cause=known.name, detail=str(problem))
    decision.set_incident(NAME, incident)
    notified_at = incident.causes.get(known.name)
    of_cause = incident._replace(notified_at=notified_at, causes={**incident.causes, known.name: decision.now})
    lasts = decision.now - incident.since >= timedelta(hours=decision.policy.unreadable_hours)
    if (known.actionable or lasts) and decision.should_notify(KIND, of_cause):
        made = content(decision, incident, known, of_cause.next_phase)
        decision.notify_open(KIND, NAME, of_cause, made, cause=known.name)


def content(decision: Decision, incident: Incident, cause: Cause, phase: str) -> Content:
    """Return what a notice of this cause says."""
    lasted = duration(decision.now - incident.since) if incident.since < decision.now else ""
    sentence = cause.sentence.replace("{detail}", incident.detail.rstrip("."))
    detail = incident.detail if sentence == cause.sentence else ""
    texts = {"For": lasted, "Technical detail": detail}
    facts = (Fact("Since", time=incident.since), *(Fact(label, text) for label, text in texts.items() if text))
    title = f"{'Still cannot' if phase == 'reminder' else 'Cannot'} check the backups ({cause.title})"
    sentence = f"{sentence} Backups are not being monitored until this ends."
    return Content("🚫", title, sentence, facts, next_step=decision.fill_in(cause.next_step))


def close(decision: Decision) -> None:
    """Close the incident after a good read, with a notice of the kind ``readable``."""
    incident = decision.memory.incidents.get(NAME)
    if incident is None:
        return
    told = heard_of(decision.memory, NAME)
    decision.set_incident(NAME, None)
    if told and decision.wants(KIND):
        lasted = duration(decision.now - incident.since)
        sentence = f"Monitoring resumed after {lasted}. Messages about anything that happened meanwhile follow."
        facts = (Fact("Not monitored since", time=incident.since),)
        ended = Content("✅", "Backups can be checked again", sentence, facts, next_step=NO_ACTION)
        decision.notify_end("readable", NAME, incident, ended)
