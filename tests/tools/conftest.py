"""The sandbox with the deployed stack, and the tools pointed at it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache

import botocore.session
import pytest

from sandbox.sandbox import Sandbox
from tests.tools.bench import Bench
from tests.tools.front import Front
from tests.tools.terminal import Nursery


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the sandbox, one for all tests in a file: deploying takes seconds, and organisations keep apart."""
    with closing(Sandbox()) as running:
        yield running


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Give the process that starts the tools."""
    with closing(Nursery()) as running:
        yield running


KNOWN_TO_ALL = cache(botocore.session.create_loader)
"""boto3's descriptions of AWS, parsed once instead of by every session: a third of these tests' time."""


@pytest.fixture
def bench(stage: Sandbox, nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Give a bench, whose environment this process has, too, for the tools that are called without a terminal."""
    with closing(Front(stage)) as front:
        made = Bench(stage, front, nursery)
        monkeypatch.setattr(botocore.session, "create_loader", KNOWN_TO_ALL)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made
        stage.zoho.standing.clear()


@pytest.fixture
def tool(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Give what runs a tool in this process and returns its exit code and what it printed."""

    def run(main: Callable[[list[str]], int], *arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--stack", "notifier"])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run
