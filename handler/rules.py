"""Rows, memory and the clock in; notices and new memory out. Pure.

Nothing is assumed of order, ids or times: news is a row whose key was never seen, and the state of affairs is told from
the whole history, in order, at each check.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from handler import incidents
from handler.decision import Decision, Policy
from handler.errors import HistoryTooLongError, HistoryVanishedError, UnreadableError
from handler.history import Row
from handler.memory import KEY_LIFE, MAX_KEYS, Memory, Notice, Schedule, iso

ROWS_AGE_OUT = timedelta(days=360)
"""Zoho keeps a year; the days less are for clocks and leap years."""
LINKS_LIVE_AT_MOST = timedelta(days=60)
"""Documented are seven; links that live longer belong to no backup that is news."""
STRIP_LENGTH = 10
STRIP_LETTERS = {"completed": "c", "failed": "f"}
"""Any other outcome is "u"."""
STATES = {
    "completed": "completed",
    "finished": "completed",
    "failure": "failed",
    "failed": "failed",
    "payment_failed": "failed",
}
ACTIONS = {"stopped": "stopped", "scheduled": "scheduled", "purchased": "purchased", "initiated": "started"}

Event = tuple[datetime, Row, str]
"""When it happened, the row, and what `classify` says of it."""


def classify(row: Row) -> str:
    """Return the kind of notice a row is worth, or ``started`` for a backup in progress."""
    if row.state:
        return STATES.get(row.state.casefold(), "unknown")
    if row.action:
        return ACTIONS.get(row.action.casefold(), "unknown")
    return "started"


def decide(rows: Sequence[Row], memory: Memory, now: datetime, policy: Policy, channels: Sequence[str]) -> Decision:
    """Return what a good read of the history means.

    Args:
        rows: The whole history, in any order, duplicates allowed.
        memory: What is remembered; ``baseline_at`` None makes this the first good read.
        now: The time of the check, aware.
        policy: What to tell, and when.
        channels: The channels configured now.

    Raises:
        HistoryTooLongError: More rows than can be remembered.
        HistoryVanishedError: The history was full and is empty.
    """
    now = now.replace(microsecond=0)
    unique = {row.key: row for row in rows}
    if len(unique) > MAX_KEYS:
        raise HistoryTooLongError(f"The history has {len(unique)} rows; at most {MAX_KEYS} can be remembered.")
    if not unique and memory.last_seen_time and now - memory.last_seen_time < ROWS_AGE_OUT:
        raise HistoryVanishedError("The history had rows at an earlier check and is empty now.")

    decision = Decision(memory, now, policy, tuple(channels))
    history = in_order(list(unique.values()), memory, now)
    news = unique.keys() - memory.seen.keys()
    incidents.close_unreadable(decision)
    first_read = memory.baseline_at is None
    running = incidents.running_backup(history)
    if news:
        _remember_rows(decision, history)
        _tell_rows(decision, history, frozenset() if first_read else frozenset(news), running)
    if first_read:
        _tell_baseline(decision, history, running)
    _judge_backups(decision, running)
    incidents.judge_channels(decision)
    incidents.judge_digest(decision)
    return decision.finish()


def _judge_backups(decision: Decision, running: incidents.Running | None) -> None:
    """Open what is wrong with the backups, or remind of it; `_end_incidents` is where outcomes end it."""
    incidents.judge_overdue(decision)
    incidents.judge_stuck(decision, running)


def decide_unreadable(
    problem: UnreadableError, memory: Memory, now: datetime, policy: Policy, channels: Sequence[str]
) -> Decision:
    """Return what a failed read means: nothing is concluded about backups, no row is remembered."""
    decision = Decision(memory, now.replace(microsecond=0), policy, tuple(channels))
    incidents.judge_unreadable(decision, problem)
    incidents.judge_channels(decision)
    return decision.finish()


def completion_told(decision: Decision) -> Notice | None:
    """Return the notice of the newest backup of all, if this decision tells of it."""
    latest = iso(decision.memory.last_completed)
    told = [n for n in decision.notices if n.kind in {"completed", "recovered"} and n.facts["when"] == latest]
    return told[-1] if told else None


def with_download_deadline(memory: Memory, notice: Notice, until: datetime) -> Memory:
    """Return the memory with Zoho's own deadline in a completion's notice, if it can be that backup's."""
    if not timedelta(0) < until - datetime.fromisoformat(notice.facts["when"]) < LINKS_LIVE_AT_MOST:
        return memory
    dated = replace(notice, facts={**notice.facts, "download_until": iso(until)})
    return replace(memory, outbox=tuple(dated if n.notice_id == notice.notice_id else n for n in memory.outbox))


def in_order(rows: Sequence[Row], memory: Memory, now: datetime) -> list[Event]:
    """Return rows as events, oldest first.

    By ``log_time`` (null or in the future: by when the row was first seen), then by numeric id.
    """

    def when(row: Row) -> datetime:
        first_seen = memory.seen.get(row.key, now)
        return row.log_time if row.log_time and row.log_time <= first_seen else first_seen

    events = [(when(row), row, classify(row)) for row in rows]
    # A backup begins before it ends, also where one id and no times are all that Zoho gives.
    return sorted(events, key=lambda event: (event[0], event[1].id_order, event[2] != "started"))


