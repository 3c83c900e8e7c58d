"""Environment → settings: the only reader of ``os.environ``."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

import certifi
from dateutil import tz

from handler.addresses import complaint, is_loopback
from handler.decision import Policy
from handler.errors import ConfigError
from handler.rules import BY_DEFAULT, NOTIFIABLE

ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")
ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*")
A_ZONE = "a name of the IANA database, such as Europe/Berlin"
OPERATOR_LIMIT = 100
VERSION = re.compile(r"v[1-9]\d?(\.\d)?")
NUMBERS = {
    "MAX_BACKUP_AGE_DAYS": (0, 0, 3650),
    "GRACE_HOURS": (24, 1, 87600),
    "STUCK_HOURS": (24, 1, 87600),
    "UNREADABLE_HOURS": (6, 1, 87600),
    "REMIND_HOURS": (24, 0, 87600),
    "DIGEST_DAYS": (30, 0, 3650),
}
"""Setting → default, least, most."""


@dataclass(frozen=True)
class Settings:
    """What the deployment decides, for all its organisations.

    Attributes:
        table_name: The DynamoDB table.
        topic_arn: The SNS topic.
        org_parameter_prefix: SSM parameters are ``{prefix}/{org}``.
        policy: What to notify of, and when.
        time_zone: In which plain text shows times.
        time_zone_name: Its name.
        zoho_api_version: As in Zoho's URLs.
        zoho_accounts_url: Loopback only, for tests and the sandbox; "" otherwise.
        zoho_api_url: Likewise.
        ca_bundle: File with the certificates that HTTPS is verified against.
    """

    table_name: str
    topic_arn: str
    org_parameter_prefix: str
    policy: Policy
    time_zone: tzinfo
    time_zone_name: str
    zoho_api_version: str
    zoho_accounts_url: str
    zoho_api_url: str
    ca_bundle: str

    def accounts_url(self, data_centre: str) -> str:
        """Return the sandbox's accounts server of a data centre: it has them all, each at a path. "": Zoho's own."""
        return f"{self.zoho_accounts_url}/{data_centre}" if self.zoho_accounts_url else ""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the checked settings.

    Raises:
        ConfigError: Names every setting that is missing or wrong, and how to fix it.
    """
    problems: list[str] = []
    wanted = environ.get("NOTIFY_ON") or ",".join(BY_DEFAULT)
    kinds = [kind.strip() for kind in wanted.split(",") if kind.strip()]
    if unknown := sorted(set(kinds) - NOTIFIABLE):
        problems.append(f"NOTIFY_ON has {', '.join(map(repr, unknown))}: choose from {', '.join(sorted(NOTIFIABLE))}.")
    version = environ.get("ZOHO_API_VERSION") or "v7"
    if not VERSION.fullmatch(version):
        problems.append(f"ZOHO_API_VERSION is {version!r}: give a version such as v7.")
    zone = environ.get("TIME_ZONE") or "UTC"
    time_zone = find_zone(zone)
    if time_zone is None:
        problems.append(f"TIME_ZONE is {zone!r}: give {A_ZONE}.")
    operator = environ.get("OPERATED_BY", "").strip()
    if len(operator) > OPERATOR_LIMIT or not operator.isprintable():
        problems.append(
            f"OPERATED_BY must be at most {OPERATOR_LIMIT} printable characters: a name, an address or a link."
        )
    numbers = {name.lower(): _number(environ, name, problems) for name in NUMBERS}
    settings = Settings(
        table_name=_required(environ, "TABLE_NAME", problems),
        topic_arn=_required(environ, "TOPIC_ARN", problems),
        org_parameter_prefix=_required(environ, "ORG_PARAMETER_PREFIX", problems).rstrip("/"),
        policy=Policy(frozenset(kinds), **numbers, operated_by=operator),
        time_zone=time_zone or UTC,
        time_zone_name=zone,
        zoho_api_version=version,
        zoho_accounts_url=_loopback(environ, "ZOHO_ACCOUNTS_URL", problems),
        zoho_api_url=_loopback(environ, "ZOHO_API_URL", problems),
        ca_bundle=ca_bundle(environ),
    )
    if problems:
        raise ConfigError("The function is not set up correctly. " + " ".join(problems))
    return settings


def find_zone(name: str) -> tzinfo | None:
    """Return the time zone of this name, or None when there is none."""
    # dateutil, which boto3 brings along, has zone data of its own: Lambda's image promises none to zoneinfo.
    return tz.gettz(name) if ZONE.fullmatch(name) else None


def ca_bundle(environ: Mapping[str, str] = os.environ) -> str:
    """Return the file with the certificates that HTTPS is verified against."""
    return environ.get("AWS_CA_BUNDLE") or certifi.where()


def _required(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    value = environ.get(name, "")
    if not value:
        problems.append(f"{name} is missing: template.yaml sets it; deploy the stack again.")
    return value


def _number(environ: Mapping[str, str], name: str, problems: list[str]) -> int:
    default, least, most = NUMBERS[name]
    text = environ.get(name) or str(default)
    if re.fullmatch(r"[0-9]{1,6}", text) and least <= int(text) <= most:
        return int(text)
    problems.append(f"{name} is {text!r}: give a whole number from {least} to {most}.")
    return default


def _loopback(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    url = environ.get(name, "").rstrip("/")
    if url and (complaint(url, loopback_http=True) or not is_loopback(url)):
        problems.append(f"{name} is for tests and the sandbox: give a URL on a loopback host, or remove it.")
    return url
