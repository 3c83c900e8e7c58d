"""`make deploy` before sam, and `make undeploy`: what is checked before CloudFormation sees it, and what is removed."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from sandbox.server import Response
from tests.tools.bench import Bench
from tests.tools.front import Refusal, denied
from tests.tools.terminal import CTRL_C
from tools import deploy, doctor, parameters, stack
from tools.statuses import DEPLOYABLE, GOOD, STATUSES, first_failure


@pytest.fixture
def saved(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty folder for saved answers, nobody to ask, and a terminal that deploys to AWS."""
    monkeypatch.delenv("ZOHO_API_URL")
    monkeypatch.setattr(stack, "SAVED", tmp_path)
    monkeypatch.setattr(stack.file_of, "__defaults__", (tmp_path,))
    monkeypatch.setattr(stack.chosen_name, "__defaults__", (tmp_path,))
    monkeypatch.setattr(stack.choose, "__defaults__", (tmp_path,))
    with open("/dev/null") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield tmp_path


def answers(saved: Path, name: str) -> dict[str, str]:
    """Return the parameters that were saved for a stack."""
    held = tomllib.loads((saved / f"{name}.toml").read_text())["default"]["deploy"]["parameters"]
    assert (held["stack_name"], held["region"], held["s3_prefix"]) == (name, "eu-west-1", name)
    return dict(part.partition("=")[::2] for part in shlex.split(held["parameter_overrides"]))


def stack_xml(status: str) -> Response:
    """Make CloudFormation's answer that a stack has a status, and no outputs."""
    inner = f"<StackName>x</StackName><StackId>arn:x</StackId><StackStatus>{status}</StackStatus>"
    member = f"<member>{inner}<CreationTime>2026-01-01T00:00:00Z</CreationTime></member>"
    result = f"<DescribeStacksResult><Stacks>{member}</Stacks></DescribeStacksResult>"
    return Response(200, f"<DescribeStacksResponse>{result}</DescribeStacksResponse>".encode())


def test_each_stack_has_saved_answers(bench: Bench, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was given, and else the template's defaults; one stack's are never another's."""
    assert deploy.main(["--stack", "one", "--set", 'TimeZone=Asia/Tokyo ScheduleExpression="rate(30 minutes)"']) == 0
    assert deploy.main(["--stack", "two", "--set", "NotificationEmail=it@example.com"]) == 0
    defaults = {name: parameters.default(name) for name in parameters.template()}
    one = answers(saved, "one")
    assert one == defaults | {"TimeZone": "Asia/Tokyo", "ScheduleExpression": "rate(30 minutes)"}
    assert answers(saved, "two") == defaults | {"NotificationEmail": "it@example.com"}
    assert deploy.main(["--stack", "one"]) == 0
    assert answers(saved, "one") == one
    capsys.readouterr()
    assert deploy.main(["--where", "--stack", "one"]) == 0
    assert capsys.readouterr().out == f"{saved / 'one.toml'}\n"


def test_a_deployed_stack_keeps_its_parameters(bench: Bench, saved: Path) -> None:
    """Whoever deploys it from another machine changes nothing by it."""
    assert deploy.main(["--stack", "notifier"]) == 0
    [described] = bench.stage.cloud.client("cloudformation").describe_stacks(StackName="notifier")["Stacks"]
    deployed = {p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]}
    assert answers(saved, "notifier") == deployed


