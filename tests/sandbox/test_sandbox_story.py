"""What `make run` does."""

import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.channels import FakeSlack
from sandbox.columns import cells
from sandbox.mail import Mail
from sandbox.runtime import ROOT, Result
from sandbox.sandbox import Sandbox
from sandbox.screen import Screen
from sandbox.story import Demo, History, Scene, past, week
from sandbox.zoho import Organisation

COMMAND = [sys.executable, "-m", "sandbox"]
RUN = "import runpy; runpy.run_module('sandbox', run_name='__main__')"
LISTEN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""In the background a shell lets its children ignore Ctrl-C, and so they would, in some CI."""


def test_make_run_shows_the_story_on_any_machine(tmp_path: Path) -> None:
    """Whatever AWS settings are there, in an encoding that knows no box, with nothing lost and nothing twice."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "PYTHONIOENCODING": "ascii",
        "PYTHONWARNINGS": "error",
    }
    ran = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    verdict = ran.stdout[ran.stdout.rindex("Messages:") :]
    words = "Messages: 17 by e-mail, 15 on Slack, 17 on Zoho Cliq; nothing lost, nothing sent twice."
    assert " ".join(verdict.split()).startswith(words)
    assert "\033[" not in ran.stdout
    lines = ran.stdout.splitlines()
    assert max(map(cells, lines)) <= 80
    assert len(lines) < 120, "each step is a sentence and a line for what was sent, not all of it"
    framed = re.findall(r"^  \?\? ([A-Z].*?) \?", ran.stdout, re.MULTILINE)
    assert framed == ["E-mail", "Slack", "Zoho Cliq"]
    first = ran.stdout.index("??")
    assert ran.stdout[:first].rstrip().endswith(": Backup failed"), "what a failed backup becomes is shown in full"
    assert ran.stdout[first : ran.stdout.rindex("??")].count("Acme Ltd: Backup failed") == 3
    assert "  ? e-mail, Zoho Cliq: Can't deliver to Slack\n" in ran.stdout
    assert "  ? Slack: Backup failed\n" in ran.stdout, "what it missed"
    assert "make run FULL=1" in ran.stdout
    assert lines[-1].startswith("Next: make sandbox")


