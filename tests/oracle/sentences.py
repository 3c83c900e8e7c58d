"""Reads every message as a person does, at once and when it comes late, and judges each sentence that states a fact."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from handler.outbox import Notice
from tests.oracle.organisation import DAY, HOUR, MINUTE, WEEK, Raw, Run
from tests.oracle.play import Player
from tests.oracle.shown import NEVER, Shown, kind_of, schedule, time_of

LATE = (0, 5, 40, 200)
"""Hours after its decision at which a message is read."""
UNITS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
SYMBOLS = {"completed": "✓", "failed": "✗", "unknown": "?"}
NAMES = {"WEEKLY 1": "weekly", "MONTHLY 1": "monthly"}
SAVE = "Download the last successful backup first, before its links expire."
NEXT = "Next run|Next backup expected by|Was due|Due since"
SAVED = {"failed", "overdue", "stopped", "stuck"}
TIME = r"(\d\d \w{3} \d{4} \d\d:\d\d) UTC"
SPAN = r"(less than a minute|\d+ (?:minute|hour|day)s?)"
COUNTS = r"((?:\d+ (?:completed|failed|unknown)(?:, )?)+|none|no backups)"
SAID = {"due": f"(?:[Ww]as due:?|Due since:) {TIME}", "started": f"Started: {TIME}", "stop": f"Turned off: {TIME}"}
"""Times that later messages count from."""


class Truth:
    """What is so at each check, and what a message may say of it.

    Attributes:
        now: The time of the check, at which its notices are decided.
        history: Zoho's rows, and `rows` what they are.
        good: When the newest backup completed of which a check saw that, as its row says.
        since: When counting for the next digest began; `outcomes` counts.
        unread: When a check could not read the history for the first time since the last good read.
        notice: The notice that is judged; `read_at` is when a person reads it, `text` what that person reads.
    """

    now: datetime
    history: Sequence[Raw]
    rows: Shown
    notice: Notice
    read_at: datetime
    text: str

    def __init__(self, player: Player) -> None:
        """Know nothing yet."""
        self.player = player
        self.good = self.since = self.unread = NEVER
        self.outcomes = Counter[str]()
        self._told: dict[str, datetime] = {}
        self._readable, self._seen, self._begun = True, set[int](), set[datetime]()
        self._files: dict[str, tuple[int, ...]] = {}
        self._files_before, self._files_now = self._files, tuple[int, ...]()
        completed = [run for run in player.organisation.runs if run.ended and run.fate.state == "completed"]
        self._runs = {at: run for run in completed for at in (run.start, run.end)}

    def look(self, now: datetime, history: Sequence[Raw], rows: Shown, *, readable: bool) -> None:
        """See what a check sees."""
        self.now, self.history, self.rows = now, history, rows
        self.unread = now if self._readable and not readable else self.unread
        self._readable, self._files_before = readable, {**self._files}
        if not readable:
            return
        new = [raw for raw in history if id(raw) not in self._seen]
        if len(new) == len(history):  # the first one, or another one
            self.good, self._told, self._files = NEVER, {}, {}
        self._seen |= {id(raw) for raw in new}
        self.outcomes.update(map(kind_of, new))
        self._begun |= {time_of(raw) for raw in new if kind_of(raw) in {"begun", "unknown"}}
        self.good = max(self.good, rows.last_completed)
        self._files_now = ()
        if answer := self.player.linked.get(now):
            newest = next(raw for raw in history if time_of(raw) == self.good and kind_of(raw) == "completed")
            run = self._runs[self.good]
            self._files_now = run.files if answer == run.links_until <= self.good + 8 * DAY else ()
            if self._files_now != (0, 0) and answer > now:
                self._files[newest["repeat_type"]] = self._files_now

    def untrue(self, notice: Notice) -> Iterator[str]:
        """Yield each sentence that is not so or that nobody judges, and what is missing."""
        self.notice = notice
        for hours in LATE:
            self.read_at = self.now + hours * HOUR
            self.text = self.player.read(notice, self.read_at)
            yield from (f"{said} (read {hours} hours later)" for said in (*self._wrong(), *self._missing()))
        if notice.phase != "reminder":
            self._told |= {name: at for name in SAID if (at := self.said(name)) != NEVER}
        if notice.kind in {"baseline", "digest"}:
            self.since = self.now
            self.outcomes.clear()

    def _wrong(self) -> Iterator[str]:
        for sentence in sentences(self.text):
            judged = ((judge, match) for fact, judge in FACTS.items() if (match := re.fullmatch(fact, sentence)))
            if found := next(judged, None):
                yield from [] if found[0](self, *map(value, found[1].groups())) else [sentence]
            elif re.search(r"\d", sentence):
                yield f"nobody judges: {sentence}"

    def _missing(self) -> Iterator[str]:
        if re.search(r"Last successful backup: \d", self.text) and self.exact and "Last copy at Zoho" not in self.text:
            yield "no word of the last copy"
        kind, phase, said = self.notice.kind, self.notice.phase, SAVE in self.text
        bad, there = self.notice.severity != "info" and phase != "ended", "Last copy at Zoho: until" in self.text
        if said > there or said < (bad and there and kind in SAVED):
            yield "one word too many, or none, about saving the last copy"
        used_up = bad and kind == "failed" and phase != "reminder" and self.used_up(f"{self.row:%B}")
        if used_up > ("may be used up" in self.text):
            yield "no word of the month's backups"
        if kind in {"baseline", "digest", "completed"} and self.often("none") == bool(re.search(NEXT, self.text)):
            yield "one word too many, or none, about the next backup"
        before, counted = sum(self._files_before.get(self.repeats, ())), sum(self._files_now)
        newest = kind in {"completed", "recovered"} and self.row == self.good and "Download until" in self.text
        if newest and before and counted not in {0, before} and "Files:" not in self.text:
            yield "no word of the files"
        if ("Delayed:" in self.text) != (self.read_at > self.now + HOUR):
            yield "one word too many, or none, about coming late"

    # What is so.

    @property
    def row(self) -> datetime:
        """The time of the notice's row, or the time of the check without one."""
        return self.notice.row.log_time or NEVER if self.notice.row else self.now

    @property
    def repeats(self) -> str:
        """The type of the notice's row."""
        return (self.notice.row and self.notice.row.repeat_type) or ""

    @property
    def run(self) -> Run:
        """The backup that completed by the notice's row."""
        return self._runs[self.row]

    @property
    def exact(self) -> bool:
        """Whether the end of the newest backup's links is known: by its own time, or as Zoho said within a day."""
        until = self._runs[self.good].links_until if self.good in self._runs else NEVER
        answered = until in {expiry for asked, expiry in self.player.linked.items() if asked <= self.now}
        return self.good not in self._begun or (answered and until <= self.good + 8 * DAY)

    def copy(self, until: datetime, row: datetime) -> bool:
        """Return whether the links of the backup of this row expire then; the time of a beginning shows nothing."""
        known = {run.links_until for run in self._at_once(row)}
        return until in known or (until == row + WEEK and row not in self._begun)

    def files(self, count: str, row: datetime) -> bool:
        """Return whether Zoho said that the backup of this row has so many files."""
        return int(count) in {sum(run.files) for run in self._at_once(row)}

    def _at_once(self, row: datetime) -> list[Run]:
        """Return the backup that completed by this row, and those beside it: Zoho's answer is about the last one."""
        own = self._runs.get(row)
        return [run for run in {*self._runs.values()} if own and run.start <= own.end and own.start <= run.end]

    def files_before(self, of: Callable[[Sequence[int]], int], said: str) -> bool:
        """Return whether the last backup of this type had so many files, as far as Zoho said."""
        before = self._files_before.get(self.repeats)
        return not before or of(before) == int(said)

    def failures(self) -> list[datetime]:
        """Return the failures up to the notice's row since the completed backup before it."""
        times = [(time_of(raw), kind_of(raw)) for raw in self.history]
        good = max((at for at, kind in times if kind == "completed" and at < self.row), default=NEVER)
        return sorted(at for at, kind in times if kind == "failed" and good < at <= self.row)

    def strip(self) -> str:
        """Return how the last ten backups went."""
        ends = sorted((time_of(raw), kind_of(raw)) for raw in self.history if kind_of(raw) in SYMBOLS)
        return " ".join(SYMBOLS[kind] for _, kind in ends[-10:])

    def said(self, name: str) -> datetime:
        """Return a time that this message counts from: its own, or that of an earlier one."""
        found = re.search(SAID[name], self.text)
        return value(found[1]) if found else self._told.get(name, NEVER)

    def until(self) -> datetime:
        """Return until when the message says that its backup can be downloaded."""
        found = re.search(rf"Download until.*: {TIME}", self.text)
        return value(found[1]) if found else NEVER

    def plans(self) -> list[tuple[datetime, Raw]]:
        """Return what Zoho answered about its plan so far, and when."""
        return [(asked, body["backup"]) for asked, body, _ in self.player.answered if body and asked <= self.now]

    def named(self, at: datetime) -> bool:
        """Return whether Zoho named this run since the schedule changed."""
        changed = max(self.rows.last_scheduled, self.rows.last_stopped)
        runs = [plan["scheduled_date"] for asked, plan in self.plans() if asked >= changed]
        return at in {datetime.fromisoformat(run) for run in runs if run}

    def expected(self, at: datetime) -> bool:
        """Return whether it is reasonable that a backup completed by then: days after what the schedule counts from."""
        begins = [self.good, self.rows.last_scheduled, self.rows.last_stopped, self.player.open[0][0]]
        begins += [datetime.fromisoformat(start) for _, plan in self.plans() if (start := plan["start_date"])]
        return self.good < at and (self.named(at) or any((at - begin) % DAY == 0 * DAY for begin in begins))

    def often(self, words: str) -> bool:
        """Return whether the schedule is called so, by its rule or by the history."""
        if words == "none":
            begun = (at for at, _ in self.player.organisation.schedules)
            return self.rows.last_stopped > self.rows.last_scheduled or min(begun) > self.now
        rule = schedule(self.player.organisation, self.rows)[1]
        parts = dict(part.split("=") for part in rule.text.split(";"))
        every, unit = parts["INTERVAL"], {"WEEKLY": "weeks", "MONTHLY": "months"}[parts["FREQ"]]
        return words in {rule.repeat_type, NAMES.get(f"{parts['FREQ']} {every}"), f"every {every} {unit}", "scheduled"}

    def used_up(self, month: str) -> bool:
        """Return whether the month of the failure or due time may have no backup left."""
        at = self.said("due") if self.notice.kind == "overdue" else self.row
        months = [f"{time_of(raw):%B %Y}" for raw in self.history if kind_of(raw) == "completed" and raw["log_time"]]
        return f"{at:%B}" == month and months.count(f"{at:%B %Y}") == max(map(months.count, months), default=0) >= 2


