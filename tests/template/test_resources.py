"""What the deployed stack consists of, word by word: whatever is removed from the template is missed here."""

import json
from typing import Any
from unittest.mock import ANY

import pytest

Json = Any

NAMES = {"Name", "AlarmName", "DashboardName", "FilterName", "LogGroupName", "QueueName", "RoleName", "TableName"}
PROSE = {"AlarmDescription", "Description", "DisplayName", "Tags"}  # not what a resource is, but what it says


def allow(action: str | list[str], resource: str, **more: Json) -> Json:
    """Return a statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def only_over_tls(action: str, resource: str) -> Json:
    """Return the statement that refuses whoever does not encrypt on the way."""
    return {
        "Sid": "OnlyOverTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def policy(*statements: Json) -> Json:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str, **more: Json) -> Json:
    """Return the document that lets a service take a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    return policy(statement)


BOUNDARY = {"If": ["HasPermissionsBoundary", "PermissionsBoundaryArn", "AWS::NoValue"]}
EMAIL = {"Protocol": "email", "Endpoint": "NotificationEmail"}
TELL = {"AlarmActions": ["AlarmTopic"], "OKActions": ["AlarmTopic"]}

RESOURCES: dict[str, Json] = {
    "NotifierFunction": {
        "Code": {"S3Bucket": "artifacts", "S3Key": "handler.zip"},
        "Handler": "handler.app.lambda_handler",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "MemorySize": 256,
        "Timeout": 55,
        "Role": "NotifierRole.Arn",
        "ReservedConcurrentExecutions": {"If": ["HasReservedConcurrency", "ReservedConcurrency", "AWS::NoValue"]},
        "LoggingConfig": {
            "LogGroup": "NotifierLogGroup",
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "SystemLogLevel": "INFO",
        },
        "Environment": {
            "Variables": {
                "TABLE_NAME": "MemoryTable",
                "TOPIC_ARN": "NoticeTopic",
                "ORG_PARAMETER_PREFIX": "/zoho-backup-notifier/${AWS::StackName}",
                "NOTIFY_ON": "NotifyOn",
                "TIME_ZONE": "TimeZone",
                "MAX_BACKUP_AGE_DAYS": "MaxBackupAgeDays",
                "GRACE_HOURS": "GraceHours",
                "STUCK_HOURS": "StuckHours",
                "UNREADABLE_HOURS": "UnreadableHours",
                "REMIND_HOURS": "RemindHours",
                "DIGEST_DAYS": "DigestDays",
                "ZOHO_API_VERSION": "ZohoApiVersion",
            }
        },
    },
    "NotifierFunctionEventInvokeConfig": {
        "FunctionName": "NotifierFunction",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {},
    },
    "NotifierFunctionDefaultSchedule": {
        "Name": "AWS::StackName",
        "GroupName": "ScheduleGroup",
        "ScheduleExpression": "ScheduleExpression",
        "ScheduleExpressionTimezone": "TimeZone",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "Target": {
            "Arn": "NotifierFunction.Arn",
            "RoleArn": "ScheduleRole.Arn",
            "Input": '{"org": "default"}',
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": "DeadLetterQueue.Arn"},
        },
    },
    "NotifierLogGroup": {
        "LogGroupName": "/zoho-backup-notifier/${AWS::StackName}",
        "RetentionInDays": "LogRetentionDays",
    },
    "NotifierRole": {
        "PermissionsBoundary": BOUNDARY,
        "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
        "Policies": [
            {
                "PolicyName": "notifier",
                "PolicyDocument": policy(
                    allow(["dynamodb:GetItem", "dynamodb:PutItem"], "MemoryTable.Arn", Sid="Memory"),
                    allow("sns:Publish", "NoticeTopic", Sid="Tell"),
                    allow(
                        "ssm:GetParameter",
                        "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
                        "/zoho-backup-notifier/${AWS::StackName}/*",
                        Sid="Secrets",
                    ),
                    allow(
                        ["logs:CreateLogStream", "logs:PutLogEvents"],
                        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${NotifierLogGroup}:*",
                        Sid="Log",
                    ),
                ),
            }
        ],
    },
    "MemoryTable": {
        "AttributeDefinitions": [{"AttributeName": "org", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "org", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    },
    "NoticeTopic": {"KmsMasterKeyId": "alias/aws/sns"},
    "NoticeTopicPolicy": {
        "Topics": ["NoticeTopic"],
        "PolicyDocument": policy(only_over_tls("sns:Publish", "NoticeTopic")),
    },
    "NoticeSubscription": {"TopicArn": "NoticeTopic", **EMAIL},
    "ScheduleGroup": {"Name": "AWS::StackName"},
    "ScheduleRole": {
        "PermissionsBoundary": BOUNDARY,
        "AssumeRolePolicyDocument": trust(
            "scheduler.amazonaws.com",
            Condition={"StringEquals": {"aws:SourceAccount": "AWS::AccountId", "aws:SourceArn": "ScheduleGroup.Arn"}},
        ),
        "Policies": [
            {
                "PolicyName": "schedules",
                "PolicyDocument": policy(
                    allow("lambda:InvokeFunction", "NotifierFunction.Arn", Sid="Invoke"),
                    allow("sqs:SendMessage", "DeadLetterQueue.Arn", Sid="GiveUp"),
                ),
            }
        ],
    },
    "DeadLetterQueue": {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True},
    "DeadLetterQueuePolicy": {
        "Queues": ["DeadLetterQueue"],
        "PolicyDocument": policy(only_over_tls("sqs:*", "DeadLetterQueue.Arn")),
    },
    "AlarmTopic": {},  # no key: CloudWatch could not publish, and nobody would know
    "AlarmTopicPolicy": {
        "Topics": ["AlarmTopic"],
        "PolicyDocument": policy(
            allow(
                "sns:Publish",
                "AlarmTopic",
                Sid="AlarmsOfThisStack",
                Principal={"Service": "cloudwatch.amazonaws.com"},
                Condition={
                    "StringEquals": {"aws:SourceAccount": "AWS::AccountId"},
                    "ArnLike": {
                        "aws:SourceArn": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}"
                        ":alarm:${AWS::StackName}-*"
                    },
                },
            ),
            only_over_tls("sns:Publish", "AlarmTopic"),
        ),
    },
    "AlarmSubscription": {"TopicArn": "AlarmTopic", **EMAIL},
    "ErrorsAlarm": {
        "AlarmName": "${AWS::StackName}-errors",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "NotifierFunction"}],
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": "ErrorWindowHours",
        "DatapointsToAlarm": 3,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **TELL,
    },
    "NotInvokedAlarm": {
        "AlarmName": "${AWS::StackName}-not-invoked",
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": "NotifierFunction"}],
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": "NotInvokedHours",
        "DatapointsToAlarm": "NotInvokedHours",
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        **TELL,
    },
    "DeadLetterQueueAlarm": {
        "AlarmName": "${AWS::StackName}-dead-letter-queue",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "DeadLetterQueue.QueueName"}],
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **TELL,
    },
    "PendingMetric": {
        "LogGroupName": "NotifierLogGroup",
        "FilterPattern": "{ $.oldest_pending_hours = * }",
        "MetricTransformations": [
            {
                "MetricNamespace": "ZohoBackupNotifier/${AWS::StackName}",
                "MetricName": "OldestPendingHours",
                "MetricValue": "$.oldest_pending_hours",
            }
        ],
    },
    "PendingAlarm": {
        "AlarmName": "${AWS::StackName}-pending",
        "Namespace": "ZohoBackupNotifier/${AWS::StackName}",
        "MetricName": "OldestPendingHours",
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 24,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
        **TELL,
    },
    "Dashboard": {"DashboardName": "AWS::StackName", "DashboardBody": ANY},  # see test_dashboard
}

