"""One organisation as a check needs it, made of its secret at the start of every check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import requests

from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Channel, Senders
from handler.config import Settings, find_zone
from handler.data_centres import DATA_CENTRES
from handler.decision import Receiver
from handler.errors import UnreadableError
from handler.memory import Memory
from handler.message import Recipient
from handler.secret import Secret, Values, parse_secret
from handler.store import Store
from handler.wording import SEVERITIES
from handler.zoho import Zoho


@dataclass(frozen=True, repr=False)
class Organisation:
    """One organisation. It has no ``repr``: most of it is secret.

    Attributes:
        secret: As it was read.
        zoho: Its client.
        receivers: Its channels as far as deciding goes, also those whose settings are malformed.
        channels: Those that can be sent to, by name.
    """

    secret: Secret
    zoho: Zoho
    receivers: tuple[Receiver, ...]
    channels: Mapping[str, Channel]


@dataclass(frozen=True)
class Services:
    """What checks work with; built once per cold start, kept while the environment is warm.

    Attributes:
        settings: The deployment's.
        store: The table.
        senders: What channels send with.
        read_secret: Organisation → the text of its secret, read now.
        subscribers: Topic (``messages``, ``alarms``) → how many are subscribed to it, asked now.
        reading: An HTTP session that may retry.
        clock: Returns the present, aware, in UTC.
        sleep: Waits so many seconds.
        zoho: Organisation → its client, with its access token.
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

    def organisation(self, org: str) -> Organisation:
        """Return the organisation as its secret says now.

        Raises:
            UnreadableError: The secret cannot be had or used.
        """
        settings = self.settings
        loopback = bool(settings.zoho_api_url)
        text = self.read_secret(org)
        secret = parse_secret(text, f"{settings.org_parameter_prefix}/{org}", loopback=loopback)
        known = self.zoho.get(org)
        if known is None or known.credentials != secret.credentials:
            known = Zoho(
                secret.credentials,
                self.reading,
                self.clock,
                version=settings.zoho_api_version,
                accounts_url=settings.accounts_url(secret.credentials.data_centre),
                api_url=settings.zoho_api_url,
            )
            self.zoho[org] = known
        receivers, channels = open_channels(secret.values, self.senders, loopback=loopback)
        return Organisation(secret, known, receivers, channels)

    def look_up(self, org: str) -> tuple[Organisation | None, UnreadableError | None]:
        """Return the organisation, or why its secret cannot be had or used."""
        try:
            return self.organisation(org), None
        except UnreadableError as problem:
            return None, problem

    def channels(
        self, organisation: Organisation | None, memory: Memory
    ) -> tuple[tuple[Receiver, ...], Mapping[str, Channel]]:
        """Return an organisation's channels as far as deciding goes, and those that can be sent to.

        Where its secret cannot be had, those that were configured at the last check lack what is decided now; only the
        topic can be sent to.
        """
        if organisation:
            return organisation.receivers, organisation.channels
        receivers, channels = open_channels(Values({}, ""), self.senders, loopback=False)
        remembered = tuple(receiver_of(BY_NAME[name]) for name in memory.channels if name in BY_NAME)
        return remembered or receivers, channels

    def recipient(self, org: str, organisation: Organisation | None) -> Recipient:
        """Return for whom an organisation's messages are written, as far as its secret is known."""
        now, settings = self.clock(), self.settings
        if organisation is None:
            return Recipient(org, org, settings.time_zone, DATA_CENTRES["us"].crm, now)
        secret = organisation.secret
        crm_url = DATA_CENTRES[secret.credentials.data_centre].crm
        zone = find_zone(secret.time_zone) or settings.time_zone
        return Recipient(org, secret.name or org, zone, crm_url, now)


def open_channels(
    values: Values, senders: Senders, *, loopback: bool
) -> tuple[tuple[Receiver, ...], dict[str, Channel]]:
    """Return the channels that a secret configures; a mistake in one's settings breaks that one only."""
    receivers: list[Receiver] = []
    channels: dict[str, Channel] = {}
    for kind in CHANNELS:
        if kind.settings and not values.has(kind.settings[0].key):
            continue
        own = values.fresh()
        taken = {
            setting.key: own.take(setting.key, setting.check(loopback=loopback), setting.default)
            for setting in kind.settings
        }
        floor = kind.min_severity
        if kind.settings:
            floor = own.take(f"{kind.name}_min_severity", _severity, floor)
        receivers.append(receiver_of(kind, floor, own.complaint))
        if not own.problems:
            channels[kind.name] = kind(senders, taken)
    return tuple(receivers), channels


def receiver_of(kind: type[Channel], floor: str = "", problem: str = "") -> Receiver:
    """Return a channel as far as deciding goes; without a floor, with its own."""
    floor = floor or kind.min_severity
    return Receiver(kind.name, kind.label, kind.when_broken, floor, kind.incidents_only, problem)


def _severity(value: str) -> str:
    return "" if value in SEVERITIES else f"must be one of {', '.join(SEVERITIES)}"
