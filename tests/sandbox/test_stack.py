"""The template in moto: what moto lacks is made or refused by name, and what was made can be changed and deleted."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Cloud
from sandbox.channels import Mail
from sandbox.template import TEMPLATE_FILE


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


@pytest.mark.parametrize(
    ("found", "put", "error", "named"),
    [
        ("ComparisonOperator:", "ComparisonOperater:", ClientError, "AWS::CloudWatch::Alarm.*ComparisonOperater"),
        ("AWS::SQS::QueuePolicy", "AWS::Synthetics::Canary", ValueError, "AWS::Synthetics::Canary"),
    ],
)
def test_a_misspelt_property_or_type_fails_the_deployment(
    cloud: Cloud, tmp_path: Path, found: str, put: str, error: type[Exception], named: str
) -> None:
    """Moto alone would skip it and say CREATE_COMPLETE."""
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE_FILE.read_text().replace(found, put))
    with pytest.raises(error, match=f"(?s){named}"):
        cloud.deploy(template_file=file)


def test_a_mailbox_shows_what_arrives_and_calls_are_recorded(cloud: Cloud) -> None:
    """Subject, body and attributes, in order; a call by its service and operation."""
    stack = cloud.deploy()
    mailbox, topic, sns = stack.subscribe(), stack.outputs["TopicArn"], cloud.client("sns")
    cloud.calls.clear()
    kinds = {"kind": {"DataType": "String.Array", "StringValue": '["failed", "stopped"]'}}
    sns.publish(TopicArn=topic, Message="alone")
    sns.publish(TopicArn=topic, Message="text", Subject="S", MessageAttributes=kinds)
    cloud.client("dynamodb").list_tables()
    assert cloud.calls == ["sns:Publish", "sns:Publish", "dynamodb:ListTables"]
    assert mailbox.mails == [Mail(None, "alone", {}), Mail("S", "text", {"kind": ["failed", "stopped"]})]
