"""One organisation: its secret, its channels, its access to Zoho; and what all checks work with."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from handler import errors
from handler.addresses import url_problem
from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Connection, Senders, matching
from handler.config import A_ZONE, Policy, Settings, find_zone
from handler.errors import UnreadableError
from handler.history import clean
from handler.message import Rendering
from handler.outbox import Channel
from handler.store import Store
from handler.wording import SEVERITIES
from handler.zoho import DATA_CENTRES, Credentials, Zoho

Problem = Callable[[str, bool], str]
"""Value, and whether http is allowed on loopback → what is wrong with it as it follows the key's name, or ""."""
PRINTABLE = matching(r"[\x21-\x7e]+", "must be printable ASCII without blanks, as Zoho gave it")


@dataclass(frozen=True, repr=False)
class Secret:
    """One organisation's SSM parameter. It has no ``repr``: every field may be secret.

    Attributes:
        credentials: The credentials for Zoho.
        name: Display name of the organisation, or "".
        time_zone: The time zone in which its plain text shows times; "" means the deployment's.
        heartbeat_url: "" without a heartbeat.
        values: All values, from which the channels read their settings.
    """

    credentials: Credentials
    name: str
    time_zone: str
    heartbeat_url: str
    values: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Organisation:
    """One organisation, made of its secret at the start of every check. It has no ``repr``: most of it is secret.

    Attributes:
        org: Its key.
        channels: Its channels, also those whose settings cannot be used.
        connections: Its usable channels by name.
        secret: Its secret, or None if that cannot be read or used.
        zoho: Its access to Zoho, or None without a secret.
        problem: Why the secret cannot be read or used, or None.
    """

    org: str
    channels: tuple[Channel, ...]
    connections: Mapping[str, Connection]
    secret: Secret | None = None
    zoho: Zoho | None = None
    problem: UnreadableError | None = None


@dataclass(frozen=True)
class Services:
    """What checks work with; built once per cold start, and kept while the environment is warm.

    Attributes:
        settings: The settings of the deployment.
        store: The table.
        senders: What channels send with.
        read_secret: Returns the text of an organisation's secret, read now.
        subscribers: Returns topic (``messages``, ``alarms``) → how many are subscribed to it, counted now.
        reading: An HTTP session that may retry.
        clock: Returns the present, aware, in UTC and in whole seconds.
        sleep: Waits this many seconds.
        zoho: Organisation → its access to Zoho, with its access token.
    """

    settings: Settings
    store: Store
    senders: Senders
    read_secret: Callable[[str], str]
    subscribers: Callable[[], Mapping[str, int]]
    reading: requests.Session
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    zoho: dict[str, Zoho] = field(default_factory=dict)

    def organisation(self, org: str, remembered: Sequence[str] = ()) -> Organisation:
        """Return the organisation as its secret says now.

        If the secret cannot be read or used, the channels are the remembered ones, and only SNS can be sent to.

        Args:
            org: The organisation's key.
            remembered: The names of its channels at the last check.
        """
        settings, loopback = self.settings, bool(self.settings.zoho_api_url)
        parameter = f"{settings.org_parameter_prefix}/{org}"
        try:
            secret = parse_secret(self.read_secret(org), parameter, loopback=loopback)
        except UnreadableError as problem:
            channels, connections = open_channels({}, parameter, self.senders, loopback=loopback)
            known = tuple(BY_NAME[name].channel for name in remembered if name in BY_NAME)
            return Organisation(org, known or channels, connections, problem=problem)
        zoho = self.zoho.get(org)
        if zoho is None or zoho.credentials != secret.credentials:
            zoho = self.zoho[org] = Zoho(secret.credentials, self.reading, self.clock, settings)
        channels, connections = open_channels(secret.values, parameter, self.senders, loopback=loopback)
        return Organisation(org, channels, connections, secret, zoho)

    def policy(self, organisation: Organisation) -> Policy:
        """Return the policy of the deployment, with the organisation's own time zone if it has one."""
        zone = find_zone(organisation.secret.time_zone) if organisation.secret else None
        return self.settings.policy._replace(time_zone=zone or self.settings.policy.time_zone)

    def rendering(self, organisation: Organisation) -> Rendering:
        """Return how an organisation's messages are rendered, as far as its secret is known."""
        org, secret, zone = organisation.org, organisation.secret, self.policy(organisation).time_zone
        name, centre = (secret.name, secret.credentials.data_centre) if secret else ("", "us")
        return Rendering(org, name or org, zone, DATA_CENTRES[centre].crm, self.clock(), self.settings.runbook_url)


