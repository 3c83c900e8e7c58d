"""Reads a rendered message back, and compares every fact in it with what was known at that minute.

Nothing may stand in a message that is not checked: a number, an age or a fact's label that no line here knows is a
complaint, too.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from handler.message import Recipient, text
from handler.outbox import Notice
from tests.truth.known import Known, minutes
from tests.truth.oracle import NEVER
from tests.truth.organisation import DAY, MINUTE, Organisation, Raw
from tests.truth.play import Player

ZONE = ZoneInfo("Asia/Kolkata")
SPAN = r"(less than a minute|\d[\d,]* (?:minute|hour|day)s?)"
UNITS = {"minute": MINUTE, "hour": 60 * MINUTE, "day": DAY}
LINKS_LIVE = 7 * DAY
NUMBER = r"\d[\d,]*"
LISTED = rf"({NUMBER} \w+(?:, {NUMBER} \w+)*)"


class Spoken:
    """One message, and what was known when it was decided."""

    def __init__(self, notice: Notice, known: Known, organisation: Organisation) -> None:
        """Render it as SNS takes it."""
        self.notice, self.known = notice, known
        self.runs = [run.due for run in organisation.runs if run.due]
        self.changes = [at for at, _ in organisation.schedules]
        recipient = Recipient("acme", "Acme", ZONE, "https://crm.zoho.in", notice.at)
        self.text = text([notice], recipient)
        row_id = notice.row.id if notice.row else None
        # A reminder shows its row as well: the newest one with this id.
        self.row: tuple[datetime, Raw] = next(
            (event for event in reversed(known.events) if event[1]["id"] == row_id), (NEVER, {})
        )

    def complaints(self) -> Iterator[str]:
        """Yield every fact that is not so, and everything that nobody checked."""
        title, *lines = self.text.removeprefix("Acme: ").split("\n")
        yield from self._prose(title)
        for line in lines:
            label, colon, value = line.partition(": ")
            if colon and label in FACTS:
                if not FACTS[label](self, value):
                    yield f"“{line}” is not so"
            elif label in IGNORED:
                continue
            elif colon and re.fullmatch(r"[A-Z][\w' ()]{2,30}", label) and not PROSE_WITH_COLON.match(line):
                yield f"nobody checks “{line}”"
            else:
                yield from self._prose(line.removeprefix("- "))

    def _prose(self, line: str) -> Iterator[str]:
        rest = line
        for pattern, check in SENTENCES.items():
            for match in re.finditer(pattern, line):
                rest = rest.replace(match.group(0), "")
                if not check(self, *match.groups()):
                    yield f"“{match.group(0)}” is not so"
        if re.search(r"\d|less than", rest):
            yield f"nobody checks “{rest}”"

    # What may be said.

    def failures(self) -> tuple[int, datetime | None]:
        """Return failures in a row: up to the row that is news, or now."""
        of_row = self.notice.kind == "failed" and self.notice.phase != "reminder"
        return self.known.failures(self.row[0] if of_row else self.known.now)

    def counts(self) -> dict[str, int]:
        """Return outcomes of the whole history at the baseline, else since the last digest."""
        if self.notice.kind != "baseline":
            return dict(self.known.outcomes)
        return dict(Counter(raw["state"] for _, raw in self.known.events if raw["state"]))

    def resolved(self, value: str) -> bool:
        """Check what a completed backup ends: how many, and for how long until it completed."""
        at = self.row[0]
        for part in value.split("; "):
            if match := re.fullmatch(rf"(\d+) failed backups?(?: over {SPAN})?", part):
                count, since = self.known.failures(at - timedelta(seconds=1))
                right = count == int(match[1]) and (not match[2] or bool(since and spans(match[2], at - since)))
            elif match := re.fullmatch(rf"a backup overdue for {SPAN}", part):
                right = any(spans(match[1], at - since) for since in self.known.overdue_from)
            elif part == "an overdue alert: the backup had completed in time, and Zoho listed it late":
                right = at <= max(self.known.overdue_from)
            elif match := re.fullmatch(rf"a backup that ran for {SPAN}", part):
                right = any(spans(match[1], at - began) for began in self.known.begun if began < at)
            elif part == "a backup that had not finished":
                right = at in self.known.begun and at not in self.known.running()
            elif match := re.fullmatch(rf"no backup schedule for {SPAN}", part):
                stops = [stop for stop, raw in self.known.events if raw["action"] == "stopped" and stop < at]
                right = spans(match[1], at - max(stops))
            else:
                right = False
            if not right:
                return False
        return True


def span(words: str) -> timedelta:
    """Return a time span as it was written: the least that it can mean."""
    if words == "less than a minute":
        return timedelta(0)
    number, unit = words.replace(",", "").split()
    return int(number) * UNITS[unit.removesuffix("s")]


def spans(words: str, truth: timedelta) -> bool:
    """Return whether a written span is that one, whole units of it."""
    unit = MINUTE if words == "less than a minute" else UNITS[words.split()[1].removesuffix("s")]
    return span(words) <= truth < span(words) + unit


def moment(value: str) -> datetime | None:
    """Return a time as it was written, in UTC; None where its two zones disagree."""
    if match := re.fullmatch(r"(\d\d \w{3} \d{4} \d\d:\d\d) UTC", value):
        return _time(match[1]).replace(tzinfo=UTC)
    match = re.fullmatch(r"((\d\d \w{3}) (\d{4}) \d\d:\d\d) IST \((?:(\d\d \w{3}) )?(\d\d:\d\d) UTC\)", value)
    if match is None:
        return None
    local = _time(match[1]).replace(tzinfo=ZONE).astimezone(UTC)
    return local if f"{local:%d %b %H:%M}" == f"{match[4] or match[2]} {match[5]}" else None


def _time(value: str) -> datetime:
    return datetime.strptime(value, "%d %b %Y %H:%M")  # noqa: DTZ007 - the caller knows the zone


def same(value: str, truth: datetime | None) -> bool:
    """Return whether a written time is that minute; "never" where there is none."""
    if truth is None:
        return value == "never"
    return moment(value) == truth.replace(second=0, microsecond=0)


def counted(value: str, truth: dict[str, int]) -> bool:
    """Return whether "3 completed, 1 failed" is true."""
    said = {word: int(number.replace(",", "")) for number, word in re.findall(rf"({NUMBER}) (\w+)", value)}
    return said == {state if state in {"completed", "failed"} else "unknown": n for state, n in truth.items()}


def _ended(spoken: Spoken) -> bool:
    return spoken.known.due.ended


def _next_run(spoken: Spoken, value: str) -> bool:
    """Check that Zoho named it, and that no run is due before it."""
    now, named = spoken.known.now, moment(value)
    changes = [at for at in spoken.changes if at > now]
    known = min((*changes, named or now))  # nobody knows yet of a schedule that is set up later
    between = [run for run in spoken.runs if now < run < known]
    return named is not None and named in spoken.known.named and named >= now and not between


def _expected(spoken: Spoken, value: str) -> bool:
    """By the longest gap: true also where Zoho named an earlier run in an answer that did not count."""
    due = spoken.known.due
    by_gap = due.counted_from + due.gap
    return by_gap >= spoken.known.now and (same(value, by_gap) or (same(value, due.at) and due.named != due.at))


def _was_due(spoken: Spoken, value: str) -> bool:
    return same(value, spoken.known.due.at) and spoken.known.due.at < spoken.known.now


def _schedule(spoken: Spoken, value: str) -> bool:
    known = spoken.known
    return value == (known.due.words if known.scheduled else "none")


def _previous(spoken: Spoken, value: str) -> bool:
    return same(value, spoken.known.completed_before(spoken.row[0]))


def _who(spoken: Spoken, value: str) -> bool:
    return bool(value == spoken.row[1]["done_by"]["name"])


def _row_time(spoken: Spoken, value: str) -> bool:
    return same(value, spoken.row[0])


FACTS: dict[str, Callable[[Spoken, str], bool]] = {
    "Last successful backup": lambda s, v: same(v, s.known.last_completed),
    "Previous backup": _previous,
    "Previous successful backup": _previous,
    "Next run": _next_run,
    "Next backup expected by": _expected,
    "Was due": _was_due,
    "Schedule": _schedule,
    "New schedule": _schedule,
    "Completed": _row_time,
    "Failed": _row_time,
    "Reported": _row_time,
    "Turned off": _row_time,
    "Set up": _row_time,
    "Started": lambda s, v: any(same(v, began) for began in s.known.begun),
    "Download until": lambda s, v: same(v, s.row[0] + LINKS_LIVE) and s.row[0] + LINKS_LIVE > s.known.now,
    "Failures in a row": lambda s, v: int(v) == s.failures()[0],
    "Failing since": lambda s, v: same(v, s.failures()[1]),
    "Resolved": Spoken.resolved,
    "Ended": Spoken.resolved,
    "Started by": _who,
    "Done by": _who,
    "Type": lambda s, v: v == {"immediate": "one-time"}.get(s.row[1]["repeat_type"], s.row[1]["repeat_type"]),
    "Job ID": lambda s, v: bool(s.notice.row and v == s.notice.row.id),
    "Recent backups (oldest first)": lambda s, v: v == s.known.recent(s.row[0] if s.notice.row else s.known.now),
    "Counted since": lambda s, v: same(v, s.known.counted_since),
    "Since": lambda s, v: same(v, s.known.unread_since),
    "For": lambda s, v: bool(s.known.unread_since) and spans(v, s.known.now - (s.known.unread_since or s.known.now)),
    "Not monitored since": lambda s, v: same(v, s.known.unread_since),
}
IGNORED = {"What to do", "Zoho CRM", "Reference", "Technical detail", "Zoho's advice"}
PROSE_WITH_COLON = re.compile(r"Last successful backup: .* ago|Backup summary|Backup monitoring|Monitoring is active")
"""What looks like a label with its fact, and is a sentence."""


def _nothing_for(spoken: Spoken, words: str) -> bool:
    known = spoken.known
    last = known.last_completed
    return spans(words, known.now - known.due.counted_from) and (last is None or last <= known.now - span(words))


def _planned(spoken: Spoken, words: str, ago: str) -> bool:
    due = spoken.known.due
    return words == due.words and due.named == due.at and spans(ago, spoken.known.now - due.at) and not due.ended


def _rule(spoken: Spoken, words: str, days: str) -> bool:
    due = spoken.known.due
    return (
        words == due.words
        and int(days) * DAY == due.gap
        and due.named != due.at
        and spoken.known.scheduled
        and not due.ended
    )


SENTENCES: dict[str, Callable[..., bool]] = {
    rf"No backup has completed in the last {SPAN}\.": _nothing_for,
    rf"No backup for {SPAN}": _nothing_for,
    rf"Still no backup after {SPAN}": _nothing_for,
    r"Your schedule \((.+?)\) should produce one at least every (\d+) days?\.": _rule,
    rf"Your schedule \((.+?)\) had a backup planned {SPAN} ago\.": _planned,
    r"The backup schedule has ended, so no further backups will run\.": _ended,
    r"No backup schedule is set up\. The previous schedule was (.+?)\.": lambda s, v: (
        not s.known.scheduled and v == s.known.due.words
    ),
    r"No backup schedule is set up; the alert limit is then (\d+) days\.": lambda s, n: (
        not s.known.scheduled and int(n) * DAY == s.known.due.gap
    ),
    r"No backup schedule is set up, so": lambda s: not s.known.scheduled,
    r"No further backups will run\.": lambda s: not s.known.scheduled,
    r"A new one has been set up since\.": lambda s: s.known.scheduled,
    r"This notifier is set to alert after (\d+) days? without a backup\.": lambda s, n: int(n) == s.known.max_age_days,
    r"Failed since then: (\d+) backups?\.": lambda s, n: int(n) == s.failures()[0],
    rf"Last successful backup: {SPAN} ago": lambda s, v: spans(v, s.known.now - (s.known.last_completed or NEVER)),
    r"No successful backup on record": lambda s: s.known.last_completed is None,
    r"A later backup completed": lambda s: (s.known.last_completed or NEVER) > s.row[0],
    r"Backup failed, (\d+) in a row": lambda s, n: int(n) == s.failures()[0],
    r"[Tt]he last (\d+) backups failed": lambda s, n: int(n) == s.failures()[0],
    rf"The last backup failed,? {SPAN} ago": lambda s, v: (
        s.failures()[0] == 1 and spans(v, s.known.now - (s.failures()[1] or NEVER))
    ),
    rf"the first of them {SPAN} ago": lambda s, v: spans(v, s.known.now - (s.failures()[1] or NEVER)),
    rf"A backup started {SPAN} ago and hasn't finished or failed": lambda s, v: any(
        spans(v, s.known.now - began) for began in s.known.running()
    ),
    rf"the backup that started {SPAN} ago": lambda s, v: any(spans(v, s.known.now - began) for began in s.known.begun),
    rf"Backup still (?:running|not finished) after {SPAN}": lambda s, v: any(
        spans(v, s.known.now - began) for began in s.known.running()
    ),
    rf"A backup has been overdue for {SPAN}": lambda s, v: any(
        spans(v, s.known.now - since) for since in s.known.overdue_from
    ),
    rf"Backups in the last {SPAN}: (?:{LISTED}|none)\.": lambda s, v, counts: (
        spans(v, s.known.now - s.known.counted_since) and counted(counts or "", s.counts())
    ),
    rf"Backup summary: (?:{LISTED}|no backups)(?:, (\d+) open problems?)?$": lambda s, counts, n: (
        counted(counts or "", s.counts()) and int(n or 0) == s.text.count("\n- ")
    ),
    r"Backup monitoring is on: (\d+) problems? needs? attention": lambda s, n: int(n) == s.text.count("\n- "),
    rf"The history has ([\d,]+) earlier entr(?:y|ies)(?: \({LISTED}\))?\.": lambda s, n, counts: (
        int(n.replace(",", "")) == len(s.known.events) and counted(counts or "", s.counts())
    ),
    r"The history has no entries yet": lambda s: not s.known.events,
    rf"Monitoring resumed after {SPAN}\.": lambda s, v: spans(v, s.known.now - (s.known.unread_since or NEVER)),
    r"Zoho keeps 20 tokens per user": lambda s: True,
}


def false_sentences(player: Player) -> Iterator[str]:
    """Yield every sentence that was sent and does not hold."""
    by_time: dict[datetime, list[Notice]] = {}
    for notice in player.sent:
        by_time.setdefault(notice.at, []).append(notice)
    for known in minutes(player):
        for notice in by_time.get(known.now, ()):
            for complaint in Spoken(notice, known, player.organisation).complaints():
                yield f"{known.now:%d %b %H:%M}: {notice.kind} {notice.phase}: {complaint}"
