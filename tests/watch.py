"""Stories about one organisation as table rows: a history and a clock in, notices out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handler.errors import UnreadableError
from handler.outbox import Notice
from sandbox.watch import START, Raw, Watch
from sandbox.zoho import row

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
COMPLETED: Raw = {"state": "completed"}
FAILED: Raw = {"state": "failure"}
ODD: Raw = {"state": "paused"}
STARTED: Raw = {"action": "initiated"}
STOPPED: Raw = {"action": "stopped"}
BOUGHT: Raw = {"action": "purchased"}
WEEKLY: Raw = {"action": "scheduled"}
MONTHLY: Raw = {"action": "scheduled", "repeat_type": "monthly"}
ONCE: Raw = {"action": "scheduled", "repeat_type": "immediate"}

Step = tuple[Any, ...]
"""Hours until the check; the rows that are logged before them, or why the check cannot read; what it sends, as `said`
names it; and, where that matters, what the last of these notices tells.
"""


def at(hours: float, fields: Raw) -> Raw:
    """Return a row of so many hours after the start."""
    return {**fields, "at": START + timedelta(hours=hours)}


def listed(*rows: tuple[float, Raw]) -> list[Raw]:
    """Return rows, each so many days before the start; their ids grow in the order given."""
    return [row(START - timedelta(days=days), **fields) for days, fields in rows]


def said(notices: Sequence[Notice]) -> list[str]:
    """Return the kind of each notice, and its phase if it is about an incident."""
    return [one.kind if one.phase == "news" else f"{one.kind} {one.phase}" for one in notices]


def told(notice: Notice) -> dict[str, Any]:
    """Return what a notice tells: its facts by their labels, and what else a story may want to know."""
    content = notice.content
    return {fact.label: fact.time or fact.text for fact in content.facts} | {
        "title": content.title,
        "sentence": content.sentence,
        "step": content.next_step,
        "lines": list(content.lines),
        "severity": notice.severity,
        "weight": notice.weight,
        "for": notice.pending_for,
        "opens": {ref.name: ref.since for ref in notice.opens},
        "ends": {ref.name: ref.since for ref in notice.ends},
    }


def play(watch: Watch, *steps: Step) -> None:
    """Let time pass step by step, and assert what is sent."""
    for number, (hours, rows, sent, *tells) in enumerate(steps, start=1):
        problem = rows if isinstance(rows, UnreadableError) else None
        for fields in () if problem else rows:
            watch.log(**fields)
        watch.check_after(problem, hours=hours)
        notices = watch.decision.notices
        assert said(notices) == sent, f"step {number}: {said(notices)}"
        if tells:
            found = told(notices[-1])
            assert {label: found.get(label) for label in tells[0]} == tells[0], f"step {number}"


@dataclass(frozen=True)
class Story:
    """What happens to an organisation, and what is sent.

    Attributes:
        steps: After the baseline.
        history: What the baseline finds: days before the start, and the row.
        open: The incidents that last at the end.
        settings: Of the watch.
    """

    steps: Sequence[Step]
    history: Sequence[tuple[float, Raw]] = ()
    open: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def play(self, now: datetime = START) -> None:
        """Check at the start, and live through the steps."""
        watch = Watch(listed(*self.history), now=now, **self.settings)
        watch.check()
        play(watch, *self.steps)
        assert set(watch.memory.incidents) == {*self.open}
