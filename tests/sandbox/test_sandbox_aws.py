"""AWS in memory: the template's transform, the types that moto lacks, and what a stack tells."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Cloud, Stack
from sandbox.cloudformation import TYPES
from sandbox.channels import Mail
from sandbox.template import to_cloudformation

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Email: {Type: String, Default: ""}
  Attempts: {Type: Number, Default: 3}
  Threshold: {Type: Number, Default: 1}
Conditions:
  HasEmail: !Not [!Equals [!Ref Email, ""]]
Resources:
  Topic: {Type: AWS::SNS::Topic}
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties: {Topics: [!Ref Topic], PolicyDocument: {Version: "2012-10-17", Id: ours, Statement: [{Effect: Deny}]}}
  Subscription:
    Type: AWS::SNS::Subscription
    Condition: HasEmail
    Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: !Ref Email, FilterPolicy: {kind: [failed]}}
  Queue: {Type: AWS::SQS::Queue}
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties: {Queues: [!Ref Queue], PolicyDocument: {Version: "2012-10-17", Id: ours, Statement: [{Effect: Deny}]}}
  Group: {Type: AWS::Scheduler::ScheduleGroup, Properties: {Name: group}}
  LogGroup: {Type: AWS::Logs::LogGroup}
  Filter:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref LogGroup
      FilterName: filter
      FilterPattern: "{ $.hours = * }"
      MetricTransformations: [{MetricNamespace: n, MetricName: m, MetricValue: $.hours}]
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: alarm
      Namespace: AWS/Lambda
      MetricName: Errors
      Statistic: Sum
      Period: 3600
      EvaluationPeriods: !Ref Attempts
      Threshold: !Ref Threshold
      ComparisonOperator: GreaterThanOrEqualToThreshold
      AlarmActions: [!Ref Topic]
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handler.app.lambda_handler
      Runtime: python3.13
      CodeUri: .
      Environment: {Variables: {TOPIC_ARN: !Ref Topic, ATTEMPTS: !Ref Attempts}}
      EventInvokeConfig: {MaximumRetryAttempts: 2}
      Events:
        Hourly:
          Type: ScheduleV2
          Properties:
            Name: schedule
            GroupName: !Ref Group
            ScheduleExpression: rate(1 hour)
            RetryPolicy: {MaximumRetryAttempts: !Ref Attempts}
            DeadLetterConfig: {Arn: !GetAtt Queue.Arn}
Outputs:
  FunctionName: {Value: !Ref Function}
  TopicArn: {Value: !Ref Topic}
  QueueUrl: {Value: !Ref Queue}
  GroupArn: {Value: !GetAtt Group.Arn}
  AlarmArn: {Value: !GetAtt Alarm.Arn}
  LogGroup: {Value: !Ref LogGroup}
  OrgParameterPrefix: {Value: !Sub "/notifier/${AWS::StackName}"}
"""


@pytest.fixture
def stack(cloud: Cloud, tmp_path: Path) -> Stack:
    """Deploy a small template that has each of the types that moto lacks."""
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    return cloud.deploy("small", {"Email": "it@example.com", "Attempts": "5"}, file)


def test_the_small_template_has_every_type_that_moto_lacks() -> None:
    """So that no maker of a resource goes untested."""
    used = {resource["Type"] for resource in to_cloudformation(TEMPLATE)["Resources"].values()}
    assert set(TYPES) <= used


def test_the_transform_leaves_plain_cloudformation() -> None:
    """No SAM is left, and the function's code lies where it was said to."""
    template = to_cloudformation(TEMPLATE, code_uri="s3://bucket/key.zip")
    assert not [r for r in template["Resources"].values() if r["Type"].startswith("AWS::Serverless")]
    code = template["Resources"]["Function"]["Properties"]["Code"]
    assert code == {"S3Bucket": "bucket", "S3Key": "key.zip"}


def test_subscription_and_topic_policy_are_made(stack: Stack) -> None:
    """With endpoint, filter policy and policy document."""
    sns, topic = stack.cloud.client("sns"), stack.outputs["TopicArn"]
    [subscription] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "it@example.com")
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"kind": ["failed"]}
    assert json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Id"] == "ours"


def test_a_resource_whose_condition_is_false_is_not_made(cloud: Cloud, tmp_path: Path) -> None:
    """No e-mail, no subscription."""
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    stack = cloud.deploy("small", template_file=file)
    assert cloud.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs["TopicArn"])["Subscriptions"] == []


def test_queue_policy_metric_filter_and_alarm_are_made(stack: Stack) -> None:
    """With the numbers that came as parameters, and the alarm's ARN as an attribute."""
    sqs, logs, cloudwatch = (stack.cloud.client(service) for service in ("sqs", "logs", "cloudwatch"))
    attributes = sqs.get_queue_attributes(QueueUrl=stack.outputs["QueueUrl"], AttributeNames=["Policy"])
    assert json.loads(attributes["Attributes"]["Policy"])["Id"] == "ours"
    [metric_filter] = logs.describe_metric_filters(logGroupName=stack.outputs["LogGroup"])["metricFilters"]
    assert metric_filter["metricTransformations"][0]["metricValue"] == "$.hours"
    [alarm] = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["EvaluationPeriods"], alarm["Threshold"], alarm["Period"]) == (5, 1.0, 3600)
    assert alarm["AlarmArn"] == stack.outputs["AlarmArn"]


