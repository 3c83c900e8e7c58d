"""What `make run` does."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.runtime import ROOT
from sandbox.screen import Screen
from sandbox.slack import ERRORS
from sandbox.stage import Stage
from sandbox.story import History, Scene, Teller, past, scenes
from sandbox.zoho import sample_rows

COMMAND = [sys.executable, "-m", "sandbox"]


def test_make_run_tells_the_story_on_any_machine(tmp_path: Path) -> None:
    """Whatever AWS settings are there, in an encoding that knows no box, with nothing lost and nothing twice."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "PYTHONIOENCODING": "ascii",
        "PYTHONWARNINGS": "error",
    }
    told = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "7 messages by e-mail and 7 on Slack; nothing lost, nothing said twice."
    assert "\033[" not in told.stdout


def test_ctrl_c_ends_it_cleanly() -> None:
    """One word, the usual exit code, no traceback, nothing left running."""
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        for line in process.stdout:  # in the middle of the story
            if "Slack" in line and "Starting" not in line:
                break
        tasks = Path(f"/proc/{process.pid}/task").glob("*/children")  # where there is a /proc
        children = [int(child) for task in tasks for child in task.read_text().split()]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert rest.splitlines()[-1] == "Stopped."
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


def test_an_older_python_is_told_what_is_needed() -> None:
    """Before anything is imported that it couldn't read."""
    pretend = "import runpy, sys; sys.version_info = (3, 9); sys.version = '3.9.2 (default)'"
    run = f"{pretend}; runpy.run_module('sandbox', run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (2, "")
    assert told.stdout == "Python 3.11 or newer is needed, and this is 3.9.2: make run PYTHON=python3.13\n"


def test_the_story_is_the_promised_one() -> None:
    """Its kinds in order, rows newest last, none in the future, ids beyond what a double can hold and all different."""
    now = datetime.now(UTC)
    history = History(now)
    before, told = past(history), list(scenes(history))
    assert [scene.kind for scene in told] == ["completed", "failed", "failed", "recovered", "stopped"]
    rows = [*before, *(row for scene in told for row in scene.rows)]
    times = [datetime.fromisoformat(row["log_time"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] < now
    ids = [int(row["id"]) for row in rows]
    assert ids == sorted(set(ids))
    assert ids[0] > 2**53


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Give the whole sandbox."""
    with closing(Stage()) as stage:
        yield stage


def problems_of(stage: Stage, org: str, *changes: Scene) -> list[str]:
    """Play scenes after the baseline and return what the teller complains about."""
    teller = Teller(stage, Screen(io.StringIO()))
    organisation = stage.connect(org, sample_rows())
    teller.play(org, organisation, Scene("Baseline.", "baseline"))
    for scene in changes:
        teller.play(org, organisation, scene)
    teller.verdict()
    return teller.problems


def failure() -> Scene:
    """Return a scene in which a backup fails."""
    return next(scene for scene in scenes(History(datetime.now(UTC))) if scene.kind == "failed")


def test_a_story_that_goes_well_has_no_problems(stage: Stage) -> None:
    """So that the complaints below mean something."""
    assert problems_of(stage, "well", failure()) == []


def test_a_message_that_does_not_arrive_is_noticed(stage: Stage) -> None:
    """Slack is down at both checks: the teller says which channel lacks what, and that checks failed."""
    stage.slack.script("webhook", *[ERRORS["rollup_error"]] * 20)
    problems = " ".join(problems_of(stage, "lost"))
    assert "should send one message to Slack; it sent 0" in problems
    assert "A check failed" in problems


def test_a_wrong_kind_and_a_missing_row_are_noticed(stage: Stage) -> None:
    """The teller doesn't take any message for the right one."""
    scene = failure()
    other = {**scene.rows[-1], "id": "1"}
    problems = " ".join(problems_of(stage, "wrong", replace(scene, kind="stopped", rows=(*scene.rows, other))))
    assert "should send one stopped by e-mail; it sent ['failed'" in problems
