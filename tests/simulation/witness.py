"""Sees what was written and what was accepted, and says which promise was broken. It believes no one else."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handler.history import parse_time
from handler.memory import Memory, Notice

ITEM_BYTES = 400_000
"""Above it DynamoDB refuses an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html."""
GIVEN_UP = timedelta(days=14)

Rows = Iterable[Mapping[str, Any]]
"""As Zoho shows them."""
Owed = tuple[str, str]
"""Channel and notice id."""


@dataclass
class Tally:
    """What a run counts.

    Attributes:
        timelines: Played.
        checks: Invocations of the function.
        faults: Boundary and kind → how often.
        repeats: Fault that excuses a repeat → how often.
        set_aside: Notices given up as the design says, by reason.
        delivered: Accepted messages by channel.
        largest_item: In bytes.
        broken: Promise → how often; any at all fails the run.
    """

    timelines: int = 0
    faulted: int = 0
    checks: int = 0
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    largest_item: int = 0
    broken: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class Acceptance:
    """A channel took a notice.

    Attributes:
        by: The invocation that sent it.
        excuse: The fault for which it was not learned or not written down.
        written: It was written down.
    """

    by: object
    excuse: str = ""
    written: bool = False


class Witness:
    """Follows one organisation through one timeline.

    Attributes:
        memory: As the table has it.
        writer: Whoever wrote it.
        promised: Every notice that was ever saved, by id, in order.
        deceived: Zoho said that there is no (more) history when there was: the baseline may know less than was shown.
        rows_are_plain: Rows have the documented types, so that the witness can tell what each of them is worth.
        acceptances: Of each notice by each channel.
        broken: What was broken, in words; the first word is the promise.
    """

    def __init__(self, tally: Tally, now: Callable[[], datetime]) -> None:
        """Count into this tally, by this clock."""
        self.tally = tally
        self.now = now
        self.aside = 0
        self.deceived = False
        self.rows_are_plain = True
        self.memory: Memory | None = None
        self.writer: object = None
        self.promised: dict[str, Notice] = {}
        self.broken: list[str] = []
        self.baseline: list[Mapping[str, Any]] | None = None
        self.telling: set[str] = set()
        self.refused: Counter[Owed] = Counter()
        self._owed: set[Owed] = set()
        self._settled: set[Owed] = set()
        self.acceptances: defaultdict[Owed, list[Acceptance]] = defaultdict(list)
        self._unwritten: list[tuple[Owed, Acceptance]] = []

    def blame(self, promise: str, what: str) -> None:
        """Note a broken promise."""
        self.tally.broken[promise] += 1
        self.broken.append(f"{promise}: {what}")

    # --- What the table was given ---

    def written(self, memory: Memory, rows: Rows, size: int, by: object) -> None:
        """Take in a write that arrived."""
        before, self.memory, self.writer = self.memory, memory, by
        self.tally.largest_item = max(self.tally.largest_item, size)
        if size > ITEM_BYTES:
            self.blame("size", f"the item has {size} bytes")
        if memory.version != (before.version if before else 0) + 1:
            self.blame("order", f"version {memory.version} was written over {before and before.version}")
        if memory.baseline_at and self.baseline is None:
            self.baseline = [dict(row) for row in rows]
        self._take_promises(memory)
        now_owed = {(channel, notice.notice_id) for notice in memory.outbox for channel in notice.owed}
        for notice in before.outbox if before else ():
            for channel in notice.owed:
                if (channel, notice.notice_id) not in now_owed:
                    self._struck(channel, notice, memory)
        if memory.set_aside.count < self.aside:
            self.blame("loss", f"{self.aside} notices were given up, only {memory.set_aside.count} are counted")
        for owed, acceptance in self._unwritten:
            acceptance.written = owed not in now_owed
        self._unwritten = [(owed, acceptance) for owed, acceptance in self._unwritten if not acceptance.written]

    def _take_promises(self, memory: Memory) -> None:
        new = [notice for notice in memory.outbox if notice.notice_id not in self.promised]
        for notice in new:
            self.promised[notice.notice_id] = notice
            self._owed |= {(channel, notice.notice_id) for channel in notice.owed}
        if any(notice.kind == "folded" for notice in new):  # openings and ends among what is only counted
            self.telling = _told(memory)
        else:
            for notice in new:
                self._pair(notice)

    def _struck(self, channel: str, notice: Notice, memory: Memory) -> None:
        """Judge a notice that the table no longer owes to a channel."""
        owed = (channel, notice.notice_id)
        self._settled.add(owed)
        removed = channel not in memory.channels
        replaced = notice.reminder and any(n.incident == notice.incident and n is not notice for n in memory.outbox)
        folded = any(n.kind == "folded" and channel in n.owed for n in memory.outbox)
        if self.acceptances[owed] or removed or replaced or folded:
            return
        gone = memory.incidents.get(f"channel:{channel}")
        if self.refused[owed] >= (2 if channel == "slack" else 1):
            reason = "refused for good"
        elif gone and self.now() - notice.at > GIVEN_UP:
            reason = "gone for 14 days"
        else:
            self.blame("loss", f"{notice.notice_id} was struck out, but {channel} never accepted it")
            return
        self.tally.set_aside[reason] += 1
        self.aside += sum(notice.facts["counts"].values()) if notice.kind == "folded" else 1

    # --- What channels were given ---

    def accepted(self, channel: str, notices: Collection[Notice], by: object, excuse: str, *, leased: bool) -> None:
        """Take in that a channel accepted these notices.

        Args:
            channel: Its name.
            notices: What the message tells.
            by: The invocation that sent it.
            excuse: The fault of this very call that hides the acceptance, or "".
            leased: The invocation held the lease.
        """
        self.tally.delivered[channel] += 1
        owed_now = {n.notice_id for n in self.memory.owed_to(channel)} if self.memory else set()
        for notice in notices:
            owed = (channel, notice.notice_id)
            earlier = self.acceptances[owed]
            if earlier and (earlier[-1].written or not earlier[-1].excuse):
                self.blame("repeat", f"{channel} was told {notice.notice_id} again")
            elif earlier:
                self.tally.repeats[earlier[-1].excuse] += 1
            elif notice.notice_id not in owed_now or not leased:
                self.blame("order", f"{channel} was told {notice.notice_id} before it was saved with a lease")
            acceptance = Acceptance(by, excuse)
            earlier.append(acceptance)
            self._unwritten.append((owed, acceptance))

    def hurt(self, by: object, excuse: str) -> None:
        """Note a fault because of which this invocation may not be able to write down what was accepted."""
        for _, acceptance in self._unwritten:
            if acceptance.by is by and not acceptance.excuse:
                acceptance.excuse = excuse

    # --- What must be true ---

    def _pair(self, notice: Notice) -> None:
        """Follow incidents from opening to closing."""
        phase = notice.facts.get("phase")
        opened = {notice.incident} if phase == "opened" else set()
        if notice.kind == "baseline":
            opened = {entry["what"] for entry in notice.facts["wrong"]} - {"failed", "no_schedule"}
        closed = {end["what"] for end in notice.facts.get("ends", ())} - {"failed"}
        if notice.kind == "readable" or phase == "closed":
            closed |= {notice.incident}
        if phase in {"reminder", "changed"} and notice.incident not in self.telling:
            self.blame("pairs", f"{notice.notice_id} goes on with what never began")
        if opened & self.telling or closed - self.telling:
            self.blame("pairs", f"{notice.notice_id} opens {opened}, closes {closed}, open were {self.telling}")
        self.telling = (self.telling | opened) - closed

    def check_ended(self, by: object) -> None:
        """Judge after a check that lived to its end, well or not, and whose writes were not disturbed."""
        if self.memory and self.memory.lease_owner and self.writer is by:
            self.blame("lease", "a check ended and kept the lease")

    def check_returned(self, by: object, rows: Rows | None, later: Rows) -> None:
        """Judge after a check that ended well: nothing may wait, and every outcome it could see is known.

        Args:
            by: The check.
            rows: Shown by Zoho when it began; None: some were concealed from it, and are due when they appear.
            later: What appeared since then.
        """
        if self.memory and self.memory.outbox and self.writer is by:
            self.blame("loud", f"a check ended well while {len(self.memory.outbox)} notices wait")
        if rows is not None:
            self._every_outcome_is_promised(rows, later)

    def recovered(self, rows: Rows) -> None:
        """Judge when all faults are over and a quiet check was seen."""
        assert self.memory is not None
        self._every_outcome_is_promised(rows, ())
        for channel, notice_id in sorted(self._owed - self._settled):
            self.blame("loss", f"{notice_id} never left the outbox for {channel}")
        if _told(self.memory) != self.telling:
            open_in_memory, open_for_people = sorted(_told(self.memory)), sorted(self.telling)
            self.blame("pairs", f"open in memory: {open_in_memory}, open for people: {open_for_people}")

    def _every_outcome_is_promised(self, rows: Rows, later: Rows) -> None:
        if self.baseline is None or not self.rows_are_plain:
            return
        known = {_identity(row) for row in self.baseline}
        expected = {_identity(row) for row in rows if is_told(row)} - known
        told = Counter(_identity(notice.row) for notice in self.promised.values() if notice.row and not notice.incident)
        folds = [n.facts for n in self.promised.values() if n.kind == "folded"]
        missing = expected - told.keys()
        possible = expected | {_identity(row) for row in later} | (known if self.deceived else set())
        for identity in sorted(missing, key=str):
            named = any(identity[0] == entry["row_id"] for facts in folds for entry in facts["named"])
            if not named and sum(sum(facts["counts"].values()) for facts in folds) < len(missing):
                self.blame("loss", f"nobody was ever told of {identity}")
        for identity, count in told.items():
            if count > 1 or identity not in possible:
                self.blame("repeat", f"{identity} became {count} notices" + ("" if count > 1 else " for no reason"))


def _told(memory: Memory) -> set[str]:
    return {name for name, incident in memory.incidents.items() if incident.told_at}


def item_bytes(value: Mapping[str, Any]) -> int:
    """Return the size of an attribute value, as DynamoDB counts it.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"L": list(items)}:
            return 3 + sum(1 + item_bytes(item) for item in items)
        case {"M": dict(items)}:
            return 3 + sum(1 + len(name.encode()) + item_bytes(item) for name, item in items.items())
    return 21  # the most that a number takes


def is_told(row: Mapping[str, Any]) -> bool:
    """Return whether a row is worth a notice, told from the design's table and not from the code."""
    return bool(row["state"]) or row["action"] not in {None, "initiated"}


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["id"], parse_time(row["log_time"]), row["state"], row["action"]
