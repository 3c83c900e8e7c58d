"""Sees what the table and the channels were given, and says which promise was broken.

What people were told is read from the messages that arrived; what was promised, from the item that was saved.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from handler.channels import BY_NAME
from handler.codec import parse_time
from handler.memory import Memory
from handler.outbox import Notice

ITEM_BYTES = 400_000
"""Above it DynamoDB refuses an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html."""
DISCARDED = timedelta(days=14)
BROKEN = timedelta(hours=3)
SEVERITIES = ("info", "warning", "critical")
LIST, LISTED = "list", 100
"""The kind of a notice that stands for many rows, and how many of them have a line each; older ones it only counts."""
LEFT_OUT = r"(\d+) older lines? left out"
"""How a chat says how many lines of a list did not fit into its message."""
LOST = "lost"
"""The kind of a notice that says how much a channel never accepted: one a channel and day."""
JOB_ID = r"\b4876876\d{12}\b"
"""As `World.show` numbers rows."""

Row = Mapping[str, Any]
"""As Zoho shows it."""
Owed = tuple[str, str]
"""Channel and notice id."""


@dataclass(eq=False)
class Acceptance:
    """A channel took a notice.

    Attributes:
        by: The invocation that sent it.
        sending: The request in which it was sent.
        excuse: The fault that kept it from being learned or written down.
        written: It was written down.
    """

    by: Any
    sending: Any
    excuse: str = ""
    written: bool = False


class Judge:
    """Follows one organisation through one timeline.

    Attributes:
        memory: As the table has it.
        promised: Every notice that was ever saved, by id, in order.
        deceived: Zoho hid rows when it was first read: the baseline may know less than was shown.
        acceptances: Of each notice by each channel.
        refused: What a channel refused permanently.
        may_be_broken: Channels that have ever refused everything.
        first_faults: Channel → when a fault first struck what was sent to it.
        open: Incident → the channels that must get its opening.
        broken: What was broken, in words; the first word is the promise.
    """

    def __init__(
        self, tally: Counter[str], now: Callable[[], datetime], floors: Callable[[], Mapping[str, str]]
    ) -> None:
        """Count into this tally, by this clock; floors say who is configured, and from which severity on they hear."""
        self._tally, self._now, self._floors = tally, now, floors
        self.deceived = False
        self.memory: Memory | None = None
        self.promised: dict[str, Notice] = {}
        self.broken: list[str] = []
        self.baseline: set[tuple[Any, ...]] | None = None
        self.refused: set[Owed] = set()
        self.may_be_broken: set[str] = set()
        self.first_faults: dict[str, datetime] = {}
        self.acceptances: defaultdict[Owed, list[Acceptance]] = defaultdict(list)
        self.open: dict[str, frozenset[str]] = {}
        self._writer: Any = None
        self._lost = 0
        self._unreported: defaultdict[str, list[Notice]] = defaultdict(list)
        self._new_reports: list[Notice] = []
        self._reported_on: dict[str, date] = {}
        self._unwritten: list[tuple[Owed, Acceptance]] = []

    def blame(self, promise: str, what: str) -> None:
        """Note a broken promise."""
        self._tally[f"broken promise: {promise}"] += 1
        self.broken.append(f"{promise}: {what}")

    # --- What the table was given ---

    def saved(self, memory: Memory, rows: Iterable[Row], item_bytes: int, by: Any) -> None:
        """Take in a write that arrived; these rows were shown then."""
        before, self.memory, self._writer = self.memory or Memory(memory.org), memory, by
        if item_bytes > ITEM_BYTES:
            self.blame("size", f"the item may have {item_bytes} bytes")
        if memory.version != before.version + 1:
            self.blame("order", f"version {memory.version} was written over {before.version}")
        if memory.baseline_at != before.baseline_at:  # once more where the history is another one
            self.baseline = (self.baseline or set()) | {identity(row) for row in rows}
        self._new_reports = [n for n in memory.outbox if n.kind == LOST and n.notice_id not in self.promised]
        for notice in memory.outbox:
            self._promise(notice)
        owed = _owed(memory)
        for channel, notice_id in _owed(before) - owed:
            self._settle(channel, self.promised[notice_id], memory)
        if memory.dead_letters.total != self._lost:
            self.blame("loss", f"{self._lost} notices were lost, {memory.dead_letters.total} are counted")
        for notice in self._new_reports:
            self._judge_report(notice, memory)
        for one, acceptance in self._unwritten:
            acceptance.written = one not in owed
        self._unwritten = [(one, acceptance) for one, acceptance in self._unwritten if one in owed]
        broken = {name.removeprefix("channel:") for name in memory.incidents if name.startswith("channel:")}
        for_hours = {name for name, first in self.first_faults.items() if self._now() - first >= BROKEN}
        if accused := broken - self.may_be_broken - for_hours:
            self.blame("true", f"the incidents of {sorted(accused)} are open, and they never refused everything")

    def _promise(self, notice: Notice) -> None:
        if earlier := self.promised.get(notice.notice_id):
            if notice._replace(pending_for=(), heard_by=()) != earlier._replace(pending_for=(), heard_by=()):
                self.blame("repeat", f"two notices are called {notice.notice_id}")
            return
        self.promised[notice.notice_id] = notice
        self._follow_incidents(notice)
        if job_ids(notice) and set(notice.pending_for) != (right := self._listeners(notice)):
            self.blame("loss", f"{notice.notice_id} is for {notice.pending_for}, not for {sorted(right)}")

    def _listeners(self, notice: Notice) -> set[str]:
        return {name for name, floor in self._floors().items() if wants(name, notice, floor)}

    def _settle(self, channel: str, notice: Notice, memory: Memory) -> None:
        """Judge a notice that the table no longer owes to a channel."""
        owed = (channel, notice.notice_id)
        reminded = {n.incident for n in memory.outbox if n.phase == "reminder" and n.notice_id != notice.notice_id}
        replaced = notice.phase == "reminder" and notice.incident in reminded
        is_letter = any((letter.channel, letter.notice_id) == owed for letter in memory.dead_letters.last)
        # Whose acceptance was not learned may be refused the next time: what is counted then did arrive.
        if (self.acceptances[owed] and not is_letter) or channel not in memory.channels or replaced:
            return
        if owed in self.refused:
            self._tally["dead letters: refused permanently"] += 1
        elif self._was_discarded(channel, notice, memory):
            self._tally["dead letters: channel broken for 14 days"] += 1
        else:
            self.blame("loss", f"{notice.notice_id} was struck out, but {channel} never accepted it")
            return
        self._lost += 1
        self._unreported[channel] += [notice] if notice.kind != LOST else []

    def _was_discarded(self, channel: str, notice: Notice, memory: Memory) -> bool:
        """Return whether it waited too long for a broken channel, and is not the newest that does."""
        broken = f"channel:{channel}" in memory.incidents
        others = [other for other in memory.pending(channel) if other not in self._new_reports]
        return broken and self._now() - notice.at > DISCARDED and bool(others)

    def _judge_report(self, notice: Notice, memory: Memory) -> None:
        """Judge a notice that says what a channel lost: all of it, as severe as it was, and once a day."""
        channel = notice.notice_id.split("-")[-2]
        lost, day = self._unreported.pop(channel, []), notice.at.date()
        if not notice.content.title.startswith(f"{len(lost)} message"):
            self.blame("loss", f"{channel} lost {len(lost)} messages, and people read: {notice.content.title}")
        if SEVERITIES.index(notice.reports) != max(map(weight, lost), default=0):
            self.blame("loss", f"{notice.notice_id} is less severe than what was lost")
        if self._reported_on.get(channel) == day:
            self.blame("repeat", f"{channel}'s losses are reported twice on {day}")
        self._reported_on[channel] = day
        # Without the secret, only the channels of the last check are known, and none of their settings.
        known = {name for name in memory.channels if wants(name, notice, BY_NAME[name].min_severity)}
        if deaf := known & self._listeners(notice) - set(notice.pending_for):
            self.blame("loss", f"{sorted(deaf)} will never get {notice.notice_id}")

    def _follow_incidents(self, notice: Notice) -> None:
        """Follow incidents from opening to end, as channels accept them."""
        opens = {ref.name for ref in notice.opens}
        opened = opens if notice.phase == "opened" else set()
        if notice.kind == "baseline":
            opened = {name for name in opened if not name.startswith("channel:")}
        ended = {ref.name for ref in notice.ends if not ref.name.startswith(("stopped", "unknown:"))}
        if notice.kind == LOST:  # it repeats a lost opening or end, to all channels
            opened, ended = set(), set()
        if (notice.phase == "reminder" or notice.kind == LOST) and not opens <= self.open.keys():
            self.blame("pairs", f"{notice.notice_id} goes on with what never began")
        if opened & self.open.keys() or ended - self.open.keys():
            what = f"opens {sorted(opened)}, ends {sorted(ended)}, open were {sorted(self.open)}"
            self.blame("pairs", f"{notice.notice_id} {what}")
        for name in ended & self.open.keys():
            heard = self.open.pop(name) & self._floors().keys()
            if deaf := heard - set(notice.pending_for) - {name.removeprefix("channel:")}:
                self.blame("pairs", f"{sorted(deaf)} heard of {name} and not of its end, {notice.notice_id}")
        self.open |= dict.fromkeys(opened, frozenset(notice.pending_for))

    # --- What channels were given ---

    def accepted(self, sending: Any, notice_ids: Collection[str], text: str, by: Any, excuse: str) -> None:
        """Take in that a channel accepted these notices.

        Args:
            sending: The channel, and the request that it accepted, whole or in part.
            notice_ids: What that stands for.
            text: What people read.
            by: The invocation that sent it.
            excuse: The fault of this very call that hides the acceptance, or "".
        """
        channel, memory = sending[0], self.memory
        self._tally[f"accepted by {channel}"] += 1
        if memory and _unread(channel, memory) and (memory.subscribers["messages"].ever or memory.channels == ("sns",)):
            self.blame("loss", f"{channel} was sent {notice_ids}, and nobody is subscribed")
        until = memory.lease_until if memory and memory.lease_owner == by.aws_request_id else None
        leased = by.robbed or bool(until and until > self._now())
        owed_now = {n.notice_id for n in memory.pending(channel)} if memory and leased else set()
        shown = Counter(re.findall(JOB_ID, text))
        left_out = 0 if channel == "sns" else sum(map(int, re.findall(LEFT_OUT, text)))
        for notice_id in notice_ids:
            owed = (channel, notice_id)
            earlier = self.acceptances[owed]
            if earlier and earlier[-1].sending is sending:
                earlier[-1].excuse = earlier[-1].excuse or excuse
                continue  # a message in several parts
            notice = self.promised.get(notice_id)
            lacking = Counter(job_ids(notice)) - shown
            if lacking.total() > (left_out if notice and notice.kind == LIST else 0):
                self.blame("loss", f"{channel}'s message of {notice_id} does not show {sorted(lacking)}")
            if earlier and BY_NAME[channel].incidents_only and not earlier[-1].written:
                self._tally["repeats that change nothing"] += 1  # an alert is the same alert
            elif earlier and (earlier[-1].written or not earlier[-1].excuse):
                self.blame("repeat", f"{channel} was sent {notice_id} again")
            elif earlier:
                self._tally["repeats in the window"] += 1
            elif notice_id not in owed_now:
                self.blame("order", f"{channel} was sent {notice_id} before it was saved with a lease")
            acceptance = Acceptance(by, sending, excuse)
            earlier.append(acceptance)
            self._unwritten.append((owed, acceptance))

    def hurt(self, by: Any, excuse: str) -> None:
        """Note a fault because of which this invocation may not be able to write down what was accepted."""
        for _, acceptance in self._unwritten:
            if acceptance.by is by and not acceptance.excuse:
                acceptance.excuse = excuse

    # --- What must be true ---

    def check_ended(self, by: Any) -> None:
        """Judge after a check that lived and wrote undisturbed."""
        if self.memory and self._writer is by:
            if self.memory.lease_owner:
                self.blame("lease", "a check ended and kept the lease")
            for channel in by.refused_by:
                if f"channel:{channel}" not in self.memory.incidents:
                    self.blame("true", f"{channel} refuses everything, and nobody will hear of it")

    def check_returned(self, by: Any, rows: Iterable[Row], later: Iterable[Row]) -> None:
        """Judge after a check that ended well: people know every trouble, and every outcome that it could see.

        Args:
            by: The check.
            rows: Shown by Zoho when it began.
            later: What appeared since then.
        """
        if self.memory and self._writer is by and (unheard := sorted(self._unheard(self.memory))):
            self.blame("loud", f"a check ended well, and nobody was told: {', '.join(unheard)}")
        read = self.memory and "unreadable" not in self.memory.incidents
        if read and not by.deceived:  # what was hidden from it is due when it appears
            self._every_outcome_is_promised(rows, later)

    def _unheard(self, memory: Memory) -> Iterator[str]:
        """Yield what waits and what lasts, if no channel that works now took a message about it."""
        broken = {name for name, it in memory.incidents.items() if name.startswith("channel:") and not it.back_at}
        works = [name for name in memory.channels if f"channel:{name}" not in broken and not _unread(name, memory)]

        def heard(notices: Iterable[Notice]) -> bool:
            return any(self.acceptances.get((channel, notice.notice_id)) for notice in notices for channel in works)

        def told(name: str) -> bool:
            known = memory.incidents.get(name)
            cause = known.cause if known and name == "unreadable" else ""
            about = [n for n in self.promised.values() if n.cause == cause]
            return heard(n for n in about for ref in n.opens if known and ref == known.ref(name, ref.line))

        for name in memory.incidents:
            if (name in broken or name == "unreadable") and not told(name):
                yield name
        for notice in memory.outbox:
            if not heard([notice]) and not all(told(f"channel:{channel}") for channel in notice.pending_for):
                yield notice.notice_id

    def recovered(self, rows: Iterable[Row]) -> None:
        """Judge when all faults are over and a quiet check was seen."""
        assert self.memory is not None
        self._every_outcome_is_promised(rows, ())
        if self.memory.outbox:
            self.blame("loss", f"{len(self.memory.outbox)} notices never left the outbox")
        for channel, lost in self._unreported.items():
            if lost and self._reported_on.get(channel) != self._now().date():
                self.blame("loss", f"nobody was told of {len(lost)} messages that {channel} lost")
        remembered = {name for name, incident in self.memory.incidents.items() if incident.notified_at}
        if remembered != self.open.keys():
            self.blame("pairs", f"open in memory: {sorted(remembered)}, open for people: {sorted(self.open)}")

    def _every_outcome_is_promised(self, rows: Iterable[Row], later: Iterable[Row]) -> None:
        """Judge that each row has a notice of its own or a line in a list, and only one of them."""
        if self.baseline is None:
            return
        expected = {identity(row) for row in rows if is_news(row)} - self.baseline
        possible = expected | {identity(row) for row in later} | (self.baseline if self.deceived else set())
        alone = [n.row for n in self.promised.values() if n.row and not n.incident]
        told = Counter((row.id, row.log_time, row.state, row.action) for row in alone)
        lists = [notice for notice in self.promised.values() if notice.kind == LIST]
        listed = Counter(job_id for notice in lists for job_id in job_ids(notice))
        only_counted = sum(max(0, len(notice.row_keys) - LISTED) for notice in lists)
        untold = Counter(row[0] for row in expected - told.keys()) - listed
        if untold.total() > only_counted:
            self.blame("loss", f"nobody was ever sent {sorted(untold)}")
        for row, count in told.items():
            if count > 1 or row not in possible:
                self.blame("repeat", f"{row} became {count} notices" + ("" if count > 1 else " for no reason"))
        if again := listed - Counter(row[0] for row in possible - told.keys()):
            self.blame("repeat", f"a list tells of {sorted(again)} again, or for no reason")


def _unread(channel: str, memory: Memory) -> bool:
    return channel == "sns" and "messages" in memory.subscribers and memory.subscribers["messages"].zeros > 0


def _owed(memory: Memory) -> set[Owed]:
    return {(channel, notice.notice_id) for notice in memory.outbox for channel in notice.pending_for}


def wants(channel: str, notice: Notice, floor: str) -> bool:
    """Return whether a channel with this floor is to hear a notice, by the design and not by the code."""
    unknown = notice.kind == "unknown" and notice.row is not None and notice.row.state is not None
    about_incident = bool(notice.opens or notice.ends or unknown or notice.reports == "critical")
    return weight(notice) >= SEVERITIES.index(floor) and (about_incident or not BY_NAME[channel].incidents_only)


def weight(notice: Notice) -> int:
    """Return how severe a notice is: an end as severe as its opening, a report as what it reports."""
    return max(SEVERITIES.index(s) for s in (notice.severity, notice.reports, *(ref.severity for ref in notice.ends)))


def job_ids(notice: Notice | None) -> list[str]:
    """Return the ids of the rows that a notice stands for, as its message must show them: of a list, each line's."""
    if notice and notice.kind == LIST:
        return [job_id for line in notice.content.lines for job_id in re.findall(JOB_ID, line.text)]
    return [notice.row.id] if notice and notice.row else []


def is_news(row: Row) -> bool:
    """Return whether a row is worth a notice, by the design's table and not by the code."""
    return bool(row["state"]) or row["action"] not in {None, "initiated"}


def identity(row: Row) -> tuple[Any, ...]:
    """Return what tells a row from all others: runs of one job share its id."""
    time = parse_time(row["log_time"])
    return row["id"], time and time.replace(microsecond=0), row["state"], row["action"]
