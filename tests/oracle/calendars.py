"""Healthy calendars: whatever schedule Zoho lets a person set, and nothing wrong with it.

Each is a script over an `Organisation`, and what may be said of it: nothing worse than `info`, no ``recovered``; but a
stop is a true warning until the new schedule is known, and so is a digest meanwhile; and a pause that is longer than
the interval is truly overdue.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.organisation import DAY, HOUR, MINUTE, Fate, Organisation, Rule, Style, monthly, weekly

FIRST = datetime(2026, 1, 7, 9, tzinfo=UTC)
"""The first check, a Wednesday."""
YEAR = timedelta(days=366)
SET_UP = FIRST - 60 * DAY - 4 * HOUR
CHANGE = FIRST + 47 * DAY + 65 * MINUTE
"""Five past an hour: a stop and a new schedule are seen by one check."""
STRADDLING = CHANGE - 7 * MINUTE
"""Two to an hour: a check sees the stop alone."""
SETTLED = 150
"""Days: long after every change, pause and start."""
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")

Script = Callable[[Organisation], None]


Allowed = tuple[str, datetime, datetime]
"""A notice's kind that may be worse than `info` since then, until then, because it is true."""


@dataclass(frozen=True)
class Calendar:
    """A healthy year.

    Attributes:
        name: What makes it special.
        script: What happens.
        needs_plan: The history alone does not show when a backup is due.
        allowed: True warnings.
        days: How long it is played.
        policy: Settings other than the default.
        settled: After so many days nothing happens that is new: the suite stops there.
    """

    name: str
    script: Script
    needs_plan: bool = False
    allowed: tuple[Allowed, ...] = ()
    days: int = 366
    policy: dict[str, Any] = field(default_factory=dict)
    settled: int = 0

    @property
    def modes(self) -> tuple[bool, ...]:
        """Return whether it is played with Zoho's plan, without, or both."""
        return (True,) if self.needs_plan else (True, False)

    def organisation(self, style: Style) -> Organisation:
        """Return the organisation that lived it."""
        organisation = Organisation(style)
        self.script(organisation)
        return organisation


def plain(rule: Rule, days: int = 366, set_up: datetime = SET_UP, **traits: Any) -> Script:
    """Return the script of one schedule that runs undisturbed."""

    def script(zoho: Organisation) -> None:
        for name, value in traits.items():
            assert hasattr(zoho, name)
            setattr(zoho, name, value)
        zoho.set_up(set_up, rule)
        zoho.live(FIRST + days * DAY)

    return script


def changed(old: Rule, new: Rule, at: datetime = CHANGE, pause: timedelta = 2 * MINUTE, *by_hand: timedelta) -> Script:
    """Return the script of a schedule that is stopped ``at`` and set up again; backups ``by_hand`` after the stop."""

    def script(zoho: Organisation) -> None:
        zoho.set_up(SET_UP, old)
        zoho.live(at)
        zoho.stop(at)
        for after in by_hand:
            if after < pause:
                zoho.by_hand(at + after)
        zoho.set_up(at + pause, new)
        for after in by_hand:
            if after >= pause:
                zoho.live(at + after)
                zoho.by_hand(at + after)
        zoho.live(FIRST + YEAR)

    return script


def with_backups_by_hand(rule: Rule, every: timedelta, days: int = 366) -> Script:
    """Return the script of a schedule with backups by hand in between, from the first check on."""

    def script(zoho: Organisation) -> None:
        zoho.set_up(SET_UP, rule)
        at = FIRST + every
        while at < FIRST + days * DAY:
            zoho.live(at)
            zoho.by_hand(at)
            at += every
        zoho.live(FIRST + days * DAY)

    return script


