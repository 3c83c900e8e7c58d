"""One check: load, read, decide, save, deliver. The order of these steps keeps the promises.

What was decided is saved before anything is sent, and what a channel accepted is recorded before anything else is sent.
So nothing is lost, and a message is sent twice only if its acceptance was not learned or could not be recorded.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from handler import errors, heartbeat
from handler.codec import to_plain
from handler.decision import Decision, Sources
from handler.delivery import Delivery
from handler.errors import CheckFailed, ConfigError, ConflictError, StoreError, UnreadableError
from handler.history import Row
from handler.incidents import unreadable
from handler.incidents.broken_channel import HEARTBEAT_CHANNEL
from handler.memory import HEARTBEAT, REMOVED, Memory
from handler.news import explain
from handler.organisation import Organisation, Services
from handler.rules import decide, decide_unreadable
from handler.summaries import problems
from handler.transport import Deadline
from handler.wording import plural
from handler.zoho import Zoho

log = logging.getLogger("handler")

DELIVERY_SECONDS = 30.0
"""Time kept free for delivering when reading is slow."""


def run(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Check one organisation and return the summary of it.

    Args:
        org: The organisation's key.
        services: What to work with.
        request_id: The invocation's; it owns the lease.
        deadline: When the invocation is killed.

    Raises:
        CheckFailed: Nobody was told of something, or trying again soon may help; everything else was done.
        ConfigError: The organisation does not exist.
        StoreError: The memory could not be read or written.
    """
    memory, now = services.store.load(org), services.clock()
    if memory and memory.lease_until and memory.lease_until > now:
        return _skipped(memory, now, "another check is delivering")
    organisation = services.organisation(org, memory.channels if memory else ())
    problem = organisation.problem
    if memory is None and problem and problem.cause is errors.SECRET_MISSING:
        if org == "default":
            return _skipped(Memory(org), now, "not connected")
        raise ConfigError(f"{problem} Connect the organisation {org!r} first: `make connect ORG={org}`.")
    return Check(memory or Memory(org), services, organisation, services.clock(), request_id, deadline).run()


def _skipped(memory: Memory, now: datetime, why: str) -> dict[str, Any]:
    """Return the answer of a check that had nothing to do, and log what the alarms `not-invoked` and `pending` read."""
    answer = {"org": memory.org, "skipped": why, "oldest_pending_hours": _oldest_pending_hours(memory, now)}
    log.info("skipped", extra=answer)
    return answer


def _oldest_pending_hours(memory: Memory, now: datetime) -> float:
    """Return for how many hours the oldest notice has waited that no reported trouble explains; 0 if there is none."""
    oldest = min((notice.at for notice in memory.unexplained()), default=now)
    return round(max(0.0, (now - oldest).total_seconds()) / 3600, 1)


