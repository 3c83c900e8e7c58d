"""Sees what was written and what was accepted, and says which promise was broken. It believes no one else."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handler.channels import BY_NAME
from handler.history import parse_time
from handler.memory import Memory
from handler.outbox import Notice
from tests.simulation.pairs import Pairs, is_probe, wants
from tests.simulation.tally import Tally

ITEM_BYTES = 400_000
"""Above it DynamoDB refuses an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html."""
DISCARDED = timedelta(days=14)

Rows = Iterable[Mapping[str, Any]]
"""As Zoho shows them."""
Owed = tuple[str, str]
"""Channel and notice id."""


@dataclass(eq=False)
class Acceptance:
    """A channel took a notice.

    Attributes:
        by: The invocation that sent it.
        sending: The request in which it was sent.
        excuse: The fault for which it was not learned or not written down.
        written: It was written down.
    """

    by: object
    sending: object
    excuse: str = ""
    written: bool = False


class Witness:
    """Follows one organisation through one timeline.

    Attributes:
        memory: As the table has it.
        writer: Whoever wrote it.
        promised: Every notice that was ever saved, by id, in order.
        deceived: Zoho said that there is no (more) history when there was: the baseline may know less than was shown.
        rows_are_plain: Rows have the documented types, so that the witness knows what each of them is worth.
        full: From so many notices on, an outbox may be full.
        acceptances: Of each notice by each channel.
        refused: What a channel refused permanently, and how often.
        may_be_broken: Channels that have ever refused everything.
        pairs: What people believe to be wrong.
        probes: What broken channels were given of their own ends.
        broken: What was broken, in words; the first word is the promise.
    """

    def __init__(self, tally: Tally, now: Callable[[], datetime], harmless: Collection[str] = ()) -> None:
        """Count into this tally, by this clock; repeats are harmless to some channels."""
        self.tally = tally
        self.now = now
        self._harmless = harmless
        self.deceived = False
        self.rows_are_plain = True
        self.full = 100
        self.memory: Memory | None = None
        self.writer: object = None
        self.promised: dict[str, Notice] = {}
        self.broken: list[str] = []
        self.baseline: list[Mapping[str, Any]] | None = None
        self.pairs = Pairs(self.blame)
        self.refused: Counter[Owed] = Counter()
        self.may_be_broken: set[str] = set()
        self.acceptances: defaultdict[Owed, list[Acceptance]] = defaultdict(list)
        self._floors: Mapping[str, str] = {}
        self._unnamed = False  # whether one write has more dead letters than the memory names
        self._lost = 0
        self._owed: set[Owed] = set()
        self._settled: set[Owed] = set()
        self._unwritten: list[tuple[Owed, Acceptance]] = []
        self.probes: dict[str, Notice] = {}
        self._many: object = None

    def blame(self, promise: str, what: str) -> None:
        """Note a broken promise."""
        self.tally.broken[promise] += 1
        self.broken.append(f"{promise}: {what}")

    def configured(self, floors: Mapping[str, str], malformed: str) -> None:
        """Note which channels are configured, from which severity on each hears, and which of them cannot be used."""
        self._floors = floors
        self.may_be_broken |= {malformed} - {""}

    def known(self, notice_id: str) -> Notice | None:
        """Return what a notice id stands for."""
        return self.promised.get(notice_id) or self.probes.get(notice_id)

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
        self._take_promises(memory, by)
        self._settle(before, memory)

    def _settle(self, before: Memory | None, memory: Memory) -> None:
        """Take in what is no longer owed to a channel, and which channels are called broken."""
        new = memory.dead_letters.total - (before.dead_letters.total if before else 0)
        self._unnamed = new > len(memory.dead_letters.last)
        now_owed = {(channel, notice.notice_id) for notice in memory.outbox for channel in notice.pending_for}
        for notice in before.outbox if before else ():
            for channel in notice.pending_for:
                if (channel, notice.notice_id) not in now_owed and not is_probe(notice):
                    self._struck(channel, notice, memory)
        if memory.dead_letters.total != self._lost:
            self.blame("loss", f"{self._lost} notices were lost, {memory.dead_letters.total} are counted")
        for owed, acceptance in self._unwritten:
            probed = owed[1] in self.probes and acceptance.excuse  # it is taken back, accepted or not
            acceptance.written = owed not in now_owed and not probed
        self._unwritten = [(owed, acceptance) for owed, acceptance in self._unwritten if owed in now_owed]
        for name in memory.incidents:
            if name.startswith("channel:") and name.removeprefix("channel:") not in self.may_be_broken:
                self.blame("true", f"{name} is open, and it never refused everything")

    def _take_promises(self, memory: Memory, by: object) -> None:
        new = 0
        for notice in memory.outbox:
            if is_probe(notice):
                self.probes[notice.notice_id] = notice
                continue
            if earlier := self.promised.get(notice.notice_id):
                if notice._replace(pending_for=()) != earlier._replace(pending_for=()):
                    self.blame("repeat", f"two notices are called {notice.notice_id}")
                continue
            new += 1
            self.promised[notice.notice_id] = notice
            self._owed |= {(channel, notice.notice_id) for channel in notice.pending_for}
            self.pairs.follow(notice, self._floors)
            if notice.row:
                self._judge_receivers(notice)
        if new >= self.full:
            self._many = by

    def _judge_receivers(self, notice: Notice) -> None:
        """Judge for whom a notice about a row is: whoever is configured and wants it, and nobody else."""
        right = {
            name
            for name, floor in self._floors.items()
            if wants(notice, floor, incidents_only=BY_NAME[name].incidents_only)
        }
        if set(notice.pending_for) != right:
            self.blame("loss", f"{notice.notice_id} is for {notice.pending_for}, not for {sorted(right)}")

    def _struck(self, channel: str, notice: Notice, memory: Memory) -> None:
        """Judge a notice that the table no longer owes to a channel."""
        owed = (channel, notice.notice_id)
        self._settled.add(owed)
        removed = channel not in memory.channels
        reminded = {n.incident for n in memory.outbox if n.phase == "reminder" and n.notice_id != notice.notice_id}
        replaced = notice.phase == "reminder" and notice.incident in reminded
        why = next((one.why for one in memory.dead_letters.last if (one.channel, one.notice_id) == owed), "")
        # Whose acceptance was not learned may be refused the next time: what is counted then did arrive.
        if (self.acceptances[owed] and not why) or removed or replaced:
            return
        if self.refused[owed]:
            reason = "refused permanently"
        elif f"channel:{channel}" in memory.incidents and self.now() - notice.at > DISCARDED:
            reason = "channel broken for 14 days"
        elif ("more waited" in why or self._unnamed) and len(memory.outbox) >= self.full:
            reason = "no room left"
        else:
            self.blame("loss", f"{notice.notice_id} was struck out, but {channel} never accepted it")
            return
        self.tally.dead_letters[reason] += 1
        self._lost += 1

    # --- What channels were given ---

    def accepted(self, sending: Any, notice_ids: Collection[str], by: object, excuse: str, *, leased: bool) -> None:
        """Take in that a channel accepted these notices.

        Args:
            sending: The request that it accepted, or a part of it.
            notice_ids: What that stands for.
            by: The invocation that sent it.
            excuse: The fault of this very call that hides the acceptance, or "".
            leased: The invocation held the lease.
        """
        channel = sending.channel
        self.tally.delivered[channel] += 1
        owed_now = {n.notice_id for n in self.memory.pending(channel)} if self.memory else set()
        for notice_id in notice_ids:
            owed = (channel, notice_id)
            earlier = self.acceptances[owed]
            if earlier and earlier[-1].sending is sending:
                earlier[-1].excuse = earlier[-1].excuse or excuse
                continue  # a message in several parts
            if earlier and channel in self._harmless and not earlier[-1].written:
                self.tally.harmless[channel] += 1
            elif earlier and (earlier[-1].written or not earlier[-1].excuse):
                self.blame("repeat", f"{channel} was sent {notice_id} again")
            elif earlier:
                self.tally.repeats[earlier[-1].excuse] += 1
            elif notice_id not in owed_now or not leased:
                self.blame("order", f"{channel} was sent {notice_id} before it was saved with a lease")
            acceptance = Acceptance(by, sending, excuse)
            earlier.append(acceptance)
            self._unwritten.append((owed, acceptance))
            if notice_id in self.probes and f"channel:{channel}" in self.pairs.open:
                self.pairs.ended_alone.add(f"channel:{channel}")

    def hurt(self, by: object, excuse: str) -> None:
        """Note a fault because of which this invocation may not be able to write down what was accepted."""
        for _, acceptance in self._unwritten:
            if acceptance.by is by and not acceptance.excuse:
                acceptance.excuse = excuse

    # --- What must be true ---

    def check_ended(self, by: object, refused_by: Collection[str]) -> None:
        """Judge after a check that lived and wrote undisturbed; these channels refused everything in it."""
        if self.memory and self.writer is by:
            if self.memory.lease_owner:
                self.blame("lease", "a check ended and kept the lease")
            for channel in refused_by:
                if f"channel:{channel}" not in self.memory.incidents:
                    self.blame("true", f"{channel} refuses everything, and nobody will hear of it")

    def check_returned(self, by: object, rows: Rows | None, later: Rows) -> None:
        """Judge after a check that ended well: nothing may wait, and every outcome it could see is known.

        Args:
            by: The check.
            rows: Shown by Zoho when it began; None: some were concealed from it, and are due when they appear.
            later: What appeared since then.
        """
        if self.memory and self.memory.outbox and self.writer is by:
            self.blame("loud", f"a check ended well while {len(self.memory.outbox)} notices wait")
        if rows is not None and self._many is not by:  # more than found room is news at the next check
            self._every_outcome_is_promised(rows, later)

    def recovered(self, rows: Rows) -> None:
        """Judge when all faults are over and a quiet check was seen."""
        assert self.memory is not None
        self._every_outcome_is_promised(rows, ())
        for channel, notice_id in sorted(self._owed - self._settled):
            self.blame("loss", f"{notice_id} never left the outbox for {channel}")
        self.pairs.judge(self.memory)

    def _every_outcome_is_promised(self, rows: Rows, later: Rows) -> None:
        if self.baseline is None or not self.rows_are_plain:
            return
        known = {_identity(row) for row in self.baseline}
        expected = {_identity(row) for row in rows if is_news(row)} - known
        made = [notice.row for notice in self.promised.values() if notice.row and not notice.incident]
        sent = Counter((row.id, row.log_time, row.state, row.action) for row in made)
        possible = expected | {_identity(row) for row in later} | (known if self.deceived else set())
        for identity in sorted(expected - sent.keys(), key=str):
            self.blame("loss", f"nobody was ever sent {identity}")
        for identity, count in sent.items():
            if count > 1 or identity not in possible:
                self.blame("repeat", f"{identity} became {count} notices" + ("" if count > 1 else " for no reason"))


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


def is_news(row: Mapping[str, Any]) -> bool:
    """Return whether a row is worth a notice, by the design's table and not by the code."""
    return bool(row["state"]) or row["action"] not in {None, "initiated"}


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["id"], parse_time(row["log_time"]), row["state"], row["action"]
