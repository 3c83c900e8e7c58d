"""What a trouble is: a script that plays one organisation, and returns what must then hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.truth.calendars import FIRST
from tests.truth.expectations import Expectation, Report, within
from tests.truth.organisation import (
    DAY,
    HOUR,
    Organisation,
    Rule,
    Style,
)

SET_UP = FIRST - 100 * DAY - 4 * HOUR
ONSET = FIRST + 40 * DAY
GRACE = DAY
HANG = DAY
Script = Callable[[Organisation], Sequence[Expectation]]


@dataclass(frozen=True)
class Trouble:
    """One trouble.

    Attributes:
        name: What is wrong.
        script: What happens; returns what must hold.
        needs_plan: True: only where Zoho answers about the plan; False: only where it never does; None: both.
        hourly_from: From when on it is played hour by hour.
        days: How long it is played.
        changes: Settings that change, each from a time on.
    """

    name: str
    script: Script
    needs_plan: bool | None = None
    hourly_from: datetime = ONSET
    days: int = 75
    changes: tuple[tuple[datetime, dict[str, Any]], ...] = field(default=())

    @property
    def until(self) -> datetime:
        """Return when it ends."""
        return FIRST + self.days * DAY

    def organisation(self, style: Style = Style.STEPS) -> tuple[Organisation, Sequence[Expectation]]:
        """Return the organisation that suffered it, and what must hold."""
        organisation = Organisation(style)
        return organisation, self.script(organisation)


END = FIRST + 75 * DAY


def until_onset(zoho: Organisation, rule: Rule, onset: datetime = ONSET) -> datetime:
    """Set a healthy schedule up, live until the onset, and return the last completion as the history dates it."""
    zoho.set_up(SET_UP, rule)
    zoho.live(onset)
    return completed_at(zoho)


def completed_at(zoho: Organisation) -> datetime:
    """Return the last completion as the history dates it: a row that keeps its time is dated by its beginning."""
    runs = [run for run in zoho.runs if run.fate.state == "completed" and run.began and run.ended]
    kept = zoho.style is Style.IN_PLACE
    times = [run.began if kept else run.ended for run in runs]
    return max(time for time in times if time)


def overdue_by(since: datetime) -> Report:
    """Return that `overdue` opens when the grace after that is over."""
    return Report("overdue", "critical", since + GRACE, within(since + GRACE), "opened")
