"""How everything stands: the baseline, the digest, and what is wrong now. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

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


class Problem(NamedTuple):
    """Something that is wrong now.

    Attributes:
        content: What its notice says.
        incident: The incident, if it is one.
        told: Whether the incident's end will be sent.
    """

    content: Content
    incident: IncidentRef | None = None
    told: bool = False


def problems(decision: Decision, unread: UnreadableError | None = None) -> list[dict[str, str]]:
    """Return everything that is wrong now, in the words of its notices: each with title, sentence and next step.

    Args:
        decision: Holds the memory to judge; troubles that no check has seen yet are opened in it.
        unread: Why the organisation's parameter cannot be read, if that is so.
    """
    if unread:
        known = decision.memory.incidents.get(unreadable.NAME) or Incident(decision.now)
        decision.set_incident(unreadable.NAME, known._replace(cause=unread.cause.name, detail=str(unread)))
    broken_channel.open_malformed(decision)
    found, answer = _problems(decision), []
    if not_read := decision.memory.incidents.get(unreadable.NAME):
        cause = CAUSES.get(not_read.cause, TRANSIENT)
        found.insert(0, Problem(unreadable.content(decision, not_read, cause, "opened")))
    for content in [problem.content for problem in found if problem.content.next_step]:
        details = [f"{fact.label}: {fact.text}" for fact in content.facts if fact.label == "Technical detail"]
        said = content.said(partial(local_time, zone=decision.policy.time_zone))
        answer.append({"title": content.title, "sentence": " ".join((said, *details)), "next_step": content.next_step})
    return answer


def _problems(decision: Decision) -> list[Problem]:
    """Return what is wrong in Zoho CRM, then which channels are broken."""
    memory, found = decision.memory, []
    for kind in INCIDENTS:
        if incident := memory.incidents.get(kind.name):
            told = decision.wants(kind.kind) and (memory.baseline_at == decision.now or bool(incident.notified_at))
            content = kind.content(decision, incident, "opened")
            found.append(Problem(content, incident.ref(kind.name, content.title), told))
    if memory.baseline_at and not has_schedule(memory):
        step = "" if "overdue" in memory.incidents else f"Set up a schedule under {PAGE} in Zoho CRM."
        found.append(Problem(Content("", "No backup schedule", NO_SCHEDULE, next_step=step)))
    for name, channel in broken_channel.by_incident(decision).items():
        if incident := memory.incidents.get(name):
            content = broken_channel.content(decision, channel, incident, "opened")
            found.append(Problem(content, incident.ref(name, content.title), bool(incident.notified_at)))
    return found


def notify_baseline(decision: Decision, timeline: Timeline, over: tuple[IncidentRef, ...] | None = None) -> None:
    """Report what the first good read found, and everything that is wrong now.

    Args:
        decision: The decision in the making; its incidents are evaluated.
        timeline: The history.
        over: The incidents of an earlier history that this one replaces; None if it is the first.
    """
    found = _problems(decision)
    wrong, opens, severity = _wrong(found)
    past = "The history has no entries yet."
    if rows := len(timeline.events):
        counts = _counts(Counter(event.kind for event in timeline.events if event.is_outcome))
        entries = plural(rows, "earlier entry", "earlier entries") + (f" ({counts})" if counts else "")
        past = f"The history has {entries}. Earlier entries get no message of their own."
    when = "for each backup" if decision.wants("completed") else "when something goes wrong"
    sentence = f"From now on, we send a message {when}. {past}"
    facts, step = _standing_facts(decision, timeline.current.recent), _next_step(decision, found)
    attention = f": {plural(len(wrong), 'problem needs', 'problems need')} attention"
    title = f"Backup monitoring is on{attention if wrong else ', no problems found'}"
    if over is not None:
        title = f"Another backup history{attention if wrong else ''}"
        sentence = f"{HISTORY_REPLACED.sentence} We close our alerts about the other one, and start again. {past}"
        step = decision.fill_in(HISTORY_REPLACED.next_step) + ("" if step == NO_ACTION else f" {step}")
        severity = highest((severity, "warning"))
    content = Content("👋" if severity == "info" else "⚠️", title, sentence, facts, wrong, next_step=step)
    identity, phase = f"baseline-{compact_time(decision.now)}", "opened" if opens else "ended" if over else "news"
    decision.notify(decision.notice("baseline", identity, severity, content, phase=phase, opens=opens, ends=over or ()))


def notify_digest(decision: Decision) -> None:
    """Report every ``digest_days`` what happened since the last time, what is wrong, and what comes next."""
    memory, days = decision.memory, decision.policy.digest_days
    since = memory.digest_at or memory.baseline_at or decision.now
    if not days or decision.now - since < timedelta(days=days):
        return
    decision.update_memory(digest_at=decision.now, outcomes={})
    if not decision.wants(KIND):
        return
    found = _problems(decision)
    wrong, opens, severity = _wrong(found)
    counts = _counts(memory.outcomes)
    title = f"Backup summary: {counts or 'no backups'}" + (f", {plural(len(wrong), 'open problem')}" if wrong else "")
    sentence = f"Monitoring is active. Backups in the last {duration(decision.now - since)}: {counts or 'none'}."
    copies = [Fact("Copies at Zoho now", "at least 1", links_until=memory.links_until)] if memory.links_until else []
    old = [Fact(label, time=time) for label, time, told_from in YEARS if decision.now >= told_from]
    facts = (*_standing_facts(decision, ""), *copies, Fact("Counted since", time=since), *old)
    step = _next_step(decision, found, OUTDATED if old else "")
    content = Content("⚠️" if wrong else "📋", title, sentence, facts, wrong, next_step=step)
    decision.notify(decision.notice(KIND, f"digest-{compact_time(decision.now)}", severity, content, opens=opens))


def _next_step(decision: Decision, found: Sequence[Problem], more: str = "") -> str:
    """Return what to do about what is wrong, and one step more; channels cannot be fixed in Zoho CRM."""
    broken = [incident.label for incident in broken_channel.open_incidents(decision).values()]
    steps = [content.next_step for content, *_ in found if content.about_crm and content.next_step]
    if len(steps) > 1:
        steps = [decision.download_first(f"Open {PAGE} in Zoho CRM and fix the problems listed above.")]
    if broken:
        steps.append(f"Ask {{operator}} to fix the delivery to {' and '.join(broken)}.")
    return decision.fill_in(" ".join(filter(None, (*steps, more)))) or NO_ACTION


def _wrong(found: Sequence[Problem]) -> tuple[tuple[Line, ...], tuple[IncidentRef, ...], str]:
    """Return a line for each problem, the incidents that the notice opens, and the highest severity.

    Incidents whose end will not be sent open no alert.
    """
    lines = tuple(Line(f"{content.title}.") for content, *_ in found)
    opens = tuple(problem.incident for problem in found if problem.incident and problem.told)
    critical = any(problem.incident for problem in found)
    return lines, opens, "critical" if critical else "warning" if found else "info"


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
