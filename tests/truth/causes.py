"""Whether each notice has a cause at the minute in which it is sent."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from handler.outbox import Notice
from tests.truth.oracle import NEVER, Shown, Window
from tests.truth.organisation import DAY
from tests.truth.play import Player

BACKUPS = frozenset({"overdue", "stuck", "failing"})


@dataclass(frozen=True)
class Minute:
    """What is so at one check.

    Attributes:
        rows: What the history shows.
        readable: Whether it could be read.
        before: Incidents open before the check.
        after: Incidents open after it.
        sent: What the check sent.
    """

    rows: Shown
    readable: bool
    before: frozenset[str]
    after: frozenset[str]
    sent: tuple[Notice, ...]

    def said_without_cause(self, notice: Notice) -> str:
        """Return what the notice speaks of that is not so, "" if nothing."""
        if notice.severity != "info" and notice.kind != "unreadable" and not self.readable:
            return "while nothing can be read"
        match notice.kind:
            case "overdue" | "stuck":
                bad = notice.severity != "info"
                return "" if bad == (notice.kind in self.after) else f"while it is {'not ' if bad else ''}open"
            case "failed":
                return self._failed_without_cause(notice)
            case "recovered":
                return self._recovered_without_cause()
            case "stopped":
                stands = max(self.rows.stopped) > max(self.rows.scheduled, default=NEVER)
                return "" if stands == (notice.severity != "info") else "although the newest schedule says otherwise"
        return ""

    def _failed_without_cause(self, notice: Notice) -> str:
        if notice.severity != "info" and not self.rows.failing:
            return "although a later backup is good"
        if notice.phase == "reminder" and "overdue" in self.after:
            return "although overdue says it"
        return ""

    def _recovered_without_cause(self) -> str:
        if not (self.before & BACKUPS or any(notice.kind == "failed" for notice in self.sent)):
            return "of nothing"
        still = self.after & {"overdue", "failing"}
        return f"although {sorted(still)} is open" if still else ""


def minutes(player: Player) -> Iterator[tuple[datetime, Minute]]:
    """Yield every check of a player."""
    organisation, window = player.organisation, Window(player.organisation)
    sent: dict[datetime, list[Notice]] = defaultdict(list)
    for notice in player.sent:
        sent[notice.at].append(notice)
    for (_, before), (now, after) in pairwise([(player.open[0][0], frozenset[str]()), *player.open]):
        readable = organisation.outage(now) is None
        yield now, Minute(window.at(now), readable, before, after, tuple(sent[now]))


def said_without_cause(player: Player) -> Iterator[str]:
    """Yield what was said without a cause, and every check after which something is open and was not said."""
    heard, said = NEVER, frozenset[str]()
    for now, minute in minutes(player):
        for notice in minute.sent:
            if why := minute.said_without_cause(notice):
                yield f"{now:%d %b %H:%M}: {notice.severity} {notice.kind} {notice.phase} {why}"
        kinds = {"failing" if n.kind == "failed" else n.kind for n in minute.sent if n.severity == "critical"}
        said = BACKUPS if "baseline" in kinds else (said | kinds) & minute.after
        if kinds & BACKUPS:
            heard = now
        excused = not minute.readable or minute.rows.running_since or now - heard < DAY
        for name in [] if excused else sorted((minute.after & BACKUPS) - said):
            yield f"{now:%d %b %H:%M}: {name} is open, and nothing was said of it"
