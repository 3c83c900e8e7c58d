"""What is to be sent, and what has room to wait for it. Pure."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from handler.codec import to_plain
from handler.history import Row
from handler.wording import Content, highest

MAX_OUTBOX = 200
MAX_OUTBOX_BYTES = 200_000


class IncidentRef(NamedTuple):
    """One incident, from its opening to its end.

    Attributes:
        name: ``overdue``, ``stuck``, ``failing``, ``unreadable``, ``channel:NAME``.
        since: When it began, as stored at its opening.
        severity: Of its notices while it lasts.
    """

    name: str
    since: datetime
    severity: str = "critical"


class Notice(NamedTuple):
    """One thing to send.

    Attributes:
        notice_id: The same for every channel and every repeat.
        kind: A name that ``NOTIFY_ON`` knows, or one that comes with it.
        at: When it was decided.
        pending_for: The channels that have not accepted it yet.
        severity: ``info``, ``warning`` or ``critical``.
        content: What it says.
        phase: ``news``, ``opened``, ``reminder`` or ``ended``.
        row: The row it is about.
        incident: The incident that it alone is about, or "".
        opens: The incidents that it opens or reminds of.
        ends: The incidents that it ends.
    """

    notice_id: str
    kind: str
    at: datetime
    pending_for: tuple[str, ...]
    severity: str
    content: Content
    phase: str = "news"
    row: Row | None = None
    incident: str = ""
    opens: tuple[IncidentRef, ...] = ()
    ends: tuple[IncidentRef, ...] = ()

    @property
    def weight(self) -> str:
        """The severity that decides who hears it: whoever heard an opening hears the end."""
        return highest((self.severity, *(ref.severity for ref in self.ends)))

    def is_probe_of(self, channel: str) -> bool:
        """Return whether it is a broken channel's own end, given to itself to see whether it works."""
        return self.incident == f"channel:{channel}" and self.phase == "ended" and self.pending_for == (channel,)


def without_replaced(outbox: Iterable[Notice], notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the outbox without the reminders that one of these notices replaces: a newer one of the same incident."""
    reminded = {notice.incident for notice in notices if notice.phase == "reminder"}
    return tuple(old for old in outbox if not (old.phase == "reminder" and old.incident in reminded))


def fitting(notices: Sequence[Notice]) -> int:
    """Return how many of these notices, from the first on, an outbox has room for."""
    size = 0
    for number, notice in enumerate(notices):
        size += item_bytes(notice)
        if number == MAX_OUTBOX or size > MAX_OUTBOX_BYTES:
            return number
    return len(notices)


def item_bytes(notice: Notice) -> int:
    """Return about how many bytes of the item a notice takes: its JSON has the same names and texts."""
    return len(json.dumps(to_plain(notice), ensure_ascii=False).encode())