def test_make_run_names_the_channels_it_does_not_know() -> None:
    """And those that there are."""
    command = [*COMMAND, "--channels=slack,pigeon"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (2, "")
    assert ran.stdout.startswith("No such channel: pigeon. Choose from slack, cliq, teams, pagerduty")


def test_ctrl_c_ends_it_cleanly() -> None:
    """One word, the usual exit code, no traceback, nothing left running."""
    command = [sys.executable, "-c", f"{LISTEN}; {RUN}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
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
    pretend = "import sys; sys.version_info = (3, 9); sys.version = '3.9.2 (default)'"
    ran = subprocess.run(
        [sys.executable, "-c", f"{pretend}; {RUN}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (2, "")
    assert ran.stdout == "Python 3.11 or newer is needed, and this is 3.9.2: make run PYTHON=python3.13\n"


def test_the_story_is_the_promised_one() -> None:
    """Its kinds in order, rows newest last, none in the future, ids beyond what a double can hold and all different."""
    now = datetime.now(UTC)
    history = History(now)
    before, scenes = past(history), list(week(history))
    assert [scene.kind for scene in scenes] == ["completed", "failed", "failed", "recovered", "stopped"]
    rows = [*before, *(row for scene in scenes for row in scene.rows)]
    times = [datetime.fromisoformat(row["log_time"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] < now
    ids = [int(row["id"]) for row in rows]
    assert ids == sorted(set(ids))
    assert ids[0] > 2**53


ROW = {"id": "4876876000001594002"}
SCENE = Scene("A backup fails.", "failed", ({"id": "1"}, ROW))
GOOD_MAIL = Mail("Subject", f"Job ID: {ROW['id']}", {"kind": "failed", "notice_id": "one"})
GOOD_POST = {"text": f"Job ID: {ROW['id']}"}


class Puppets:
    """A sandbox in which each check does what the test wants: deliver mails and posts, or fail."""

    def __init__(self, *checks: tuple[list[Mail], list[dict[str, Any]]] | str) -> None:
        """Take what each check delivers or, of one that fails, the error."""
        self.mailbox = SimpleNamespace(mails=[])
        self.channels = {"slack": SimpleNamespace(messages=[], label="Slack", text=FakeSlack.text)}
        self._checks = iter(checks)

    def check(self, org: str) -> Result:
        """Do the next check."""
        what = next(self._checks)
        if isinstance(what, str):
            return Result(ok=False, payload={"errorMessage": what}, logs=[], output="the log", cold=False)
        self.mailbox.mails += what[0]
        self.channels["slack"].messages += what[1]
        return Result(ok=True, payload={}, logs=[], output="", cold=False)


NOTHING: tuple[list[Mail], list[dict[str, Any]]] = ([], [])
GOOD = ([GOOD_MAIL], [GOOD_POST])


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        pytest.param(GOOD, NOTHING, "1 by e-mail, 1 on Slack; nothing lost, nothing sent twice.", id="good"),
        pytest.param(([], [GOOD_POST]), NOTHING, "should send one failed by e-mail; it sent none.", id="no mail"),
        pytest.param(([GOOD_MAIL], []), NOTHING, "sent 0 messages to Slack.", id="no post"),
        pytest.param(([GOOD_MAIL] * 2, [GOOD_POST]), NOTHING, "A notice came twice by e-mail.", id="same notice twice"),
        pytest.param(
            ([replace(GOOD_MAIL, attributes={"kind": "stopped", "notice_id": "one"})], [GOOD_POST]),
            NOTHING,
            "should send one failed by e-mail; it sent ['stopped'].",
            id="wrong kind",
        ),
        pytest.param(
            ([replace(GOOD_MAIL, body="")], [GOOD_POST]),
            NOTHING,
            f"does not show row {ROW['id']} in its e-mail message.",
            id="no row",
        ),
        pytest.param(
            ([GOOD_MAIL], [{"text": "x"}]),
            NOTHING,
            f"not show row {ROW['id']} in its Slack message.",
            id="no row in Slack",
        ),
        pytest.param(GOOD, ([], [GOOD_POST]), "was sent again at the next check.", id="posted again"),
        pytest.param(GOOD, ([GOOD_MAIL], []), "was sent again at the next check.", id="mailed again"),
        pytest.param(GOOD, "out of luck", "A check failed: out of luck", id="a failing check"),
    ],
)
def test_the_verdict_says_what_went_wrong(first: Any, second: Any, problem: str) -> None:
    """Lost, wrong, incomplete, repeated or failed: each has a sentence, and only a good story has none."""
    demo = Demo(cast(Sandbox, Puppets(first, second)), Screen(io.StringIO()))
    demo.play("default", Organisation("id", "secret"), SCENE)
    assert problem in demo.verdict().replace("\n", " ")
    assert bool(demo.problems) == ("nothing lost" not in problem)


@pytest.mark.parametrize(
    ("mails", "posts", "lines"),
    [
        pytest.param([GOOD_MAIL], [GOOD_POST | {"text": "one"}], ["e-mail, Slack: Failed"], id="to both"),
        pytest.param([GOOD_MAIL], [], ["e-mail: Failed"], id="by e-mail only"),
        pytest.param([], [{"text": "End of 17\nmore"}], ["Slack: End of 17"], id="what has no e-mail"),
        pytest.param([GOOD_MAIL], [{"text": "End of 17"}], ["e-mail: Failed", "Slack: End of 17"], id="two things"),
        pytest.param([], [], [], id="nothing"),
    ],
)
def test_a_line_says_who_got_what(mails: list[Mail], posts: list[dict[str, Any]], lines: list[str]) -> None:
    """By the number that a notice has everywhere."""
    out = io.StringIO()
    sent = [replace(mail, subject="[Acme] Failed") for mail in mails]
    Demo(cast(Sandbox, Puppets((sent, posts), NOTHING)), Screen(out, full=False)).play(
        "default", Organisation("id", "secret"), SCENE
    )
    assert re.findall("^  → (.*)$", out.getvalue(), re.MULTILINE) == lines
