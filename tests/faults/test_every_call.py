"""Each thing that can happen to a call, at each call of a check: found by counting the calls, not by listing them."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from handler.channels import CHANNELS
from tests.faults import __main__ as soaking
from tests.faults import timelines
from tests.faults.faults import faults_of
from tests.faults.timelines import SCENES, Hit, Row, Step, Timeline, drawn, every_single_fault, live, play, recover
from tests.faults.world import World, a_world

SHARES = 79
"""`make test` plays so small a share of the faults of all calls, `make soak` all of them."""
SLACK = Timeline(3, SCENES["news"], ("slack",))
ALONE = Timeline(3, SCENES["news"], ())
FAILED, COMPLETED = (Row("failed"),), (Row("completed"),)
HALVES = ("half of an answer, done", "wrong JSON: list", "empty body, done", "HTML, 200")
STRIKES = [
    # Left alone, botocore takes an answer that is half or foreign for a success without content.
    *((fault, "dynamodb PutItem", 3, ALONE) for fault in HALVES),
    # A peer that takes for ever kills no check: the exchange ends with its time.
    *(("trickling head, done", place, 5, SLACK) for place in ("zoho token", "slack webhook", "heartbeat ping")),
    # Whoever wrote an item of a newer release finds it as it was.
    ("item of a newer release", "dynamodb GetItem", 9, ALONE),
    # A history that was empty anyway may be empty once more: that is no reason for an alarm.
    ("empty history", "zoho history", 1, Timeline(0, (Step(1), Step(1, COMPLETED)), ())),
    # What is written after the deliveries, of the heartbeat, keeps nobody's old lease.
    ("somebody else's write", "dynamodb PutItem", 1, Timeline(1, (Step(1, lies=True), Step(1)), ())),
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Give the simulated world, in place of the plain one: starting it takes longer than a timeline does."""
    with a_world() as made:
        yield made


def hit_of(world: World, fault: str, place: str, times: int = 1, timeline: Timeline = SLACK) -> Hit:
    """Return what strikes the first call to a place in the last check of a timeline."""
    live(world, timeline)
    number, call = next((n, call) for n, call in enumerate(world.last.calls) if call.place == place)
    return Hit(number, [fault.name for fault in faults_of(call)].index(fault), times)


def strike(world: World, fault: str, place: str, times: int, timeline: Timeline) -> None:
    """Play a timeline with this fault at the first call to a place in its last check."""
    hit = hit_of(world, fault, place, times, timeline)
    *before, last = timeline.steps
    play(world, replace(timeline, steps=(*before, replace(last, hits=(hit,)))))


@pytest.mark.parametrize("times", [1, 3])
def test_no_single_fault_at_any_call_loses_or_repeats_anything(world: World, times: int) -> None:
    """Play a share of all faults at all calls, striking once, or as often as the call is tried again."""
    for name, timeline in islice(every_single_fault(world, times), times, None, SHARES):
        try:
            play(world, timeline)
        except AssertionError as error:
            pytest.fail(f"{name}\n{error}\nplay(world, {timeline})")
    assert world.tally["timelines with a fault"] > 10


@pytest.mark.parametrize(("fault", "place", "times", "timeline"), STRIKES)
def test_a_fault_that_once_did_harm_does_none(
    world: World, fault: str, place: str, times: int, timeline: Timeline
) -> None:
    """Each at the call that it is worst for."""
    strike(world, fault, place, times, timeline)


def test_a_dead_checks_lease_goes_with_what_was_pending(world: World) -> None:
    """It died with something left for Slack; then the webhook was taken out of the configuration."""
    crash = hit_of(world, "crash before the request left", "slack webhook")
    steps = (Step(1), Step(1, FAILED, cold=True, hits=(crash,)), Step(1, without="slack"))
    play(world, replace(SLACK, steps=steps))


def test_the_calls_of_a_check_are_all_found(world: World) -> None:
    """See that counting finds the calls that a check with news is known to make, and faults for each of them."""
    live(world, SLACK)
    *read, saved, sns, noted, sns_too, noted_too, slack, freed, beat = (call.place for call in world.last.calls)
    zoho = ["zoho backup", "zoho history", "zoho token", "zoho urls"]
    assert sorted(read) == ["dynamodb GetItem", "ssm GetParameter", *zoho]
    assert {saved, noted, noted_too, freed} == {"dynamodb PutItem"}
    assert (sns, sns_too, slack, beat) == ("sns Publish", "sns Publish", "slack webhook", "heartbeat ping")
    assert all(len(faults_of(call)) > 20 for call in world.last.calls)


def test_every_channel_is_played_with_and_judged(world: World) -> None:
    """A new one is connected by its registration, and its calls have faults that its fake knows."""
    live(world, Timeline(3, (Step(1), Step(1, FAILED))))
    assert {channel for channel, _ in world.judge.acceptances} == {channel.name for channel in CHANNELS}


def test_a_broken_channel_is_tried_at_each_check_and_nothing_uncounted_is_lost(world: World) -> None:
    """After two weeks what waited is a dead letter, it is still tried, and then it works again."""
    down = ("slack", hit_of(world, "Slack: no_service", "slack webhook").kind)
    good = ((hours, COMPLETED) for hours in (1, 144, 144, 72, 26, 26))
    steps = [Step(hours, rows, outage=down) for hours, rows in ((1, FAILED), *good)]
    for last in (3, len(steps)):
        live(world, Timeline(3, (Step(1), *steps[:last]), ("slack",), "critical"))
        assert "slack webhook" in [call.place for call in world.last.calls]
    recover(world)
    assert world.judge.memory
    assert world.judge.memory.dead_letters.total > 0


def test_a_failure_says_how_to_play_it_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person pastes, `python -m tests.faults 'Timeline(...)'`, is that timeline."""
    monkeypatch.setattr(soaking, "play", Mock(side_effect=AssertionError("broken on purpose")))
    with pytest.raises(AssertionError, match="broken on purpose") as raised:
        soaking.replayable(world, SLACK)
    *_, module, typed = shlex.split(str(raised.value).splitlines()[-1])
    assert (module, eval(typed, vars(timelines))) == ("tests.faults", SLACK)  # noqa: S307 - our own text


# What fails is made smaller by `make soak`: that takes minutes.
@settings(max_examples=20, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(drawn())
def test_whatever_breaks_every_outcome_is_sent_and_nothing_twice(world: World, timeline: Timeline) -> None:
    """A bounded share of what `make soak` plays for as long as one likes, the same every time."""
    play(world, timeline)
