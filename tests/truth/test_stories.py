"""Calendars and troubles drawn together, judged by a second opinion."""

from hypothesis import HealthCheck, Phase, given, settings

from tests.truth.calendars import FIRST
from tests.truth.causes import said_without_cause
from tests.truth.oracle import Oracle
from tests.truth.organisation import HOUR
from tests.truth.play import Player
from tests.truth.sentences import false_sentences
from tests.truth.stories import Story, stories

EXAMPLES = 15


@settings(
    derandomize=True,
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a story is long: to shrink one takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(stories())
def test_what_is_open_is_wrong_and_what_is_wrong_is_open(story: Story) -> None:
    """After each check, what is open is what the oracle has, and no notice speaks without cause or untruly."""
    complaints = judge(story)
    assert not complaints, "\n".join(complaints[:10])


def judge(story: Story) -> list[str]:
    """Play a story and return what does not hold."""
    player = Player(story.organisation(), story.with_plan)
    checks = int((story.until - FIRST) / HOUR) // story.every
    player.play(FIRST + n * story.every * HOUR for n in range(checks))
    return [*Oracle(player).complaints(), *said_without_cause(player), *false_sentences(player)]
