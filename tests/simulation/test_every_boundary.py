"""Each thing that can happen to a call, at each call of a check: found by counting the calls, not by listing them."""

from itertools import islice

import pytest

from handler.channels import CHANNELS
from tests.simulation.kinds import BY_PLACE, BY_SERVICE, kinds
from tests.simulation.timelines import NAMES, SCENES, Hit, Row, Step, Timeline, every_single_fault, live, play
from tests.simulation.world import World

SHARES = 61
"""`make test` plays so small a share of the faults of all calls, `make soak` all of them."""


@pytest.mark.parametrize("times", [1, 3])
def test_no_single_fault_at_any_call_loses_or_repeats_anything(world: World, times: int) -> None:
    """Play a share of all faults at all calls, striking once, or as often as the call is tried again."""
    for name, timeline in islice(every_single_fault(world, times), times, None, SHARES):
        try:
            play(world, timeline)
        except AssertionError as error:
            pytest.fail(f"{name}\n{error}\nplay(world, {timeline})")
    assert world.tally.faulted > 20


LIES = ("half of an answer", "wrong JSON", "empty body", "HTML, 200")


def test_no_answer_that_is_half_or_foreign_counts_as_a_write(world: World) -> None:
    """Left alone, botocore takes it for a success without content: each of them, at the first writes of a check."""
    alone = Timeline(3, SCENES["news"], ())
    live(world, alone)
    writes = [(number, call) for number, call in enumerate(world.last.calls) if call.place == "dynamodb PutItem"]
    for number, call in writes[:2]:
        for kind, fault in enumerate(kinds(call)):
            if fault.name.startswith(LIES):
                play(world, _with(alone, Hit(number, kind, 3)))


def strike(world: World, fault: str, place: str, times: int = 1, **more: object) -> None:
    """Play the news with this fault at the first call to a place."""
    timeline = Timeline(3, SCENES["news"], **more)  # type: ignore[arg-type]
    live(world, timeline)
    number, call = next((n, call) for n, call in enumerate(world.last.calls) if call.place == place)
    kind = [fault.name for fault in kinds(call)].index(fault)
    play(world, _with(timeline, Hit(number, kind, times)))


def _with(timeline: Timeline, hit: Hit) -> Timeline:
    *before, last = timeline.steps
    return Timeline(
        timeline.rows,
        (*before, Step(last.hours, last.rows, (hit,), cold=last.cold)),
        timeline.channels,
        timeline.floor,
        timeline.plan,
    )


MEANWHILE = ("another check meanwhile, first", "another check meanwhile, after", "the same event again meanwhile")


@pytest.mark.parametrize("place", ["dynamodb PutItem", "sns PublishBatch", "slack webhook"])
@pytest.mark.parametrize("fault", MEANWHILE)
def test_a_check_in_the_middle_of_another_one_sends_nothing_twice(world: World, fault: str, place: str) -> None:
    """It finds the lease and ends quietly, or has done all the work."""
    strike(world, fault, place, channels=("slack",))


@pytest.mark.parametrize("place", ["zoho token", "zoho history", "zoho backup", "slack webhook", "heartbeat ping"])
@pytest.mark.parametrize("fault", ["trickling head, done", "many addresses"])
def test_a_peer_that_takes_for_ever_kills_no_check(world: World, fault: str, place: str) -> None:
    """The exchange ends with its time, and what is pending is delivered all the same."""
    strike(world, fault, place, 5, channels=("slack",))


@pytest.mark.parametrize("times", [1, 2, 9])
def test_a_batch_that_sns_refuses_as_a_whole_is_published_entry_by_entry(world: World, times: int) -> None:
    """Only an entry that is refused alone is a dead letter."""
    before = world.tally.dead_letters["refused permanently"]
    strike(world, "batch refused as a whole", "sns PublishBatch", times, channels=())
    assert world.tally.dead_letters["refused permanently"] - before == min(times - 1, 2)


def test_an_item_of_a_newer_release_is_left_alone(world: World) -> None:
    """The check fails, and whoever wrote it finds it as it was."""
    strike(world, "item of a newer release", "dynamodb GetItem", 9, channels=())


