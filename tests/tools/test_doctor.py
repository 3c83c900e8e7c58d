"""`make doctor`: a line for everything that must be in place, and what to do about what is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sandbox.server import Response
from sandbox.template import TEMPLATE_FILE
from tests.tools.bench import Bench
from tests.tools.conftest import Tool
from tests.tools.front import Refusal, denied
from tests.tools.test_report import LATE, MEMORY, PROBLEM, status
from tools import connect, doctor, stack
from tools.stack import Stack

NAME = "/zoho-backup-notifier/notifier/healthy"
ROW = {"counts_as": "completed"}


class Function:
    """What the function answers, in place of the real one, and whether it was asked for test messages.

    Attributes:
        answers: By action; tests change them.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """Answer that all is well."""
        read = {"problem": None, "problems": [], "rows": [ROW, ROW], "would_notify": []}
        sent = {"results": {"sns": "accepted: taken", "slack": "accepted: shown"}, "ok": True}
        self.answers: dict[str, Any] = {"status": status(), "dry-run": read, "test-message": sent}
        self.asked: list[str] = []
        patch.setattr(Stack, "ask", lambda there, org, action: self._answer(there, action))

    def _answer(self, there: Stack, action: str) -> Any:
        self.asked.append(action)
        answer = self.answers[action]
        return {"version": there.outputs["Version"], **answer} if action == "status" else answer


@pytest.fixture
def function(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Function:
    """Give a function to which all is well, in a stack that watches one company and has subscribers."""
    for topic in ("TopicArn", "AlarmTopicArn"):
        arn = bench.stage.stack.outputs[topic]
        if not bench.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            bench.stage.stack.subscribe(topic)
    bench.connected("healthy")
    if bench.schedule("healthy"):
        bench.client("scheduler").delete_schedule(Name="healthy", GroupName="notifier")
    own = bench.schedule("notifier") or {}
    target = {**own["Target"], "Input": '{"org": "healthy"}'}
    bench.client("scheduler").create_schedule(**{**own, "Name": "healthy", "Target": target})
    made = Function(monkeypatch)
    del made.answers["status"]["version"]
    return made


def examine(tool: Tool, *arguments: str) -> tuple[int, str, list[str]]:
    """Return the exit code, what was shown, and the red lines."""
    code, shown = tool(doctor.main, "--org", "healthy", *arguments)
    return code, shown, [line[2:] for line in shown.splitlines() if line.startswith("✗")]


def test_all_is_well(bench: Bench, tool: Tool, function: Function) -> None:
    """Every line is green, and nothing was changed or sent."""
    code, shown, red = examine(tool)
    assert (code, red, shown.endswith("\nAll is well.\n")) == (0, [], True), shown
    for line in (
        "✓ Stack notifier: CREATE_COMPLETE\n",
        "✓ Topic of alarms: 1 confirmed subscriber\n",
        "✓ Alarm notifier-errors: OK\n",
        "✓ healthy: its parameter is encrypted\n",
        "✓ healthy: its schedule is rate(1 hour)\n",
        "✓ healthy: the backup history can be read, 2 entries\n",
        "✓ healthy: the last good backup is of 27 Mar 2026, the next run is on 3 Apr 2026\n",
        "✓ healthy: sends to SNS (e-mail, SMS), Slack (warning)\n",
    ):
        assert line in shown
    assert (bench.front.writes, "test-message" in function.asked) == ([], False)


def test_test_messages_are_sent_when_wanted(bench: Bench, tool: Tool, function: Function) -> None:
    """On every channel, and in the name of an alarm, unless it is ringing."""
    function.answers["test-message"] = {"results": {"sns": "accepted: taken", "slack": "HTTP 500"}, "ok": False}
    code, shown, red = examine(tool, "--send")
    assert (code, red) == (1, ["healthy: test message, Slack: HTTP 500"]), shown
    assert "✓ Alarm notifier-errors: set to ALARM and back for a test." in shown
    cloudwatch = bench.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["notifier-errors"])["MetricAlarms"]
    assert (alarm["StateValue"], "no action needed" in alarm["StateReason"]) == ("OK", True)
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="ALARM", StateReason="real")
    assert "set to ALARM" not in examine(tool, "--send")[1]
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="OK", StateReason="test")


