"""What must be said, and what must not: each judges what was sent, and returns its complaints."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from tests.truth.organisation import DAY, HOUR

BAD = frozenset({"warning", "critical"})
REMINDED_DAILY = 7
"""So many reminders a day apart; then one every seventh day."""


class Said(Protocol):
    """A notice, as far as it matters here."""

    @property
    def at(self) -> datetime:
        """When it was decided."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def severity(self) -> str:
        """How bad."""

    @property
    def phase(self) -> str:
        """News, opened, reminder or ended."""


Opened = Sequence[tuple[datetime, frozenset[str]]]


class Expectation(Protocol):
    """Something that must hold of a story."""

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""


@dataclass(frozen=True)
class Report:
    """A notice that must be sent later than ``after`` and no later than ``by``, and not before."""

    kind: str
    severity: str
    after: datetime
    by: datetime
    phase: str = ""

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""
        del open_after
        if not any(
            n.kind == self.kind
            and n.severity == self.severity
            and self.after < n.at <= self.by
            and n.phase == (self.phase or n.phase)
            for n in sent
        ):
            when = f"after {self.after:%d %b %H:%M}, by {self.by:%d %b %H:%M}"
            yield f"no {self.severity} {self.kind} {self.phase} {when}"


@dataclass(frozen=True)
class Never:
    """Kinds of which nothing (of these severities) may be sent within (``since``, ``until``]."""

    kinds: Collection[str]
    since: datetime
    until: datetime
    severities: Collection[str] = BAD | {"info"}

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""
        del open_after
        for n in sent:
            if n.kind in self.kinds and n.severity in self.severities and self.since < n.at <= self.until:
                yield f"{n.severity} {n.kind} {n.phase} at {n.at:%d %b %H:%M}"


@dataclass(frozen=True)
class Reminders:
    """Reminders of ``kind`` that must follow the notice ``opened_by`` after ``since``: at these hours, no others.

    Those after ``merged`` are said by something else.
    """

    kind: str
    since: datetime
    until: datetime
    opened_by: str = ""
    merged: datetime | None = None

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""
        del open_after
        opening = next(
            (n.at for n in sent if n.kind == (self.opened_by or self.kind) and self.since <= n.at <= self.until), None
        )
        if opening is None:
            yield f"nothing opened that reminders of {self.kind} could follow"
            return
        expected = [at for at in reminder_times(opening, self.until) if at <= (self.merged or self.until)]
        actual = [n.at for n in sent if n.kind == self.kind and n.phase == "reminder" and opening < n.at <= self.until]
        for at in sorted(set(expected) ^ set(actual)):
            yield f"{'a reminder too many' if at in actual else 'no reminder'} of {self.kind} at {at:%d %b %H:%M}"


def reminder_times(opening: datetime, until: datetime) -> Iterator[datetime]:
    """Yield when an incident must be reminded of that stays open."""
    for day in range(1, REMINDED_DAILY + 1):
        yield opening + day * DAY
    at = opening + 2 * REMINDED_DAILY * DAY
    while at <= until:
        yield at
        at += REMINDED_DAILY * DAY


@dataclass(frozen=True)
class Loud:
    """One of these kinds must be critical at least once a day within (``since``, ``until``]: no day of silence."""

    kinds: Collection[str]
    since: datetime
    until: datetime

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""
        del open_after
        heard = [n.at for n in sent if n.kind in self.kinds and n.severity == "critical"]
        times = sorted([self.since, *(at for at in heard if self.since < at <= self.until), self.until])
        for before, after in pairwise(times):
            if after - before > DAY + HOUR:
                yield f"nothing of {'/'.join(sorted(self.kinds))} from {before:%d %b %H:%M} to {after:%d %b %H:%M}"


@dataclass(frozen=True)
class Open:
    """One of these incidents must be open after each check within [``since``, ``until``]."""

    names: frozenset[str]
    since: datetime
    until: datetime

    def complaints(self, sent: Sequence[Said], open_after: Opened) -> Iterator[str]:
        """Yield what does not hold."""
        del sent
        closed = [at for at, names in open_after if self.since <= at <= self.until and not names & self.names]
        if closed:
            yield f"none of {sorted(self.names)} is open at {closed[0]:%d %b %H:%M} (and {len(closed) - 1} checks more)"


def one_a_day(sent: Sequence[Said]) -> Iterator[str]:
    """Yield days on which `failing` reminds of what `overdue` said already, or `overdue` speaks twice.

    A failed row is news and is always sent, and `overdue` opens when it is time.
    """
    reminders = [n.at for n in sent if n.kind == "failed" and n.phase == "reminder"]
    overdue = [n.at for n in sent if n.kind == "overdue" and n.severity == "critical"]
    for at in reminders:
        for other in overdue:
            if timedelta(0) <= at - other < DAY - HOUR:
                yield f"failed reminds at {at:%d %b %H:%M}, overdue spoke at {other:%d %b %H:%M}"
    for before, after in pairwise(overdue):
        if after - before < DAY / 2:
            yield f"overdue speaks at {before:%d %b %H:%M} and at {after:%d %b %H:%M}"


def within(moment: datetime, check: timedelta = HOUR) -> datetime:
    """Return by when the next check has seen it."""
    return moment + check
