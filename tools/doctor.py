"""`make doctor`: examine from outside everything that must be in place.

It prints a line for each thing, and what to do about each red one. Looking changes nothing; with SEND=1 it sends test
messages on every channel, and one in the name of an alarm.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from handler.wording import plural
from tools import stack
from tools.organisation import Organisation, differences, parameters, scheduled_org, schedules, unknown
from tools.report import channels, lost, well
from tools.stack import Stack
from tools.terminal import FAILURES, mark, problem_of, run, say

PROVED_ALARM = "ErrorsAlarm"
"""Its state is set for a test. AWS corrects it at the next evaluation, because its missing data count as good."""
TEST = "A test by `make doctor SEND=1`: nothing is wrong, no action needed."


class Line(NamedTuple):
    """One line of the checklist.

    Attributes:
        good: Green or red.
        text: What was found.
        step: What to do about it, where it is red.
    """

    good: bool
    text: str
    step: str = ""


Lines = Iterator[Line]


def main(arguments: list[str] | None = None) -> int:
    """Print the checklist; return 1 when a line is red."""
    parser = stack.parser("make doctor", __doc__, org="")
    parser.add_argument("--send", action="store_true", help="send test messages on every channel and as an alarm, too")
    return run(_examine, parser.parse_args(arguments))


def _examine(options: argparse.Namespace) -> int:
    there = stack.find(options)
    checks = [
        _deployment(there),
        _subscribers(there),
        _alarms(there, send=options.send),
        _organisations(there, options.org, send=options.send),
    ]
    red = []
    for line in itertools.chain(*map(_completed, checks)):
        say(f"{mark(line.good)} \t{line.text}")
        red += [] if line.good else [line]
    say(f"\n{plural(len(red), 'thing')} to do:" if red else "\nAll is well.")
    for line in red:
        say(f"✗ \t{line.text}\n    → \t{line.step}")
    return 1 if red else 0


def _completed(lines: Lines) -> Lines:
    """Yield lines; a problem that ends them early is a red line itself."""
    try:
        yield from lines
    except FAILURES as error:
        problem = problem_of(error)
        yield Line(False, problem.sentence, problem.next_step)


# --- The stack --------------------------------------------------------------------------------------------------------


def _deployment(there: Stack) -> Lines:
    """Look at the stack and the release that runs."""
    yield Line(True, f"AWS account {there.account}, region {there.region}")
    good = bool(stack.GOOD.fullmatch(there.status))
    yield Line(good, f"Stack {there.name}: {there.status}", stack.next_step(there.status))
    deployed, runs = there.outputs.get("Version", "unknown"), there.ask("default", "status").get("version", "unknown")
    text = f"Release {runs}" + ("" if runs == deployed else f" runs, but the stack was deployed as {deployed}")
    yield Line(runs == deployed, text, "Deploy the release that you want: make deploy")


def _subscribers(there: Stack) -> Lines:
    late = "Follow the link in AWS's mail; after two days it is dead, so subscribe the address again."
    for output, what in {"TopicArn": "notices", "AlarmTopicArn": "alarms"}.items():
        arn = there.outputs[output]
        found = [*there.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)]
        confirmed = sum(subscription["SubscriptionArn"].startswith("arn:") for subscription in found)
        yield Line(
            confirmed > 0,
            f"Topic of {what}: {plural(confirmed, 'confirmed subscriber')}",
            f"Subscribe somebody, and let them confirm: aws sns subscribe --region {there.region} --topic-arn {arn} "
            "--protocol email --notification-endpoint you@example.com",
        )
        for subscription in found:
            if subscription["SubscriptionArn"] == "PendingConfirmation":
                gets = f"{subscription['Endpoint']} gets nothing, because it has not confirmed"
                yield Line(False, f"Topic of {what}: {gets}", late)


def _alarms(there: Stack, *, send: bool) -> Lines:
    ids = {name: made for name, made in there.resources().items() if name.endswith("Alarm")}
    cloudwatch = there.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNames=sorted(ids.values()))["MetricAlarms"]
    for name in sorted(set(ids.values()) - {alarm["AlarmName"] for alarm in alarms}):
        yield Line(False, f"Alarm {name} is gone", "Make it again by hand, under this name, as template.yaml has it.")
    begins = timedelta(hours=int(there.parameters.get("NotInvokedHours", "3")))
    for alarm in alarms:
        name, state = alarm["AlarmName"], alarm["StateValue"]
        if not alarm.get("ActionsEnabled", True):
            step = f"aws cloudwatch enable-alarm-actions --region {there.region} --alarm-names {name}"
            yield Line(False, f"Alarm {name}: its actions are switched off, so it alerts nobody", step)
        # A new alarm that counts missing data as bad begins in ALARM: the first check comes within the hour.
        new = state == "ALARM" and name == ids.get("NotInvokedAlarm") and datetime.now(UTC) - there.created < begins
        text = f"Alarm {name}: {state}" + (", and the stack is new" if new else "")
        yield Line(state != "ALARM" or new, text, alarm.get("AlarmDescription", "See docs/runbook.md"))
        if send and name == ids.get(PROVED_ALARM) and state != "ALARM":
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html is made for this
            for shown in ("ALARM", "OK"):
                cloudwatch.set_alarm_state(AlarmName=name, StateValue=shown, StateReason=TEST)
            expect = "Subscribers to alarms get two messages within a minute; if none comes, alarms reach nobody."
            yield Line(True, f"Alarm {name}: set to ALARM and back for a test. {expect}")


# --- The organisations ------------------------------------------------------------------------------------------------


def _organisations(there: Stack, only: str, *, send: bool) -> Lines:
    """Examine every organisation that has a parameter or a schedule, or one of them.

    ``default`` has the stack's own schedule from the beginning. Without a parameter and a memory, it is not connected.
    """
    held = {parameter["Name"].removeprefix(f"{there.prefix}/"): parameter for parameter in parameters(there)}
    scheduled = {scheduled_org(schedule): schedule for schedule in schedules(there)}
    called = [schedule["State"] for org, schedule in [*scheduled.items()] if "." in org and scheduled.pop(org)]
    step = "Enable it in EventBridge Scheduler; if it is gone, make it again by hand, as template.yaml has it."
    yield Line("ENABLED" in called, "The roll-call names organisations without a schedule, once a day", step)
    if nameless := scheduled.pop("", None):
        yield Line(False, f"Schedule {nameless['Name']} names no organisation", "Delete it, or correct its input.")
    if not held:
        yield Line(False, "No organisation is connected", "make connect")
    names = held.keys() | scheduled.keys()
    if only and only not in names:
        raise unknown(there, only)
    for org in [only] if only else sorted(names):
        for line in _completed(_organisation(there, org, held.get(org), scheduled.get(org), send=send)):
            yield line._replace(text=f"{org}: {line.text}")


def _organisation(
    there: Stack, org: str, parameter: dict[str, Any] | None, schedule: dict[str, Any] | None, *, send: bool
) -> Lines:
    again = f"make connect ORG={org}"
    status = there.ask(org, "status")
    memory = status["memory"] or {}
    if not parameter:
        if org != "default" or memory:
            yield Line(False, "checked, but without a parameter", f"{again}; or end it: {again} REMOVE=1")
        return
    encrypted = parameter["Type"] == "SecureString"
    kind = "its parameter is encrypted" if encrypted else "its parameter is not encrypted"
    yield Line(encrypted, kind, f"Delete {parameter['Name']}, make new secrets at Zoho and Slack, and: {again}")
    wrongs = differences(schedule, Organisation(there, org).wanted_schedule()) if schedule else []
    every = f"its schedule is {schedule['ScheduleExpression']}" if schedule else "it has no schedule"
    found = f"its schedule is not the stack's: {', '.join(wrongs)}" if wrongs else every
    yield Line(bool(schedule) and not wrongs, found, f"{again} (Enter keeps what is known)")
    read = there.ask(org, "dry-run")
    if not read["problem"]:
        yield Line(True, f"the backup history can be read, {plural(len(read['rows']), 'entry', 'entries')}")
    elif not read["problems"]:  # not for long enough to alert anybody
        yield Line(False, read["problem"], f"Most often this helps: {again}")
    for wrong in read["problems"]:
        yield Line(False, f"{wrong['title']}: {wrong['sentence']}", wrong["next_step"])
    if not (read["problem"] or read["problems"]):
        yield Line(True, well(status)[2:])
    pending = len(memory.get("outbox", ()))
    yield Line(not pending, plural(pending, "pending notice"), f"See why: {there.log_command()}")
    if undelivered := lost(status):
        yield Line(True, f"lost: {' '.join(undelivered)} (make status ORG={org})")
    yield Line(True, f"sends to {'; '.join(channels(status))}")
    for good, result in stack.results(there.ask(org, "test-message" if send else "heartbeat")):
        yield Line(good, f"test message, {result}" if send else result, again)


if __name__ == "__main__":
    sys.exit(main())