SAID: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "problems": ("dry-run", {"problem": "x", "problems": [PROBLEM, LATE]}, "Backup failed: The backup of", "manually"),
    "unread": ("dry-run", {"problem": "Zoho is silent"}, "Zoho is silent", "make connect ORG=healthy"),
    "pending": ("status", {"memory": {**MEMORY, "outbox": [1, 2]}}, "2 pending notices", "aws logs tail"),
    "release": ("status", {"version": "0.9.0"}, "Release 0.9.0 runs, but the stack was deployed as", "make deploy"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_the_function_says_is_red(tool: Tool, function: Function, case: str) -> None:
    """In its own words; no incident is worded here."""
    action, answer, said, step = SAID[case]
    function.answers[action] = {**function.answers[action], **answer}
    code, shown, red = examine(tool)
    assert (code, said in "\n".join(red), step in shown.partition(said)[2]) == (1, True, True), shown
    assert len(red) == len(answer.get("problems", "1"))


def no_subscriber(bench: Bench) -> None:
    """Unsubscribe everybody from the alarms."""
    topic = bench.stage.stack.outputs["AlarmTopicArn"]
    for listed in bench.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        bench.client("sns").unsubscribe(SubscriptionArn=listed["SubscriptionArn"])


def plain_text(bench: Bench) -> None:
    """Write the parameter without encryption."""
    held = json.dumps(bench.parameter("healthy"))
    bench.client("ssm").delete_parameter(Name=NAME)
    bench.client("ssm").put_parameter(Name=NAME, Value=held, Type="String")


def stray(bench: Bench) -> None:
    """Make a schedule whose input names nobody, and delete it after one look."""
    own = bench.schedule("notifier") or {}
    bench.client("scheduler").create_schedule(**{**own, "Name": "stray", "Target": {**own["Target"], "Input": "[]"}})


def aws(service: str, operation: str, **request: str | list[str]) -> Callable[[Bench], object]:
    """Return what does this behind the tools' back."""
    return lambda bench: getattr(bench.client(service), operation)(**request)


PENDING = "notifier-pending"
RINGS = {"AlarmName": PENDING, "StateValue": "ALARM", "StateReason": "test"}
BROKEN: dict[str, tuple[Callable[[Bench], object], str, str]] = {
    "no subscriber": (no_subscriber, "Topic of alarms: 0 confirmed subscribers", "aws sns subscribe"),
    "off": (
        aws("cloudwatch", "disable_alarm_actions", AlarmNames=[PENDING]),
        "its actions are",
        "enable-alarm-actions",
    ),
    "ringing": (
        aws("cloudwatch", "set_alarm_state", **RINGS),
        "Alarm notifier-pending: ALARM",
        "docs/runbook.md#pending",
    ),
    "no schedule": (
        aws("scheduler", "delete_schedule", Name="healthy", GroupName="notifier"),
        "healthy: it has no schedule",
        "make connect ORG=healthy",
    ),
    "disabled": (
        lambda bench: bench.change_schedule("healthy", State="DISABLED"),
        "healthy: its schedule is disabled",
        "make connect ORG=healthy",
    ),
    "stray": (stray, "Schedule stray names no organisation", "Delete it"),
    "no parameter": (
        aws("ssm", "delete_parameter", Name=NAME),
        "healthy: checked, but without a parameter",
        "REMOVE=1",
    ),
    "plain text": (plain_text, "healthy: its parameter is not encrypted", "make new secrets"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_on_aws_is_red_and_says_what_to_do(
    bench: Bench, tool: Tool, function: Function, case: str
) -> None:
    """One line, and exit code 1."""
    breaks, said, step = BROKEN[case]
    breaks(bench)
    code, shown, red = examine(tool)
    assert (code, sum(said in line for line in red), step in shown.partition(said)[2]) == (1, 1, True), shown
    bench.client("cloudwatch").enable_alarm_actions(AlarmNames=["notifier-pending"])
    bench.client("cloudwatch").set_alarm_state(AlarmName="notifier-pending", StateValue="OK", StateReason="test")
    if bench.schedule("stray"):
        bench.client("scheduler").delete_schedule(Name="stray", GroupName="notifier")


TARGET: dict[str, Any] = {
    "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:old",
    "RoleArn": "arn:aws:iam::123456789012:role/other",
    "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
    "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:other"},
    "Input": '{"org": "healthy", "action": "dry-run"}',
}
SCHEDULE: dict[str, Any] = {
    "ScheduleExpression": "rate(30 days)",
    "ScheduleExpressionTimezone": "Asia/Tokyo",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "EndDate": datetime(2030, 1, 1, tzinfo=UTC),
}


def test_a_schedule_that_is_not_the_stacks_is_red_and_written_again(
    bench: Bench, tool: Tool, function: Function
) -> None:
    """Each part that `make connect` copies is compared; the stack's own schedule, too."""
    target = (bench.schedule("healthy") or {})["Target"]
    bench.change_schedule("healthy", Target={**target, **TARGET}, **SCHEDULE)
    code, shown, red = examine(tool)
    assert (code, len(red)) == (1, 1), shown
    assert [part for part in (*TARGET, *SCHEDULE) if part not in red[0]] == []
    assert tool(connect.main, "--org", "healthy", "--non-interactive")[0] == 0
    assert examine(tool)[0] == 0
    bench.connected("default")
    bench.change_schedule("notifier", ScheduleExpression="rate(30 days)", State="DISABLED")
    shown = tool(doctor.main, "--org", "default")[1]
    assert "not the stack's: ScheduleExpression, State (rate(30 days) instead of rate(1 hour))" in shown
    assert tool(connect.main, "--non-interactive")[0] == 0
    bench.client("ssm").delete_parameter(Name=NAME.replace("healthy", "default"))


def test_who_has_not_confirmed_is_red(bench: Bench, tool: Tool, function: Function) -> None:
    """SNS drops what nobody has confirmed, and tells nobody."""
    members = "".join(
        f"<member><SubscriptionArn>{arn}</SubscriptionArn><Endpoint>{endpoint}</Endpoint></member>"
        for arn, endpoint in (("PendingConfirmation", "it@example.com"), ("arn:aws:sns:x:1:t:1", "ops@example.com"))
    )
    name = "ListSubscriptionsByTopic"
    result = f"<{name}Result><Subscriptions>{members}</Subscriptions></{name}Result>"
    bench.front.instead[name] = Response(200, f"<{name}Response>{result}</{name}Response>".encode())
    waiting = "it@example.com gets nothing, because it has not confirmed"
    assert examine(tool)[2] == [f"Topic of {what}: {waiting}" for what in ("notices", "alarms")]


HOURS: dict[str, tuple[int, dict[str, int], list[str]]] = {
    "hourly": (9, {"Invocations": 3, "Errors": 0}, ["Alarm notifier-not-invoked: ALARM"]),
    "none": (9, {"Invocations": 0, "Errors": 0}, ["Alarm notifier-not-invoked: ALARM", "0 invocations in 3 hours"]),
    "failing": (9, {"Invocations": 3, "Errors": 2}, ["Alarm notifier-not-invoked: ALARM", "2 of them failed"]),
    "new": (1, {"Invocations": 0, "Errors": 0}, []),
}


@pytest.mark.parametrize("case", HOURS)
def test_the_last_hours_are_looked_at(
    bench: Bench, tool: Tool, function: Function, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """What ran, and what failed of it, as CloudWatch has it; a stack of an hour ago may not have run."""
    age, metrics, red = HOURS[case]
    find, now = stack.find, datetime.now(UTC)
    created = now - timedelta(hours=age)

    def measured(options: Any) -> Stack:
        there = find(options)
        parameters = {**there.parameters, "ErrorWindowHours": "2"}
        outputs = {**there.outputs, "FunctionName": case}
        return replace(there, created=created, outputs=outputs, parameters=parameters)

    monkeypatch.setattr(stack, "find", measured)
    bench.front.instead["GetFunctionConfiguration"] = Response.json({"Runtime": "python3.13"})
    cloudwatch = bench.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="notifier-not-invoked", StateValue="ALARM", StateReason="test")
    for metric, value in metrics.items():
        point = {"MetricName": metric, "Dimensions": [{"Name": "FunctionName", "Value": case}], "Value": value}
        times = (now - timedelta(minutes=5), now - timedelta(minutes=400))
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{**point, "Timestamp": time} for time in times])
    assert examine(tool)[2] == ["ErrorWindowHours is 2, but checks are 1 hour apart: give 3 or more", *red]
    cloudwatch.set_alarm_state(AlarmName="notifier-not-invoked", StateValue="OK", StateReason="test")