def with_a_backup_by_hand_after_each_run(rule: Rule) -> Script:
    """Return the script in which somebody backs up by hand within the hour in which a run completes."""

    def script(zoho: Organisation) -> None:
        zoho.set_up(SET_UP, rule)
        zoho.durations = (20 * MINUTE,)
        zoho.live(FIRST)
        while zoho.due() < FIRST + YEAR:
            run = zoho.run()
            assert run.ended is not None
            zoho.by_hand(run.ended + 2 * MINUTE, Fate(takes=5 * MINUTE))

    return script


def starting_later(rule: Rule, starts_in: timedelta, by_hand: timedelta | None = None) -> Script:
    """Return the script of a weekly schedule that is changed to one whose start is still to come."""

    def script(zoho: Organisation) -> None:
        zoho.set_up(SET_UP, weekly())
        zoho.live(CHANGE)
        zoho.stop(CHANGE)
        zoho.set_up(CHANGE + 2 * MINUTE, rule, CHANGE + starts_in)
        if by_hand is not None:
            zoho.by_hand(CHANGE + by_hand)
        zoho.live(FIRST + YEAR)

    return script


def first_schedule(rule: Rule, starts_in: timedelta) -> Script:
    """Return the script of an organisation that sets its first schedule up while it is watched."""

    def script(zoho: Organisation) -> None:
        zoho.set_up(FIRST + 10 * DAY, rule, FIRST + 10 * DAY + starts_in)
        zoho.live(FIRST + YEAR)

    return script


def _stop_seen(at: datetime, until: datetime) -> Allowed:
    return "stopped", at, until + HOUR


def calendars() -> Iterator[Calendar]:
    """Yield the table."""
    yield from _intervals()
    yield from _months()
    for year in (*_changes(), *_pauses(), *_by_hand(), *_slow(), *_starts()):
        yield replace(year, settled=SETTLED)


def _intervals() -> Iterator[Calendar]:
    yield Calendar("weekly", plain(weekly()))
    yield Calendar("weekly in Berlin", plain(weekly(zone=BERLIN)))
    yield Calendar("weekly, set up more than a year ago", plain(weekly(), set_up=FIRST - 500 * DAY))
    yield Calendar("biweekly, set up more than a year ago", plain(weekly(2), set_up=FIRST - 500 * DAY))
    yield Calendar("biweekly", plain(weekly(2)))
    names = ("weekly", "biweekly", "monthly", "every_n_weeks")
    for weeks in (3, 4, 6, 8, 13, 26, 52):
        days = 366 if weeks < 26 else 800
        for name in names:
            enough = name in names[2:] and weeks <= 5
            rule = weekly(weeks, name)
            yield Calendar(f"every {weeks} weeks, called {name}", plain(rule, days), not enough, days=days)
    script = plain(weekly(52, "monthly"), 800, FIRST - 360 * DAY)
    yield Calendar("every 52 weeks, first seen a week before a run", script, True, days=800)


def _months() -> Iterator[Calendar]:
    for day in (1, 15, 28):
        yield Calendar(f"monthly on the {day}.", plain(monthly(f"BYMONTHDAY={day}")))
    for day in (29, 30, 31):
        rule = monthly(f"BYMONTHDAY={day}")
        yield Calendar(f"monthly on the {day}., short months skipped", plain(rule), needs_plan=True)
        yield Calendar(f"monthly on the {day}., or the last day", plain(replace(rule, clamped=True)))
    for weekday in ("1TH", "2MO", "4SU", "-1FR"):
        yield Calendar(f"monthly on {weekday}", plain(monthly(f"BYDAY={weekday}")))
    yield Calendar("monthly on 5TH, months without one skipped", plain(monthly("BYDAY=5TH")), needs_plan=True)
    yield Calendar("monthly on 1TH in New York", plain(monthly("BYDAY=1TH", zone=NEW_YORK)))
    yield Calendar("monthly, set up more than a year ago", plain(monthly("BYDAY=1TH"), set_up=FIRST - 500 * DAY))
    for months in (2, 3, 6, 12):
        days = 366 if months < 6 else 800
        rule = monthly("BYMONTHDAY=15", months)
        yield Calendar(f"every {months} months", plain(rule, days), needs_plan=True, days=days)
    skipping = monthly("BYMONTHDAY=31", 2)
    script = plain(skipping, 800, FIRST - 36 * DAY)
    yield Calendar("every 2 months on the 31., from December", script, True, days=800)
    yield Calendar("every 2 months on the 31., from November", plain(skipping, 800), True, days=800)


