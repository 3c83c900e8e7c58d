"""Rows, memory and the clock in; notices and new memory out. Pure.

Nothing is assumed about the order, ids or times of rows. A row is news if its key was never seen, and each check
concludes from the whole history how things stand.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from handler.decision import Decision
from handler.errors import HISTORY_REPLACED, UnreadableError
from handler.history import Event, Row
from handler.incidents import INCIDENTS, broken_channel, unreadable
from handler.incidents.kind import Ended, heard_of
from handler.memory import KEY_LIFE, MAX_BY_ID, MAX_KEYS, Memory
from handler.news import notify_news
from handler.outbox import IncidentRef
from handler.outcomes import learn_links
from handler.schedule import learn_plan, newest_schedule
from handler.summaries import notify_baseline, notify_digest
from handler.timeline import Timeline, is_another, read_timeline

STAYS = ("org", "version", "outbox", "dead_letters", "subscribers", "counted_at", "channels", "refusing_since")
"""What is remembered when the history turns out to be another one; incidents of channels stay as well."""
ANOTHER = "No known entry is in the history. When two checks in a row find none, we make a new baseline."
CHANGES_PLAN = {"completed", "scheduled", "stopped"}


def decide(rows: Sequence[Row], decision: Decision) -> Decision:
    """Decide what a good read of the history means, and return the decision.

    Args:
        rows: The whole history, at most `MAX_KEYS` rows, in any order, duplicates allowed.
        decision: What is remembered, configured and known otherwise; ``baseline_at`` None makes this the first good
            read.

    Raises:
        UnreadableError: The history had rows and is empty now, or it is another one and was not before; the decision is
            as it was.
    """
    memory, over = decision.memory, None
    if rows and is_another(rows, memory, decision.now):
        memory, over = _forget(memory, decision.now)
    timeline = read_timeline(rows, memory, decision.now)
    decision.memory, decision.current = memory, timeline.current
    unreadable.close(decision)
    broken_channel.count_subscribers(decision)
    if timeline.news:
        _remember(decision, timeline)
    if memory.baseline_at is None or any(event.kind in CHANGES_PLAN for event in timeline.news):
        learn_plan(decision)
    if decision.memory.last_completed != memory.last_completed:
        learn_links(decision, timeline.events)
    ended = _evaluate_incidents(decision, timeline.news)
    if memory.baseline_at is None:
        _begin(decision, timeline, over)
    elif timeline.news:
        notify_news(decision, timeline, memory, ended)
    _notify_incidents(decision, ended)
    broken_channel.evaluate(decision)
    notify_digest(decision)
    return decision.finish()


def decide_unreadable(problem: UnreadableError, decision: Decision) -> Decision:
    """Decide what a failed read means: nothing is concluded about backups, and no row is remembered."""
    unreadable.evaluate(decision, problem)
    broken_channel.count_subscribers(decision)
    broken_channel.evaluate(decision, settings_read=not problem.cause.name.startswith("secret_"))
    return decision.finish()


def _forget(memory: Memory, now: datetime) -> tuple[Memory, tuple[IncidentRef, ...]]:
    """Return the memory without its history, and the incidents of that history that people were notified of.

    Raises:
        UnreadableError: No earlier check since the last good read saw that the history is another one.
    """
    unread, schedule = memory.incidents.get(unreadable.NAME), memory.schedule
    if not unread or unread.concluded.get(HISTORY_REPLACED.name, now) == now:
        raise UnreadableError(HISTORY_REPLACED, ANOTHER)
    of_rows = {kind.name for kind in INCIDENTS}
    over = [one.ref(name) for name, one in memory.incidents.items() if name in of_rows and heard_of(memory, name)]
    if schedule and schedule.stopped_at and schedule.stop_sent:
        over.append(IncidentRef("stopped", schedule.stopped_at, "warning"))
    over += memory.unknown.values()
    others = {name: one for name, one in memory.incidents.items() if name not in of_rows}
    return Memory(**{name: getattr(memory, name) for name in STAYS}, incidents=others), tuple(over)


def _remember(decision: Decision, timeline: Timeline) -> None:
    """Remember the rows and how the backups stand now, and forget rows that Zoho stopped showing long ago."""
    memory, now, last = decision.memory, decision.now, timeline.standings[-1]
    begun = memory.baseline_at or now
    shown = {event.row.key: timeline.first_seen.get(event.row.key, now) for event in timeline.events}
    gone = [k for k, seen in memory.seen.items() if k not in shown and now - max(seen, begun) <= KEY_LIFE]
    kept = gone[max(0, len(gone) - MAX_KEYS + len(shown)) :]
    counted = Counter(memory.outcomes)
    if memory.digest_at:
        counted.update(event.kind for event in timeline.news if event.is_outcome)
    decision.update_memory(
        seen={key: memory.seen[key] for key in kept} | shown,
        last_seen_id=timeline.events[-1].row.id or None,
        last_seen_time=timeline.events[-1].at,
        last_completed=max(filter(None, (*timeline.current.completed, memory.last_completed)), default=None),
        running={event.row.id: event.at for event in timeline.current.running[:MAX_BY_ID] if event.row.id},
        run_minutes=timeline.current.run_minutes,
        failures_in_a_row=last.failures,
        failing_since=last.since,
        schedule=newest_schedule(timeline.events, memory.schedule),
        outcomes=dict(counted),
    )


def _evaluate_incidents(decision: Decision, news: Sequence[Event]) -> list[Ended]:
    """Open and close incidents, and return those that ended."""
    ended, outcomes = [], [event for event in news if event.is_outcome]
    for kind in INCIDENTS:
        known = decision.memory.incidents.get(kind.name)
        incident = kind.evaluate(decision, known)
        if known and incident != known:
            ended.append(Ended(kind, known, *(kind.ending(decision, known, outcomes) or (None, ""))))
        decision.set_incident(kind.name, incident)
    return ended


def _begin(decision: Decision, timeline: Timeline, over: tuple[IncidentRef, ...] | None) -> None:
    """Send the baseline, which counts as the opening notice of everything that is wrong."""
    decision.update_memory(baseline_at=decision.now, digest_at=decision.now)
    notify_baseline(decision, timeline, over)
    for kind in INCIDENTS:
        incident = decision.memory.incidents.get(kind.name)
        if incident and decision.wants(kind.kind):
            decision.set_incident(kind.name, incident.notified(decision.now))


def _notify_incidents(decision: Decision, ended: Sequence[Ended]) -> None:
    """Send what ended without a row that says so, then what opened, and reminders of what lasts."""
    for kind, incident, event, _ in ended:
        if event is None and incident.notified_at and decision.wants(kind.kind):
            decision.notify_end(kind.kind, kind.name, incident, kind.content(decision, incident, "ended"))
    for kind in INCIDENTS:
        open_now = decision.memory.incidents.get(kind.name)
        if open_now and decision.should_notify(kind.kind, open_now) and not kind.suppressed(decision):
            content, row = kind.content(decision, open_now, open_now.next_phase), kind.row(decision, open_now)
            decision.notify_open(kind.kind, kind.name, open_now, content, row=row)
