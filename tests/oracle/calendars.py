"""Healthy calendars: whatever schedule Zoho lets a person set, and nothing wrong with it.

Each is a story, and nothing may be said of it that is more than `info`; but a stop is a true warning until the new
schedule is known, and so is a digest meanwhile; and a pause that is longer than the interval is truly overdue.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.organisation import DAY, HOUR, MINUTE, Fate, Rule, monthly, weekly
from tests.oracle.stories import FIRST, Story

CHANGE, STRADDLING = 47 * DAY + 65 * MINUTE, 47 * DAY + 58 * MINUTE
"""After the first check: at five past an hour a check sees a stop and a new schedule, at two to an hour only a stop."""
SETTLED = 150
"""Days: long after every change, pause and start."""
TYPICAL = (
    ("weekly", weekly(), False),
    ("biweekly", weekly(2), False),
    ("monthly on 1TH", monthly("BYDAY=1TH"), False),
    ("every 3 weeks, called weekly", weekly(3, "weekly"), True),
    ("monthly on the 31.", monthly("BYMONTHDAY=31"), True),
    ("every 13 weeks", weekly(13, "biweekly"), True),
)
"""Name, rule, and whether the history alone does not show when a backup is due."""
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Calendar:
    """A healthy year.

    Attributes:
        name: What makes it special.
        story: What happens.
        needs_plan: The history alone does not show when a backup is due.
        told: Kinds that may be more than `info`, or end something, once, because they are true.
        policy: Settings other than the default.
        settled: After so many days nothing happens that is new: the suite stops there.
    """

    name: str
    story: Story
    needs_plan: bool = False
    told: tuple[str, ...] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    settled: int = 0

    @property
    def modes(self) -> tuple[bool, ...]:
        """Return whether it is played with Zoho's plan, without, or both."""
        return (True,) if self.needs_plan else (True, False)


def plain(rule: Rule, days: int = 366, **more: Any) -> Story:
    """Return a schedule that runs undisturbed."""
    return Story(rule, **{"days": days, **more})


def changed(old: Rule, new: Rule, at: timedelta = CHANGE, pause: timedelta = 2 * MINUTE, *by_hand: timedelta) -> Story:
    """Return a schedule that is stopped ``at`` and set up again; backups ``by_hand`` after the stop."""
    return plain(old, change=(at, pause, new), by_hand=tuple(at + after for after in by_hand))


def calendars() -> Iterator[Calendar]:
    """Yield the table."""
    yield from _intervals()
    yield from _months()
    for year in (*_changes(), *_pauses(), *_by_hand(), *_slow(), *_starts()):
        yield replace(year, settled=SETTLED)


def _intervals() -> Iterator[Calendar]:
    yield Calendar("weekly", plain(weekly()))
    yield Calendar("weekly in Berlin", plain(weekly(zone=BERLIN)))
    yield Calendar("weekly, set up more than a year ago", plain(weekly(), age=500))
    yield Calendar("biweekly, set up more than a year ago", plain(weekly(2), age=500))
    yield Calendar("biweekly", plain(weekly(2)))
    for weeks, name in product((3, 4, 6, 8, 13, 26, 52), ("weekly", "biweekly", "monthly", "every_n_weeks")):
        enough = name in {"monthly", "every_n_weeks"} and weeks <= 5
        story = plain(weekly(weeks, name), 366 if weeks < 26 else 800)
        yield Calendar(f"every {weeks} weeks, called {name}", story, not enough)
    yield Calendar("every 52 weeks, first seen a week before a run", plain(weekly(52, "monthly"), 800, age=360), True)


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
    yield Calendar("monthly, set up more than a year ago", plain(monthly("BYDAY=1TH"), age=500))
    for months in (2, 3, 6, 12):
        story = plain(monthly("BYMONTHDAY=15", months), 366 if months < 6 else 800)
        yield Calendar(f"every {months} months", story, needs_plan=True)
    skipping = monthly("BYMONTHDAY=31", 2)
    yield Calendar("every 2 months on the 31., from December", plain(skipping, 800, age=36), True)
    yield Calendar("every 2 months on the 31., from November", plain(skipping, 800), True)


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
        yield Calendar(f"{name}, seen half way", half_way, needs_plan, ("stopped",))
        for when, pause, after in by_hand if not needs_plan else ():
            yield Calendar(f"{name}, by hand {when}", changed(old, new, CHANGE, pause, after))
    late = changed(weekly(2), three, CHANGE, 2 * MINUTE, 26 * HOUR)
    yield Calendar("biweekly to every 3 weeks, by hand a day later", late, True)


