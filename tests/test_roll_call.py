"""The roll-call names who is connected and checked by no schedule."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from handler import roll_call
from handler.config import read_settings
from sandbox.aws import Cloud, Stack

TARGET = {"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "RoleArn": "arn:aws:iam::123456789012:role/r"}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Give a deployed stack, with another one's organisation beside it."""
    with closing(Cloud()) as cloud:
        cloud.client("ssm").put_parameter(Name="/zoho-backup-notifier/other/x", Value="{}", Type="SecureString")
        yield cloud.deploy()


def schedule(stack: Stack, name: str, state: str, verb: str = "create") -> None:
    """Create or update a schedule in the stack's group."""
    write: Any = getattr(stack.cloud.client("scheduler"), f"{verb}_schedule")
    when = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    write(Name=name, GroupName=stack.name, State=state, Target=TARGET, **when)


def call(stack: Stack) -> list[str]:
    """Call the roll; return who is named."""
    ssm, scheduler, sns = (stack.cloud.client(service) for service in ("ssm", "scheduler", "sns"))
    answer = roll_call.run(ssm, scheduler, sns, read_settings(stack.environment()))
    return list(answer["unscheduled"])


def test_who_is_connected_but_not_scheduled_is_named_each_day_until_it_is(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message for all; nothing where nothing is missing; `default` has the stack's own schedule."""
    alarms = stack.subscribe("AlarmTopicArn")
    assert call(stack) == []
    for org in ("default", "fine", "off", "gone"):
        stack.put_organisation(org, {})
    schedule(stack, "fine", "ENABLED")
    schedule(stack, "off", "DISABLED")
    assert call(stack) == call(stack) == ["gone", "off"]
    first, second = alarms.mails
    assert first == second
    assert first.subject == "2 organisations not monitored"
    assert "checks their Zoho CRM backups:\n\ngone\noff\n\nWhat to do: run `make connect ORG=gone`" in first.body
    assert first.body.endswith("Stack notifier, region eu-west-1, account 123456789012")
    schedule(stack, "off", "ENABLED", "update")
    schedule(stack, "gone", "ENABLED")
    assert call(stack) == []
    schedule(stack, "notifier", "DISABLED", "update")
    assert call(stack) == ["default"]
    for number in range(11):  # more than a page
        stack.put_organisation(f"{number:02}", {})
    monkeypatch.setattr(roll_call, "LIMIT", 11)
    assert len(call(stack)) == 12
    assert alarms.mails[-1].subject == "12 organisations not monitored"
    assert "backups:\n\n00\n01\n02\n0…\n\n" in alarms.mails[-1].body
    assert len(alarms.mails) == 4
