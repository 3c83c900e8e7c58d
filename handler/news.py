"""The rows that are news, and their notices. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from handler import outcomes
from handler.codec import to_plain
from handler.decision import Decision
from handler.history import NO_NEWS, Event, Row, classify, known_time
from handler.incidents import INCIDENTS
from handler.incidents.kind import Ended
from handler.memory import MAX_BY_ID, Memory
from handler.message import count_kinds, symbol_of_many
from handler.outbox import IncidentRef, Notice
from handler.plan import Schedule
from handler.schedule import recurs
from handler.timeline import Standing, Timeline
from handler.wording import NO_ACTION, Content, Line, compact_time, duration, plural, rank

LIST = "list"
SEPARATE = 3
"""More wanted notices of rows than this in one check become one list."""
LISTED = 100
"""How many of the newest rows in a list get a line each."""
SEPARATE_UNKNOWN = 30
"""More unknown entries than this join the list: the item has no room for so many notices."""


class Ending(NamedTuple):
    """Something that a row ends.

    Attributes:
        kind: The kind of the notices about it.
        phrase: How its end reads in the row's notice, or "" if the notice says it anyway.
        ref: The incident, if its end closes an alert.
    """

    kind: str
    phrase: str
    ref: IncidentRef | None = None


def notify_news(decision: Decision, timeline: Timeline, before: Memory, ended: Sequence[Ended]) -> None:
    """Send a notice for each row that is news, or one list if there are many.

    Args:
        decision: The decision in the making; its incidents are evaluated.
        timeline: The history.
        before: The memory before this check.
        ended: The incidents that have just ended.
    """
    notices: list[tuple[Event, Notice]] = []
    for standing in timeline.standings:
        event = standing.event
        if event.row.key not in before.seen and event.kind not in NO_NEWS:
            notice = _row_notice(decision, timeline, standing, before, ended)
            notices += [(event, notice)] if notice else []
    listed = _listed(notices)
    for event, notice in [one for one in notices if one not in listed]:
        if notice.phase == "opened" and decision.memory.incidents["failing"].notified_at:
            notice = notice._replace(phase="ended" if notice.ends else "news")  # an earlier row here opened it
        if decision.notify(notice):
            _note_sent(decision, event, notice)
    if listed and decision.notify(_list_notice(decision, listed)):
        for event, notice in listed:
            _note_sent(decision, event, notice)


def _row_notice(
    decision: Decision, timeline: Timeline, standing: Standing, before: Memory, ended: Sequence[Ended]
) -> Notice | None:
    """Return the notice of a row that is news, or None if the company does not want it."""
    event = standing.event
    stop = _stop_ended(before.schedule, event)
    told = [one for one in ended if one.event == event and one.incident.notified_at]
    endings = _ended_run(timeline, standing, before)
    endings += [Ending(one.kind.kind, one.phrase, one.incident.ref(one.kind.name)) for one in told]
    endings += [*_explained(timeline, event, before), *stop]
    if not (decision.wants(event.kind, *(ending.kind for ending in endings)) or stop):
        return None
    resolved = tuple(ending.phrase for ending in endings if ending.phrase)
    ends = tuple(ending.ref for ending in endings if ending.ref)
    still = outcomes.STILL.keys() & decision.memory.incidents
    kind = "recovered" if event.kind == "completed" and resolved and not still else event.kind
    news = standing._replace(kind=kind, resolved=resolved)
    fails = kind == "failed" and not outcomes.superseded(decision, news)
    failing = decision.memory.incidents.get("failing") if fails else None
    opens = (failing.ref("failing"),) if failing else ()
    if kind == "unknown" and event.is_outcome:
        opens = (IncidentRef(f"unknown:{event.row.key}", event.at),)
    phase = "opened" if failing and not failing.notified_at else "ended" if ends or resolved else "news"
    severity, content = outcomes.severity_and_content(decision, news)
    return decision.notice(kind, event.row.key, severity, content, phase=phase, row=event.row, opens=opens, ends=ends)


def _ended_run(timeline: Timeline, standing: Standing, before: Memory) -> list[Ending]:
    """Return the failures in a row that a completed backup ended, if it ended any."""
    (count, since), event = standing.run, standing.event
    later_known = before.last_completed is not None and before.last_completed >= event.at
    if not count or event is not timeline.current.recovered_by or later_known:
        return []
    lasted = f" over {duration(event.at - since)}" if count > 1 and since and known_time(since) else ""
    return [Ending("failed", plural(count, "failed backup") + lasted)]


def _explained(timeline: Timeline, event: Event, before: Memory) -> list[Ending]:
    """Return the unknown state that this outcome explains: an earlier one of the same row, of which nobody else speaks.

    One id may stand for all runs of a schedule. So the entry must have changed in place, or the two be the only ones.
    """
    known = before.unknown.get(event.row.id) if event.kind in {"completed", "failed"} else None
    if known is None or event.at < known.since:
        return []
    same = [one for one in timeline.events if one.is_outcome and one.row.id == event.row.id]
    shown = any(one.kind == "unknown" and one.at == known.since for one in same)
    return [] if shown and len(same) > 2 else [Ending("unknown", "an entry with an unknown state", known)]


def _stop_ended(schedule: Schedule | None, event: Event) -> list[Ending]:
    """Return the stop that a new recurring schedule ends, if that was sent."""
    stopped_at = schedule.stopped_at if schedule and schedule.stop_sent else None
    if event.kind != "scheduled" or not stopped_at or not recurs(event) or event.at < stopped_at:
        return []
    phrase = f"no backup schedule for {duration(event.at - stopped_at)}"
    return [Ending("stopped", phrase, IncidentRef("stopped", stopped_at, "warning"))]


def _listed(notices: Sequence[tuple[Event, Notice]]) -> list[tuple[Event, Notice]]:
    """Return the notices that go into one list: none if there are few. A person closes each unknown entry by itself."""
    unknown = [notice.notice_id for _, notice in notices if notice.kind == "unknown"][:SEPARATE_UNKNOWN]
    listed = [(event, notice) for event, notice in notices if notice.notice_id not in unknown]
    return listed if len(listed) > SEPARATE else []


def _list_notice(decision: Decision, listed: Sequence[tuple[Event, Notice]]) -> Notice:
    """Return one notice for many rows: how things stand now, a line a row, and what they open and end together."""
    notices = [notice for _, notice in listed]
    gravest = max(reversed(notices), key=lambda notice: rank(notice.severity))
    lines = [_list_line(event, notice) for event, notice in listed[-LISTED:]]
    if older := notices[:-LISTED]:
        lines.insert(0, Line(f"{plural(len(older), 'older entry', 'older entries')}: {count_kinds(older)}"))
    incidents = decision.memory.incidents
    open_now = [k.content(decision, incidents[k.name], "opened") for k in INCIDENTS if k.name in incidents]
    entries = plural(len(notices), "new entry", "new entries")
    title, sentence = f"{entries}: {count_kinds(notices)}", f"The backup history has {entries}."
    sentence = " ".join((sentence, *(f"{content.title}." for content in open_now)))
    symbol, good = symbol_of_many(gravest.severity), decision.last_good_facts()
    step = NO_ACTION if gravest.severity == "info" else gravest.content.next_step
    content = Content(symbol, title, sentence, good, tuple(lines), "Entries", next_step=step)
    alerting = [notice for notice in notices if notice.kind != "unknown"]  # nobody could close so many alerts
    opens = {ref.name: ref._replace(line=notice.content.title) for notice in alerting for ref in notice.opens}
    ends = {ref: ref._replace(line=notice.content.title) for notice in notices for ref in notice.ends}
    phases = ("opened", "ended", "news")
    more: dict[str, Any] = {
        "phase": min((notice.phase for notice in notices), key=phases.index),
        "opens": tuple(opens.values()),
        "ends": tuple(ends.values()),
        "kinds": tuple(dict.fromkeys(notice.kind for notice in notices)),
        "row_keys": tuple(event.row.key for event, _ in listed),
    }
    return decision.notice(LIST, f"{LIST}-{compact_time(decision.now)}", gravest.severity, content, **more)


def _list_line(event: Event, notice: Notice) -> Line:
    job = f" · Job ID {event.row.id}" if event.row.id else ""
    return Line(notice.content.title + job, known_time(event.at))


def _note_sent(decision: Decision, event: Event, notice: Notice) -> None:
    """Remember what the notice of a row opened: `failing`, a stop, an unknown state; and forget what it explains."""
    failing, schedule, row_id = decision.memory.incidents.get("failing"), decision.memory.schedule, event.row.id
    if notice.kind == "failed" and notice.opens and failing:
        decision.set_incident("failing", failing.notified(decision.now))
    unknown = {row: ref for row, ref in decision.memory.unknown.items() if ref not in notice.ends}
    if notice.kind == "unknown" and notice.opens and row_id:
        unknown[row_id] = notice.opens[0]
    decision.update_memory(unknown=dict([*unknown.items()][-MAX_BY_ID:]))
    if notice.kind == "stopped" and notice.severity == "warning" and schedule and schedule.stopped_at == event.at:
        decision.update_memory(schedule=schedule._replace(stop_sent=True))


def explain(row: Row, memory: Memory, sent: Mapping[str, str], listed: Collection[str]) -> dict[str, Any]:
    """Return what a row counts as, whether it is new, since when it is known, and why a notice is sent or not.

    Args:
        row: The row.
        memory: The memory before the decision.
        sent: The id of each notice of the decision → its kind.
        listed: The keys of the rows in its lists.
    """
    kind, notice_id = classify(row), f"{memory.org}-{row.key}"
    known = memory.seen.get(row.key)
    if known:
        why = f"known since {to_plain(known)}"
    elif "baseline" in sent.values():
        why = "the first check remembers it; the baseline sums it up"
    elif notice_id in sent:
        why = f"new, and sent as {sent[notice_id]}"
    elif row.key in listed:
        why = "new, and sent in a list with the others"
    elif kind in NO_NEWS:
        why = f"new, but {NO_NEWS[kind]}"
    else:
        why = f"new, but NOTIFY_ON does not have {kind}"
    return {"counts_as": kind, "new": not known, "known_since": to_plain(known), "why": why}
