"""`make connect` without questions: answers from file and environment, and everything that AWS can refuse."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from sandbox.server import Fault, Response
from sandbox.zoho import plan
from tests.tools.bench import Bench, change_schedule, schedule_of
from tests.tools.front import Refusal, denied
from tools import connect, grant, stack
from tools.organisations import Organisation
from tools.problems import Problem, from_aws

Tool = Callable[..., tuple[int, str]]
PREFIX = "/zoho-backup-notifier/notifier"


@pytest.fixture
def unasked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Give what connects an organisation with a fresh code, all of it right, from the environment."""

    def run(org: str, *arguments: str) -> tuple[int, str]:
        company = bench.company()
        monkeypatch.setenv("ZOHO_DATA_CENTER", "us")
        monkeypatch.setenv("ZOHO_CLIENT_ID", company.client_id)
        monkeypatch.setenv("ZOHO_CLIENT_SECRET", company.client_secret)
        monkeypatch.setenv("ZOHO_CODE", bench.code(company))
        code, shown = tool(connect.main, "--org", org, "--non-interactive", *arguments)
        assert bench.shows_no_secret(shown)
        return code, " ".join(shown.split())

    return run


def test_the_environment_is_enough(bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything can be given in variables; a test message is sent only where it is wanted."""
    webhook = bench.webhook("ENVIRONMENT")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", webhook)
    monkeypatch.setenv("HEARTBEAT_URL", bench.stage.slack.heartbeat_url("env"))
    monkeypatch.setenv("ORGANISATION_NAME", "Ürün A.Ş.")
    assert unasked("env")[0] == 0
    assert "Invoke" not in bench.front.operations
    held = json.loads(bench.parameter("env") or "")
    assert (held["slack_webhook_url"], held["name"]) == (webhook, "Ürün A.Ş.")
    assert held["heartbeat_url"].endswith("/heartbeat/env")
    code, shown = unasked("env", "--send")
    assert code == 0
    assert "✓ Test message: Slack: accepted: Slack shows it in the channel" in shown


def test_the_file_that_zoho_offers_is_enough(bench: Bench, tool: Tool, tmp_path: Path) -> None:
    """It can be used as it is downloaded, with the data centre beside it; that others can read it is said."""
    company = bench.company()
    file = tmp_path / "self_client.json"
    answers = {"client_id": company.client_id, "client_secret": company.client_secret, "code": bench.code(company)}
    console = {"scope": ["ZohoCRM.bulk.backup.READ"], "expiry_time": 1, "grant_type": "authorization_code"}
    file.write_text(json.dumps({**answers, **console, "data_center": "us", "name": ""}))
    file.chmod(0o644)
    code, shown = tool(connect.main, "--org", "file", "--non-interactive", "--file", str(file))
    assert code == 0
    assert f"Others on this machine can read {file}: chmod 600" in shown
    assert bench.shows_no_secret(shown)
    assert json.loads(bench.parameter("file") or "").keys() == answers.keys() - {"code"} | {
        "data_center",
        "refresh_token",
    }


def test_a_file_leaves_less_to_ask(bench: Bench, tmp_path: Path) -> None:
    """On a terminal, what the file holds is not asked for."""
    company = bench.company()
    file = tmp_path / "self_client.json"
    answers = {"client_id": company.client_id, "client_secret": company.client_secret, "code": bench.code(company)}
    file.write_text(json.dumps(answers))
    file.chmod(0o600)
    with bench.terminal("--org", "half", "--file", str(file)) as terminal:
        for question in ("browser show", "Where else", "Heartbeat URL", "Name of", "Time zone of"):
            terminal.answer(question)
        terminal.answer("Send a test message", "2")
        assert terminal.exit_code() == 0
    assert "chmod" not in terminal.screen
    assert bench.parameter("half")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param('{"client_secret": "canary', "is no JSON object", id="broken"),
        pytest.param('["canary"]', "is no JSON object", id="a list"),
        pytest.param('{"client_secret": ["canary"]}', "cannot be used: client_secret.", id="wrong type"),
        pytest.param('{"refresh_token": "canary"}', "cannot be used: refresh_token.", id="a key that is not asked for"),
        pytest.param('{"slack_webhook_url": "ftp://canary"}', "slack_webhook_url (SLACK_WEBHOOK_URL)", id="no URL"),
        pytest.param(
            '{"client_id": "1000.1", "data_center": "us"}',
            "Missing: client_secret (ZOHO_CLIENT_SECRET), code",
            id="half",
        ),
        pytest.param(None, "cannot be read: No such file", id="missing"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    bench: Bench, tool: Tool, tmp_path: Path, content: str | None, said: str
) -> None:
    """And never what was in it; Zoho is not asked."""
    file = tmp_path / "answers.json"
    if content is not None:
        file.write_text(content)
    requests = len(bench.stage.zoho.requests)
    code, shown = tool(connect.main, "--org", "unusable", "--non-interactive", "--file", str(file))
    assert (code, said in shown, "canary" in shown) == (1, True, False), shown
    assert (bench.front.writes, len(bench.stage.zoho.requests)) == ([], requests)


def test_a_connected_organisation_changes_one_thing(
    bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a code the token stays; "-" takes an option away."""
    monkeypatch.setenv("SLACK_WEBHOOK_URL", bench.webhook("ONE"))
    assert unasked("one")[0] == 0
    before = json.loads(bench.parameter("one") or "")
    for name in ("ZOHO_DATA_CENTER", "ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_CODE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "-")
    assert connect.main(["--org", "one", "--stack", "notifier", "--non-interactive"]) == 0
    before.pop("slack_webhook_url")
    assert json.loads(bench.parameter("one") or "") == before


@pytest.mark.parametrize(("variable", "value"), [("ZOHO_DATA_CENTER", "eu"), ("ZOHO_CLIENT_ID", "1000.OTHER")])
def test_a_token_is_not_taken_elsewhere(
    bench: Bench, unasked: Tool, tool: Tool, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It belongs to its client and data centre: with another one, a new code is needed."""
    assert unasked("elsewhere")[0] == 0
    monkeypatch.delenv("ZOHO_CODE")
    monkeypatch.setenv(variable, value)
    code, shown = tool(connect.main, "--org", "elsewhere", "--non-interactive")
    assert (code, "Missing: code (ZOHO_CODE)." in shown) == (1, True), shown


def test_a_malformed_parameter_is_replaced(bench: Bench, unasked: Tool) -> None:
    """Whatever somebody put there by hand."""
    bench.stage.cloud.client("ssm").put_parameter(Name=f"{PREFIX}/mangled", Value="oops", Type="SecureString")
    assert unasked("mangled")[0] == 0
    assert json.loads(bench.parameter("mangled") or "")["data_center"] == "us"


EXPIRED = "The AWS credentials have expired. → Sign in"
BEFORE_QUESTIONS = [
    pytest.param("GetCallerIdentity", Refusal("ExpiredToken"), EXPIRED, id="expired"),
    pytest.param("GetCallerIdentity", Refusal("InvalidClientTokenId", status=403), "does not accept", id="unknown key"),
    pytest.param("DescribeStacks", Refusal("RequestExpired"), EXPIRED, id="expired later"),
    pytest.param(
        "DescribeStacks",
        Refusal("AccessDenied", "User: x is not authorized to perform: cloudformation:DescribeStacks on x", 403),
        "Your AWS credentials do not allow cloudformation:DescribeStacks.",
        id="stack denied",
    ),
    pytest.param("GetParameter", denied("kms:Decrypt"), "do not allow kms:Decrypt.", id="key denied"),
    pytest.param("DescribeStacks", Refusal("Throttling"), "too many requests of this account", id="throttled"),
    pytest.param("GetSchedule", denied("scheduler:GetSchedule"), "do not allow scheduler:GetSchedule", id="schedule"),
    pytest.param("GetParameter", Refusal("Whatever"), "AWS answered Whatever to GetParameter.", id="anything else"),
]


@pytest.mark.parametrize(("operation", "answer", "said"), BEFORE_QUESTIONS)
def test_aws_may_refuse_before_anything_is_asked(
    bench: Bench, unasked: Tool, operation: str, answer: Refusal, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sentence and next step; the code that the person made is not used up."""
    monkeypatch.setattr(stack, "USUAL", stack.ONCE)
    bench.front.instead[operation] = answer
    requests = len(bench.stage.zoho.requests)
    code, shown = unasked("refused")
    assert (code, said in shown) == (1, True), shown
    assert (bench.front.writes, len(bench.stage.zoho.requests)) == ([], requests)


def test_no_credentials(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that is missing on a new machine."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    code, shown = unasked("nobody")
    assert (code, shown.startswith("✗ There are no AWS credentials on this machine. → Sign in")) == (1, True), shown


def test_a_profile_that_does_not_exist(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in AWS_PROFILE."""
    monkeypatch.setenv("AWS_PROFILE", "typo")
    code, shown = unasked("nobody")
    assert (code, "AWS_PROFILE names a profile that does not exist." in shown) == (1, True), shown


def test_no_region(bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither given nor configured."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    code, shown = unasked("nobody")
    assert (code, "✗ No AWS region is set. → Name the stack's region" in shown) == (1, True), shown


def test_a_sandbox_that_has_ended(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where AWS should be, and that was this machine."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(stack, "USUAL", stack.ONCE)
    code, shown = unasked("nobody")
    assert (code, "✗ The sandbox has ended: nothing answers at AWS_ENDPOINT_URL" in shown) == (1, True), shown


@pytest.mark.parametrize("endpoint", ["", "https://aws.example.com"])
def test_no_network(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Real AWS does not answer: nothing is said of a sandbox."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert from_aws(EndpointConnectionError(endpoint_url="x")).sentence == "AWS cannot be reached from this machine."


def test_a_new_organisation_is_written_entirely_or_not_at_all(bench: Bench, unasked: Tool) -> None:
    """When AWS refuses the schedule, or the right to pass its role, the parameter is taken back."""
    for operation, action in (("CreateSchedule", "scheduler:CreateSchedule"), ("CreateSchedule", "iam:PassRole")):
        bench.front.instead = {operation: denied(action)}
        code, shown = unasked("half-way")
        assert (code, f"do not allow {action}. Nothing was left behind." in shown) == (1, True), shown
        assert bench.parameter("half-way") is None
        assert "half-way" not in bench.schedule_names()
    bench.front.instead = {}
    assert unasked("half-way")[0] == 0


@pytest.mark.parametrize("operation", ["PutParameter", "CreateSchedule"])
def test_a_write_whose_answer_is_lost_is_taken_back(
    bench: Bench, unasked: Tool, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have arrived: neither parameter nor schedule stays."""
    monkeypatch.setattr(stack, "USUAL", stack.ONCE)
    bench.front.lost.add(operation)
    code, shown = unasked("lost")
    assert (code, "Nothing was left behind." in shown) == (1, True), shown
    assert bench.parameter("lost") is None
    assert "lost" not in bench.schedule_names()


def test_what_cannot_be_taken_back_is_named(bench: Bench, unasked: Tool) -> None:
    """So that a person can."""
    bench.front.instead = {
        "CreateSchedule": denied("scheduler:CreateSchedule"),
        "DeleteParameter": denied("ssm:DeleteParameter"),
    }
    code, shown = unasked("clinging")
    assert (code, f"{PREFIX}/clinging may have been written and could not be taken back: delete it." in shown) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        pytest.param("PutParameter", denied("ssm:PutParameter"), id="denied"),
        pytest.param("PutParameter", Refusal("ParameterAlreadyExists"), id="somebody else was faster"),
    ],
)
def test_a_refused_parameter_leaves_all_as_it_was(bench: Bench, unasked: Tool, operation: str, answer: Refusal) -> None:
    """Nothing was written, so nothing is taken back: it might be somebody else's."""
    bench.front.instead = {operation: answer}
    code, shown = unasked("unwritten")
    assert (code, "Nothing was written." in shown) == (1, True), shown
    assert not {"DeleteParameter", "DeleteSchedule", "CreateSchedule"} & set(bench.front.operations)


def test_a_known_organisation_keeps_its_new_parameter(bench: Bench, unasked: Tool) -> None:
    """It was checked before and is checked now: only its schedule is as it was."""
    assert unasked("known")[0] == 0
    change_schedule(bench, "known", ScheduleExpression="rate(2 hours)")
    bench.front.instead = {"UpdateSchedule": denied("scheduler:UpdateSchedule")}
    code, shown = unasked("known")
    assert (code, "The parameter may have been written; its schedule may not" in shown) == (1, True), shown
    assert "The code is used up." in shown
    assert bench.parameter("known")


def test_leaving_between_two_writes_takes_back_the_first(
    bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while AWS is writing: what it left is said."""

    def interrupted(self: Organisation, schedule: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Organisation, "_start", interrupted)
    code, shown = unasked("interrupted")
    assert (code, shown.endswith("Stopped. Nothing was left behind. The code is used up.")) == (130, True), shown
    assert bench.parameter("interrupted") is None


def test_leaving_twice_says_what_may_be_left(bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses Ctrl-C once more while a write is taken back must not read that nothing was written."""

    def interrupted(self: Organisation, schedule: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Organisation, "_start", interrupted)
    monkeypatch.setattr(Organisation, "_undo", interrupted)
    code, shown = unasked("twice")
    assert (code, "Stopped. The parameter may have been written" in shown) == (130, True), shown
    assert bench.parameter("twice")


@pytest.mark.parametrize("half_way", [False, True], ids=["answer lost", "left after both writes"])
def test_a_schedule_that_was_there_before_is_left_as_it_was(
    bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch, half_way: bool
) -> None:
    """Its organisation lost its parameter, which is alerted of: without the schedule it would fall silent."""
    assert unasked("scheduled")[0] == 0
    bench.stage.cloud.client("ssm").delete_parameter(Name=f"{PREFIX}/scheduled")
    change_schedule(bench, "scheduled", ScheduleExpression="rate(2 hours)")
    before, start = schedule_of(bench, "scheduled"), Organisation._start

    def then_leave(self: Organisation, schedule: dict[str, Any]) -> None:
        start(self, schedule)
        assert schedule_of(bench, "scheduled") != before
        raise KeyboardInterrupt

    if half_way:
        monkeypatch.setattr(Organisation, "_start", then_leave)
    else:
        bench.front.lost.add("PutParameter")
    code, shown = unasked("scheduled")
    assert (code, "Nothing was left behind." in shown) == (130 if half_way else 1, True), shown
    assert bench.parameter("scheduled") is None
    assert schedule_of(bench, "scheduled") == before


def test_a_schedule_that_cannot_be_taken_back_is_named(bench: Bench, unasked: Tool) -> None:
    """As a parameter is."""
    bench.front.instead = {
        "CreateSchedule": denied("iam:PassRole"),
        "DeleteSchedule": denied("scheduler:DeleteSchedule"),
    }
    code, shown = unasked("sticky")
    assert (code, "The schedule sticky may have been written and could not be taken back." in shown) == (1, True)
    assert bench.parameter("sticky") is None


def test_what_a_code_has_bought_is_kept(
    bench: Bench, unasked: Tool, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zoho gives the token and then does not answer: it is saved unproved, and the next run needs no code."""
    bench.stage.zoho.script("history", *[Fault(drops=True)] * 3)
    code, shown = unasked("bought")
    assert (code, "the token that it gave is kept" in shown) == (1, True), shown
    held = json.loads(bench.parameter("bought") or "")
    assert held["refresh_token"] in bench.stage.zoho.organisations[held["client_id"]].refresh_tokens
    monkeypatch.delenv("ZOHO_CODE")
    assert tool(connect.main, "--org", "bought", "--non-interactive")[0] == 0


@pytest.mark.parametrize("key", ["time_zone", "slack_webhook_url"])
def test_a_code_is_not_spent_on_what_cannot_be_used(bench: Bench, unasked: Tool, key: str) -> None:
    """A parameter that somebody edited by hand: its mistake comes out before Zoho is asked."""
    bench.secrets.append("no-such-thing")
    bench.stage.stack.put_organisation("edited", {key: "no-such-thing"})
    requests = len(bench.stage.zoho.requests)
    code, shown = unasked("edited")
    assert (code, f"{PREFIX}/edited cannot be used: {key} must be" in shown) == (1, True), shown
    assert len(bench.stage.zoho.requests) == requests


def test_the_first_look_asks_for_the_plan_and_can_do_without(bench: Bench, unasked: Tool) -> None:
    """As the first check does: the exact next run where Zoho names it."""
    now = datetime.now(UTC)
    planned = plan("FREQ=WEEKLY;INTERVAL=3", now + timedelta(days=5), now - timedelta(days=90))
    bench.stage.zoho.script("backup", Response.json({"backup": planned}))
    code, shown = unasked("planned")
    assert (code, "Schedule: every 3 weeks" in shown) == (0, True), shown
    bench.stage.zoho.script("backup", *[Fault(drops=True)] * 3)
    code, shown = unasked("unplanned")
    assert (code, "Schedule: none" in shown) == (0, True), shown


@pytest.mark.parametrize("said", ["1000.canary.canary", "canary-of-a-secret", ["canary"], {"canary": 1}])
def test_what_zoho_says_of_a_code_is_not_echoed(bench: Bench, unasked: Tool, said: object) -> None:
    """An error could quote what was sent; only letters are shown."""
    bench.stage.zoho.script("token", Response.json({"error": said}))
    code, shown = unasked("echo")
    assert (code, "an unknown error" in shown, "canary" in shown) == (1, True, False), shown


def test_an_unexpected_error_shows_no_more_than_its_place(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it quotes may be a secret."""

    def surprise(secret: dict[str, str], settings: object) -> None:
        raise RuntimeError(f"canary {secret}")

    monkeypatch.setattr(grant, "first_look", surprise)
    code, shown = unasked("surprised")
    assert (code, "Unexpected: RuntimeError at test_connect_unasked.py:" in shown, "canary" in shown) == (
        1,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["--stack", "elsewhere"], "There is no stack elsewhere (eu-west-1, account 123456789012).", id="stack"
        ),
        pytest.param(["--stack", "notifier", "--region", "us-east-1"], "no stack notifier (us-east-1", id="region"),
        pytest.param(
            ["--stack", "notifier", "--org", "a b"],
            '"a b" cannot be the short name of an organisation.',
            id="organisation",
        ),
        pytest.param(["--stack", "notifier", "--org", "notifier"], "notifier is the stack's own", id="taken name"),
    ],
)
def test_a_wrong_name_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Stack, region or organisation, with what to do."""
    assert connect.main([*arguments, "--non-interactive"]) == 1
    shown = capsys.readouterr().out
    assert said in shown
    assert "  → " in shown


def test_a_stack_that_was_never_finished(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its outputs there is nothing to connect to."""
    bench.stage.cloud.client("cloudformation").create_stack(
        StackName="unfinished", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    )
    assert connect.main(["--stack", "unfinished", "--non-interactive"]) == 1
    assert "is CREATE_COMPLETE and not complete" in capsys.readouterr().out


def test_zoho_elsewhere_than_on_this_machine_is_refused(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of the sandbox are for loopback: a variable may not send secrets elsewhere."""
    monkeypatch.setenv("ZOHO_ACCOUNTS_URL", "https://evil.example.com")
    code, shown = unasked("nobody")
    assert (code, "ZOHO_ACCOUNTS_URL is for tests and the sandbox" in shown) == (1, True), shown


def test_the_stack_is_the_one_that_was_deployed_from_here(bench: Bench, tmp_path: Path) -> None:
    """Its saved answers say name and region, if there is one; a command says otherwise."""
    (tmp_path / "notifier.toml").write_text("[default.deploy.parameters]\nstack_name = 'notifier'\n")
    options = connect._parser().parse_args([])
    assert stack.find(options, tmp_path).name == "notifier"
    (tmp_path / "notifier.toml").write_text("[default.deploy.parameters]\nregion = 'us-east-1'\n")
    with pytest.raises(Problem, match="us-east-1"):
        stack.find(options, tmp_path)
    assert stack.find(connect._parser().parse_args(["--region", "eu-west-1"]), tmp_path).region == "eu-west-1"
    (tmp_path / "other.toml").write_text("")
    with pytest.raises(Problem, match="There is no stack zoho-backup-notifier") as raised:
        stack.find(options, tmp_path)
    assert "STACK=… (notifier, other)" in raised.value.next_step
