"""How things stand at the end of the history, as far as incidents need it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from handler.history import Event, Row


class Running(NamedTuple):
    """A backup that began and has had no outcome since.

    Attributes:
        since: When it began.
        row: Its row.
    """

    since: datetime
    row: Row


class Situation(NamedTuple):
    """How things stand.

    Attributes:
        running: What began after the last outcome of any kind, newest first.
        newest_failed: The newest failed row since the last completed backup.
        recovered_by: The completed backup that ended the last failures, if none failed since.
    """

    running: tuple[Running, ...] = ()
    newest_failed: Event | None = None
    recovered_by: Event | None = None


def situation(history: Sequence[Event]) -> Situation:
    """Return how things stand at the end of this history."""
    running: list[Running] = []
    good: Event | None = None
    failed: Event | None = None
    outcome_seen = False
    for event in reversed(history):
        outcome_seen = outcome_seen or event.row.state is not None
        if event.kind == "completed":
            good = event
        elif event.kind == "failed":
            failed = event
            break
        elif event.kind == "started" and not outcome_seen:
            # A backup that is yet to come is shown before it begins.
            running.append(Running(max(event.at, event.row.log_time or event.at), event.row))
    return Situation(tuple(running), None if good else failed, good)
