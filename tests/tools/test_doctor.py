"""`make doctor` and the questions to the function: what is in place, what is not, and what to do about it."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.server import Response
from sandbox.template import TEMPLATE_FILE
from sandbox.zoho import Row
from tests.tools.bench import Bench
from tests.tools.front import Refusal, denied
from tools import ask, doctor, stack

Tool = Callable[..., tuple[int, str]]
SLACK_IN_TROUBLE = Response.text("rollup_error", 500)
PREFIX = "/zoho-backup-notifier/notifier"


def rows() -> list[Row]:
    """Return the history of a company whose weekly backup was made yesterday."""
    at = datetime.now(UTC)
    done = {"done_by": {"id": "1", "name": "Asha", "zuid": "1"}, "file_name": None, "count": 0, "repeat_type": "weekly"}
    return [
        {"id": "2", "log_time": (at - timedelta(days=1)).isoformat(), "state": "completed", "action": None, **done},
        {"id": "1", "log_time": (at - timedelta(days=2)).isoformat(), "state": None, "action": "scheduled", **done},
    ]


def tidy(bench: Bench) -> None:
    """Leave the stack as it is after its deployment, with a confirmed subscriber on both topics."""
    client, outputs = bench.stage.cloud.client, bench.stage.stack.outputs
    pages = list(client("ssm").get_paginator("describe_parameters").paginate())
    for parameter in [parameter for page in pages for parameter in page["Parameters"]]:
        client("ssm").delete_parameter(Name=parameter["Name"])
    scheduler = client("scheduler")
    for name in bench.schedule_names() - {"notifier"}:
        scheduler.delete_schedule(Name=name, GroupName="notifier")
    schedule(bench, "notifier", "default")
    for item in client("dynamodb").scan(TableName=outputs["TableName"])["Items"]:
        client("dynamodb").delete_item(TableName=outputs["TableName"], Key={"org": item["org"]})
    for topic in ("TopicArn", "AlarmTopicArn"):
        if not client("sns").list_subscriptions_by_topic(TopicArn=outputs[topic])["Subscriptions"]:
            bench.stage.stack.subscribe(topic)
    for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]:
        if (alarm["StateValue"], alarm["ActionsEnabled"]) != ("OK", True):
            client("cloudwatch").set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="test")
            client("cloudwatch").enable_alarm_actions(AlarmNames=[alarm["AlarmName"]])


def schedule(bench: Bench, name: str, org: str, state: str = "ENABLED", target: dict[str, str] | None = None) -> None:
    """Write a schedule like the stack's own, but for these parts of its target."""
    scheduler, outputs = bench.stage.cloud.client("scheduler"), bench.stage.stack.outputs
    write = scheduler.update_schedule if name in bench.schedule_names() else scheduler.create_schedule
    write(
        Name=name,
        GroupName=outputs["ScheduleGroupName"],
        State=state,
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": outputs["FunctionArn"],
            "RoleArn": outputs["ScheduleRoleArn"],
            "Input": json.dumps({"org": org}),
            **(target or {}),
        },
    )


@pytest.fixture
def healthy(bench: Bench) -> Bench:
    """Give a stack that watches one company, to which all is well."""
    tidy(bench)
    bench.stage.connect("default", rows())
    return bench


def test_all_is_well(healthy: Bench, tool: Tool) -> None:
    """Two organisations, both watched and told: every line is green, and nothing was changed."""
    healthy.stage.connect("acme", rows())
    schedule(healthy, "acme", "acme")
    code, shown = tool(doctor.main)
    assert (code, "✗" in shown, shown.endswith("\nAll is well.\n")) == (0, False, True), shown
    for org in ("acme", "default"):
        assert f"✓ {org}: the backup history can be read, 2 entries" in shown
        assert f"✓ {org}: tells through The SNS topic (e-mail, SMS), Slack" in shown
    assert set(healthy.front.writes) == {"Invoke"}
    assert healthy.shows_no_secret(shown)


