"""A second opinion: from the rows that the history shows, the runs that were due, and what Zoho said of its plan.

Three conditions, each judged after every check: it must be open, it must not be, or both would be right. The model
knows the true calendar, so it needs no rules of thumb: an alarm is false where no run was missed, and it is missing
where nothing that was known could excuse the silence. In addition each notice must have a cause when it is sent.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

from handler.outbox import Notice
from tests.oracle.organisation import DAY, MINUTE, WEEK, Raw, Rule
from tests.oracle.play import Player
from tests.oracle.sentences import Truth
from tests.oracle.shown import NEVER, Shown, schedule, shown

GRACE = HANG = DAY
DAYS = {"weekly": 7, "biweekly": 14}
OTHER_DAYS = 35
REMINDED = {*range(1, 8), *range(14, 400, 7)}
"""Days after its opening on which an incident is reminded of: daily for a week, then weekly."""
TOLERATED = {"revoked": DAY * 0, "refused": DAY / 24, "replaced": DAY / 24, "transient": DAY / 4}
"""How long the history may be unreadable before that is said."""
LENGTHS = 5
"""How many completed backups at least are remembered, by how long they ran."""
BACKUPS = frozenset({"overdue", "stuck", "failing"})


@cache
def longest_gap(rule: Rule, start: datetime) -> timedelta:
    """Return the longest gap between two runs in the next twenty years, clamped months counted as skipped ones."""
    runs = islice(Rule(rule.text, rule.repeat_type, rule.zone, rule.hour).runs(start), 1100)
    days = [run.astimezone(rule.zone).date() for run in runs if run < start + 20 * 366 * DAY]
    return max(after - before for before, after in pairwise(days))


def complaints(player: Player) -> Iterator[str]:
    """Yield every check after which an incident is wrongly open or not, and what was said without a cause."""
    organisation = player.organisation
    history: list[Raw] = []
    truth = Truth(player)
    rows, before, heard, failed_at, said = shown(history), frozenset[str](), NEVER, NEVER, frozenset[str]()
    for now, after in player.open:
        readable = organisation.outage(now) is None
        if organisation.rows(now) is not history:
            history = organisation.rows(now)
            rows = shown(history)
        truth.look(now, history, rows, readable=readable)
        sent = [notice for notice in player.sent if notice.at == now]
        verdicts = {"stuck": _stuck(player, rows, now), "failing": rows.failing, "overdue": _overdue(player, rows, now)}
        verdicts = {"unreadable": not readable, **(verdicts if readable else {})}
        wrong = [name for name, must in verdicts.items() if must not in {None, name in after}]
        yield from (f"{now:%d %b %H:%M}: {name} {'is' if name in after else 'is not'} open" for name in wrong)
        failures = [notice for notice in sent if notice.kind == "failed" and notice.severity == "critical"]
        before |= {"failing" for notice in failures}
        failed_at = now if failures else failed_at
        for notice in sent:
            if notice.kind == "overdue" and notice.severity == "critical" and now - failed_at < DAY:
                yield f"{now:%d %b %H:%M}: overdue {notice.phase} on the day of a failure"
            if why := _without_cause(notice, rows, before, after, readable=readable):
                yield f"{now:%d %b %H:%M}: {notice.severity} {notice.kind} {notice.phase} {why}"
            yield from (
                f"{now:%d %b %H:%M}: {notice.kind} {notice.phase} says: {said}" for said in truth.untrue(notice)
            )
        kinds = {"failing" if n.kind == "failed" else n.kind for n in sent if n.severity == "critical"}
        said = BACKUPS if "baseline" in kinds else (said | kinds) & after
        heard = now if kinds & BACKUPS else heard
        unsaid = sorted((after & BACKUPS) - said)
        if unsaid and readable and rows.running_since == NEVER and now - heard >= DAY:
            yield f"{now:%d %b %H:%M}: {unsaid} open, and nothing was said of it"
        before = after


def reminders(player: Player) -> Iterator[str]:
    """Yield each hour at which the only open incident is not said or reminded of as it must be, checked every hour."""
    organisation, said = player.organisation, {(n.at, n.kind, n.phase == "reminder") for n in player.sent}
    seen, told = dict[str, datetime](), dict[str, datetime]()
    for now, after in player.open:
        seen = {name: seen.get(name, now) for name in after}
        told = {name: at for name, at in told.items() if name in after}
        running = any(run.began and run.start <= now < (run.ended or now + DAY) for run in organisation.runs)
        for name in after:
            kind = "failed" if name == "failing" else name
            if {(now, kind, False), (now, "baseline", False)} & said:
                told[name] = now
            quiet = name == "unreadable" and now - seen[name] < TOLERATED[organisation.outage(now) or ""]
            due = name in told and (now - told[name]) / DAY in REMINDED
            wrong = (name in told) == quiet or due != ((now, kind, True) in said)
            if wrong and len(after) == 1 and not (running and name == "overdue"):
                yield f"{now:%d %b %H:%M}: {name}, {'no reminder' if due else 'no opening, or one word too many'}"


def _stuck(player: Player, rows: Shown, now: datetime) -> bool | None:
    """Return True where the oldest that runs hangs, False where the last runs took so long, None where some did."""
    lasts = now - min(rows.open_ended, default=now)
    if lasts < HANG or lasts >= WEEK:
        return lasts >= WEEK
    good = [run for run in player.organisation.runs if run.ended and run.fate.state == "completed"]
    ends = sorted((run.end + run.fate.late, run.start, run.end) for run in good)
    known = [(shown, start, end) for shown, start, end in ends if shown <= now]
    outage, first = player.organisation.outage, player.open[0][0]
    watched = [end - start for shown, start, end in known[-LENGTHS:] if shown > first and not outage(shown)]
    if lasts < 1.5 * max(watched, default=DAY * 0) - MINUTE:
        return False
    longest = max((shown - start for shown, start, _ in known), default=DAY * 0)
    between_checks = player.open[1][0] - player.open[0][0]
    return True if lasts >= 1.5 * (longest + between_checks) else None


def _overdue(player: Player, rows: Shown, now: datetime) -> bool | None:
    """Return True where a run is overdue, False where none is, None where both may be said."""
    at, rule = schedule(player.organisation, rows)
    gaps = longest_gap(rule, at), DAYS.get(rule.repeat_type, OTHER_DAYS) * DAY
    due = [run.due for run in player.organisation.runs if run.due and run.due > at]
    stopped = rows.last_stopped > at and now - max(rows.last_completed, at) > min(gaps) + GRACE
    if not stopped and not any(rows.last_completed < time < now - GRACE for time in due):
        return False
    if rows.running_since > rows.last_completed:
        return None
    # Before the first run of a schedule nothing is due.
    limits = [*_named(player, rows, now), max(rows.last_completed, at, min(due, default=at)) + max(gaps)]
    return True if min(limits) + GRACE + MINUTE < now else None


def _named(player: Player, rows: Shown, now: datetime) -> Iterator[datetime]:
    """Yield the next runs that Zoho named since the schedule changed, when it was asked because of news."""
    changed = max(rows.last_scheduled, rows.last_stopped)
    for asked, body, news in player.answered:
        named = body["backup"]["scheduled_date"] if body and news and changed <= asked <= now else None
        if named and (at := datetime.fromisoformat(named).astimezone(UTC)) > rows.last_completed:
            yield at


def _without_cause(
    notice: Notice, rows: Shown, before: frozenset[str], after: frozenset[str], *, readable: bool
) -> str:
    """Return what the notice speaks of that is not so, "" if nothing; these incidents were open before, or just now."""
    bad = notice.severity != "info"
    if notice.kind != "unreadable" and not readable:
        return "while nothing can be read"
    match notice.kind:
        case "overdue" | "stuck" if bad != (notice.kind in after):
            return f"while it is {'not ' if bad else ''}open"
        case "failed" if bad and not rows.failing:
            return "although a later backup is good"
        case "failed" if notice.phase == "reminder" and "overdue" in after and rows.running_since == NEVER:
            return "although overdue says it"
        case "recovered" if not before & BACKUPS and not any("unknown" in ref.name for ref in notice.ends):
            return "of nothing"
        case "recovered" if still := after & {"overdue", "failing"}:
            return f"although {sorted(still)} is open"
        case "digest" if bad != bool(after or rows.last_stopped > rows.last_scheduled):
            return f"while {sorted(after)} is open"
        case "stopped" if bad != (rows.last_stopped > rows.last_scheduled):
            return "although the newest schedule says otherwise"
    return ""
