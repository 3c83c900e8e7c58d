"""Rows as Zoho sends them → `Row`. Pure.

Source of the shapes: https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from handler import causes
from handler.errors import UnreadableError
from handler.wording import shorten

TEXT_LIMIT = 100
"""Characters kept of a text from Zoho."""
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Of rows at the first read when Zoho gave none of them a time."""
STATES = {
    "completed": "completed",
    "finished": "completed",
    "failure": "failed",
    "failed": "failed",
    "payment_failed": "failed",
}
ACTIONS = {"stopped": "stopped", "scheduled": "scheduled", "purchased": "purchased", "initiated": "started"}


class Row(NamedTuple):
    """One entry of the history, safe to show: printable, bounded text only.

    Attributes:
        key: What makes the row news: a digest of ``id``, ``log_time`` in UTC, ``state`` and ``action`` together.
        id: Zoho's id, "" when it sent none. Digits, 19 of them today: more than a double can hold.
        log_time: Aware, in UTC; None when missing or not a time.
        state: As Zoho spelled it, or None.
        action: As Zoho spelled it, or None.
        repeat_type: ``immediate``, ``weekly``, ``biweekly``, ``monthly``, or whatever Zoho adds, in lower case.
        done_by: The user's name, or None.
        file_name: The backup's file, or None.
        bought: Extra backups; 0 for every other row.
    """

    key: str
    id: str = ""
    log_time: datetime | None = None
    state: str | None = None
    action: str | None = None
    repeat_type: str | None = None
    done_by: str | None = None
    file_name: str | None = None
    bought: int = 0

    @property
    def id_order(self) -> tuple[int, int, str]:
        """Order of numeric ids of any length; non-numeric ids come last."""
        digits = self.id.lstrip("0")
        numeric = self.id.isascii() and self.id.isdigit()
        return (0, len(digits), digits) if numeric else (1, 0, self.id)


def parse_page(body: object, per_page: int) -> tuple[list[Row], bool]:
    """Return the rows of one page and whether more follow.

    Args:
        body: The decoded JSON of one answer: ``{"history": [{…}], "info": {"more_records": bool}}``.
        per_page: How many rows were asked for: more than that are not looked at.

    Raises:
        UnreadableError: The envelope is not the documented one. Fields of a row never raise.
    """
    match body:
        case {"history": list(rows)} if len(rows) > per_page:
            raise UnreadableError(causes.UNUSABLE, f"A page of the history has {len(rows)} rows, not {per_page}.")
        case {"history": list(rows), "info": {"more_records": bool(more)}} if all(isinstance(r, dict) for r in rows):
            return [parse_row(row) for row in rows], more
    raise UnreadableError(causes.UNUSABLE, "The answer is JSON, but not the documented history.")


def parse_row(raw: dict[str, Any]) -> Row:
    """Return the row, whatever its fields hold: each may be null, missing or of another type."""
    done_by, count = raw.get("done_by"), raw.get("count")
    raw_id, raw_state, raw_action = _raw(raw.get("id")), _raw(raw.get("state")), _raw(raw.get("action"))
    log_time = parse_time(raw.get("log_time"))
    when = log_time.isoformat() if log_time else _raw(raw.get("log_time"))
    identity = json.dumps([raw_id, when, raw_state.casefold(), raw_action.casefold()])
    repeat_type = clean(raw.get("repeat_type"))
    return Row(
        key=urlsafe_b64encode(hashlib.sha256(identity.encode()).digest()[:9]).decode(),
        id=clean(raw.get("id")) or "",
        log_time=log_time,
        state=clean(raw.get("state")),
        action=clean(raw.get("action")),
        repeat_type=repeat_type.lower() if repeat_type else None,
        done_by=clean(done_by.get("name") if isinstance(done_by, dict) else done_by),
        file_name=clean(raw.get("file_name")),
        bought=count if type(count) is int and 0 < count < 10**6 else 0,
    )


class Event(NamedTuple):
    """A row in its place.

    Attributes:
        at: When it happened.
        row: The row.
        kind: What `classify` says of it.
    """

    at: datetime
    row: Row
    kind: str


def classify(row: Row) -> str:
    """Return the kind of notice a row is worth, or ``started`` for a backup in progress."""
    if row.state:
        return STATES.get(row.state.casefold(), "unknown")
    if row.action:
        return ACTIONS.get(row.action.casefold(), "unknown")
    return "started"


def in_order(rows: Sequence[Row], first_seen: Mapping[str, datetime], now: datetime) -> list[Event]:
    """Return rows as events, oldest first.

    By ``log_time`` (null or in the future: by when the row was first seen), then what begins a backup before what ends
    one, then by numeric id.
    """

    def at(row: Row) -> datetime:
        seen = first_seen.get(row.key, now)
        return row.log_time if row.log_time and row.log_time <= seen else seen

    events = [Event(at(row), row, classify(row)) for row in rows]
    return sorted(events, key=lambda event: (event.at, event.kind != "started", event.row.id_order))


def dated_by_neighbours(rows: Sequence[Row], now: datetime) -> dict[str, datetime]:
    """Return the time at which each row counts as first seen at an organisation's first read.

    There everything is seen at once, so a row without a time takes that of the dated row with the next smaller id (none
    smaller: a second before the oldest; no dated row at all: `UNKNOWN_TIME`).
    """
    dated = sorted((row.id_order, row.log_time) for row in rows if row.log_time and row.log_time <= now)
    ids = [order for order, _ in dated]
    before_all = min(time for _, time in dated) - timedelta(seconds=1) if dated else UNKNOWN_TIME
    times = {}
    for row in rows:
        older = bisect_left(ids, row.id_order)
        times[row.key] = now if row.log_time else dated[older - 1][1] if older else before_all
    return times


def parse_time(value: object) -> datetime | None:
    """Return an ISO 8601 text as an aware time in UTC; None for anything else. Without an offset it counts as UTC."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # No backup is older or later, and the years 1 and 9999 cannot be shown in every time zone, nor counted on from.
    return time if 1970 <= time.year < 3000 else None


def clean(value: object) -> str | None:
    """Return one line of printable text of at most `TEXT_LIMIT` characters, or None if nothing is left.

    Control characters, lone surrogates and direction marks become blanks: they break DynamoDB, e-mail headers and
    the reader's eye.
    """
    text = _raw(value)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return shorten(" ".join(text.split()), TEXT_LIMIT) or None


def _raw(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
