"""A fake of the channel that a test file is about, and a connection to it."""

from collections.abc import Iterator
from contextlib import closing

import certifi
import pytest
import requests

from handler import transport
from handler.channels.channel import Connection
from sandbox.channels import FAKES, Fake, FakeCliq
from tests.channels.builder import connect
from tests.world import Clock


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """Give a session that never retries, as sending has."""
    with transport.make_session(transport.tls_context(certifi.where())) as made:
        yield made


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Give the channel's name: that of the file, unless the test has it as a parameter."""
    return request.path.stem.removeprefix("test_")


@pytest.fixture
def fake(name: str, clock: Clock) -> Iterator[Fake]:
    """Give a fake of its own to each test; Cliq's throttle goes by the test's clock."""
    with closing(FakeCliq(clock) if name == "cliq" else FAKES[name]()) as server:
        yield server


@pytest.fixture
def connection(fake: Fake, session: requests.Session) -> Connection:
    """Give a connection to the fake."""
    return connect(fake, session)
