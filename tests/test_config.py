"""Settings: what is taken, what is refused, and what a person reads when it is refused."""

from typing import Any

import pytest
from dateutil import tz

from handler import config
from handler.config import read_settings
from handler.errors import ConfigError

NEEDED = {
    "TABLE_NAME": "table",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
    "ORG_PARAMETER_PREFIX": "/p/q",
}


BOUNDS = {
    "MAX_BACKUP_AGE_DAYS": (0, 3650),
    "GRACE_HOURS": (1, 87600),
    "STUCK_HOURS": (1, 87600),
    "UNREADABLE_HOURS": (1, 24),
    "REMIND_HOURS": (0, 87600),
    "DIGEST_DAYS": (0, 3650),
}
VALID: list[tuple[str, str, str, object]] = [
    ("NOTIFY_ON", " failed , stuck,", "policy.notify_on", {"failed", "stuck"}),
    ("NOTIFY_ON", "scheduled,purchased", "policy.notify_on", {"scheduled", "purchased"}),
    *((name, str(value), f"policy.{name.lower()}", value) for name, bounds in BOUNDS.items() for value in bounds),
    ("GRACE_HOURS", " 7\n", "policy.grace_hours", 7),
    ("OPERATED_BY", " Jo in IT, +49 30 1 ", "policy.operated_by", "Jo in IT, +49 30 1"),
    ("OPERATED_BY", "ü" * 100, "policy.operated_by", "ü" * 100),
    ("RUNBOOK_URL", "https://x.example/r.md", "runbook_url", "https://x.example/r.md"),
    ("TIME_ZONE", "America/Argentina/Buenos_Aires", "time_zone_name", "America/Argentina/Buenos_Aires"),
    ("TIME_ZONE", "Europe/Berlin", "policy.time_zone", tz.gettz("Europe/Berlin")),
    ("ZOHO_API_VERSION", "v8", "zoho_api_version", "v8"),
    ("ZOHO_API_VERSION", "v2.1", "zoho_api_version", "v2.1"),
    ("ORG_PARAMETER_PREFIX", "/p/q/", "org_parameter_prefix", "/p/q"),
    ("ZOHO_ACCOUNTS_URL", "http://127.0.0.1:8080/", "zoho_accounts_url", "http://127.0.0.1:8080"),
    ("ZOHO_API_URL", "https://[::1]:8080", "zoho_api_url", "https://[::1]:8080"),
]


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"), VALID, ids=[f"{name}={value}"[:60] for name, value, *_ in VALID]
)
def test_a_setting_that_is_right_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    """Each within its bounds, the bounds included."""
    found: Any = read_settings({**NEEDED, name: value})
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == expected


BEYOND = [(name, str(value)) for name, (least, most) in BOUNDS.items() for value in (least - 1, most + 1)]
NO_NUMBER = [(name, value) for name in BOUNDS for value in ("1.5", "x", "1e3", "٣", "7 7", "9" * 5_000)]
INVALID: list[tuple[str, str, str]] = [
    *((name, "", "deploy the stack again") for name in NEEDED),
    ("NOTIFY_ON", "failed,faild", "'failed,faild': choose from "),
    *(
        ("NOTIFY_ON", kind, "choose from")
        for kind in ("baseline", "recovered", "readable", "started", "test", "FAILED")
    ),
    *((name, value, "give a whole number from") for name, value in (*BEYOND, *NO_NUMBER)),
    *(("TIME_ZONE", zone, "such as Europe/Berlin") for zone in ("Europe/Berlim", "+01:00", "../etc/passwd", "GMT+1")),
    *(("OPERATED_BY", who, "at most 100 printable") for who in ("x" * 101, "Jo\nin IT", "Jo\u202ein IT")),
    *(("ZOHO_API_VERSION", version, "such as v7") for version in ("7", "v0", "v7/", "v7.10", "../v7")),
    *(
        (f"ZOHO_{name}_URL", url, "loopback")
        for name in ("ACCOUNTS", "API")
        for url in ("https://accounts.zoho.com", "http://127.0.0.1@evil.example", "file:///etc/passwd", "127.0.0.1")
    ),
]


@pytest.mark.parametrize(("name", "value", "fix"), INVALID, ids=lambda v: str(v)[:30])
def test_a_setting_that_is_wrong_is_named_with_its_fix(name: str, value: str, fix: str) -> None:
    """What a person reads says which setting it is and what to write instead."""
    with pytest.raises(ConfigError) as raised:
        read_settings({**NEEDED, name: value})
    sentences = str(raised.value).removeprefix("The function is not set up correctly. ")
    assert sentences.startswith(name)
    assert fix in sentences


def test_a_bundle_of_ones_own_replaces_the_public_one() -> None:
    """A proxy that inspects HTTPS has an authority of its own."""
    assert config.ca_bundle({"AWS_CA_BUNDLE": "/etc/bundle.pem"}) == "/etc/bundle.pem"


def test_every_number_is_in_the_tables() -> None:
    """A number that is added is tested, too."""
    assert config.NUMBERS.keys() == BOUNDS.keys()


def test_an_empty_setting_is_as_good_as_none() -> None:
    """A template parameter that is left empty arrives as an empty variable."""
    assert read_settings(NEEDED | dict.fromkeys(("NOTIFY_ON", "TIME_ZONE", "GRACE_HOURS"), "")) == read_settings(NEEDED)
