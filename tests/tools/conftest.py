"""The sandbox with the deployed stack, and the tools pointed at it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from typing import Any

import pytest
from botocore.loaders import create_loader

from sandbox.channels import FAKES
from sandbox.sandbox import Sandbox
from tests.tools.bench import Bench
from tests.tools.front import Front

Tool = Callable[..., tuple[int, str]]
LOADER = cache(create_loader)
"""What botocore knows of AWS, read once: reading it takes most of the time of a command."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the sandbox, one for each file: deploying takes a second, and organisations keep apart."""
    with pytest.MonkeyPatch.context() as patch, closing(Sandbox(channels=FAKES)) as running:
        patch.setattr("botocore.loaders.create_loader", LOADER)
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
