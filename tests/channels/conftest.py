"""An HTTP session as channels have it, and a fake of each."""

from collections.abc import Iterator
from contextlib import closing

import certifi
import pytest
import requests

from handler import transport
from sandbox.channels import FAKES, FakeCliq, FakePagerDuty, FakeSlack, FakeTeams
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for an answer once for each that its fake knows."""
    if "answer" in metafunc.fixturenames:
        named = [
            pytest.param((name, verdict, error), id=f"{name}-{verdict}-{error.replace(' ', '_')}")
            for name, fake in FAKES.items()
            for verdict in ("transient", "refused", "gone")
            for error in getattr(fake, verdict)
        ]
        metafunc.parametrize("answer", named)
