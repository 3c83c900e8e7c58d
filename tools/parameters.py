"""The stack's parameters: what template.yaml says of them, and what CloudFormation would find out too late."""

import math
import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from handler.config import A_ZONE, find_zone

TEMPLATE_FILE = Path(__file__).parents[1] / "template.yaml"
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
DAY_MINUTES, WEEK_HOURS = 24 * 60, 7 * 24
WEEKDAY_NAMES = ("", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTH_NAMES = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
CLOCK_CHANGE = timedelta(hours=1)
FIRST_DAY, DAYS = date(2027, 1, 1), 2 * 366  # which days of the week are looked at does not matter, leap years little


@cache
def template() -> dict[str, dict[str, Any]]:
    """Return what template.yaml says of each parameter, in the order in which its groups show them."""
    read = yaml_parse(TEMPLATE_FILE.read_text())
    groups = read["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    ordered = [name for group in groups for name in group["Parameters"]]
    known: dict[str, dict[str, Any]] = read["Parameters"]
    return {name: known[name] for name in (*ordered, *(known.keys() - set(ordered)))}


def default(name: str) -> str:
    """Return a parameter's default as text."""
    return str(template()[name].get("Default", ""))


def complaint(name: str, value: str) -> str:
    """Return what is wrong with a parameter's value, or "": all that CloudFormation would say, and more."""
    rules = template()[name]
    wrong = rules.get("ConstraintDescription", "It does not fit.")
    if "AllowedValues" in rules and value not in map(str, rules["AllowedValues"]):
        return str(wrong)
    if "AllowedPattern" in rules and not re.fullmatch(rules["AllowedPattern"], value):
        return str(wrong)
    if rules["Type"] == "Number":
        if not re.fullmatch(r"[0-9]{1,9}", value):
            return str(wrong)
        if not rules.get("MinValue", 0) <= int(value) <= rules.get("MaxValue", math.inf):
            return str(wrong)
    if name == "TimeZone" and find_zone(value) is None:
        return f"There is no such time zone: give {A_ZONE}."
    if name == "ScheduleExpression" and value.startswith("cron") and longest_gap(value) == timedelta.max:
        return "It never runs, or not twice in two years."
    return ""


def combinations(values: Mapping[str, str]) -> list[str]:
    """Return what is wrong with parameters that must fit each other: the alarms must outlast the schedule's gap."""
    expression = values["ScheduleExpression"]
    gap = longest_gap(expression, values.get("TimeZone", "UTC"))
    if gap is None or gap == timedelta.max:
        return []
    hours = math.ceil(gap / timedelta(hours=1))
    every = f"checks are up to {hours} {'hour' if hours == 1 else 'hours'} apart ({expression})"
    if 3 * hours > WEEK_HOURS:
        return [f"ScheduleExpression is {expression}, but alarms look back a week: check every other day at least"]
    wrong = []
    if int(values["NotInvokedHours"]) <= hours:
        wrong.append(f"NotInvokedHours is {values['NotInvokedHours']}, but {every}: give {hours + 1} or more")
    if int(values["ErrorWindowHours"]) < 3 * hours:
        wrong.append(f"ErrorWindowHours is {values['ErrorWindowHours']}, but {every}: give {3 * hours} or more")
    return wrong


def longest_gap(expression: str, zone: str = "UTC") -> timedelta | None:
    """Return the longest time between two runs; None for what cannot be judged here (L, W, #).

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return int(rate[1]) * UNITS[rate[2]]
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \S+\)", expression)
    if not cron or re.search(r"L|W|#", f"{cron[3]} {re.sub('WED', '', cron[5].upper())}"):
        return None
    gap = _longest_gap_of_cron(*cron.groups())
    return gap if gap == timedelta.max or zone == "UTC" else gap + CLOCK_CHANGE  # on the day the clocks go back


def _longest_gap_of_cron(minute: str, hour: str, day: str, month: str, weekday: str) -> timedelta:
    minutes = [60 * h + m for h in _values(hour, 0, 23) for m in _values(minute, 0, 59)]
    days, months = _values(day, 1, 31), _values(month, 1, 12, MONTH_NAMES)
    weekdays = _values(weekday, 1, 7, WEEKDAY_NAMES)
    dates = [FIRST_DAY + timedelta(days=n) for n in range(DAYS)]
    runs = [
        on.toordinal() * DAY_MINUTES + at
        for on in dates
        if on.month in months and on.day in days and on.isoweekday() % 7 + 1 in weekdays
        for at in minutes[:1] + minutes[-1:]
    ]
    if len(runs) < 3:
        return timedelta.max
    within = [later - earlier for earlier, later in pairwise(minutes)]
    between = [later - earlier for earlier, later in zip(runs[1::2], runs[2::2], strict=False)]
    return timedelta(minutes=max(within + between))


def _values(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> list[int]:
    """Return the numbers that a field of a cron expression means, ascending; what is not understood means none."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        ends = [] if span in {"*", "?"} else [_number(end, names) for end in span.split("-", 1)]
        low, high = (ends or [least])[0], ends[1] if len(ends) > 1 else most if step or not ends else ends[0]
        if all(least <= end <= most for end in (low, high)) and (not step or _number(step) > 0):
            after = [*range(low, high + 1)] if low <= high else [*range(low, most + 1), *range(least, high + 1)]
            found.update(after[:: _number(step) if step else 1])
    return sorted(found)


def _number(text: str, names: tuple[str, ...] = ()) -> int:
    if text in names:
        return names.index(text)
    return int(text) if text.isdecimal() else -1
