"""Each sample of an event does what its name says, in the function as the template deploys it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handler.channels import BY_NAME
from sandbox.sandbox import Sandbox
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.zoho import sample_rows

FOLDER = Path(__file__).parents[1] / "events"
SAMPLES = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack with the organisations `default` and `acme`, both checked once before."""
    with closing(Sandbox()) as made:
        for org in ("default", "acme"):
            made.connect(org, sample_rows())
            assert made.check(org).ok
        yield made


RESULTS = {name: f"accepted: {BY_NAME[name].accepted}" for name in ("sns", "slack")}
EXPECTED: dict[str, dict[str, Any]] = {
    "check": {"org": "default", "rows": 4, "notices": [], "pending": 0},
    "schedule": {"org": "default", "rows": 4, "notices": [], "pending": 0},
    "organisation": {"org": "acme", "rows": 4, "notices": [], "pending": 0},
    "dry-run": {"org": "default", "would_notify": [], "problem": None},
    "status": {"org": "default", "connected": True, "channels": {"sns": "info", "slack": "info"}, "problem": None},
    "test-message": {"org": "default", "results": RESULTS, "ok": True},
}


def test_every_sample_is_expected_here() -> None:
    """A sample without a test could be wrong for years."""
    assert SAMPLES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_sample_does_what_its_name_says(stage: Sandbox, name: str) -> None:
    """The organisation that it names, the action that it names, and a test message only where one is asked for."""
    before = len(stage.slack.accepted)
    result = stage.function.invoke(SAMPLES[name])
    assert result.ok, result.payload
    assert {key: result.payload[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert len(stage.slack.accepted) - before == (1 if name == "test-message" else 0)


def test_the_schedules_sample_is_what_the_template_sends() -> None:
    """So that the sample is the truth."""
    resources = to_cloudformation(TEMPLATE_FILE.read_text())["Resources"].values()
    inputs = [r["Properties"]["Target"]["Input"] for r in resources if r["Type"] == "AWS::Scheduler::Schedule"]
    assert [json.loads(text) for text in inputs] == [SAMPLES["schedule"]]


def test_every_sample_is_explained() -> None:
    """The table beside them names each."""
    explained = (FOLDER / "README.md").read_text()
    assert all(f"`{name}.json`" in explained for name in SAMPLES)