def test_one_organisation_can_be_looked_at_alone(healthy: Bench, tool: Tool) -> None:
    """And one that is not connected is red."""
    healthy.stage.connect("acme", rows())
    code, shown = tool(doctor.main, "--org", "default")
    assert (code, "acme" in shown) == (0, False), shown
    code, shown = tool(doctor.main, "--org", "nobody")
    assert (code, "make connect ORG=nobody" in shown) == (1, True), shown


def test_a_test_message_is_sent_when_wanted(healthy: Bench, tool: Tool) -> None:
    """Only then, and each channel's answer is a line."""
    before = len(healthy.stage.slack.messages)
    tool(doctor.main)
    assert len(healthy.stage.slack.messages) == before
    code, shown = tool(doctor.main, "--send")
    assert (code, "✓ default: test message, Slack: accepted" in shown) == (0, True), shown
    assert len(healthy.stage.slack.messages) == before + 1
    healthy.stage.slack.script("webhook", SLACK_IN_TROUBLE)
    code, shown = tool(doctor.main, "--send")
    assert (code, "✗ default: test message, Slack: Slack answered HTTP 500" in shown) == (1, True), shown


def _no_subscriber(bench: Bench) -> None:
    sns, topic = bench.stage.cloud.client("sns"), bench.stage.stack.outputs["AlarmTopicArn"]
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=listed["SubscriptionArn"])


def _in_alarm(bench: Bench) -> None:
    cloudwatch = bench.stage.cloud.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="ALARM", StateReason="test")


def _switched_off(bench: Bench) -> None:
    bench.stage.cloud.client("cloudwatch").disable_alarm_actions(AlarmNames=["notifier-pending"])


def _unscheduled(bench: Bench) -> None:
    bench.stage.connect("acme", rows())


def _disabled(bench: Bench) -> None:
    schedule(bench, "notifier", "default", state="DISABLED")


def _mistargeted(bench: Bench) -> None:
    schedule(bench, "notifier", "default", target={"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:old"})


def _stray(bench: Bench) -> None:
    schedule(bench, "stray", "stray", target={"Input": "[]"})


def _without_parameter(bench: Bench) -> None:
    schedule(bench, "acme", "acme")


def _forgotten(bench: Bench) -> None:
    assert bench.stage.check("default").ok
    bench.stage.cloud.client("ssm").delete_parameter(Name=f"{PREFIX}/default")


def _in_plain_text(bench: Bench) -> None:
    ssm, held = bench.stage.cloud.client("ssm"), bench.parameter("default")
    ssm.delete_parameter(Name=f"{PREFIX}/default")
    ssm.put_parameter(Name=f"{PREFIX}/default", Value=held, Type="String")


def _malformed(bench: Bench) -> None:
    bench.secrets.append("no-url-at-all")
    secret = json.loads(bench.parameter("default") or "")
    bench.stage.stack.put_organisation("default", {**secret, "slack_webhook_url": "no-url-at-all"})


def _revoked(bench: Bench) -> None:
    bench.stage.connect("default", rows()).refresh_tokens.clear()


def _overdue(bench: Bench) -> None:
    bench.stage.connect("default", [{**row, "log_time": "2022-06-23T17:31:03+05:30"} for row in rows()])
    assert bench.stage.check("default").ok


def _pending(bench: Bench) -> None:
    bench.stage.slack.script("webhook", SLACK_IN_TROUBLE)
    assert not bench.stage.check("default").ok


