"""What one answer of Zoho shows: the rows by what they are, and the schedule that they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.oracle.organisation import Organisation, Raw, Rule

NOTHING = Rule("FREQ=MONTHLY", "")
WORDS = {
    "failure": "failed",
    "initiated": "begun",
    "INPROGRESS": "begun",
    "SCHEDULED": "planned",
    "archived": "unknown",
}
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """The history as it is shown, by time, and the newest of some kinds; `NEVER` where there is none."""

    open_ended: tuple[datetime, ...]
    last_completed: datetime
    last_failed: datetime
    last_scheduled: datetime
    last_stopped: datetime

    @property
    def running_since(self) -> datetime:
        """Return when the newest backup began, if nothing came of it."""
        return max(self.open_ended, default=NEVER)

    @property
    def failing(self) -> bool:
        """Return whether the newest outcome that counts is a failure."""
        return self.last_failed > self.last_completed


def shown(rows: Sequence[Raw]) -> Shown:
    """Return the rows by what they are; one without a time is older than all others here."""
    times = [(time_of(raw), kind_of(raw)) for raw in rows]

    def last(*kinds: str) -> datetime:
        return max((at for at, kind in times if kind in kinds), default=NEVER)

    outcome = last("completed", "failed", "unknown")
    begun = tuple(at for at, kind in times if kind == "begun" and at > outcome)
    return Shown(begun, *map(last, ("completed", "failed", "scheduled", "stopped")))


def time_of(raw: Raw) -> datetime:
    """Return the time of a row, `NEVER` without one."""
    return datetime.fromisoformat(raw["log_time"]).astimezone(UTC) if raw["log_time"] else NEVER


def kind_of(raw: Raw) -> str:
    """Return what a row is; of the words of this organisation."""
    word = raw["state"] or raw["action"] or "begun"
    return WORDS.get(word, word)


def schedule(organisation: Organisation, rows: Shown) -> tuple[datetime, Rule]:
    """Return the newest schedule that the history shows, or the first of all where its row aged out."""
    rules = [(at, rule) for at, rule in organisation.schedules if rule is not None] or [(NEVER, NOTHING)]
    return max(
        ((at, rule) for at, rule in rules if at <= rows.last_scheduled), default=rules[0], key=lambda one: one[0]
    )
