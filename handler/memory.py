"""What is remembered of an organisation. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from handler.outbox import DeadLetters, IncidentRef, Notice
from handler.plan import Plan, Schedule

MAX_KEYS = 3_000
MAX_BY_ID = 10
"""How many are remembered by a word of Zoho's: backups that run, unknown states, types of backups."""
KEY_LIFE = timedelta(days=400)
"""How long a row's key is remembered after Zoho stops showing the row: longer than the year that Zoho keeps."""
HEARTBEAT = "heartbeat"
"""Its name among the channels: it can break as they do, and gets no messages."""
NOBODY = "nobody"
REMOVED = "removed"
"""Causes of a channel's incident: nobody is subscribed to it; it is no longer used."""
BELIEVED = 2
"""So many counts in a row must find no subscriber before anybody is notified of it."""


class Incident(NamedTuple):
    """A condition that lasts until it ends.

    Attributes:
        since: When it began.
        notified_at: When a notice about it was last decided; None while nobody was notified.
        reminders: How many reminders were decided.
        row_id: For ``stuck``: the id of the backup's row.
        cause: For ``unreadable``: the name of the cause. For a channel: ``settings`` if they are malformed, ``hours``
            if it has accepted nothing for hours, ``nobody`` if nobody is subscribed, ``heartbeat`` if that is not
            recorded, ``removed`` once it is no longer used, "" if it refuses permanently.
        causes: For ``unreadable``: each cause that was sent, and when it last was.
        concluded: For ``unreadable``: each cause that a second sight must confirm, and when it was first seen.
        detail: Why the history is unreadable, or why the channel refuses.
        label: For a channel: its name for people.
        back_at: For a channel: when it first accepted something again.
        heard: Channel → the causes of which it accepted a notice; the cause is "" where the incident has none.
    """

    since: datetime
    notified_at: datetime | None = None
    reminders: int = 0
    row_id: str = ""
    cause: str = ""
    causes: Mapping[str, datetime] = {}
    concluded: Mapping[str, datetime] = {}
    detail: str = ""
    label: str = ""
    back_at: datetime | None = None
    heard: Mapping[str, tuple[str, ...]] = {}

    @property
    def next_phase(self) -> str:
        """Phase of a notice that is sent now: ``opened`` or ``reminder``."""
        return "reminder" if self.notified_at else "opened"

    def notified(self, now: datetime) -> "Incident":
        """Return the incident after a notice about it; every notice but the first is a reminder."""
        return self._replace(notified_at=now, reminders=self.reminders + (self.notified_at is not None))

    def ref(self, name: str, line: str = "") -> IncidentRef:
        """Return the reference that a notice keeps; `line` is the incident's own title in a notice about several."""
        return IncidentRef(name, self.since, line=line)


class Subscribers(NamedTuple):
    """Who is subscribed to a topic, as far as it was counted.

    Attributes:
        ever: Whether somebody was, at any count.
        zeros: How many counts in a row found nobody: 0, 1, or `BELIEVED` or more.
    """

    ever: bool = False
    zeros: int = 0

    def counted(self, count: int) -> "Subscribers":
        """Return what is known after one more count."""
        return Subscribers(True) if count else self._replace(zeros=min(self.zeros + 1, BELIEVED))


