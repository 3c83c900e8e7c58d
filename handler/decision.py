"""A decision in the making: the memory as it will be, and what is to be told. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from handler.memory import Incident, Memory, Notice, Schedule, enqueue

ALWAYS_TOLD = frozenset({"baseline", "folded", "test"})
GIVE_UP_AFTER = timedelta(days=14)
DAYS_BETWEEN_BACKUPS = {"weekly": 7, "biweekly": 14, "monthly": 31}
DAYS_WITHOUT_SCHEDULE = 31


@dataclass(frozen=True)
class Policy:
    """What the company wants to hear of, and when. The settings of the same names.

    Attributes:
        notify_on: Kinds to tell.
        max_backup_age_days: Days without a completed backup; 0: by the schedule in force.
        grace_hours: Added to it.
        stuck_hours: How long a backup may run.
        unreadable_hours: How long passing trouble may last.
        remind_hours: Between reminders; 0: never.
        digest_days: Between digests; 0: never.
    """

    notify_on: frozenset[str]
    max_backup_age_days: int = 0
    grace_hours: int = 24
    stuck_hours: int = 24
    unreadable_hours: int = 6
    remind_hours: int = 24
    digest_days: int = 30

    def longest_gap(self, schedule: Schedule | None) -> timedelta:
        """Return how long no backup may complete before it is overdue."""
        days = self.max_backup_age_days or days_between_backups(schedule) or DAYS_WITHOUT_SCHEDULE
        return timedelta(days=days, hours=self.grace_hours)


def days_between_backups(schedule: Schedule | None) -> int | None:
    """Return the days between two backups of this schedule; None when nothing recurs.

    A name that Zoho adds one day counts as a month: intervals up to 52 weeks can be scheduled, and no name tells.
    """
    if schedule is None or schedule.repeat_type is None:
        return None
    return DAYS_BETWEEN_BACKUPS.get(schedule.repeat_type, DAYS_WITHOUT_SCHEDULE)


@dataclass
class Decision:
    """What one check decides; ``memory`` is what it will save.

    Attributes:
        memory: The memory so far.
        now: The check's time, whole seconds.
        policy: The company's wishes.
        channels: The channels configured now.
        notices: What is to be told, in order.
        silent: True while something else tells what is being judged.
    """

    memory: Memory
    now: datetime
    policy: Policy
    channels: tuple[str, ...]
    notices: list[Notice] = field(default_factory=list)
    silent: bool = False

    def remember(self, **fields: Any) -> None:
        """Change fields of the memory."""
        self.memory = replace(self.memory, **fields)

    def set_incident(self, name: str, incident: Incident | None) -> None:
        """Open, change or (None) close an incident."""
        self.memory = self.memory.with_incident(name, incident)

    def tell(
        self,
        kind: str,
        identity: str,
        *,
        facts: Mapping[str, Any],
        row: Mapping[str, Any] | None = None,
        because_of: Collection[str] = (),
        owed: tuple[str, ...] | None = None,
        incident: str = "",
        reminder: bool = False,
    ) -> bool:
        """Add a notice if the company wants to hear of its kind.

        Args:
            kind: The notice's kind.
            identity: What makes its ``notice_id`` stable within the organisation.
            facts: What its text needs.
            row: The row it is about, as shown.
            because_of: Kinds that bring it although its own is not wanted: an incident brings its end.
            owed: Channels; None: all that are configured.
            incident: Name of the incident that it opens, repeats or closes.
            reminder: It only repeats an incident.

        Returns:
            Whether it is told.
        """
        owed = self.channels if owed is None else owed
        if not owed or not (kind in ALWAYS_TOLD or self.policy.notify_on & {kind, *because_of}):
            return False
        if self.silent:
            return True
        if untold := self.memory.set_aside.untold:
            facts = {**facts, "set_aside": untold}
            self.remember(set_aside=replace(self.memory.set_aside, untold=0))
        notice_id = f"{self.memory.org}-{identity}"
        self.notices.append(Notice(notice_id, kind, self.now, owed, row, facts, incident, reminder))
        return True

    def finish(self) -> "Decision":
        """Put the notices into the outbox, give up what waited too long for a channel that is gone, and return self."""
        self._forget_removed_channels()
        for channel in self.channels:
            if f"channel:{channel}" in self.memory.incidents:
                late = {n.notice_id for n in self.memory.owed_to(channel) if self.now - n.at > GIVE_UP_AFTER}
                if late:
                    self.memory = self.memory.put_aside(channel, late, "the channel was gone for 14 days", self.now)
        if self.notices:
            self.remember(outbox=enqueue(self.memory.outbox, self.notices))
        if self.channels != self.memory.channels:
            self.remember(channels=self.channels)
        return self

    def _forget_removed_channels(self) -> None:
        for channel in {c for notice in self.memory.outbox for c in notice.owed} - set(self.channels):
            self.memory = self.memory.accepted(channel, {n.notice_id for n in self.memory.owed_to(channel)})
