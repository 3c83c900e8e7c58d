"""The Lambda environment: what a function sees of it, and what is seen of the function."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.runtime import LambdaEnvironment

FUNCTION = """
import os

def handle(event, context):
    print("x" * 1_000_000)
    return {"id": context.aws_request_id, "left": context.get_remaining_time_in_millis(), "environ": dict(os.environ)}
"""


@pytest.fixture
def function(tmp_path: Path) -> Iterator[LambdaEnvironment]:
    """Give an environment of a small function."""
    (tmp_path / "function.py").write_text(FUNCTION)
    with closing(LambdaEnvironment({"MINE": "1"}, handler="function.handle", root=tmp_path)) as environment:
        yield environment


def test_a_process_serves_many_invocations(function: LambdaEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is cold; it sees its own variables only, and its log holds whatever it wrote."""
    monkeypatch.setenv("HOME", "canary")
    results = [function.invoke({}, request_id="ours", timeout=30) for _ in range(2)]
    assert [(result.ok, result.cold) for result in results] == [(True, True), (True, False)]
    seen = results[0].payload
    assert (seen["id"], 0 < seen["left"] <= 30_000, seen["environ"]["MINE"]) == ("ours", True, "1")
    assert "canary" not in seen["environ"].values()
    assert all(len(result.output) > 1_000_000 for result in results)
