"""`make deploy` before sam, and `make undeploy`: what is checked and asked, and what is removed."""

import sys
import tempfile
import tomllib
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from sandbox.server import Response
from tests.template.iam import ACCOUNT
from tests.tools.bench import LEAVE, Bench, Person
from tests.tools.conftest import Tool
from tests.tools.front import Refusal, denied
from tools import connect, deploy, doctor, stack, undeploy


@pytest.fixture
def saved(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder for saved answers, nobody to ask, and a terminal that deploys to AWS."""
    monkeypatch.delenv("ZOHO_API_URL")
    monkeypatch.setattr(stack, "SAVED", tmp_path)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    return tmp_path


def answers(saved: Path, name: str) -> dict[str, str]:
    """Return the parameters that were saved for a stack, in quotes; sam itself judges them in `test_sam.py`."""
    held = tomllib.loads((saved / HERE / f"{name}.toml").read_text())["default"]["deploy"]["parameters"]
    assert (held["stack_name"], held["region"], held["s3_prefix"]) == (name, "eu-west-1", name)
    assert held.get("confirm_changeset", False) is sys.stdin.isatty()
    return {parameter: value[1:-1] for parameter, value in held["parameter_overrides"].items()}


HERE = Path(ACCOUNT) / "eu-west-1"
DEFAULTS = {name: str(rules.get("Default", "")) for name, rules in deploy.template().items()}


def test_each_stack_has_saved_answers(saved: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given, else what is deployed or saved, else the template's defaults; one stack's are never another's."""
    given = 'TimeZone=Asia/Tokyo ScheduleExpression="rate(30 minutes)"'
    assert tool(deploy.main, "--set", given, stack="one")[0] == 0
    monkeypatch.setenv("ORIGIN", "git@github.com:acme/notifier.git")
    there = {"RunbookUrl": "https://github.com/acme/notifier/blob/HEAD/docs/runbook.md"}
    with tempfile.TemporaryFile() as told:
        arguments = ("--set", "NotificationEmail=it@example.com", "--tell", told.fileno())
        assert tool(deploy.main, *arguments, stack="two")[0] == 0
        told.seek(0)
        assert told.read().decode() == str(saved / HERE / "two.toml")
    one = {"TimeZone": "Asia/Tokyo", "ScheduleExpression": "rate(30 minutes)"}
    assert answers(saved, "one") == DEFAULTS | one
    assert answers(saved, "two") == DEFAULTS | there | {"NotificationEmail": "it@example.com"}
    assert tool(deploy.main, stack="one")[0] == 0
    assert answers(saved, "one") == DEFAULTS | one
    assert tool(deploy.main, stack="notifier")[0] == 0
    [described] = boto3.client("cloudformation").describe_stacks(StackName="notifier")["Stacks"]
    assert answers(saved, "notifier") == {p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]}


ORIGINS = {
    "https://github.com/acme/notifier.git": "github.com/acme/notifier",
    "https://x-access-token:canary@github.com/acme/notifier": "github.com/acme/notifier",
    "git@gitlab.acme.example:it/crm/notifier.git": "gitlab.acme.example/it/crm/notifier",
    "ssh://git@github.com:22/acme/notifier.git/": "github.com/acme/notifier",
    **dict.fromkeys(("", "/srv/github.com/x", "../github.com/x", "https://bitbucket.org/acme/x"), ""),
}


@pytest.mark.parametrize(("origin", "place"), ORIGINS.items())
def test_the_runbook_is_where_the_clone_came_from(monkeypatch: pytest.MonkeyPatch, origin: str, place: str) -> None:
    """On pages that have such addresses, and without a token that the remote holds."""
    monkeypatch.setenv("ORIGIN", origin)
    assert deploy.runbook_url("v9") == (f"https://{place}/blob/v9/docs/runbook.md" if place else "docs/runbook.md")


