"""A second opinion: from the rows that the history shows, the runs that were due, and what Zoho said of its plan.

Three conditions, each judged after every check: it must be open, it must not be, or both would be right. The model
knows the true calendar, so it needs no rules of thumb: an alarm is false where no run was missed, and it is missing
where nothing that was known could excuse the silence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

from tests.truth.organisation import DAY, MINUTE, Organisation, Raw, Rule
from tests.truth.play import Answered, Player

GRACE = HANG = DAY
DAYS = {"weekly": 7, "biweekly": 14}
OTHER_DAYS = 35
NOTHING = Rule("FREQ=MONTHLY", "")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """The history as it is shown, by time."""

    completed: tuple[datetime, ...]
    failed: tuple[datetime, ...]
    outcomes: tuple[datetime, ...]
    begun: tuple[datetime, ...]
    scheduled: tuple[datetime, ...]
    stopped: tuple[datetime, ...]

    @property
    def last_completed(self) -> datetime:
        """Return the newest completion."""
        return max(self.completed, default=NEVER)

    @property
    def open_ended(self) -> tuple[datetime, ...]:
        """Return when backups began that nothing has come of, nor of any that began later."""
        newest = max(self.outcomes, default=NEVER)
        return tuple(begun for begun in self.begun if begun > newest)

    @property
    def running_since(self) -> datetime | None:
        """Return when the newest backup began, if nothing came of it."""
        return max(self.open_ended, default=None)

    @property
    def failing(self) -> bool:
        """Return whether the newest outcome that counts is a failure."""
        return max(self.failed, default=NEVER) > self.last_completed


def shown(rows: Sequence[Raw]) -> Shown:
    """Return the rows by what they are; those without a time, all older than the others here, are left out."""

    def times(**fields: object) -> tuple[datetime, ...]:
        chosen = [raw for raw in rows if raw["log_time"] and all(raw[name] == value for name, value in fields.items())]
        return tuple(datetime.fromisoformat(raw["log_time"]).astimezone(UTC) for raw in chosen)

    return Shown(
        completed=times(state="completed"),
        failed=times(state="failed"),
        outcomes=tuple(time for state in {raw["state"] for raw in rows if raw["state"]} for time in times(state=state)),
        begun=times(state=None, action="initiated") + times(state=None, action=None),
        scheduled=times(action="scheduled"),
        stopped=times(action="stopped"),
    )


@dataclass(frozen=True)
class Due:
    """When the next backup is due, as far as anybody can know.

    Attributes:
        at: By then.
        counted_from: From then on nothing completed.
        gap: The longest that it can take.
        words: How often, in words.
        named: The next run that Zoho named, where it stands.
        ended: The rule had an end that is past.
    """

    at: datetime
    counted_from: datetime
    gap: timedelta
    words: str
    named: datetime | None
    ended: bool = False


class Window:
    """What the history of an organisation shows, sorted only when it changes."""

    def __init__(self, organisation: Organisation) -> None:
        """Keep the organisation."""
        self._organisation = organisation
        self._last: tuple[list[Raw], Shown] = ([], shown([]))

    def at(self, now: datetime) -> Shown:
        """Return what it shows then."""
        rows = self._organisation.rows(now)
        if rows is not self._last[0]:
            self._last = (rows, shown(rows))
        return self._last[1]


@cache
def longest_gap(rule: Rule, start: datetime) -> timedelta:
    """Return the longest gap between two runs in the next twenty years, clamped months counted as skipped ones."""
    runs = islice(Rule(rule.text, rule.repeat_type, rule.zone, rule.hour).runs(start), 1100)
    days = [run.astimezone(rule.zone).date() for run in runs if run < start + 20 * 366 * DAY]
    return max(after - before for before, after in pairwise(days))


class Oracle:
    """Judges the checks of one player after the fact."""

    def __init__(self, player: Player) -> None:
        """Keep what was seen and said."""
        self.organisation: Organisation = player.organisation
        self.player = player

    def complaints(self) -> Iterator[str]:
        """Yield every check after which an incident is open that must not be, or not open that must be."""
        window = Window(self.organisation)
        for now, names in self.player.open:
            if self.organisation.outage(now) is not None:
                continue
            rows = window.at(now)
            for name, must in self._verdicts(rows, now).items():
                if must is not None and must != (name in names):
                    yield f"{now:%d %b %H:%M}: {name} {'is not open' if must else 'is open'}"

    def _verdicts(self, rows: Shown, now: datetime) -> Mapping[str, bool | None]:
        return {
            "stuck": self._stuck(rows, now),
            "failing": rows.failing,
            "overdue": self._overdue(rows, now),
        }

    @staticmethod
    def _stuck(rows: Shown, now: datetime) -> bool | None:
        """Return True where the newest one hangs, None where only an older one did, whose end is not known."""
        hanging = [begun for begun in rows.open_ended if now - begun >= HANG]
        if not hanging:
            return False
        return True if rows.running_since in hanging else None

    def _overdue(self, rows: Shown, now: datetime) -> bool | None:
        """Return True where a run is overdue, False where none is, None where both may be said."""
        if not self._may_be_overdue(rows, now):
            return False
        running = rows.running_since
        if running is not None and running > rows.last_completed:
            return None
        limits = [*self.named(rows, now, news=True), self._by_the_longest_gap(rows)]
        return True if min(limits) + GRACE + MINUTE < now else None

    def _may_be_overdue(self, rows: Shown, now: datetime) -> bool:
        """Return whether any run was due, more than the grace ago, after which nothing completed."""
        at, rule = self._schedule(rows)
        since = max(rows.last_completed, at)
        if max(rows.stopped, default=NEVER) > at and now - since > min(self._intervals(rule, at)) + GRACE:
            return True
        due = [run.due for run in self.organisation.runs if run.due and run.due > at]
        return any(rows.last_completed < time < now - GRACE for time in due)

    def _schedule(self, rows: Shown) -> tuple[datetime, Rule]:
        """Return the newest schedule that the history shows, or the first of all where its row aged out."""
        newest = max(rows.scheduled, default=NEVER)
        rules = [(at, rule) for at, rule in self.organisation.schedules if rule is not None] or [(NEVER, NOTHING)]
        return max(((at, rule) for at, rule in rules if at <= newest), default=rules[0], key=lambda pair: pair[0])

    def due(self, rows: Shown, now: datetime, max_age_days: int = 0) -> Due:
        """Return when a backup is due to the letter of the rule, as far as it can be known by then."""
        last, baseline = rows.last_completed, self.player.open[0][0]
        at, rule = self._schedule(rows)
        changed = max(rows.scheduled, default=NEVER)
        answers = [a for a in self._answers(now) if a.at >= changed and a.body and a.body["backup"]["rrule"]]
        named = min(self.named(rows, now, news=True), default=None)
        counted = max(last, changed)
        ended = False
        if answers:
            first = answers[0].body
            assert first is not None
            start = datetime.fromisoformat(first["backup"]["start_date"])
            if start > answers[0].at:
                counted = max(counted, start.astimezone(UTC))
            gap, words = self._intervals(rule, at)[0], rule.words
            ended = "COUNT" in rule.text and all(run.due and run.due < now for run in self.organisation.runs)
        else:
            gap, words = DAYS.get(rule.repeat_type, OTHER_DAYS) * DAY, rule.repeat_type
        counted = counted if counted > NEVER else baseline
        if not self.organisation.schedules:
            gap, words = OTHER_DAYS * DAY, ""
        if max_age_days:
            counted, gap = baseline if last == NEVER else last, max_age_days * DAY
        limit = counted + gap
        stands = named if named and named <= limit and not max_age_days else None
        return Due(stands or limit, counted, gap, words, named, ended)

    def _answers(self, now: datetime) -> list[Answered]:
        """Return what Zoho said of the plan by then."""
        return [answer for answer in self.player.answered if answer.at <= now and answer.body is not None]

    def named(self, rows: Shown, now: datetime, *, news: bool = False) -> Iterator[datetime]:
        """Yield next runs that Zoho named since the schedule changed; for ``news`` only what stands and is to come."""
        changed = max((*rows.scheduled, *rows.stopped), default=NEVER)
        for answer in self._answers(now):
            assert answer.body is not None
            value = answer.body["backup"]["scheduled_date"]
            if value is None or answer.at < changed:
                continue
            at = datetime.fromisoformat(value).astimezone(UTC)
            if not news or (answer.news and at > rows.last_completed):
                yield at

    def _by_the_longest_gap(self, rows: Shown) -> datetime:
        at, rule = self._schedule(rows)
        return max(rows.last_completed, at, self._start(at)) + max(self._intervals(rule, at))

    def _start(self, at: datetime) -> datetime:
        """Return the first run of the schedule that was set up then: before it nothing is due."""
        return min((run.due for run in self.organisation.runs if run.due and run.due > at), default=at)

    def _intervals(self, rule: Rule, at: datetime) -> tuple[timedelta, timedelta]:
        """Return the longest gap that the rule has, and that its name stands for."""
        return longest_gap(rule, at), DAYS.get(rule.repeat_type, OTHER_DAYS) * DAY
