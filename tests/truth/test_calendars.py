"""Healthy organisations hear of nothing that is wrong."""

import pytest

from tests.truth.calendars import Calendar, calendars
from tests.truth.organisation import Style
from tests.truth.verdicts import play_calendar

TABLE = list(calendars())
STYLES = list(Style)
EVERY_HOUR = ("every 3 weeks, called weekly, by hand every 10 days",)
"""Played hour by hour here; `python -m tests.truth` does so with all of them."""
SHARE = 3
"""`make test` plays so large a share of the table, in all styles; CI plays the others, too, in its gate `deep`."""


def marks(number: int) -> list[pytest.MarkDecorator]:
    """Return the marks of a calendar."""
    return [] if number % SHARE == 0 or TABLE[number].name in EVERY_HOUR else [pytest.mark.deep]


@pytest.mark.parametrize("number", [pytest.param(n, id=TABLE[n].name, marks=marks(n)) for n in range(len(TABLE))])
def test_a_healthy_calendar_raises_no_alarm(number: int) -> None:
    """Nothing worse than `info` and no recovery, with Zoho's plan; without it where the history alone is enough."""
    calendar = TABLE[number]
    style = STYLES[number % len(STYLES)]
    for with_plan in modes(calendar):
        complaints = play_calendar(calendar, style, with_plan=with_plan, every_hour=calendar.name in EVERY_HOUR)
        assert not complaints, "\n".join(
            [f"{style.value}, {'with' if with_plan else 'without'} the plan:", *complaints]
        )


KEEPS_ITS_TIME = ("weekly, paused for 20 days", "weekly, up to 27 hours each, 24 allowed: stuck at most")


@pytest.mark.parametrize("name", KEEPS_ITS_TIME)
def test_a_row_that_keeps_its_time_is_dated_by_its_beginning(name: str) -> None:
    """What only this style shows, hour by hour: a completion as old as its beginning, and a hang of unknown length."""
    (calendar,) = [calendar for calendar in TABLE if calendar.name == name]
    assert play_calendar(calendar, Style.IN_PLACE, with_plan=True, every_hour=True) == []


def modes(calendar: Calendar) -> tuple[bool, ...]:
    """Return whether to play it with Zoho's plan, without, or both."""
    return (True,) if calendar.needs_plan else (True, False)