def sentences(text: str) -> Iterator[str]:
    """Yield every sentence and every fact of a message."""
    for line in text.removeprefix("Acme: ").splitlines():
        label, _, phrases = line.partition(": ")
        if label in {"Resolved", "Ended"}:
            yield from phrases.split("; ")
        elif label != "Reference":
            yield from re.split(r"(?<=\.) (?=[A-Z])", line.removeprefix("- ").removeprefix("What to do: "))


def value(text: str) -> Any:
    """Return a time as what it is, and any other text as it stands."""
    is_time = re.fullmatch(TIME, f"{text} UTC")
    return datetime.strptime(text, "%d %b %Y %H:%M").replace(tzinfo=UTC) if is_time else text


def length(span: str) -> timedelta:
    """Return how long it is at least."""
    count, unit = span.removeprefix("less than ").replace("a ", "0 ").split()
    return int(count) * UNITS[unit.rstrip("s")]


def lasts(span: str, truth: timedelta) -> bool:
    """Return whether somebody would call it that."""
    return length(span) <= truth < length(span) + UNITS[span.split()[-1].rstrip("s")]


def counts(said: str, kinds: Counter[str]) -> bool:
    """Return whether “2 completed, 1 failed” is right."""
    right = ", ".join(f"{kinds[kind]} {kind}" for kind in SYMBOLS if kinds[kind])
    return said == right or (not right and said in {"none", "no backups"})