def test_a_sandbox_has_its_stack_already(
    bench: Bench, saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its terminal is told so before it is asked anything, and sam, which could not deploy there, is not run."""
    monkeypatch.setenv("ZOHO_API_URL", bench.environment["ZOHO_API_URL"])
    assert deploy.main([]) == 1
    said = capsys.readouterr().out
    assert "✗ This terminal uses the sandbox, where the stack is deployed already." in said
    assert "make connect" in said
    assert "leave_sandbox" in said
    assert list(saved.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param("TimeZone=Europe/Berln", "TimeZone is 'Europe/Berln': There is no such time zone", id="zone"),
        pytest.param("GraceHours=24.5", "GraceHours is '24.5': Whole hours", id="no whole number"),
        pytest.param("GraceHours=0", "GraceHours is '0': Whole hours", id="too small"),
        pytest.param("NotificationEmail=nobody", "NotificationEmail is 'nobody': One e-mail address", id="mail"),
        pytest.param("LogRetentionDays=2", "LogRetentionDays is '2': One of the numbers", id="not offered"),
        pytest.param('ScheduleExpression="rate(1 hours)"', "ScheduleExpression is 'rate(1 hours)'", id="schedule"),
        pytest.param('ScheduleExpression="cron(a b * * ? *)"', "It never runs", id="never"),
        pytest.param('ScheduleExpression="rate(1 day)"', "NotInvokedHours is 3, but checks are up to 24", id="windows"),
        pytest.param('ScheduleExpression="cron(0 7 ? * TUE *)"', "check every other day at least", id="too rare"),
        pytest.param("Colour=red", "No parameter of the stack: Colour.", id="unknown"),
    ],
)
def test_what_cloudformation_would_find_out_too_late_is_refused(
    bench: Bench, saved: Path, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    """Nothing is saved, and the next step says how to give others."""
    assert deploy.main(["--stack", "fresh", "--set", given]) == 1
    assert said in capsys.readouterr().out
    assert not list(saved.iterdir())


def test_a_concurrency_that_the_account_does_not_have_is_refused(
    bench: Bench, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in every new account; who may not ask goes on."""
    limits = {"AccountLimit": {"ConcurrentExecutions": 110, "UnreservedConcurrentExecutions": 110}}
    bench.front.instead["GetAccountSettings"] = Response.json(limits)
    assert deploy.main(["--stack", "fresh", "--set", "ReservedConcurrency=11"]) == 1
    assert "this account has 10 concurrent executions to reserve" in capsys.readouterr().out
    assert deploy.main(["--stack", "fresh", "--set", "ReservedConcurrency=10"]) == 0
    bench.front.instead["GetAccountSettings"] = denied("lambda:GetAccountSettings")
    assert deploy.main(["--stack", "fresh", "--set", "ReservedConcurrency=11"]) == 0


@pytest.mark.parametrize("name", ["x" * 65, "a_b", "1st", "a b"])
def test_a_name_that_cannot_be_a_stacks_is_refused(
    bench: Bench, saved: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Before AWS is asked anything: schedules take 64 characters only."""
    assert deploy.main(["--stack", name]) == 1
    assert "cannot be the name of a stack." in capsys.readouterr().out
    assert bench.front.operations == []


def test_credentials_are_the_first_thing_that_is_checked(
    bench: Bench, saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And then the region; nothing is asked or saved before."""
    bench.front.instead["GetCallerIdentity"] = Refusal("ExpiredToken")
    assert deploy.main([]) == 1
    assert "✗ The AWS credentials have expired." in capsys.readouterr().out
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert deploy.main([]) == 1
    assert "✗ No AWS region is set." in capsys.readouterr().out
    assert not list(saved.iterdir())


def test_make_checks_before_it_installs_or_builds_anything() -> None:
    """The recipe begins with the check, and needs nothing but the project's environment for it."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    recipe = re.search(r"^deploy:(.*?) ##.*\n\t@(.*)", makefile, re.MULTILINE)
    assert recipe
    assert recipe[1].split() == ["$(READY)"]
    assert recipe[2].startswith("$(PY) -m tools.deploy ")


def test_every_status_has_words_and_a_way_out() -> None:
    """Of all that AWS knows; what cannot be deployed is never advised to be deployed at once."""
    model = boto3.client("cloudformation", region_name="eu-west-1").meta.service_model
    known = set(model.shape_for("StackStatus").metadata["enum"])
    assert known == STATUSES.keys() | GOOD
    assert known >= DEPLOYABLE
    for status, (_, step) in STATUSES.items():
        if "make deploy" in step and status != "DELETE_COMPLETE":
            assert status in DEPLOYABLE or "make undeploy" in step, status


@pytest.mark.parametrize("status", sorted((STATUSES.keys() | GOOD) - {"DELETE_COMPLETE"}))
def test_a_stack_that_cannot_be_deployed_says_so_before_sam(
    bench: Bench, saved: Path, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    """With what failed first, in AWS's words."""
    bench.front.instead["DescribeStacks"] = stack_xml(status)
    event = "<ResourceStatus>CREATE_FAILED</ResourceStatus><LogicalResourceId>Sch</LogicalResourceId>"
    reasons = ("Resource creation cancelled", "Invalid ScheduleExpressionTimezone")
    members = "".join(f"<member>{event}<ResourceStatusReason>{why}</ResourceStatusReason></member>" for why in reasons)
    name = "DescribeStackEvents"
    result = f"<{name}Result><StackEvents>{members}</StackEvents></{name}Result>"
    bench.front.instead[name] = Response(200, f"<{name}Response>{result}</{name}Response>".encode())
    code, shown = deploy.main(["--stack", "x"]), capsys.readouterr().out
    assert code == (0 if status in DEPLOYABLE else 1), shown
    if code:
        assert f"is {status}: " in shown
        assert "First, Sch: Invalid ScheduleExpressionTimezone" in shown
        assert doctor.main(["--stack", "x"]) == 1
        assert status in capsys.readouterr().out


def test_nothing_failed_first_where_nothing_failed() -> None:
    """A stack that is under way has no such event."""
    assert first_failure([{"ResourceStatus": "CREATE_IN_PROGRESS", "ResourceStatusReason": "User Initiated"}]) == ""


def test_a_person_is_asked_for_little(bench: Bench) -> None:
    """Address and time zone; a wrong one at once; what does not fit together until it does."""
    with bench.terminal(module="tools.deploy", ZOHO_API_URL="") as terminal:
        terminal.wait_for("Stack notifier")
        terminal.answer("NotificationEmail (Enter for none):", "it@example")
        terminal.wait_for("✗ One e-mail address, or nothing.")
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert terminal.screen.endswith("Stopped. Nothing was saved or deployed.\n")


@pytest.mark.parametrize(
    ("expression", "zone", "gap"),
    [
        ("rate(1 hour)", "Europe/Berlin", timedelta(hours=1)),
        ("rate(90 minutes)", "UTC", timedelta(minutes=90)),
        ("rate(2 days)", "UTC", timedelta(days=2)),
        ("cron(0 7 * * ? *)", "UTC", timedelta(days=1)),
        ("cron(0 7 * * ? *)", "Europe/Berlin", timedelta(hours=25)),
        ("cron(0/15 * * * ? *)", "UTC", timedelta(minutes=15)),
        ("cron(0 8-18/2 ? * MON-FRI *)", "UTC", timedelta(hours=62)),
        ("cron(0 7,19 * * ? *)", "UTC", timedelta(hours=12)),
        ("cron(0 7 ? * 6-2 *)", "UTC", timedelta(days=4)),
        ("cron(0 7 ? * SUN *)", "UTC", timedelta(days=7)),
        ("cron(0 7 1 JAN,jul ? *)", "UTC", timedelta(days=184)),
        ("cron(0 7 L * ? *)", "UTC", None),
        ("cron(0 7 ? * 2#1 *)", "UTC", None),
        ("cron(0 25 * * ? *)", "UTC", timedelta.max),
        ("cron(0/x 7 * * ? *)", "UTC", timedelta.max),
    ],
)
def test_the_longest_gap_of_a_schedule(expression: str, zone: str, gap: timedelta | None) -> None:
    """By hand; where the clocks change, an hour more on that day."""
    assert parameters.longest_gap(expression, zone) == gap


def test_the_templates_defaults_fit() -> None:
    """Each alone and all together."""
    values = {name: parameters.default(name) for name in parameters.template()}
    assert [
        parameters.complaint(name, value) for name, value in values.items() if parameters.complaint(name, value)
    ] == []
    assert parameters.combinations(values) == []
