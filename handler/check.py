"""One check: load, read, decide, save, deliver. The order of these steps is what keeps the promises.

What was decided is saved before anything is sent, and what a channel accepted is written down before anything else is
tried. So nothing is lost, and only an acceptance that was not learned or not written down can be sent twice.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from handler import causes
from handler.deadline import Deadline
from handler.decision import Answers, Decision
from handler.delivery import SEND_SECONDS, Delivery
from handler.errors import CheckFailed, ConfigError, ConflictError, StoreError, TransportError, UnreadableError
from handler.memory import Memory
from handler.organisation import Organisation, Services
from handler.rules import decide, decide_unreadable
from handler.transport import fetch
from handler.wording import plural
from handler.zoho import History

log = logging.getLogger("handler")

DELIVERY_SECONDS = 30.0
"""Kept free for delivering when reading is slow."""


def run(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Check one organisation and return the summary of it.

    Args:
        org: The organisation's key.
        services: What to work with.
        request_id: The invocation's; it owns the lease.
        deadline: When the invocation is killed.

    Raises:
        CheckFailed: Something is pending, or went wrong; all else was done.
        ConfigError: The organisation does not exist.
        StoreError: The memory could not be read or written.
    """
    memory = services.store.load(org)
    if memory and memory.lease_until and memory.lease_until > services.clock():
        return {"org": org, "skipped": "another check is delivering"}
    organisation, problem = services.look_up(org)
    if memory is None and problem and problem.cause is causes.SECRET_MISSING:
        if org == "default":
            return {"org": org, "skipped": "not connected"}
        raise ConfigError(f"{problem} Connect the organisation {org!r} first: `make connect ORG={org}`.")
    return Check(memory or Memory(org), services, organisation, problem, request_id, deadline).run()


class Check:
    """One check's work. ``memory`` is always what was last read or written."""

    def __init__(
        self,
        memory: Memory,
        services: Services,
        organisation: Organisation | None,
        problem: UnreadableError | None,
        request_id: str,
        deadline: Deadline,
    ) -> None:
        """Take what `run` takes, the memory as it was loaded, and the organisation or why there is none."""
        self.memory = memory
        self.org = memory.org
        self.services = services
        self.organisation = organisation
        self.problem = problem
        self.receivers, self.channels = services.channels(organisation, memory)
        self.request_id = request_id
        self.deadline = deadline
        self.now = services.clock()
        self.history = History([], 0)
        self.delivered: dict[str, int] = {}
        self.errors: list[str] = []

    def run(self) -> dict[str, Any]:
        """Do it, and return the summary.

        Raises:
            CheckFailed: Something is pending, or went wrong.
            StoreError: What was decided could not be written.
        """
        decision = self.evaluate()
        if decision.memory != self.memory or decision.memory.outbox:
            before = self.memory.dead_letters.total
            try:
                self.memory = self.services.store.save(self.with_lease(decision.memory))
            except ConflictError:
                return {"org": self.org, "skipped": "another check wrote first"}
            self.log_dead_letters(before)
            if self.memory.outbox:
                self.deliver()
        summary = self.summary(decision)
        log.info("check", extra=summary)
        if self.memory.outbox:
            self.errors.append(f"{plural(len(self.memory.outbox), 'notice')} pending")
        if self.errors:
            raise CheckFailed(f"{self.org}: " + "; ".join(error.rstrip(".") for error in self.errors))
        self.ping_heartbeat()
        return summary

    def evaluate(self) -> Decision:
        """Read the history and decide what it, or failing to read it, means."""
        policy = self.services.settings.policy
        try:
            if self.organisation is None:
                raise self.problem or UnreadableError(causes.SECRET_MISSING, "")
            self.history = self.organisation.zoho.history(self.reading)
            answers = Answers()
            while True:
                decision = decide(self.history.rows, self.memory, self.now, policy, self.receivers, answers)
                if not decision.asks:
                    return decision
                answers = self.answer(self.organisation, answers, decision.asks)
        except UnreadableError as problem:
            cause = problem.cause.name
            log.warning("unreadable", extra={"org": self.org, "cause": cause, "detail": str(problem)})
            self.errors.append(f"the history cannot be read ({cause}): {problem}")
            return decide_unreadable(problem, self.memory, self.now, policy, self.receivers)

    def answer(self, organisation: Organisation, answers: Answers, asks: Collection[str]) -> Answers:
        """Ask what a decision needs to know beyond the history; without an answer, no harm."""
        for question in sorted(asks):
            answers = answers._replace(asked=answers.asked | {question})
            try:
                if question == "plan":
                    answers = answers._replace(plan=organisation.zoho.plan(self.reading))
                elif question == "links":
                    answers = answers._replace(links=organisation.zoho.links(self.reading))
                else:
                    answers = answers._replace(subscribers=self.services.subscribers())
            except UnreadableError as problem:
                log.info("not answered", extra={"org": self.org, "question": question, "cause": problem.cause.name})
        return answers

    @property
    def reading(self) -> Deadline:
        """When reading must be over."""
        return self.deadline.keeping(DELIVERY_SECONDS)

    def with_lease(self, memory: Memory) -> Memory:
        """Return the memory with this check's lease; with none, not even a dead check's, where nothing is pending."""
        if not memory.outbox:
            return memory._replace(lease_owner=None, lease_until=None)
        until = self.services.clock() + timedelta(seconds=self.deadline.left())
        return memory._replace(lease_owner=self.request_id, lease_until=until)

    def log_dead_letters(self, before: int) -> None:
        """Log what can never be delivered; `before` is how many such notices there were until now."""
        letters = self.memory.dead_letters
        if count := letters.total - before:
            ids = [letter.notice_id for letter in letters.last[-count:]]
            log.error("dead letters", extra={"org": self.org, "count": count, "notice_ids": ids})
            self.errors.append(f"{plural(count, 'notice')} could not be delivered")

    def deliver(self) -> None:
        """Deliver the outbox that was just saved."""
        recipient = self.services.recipient(self.org, self.organisation)
        delivery = Delivery(self.memory, self.services, self.channels, recipient, self.deadline)
        try:
            delivery.run()
            self.memory = delivery.memory
        except StoreError as error:  # as far as is known, the table still has everything pending
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

    def ping_heartbeat(self) -> None:
        """Request the heartbeat URL, for a dead-man's switch elsewhere; its failure never fails the check."""
        url = self.organisation.secret.heartbeat_url if self.organisation else ""
        if not url:
            return
        deadline = self.deadline.keeping(1.0).within(SEND_SECONDS)
        try:
            status = fetch(self.services.senders.session, "GET", url, deadline=deadline).status
            why = "" if 200 <= status < 300 else f"HTTP {status}"
        except TransportError as error:
            why = str(error)
        if why:
            log.warning("heartbeat failed", extra={"org": self.org, "why": why})