def test_a_person_is_asked_for_three_things(saved: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong answer is refused at once, "-" removes, Enter keeps; Ctrl-C saves nothing."""
    typed = {"NotificationEmail": ["it@example", "it@example.com"], "TimeZone": ["Europe/Berln", "Europe/Berlin"]}
    person = Person(monkeypatch, typed)
    assert tool(deploy.main, stack="asked")[0] == 0
    assert [text.partition(" ")[0] for text in dict.fromkeys(person.asked)] == [*deploy.ASKED]
    assert [told[:25] for told in person.told] == ["One e-mail address, or no", "There is no such time zon"]
    expected = DEFAULTS | {"NotificationEmail": "it@example.com", "TimeZone": "Europe/Berlin"}
    assert answers(saved, "asked") == expected
    Person(monkeypatch, {"NotificationEmail": ["-"]})
    assert tool(deploy.main, stack="asked")[0] == 0
    assert answers(saved, "asked") == expected | {"NotificationEmail": ""}
    Person(monkeypatch, {"TimeZone": [LEAVE]})
    code, shown = tool(deploy.main, stack="left")
    assert (code, shown.endswith("Stopped. Nothing was saved or deployed.\n")) == (130, True)
    assert not (saved / HERE / "left.toml").exists()


REFUSED = {
    "TimeZone=Europe/Berln": "TimeZone is 'Europe/Berln': There is no such time zone",
    "GraceHours=24.5": "GraceHours is '24.5': Whole hours",
    "LogRetentionDays=2": "LogRetentionDays is '2': One of the numbers",
    "ScheduleExpression=rate(1 day)": "A value with blanks needs quotes: SET=",
    "Colour=red": "No parameter of the stack: Colour.",
}


@pytest.mark.parametrize(("given", "said"), REFUSED.items())
def test_what_cloudformation_would_find_out_too_late_is_refused(saved: Path, tool: Tool, given: str, said: str) -> None:
    """Nothing is saved."""
    code, shown = tool(deploy.main, "--set", given, stack="fresh")
    assert (code, said in shown, [*saved.iterdir()]) == (1, True, []), shown


def test_credentials_region_and_sandbox_are_checked_first(
    bench: Bench, saved: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is asked, installed or built; sam could not deploy to the sandbox."""
    bench.front.instead["GetCallerIdentity"] = Refusal("ExpiredToken")
    assert "✗ The AWS credentials have expired." in tool(deploy.main, stack="x")[1]
    bench.front.instead.clear()
    with monkeypatch.context() as patch:
        patch.setenv("ZOHO_API_URL", bench.environment["ZOHO_API_URL"])
        assert "✗ This terminal uses the sandbox, where the stack is deployed" in tool(deploy.main, stack="x")[1]
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    code, shown = tool(deploy.main, stack="x")
    assert (code, "✗ No AWS region is set." in shown, [*saved.iterdir()]) == (1, True, [])


STEPS = {
    "ROLLBACK_COMPLETE": "It can only be removed: make undeploy.",
    "UPDATE_IN_PROGRESS": "Wait until AWS has ended that",
    "UPDATE_ROLLBACK_COMPLETE": "",
}


@pytest.mark.parametrize(("status", "step"), STEPS.items())
def test_a_stack_that_cannot_be_deployed_says_so_before_sam(
    bench: Bench, saved: Path, tool: Tool, status: str, step: str
) -> None:
    """And the doctor, with what to do."""
    inner = f"<StackName>x</StackName><StackId>arn:x</StackId><StackStatus>{status}</StackStatus>"
    member = f"<member>{inner}<CreationTime>2026-01-01T00:00:00Z</CreationTime></member>"
    answer = f"<R><DescribeStacksResult><Stacks>{member}</Stacks></DescribeStacksResult></R>"
    bench.front.instead["DescribeStacks"] = Response(200, answer.encode())
    code, shown = tool(deploy.main, stack="x")
    assert (code, step in shown) == (1 if step else 0, True), shown
    code, shown = tool(doctor.main, stack="x")
    assert (code, f"is {status} and not complete" in shown, step in shown) == (1, True, True), shown


# --- make undeploy ----------------------------------------------------------------------------------------------------


def is_there(bench: Bench, name: str) -> tuple[bool, int, bool]:
    """Return whether there is a stack, how many organisations' parameters it has, and whether its table stays."""
    path = f"/zoho-backup-notifier/{name}"
    held = len(bench.client("ssm").get_parameters_by_path(Path=path)["Parameters"])
    tables = [table for table in bench.client("dynamodb").list_tables()["TableNames"] if table.startswith(f"{name}-")]
    stacks = bench.client("cloudformation").describe_stacks()["Stacks"]
    return name in [stack["StackName"] for stack in stacks], held, bool(tables)


UNDEPLOYED: dict[str, tuple[dict[str, list[str]], tuple[bool, int, bool]]] = {
    "gone": ({"Type the stack's": ["gone"], "Type the table's": ["TABLE"]}, (False, 0, False)),
    "kept": ({"Type the stack's": ["zoho", "kept"], "Type the table's": [""]}, (False, 0, True)),
}


@pytest.mark.parametrize("name", UNDEPLOYED)
def test_a_person_is_asked_twice(
    bench: Bench, saved: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """All is asked before anything is done, also where it is left; the table goes only after its own name."""
    typed, left = UNDEPLOYED[name]
    deployed = bench.stage.cloud.deploy(name)
    deployed.put_organisation("acme", {"client_secret": "canary"})
    table = deployed.outputs["TableName"]
    Person(monkeypatch, {"Type the stack's": [name], "Type the table's": [LEAVE]})
    code, shown = tool(undeploy.main, stack=name)
    assert (code, is_there(bench, name)) == (130, (True, 1, True))
    assert shown.endswith("Stopped. Nothing was changed.\n")
    person = Person(monkeypatch, {q: [a.replace("TABLE", table) for a in given] for q, given in typed.items()})
    code, shown = tool(undeploy.main, stack=name)
    assert (code, person.left_over, is_there(bench, name)) == (0, [], left), shown
    assert f"/zoho-backup-notifier/{name}/acme, with its secrets" in shown
    assert (f"aws dynamodb delete-table --table-name {table}" in shown) == (name == "kept")
    assert bench.schedule("notifier")


def test_what_is_left_or_refused(bench: Bench, saved: Path, tool: Tool) -> None:
    """Secrets stay as long as the stack does, and go with what somebody else deleted; then nothing is left."""
    bench.stage.cloud.deploy("bound").put_organisation("acme", {"client_secret": "canary"})
    bench.front.instead["DeleteStack"] = denied("cloudformation:DeleteStack")
    code, shown = tool(undeploy.main, "--non-interactive", stack="bound")
    assert (code, "do not allow cloudformation:DeleteStack" in shown, is_there(bench, "bound")[1]) == (1, True, 1)
    assert bench.client("scheduler").get_schedule(Name="bound", GroupName="bound"), "it still checks default"
    bench.client("cloudformation").delete_stack(StackName="bound")
    assert tool(undeploy.main, "--non-interactive", stack="bound")[0] == 0
    assert is_there(bench, "bound")[:2] == (False, 0)
    for name, org, said in (("bound", "", "There is no stack bound"), ("x", "acme", "make connect ORG=acme REMOVE=1")):
        code, shown = tool(undeploy.main, "--non-interactive", "--org", org, stack=name)
        assert (code, said in shown) == (1, True), shown


def test_without_a_terminal_nothing_is_asked(bench: Bench, saved: Path, tool: Tool) -> None:
    """A pipe gets to know which other way there is."""
    for main in (undeploy.main, connect.main):
        code, shown = tool(main)
        assert (code, "This needs an interactive terminal." in shown, bench.front.writes) == (1, True, [])
