"""A bounded share of what `make soak` plays for as long as one likes, the same every time."""

from hypothesis import HealthCheck, given, settings

from tests.simulation.drawn import timelines
from tests.simulation.timelines import Timeline, play
from tests.simulation.world import World


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(timelines)
def test_whatever_breaks_every_outcome_is_sent_and_nothing_twice(world: World, timeline: Timeline) -> None:
    """Play timelines with faults anywhere; the witness must have nothing to say."""
    play(world, timeline)
