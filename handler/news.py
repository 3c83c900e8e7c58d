"""The rows that are news: how things stood when each happened, and what its notice is. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from handler import outcomes
from handler.decision import Decision, Links
from handler.due import how_often, next_run_fact
from handler.history import UNKNOWN_TIME, Event
from handler.incidents import IncidentKind
from handler.incidents.situation import Situation
from handler.memory import Incident, Memory, Schedule
from handler.outbox import IncidentRef, Notice, fitting
from handler.outcomes import OUTCOME_SYMBOLS, Story
from handler.wording import duration, plural

LINKS_LIVE_AT_MOST = timedelta(days=60)
"""Documented are seven; links that live longer belong to no backup that is news."""
RECENT = 10

Ended = dict[IncidentKind, Incident]
"""Incidents that ended."""


class Step(NamedTuple):
    """How the backups stood when a row happened.

    Attributes:
        event: The row.
        before: The last completed backup before it.
        failures: Failed backups in a row, this one included.
        since: The first of them.
        run: How many failures in a row a completed backup ended, and since when; (0, None) where it ended none.
        recent: The last few outcomes, this one included, oldest first.
    """

    event: Event
    before: datetime | None
    failures: int
    since: datetime | None
    run: tuple[int, datetime | None]
    recent: str


def walk(history: Sequence[Event], memory: Memory) -> list[Step]:
    """Walk through the history, oldest first; the memory stands in for what Zoho shows no more."""
    remembered = [event for event in history if event.row.key in memory.seen]
    shown = any(event.kind == "completed" and event.at == memory.last_completed for event in remembered)
    before = None if shown else memory.last_completed
    failed = sum(event.kind == "failed" for event in remembered)
    good = any(event.kind == "completed" for event in remembered)
    failures = 0 if good else max(0, memory.failures_in_a_row - failed)
    since = memory.failing_since if failures else None
    recent, steps = "", []
    for event in history:
        run: tuple[int, datetime | None] = (0, None)
        earlier = before if before and before <= event.at else None
        if event.row.state:
            recent = (recent + OUTCOME_SYMBOLS.get(event.kind, "?"))[-RECENT:]
        if event.kind == "completed":
            run, failures, since = (failures, since), 0, None
            before = max(before or event.at, event.at)
        elif event.kind == "failed":
            failures, since = failures + 1, since or event.at
        steps.append(Step(event, earlier, failures, since, run, " ".join(recent)))
    return steps


def notify_news(
    decision: Decision, stands: Situation, steps: Sequence[Step], before: Memory, ended: Ended
) -> list[Event]:
    """Notify of the rows that are news, as many as the outbox has room for, and return them; the others stay news.

    What a row ends is removed from `ended`.
    """
    news = [step for step in steps if step.event.row.key not in before.seen]
    outcomes_found = [step.event for step in news if step.event.row.state]
    ended_by: dict[str, Ended] = {step.event.row.key: {} for step in news}
    for kind, incident in ended.items():
        if event := kind.ended_by(incident, stands, outcomes_found):
            ended_by[event.row.key][kind] = incident
    made = [(step.event, _row_notice(decision, stands, step, before, ended_by[step.event.row.key])) for step in news]
    waiting = decision.room()
    room = fitting([*waiting, *(notice for _, notice in made if notice)]) - len(waiting)
    taken: list[Event] = []
    for event, notice in made:
        if notice:
            room -= 1
            if room < 0:
                break
            if notice.phase == "opened" and decision.memory.incidents["failing"].notified_at:
                notice = notice._replace(phase="ended" if notice.ends else "news")  # an earlier row here opened it
            if decision.notify(notice):
                _note_sent(decision, event, notice)
        for kind in ended_by[event.row.key]:
            del ended[kind]
        taken.append(event)
    return taken


def _row_notice(decision: Decision, stands: Situation, step: Step, before: Memory, closing: Ended) -> Notice | None:
    """Return the notice of a row that is news, or None where nobody wants to hear of it."""
    event, memory = step.event, decision.memory
    if event.kind == "started":
        return None
    known = {kind: incident for kind, incident in closing.items() if incident.notified_at}
    resolved = [kind.resolved(incident, event) for kind, incident in known.items()]
    wanted_with = {kind.KIND for kind in known} | {event.kind}
    ends = [incident.ref(kind.NAME) for kind, incident in known.items()]
    kind, superseded = event.kind, False
    if kind == "completed":
        later_known = before.last_completed is not None and before.last_completed >= event.at
        if step.run[0] and event is stands.recovered_by and not later_known:
            resolved.insert(0, _run(step))
            wanted_with.add("failed")
        kind = "recovered" if any(resolved) else kind
    elif kind == "failed":
        superseded = not _stands(memory, step)
    elif kind == "stopped":
        superseded = _is_newer(memory.schedule, event)
    elif kind == "scheduled" and (stop := _stop_ended(before.schedule, event)):
        resolved.append(f"no backup schedule for {duration(event.at - stop)}")
        ends.append(IncidentRef("stopped", stop, "warning"))
    if not decision.wants(*wanted_with) and not (kind == "scheduled" and ends):
        return None
    newest = event.kind == "completed" and event.at == memory.last_completed
    story = Story(
        kind,
        event.row,
        event.at,
        decision.now,
        before=step.before,
        newest_good=memory.last_completed,
        in_a_row=step.failures,
        failing_since=step.since,
        recent=step.recent if event.row.state else "",
        resolved=tuple(filter(None, resolved)),
        links=_links(decision, event) if newest else None,
        next_run=next_run_fact(memory, decision.policy.max_backup_age_days, decision.now),
        superseded=superseded,
        still_overdue="overdue" in memory.incidents,
        new_schedule=how_often(memory),
    )
    failing = memory.incidents.get("failing")
    opens = (failing.ref("failing"),) if failing and kind == "failed" and not superseded else ()
    phase = "opened" if opens and failing and not failing.notified_at else "ended" if ends or story.resolved else "news"
    return decision.notice(
        kind,
        event.row.key,
        outcomes.KINDS[kind].severity(story),
        outcomes.content(story),
        phase=phase,
        row=event.row,
        opens=opens,
        ends=tuple(ends),
    )


def _stands(memory: Memory, step: Step) -> bool:
    """Return whether no good backup is known that is newer than a failed one."""
    return memory.last_completed is None or memory.last_completed <= step.event.at


def _run(step: Step) -> str:
    count, since = step.run
    if count < 2 or since is None or since == UNKNOWN_TIME:
        return plural(count, "failed backup")
    return f"{count} failed backups over {duration(step.event.at - since)}"


def _is_newer(schedule: Schedule | None, event: Event) -> bool:
    """Return whether a schedule was set up after it was turned off here."""
    return schedule is not None and schedule.explicit and schedule.in_force and schedule.at >= event.at


def _stop_ended(schedule: Schedule | None, event: Event) -> datetime | None:
    """Return when the schedule was turned off that a recurring one set up now replaces, if that was sent."""
    recurs = event.row.repeat_type not in {None, "immediate"}
    stopped_at = schedule.stopped_at if schedule and schedule.stop_sent else None
    return stopped_at if recurs and stopped_at and event.at >= stopped_at else None


def _links(decision: Decision, event: Event) -> Links | None:
    """Ask where the newest backup can be downloaded; return what Zoho said if it can be this backup's."""
    decision.ask("links")
    links = decision.answers.links
    return links if links and timedelta(0) < links.until - event.at < LINKS_LIVE_AT_MOST else None


def leave_out(decision: Decision, later: Sequence[Event], stands: Situation) -> None:
    """Remember no failures of rows that stay news: the next check counts them again."""
    failed = sum(event.kind == "failed" for event in later) if stands.newest_failed else 0
    if failed:
        decision.remember(failures_in_a_row=max(0, decision.memory.failures_in_a_row - failed))


def _note_sent(decision: Decision, event: Event, notice: Notice) -> None:
    """Remember what a row's notice says as well: a failed one is its incident's, a stop is remembered as sent."""
    failing, schedule = decision.memory.incidents.get("failing"), decision.memory.schedule
    if notice.opens and failing:
        decision.set_incident("failing", failing.notified(decision.now))
    if notice.kind == "stopped" and notice.severity == "warning" and schedule and schedule.stopped_at == event.at:
        decision.remember(schedule=schedule._replace(stop_sent=True))
