"""Roll-call: alert people to organisations that are connected but have no enabled schedule: nothing checks them."""

from typing import Any

from handler.config import Settings
from handler.wording import plural, shorten

LIMIT = 100_000
"""How many characters of names fit into a message: SNS takes 262,144 bytes."""
MESSAGE = """\
These organisations have no enabled schedule, so nothing checks their Zoho CRM backups:

{names}

What to do: run `{connect}` for each, or `{connect} REMOVE=1` to stop monitoring it. See docs/runbook.md#roll-call

Stack {stack}, region {region}, account {account}"""


def unscheduled(ssm: Any, scheduler: Any, prefix: str) -> list[str]:
    """Return the organisations that have a parameter under a prefix but no enabled schedule, sorted.

    The stack's schedule group has the stack's name, and so has its own schedule, which is that of ``default``.
    """
    stack = prefix.rpartition("/")[2]
    below = {"Key": "Path", "Option": "OneLevel", "Values": [prefix]}
    pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=[below])
    connected = {parameter["Name"].rpartition("/")[2] for page in pages for parameter in page["Parameters"]}
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=stack, State="ENABLED")
    scheduled = {schedule["Name"] for page in pages for schedule in page["Schedules"]}
    return sorted(connected - {"default" if name == stack else name for name in scheduled})


def run(ssm: Any, scheduler: Any, sns: Any, settings: Settings) -> dict[str, Any]:
    """Name on the alarm topic every organisation that nothing checks; send nothing if there is none.

    Nothing is remembered, so that the message comes with each roll-call until the schedules are there.

    Args:
        ssm: A boto3 client of Systems Manager.
        scheduler: A boto3 client of EventBridge Scheduler.
        sns: A boto3 client of SNS.
        settings: The settings of the deployment.

    Returns:
        ``unscheduled``: the names of these organisations.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS does not show them or takes no message.
    """
    prefix, topic = settings.org_parameter_prefix, settings.alarm_topic_arn
    if names := unscheduled(ssm, scheduler, prefix):
        stack, (region, account) = prefix.rpartition("/")[2], topic.split(":")[3:5]
        connect, shown = f"make connect ORG={names[0]}", shorten("\n".join(names), LIMIT)
        text = MESSAGE.format(names=shown, connect=connect, stack=stack, region=region, account=account)
        sns.publish(TopicArn=topic, Subject=f"{plural(len(names), 'organisation')} not monitored", Message=text)
    return {"unscheduled": names}
