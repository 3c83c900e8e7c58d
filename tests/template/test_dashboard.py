"""The dashboard asks for what exists: metrics, alarms, and fields of the lines that the function logs."""

import json
import re
from typing import Any

import pytest

from tests.template.conftest import SUMMARY

Json = Any


@pytest.fixture(scope="module")
def widgets(template: Json) -> list[Json]:
    """Return the dashboard's widgets, with references as in the shorthand."""
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    return list(json.loads(re.sub(r"\$\{([\w:.]+)\}", r"\1", body))["widgets"])


def titles(widgets: list[Json]) -> list[str]:
    """Return the questions that the widgets answer."""
    return [widget["properties"]["title"] for widget in widgets]


def test_it_answers_these_questions(widgets: list[Json]) -> None:
    """At a glance, from the most urgent down."""
    assert titles(widgets) == [
        "Is something wrong with the watch? (docs/runbook.md says what to do)",
        "Is it running, is it failing?",
        "How long does it take? (milliseconds)",
        "How old is the oldest notice that waits? (hours)",
        "How old is the last good backup, and what is wrong now?",
        "What was told?",
        "What went wrong?",
    ]


def test_it_shows_every_alarm(template: Json, widgets: list[Json]) -> None:
    """A new alarm belongs there, too."""
    alarms = {name for name, body in template["Resources"].items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(widgets[0]["properties"]["alarms"]) == {f"{alarm}.Arn" for alarm in alarms}


def test_its_metrics_are_those_of_the_alarms_and_the_duration(template: Json, widgets: list[Json]) -> None:
    """Namespace, name and dimensions as the alarms have them, so that a graph and its alarm never part."""
    watched = {
        (
            alarm["Namespace"].replace("${AWS::StackName}", "AWS::StackName"),
            alarm["MetricName"],
            *(part for d in alarm.get("Dimensions", []) for part in d.values()),
        )
        for alarm in (body["Properties"] for body in template["Resources"].values())
        if "MetricName" in alarm
    }
    shown = {
        tuple(part for part in metric if isinstance(part, str))
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
    }
    assert shown - watched == {("AWS/Lambda", "Duration", "FunctionName", "NotifierFunction")}
    assert watched <= {tuple(metric) for metric in shown}


def test_its_graphs_and_tables_say_where_and_how(widgets: list[Json]) -> None:
    """The stack's region; an hour a point, as the alarms count."""
    for widget in widgets[1:]:
        properties = widget["properties"]
        assert properties["region"] == "AWS::Region"
        if widget["type"] == "metric":
            assert (properties["view"], properties["period"]) == ("timeSeries", 3600)
            assert properties["stat"] in {"Sum", "Average", "Maximum"}
        else:
            assert properties["view"] == "table"


def test_its_thresholds_are_the_real_ones(template: Json, widgets: list[Json]) -> None:
    """The lines in the graphs: the function's timeout, and the alarm's threshold."""
    lines = [
        line["value"] for w in widgets for line in w["properties"].get("annotations", {"horizontal": []})["horizontal"]
    ]
    function = template["Resources"]["NotifierFunction"]["Properties"]
    assert lines == [function["Timeout"] * 1000, template["Resources"]["PendingAlarm"]["Properties"]["Threshold"]]


def test_its_queries_read_the_functions_log_and_fields_that_are_there(widgets: list[Json]) -> None:
    """Of the summary line, and what a warning or an error adds to every line's own."""
    queries = [widget["properties"]["query"] for widget in widgets if widget["type"] == "log"]
    assert len(queries) == 3
    known = {*SUMMARY, "cause", "why", "errorMessage", "last_good_backup", "checked", "incident", "waiting"}
    words = {
        "SOURCE",
        "filter",
        "stats",
        "latest",
        "as",
        "by",
        "sort",
        "fields",
        "desc",
        "limit",
        "and",
        "in",
        "ispresent",
    }
    for query in queries:
        assert query.startswith("SOURCE 'NotifierLogGroup' | filter ")
        unquoted = re.sub(r"'[^']*'", "", query)
        names = set(re.findall(r"(?<![\w.@])([A-Za-z_]\w*)", unquoted))
        assert names - words <= known, query


def test_the_widgets_fit_the_grid(widgets: list[Json]) -> None:
    """24 columns, and no widget on another."""
    taken: set[tuple[int, int]] = set()
    for widget in widgets:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