def test_schedule_group_and_invoke_config_are_made(stack: Stack) -> None:
    """In their group, with retries and dead-letter queue."""
    scheduler, functions = stack.cloud.client("scheduler"), stack.cloud.client("lambda")
    target = scheduler.get_schedule(Name="schedule", GroupName="group")["Target"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 5}
    assert scheduler.get_schedule_group(Name="group")["Arn"] == stack.outputs["GroupArn"]
    config = functions.get_function_event_invoke_config(FunctionName=stack.outputs["FunctionName"], Qualifier="$LATEST")
    assert config["MaximumRetryAttempts"] == 2


@pytest.mark.parametrize(("find", "replace"), [("Threshold: !Ref", "Treshold: !Ref"), ("Period: 3600", "Period: x")])
def test_a_misspelt_property_fails_the_deployment(cloud: Cloud, tmp_path: Path, find: str, replace: str) -> None:
    """Every property's name and type is known, and the error says which one is wrong."""
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE.replace(find, replace))
    with pytest.raises(ClientError, match=f"(?s)AWS::CloudWatch::Alarm.*{replace.split(':')[0]}"):
        cloud.deploy("small", template_file=file)


def test_an_unknown_type_fails_the_deployment(cloud: Cloud, tmp_path: Path) -> None:
    """Left to itself, moto would skip it and say CREATE_COMPLETE."""
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE.replace("AWS::SQS::QueuePolicy", "AWS::Synthetics::Canary"))
    with pytest.raises(ValueError, match="AWS::Synthetics::Canary"):
        cloud.deploy("small", template_file=file)


def test_a_stack_can_be_updated_and_deleted(stack: Stack) -> None:
    """A changed parameter reaches the alarm; nothing of the extra types stays."""
    formation, cloudwatch = stack.cloud.client("cloudformation"), stack.cloud.client("cloudwatch")
    keep = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("Email", "Attempts")]
    formation.update_stack(
        StackName="small",
        UsePreviousTemplate=True,
        Parameters=[*keep, {"ParameterKey": "Threshold", "ParameterValue": "7"}],
    )
    assert [alarm["Threshold"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == [7.0]
    formation.delete_stack(StackName="small")
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert stack.cloud.client("scheduler").list_schedules()["Schedules"] == []
    assert stack.cloud.client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_stack_tells_its_functions_environment(stack: Stack) -> None:
    """All strings, as a process needs them."""
    assert stack.environment() == {"TOPIC_ARN": stack.outputs["TopicArn"], "ATTEMPTS": "5"}
    assert stack.resources["Function"] == stack.outputs["FunctionName"]


def test_an_organisations_secret_is_a_secure_string(stack: Stack) -> None:
    """Under the stack's own prefix; a second time it is replaced."""
    for value in ("old", "new"):
        stack.put_organisation("acme", {"refresh_token": value})
    answer = stack.cloud.client("ssm").get_parameter(Name="/notifier/small/acme", WithDecryption=True)["Parameter"]
    assert (answer["Type"], json.loads(answer["Value"])) == ("SecureString", {"refresh_token": "new"})


def test_a_mailbox_shows_subject_body_and_attributes(stack: Stack) -> None:
    """Everything published since it subscribed, in order, as often as one looks."""
    mailbox, topic, sns = stack.subscribe(), stack.outputs["TopicArn"], stack.cloud.client("sns")
    sns.publish(TopicArn=topic, Message="alone")
    kinds = {"kind": {"DataType": "String.Array", "StringValue": '["failed", "stopped"]'}}
    org = {"org": {"DataType": "String", "StringValue": "acme"}}
    entries: list[dict[str, Any]] = [{"Id": str(number), "Message": f"number {number}"} for number in range(10)]
    entries[0] |= {"Subject": "S", "MessageAttributes": kinds | org}
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    mails = mailbox.mails
    assert mails[0] == Mail(None, "alone", {})
    assert mails[1] == Mail("S", "number 0", {"kind": ["failed", "stopped"], "org": "acme"})
    assert [mail.body for mail in mails[1:]] == [f"number {number}" for number in range(10)]
    assert mailbox.mails == mails


def test_calls_are_recorded_at_the_wire(stack: Stack) -> None:
    """Of every protocol that AWS has, by service and operation, whoever makes them."""
    del stack.cloud.calls[:]
    stack.cloud.client("sns").list_topics()
    stack.cloud.client("ssm").describe_parameters()
    stack.cloud.client("dynamodb").list_tables()
    stack.cloud.client("scheduler").get_schedule(Name="schedule", GroupName="group")
    assert stack.cloud.calls == [
        "sns:ListTopics",
        "ssm:DescribeParameters",
        "dynamodb:ListTables",
        "scheduler:GetSchedule",
    ]


def test_a_reset_leaves_an_empty_account(stack: Stack) -> None:
    """And the same stack can be deployed again."""
    stack.cloud.reset()
    with pytest.raises(ClientError, match="does not exist"):
        _ = stack.outputs


def test_the_projects_own_template_deploys_with_no_parameter(cloud: Cloud) -> None:
    """And twice, side by side."""
    first, second = cloud.deploy("first"), cloud.deploy("second")
    assert first.environment()["TOPIC_ARN"] == first.outputs["TopicArn"] != second.outputs["TopicArn"]