def _changes() -> Iterator[Calendar]:
    first, thursday = monthly("BYMONTHDAY=1"), monthly("BYDAY=1TH")
    three, three_monthly = weekly(3, "weekly"), weekly(3, "monthly")
    pairs = (
        ("weekly to biweekly", weekly(), weekly(2), False),
        ("weekly to monthly", weekly(), first, False),
        ("weekly to another day", weekly(), weekly(day="TU"), False),
        ("weekly to monthly by weekday", weekly(), thursday, False),
        ("biweekly to weekly", weekly(2), weekly(), False),
        ("biweekly to monthly", weekly(2), first, False),
        ("monthly to weekly", first, weekly(), False),
        ("monthly to biweekly", thursday, weekly(2), False),
        ("monthly to another day", first, monthly("BYMONTHDAY=28"), False),
        ("biweekly to every 3 weeks, called weekly", weekly(2), three, True),
        ("biweekly to every 3 weeks, called monthly", weekly(2), three_monthly, False),
        ("weekly to every 13 weeks", weekly(), weekly(13, "biweekly"), True),
        ("every 13 weeks to weekly", weekly(13, "monthly"), weekly(), True),
        ("weekly to the 31.", weekly(), monthly("BYMONTHDAY=31"), True),
        ("every 3 weeks to monthly", three, first, True),
    )
    by_hand = (
        ("before the new schedule", 30 * MINUTE, 5 * MINUTE),
        ("after the new schedule", 2 * MINUTE, 20 * MINUTE),
        ("a day later", 2 * MINUTE, 26 * HOUR),
    )
    for name, old, new, needs_plan in pairs:
        yield Calendar(name, changed(old, new), needs_plan)
        half_way = changed(old, new, STRADDLING, 5 * MINUTE)
        seen = _stop_seen(STRADDLING, STRADDLING + 5 * MINUTE)
        yield Calendar(f"{name}, seen half way", half_way, needs_plan, (seen,))
        for when, pause, after in by_hand if not needs_plan else ():
            yield Calendar(f"{name}, by hand {when}", changed(old, new, CHANGE, pause, after))
    script = changed(weekly(2), three, CHANGE, 2 * MINUTE, 26 * HOUR)
    yield Calendar("biweekly to every 3 weeks, by hand a day later", script, True)


def _pauses() -> Iterator[Calendar]:
    pause, end = 20 * DAY, CHANGE + 20 * DAY
    stopped = _stop_seen(CHANGE, CHANGE)
    for name, rule, interval in (
        ("weekly", weekly(), 7),
        ("biweekly", weekly(2), 14),
        ("monthly", monthly("BYDAY=1TH"), 28),
    ):
        last = _last_completion(rule)
        true = ((kind, last + (interval + 1) * DAY, end + HOUR) for kind in ("overdue", "digest"))
        yield Calendar(f"{name}, paused for 20 days", changed(rule, rule, CHANGE, pause), allowed=(stopped, *true))
        by_hand = changed(rule, rule, CHANGE, pause, 5 * DAY, 10 * DAY, 15 * DAY)
        digest = "digest", CHANGE, end
        yield Calendar(f"{name}, paused, by hand every 5 days", by_hand, allowed=(stopped, digest))


def _last_completion(rule: Rule) -> datetime:
    """Return the earliest time that a style gives the last completion: when it began, where a row keeps its time."""
    zoho = Organisation()
    zoho.set_up(SET_UP, rule)
    zoho.live(CHANGE)
    return max(run.began for run in zoho.runs if run.began and run.ended)


