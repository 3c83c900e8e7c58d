"""Outbox → channels. What a channel accepted is written down before anything else is tried."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from handler.channels.channel import Channel, Request
from handler.deadline import Deadline
from handler.errors import ConflictError, DeliveryError, StoreError
from handler.memory import Incident, Memory
from handler.message import Recipient
from handler.organisation import Services

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

    def __init__(
        self,
        memory: Memory,
        services: Services,
        channels: Mapping[str, Channel],
        recipient: Recipient,
        deadline: Deadline,
    ) -> None:
        """Take the memory as it was saved, with this check's lease in it.

        Args:
            memory: With the outbox.
            services: What to work with.
            channels: Those that can be sent to, by name.
            recipient: For whom the messages are written.
            deadline: When the invocation is killed.
        """
        self.memory = memory
        self.delivered: Counter[str] = Counter()
        self.errors: list[str] = []
        self._services = services
        self._channels = channels
        self._recipient = recipient
        self._deadline = deadline
        self._now = services.clock().replace(microsecond=0)

    def run(self) -> None:
        """Give each channel what is pending, oldest first; the last write clears the lease, also when all failed.

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
        for channel in self._in_order():
            recipient = self._recipient._replace(lost=self.memory.dead_letters.unmentioned.get(channel.name, 0))
            requests = channel.render(self.memory.pending(channel.name), recipient)
            for number, request in enumerate(requests):
                if not written:
                    self._write()
                written = False
                known = self.memory.dead_letters
                if not self._send(channel, request):
                    break
                if number == 0 and known == self.memory.dead_letters:  # it was accepted, and said what was lost
                    self.memory = self.memory.mentioned(channel.name)

    def _in_order(self) -> list[Channel]:
        """Return the channels that lack something; those that have refused for longest last: others must not wait."""
        lacking = {name: notices for name in self._channels if (notices := self.memory.pending(name))}
        return [self._channels[name] for name in sorted(lacking, key=lambda name: lacking[name][0].at, reverse=True)]

    def _send(self, channel: Channel, request: Request[Any]) -> bool:
        """Send one request and record what became of it; return whether the channel can be given more."""
        if self._deadline.left() < SEND_SECONDS + WRITE_SECONDS:
            self.errors.append(f"no time was left for {channel.name}")
            return False
        try:
            channel.send(request, self._deadline.keeping(WRITE_SECONDS).within(SEND_SECONDS))
        except DeliveryError as error:
            self._record_refused(channel, error)
            return bool(error.refused) and not error.gone
        self._record_accepted(channel.name, request.notice_ids)
        return True

    def _record_accepted(self, channel: str, notice_ids: Collection[str]) -> None:
        """Strike out what a channel accepted; its first acceptance ends its incident, as the next check notifies."""
        self.delivered[channel] += len(notice_ids)
        self.memory = self.memory.accepted(channel, notice_ids)
        name = f"channel:{channel}"
        incident = self.memory.incidents.get(name)
        if incident:
            back = incident._replace(back_at=self._now) if incident.notified_at else None
            self.memory = self.memory.with_incident(name, back)

    def _record_refused(self, channel: Channel, error: DeliveryError) -> None:
        """Remember what was accepted all the same, what never will be, and a channel that is gone."""
        org, why = self.memory.org, str(error)
        self.errors.append(f"{channel.name}: {why}")
        log.warning("not delivered", extra={"org": org, "channel": channel.name, "why": why})
        if error.accepted:
            self._record_accepted(channel.name, error.accepted)
        if error.refused:
            refused = sorted(error.refused - self.memory.probes(channel.name))
            log.error("dead letters", extra={"org": org, "channel": channel.name, "notice_ids": refused})
            self.memory = self.memory.discard(channel.name, refused, why, self._now)
        name = f"channel:{channel.name}"
        known = self.memory.incidents.get(name)
        if error.gone and (known is None or known.back_at):
            # Gone again before anybody was notified that it works: the incident they know of goes on.
            incident = known or Incident(self._now, label=channel.label)
            self.memory = self.memory.with_incident(name, incident._replace(back_at=None, detail=why))

    def _write(self, *, free: bool = False) -> None:
        """Write the memory down, trying again while there is time: what is not written down could be sent twice."""
        memory = self.memory._replace(lease_owner=None, lease_until=None) if free else self.memory
        for pause in (*PAUSES_SECONDS, None):
            try:
                self.memory = self._services.store.save(memory)
                return
            except ConflictError:
                raise
            except StoreError:
                if pause is None or self._deadline.left() < pause + WRITE_SECONDS:
                    raise
            self._services.sleep(pause)