FACTS: dict[str, Callable[..., bool]] = {
    f"Last successful backup: (?:{TIME}|never)": lambda t, at: (at or NEVER) == t.good,
    rf"Last copy at Zoho: until {TIME} \({SPAN} left\)": lambda t, at, left: (
        t.copy(at, t.good) and at > t.read_at and lasts(left, at - t.read_at)
    ),
    f"Last copy at Zoho: links expired {TIME}": lambda t, at: t.copy(at, t.good) and at <= t.read_at,
    "Copies at Zoho now: (at least 1|none)": lambda t, copies: (
        (copies != "none") == ("Last copy at Zoho: until" in t.text)
    ),
    rf"Download until(?: \((\d+) files?\))?: {TIME}": lambda t, count, at: (
        at > t.now and t.copy(at, t.row) and (count is None or t.files(count, t.row))
    ),
    r"Download the files if you keep your own copy\.": lambda t: t.until() > t.read_at,
    r"Files: (\d+) \(before (\d+)\)": lambda t, now, before: (
        now != before and t.files(now, t.row) and t.files_before(sum, before)
    ),
    r"Zoho lists no attachment files for it, but (\d+) for the last backup of this type\.": lambda t, before: (
        not t.run.files[1] and int(before) > 0 and t.files_before(lambda files: files[1], before)
    ),
    f"(?:Completed|Failed|Turned off|Set up|Reported): {TIME}": lambda t, at: at == t.row,
    r"Job ID: (\d+)": lambda t, number: number in {raw["id"] for raw in t.history},
    r"Recent backups \(oldest first\): (.*)": lambda t, strip: strip == t.strip(),
    r"The history has (\d+) earlier entr(?:y|ies)(?: \((.*)\))?\.": lambda t, rows, kinds: (
        int(rows) == len(t.history) and counts(kinds or "none", Counter(map(kind_of, t.history)))
    ),
    f"Backup summary: {COUNTS}(?:, .*)?": lambda t, said: counts(said, t.outcomes),
    rf"Backups in the last {SPAN}: {COUNTS}\.": lambda t, span, said: (
        lasts(span, t.now - t.since) and counts(said, t.outcomes)
    ),
    f"Counted since: {TIME}": lambda t, at: at == t.since,
    r".*(?:: |, )(\d+) (?:open )?problems?.*": lambda t, count: int(count) == t.text.count("\n- "),
    rf"Backup still (?:running|not finished) after {SPAN}.*": lambda t, span: lasts(
        span, t.now - (t.said("started") if "Started" in t.text else min(t.rows.open_ended))
    ),
    f"Started: {TIME}": lambda t, at: t.notice.phase == "ended" or at in t.rows.open_ended,
    "If it completes within 7 days of its start, .*": lambda t: t.now < t.said("started") + WEEK,
    f"a backup that ran for {SPAN}": lambda t, span: lasts(span, t.row - t.said("started")),
    "a backup that had not finished": lambda t: t.row <= t.said("started"),
    f"(?:Backup|Still no backup,) {SPAN} late.?": lambda t, span: lasts(span, t.now - t.said("due")),
    rf"Your (\w+) backup was due {TIME} and has not completed\.": lambda t, words, at: (
        t.often(words) and t.good < at < t.now and (t.named(at) or "It should run at least every" in t.text)
    ),
    r"It should run at least every (\d+) days\.": lambda t, days: t.good <= t.said("due") - int(days) * DAY,
    f"(?:Was due|Due since): {TIME}": lambda t, at: at < t.now and t.expected(at),
    f"Next run: {TIME}": lambda t, at: at >= t.now and t.good < at and t.named(at),
    f"Next backup expected by: {TIME}": lambda t, at: at >= t.now and t.expected(at),
    f"(?:No backup for|Still no backup after) {SPAN}.?": lambda t, span: lasts(span, t.now - t.good),
    rf"No backup has completed for {SPAN}\.?": lambda t, span: lasts(span, t.now - t.good),
    rf"a backup that was {SPAN} late": lambda t, span: lasts(span, t.row - t.said("due")),
    "an overdue alert: the backup was in time, and Zoho listed it late": lambda t: t.run.end <= t.said("due"),
    rf"no backup schedule for {SPAN}": lambda t, span: lasts(span, t.row - t.said("stop")),
    r"(?:Failures in a row:|Backup failed,|The last) (\d+).*|(\d+) failed backups?": lambda t, one, other: (
        int(one or other) == len(t.failures())
    ),
    rf"(\d+) failed backups over {SPAN}": lambda t, count, span: (
        int(count) == len(t.failures()) and lasts(span, t.row - t.failures()[0])
    ),
    f"Failing since: {TIME}": lambda t, at: at == t.failures()[0],
    r"(\w+)'s backups may be used up: Zoho includes 2 backups a month \(Ultimate: 4\)\.": lambda t, month: t.used_up(
        month
    ),
    "(?:Schedule|New schedule|The previous schedule was):? ([^.]*).?": lambda t, words: t.often(words),
    "No backup schedule is set up.*": lambda t: t.often("none"),
    f"(?:Since|Not monitored since): {TIME}": lambda t, at: at == t.unread,
    rf"(?:For:|Monitoring resumed after) {SPAN}.?": lambda t, span: lasts(span, t.now - t.unread),
    rf"Delayed: this message is from {TIME}\.": lambda t, at: at == t.now,
    r"(?:Technical detail: )?HTTP 500\.?|.* more than 20\.": lambda t: True,
}
"""A sentence → whether it is so, by what it states."""
