"""Parameters, the function's variables, its own validation and the README say the same."""

import re
from pathlib import Path
from typing import Any

import pytest
from dateutil import tz

from handler import config
from handler.errors import ConfigError
from handler.rules import BY_DEFAULT, NOTIFIABLE

Json = Any
ROOT = Path(__file__).parents[2]

VARIABLES = {  # environment variable → parameter
    "NOTIFY_ON": "NotifyOn",
    "TIME_ZONE": "TimeZone",
    "MAX_BACKUP_AGE_DAYS": "MaxBackupAgeDays",
    "GRACE_HOURS": "GraceHours",
    "STUCK_HOURS": "StuckHours",
    "UNREADABLE_HOURS": "UnreadableHours",
    "REMIND_HOURS": "RemindHours",
    "DIGEST_DAYS": "DigestDays",
    "ZOHO_API_VERSION": "ZohoApiVersion",
    "OPERATED_BY": "OperatedBy",
}
WIRING = {"TABLE_NAME": "table", "TOPIC_ARN": "topic", "ORG_PARAMETER_PREFIX": "/prefix/stack"}


WHOLE = {  # number → least, most; beside those that the function reads
    "NotInvokedHours": (2, 168),
    "ReservedConcurrency": (0, 1000),
}


def accepts(parameter: Json, value: str) -> bool:
    """Return whether CloudFormation takes a value for a parameter."""
    if "AllowedValues" in parameter:
        return value in {str(allowed) for allowed in parameter["AllowedValues"]}
    assert parameter["Type"] == "String", "CloudFormation's Number takes 24.5 and 1e2"
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


def test_every_parameter_is_described_validated_and_has_a_default(parameters: Json) -> None:
    """The stack deploys with no parameter given, and a mistyped one is refused with a sentence."""
    for name, parameter in parameters.items():
        assert parameter["Description"].endswith((".", ")")), name
        assert parameter["ConstraintDescription"].endswith("."), name
        assert {"AllowedPattern", "AllowedValues"} & set(parameter), name
        assert accepts(parameter, str(parameter["Default"])), name


def test_the_console_shows_every_parameter_once(template: Json, parameters: Json) -> None:
    """The groups of the deployment form name all parameters."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)


def test_the_defaults_pass_the_functions_own_validation(parameters: Json) -> None:
    """A default that the function would refuse never gets this far."""
    defaults = {variable: str(parameters[name]["Default"]) for variable, name in VARIABLES.items()}
    settings = config.read_settings({**WIRING, **defaults})
    assert settings == config.read_settings(WIRING), "the function's defaults are the template's"


def test_every_variable_that_the_function_reads_is_set(template: Json) -> None:
    """`config` is the only reader of the environment; what it names is wired, but for what tests alone may set."""
    source = Path(config.__file__).read_text()
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source)) - {"ZOHO_ACCOUNTS_URL", "ZOHO_API_URL", "AWS_CA_BUNDLE"}
    wired = template["Resources"]["NotifierFunction"]["Properties"]["Environment"]["Variables"]
    assert read == set(wired)
    assert {variable: wired[variable] for variable in VARIABLES} == VARIABLES


def numbers() -> dict[str, tuple[int, int]]:
    """Return each parameter that must be a whole number, with its bounds: the function's, where it reads it."""
    read = {VARIABLES[variable]: (least, most) for variable, (_, least, most) in config.NUMBERS.items()}
    return read | WHOLE


@pytest.mark.parametrize(("name", "bounds"), numbers().items())
def test_a_number_is_whole_and_within_the_functions_bounds(
    parameters: Json, name: str, bounds: tuple[int, int]
) -> None:
    """Every number in between, and nothing that the function would refuse at each check."""
    least, most = bounds
    parameter = parameters[name]
    assert [number for number in range(least, most + 1) if not accepts(parameter, str(number))] == []
    outside = [*range(-2, least), *range(most + 1, most + 1000), 10 * most, 99 * most]
    assert [number for number in outside if accepts(parameter, str(number))] == []
    no_numbers = ["", " ", "-1", "24.5", "24.0", "1e2", "0x10", "+5", "05", "1 ", "five", "\u0661"]
    assert [text for text in no_numbers if accepts(parameter, text)] == []