def _by_hand() -> Iterator[Calendar]:
    three, thirty_first = weekly(3, "weekly"), monthly("BYMONTHDAY=31")
    table = (
        ("weekly", weekly(), False),
        ("biweekly", weekly(2), False),
        ("monthly on 1TH", monthly("BYDAY=1TH"), False),
        ("every 3 weeks, called weekly", three, True),
        ("monthly on the 31.", thirty_first, True),
        ("every 13 weeks", weekly(13, "biweekly"), True),
    )
    for name, rule, needs_plan in table:
        for days in (3, 10, 25):
            script = with_backups_by_hand(rule, days * DAY + 5 * HOUR)
            yield Calendar(f"{name}, by hand every {days} days", script, needs_plan)
        script = with_a_backup_by_hand_after_each_run(rule)
        yield Calendar(f"{name}, by hand after each run", script, needs_plan)


def _first_long_run(rule: Rule, durations: tuple[timedelta, ...]) -> tuple[Allowed, ...]:
    """Allow what is said of the first run of over a day that is watched: where rows change, none is known before."""
    zoho = Organisation()
    plain(rule, durations=durations)(zoho)
    seen = next(run.end for run in zoho.runs if run.start > FIRST and run.end > run.start + DAY)
    return tuple((kind, FIRST, seen + HOUR) for kind in ("stuck", "recovered", "digest"))


def _slow() -> Iterator[Calendar]:
    long = (26 * HOUR, 40 * MINUTE, 26 * HOUR + 50 * MINUTE)
    start = SET_UP - timedelta(hours=13)
    for name, rule in (("weekly", weekly()), ("monthly on 1TH", monthly("BYDAY=1TH"))):
        yield Calendar(f"{name}, up to 23 hours each", plain(rule, durations=(23 * HOUR, 10 * MINUTE, 22 * HOUR)))
        script = plain(rule, set_up=start, durations=long)
        yield Calendar(f"{name}, up to 27 hours each, 48 allowed", script, policy={"stuck_hours": 48})
        yield Calendar(f"{name}, up to 27 hours each, 24 allowed", script, allowed=_first_long_run(rule, long))
        for hours in (5, 30, 60):
            runs = (hours * HOUR,)
            allowed = _first_long_run(rule, runs) if hours > 24 else ()
            yield Calendar(f"{name}, {hours} hours each", plain(rule, durations=runs), allowed=allowed)
        queued = plain(rule, delays=(9 * HOUR, MINUTE, 12 * HOUR), durations=(10 * HOUR, HOUR))
        yield Calendar(f"{name}, queued for up to 12 hours", queued)
    lagging = (
        ("weekly", weekly(), False),
        ("every 3 weeks, called weekly", weekly(3, "weekly"), True),
        ("monthly on the 31.", monthly("BYMONTHDAY=31"), True),
        ("monthly on 1TH", monthly("BYDAY=1TH"), False),
    )
    for name, rule, needs_plan in lagging:
        for hours in (5, 30):
            script = plain(rule, lag=hours * HOUR)
            yield Calendar(f"{name}, the plan moves {hours} hours late", script, needs_plan)


def _starts() -> Iterator[Calendar]:
    yield Calendar("weekly, starting in 5 days", starting_later(weekly(), 5 * DAY))
    yield Calendar("weekly, starting in 25 days", starting_later(weekly(), 25 * DAY), True)
    yield Calendar("monthly, starting in 60 days", starting_later(monthly("BYDAY=1TH"), 60 * DAY), True)
    script = starting_later(weekly(), 25 * DAY, 30 * HOUR)
    yield Calendar("weekly, starting in 25 days, by hand before", script, True)
    nothing_yet = (("baseline", FIRST, FIRST + HOUR),)
    yield Calendar("the first schedule of all, weekly", first_schedule(weekly(), DAY), allowed=nothing_yet)
    yield Calendar("the first schedule of all, in 40 days", first_schedule(weekly(), 40 * DAY), True, nothing_yet)
