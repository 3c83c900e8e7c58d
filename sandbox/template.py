"""The project's template as plain CloudFormation, made offline and without credentials by AWS's own translator."""

import copy
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)  # it would warn of metrics that nobody wants

_parse = cache(yaml_parse)  # half of a deployment's time
TEMPLATE_FILE = Path(__file__).parents[1] / "template.yaml"


def to_cloudformation(
    template: str, region: str = "eu-west-1", parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Transform a SAM template, given as YAML, into CloudFormation; a function that sam did not upload is empty."""
    sam: dict[str, Any] = copy.deepcopy(_parse(template))
    for resource in sam["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function" and resource["Properties"]["CodeUri"][:5] != "s3://":
            resource["Properties"]["InlineCode"] = "pass"
    session = boto3.Session(region_name=region)
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), plugins=[], boto_session=session)
    plain: dict[str, Any] = translator.translate(sam, parameter_values=dict(parameters or {}))
    return plain
