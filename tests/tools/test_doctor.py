"""`make doctor`: a line for everything that must be in place, and what to do about what is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.server import Response
from tests.tools.bench import Bench
from tests.tools.conftest import Tool
from tests.tools.front import Refusal, denied
from tests.tools.test_report import LATE, MEMORY, PROBLEM, status
from tools import connect, doctor, stack
from tools.stack import Stack

NAME = "/zoho-backup-notifier/notifier/healthy"
Answers = dict[str, dict[str, Any]]


@pytest.fixture
def answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Give what a function answers to which all is well, in a stack that watches one company and has subscribers."""
    for topic in ("TopicArn", "AlarmTopicArn"):
        arn = bench.stage.stack.outputs[topic]
        if not bench.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            bench.stage.stack.subscribe(topic)
    bench.forget("healthy")
    bench.connected("healthy")
    bench.connected("another")
    own = bench.schedule("notifier") or {}
    target = {**own["Target"], "Input": '{"org": "healthy"}'}
    bench.client("scheduler").create_schedule(**{**own, "Name": "healthy", "Target": target})
    read: dict[str, Any] = {"problem": None, "problems": [], "rows": [{}, {}], "would_notify": []}
    given = {"status": status(version=bench.stage.stack.outputs["Version"]), "dry-run": read}
    given["heartbeat"] = {"results": {"heartbeat": "accepted: it is recorded"}, "ok": True}
    monkeypatch.setattr(Stack, "ask", lambda there, org, action: given[action])
    return given


def examine(tool: Tool, *arguments: str) -> tuple[int, str, list[str]]:
    """Return the exit code, what was shown, and the red lines."""
    code, shown = tool(doctor.main, "--org", "healthy", *arguments)
    looked, _, to_do = shown.rpartition("\n\n")
    red = [[line[2:] for line in part.splitlines() if line.startswith("✗")] for part in (looked, to_do)]
    assert red[0] == red[1], "what is to be done is repeated at the end"
    return code, shown, red[0]


def test_all_is_well(bench: Bench, tool: Tool, answers: Answers) -> None:
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
        "✓ healthy: The backups are fine: the last one completed on 27 Mar 2026 13:00 CET.\n",
        "✓ healthy: sends to SNS (e-mail, SMS): everything; Slack: warnings and what is critical\n",
    ):
        assert line in shown
    assert bench.front.writes == []


def test_a_roll_call_that_is_switched_off_is_red(bench: Bench, tool: Tool, answers: Answers) -> None:
    """Nobody else would notice."""
    roll = bench.stage.stack.resources["NotifierFunctionRollCall"]
    bench.change_schedule(roll, State="DISABLED")
    assert examine(tool)[2] == ["The roll-call names organisations without a schedule, once a day"]
    bench.change_schedule(roll, State="ENABLED")


def test_test_messages_are_sent_when_wanted(bench: Bench, tool: Tool, answers: Answers) -> None:
    """On every channel, and in the name of an alarm, unless it is ringing."""
    answers["test-message"] = {"results": {"sns": "accepted: taken", "slack": "HTTP 500"}, "ok": False}
    code, shown, red = examine(tool, "--send")
    assert (code, red) == (1, ["healthy: test message, Slack: HTTP 500"]), shown
    assert "✓ Alarm notifier-errors: set to ALARM and back for a test." in shown
    cloudwatch = bench.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["notifier-errors"])["MetricAlarms"]
    assert (alarm["StateValue"], "no action needed" in alarm["StateReason"]) == ("OK", True)
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="ALARM", StateReason="real")
    assert "set to ALARM" not in examine(tool, "--send")[1]
    cloudwatch.set_alarm_state(AlarmName="notifier-errors", StateValue="OK", StateReason="test")


def says(action: str, **answer: Any) -> Callable[[Bench, Answers], None]:
    """Return what lets the function answer this."""
    return lambda bench, answers: answers[action].update(answer)


def aws(service: str, operation: str, **request: Any) -> Callable[[Bench, Answers], object]:
    """Return what does this behind the tools' back."""
    return lambda bench, answers: getattr(bench.client(service), operation)(**request)


def plain_text(bench: Bench, answers: Answers) -> None:
    """Write the parameter without encryption."""
    held = json.dumps(bench.parameter("healthy"))
    bench.client("ssm").delete_parameter(Name=NAME)
    bench.client("ssm").put_parameter(Name=NAME, Value=held, Type="String")


def stray(bench: Bench, answers: Answers) -> None:
    """Give the schedule an input that names nobody."""
    bench.change_schedule("healthy", Target={**(bench.schedule("healthy") or {})["Target"], "Input": "[]"})


def unconfirmed(bench: Bench, answers: Answers) -> None:
    """Let one of two subscribers of each topic wait."""
    one = "<member><SubscriptionArn>{}</SubscriptionArn><Endpoint>it@example.com</Endpoint></member>"
    members = one.format("PendingConfirmation") + one.format("arn:aws:sns:x:1:t:1")
    name = "ListSubscriptionsByTopic"
    answer = f"<R><{name}Result><Subscriptions>{members}</Subscriptions></{name}Result></R>"
    bench.front.instead[name] = Response(200, answer.encode())


