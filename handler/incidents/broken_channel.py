"""A channel refuses all messages, and the other channels say so. Pure."""

from handler.decision import Decision
from handler.memory import Incident
from handler.outbox import Channel
from handler.wording import NO_ACTION, Content, Fact, capital, duration

KIND = "channel"


def name_of(channel: str) -> str:
    """Return the name of a channel's incident."""
    return f"{KIND}:{channel}"


def open_incidents(decision: Decision) -> dict[str, Incident]:
    """Return channel → its open incident."""
    incidents = decision.memory.incidents.items()
    return {name.partition(":")[2]: one for name, one in incidents if name.startswith(f"{KIND}:")}


def evaluate(decision: Decision) -> None:
    """Open, remind of and end the incident of each broken channel.

    What waits for a broken channel is sent to it at every check, so the first acceptance ends the incident; that of a
    malformed setting ends with the setting. Nobody is reminded of a channel for which nothing waits.
    """
    memory, channels = decision.memory, {channel.name: channel for channel in decision.channels}
    for name, configured in channels.items():
        if configured.problem and name_of(name) not in memory.incidents:
            incident = Incident(decision.now, cause="settings", detail=configured.problem, label=configured.label)
            decision.set_incident(name_of(name), incident)
    for name, incident in open_incidents(decision).items():
        channel = channels.get(name)
        if channel is None or incident.back_at or (incident.cause == "settings" and not channel.problem):
            _end(decision, name, incident, removed=channel is None)
            continue
        waits = not incident.notified_at or channel.problem or memory.pending(name)
        if waits and decision.should_notify(KIND, incident):
            phase = incident.next_phase
            made = content(decision, channel, incident, phase)
            decision.notify_open(KIND, name_of(name), incident, phase, made)


def line(incident: Incident) -> str:
    """Return one sentence for a list of everything that is wrong."""
    return f"{capital(incident.label)} does not accept messages from this notifier."


def content(decision: Decision, channel: Channel, incident: Incident, phase: str) -> Content:
    """Return what its notices say while the channel is broken."""
    title = f"{'Still can' if phase == 'reminder' else 'Can'}'t deliver to {incident.label}"
    sentence = f"{line(incident)} Messages are queued and sent once it works again. After 14 days they are discarded."
    facts = (Fact("Since", time=incident.since), Fact("Technical detail", incident.detail))
    step = decision.fill_in(channel.repair_hint)
    if incident.cause == "hours":
        step = f"Wait if {incident.label} has an outage. Otherwise: {step}"
    return Content("🔇", title, sentence, facts, next_step=step, about_crm=False)


def _end(decision: Decision, channel: str, incident: Incident, *, removed: bool) -> None:
    decision.set_incident(name_of(channel), None)
    if not incident.notified_at or not decision.wants(KIND):
        return
    label, lasted = incident.label, duration((incident.back_at or decision.now) - incident.since)
    if removed:
        title = f"{capital(label)} is no longer used"
        sentence = f"{capital(label)} was removed from the settings after {lasted} without delivery."
    else:
        title = f"Delivery to {label} works again"
        again = f"{capital(label)} accepts messages again after {lasted}."
        if incident.cause == "settings":
            title, again = f"{capital(label)} can be used again", f"Its settings are valid again after {lasted}."
        sentence = f"{again} Messages that were queued for it are sent now."
    facts = (Fact("Not delivered since", time=incident.since),)
    ended = Content("✅", title, sentence, facts, next_step=NO_ACTION, about_crm=False)
    decision.notify_end(KIND, name_of(channel), incident, ended)
