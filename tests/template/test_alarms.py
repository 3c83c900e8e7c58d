"""What the alarms make of what happens, over weeks, by CloudWatch's own rules."""

import random
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloudwatch import LONGEST_RANGE, Alarm, alarm
from tests.template.conftest import SUMMARY

Json = Any
ROOT = Path(__file__).parents[2]
HOUR, DAY = 60, 24 * 60  # in minutes
FORTNIGHT = 14 * DAY
ATTEMPTS = (0, 1, 3)  # Lambda's own, in minutes: at once, a minute later, two minutes later
COUNTED = {"dropped": ATTEMPTS[-1:], "throttled": (HOUR,), "errors": ATTEMPTS}
"""How many minutes after the start of a failed check its alarm's metric counts it; China counts errors."""
ANCHORS = {
    "ErrorsAlarm": "errors",
    "NotInvokedAlarm": "not-invoked",
    "DeadLetterQueueAlarm": "dead-letter-queue",
    "DeadLetterLostAlarm": "dead-letter-queue",
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


def failing(times: Iterable[int], counted: str = "dropped") -> dict[int, float]:
    """Return the metric of failed checks where all of these fail at each attempt."""
    return {start + after: 1.0 for start in times for after in COUNTED[counted]}


def outage(template: Json, every: int, failed: int, minutes: int, seed: int, counted: str) -> dict[int, float]:
    """Return the metric of failed checks where so many in a row fail, in the middle of healthy ones."""
    times = list(starts(template, every, minutes, seed))
    half = len(times) // 2
    return (dict.fromkeys(times, 0.0) if counted == "errors" else {}) | failing(times[half : half + failed], counted)


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
    assert list(silence.states(dict.fromkeys(times, 0.0), max(times), extra)) == []
    for counted in COUNTED:
        assert [state for _, state in errors.states(failing(times, counted), minutes, extra)] == ["ALARM"]
        for seed in range(3 if HOUR <= every <= DAY else 0):
            metric = outage(template, every, 2, 9 * every + 3 * HOUR * window, seed, counted)
            assert list(errors.states(metric, max(metric) + DAY, extra)) == []


OUTAGES = [(9 * DAY, 12 * DAY), (15 * DAY, 15 * DAY + 8 * HOUR)]
"""When DynamoDB refuses every call."""


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("organisations", [2, 20, 300])
def test_an_outage_is_heard_in_two_to_four_hours_whatever_else_is_broken(
    template: Json, organisations: int, heard: bool
) -> None:
    """One organisation is broken from day 2; one attempt of 500 fails by itself; then nothing works, twice.

    A check whose trouble was heard ends well; one whose trouble nobody heard fails at its end, three times, and is
    counted as finished all the same. What dies before its end is not. A program asks for the status every half hour.
    """
    minutes, chance = 17 * DAY, random.Random(organisations)  # noqa: S311 (not for secrets)
    finished: dict[int, float] = {}
    dropped: dict[int, float] = {}
    failed: dict[int, float] = {}
    metrics = {"AsyncEventsDropped": dropped, "Errors": failed, "OldestPendingHours": finished}
    metrics["Invocations"] = dict.fromkeys(range(0, minutes, HOUR // 2), 1.0)
    for number in range(organisations):
        phase = HOUR * number // organisations
        for start in (phase + due for due in starts(template, HOUR, minutes + 3 * HOUR, number)):
            dies = any(begin <= start < end for begin, end in OUTAGES)
            fails = dies or (number == 0 and start > 2 * DAY and not heard)
            if fails or chance.random() < 0.002:
                failed[start] = 1.0
            if fails:
                dropped[start + ATTEMPTS[-1]] = 1.0
            if not dies:
                finished[start] = 0.0
    gaps = [(a, b) for a, b in pairwise(sorted(finished)) if b - a > 3 * HOUR]
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert re.search(r"DynamoDB.*\[errors\].*\[not-invoked\].*2 to 4 hours", runbook)
    for extra in range(LONGEST_RANGE + 1):
        errors, silence = (
            list(found.states(metrics[found.metric], minutes, extra))
            for found in (alarm(template, name) for name in ("ErrorsAlarm", "NotInvokedAlarm"))
        )
        assert silence == [change for a, b in gaps for change in ((a + 3 * HOUR, "ALARM"), (b, "OK"))], "to the minute"
        assert [state for _, state in errors] == (["ALARM", "OK"] * 2 if heard else ["ALARM"])
        for (begin, end), (raised, _), (over, _) in zip(OUTAGES, errors[::2], errors[1::2], strict=False):
            assert 2 * HOUR <= raised - begin <= 4 * HOUR
            assert over - end <= 2 * HOUR


@whatever_the_range
def test_a_check_that_cannot_start_rings_again_for_the_next_trouble(template: Json, extra: int) -> None:
    """At once, once while it lasts, over two hours after it; what Scheduler cannot even record is another metric."""
    times = [DAY + minute for minute in starts(template, HOUR, 10 * HOUR)]
    letters = failing([*times, *(minute + DAY for minute in times)], "throttled")
    for name in ("DeadLetterQueueAlarm", "DeadLetterLostAlarm"):
        changes = list(alarm(template, name).states(letters, FORTNIGHT, extra))
        first, last = times[0] + HOUR, times[-1] + HOUR
        once = [(first, "ALARM"), (last + 2 * HOUR, "OK")]
        assert changes == [*once, *((minute + DAY, state) for minute, state in once)]


@whatever_the_range
def test_what_waits_raises_its_alarm_until_it_is_gone(template: Json, extra: int) -> None:
    """Checks say how long a message has waited that nobody knows about; a second one rings again."""
    waits = [(2 * DAY, 5 * DAY), (8 * DAY, 11 * DAY)]
    metric = dict.fromkeys(starts(template, HOUR, FORTNIGHT, seed=2), 0.0)  # a told one waits all the time
    for minute in starts(template, HOUR, FORTNIGHT):
        metric[minute] = max((minute - since) / HOUR if since < minute < sent else 0.0 for since, sent in waits)
    changes = list(alarm(template, "PendingAlarm").states(metric, FORTNIGHT, extra))
    assert [state for _, state in changes] == ["ALARM", "OK"] * 2
    for (since, sent), raised, over in zip(waits, changes[::2], changes[1::2], strict=True):
        assert since + DAY < raised[0] <= since + DAY + 3 * HOUR
        assert sent < over[0] <= sent + 4 * HOUR


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
