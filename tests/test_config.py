"""Settings: what is taken, what is refused, and what a person reads when it is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from handler import config
from handler.config import read_settings
from handler.errors import ConfigError

NEEDED = {
    "TABLE_NAME": "table",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
    "ORG_PARAMETER_PREFIX": "/p/q",
}


def test_defaults_are_those_of_the_documentation() -> None:
    """Nothing but what the template fills in by itself has to be set."""
    settings = read_settings(NEEDED)
    policy = settings.policy
    assert settings.table_name == "table"
    assert settings.topic_arn == NEEDED["TOPIC_ARN"]
    assert settings.org_parameter_prefix == "/p/q"
    assert policy.notify_on == {  # as design and documentation have it
        *("completed", "failed", "unknown", "stopped", "overdue", "stuck", "unreadable", "channel", "digest")
    }
    assert (policy.max_backup_age_days, policy.grace_hours, policy.stuck_hours) == (0, 24, 24)
    assert (policy.unreadable_hours, policy.remind_hours, policy.digest_days) == (6, 24, 30)
    assert settings.time_zone_name == "UTC"
    assert settings.policy.operated_by == ""
    assert settings.zoho_api_version == "v7"
    assert (settings.zoho_accounts_url, settings.zoho_api_url) == ("", "")


VALID: list[tuple[str, str, str, object]] = [
    ("NOTIFY_ON", "failed", "policy.notify_on", {"failed"}),
    ("NOTIFY_ON", " failed , stuck,", "policy.notify_on", {"failed", "stuck"}),
    ("NOTIFY_ON", "scheduled,purchased", "policy.notify_on", {"scheduled", "purchased"}),
    ("MAX_BACKUP_AGE_DAYS", "0", "policy.max_backup_age_days", 0),
    ("MAX_BACKUP_AGE_DAYS", "3650", "policy.max_backup_age_days", 3650),
    ("GRACE_HOURS", "1", "policy.grace_hours", 1),
    ("GRACE_HOURS", "87600", "policy.grace_hours", 87600),
    ("STUCK_HOURS", "1", "policy.stuck_hours", 1),
    ("STUCK_HOURS", "87600", "policy.stuck_hours", 87600),
    ("UNREADABLE_HOURS", "1", "policy.unreadable_hours", 1),
    ("UNREADABLE_HOURS", "87600", "policy.unreadable_hours", 87600),
    ("REMIND_HOURS", "0", "policy.remind_hours", 0),
    ("REMIND_HOURS", "87600", "policy.remind_hours", 87600),
    ("DIGEST_DAYS", "0", "policy.digest_days", 0),
    ("DIGEST_DAYS", "3650", "policy.digest_days", 3650),
    ("TIME_ZONE", "Europe/Berlin", "time_zone_name", "Europe/Berlin"),
    ("OPERATED_BY", " Jo in IT, +49 30 1 ", "policy.operated_by", "Jo in IT, +49 30 1"),
    ("OPERATED_BY", "ü" * 100, "policy.operated_by", "ü" * 100),
    ("TIME_ZONE", "America/Argentina/Buenos_Aires", "time_zone_name", "America/Argentina/Buenos_Aires"),
    ("ZOHO_API_VERSION", "v8", "zoho_api_version", "v8"),
    ("ZOHO_API_VERSION", "v2.1", "zoho_api_version", "v2.1"),
    ("ORG_PARAMETER_PREFIX", "/p/q/", "org_parameter_prefix", "/p/q"),
    ("ZOHO_ACCOUNTS_URL", "http://127.0.0.1:8080/", "zoho_accounts_url", "http://127.0.0.1:8080"),
    ("ZOHO_API_URL", "http://localhost:8080", "zoho_api_url", "http://localhost:8080"),
    ("ZOHO_API_URL", "https://[::1]:8080", "zoho_api_url", "https://[::1]:8080"),
    ("AWS_CA_BUNDLE", "/etc/bundle.pem", "ca_bundle", "/etc/bundle.pem"),
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


BEYOND = {
    "MAX_BACKUP_AGE_DAYS": "3651",
    "GRACE_HOURS": "0",
    "STUCK_HOURS": "0",
    "UNREADABLE_HOURS": "0",
    "REMIND_HOURS": "87601",
    "DIGEST_DAYS": "3651",
}
INVALID: list[tuple[str, str, str]] = [
    ("TABLE_NAME", "", "deploy the stack again"),
    ("TOPIC_ARN", "", "deploy the stack again"),
    ("ORG_PARAMETER_PREFIX", "", "deploy the stack again"),
    ("NOTIFY_ON", "failed,faild", "'faild': choose from "),
    ("NOTIFY_ON", "baseline", "choose from"),
    ("NOTIFY_ON", "recovered", "choose from"),
    ("NOTIFY_ON", "readable", "choose from"),
    ("NOTIFY_ON", "started", "choose from"),
    ("NOTIFY_ON", "test", "choose from"),
    ("NOTIFY_ON", "FAILED", "choose from"),
    *((name, value, "give a whole number from") for name, value in BEYOND.items()),
    *((name, value, "give a whole number from") for name in BEYOND for value in ("-1", "1.5", "x", "1e3", "٣", " 7")),
    *((name, "9" * 5_000, "give a whole number from") for name in BEYOND),
    *(("TIME_ZONE", zone, "such as Europe/Berlin") for zone in ("Europe/Berlim", "+01:00", "../etc/passwd", "GMT+1")),
    *(("OPERATED_BY", who, "at most 100 printable") for who in ("x" * 101, "Jo\nin IT", "Jo\u202ein IT", "Jo\0")),
    *(("ZOHO_API_VERSION", version, "such as v7") for version in ("7", "v0", "v7/", "v7.10", "latest", "../v7")),
    *(
        (name, url, "loopback")
        for name in ("ZOHO_ACCOUNTS_URL", "ZOHO_API_URL")
        for url in (
            "https://accounts.zoho.com",
            "http://127.0.0.1@evil.example",
            "file:///etc/passwd",
            "127.0.0.1",
            "x",
        )
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


def test_a_time_zone_is_that_zone() -> None:
    """With its summer time, not only its name."""
    zone = read_settings({**NEEDED, "TIME_ZONE": "Europe/Berlin"}).time_zone
    offsets = [datetime(2026, month, 2, 12, tzinfo=zone).utcoffset() for month in (3, 7)]
    assert offsets == [timedelta(hours=1), timedelta(hours=2)]


def test_every_number_is_in_the_tables() -> None:
    """A number that is added is tested, too."""
    assert config.NUMBERS.keys() == BEYOND.keys()


def test_all_mistakes_are_named_at_once() -> None:
    """Whoever fixes one must not have to come back for the next."""
    wrong = dict.fromkeys((*BEYOND, "NOTIFY_ON", "TIME_ZONE", "ZOHO_API_VERSION", "ZOHO_ACCOUNTS_URL"), "?")
    with pytest.raises(ConfigError) as raised:
        read_settings(wrong)
    for name in (*wrong, *NEEDED):
        assert name in str(raised.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is where the template puts them."""
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    assert read_settings().table_name == "table"


def test_an_empty_setting_is_as_good_as_none() -> None:
    """A template parameter that is left empty arrives as an empty variable."""
    assert read_settings(NEEDED | dict.fromkeys(("NOTIFY_ON", "TIME_ZONE", "GRACE_HOURS"), "")) == read_settings(NEEDED)