CONDITIONS = {
    "HasDashboard": {"Equals": ["ShowDashboard", "true"]},
    "HasEmail": {"Not": [{"Equals": ["NotificationEmail", ""]}]},
    "HasReservedConcurrency": {"Not": [{"Equals": ["ReservedConcurrency", 0]}]},
    "HasPermissionsBoundary": {"Not": [{"Equals": ["PermissionsBoundaryArn", ""]}]},
}

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


def test_the_stack_has_these_resources_and_no_others(template: Json) -> None:
    """A resource that appears or disappears is noticed."""
    assert set(template["Resources"]) == set(RESOURCES)


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_is_exactly_this(template: Json, name: str) -> None:
    """Every statement, alarm, key and setting is asserted, so that none can be removed unnoticed."""
    properties = {
        key: value for key, value in template["Resources"][name].get("Properties", {}).items() if key not in PROSE
    }
    assert properties == RESOURCES[name]


def test_conditions_are_exactly_these(template: Json) -> None:
    """What is optional depends on the parameter that says so."""
    assert template["Conditions"] == CONDITIONS


def test_only_what_is_optional_depends_on_a_condition(template: Json) -> None:
    """Subscriptions need an e-mail address, the dashboard a wish; everything else always exists."""
    conditional = {name: r["Condition"] for name, r in template["Resources"].items() if "Condition" in r}
    assert conditional == {
        "NoticeSubscription": "HasEmail",
        "AlarmSubscription": "HasEmail",
        "Dashboard": "HasDashboard",
    }


