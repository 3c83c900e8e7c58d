"""The stack is what facts.yaml says: whatever is removed from the template, a fact is missing."""

import tomllib
from pathlib import Path
from typing import Any

import yaml

Json = Any
OTHERS, FACTS = yaml.safe_load_all(Path(__file__).with_name("facts.yaml").read_text())
WORDS = {"Description", "DisplayName", "AlarmDescription", "DashboardBody"}
ELSEWHERE = WORDS | {"Environment", "Code", "Tags", "DestinationConfig", "Qualifier"}
"""What facts.yaml leaves out."""


def facts(template: Json) -> dict[str, Json]:
    """Return each resource's attributes and properties, without what facts.yaml leaves out."""
    found = {}
    for name, body in template["Resources"].items():
        attributes = {key: value for key, value in body.items() if key not in {"Type", "Metadata", "Properties"}}
        properties = {key: value for key, value in body.get("Properties", {}).items() if key not in ELSEWHERE}
        found[name] = attributes | properties
    return found


def test_the_stack_is_what_the_facts_say(template: Json) -> None:
    """No resource, statement, alarm or setting more, and none less."""
    assert facts(template) == FACTS
    assert template["Conditions"] == OTHERS["Conditions"]


def test_outputs_are_exactly_these(template: Json) -> None:
    """Other programs rely on the outputs' names; the version is the package's."""
    version = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert {name: output["Value"] for name, output in template["Outputs"].items()} == {
        **OTHERS["Outputs"],
        "Version": version,
    }


def test_no_secret_is_a_parameter_or_a_variable(template: Json) -> None:
    """Secrets live in Parameter Store only."""
    variables = template["Resources"]["NotifierFunction"]["Properties"]["Environment"]["Variables"]
    names = [name.lower() for name in (*template["Parameters"], *variables)]
    assert not [name for name in names if any(word in name for word in ("secret", "token", "webhook", "password"))]
