"""Healthy organisations hear of nothing that is wrong."""

import pytest

from tests.truth.calendars import Calendar, calendars
from tests.truth.organisation import Style
from tests.truth.verdicts import play_calendar

TABLE = list(calendars())
STYLES = list(Style)
EVERY_HOUR = ("every 3 weeks, called weekly, by hand every 10 days",)
"""Played hour by hour here; `python -m tests.truth` does so with all of them."""


@pytest.mark.parametrize("number", range(len(TABLE)), ids=[calendar.name for calendar in TABLE])
def test_a_healthy_calendar_raises_no_alarm(number: int) -> None:
    """Nothing worse than `info` and no recovery, with Zoho's plan; without it where the history alone is enough."""
    calendar = TABLE[number]
    style = STYLES[number % len(STYLES)]
    for with_plan in modes(calendar):
        complaints = play_calendar(calendar, style, with_plan=with_plan, every_hour=calendar.name in EVERY_HOUR)
        assert not complaints, "\n".join(
            [f"{style.value}, {'with' if with_plan else 'without'} the plan:", *complaints]
        )


def modes(calendar: Calendar) -> tuple[bool, ...]:
    """Return whether to play it with Zoho's plan, without, or both."""
    return (True,) if calendar.needs_plan else (True, False)
