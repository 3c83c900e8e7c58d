"""An HTTP session as channels have it, and a fake of each."""

from collections.abc import Iterator
from contextlib import closing

import certifi
import pytest
import requests

from handler import transport
from sandbox.channels import FakeCliq, FakePagerDuty, FakeSlack, FakeTeams
from tests.world import Clock


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """Give a session that never retries, as sending has."""
    with transport.make_session(transport.tls_context(certifi.where())) as made:
        yield made


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Give a fake of its own to each test."""
    with closing(FakeSlack()) as fake:
        yield fake


@pytest.fixture
def cliq(clock: Clock) -> Iterator[FakeCliq]:
    """Give a fake whose throttle goes by the test's clock."""
    with closing(FakeCliq(clock)) as fake:
        yield fake


@pytest.fixture
def teams() -> Iterator[FakeTeams]:
    """Give a fake of its own to each test."""
    with closing(FakeTeams()) as fake:
        yield fake


@pytest.fixture
def pagerduty() -> Iterator[FakePagerDuty]:
    """Give a fake of its own to each test."""
    with closing(FakePagerDuty()) as fake:
        yield fake
