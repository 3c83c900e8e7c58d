"""The template in moto: what was made can be changed and deleted."""

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from sandbox.aws import Cloud


@pytest.fixture(scope="module")
def account() -> Iterator[Cloud]:
    """Give an AWS account, whatever AWS settings this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        with closing(Cloud()) as server:
            yield server


@pytest.fixture
def cloud(account: Cloud) -> Cloud:
    """Give that account, empty."""
    account.reset()
    return account


def test_a_stack_is_made_changed_and_deleted(cloud: Cloud) -> None:
    """With every number that came as a text; the subscription follows its condition."""
    stack = cloud.deploy(parameters={"ErrorWindowHours": "4"})
    sns, alarms, schedules = (cloud.client(service) for service in ("sns", "cloudwatch", "scheduler"))
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert stack.resources["NotifierFunction"] == stack.outputs["FunctionName"]
    assert set(map(type, stack.environment().values())) == {str}
    assert len(schedules.list_schedules()["Schedules"]) == 1
    before = {alarm["AlarmName"]: alarm for alarm in alarms.describe_alarms()["MetricAlarms"]}
    parameters = [{"ParameterKey": "NotificationEmail", "ParameterValue": "it@example.com"}]
    parameters.append({"ParameterKey": "ErrorWindowHours", "ParameterValue": "12"})
    update = {"UsePreviousTemplate": True, "Parameters": parameters}
    cloud.client("cloudformation").update_stack(StackName=stack.name, **update)
    assert {one["Endpoint"] for one in sns.list_subscriptions()["Subscriptions"]} >= {"it@example.com"}
    after = {alarm["AlarmName"]: alarm for alarm in alarms.describe_alarms()["MetricAlarms"]}
    assert before.keys() == after.keys()
    assert before != after
    cloud.client("cloudformation").delete_stack(StackName=stack.name)
    assert alarms.describe_alarms()["MetricAlarms"] == sns.list_subscriptions()["Subscriptions"] == []
    assert schedules.list_schedules()["Schedules"] == []
