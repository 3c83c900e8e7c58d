"""A world for the timelines of one module: starting it takes longer than a timeline does."""

from collections.abc import Iterator

import pytest

from tests.simulation.setting import a_world
from tests.simulation.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Give the simulated world, in place of the plain one that other tests have."""
    with a_world() as made:
        yield made
