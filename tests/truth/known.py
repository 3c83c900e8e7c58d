"""What is known at one minute, from the rows that the history shows and from what Zoho said of its plan."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from tests.truth.oracle import NEVER, Due, Oracle, Window
from tests.truth.organisation import Raw
from tests.truth.play import Player

SYMBOLS = {"completed": "✓", "failed": "✗"}
RECENT = 10


@dataclass(frozen=True)
class Known:
    """How things are at one check.

    Attributes:
        now: When it is.
        events: What the history shows, oldest first, each with its time.
        completions: Every completion that it ever showed.
        begun: Every beginning that it ever showed.
        named: Next runs that Zoho named since the schedule changed, for whatever reason it was asked.
        due: When the next backup is due, or was.
        first_check: When the watch began.
        counted_since: When the last digest went out, or the baseline.
        outcomes: Outcomes that became known since, and now.
        unread_since: Since when the history could not be read.
        max_age_days: The setting of the same name.
        overdue_from: When a backup was due, at each check since `overdue` opened.
    """

    now: datetime
    events: tuple[tuple[datetime, Raw], ...]
    completions: frozenset[datetime]
    begun: frozenset[datetime]
    named: frozenset[datetime]
    due: Due
    first_check: datetime
    counted_since: datetime
    outcomes: Mapping[str, int]
    unread_since: datetime | None
    max_age_days: int
    overdue_from: frozenset[datetime]

    @cached_property
    def last_completed(self) -> datetime | None:
        """Return the newest completion."""
        return self.completed_before(self.now + timedelta(days=1))

    def completed_before(self, moment: datetime) -> datetime | None:
        """Return the newest completion that is older, also one that the history shows no more."""
        return max((at for at in self.completions if at < moment), default=None)

    def failures(self, until: datetime) -> tuple[int, datetime | None]:
        """Return how many failed in a row by then, and when the first of them did."""
        good = self.completed_before(until) or NEVER
        failed = [at for at, raw in self.events if raw["state"] == "failed" and good < at <= until]
        return len(failed), min(failed, default=None)

    def recent(self, until: datetime) -> str:
        """Return the last few outcomes until then."""
        states = [raw["state"] for at, raw in self.events if raw["state"] and at <= until]
        return " ".join(SYMBOLS.get(state, "?") for state in states[-RECENT:])

    def running(self) -> tuple[datetime, ...]:
        """Return when what runs now began."""
        newest = max((at for at, raw in self.events if raw["state"]), default=NEVER)
        return tuple(at for at, raw in self.events if _begins(raw) and at > newest)

    def newest_word(self) -> tuple[datetime, Raw] | None:
        """Return the newest row about the schedule."""
        words = [event for event in self.events if event[1]["action"] in {"scheduled", "stopped"}]
        return words[-1] if words else None

    @property
    def scheduled(self) -> bool:
        """Return whether anything is scheduled, as far as the history says."""
        word = self.newest_word()
        if word is not None:
            return bool(word[1]["action"] == "scheduled")
        return any(raw["repeat_type"] != "immediate" for _, raw in self.events)


def _begins(raw: Raw) -> bool:
    return raw["action"] in {"initiated", None} and not raw["state"]


def _dated(rows: list[Raw]) -> tuple[tuple[datetime, Raw], ...]:
    """Return the rows with their times; one without is older than all here, by its id."""
    times = {id(raw): datetime.fromisoformat(raw["log_time"]).astimezone(UTC) for raw in rows if raw["log_time"]}
    oldest = min(times.values(), default=NEVER) - timedelta(seconds=1)
    begins_first = sorted(rows, key=lambda raw: (times.get(id(raw), oldest), raw["state"] is not None))
    return tuple((times.get(id(raw), oldest), raw) for raw in begins_first)


def minutes(player: Player) -> Iterator[Known]:
    """Yield what was known at each check of a player that sent something."""
    organisation, oracle = player.organisation, Oracle(player)
    window = Window(organisation)
    first = counted_since = player.open[0][0]
    digests = {n.at for n in player.sent if n.kind == "digest"}
    spoke = {n.at for n in player.sent}
    heard: set[int] = set()
    outcomes: Counter[str] = Counter()
    unread: datetime | None = None
    completions: frozenset[datetime] = frozenset()
    begun: frozenset[datetime] = frozenset()
    rows: list[Raw] = []
    events = _dated(rows)
    overdue_from: frozenset[datetime] = frozenset()
    for now, incidents in player.open:
        readable = organisation.outage(now) is None
        if readable and organisation.rows(now) is not rows:
            rows = organisation.rows(now)
            events = _dated(rows)
            news = [raw for raw in rows if id(raw) not in heard]
            heard |= {id(raw) for raw in news}
            completions |= {at for at, raw in events if raw["state"] == "completed"}
            begun |= {at for at, raw in events if _begins(raw)}
            if now > first:
                outcomes.update(raw["state"] for raw in news if raw["state"])
        unread = unread if readable else unread or now
        if "overdue" in incidents or now in spoke:
            max_age = player.max_age_days.get(now, 0)
            due = oracle.due(window.at(now), now, max_age)
            overdue_from |= {due.at} if "overdue" in incidents else set()
            named = frozenset(oracle.named(window.at(now), now))
            since = (first, counted_since, Counter(outcomes), unread, max_age, overdue_from)
            yield Known(now, events, completions, begun, named, due, *since)
        if "overdue" not in incidents:
            overdue_from = frozenset()
        if readable:
            unread = None
        if now in digests:
            counted_since = now
            outcomes.clear()
