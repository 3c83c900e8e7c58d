"""Zoho as one organisation sees it: rows as it sends them, and what it answers about the plan, at any minute.

Sources of the shapes: https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html and
https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html
"""

import calendar
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Self
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from sandbox.zoho import links, plan, row

INDIA = ZoneInfo("Asia/Kolkata")
MINUTE, HOUR, DAY, WEEK = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days", "weeks"))
YEAR_KEPT = timedelta(days=365)
"""Zoho's history is one year long."""
DURATIONS = (25 * MINUTE, 3 * HOUR, 40 * MINUTE, 11 * HOUR, 55 * MINUTE)
DELAYS = (1 * MINUTE, 4 * MINUTE, 17 * MINUTE)
FILES = ((1, 2), (1, 2), (2, 0), (1, 0), (0, 0))
"""Of data and of attachments, in turn."""

Raw = dict[str, Any]


class Style(Enum):
    """How the history shows one backup: which of them Zoho uses is not public."""

    STEPS = "a row per step"
    SWAPPED = "a row per step, ids out of order, and one before, without a time"
    IN_PLACE = "a row that changes, and keeps its time"
    MOVING = "a row that changes, and its time with it"


@cache
def recurring(text: str, start: datetime) -> rruleset | rrule:
    """Return a rule's runs, each worked out once: the same few rules are asked for in every organisation."""
    return rrulestr(text, dtstart=start, cache=True)


