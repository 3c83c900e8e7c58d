"""What the stack consists of and no other test sees: settings, encryption, protection, names, outputs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

Json = Any
ROOT = Path(__file__).parents[2]

RESOURCES = {
    *("NotifierFunction", "NotifierFunctionEventInvokeConfig", "NotifierFunctionDefaultSchedule"),
    *("NotifierLogGroup", "NotifierRole", "MemoryTable"),
    *("NoticeTopic", "NoticeTopicPolicy", "NoticeSubscription"),
    *("ScheduleGroup", "ScheduleRole", "DeadLetterQueue", "DeadLetterQueuePolicy"),
    *("AlarmTopic", "AlarmTopicPolicy", "AlarmSubscription"),
    *("ErrorsAlarm", "NotInvokedAlarm", "DeadLetterQueueAlarm", "PendingMetric", "PendingAlarm", "Dashboard"),
}

SETTINGS: list[tuple[str, str, Json]] = [  # resource, property, value
    ("NotifierFunction", "Handler", "handler.app.lambda_handler"),
    ("NotifierFunction", "MemorySize", 256),
    ("NotifierFunction", "Role", "NotifierRole.Arn"),
    (
        "NotifierFunction",
        "ReservedConcurrentExecutions",
        {"If": ["HasReservedConcurrency", "ReservedConcurrency", "AWS::NoValue"]},
    ),
    (
        "NotifierFunction",
        "LoggingConfig",
        {
            "LogGroup": "NotifierLogGroup",
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",  # WARN would drop uncaught errors on older runtimes
            "SystemLogLevel": "INFO",
        },
    ),
    ("NotifierFunctionEventInvokeConfig", "MaximumRetryAttempts", 2),
    ("NotifierFunctionEventInvokeConfig", "MaximumEventAgeInSeconds", 3600),
    ("NotifierFunctionDefaultSchedule", "ScheduleExpression", "ScheduleExpression"),
    ("NotifierFunctionDefaultSchedule", "ScheduleExpressionTimezone", "TimeZone"),
    (
        "NotifierFunctionDefaultSchedule",
        "Target",
        {
            "Arn": "NotifierFunction.Arn",
            "RoleArn": "ScheduleRole.Arn",
            "Input": '{"org": "default"}',
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": "DeadLetterQueue.Arn"},
        },
    ),
    ("NotifierLogGroup", "RetentionInDays", "LogRetentionDays"),
    ("MemoryTable", "KeySchema", [{"AttributeName": "org", "KeyType": "HASH"}]),
    ("MemoryTable", "BillingMode", "PAY_PER_REQUEST"),
    ("MemoryTable", "DeletionProtectionEnabled", True),
    ("MemoryTable", "PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": True}),
    ("MemoryTable", "SSESpecification", {"SSEEnabled": True}),
    ("NoticeTopic", "KmsMasterKeyId", "alias/aws/sns"),
    ("AlarmTopic", "KmsMasterKeyId", None),  # CloudWatch could not publish, and nobody would know
    ("DeadLetterQueue", "SqsManagedSseEnabled", True),
    ("DeadLetterQueue", "MessageRetentionPeriod", 14 * 24 * 3600),
    ("NoticeSubscription", "TopicArn", "NoticeTopic"),
    ("AlarmSubscription", "TopicArn", "AlarmTopic"),
]

OUTPUTS = {
    "FunctionName": "NotifierFunction",
    "FunctionArn": "NotifierFunction.Arn",
    "FunctionRoleArn": "NotifierRole.Arn",
    "TableName": "MemoryTable",
    "TopicArn": "NoticeTopic",
    "AlarmTopicArn": "AlarmTopic",
    "DeadLetterQueueUrl": "DeadLetterQueue",
    "DeadLetterQueueArn": "DeadLetterQueue.Arn",
    "ScheduleGroupName": "ScheduleGroup",
    "ScheduleRoleArn": "ScheduleRole.Arn",
    "OrgParameterPrefix": "/zoho-backup-notifier/${AWS::StackName}",
}


@pytest.fixture(scope="module")
def properties(template: Json) -> dict[str, Json]:
    """Return each resource's properties."""
    return {name: body.get("Properties", {}) for name, body in template["Resources"].items()}


def test_the_stack_has_these_resources_and_no_others(template: Json) -> None:
    """A resource that appears or disappears is noticed."""
    assert set(template["Resources"]) == RESOURCES


@pytest.mark.parametrize(("resource", "name", "value"), SETTINGS, ids=lambda value: value if type(value) is str else "")
def test_a_setting_is_this(properties: Json, resource: str, name: str, value: Json) -> None:
    """What nothing else would miss."""
    assert properties[resource].get(name) == value


def test_a_lease_has_ended_when_lambda_tries_again(properties: Json) -> None:
    """Lambda's first retry comes a minute after the failure."""
    assert properties["NotifierFunction"]["Timeout"] < 60