@pytest.mark.parametrize(
    ("breaks", "said", "step"),
    [
        pytest.param(tidy, "✗ No organisation is connected", "make connect", id="nobody is connected"),
        pytest.param(
            _no_subscriber, "✗ Topic of alarms: 0 confirmed subscribers", "aws sns subscribe", id="no subscriber"
        ),
        pytest.param(_in_alarm, "✗ Alarm notifier-errors: ALARM", "docs/runbook.md#errors", id="an alarm"),
        pytest.param(
            _switched_off, "✗ Alarm notifier-pending: its actions", "enable-alarm-actions", id="alarm switched off"
        ),
        pytest.param(_unscheduled, "✗ acme: it has no schedule", "make connect ORG=acme", id="no schedule"),
        pytest.param(_disabled, "✗ default: its schedule is disabled", "make connect ORG=default", id="disabled"),
        pytest.param(_mistargeted, "✗ default: its schedule has another target", "make connect", id="another target"),
        pytest.param(_stray, "✗ Schedule stray names no organisation", "Delete it", id="a stray schedule"),
        pytest.param(_without_parameter, "✗ acme: ", "make connect ORG=acme", id="schedule without parameter"),
        pytest.param(_forgotten, "✗ default: checked, but without a parameter", "make connect", id="parameter gone"),
        pytest.param(_in_plain_text, "✗ default: its parameter is not encrypted", "make new secrets", id="plain text"),
        pytest.param(
            _malformed,
            f"✗ default: The parameter {PREFIX}/default cannot be used: slack_webhook_url",
            "make connect ORG=default",
            id="malformed",
        ),
        pytest.param(_revoked, "(revoked_token)", "make connect ORG=default", id="revoked"),
        pytest.param(_overdue, "✗ default: open incidents: overdue", "make status ORG=default", id="overdue"),
        pytest.param(_pending, "✗ default: 1 pending notice", "aws logs tail", id="pending"),
    ],
)
def test_what_is_broken_is_red_and_says_what_to_do(
    healthy: Bench, tool: Tool, breaks: Callable[[Bench], None], said: str, step: str
) -> None:
    """One line each, exit code 1, and no secret."""
    breaks(healthy)
    code, shown = tool(doctor.main)
    red = shown.partition(said)[2]
    assert (code, said in shown, step in red) == (1, True, True), shown
    assert "canary" not in shown
    assert healthy.shows_no_secret(shown)


def test_who_has_not_confirmed_is_red(healthy: Bench, tool: Tool) -> None:
    """SNS drops what nobody has confirmed, and tells nobody."""
    members = "".join(
        f"<member><SubscriptionArn>{arn}</SubscriptionArn><Endpoint>{endpoint}</Endpoint></member>"
        for arn, endpoint in (("PendingConfirmation", "it@example.com"), ("arn:aws:sns:x:1:t:1", "ops@example.com"))
    )
    name = "ListSubscriptionsByTopic"
    result = f"<{name}Result><Subscriptions>{members}</Subscriptions></{name}Result>"
    healthy.front.instead[name] = Response(200, f"<{name}Response>{result}</{name}Response>".encode())
    code, shown = tool(doctor.main)
    assert code == 1
    assert "✓ Topic of notices: 1 confirmed subscriber\n" in shown
    assert "✗ Topic of notices: it@example.com gets nothing, for it has not confirmed" in shown
    assert "✗ Topic of alarms: it@example.com gets nothing, for it has not confirmed" in shown


@pytest.mark.parametrize(
    ("invocations", "errors", "red"),
    [
        pytest.param(3, 0, [], id="hourly"),
        pytest.param(0, 0, ["0 invocations in 3 hours"], id="none"),
        pytest.param(3, 2, ["2 of them failed"], id="failing"),
    ],
)
def test_the_last_hours_are_looked_at(
    healthy: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch, invocations: int, errors: int, red: list[str]
) -> None:
    """What ran as often as the alarm expects, and what failed of it; a stack of minutes ago may not have run."""
    find = stack.find
    long_ago = datetime.now(UTC) - timedelta(days=9)
    monkeypatch.setattr(stack, "find", lambda options: replace(find(options), created=long_ago))
    sums = {"Invocations": invocations, "Errors": errors}
    monkeypatch.setattr(doctor, "_total", lambda there, metric, hours: sums[metric])
    code, shown = tool(doctor.main)
    assert [line[2:] for line in shown.splitlines() if line.startswith("✗")] == red
    assert code == (1 if red else 0)