@dataclass(frozen=True)
class Rule:
    """A schedule that Zoho lets a person set.

    Attributes:
        text: The rule, without ``RRULE:``.
        repeat_type: What the history calls it.
        zone: Where its hours count.
        hour: When it runs, local time.
        clamped: Runs on the last day of a month that does not have the day, in place of skipping the month.
    """

    text: str
    repeat_type: str
    zone: ZoneInfo = INDIA
    hour: int = 2
    clamped: bool = False

    def runs(self, start: datetime) -> Iterator[datetime]:
        """Yield the runs from ``start`` on, in UTC, for ever."""
        local = start.astimezone(self.zone).replace(tzinfo=None)
        if self.clamped:
            yield from self._clamped_runs(local)
            return
        for run in recurring(self.text, local):
            yield run.replace(tzinfo=self.zone).astimezone(UTC)

    def _clamped_runs(self, local: datetime) -> Iterator[datetime]:
        day = int(self.text.rsplit("BYMONTHDAY=", 1)[1])
        for month in range(local.month - 1, local.month + 1200):
            year, month_of_year = local.year + month // 12, month % 12 + 1
            last = calendar.monthrange(year, month_of_year)[1]
            run = local.replace(year=year, month=month_of_year, day=min(day, last))
            if run >= local:
                yield run.replace(tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Fate:
    """What becomes of one run.

    Attributes:
        state: ``completed``, ``failed`` …; None: it never ends.
        takes: From its beginning to its end; None: the usual durations in turn.
        missed: It never begins.
        late: How long after its end the history shows the end; of a missed one, how late it shows one all the same.
        first: A state that nobody knows, which the history shows from the end until then.
    """

    state: str | None = "completed"
    takes: timedelta | None = None
    missed: bool = False
    late: timedelta = timedelta(0)
    first: str = ""


GOOD, MISSED, HUNG = Fate(), Fate(missed=True), Fate(None)


@dataclass(frozen=True)
class Run:
    """One backup, as it really was.

    Attributes:
        due: When the schedule had it; None: made by hand.
        began: None: never.
        ended: None: never.
        fate: What became of it.
        files: How many there are, of data and of attachments.
    """

    due: datetime | None
    began: datetime | None
    ended: datetime | None
    fate: Fate
    files: tuple[int, int] = (1, 0)

    @property
    def start(self) -> datetime:
        """Return when it began; it did."""
        assert self.began
        return self.began

    @property
    def end(self) -> datetime:
        """Return when it ended; it did."""
        assert self.ended
        return self.ended

    @property
    def links_until(self) -> datetime:
        """Return until when it can be downloaded; it completed."""
        return self.end + 7 * DAY


@dataclass
class _Schedule:
    rule: Rule
    starts: datetime
    upcoming: Iterator[datetime]
    due: datetime
    runs: list[Run] = field(default_factory=list)


class Organisation:
    """One organisation's backups: scripts call `set_up`, `live`, `by_hand` and `stop` in the order of time.

    Attributes:
        lag: How long after a run's end the plan still names that run as the next one.
        stop_hides: After a stop the plan answers 204; else with ``STOPPED`` and its rule.
        delays: From the due minute to a run's beginning, in turn.
        outages: Times in which the history cannot be read, each with a cause.
    """

    def __init__(self, style: Style = Style.STEPS) -> None:
        """Begin with an empty history."""
        self.style = style
        self.lag = timedelta(0)
        self.stop_hides = False
        self.delays: tuple[timedelta, ...] = DELAYS
        self.outages: list[tuple[datetime, datetime, str]] = []
        self.runs: list[Run] = []
        self.schedules: list[tuple[datetime, Rule | None]] = []
        self._shown: list[tuple[Raw, datetime, datetime]] = []
        self._events: list[tuple[datetime, str, _Schedule | None, Run | None]] = []
        self._schedule: _Schedule | None = None
        self._ids = 0
        self._other = (datetime.min.replace(tzinfo=UTC), 0)
        self._bounds: list[datetime] | None = None
        self._cache: tuple[int, list[Raw]] = (-1, [])

    @classmethod
    def recorded(cls, sample: dict[str, Any]) -> Self:
        """Return a real organisation, as `make history-sample` prints it: each row is shown from its own time on.

        Its runs were due when they began. A schedule that is neither weekly nor biweekly counts as monthly.
        """
        rules = {"weekly": weekly(), "biweekly": weekly(2)}
        made, since = (
            cls(),
            min(datetime.fromisoformat(raw["log_time"]) for raw in sample["history"] if raw["log_time"]),
        )
        for raw in reversed(sample["history"]):
            since = datetime.fromisoformat(raw["log_time"]) if raw["log_time"] else since
            made._show(raw, since)
            if raw["action"] == "scheduled":
                made.schedules.append((since, rules.get(raw["repeat_type"], monthly("BYMONTHDAY=1"))))
            elif raw["action"] == "initiated" and raw["repeat_type"] != "immediate":
                made.runs.append(Run(since, since, None, GOOD))
        return made

    # What happens.

    def set_up(self, at: datetime, rule: Rule, starts: datetime) -> None:
        """Schedule backups from the local day of ``starts`` on."""
        local = starts.astimezone(rule.zone)
        first = local.replace(hour=rule.hour, minute=0, second=0, microsecond=0)
        upcoming = rule.runs(first.astimezone(UTC))
        self._schedule = _Schedule(rule, first, upcoming, next(upcoming))
        self._events.append((at, "set_up", self._schedule, None))
        self.schedules.append((at, rule))
        self.show(at, None, "scheduled", rule.repeat_type)

    def stop(self, at: datetime) -> None:
        """Stop the schedule in force."""
        schedule = self._schedule
        assert schedule
        self._events.append((at, "stop", schedule, None))
        self.schedules.append((at, None))
        self.show(at, None, "stopped", schedule.rule.repeat_type)
        self._schedule = None

    def live(self, until: datetime, fates: Iterable[Fate] = ()) -> None:
        """Let every run that is due before ``until`` come to its fate: these in turn, then a good one."""
        coming = iter(fates)
        while (schedule := self._schedule) and (due := schedule.due) < until:
            fate = next(coming, GOOD)
            began = None if fate.missed else due + self.delays[len(self.runs) % len(self.delays)]
            run = self._play(due, began, fate, schedule.rule.repeat_type)
            schedule.runs.append(run)
            if began:
                self._events.append((began, "run", schedule, run))
            schedule.due = next(schedule.upcoming)

    def by_hand(self, at: datetime) -> None:
        """Back up by hand; Zoho's plan answers with this backup until the next run of the schedule."""
        run = self._play(None, at, Fate(takes=20 * MINUTE), "immediate")
        self._events.append((at, "by_hand", self._schedule, run))

    def become_another(self, at: datetime) -> None:
        """Show another company's history, with the same schedule, from then on; the first look at it proves nothing."""
        former, events = len(self._shown), len(self._events)
        rule = next(rule for _, rule in reversed(self.schedules) if rule)
        self._other = (at, len(self.runs))
        self._ids, self.delays = self._ids + 9_000_000, (3 * MINUTE,)
        self.set_up(at - 100 * DAY, rule, at - 99 * DAY)
        self.live(at)
        gone = [(raw, since, min(until, at)) for raw, since, until in self._shown[:former]]
        self._shown = gone + [(raw, max(since, at), until) for raw, since, until in self._shown[former:]]
        self._events[events:] = [(max(event[0], at), *event[1:]) for event in self._events[events:]]
        self._bounds = None
        self.outages.append((at, at + HOUR, "replaced"))

    def show(self, at: datetime, state: str | None, action: str | None, repeat_type: str, **changes: Any) -> None:
        """Show a row from then on; other fields of it may be changed."""
        self._show({**self._row(at, state, action, repeat_type), **changes}, at)

    # What Zoho answers.

    def rows(self, now: datetime) -> list[Raw]:
        """Return the history, newest first. The same list while nothing changes."""
        if self._bounds is None:
            self._bounds = sorted({bound for _, *bounds in self._shown for bound in bounds})
        index = bisect_right(self._bounds, now)
        if self._cache[0] != index:
            rows = [raw for raw, since, until in self._shown if since <= now < until]
            self._cache = (index, sorted(rows, key=lambda raw: str(raw["log_time"] or ""), reverse=True))
        return self._cache[1]

    def turns(self) -> list[datetime]:
        """Return the minutes in which something happens that matters: rows that appear, runs that are due."""
        return sorted({since for _, since, _ in self._shown} | {run.due for run in self.runs if run.due})

    def plan(self, now: datetime) -> Raw | None:
        """Return what ``GET …/backup`` answers, None for 204."""
        events = [event for event in self._events if event[0] <= now]
        if not events:
            return None
        _, kind, schedule, run = max(events, key=lambda event: event[0])
        if kind == "by_hand":
            assert run is not None
            return {"backup": plan(None, status="INPROGRESS" if not run.ended or run.ended > now else "COMPLETED")}
        assert schedule is not None
        rule = f"RRULE:{schedule.rule.text}"
        if kind == "stop":
            return None if self.stop_hides else {"backup": plan(rule, None, schedule.starts, "STOPPED")}
        upcoming = self._next_run(schedule, now)
        running = run is not None and (run.ended is None or run.ended > now)
        status = "INPROGRESS" if running else "SCHEDULED"
        return {"backup": plan(rule, upcoming.astimezone(schedule.rule.zone), schedule.starts, status)}

    def links(self, now: datetime) -> Raw | None:
        """Return what ``GET …/backup/urls`` answers, None for 204 a day after they expired."""
        at, others = self._other
        known = self.runs[:others] if now < at else self.runs[others:]
        ended = [run for run in known if run.ended and run.ended <= now and run.fate.state == "completed"]
        latest = max(ended, key=lambda run: run.end, default=None)
        return {"urls": links(latest.links_until, *latest.files)} if latest and latest.links_until > now - DAY else None

    def outage(self, now: datetime) -> str | None:
        """Return why the history cannot be read."""
        return next((cause for since, until, cause in self.outages if since <= now < until), None)

    # How it is kept.

    def _next_run(self, schedule: _Schedule, now: datetime) -> datetime:
        """Return the run that the plan names: one that ended moves it after the lag, a missed one after an hour."""
        for run in schedule.runs:
            assert run.due is not None
            passed = run.ended + self.lag if run.ended else (run.began or run.due) + HOUR
            if passed > now:
                return run.due
        return schedule.due

    def _play(self, due: datetime | None, began: datetime | None, fate: Fate, repeat_type: str) -> Run:
        takes = fate.takes or DURATIONS[len(self.runs) % len(DURATIONS)]
        ended = began + takes if began and fate.state else None
        run = Run(due, began, ended, fate, FILES[len(self.runs) % len(FILES)])
        self.runs.append(run)
        if began is None:
            if due and fate.late:
                self._show(self._row(due + HOUR, fate.state, None, repeat_type), due + fate.late)
            return run
        if self.style is Style.SWAPPED:
            announced = {**self._row(began, "SCHEDULED", None, repeat_type), "log_time": None}
            self._shown.append((announced, began - 30 * HOUR, began))
        steps = self.style in {Style.STEPS, Style.SWAPPED}
        action, state = "initiated" if steps else None, "INPROGRESS" if self.style is Style.MOVING else None
        begun = self._row(began, state, action, repeat_type)
        if ended is None or steps:
            self._show(begun, began)
        if ended:
            seen, at = ended + fate.late, began if self.style is Style.IN_PLACE else ended
            last = {**(self._row(at, None, None, repeat_type) if steps else begun), "log_time": self._stamp(at)}
            self._show({**last, "state": fate.state}, seen)
            if fate.first:
                self._shown.append(({**last, "state": fate.first}, ended, seen))
            if not steps:
                self._shown.append((begun, began, ended if fate.first else seen))
        return run

    def _show(self, raw: Raw, since: datetime) -> None:
        log_time = raw["log_time"]
        aged = (datetime.fromisoformat(log_time) if log_time else since) + YEAR_KEPT
        self._shown.append((raw, since, aged))
        self._bounds = None

    def _row(self, at: datetime, state: str | None, action: str | None, repeat_type: str) -> Raw:
        self._ids += 1
        number = self._ids ^ 1 if self.style is Style.SWAPPED else self._ids
        fields = {"state": state, "action": action, "repeat_type": repeat_type}
        return row(at.astimezone(INDIA), id=str(4150868000000000000 + number * 1001), **fields)

    @staticmethod
    def _stamp(at: datetime) -> str:
        return at.astimezone(INDIA).isoformat(timespec="seconds")


def weekly(interval: int = 1, repeat_type: str | None = None, day: str = "SA", **more: Any) -> Rule:
    """Return a rule of every ``interval`` weeks; from three on nobody knows what the history calls it."""
    name = repeat_type or {1: "weekly", 2: "biweekly"}[interval]
    return replace(Rule(f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={day}", name), **more)


def monthly(part: str, interval: int = 1, **more: Any) -> Rule:
    """Return a monthly rule: ``BYMONTHDAY=15`` or ``BYDAY=1TH``."""
    return replace(Rule(f"FREQ=MONTHLY;INTERVAL={interval};{part}", "monthly"), **more)
