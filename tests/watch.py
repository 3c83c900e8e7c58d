"""One organisation watched without any I/O: a history and a clock to turn, and every channel accepts at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from handler.texts import NOTIFIABLE, describe

from handler.config import DEFAULT_NOTIFY_ON
from handler.decision import Decision, Policy
from handler.errors import UnreadableError
from handler.history import parse_row
from handler.memory import Memory, Notice
from handler.rules import decide, decide_unreadable
from handler.store import to_item
from tests.world import START, row

Raw = dict[str, Any]

CHANNELS = ("sns", "slack")
EVERYTHING = NOTIFIABLE
DEFAULT = frozenset(DEFAULT_NOTIFY_ON.split(","))


class Watch:
    """What the pure core does with one organisation, check by check.

    Attributes:
        rows: The history as Zoho would show it, in any order.
        now: The time of the next look.
        memory: What is remembered, everything told being accepted.
        told: Every notice so far, oldest first.
        decision: The last one, before anything was accepted.
    """

    def __init__(
        self,
        rows: Iterable[Raw] = (),
        *,
        now: datetime = START,
        notify_on: Iterable[str] = DEFAULT,
        channels: Sequence[str] = CHANNELS,
        memory: Memory | None = None,
        **policy: int,
    ) -> None:
        """Watch this history from now on, with the settings of `Policy`."""
        self.rows = list(rows)
        self.now = now
        self.channels = tuple(channels)
        self.policy = Policy(frozenset(notify_on), **policy)
        self.memory = memory or Memory("default")
        self.told: list[Notice] = []
        self.decision: Decision

    def look(self, problem: UnreadableError | None = None) -> list[Notice]:
        """Check once, or fail to read, and return what is told."""
        parsed = [parse_row(raw) for raw in self.rows]
        try:
            if problem:
                raise problem
            self.decision = decide(parsed, self.memory, self.now, self.policy, self.channels)
        except UnreadableError as error:
            self.decision = decide_unreadable(error, self.memory, self.now, self.policy, self.channels)
        self.memory = self.decision.memory
        for channel in self.channels:
            self.memory = self.memory.accepted(channel, {n.notice_id for n in self.memory.owed_to(channel)})
        self.told += self.decision.notices
        unworded = [n.kind for n in self.decision.notices if describe(n).title.startswith("A message of the kind")]
        assert not unworded, "texts.py or incident_texts.py: whatever is told needs words"
        return self.decision.notices

    def look_at(self, now: datetime, problem: UnreadableError | None = None) -> list[str]:
        """Check at this time and return the kinds of what is told."""
        self.now = now
        return kinds(self.look(problem))

    def look_after(self, problem: UnreadableError | None = None, **span: float) -> list[str]:
        """Check after this time span, by what `timedelta` takes, and return the kinds of what is told."""
        return self.look_at(self.now + timedelta(**span), problem)

    def log(self, *, at: datetime | None = None, **fields: Any) -> Raw:
        """Add a row to the history and return it; `at` is the present unless given, `log_time` wins over both."""
        raw = row(at or self.now, **fields)
        self.rows.append(raw)
        return raw


def kinds(notices: Iterable[Notice]) -> list[str]:
    """Return the kind of each notice."""
    return [notice.kind for notice in notices]


def item_size(memory: Memory) -> int:
    """Return the size of the organisation's item in bytes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in to_item(memory).items())


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _size(entry) for entry in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(entry) for name, entry in content.items())
    raise AssertionError(kind)
