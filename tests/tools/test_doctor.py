"""`make doctor` and the questions to the function: what is in place, what is not, and what to do about it."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest

from handler.channels import BY_NAME
from handler.memory import Memory
from handler.outbox import Notice
from handler.store import as_json
from handler.version import VERSION
from handler.wording import Content
from sandbox.server import Response
from sandbox.template import TEMPLATE_FILE
from sandbox.zoho import Row, plan, row
from tests.tools.bench import Bench, change_schedule, schedule_of
from tests.tools.front import Refusal, denied
from tools import ask, checkup, connect, doctor, stack

Tool = Callable[..., tuple[int, str]]
SLACK_IN_TROUBLE = Response.text("rollup_error", 500)
PREFIX = "/zoho-backup-notifier/notifier"


def rows() -> list[Row]:
    """Return the history of a company whose weekly backup was made yesterday."""
    at = datetime.now(UTC)
    return [
        row(at - timedelta(days=1), state="completed", repeat_type="weekly"),
        row(at - timedelta(days=2), action="scheduled", repeat_type="weekly"),
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
    tidy_memory(bench)
    for topic in ("TopicArn", "AlarmTopicArn"):
        if not client("sns").list_subscriptions_by_topic(TopicArn=outputs[topic])["Subscriptions"]:
            bench.stage.stack.subscribe(topic)
    for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]:
        if (alarm["StateValue"], alarm["ActionsEnabled"]) != ("OK", True):
            client("cloudwatch").set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="test")
            client("cloudwatch").enable_alarm_actions(AlarmNames=[alarm["AlarmName"]])


def tidy_memory(bench: Bench) -> None:
    """Let nothing be remembered."""
    dynamodb, table = bench.stage.cloud.client("dynamodb"), bench.stage.stack.outputs["TableName"]
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={"org": item["org"]})


def schedule(bench: Bench, name: str, org: str, state: str = "ENABLED", target: dict[str, str] | None = None) -> None:
    """Write a schedule like the stack's own, but for these parts of its target."""
    scheduler, outputs = bench.stage.cloud.client("scheduler"), bench.stage.stack.outputs
    write = scheduler.update_schedule if name in bench.schedule_names() else scheduler.create_schedule
    write(
        Name=name,
        GroupName=outputs["ScheduleGroupName"],
        State=state,
        ScheduleExpression="rate(1 hour)",
        ScheduleExpressionTimezone="UTC",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": outputs["FunctionArn"],
            "RoleArn": outputs["ScheduleRoleArn"],
            "Input": json.dumps({"org": org}),
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": outputs["DeadLetterQueueArn"]},
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
    """Two organisations, both checked: every line is green, and nothing was changed."""
    healthy.stage.connect("acme", rows())
    schedule(healthy, "acme", "acme")
    code, shown = tool(doctor.main)
    assert (code, "✗" in shown, shown.endswith("\nAll is well.\n")) == (0, False, True), shown
    for org in ("acme", "default"):
        assert f"✓ {org}: the backup history can be read, 2 entries" in shown
        assert f"✓ {org}: sends to {BY_NAME['sns'].label}, Slack\n" in shown
    assert set(healthy.front.writes) == {"Invoke"}
    assert healthy.shows_no_secret(shown)


def test_one_organisation_can_be_looked_at_alone(healthy: Bench, tool: Tool) -> None:
    """And one that is not connected is red."""
    healthy.stage.connect("acme", rows())
    code, shown = tool(doctor.main, "--org", "default")
    assert (code, "acme" in shown) == (0, False), shown
    code, shown = tool(doctor.main, "--org", "nobody")
    assert (code, "✗ No organisation nobody is connected to the stack notifier" in shown) == (1, True), shown
    assert "Connected: acme, default. To connect this one: make connect ORG=nobody" in shown


def test_a_test_message_is_sent_when_wanted(healthy: Bench, tool: Tool) -> None:
    """Only then, and each channel's answer is a line."""
    before = len(healthy.stage.slack.messages)
    tool(doctor.main)
    assert len(healthy.stage.slack.messages) == before
    code, shown = tool(doctor.main, "--send")
    assert code == 0, shown
    assert "✓ default: test message, Slack: accepted: Slack shows it in the channel" in shown
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


def _stuck(bench: Bench) -> None:
    _stuck_since(bench)
    assert bench.stage.check("default").ok


def _stuck_since(bench: Bench) -> None:
    newest, oldest = rows()
    company = bench.stage.connect("default", [{**newest, "log_time": oldest["log_time"]}, oldest])
    assert bench.stage.check("default").ok
    began = row(datetime.now(UTC) - timedelta(hours=30), action="initiated", repeat_type="weekly")
    company.rows.insert(0, began)


def _failed_since(bench: Bench) -> None:
    company = bench.stage.connect("default", rows())
    assert bench.stage.check("default").ok
    company.rows.insert(0, row(datetime.now(UTC), state="failure", repeat_type="weekly"))


def _never_checked_and_failing(bench: Bench) -> None:
    newest, oldest = rows()
    bench.stage.connect("default", [{**newest, "state": "failure"}, oldest])


def _spoilt(bench: Bench) -> None:
    secret = json.loads(bench.parameter("default") or "")
    bench.secrets.append("Europe/Berlim")
    bench.stage.stack.put_organisation("default", {**secret, "time_zone": "Europe/Berlim"})


def _failed(bench: Bench) -> None:
    newest, oldest = rows()
    now = datetime.now(UTC)
    failed = [row(now - timedelta(hours=ago), state="failure", repeat_type="weekly") for ago in (2, 4)]
    bench.stage.connect("default", [*failed, newest, oldest])
    assert bench.stage.check("default").ok


def _failed_once(bench: Bench) -> None:
    newest, oldest = rows()
    bench.stage.connect("default", [{**newest, "state": "failure"}, oldest])
    assert bench.stage.check("default").ok


def _without_backup_schedule(bench: Bench) -> None:
    newest, oldest = rows()
    bench.stage.connect("default", [{**newest, "repeat_type": None}, {**oldest, "action": "stopped"}])
    assert bench.stage.check("default").ok


def _broken_channel(bench: Bench) -> None:
    bench.stage.connect("default", rows(), slack_webhook_url=f"{bench.stage.slack.url}/gone")
    assert not bench.stage.check("default").ok


def _idle(bench: Bench) -> None:
    bench.stage.connect("acme", rows())
    schedule(bench, "acme", "acme", target={"Input": '{"org": "acme", "action": "status"}'})


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
        pytest.param(
            _mistargeted, "✗ default: its schedule is not the stack's: target", "make connect", id="another target"
        ),
        pytest.param(_stray, "✗ Schedule stray names no organisation", "Delete it", id="a stray schedule"),
        pytest.param(_without_parameter, "✗ acme: ", "make connect ORG=acme", id="schedule without parameter"),
        pytest.param(_forgotten, "✗ default: checked, but without a parameter", "make connect", id="parameter gone"),
        pytest.param(_in_plain_text, "✗ default: its parameter is not encrypted", "make new secrets", id="plain text"),
        pytest.param(
            _malformed,
            f"✗ default: Slack gets nothing. The parameter {PREFIX}/default cannot be used: slack_webhook_url must be",
            "make connect ORG=default",
            id="malformed",
        ),
        pytest.param(_revoked, "(revoked_token)", "make connect ORG=default", id="revoked"),
        pytest.param(_overdue, "✗ default: a backup is overdue (since", "see why no backup completed", id="overdue"),
        pytest.param(_stuck, "✗ default: a backup has been running too long (since", "Zoho support", id="stuck"),
        pytest.param(_failed_since, "✗ default: the last backup failed; the last good", "manually", id="failed since"),
        pytest.param(
            _stuck_since,
            "✗ default: a backup has been running too long (the next check will say so)",
            "Zoho support",
            id="stuck since",
        ),
        pytest.param(
            _never_checked_and_failing,
            "✗ default: no check has read the backups yet; the first will say: Backup monitoring is on: 1 problem",
            "make check-now ORG=default",
            id="never checked",
        ),
        pytest.param(
            _spoilt,
            f"✗ default: The parameter {PREFIX}/default cannot be used: time_zone must be",
            "make connect ORG=default",
            id="spoilt",
        ),
        pytest.param(_failed, "✗ default: the last 2 backups failed; the last good one is of", "manually", id="failed"),
        pytest.param(_failed_once, "✗ default: the last backup failed; no good one is known", "manually", id="once"),
        pytest.param(
            _without_backup_schedule, "✗ default: Zoho CRM has no backup schedule", "set one up", id="stopped"
        ),
        pytest.param(_broken_channel, "✗ default: Slack takes no messages", "SEND=1", id="broken channel"),
        pytest.param(_idle, "✗ acme: its schedule is not the stack's: input", "make connect ORG=acme", id="idle"),
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
    assert shown.endswith("\n3 things to do.\n")


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


@pytest.mark.parametrize(("action", "key"), [("status", "settings"), ("dry-run", "would_notify"), ("check", "pages")])
def test_the_function_can_be_asked(healthy: Bench, tool: Tool, action: str, key: str) -> None:
    """The answer is printed as it is, for programs."""
    code, shown = tool(ask.main, action, "--json")
    answer = json.loads(shown)
    assert (code, answer["org"], key in answer) == (0, "default", True)
    assert healthy.shows_no_secret(shown)


def test_an_unknown_organisation_has_no_status(healthy: Bench, tool: Tool) -> None:
    """A typing error is an error, and the right names are beside it."""
    code, shown = tool(ask.main, "status", "--org", "nope")
    assert (code, "✗ No organisation nope is connected" in shown, "Connected: default." in shown) == (1, True, True)


TARGET_PARTS: dict[str, Any] = {
    "role": {"RoleArn": "arn:aws:iam::123456789012:role/other"},
    "retries": {"RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}},
    "dead-letter queue": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:other"}},
    "input": {"Input": '{"org": "acme", "action": "dry-run"}'},
}
PARTS: dict[str, Any] = {
    "expression": {"ScheduleExpression": "rate(30 days)"},
    "time zone": {"ScheduleExpressionTimezone": "Asia/Tokyo"},
    "window": {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}},
    "end": {"EndDate": datetime(2030, 1, 1, tzinfo=UTC)},
}


@pytest.mark.parametrize("part", [*TARGET_PARTS, *PARTS])
def test_a_schedule_that_is_not_the_stacks_is_red(healthy: Bench, tool: Tool, part: str) -> None:
    """Each part that `make connect` copies is compared."""
    healthy.stage.connect("acme", rows())
    schedule(healthy, "acme", "acme")
    target = schedule_of(healthy, "acme")["Target"]
    change_schedule(healthy, "acme", **PARTS.get(part, {"Target": {**target, **TARGET_PARTS.get(part, {})}}))
    code, shown = tool(doctor.main, "--org", "acme")
    assert (code, f"✗ acme: its schedule is not the stack's: {part}" in shown) == (1, True), shown


def test_a_schedule_that_is_not_the_stacks_is_written_again(healthy: Bench, tool: Tool) -> None:
    """Every part of it, as the doctor promises."""
    healthy.stage.connect("acme", rows())
    schedule(healthy, "acme", "acme")
    assert tool(doctor.main)[0] == 0
    target = schedule_of(healthy, "acme")["Target"]
    for part in TARGET_PARTS.values():
        target |= part
    every = {name: value for part in PARTS.values() for name, value in part.items()}
    change_schedule(healthy, "acme", Target=target, **every)
    assert tool(doctor.main)[0] == 1
    assert tool(connect.main, "--org", "acme", "--non-interactive")[0] == 0
    assert tool(doctor.main)[0] == 0


def test_the_stacks_own_schedule_is_compared_with_the_stack(healthy: Bench, tool: Tool) -> None:
    """Whatever somebody made of it, the others do not follow."""
    change_schedule(healthy, "notifier", ScheduleExpression="rate(30 days)")
    code, shown = tool(doctor.main)
    assert code == 1
    assert "✗ default: its schedule is not the stack's: expression (rate(30 days) instead of rate(1 hour))" in shown
    assert tool(connect.main, "--non-interactive")[0] == 0
    assert tool(doctor.main)[0] == 0


def test_the_way_of_the_alarms_is_proved(healthy: Bench, tool: Tool) -> None:
    """An alarm goes off and is over, marked as a test, for everybody who subscribes to alarms; only when wanted."""
    cloudwatch = healthy.stage.cloud.client("cloudwatch")
    assert (tool(doctor.main)[0], healthy.front.operations.count("SetAlarmState")) == (0, 0)
    code, shown = tool(doctor.main, "--send")
    assert (code, "✓ Alarm notifier-errors: set to ALARM and back for a test." in shown) == (0, True), shown
    assert healthy.front.operations.count("SetAlarmState") == 2
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["notifier-errors"])["MetricAlarms"]
    assert (alarm["StateValue"], "no action needed" in alarm["StateReason"]) == ("OK", True)
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="ALARM", StateReason="real")
    assert "set to ALARM" not in tool(doctor.main, "--send")[1]