def schedule_in_force(history: Sequence[Event], remembered: Schedule | None) -> Schedule | None:
    """Return the newest word on the schedule: a recurring `scheduled` row or a `stopped` one.

    When neither was ever seen, the newest recurring ``repeat_type`` of any row.
    """
    implied = None
    for time, row, _ in reversed(history):
        recurs = row.repeat_type is not None and row.repeat_type != "immediate"
        action = (row.action or "").casefold()
        if action == "stopped" or (action == "scheduled" and recurs):
            if remembered and remembered.explicit and remembered.at > time:
                return remembered
            return Schedule(None if action == "stopped" else row.repeat_type, time)
        if recurs and implied is None:
            implied = Schedule(row.repeat_type, time, explicit=False)
    return remembered if remembered and remembered.explicit else implied or remembered


def _remember_rows(decision: Decision, history: Sequence[Event]) -> None:
    memory, now = decision.memory, decision.now
    shown = dict.fromkeys(row.key for _, row, _ in history)
    gone = [key for key, first_seen in memory.seen.items() if key not in shown and now - first_seen <= KEY_LIFE]
    room = MAX_KEYS - len(shown)
    kept = gone[len(gone) - room :] if len(gone) > room else gone
    newest_time, newest, _ = history[-1]
    decision.remember(
        seen={key: memory.seen.get(key, now) for key in (*kept, *shown)},
        last_seen_id=newest.id or None,
        last_seen_time=newest_time,
        schedule=schedule_in_force(history, memory.schedule),
    )


def _tell_rows(
    decision: Decision, history: Sequence[Event], news: frozenset[str], running: incidents.Running | None
) -> None:
    """Walk through the whole history, tell what is news, and remember how things stand at its end."""
    memory = decision.memory
    last_completed, failures, failing_since = _standing_before(memory, history, news)
    outcomes = Counter(memory.outcomes)
    strip = ""
    for time, row, kind in history:
        before = last_completed
        ends: list[dict[str, Any]] = []
        if kind == "completed":
            if failures:
                ends.append({"what": "failed", "count": failures, "since": iso(failing_since)})
            last_completed, failures, failing_since = time, 0, None
        elif kind == "failed":
            failures, failing_since = failures + 1, failing_since or time
        if row.state:
            strip = (strip + STRIP_LETTERS.get(kind, "u"))[-STRIP_LENGTH:]
        if row.key not in news or kind == "started":
            continue
        if row.state:
            outcomes[kind] += 1
            ends += _end_incidents(decision, time, row, kind, running)
        facts: dict[str, Any] = {"when": iso(time), "ends": ends, "last_completed": iso(before), "strip": strip}
        if kind == "failed":
            facts |= {"in_a_row": failures, "since": iso(failing_since)}
        decision.tell(
            "recovered" if kind == "completed" and ends else kind,
            row.key,
            facts=facts,
            row=incidents.shown(row),
            because_of={kind, *(end["what"] for end in ends if end["what"] != "failed")},
        )
    decision.remember(
        last_completed=max(filter(None, (last_completed, memory.last_completed)), default=None),
        failures_in_a_row=failures,
        failing_since=failing_since,
        outcomes=dict(outcomes),
    )


def _standing_before(
    memory: Memory, history: Sequence[Event], news: frozenset[str]
) -> tuple[datetime | None, int, datetime | None]:
    """Return last completion, failures in a row and their start, as of before the oldest row that Zoho still shows."""
    aged_out = memory.last_completed is not None and memory.last_completed < history[0][0]
    remembered = [kind for _, row, kind in history if row.key not in news]
    failures = 0 if "completed" in remembered else max(0, memory.failures_in_a_row - remembered.count("failed"))
    return memory.last_completed if aged_out else None, failures, memory.failing_since if failures else None


def _end_incidents(
    decision: Decision, time: datetime, row: Row, kind: str, running: incidents.Running | None
) -> list[dict[str, Any]]:
    """Close the incidents that this outcome ends, and return those that somebody was told of."""
    ended = {
        "overdue": kind == "completed" and incidents.ends_overdue(decision, time),
        "stuck": incidents.ends_stuck(decision, time, row, running),
    }
    told = []
    for name in [name for name, true in ended.items() if true]:
        incident = decision.memory.incidents[name]
        decision.set_incident(name, None)
        if incident.told_at:
            told.append({"what": name, "since": iso(incident.since)})
    return told


def _tell_baseline(decision: Decision, history: Sequence[Event], running: incidents.Running | None) -> None:
    """Tell what the first good read found; what is wrong now counts as told by it."""
    decision.remember(baseline_at=decision.now, digest_at=decision.now)
    known = decision.memory.incidents.keys()
    decision.silent = True
    _judge_backups(decision, running)
    decision.silent = False
    memory = decision.memory
    repeat_type = memory.schedule.repeat_type if memory.schedule else None
    wrong: list[dict[str, Any]] = [
        {"what": name, **incident.facts, "since": iso(incident.since)}
        for name, incident in memory.incidents.items()
        if name not in known
    ]
    if memory.failures_in_a_row:
        wrong.append({"what": "failed", "count": memory.failures_in_a_row, "since": iso(memory.failing_since)})
    if repeat_type is None:
        wrong.append({"what": "no_schedule"})
    outcomes = [kind for _, row, kind in history if row.state]
    facts = {
        "rows": len(history),
        "outcomes": dict(Counter(outcomes)),
        "strip": "".join(STRIP_LETTERS.get(kind, "u") for kind in outcomes[-STRIP_LENGTH:]),
        "last_completed": iso(memory.last_completed),
        "repeat_type": repeat_type,
        "next_expected": iso(incidents.next_expected(memory)),
        "wrong": wrong,
    }
    decision.tell("baseline", f"baseline-{incidents.stamp(decision.now)}", facts=facts)
