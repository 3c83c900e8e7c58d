"""What the alarms make of what happens, over weeks, by CloudWatch's own rules."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.template.cloudwatch import LONGEST_RANGE, Alarm, alarm
from tests.template.conftest import SUMMARY

Json = Any
HOUR, DAY = 60, 24 * 60  # in minutes
FORTNIGHT = 14 * DAY
ATTEMPTS = (0, 1, 3)  # Lambda's own, in minutes: at once, a minute later, two minutes later
ANCHORS = {
    "ErrorsAlarm": "errors",
    "NotInvokedAlarm": "not-invoked",
    "DeadLetterQueueAlarm": "dead-letter-queue",
    "PendingAlarm": "pending",
}
"""Each alarm's section of the runbook."""

whatever_the_range = pytest.mark.parametrize("extra", range(LONGEST_RANGE + 1))
"""How far CloudWatch looks beyond what was asked for is not documented: nothing may depend on it."""

SCHEDULES = [(30, 2, 4), (HOUR, 2, 4), (2 * HOUR, 3, 12), (6 * HOUR, 7, 24), (DAY, 26, 78), (2 * DAY, 50, 150)]
"""Minutes between two checks, and the least `NotInvokedHours` and `ErrorWindowHours` that their descriptions allow."""


@pytest.mark.parametrize("before", ["OK", "ALARM"])
@pytest.mark.parametrize(
    ("needed", "points", "states"),  # of three; with `ignore`, `breaching` and `notBreaching`
    [
        (3, "0 - X - X", "OK OK OK"),
        (3, "- - - - -", "before ALARM OK"),
        (3, "- - - - X", "before ALARM OK"),
        (2, "0 - X - X", "ALARM ALARM ALARM"),
        (2, "0 - X - -", "OK ALARM OK"),
        (2, "- - - - X", "before ALARM OK"),
    ],
)
def test_the_model_evaluates_as_aws_says(needed: int, points: str, states: str, before: str) -> None:
    """Examples of AWS's page: five points for three periods."""
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points.split()]
    for missing, state in zip(("ignore", "breaching", "notBreaching"), states.split(), strict=True):
        found = Alarm(periods=3, needed=needed, missing=missing).state(values, before)
        assert found == (before if state == "before" else state), missing


def starts(template: Json, every: int, until: int, seed: int = 1) -> Iterator[int]:
    """Yield the minutes at which Scheduler starts a check, within its flexible window.

    Daylight saving time ends after a few of them, which makes one gap of a rare schedule longer.
    """
    schedule = template["Resources"]["NotifierFunctionDefaultSchedule"]["Properties"]
    window = schedule["FlexibleTimeWindow"]["MaximumWindowInMinutes"]
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    due, number = 7, 0
    while due < until - window - max(ATTEMPTS):
        yield due + chance.randint(0, window)
        number += 1
        due += every + (HOUR if number == 6 and every >= DAY else 0)


def failing(times: Iterable[int]) -> dict[int, float]:
    """Return the metric Errors of checks that all fail, each attempt."""
    return {start + attempt: 1.0 for start in times for attempt in ATTEMPTS}


def outage(template: Json, every: int, failed: int, minutes: int, seed: int) -> dict[int, float]:
    """Return the metric Errors where so many checks in a row fail, in the middle of healthy ones."""
    times = list(starts(template, every, minutes, seed))
    half = len(times) // 2
    return dict.fromkeys(times, 0.0) | failing(times[half : half + failed])


@whatever_the_range
@pytest.mark.parametrize(("every", "hours", "window"), SCHEDULES)
def test_a_schedule_raises_no_alarm_that_flaps_and_none_in_vain(
    template: Json, every: int, hours: int, window: int, extra: int
) -> None:
    """A permanent fault raises `errors` once, two failed checks raise nothing, and no healthy check is missed."""
    errors = alarm(template, "ErrorsAlarm", {"ErrorWindowHours": window})
    silence = alarm(template, "NotInvokedAlarm", {"NotInvokedHours": hours})
    minutes = FORTNIGHT + (2 * FORTNIGHT if every > DAY else 0)
    times = list(starts(template, every, minutes, seed=extra))
    assert [state for _, state in errors.states(failing(times), minutes, extra)] == ["ALARM"]
    assert list(silence.states(dict.fromkeys(times, 1.0), max(times), extra)) == []
    if HOUR <= every <= DAY:
        for seed in range(3):
            metric = outage(template, every, 2, 9 * every + 3 * HOUR * window, seed)
            assert list(errors.states(metric, max(metric), extra)) == []


