"""How everything stands: the baseline, the digest, and what is wrong now. Pure."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta, tzinfo
from functools import partial

from handler import RELEASED, RUNTIME_ENDS, VERSION
from handler.decision import Decision
from handler.errors import CAUSES, HISTORY_REPLACED, TRANSIENT, UnreadableError
from handler.incidents import INCIDENTS, broken_channel, unreadable
from handler.memory import Incident
from handler.message import local_time
from handler.outbox import IncidentRef
from handler.schedule import has_schedule, how_often, next_run_fact
from handler.timeline import Timeline
from handler.wording import NO_ACTION, PAGE, Content, Fact, Line, compact_time, duration, highest, plural

KIND = "digest"
YEARS = (
    (f"Version {VERSION} was released", RELEASED, RELEASED + timedelta(days=548)),
    ("AWS supports its Python until", RUNTIME_ENDS, RUNTIME_ENDS - timedelta(days=183)),
)
"""What a digest says of this release's age: label, time, and from when on; after 18 months, and half a year before."""
OUTDATED = "Ask {operator} to install the latest release of this notifier."
NO_SCHEDULE = "No backup schedule is set up, so Zoho CRM is not backing up your data."
TOPICS = {"messages": "E-mail and SMS subscribers", "alarms": "Alarm subscribers"}
"""Topic → the label of its fact where nobody is subscribed."""


def problems(decision: Decision, unread: UnreadableError | None = None) -> list[dict[str, str]]:
    """Return everything that is wrong now, in the words of its notices: each with title, sentence and next step.

    Args:
        decision: Holds the memory to judge; it stays as it is.
        unread: Why the organisation's parameter cannot be read, if that is so.
    """
    memory, made = decision.memory, []
    not_read, broken = memory.incidents.get(unreadable.NAME), broken_channel.open_incidents(decision)
    if unread:
        not_read = (not_read or Incident(decision.now))._replace(cause=unread.cause.name, detail=str(unread))
    if not_read:
        made.append(unreadable.content(decision, not_read, CAUSES.get(not_read.cause, TRANSIENT), "opened"))
    made += _in_crm(decision)
    for channel in decision.channels:
        if channel.problem or channel.name in broken:
            begins_now = Incident(decision.now, detail=channel.problem, label=channel.label)
            made.append(broken_channel.content(decision, channel, broken.get(channel.name, begins_now), "opened"))
    return [_as_problem(content, decision.policy.time_zone) for content in made]


def _in_crm(decision: Decision) -> list[Content]:
    """Return what the notices say of everything that is wrong in Zoho CRM."""
    memory, opened = decision.memory, [kind for kind in INCIDENTS if kind.name in decision.memory.incidents]
    made = [kind.content(decision, memory.incidents[kind.name], "opened") for kind in opened]
    if memory.baseline_at and not has_schedule(memory) and "overdue" not in memory.incidents:
        step = f"Set up a schedule under {PAGE} in Zoho CRM."
        made.append(Content("", "No backup schedule", NO_SCHEDULE, next_step=step))
    return made


def _as_problem(content: Content, zone: tzinfo) -> dict[str, str]:
    details = [f"{fact.label}: {fact.text}" for fact in content.facts if fact.label == "Technical detail"]
    sentence = " ".join((content.said(partial(local_time, zone=zone)), *details))
    return {"title": content.title, "sentence": sentence, "next_step": content.next_step}


def notify_baseline(decision: Decision, timeline: Timeline, over: tuple[IncidentRef, ...] | None = None) -> None:
    """Report what the first good read found, and everything that is wrong now.

    Args:
        decision: The decision in the making; its incidents are evaluated.
        timeline: The history.
        over: The incidents of an earlier history that this one replaces; None if it is the first.
    """
    wrong, opens, severity = _wrong(decision)
    past, recent = "The history has no entries yet.", ""
    if timeline.events:
        rows, recent = len(timeline.events), timeline.current.recent
        counts = _counts(Counter(event.kind for event in timeline.events if event.is_outcome))
        entries = plural(rows, "earlier entry", "earlier entries") + (f" ({counts})" if counts else "")
        own = "It gets no message of its own." if rows == 1 else "They get no message of their own."
        past = f"The history has {entries}. {own}"
    when = "for each backup" if decision.wants("completed") else "when something goes wrong"
    sentence = f"From now on, we send a message {when}. {past}"
    facts, step = _standing_facts(decision, recent), _next_step(decision)
    attention = f": {plural(len(wrong), 'problem needs', 'problems need')} attention"
    title = f"Backup monitoring is on{attention if wrong else ', no problems found'}"
    content = Content("⚠️" if wrong else "👋", title, sentence, facts, wrong, next_step=step)
    if over is not None:
        title = f"Another backup history{attention if wrong else ''}"
        sentence = f"{HISTORY_REPLACED.sentence} We close our alerts about the other one, and start again. {past}"
        step = decision.fill_in(HISTORY_REPLACED.next_step) + ("" if step == NO_ACTION else f" {step}")
        content = content._replace(symbol="⚠️", title=title, sentence=sentence, next_step=step)
        severity = highest((severity, "warning"))
    identity, phase = f"baseline-{compact_time(decision.now)}", "opened" if opens else "ended" if over else "news"
    refs = {"opens": opens, "ends": over or ()}
    decision.notify(decision.notice("baseline", identity, severity, content, phase=phase, **refs))


