"""One organisation watched without any I/O: a history and a clock to turn, and every channel accepts at once."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from handler.channels import CHANNELS
from handler.config import BY_DEFAULT, NOTIFIABLE, Policy
from handler.decision import Decision, Links, Sources
from handler.errors import UnreadableError
from handler.history import parse_row
from handler.memory import Memory
from handler.outbox import Channel, Notice
from handler.plan import parse_plan
from handler.rules import decide, decide_unreadable
from sandbox.zoho import row

Raw = dict[str, Any]

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CHANNEL_SETTINGS = tuple(kind.channel for kind in CHANNELS)
"""Every channel, configured."""
EVERYTHING = NOTIFIABLE


class Watch:
    """What the pure core does with one organisation, check by check.

    Attributes:
        rows: The history as Zoho would show it, in any order.
        now: The time of the next check.
        plan: What Zoho answers to `GET …/backup`; None is 204.
        links: What it says of the downloads.
        memory: What is remembered, everything sent being accepted.
        deaf: Channels that accept nothing, though nothing says that they are broken.
        notices: Every notice so far, oldest first.
        decision: The last one, before anything was accepted.
        asked: What Zoho was asked beyond the history, in order.
    """

    def __init__(
        self,
        rows: Iterable[Raw] = (),
        *,
        now: datetime = START,
        notify_on: Iterable[str] = BY_DEFAULT,
        channels: Sequence[Channel] = CHANNEL_SETTINGS,
        memory: Memory | None = None,
        plan: Raw | None = None,
        links: Links | None = None,
        operated_by: str = "",
        **policy: Any,
    ) -> None:
        """Watch this history from now on, with the settings of `Policy`."""
        self.rows = list(rows)
        self.now = now
        self.channels = tuple(channels)
        self.policy = Policy(frozenset(notify_on), **policy, operated_by=operated_by)
        self.memory = memory or Memory("default")
        self.plan = plan
        self.links = links
        self.subscribers: dict[str, int] = {}
        self.deaf: set[str] = set()
        self.notices: list[Notice] = []
        self.asked: list[str] = []
        self.decision: Decision

    def check(self, problem: UnreadableError | None = None) -> list[Notice]:
        """Check once, or fail to read, and return the notices."""
        self.decision = self.decide(problem)
        self.memory = self.decision.memory
        for channel in self.channels:
            broken = channel.problem or f"channel:{channel.name}" in self.memory.incidents
            if not broken and channel.name not in self.deaf:
                pending = {notice.notice_id for notice in self.memory.pending(channel.name)}
                self.memory = self.memory.mark_accepted(channel.name, pending)
        self.notices += self.decision.notices
        return self.decision.notices

    def decide(self, problem: UnreadableError | None = None) -> Decision:
        """Return what a check would decide now, after a good read or a failed one."""
        sources = Sources(**{question: cache(partial(self._answer, question)) for question in Sources._fields})
        decision = Decision(self.memory, self.now, self.policy, self.channels, sources)
        try:
            if problem:
                raise problem
            return decide([parse_row(raw) for raw in self.rows], decision)
        except UnreadableError as error:
            return decide_unreadable(error, decision)

    def _answer(self, question: str) -> Any:
        self.asked.append(question)
        return parse_plan({"backup": self.plan}, self.now) if question == "plan" else getattr(self, question)

    def check_at(self, now: datetime, problem: UnreadableError | None = None) -> list[str]:
        """Check at this time and return the kinds of the notices."""
        self.now = now
        return kinds(self.check(problem))

    def check_after(self, problem: UnreadableError | None = None, **span: float) -> list[str]:
        """Check after this time span, by what `timedelta` takes, and return the kinds of the notices."""
        return self.check_at(self.now + timedelta(**span), problem)

    def log(self, *, at: datetime | None = None, **fields: Any) -> Raw:
        """Add a row to the history and return it; `at` is the present unless given, `log_time` wins over both."""
        raw = row(at or self.now, **fields)
        self.rows.append(raw)
        return raw


def kinds(notices: Iterable[Notice]) -> list[str]:
    """Return the kind of each notice."""
    return [notice.kind for notice in notices]