def test_the_metrics_are_the_functions_own(healthy: Bench) -> None:
    """What CloudWatch holds for this function, and nothing older."""
    found = stack.find(argparse.Namespace(org="", stack="notifier", region=""))
    there = replace(found, outputs={**found.outputs, "FunctionName": "measured"})
    dimensions = [{"Name": "FunctionName", "Value": "measured"}]
    other = [{"Name": "FunctionName", "Value": "other"}]
    now = datetime.now(UTC)
    healthy.stage.cloud.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": "Errors", "Dimensions": which, "Timestamp": now - timedelta(minutes=ago), "Value": 1.0}
            for which, ago in ((dimensions, 5), (dimensions, 100), (dimensions, 200), (other, 5))
        ],
    )
    assert doctor._total(there, "Errors", 3) == 2


@pytest.mark.parametrize(
    ("end", "good"),
    [(date(2100, 1, 1), True), (date(2000, 1, 1), False), (None, False)],
    ids=["far", "past", "unknown"],
)
def test_the_runtime_has_an_end(
    healthy: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch, end: date | None, good: bool
) -> None:
    """Half a year before it the line is red."""
    monkeypatch.setattr(doctor, "RUNTIME_ENDS", {"python3.13": end} if end else {})
    code, shown = tool(doctor.main)
    assert (code, f"{'✓' if good else '✗'} Runtime python3.13" in shown) == (0 if good else 1, True), shown


def test_the_templates_runtime_is_known() -> None:
    """Whoever changes one changes the other."""
    assert f"Runtime: {next(iter(doctor.RUNTIME_ENDS))}\n" in TEMPLATE_FILE.read_text()


def test_what_may_not_be_asked_is_a_red_line_and_the_rest_goes_on(healthy: Bench, tool: Tool) -> None:
    """A reader's credentials often lack one right or another."""
    healthy.front.instead = {"DescribeAlarms": denied("cloudwatch:DescribeAlarms"), "Invoke": Refusal("Throttling")}
    code, shown = tool(doctor.main)
    assert (code, "✗ Your AWS credentials do not allow cloudwatch:DescribeAlarms." in shown) == (1, True), shown
    assert "✗ AWS has had too many requests of this account." in shown
    assert "invocations in 3 hours" in shown
    assert shown.endswith("\n2 things to do.\n")


def test_without_a_stack_there_is_nothing_to_look_at(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """One red line, and what to do."""
    assert doctor.main(["--stack", "elsewhere"]) == 1
    assert capsys.readouterr().out.startswith("✗ There is no stack elsewhere")


def test_colours_are_for_terminals(healthy: Bench) -> None:
    """Green and red where they can be seen."""
    with healthy.terminal(module="tools.doctor") as terminal:
        assert terminal.exit_code() == 0
    assert "\033[32m" not in terminal.screen
    assert "✓ Stack notifier: CREATE_COMPLETE" in terminal.screen


@pytest.mark.parametrize(("action", "key"), [("status", "settings"), ("dry-run", "would_tell"), ("check", "pages")])
def test_the_function_can_be_asked(healthy: Bench, tool: Tool, action: str, key: str) -> None:
    """The answer is printed as it is."""
    code, shown = tool(ask.main, action)
    answer = json.loads(shown)
    assert (code, answer["org"], key in answer) == (0, "default", True)
    assert healthy.shows_no_secret(shown)


def test_a_refused_test_message_is_an_exit_code(healthy: Bench, tool: Tool) -> None:
    """So that a script can tell."""
    assert tool(ask.main, "test-message")[0] == 0
    healthy.stage.slack.script("webhook", SLACK_IN_TROUBLE)
    code, shown = tool(ask.main, "test-message")
    assert (code, json.loads(shown)["ok"]) == (1, False)


def test_a_function_that_fails_says_why(healthy: Bench, tool: Tool) -> None:
    """Its own words, and where its log is."""
    code, shown = tool(ask.main, "check", "--org", "nobody")
    assert (code, "make connect ORG=nobody" in shown) == (1, True)
    assert "aws logs tail /zoho-backup-notifier/notifier --since 3h --region eu-west-1" in shown