@pytest.mark.parametrize(("end", "good"), [(date(2100, 1, 1), True), (date(2000, 1, 1), False), (None, False)])
def test_the_runtime_has_an_end(
    tool: Tool, function: Function, monkeypatch: pytest.MonkeyPatch, end: date | None, good: bool
) -> None:
    """Half a year before it the line is red; the template's runtime is known."""
    assert f"Runtime: {next(iter(doctor.RUNTIME_ENDS))}\n" in TEMPLATE_FILE.read_text()
    monkeypatch.setattr(doctor, "RUNTIME_ENDS", {"python3.13": end} if end else {})
    code, shown, _ = examine(tool)
    assert (code, f"{'✓' if good else '✗'} Runtime python3.13" in shown) == (0 if good else 1, True), shown


def test_what_may_not_be_asked_is_a_red_line_and_the_rest_goes_on(bench: Bench, tool: Tool, function: Function) -> None:
    """A reader's credentials often lack one right or another."""
    bench.front.instead = {"DescribeAlarms": denied("cloudwatch:DescribeAlarms"), "GetSchedule": Refusal("Whatever")}
    code, shown, red = examine(tool)
    assert red == [
        "Your AWS credentials do not allow cloudwatch:DescribeAlarms.",
        "AWS answered Whatever to GetSchedule.",
    ]
    assert (code, "invocations in 3 hours" in shown, shown.endswith("\n2 things to do.\n")) == (1, True, True)


def test_an_unknown_organisation_and_an_unknown_stack(bench: Bench, tool: Tool, function: Function) -> None:
    """A typing error is a red line, and the right names are beside it."""
    code, shown = tool(doctor.main, "--org", "nobody")
    assert (code, "✗ No organisation nobody is connected to the stack notifier." in shown) == (1, True), shown
    assert "healthy" in shown.rpartition("Connected: ")[2]
    code, shown = tool(doctor.main, stack="elsewhere")
    assert (code, shown.startswith("✗ There is no stack elsewhere")) == (1, True)