@pytest.mark.parametrize("young", [True, False])
def test_an_alarm_that_begins_so_is_not_red_right_after_the_first_deployment(
    healthy: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch, young: bool
) -> None:
    """Nothing has invoked the function yet, and the first check comes within the hour."""
    cloudwatch = healthy.stage.cloud.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="notifier-not-invoked", StateValue="ALARM", StateReason="test")
    find, age = stack.find, timedelta(hours=1 if young else 9)
    monkeypatch.setattr(stack, "find", lambda options: replace(find(options), created=datetime.now(UTC) - age))
    monkeypatch.setattr(doctor, "_total", lambda there, metric, hours: 1 if metric == "Invocations" else 0)
    code, shown = tool(doctor.main)
    assert (code, "✓ Alarm notifier-not-invoked: ALARM, and the stack is new" in shown) == (1 - young, young), shown


def test_windows_that_are_too_short_for_the_schedule_are_red(
    healthy: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daily check with the hourly windows would ring every day."""
    find = stack.find

    def daily(options: argparse.Namespace) -> stack.Stack:
        found = find(options)
        return replace(found, parameters={**found.parameters, "ScheduleExpression": "cron(0 7 * * ? *)"})

    monkeypatch.setattr(stack, "find", daily)
    shown = tool(doctor.main)[1]
    assert "✗ NotInvokedHours is 3, but checks are up to 24 hours apart (cron(0 7 * * ? *)): give 25 or more" in shown


def test_a_refused_test_message_is_an_exit_code(healthy: Bench, tool: Tool) -> None:
    """So that a script knows."""
    assert tool(ask.main, "test-message")[0] == 0
    healthy.stage.slack.script("webhook", SLACK_IN_TROUBLE, SLACK_IN_TROUBLE)
    code, shown = tool(ask.main, "test-message", "--json")
    assert (code, json.loads(shown)["ok"]) == (1, False)
    code, shown = tool(ask.main, "test-message")
    assert (code, "✗ Slack: Slack answered" in shown) == (1, True), shown


def test_a_function_that_fails_says_why(healthy: Bench, tool: Tool) -> None:
    """Its own words, and where its log is."""
    healthy.stage.slack.script("webhook", SLACK_IN_TROUBLE)
    healthy.stage.connect("default", [*rows()])
    tidy_memory(healthy)
    code, shown = tool(ask.main, "check")
    assert (code, "✗ The function answered: default: " in shown) == (1, True)
    assert "aws logs tail /zoho-backup-notifier/notifier --since 3h --region eu-west-1" in shown


def test_what_was_checked_says_when_the_next_backup_is_expected(healthy: Bench, tool: Tool) -> None:
    """Zoho's own next run, where it names one."""
    company = healthy.stage.connect("default", rows())
    before, next_run = datetime.now(UTC) - timedelta(days=90), datetime.now(UTC) + timedelta(days=6)
    company.plan = plan("FREQ=WEEKLY;INTERVAL=1", next_run, before)
    assert healthy.stage.check("default").ok
    code, shown = tool(doctor.main)
    assert (code, f", the next run is on {next_run:%-d %b %Y}\n" in shown) == (0, True), shown
    company.plan = None
    healthy.stage.connect("default", rows())
    tidy_memory(healthy)
    assert healthy.stage.check("default").ok
    assert ", the next is expected by " in tool(doctor.main)[1]


def test_another_release_than_the_stacks_is_red(healthy: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has put other code in its place, or a deployment ended half-way."""
    code, shown = tool(doctor.main)
    assert (code, f"✓ Release {VERSION}\n" in shown) == (0, True), shown
    find = stack.find

    def older(options: argparse.Namespace) -> stack.Stack:
        found = find(options)
        return replace(found, outputs={**found.outputs, "Version": "0.9.0"})

    monkeypatch.setattr(stack, "find", older)
    code, shown = tool(doctor.main)
    assert (code, f"✗ Release {VERSION} runs, but the stack was deployed as 0.9.0" in shown) == (1, True), shown


def test_lost_notices_are_red_until_a_message_said_so() -> None:
    """Nobody knows of them before."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    notice = Notice("default-1", "failed", at, ("slack",), "critical", Content("", "", ""))
    memory = Memory("default", outbox=(notice,), channels=("sns", "slack"))
    memory = memory.discard("slack", {"default-1"}, "the channel was broken for 14 days", at)
    there = stack.Stack("notifier", "eu-west-1", "1", "", at, {}, {}, boto3.Session())
    said = "default: 1 notice lost, the last of them (failed to Slack, 2 Mar 2026): the channel was broken for 14 days"

    def line(memory: Memory) -> list[bool]:
        lines = checkup._notices(there, "default", as_json(memory))
        return [line.good for line in lines if line.text == said]

    assert line(memory) == [False]
    assert line(memory.mentioned("sns").mentioned("slack")) == [True]
