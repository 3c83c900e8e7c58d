"""Follows incidents from opening to end, as people hear of them."""

from collections.abc import Callable, Iterable, Mapping

from handler.memory import Memory
from handler.outbox import Notice

SEVERITIES = ("info", "warning", "critical")


def is_probe(notice: Notice) -> bool:
    """Return whether a notice is a broken channel's own end, given to that channel alone to see whether it works."""
    return (
        notice.phase == "ended" and bool(notice.pending_for) and notice.incident == f"channel:{notice.pending_for[0]}"
    )


def wants(notice: Notice, floor: str, *, incidents_only: bool) -> bool:
    """Return whether a receiver with this floor is to hear a notice, by the design and not by the code."""
    weight = max(SEVERITIES.index(s) for s in (notice.severity, *(ref.severity for ref in notice.ends)))
    unknown = notice.kind == "unknown" and notice.row is not None and notice.row.state is not None
    about_incident = bool(notice.opens or notice.ends or unknown)
    return weight >= SEVERITIES.index(floor) and (about_incident or not incidents_only)


class Pairs:
    """What people believe to be wrong.

    Attributes:
        open: Incident → the channels that were to hear of its opening.
        ended_alone: Incidents whose end only the channel itself heard.
    """

    def __init__(self, blame: Callable[[str, str], None]) -> None:
        """Begin with nothing wrong."""
        self._blame = blame
        self.open: dict[str, frozenset[str]] = {}
        self.ended_alone: set[str] = set()

    def follow(self, notice: Notice, configured: Iterable[str]) -> None:
        """Take in a notice that was saved."""
        opens = {ref.name for ref in notice.opens}
        opened = opens if notice.phase == "opened" else set()
        if notice.kind == "baseline":
            opened = {name for name in opened if not name.startswith("channel:")}
        ended = {ref.name for ref in notice.ends} - {"stopped"}
        if notice.phase == "reminder" and not opens <= self.open.keys():
            self._blame("pairs", f"{notice.notice_id} goes on with what never began")
        if opened & self.open.keys() or ended - self.open.keys():
            what = f"opens {sorted(opened)}, ends {sorted(ended)}, open were {sorted(self.open)}"
            self._blame("pairs", f"{notice.notice_id} {what}")
        for name in ended & self.open.keys():
            heard = self.open.pop(name) & set(configured)
            if deaf := heard - set(notice.pending_for) - {name.removeprefix("channel:")}:
                self._blame("pairs", f"{sorted(deaf)} heard of {name} and not of its end, {notice.notice_id}")
        self.open |= dict.fromkeys(opened, frozenset(notice.pending_for))
        self.ended_alone -= opened

    def judge(self, memory: Memory) -> None:
        """Compare with what the memory takes for open and sent."""
        remembered = {name for name, incident in memory.incidents.items() if incident.notified_at}
        if remembered != self.open.keys() - (self.ended_alone - remembered):
            self._blame("pairs", f"open in memory: {sorted(remembered)}, open for people: {sorted(self.open)}")

    def judge_alerts(self, memory: Memory, alerts: Mapping[str, int], still_open: Iterable[str]) -> None:
        """Compare with what is open where alerts resolve themselves.

        Args:
            memory: As it is now.
            alerts: Key → how many alerts it opened.
            still_open: Keys of those that nobody resolved.
        """
        known = {f"{memory.org}-{n}-{i.since:%Y%m%dT%H%M%SZ}" for n, i in memory.incidents.items()}
        for key in still_open:
            if key not in known and "-unknown-" not in key:
                self._blame("pairs", f"the alert {key} stays open")
        for key, count in alerts.items():
            if count > 1:
                self._blame("repeat", f"the alert {key} was opened {count} times")
