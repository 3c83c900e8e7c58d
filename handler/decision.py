"""What one check decides: the memory as it will be, the notices, and what has to be asked first. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from handler.history import Row
from handler.memory import Incident, Memory
from handler.outbox import MAX_OUTBOX, MAX_OUTBOX_BYTES, Notice, item_bytes, without_replaced
from handler.plan import Plan
from handler.wording import Content, rank

DISCARD_AFTER = timedelta(days=14)
FULL_PACE_REMINDERS = 7
"""After so many reminders only every seventh is sent: daily for a week, then weekly."""
SOMEBODY = "whoever runs this notifier in AWS"


class Policy(NamedTuple):
    """What the company wants to hear of, and when. The settings of the same names.

    Attributes:
        notify_on: Kinds to notify of.
        max_backup_age_days: Days without a completed backup; 0: by the schedule.
        grace_hours: Added to it.
        stuck_hours: How long a backup may run.
        unreadable_hours: How long transient errors may last.
        remind_hours: Between reminders; 0: never.
        digest_days: Between digests; 0: never.
        operated_by: Who runs this notifier, or "".
    """

    notify_on: frozenset[str]
    max_backup_age_days: int = 0
    grace_hours: int = 24
    stuck_hours: int = 24
    unreadable_hours: int = 6
    remind_hours: int = 24
    digest_days: int = 30
    operated_by: str = ""


class Receiver(NamedTuple):
    """A configured channel, as far as deciding goes.

    Attributes:
        name: The channel's.
        label: Its name for people.
        when_broken: What to do when it refuses messages.
        min_severity: It hears what weighs at least that.
        incidents_only: It hears of what opens, reminds of or ends an incident, and of unknown states, only.
        problem: Why it cannot be used as it is configured, or "".
    """

    name: str
    label: str = ""
    when_broken: str = ""
    min_severity: str = "info"
    incidents_only: bool = False
    problem: str = ""

    def wants(self, notice: Notice) -> bool:
        """Return whether a notice is for it."""
        unknown_state = notice.kind == "unknown" and notice.row is not None and notice.row.state is not None
        about_incident = bool(notice.opens or notice.ends or unknown_state)
        return rank(notice.weight) >= rank(self.min_severity) and (about_incident or not self.incidents_only)


class Links(NamedTuple):
    """Where the latest backup can be downloaded.

    Attributes:
        until: Until when.
        files: How many there are.
    """

    until: datetime
    files: int = 0


class Answers(NamedTuple):
    """What was answered to what earlier rounds of this decision asked.

    Attributes:
        asked: The questions that were asked: ``plan``, ``links``, ``subscribers``.
        plan: None: not asked, not answered, or no rule in the answer.
        links: Likewise.
        subscribers: ``messages``, ``alarms`` → how many are subscribed to that topic, as far as was answered.
    """

    asked: frozenset[str] = frozenset()
    plan: Plan | None = None
    links: Links | None = None
    subscribers: Mapping[str, int] = {}


@dataclass
class Decision:
    """A decision in the making.

    Attributes:
        memory: The memory so far.
        now: The check's time, whole seconds.
        policy: The company's wishes.
        receivers: The channels configured now.
        answers: What is known beyond the history.
        asks: What has to be known, and is not: the check asks and decides again from the same memory.
        notices: What is to be sent, in order.
    """

    memory: Memory
    now: datetime
    policy: Policy
    receivers: tuple[Receiver, ...]
    answers: Answers = field(default_factory=Answers)
    asks: set[str] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)

    def remember(self, **fields: Any) -> None:
        """Change fields of the memory."""
        self.memory = self.memory._replace(**fields)

    def set_incident(self, name: str, incident: Incident | None) -> None:
        """Open, change or (None) close an incident."""
        self.memory = self.memory.with_incident(name, incident)

    def ask(self, question: str) -> None:
        """Ask, unless that was done."""
        if question not in self.answers.asked:
            self.asks.add(question)

    def wants(self, *kinds: str) -> bool:
        """Return whether the company wants to hear of one of these kinds."""
        return not self.policy.notify_on.isdisjoint(kinds)

    def notice(self, kind: str, identity: str, severity: str, content: Content, **more: Any) -> Notice:
        """Return a notice for every channel that it is for.

        Args:
            kind: The notice's kind.
            identity: What makes its ``notice_id`` stable within the organisation.
            severity: ``info``, ``warning`` or ``critical``.
            content: What it says.
            **more: Further fields of `Notice`.
        """
        made = Notice(f"{self.memory.org}-{identity}", kind, self.now, (), severity, content, **more)
        return made._replace(pending_for=tuple(r.name for r in self.receivers if r.wants(made)))

    def opening(
        self, kind: str, name: str, incident: Incident, content: Content, *, identity: str = "", row: Row | None = None
    ) -> Notice:
        """Return a notice that opens an incident or reminds of it; `identity` is its name, unless given."""
        return self.notice(
            kind,
            f"{identity or name}-{stamp(self.now)}",
            "critical",
            content,
            phase=incident.next_phase,
            row=row,
            incident=name,
            opens=(incident.ref(name),),
        )

    def ending(self, kind: str, name: str, incident: Incident, content: Content) -> Notice:
        """Return a notice that ends an incident."""
        identity, ends = f"{name}-ended-{stamp(incident.since)}", (incident.ref(name),)
        return self.notice(kind, identity, "info", content, phase="ended", incident=name, ends=ends)

    def step(self, text: str) -> str:
        """Return a next step with whoever must act, and the command that reconnects the organisation."""
        operator = self.policy.operated_by or SOMEBODY
        return text.replace("{connect}", f"make connect ORG={self.memory.org}").replace("{operator}", operator)

    def notify(self, notice: Notice) -> bool:
        """Add a notice, and return whether anybody will hear of it."""
        if notice.pending_for:
            self.notices.append(notice)
        return bool(notice.pending_for)

    def is_due(self, notified_at: datetime | None, reminders: int) -> bool:
        """Return whether to notify: nobody was yet, or it was `remind_hours` ago, later on seven times that."""
        if notified_at is None:
            return True
        pace = 1 if reminders < FULL_PACE_REMINDERS else FULL_PACE_REMINDERS
        hours = self.policy.remind_hours * pace
        return bool(hours) and self.now - notified_at >= timedelta(hours=hours)

    def finish(self) -> "Decision":
        """Put the notices into the outbox, make dead letters of what can never be delivered, and return self."""
        names = tuple(receiver.name for receiver in self.receivers)
        self.remember(outbox=without_replaced(self.memory.outbox, self.notices), channels=names)
        for channel in {c for notice in self.memory.outbox for c in notice.pending_for} - set(names):
            self.memory = self.memory.accepted(channel, {n.notice_id for n in self.memory.pending(channel)})
        for channel in names:
            late = {n.notice_id for n in self.memory.pending(channel) if self.now - n.at > DISCARD_AFTER}
            if late and f"channel:{channel}" in self.memory.incidents:
                self.memory = self.memory.discard(channel, late, "the channel was broken for 14 days", self.now)
        if self.notices:
            self._make_room()
            self.remember(outbox=(*self.memory.outbox, *self.notices))
        return self

    def room(self) -> list[Notice]:
        """Return what stays in the outbox whatever becomes news: what no channel accepted yet, nor is broken."""
        return [notice for notice in self.memory.outbox if not self._may_discard(notice)]

    def _may_discard(self, notice: Notice) -> bool:
        """Return whether only channels lack it that take no messages: others did take it, or they are known broken."""
        broken = {c for c in notice.pending_for if f"channel:{c}" in self.memory.incidents}
        return len(notice.pending_for) < len(self.receivers) or broken == set(notice.pending_for)

    def _make_room(self) -> None:
        """Make dead letters of the oldest of what waits for a channel that does not take it."""
        outbox = list(self.memory.outbox)
        sizes = [item_bytes(notice) for notice in (*outbox, *self.notices)]
        while outbox and (len(sizes) > MAX_OUTBOX or sum(sizes) > MAX_OUTBOX_BYTES):
            late = next((notice for notice in outbox if self._may_discard(notice)), outbox[0])
            for channel in late.pending_for:
                why = "more waited than can be kept"
                self.memory = self.memory.discard(channel, {late.notice_id}, why, self.now)
            del sizes[outbox.index(late)]
            outbox.remove(late)


def stamp(time: datetime) -> str:
    """Return a time as identities hold it."""
    return f"{time:%Y%m%dT%H%M%SZ}"
