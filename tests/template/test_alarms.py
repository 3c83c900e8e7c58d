"""What the alarms make of what happens: CloudWatch's evaluation in miniature, over the template's own alarms."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.template.conftest import SUMMARY

Json = Any
NOTHING = None  # a period without a data point

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


def raises(alarm: Json, parameters: Json, *points: float | None) -> bool:
    """Tell whether an alarm is raised after these periods, the newest last.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    periods, needed = (
        parameters[number]["Default"] if number in parameters else number
        for number in (alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]))
    )
    assert len(points) == periods, f"this alarm looks at {periods} periods"
    compare = COMPARE[alarm["ComparisonOperator"]]
    missing = alarm["TreatMissingData"] == "breaching"
    breaching = [missing if point is None else compare(point, alarm["Threshold"]) for point in points]
    return bool(breaching.count(True) >= needed)


@pytest.mark.parametrize(
    ("name", "points", "raised"),
    [
        ("ErrorsAlarm", [0, 0, 0], False),
        ("ErrorsAlarm", [0, 3, 0], False),  # one bad minute wakes nobody
        ("ErrorsAlarm", [3, 0, 3], False),
        ("ErrorsAlarm", [3, 3, NOTHING], False),
        ("ErrorsAlarm", [3, 1, 3], True),
        ("NotInvokedAlarm", [1, 1, 1], False),
        ("NotInvokedAlarm", [NOTHING, NOTHING, 1], False),
        ("NotInvokedAlarm", [1, NOTHING, NOTHING], False),
        ("NotInvokedAlarm", [NOTHING, NOTHING, NOTHING], True),
        ("NotInvokedAlarm", [0, NOTHING, 0], True),
        ("DeadLetterQueueAlarm", [NOTHING], False),
        ("DeadLetterQueueAlarm", [0], False),
        ("DeadLetterQueueAlarm", [1], True),
        ("PendingAlarm", [NOTHING], False),
        ("PendingAlarm", [0], False),
        ("PendingAlarm", [24], False),
        ("PendingAlarm", [24.1], True),
    ],
    ids=str,
)
def test_an_alarm_is_raised_when_it_should_be(
    template: Json, name: str, points: list[float | None], raised: bool
) -> None:
    """Each alarm, a step before and a step after its condition."""
    assert raises(template["Resources"][name]["Properties"], template["Parameters"], *points) is raised


def test_no_alarm_looks_back_further_than_cloudwatch_can(template: Json) -> None:
    """Period times periods is a day at most below periods of an hour, else a week, whatever the parameters say."""
    alarms = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 4
    for alarm in alarms:
        periods = alarm["EvaluationPeriods"]
        longest = template["Parameters"][periods]["MaxValue"] if isinstance(periods, str) else periods
        assert alarm["Period"] * longest <= (7 if alarm["Period"] >= 3600 else 1) * 24 * 3600
        if "DatapointsToAlarm" in alarm and isinstance(alarm["DatapointsToAlarm"], int):
            assert alarm["DatapointsToAlarm"] <= template["Parameters"][periods]["MinValue"]


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
    alarm = template["Resources"]["PendingAlarm"]["Properties"]
    assert transformation["MetricNamespace"] == alarm["Namespace"]
    assert transformation["MetricName"] == alarm["MetricName"]
    assert "Dimensions" not in transformation
    assert "Dimensions" not in alarm
