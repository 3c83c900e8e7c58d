"""Rows as Zoho sends them → `Row`. Pure.

Source of the shapes: https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from handler import errors
from handler.codec import UNKNOWN_TIME, parse_time
from handler.errors import UnreadableError
from handler.wording import PAGE, Fact, duration, shorten

TEXT_LIMIT = 100
"""Longest text from Zoho that is kept, in characters."""
ID_LENGTH = 5
"""Length of the part of a row's key that depends on its id alone: 30 bits, and 42 for the rest."""
STATES = {
    **dict.fromkeys(("completed", "finished"), "completed"),
    **dict.fromkeys(("failure", "failed", "payment_failed"), "failed"),
}
UNFINISHED = {"inprogress": "started", "scheduled": "planned"}
"""Letters of a state that is no outcome → its kind; in any case, with any punctuation."""
NO_NEWS = {"started": "it only begins a backup", "planned": "it only announces a backup"}
"""Kinds of rows that get no notice of their own, and why."""
MORE_RECORDS = {"true": True, "1": True, "false": False, "0": False}
ACTIONS = {"stopped": "stopped", "scheduled": "scheduled", "purchased": "purchased", "initiated": "started"}


class Row(NamedTuple):
    """One entry of the history, safe to show: printable, bounded text only.

    Attributes:
        key: A digest of ``id``, then one of ``log_time``, ``state`` and ``action``; a row with an unknown key is news.
        id: Zoho's id, "" when it sent none. Digits, 19 of them today: more than a double can hold.
        log_time: Aware, in UTC, in whole seconds; None when missing or not a time.
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
        """A sort key for numeric ids of any length; non-numeric ids come last."""
        digits = self.id.lstrip("0")
        numeric = self.id.isascii() and self.id.isdigit()
        return (0, len(digits), digits) if numeric else (1, 0, self.id)


def parse_page(body: object, per_page: int) -> tuple[list[Row], bool]:
    """Return the rows of one page and whether more follow.

    Args:
        body: The decoded JSON of one answer: ``{"history": [{…}], "info": {"more_records": bool}}``. The flag may be
            0, 1 or a text, and a page with rows that is not full needs no ``info``.
        per_page: How many rows were requested; a longer page is an error.

    Raises:
        UnreadableError: The envelope is not the documented one. Fields of a row never raise.
    """
    match body:
        case {"history": list(rows)} if len(rows) > per_page:
            raise UnreadableError(errors.UNUSABLE, f"A page of the history has {len(rows)} rows, not {per_page}.")
        case {"history": list(rows), **rest} if all(isinstance(row, dict) for row in rows):
            match rest.get("info"):
                case {"more_records": said} if (more := str(said).lower()) in MORE_RECORDS:
                    return [parse_row(row) for row in rows], MORE_RECORDS[more]
                case None if 0 < len(rows) < per_page:  # a full page may have a next one
                    return [parse_row(row) for row in rows], False
    raise UnreadableError(errors.UNUSABLE, "The answer is JSON, but not the documented history.")


def parse_row(raw: dict[str, Any]) -> Row:
    """Return the row. Each field may be null, missing or of another type."""
    done_by, count = raw.get("done_by"), raw.get("count")
    raw_id, raw_state, raw_action = _raw(raw.get("id")), _raw(raw.get("state")), _raw(raw.get("action"))
    log_time = parse_time(raw.get("log_time"))
    log_time = log_time.replace(microsecond=0) if log_time else None
    when = log_time.isoformat() if log_time else _raw(raw.get("log_time"))
    repeat_type = clean(raw.get("repeat_type"))
    return Row(
        key=_key(raw_id, when, raw_state, raw_action),
        id=clean(raw.get("id")) or "",
        log_time=log_time,
        state=clean(raw.get("state")),
        action=clean(raw.get("action")),
        repeat_type=repeat_type.lower() if repeat_type else None,
        done_by=clean(done_by.get("name") if isinstance(done_by, dict) else done_by),
        file_name=clean(raw.get("file_name")),
        bought=count if type(count) is int and 0 < count < 10**6 else 0,
    )


def _key(row_id: str, when: str, state: str, action: str) -> str:
    state = letters if (letters := _letters(state)) in UNFINISHED else state.casefold()
    parts = map(json.dumps, (row_id, [when, state, action.casefold()]))
    of_id, of_rest = (urlsafe_b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return (of_id[:ID_LENGTH] + of_rest)[:12]  # with 3,000 longer ones the item would not fit into DynamoDB


class Event(NamedTuple):
    """A row with the time at which it happened.

    Attributes:
        at: When it happened.
        row: The row.
        kind: Its kind, from `classify`.
    """

    at: datetime
    row: Row
    kind: str

    @property
    def is_outcome(self) -> bool:
        """Whether a backup ended with it; an unknown word in the place of an action is not about an end."""
        return self.kind in {"completed", "failed"} or (self.kind == "unknown" and self.row.state is not None)


def classify(row: Row) -> str:
    """Return the kind of a row: a key of `outcomes.KINDS` or `NO_NEWS`."""
    if row.state:
        return STATES.get(row.state.casefold()) or UNFINISHED.get(_letters(row.state), "unknown")
    return ACTIONS.get(row.action.casefold(), "unknown") if row.action else "started"


def in_order(rows: Sequence[Row], first_seen: Mapping[str, datetime], now: datetime) -> list[Event]:
    """Return rows as events, oldest first.

    A row without a ``log_time``, or with one in the future, is dated by when it was first seen. At the same time, the
    beginning of a backup comes before its end; then numeric ids decide.
    """
    dated = [(first_seen.get(row.key, now), row) for row in rows]
    events = [Event(min(row.log_time or seen, seen), row, classify(row)) for seen, row in dated]
    return sorted(events, key=lambda event: (event.at, event.kind != "started", event.row.id_order))


def dates_at_first_read(rows: Sequence[Row], now: datetime) -> dict[str, datetime]:
    """Return, by row key, the time at which each row of an organisation's first read counts as first seen.

    All rows are new there, so a row without a time takes that of the dated row with the next smaller id. Without a
    smaller id it takes a second before the oldest, and without any dated row `UNKNOWN_TIME`.
    """
    dated = sorted((row.id_order, row.log_time) for row in rows if row.log_time and row.log_time <= now)
    ids = [order for order, _ in dated]
    before_all = min(time for _, time in dated) - timedelta(seconds=1) if dated else UNKNOWN_TIME
    times = {}
    for row in rows:
        older = bisect_left(ids, row.id_order)
        times[row.key] = now if row.log_time else dated[older - 1][1] if older else before_all
    return times


def _letters(word: str) -> str:
    return "".join(filter(str.isalpha, word)).casefold()


def clean(value: object) -> str | None:
    """Return one line of printable text of at most `TEXT_LIMIT` characters, or None if nothing is left.

    Control characters, lone surrogates and direction marks become blanks: they break DynamoDB, e-mail headers and what
    the reader sees.
    """
    text = _raw(value)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return shorten(" ".join(text.split()), TEXT_LIMIT) or None


def _raw(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def has_own_time(event: Event, seen: Mapping[str, datetime], unknown: Mapping[str, Any]) -> bool:
    """Return False if a row has no time, or was seen with it before its outcome: then the outcome came later.

    Args:
        event: The outcome.
        seen: Row key → when it was first seen.
        unknown: Row id → a reference whose ``since`` is the time of an unknown state.
    """
    row, when = event.row, event.at.isoformat()
    earlier = {_key(row.id, when, state, action) for state in ("", "inprogress") for action in ("", "initiated")}
    other = unknown.get(row.id)
    return row.log_time == event.at and earlier.isdisjoint(seen) and not (other and other.since == event.at)


def known_time(time: datetime | None) -> datetime | None:
    """Return the time, or None where Zoho never gave it."""
    return None if time == UNKNOWN_TIME else time


def time_fact(label: str, time: datetime | None) -> Fact:
    """Return when something happened as a fact, also if it never did or Zoho never gave its time."""
    text = "never" if time is None else "at a time that Zoho does not give" if time == UNKNOWN_TIME else ""
    return Fact(label, text, known_time(time))


def not_completed_for(time: datetime | None, now: datetime) -> str:
    """Return for how long no backup has completed, as a sentence."""
    if time is None:
        return "No successful backup on record."
    known = known_time(time)
    return f"No backup has completed for {duration(now - known)}." if known else "No newer backup has completed."


def is_unpaid(row: Row | None) -> bool:
    """Return whether a backup failed because it could not be paid for."""
    return row is not None and (row.state or "").casefold() == "payment_failed"


def failed_step(row: Row | None) -> str:
    """Return what to do about a failed backup."""
    bill = "Check the billing of your Zoho account. " if is_unpaid(row) else ""
    retry = f"Open {PAGE} in Zoho CRM and start a backup manually."
    return f"{bill}{retry} If it fails again, contact Zoho support and give them the job ID."


def row_facts(row: Row, by: str = "Started by") -> list[Fact]:
    """Return who did what, as far as the row says it."""
    repeats = "one-time" if row.repeat_type == "immediate" else row.repeat_type
    facts = {by: row.done_by, "Type": repeats, "File": row.file_name, "Job ID": row.id}
    return [Fact(label, text) for label, text in facts.items() if text]
