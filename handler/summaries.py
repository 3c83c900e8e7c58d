"""The two notices that list how everything stands: baseline and digest. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from handler.decision import Decision, stamp
from handler.due import has_schedule, how_often, last_completed_fact, next_run_fact
from handler.incidents import INCIDENTS
from handler.outbox import IncidentRef
from handler.outcomes import NO_ACTION
from handler.wording import PAGE, Content, Fact, capital, duration, highest, plural

KIND = "digest"
NO_SCHEDULE = "No backup schedule is set up, so Zoho CRM is not backing up your data."
TOPICS = {
    "messages": ("E-mail and SMS subscribers", "Nobody is subscribed to these messages by e-mail or SMS any more."),
    "alarms": ("Alarm subscribers", "Nobody is subscribed to the alarms any more: nobody hears if monitoring stops."),
}
"""Topic → its fact's label, and what to say when it has lost its last subscriber."""


def notify_baseline(decision: Decision, outcomes: Mapping[str, int], recent: str) -> None:
    """Say what the first good read found; what is wrong now counts as notified of.

    Args:
        decision: The decision in the making; its incidents are evaluated.
        outcomes: ``completed``, ``failed``, ``unknown`` → how many the history has.
        recent: The last few of them.
    """
    decision.ask("subscribers")
    lost = _lost_subscribers(decision)
    wrong, opens, severity = _problems(decision, lost)
    rows = len(decision.memory.seen)
    counts = f" ({_counts(outcomes)})" if outcomes else ""
    past = "The history has no entries yet."
    if rows:
        entries = plural(rows, "earlier entry", "earlier entries")
        own = "It gets no message of its own." if rows == 1 else "They get no message of their own."
        past = f"The history has {entries}{counts}. {own}"
    when = "for each backup" if decision.wants("completed") else "when something goes wrong"
    problems = f": {plural(len(wrong), 'problem needs', 'problems need')} attention" if wrong else ", no problems found"
    content = Content(
        "⚠️" if wrong else "👋",
        f"Backup monitoring is on{problems}",
        f"From now on, we send a message {when}. {past}",
        _standing(decision, recent, lost),
        wrong,
        _step(decision, wrong, lost),
    )
    identity = f"baseline-{stamp(decision.now)}"
    phase = "opened" if opens else "news"
    decision.notify(decision.notice("baseline", identity, severity, content, phase=phase, opens=opens))


def notify_digest(decision: Decision) -> None:
    """Say every ``digest_days`` what happened since the last time, what is wrong, and what comes next."""
    memory, days = decision.memory, decision.policy.digest_days
    since = memory.digest_at or memory.baseline_at
    if not days or since is None or decision.now - since < timedelta(days=days):
        return
    decision.remember(digest_at=decision.now, outcomes={})
    if not decision.wants(KIND):
        return
    decision.ask("subscribers")
    lost = _lost_subscribers(decision)
    wrong, opens, severity = _problems(decision, lost)
    counts = _counts(memory.outcomes)
    span = duration(decision.now - since)
    content = Content(
        "⚠️" if wrong else "📋",
        f"Backup summary: {counts or 'no backups'}" + (f", {plural(len(wrong), 'open problem')}" if wrong else ""),
        f"Monitoring is active. Backups in the last {span}: {counts or 'none'}.",
        (*_standing(decision, "", lost), Fact("Counted since", time=since)),
        wrong,
        _step(decision, wrong, lost),
    )
    decision.notify(decision.notice(KIND, f"digest-{stamp(decision.now)}", severity, content, opens=opens))


def _step(decision: Decision, wrong: Sequence[str], lost: Sequence[str]) -> str:
    """Return what to do about what is wrong; nobody can fix a channel or subscribe to a topic in Zoho CRM."""
    broken = [one.label for name, one in decision.memory.incidents.items() if name.startswith("channel:")]
    problems = "problem" if len(wrong) == 1 else "problems"
    in_crm = len(wrong) > len(broken) + len(lost)
    steps = [f"Open {PAGE} in Zoho CRM and fix the {problems} listed above."] if in_crm else []
    if broken:
        steps.append(f"Ask {{operator}} to fix the delivery to {' and '.join(broken)}.")
    if lost:
        steps.append("Ask {operator} to subscribe somebody again.")
    return decision.step(" ".join(steps)) or NO_ACTION


def _problems(decision: Decision, lost: Sequence[str]) -> tuple[tuple[str, ...], tuple[IncidentRef, ...], str]:
    """Return everything that is wrong: a sentence each, the incidents, and the highest severity.

    An incident whose end nobody will hear of is only listed, behind the others: where an alert would open for it, the
    alert would stay.
    """
    memory = decision.memory
    first_read = memory.baseline_at == decision.now
    found: list[tuple[str, IncidentRef, bool]] = []
    for kind in INCIDENTS:
        if incident := memory.incidents.get(kind.NAME):
            heard = decision.wants(kind.KIND) and (first_read or incident.notified_at is not None)
            found.append((kind.line(decision, incident), incident.ref(kind.NAME), heard))
    for name, incident in memory.incidents.items():
        if name.startswith("channel:"):
            line = f"{capital(incident.label)} rejects messages from this notifier."
            found.append((line, incident.ref(name), incident.notified_at is not None))
    found.sort(key=lambda one: not one[2])  # each incident that a notice opens has a line, in their order
    lines = [line for line, _, _ in found]
    severities = [one.severity for _, one, _ in found]
    if lost:
        lines += lost
        severities.append("warning")
    if not has_schedule(memory):
        lines.append(NO_SCHEDULE)
        severities.append("warning")
    return tuple(lines), tuple(one for _, one, heard in found if heard), highest(severities)


def _lost_subscribers(decision: Decision) -> list[str]:
    """Return a sentence for each topic that has lost its last subscriber since the last baseline or digest."""
    before, now = decision.memory.subscribers, decision.answers.subscribers
    decision.remember(subscribers={**before, **now})
    return [sentence for topic, (_, sentence) in TOPICS.items() if before.get(topic) and now.get(topic) == 0]


def _standing(decision: Decision, recent: str, lost: Collection[str]) -> tuple[Fact, ...]:
    memory, policy = decision.memory, decision.policy
    unheard = {topic for topic, count in decision.answers.subscribers.items() if not count}
    return (
        Fact("Schedule", (how_often(memory) or "set up") if has_schedule(memory) else "none"),
        last_completed_fact(memory.last_completed),
        *next_run_fact(memory, policy.max_backup_age_days, decision.now),
        *([Fact("Recent backups (oldest first)", recent)] if recent else []),
        *(Fact(label, "none") for topic, (label, said) in TOPICS.items() if topic in unheard and said not in lost),
    )


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(outcomes.items()) if count)
