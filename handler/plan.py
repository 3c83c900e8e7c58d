"""What Zoho says of the schedule: how often it runs, the next run, and how far apart two runs can be. Pure.

Source: https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any, NamedTuple

from handler.codec import parse_time

POSITIVE = r"0*[1-9]\d{0,3}"
DAYS = rf"[+-]?{POSITIVE}(,[+-]?{POSITIVE})*"
PART = rf"INTERVAL={POSITIVE}|BYDAY=[A-Z0-9,+-]+|BY(MONTHDAY|SETPOS|MONTH)={DAYS}|WKST=[A-Z]+|(COUNT|UNTIL)=\w+"
RULE = re.compile(rf"(RRULE:)?FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;({PART})){{0,8}}", re.A)
"""A rule with any other part, such as a run every second, is ignored, as is a day, month or interval of zero."""
HORIZON = timedelta(days=20 * 365)
LATER_YEARS = 400 * 19
"""The calendar repeats itself every 400 years. Starting near the year 9999 makes dateutil give up on impossible rules,
such as 30 February, within half a second.
"""


class Plan(NamedTuple):
    """Zoho's plan for the backups.

    Attributes:
        rule: The parts of the RRULE, sorted, without those that end it.
        gap_days: The longest time between two runs of the rule, in days.
        read_at: When the answer that named the next run was read.
        next_run: The first next run that Zoho named for this rule.
        starts_at: When the schedule starts, if that was in the future when it was first read.
        ends_at: The last run, if the rule ends.
    """

    rule: str
    gap_days: int
    read_at: datetime
    next_run: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def how_often(self) -> str:
        """How often it recurs: "weekly", "every 3 weeks", "monthly"."""
        parts = dict(part.split("=") for part in self.rule.split(";"))
        if (interval := int(parts.get("INTERVAL", "1"))) == 1:
            return parts["FREQ"].lower()
        unit = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}[parts["FREQ"]]
        return f"every {interval} {unit}s"

    def stands(self, last_completed: datetime | None, changed_at: datetime | None) -> bool:
        """Return whether its next run still counts.

        Args:
            last_completed: Time of the newest completed backup; the next run must be later.
            changed_at: When the schedule last changed in the history; the plan must have been read since.
        """
        later = self.next_run is not None and (last_completed is None or self.next_run > last_completed)
        return later and self.applies(changed_at)

    def applies(self, changed_at: datetime | None) -> bool:
        """Return whether the plan was read since the schedule changed."""
        return changed_at is None or self.read_at >= changed_at


class Schedule(NamedTuple):
    """The schedule, as far as the history tells.

    Attributes:
        repeat_type: How often it runs; after a stop how often it ran, because that interval still decides what is due.
        at: When it was set up; None where it is only concluded from the ``repeat_type`` of other rows.
        stopped_at: When it was turned off; None while it is in force.
        stop_sent: Whether its stop was sent as a warning.
    """

    repeat_type: str | None = None
    at: datetime | None = None
    stopped_at: datetime | None = None
    stop_sent: bool = False

    @property
    def in_force(self) -> bool:
        """Whether backups run by this schedule."""
        return self.repeat_type is not None and self.stopped_at is None

    @property
    def changed_at(self) -> datetime | None:
        """When it was turned off, or else set up, as far as the history says."""
        return self.stopped_at or self.at


def parse_plan(body: object, now: datetime) -> Plan | None:
    """Return the plan in Zoho's answer, or None if the answer names no rule that recurs.

    Args:
        body: The decoded JSON: ``{"backup": {"rrule", "scheduled_date", "start_date", "status", …}}``, or None.
        now: When it was read.
    """
    match body:
        case {"backup": {"rrule": str(rule)} as backup} if len(rule) <= 200 and RULE.fullmatch(rule.upper()):
            with suppress(ValueError, OverflowError):
                return _plan(rule.upper().removeprefix("RRULE:"), backup, now)
    return None


def _plan(rule: str, backup: Mapping[str, Any], now: datetime) -> Plan | None:
    # Imported here because only checks with news read a plan: it would cost every cold start 5 ms.
    from dateutil.rrule import rrulestr

    parts = dict(part.split("=", 1) for part in rule.split(";"))
    count, until = parts.pop("COUNT", ""), parts.pop("UNTIL", "")
    start, next_run = backup.get("start_date"), parse_time(backup.get("scheduled_date"))
    starts_at = parse_time(start)
    # Computed in the time zone that Zoho uses: "the first Thursday" may be a Wednesday in UTC.
    local = datetime.fromisoformat(start) if starts_at and isinstance(start, str) else next_run or now
    normal = ";".join(f"{name}={value}" for name, value in sorted({"INTERVAL": "1", **parts}.items()))
    begin = _later(local.replace(tzinfo=None))
    runs = rrulestr(normal, dtstart=begin)
    days = [run.date() for run in runs.between(begin, begin + HORIZON, inc=True)]
    gap = max(((later - earlier).days for earlier, later in pairwise(days)), default=0)
    if not gap:
        return None
    last = None
    if starts_at and re.fullmatch(POSITIVE, count):
        last = list(islice(runs, int(count)))[-1]
    elif re.fullmatch(r"2[0-2]\d{6}(T\d{6}Z?)?", until):
        last = runs.before(_later(datetime.fromisoformat(until.rstrip("Z"))), inc=True)
    ends_at = parse_time(last.replace(year=last.year - LATER_YEARS, tzinfo=local.tzinfo).isoformat()) if last else None
    if str(backup.get("status")).upper() == "STOPPED":
        next_run = None
    return Plan(normal, gap, now, next_run, starts_at if starts_at and starts_at > now else None, ends_at)


def adopt(old: Plan | None, new: Plan, last_completed: datetime | None, changed_at: datetime | None) -> Plan:
    """Return the plan to remember after an answer.

    The first next run that Zoho named for a rule stands until a backup completes or the schedule changes. If later
    answers could move it, no missed run would ever be noticed.
    """
    if old is None or old.rule != new.rule or not old.applies(changed_at):
        return new if new.stands(last_completed, changed_at) else new._replace(next_run=None)
    if old.stands(last_completed, changed_at):
        return old._replace(ends_at=new.ends_at)
    next_run = new.next_run if new.stands(last_completed, changed_at) else None
    return new._replace(next_run=next_run, starts_at=old.starts_at)


def _later(time: datetime) -> datetime:
    return time.replace(year=time.year + LATER_YEARS)
