"""What every test has: AWS settings of its own, no network but loopback, and fixtures for the fakes."""

import gc
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import hypothesis
import pytest

from sandbox.zoho import FakeZoho
from tests.channels.models import let_the_models_judge
from tests.dynamodb import dynamodb_local
from tests.wire import Authority
from tests.world import Clock, World
from tests.world import world as open_world

# Rewritten asserts take seconds to compile in each worker: they are kept, also where PYTHONDONTWRITEBYTECODE is set.
sys.dont_write_bytecode = False

# boto3's descriptions of AWS are parsed once a process instead of once a session.
botocore.session.create_loader = cache(botocore.session.create_loader)

# No deadline, for machines are noisy; the same examples every time, for a red test must stay red until it is fixed.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("tests")

# A shell's background jobs ignore Ctrl-C, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

let_the_models_judge()


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what is imported and collected: it stays to the end anyway."""
    gc.collect()
    gc.freeze()


AWS_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session", autouse=True)
def aws_settings_of_the_tests() -> Iterator[None]:
    """Forget the machine's own AWS settings: no test may depend on them or, worse, use them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in AWS_SETTINGS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def no_aws_session_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the session that boto3 keeps for whoever asks."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


STRAYS: list[str] = []
"""Hosts that somebody tried to reach."""


def _stay_here(event: str, arguments: Any) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and arguments[0].family in {socket.AF_INET, socket.AF_INET6}:
        host = arguments[1][0]
    else:
        return
    if not _is_here(host):
        STRAYS.append(str(host))
        raise ConnectionRefusedError(f"a test may not leave the machine for {host}")


sys.addaudithook(_stay_here)


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[list[str]]:
    """Fail a test that tried to leave the machine: every such connection and name lookup is refused."""
    STRAYS.clear()
    yield STRAYS
    assert not STRAYS, f"the test tried to leave the machine for {', '.join(STRAYS)}"


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


@pytest.fixture
def world() -> Iterator[World]:
    """Give the world of one connected organisation with an empty history."""
    with open_world() as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out tests that mutmut cannot name on a command line: pytest finds none that has a backslash in its name."""
    if "MUTANT_UNDER_TEST" in os.environ:
        items[:] = [item for item in items if "\\" not in item.nodeid]


@pytest.fixture
def clock() -> Clock:
    """Give a clock that only the test moves."""
    return Clock()


@pytest.fixture
def zoho(clock: Clock) -> Iterator[FakeZoho]:
    """Give a fake Zoho whose tokens age by the test's clock."""
    with closing(FakeZoho(clock)) as server:
        yield server


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record how long urllib3 would have waited between its tries, instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=waited.append, time=lambda: 0.0))
    return waited


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give a certificate authority that nobody but the tests knows."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def real_dynamodb(aws_settings_of_the_tests: None) -> Iterator[Any]:
    """Give a client of AWS's own DynamoDB on this machine, without a table."""
    with dynamodb_local() as client:
        yield client
