"""What the watch remembers of an organisation. Pure."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

MAX_KEYS = 3_000
MAX_OUTBOX = 200
MAX_OUTBOX_BYTES = 200_000
MAX_FOLDED = 4
"""Room for the entries that folding itself makes, one for each set of channels."""
FOLDED_AT_ONCE = 10
MAX_NAMED = 100
MAX_SET_ASIDE = 20
KEY_LIFE = timedelta(days=400)
"""Longer than the year that Zoho shows, or old alerts would come back."""


@dataclass(frozen=True)
class Notice:
    """One thing to tell.

    Attributes:
        notice_id: The same for every channel and every repeat.
        kind: One of ``texts.KINDS``.
        at: When it was decided.
        owed: The channels that have not accepted it yet.
        row: The row it is about, as shown: ``id``, ``log_time`` (ISO), ``state``, ``action``, ``repeat_type``, …
        facts: What its text needs: JSON types only, times as ISO 8601 text.
        incident: Name of the incident that it opens, repeats or closes, or "".
        reminder: True when it only repeats an incident: a newer one replaces it while it waits.
    """

    notice_id: str
    kind: str
    at: datetime
    owed: tuple[str, ...]
    row: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    incident: str = ""
    reminder: bool = False


@dataclass(frozen=True)
class Incident:
    """A condition that lasts.

    Attributes:
        since: When it began.
        told_at: When it was last told; None: nobody was told yet.
        facts: What its notices say, JSON types only.
    """

    since: datetime
    told_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """The newest word on the schedule.

    Attributes:
        repeat_type: What recurs; None after a stop.
        at: When that was said.
        explicit: False: only concluded from the ``repeat_type`` of other rows.
    """

    repeat_type: str | None
    at: datetime
    explicit: bool = True


@dataclass(frozen=True)
class SetAside:
    """Notices that could not be delivered to a channel and never will be.

    Attributes:
        count: All there ever were.
        untold: How many no notice has mentioned yet.
        last: The last few: ``{"notice_id", "kind", "channel", "why", "at"}``.
    """

    count: int = 0
    untold: int = 0
    last: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Memory:
    """Everything remembered of one organisation: one DynamoDB item. Field names are attribute names.

    Attributes:
        org: The organisation's key.
        version: Grows by one with each write; 0: never written.
        baseline_at: The first good read; None: there was none yet.
        last_seen_id: Newest row seen.
        last_seen_time: Its ``log_time``, or when it was first seen.
        seen: Row key → when it was first seen.
        outbox: Notices not yet accepted by every channel, oldest first.
        incidents: Name (``overdue``, ``stuck``, ``unreadable``, ``channel:slack`` …) → incident.
        schedule: The newest word on the schedule, kept when its row ages out.
        last_completed: Newest completed backup.
        failures_in_a_row: Failed backups since the last completed one.
        failing_since: The first of them.
        set_aside: What could not be delivered.
        digest_at: The last digest, or the baseline.
        outcomes: Outcomes since then: ``completed``, ``failed``, ``unknown`` → how many.
        channels: The channels configured at the last write.
        lease_owner: Request id of the check that is delivering, or None.
        lease_until: Until when nobody else may.
    """

    org: str
    version: int = 0
    baseline_at: datetime | None = None
    last_seen_id: str | None = None
    last_seen_time: datetime | None = None
    seen: Mapping[str, datetime] = field(default_factory=dict)
    outbox: tuple[Notice, ...] = ()
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    schedule: Schedule | None = None
    last_completed: datetime | None = None
    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    set_aside: SetAside = SetAside()
    digest_at: datetime | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None

    def owed_to(self, channel: str) -> list[Notice]:
        """Return what a channel has not accepted yet, oldest first."""
        return [notice for notice in self.outbox if channel in notice.owed]

    def accepted(self, channel: str, notice_ids: Collection[str]) -> "Memory":
        """Return the memory after a channel took these notices; a notice that nobody is owed any more is gone."""
        return replace(self, outbox=_settle(self.outbox, channel, notice_ids))

    def put_aside(self, channel: str, notice_ids: Collection[str], why: str, now: datetime) -> "Memory":
        """Return the memory after giving up on these notices for one channel; they are counted, never just dropped."""
        given_up = [notice for notice in self.owed_to(channel) if notice.notice_id in notice_ids]
        entries = tuple(
            {"notice_id": n.notice_id, "kind": n.kind, "channel": channel, "why": why, "at": now.isoformat()}
            for n in given_up
        )
        count = sum(_weight(notice) for notice in given_up)
        carried = sum(n.facts.get("set_aside", 0) for n in given_up if n.owed == (channel,))
        aside = SetAside(
            self.set_aside.count + count,
            self.set_aside.untold + count + carried,
            (*self.set_aside.last, *entries)[-MAX_SET_ASIDE:],
        )
        return replace(self, outbox=_settle(self.outbox, channel, notice_ids), set_aside=aside)

    def with_incident(self, name: str, incident: Incident | None) -> "Memory":
        """Return the memory with an incident opened, changed or (None) closed."""
        others = {key: value for key, value in self.incidents.items() if key != name}
        return replace(self, incidents=others if incident is None else {**others, name: incident})


def enqueue(outbox: Iterable[Notice], notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the outbox with these notices added: newer reminders replace older ones, and its size is bounded.

    What does not fit is folded, oldest first, into entries that count it by kind and name the first hundred; one entry
    for each set of channels that it is owed to, so that no channel is told twice.
    """
    kept = list(outbox)
    for notice in notices:
        replaced = [old for old in kept if notice.reminder and old.reminder and old.incident == notice.incident]
        kept = [old for old in kept if old not in replaced] + [_with_count_of(notice, replaced)]
    cut = len(kept) - MAX_OUTBOX + MAX_FOLDED if len(kept) > MAX_OUTBOX else 0
    while cut < len(kept) and sum(map(_bytes, _folded(kept, cut))) > MAX_OUTBOX_BYTES:
        cut += FOLDED_AT_ONCE
    return _folded(kept, cut)


