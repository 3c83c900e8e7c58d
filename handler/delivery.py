"""Outbox → channels. What a channel accepted is written down before anything else is tried."""

import logging
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from handler.access import Tools
from handler.channels import Batch, Channel, SlackChannel
from handler.config import find_zone
from handler.errors import ConflictError, DeliveryError, StoreError, UnreadableError
from handler.memory import Incident, Memory
from handler.message import Reader
from handler.zoho import DATA_CENTRES

log = logging.getLogger("handler")

SEND_SECONDS = 12.0
WRITE_SECONDS = 6.0
"""What one send, and writing it down, may take: with less left, a send is not begun."""
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Between attempts to write down what a channel accepted."""


class Delivery:
    """One check's deliveries.

    Attributes:
        memory: As last written, plus what was accepted since.
        delivered: Channel → how many notices it accepted.
        errors: What went wrong, a sentence each.
    """

    def __init__(self, memory: Memory, tools: Tools, now: datetime, remaining: Callable[[], float]) -> None:
        """Take the memory as it was saved, with this check's lease in it.

        Args:
            memory: With the outbox.
            tools: What to work with.
            now: The check's time.
            remaining: Seconds until the invocation is killed.
        """
        self.memory = memory
        self.delivered: Counter[str] = Counter()
        self.errors: list[str] = []
        self._tools = tools
        self._now = now
        self._remaining = remaining

    def run(self) -> None:
        """Give each channel what it is owed, oldest first; the last write clears the lease, also when all failed.

        Raises:
            StoreError: What was accepted could not be written down; the lease stays until it runs out.
        """
        try:
            self._send_all()
        except StoreError:
            raise
        except BaseException:
            self._write(free=True)
            raise
        self._write(free=True)

    def _send_all(self) -> None:
        written = True
        for channel in self._tools.configured_channels(self.memory.org).values():
            for batch in channel.batches(self.memory.owed_to(channel.name), reader(self.memory.org, self._tools)):
                if not written:
                    self._write()
                written = False
                if not self._send(channel, batch):
                    break

    def _send(self, channel: Channel, batch: Batch) -> bool:
        """Send one batch and take in what became of it; return whether the channel can be given more."""
        if self._remaining() < SEND_SECONDS + WRITE_SECONDS:
            self.errors.append(f"no time was left for {channel.name}")
            return False
        try:
            self._send_or_renew(channel, batch)
        except DeliveryError as error:
            self._take_refusal(channel.name, error)
            return error.permanent and not error.gone
        self._take_acceptance(channel.name, batch.notice_ids)
        return True

    def _send_or_renew(self, channel: Channel, batch: Batch) -> None:
        """Send; where Slack's webhook is gone, read the secret afresh and try the webhook in it, if it is another."""
        ends = max(self._remaining() - SEND_SECONDS, WRITE_SECONDS)

        def seconds() -> float:
            return self._remaining() - ends

        try:
            channel.send(batch, seconds)
        except DeliveryError as error:
            org = self.memory.org
            known = self._tools.accesses.get(org)
            if not error.gone or channel.name != SlackChannel.name or known is None:
                raise
            try:
                renewed = self._tools.access(org, afresh=True)
            except UnreadableError:
                raise error from None
            if renewed.secret.slack_webhook_url in {"", known.secret.slack_webhook_url}:
                raise
            self._tools.configured_channels(org)[channel.name].send(batch, seconds)

    def _take_acceptance(self, channel: str, notice_ids: Collection[str]) -> None:
        """Strike out what a channel accepted; its first acceptance ends its incident, told by the next check."""
        self.delivered[channel] += len(notice_ids)
        self.memory = self.memory.accepted(channel, notice_ids)
        name = f"channel:{channel}"
        incident = self.memory.incidents.get(name)
        if incident:
            back = replace(incident, facts={**incident.facts, "back_at": self._now.isoformat()})
            self.memory = self.memory.with_incident(name, back if incident.told_at else None)

    def _take_refusal(self, channel: str, error: DeliveryError) -> None:
        """Remember what was accepted all the same, what never will be, and a channel that is gone."""
        org = self.memory.org
        self.errors.append(f"{channel}: {error}")
        log.warning("not delivered", extra={"org": org, "channel": channel, "why": str(error)})
        if error.accepted:
            self._take_acceptance(channel, error.accepted)
        if error.refused:
            log.error("set aside", extra={"org": org, "channel": channel, "notice_ids": sorted(error.refused)})
            self.memory = self.memory.put_aside(channel, error.refused, str(error), self._now)
        name = f"channel:{channel}"
        known = self.memory.incidents.get(name)
        if error.gone and (known is None or "back_at" in known.facts):
            facts = {"channel": channel, "detail": str(error)}
            # Gone again before anybody was told that it is back: the incident they know of goes on.
            incident = replace(known, facts=facts) if known else Incident(self._now.replace(microsecond=0), facts=facts)
            self.memory = self.memory.with_incident(name, incident)

    def _write(self, *, free: bool = False) -> None:
        """Write the memory down, trying again while there is time: what is not written down could be said twice."""
        memory = replace(self.memory, lease_owner=None, lease_until=None) if free else self.memory
        for pause in (*PAUSES_SECONDS, None):
            try:
                self.memory = self._tools.store.save(memory)
                return
            except ConflictError:
                raise
            except StoreError:
                if pause is None or self._remaining() < pause + WRITE_SECONDS:
                    raise
            self._tools.sleep(pause)


def reader(org: str, tools: Tools) -> Reader:
    """Return for whom an organisation's messages are written, as far as its secret is known."""
    settings, access = tools.settings, tools.accesses.get(org)
    if access is None:
        return Reader(org, org, settings.time_zone, DATA_CENTRES["us"].crm)
    secret = access.secret
    zone = find_zone(secret.time_zone) or settings.time_zone
    return Reader(org, secret.name or org, zone, DATA_CENTRES[secret.credentials.data_centre].crm)
