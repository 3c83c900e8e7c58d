"""Environment → settings: the only reader of ``os.environ``."""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import partial
from typing import NamedTuple

import certifi
from dateutil import tz

from handler.addresses import is_loopback
from handler.errors import ConfigError

ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")
ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*")
A_ZONE = "a name of the IANA database, such as Europe/Berlin"
OPERATOR_LIMIT = 100
NUMBER = re.compile(r"[0-9]{1,6}")
VERSION = re.compile(r"v[1-9]\d?(\.\d)?")
BY_DEFAULT = ("completed", "failed", "unknown", "stopped", "overdue", "stuck", "unreadable", "channel", "digest")
NOTIFIABLE = frozenset({*BY_DEFAULT, "scheduled", "purchased"})
"""Kinds that ``NOTIFY_ON`` may contain. Every other kind comes with one of them, or is always sent."""
NUMBERS = {
    "MAX_BACKUP_AGE_DAYS": (0, 0, 3650),
    "GRACE_HOURS": (24, 1, 87600),
    "STUCK_HOURS": (24, 1, 87600),
    "UNREADABLE_HOURS": (6, 1, 24),
    "REMIND_HOURS": (24, 0, 87600),
    "DIGEST_DAYS": (30, 0, 3650),
}
"""Setting → default, least, most."""


class Policy(NamedTuple):
    """What the company wants to be notified of, and when: the settings of the same names.

    Attributes:
        notify_on: Kinds of notices to send.
        max_backup_age_days: Days without a completed backup; 0 means by the schedule.
        grace_hours: How long a backup may be late.
        stuck_hours: How long a backup may run.
        unreadable_hours: How long transient errors may last.
        remind_hours: Time between reminders; 0 means never.
        digest_days: Time between digests; 0 means never.
        operated_by: Who runs this notifier, or "".
        time_zone: The time zone of the organisation, or else of the deployment.
    """

    notify_on: frozenset[str]
    max_backup_age_days: int = 0
    grace_hours: int = 24
    stuck_hours: int = 24
    unreadable_hours: int = 6
    remind_hours: int = 24
    digest_days: int = 30
    operated_by: str = ""
    time_zone: tzinfo = UTC


class Settings(NamedTuple):
    """The settings of a deployment, for all its organisations.

    Attributes:
        table_name: The DynamoDB table.
        topic_arn: The SNS topic for notices.
        alarm_topic_arn: The SNS topic of the stack's alarms, or "".
        org_parameter_prefix: SSM parameters are ``{prefix}/{org}``.
        policy: What to notify of, and when.
        time_zone_name: The name of the deployment's time zone.
        runbook_url: Where the operator's people find docs/runbook.md; only an https URL is shown in messages.
        zoho_api_version: The version in Zoho's URLs.
        zoho_accounts_url: A loopback URL in tests and the sandbox; "" otherwise.
        zoho_api_url: Likewise.
    """

    table_name: str
    topic_arn: str
    alarm_topic_arn: str
    org_parameter_prefix: str
    policy: Policy
    time_zone_name: str
    runbook_url: str
    zoho_api_version: str
    zoho_accounts_url: str
    zoho_api_url: str

    def accounts_url(self, data_centre: str) -> str:
        """Return the URL of the sandbox's accounts server for a data centre, or "" for Zoho's own."""
        return f"{self.zoho_accounts_url}/{data_centre}" if self.zoho_accounts_url else ""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the checked settings.

    Raises:
        ConfigError: Names every setting that is missing or wrong, and how to fix it.
    """
    problems: list[str] = []

    def read(name: str, default: str, advice: str, is_good: Callable[[str], object]) -> str:
        value = environ.get(name, "").strip() or default
        if not is_good(value):
            problems.append(f"{name} is {value!r}: {advice}." if value else f"{name} is missing: {advice}.")
        return value

    required = partial(read, default="", advice="template.yaml sets it; deploy the stack again", is_good=bool)

    def number(name: str) -> int:
        default, least, most = NUMBERS[name]
        advice = f"give a whole number from {least} to {most}"
        text = read(name, str(default), advice, lambda text: NUMBER.fullmatch(text) and least <= int(text) <= most)
        return int(text) if NUMBER.fullmatch(text) else default

    def loopback(name: str) -> str:
        advice = "it is for tests and the sandbox, so give a URL on a loopback host, or remove it"
        return read(name, "", advice, lambda url: not url or is_loopback(url)).rstrip("/")

    choice = f"choose from {', '.join(sorted(NOTIFIABLE))}"
    kinds = read("NOTIFY_ON", ",".join(BY_DEFAULT), choice, lambda text: _split(text) <= NOTIFIABLE)
    zone = read("TIME_ZONE", "UTC", f"give {A_ZONE}", find_zone)
    limit = f"give at most {OPERATOR_LIMIT} printable characters: a name, an address or a link"
    operator = read("OPERATED_BY", "", limit, lambda text: len(text) <= OPERATOR_LIMIT and text.isprintable())
    numbers = {name.lower(): number(name) for name in NUMBERS}
    settings = Settings(
        table_name=required("TABLE_NAME"),
        topic_arn=required("TOPIC_ARN"),
        alarm_topic_arn=environ.get("ALARM_TOPIC_ARN", ""),
        org_parameter_prefix=required("ORG_PARAMETER_PREFIX").rstrip("/"),
        policy=Policy(_split(kinds), **numbers, operated_by=operator, time_zone=find_zone(zone) or UTC),
        time_zone_name=zone,
        runbook_url=environ.get("RUNBOOK_URL", "docs/runbook.md"),
        zoho_api_version=read("ZOHO_API_VERSION", "v7", "give a version such as v7", VERSION.fullmatch),
        zoho_accounts_url=loopback("ZOHO_ACCOUNTS_URL"),
        zoho_api_url=loopback("ZOHO_API_URL"),
    )
    if problems:
        raise ConfigError("The function is not set up correctly. " + " ".join(problems))
    return settings


def _split(kinds: str) -> frozenset[str]:
    return frozenset(kind.strip() for kind in kinds.split(",") if kind.strip())


def find_zone(name: str) -> tzinfo | None:
    """Return the time zone of this name, or None if there is none."""
    # dateutil comes with boto3 and brings its own zone data; Lambda's image may have none for zoneinfo.
    return tz.gettz(name) if ZONE.fullmatch(name) else None


def ca_bundle(environ: Mapping[str, str] = os.environ) -> str:
    """Return the file with the certificates that HTTPS is verified against."""
    return environ.get("AWS_CA_BUNDLE") or certifi.where()