def parse_secret(text: str, parameter: str, *, loopback: bool) -> Secret:
    """Return the secret in this JSON text. The channels' settings are checked by `open_channels`.

    Args:
        text: ``client_id``, ``client_secret``, ``refresh_token``, ``data_center``; optionally ``name``, ``time_zone``,
            ``heartbeat_url``, each channel's settings, and ``CHANNEL_min_severity``.
        parameter: The parameter's name, for the error.
        loopback: Whether URLs may be http on loopback, as in tests and the sandbox.

    Raises:
        UnreadableError: Names every mistake and never a value.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise UnreadableError(errors.SECRET_MALFORMED, f"The parameter {parameter} is not a JSON object.")
    found, complaint = _read(raw, parameter, SECRET_KEYS, loopback=loopback)
    if complaint:
        raise UnreadableError(errors.SECRET_MALFORMED, complaint)
    client, secret, token, centre, name, zone, heartbeat_url = found.values()
    return Secret(Credentials(client, secret, token, centre), clean(name) or "", zone, heartbeat_url, raw)


def _read(
    values: Mapping[str, Any], parameter: str, keys: Iterable[tuple[str, Problem, str | None]], *, loopback: bool
) -> tuple[dict[str, str], str]:
    """Return the values of these keys, stripped, and a complaint that names everything that is wrong with them, or "".

    Args:
        values: The values of the secret.
        parameter: The parameter's name, for the complaint.
        keys: Each key, what can be wrong with its value, and its default; None makes it mandatory.
        loopback: Whether URLs may be http on loopback.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for key, problem, default in keys:
        value, found[key] = values.get(key), default or ""
        if value in (None, "") and default is not None:
            continue
        text = value.strip() if isinstance(value, str) else ""
        if wrong := problem(text, loopback) if text else "must be a text that is not empty":
            problems.append(f"{key} {wrong}")
        else:
            found[key] = text
    return found, f"The parameter {parameter} cannot be used: {'; '.join(problems)}." if problems else ""


def one_of(choices: Collection[str]) -> Problem:
    """Return what finds that a value is not one of these."""
    return matching("|".join(choices), f"must be one of {', '.join(choices)}")


SECRET_KEYS: tuple[tuple[str, Problem, str | None], ...] = (
    ("client_id", PRINTABLE, None),
    ("client_secret", PRINTABLE, None),
    ("refresh_token", PRINTABLE, None),
    ("data_center", one_of(DATA_CENTRES), None),
    ("name", lambda value, loopback: "", ""),
    ("time_zone", lambda value, loopback: "" if find_zone(value) else f"must be {A_ZONE}", ""),
    ("heartbeat_url", url_problem, ""),
)


def open_channels(
    values: Mapping[str, Any], parameter: str, senders: Senders, *, loopback: bool
) -> tuple[tuple[Channel, ...], dict[str, Connection]]:
    """Return the channels that a secret configures; a mistake in the settings of one breaks only that one.

    Args:
        values: The values of the secret.
        parameter: The parameter's name, for the complaint.
        senders: What channels send with.
        loopback: Whether URLs may be http on loopback, as in tests and the sandbox.
    """
    channels: list[Channel] = []
    connections: dict[str, Connection] = {}
    for kind in CHANNELS:
        if kind.settings and values.get(kind.settings[0].key) in (None, ""):
            continue
        keys = [(setting.key, setting.problem, setting.default) for setting in kind.settings]
        floor = f"{kind.name}_min_severity"
        if kind.settings:
            keys.append((floor, one_of(SEVERITIES), kind.min_severity))
        own, problem = _read(values, parameter, keys, loopback=loopback)
        channels.append(kind.channel._replace(min_severity=own.pop(floor, kind.min_severity), problem=problem))
        if not problem:
            connections[kind.name] = Connection(kind, senders, own)
    return tuple(channels), connections
