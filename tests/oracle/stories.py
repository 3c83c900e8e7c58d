"""What may happen to one organisation: calendars and troubles are stories, and more are drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.oracle.organisation import DAY, DELAYS, HOUR, MINUTE, Fate, Organisation, Rule, Style, monthly, weekly

FIRST = datetime(2026, 1, 7, 9, tzinfo=UTC)
"""The first check, a Wednesday."""
PLAYED_DAYS = 130
RULES = (
    weekly(),
    weekly(2),
    weekly(day="TU", hour=15),
    monthly("BYMONTHDAY=15"),
    monthly("BYDAY=1TH"),
    weekly(3, "weekly"),
    weekly(3, "quarterly"),
    monthly("BYMONTHDAY=31"),
)
KNOWN_BY_NAME = RULES[:5]
"""Whose longest gap the history's own word for them gives away."""


@dataclass(frozen=True)
class Story:
    """One organisation's fortunes, small enough to be read in a failure.

    Attributes:
        rule: Its schedule.
        fates: What becomes of its runs from the first check on, in turn; then all are good.
        by_hand: Backups by hand, each so long after the first check.
        change: After how many days the schedule is stopped, for how long, and what is set up then.
        outages: Days after the first check, for how many hours, and why the history cannot be read.
        with_plan: Whether Zoho answers about its plan.
        every: Hours between two checks.
        style: How the history shows a backup.
        lag: Hours by which the plan moves late.
        delays: From the due minute to a run's beginning, in turn.
        age: So many days before the first check the schedule was set up.
        starts_in: How long after that, and after a change, a schedule starts.
        stop_hides: After a stop the plan is gone.
        dead: So many days before the first check the fates begin.
        undated: The state of a row without a time, older than all others; "": there is none.
        replaced: After so many days another company's history is shown; 0: never.
        days: How long it is played.
    """

    rule: Rule
    fates: tuple[Fate, ...] = ()
    by_hand: tuple[timedelta, ...] = ()
    change: tuple[timedelta, timedelta, Rule] | None = None
    outages: tuple[tuple[int, int, str], ...] = ()
    with_plan: bool = True
    every: int = 6
    style: Style = Style.STEPS
    lag: int = 0
    delays: tuple[timedelta, ...] = DELAYS
    age: int = 60
    starts_in: timedelta = DAY
    stop_hides: bool = False
    dead: int = 0
    undated: str = ""
    replaced: int = 0
    days: int = PLAYED_DAYS

    @property
    def until(self) -> datetime:
        """Return when it ends."""
        return FIRST + self.days * DAY

    def organisation(self) -> Organisation:
        """Return the organisation that lived it."""
        zoho = Organisation(self.style)
        zoho.lag, zoho.stop_hides, zoho.delays = self.lag * HOUR, self.stop_hides, self.delays
        set_up = FIRST - self.age * DAY - 4 * HOUR
        zoho.set_up(set_up, self.rule, set_up + self.starts_in)
        if self.undated:
            zoho.show(set_up, self.undated, None, "immediate", id="7", log_time=None)
        zoho.live(FIRST - self.dead * DAY)
        for day, hours, cause in self.outages:
            since = FIRST + day * DAY - 30 * MINUTE
            zoho.outages.append((since, since + hours * HOUR, cause))
        events: list[tuple[datetime, Callable[[datetime], object]]] = []
        events += [(FIRST + after, zoho.by_hand) for after in self.by_hand]
        if self.replaced:
            events.append((FIRST + self.replaced * DAY - 30 * MINUTE, zoho.become_another))
        if self.change:
            after, pause, rule = self.change
            events += [
                (FIRST + after, zoho.stop),
                (FIRST + after + pause, lambda at: zoho.set_up(at, rule, at + self.starts_in)),
            ]
        fates = iter(self.fates)
        for at, happen in [*sorted(events, key=lambda event: event[0]), (self.until, lambda at: None)]:
            zoho.live(at, fates)
            happen(at)
        return zoho


def _fates() -> st.SearchStrategy[Fate]:
    good = st.just(Fate())
    long = st.builds(lambda hours: Fate(takes=hours * HOUR), st.sampled_from((20, 26, 80)))
    failed = st.builds(lambda hours: Fate("failed", takes=hours * HOUR), st.sampled_from((1, 9, 30)))
    late = st.builds(
        lambda state, hours: Fate(state, takes=HOUR, late=hours * HOUR),
        st.sampled_from(("completed", "failed")),
        st.sampled_from((3, 30, 200)),
    )
    return st.one_of(good, good, good, st.just(Fate(missed=True)), failed, st.just(Fate(None)), long, late)


def _after(first_day: int, last_day: int) -> st.SearchStrategy[timedelta]:
    minutes = st.integers(first_day * 24 * 60, last_day * 24 * 60)
    return minutes.map(lambda n: n * MINUTE)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a story; without the plan only of schedules whose name says when they run."""
    with_plan = draw(st.booleans())
    rules = st.sampled_from(RULES if with_plan else KNOWN_BY_NAME)
    change = st.tuples(_after(5, 90), st.sampled_from((2 * MINUTE, 3 * HOUR, 5 * DAY, 20 * DAY)), rules)
    outages = st.tuples(st.integers(2, 120), st.sampled_from((3, 9, 60, 200)), st.just("transient"))
    by_hand = draw(st.lists(_after(3, PLAYED_DAYS - 5), max_size=4, unique=True).map(sorted))
    return Story(
        rule=draw(rules),
        fates=tuple(draw(st.lists(_fates(), max_size=12))),
        by_hand=tuple(by_hand),
        change=draw(st.none() | change),
        outages=tuple(draw(st.lists(outages, max_size=2))),
        with_plan=with_plan,
        every=draw(st.sampled_from((1, 3, 5, 7))),
        style=draw(st.sampled_from(Style)),
        lag=draw(st.sampled_from((0, 0, 5, 30))),
    )
