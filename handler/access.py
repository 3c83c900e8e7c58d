"""What checks work with: one environment's clients, and each organisation's secret while the environment is warm."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import requests

from handler.channels import Channel, SlackChannel
from handler.config import Secret, Settings
from handler.store import Store
from handler.zoho import Zoho


@dataclass(frozen=True)
class Access:
    """One organisation's secret and its client for Zoho."""

    secret: Secret
    zoho: Zoho


@dataclass(frozen=True)
class Tools:
    """What a check works with; built once per cold start, kept while the environment is warm.

    Attributes:
        settings: The deployment's.
        store: The table.
        sns: The topic.
        read_secret: Organisation → its secret, read afresh.
        reading: HTTP session that may retry.
        sending: HTTP session that never does.
        clock: The present, aware, in UTC.
        sleep: Waits so many seconds.
        accesses: Organisation → access, as last read.
    """

    settings: Settings
    store: Store
    sns: Channel
    read_secret: Callable[[str], Secret]
    reading: requests.Session
    sending: requests.Session
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    accesses: dict[str, Access] = field(default_factory=dict)

    def access(self, org: str, *, afresh: bool = False) -> Access:
        """Return the organisation's access, reading its secret if that was not done yet, or afresh.

        Raises:
            UnreadableError: The secret cannot be had or used.
        """
        old = self.accesses.get(org)
        if old and not afresh:
            return old
        self.accesses.pop(org, None)
        secret = self.read_secret(org)
        if old is None or old.secret != secret:
            settings = self.settings
            zoho = Zoho(
                secret.credentials,
                self.reading,
                self.clock,
                version=settings.zoho_api_version,
                accounts_url=settings.zoho_accounts_url,
                api_url=settings.zoho_api_url,
            )
            old = Access(secret, zoho)
        self.accesses[org] = old
        return old

    def configured_channels(self, org: str) -> dict[str, Channel]:
        """Return an organisation's channels by name; only the topic while its secret cannot be had."""
        channels = {self.sns.name: self.sns}
        access = self.accesses.get(org)
        if access and access.secret.slack_webhook_url:
            channels[SlackChannel.name] = SlackChannel(self.sending, access.secret.slack_webhook_url)
        return channels
