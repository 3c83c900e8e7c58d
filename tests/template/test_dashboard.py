"""The dashboard asks for what exists: alarms, their metrics, and fields of the function's log."""

import json
import re
from pathlib import Path
from typing import Any

from handler.channels import CHANNELS
from tests.template.conftest import SUMMARY

ROOT = Path(__file__).parents[2]
OF_LAMBDA = {"level", "log_level", "errorType", "errorMessage", "record"}
"""What Lambda writes into the log of a failure; `log_level` with older runtimes."""
OF_FUNCTIONS = {"Invocations", "Errors", "AsyncEventsDropped", "Duration"}
"""What Lambda counts of every function."""
WORDS = {"SOURCE", "filter", "fields", "sort", "dedup", "limit", "desc", "and", "or", "in", "ispresent"}


def test_the_dashboard_shows_only_what_exists(template: Any) -> None:
    """Every alarm, the metrics that the alarms watch, and fields that the handler or Lambda logs."""
    resources = template["Resources"]
    body = re.sub(r"\$\{([\w:.]+)\}", r"\1", resources["Dashboard"]["Properties"]["DashboardBody"])
    widgets = [widget["properties"] for widget in json.loads(body)["widgets"]]
    alarms = {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert widgets[0]["alarms"] == [f"{name}.Arn" for name in alarms]
    watched = set(re.findall(r"'MetricName': '(\w+)'", str(list(alarms.values())))) | OF_FUNCTIONS
    assert {metric[1] for widget in widgets for metric in widget.get("metrics", [])} == watched
    handler = "".join(path.read_text() for path in (ROOT / "handler").rglob("*.py"))
    for query in (widget["query"] for widget in widgets if "query" in widget):
        names = set(re.findall(r"(?<![\w.@])[A-Za-z_]\w*", re.sub(r"'[^']*'", "", query))) - WORDS
        assert [name for name in names - {*SUMMARY} - OF_LAMBDA if f'"{name}":' not in handler] == []
    columns = re.findall(r"delivered\.(\w+)", body)
    assert columns == [channel.name for channel in CHANNELS]
