"""A channel takes no messages or nobody reads them, and the other channels say so. Pure."""

from datetime import timedelta
from typing import NamedTuple

from handler.decision import Decision
from handler.memory import BELIEVED, HEARTBEAT, NOBODY, REMOVED, Incident, Subscribers
from handler.outbox import Channel
from handler.wording import NO_ACTION, Content, Fact, capital, duration

KIND = "channel"
COUNT_EVERY = timedelta(days=1)


class Words(NamedTuple):
    """How a channel's trouble reads; ``{label}`` is its name for people, ``{lasted}`` how long it lasted."""

    title: str = "Can't deliver to {label}"
    line: str = "{label} does not accept messages from this notifier."
    then: str = "Messages are queued and sent once it works again. After 14 days they are discarded."
    step: str = "{hint}"
    end: str = "Delivery to {label} works again"
    ended: str = "{label} can be used again after {lasted}. Messages that were queued for it are sent now."


WORDS = {
    "hours": Words(step="Wait if {label} has an outage. Otherwise: {hint}"),
    "settings": Words(end="{label} can be used again"),
    NOBODY: Words(
        "Nobody is subscribed to {label}",
        "Nobody has a confirmed subscription to {label}.",
        "Messages are queued and sent once somebody has. After 14 days they are discarded.",
        "Ask {operator} to subscribe an address to the stack's topic, and open the link in AWS's mail within two days.",
        "Somebody is subscribed to {label} now",
    ),
    HEARTBEAT: Words(
        "No heartbeat is recorded",
        "The heartbeat service does not record the requests of this notifier.",
        "If monitoring stops, it does not alert you.",
        end="The heartbeat is recorded again",
        ended="The heartbeat service records requests again after {lasted}.",
    ),
    REMOVED: Words(end="{label} is no longer used", ended="{label} was removed after {lasted} without delivery."),
}
"""Cause → how it reads; a channel that refuses permanently has the usual words."""
HEARTBEAT_CHANNEL = Channel(
    HEARTBEAT,
    "the heartbeat service",
    "Ask {operator} to look whether the heartbeat service still knows this check, and to give its URL: `{connect}`.",
)


def by_incident(decision: Decision) -> dict[str, Channel]:
    """Return the name of a channel's incident → the channel; the heartbeat is one."""
    return {f"{KIND}:{channel.name}": channel for channel in (*decision.channels, HEARTBEAT_CHANNEL)}


def open_incidents(decision: Decision) -> dict[str, Incident]:
    """Return the open incidents of channels by name."""
    return {name: one for name, one in decision.memory.incidents.items() if name.startswith(f"{KIND}:")}


def evaluate(decision: Decision, *, settings_read: bool = True) -> None:
    """Open, remind of and end the incident of each broken channel.

    What waits for a broken channel is sent to it at every check, so the first acceptance ends the incident, as does a
    refusal that judges a message's content; that of a malformed setting ends with the setting. Nobody is reminded of a
    channel for which nothing waits, unless it cannot show by itself that it works again.
    """
    open_malformed(decision)
    channels = by_incident(decision)
    for name, incident in open_incidents(decision).items():
        channel = channels.get(name)
        repaired = incident.cause == "settings" and settings_read and channel and not channel.problem
        if channel is None or incident.back_at or repaired:
            _end(decision, name, incident if channel else incident._replace(cause=REMOVED))
            continue
        lasts = channel.problem or incident.cause in (NOBODY, HEARTBEAT)
        waits = not incident.notified_at or lasts or decision.memory.pending(channel.name)
        if waits and decision.should_notify(KIND, incident):
            decision.notify_open(KIND, name, incident, content(decision, channel, incident, incident.next_phase))


def open_malformed(decision: Decision) -> None:
    """Open the incident of each channel whose settings cannot be used."""
    for name, channel in by_incident(decision).items():
        if channel.problem and name not in decision.memory.incidents:
            incident = Incident(decision.now, cause="settings", detail=channel.problem, label=channel.label)
            decision.set_incident(name, incident)


def count_subscribers(decision: Decision) -> None:
    """Count who is subscribed: at the baseline, once a day, and at each check while nobody is who should be.

    No answer proves nothing. Messages wait from the first count that finds nobody; the second opens ``channel:sns``,
    which only a subscriber ends. That nobody is subscribed to the alarms any more is sent once.
    """
    memory, name = decision.memory, f"{KIND}:sns"
    daily = memory.counted_at is None or decision.now - memory.counted_at >= COUNT_EVERY
    unsure = any(0 < topic.zeros < BELIEVED for topic in memory.subscribers.values())
    if not (daily or unsure or memory.waits_for_readers("sns")):
        return
    known = dict(memory.subscribers)
    for topic, count in decision.sources.subscribers().items():
        known[topic] = known.get(topic, Subscribers()).counted(count)
    decision.update_memory(subscribers=known, counted_at=decision.now if daily else memory.counted_at)
    messages, alarms = (known.get(topic, Subscribers()) for topic in ("messages", "alarms"))
    incident = memory.incidents.get(name)
    if incident is None and messages.zeros == BELIEVED and decision.memory.waits_for_readers("sns"):
        decision.set_incident(name, Incident(decision.now, cause=NOBODY, label=by_incident(decision)[name].label))
    elif incident and incident.cause == NOBODY and not messages.zeros:
        decision.memory = decision.memory.works("sns", decision.now)
    before = memory.subscribers.get("alarms", Subscribers())
    if alarms.ever and alarms.zeros == BELIEVED > before.zeros and decision.wants(KIND):
        decision.notify(decision.notice(KIND, f"alarms-{decision.now:%Y%m%d}", "warning", _alarms_content(decision)))


def _alarms_content(decision: Decision) -> Content:
    sentence = "Nobody has a confirmed subscription to the alarms any more. If monitoring stops, nobody is alerted."
    step = decision.fill_in("Ask {operator} to subscribe an address to the stack's alarm topic.")
    return Content("🔇", "Nobody is subscribed to the alarms", sentence, next_step=step, about_crm=False)


def _words(incident: Incident, lasted: str = "") -> Words:
    words = WORDS.get(incident.cause, Words())
    return Words(*(capital(text.replace("{label}", incident.label).replace("{lasted}", lasted)) for text in words))


def content(decision: Decision, channel: Channel, incident: Incident, phase: str) -> Content:
    """Return what its notices say while the channel is broken."""
    words = _words(incident)
    title = f"Still {words.title[:1].lower()}{words.title[1:]}" if phase == "reminder" else words.title
    details = (Fact("Technical detail", incident.detail),) if incident.detail else ()
    facts, step = (Fact("Since", time=incident.since), *details), words.step.replace("{hint}", channel.repair_hint)
    sentence = f"{words.line} {words.then}"
    return Content("🔇", title, sentence, facts, next_step=decision.fill_in(step), about_crm=False)


def _end(decision: Decision, name: str, incident: Incident) -> None:
    decision.set_incident(name, None)
    if not incident.notified_at or not decision.wants(KIND):
        return
    words = _words(incident, duration((incident.back_at or decision.now) - incident.since))
    facts = (Fact("It began", time=incident.since),)
    ended = Content("✅", words.end, words.ended, facts, next_step=NO_ACTION, about_crm=False)
    decision.notify_end(KIND, name, incident, ended)
