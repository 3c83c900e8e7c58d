"""A channel refuses permanently: the others say so. Pure."""

from datetime import timedelta

from handler.decision import Decision, Receiver
from handler.memory import Incident
from handler.outbox import Notice
from handler.outcomes import NO_ACTION
from handler.wording import Content, Fact, capital, duration

KIND = "channel"
PROBE_EVERY = timedelta(hours=24)


def name_of(channel: str) -> str:
    """Return the name of a channel's incident."""
    return f"channel:{channel}"


def evaluate(decision: Decision) -> None:
    """Notify of each broken channel on the others, remind of it, and say when it works again or was removed."""
    receivers = {receiver.name: receiver for receiver in decision.receivers}
    for receiver in decision.receivers:
        name = name_of(receiver.name)
        if receiver.problem and name not in decision.memory.incidents:
            decision.set_incident(name, Incident(decision.now, detail=receiver.problem, label=receiver.label))
    for name, incident in decision.memory.incidents.items():
        channel = name.partition(":")[2]
        if not name.startswith("channel:"):
            continue
        # A probe that was not accepted is taken back.
        decision.memory = decision.memory.accepted(channel, decision.memory.probes(channel))
        if channel not in receivers or incident.back_at:
            _end(decision, name, incident, removed=channel not in receivers)
        else:
            _open_or_remind(decision, name, incident, receivers[channel].when_broken)
            _probe(decision, receivers[channel])


def _open_or_remind(decision: Decision, name: str, incident: Incident, step: str) -> None:
    if not decision.wants(KIND) or not decision.is_due(incident.notified_at, incident.reminders):
        return
    label = incident.label
    content = Content(
        "🔇",
        f"{'Still can' if incident.notified_at else 'Can'}'t deliver to {label}",
        f"{capital(label)} rejects messages from this notifier. Messages are queued and sent once it works again. "
        "After 14 days they are discarded.",
        (Fact("Since", time=incident.since), Fact("Technical detail", incident.detail)),
        next_step=decision.step(step),
        about_crm=False,
    )
    if decision.notify(_for_others(decision.opening(KIND, name, incident, content), name)):
        decision.set_incident(name, incident.notified(decision.now))


def _end(decision: Decision, name: str, incident: Incident, *, removed: bool) -> None:
    decision.set_incident(name, None)
    if incident.notified_at and decision.wants(KIND):
        notice = _ended(decision, name, incident, removed=removed)
        others = _for_others(notice, name)
        # Where the other channel was removed meanwhile, the one that works again says so itself.
        heard = incident.back_at is not None and incident.probed_at is not None
        decision.notify(others if others.pending_for or heard else notice)


def _ended(decision: Decision, name: str, incident: Incident, *, removed: bool = False) -> Notice:
    label = incident.label
    lasted = duration((incident.back_at or decision.now) - incident.since)
    content = Content(
        "✅",
        f"{capital(label)} is no longer used" if removed else f"Delivery to {label} works again",
        f"{capital(label)} was removed from the settings after {lasted} without delivery."
        if removed
        else f"{capital(label)} accepts messages again after {lasted}. Messages that were queued for it are sent now.",
        (Fact("Not delivered since", time=incident.since),),
        next_step=NO_ACTION,
        about_crm=False,
    )
    return decision.ending(KIND, name, incident, content)


def _for_others(notice: Notice, name: str) -> Notice:
    return notice._replace(pending_for=tuple(c for c in notice.pending_for if name_of(c) != name))


def _probe(decision: Decision, receiver: Receiver) -> None:
    """Give a channel for which nothing waits its own end, once a day: it is seen only when it is true."""
    name = name_of(receiver.name)
    incident = decision.memory.incidents[name]
    waiting = [n for n in (*decision.memory.outbox, *decision.notices) if receiver.name in n.pending_for]
    if waiting or receiver.problem or decision.now - (incident.probed_at or incident.since) < PROBE_EVERY:
        return
    decision.notify(_ended(decision, name, incident)._replace(pending_for=(receiver.name,)))
    decision.set_incident(name, incident._replace(probed_at=decision.now))
