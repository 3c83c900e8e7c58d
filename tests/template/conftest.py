"""The template, as SAM reads it and as CloudFormation gets it."""

from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from sandbox.template import TEMPLATE_FILE, to_cloudformation

Json = Any

SUMMARY: Json = {  # the line that each check logs, as Lambda writes it; test_package compares it with a real one
    "timestamp": "2026-11-23T18:00:00Z",
    "level": "INFO",
    "message": "check",
    "logger": "handler",
    "requestId": "6f747a0f-6f3d-4d0c-8d1e-1d3c5c0b8a55",
    "org": "default",
    "rows": 4,
    "pages": 1,
    "notices": ["failed"],
    "delivered": {"slack": 0, "sns": 1},
    "pending": 1,
    "oldest_pending_hours": 30.5,
    "incidents": ["channel:slack"],
    "last_completed": "2026-11-20T03:00:00+00:00",
}


@pytest.fixture(scope="session")
def parameters() -> dict[str, Json]:
    """Return the template's parameters by name."""
    sam: dict[str, Json] = yaml_parse(TEMPLATE_FILE.read_text())
    return dict(sam["Parameters"])


@pytest.fixture(scope="session")
def plain() -> dict[str, Json]:
    """Return the transformed template."""
    return to_cloudformation(TEMPLATE_FILE.read_text())


@pytest.fixture(scope="session")
def template(plain: dict[str, Json]) -> dict[str, Json]:
    """Return the transformed template in shorthand: `!Ref X` is "X", `!GetAtt X.Arn` "X.Arn", `!Sub` its text."""
    short: dict[str, Json] = shorthand(plain)
    return short


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
