"""Rows, memory and the clock in; notices and new memory out. Pure.

Nothing is assumed of order, ids or times: news is a row whose key was never seen, and how things stand is concluded
from the whole history, in order, at each check.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from handler import causes, outcomes, summaries
from handler.decision import Answers, Decision, Policy, Receiver
from handler.due import changed_at
from handler.errors import UnreadableError
from handler.history import Event, Row, dated_by_neighbours, in_order
from handler.incidents import INCIDENTS, IncidentKind, broken_channel, unreadable
from handler.incidents.situation import Situation, situation
from handler.memory import KEY_LIFE, MAX_KEYS, Incident, Memory, Schedule
from handler.news import Ended, Step, leave_out, notify_news, walk
from handler.plan import adopt

ROWS_AGE_OUT = timedelta(days=360)
"""Zoho keeps a year; the days less are for clocks and leap years."""
ASKS_FOR_PLAN = {"completed", "scheduled", "stopped"}
NOTIFIABLE = (outcomes.KINDS.keys() - {"recovered"}) | {
    *(kind.KIND for kind in INCIDENTS),
    *(unreadable.KIND, broken_channel.KIND, summaries.KIND),
}
"""What ``NOTIFY_ON`` may name: the other kinds come with one of these, or always."""
BY_DEFAULT = NOTIFIABLE - {name for name, kind in outcomes.KINDS.items() if not kind.by_default}


def decide(
    rows: Sequence[Row],
    memory: Memory,
    now: datetime,
    policy: Policy,
    receivers: Sequence[Receiver],
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> Decision:
    """Return what a good read of the history means.

    Args:
        rows: The whole history, in any order, duplicates allowed.
        memory: What is remembered; ``baseline_at`` None makes this the first good read.
        now: The time of the check, aware.
        policy: What to notify of, and when.
        receivers: The channels configured now.
        answers: What Zoho answered to what an earlier round asked.

    Raises:
        UnreadableError: More rows than can be remembered, or the history was full and is empty.
    """
    now = now.replace(microsecond=0)
    unique = {row.key: row for row in rows}
    if len(unique) > MAX_KEYS:
        detail = f"The history has {len(unique)} rows; at most {MAX_KEYS} can be remembered."
        raise UnreadableError(causes.HISTORY_TOO_LONG, detail)
    if not unique and memory.last_seen_time and now - memory.last_seen_time < ROWS_AGE_OUT:
        raise UnreadableError(causes.HISTORY_VANISHED, "The history had rows at an earlier check and is empty now.")

    decision = Decision(memory, now, policy, tuple(receivers), answers)
    first_read = memory.baseline_at is None
    first_seen = dated_by_neighbours(list(unique.values()), now) if first_read else memory.seen
    history = in_order(list(unique.values()), first_seen, now)
    news = [event for event in history if event.row.key not in memory.seen]
    unreadable.close(decision)
    steps = walk(history, memory) if news or first_read else []
    if steps:
        _remember_standing(decision, steps)
    _learn_plan(decision, first_read or any(event.kind in ASKS_FOR_PLAN for event in news))
    stands = situation(history)
    ended = _evaluate_incidents(decision, stands)
    if first_read:
        if history:
            _remember_rows(decision, history, history, first_seen)
        _begin(decision, steps)
    elif news:
        taken = notify_news(decision, stands, steps, memory, ended)
        if taken:
            _remember_rows(decision, history, taken, {})
        leave_out(decision, news[len(taken) :], stands)
    _notify_incidents(decision, stands, ended)
    broken_channel.evaluate(decision)
    summaries.notify_digest(decision)
    return decision.finish()


def decide_unreadable(
    problem: UnreadableError, memory: Memory, now: datetime, policy: Policy, receivers: Sequence[Receiver]
) -> Decision:
    """Return what a failed read means: nothing is concluded about backups, no row is remembered."""
    decision = Decision(memory, now.replace(microsecond=0), policy, tuple(receivers))
    unreadable.evaluate(decision, problem)
    broken_channel.evaluate(decision)
    return decision.finish()


def newest_schedule(history: Sequence[Event], remembered: Schedule | None) -> Schedule | None:
    """Return the newest word on the schedule: a recurring `scheduled` row, and the `stopped` one after it, if any.

    When neither was ever seen, the newest recurring ``repeat_type`` of any row.
    """
    stopped_at: datetime | None = None
    implied: Schedule | None = None
    explicit: Schedule | None = None
    for event in reversed(history):
        repeat_type, action = event.row.repeat_type, (event.row.action or "").casefold()
        recurs = repeat_type is not None and repeat_type != "immediate"
        if action == "scheduled" and recurs:
            explicit = Schedule(repeat_type, event.at, stopped_at=stopped_at)
            break
        if action == "stopped":
            stopped_at = stopped_at or event.at
        if recurs and implied is None:
            implied = Schedule(repeat_type, event.at, explicit=False)
    if remembered and not (remembered.explicit or remembered.stopped_at):
        remembered, implied = None, implied or remembered
    found = explicit
    if found is None and stopped_at:
        before = remembered or implied or Schedule(None, stopped_at, explicit=False)
        found = before._replace(stopped_at=stopped_at, stop_sent=False)
    if found is None:
        return remembered or implied
    if remembered is None:
        return found
    if (remembered.stopped_at or remembered.at) > (found.stopped_at or found.at):
        return remembered
    same_stop = found.stopped_at == remembered.stopped_at
    return found._replace(stop_sent=remembered.stop_sent) if same_stop else found


def _remember_standing(decision: Decision, steps: Sequence[Step]) -> None:
    """Remember how the backups stand at the end of the history."""
    memory, last = decision.memory, steps[-1]
    completed = [step.event.at for step in steps if step.event.kind == "completed"]
    decision.remember(
        last_completed=max(filter(None, (*completed, memory.last_completed)), default=None),
        failures_in_a_row=last.failures,
        failing_since=last.since,
        schedule=newest_schedule([step.event for step in steps], memory.schedule),
    )


def _learn_plan(decision: Decision, something_changed: bool) -> None:
    """Ask what Zoho plans where that may have changed, and remember what it answered."""
    memory = decision.memory
    if something_changed and not decision.policy.max_backup_age_days:
        decision.ask("plan")
    if plan := decision.answers.plan:
        decision.remember(plan=adopt(memory.plan, plan, memory.last_completed, changed_at(memory)))


def _evaluate_incidents(decision: Decision, stands: Situation) -> Ended:
    """Open and close incidents, and return those that ended."""
    ended: Ended = {}
    for kind in INCIDENTS:
        known = decision.memory.incidents.get(kind.NAME)
        incident = kind.evaluate(decision, stands, known)
        if known and incident != known:
            ended[kind] = known
        if incident != known:
            decision.set_incident(kind.NAME, incident)
    return ended


def _begin(decision: Decision, steps: Sequence[Step]) -> None:
    """Send the baseline, which counts as the opening notice of whatever is wrong."""
    decision.remember(baseline_at=decision.now, digest_at=decision.now)
    outcomes_found = Counter(step.event.kind for step in steps if step.event.row.state)
    summaries.notify_baseline(decision, outcomes_found, steps[-1].recent if steps else "")
    for kind in INCIDENTS:
        incident = decision.memory.incidents.get(kind.NAME)
        if incident and decision.wants(kind.KIND):
            decision.set_incident(kind.NAME, incident.notified(decision.now))


def _remember_rows(
    decision: Decision, history: Sequence[Event], taken: Sequence[Event], first_seen: Mapping[str, datetime]
) -> None:
    """Remember what was seen, and for how long."""
    memory, now = decision.memory, decision.now
    begun = memory.baseline_at or now
    shown = {event.row.key for event in history}
    gone = [k for k, seen in memory.seen.items() if k not in shown and now - max(seen, begun) <= KEY_LIFE]
    known = [event for event in history if event.row.key in memory.seen]
    room = MAX_KEYS - len(known) - len(taken)
    kept = gone[len(gone) - room :] if len(gone) > room else gone
    seen = {key: memory.seen[key] for key in (*kept, *(event.row.key for event in known))}
    seen |= {event.row.key: first_seen.get(event.row.key, now) for event in taken}
    newest = max((*known, *taken), key=lambda event: (event.at, event.row.id_order))
    counted = Counter(memory.outcomes)
    if memory.digest_at:
        counted.update(event.kind for event in taken if event.row.state)
    decision.remember(seen=seen, last_seen_id=newest.row.id or None, last_seen_time=newest.at, outcomes=dict(counted))


def _notify_incidents(decision: Decision, stands: Situation, ended: Ended) -> None:
    """Notify of what opened, remind of what lasts, and say what ended without a row that says it."""
    for kind, incident in ended.items():
        if incident.notified_at and decision.wants(kind.KIND):
            content = kind.content(decision, stands, incident, "ended")
            decision.notify(decision.ending(kind.KIND, kind.NAME, incident, content))
    for kind in INCIDENTS:
        open_now = decision.memory.incidents.get(kind.NAME)
        if open_now and decision.wants(kind.KIND) and not kind.waits(decision, stands):
            _open_or_remind(decision, stands, kind, open_now)


def _open_or_remind(decision: Decision, stands: Situation, kind: IncidentKind, incident: Incident) -> None:
    if not decision.is_due(incident.notified_at, incident.reminders):
        return
    content = kind.content(decision, stands, incident, incident.next_phase)
    notice = decision.opening(kind.KIND, kind.NAME, incident, content, row=kind.row(stands, incident))
    if decision.notify(notice):
        decision.set_incident(kind.NAME, incident.notified(decision.now))
