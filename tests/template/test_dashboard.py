"""The dashboard, and the runbook's search, ask for what exists: metrics, alarms, and fields of the function's log."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.channels import CHANNELS
from tests.template.conftest import SUMMARY

Json = Any
ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
HANDLER = ROOT / "handler"

# What Lambda writes of trouble. An uncaught exception is the form of awslambdaric before and since 4.2; which one the
# managed runtime has is AWS's choice: https://github.com/aws/aws-lambda-python-runtime-interface-client/issues/202
UNCAUGHT = {
    "timestamp": "2026-11-23T18:00:00Z",
    "errorMessage": "the checks of acme failed",
    "errorType": "CheckFailed",
}
REPORT = {"time": "2026-11-23T18:00:00Z", "type": "platform.report"}
TROUBLE: dict[str, Json] = {
    "a warning": {"level": "WARNING", "message": "not delivered"},
    "an error": {"level": "ERROR", "message": "dead letters"},
    "the worst": {"level": "CRITICAL", "message": "x"},
    "uncaught, as older runtimes write it": {"log_level": "ERROR", **UNCAUGHT},
    "uncaught, as newer runtimes write it": {"level": "ERROR", **UNCAUGHT},
    "timed out": {**REPORT, "record": {"requestId": "6f747a0f", "status": "timeout", "metrics": {"durationMs": 55000}}},
    "killed": {**REPORT, "record": {"requestId": "6f747a0f", "status": "error", "errorType": "Runtime.ExitError"}},
    "broken by Lambda": {**REPORT, "record": {"requestId": "6f747a0f", "status": "failure"}},
}
NO_TROUBLE: dict[str, Json] = {
    "a check": SUMMARY,
    "information": {"level": "INFO", "message": "not answered", "question": "plan"},
    "went well": {**REPORT, "record": {"requestId": "6f747a0f", "status": "success"}},
    "started": {"time": "2026-11-23T18:00:00Z", "type": "platform.start", "record": {"requestId": "6f747a0f"}},
}


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
        "Is the notifier itself broken? (what to do: RunbookUrl)",
        "Are checks running, are they failing?",
        "How long does a check take? (milliseconds)",
        "How long has the oldest pending message waited? (hours)",
        "When was the last successful backup, and what is wrong now?",
        "What was sent?",
        "What went wrong?",
    ]


def test_it_shows_every_alarm(template: Json, widgets: list[Json]) -> None:
    """A new alarm belongs there, too."""
    alarms = {name for name, body in template["Resources"].items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(widgets[0]["properties"]["alarms"]) == {f"{alarm}.Arn" for alarm in alarms}


def test_its_metrics_are_those_of_the_alarms_and_the_duration(template: Json, widgets: list[Json]) -> None:
    """Namespace, name and dimensions as the alarms have them, so that a graph and its alarm never part."""
    alarms = [b["Properties"] for b in template["Resources"].values() if b["Type"] == "AWS::CloudWatch::Alarm"]
    read = [q["MetricStat"]["Metric"] for a in alarms for q in a.get("Metrics", []) if "MetricStat" in q]
    watched = {
        (
            metric["Namespace"].replace("${AWS::StackName}", "AWS::StackName"),
            metric["MetricName"],
            *(part for d in metric.get("Dimensions", []) for part in d.values()),
        )
        for metric in [*read, *(alarm for alarm in alarms if "MetricName" in alarm)]
    }
    assert len(watched) == len(alarms)
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


def queries(widgets: list[Json]) -> dict[str, str]:
    """Return the tables' queries by title."""
    return {w["properties"]["title"]: w["properties"]["query"] for w in widgets if w["type"] == "log"}


def logged(*levels: str) -> set[str]:
    """Return the fields that the function adds to its lines of these levels, as the sources have them."""
    return {
        str(key.value)
        for source in HANDLER.rglob("*.py")
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in levels
        for extra in call.keywords
        if extra.arg == "extra" and isinstance(extra.value, ast.Dict)
        for key in extra.value.keys
        if isinstance(key, ast.Constant)
    }


def shown(query: str) -> list[str]:
    """Return the columns of a table."""
    (fields,) = re.findall(r"\| fields ([^|]+) \|", query)
    return list(fields.split(", "))


