"""`make doctor`: look from outside at everything that must be in place.

It prints a line for each thing, and what to do about each red one. What it asks changes nothing.
"""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from handler.wording import plural
from tools import stack
from tools.checkup import Line, Lines, organisations
from tools.problems import Problem, from_aws, run
from tools.stack import Stack

RUNTIME_ENDS = {"python3.13": date(2029, 6, 30)}
"""When AWS stops mending a runtime: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
NOTICE_OF_END = timedelta(days=180)
GOOD_STATUS = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
GREEN, RED = 32, 31
TOPICS = {"TopicArn": "notices", "AlarmTopicArn": "alarms"}


def main(arguments: list[str] | None = None) -> int:
    """Print the checklist; return 1 when a line is red."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    stack.add_arguments(parser, org="")
    parser.add_argument("--send", action="store_true", help="send a marked test message on every channel, too")
    options = parser.parse_args(arguments)
    return run(lambda: _examine(options))


def _examine(options: argparse.Namespace) -> int:
    there = stack.find(options)
    checks = [
        _stack(there),
        _function(there),
        _subscribers(there),
        _alarms(there),
        _invocations(there),
        organisations(there, options.org, send=options.send),
    ]
    red = sum(not line.good for check in checks for line in _known(check))
    print(f"\n{plural(red, 'thing')} to do." if red else "\nAll is well.")
    return 1 if red else 0


def _known(lines: Lines) -> Lines:
    """Show and yield lines; what ends them early is a red line itself."""
    try:
        for line in lines:
            _show(line)
            yield line
        return
    except Problem as found:
        problem = found
    except (BotoCoreError, ClientError) as error:
        problem = from_aws(error)
    line = Line(False, problem.sentence, problem.next_step)
    _show(line)
    yield line


def _show(line: Line) -> None:
    mark = "✓" if line.good else "✗"
    if sys.stdout.isatty():
        mark = f"\033[{GREEN if line.good else RED}m{mark}\033[0m"
    print(f"{mark} {line.text}" + ("" if line.good else f"\n    → {line.step}"), flush=True)


def _stack(there: Stack) -> Lines:
    yield Line(True, f"AWS account {there.account}, region {there.region}")
    yield Line(
        there.status in GOOD_STATUS,
        f"Stack {there.name}: {there.status}",
        "See its events in the CloudFormation console; then: make deploy",
    )


def _function(there: Stack) -> Lines:
    function = there.client("lambda").get_function_configuration(FunctionName=there.outputs["FunctionName"])
    state, update = function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")
    yield Line(
        (state, update) == ("Active", "Successful"),
        f"Function {there.outputs['FunctionName']}: {state}, last update {update}",
        "Wait a minute and look again; then: make deploy",
    )
    runtime = function["Runtime"]
    end = RUNTIME_ENDS.get(runtime)
    yield Line(
        end is not None and datetime.now(UTC).date() + NOTICE_OF_END < end,
        f"Runtime {runtime}: " + (f"supported by AWS until {end}" if end else "not one that this release knows"),
        "Get a newer release of this notifier, then: make deploy",
    )


def _subscribers(there: Stack) -> Lines:
    sns = there.client("sns")
    for output, what in TOPICS.items():
        arn = there.outputs[output]
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
        found = [subscription for page in pages for subscription in page["Subscriptions"]]
        confirmed = [s for s in found if s["SubscriptionArn"].startswith("arn:")]
        yield Line(
            bool(confirmed),
            f"Topic of {what}: {plural(len(confirmed), 'confirmed subscriber')}",
            f"Subscribe somebody, and let them confirm: aws sns subscribe --region {there.region} --topic-arn {arn} "
            "--protocol email --notification-endpoint you@example.com",
        )
        for subscription in found:
            if subscription["SubscriptionArn"] == "PendingConfirmation":
                yield Line(
                    False,
                    f"Topic of {what}: {subscription['Endpoint']} gets nothing, for it has not confirmed",
                    "Follow the link in AWS's mail; after three days it is dead, so subscribe the address again.",
                )


def _alarms(there: Stack) -> Lines:
    resources = there.client("cloudformation").describe_stack_resources(StackName=there.name)["StackResources"]
    names = [r["PhysicalResourceId"] for r in resources if r.get("ResourceType") == "AWS::CloudWatch::Alarm"]
    alarms = there.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    for name in sorted(set(names) - {alarm["AlarmName"] for alarm in alarms}):
        yield Line(False, f"Alarm {name} is gone", "Make it again by hand, under this name, as template.yaml has it.")
    for alarm in alarms:
        name, state = alarm["AlarmName"], alarm["StateValue"]
        if not alarm.get("ActionsEnabled", True):
            mend = f"aws cloudwatch enable-alarm-actions --region {there.region} --alarm-names {name}"
            yield Line(False, f"Alarm {name}: its actions are switched off, so it tells nobody", mend)
        yield Line(state != "ALARM", f"Alarm {name}: {state}", alarm.get("AlarmDescription", "See docs/runbook.md"))


def _invocations(there: Stack) -> Lines:
    hours = int(there.parameters.get("NotInvokedHours", "3"))
    invoked, failed = _total(there, "Invocations", hours), _total(there, "Errors", hours)
    young = datetime.now(UTC) - there.created < timedelta(hours=hours)
    yield Line(
        invoked > 0 or young,
        f"{plural(invoked, 'invocation')} in {plural(hours, 'hour')}" + (", and the stack is new" if young else ""),
        "Look at the schedules below; see also docs/runbook.md#not-invoked",
    )
    yield Line(failed == 0, f"{failed} of them failed", f"See why: {there.log_command()}")


def _total(there: Stack, metric: str, hours: int) -> int:
    """Return how often a metric of the function counted in the last hours."""
    now = datetime.now(UTC)
    answer = there.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": there.outputs["FunctionName"]}],
        StartTime=now - timedelta(hours=hours),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in answer["Datapoints"]))


if __name__ == "__main__":
    sys.exit(main())
