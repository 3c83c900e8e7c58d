"""Plays an organisation through the pure core, check by check, as the flow does: the only file that knows the core."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from unittest.mock import patch

import dateutil.rrule

from handler.causes import REVOKED_TOKEN, TRANSIENT, Cause
from handler.decision import Answers, Decision, Policy, Receiver
from handler.errors import UnreadableError
from handler.history import Row, parse_row
from handler.memory import Memory
from handler.outbox import Notice
from handler.plan import Plan, parse_plan
from handler.rules import decide, decide_unreadable
from tests.truth.organisation import DAY, HOUR, Organisation, Raw

KINDS = frozenset({"completed", "failed", "unknown", "stopped", "overdue", "stuck", "unreadable", "channel", "digest"})
"""`NOTIFY_ON` as it is by default."""
RECEIVERS = (Receiver("sns", "SNS"),)
CAUSES: dict[str, Cause] = {"revoked": REVOKED_TOKEN, "transient": TRANSIENT}
NEXT_TO_A_TURN = (-HOUR, timedelta(0))
RULES = cache(partial(dateutil.rrule.rrulestr, cache=True))
"""Each rule's runs are worked out once, not at every answer."""


@dataclass(frozen=True)
class Answered:
    """What Zoho said of the plan, and whether the core asked because of news."""

    at: datetime
    body: Raw | None
    news: bool


@dataclass
class Player:
    """One organisation under watch.

    Attributes:
        organisation: What Zoho shows.
        with_plan: Whether Zoho answers `GET …/backup`; else every request for it fails.
        policy: The settings.
        memory: As of the last check.
        sent: Every notice that was sent.
        answered: Every answer about the plan that the core was given.
        open: The incidents open after each check.
        max_age_days: The setting of the same name, at the checks at which it was set.
    """

    organisation: Organisation
    with_plan: bool = True
    policy: Policy = field(default_factory=lambda: Policy(notify_on=KINDS))
    memory: Memory = field(default_factory=lambda: Memory("default"))
    sent: list[Notice] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    open: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)
    max_age_days: dict[datetime, int] = field(default_factory=dict)
    _parsed: dict[int, Row] = field(default_factory=dict)
    _known: frozenset[int] = frozenset()

    def check(self, now: datetime) -> list[Notice]:
        """Check once, let every channel accept everything, and return what was sent."""
        if self.policy.max_backup_age_days:
            self.max_age_days[now] = self.policy.max_backup_age_days
        cause = self.organisation.outage(now)
        if cause is not None:
            decision = decide_unreadable(
                UnreadableError(CAUSES[cause], "HTTP 500"), self.memory, now, self.policy, RECEIVERS
            )
        else:
            news = [raw for raw in self.organisation.rows(now) if id(raw) not in self._known]
            decision = self._decide(self._rows(now), now, news=any(raw["state"] or raw["action"] for raw in news))
            if news:
                self._known |= {id(raw) for raw in news}
        memory = decision.memory
        for receiver in RECEIVERS:
            memory = memory.accepted(receiver.name, {notice.notice_id for notice in memory.outbox})
        self.memory = memory
        self.sent += decision.notices
        self.open.append((now, frozenset(memory.incidents)))
        return list(decision.notices)

    def play(self, instants: Iterable[datetime]) -> "Player":
        """Check at each of these, and return the player."""
        for now in instants:
            self.check(now)
        return self

    def _rows(self, now: datetime) -> list[Row]:
        """Return the rows, each parsed once."""
        shown = self.organisation.rows(now)
        self._parsed.update((id(raw), parse_row(raw)) for raw in shown if id(raw) not in self._parsed)
        return [self._parsed[id(raw)] for raw in shown]

    def _decide(self, rows: list[Row], now: datetime, *, news: bool) -> Decision:
        answers = Answers()
        for _ in range(3):
            decision = decide(rows, self.memory, now, self.policy, RECEIVERS, answers)
            missing = decision.asks - answers.asked
            if not missing:
                return decision
            plan = answers.plan
            if "plan" in missing:
                body = self.organisation.plan(now) if self.with_plan else None
                self.answered.append(Answered(now, body, news))
                plan = read_plan(body, now)
            answers = Answers(plan=plan, links=None, asked=answers.asked | missing)
        raise AssertionError("the core asks for what it was answered")


def read_plan(body: Raw | None, now: datetime) -> Plan | None:
    """Return what the core makes of Zoho's answer."""
    with patch.object(dateutil.rrule, "rrulestr", RULES):
        return parse_plan(body, now)


def hourly(first: datetime, until: datetime) -> Iterator[datetime]:
    """Yield every hour."""
    now = first
    while now < until:
        yield now
        now += HOUR


def stepping(
    organisation: Organisation, first: datetime, until: datetime, every: timedelta = 7 * DAY
) -> list[datetime]:
    """Return the hours around everything that happens, and one a week.

    Enough for a false alarm: one that is false stays open until the next row, and the hour before that is played.
    """

    def hour_after(moment: datetime) -> datetime:
        return first + -((first - moment) // HOUR) * HOUR

    around = {hour_after(turn) + step for turn in organisation.turns() for step in NEXT_TO_A_TURN}
    regular = {first + n * every for n in range((until - first) // every + 1)}
    return sorted(now for now in around | regular if first <= now < until)
