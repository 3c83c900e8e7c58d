"""Healthy organisations hear of nothing that is wrong, and troubled ones in time."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.oracle.calendars import calendars
from tests.oracle.organisation import Style
from tests.oracle.stories import Story, stories
from tests.oracle.troubles import TROUBLES
from tests.oracle.verdicts import judge_calendar, judge_story, judge_trouble

CALENDARS, STYLES = list(calendars()), list(Style)
SHARE = 8
"""`make test` plays so large a share of the calendars, in all styles; CI plays the others, too, in its gate `deep`."""
HOURLY = {
    "weekly, paused for 20 days": Style.IN_PLACE,  # a completion is as old as its beginning
    "weekly, up to 27 hours each, 24 allowed": Style.IN_PLACE,  # a long run of unknown length
}
HOURLY_DAYS = 90
"""Played so long hour by hour here; `python -m tests.oracle` plays all of them, and to their ends."""


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(n, id=calendar.name, marks=[] if n % SHARE == 0 else [pytest.mark.deep])
        for n, calendar in enumerate(CALENDARS)
    ],
)
def test_a_healthy_calendar_raises_no_alarm(number: int) -> None:
    """Nothing worse than `info` and no recovery, with Zoho's plan; without it where the history alone is enough."""
    calendar, style = CALENDARS[number], STYLES[number % len(STYLES)]
    for with_plan in calendar.modes:
        assert judge_calendar(calendar, style, with_plan=with_plan) == [], (style, with_plan)


@pytest.mark.parametrize("name", HOURLY)
def test_a_healthy_calendar_raises_no_alarm_at_any_hour(name: str) -> None:
    """What steps do not show: rows that keep their time."""
    (calendar,) = [calendar for calendar in CALENDARS if calendar.name == name]
    assert judge_calendar(calendar, HOURLY[name], with_plan=True, hourly_days=HOURLY_DAYS) == []


@pytest.mark.parametrize(("number", "name"), [*enumerate(TROUBLES)], ids=[*TROUBLES])
def test_a_trouble_is_reported_by_its_hour_and_again(number: int, name: str) -> None:
    """Each at its hour, as what it is, with its reminders, and nothing false beside it; one style each."""
    trouble, style = TROUBLES[name], STYLES[number % len(STYLES)]
    with_plan = trouble.modes[number % len(trouble.modes)]
    assert judge_trouble(trouble, style, with_plan=with_plan) == [], (style, with_plan)


@pytest.mark.deep
@settings(
    derandomize=True,
    max_examples=20,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a story is long: to shrink one takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(stories())
def test_what_is_open_is_wrong_and_what_is_wrong_is_open(story: Story) -> None:
    """After each check, what is open is what the oracle has, and no notice speaks without cause."""
    assert judge_story(story) == []