class Memory(NamedTuple):
    """Everything remembered of one organisation: one DynamoDB item.

    Attributes:
        org: The organisation's key.
        version: Grows by one with each write; 0 before the first.
        baseline_at: Time of the first good read; None before it.
        last_seen_id: The newest row's id, for who reads the item.
        last_seen_time: Its ``log_time``, or when it was first seen.
        seen: Row key → when it was first seen.
        outbox: Notices not yet accepted by every channel, oldest first.
        incidents: Name → incident.
        schedule: The schedule that the history last showed, kept when its row ages out.
        plan: Zoho's plan, as last read.
        last_completed: Time of the newest completed backup; `codec.UNKNOWN_TIME` where Zoho never gave its time.
        links_until: When the download links of that backup expire; None where nobody can say.
        files: Type of backup → how many files of data and of attachments the last one had, and the one before it.
        running: Id of a row → when that backup began, of those that run now.
        run_minutes: How long the last few completed backups ran, oldest first.
        unknown: Id of a row with an unknown state → what a notice opened for it.
        failures_in_a_row: Failed backups since the last completed one.
        failing_since: Time of the first of them.
        dead_letters: Notices that will never be delivered.
        digest_at: Time of the last digest, or of the baseline.
        outcomes: Outcomes since that time: ``completed``, ``failed``, ``unknown`` → how many.
        subscribers: Topic (``messages``, ``alarms``) → who is subscribed to it.
        counted_at: When they were last counted for the day.
        channels: The channels configured at the last write.
        refusing_since: Channel, or ``heartbeat`` → when it first refused something after its last acceptance.
        lease_owner: Request id of the check that is delivering, or None.
        lease_until: Until when no other check may deliver.
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
    links_until: datetime | None = None
    files: Mapping[str, tuple[int, ...]] = {}
    running: Mapping[str, datetime] = {}
    run_minutes: tuple[int, ...] = ()
    unknown: Mapping[str, IncidentRef] = {}
    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    dead_letters: DeadLetters = DeadLetters()
    digest_at: datetime | None = None
    outcomes: Mapping[str, int] = {}
    subscribers: Mapping[str, Subscribers] = {}
    counted_at: datetime | None = None
    channels: tuple[str, ...] = ()
    refusing_since: Mapping[str, datetime] = {}
    lease_owner: str | None = None
    lease_until: datetime | None = None

    def pending(self, channel: str) -> list[Notice]:
        """Return the notices that a channel has not accepted yet, oldest first."""
        return [notice for notice in self.outbox if channel in notice.pending_for]

    def mark_accepted(self, channel: str, notice_ids: Collection[str]) -> "Memory":
        """Return the memory after a channel accepted these notices, and so heard of the incidents that they open."""
        memory = self
        for notice in self.pending(channel):
            for ref in notice.opens if notice.notice_id in notice_ids else ():
                incident = memory.incidents.get(ref.name)
                if incident and incident.since == ref.since:
                    causes = tuple(sorted({*incident.heard.get(channel, ()), notice.cause}))
                    heard = {**incident.heard, channel: causes}
                    memory = memory.with_incident(ref.name, incident._replace(heard=heard))
        return memory._settle(channel, notice_ids, (channel,))

    def _settle(self, channel: str, notice_ids: Collection[str], heard_by: tuple[str, ...] = ()) -> "Memory":
        """Return the memory with these notices no longer pending for a channel, and without the finished ones."""
        outbox = []
        for notice in self.outbox:
            if channel in notice.pending_for and notice.notice_id in notice_ids:
                waiting = tuple(name for name in notice.pending_for if name != channel)
                notice = notice._replace(pending_for=waiting, heard_by=notice.heard_by + heard_by)
            if notice.pending_for:
                outbox.append(notice)
        return self._replace(outbox=tuple(outbox))

    def discard(self, channel: str, notice_ids: Collection[str], why: str, now: datetime) -> "Memory":
        """Return the memory after these notices became dead letters of one channel."""
        dead_letters = self.dead_letters
        for notice in self.pending(channel):
            if notice.notice_id in notice_ids:
                dead_letters = dead_letters.add(channel, notice, why, now)
        return self._settle(channel, notice_ids)._replace(dead_letters=dead_letters)

    def _heard(self) -> tuple[set[str], set[str], set[str]]:
        """Return the incidents of broken channels, the channels that count, and the incidents of which these told.

        A channel counts while it is configured, has no open incident, and its last count found subscribers, so that
        what it once accepted no longer counts when it breaks, is removed, or nobody reads it.
        """
        broken = {name for name, one in self.incidents.items() if name.startswith("channel:") and not one.back_at}
        unread = {"sns"} if self.subscribers.get("messages", Subscribers()).zeros else set()
        counts = {channel for channel in self.channels if f"channel:{channel}" not in broken} - unread
        told = {
            name
            for name, incident in self.incidents.items()
            if any(name in broken or incident.cause in c for channel, c in incident.heard.items() if channel in counts)
        }
        return broken, counts, told

    def unexplained(self) -> list[Notice]:
        """Return the pending notices without those that wait only for broken channels of which somebody was told."""
        _, _, told = self._heard()
        return [notice for notice in self.outbox if not told.issuperset(f"channel:{c}" for c in notice.pending_for)]

    def unheard(self) -> list[str]:
        """Return what no channel that counts has told anybody: the names of incidents, and the titles of notices."""
        broken, counts, told = self._heard()
        lasting = [name for name in self.incidents if name == "unreadable" or name in broken]
        waiting = [notice.content.title for notice in self.unexplained() if counts.isdisjoint(notice.heard_by)]
        return [name for name in lasting if name not in told] + waiting

    def waits_for_readers(self, channel: str) -> bool:
        """Return whether nothing is sent to this channel, because nobody is subscribed to it who should be."""
        topic = self.subscribers.get("messages", Subscribers())
        return channel == "sns" and topic.zeros > 0 and (topic.ever or self.channels == ("sns",))

    def refused(self, channel: str, label: str, why: str, cause: str, now: datetime, after: timedelta) -> "Memory":
        """Return the memory after a channel refused something; it is broken once it has refused for so long.

        Broken again before anybody was notified that it works, the known incident goes on.
        """
        since = self.refusing_since.get(channel, now)
        memory = self._replace(refusing_since={**self.refusing_since, channel: since})
        if now - since < after:
            return memory
        name = f"channel:{channel}"
        incident = memory.incidents.get(name) or Incident(since, label=label)
        return memory.with_incident(name, incident._replace(back_at=None, cause=cause, detail=why))

    def works(self, channel: str, now: datetime, cause: str = "") -> "Memory":
        """Return the memory after a channel accepted something, which ends its incident; the next check says so."""
        name = f"channel:{channel}"
        memory = self._replace(refusing_since={k: at for k, at in self.refusing_since.items() if k != channel})
        if incident := memory.incidents.get(name):
            ended = incident._replace(back_at=now, cause=cause or incident.cause)
            memory = memory.with_incident(name, ended if incident.notified_at else None)
        return memory

    def with_incident(self, name: str, incident: Incident | None) -> "Memory":
        """Return the memory with an incident opened or changed, or closed if it is None."""
        others = {key: value for key, value in self.incidents.items() if key != name}
        return self._replace(incidents=others if incident is None else {**others, name: incident})
