"""Plays an organisation through the pure core, check by check, as the flow does: the only file that knows the core."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import dateutil.rrule

from handler.config import Policy
from handler.decision import Decision, Links, Sources
from handler.errors import REFUSED, REVOKED_TOKEN, TRANSIENT, Cause, UnreadableError
from handler.history import Row, parse_row
from handler.memory import Memory
from handler.message import Rendering
from handler.outbox import Channel, Notice
from handler.plan import Plan, parse_plan
from handler.rules import decide, decide_unreadable
from handler.transport import Deadline
from handler.zoho import Zoho
from tests.oracle.organisation import DAY, HOUR, Organisation, Raw

KINDS = frozenset({"completed", "failed", "unknown", "stopped", "overdue", "stuck", "unreadable", "channel", "digest"})
"""`NOTIFY_ON` as it is by default."""
CHANNEL_SETTINGS = (Channel("sns", "SNS"),)
CAUSES: dict[str, Cause] = {"revoked": REVOKED_TOKEN, "refused": REFUSED, "transient": TRANSIENT}
RULES = cache(partial(dateutil.rrule.rrulestr, cache=True))
"""Each rule's runs are worked out once, not at every answer."""


@dataclass
class Player:
    """One organisation under watch.

    Attributes:
        organisation: What Zoho shows.
        with_plan: Whether Zoho answers `GET …/backup`; else every request for it fails.
        policy: The settings.
        memory: As of the last check.
        sent: Every notice that was sent.
        answered: When the core was given an answer about the plan, which, and whether it asked because of news.
        linked: When Zoho answered about the newest backup's links → when they expire.
        open: The incidents open after each check.
    """

    organisation: Organisation
    with_plan: bool = True
    policy: Policy = field(default_factory=lambda: Policy(notify_on=KINDS))
    memory: Memory = field(default_factory=lambda: Memory("default"))
    sent: list[Notice] = field(default_factory=list)
    answered: list[tuple[datetime, Raw | None, bool]] = field(default_factory=list)
    linked: dict[datetime, datetime] = field(default_factory=dict)
    open: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)
    _parsed: dict[int, Row] = field(default_factory=dict)

    def play(self, instants: Iterable[datetime]) -> "Player":
        """Check at each of these, and return the player."""
        for now in instants:
            self.check(now)
        return self

    def check(self, now: datetime) -> None:
        """Check once, and let every channel accept everything."""
        try:
            if cause := CAUSES.get(self.organisation.outage(now) or ""):
                raise UnreadableError(cause, "HTTP 500")
            shown = self.organisation.rows(now)
            new = [raw for raw in shown if id(raw) not in self._parsed]
            self._parsed.update((id(raw), parse_row(raw)) for raw in new)
            news = any(raw["state"] or raw["action"] for raw in new)
            decision = self._decide([self._parsed[id(raw)] for raw in shown], now, news=news)
        except UnreadableError as error:
            decision = decide_unreadable(error, Decision(self.memory, now, self.policy, CHANNEL_SETTINGS))
        self.memory = decision.memory
        for channel in CHANNEL_SETTINGS:
            self.memory = self.memory.mark_accepted(channel.name, {notice.notice_id for notice in self.memory.outbox})
        self.sent += decision.notices
        self.open.append((now, frozenset(self.memory.incidents)))

    def _decide(self, rows: list[Row], now: datetime, *, news: bool) -> Decision:
        @cache
        def plan() -> Plan | None:
            body = self.organisation.plan(now) if self.with_plan else None
            self.answered.append((now, body, news))
            with patch.object(dateutil.rrule, "rrulestr", RULES):
                return parse_plan(body, now)

        @cache
        def links() -> Links | None:
            body = self.organisation.links(now) if self.with_plan else None
            if body:
                self.linked[now] = datetime.fromisoformat(body["urls"]["expiry_date"])
            answers: Any = SimpleNamespace(get=lambda *_: body)
            return Zoho.links(answers, Deadline(lambda: 9.0))

        return decide(rows, Decision(self.memory, now, self.policy, CHANNEL_SETTINGS, Sources(plan=plan, links=links)))

    def read(self, notice: Notice, at: datetime) -> str:
        """Return the text of a notice that reaches a person then."""
        rendering = Rendering("default", "Acme", UTC, "https://crm.zoho.com", at)
        return rendering.text(rendering.as_sent(notice))


def hourly(first: datetime, until: datetime) -> Iterator[datetime]:
    """Yield every hour."""
    return (first + n * HOUR for n in range(-(-(until - first) // HOUR)))


def stepping(
    organisation: Organisation, first: datetime, until: datetime, every: timedelta = 7 * DAY
) -> list[datetime]:
    """Return the hours around everything that happens, and one a week.

    Enough for a false alarm: one that is false stays open until the next row, and the hour before that is played.
    """
    after = {first - ((first - turn) // HOUR) * HOUR for turn in organisation.turns()}
    regular = {first + n * every for n in range((until - first) // every + 1)}
    return sorted(now for now in after | {now - HOUR for now in after} | regular if first <= now < until)