def notify_digest(decision: Decision) -> None:
    """Report every ``digest_days`` what happened since the last time, what is wrong, and what comes next."""
    memory, days = decision.memory, decision.policy.digest_days
    since = memory.digest_at or memory.baseline_at or decision.now
    if not days or decision.now - since < timedelta(days=days):
        return
    decision.update_memory(digest_at=decision.now, outcomes={})
    if not decision.wants(KIND):
        return
    wrong, opens, severity = _wrong(decision)
    counts = _counts(memory.outcomes)
    span = duration(decision.now - since)
    title = f"Backup summary: {counts or 'no backups'}" + (f", {plural(len(wrong), 'open problem')}" if wrong else "")
    sentence = f"Monitoring is active. Backups in the last {span}: {counts or 'none'}."
    copies = [Fact("Copies at Zoho now", "1", links_until=memory.links_until)] if memory.links_until else []
    old = [Fact(label, time=time) for label, time, told_from in YEARS if decision.now >= told_from]
    facts = (*_standing_facts(decision, ""), *copies, Fact("Counted since", time=since), *old)
    step = _next_step(decision, OUTDATED if old else "")
    content = Content("⚠️" if wrong else "📋", title, sentence, facts, wrong, next_step=step)
    decision.notify(decision.notice(KIND, f"digest-{compact_time(decision.now)}", severity, content, opens=opens))


def _next_step(decision: Decision, more: str = "") -> str:
    """Return what to do about what is wrong, and one step more; channels cannot be fixed in Zoho CRM."""
    broken = [incident.label for incident in broken_channel.open_incidents(decision).values()]
    steps = [content.next_step for content in _in_crm(decision)]
    if len(steps) > 1:
        steps = [f"Open {PAGE} in Zoho CRM and fix the problems listed above."]
    if broken:
        steps.append(f"Ask {{operator}} to fix the delivery to {' and '.join(broken)}.")
    return decision.fill_in(" ".join(filter(None, (*steps, more)))) or NO_ACTION


def _wrong(decision: Decision) -> tuple[tuple[Line, ...], tuple[IncidentRef, ...], str]:
    """Return a line for everything that is wrong, the incidents that the notice opens, and the highest severity.

    Incidents whose end will not be sent are listed last and open no alert.
    """
    memory = decision.memory
    first_read = memory.baseline_at == decision.now
    opens: list[IncidentRef] = []
    others: list[IncidentRef] = []
    for kind in INCIDENTS:
        if incident := memory.incidents.get(kind.name):
            told = decision.wants(kind.kind) and (first_read or incident.notified_at is not None)
            (opens if told else others).append(incident.ref(kind.name, kind.line(decision, incident)))
    for channel, incident in broken_channel.open_incidents(decision).items():
        ref = incident.ref(broken_channel.name_of(channel), broken_channel.line(incident))
        (opens if incident.notified_at else others).append(ref)
    lines = [ref.line for ref in (*opens, *others)]
    if not has_schedule(memory):
        lines.append(NO_SCHEDULE)
    severity = "critical" if opens or others else "warning" if lines else "info"
    return tuple(map(Line, lines)), tuple(opens), severity


def _standing_facts(decision: Decision, recent: str) -> tuple[Fact, ...]:
    memory = decision.memory
    empty = {topic for topic, known in memory.subscribers.items() if known.zeros}
    return (
        Fact("Schedule", (how_often(memory) or "set up") if has_schedule(memory) else "none"),
        *decision.last_good_facts(),
        *next_run_fact(decision),
        *([Fact("Recent backups (oldest first)", recent)] if recent else []),
        *(Fact(label, "none") for topic, label in TOPICS.items() if topic in empty),
    )


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(outcomes.items()) if count)
