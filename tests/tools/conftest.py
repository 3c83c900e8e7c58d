"""The sandbox with the deployed stack, and the tools pointed at it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from sandbox.channels import FAKES
from sandbox.sandbox import Sandbox
from tests.tools.bench import Bench
from tests.tools.front import Front

Tool = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def stage() -> Iterator[Sandbox]:
    """Give the sandbox, one for all tests: deploying takes a second, and organisations keep apart."""
    with closing(Sandbox(channels=FAKES)) as running:
        yield running


@pytest.fixture
def bench(stage: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Give a bench, and its environment to this process."""
    with closing(Front(stage)) as front:
        made = Bench(stage, front)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made
        stage.zoho.standing.clear()


@pytest.fixture
def tool(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Tool:
    """Give what runs a tool in this process and returns its exit code and what it printed."""

    def run(main: Callable[[list[str]], int], *arguments: Any, stack: str = "notifier") -> tuple[int, str]:
        code = main([*map(str, arguments), "--stack", stack])
        shown = capsys.readouterr()
        assert bench.shows_no_secret(shown.out + shown.err)
        return code, shown.out + shown.err

    return run
