"""What the alarms make of what happens, over weeks, by CloudWatch's own rules."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.template.cloudwatch import LONGEST_RANGE, Alarm, alarm
from tests.template.conftest import SUMMARY

Json = Any
NOTHING = None  # a period without a data point
HOUR, DAY = 60, 24 * 60  # in minutes
FORTNIGHT = 14 * DAY
ATTEMPTS = (0, 1, 3)  # Lambda's own, in minutes: at once, a minute later, two minutes later
RANGES = range(LONGEST_RANGE + 1)
"""How far CloudWatch looks beyond what was asked for is not documented: nothing may depend on it."""

AWS_EXAMPLES = [  # needed of 3, points; what becomes of it with: ignore, breaching, notBreaching
    (3, "0 - X - X", "OK OK OK"),
    (3, "0 - - - -", "OK OK OK"),
    (3, "- - - - -", "before ALARM OK"),
    (3, "0 X X - X", "ALARM ALARM ALARM"),
    (3, "- - - - X", "before ALARM OK"),
    (3, "X - - - -", "before ALARM OK"),
    (2, "0 - X - X", "ALARM ALARM ALARM"),
    (2, "0 0 X 0 X", "ALARM ALARM ALARM"),
    (2, "0 - X - -", "OK ALARM OK"),
    (2, "- - - - 0", "OK ALARM OK"),
    (2, "- - - - X", "before ALARM OK"),
]
"""The tables of "How alarm state is evaluated when data is missing", but for the setting that no alarm here has."""


@pytest.mark.parametrize(("needed", "points", "states"), AWS_EXAMPLES)
@pytest.mark.parametrize("before", ["OK", "ALARM"])
def test_the_model_evaluates_as_aws_says(needed: int, points: str, states: str, before: str) -> None:
    """AWS's own examples: five points for three periods."""
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points.split()]
    for missing, state in zip(("ignore", "breaching", "notBreaching"), states.split(), strict=True):
        found = Alarm(periods=3, needed=needed, missing=missing).state(values, before)
        assert found == (before if state == "before" else state), missing


@pytest.mark.parametrize(
    ("name", "points", "state"),
    [
        ("ErrorsAlarm", [0, 0, 0], "OK"),
        ("ErrorsAlarm", [0, 3, 0], "OK"),  # one bad minute wakes nobody
        ("ErrorsAlarm", [3, 0, 3], "OK"),
        ("ErrorsAlarm", [3, 3, NOTHING], "OK"),
        ("ErrorsAlarm", [3, 1, 3], "ALARM"),
        ("NotInvokedAlarm", [1, 1, 1], "OK"),
        ("NotInvokedAlarm", [NOTHING, NOTHING, 1], "OK"),
        ("NotInvokedAlarm", [1, NOTHING, NOTHING], "OK"),
        ("NotInvokedAlarm", [1, 1, NOTHING, NOTHING, NOTHING], "ALARM"),
        ("NotInvokedAlarm", [NOTHING, NOTHING, NOTHING], "ALARM"),
        ("DeadLetterQueueAlarm", [0], "OK"),
        ("DeadLetterQueueAlarm", [1], "ALARM"),
        ("PendingAlarm", [0], "OK"),
        ("PendingAlarm", [24], "OK"),
        ("PendingAlarm", [24.1], "ALARM"),
    ],
    ids=str,
)
def test_an_alarm_is_raised_when_it_should_be(
    template: Json, name: str, points: list[float | None], state: str
) -> None:
    """Each alarm, a step before and a step after its condition."""
    assert alarm(template, name).state(points) == state


@pytest.mark.parametrize("name", ["DeadLetterQueueAlarm", "PendingAlarm"])
@pytest.mark.parametrize("before", ["OK", "ALARM"])
def test_no_news_of_what_waits_changes_nothing(template: Json, name: str, before: str) -> None:
    """A queue that nobody touches sends no metric, and what waits is still there."""
    assert alarm(template, name).state([NOTHING] * 3, before) == before


def starts(template: Json, every: int, until: int, *, longer: int | None = None, seed: int = 1) -> Iterator[int]:
    """Yield the minutes at which Scheduler starts a check, within its flexible window; one gap may be longer."""
    schedule = template["Resources"]["NotifierFunctionDefaultSchedule"]["Properties"]
    window = schedule["FlexibleTimeWindow"]["MaximumWindowInMinutes"]
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    due, number = 7, 0
    while due < until - window - max(ATTEMPTS):
        yield due + chance.randint(0, window)
        number += 1
        due += every + (HOUR if number == longer else 0)


def failing(times: Iterator[int]) -> dict[int, float]:
    """Return the metric Errors of checks that all fail, each attempt."""
    return {start + attempt: 1.0 for start in times for attempt in ATTEMPTS}


