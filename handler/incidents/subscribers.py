"""Nobody is subscribed to a topic: SNS accepts messages that reach nobody. Pure."""

from datetime import timedelta

from handler.decision import Decision
from handler.incidents import broken_channel
from handler.memory import BELIEVED, NOBODY, Incident, Subscribers
from handler.wording import Content

COUNT_EVERY = timedelta(days=1)


def evaluate(decision: Decision) -> None:
    """Count who is subscribed: at the baseline, once a day, and at each check while nobody is who should be.

    No answer proves nothing. Messages wait from the first count that finds nobody; the second opens ``channel:sns``,
    which only a subscriber ends. That nobody is subscribed to the alarms any more is sent once.
    """
    memory, name = decision.memory, broken_channel.name_of("sns")
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
        [label] = [channel.label for channel in decision.channels if channel.name == "sns"]
        decision.set_incident(name, Incident(decision.now, cause=NOBODY, label=label))
    elif incident and incident.cause == NOBODY and not messages.zeros:
        decision.memory = decision.memory.works("sns", decision.now)
    before = memory.subscribers.get("alarms", Subscribers())
    if alarms.ever and alarms.zeros == BELIEVED > before.zeros and decision.wants(broken_channel.KIND):
        identity = f"alarms-{decision.now:%Y%m%d}"
        decision.notify(decision.notice(broken_channel.KIND, identity, "warning", _alarms_content(decision)))


def _alarms_content(decision: Decision) -> Content:
    sentence = "Nobody has a confirmed subscription to the alarms any more. If monitoring stops, nobody is alerted."
    step = decision.fill_in("Ask {operator} to subscribe an address to the stack's alarm topic.")
    return Content("🔇", "Nobody is subscribed to the alarms", sentence, next_step=step, about_crm=False)
