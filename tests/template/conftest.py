"""The template, as SAM reads it and as CloudFormation gets it."""

from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from sandbox.template import TEMPLATE_FILE, to_cloudformation

Json = Any

SUMMARY = dict.fromkeys(  # the fields of the line that each check logs; test_package compares it with a real one
    [
        *("timestamp", "level", "message", "logger", "requestId", "org", "rows", "pages", "notices", "delivered"),
        *("pending", "oldest_pending_hours", "incidents", "last_completed"),
    ]
)


@pytest.fixture(scope="session")
def parameters() -> dict[str, Json]:
    """Return the template's parameters by name."""
    sam: dict[str, Json] = yaml_parse(TEMPLATE_FILE.read_text())
    return dict(sam["Parameters"])


@pytest.fixture(scope="session")
def template() -> dict[str, Json]:
    """Return the transformed template in shorthand: `!Ref X` is "X", `!GetAtt X.Arn` "X.Arn", `!Sub` its text."""
    return dict(shorthand(to_cloudformation(TEMPLATE_FILE.read_text())))


def shorthand(value: Json) -> Json:
    """Replace CloudFormation's references by short strings; `!If` stays, as a list under that name."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::Sub": str(text)}:
            return text
        case dict():
            return {key.removeprefix("Fn::"): shorthand(part) for key, part in value.items()}
        case list():
            return [shorthand(part) for part in value]
    return value