def _folded(notices: Sequence[Notice], cut: int) -> tuple[Notice, ...]:
    """Return these notices with as many of the oldest folded."""
    oldest = sorted(notices[:cut], key=lambda notice: notice.owed)
    return (*(_fold(list(group)) for _, group in groupby(oldest, key=lambda notice: notice.owed)), *notices[cut:])


def _fold(notices: list[Notice]) -> Notice:
    counts: Counter[str] = Counter()
    named: list[Mapping[str, Any]] = []
    for notice in notices:
        if notice.kind == "folded":
            counts.update(notice.facts["counts"])
            named.extend(notice.facts["named"])
        else:
            counts[notice.kind] += 1
            row = notice.row or {}
            named.append({"kind": notice.kind, "row_id": row.get("id") or "", "log_time": row.get("log_time")})
    first = notices[0]
    first_id = first.facts["first_id"] if first.kind == "folded" else first.notice_id
    facts = {"first_id": first_id, "counts": dict(counts), "named": named[:MAX_NAMED]}
    newest = max(notice.at for notice in notices)  # so that nothing in it is given up before its time
    entry = Notice(f"{first_id}-folded-{counts.total()}", "folded", newest, first.owed, facts=facts)
    return _with_count_of(entry, notices)


def _with_count_of(notice: Notice, replaced: Sequence[Notice]) -> Notice:
    """Return a notice that also tells how many were set aside where one that it takes the place of would have."""
    count = sum(n.facts.get("set_aside", 0) for n in (notice, *replaced))
    return replace(notice, facts={**notice.facts, "set_aside": count}) if count else notice


def _settle(outbox: Iterable[Notice], channel: str, notice_ids: Collection[str]) -> tuple[Notice, ...]:
    settled = (
        replace(n, owed=tuple(c for c in n.owed if c != channel)) if n.notice_id in notice_ids else n for n in outbox
    )
    return tuple(notice for notice in settled if notice.owed)


def _weight(notice: Notice) -> int:
    return sum(notice.facts["counts"].values()) if notice.kind == "folded" else 1


def _bytes(notice: Notice) -> int:
    return len(json.dumps([notice.row, notice.facts], ensure_ascii=False).encode()) + 300


def iso(time: datetime | None) -> str | None:
    """Return a time as the memory and the notices keep it: ISO 8601 text in UTC."""
    return time.isoformat() if time else None