@whatever_the_range
def test_an_outage_is_reported_within_hours_and_over_once(template: Json, extra: int) -> None:
    """It ends with the last failure, and no later hour without a check brings it back."""
    for seed in range(5):
        metric = outage(template, HOUR, 10, 3 * DAY, seed)
        bad = [minute for minute, errors_then in metric.items() if errors_then]
        (raised, alarmed), (over, well) = alarm(template, "ErrorsAlarm").states(metric, 3 * DAY, extra)
        assert (alarmed, well) == ("ALARM", "OK")
        assert 2 * HOUR < raised - min(bad) <= 3 * HOUR
        assert over - max(bad) <= 90


@whatever_the_range
def test_a_dead_schedule_is_noticed_in_time_and_once(template: Json, extra: int) -> None:
    """After `NotInvokedHours` to the minute, however far CloudWatch looks; then for a fortnight nothing changes."""
    metric = dict.fromkeys(starts(template, HOUR, 2 * DAY), 1.0)
    changes = list(alarm(template, "NotInvokedAlarm").states(metric, FORTNIGHT, extra))
    assert changes == [(max(metric) + 3 * HOUR, "ALARM")]


@whatever_the_range
def test_what_waits_raises_its_alarm_until_it_is_gone(template: Json, extra: int) -> None:
    """SQS sends metrics for six hours after a call to the queue; checks say hourly how long a message has waited."""
    dead_letters = dict.fromkeys(range(DAY, DAY + 6 * HOUR), 1.0)
    changes = alarm(template, "DeadLetterQueueAlarm").states(dead_letters, FORTNIGHT, extra)
    assert [state for _, state in changes] == ["ALARM"]
    since, sent = 2 * DAY, 9 * DAY
    times = starts(template, 2 * HOUR, FORTNIGHT)
    metric = {minute: (minute - since) / HOUR if since < minute < sent else 0.0 for minute in times}
    (raised, alarmed), (over, well) = alarm(template, "PendingAlarm").states(metric, FORTNIGHT, extra)
    assert (alarmed, well) == ("ALARM", "OK")
    assert since + DAY < raised <= since + DAY + 3 * HOUR
    assert sent < over <= sent + 4 * HOUR


def test_the_alarms_windows_are_what_cloudwatch_can_see(template: Json) -> None:
    """A week at most, or a day below periods of an hour; those of errors are thirds of whatever may be chosen."""
    for name in ANCHORS:
        found = alarm(template, name, {"ErrorWindowHours": 150, "NotInvokedHours": 168})
        assert found.minutes * found.periods <= (7 if found.minutes >= HOUR else 1) * DAY
    for hours in template["Parameters"]["ErrorWindowHours"]["AllowedValues"]:
        assert alarm(template, "ErrorsAlarm", {"ErrorWindowHours": hours}).minutes * 3 == int(hours) * HOUR


def test_an_alarm_says_what_happened_and_ends_in_its_section_of_the_runbook(template: Json) -> None:
    """Short enough for a phone; the link is the last thing in it."""
    for name, anchor in ANCHORS.items():
        description = template["Resources"][name]["Properties"]["AlarmDescription"]
        assert description.endswith(f"What to do: ${{RunbookUrl}}#{anchor}")
        assert len(description) < 400


def test_the_pending_alarm_watches_what_every_check_logs(template: Json) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html."""
    metric = template["Resources"]["PendingMetric"]["Properties"]
    assert metric["MetricTransformations"][0]["MetricValue"] in metric["FilterPattern"]
    assert metric["FilterPattern"].removeprefix("{ $.").removesuffix(" = * }") in SUMMARY
