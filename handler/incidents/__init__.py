"""Conditions that last, a module each: when it opens and ends, and what its notices say. Pure.

To add one: its module, its line in `INCIDENTS`, a sample of each phase in ``sandbox/samples.py``, its section in
``docs/runbook.md``.
"""

from collections.abc import Sequence
from typing import Protocol

from handler.decision import Decision
from handler.history import Event, Row
from handler.incidents import failing, overdue, stuck
from handler.incidents.situation import Situation
from handler.memory import Incident
from handler.wording import Content


class IncidentKind(Protocol):
    """What the walk through the history needs of an incident that rows open and end.

    Attributes:
        NAME: The incident's.
        KIND: Of its notices; NOTIFY_ON names it.
    """

    NAME: str
    KIND: str

    def evaluate(self, decision: Decision, situation: Situation, known: Incident | None) -> Incident | None:
        """Return the incident as it is now: open (new or as known), or None."""

    def ended_by(self, incident: Incident, situation: Situation, news: Sequence[Event]) -> Event | None:
        """Return which of the outcomes that are news, oldest first, ended it; None: it ended otherwise."""

    def resolved(self, incident: Incident, event: Event) -> str:
        """Return what its end reads like in the notice of the row that ends it, or ""."""

    def content(self, decision: Decision, situation: Situation, incident: Incident, phase: str) -> Content:
        """Return what a notice of its own says: ``opened``, ``reminder`` or ``ended``."""

    def waits(self, decision: Decision, situation: Situation) -> bool:
        """Return whether something else speaks for it at the moment: it neither opens nor reminds."""

    def row(self, situation: Situation, incident: Incident) -> Row | None:
        """Return the row that it is about, where the history still shows it."""

    def line(self, decision: Decision, incident: Incident) -> str:
        """Return what a list of everything that is wrong says of it, as a sentence."""


INCIDENTS: tuple[IncidentKind, ...] = (overdue, stuck, failing)