SCHEDULES = [(30, 2, 4), (HOUR, 2, 4), (2 * HOUR, 3, 12), (6 * HOUR, 7, 24), (DAY, 26, 78), (2 * DAY, 50, 150)]
"""Minutes between two checks, and the least `NotInvokedHours` and `ErrorWindowHours` that their descriptions allow."""


def errors(template: Json, window: int) -> Alarm:
    """Return the errors alarm for an `ErrorWindowHours`."""
    return alarm(template, "ErrorsAlarm", {"ErrorWindowHours": window})


@pytest.mark.parametrize("extra", RANGES)
@pytest.mark.parametrize(("every", "_not_invoked", "window"), SCHEDULES)
def test_a_permanent_fault_raises_errors_once(
    template: Json, every: int, _not_invoked: int, window: int, extra: int
) -> None:
    """An alarm that is raised and withdrawn while nothing changes teaches people to ignore it."""
    minutes = FORTNIGHT + (2 * FORTNIGHT if every > DAY else 0)
    longer = 6 if every >= DAY else None  # daylight saving ends
    metric = failing(starts(template, every, minutes, longer=longer, seed=extra))
    assert [state for _, state in errors(template, window).states(metric, minutes, extra)] == ["ALARM"]


def test_the_model_sees_an_alarm_flap(template: Json) -> None:
    """With periods no longer than the time between two checks, some have no check: a hole in a permanent fault."""
    hourly = replace(errors(template, 4), minutes=HOUR)
    assert len(list(hourly.states(failing(starts(template, HOUR, FORTNIGHT)), FORTNIGHT, 0))) > 50


