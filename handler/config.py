"""Environment and SSM parameter → settings and secrets: the only reader of ``os.environ``."""

import ipaddress
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import urlsplit

import certifi
from botocore.exceptions import BotoCoreError, ClientError
from dateutil import tz

from handler.decision import Policy
from handler.errors import ConfigError, SecretDeniedError, SecretMalformedError, SecretMissingError, TroubleError
from handler.history import clean
from handler.texts import NOTIFIABLE
from handler.zoho import DATA_CENTRES, Credentials

DEFAULT_NOTIFY_ON = "completed,failed,unknown,stopped,overdue,stuck,unreadable,channel,digest"
ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")
ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*")
A_ZONE = "a name of the IANA database, such as Europe/Berlin"
NUMBER = re.compile(r"(.*\.)?(\d+|0x[\da-f]*)\.?")
"""No host name ends in a number: sockets take it for an IPv4 address, such as 2852039166 for 169.254.169.254."""
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
        policy: What to tell, and when.
        time_zone: In which e-mail shows times.
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


@dataclass(frozen=True, repr=False)
class Secret:
    """What one organisation's SSM parameter holds. It has no ``repr``: every field may be secret.

    Attributes:
        credentials: For Zoho.
        slack_webhook_url: "" without Slack.
        heartbeat_url: "" without a heartbeat.
        name: Display name of the organisation, or "".
        time_zone: In which its e-mail shows times; "": in the deployment's.
    """

    credentials: Credentials
    slack_webhook_url: str
    heartbeat_url: str
    name: str
    time_zone: str


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the checked settings.

    Raises:
        ConfigError: Names every setting that is missing or wrong, and how to mend it.
    """
    problems: list[str] = []
    kinds = [kind.strip() for kind in (environ.get("NOTIFY_ON") or DEFAULT_NOTIFY_ON).split(",") if kind.strip()]
    if unknown := sorted(set(kinds) - NOTIFIABLE):
        problems.append(f"NOTIFY_ON has {', '.join(map(repr, unknown))}: choose from {', '.join(sorted(NOTIFIABLE))}.")
    version = environ.get("ZOHO_API_VERSION") or "v7"
    if not VERSION.fullmatch(version):
        problems.append(f"ZOHO_API_VERSION is {version!r}: give a version such as v7.")
    zone = environ.get("TIME_ZONE") or "UTC"
    time_zone = find_zone(zone)
    if time_zone is None:
        problems.append(f"TIME_ZONE is {zone!r}: give {A_ZONE}.")
    numbers = {name.lower(): _number(environ, name, problems) for name in NUMBERS}
    settings = Settings(
        table_name=_required(environ, "TABLE_NAME", problems),
        topic_arn=_required(environ, "TOPIC_ARN", problems),
        org_parameter_prefix=_required(environ, "ORG_PARAMETER_PREFIX", problems).rstrip("/"),
        policy=Policy(frozenset(kinds), **numbers),
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
    if url and not (is_allowed_url(url) and is_loopback(url)):
        problems.append(f"{name} is for tests and the sandbox: give a URL on a loopback host, or remove it.")
    return url


def read_secret(ssm: Any, prefix: str, org: str) -> Secret:
    """Return the organisation's secret, read afresh.

    Args:
        ssm: A boto3 SSM client.
        prefix: ``ORG_PARAMETER_PREFIX``.
        org: The organisation's key.

    Raises:
        SecretMissingError: There is no such parameter.
        SecretDeniedError: The function may not read or decrypt it.
        SecretMalformedError: It cannot be used; the text names every mistake and never a value.
        TroubleError: SSM did not answer.
    """
    name = f"{prefix}/{org}"
    try:
        text = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ParameterNotFound":
            raise SecretMissingError(f"There is no parameter {name}.") from None
        if code.startswith(("AccessDenied", "KMS", "InvalidKeyId")):
            raise SecretDeniedError(f"AWS refuses to let the function read the parameter {name}: {code}.") from None
        raise TroubleError(f"AWS Systems Manager did not give the parameter {name}: {code}.") from None
    except BotoCoreError as error:
        raise TroubleError(f"AWS Systems Manager did not answer: {type(error).__name__}.") from None
    return parse_secret(text, name)


def parse_secret(text: str, name: str) -> Secret:
    """Return the secret that this JSON text holds.

    Args:
        text: ``client_id``, ``client_secret``, ``refresh_token``, ``data_center``; optionally ``slack_webhook_url``,
            ``heartbeat_url``, ``name``, ``time_zone``.
        name: The parameter's, for the error.

    Raises:
        SecretMalformedError: Names every mistake and never a value.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise SecretMalformedError(f"The parameter {name} is not a JSON object.")
    problems: list[str] = []

    def field(key: str, valid: Callable[[str], bool], mend: str, *, optional: bool = False) -> str:
        value = raw.get(key)
        if optional and (value is None or value == ""):
            return ""
        if isinstance(value, str) and valid(value.strip()):
            return value.strip()
        problems.append(f"{key} {mend}")
        return ""

    plain = re.compile(r"[\x21-\x7e]+").fullmatch
    credentials = Credentials(
        field("client_id", lambda v: bool(plain(v)), "must be the client id of a Zoho self client"),
        field("client_secret", lambda v: bool(plain(v)), "must be its client secret"),
        field("refresh_token", lambda v: bool(plain(v)), "must be a refresh token"),
        field("data_center", DATA_CENTRES.__contains__, f"must be one of {', '.join(DATA_CENTRES)}"),
    )
    url = "must be an https URL (or missing)"
    secret = Secret(
        credentials,
        field("slack_webhook_url", is_allowed_url, url, optional=True),
        field("heartbeat_url", is_allowed_url, url, optional=True),
        clean(field("name", lambda v: True, "must be a text (or missing)", optional=True)) or "",
        field("time_zone", lambda v: find_zone(v) is not None, f"must be {A_ZONE} (or missing)", optional=True),
    )
    if problems:
        raise SecretMalformedError(f"The parameter {name} cannot be used: {'; '.join(problems)}.")
    return secret


def is_allowed_url(url: str) -> bool:
    """Return whether we may talk to this URL: https anywhere but on link-local addresses, http on loopback only."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not re.fullmatch(r"[\x21-\x7e]+", url) or "@" in parts.netloc:
        return False
    address = _address(host)
    if address is None and NUMBER.fullmatch(host):
        return False
    return is_loopback(url) or (parts.scheme == "https" and not (address and address.is_link_local))


def is_loopback(url: str) -> bool:
    """Return whether a URL is http or https on this machine."""
    parts = urlsplit(url)
    address = _address(parts.hostname or "")
    here = parts.hostname == "localhost" or (address is not None and address.is_loopback)
    return here and parts.scheme in {"http", "https"}


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is; None: it is a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
