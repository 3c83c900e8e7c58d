"""The Lambda environment, beyond what tests/test_lambda.py shows: what a function sees, and how much it may write."""

from contextlib import closing
from pathlib import Path

import pytest

from sandbox.runtime import LambdaEnvironment

FUNCTION = """
import os

def handle(event, context):
    print("x" * 1_000_000)
    return dict(os.environ)
"""


def test_a_function_sees_its_own_variables_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's who runs it; and its log holds whatever it wrote."""
    (tmp_path / "function.py").write_text(FUNCTION)
    monkeypatch.setenv("HOME", "canary")
    with closing(LambdaEnvironment({"MINE": "1"}, handler="function.handle", root=tmp_path)) as function:
        result = function.invoke({})
    assert (result.payload["MINE"], "canary" in result.payload.values()) == ("1", False)
    assert len(result.output) > 1_000_000
