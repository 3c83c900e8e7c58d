"""Each thing that can happen to a call, at each call of a check: found by counting the calls, not by listing them."""

from itertools import islice

import pytest

from handler.causes import CHANNELS
from tests.simulation.kinds import BY_SERVICE, kinds
from tests.simulation.timelines import SCENES, Hit, Row, Step, Timeline, every_single_fault, live, play
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


LIES = ("half of an answer", "wrong JSON", "empty body", "HTML, 200")


def test_no_answer_that_is_half_or_foreign_counts_as_a_write(world: World) -> None:
    """Left alone, botocore takes it for a success without content: each of them, at each write of a check."""
    for name, timeline in every_single_fault(world, times=3):
        if name.startswith(tuple(f"news: {lie}" for lie in LIES)) and name.endswith("dynamodb PutItem"):
            play(world, timeline)


def test_a_dead_checks_lease_goes_with_what_was_owed(world: World) -> None:
    """It died with something left for Slack; then the webhook was taken out of the configuration."""
    crash = Hit(after=5, kind=1)  # before the answer came
    play(world, Timeline(3, (Step(1), Step(1, (Row("failed"),), hits=(crash,), slack=False))))


def test_a_row_that_zoho_conceals_is_told_when_it_appears(world: World) -> None:
    """A history that was empty anyway may be empty once more: that is no reason for an alarm."""
    live(world, Timeline(0, (Step(1), Step(1))))
    number, call = next((n, call) for n, call in enumerate(world.last.calls) if call.place == "zoho history")
    concealed = Hit(number, [fault.name for fault in kinds(call)].index("empty history"))
    play(world, Timeline(0, (Step(1), Step(1, (Row("completed"),), hits=(concealed,)))))
    assert [notice.kind for notice in world.witness.promised.values()] == ["baseline", "completed"]


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


def test_every_channel_is_played_with_and_judged(world: World) -> None:
    """A new one is connected, its calls have faults of their own, and its acceptances and its secret are watched."""
    live(world, Timeline(3, SCENES["news"]))
    assert {channel for channel, _ in world.witness.acceptances} == set(CHANNELS), "arrivals.py"
    assert {call.service for call in world.last.calls} <= BY_SERVICE.keys(), "kinds.py"
    [access] = world.last.tools.accesses.values()
    urls = {name: value for name, value in vars(access.secret).items() if name.endswith("_url")}
    assert [name for name, value in urls.items() if "SECRET" not in value] == [], "connect of world.py"


def test_more_news_than_the_outbox_holds_is_folded_and_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Slack be down while more outcomes appear at once than fit, and then come back."""
    monkeypatch.setattr("handler.memory.MAX_OUTBOX", 20)
    play(world, Timeline(3, (Step(1), Step(1, (Row("failed", many=30),), outage=("slack", 3)))))
    assert any(notice.kind == "folded" for notice in world.witness.promised.values())


def test_an_outcome_on_the_second_page_is_told(world: World) -> None:
    """Order is Zoho's affair: the newest row may be the last."""
    play(world, Timeline(205, (Step(1), Step(1, (Row("failed", place=-1),)))))
    assert [notice.kind for notice in world.witness.promised.values()] == ["baseline", "failed"]
