"""The history as events in order, how the backups stood at each of them, and how they stand now. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from handler import errors
from handler.codec import UNKNOWN_TIME
from handler.decision import CurrentState
from handler.errors import UnreadableError
from handler.history import ID_LENGTH, Event, Row, dates_at_first_read, in_order
from handler.memory import Memory

OUTCOME_SYMBOLS = {"completed": "✓", "failed": "✗"}
RECENT = 10
RUNS = 5
"""How many lengths of runs are remembered."""
LONGEST_RUN = timedelta(days=7)
"""What seems to have run longer did not, or hangs."""
ROWS_AGE_OUT = timedelta(days=360)
"""Zoho keeps a year; five days less allow for clocks and leap years."""
LISTED_LATE = timedelta(days=2)
"""A row may appear so long after its time."""
IDS_AGE_OUT = timedelta(days=300)


class Standing(NamedTuple):
    """How the backups stood when a row happened.

    Attributes:
        event: The row.
        failures: Failed backups in a row, this one included.
        since: Time of the first of them.
        run: How many failures in a row a completed backup ended, and since when; (0, None) where it ended none.
        kind: The kind of its notice: the row's own, or ``recovered``.
        resolved: What it ends, one phrase each.
    """

    event: Event
    failures: int
    since: datetime | None
    run: tuple[int, datetime | None]
    kind: str
    resolved: tuple[str, ...] = ()


class Timeline(NamedTuple):
    """The history, read at one check.

    Attributes:
        events: All rows, oldest first.
        news: Those that were never seen before.
        standings: How the backups stood at each event.
        current: How they stand now.
        first_seen: Row key → when the row was first seen; at a first read, the time that counts as such.
    """

    events: list[Event]
    news: list[Event]
    standings: list[Standing]
    current: CurrentState
    first_seen: Mapping[str, datetime]


def is_another(rows: Sequence[Row], memory: Memory, now: datetime) -> bool:
    """Return whether the history is not the remembered one: it has no known id, and rows that were there before.

    No rows, or rows without any time, give that away only where the known ones are too many, and too new, to have all
    aged out.
    """
    known = {key[:ID_LENGTH] for key in memory.seen}
    if memory.baseline_at is None or any(row.key[:ID_LENGTH] in known for row in rows):
        return False
    last_seen = max([memory.baseline_at, *memory.seen.values()])
    if times := [row.log_time for row in rows if row.log_time]:
        return min(times) < max(last_seen, memory.digest_at or last_seen) - LISTED_LATE
    return len(known) >= 3 and now - last_seen < IDS_AGE_OUT


def read_timeline(rows: Sequence[Row], memory: Memory, now: datetime) -> Timeline:
    """Return the timeline of these rows, which may come in any order and more than once.

    Raises:
        UnreadableError: The history had rows and is empty now.
    """
    unique = list({row.key: row for row in rows}.values())
    last = memory.last_seen_time
    if not unique and last and (is_another((), memory, now) if last == UNKNOWN_TIME else now - last < ROWS_AGE_OUT):
        raise UnreadableError(errors.HISTORY_VANISHED, "The history had rows at an earlier check and is empty now.")
    first_seen = memory.seen if memory.baseline_at else dates_at_first_read(unique, now)
    events = in_order(unique, first_seen, now)
    news = [event for event in events if event.row.key not in memory.seen]
    return Timeline(events, news, *replay(events, memory, now), first_seen)


def replay(events: Sequence[Event], memory: Memory, now: datetime) -> tuple[list[Standing], CurrentState]:
    """Return how the backups stood at each event, and how they stand now.

    The memory stands in for rows that Zoho no longer shows.
    """
    kinds = [event.kind for event in events if event.row.key in memory.seen]
    failures = 0 if "completed" in kinds else max(0, memory.failures_in_a_row - kinds.count("failed"))
    since = memory.failing_since if failures else None
    recent: list[str] = []
    standings, current = [], CurrentState(run_minutes=memory.run_minutes)
    for event in events:
        run: tuple[int, datetime | None] = (0, None)
        if event.kind == "completed" and event.row.key not in memory.seen:
            ran = _run_minutes(event, current.running, memory, now)
            current = current._replace(run_minutes=(*current.run_minutes, *ran)[-RUNS:])
        if event.is_outcome:
            recent = [*recent, OUTCOME_SYMBOLS.get(event.kind, "?")][-RECENT:]
            current = current._replace(running=(), recent=" ".join(recent))
        if event.kind == "completed":
            run, failures, since = (failures, since), 0, None
            current = current._replace(newest_failed=None, recovered_by=current.recovered_by or event)
        elif event.kind == "failed":
            failures, since = failures + 1, since or event.at
            current = current._replace(newest_failed=event, recovered_by=None)
        elif event.kind == "started":
            # Zoho may show a backup before it begins. One without any time counts from the first look at the history.
            at = memory.baseline_at or now if event.at == UNKNOWN_TIME else event.at
            begun = event._replace(at=max(at, event.row.log_time or at))
            current = current._replace(running=(begun, *current.running))
        standings.append(Standing(event, failures, since, run, event.kind))
    return standings, current._replace(completed=tuple(one.at for one in events if one.kind == "completed"))


def _run_minutes(completed: Event, running: Sequence[Event], memory: Memory, now: datetime) -> list[int]:
    """Return how long a backup ran that has just completed: one number, or none where that is not known.

    It began when its own row did, if that changed in place, and else with the newest beginning of its type: a cancelled
    backup leaves an older one. A row that keeps the time of its beginning ended when this check saw it, unless the
    checks before could not read the history.
    """
    same = [event for event in running if event.row.repeat_type == completed.row.repeat_type]
    own = memory.running.get(completed.row.id)
    if own is None or any(event.row.id == completed.row.id for event in same):
        own = same[0].at if same else None
    ended = completed.at if completed.row.log_time else None
    if own and (ended is None or ended <= own):
        ended = now if memory.baseline_at and "unreadable" not in memory.incidents else None
    if own is None or ended is None or not own < ended <= own + LONGEST_RUN:
        return []
    return [(ended - own) // timedelta(minutes=1)]