def test_a_dead_checks_lease_goes_with_what_was_pending(world: World) -> None:
    """It died with something left for Slack; then the webhook was taken out of the configuration."""
    live(world, Timeline(3, (Step(1), Step(1, (Row("failed"),))), ("slack",)))
    number = [call.place for call in world.last.calls].index("slack webhook")
    crash = Hit(number, kind=0)
    play(world, Timeline(3, (Step(1), Step(1, (Row("failed"),), hits=(crash,)), Step(1, without="slack")), ("slack",)))


def test_a_row_that_zoho_conceals_is_sent_when_it_appears(world: World) -> None:
    """A history that was empty anyway may be empty once more: that is no reason for an alarm."""
    live(world, Timeline(0, (Step(1), Step(1)), ()))
    number, call = next((n, call) for n, call in enumerate(world.last.calls) if call.place == "zoho history")
    concealed = Hit(number, [fault.name for fault in kinds(call)].index("empty history"))
    play(world, Timeline(0, (Step(1), Step(1, (Row("completed"),), hits=(concealed,))), ()))
    assert [notice.kind for notice in world.witness.promised.values()] == ["baseline", "completed"]


def test_the_calls_of_a_check_are_all_found(world: World) -> None:
    """See that counting finds the calls that a check with news is known to make, and faults for each of them."""
    live(world, Timeline(3, SCENES["news"], ("slack",)))
    places = [call.place for call in world.last.calls]
    assert places == [
        "dynamodb GetItem",
        "ssm GetParameter",
        "zoho token",
        "zoho history",
        "zoho urls",
        "zoho backup",
        "dynamodb PutItem",
        "sns PublishBatch",
        "dynamodb PutItem",
        "slack webhook",
        "dynamodb PutItem",
        "heartbeat ping",
    ]
    assert all(len(kinds(call)) > 20 for call in world.last.calls)


def test_every_channel_is_played_with_and_judged(world: World) -> None:
    """A new one is connected by its registration, and its calls have faults that its fake knows."""
    live(world, Timeline(3, (Step(1), Step(1, (Row("failed"),)))))
    assert {channel for channel, _ in world.witness.acceptances} == {channel.name for channel in CHANNELS}
    assert {f"{name} webhook" for name in NAMES} <= BY_PLACE.keys() | BY_SERVICE.keys()
    assert len(world.canaries) == 2 + len(NAMES)


def test_more_news_than_the_outbox_holds_is_news_at_the_next_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let Slack be down while more outcomes appear at once than fit, and then come back."""
    monkeypatch.setattr("handler.outbox.MAX_OUTBOX", 20)
    monkeypatch.setattr("handler.decision.MAX_OUTBOX", 20)
    live(world, Timeline(3, (Step(1),), ("slack",)))
    timeline = Timeline(3, (Step(1), Step(1, (Row("failed", many=30),), outage=("slack", 3))), ("slack",))
    play(world, timeline, full=18)
    assert world.tally.dead_letters["no room left"] > 0


def test_an_outcome_on_the_second_page_is_sent(world: World) -> None:
    """Order is Zoho's affair: the newest row may be the last."""
    play(world, Timeline(205, (Step(1), Step(1, (Row("failed", place=-1),))), ()))
    assert [notice.kind for notice in world.witness.promised.values()] == ["baseline", "failed"]


def test_a_plan_that_moves_on_excuses_no_missed_run(world: World) -> None:
    """The next run that Zoho named first counts, whatever it says once that is past."""
    live(world, Timeline(1, (Step(1), Step(24 * 2), Step(24 * 3)), (), plan="moves on"))
    assert "overdue" in world.witness.pairs.open


def test_a_broken_channel_is_tried_once_a_day_and_nothing_of_it_is_lost(world: World) -> None:
    """What it is tried with is no message that anybody lacks."""
    live(world, Timeline(3, SCENES["news"], ("slack",)))
    call = next(call for call in world.last.calls if call.place == "slack webhook")
    down = ("slack", [fault.name for fault in kinds(call)].index("Slack: no_service"))
    bad, good = (Row("failed"),), (Row("completed"),)
    steps = [
        Step(hours, rows, outage=down) for hours, rows in ((1, bad), (1, good), (144, good), (144, good), (72, good))
    ]
    days = [Step(26, outage=down)] * 3
    play(world, Timeline(3, (Step(1), *steps, *days), ("slack",), floor="critical"))
    assert world.witness.probes
    assert world.witness.memory
    assert world.witness.memory.dead_letters.total == 2
