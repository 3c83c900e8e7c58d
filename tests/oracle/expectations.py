"""What must be said, and what must not: each expectation judges what was sent, and yields its complaints."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from handler.outbox import Notice
from tests.oracle.organisation import DAY, HOUR

BAD = frozenset({"warning", "critical"})
REMINDED_DAILY = 7
"""So many reminders a day apart; then one every seventh day."""
Opened = Sequence[tuple[datetime, frozenset[str]]]
"""The incidents open after each check."""
Expectation = Callable[[Sequence[Notice], Opened], Iterator[str]]


def report(
    kind: str, severity: str, after: datetime, by: datetime | None = None, phase: str = "", early: timedelta = DAY * 0
) -> Expectation:
    """Expect a notice later than ``after`` (or so much earlier) and no later than ``by``, else within an hour."""
    since, until = after - early, by or after + HOUR

    def complaints(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
        said = [n for n in sent if (n.kind, n.severity) == (kind, severity) and n.phase == (phase or n.phase)]
        if not any(since < n.at <= until for n in said):
            yield f"no {severity} {kind} {phase} after {since:%d %b %H:%M}, by {until:%d %b %H:%M}"

    return complaints


def never(
    kinds: Collection[str], since: datetime, until: datetime, severities: Collection[str] = BAD | {"info"}
) -> Expectation:
    """Expect nothing of these kinds (of these severities) within (``since``, ``until``]."""

    def complaints(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
        for n in sent:
            if n.kind in kinds and n.severity in severities and since < n.at <= until:
                yield f"{n.severity} {n.kind} {n.phase} at {n.at:%d %b %H:%M}"

    return complaints


def reminders(
    kind: str, since: datetime, until: datetime, opened_by: str = "", merged: datetime | None = None
) -> Expectation:
    """Expect reminders after the notice ``opened_by`` that follows ``since``: at their hours, and no others.

    Those after ``merged`` are said by something else.
    """

    def complaints(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
        openings = [n.at for n in sent if n.kind == (opened_by or kind) and since <= n.at <= until]
        if not openings:
            yield f"nothing opened that reminders of {kind} could follow"
            return
        days = [*range(1, REMINDED_DAILY + 1), *range(2 * REMINDED_DAILY, 400, REMINDED_DAILY)]
        expected = {openings[0] + day * DAY for day in days if openings[0] + day * DAY <= (merged or until)}
        actual = {n.at for n in sent if n.kind == kind and n.phase == "reminder" and openings[0] < n.at <= until}
        for at in sorted(expected ^ actual):
            yield f"{'a reminder too many' if at in actual else 'no reminder'} of {kind} at {at:%d %b %H:%M}"

    return complaints


def loud(kinds: Collection[str], since: datetime, until: datetime) -> Expectation:
    """Expect one of these kinds to be critical at least once a day within (``since``, ``until``]."""

    def complaints(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
        heard = [n.at for n in sent if n.kind in kinds and n.severity == "critical" and since < n.at <= until]
        for before, after in pairwise(sorted([since, *heard, until])):
            if after - before > DAY + HOUR:
                yield f"nothing of {'/'.join(sorted(kinds))} from {before:%d %b %H:%M} to {after:%d %b %H:%M}"

    return complaints


def always_open(names: frozenset[str], since: datetime, until: datetime) -> Expectation:
    """Expect one of these incidents to be open after each check within [``since``, ``until``]."""

    def complaints(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
        for at, open_then in opened:
            if since <= at <= until and not open_then & names:
                yield f"none of {sorted(names)} is open at {at:%d %b %H:%M}"

    return complaints


def one_a_day(sent: Sequence[Notice], opened: Opened) -> Iterator[str]:
    """Expect no day on which `failing` reminds of what `overdue` said already, or `overdue` speaks twice.

    A failed row is news and is always sent, and `overdue` opens when it is time.
    """
    overdue = [n.at for n in sent if n.kind == "overdue" and n.severity == "critical"]
    for at in (n.at for n in sent if n.kind == "failed" and n.phase == "reminder"):
        if any(timedelta(0) <= at - other < DAY - HOUR for other in overdue):
            yield f"failed reminds at {at:%d %b %H:%M}, and overdue spoke that day"
    for before, after in pairwise(overdue):
        if after - before < DAY / 2:
            yield f"overdue speaks at {before:%d %b %H:%M} and at {after:%d %b %H:%M}"