def test_no_parameter_is_a_number_that_cloudformation_would_take_in_parts(parameters: Json) -> None:
    """Its Number is "an integer or float": only a list of values keeps the rest out."""
    loose = {name for name, p in parameters.items() if p["Type"] != "String" and "AllowedValues" not in p}
    assert loose == set()


def test_the_patterns_are_the_functions(parameters: Json) -> None:
    """The same texts are right in both places."""
    assert parameters["TimeZone"]["AllowedPattern"] == f"^{config.ZONE.pattern}$"
    assert parameters["ZohoApiVersion"]["AllowedPattern"] == f"^{config.VERSION.pattern}$"
    kinds = re.match(r"\^\(\(([a-z|]+)\)", parameters["NotifyOn"]["AllowedPattern"])
    assert kinds
    assert set(kinds[1].split("|")) == NOTIFIABLE, "NotifyOn's AllowedPattern"
    described = set(re.findall(r"[a-z]+(?=[,.])", parameters["NotifyOn"]["ConstraintDescription"]))
    assert NOTIFIABLE - described == set(), "NotifyOn's ConstraintDescription"
    by_default = set(parameters["NotifyOn"]["Default"].split(","))
    assert by_default == BY_DEFAULT, "NotifyOn's Default"
    left_out = NOTIFIABLE - by_default
    said = parameters["NotifyOn"]["Description"].partition("The default leaves out")[2]
    assert set(re.findall("[a-z]+", said)) - {"and"} == left_out, (
        "say in NotifyOn's Description what its default leaves out"
    )