def dry_run(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Read and decide as a check would, and explain it; nothing is written and nothing is sent.

    Returns:
        ``org``; ``rows``, newest first (none if they cannot be read), each with what it counts as, whether it is new,
        since when it is known (or null), and why a notice is sent or not; ``would_notify``, each with kind, severity,
        title, sentence and channels; ``problems``, everything that is wrong now, each with title, sentence and next
        step; ``incidents``; ``pending``; ``problem``, why something could not be read, or null.
    """
    memory = services.store.load(org) or Memory(org)
    organisation = services.organisation(org, memory.channels)
    check = Check(memory, services, organisation, services.clock(), request_id, deadline)
    decision = check.evaluate()
    sent = {notice.notice_id: notice.kind for notice in decision.notices}
    listed = {key for notice in decision.notices for key in notice.row_keys}
    rows = [] if check.errors else check.rows
    newest_first = sorted(rows, key=lambda row: (str(row.log_time or "~"), row.id_order), reverse=True)
    return {
        "org": org,
        "rows": [to_plain(row) | explain(row, memory, sent, listed) for row in newest_first],
        "would_notify": [
            {
                "kind": notice.kind,
                "severity": notice.severity,
                "title": notice.content.title,
                "sentence": notice.content.said(services.rendering(organisation).show),
                "channels": list(notice.pending_for),
            }
            for notice in decision.notices
        ],
        "problems": problems(decision, organisation.problem),
        "pending": len(memory.outbox),
        "incidents": sorted(decision.memory.incidents),
        "problem": "; ".join(check.errors) or None,
    }


@dataclass
class Check:
    """The work of one check.

    Attributes:
        memory: The memory as last read or written.
        services: What to work with.
        organisation: The organisation.
        now: The time of the check.
        request_id: The id of the invocation; it owns the lease.
        deadline: When the invocation is killed.
        rows: The rows of the history.
        pages: In how many pages they came.
        delivered: Channel → how many notices it accepted.
        errors: What went wrong, one sentence each.
        retry: Whether trying again soon may help although somebody was told.
    """

    memory: Memory
    services: Services
    organisation: Organisation
    now: datetime
    request_id: str
    deadline: Deadline
    rows: list[Row] = field(default_factory=list)
    pages: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    retry: bool = False

    def run(self) -> dict[str, Any]:
        """Run the check and return its summary.

        Raises:
            CheckFailed: Nobody was told of something, or trying again soon may help.
            StoreError: The decision could not be written.
        """
        decision = self.evaluate()
        if decision.memory != self.memory or decision.memory.outbox:
            try:
                self.memory = self.services.store.save(self.with_lease(decision.memory))
            except ConflictError:
                return _skipped(self.memory, self.now, "another check wrote first")
            if self.memory.outbox:
                self.deliver()
        if self.memory.outbox:
            self.errors.append(f"{plural(len(self.memory.outbox), 'notice')} pending")
        if unreadable.NAME not in self.memory.incidents and not self.retry and not self.memory.unheard():
            self.ping_heartbeat()
        if unheard := self.memory.unheard():  # perhaps that the heartbeat is not recorded
            self.errors.append(f"nobody was notified of {', '.join(unheard)}")
        summary = self.summary(decision)
        log.info("check", extra=summary)
        if unheard or self.retry:
            raise CheckFailed(f"{self.organisation.org}: {summary['problem']}")
        return summary

    def evaluate(self) -> Decision:
        """Read the history, and decide what it means or what failing to read it means."""
        organisation, policy = self.organisation, self.services.policy(self.organisation)
        reading = self.deadline.keeping(DELIVERY_SECONDS)
        sources = Sources(subscribers=cache(self.services.subscribers))
        decision = Decision(self.memory, self.now, policy, organisation.channels, sources)
        try:
            if organisation.zoho is None:
                raise organisation.problem or UnreadableError(errors.SECRET_MISSING, "")
            self.rows, self.pages = organisation.zoho.history(reading)
            decision.sources = self.sources(organisation.zoho, reading)
            return decide(self.rows, decision)
        except UnreadableError as problem:
            cause = problem.cause.name
            log.warning("unreadable", extra={"org": organisation.org, "cause": cause, "detail": str(problem)})
            self.errors.append(f"the history cannot be read ({cause}): {problem}")
            return decide_unreadable(problem, decision)

    def sources(self, zoho: Zoho, reading: Deadline) -> Sources:
        """Return what the decision may look up: each at most once, and with no answer if Zoho gives none."""

        def ask(question: str, read: Callable[[Deadline], Any]) -> Any:
            try:
                return read(reading)
            except UnreadableError as problem:
                why = {"org": self.organisation.org, "question": question, "cause": problem.cause.name}
                log.info("not answered", extra=why)

        plan, links = partial(ask, "plan", zoho.plan), partial(ask, "links", zoho.links)
        return Sources(cache(plan), cache(links), cache(self.services.subscribers))

    def with_lease(self, memory: Memory) -> Memory:
        """Return the memory with the lease of this check, or without any lease if nothing is pending."""
        if not memory.outbox:
            return memory._replace(lease_owner=None, lease_until=None)
        until = self.services.clock() + timedelta(seconds=self.deadline.left())
        return memory._replace(lease_owner=self.request_id, lease_until=until)

    def deliver(self) -> None:
        """Deliver the outbox that was just saved."""
        delivery = Delivery(self.memory, self.services, self.organisation, self.deadline, errors=self.errors)
        try:
            delivery.run()
            self.memory = delivery.memory
        except StoreError as error:  # the table may still have everything pending
            self.errors.append(str(error))
            self.retry = True
        self.delivered = dict(delivery.delivered)
        self.retry |= delivery.retry

    def summary(self, decision: Decision) -> dict[str, Any]:
        """Return the answer of the check, which is also its line in the log."""
        return {
            "org": self.organisation.org,
            "rows": len(self.rows),
            "pages": self.pages,
            "notices": [notice.kind for notice in decision.notices],
            "delivered": self.delivered,
            "pending": len(self.memory.outbox),
            "oldest_pending_hours": _oldest_pending_hours(self.memory, self.now),
            "incidents": sorted(self.memory.incidents),
            "last_completed": to_plain(self.memory.last_completed),
            "problem": "; ".join(error.rstrip(".") for error in self.errors) or None,
        }

    def ping_heartbeat(self) -> None:
        """Request the heartbeat URL of a dead man's switch, and remember if that is not recorded.

        Raises:
            StoreError: What changed could not be written.
        """
        url = self.organisation.secret.heartbeat_url if self.organisation.secret else ""
        why = heartbeat.request(self.services.senders.session, url, self.deadline) if url else ""
        if why:
            log.warning("heartbeat failed", extra={"org": self.organisation.org, "why": why})
            label, after = HEARTBEAT_CHANNEL.label, heartbeat.BROKEN_AFTER
            memory = self.memory.refused(HEARTBEAT, label, why, HEARTBEAT, self.now, after)
        else:
            memory = self.memory.works(HEARTBEAT, self.now, cause="" if url else REMOVED)
        if memory != self.memory:
            with suppress(ConflictError):  # another check has begun, and requests it, too
                self.memory = self.services.store.save(memory._replace(lease_owner=None, lease_until=None))
