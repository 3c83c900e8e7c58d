"""Outbox → channels. What a channel accepted is recorded before anything else is sent."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from handler.channels.channel import Connection, Request
from handler.errors import ConflictError, DeliveryError, StoreError
from handler.memory import Memory
from handler.organisation import Organisation, Services
from handler.transport import Deadline

log = logging.getLogger("handler")

SEND_SECONDS = 12.0
WRITE_SECONDS = 6.0
"""How long a send, and recording it, may take. With less time left, no send begins."""
BROKEN_AFTER = timedelta(hours=3)
"""A channel that has accepted nothing for so long since it first refused is broken, whatever it answers."""
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Pauses between attempts to record what a channel accepted."""


@dataclass
class Delivery:
    """The deliveries of one check.

    Attributes:
        memory: The memory as it was saved, with the outbox and the lease of this check; afterwards as last written.
        services: What to work with.
        organisation: Whose channels are sent to.
        deadline: When the invocation is killed.
        delivered: Channel → how many notices it accepted.
        errors: What went wrong, one sentence each.
        retry: Whether trying again soon may help although somebody was told: a channel refused for the first time
            since it last accepted something, or a message was lost, which the next check reports.
    """

    memory: Memory
    services: Services
    organisation: Organisation
    deadline: Deadline
    delivered: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    retry: bool = False

    def run(self) -> None:
        """Send each channel what is pending, oldest first; the last write clears the lease, even if every send failed.

        Raises:
            StoreError: What was accepted could not be recorded; the lease stays until it expires.
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
        written, rendering = True, self.services.rendering(self.organisation)
        for connection in self._in_order():
            for request in connection.render(self.memory.pending(connection.kind.name), rendering):
                if not written:
                    self._write()
                written = False
                if not self._send(connection, request):
                    break

    def _in_order(self) -> list[Connection]:
        """Return the channels to send to; those that have refused for longest come last."""
        connections = self.organisation.connections
        oldest = {name: pending[0].at for name in connections if (pending := self.memory.pending(name))}
        readers = [name for name in oldest if not self.memory.waits_for_readers(name)]
        return [connections[name] for name in sorted(readers, key=lambda name: oldest[name], reverse=True)]

    def _send(self, connection: Connection, request: Request) -> bool:
        """Send one request, record the result, and return whether the channel can get another one."""
        if self.deadline.left() < SEND_SECONDS + WRITE_SECONDS:
            self.errors.append(f"no time was left for {connection.kind.name}")
            return False
        try:
            connection.send(request, self.deadline.keeping(WRITE_SECONDS).within(SEND_SECONDS))
        except DeliveryError as error:
            self._record_refused(connection, request, error)
            return error.refused
        self._record_accepted(connection.kind.name, request.notice_ids)
        return True

    def _record_accepted(self, channel: str, notice_ids: Collection[str]) -> None:
        """Remove what a channel accepted, which also shows that it works."""
        self.delivered[channel] += len(notice_ids)
        self.memory = self.memory.mark_accepted(channel, notice_ids).works(channel, self.services.clock())

    def _record_refused(self, connection: Connection, request: Request, error: DeliveryError) -> None:
        """Record notices that the channel will never accept, or a channel that is broken.

        A channel that refuses a message for its content works: perhaps nothing else waits that could show it.
        """
        org, channel, why, now = self.memory.org, connection.kind.name, str(error), self.services.clock()
        self.errors.append(f"{channel}: {why}")
        log.warning("not delivered", extra={"org": org, "channel": channel, "why": why})
        self.retry |= channel not in self.memory.refusing_since or error.refused
        if error.refused:
            log.error("dead letters", extra={"org": org, "channel": channel, "notice_ids": list(request.notice_ids)})
            self.memory = self.memory.discard(channel, request.notice_ids, why, now).works(channel, now)
            return
        cause, after = ("", timedelta(0)) if error.permanent else ("hours", BROKEN_AFTER)
        self.memory = self.memory.refused(channel, connection.kind.label, why, cause, now, after)

    def _write(self, *, free: bool = False) -> None:
        """Write the memory, and try again while there is time: what is not recorded could be sent twice."""
        memory = self.memory._replace(lease_owner=None, lease_until=None) if free else self.memory
        for pause in (*PAUSES_SECONDS, None):
            try:
                self.memory = self.services.store.save(memory)
                return
            except ConflictError:
                raise
            except StoreError:
                if pause is None or self.deadline.left() < pause + WRITE_SECONDS:
                    raise
            self.services.sleep(pause)
