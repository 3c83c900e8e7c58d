"""Parameters, the function's variables, its own validation and the reference say the same."""

import re
from pathlib import Path
from typing import Any

import pytest

from handler import config
from handler.config import BY_DEFAULT, NOTIFIABLE

Json = Any
ROOT = Path(__file__).parents[2]
WIRING = {
    "TABLE_NAME": "MemoryTable",
    "TOPIC_ARN": "NoticeTopic",
    "ALARM_TOPIC_ARN": "AlarmTopic",
    "ORG_PARAMETER_PREFIX": "/zoho-backup-notifier/${AWS::StackName}",
}
OF_TESTS = {"ZOHO_ACCOUNTS_URL", "ZOHO_API_URL", "AWS_CA_BUNDLE"}


def parameter_of(variable: str) -> str:
    """Return the name of the parameter that a variable holds: NOTIFY_ON is NotifyOn."""
    return variable.title().replace("_", "")


NUMBERS = {parameter_of(variable): (least, most) for variable, (_, least, most) in config.NUMBERS.items()}
NUMBERS |= {"NotInvokedHours": (2, 168), "ReservedConcurrency": (0, 1000)}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
VALUES = {  # parameter → right and wrong values that a person may well type
    "NotifyOn": (["failed", "failed,overdue"], ["", "failed,", "failed, overdue", "Failed", "failing", ",failed"]),
    "NotificationEmail": (["", "ops@example.com"], ["ops", "ops@example", "a b@example.com", "a@b.com,c@d.com"]),
    "TimeZone": (["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"], ["", "/etc/x", "a b", "../x"]),
    "ZohoApiVersion": (["v7", "v8", "v2.1"], ["7", "v", "v7/..", "v0", ""]),
    "PermissionsBoundaryArn": (["", "arn:aws-cn:iam::123456789012:policy/x/y"], ["arn:aws:iam::123456789012:role/x"]),
    "KmsKeyArn": (["", KEY], ["alias/aws/sns", KEY.replace("key/", "alias/"), f"{KEY} "]),
    "ErrorWindowHours": (["4", "150"], ["3", "4.0", ""]),
    "OperatedBy": (["", "IT <it@example.com>, +49 30", "x" * config.OPERATOR_LIMIT], ["a\nb", "ü", "x" * 101]),
    "RunbookUrl": (
        ["docs/runbook.md", "https://github.com/acme/notifier/blob/main/docs/runbook.md?plain=1"],
        ["", "a b", "https://wiki.example.com/#runbook", 'x"y', "a\\b", "x" * 301],
    ),
    "ScheduleExpression": (  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        ["rate(1 hour)", "rate(15 minutes)", "rate(2 days)", "cron(0 7 * * ? *)", "cron(0/30 8-18 ? * MON-FRI *)"],
        [
            *("rate(1 hours)", "rate(2 hour)", "rate(0 hours)", "rate(1 week)", "rate(60)", "hourly"),
            *("cron(0 7 * * * *)", "cron(0 7 ? * ? *)", "cron(0 7 * * ?)", "at(2026-11-23T18:00:00)"),
            *("rate(3 days)", "rate(49 hours)"),  # no alarm could watch it
        ],
    ),
    **{name: ([], ["", " ", "-1", "24.5", "1e2", "0x10", "+5", "05", "1 ", "five", "\u0661"]) for name in NUMBERS},
}


def accepts(parameter: Json, value: str) -> bool:
    """Return whether CloudFormation takes a value for a parameter."""
    if "AllowedValues" in parameter:
        return value in {str(allowed) for allowed in parameter["AllowedValues"]}
    assert parameter["Type"] == "String", "CloudFormation's Number takes 24.5 and 1e2"
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


def test_every_parameter_is_described_validated_shown_and_has_a_default(template: Json, parameters: Json) -> None:
    """The stack deploys with no parameter given, and a mistyped one is refused with a sentence."""
    for name, parameter in parameters.items():
        assert parameter["Description"].endswith((".", ")")), name
        assert parameter["ConstraintDescription"].endswith("."), name
        assert accepts(parameter, str(parameter["Default"])), name
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)


def test_every_variable_is_wired_and_the_defaults_are_the_functions(template: Json, parameters: Json) -> None:
    """`config` is the only reader of the environment; what it names is set, but for what only tests set."""
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', Path(config.__file__).read_text())) - OF_TESTS
    wired = template["Resources"]["NotifierFunction"]["Properties"]["Environment"]["Variables"]
    assert wired == WIRING | {variable: parameter_of(variable) for variable in read - set(WIRING)}
    defaults = {variable: str(parameters[name]["Default"]) for variable, name in wired.items() if name in parameters}
    assert config.read_settings({**WIRING, **defaults}) == config.read_settings(WIRING)


@pytest.mark.parametrize(("name", "bounds"), NUMBERS.items())
def test_a_number_is_within_the_functions_bounds(parameters: Json, name: str, bounds: tuple[int, int]) -> None:
    """Every whole number in between, and nothing that the function would refuse at each check."""
    least, most = bounds
    taken = [number for number in range(-2, most + 1000) if accepts(parameters[name], str(number))]
    assert taken == list(range(least, most + 1))
    assert not accepts(parameters[name], str(99 * most))


@pytest.mark.parametrize("name", VALUES)
def test_a_parameter_accepts_what_is_right_and_refuses_what_is_not(parameters: Json, name: str) -> None:
    """As far as CloudFormation can see it, before anything is created."""
    right, wrong = VALUES[name]
    assert [value for value in right if not accepts(parameters[name], value)] == []
    assert [value for value in wrong if accepts(parameters[name], value)] == []


def test_texts_are_judged_as_the_function_judges_them(parameters: Json) -> None:
    """The same patterns, kinds and limits are right in both places, and said in both."""
    assert parameters["TimeZone"]["AllowedPattern"] == f"^{config.ZONE.pattern}$"
    assert parameters["ZohoApiVersion"]["AllowedPattern"] == f"^{config.VERSION.pattern}$"
    assert f"At most {config.OPERATOR_LIMIT} " in parameters["OperatedBy"]["ConstraintDescription"]
    kinds = parameters["NotifyOn"]
    assert {kind for kind in NOTIFIABLE if not accepts(kinds, kind)} == set()
    assert NOTIFIABLE - set(re.findall(r"[a-z]+(?=[,.])", kinds["ConstraintDescription"])) == set()
    assert set(kinds["Default"].split(",")) == set(BY_DEFAULT)


def test_the_reference_lists_every_parameter_with_its_default(parameters: Json) -> None:
    """One row a parameter: | `Name` | `default` | meaning |."""
    rows = dict(re.findall(r"^\| `([A-Z]\w+)` \| (.*?) \|", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE))
    defaults = {name: f"`{p['Default']}`" if p["Default"] != "" else "none" for name, p in parameters.items()}
    assert {name: default for name, default in rows.items() if name in parameters} == defaults
