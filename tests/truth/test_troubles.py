"""Real troubles are reported in time, and keep being reported."""

import pytest

from tests.truth.organisation import Style
from tests.truth.troubles import troubles
from tests.truth.verdicts import play_trouble

TABLE = list(troubles())
STYLES = list(Style)


@pytest.mark.parametrize("number", range(len(TABLE)), ids=[trouble.name for trouble in TABLE])
def test_a_trouble_is_reported_by_its_hour_and_again(number: int) -> None:
    """Each at its hour, as what it is, with its reminders, and nothing false beside it; one style each."""
    trouble, style = TABLE[number], STYLES[number % len(STYLES)]
    for with_plan in (True, False) if trouble.needs_plan is None else (trouble.needs_plan,):
        complaints = play_trouble(trouble, style, with_plan=with_plan)
        assert not complaints, "\n".join(
            [f"{style.value}, {'with' if with_plan else 'without'} the plan:", *complaints]
        )
