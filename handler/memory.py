"""What is remembered of an organisation. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from handler.outbox import IncidentRef, Notice
from handler.plan import Plan

MAX_KEYS = 3_000
MAX_DEAD_LETTERS = 20
KEY_LIFE = timedelta(days=400)
"""Longer than the year that Zoho shows, or old alerts would come back."""


class Incident(NamedTuple):
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
    causes: Mapping[str, datetime] = {}
    detail: str = ""
    label: str = ""
    back_at: datetime | None = None
    probed_at: datetime | None = None

    @property
    def next_phase(self) -> str:
        """Of a notice of it that is sent now: ``opened`` or ``reminder``."""
        return "reminder" if self.notified_at else "opened"

    def notified(self, now: datetime) -> "Incident":
        """Return the incident after a notice of it: every one but the first is a reminder."""
        return self._replace(notified_at=now, reminders=self.reminders + (self.notified_at is not None))

    def ref(self, name: str) -> IncidentRef:
        """Return what a notice keeps of it."""
        return IncidentRef(name, self.since)


class Schedule(NamedTuple):
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


class DeadLetter(NamedTuple):
    """One notice that a channel will never accept."""

    notice_id: str
    kind: str
    channel: str
    why: str
    at: datetime


class DeadLetters(NamedTuple):
    """Notices that could not be delivered to a channel and never will be.

    Attributes:
        total: All there ever were.
        unmentioned: Channel → how many no message on it has mentioned yet.
        last: The last few.
    """

    total: int = 0
    unmentioned: Mapping[str, int] = {}
    last: tuple[DeadLetter, ...] = ()


class Memory(NamedTuple):
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
        subscribers: Topic (``messages``, ``alarms``) → how many were subscribed at the last baseline or digest.
        channels: The channels configured at the last write.
        lease_owner: Request id of the check that is delivering, or None.
        lease_until: Until when nobody else may.
    """

    org: str
    version: int = 0
    baseline_at: datetime | None = None
    last_seen_id: str | None = None
    last_seen_time: datetime | None = None
    seen: Mapping[str, datetime] = {}
    outbox: tuple[Notice, ...] = ()
    incidents: Mapping[str, Incident] = {}
    schedule: Schedule | None = None
    plan: Plan | None = None
    last_completed: datetime | None = None
    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    dead_letters: DeadLetters = DeadLetters()
    digest_at: datetime | None = None
    outcomes: Mapping[str, int] = {}
    subscribers: Mapping[str, int] = {}
    channels: tuple[str, ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None

    def pending(self, channel: str) -> list[Notice]:
        """Return what a channel has not accepted yet, oldest first."""
        return [notice for notice in self.outbox if channel in notice.pending_for]

    def probes(self, channel: str) -> set[str]:
        """Return the ids of what only probes a broken channel: no message that anybody lacks."""
        return {notice.notice_id for notice in self.pending(channel) if notice.is_probe_of(channel)}

    def accepted(self, channel: str, notice_ids: Collection[str]) -> "Memory":
        """Return the memory after a channel took these notices; a notice that no channel lacks any more is gone."""
        left = (
            n._replace(pending_for=tuple(c for c in n.pending_for if c != channel)) if n.notice_id in notice_ids else n
            for n in self.outbox
        )
        return self._replace(outbox=tuple(notice for notice in left if notice.pending_for))

    def mentioned(self, channel: str) -> "Memory":
        """Return the memory after a message on this channel said how many were lost."""
        unmentioned = {name: count for name, count in self.dead_letters.unmentioned.items() if name != channel}
        return self._replace(dead_letters=self.dead_letters._replace(unmentioned=unmentioned))

    def discard(self, channel: str, notice_ids: Collection[str], why: str, now: datetime) -> "Memory":
        """Return the memory after these notices became one channel's dead letters: counted, never just dropped."""
        lost = [notice for notice in self.pending(channel) if notice.notice_id in notice_ids]
        letters = tuple(DeadLetter(notice.notice_id, notice.kind, channel, why, now) for notice in lost)
        known = self.dead_letters
        names = dict.fromkeys((*self.channels, *known.unmentioned, channel))
        dead_letters = DeadLetters(
            known.total + len(lost),
            {name: known.unmentioned.get(name, 0) + len(lost) for name in names},
            (*known.last, *letters)[-MAX_DEAD_LETTERS:],
        )
        return self.accepted(channel, notice_ids)._replace(dead_letters=dead_letters)

    def with_incident(self, name: str, incident: Incident | None) -> "Memory":
        """Return the memory with an incident opened, changed or (None) closed."""
        others = {key: value for key, value in self.incidents.items() if key != name}
        return self._replace(incidents=others if incident is None else {**others, name: incident})