def test_what_went_wrong_shows_whatever_a_warning_or_an_error_says(widgets: list[Json]) -> None:
    """A new field belongs there, too; the ids of notices are for whoever looks at one line."""
    fields = logged("warning", "error")
    assert {"cause", "detail", "why"} <= fields
    assert fields - {"notice_ids"} <= set(shown(queries(widgets)["What went wrong?"]))


def test_what_was_sent_shows_every_channel(widgets: list[Json]) -> None:
    """A new channel belongs there, too."""
    columns = shown(queries(widgets)["What was sent?"])
    assert [name for name in columns if name.startswith("delivered.")] == [
        f"delivered.{kind.name}" for kind in CHANNELS
    ]


def test_its_queries_read_the_functions_log_and_fields_that_are_there(widgets: list[Json]) -> None:
    """Of the summary line, and what a warning, an error or Lambda itself adds."""
    assert len(queries(widgets)) == 3
    known = {*SUMMARY, *logged("warning", "error"), *(key for line in TROUBLE.values() for key in line)}
    words = {"SOURCE", "filter", "dedup", "sort", "fields", "desc", "limit", "and", "or", "in", "ispresent"}
    for query in queries(widgets).values():
        assert query.startswith("SOURCE 'NotifierLogGroup' | filter ")
        unquoted = re.sub(r"'[^']*'", "", query)
        names = set(re.findall(r"(?<![\w.@])([A-Za-z_]\w*)", unquoted))
        assert names - words <= known, query


def test_the_newest_line_of_each_organisation_is_shown_as_a_whole(widgets: list[Json]) -> None:
    """`stats latest(incidents.0)` could show an incident that is over, from an older line than the rest.

    "The only query command that you can use in a query after the dedup command is limit":
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
    """
    query = queries(widgets)["When was the last successful backup, and what is wrong now?"]
    assert query.endswith(" | sort @timestamp desc | dedup org")
    (needed,) = re.findall(r"ispresent\((\w+)\)", query)
    assert needed in SUMMARY
    assert needed not in {"message": "check", "org": "default", "skipped": "another check is delivering"}


Condition = Callable[[Json], bool]


def field(line: Json, path: str) -> Json:
    """Return what stands at a path, such as `record.status`; None where there is nothing."""
    for key in path.split("."):
        line = line.get(key) if isinstance(line, dict) else None
    return line


def insights_condition(query: str) -> Condition:
    """Return what `filter` lets through in a query of Logs Insights: a list of comparisons joined by `or`."""
    (condition,) = re.findall(r"\| filter ([^|]+) \|", query)
    wanted: dict[str, set[str]] = {}
    for part in condition.split(" or "):
        path, values = re.fullmatch(r"([\w.]+) (?:=|in) (.+)", part).groups()  # type: ignore[union-attr]
        wanted.setdefault(path, set()).update(re.findall(r"'([^']+)'", values))
    return lambda line: any(field(line, path) in values for path, values in wanted.items())


def pattern_condition(pattern: str) -> Condition:
    """Return what a filter pattern for JSON lets through: a list of comparisons joined by `||`."""
    parts = re.fullmatch(r"\{ (.+) \}", pattern)[1].split(" || ")  # type: ignore[index]
    wanted = [re.fullmatch(r'\(\$\.([\w.]+) = "(\w+)"\)', part).groups() for part in parts]  # type: ignore[union-attr]
    return lambda line: any(field(line, path) == value for path, value in wanted)


def searches(widgets: list[Json]) -> dict[str, Condition]:
    """Return the two searches for trouble: the dashboard's table and the runbook's command."""
    (pattern,) = set(re.findall(r"--filter-pattern '([^']+)'", RUNBOOK.read_text()))
    return {
        "dashboard": insights_condition(queries(widgets)["What went wrong?"]),
        "runbook": pattern_condition(pattern),
    }


@pytest.mark.parametrize("search", ["dashboard", "runbook"])
def test_a_search_for_trouble_finds_every_form_of_it(widgets: list[Json], search: str) -> None:
    """While alarm `errors` rings, neither table nor command may be empty."""
    found = searches(widgets)[search]
    assert [name for name, line in TROUBLE.items() if not found(line)] == []
    assert [name for name, line in NO_TROUBLE.items() if found(line)] == []


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
