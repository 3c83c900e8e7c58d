"""Whether each notice has a cause at the minute in which it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from handler.memory import Notice
from tests.truth.oracle import NEVER, Shown, shown
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

    def opened_without_a_word(self) -> list[str]:
        """Return incidents that nothing was sent of."""
        kinds = {notice.kind for notice in self.sent}
        opened = (self.after - self.before) & {"overdue", "stuck"}
        return sorted(name for name in opened if not kinds & {name, "baseline"})

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


def minutes(player: Player) -> Iterator[tuple[str, Minute]]:
    """Yield every check of a player, each with its time as text."""
    organisation = player.organisation
    checks = [(player.open[0][0], frozenset[str]()), *player.open]
    for (_, before), (now, after) in pairwise(checks):
        sent = tuple(notice for notice in player.sent if notice.at == now)
        readable = organisation.outage(now) is None
        yield f"{now:%d %b %H:%M}", Minute(shown(organisation.rows(now)), readable, before, after, sent)


def said_without_cause(player: Player) -> Iterator[str]:
    """Yield what was said without a cause, and what opened without a word."""
    for now, minute in minutes(player):
        for notice in minute.sent:
            if why := minute.said_without_cause(notice):
                yield f"{now}: {notice.severity} {notice.kind} {notice.phase} {why}"
        for name in minute.opened_without_a_word():
            yield f"{now}: {name} opened without a word"
