"""CloudWatch's evaluation of alarms in miniature, over the alarms as the template has them.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

Json = Any
Points = Sequence[float | None]
"""What a metric has for each period, the newest last; None where it has nothing."""

LONGEST_RANGE = 2
"""How many more periods than asked for CloudWatch looks at in AWS's own example (5 for 3); otherwise undocumented."""
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Attributes:
        metric: The name of the metric that it reads.
        periods: How many points are evaluated.
        needed: How many of them must breach.
        minutes: The length of a period.
        statistic: ``Sum``, ``SampleCount`` or ``Maximum``.
        breaches: Judges a point.
        missing: ``TreatMissingData``.
        filled: Whether a missing point becomes a real zero, by ``FILL``.
    """

    periods: int
    needed: int
    metric: str = ""
    minutes: int = 60
    statistic: str = "Sum"
    breaches: Callable[[float], bool] = lambda value: value >= 1
    missing: str = "notBreaching"
    filled: bool = False

    def state(self, points: Points, before: str = "OK") -> str:
        """Return the state after an evaluation of all that CloudWatch retrieved, at least `periods` points."""
        real = [point for point in points if point is not None]
        if self.filled and real:
            real = [0.0 if point is None else point for point in points]
        judged = [self.breaches(point) for point in real[-self.periods :]]
        breaching = judged.count(True)
        if lacking := self.periods - len(judged):
            if self.missing == "ignore" and breaching < self.needed and breaching == len(judged):
                return before
            breaching += lacking if self.missing == "breaching" else 0
        return "ALARM" if breaching >= self.needed else "OK"

    def states(self, metric: Mapping[int, float], minutes: int, extra: int) -> Iterator[tuple[int, str]]:
        """Yield each change of state, with its minute, while a metric with these points by minute is evaluated.

        Periods slide: each minute looks back from itself, and differs from the one before only where a point passes the
        border of a period. It begins as if the metric had been there for ever.
        """
        count = list(accumulate(float(minute in metric) for minute in range(minutes)))
        sums = {"SampleCount": count, "Sum": list(accumulate(metric.get(minute, 0.0) for minute in range(minutes)))}

        def point(end: int) -> float | None:
            start = end - self.minutes
            if count[end] == count[start]:
                return None
            if self.statistic in sums:
                return sums[self.statistic][end] - sums[self.statistic][start]
            return max(metric[minute] for minute in range(start + 1, end + 1) if minute in metric)

        state = "OK"
        borders = [back * self.minutes for back in range(self.periods + extra + 1)]
        for now in range(borders[-1], minutes):
            if now > borders[-1] and not any(now - border in metric for border in borders):
                continue
            after = self.state([point(now - border) for border in reversed(borders[:-1])], state)
            if after != state:
                state = after
                yield now, state


def alarm(template: Json, name: str, parameters: Mapping[str, int] | None = None) -> Alarm:
    """Return an alarm of the template, with its parameters' defaults or the given values."""
    properties = template["Resources"][name]["Properties"]
    values = {key: parameter["Default"] for key, parameter in template["Parameters"].items()} | dict(parameters or {})

    def number(value: Json) -> int:
        if isinstance(value, dict):
            table, key, column = value["FindInMap"]
            return int(template["Mappings"][table][str(values[key])][column])
        chosen: Json = values.get(value, value)
        return int(chosen)

    metric, filled = properties, "Metrics" in properties
    if filled:
        shown, read = sorted(properties["Metrics"], key=lambda query: not query["ReturnData"])
        assert shown["Expression"] == f"FILL({read['Id']}, 0)"
        metric = {**read["MetricStat"], **read["MetricStat"]["Metric"], "Statistic": read["MetricStat"]["Stat"]}
    called: Json = metric["MetricName"]
    compare, threshold = COMPARE[properties["ComparisonOperator"]], properties["Threshold"]
    periods = properties["EvaluationPeriods"]
    return Alarm(
        periods=number(periods),
        needed=number(properties.get("DatapointsToAlarm", periods)),
        metric=called if isinstance(called, str) else called["If"][1],  # as everywhere but in China
        minutes=number(metric["Period"]) // 60,
        statistic=metric["Statistic"],
        breaches=lambda value: compare(value, threshold),
        missing=properties["TreatMissingData"],
        filled=filled,
    )