@pytest.mark.parametrize(
    ("resource", "action", "target"),
    [
        ("NoticeTopicPolicy", "sns:Publish", "NoticeTopic"),
        ("AlarmTopicPolicy", "sns:Publish", "AlarmTopic"),
        ("DeadLetterQueuePolicy", "sqs:*", "DeadLetterQueue.Arn"),
    ],
)
def test_nothing_is_taken_over_plain_http(properties: Json, resource: str, action: str, target: str) -> None:
    """A statement refuses whoever does not encrypt on the way, and is attached to what it is about."""
    statement = {"Sid": "OnlyOverTLS", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": target}
    statement["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}  # type: ignore[assignment]
    assert statement in properties[resource]["PolicyDocument"]["Statement"]
    attached = properties[resource].get("Topics") or properties[resource]["Queues"]
    assert attached == [target.removesuffix(".Arn")]


def test_only_this_stacks_alarms_and_schedules_are_let_in(properties: Json) -> None:
    """CloudWatch may publish, and Scheduler may take the role, for this stack and not for a confused deputy."""
    (alarms,) = (s for s in properties["AlarmTopicPolicy"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow")
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Action"] == "sns:Publish"
    assert alarms["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "AWS::AccountId"},
        "ArnLike": {
            "aws:SourceArn": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}"
            ":alarm:${AWS::StackName}-*"
        },
    }
    (schedules,) = properties["ScheduleRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert schedules["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert schedules["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "AWS::AccountId", "aws:SourceArn": "ScheduleGroup.Arn"}
    }
    (function,) = properties["NotifierRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert function["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_both_roles_take_the_boundary(properties: Json) -> None:
    """Where a company demands one."""
    boundary = {"If": ["HasPermissionsBoundary", "PermissionsBoundaryArn", "AWS::NoValue"]}
    assert [properties[role]["PermissionsBoundary"] for role in ("NotifierRole", "ScheduleRole")] == [boundary] * 2


def test_every_alarm_says_that_it_is_raised_and_over(properties: Json) -> None:
    """On the topic of alarms; its name is the stack's."""
    alarms = {name: body for name, body in properties.items() if name.endswith("Alarm")}
    assert len(alarms) == 4
    for body in alarms.values():
        assert body["AlarmActions"] == body["OKActions"] == ["AlarmTopic"]
        assert body["AlarmName"].startswith("${AWS::StackName}-")


def test_conditions_are_exactly_these(template: Json) -> None:
    """Subscriptions need an e-mail address, the dashboard a wish; everything else always exists."""
    assert template["Conditions"] == {
        "HasDashboard": {"Equals": ["ShowDashboard", "true"]},
        "HasEmail": {"Not": [{"Equals": ["NotificationEmail", ""]}]},
        "HasReservedConcurrency": {"Not": [{"Equals": ["ReservedConcurrency", "0"]}]},
        "HasPermissionsBoundary": {"Not": [{"Equals": ["PermissionsBoundaryArn", ""]}]},
    }
    assert {name: r["Condition"] for name, r in template["Resources"].items() if "Condition" in r} == {
        "NoticeSubscription": "HasEmail",
        "AlarmSubscription": "HasEmail",
        "Dashboard": "HasDashboard",
    }


def test_outputs_are_exactly_these(template: Json) -> None:
    """Other programs rely on the outputs' names; the version is the package's."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {name: output["Value"] for name, output in template["Outputs"].items()} == {**OUTPUTS, "Version": version}


def test_what_holds_data_says_what_happens_to_it(template: Json) -> None:
    """The memory outlives the stack; the log and the dead letters do not."""
    fates = {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in template["Resources"].items()
        if "DeletionPolicy" in resource
    }
    assert fates == {
        "MemoryTable": ("Retain", "Retain"),
        "NotifierLogGroup": ("Delete", "Delete"),
        "DeadLetterQueue": ("Delete", "Delete"),
    }


def test_no_update_can_replace_the_table(plain: Json) -> None:
    """A name, or a key that depends on a parameter, would: the table has no name and refers to nothing."""
    table = plain["Resources"]["MemoryTable"]["Properties"]
    assert "TableName" not in table
    assert not any(word in json.dumps(table) for word in ('"Ref"', '"Fn::'))


def test_every_fixed_name_comes_from_the_stack(properties: Json) -> None:
    """Two stacks fit in one account: what isn't named by CloudFormation is named after the stack."""
    naming = {"Name", "AlarmName", "DashboardName", "FilterName", "LogGroupName", "QueueName", "RoleName", "TableName"}
    names = {f"{name}.{key}": body[key] for name, body in properties.items() for key in naming & set(body)}
    assert len(names) == 9
    assert [where for where, name in names.items() if "AWS::StackName" not in name] == ["PendingMetric.LogGroupName"]


def test_a_dashboard_is_named_after_its_region_too(properties: Json) -> None:
    """Dashboards are global: a second region's stack of the same name would overwrite the first one's."""
    assert properties["Dashboard"]["DashboardName"] == "${AWS::StackName}-${AWS::Region}"


def test_nothing_allows_a_wildcard_but_the_secrets_and_log_streams_of_this_stack(properties: Json) -> None:
    """A resource-level permission exists for everything that is granted."""
    granted = [
        statement
        for role in ("NotifierRole", "ScheduleRole")
        for inline in properties[role]["Policies"]
        for statement in inline["PolicyDocument"]["Statement"]
    ]
    assert len(granted) == 7
    assert [s["Sid"] for s in granted if "*" in s["Resource"]] == ["Secrets", "Log"]
    assert not any("*" in action for s in granted for action in s["Action"])


def test_no_secret_is_a_parameter_or_a_variable(template: Json, properties: Json) -> None:
    """Secrets live in Parameter Store only."""
    names = [*template["Parameters"], *properties["NotifierFunction"]["Environment"]["Variables"]]
    assert not [name for name in names if any(w in name.lower() for w in ("secret", "token", "webhook", "password"))]
