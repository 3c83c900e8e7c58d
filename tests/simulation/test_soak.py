"""`make soak` itself: what it shows when all is well, and how a failure is played again."""

import re
import shlex

import pytest

from tests.simulation import __main__ as soaking
from tests.simulation import timelines
from tests.simulation.timelines import Timeline
from tests.simulation.world import World


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a batch of few timelines."""
    monkeypatch.setattr(soaking, "BATCH", 3)
    monkeypatch.setattr(soaking, "SINGLE_FAULTS_IN_A_BATCH", 2)
    monkeypatch.setattr(soaking, "FLOODS_IN_A_BATCH", 1)


def test_a_good_run_ends_with_its_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress, what was counted, seeds and machine."""
    before = world.tally.timelines
    assert soaking.soak(world, 0, 7) == 0
    shown = capsys.readouterr().out
    played = world.tally.timelines
    assert played >= before + 6
    assert re.search(rf"{played:,} timelines .* seed 7\n", shown)
    assert f"| Timelines | {played:,} |" in shown
    assert "| **Losses** | **0** |" in shown
    assert re.search(r"Seeds 7 to 7, \d+ seconds, .* CPUs", shown)


def test_a_broken_promise_ends_the_run_and_can_be_played_again(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smallest timeline that breaks it, as the command's argument, and the seed of its batch."""
    played = []

    def play_badly(world: World, timeline: Timeline) -> None:
        played.append(timeline)
        raise AssertionError("loss: broken on purpose")

    monkeypatch.setattr(soaking, "play", play_badly)
    assert soaking.soak(world, 60, 3) == 1
    shown = capsys.readouterr().out
    assert "loss: broken on purpose" in shown
    assert "SECONDS=0 SEED=3 make soak" in shown
    [command] = re.findall(r"^python -m tests\.simulation .*$", shown, re.MULTILINE)
    *_, argument = shlex.split(command)
    again = eval(argument, vars(timelines))  # noqa: S307 - what a person would paste
    assert again == played[-1]
