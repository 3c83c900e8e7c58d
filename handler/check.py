"""One check: load, read, decide, save, deliver. The order of these steps is what keeps the promises.

What was decided is saved before anything is sent, and what a channel accepted is written down before anything else is
tried. So nothing is lost, and only an acceptance that was not learned or not written down can be said twice.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handler.access import Tools
from handler.decision import Decision
from handler.delivery import SEND_SECONDS, Delivery
from handler.errors import (
    CheckFailed,
    ConfigError,
    ConflictError,
    SecretMissingError,
    StoreError,
    TransportError,
    TroubleError,
    UnreadableError,
)
from handler.memory import Memory
from handler.rules import completion_told, decide, decide_unreadable, with_download_deadline
from handler.transport import fetch
from handler.wording import plural
from handler.zoho import History

log = logging.getLogger("handler")

DELIVERY_SECONDS = 30.0
"""Kept free for delivering when reading is slow."""


def run(org: str, tools: Tools, request_id: str, remaining: Callable[[], float]) -> dict[str, Any]:
    """Check one organisation and return the summary of it.

    Args:
        org: The organisation's key.
        tools: What to work with.
        request_id: The invocation's; it owns the lease.
        remaining: Seconds until the invocation is killed.

    Raises:
        CheckFailed: Something is pending, or went wrong; all else was done.
        ConfigError: The organisation does not exist.
        StoreError: The memory could not be read or written.
    """
    memory = tools.store.load(org)
    if memory and memory.lease_until and memory.lease_until > tools.clock():
        return {"org": org, "skipped": "another check is delivering"}
    try:
        tools.access(org)
    except SecretMissingError as problem:
        if memory is None and org == "default":
            return {"org": org, "skipped": "not connected"}
        if memory is None:
            raise ConfigError(f"{problem} Connect the organisation {org!r} first: `make connect ORG={org}`.") from None
    except UnreadableError:
        pass  # told below, where everything unreadable is
    return Check(memory or Memory(org), tools, request_id, remaining).run()


class Check:
    """One check's work. ``memory`` is always what was last read or written."""

    def __init__(self, memory: Memory, tools: Tools, request_id: str, remaining: Callable[[], float]) -> None:
        """Take what `run` takes, with the memory as it was loaded."""
        self.memory = memory
        self.org = memory.org
        self.tools = tools
        self.request_id = request_id
        self.remaining = remaining
        self.now = tools.clock()
        self.history = History([], 0)
        self.delivered: dict[str, int] = {}
        self.errors: list[str] = []

    def run(self) -> dict[str, Any]:
        """Do it, and return the summary.

        Raises:
            CheckFailed: Something is pending, or went wrong.
            StoreError: What was decided could not be written.
        """
        decision = self.look()
        if decision.memory != self.memory or decision.memory.outbox:
            before = self.memory.set_aside.count
            try:
                self.memory = self.tools.store.save(self.with_lease(decision.memory))
            except ConflictError:
                return {"org": self.org, "skipped": "another check wrote first"}
            self.say_what_was_given_up(before)
            if self.memory.outbox:
                self.deliver()
        summary = self.summary(decision)
        log.info("check", extra=summary)
        if self.memory.outbox:
            self.errors.append(f"{plural(len(self.memory.outbox), 'notice')} pending")
        if self.errors:
            raise CheckFailed(f"{self.org}: " + "; ".join(self.errors))
        self.beat()
        return summary

    def look(self) -> Decision:
        """Read the history and decide what it, or failing to read it, means."""
        policy = self.tools.settings.policy
        try:
            self.history = self.read_history()
            channels = list(self.tools.configured_channels(self.org))
            decision = decide(self.history.rows, self.memory, self.now, policy, channels)
        except UnreadableError as problem:
            log.warning("unreadable", extra={"org": self.org, "cause": problem.cause, "detail": str(problem)})
            self.errors.append(f"the history cannot be read ({problem.cause}): {problem}")
            return decide_unreadable(problem, self.memory, self.now, policy, self.known_channels())
        return self.with_download_deadline(decision)

    def read_history(self) -> History:
        """Read with the secret as it is known, and once more when a secret read afresh is another one."""
        known = self.tools.access(self.org)
        try:
            return known.zoho.history(self.reading_seconds)
        except UnreadableError as problem:
            if not problem.credentials:
                raise
            try:
                fresh = self.tools.access(self.org, afresh=True)
            except TroubleError:  # passes by itself, and must not hide what a person must mend
                raise problem from None
            if fresh is known:
                raise
        return fresh.zoho.history(self.reading_seconds)

    def known_channels(self) -> list[str]:
        """Return the configured channels, or the last known ones while the secret cannot be read."""
        if self.org in self.tools.accesses or not self.memory.channels:
            return list(self.tools.configured_channels(self.org))
        return list(self.memory.channels)

    def with_download_deadline(self, decision: Decision) -> Decision:
        """Ask Zoho until when the files can be downloaded, if a completion is news; without an answer, no harm."""
        notice = completion_told(decision)
        if notice is None:
            return decision
        try:
            until = self.tools.access(self.org).zoho.download_deadline(self.reading_seconds)
        except UnreadableError as problem:
            log.info("no download deadline", extra={"org": self.org, "cause": problem.cause})
            return decision
        if until:
            decision.memory = with_download_deadline(decision.memory, notice, until)
        return decision

    def reading_seconds(self) -> float:
        """Return how long reading may still take."""
        return self.remaining() - DELIVERY_SECONDS

    def with_lease(self, memory: Memory) -> Memory:
        """Return the memory with this check's lease; with none, not even a dead check's, where nothing is owed."""
        if not memory.outbox:
            return replace(memory, lease_owner=None, lease_until=None)
        deadline = self.tools.clock() + timedelta(seconds=self.remaining())
        return replace(memory, lease_owner=self.request_id, lease_until=deadline)

    def say_what_was_given_up(self, before: int) -> None:
        """Log what waited too long for a channel that is gone; `before` is how many were given up until now."""
        aside = self.memory.set_aside
        if count := aside.count - before:
            ids = [entry["notice_id"] for entry in aside.last[-count:]]
            log.error("set aside", extra={"org": self.org, "count": count, "notice_ids": ids})
            self.errors.append(f"{plural(count, 'notice')} given up")

    def deliver(self) -> None:
        """Deliver the outbox that was just saved."""
        delivery = Delivery(self.memory, self.tools, self.now, self.remaining)
        try:
            delivery.run()
            self.memory = delivery.memory
        except StoreError as error:  # as far as is known, the table still owes everything
            self.errors.append(str(error))
        self.delivered = dict(delivery.delivered)
        self.errors += delivery.errors

    def summary(self, decision: Decision) -> dict[str, Any]:
        """Return the answer of the check, which is also its one line in the log."""
        oldest = min((notice.at for notice in self.memory.outbox), default=self.now)
        last = self.memory.last_completed
        return {
            "org": self.org,
            "rows": len(self.history.rows),
            "pages": self.history.pages,
            "notices": [notice.kind for notice in decision.notices],
            "delivered": self.delivered,
            "pending": len(self.memory.outbox),
            "oldest_pending_hours": round(max(0.0, (self.now - oldest).total_seconds()) / 3600, 1),
            "incidents": sorted(self.memory.incidents),
            "last_completed": last.isoformat() if last else None,
        }

    def beat(self) -> None:
        """Request the heartbeat URL, for a dead-man's switch elsewhere; its failure never fails the check."""
        access = self.tools.accesses.get(self.org)
        if access and access.secret.heartbeat_url:
            ends = max(self.remaining() - SEND_SECONDS, 1.0)
            try:
                status = fetch(
                    self.tools.sending, "GET", access.secret.heartbeat_url, seconds=lambda: self.remaining() - ends
                ).status
                why = "" if 200 <= status < 300 else f"HTTP {status}"
            except TransportError as error:
                why = str(error)
            if why:
                log.warning("heartbeat failed", extra={"org": self.org, "why": why})