def outage(template: Json, every: int, failed: int, minutes: int, seed: int) -> dict[int, float]:
    """Return the metric Errors where so many checks in a row fail, in the middle of healthy ones."""
    times = list(starts(template, every, minutes, seed=seed))
    half = len(times) // 2
    return dict.fromkeys(times, 0.0) | failing(iter(times[half : half + failed]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("extra", RANGES)
@pytest.mark.parametrize(("every", "window"), [(every, window) for every, _, window in SCHEDULES[1:-1]])
def test_two_failed_checks_wake_nobody(template: Json, every: int, window: int, extra: int, seed: int) -> None:
    """With all their retries, wherever the periods begin."""
    metric = outage(template, every, 2, 9 * every + 3 * HOUR * window, seed)
    assert list(errors(template, window).states(metric, max(metric), extra)) == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("extra", RANGES)
def test_an_outage_is_reported_within_hours_and_over_once(template: Json, extra: int, seed: int) -> None:
    """It ends with the last failure, and no later hour without a check brings it back."""
    metric = outage(template, HOUR, 10, 3 * DAY, seed)
    bad = [minute for minute, errors_then in metric.items() if errors_then]
    (raised, alarmed), (over, well) = errors(template, 4).states(metric, 3 * DAY, extra)
    assert (alarmed, well) == ("ALARM", "OK")
    assert 2 * HOUR < raised - min(bad) <= 3 * HOUR
    assert over - max(bad) <= 90


@pytest.mark.parametrize("extra", RANGES)
@pytest.mark.parametrize(("every", "hours", "_window"), SCHEDULES)
def test_a_healthy_schedule_is_never_called_not_invoked(
    template: Json, every: int, hours: int, _window: int, extra: int
) -> None:
    """A fortnight, with the shortest time that the parameter's description allows."""
    silent = alarm(template, "NotInvokedAlarm", {"NotInvokedHours": hours})
    longer = 6 if every >= DAY else None
    metric = dict.fromkeys(starts(template, every, FORTNIGHT + 3 * DAY, longer=longer, seed=extra), 1.0)
    assert list(silent.states(metric, FORTNIGHT, extra)) == []


@pytest.mark.parametrize("extra", RANGES)
def test_a_dead_schedule_is_noticed_in_time_and_once(template: Json, extra: int) -> None:
    """After `NotInvokedHours` to the minute, however far CloudWatch looks; then for a fortnight nothing changes."""
    minutes = list(starts(template, HOUR, 2 * DAY))
    metric = dict.fromkeys(minutes, 1.0)
    changes = list(alarm(template, "NotInvokedAlarm").states(metric, FORTNIGHT, extra))
    assert changes == [(minutes[-1] + 3 * HOUR, "ALARM")]


def test_without_zeros_it_would_be_noticed_hours_late(template: Json) -> None:
    """What FILL is for: the last real point is good, and counts until it leaves CloudWatch's range."""
    minutes = list(starts(template, HOUR, 2 * DAY))
    bare = replace(alarm(template, "NotInvokedAlarm"), filled=False)
    ((noticed, _),) = bare.states(dict.fromkeys(minutes, 1.0), FORTNIGHT)
    assert noticed == minutes[-1] + 5 * HOUR


@pytest.mark.parametrize("extra", RANGES)
def test_a_forgotten_dead_letter_is_not_forgotten_by_its_alarm(template: Json, extra: int) -> None:
    """SQS sends metrics for six hours after the last call to the queue; the message lies there for a fortnight."""
    metric = dict.fromkeys(range(DAY, DAY + 6 * HOUR), 1.0)
    dead_letters = alarm(template, "DeadLetterQueueAlarm")
    assert [state for _, state in dead_letters.states(metric, FORTNIGHT, extra)] == ["ALARM"]
    purged = metric | dict.fromkeys(range(10 * DAY, 10 * DAY + 6 * HOUR), 0.0)
    assert [state for _, state in dead_letters.states(purged, FORTNIGHT, extra)] == ["ALARM", "OK"]


@pytest.mark.parametrize("extra", RANGES)
def test_a_waiting_message_raises_its_alarm_once(template: Json, extra: int) -> None:
    """From a day's waiting until it is sent, though hours without a check lie between."""
    minutes = list(starts(template, 2 * HOUR, FORTNIGHT))
    since, sent = 2 * DAY, 9 * DAY
    metric = {m: (m - since) / HOUR if since < m < sent else 0.0 for m in minutes}
    (raised, alarmed), (over, well) = alarm(template, "PendingAlarm").states(metric, FORTNIGHT, extra)
    assert (alarmed, well) == ("ALARM", "OK")
    assert since + DAY < raised <= since + DAY + 3 * HOUR
    assert sent < over <= sent + 4 * HOUR


def test_no_alarm_looks_back_further_than_cloudwatch_can(template: Json) -> None:
    """Period times periods is a day at most below periods of an hour, else a week, whatever the parameters say."""
    names = [name for name, body in template["Resources"].items() if body["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(names) == 4
    for name in names:
        found = alarm(template, name, {"ErrorWindowHours": 150, "NotInvokedHours": 168})
        assert found.minutes * found.periods <= (7 if found.minutes >= HOUR else 1) * DAY


def test_the_periods_of_errors_are_thirds_of_its_window(template: Json) -> None:
    """For each value that CloudFormation accepts."""
    allowed = template["Parameters"]["ErrorWindowHours"]["AllowedValues"]
    assert {key: row["Seconds"] * 3 for key, row in template["Mappings"]["ErrorPeriods"].items()} == {
        hours: int(hours) * 3600 for hours in allowed
    }


@pytest.mark.parametrize(
    ("name", "anchor"),
    {
        "ErrorsAlarm": "errors",
        "NotInvokedAlarm": "not-invoked",
        "DeadLetterQueueAlarm": "dead-letter-queue",
        "PendingAlarm": "pending",
    }.items(),
)
def test_an_alarm_says_what_happened_and_ends_in_its_section_of_the_runbook(
    template: Json, name: str, anchor: str
) -> None:
    """Short enough for a phone, and the link is the last thing in it: CloudWatch allows 1,024 characters."""
    description = template["Resources"][name]["Properties"]["AlarmDescription"]
    assert description.endswith(f"What to do: ${{RunbookUrl}}#{anchor}")
    assert len(description) < 400
    assert "\n" not in description
    assert max(len(sentence.split()) for sentence in re.split(r"(?<=[.:;]) ", description)) <= 25


def metric_value(template: Json, line: str) -> float | None:
    """Return what the metric filter makes of a line of the log.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    properties = template["Resources"]["PendingMetric"]["Properties"]
    (transformation,) = properties["MetricTransformations"]
    pattern = re.fullmatch(r"\{ \$\.(\w+) = \* \}", properties["FilterPattern"])
    value = re.fullmatch(r"\$\.(\w+)", transformation["MetricValue"])
    assert pattern
    assert value
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return float(record[value[1]]) if isinstance(record, dict) and pattern[1] in record else None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (json.dumps(SUMMARY), 30.5),
        (json.dumps({**SUMMARY, "oldest_pending_hours": 0.0}), 0.0),
        (json.dumps({"message": "check", "org": "default", "skipped": "not connected"}), None),
        ("START RequestId: 1", None),
        ("[1]", None),
    ],
    ids=["pending", "nothing pending", "skipped", "plain text", "another shape"],
)
def test_the_summary_line_becomes_the_metric(template: Json, line: str, value: float | None) -> None:
    """The line that every check logs, through the metric's own definition."""
    assert metric_value(template, line) == value


def test_the_pending_alarm_watches_the_one_custom_metric(template: Json) -> None:
    """The filter writes what the alarm reads, once for all organisations: a dimension would cost 30 cents each."""
    filters = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Logs::MetricFilter"]
    ((transformation,),) = [f["MetricTransformations"] for f in filters]
    pending = template["Resources"]["PendingAlarm"]["Properties"]
    assert transformation["MetricNamespace"] == pending["Namespace"]
    assert transformation["MetricName"] == pending["MetricName"]
    assert "Dimensions" not in transformation
    assert "Dimensions" not in pending
