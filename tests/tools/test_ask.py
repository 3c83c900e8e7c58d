"""`make status`, `dry-run`, `check-now`, `test-message`: which organisation, for whom it is printed, the exit code."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from sandbox.zoho import sample_rows
from tests.tools.bench import Bench
from tools import ask, connect, doctor, undeploy
from tools.lines import cells

Tool = Callable[..., tuple[int, str]]


@pytest.mark.parametrize("action", ask.ACTIONS)
def test_an_organisation_that_is_not_connected_is_an_error(bench: Bench, tool: Tool, action: str) -> None:
    """Before anything is done, for people and for programs: which there are, and how to connect this one."""
    bench.stage.connect("known", sample_rows())
    sent = len(bench.stage.slack.messages)
    for form in ([], ["--json"]):
        code, shown = tool(ask.main, action, "--org=nope", *form)
        assert code == 1
        assert "✗ No organisation nope is connected to the stack notifier.\n" in shown
        assert "known" in shown
        assert shown.endswith("To connect this one: make connect ORG=nope\n")
    assert len(bench.stage.slack.messages) == sent


@pytest.mark.parametrize("org", ["acme ltd", "日本語", "Ünï", "it's", "a" * 65, "a;b"])
@pytest.mark.parametrize("module", [ask, connect, doctor, undeploy], ids=lambda module: module.__name__)
def test_a_name_that_cannot_be_one_gets_a_sentence(bench: Bench, tool: Tool, module: ModuleType, org: str) -> None:
    """And no usage text, in every tool that can be given one."""
    arguments = ["status"] if module is ask else []
    code, shown = tool(module.main, *arguments, f"--org={org}")
    assert code == 1
    assert org in shown
    assert "  → " in shown
    assert "usage" not in shown


def test_removing_one_organisation_is_not_removing_the_stack(bench: Bench, tool: Tool) -> None:
    """Whoever names one is shown the other command, and nothing is removed."""
    code, shown = tool(undeploy.main, "--org=acme", "--non-interactive", "--delete-table")
    assert (code, "make connect ORG=acme REMOVE=1" in shown) == (1, True), shown
    assert "DeleteStack" not in bench.front.operations


@pytest.mark.parametrize("action", ask.ACTIONS)
def test_programs_get_the_answer_as_it_is(bench: Bench, tool: Tool, action: str) -> None:
    """One JSON object and nothing else."""
    bench.stage.connect("programs", sample_rows())
    code, shown = tool(ask.main, action, "--org=programs", "--json")
    assert (code, json.loads(shown)["org"]) == (0, "programs")


def test_people_get_sentences_that_fit_their_terminal(bench: Bench) -> None:
    """From the first look to the test message; nothing of it is JSON."""
    bench.stage.connect("people", sample_rows(), name="日本語株式会社", time_zone="Asia/Kolkata")
    expected = {
        "status": "! No check has read the backups yet: make check-now ORG=people",
        "dry-run": "The next check of 日本語株式会社 would send 1 new message:",
        "check": "✓ The backup history was read: 4 entries.",
        "test-message": "✓ Slack: accepted:",
    }
    for action, said in expected.items():
        with bench.terminal(action, "--org=people", module="tools.ask", COLUMNS="80") as terminal:
            assert terminal.exit_code() == 0, terminal.screen
        assert said in terminal.screen
        assert not [line for line in terminal.screen.splitlines() if cells(line) > 80 or line.startswith(("{", " {"))]


def test_a_status_knows_when_an_organisation_was_changed(bench: Bench, tool: Tool) -> None:
    """By its parameter; without one, what is remembered is shown, and the exit code says that this is wrong."""
    bench.stage.connect("changing", sample_rows())
    assert bench.stage.check("changing").ok
    code, shown = tool(ask.main, "status", "--org=changing")
    assert (code, "  Last changed" in shown) == (0, True), shown
    name = f"{bench.stage.stack.outputs['OrgParameterPrefix']}/changing"
    bench.stage.cloud.client("ssm").delete_parameter(Name=name)
    code, shown = tool(ask.main, "status", "--org=changing")
    assert (code, shown.startswith("✗ The backups are not being monitored. ")) == (1, True), shown
    assert "Last changed" not in shown
