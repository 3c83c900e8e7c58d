"""Each thing that can happen to a call, at each call of a check: found by counting the calls, not by listing them."""

from itertools import islice

import pytest

from tests.simulation.kinds import kinds
from tests.simulation.timelines import SCENES, Row, Step, Timeline, every_single_fault, live, play
from tests.simulation.world import World

SHARES = 12
"""`make test` plays every twelfth fault of each call, `make soak` all of them."""


@pytest.mark.parametrize("times", [1, 3])
def test_no_single_fault_at_any_call_loses_or_repeats_anything(world: World, times: int) -> None:
    """Play a share of all faults at all calls, striking once, or as often as the call is tried again."""
    for name, timeline in islice(every_single_fault(world, times), times, None, SHARES):
        try:
            play(world, timeline)
        except AssertionError as error:
            pytest.fail(f"{name}\n{error}\nplay(world, {timeline})")
    assert world.tally.faulted > 40


def test_the_calls_of_a_check_are_all_found(world: World) -> None:
    """See that counting finds the calls that a check with news is known to make, and faults for each of them."""
    live(world, Timeline(3, SCENES["news"]))
    places = [call.place for call in world.last.calls]
    assert places == [
        "dynamodb GetItem",
        "ssm GetParameter",
        "zoho token",
        "zoho history",
        "zoho urls",
        "dynamodb PutItem",
        "sns PublishBatch",
        "dynamodb PutItem",
        "slack webhook",
        "dynamodb PutItem",
        "slack heartbeat",
    ]
    assert all(len(kinds(call)) > 20 for call in world.last.calls)


def test_more_news_than_the_outbox_holds_is_folded_and_told(world: World) -> None:
    """Let Slack be down while 210 outcomes appear at once, and then come back."""
    steps = (Step(1), Step(1, (Row("failed", many=210),), outage=("slack", 3)))
    play(world, Timeline(3, steps))
    assert any(notice.kind == "folded" for notice in world.witness.promised.values())