def test_the_operators_name_is_as_long_as_the_function_takes(parameters: Json) -> None:
    """CloudFormation takes no more, and says how much."""
    operator = parameters["OperatedBy"]
    longest = "x" * config.OPERATOR_LIMIT
    assert accepts(operator, longest)
    assert not accepts(operator, longest + "x")
    assert f"At most {config.OPERATOR_LIMIT} " in operator["ConstraintDescription"]
    assert config.read_settings({**WIRING, "OPERATED_BY": longest}).policy.operated_by == longest
    with pytest.raises(ConfigError, match="OPERATED_BY"):
        config.read_settings({**WIRING, "OPERATED_BY": longest + "x"})


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("NotifyOn", ["failed", "failed,overdue"], ["", "failed,", "failed, overdue", "Failed", "failing", ",failed"]),
        ("NotificationEmail", ["", "ops@example.com"], ["ops", "ops@example", "a b@example.com", "a@b.com,c@d.com"]),
        ("TimeZone", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"], ["", "/etc/x", "a b", "../x"]),
        ("ZohoApiVersion", ["v7", "v8", "v2.1"], ["7", "v", "v7/..", "v0", ""]),
        (
            "PermissionsBoundaryArn",
            ["", "arn:aws:iam::123456789012:policy/x", "arn:aws-cn:iam::123456789012:policy/team/x"],
            ["policy/x", "arn:aws:iam::123456789012:role/x"],
        ),
        ("ErrorWindowHours", ["4", "150"], ["3", "4.0", ""]),
        (
            "OperatedBy",
            ["", "IT Operations <it@example.com>, +49 30 1234", "https://wiki.example.com/it"],
            ["a\nb", "a\tb", "ü"],
        ),
        (
            "RunbookUrl",
            ["docs/runbook.md", "https://github.com/acme/notifier/blob/main/docs/runbook.md?plain=1"],
            ["", "a b", "https://wiki.example.com/#runbook", 'x"y', "a\\b", "x" * 301],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_parameter_accepts_what_is_right_and_refuses_what_is_not(
    parameters: Json, name: str, right: list[str], wrong: list[str]
) -> None:
    """Values a person may well type."""
    assert [value for value in right if not accepts(parameters[name], value)] == []
    assert [value for value in wrong if accepts(parameters[name], value)] == []


def recurs(expression: str) -> bool:
    """Return whether EventBridge Scheduler takes an expression as a recurring schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    if rate := re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)", expression):
        return (int(rate[1]) == 1) == (rate[3] == "")
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression)
    if not cron or [cron[3], cron[5]].count("?") != 1:
        return False
    months = "|".join(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    days = "SUN|MON|TUE|WED|THU|FRI|SAT"
    number = r"\d{1,2}"
    values = [number, number, rf"{number}W?|LW?", rf"{number}|{months}", rf"[1-7]|{days}|\dL|\d#\d", r"\d{4}"]
    for field, value in zip(cron.groups(), values, strict=True):
        one = rf"(\*|{value}|({value})-({value}))(/\d+)?"
        if field != "?" and not re.fullmatch(rf"{one}(,{one})*", field):
            return False
    return True


EXPRESSIONS = {
    "rate(1 hour)": True,
    "rate(15 minutes)": True,
    "rate(2 days)": True,
    "cron(0 7 * * ? *)": True,
    "cron(0/30 8-18 ? * MON-FRI *)": True,
    "rate(1 hours)": False,
    "rate(2 hour)": False,
    "rate(0 hours)": False,
    "rate(1 week)": False,
    "rate(60)": False,
    "cron(0 7 * * * *)": False,
    "cron(0 7 ? * ? *)": False,
    "cron(0 7 * * ?)": False,
    "at(2026-11-23T18:00:00)": False,
    "hourly": False,
}


@pytest.mark.parametrize(("expression", "right"), EXPRESSIONS.items())
def test_a_schedule_expression_is_accepted_when_it_is_real(parameters: Json, expression: str, right: bool) -> None:
    """No scanner knows this grammar, and Scheduler would refuse the stack only in the middle of its creation."""
    assert recurs(expression) is right
    assert accepts(parameters["ScheduleExpression"], expression) is right


@pytest.mark.parametrize("expression", ["rate(3 days)", "rate(49 hours)"])
def test_a_schedule_that_no_alarm_could_watch_is_refused(parameters: Json, expression: str) -> None:
    """The alarms look back a week at most; three checks must fit into it."""
    assert recurs(expression)
    assert not accepts(parameters["ScheduleExpression"], expression)


def documents() -> list[Path]:
    """Return what a person copies expressions and names from."""
    return [ROOT / "template.yaml", ROOT / "samconfig.toml", ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def test_every_schedule_expression_in_template_and_documents_is_real() -> None:
    """An example that Scheduler refuses is worse than none."""
    text = "\n".join(path.read_text() for path in documents() if path.exists())
    text = re.sub(r"not\s+\"rate\(1 hours\)\"", "", text)  # the one that is shown as wrong
    found = {expression for expression in re.findall(r"(?:rate|cron)\([^()|\\^]*\)", text) if expression[5:-1].strip()}
    assert "rate(1 hour)" in found
    assert [expression for expression in sorted(found) if not recurs(expression)] == []


def test_every_time_zone_in_the_template_is_real() -> None:
    """Zones named in defaults and descriptions exist, in data that ships with a dependency."""
    text = (ROOT / "template.yaml").read_text()
    zones = {"UTC", *re.findall(r"\b(?:Africa|America|Asia|Australia|Europe|Pacific)/[A-Za-z_]+", text)}
    assert len(zones) > 1
    assert [zone for zone in sorted(zones) if tz.gettz(zone) is None] == []


def test_the_readme_lists_every_parameter_with_its_default(parameters: Json) -> None:
    """One row a parameter: | `Name` | `default` | meaning |."""
    readme = (ROOT / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z]\w+)` \| (.*?) \|", readme, re.MULTILINE))
    defaults = {name: f"`{p['Default']}`" if p["Default"] != "" else "none" for name, p in parameters.items()}
    assert {name: default for name, default in rows.items() if name in parameters} == defaults
