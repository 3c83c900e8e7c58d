"""What is remembered of an organisation. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handler.codec import to_plain
from handler.history import Row
from handler.plan import Plan
from handler.wording import Content, highest, rank

MAX_KEYS = 3_000
MAX_OUTBOX = 200
MAX_OUTBOX_BYTES = 200_000
MAX_DEAD_LETTERS = 20
KEY_LIFE = timedelta(days=400)
"""Longer than the year that Zoho shows, or old alerts would come back."""


@dataclass(frozen=True)
class IncidentRef:
    """One incident, from its opening to its end.

    Attributes:
        name: ``overdue``, ``stuck``, ``failing``, ``unreadable``, ``channel:NAME``.
        since: When it began, as stored at its opening.
        severity: Of its notices while it lasts.
    """

    name: str
    since: datetime
    severity: str = "critical"


@dataclass(frozen=True)
class Notice:
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
        incident: The incident that it alone is about, or "".
        opens: The incidents that it opens or reminds of.
        ends: The incidents that it ends.
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
    opens: tuple[IncidentRef, ...] = ()
    ends: tuple[IncidentRef, ...] = ()

    @property
    def weight(self) -> str:
        """The severity that decides who hears it: whoever heard an opening hears the end."""
        return highest((self.severity, *(ref.severity for ref in self.ends)))

    def is_probe_of(self, channel: str) -> bool:
        """Return whether it is a broken channel's own end, given to itself to see whether it works."""
        return self.incident == f"channel:{channel}" and self.phase == "ended" and self.pending_for == (channel,)

    def reaches(self, min_severity: str) -> bool:
        """Return whether somebody who wants to hear of this severity and above hears of it."""
        return rank(self.weight) >= rank(min_severity)


@dataclass(frozen=True)
class Incident:
    """A condition that lasts.

    Attributes:
        since: When it began.
        notified_at: When a notice of it was last decided; None: nobody was notified.
        reminders: How often it was reminded of.
        row_id: ``stuck``: the backup's.
        cause: ``unreadable``: the name of the cause.
        causes: ``unreadable``: each cause that was sent, and when it last was.
        detail: Why it cannot be read, or why the channel refuses.
        label: A channel: its name for people.
        back_at: A channel: when it first accepted something again.
        probed_at: A channel: when it was last given its own end, to see whether it works.
    """

    since: datetime
    notified_at: datetime | None = None
    reminders: int = 0
    row_id: str = ""
    cause: str = ""
    causes: Mapping[str, datetime] = field(default_factory=dict)
    detail: str = ""
    label: str = ""
    back_at: datetime | None = None
    probed_at: datetime | None = None


@dataclass(frozen=True)
class Schedule:
    """The newest word on the schedule.

    Attributes:
        repeat_type: What recurs; after a stop what did, for its interval goes on counting.
        at: When it was set up.
        explicit: False: only concluded from the ``repeat_type`` of other rows.
        stopped_at: When it was turned off; None: it is in force.
        stop_sent: Its stop was sent as a warning.
    """

    repeat_type: str | None
    at: datetime
    explicit: bool = True
    stopped_at: datetime | None = None
    stop_sent: bool = False

    @property
    def in_force(self) -> bool:
        """Whether backups run by it."""
        return self.repeat_type is not None and self.stopped_at is None


@dataclass(frozen=True)
class DeadLetter:
    """One notice that a channel will never accept."""

    notice_id: str
    kind: str
    channel: str
    why: str
    at: datetime


@dataclass(frozen=True)
class DeadLetters:
    """Notices that could not be delivered to a channel and never will be.

    Attributes:
        count: All there ever were.
        unmentioned: Channel → how many no message on it has mentioned yet.
        last: The last few.
    """

    count: int = 0
    unmentioned: Mapping[str, int] = field(default_factory=dict)
    last: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True)
