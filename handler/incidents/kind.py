"""What an incident is that rows open and end. Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from handler.decision import Decision
from handler.history import Event, Row
from handler.memory import Incident, Memory
from handler.wording import Content


class IncidentKind(NamedTuple):
    """An incident that rows open and end: data and functions.

    Attributes:
        name: The incident's name in the memory.
        kind: The kind of its notices, which ``NOTIFY_ON`` names.
        evaluate: Returns the incident if it is open now: the known one, or a new one.
        ending: Returns which of the new outcomes (oldest first) ended it, and a phrase for that row's notice. None
            means that no row ended it; an empty phrase means that the row's notice says it anyway.
        content: Returns what its own notice says in a phase: ``opened``, ``reminder`` or ``ended``.
        suppressed: Returns True while another incident already alerts people to this: then neither an opening nor a
            reminder is sent.
        row: Returns the row that it is about, if the history still shows it.
    """

    name: str
    kind: str
    evaluate: Callable[[Decision, Incident | None], Incident | None]
    ending: Callable[[Decision, Incident, Sequence[Event]], tuple[Event, str] | None]
    content: Callable[[Decision, Incident, str], Content]
    suppressed: Callable[[Decision], bool] = lambda decision: False
    row: Callable[[Decision, Incident], Row | None] = lambda decision, incident: None


class Ended(NamedTuple):
    """An incident that has just ended.

    Attributes:
        kind: Its kind.
        incident: The incident as it was.
        event: The new row that ended it; None if no row did.
        phrase: How its end reads in that row's notice, or "" if the notice says it anyway.
    """

    kind: IncidentKind
    incident: Incident
    event: Event | None
    phrase: str


def heard_of(memory: Memory, name: str) -> bool:
    """Return whether a channel has accepted a notice of this open incident, or will be sent one that waits."""
    known = memory.incidents[name]
    waiting = {(ref.name, ref.since) for notice in memory.outbox for ref in notice.opens}
    return bool(known.heard) or (name, known.since) in waiting