NO_SCHEDULE = aws("scheduler", "delete_schedule", Name="healthy", GroupName="notifier")
NO_PARAMETER = aws("ssm", "delete_parameter", Name=NAME)
PENDING = "notifier-pending"
OFF = aws("cloudwatch", "disable_alarm_actions", AlarmNames=[PENDING])
WAITING = [f"Topic of {what}: it@example.com gets nothing" for what in ("notices", "alarms")]
PROBLEMS = ["healthy: Backup failed: The backup of", "healthy: No backup for"]
RINGS = {"AlarmName": PENDING, "StateValue": "ALARM", "StateReason": "test"}
LOST = {"total": 3, "last": [{"kind": "failed", "channel": "teams", "why": "HTTP 410", "at": "2026-03-26T12:00:00Z"}]}
BROKEN: dict[str, tuple[Callable[[Bench, Answers], object], list[str], str]] = {
    "problems": (says("dry-run", problem="x", problems=[PROBLEM, LATE]), PROBLEMS, "manually"),
    "unread": (says("dry-run", problem="Zoho is silent"), ["healthy: Zoho is silent"], "make connect ORG=healthy"),
    "pending": (says("status", memory={**MEMORY, "outbox": [1, 2]}), ["healthy: 2 pending notices"], "aws logs tail"),
    "heartbeat": (says("heartbeat", results={"heartbeat": "HTTP 404"}), ["healthy: heartbeat: HTTP 404"], ""),
    "release": (says("status", version="0.9"), ["Release 0.9 runs, but the stack was deployed as"], "make deploy"),
    "off": (OFF, ["Alarm notifier-pending: its actions are"], "enable-alarm-actions"),
    "ringing": (aws("cloudwatch", "set_alarm_state", **RINGS), ["Alarm notifier-pending: ALARM"], "runbook.md#pending"),
    "no schedule": (NO_SCHEDULE, ["healthy: it has no schedule"], "make connect ORG=healthy"),
    "stray": (stray, ["Schedule healthy names no", "healthy: it has no schedule"], "Delete it"),
    "no parameter": (NO_PARAMETER, ["healthy: checked, but without a parameter"], "REMOVE=1"),
    "plain text": (plain_text, ["healthy: its parameter is not encrypted"], "make new secrets"),
    "unconfirmed": (unconfirmed, WAITING, "Follow the link"),
    "lost": (says("status", memory={**MEMORY, "dead_letters": LOST}), [], "lost: 3 messages, the last of them: failed"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_red_and_says_what_to_do(bench: Bench, tool: Tool, answers: Answers, case: str) -> None:
    """In the function's words where it words it, and exit code 1; what was lost is only told."""
    breaks, said, step = BROKEN[case]
    breaks(bench, answers)
    code, shown, red = examine(tool)
    assert (code, len(red), step in shown) == (1 if said else 0, len(said), True), shown
    assert [line[: len(start)] for line, start in zip(red, said, strict=True)] == said
    bench.client("cloudwatch").enable_alarm_actions(AlarmNames=[PENDING])
    bench.client("cloudwatch").set_alarm_state(**{**RINGS, "StateValue": "OK"})
    bench.forget("healthy")


ARN = "arn:aws:sqs:eu-west-1:123456789012:other"
TARGET: dict[str, Any] = {"Arn": ARN, "RoleArn": ARN, "DeadLetterConfig": {"Arn": ARN}}
TARGET |= {"Input": '{"org": "healthy", "x": 1}', "RetryPolicy": {"MaximumRetryAttempts": 1}}
SCHEDULE: dict[str, Any] = {"ScheduleExpressionTimezone": "Asia/Tokyo", "FlexibleTimeWindow": {"Mode": "OFF"}}
SCHEDULE |= {"ScheduleExpression": "rate(30 days)", "EndDate": datetime(2030, 1, 1, tzinfo=UTC), "State": "DISABLED"}


def test_a_schedule_that_is_not_the_stacks_is_red_and_written_again(bench: Bench, tool: Tool, answers: Answers) -> None:
    """Each part that `make connect` copies is compared."""
    bench.change_schedule("healthy", Target={**(bench.schedule("healthy") or {})["Target"], **TARGET}, **SCHEDULE)
    code, shown, red = examine(tool)
    assert (code, len(red)) == (1, 1), shown
    assert [part for part in (*TARGET, *SCHEDULE) if part not in red[0]] == []
    assert tool(connect.main, "--org", "healthy", "--non-interactive")[0] == 0
    assert examine(tool)[0] == 0


def test_a_new_stack_may_not_have_run(
    bench: Bench, tool: Tool, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its alarm rings until the first check; later, that is red."""
    find, rings = stack.find, {**RINGS, "AlarmName": "notifier-not-invoked"}
    bench.client("cloudwatch").set_alarm_state(**rings)
    assert examine(tool)[0] == 0
    old = datetime.now(UTC) - timedelta(hours=9)
    monkeypatch.setattr(stack, "find", lambda options: replace(find(options), created=old))
    assert examine(tool)[2] == ["Alarm notifier-not-invoked: ALARM"]
    bench.client("cloudwatch").set_alarm_state(**{**rings, "StateValue": "OK"})


def test_what_may_not_be_asked_is_a_red_line_and_the_rest_goes_on(bench: Bench, tool: Tool, answers: Answers) -> None:
    """A reader's credentials often lack one right or another; an unknown organisation is a red line, too."""
    bench.front.instead = {"DescribeAlarms": denied("cloudwatch:DescribeAlarms"), "GetSchedule": Refusal("Whatever")}
    code, shown, red = examine(tool)
    denial = "Your AWS credentials do not allow cloudwatch:DescribeAlarms."
    assert red == [denial, "AWS answered Whatever to GetSchedule."]
    assert (code, "Topic of alarms" in shown, "\n2 things to do:\n✗" in shown) == (1, True, True)
    bench.front.instead.clear()
    code, shown = tool(doctor.main, "--org", "nobody")
    assert (code, "✗ No organisation nobody is connected to the stack notifier." in shown) == (1, True), shown
    assert "healthy" in shown.rpartition("Connected: ")[2]