class Memory:
    """Everything remembered of one organisation: one DynamoDB item. Field names are attribute names.

    Attributes:
        org: The organisation's key.
        version: Grows by one with each write; 0: never written.
        baseline_at: The first good read; None: there was none yet.
        last_seen_id: Newest row seen.
        last_seen_time: Its ``log_time``, or when it was first seen.
        seen: Row key → when it was first seen.
        outbox: Notices not yet accepted by every channel, oldest first.
        incidents: Name → incident.
        schedule: The newest word on the schedule, kept when its row ages out.
        plan: What Zoho last said of the schedule.
        last_completed: Newest completed backup; `history.UNKNOWN_TIME` where Zoho never gave its time.
        failures_in_a_row: Failed backups since the last completed one.
        failing_since: The first of them.
        dead_letters: What could not be delivered.
        digest_at: The last digest, or the baseline.
        outcomes: Outcomes since then: ``completed``, ``failed``, ``unknown`` → how many.
        channels: The channels configured at the last write.
        lease_owner: Request id of the check that is delivering, or None.
        lease_until: Until when nobody else may.
    """

    org: str
    version: int = 0
    baseline_at: datetime | None = None
    last_seen_id: str | None = None
    last_seen_time: datetime | None = None
    seen: Mapping[str, datetime] = field(default_factory=dict)
    outbox: tuple[Notice, ...] = ()
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    schedule: Schedule | None = None
    plan: Plan | None = None
    last_completed: datetime | None = None
    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    dead_letters: DeadLetters = DeadLetters()
    digest_at: datetime | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None

    def pending(self, channel: str) -> list[Notice]:
        """Return what a channel has not accepted yet, oldest first."""
        return [notice for notice in self.outbox if channel in notice.pending_for]

    def accepted(self, channel: str, notice_ids: Collection[str]) -> "Memory":
        """Return the memory after a channel took these notices; a notice that no channel lacks any more is gone."""
        return replace(self, outbox=_settled(self.outbox, channel, notice_ids))

    def mentioned(self, channel: str) -> "Memory":
        """Return the memory after a message on this channel said how many were lost."""
        unmentioned = {name: count for name, count in self.dead_letters.unmentioned.items() if name != channel}
        return replace(self, dead_letters=replace(self.dead_letters, unmentioned=unmentioned))

    def discard(self, channel: str, notice_ids: Collection[str], why: str, now: datetime) -> "Memory":
        """Return the memory after these notices became one channel's dead letters: counted, never just dropped."""
        lost = [notice for notice in self.pending(channel) if notice.notice_id in notice_ids]
        letters = tuple(DeadLetter(notice.notice_id, notice.kind, channel, why, now) for notice in lost)
        known = self.dead_letters
        names = dict.fromkeys((*self.channels, *known.unmentioned, channel))
        dead_letters = DeadLetters(
            known.count + len(lost),
            {name: known.unmentioned.get(name, 0) + len(lost) for name in names},
            (*known.last, *letters)[-MAX_DEAD_LETTERS:],
        )
        return replace(self, outbox=_settled(self.outbox, channel, notice_ids), dead_letters=dead_letters)

    def with_incident(self, name: str, incident: Incident | None) -> "Memory":
        """Return the memory with an incident opened, changed or (None) closed."""
        others = {key: value for key, value in self.incidents.items() if key != name}
        return replace(self, incidents=others if incident is None else {**others, name: incident})


def enqueue(outbox: Iterable[Notice], notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the outbox with these notices added: a newer reminder replaces an older one that still waits."""
    kept = list(outbox)
    for notice in notices:
        if notice.phase == "reminder":
            kept = [old for old in kept if not (old.phase == "reminder" and old.incident == notice.incident)]
        kept.append(notice)
    return tuple(kept)


def fitting(notices: Sequence[Notice], room: int = MAX_OUTBOX, size: int = MAX_OUTBOX_BYTES) -> int:
    """Return how many of these notices, from the first on, an outbox has room for."""
    for number, notice in enumerate(notices):
        size -= item_bytes(notice)
        if number == room or size < 0:
            return number
    return len(notices)


def item_bytes(notice: Notice) -> int:
    """Return about how many bytes of the item a notice takes: its JSON has the same names and texts."""
    return len(json.dumps(to_plain(notice), ensure_ascii=False).encode())


def _settled(outbox: Iterable[Notice], channel: str, notice_ids: Collection[str]) -> tuple[Notice, ...]:
    settled = (
        replace(n, pending_for=tuple(c for c in n.pending_for if c != channel)) if n.notice_id in notice_ids else n
        for n in outbox
    )
    return tuple(notice for notice in settled if notice.pending_for)