def _pauses() -> Iterator[Calendar]:
    pause, by_hand = 20 * DAY, (5 * DAY, 10 * DAY, 15 * DAY)
    for name, rule in (("weekly", weekly()), ("biweekly", weekly(2)), ("monthly", monthly("BYDAY=1TH"))):
        true = ("stopped", "overdue", "digest")
        yield Calendar(f"{name}, paused for 20 days", changed(rule, rule, CHANGE, pause), told=true)
        story = changed(rule, rule, CHANGE, pause, *by_hand)
        yield Calendar(f"{name}, paused, by hand every 5 days", story, told=("stopped", "digest"))


def _by_hand() -> Iterator[Calendar]:
    for name, rule, needs_plan in TYPICAL:
        for days in (3, 10, 25):
            times = tuple(n * (days * DAY + 5 * HOUR) for n in range(1, 366 // days))
            yield Calendar(f"{name}, by hand every {days} days", plain(rule, by_hand=times), needs_plan)
        undisturbed = plain(rule, fates=(Fate(takes=20 * MINUTE),) * 60)
        ends = [run.end - FIRST for run in undisturbed.organisation().runs if run.start > FIRST]
        story = replace(undisturbed, by_hand=tuple(end + 2 * MINUTE for end in ends))
        yield Calendar(f"{name}, by hand after each run", story, needs_plan)


def _slow() -> Iterator[Calendar]:
    def turns(*hours: float) -> dict[str, Any]:
        return {"fates": tuple(Fate(takes=n * HOUR) for n in hours) * 30, "dead": 60}

    first_seen = ("stuck", "recovered", "digest")
    for name, rule in (("weekly", weekly()), ("monthly on 1TH", monthly("BYDAY=1TH"))):
        yield Calendar(f"{name}, up to 23 hours each", plain(rule, **turns(23, 0.2, 22)))
        story = plain(rule, **turns(26, 0.7, 26.8))
        yield Calendar(f"{name}, up to 27 hours each, 48 allowed", story, policy={"stuck_hours": 48})
        yield Calendar(f"{name}, up to 27 hours each, 24 allowed", story, told=first_seen)
        for hours in (5, 30, 60):
            told = first_seen if hours > 24 else ()
            yield Calendar(f"{name}, {hours} hours each", plain(rule, **turns(hours)), told=told)
        queued = plain(rule, delays=(9 * HOUR, MINUTE, 12 * HOUR), **turns(10, 1))
        yield Calendar(f"{name}, queued for up to 12 hours", queued)
    for (name, rule, needs_plan), hours in product(TYPICAL, (5, 30)):
        yield Calendar(f"{name}, the plan moves {hours} hours late", plain(rule, lag=hours), needs_plan)


def _starts() -> Iterator[Calendar]:
    thursday, hand = monthly("BYDAY=1TH"), (CHANGE + 30 * HOUR,)
    for name, rule, days, by_hand in (
        ("weekly, starting in 5 days", weekly(), 5, ()),
        ("weekly, starting in 25 days", weekly(), 25, ()),
        ("monthly, starting in 40 days", thursday, 40, ()),
        ("weekly, starting in 25 days, by hand before", weekly(), 25, hand),
    ):
        yield Calendar(name, replace(changed(weekly(), rule), starts_in=days * DAY, by_hand=by_hand), days > 7)
    for days in (1, 40):
        story = plain(weekly(), age=-10, starts_in=days * DAY)
        yield Calendar(f"the first schedule of all, in {days} days", story, days > 7, ("baseline",))