def test_outputs_are_exactly_these(template: Json) -> None:
    """Other programs rely on the outputs' names."""
    assert {name: output["Value"] for name, output in template["Outputs"].items()} == OUTPUTS


def test_what_holds_data_says_what_becomes_of_it(template: Json) -> None:
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
    properties = plain["Resources"]["MemoryTable"]["Properties"]
    assert "TableName" not in properties
    assert not any(word in json.dumps(properties) for word in ('"Ref"', '"Fn::'))


def test_every_fixed_name_comes_from_the_stack(template: Json) -> None:
    """Two stacks fit in one account: what isn't named by CloudFormation is named after the stack."""
    names = {
        f"{resource}.{key}": body["Properties"][key]
        for resource, body in template["Resources"].items()
        for key in NAMES & set(body.get("Properties", {}))
    }
    assert len(names) == 9
    assert [where for where, name in names.items() if "AWS::StackName" not in name] == ["PendingMetric.LogGroupName"]


def test_nothing_allows_a_wildcard_but_the_secrets_and_log_streams_of_this_stack(template: Json) -> None:
    """A resource-level permission exists for everything that is granted."""
    granted = [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for inline in resource["Properties"]["Policies"]
        for statement in inline["PolicyDocument"]["Statement"]
    ]
    assert len(granted) == 6
    assert [s["Sid"] for s in granted if "*" in s["Resource"]] == ["Secrets", "Log"]
    assert not any("*" in action for s in granted for action in s["Action"])


def test_no_secret_is_a_parameter_or_a_variable(template: Json) -> None:
    """Secrets live in Parameter Store only."""
    names = [*template["Parameters"], *RESOURCES["NotifierFunction"]["Environment"]["Variables"]]
    assert not [name for name in names if any(w in name.lower() for w in ("secret", "token", "webhook", "password"))]


@pytest.mark.parametrize(
    ("name", "anchor"),
    {
        "ErrorsAlarm": "errors",
        "NotInvokedAlarm": "not-invoked",
        "DeadLetterQueueAlarm": "dead-letter-queue",
        "PendingAlarm": "pending",
    }.items(),
)
def test_an_alarm_names_its_section_of_the_runbook(template: Json, name: str, anchor: str) -> None:
    """Whoever is woken knows where to read on."""
    assert template["Resources"][name]["Properties"]["AlarmDescription"].endswith(f"docs/runbook.md#{anchor}")
