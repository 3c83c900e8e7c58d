"""Notices, the channels that they are for, and what never reached one. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from handler.codec import to_plain
from handler.history import Row
from handler.wording import Content, Line, highest, rank

MAX_OUTBOX = 200
MAX_OUTBOX_BYTES = 200_000
"""Half of the 400 KB that a DynamoDB item may have."""
MAX_DEAD_LETTERS = 20
LOST = "lost"


class IncidentRef(NamedTuple):
    """One incident, from its opening to its end.

    Attributes:
        name: ``overdue``, ``stuck``, ``failing``, ``unreadable``, ``channel:NAME``, and ``unknown:KEY`` for
            an unknown state.
        since: When it began, as stored at its opening.
        severity: Severity of its notices while it is open.
        line: Its own title in a notice about several incidents; "" means the notice's title.
    """

    name: str
    since: datetime
    severity: str = "critical"
    line: str = ""


class Notice(NamedTuple):
    """One thing to send.

    Attributes:
        notice_id: The same for every channel and every repeat.
        kind: A name that ``NOTIFY_ON`` knows, or one that comes with it.
        at: When it was decided.
        pending_for: The channels that have not accepted it yet.
        severity: ``info``, ``warning`` or ``critical``.
        content: What it says.
        phase: ``news``, ``opened``, ``reminder`` or ``ended``.
        row: The row it is about.
        incident: The single incident that it is about, or "".
        cause: For ``unreadable``: the name of the cause.
        opens: The incidents that it opens or reminds of.
        ends: The incidents that it ends.
        kinds: For a list: the kinds of the notices in it.
        row_keys: For a list: the rows in it.
        reports: For a report of lost messages: the highest severity among them.
        heard_by: The channels that have accepted it.
    """

    notice_id: str
    kind: str
    at: datetime
    pending_for: tuple[str, ...]
    severity: str
    content: Content
    phase: str = "news"
    row: Row | None = None
    incident: str = ""
    cause: str = ""
    opens: tuple[IncidentRef, ...] = ()
    ends: tuple[IncidentRef, ...] = ()
    kinds: tuple[str, ...] = ()
    row_keys: tuple[str, ...] = ()
    reports: str = "info"
    heard_by: tuple[str, ...] = ()

    @property
    def audience_severity(self) -> str:
        """Severity used for filtering; an end counts as severe as its opening, and a report as what it reports."""
        return highest((self.severity, self.reports, *(ref.severity for ref in self.ends)))


class Channel(NamedTuple):
    """A configured channel, as far as the decision needs it.

    Attributes:
        name: Its name in the memory, the log and the secret.
        label: Its name for people.
        repair_hint: What to do when it refuses messages; ``{operator}`` and ``{connect}`` are filled in.
        min_severity: The lowest severity that it gets.
        incidents_only: Whether it gets only notices that open, remind of or end an incident, and reports of a critical
            loss.
        problem: Why its settings cannot be used, or "".
    """

    name: str
    label: str = ""
    repair_hint: str = ""
    min_severity: str = "info"
    incidents_only: bool = False
    problem: str = ""

    def wants(self, notice: Notice) -> bool:
        """Return whether a notice is for this channel."""
        about_incident = bool(notice.opens or notice.ends or notice.reports == "critical")
        severe_enough = rank(notice.audience_severity) >= rank(self.min_severity)
        return severe_enough and (about_incident or not self.incidents_only)


class DeadLetter(NamedTuple):
    """One notice that a channel will never accept."""

    notice_id: str
    kind: str
    channel: str
    why: str
    at: datetime


class Loss(NamedTuple):
    """What one channel lost since the last notice that reported a loss.

    Attributes:
        total: How many notices.
        severity: The highest audience severity among them.
        why: Why the last of them was lost.
        opens: The incidents that they opened.
        ends: The incidents that they ended.
        lines: The titles of the last few, and when each was decided.
    """

    total: int
    severity: str
    why: str
    opens: tuple[IncidentRef, ...] = ()
    ends: tuple[IncidentRef, ...] = ()
    lines: tuple[Line, ...] = ()


class DeadLetters(NamedTuple):
    """Notices that a channel will never accept.

    Attributes:
        total: How many there ever were.
        last: The last few.
        unreported: Channel → what it lost that no notice has reported yet.
        reported_at: Channel → when a notice last reported what it lost.
    """

    total: int = 0
    last: tuple[DeadLetter, ...] = ()
    unreported: Mapping[str, Loss] = {}
    reported_at: Mapping[str, datetime] = {}

    def add(self, channel: str, notice: Notice, why: str, now: datetime) -> "DeadLetters":
        """Return the dead letters with this notice of a channel; a report that is itself lost is only counted."""
        letter = DeadLetter(notice.notice_id, notice.kind, channel, why, now)
        counted = self._replace(total=self.total + 1, last=(*self.last, letter)[-MAX_DEAD_LETTERS:])
        if notice.kind == LOST:
            return counted
        known = self.unreported.get(channel, Loss(0, "info", why))
        loss = Loss(
            known.total + 1,
            highest((known.severity, notice.audience_severity)),
            why,
            tuple(dict.fromkeys((*known.opens, *notice.opens))),
            tuple(dict.fromkeys((*known.ends, *notice.ends))),
            (*known.lines, Line(notice.content.title, notice.at))[-MAX_DEAD_LETTERS:],
        )
        return counted._replace(unreported={**self.unreported, channel: loss})

    def reported(self, channel: str, now: datetime) -> "DeadLetters":
        """Return the dead letters after a notice reported what this channel lost."""
        unreported = {name: loss for name, loss in self.unreported.items() if name != channel}
        return self._replace(unreported=unreported, reported_at={**self.reported_at, channel: now})


def item_bytes(notice: Notice) -> int:
    """Return about how many bytes of the DynamoDB item a notice takes: its JSON has the same names and texts."""
    return len(json.dumps(to_plain(notice), ensure_ascii=False).encode())
