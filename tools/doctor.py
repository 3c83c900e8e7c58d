"""`make doctor`: look from outside at everything that must be in place.

It prints a line for each thing, and what to do about each red one. What it asks changes nothing; with SEND=1 it sends
test messages on every channel, and one in the name of an alarm.
"""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from handler.wording import plural
from tools import parameters, stack
from tools.checkup import Line, Lines, organisations
from tools.lines import say
from tools.problems import Problem, from_aws, run
from tools.stack import Stack
from tools.statuses import GOOD, STATUSES

RUNTIME_ENDS = {"python3.13": date(2029, 6, 30)}
"""When AWS stops patching a runtime: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
NOTICE_OF_END = timedelta(days=180)
GREEN, RED = 32, 31
PROVED_ALARM = "ErrorsAlarm"
"""Whose state is set for a test: AWS sets it right again at the next evaluation, for its missing data count as good."""
TEST = "A test by `make doctor SEND=1`: nothing is wrong, no action needed."
ALARM = "AWS::CloudWatch::Alarm"
TOPICS = {"TopicArn": "notices", "AlarmTopicArn": "alarms"}


def main(arguments: list[str] | None = None) -> int:
    """Print the checklist; return 1 when a line is red."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    stack.add_arguments(parser, org="")
    parser.add_argument("--send", action="store_true", help="send test messages on every channel and as an alarm, too")
    options = parser.parse_args(arguments)
    return run(lambda: _examine(options))


def _examine(options: argparse.Namespace) -> int:
    there = stack.find(options)
    checks = [
        _stack(there),
        _function(there),
        _release(there),
        _subscribers(there),
        _alarms(there, send=options.send),
        _invocations(there),
        _settings(there),
        organisations(there, options.org, send=options.send),
    ]
    red = sum(not line.good for check in checks for line in _known(check))
    say(f"\n{plural(red, 'thing')} to do." if red else "\nAll is well.")
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
    say(f"{mark} \t{line.text}" + ("" if line.good else f"\n    → \t{line.step}"))


def _stack(there: Stack) -> Lines:
    yield Line(True, f"AWS account {there.account}, region {there.region}")
    sentence, step = STATUSES.get(there.status, ("", "See its events in the CloudFormation console."))
    good = there.status in GOOD
    yield Line(good, f"Stack {there.name}: {there.status}" + ("" if good else f": {sentence}"), step)


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


def _release(there: Stack) -> Lines:
    """Compare the release that the stack was deployed as with the one that answers."""
    deployed, runs = there.outputs.get("Version", "unknown"), there.ask("default", "status").get("version", "unknown")
    text = f"Release {runs}" + ("" if runs == deployed else f" runs, but the stack was deployed as {deployed}")
    yield Line(runs == deployed, text, "Deploy the release that you want: make deploy")


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


def _alarms(there: Stack, *, send: bool) -> Lines:
    resources = there.client("cloudformation").describe_stack_resources(StackName=there.name)["StackResources"]
    found = [r for r in resources if r.get("ResourceType") == ALARM]
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found}
    alarms = there.client("cloudwatch").describe_alarms(AlarmNames=sorted(ids.values()))["MetricAlarms"]
    for name in sorted(set(ids.values()) - {alarm["AlarmName"] for alarm in alarms}):
        yield Line(False, f"Alarm {name} is gone", "Make it again by hand, under this name, as template.yaml has it.")
    for alarm in alarms:
        name, state = alarm["AlarmName"], alarm["StateValue"]
        if not alarm.get("ActionsEnabled", True):
            step = f"aws cloudwatch enable-alarm-actions --region {there.region} --alarm-names {name}"
            yield Line(False, f"Alarm {name}: its actions are switched off, so it alerts nobody", step)
        # A new alarm that counts missing data as bad begins in ALARM: the first check comes within the hour.
        new = state == "ALARM" and name == ids.get("NotInvokedAlarm") and _is_young(there)
        text = f"Alarm {name}: {state}" + (", and the stack is new" if new else "")
        yield Line(state != "ALARM" or new, text, alarm.get("AlarmDescription", "See docs/runbook.md"))
        if send and name == ids.get(PROVED_ALARM) and state != "ALARM":
            yield _proof(there, name)


def _proof(there: Stack, alarm: str) -> Line:
    """Set an alarm's state for a moment, so that a person can see whether alarms reach them.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html, made for this.
    """
    for state in ("ALARM", "OK"):
        there.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=TEST)
    return Line(
        True,
        f"Alarm {alarm}: set to ALARM and back for a test. Whoever subscribes to alarms gets two messages within a "
        "minute; if none comes, alarms reach nobody.",
    )


def _is_young(there: Stack) -> bool:
    return datetime.now(UTC) - there.created < timedelta(hours=int(there.parameters.get("NotInvokedHours", "3")))


def _settings(there: Stack) -> Lines:
    """Compare what the alarms expect with how often the schedule runs."""
    for complaint in parameters.combinations(there.parameters):
        yield Line(False, complaint, "Change it: make deploy")


def _invocations(there: Stack) -> Lines:
    hours = int(there.parameters.get("NotInvokedHours", "3"))
    invoked, failed = _total(there, "Invocations", hours), _total(there, "Errors", hours)
    young = _is_young(there)
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
