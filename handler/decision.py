"""What one check decides: the memory as it will be, and the notices. Pure, except for what `Sources` looks up."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from handler.config import Policy
from handler.history import Event, known_time, time_fact
from handler.memory import HEARTBEAT, Incident, Memory
from handler.outbox import LOST, MAX_OUTBOX, MAX_OUTBOX_BYTES, Channel, Loss, Notice, item_bytes
from handler.plan import Plan
from handler.wording import DOWNLOAD_FIRST, PAGE, Content, Fact, capital, compact_time, plural

DISCARD_AFTER = timedelta(days=14)
FULL_PACE_REMINDERS = 7
"""After so many reminders only every seventh is sent: daily for a week, then weekly."""
SOMEBODY = "whoever runs this notifier in AWS"


class Links(NamedTuple):
    """Where the latest backup can be downloaded.

    Attributes:
        until: When the links expire.
        files: How many files there are, of data and of attachments; empty unless Zoho lists both.
    """

    until: datetime
    files: tuple[int, ...] = ()


class Sources(NamedTuple):
    """What a decision may look up beyond the history. Each answers at most one request, and may have no answer.

    Attributes:
        plan: Returns Zoho's plan for the backups.
        links: Returns where the newest backup can be downloaded.
        subscribers: Returns topic (``messages``, ``alarms``) → how many are subscribed to it.
    """

    plan: Callable[[], Plan | None] = lambda: None
    links: Callable[[], Links | None] = lambda: None
    subscribers: Callable[[], Mapping[str, int]] = dict


class CurrentState(NamedTuple):
    """How things stand at the end of the history.

    Attributes:
        running: Beginnings of backups after the last outcome of any kind, newest first.
        newest_failed: The newest failed row since the last completed backup.
        recovered_by: The completed backup that ended the last failures, if none failed since.
        recent: The last few outcomes as symbols, oldest first.
        run_minutes: How long the last few completed backups ran, oldest first.
        completed: When backups completed, as far as the history shows it.
    """

    running: tuple[Event, ...] = ()
    newest_failed: Event | None = None
    recovered_by: Event | None = None
    recent: str = ""
    run_minutes: tuple[int, ...] = ()
    completed: tuple[datetime, ...] = ()


@dataclass
class Decision:
    """A decision in the making.

    Attributes:
        memory: The memory so far.
        now: The time of the check, in whole seconds.
        policy: What the company wants to be notified of.
        channels: The channels configured now.
        sources: What can be looked up beyond the history.
        current: How things stand at the end of the history.
        notices: The notices so far, in the order in which they are sent.
    """

    memory: Memory
    now: datetime
    policy: Policy
    channels: tuple[Channel, ...]
    sources: Sources = field(default_factory=Sources)
    current: CurrentState = field(default_factory=CurrentState)
    notices: list[Notice] = field(default_factory=list)

    def update_memory(self, **fields: Any) -> None:
        """Change fields of the memory."""
        self.memory = self.memory._replace(**fields)

    def set_incident(self, name: str, incident: Incident | None) -> None:
        """Open or change an incident, or close it if it is None."""
        self.memory = self.memory.with_incident(name, incident)

    def wants(self, *kinds: str) -> bool:
        """Return whether the company wants notices of one of these kinds."""
        return not self.policy.notify_on.isdisjoint(kinds)

    def notice(self, kind: str, identity: str, severity: str, content: Content, **more: Any) -> Notice:
        """Return a notice for every channel that wants it.

        A broken channel gets no notice of its own incident, except the end if there is no other channel.

        Args:
            kind: The notice's kind.
            identity: What makes its ``notice_id`` stable within the organisation.
            severity: ``info``, ``warning`` or ``critical``.
            content: What it says.
            **more: Further fields of `Notice`.
        """
        made = Notice(f"{self.memory.org}-{identity}", kind, self.now, (), severity, content, **more)
        wanting = tuple(channel.name for channel in self.channels if channel.wants(made))
        others = tuple(name for name in wanting if f"channel:{name}" != made.incident)
        return made._replace(pending_for=others or (wanting if made.ends else ()))

    def fill_in(self, step: str) -> str:
        """Return a next step with the operator's name and the command that reconnects the organisation."""
        operator = self.policy.operated_by or SOMEBODY
        return step.replace("{connect}", f"make connect ORG={self.memory.org}").replace("{operator}", operator)

    def last_good_facts(self) -> tuple[Fact, ...]:
        """Return when a backup last completed, and until when it can be downloaded where that is known."""
        good, until = time_fact("Last successful backup", self.memory.last_completed), self.memory.links_until
        return (good, Fact("Last copy at Zoho", links_until=until)) if until else (good,)

    def download_first(self, step: str) -> str:
        """Return a next step that begins with downloading the last successful backup while that is possible."""
        until = self.memory.links_until
        return DOWNLOAD_FIRST + step if until and until > self.now else step

    def used_up(self, at: datetime) -> str:
        """Return a sentence that this month's backups may have been used up by then, or "" if nothing points to it.

        Source: https://connect.cbosit.com/portal/en/kb/articles/requesting-data-backup
        """
        zone = self.policy.time_zone
        months = Counter(f"{time.astimezone(zone):%B %Y}" for time in self.current.completed if known_time(time))
        month = f"{at.astimezone(zone):%B %Y}"
        if months[month] < 2 or months[month] < max(months.values()):
            return ""
        return f" {month.split()[0]}'s backups may be used up: Zoho includes 2 backups a month (Ultimate: 4)."

    def notify(self, notice: Notice) -> bool:
        """Add a notice, and return whether any channel gets it."""
        if notice.pending_for:
            self.notices.append(notice)
        return bool(notice.pending_for)

    def notify_open(self, kind: str, name: str, incident: Incident, content: Content, **more: Any) -> None:
        """Send a notice that opens an incident or reminds of it, and remember that if any channel gets it.

        Args:
            kind: The notice's kind.
            name: The incident's name.
            incident: The incident.
            content: What the notice says.
            **more: Further fields of `Notice`; a ``cause`` is part of its ``notice_id``.
        """
        identity = "-".join(filter(None, (name, more.get("cause"), compact_time(self.now))))
        phase, opens = self.memory.incidents[name].next_phase, (incident.ref(name),)
        notice = self.notice(kind, identity, "critical", content, phase=phase, incident=name, opens=opens, **more)
        if self.notify(notice):
            self.set_incident(name, incident.notified(self.now))

    def notify_end(self, kind: str, name: str, incident: Incident, content: Content) -> None:
        """Send a notice that ends an incident."""
        identity, ends = f"{name}-ended-{compact_time(self.now)}", (incident.ref(name),)
        self.notify(self.notice(kind, identity, "info", content, phase="ended", incident=name, ends=ends))

    def should_notify(self, kind: str, incident: Incident) -> bool:
        """Return True if the kind is wanted, and nobody was notified yet or a reminder is due.

        Reminders are due every `remind_hours`, and after `FULL_PACE_REMINDERS` of them at a seventh of that pace.
        """
        if incident.notified_at is None or not self.wants(kind):
            return self.wants(kind)
        pace = 1 if incident.reminders < FULL_PACE_REMINDERS else FULL_PACE_REMINDERS
        hours = self.policy.remind_hours * pace
        return bool(hours) and self.now - incident.notified_at >= timedelta(hours=hours)

    def finish(self) -> "Decision":
        """Put the notices into the outbox, turn what can never be delivered into dead letters, and return self."""
        names = tuple(channel.name for channel in self.channels)
        reminded = {notice.incident for notice in self.notices if notice.phase == "reminder"}
        waiting = [one for one in self.memory.outbox if one.phase != "reminder" or one.incident not in reminded]
        kept = [one._replace(pending_for=tuple(c for c in one.pending_for if c in names)) for one in waiting]
        refusing = {name: since for name, since in self.memory.refusing_since.items() if name in (*names, HEARTBEAT)}
        self.update_memory(
            outbox=tuple(one for one in kept if one.pending_for), channels=names, refusing_since=refusing
        )
        for name in names:
            self._discard_late(name)
        self._report_losses()
        self._make_room()
        self.update_memory(outbox=(*self.memory.outbox, *self.notices))
        return self

    def _discard_late(self, channel: str) -> None:
        """Discard what has waited too long for a broken channel, except the newest: it probes whether that works."""
        waiting = [*self.memory.pending(channel), *(notice for notice in self.notices if channel in notice.pending_for)]
        late = {notice.notice_id for notice in waiting[:-1] if self.now - notice.at > DISCARD_AFTER}
        if late and f"channel:{channel}" in self.memory.incidents:
            self.memory = self.memory.discard(channel, late, "the channel was broken for 14 days", self.now)

    def _report_losses(self) -> None:
        """Report what each channel lost, at most once a day: to the others now, to itself once it works again."""
        for channel, loss in self.memory.dead_letters.unreported.items():
            last = self.memory.dead_letters.reported_at.get(channel)
            if last is None or last.date() < self.now.date():
                self.notify(self._loss_notice(channel, loss))
                self.update_memory(dead_letters=self.memory.dead_letters.reported(channel, self.now))

    def _loss_notice(self, channel: str, loss: Loss) -> Notice:
        label = next((one.label for one in self.channels if one.name == channel), channel)
        messages = plural(loss.total, "message")
        title, them = f"{messages} to {label} could not be delivered", "it" if loss.total == 1 else "them"
        sentence = f"{capital(label)} did not accept {messages} from this notifier. We do not send {them} there again."
        facts = (Fact("Technical detail", loss.why),)
        step = f"Read what you missed in your other channels, or open {PAGE} in Zoho CRM."
        content = Content("📭", title, sentence, facts, loss.lines, "Messages", next_step=step)
        # An alert for an incident that has ended meanwhile would never be resolved.
        open_now = {(name, incident.since) for name, incident in self.memory.incidents.items()}
        opens = tuple(ref for ref in loss.opens if (ref.name, ref.since) in open_now)
        ends = tuple(ref for ref in loss.ends if (ref.name, ref.since) not in open_now)
        identity, phase = f"{LOST}-{channel}-{compact_time(self.now)}", "opened" if opens else "news"
        more = {"phase": phase, "opens": opens, "ends": ends, "reports": loss.severity}
        return self.notice(LOST, identity, "warning", content, **more)

    def _make_room(self) -> None:
        """Turn the oldest notices into dead letters until the outbox fits into the item.

        Notices that wait only for channels that do not accept them go first. The newest that waits for a channel stays:
        it probes whether the channel works again.
        """
        waiting = [*self.memory.outbox, *self.notices]
        newest = {channel: notice.notice_id for notice in waiting for channel in notice.pending_for}
        candidates = [notice for notice in self.memory.outbox if notice.notice_id not in newest.values()]
        sizes = {notice.notice_id: item_bytes(notice) for notice in waiting}
        for notice in sorted(candidates, key=self._must_keep):
            if len(sizes) <= MAX_OUTBOX and sum(sizes.values()) <= MAX_OUTBOX_BYTES:
                return
            del sizes[notice.notice_id]
            for channel in notice.pending_for:
                self.memory = self.memory.discard(channel, {notice.notice_id}, "more waited than can be kept", self.now)

    def _must_keep(self, notice: Notice) -> bool:
        """Return False if every channel still missing it is broken, or others already have it."""
        broken = {name for name in notice.pending_for if f"channel:{name}" in self.memory.incidents}
        return len(notice.pending_for) == len(self.channels) and broken != set(notice.pending_for)
