"""`make undeploy`: what it removes, what stays, and how often it asks."""

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Stack
from tests.tools.bench import Bench
from tests.tools.front import denied
from tests.tools.terminal import CTRL_C, ENTER
from tools import undeploy


def another(bench: Bench, name: str) -> tuple[Stack, str]:
    """Deploy another stack with an organisation; return it and its table's name."""
    deployed = bench.stage.cloud.deploy(name)
    deployed.put_organisation("acme", {"client_secret": "canary"})
    return deployed, deployed.outputs["TableName"]


def parameters(bench: Bench, name: str) -> list[str]:
    """Return the names of a stack's organisations' parameters."""
    path = f"/zoho-backup-notifier/{name}"
    found = bench.stage.cloud.client("ssm").get_parameters_by_path(Path=path)["Parameters"]
    return [parameter["Name"] for parameter in found]


def is_there(bench: Bench, name: str) -> bool:
    """Return whether there is a stack of this name."""
    try:
        bench.stage.cloud.client("cloudformation").describe_stacks(StackName=name)
    except ClientError:
        return False
    return True


def test_a_person_types_the_stacks_name_and_keeps_the_table(bench: Bench) -> None:
    """Stack and organisations go; the table stays, and how to delete it later is said."""
    _, table = another(bench, "going")
    with bench.terminal("--stack", "going", module="tools.undeploy") as terminal:
        terminal.wait_for("/zoho-backup-notifier/going/acme, with its secrets")
        terminal.answer("Type the stack's name to remove it (going):", "notifier")
        terminal.wait_for("✗ No.")
        terminal.wait_for("Type the stack's name")
        terminal.type("\x15going" + ENTER)
        terminal.answer("Delete the table, too?")
        assert terminal.exit_code() == 0
    assert (is_there(bench, "going"), parameters(bench, "going")) == (False, [])
    assert f"aws dynamodb delete-table --table-name {table} --region eu-west-1" in terminal.screen
    assert bench.stage.cloud.client("dynamodb").describe_table(TableName=table)
    assert is_there(bench, "notifier")


def test_the_table_goes_when_it_was_asked_for_twice(bench: Bench) -> None:
    """A yes, and its name."""
    _, table = another(bench, "gone")
    with bench.terminal("--stack", "gone", module="tools.undeploy") as terminal:
        terminal.answer("Type the stack's name", "gone")
        terminal.answer("Delete the table", "1")
        terminal.answer("Type the table's name", table)
        assert terminal.exit_code() == 0
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.stage.cloud.client("dynamodb").describe_table(TableName=table)


@pytest.mark.parametrize("answers", [[], ["kept"], ["kept", "1"]])
def test_leaving_at_any_question_changes_nothing(bench: Bench, answers: list[str]) -> None:
    """All is asked before anything is done."""
    if not is_there(bench, "kept"):
        another(bench, "kept")
    with bench.terminal("--stack", "kept", module="tools.undeploy") as terminal:
        for question, answer in zip(("Type the stack's name", "Delete the table"), answers, strict=False):
            terminal.answer(question, answer)
        terminal.wait_for(("Type the stack's name", "Delete the table", "Type the table's name")[len(answers)])
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert terminal.screen.endswith("Stopped. Nothing was changed.\n")
    assert (is_there(bench, "kept"), len(parameters(bench, "kept"))) == (True, 1)


def test_what_aws_refuses_ends_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The secrets stay as long as the stack does."""
    another(bench, "bound")
    bench.front.instead["DeleteStack"] = denied("cloudformation:DeleteStack")
    code = undeploy.main(["--stack", "bound", "--non-interactive"])
    assert "do not allow cloudformation:DeleteStack" in capsys.readouterr().out
    assert (code, is_there(bench, "bound"), len(parameters(bench, "bound"))) == (1, True, 1)


def test_what_is_left_of_a_stack_that_somebody_deleted_goes_too(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its organisations' secrets; and without anything there is nothing to remove."""
    another(bench, "left")
    bench.stage.cloud.client("cloudformation").delete_stack(StackName="left")
    assert undeploy.main(["--stack", "left", "--non-interactive"]) == 0
    assert parameters(bench, "left") == []
    assert undeploy.main(["--stack", "left", "--non-interactive"]) == 1
    assert "There is no stack left" in capsys.readouterr().out
