"""A sample of every message: small histories, and what the real rules tell of them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil import tz
from handler.texts import NOTIFIABLE

from handler import errors
from handler.decision import Decision, Policy
from handler.history import Row, parse_row
from handler.memory import Incident, Memory, Notice
from handler.message import Reader
from handler.rules import decide, decide_unreadable

NOW = datetime(2026, 11, 20, 20, 40, tzinfo=UTC)
"""A Friday night."""
CHANNELS = ("sns", "slack")
READER = Reader("acme", "Acme Ltd", tz.gettz("Europe/Berlin") or UTC, "https://crm.zoho.eu")
HOSTILE = "<!channel> <https://evil.example|click> *b* _i_ `c` & <img src=x onerror=alert(1)> @here\u202e\r\nBcc: x"
PARAMETER = "/zoho-backup-notifier/notifier/acme"
PROBLEMS = (
    errors.RevokedTokenError("Zoho accounts answered: invalid_code"),
    errors.WrongClientError("Zoho accounts answered: invalid_client"),
    errors.WrongClientSecretError("Zoho accounts answered: invalid_client_secret"),
    errors.InvalidTokenError("HTTP 401 INVALID_TOKEN"),
    errors.ScopeMismatchError("HTTP 401 OAUTH_SCOPE_MISMATCH"),
    errors.NoPermissionError("HTTP 403 NO_PERMISSION"),
    errors.WrongUrlError("HTTP 404 INVALID_URL_PATTERN"),
    errors.WrongMethodError("HTTP 400 INVALID_REQUEST_METHOD"),
    errors.UnusableAnswerError("The answer is JSON, but not the documented history."),
    errors.HistoryTooLongError("The history goes on after 15 pages of 200 rows."),
    errors.HistoryVanishedError("The history had rows at an earlier check and is empty now."),
    errors.SecretMissingError(f"There is no parameter {PARAMETER}."),
    errors.SecretMalformedError(
        f"The parameter {PARAMETER} cannot be used: client_secret must be its client secret; "
        "data_center must be one of us, eu, in, au, jp, cn, ca, sa, uk, ae."
    ),
    errors.SecretDeniedError(f"AWS refuses to let the function read the parameter {PARAMETER}: AccessDeniedException."),
    errors.TroubleError("HTTP 503 with a web page that is not JSON"),
    errors.InternalError("HTTP 500 INTERNAL_ERROR"),
)
"""One of each cause, worded as the client words it."""


@dataclass(frozen=True)
class Sample:
    """What a reader gets at once.

    Attributes:
        section: The kind, or what else it shows.
        title: What it is a sample of.
        notices: What is told.
        reader: To whom.
    """

    section: str
    title: str
    notices: tuple[Notice, ...]
    reader: Reader = READER


class Watch:
    """An organisation's watch from check to check, in which every channel accepts everything at once.

    Attributes:
        memory: What is remembered.
        rows: The history, oldest first.
    """

    def __init__(self, *rows: Row, first_check: float | None = 8 * 24, **policy: int) -> None:
        """Begin with these rows and a first check so many hours ago; None: there was none."""
        self.memory = Memory(READER.org, channels=CHANNELS)
        self.rows = list(rows)
        self.policy = Policy(frozenset(NOTIFIABLE), **policy)
        if first_check is not None:
            self.check(first_check)

    def check(self, hours_ago: float = 0, *rows: Row, channels: Sequence[str] = CHANNELS) -> tuple[Notice, ...]:
        """Look at the history after these rows appeared, and return what is told."""
        self.rows += rows
        return self._told(decide(self.rows, self.memory, ago(hours_ago), self.policy, channels))

    def fail(self, problem: errors.UnreadableError, hours_ago: float = 0) -> tuple[Notice, ...]:
        """Look in vain, and return what is told."""
        return self._told(decide_unreadable(problem, self.memory, ago(hours_ago), self.policy, CHANNELS))

    def _told(self, decision: Decision) -> tuple[Notice, ...]:
        told = decision.memory.outbox
        self.memory = replace(decision.memory, outbox=())
        return told


def ago(hours: float) -> datetime:
    """Return the time so many hours before `NOW`."""
    return NOW - timedelta(hours=hours)


def row(hours_ago: float, repeat_type: str = "weekly", **fields: Any) -> Row:
    """Return a row of the history; its id is as old as it is."""
    row_id = 5_843_104_000_001_417_001 - 1_003 * round(hours_ago * 6)
    raw = {"id": str(row_id), "done_by": {"name": "Asha Rao"}, "log_time": ago(hours_ago).isoformat()}
    return parse_row({**raw, "repeat_type": repeat_type, **fields})


def weeks(*hours_ago: float) -> tuple[Row, ...]:
    """Return a weekly schedule and completed backups of it."""
    return (row(24 * 60, action="scheduled"), *(row(hours, state="completed") for hours in hours_ago))


GOOD = weeks(24 * 21, 24 * 14, 24 * 7)


def samples() -> Iterator[Sample]:
    """Yield samples of every kind, of every phase of an incident and of every cause, then of what goes together."""
    for make in (_baselines, _outcomes, _deeds, _overdue, _stuck, _unreadable, _channels, _digests, _others, _together):
        yield from make()


def _baselines() -> Iterator[Sample]:
    yield Sample("baseline", "All is well", Watch(first_check=None).check(0, *GOOD))
    wrong = (*weeks(24 * 40), row(24 * 33, state="failure"), row(24 * 26, state="failure"))
    wrong += (row(24 * 3, action="stopped"), row(30, "immediate", action="initiated"))
    yield Sample("baseline", "Everything that can be wrong, is", Watch(first_check=None).check(0, *wrong))
    yield Sample("baseline", "Nobody ever made a backup", Watch(first_check=None).check())


def _outcomes() -> Iterator[Sample]:
    yield Sample("completed", "The weekly backup", Watch(*GOOD).check(0, row(0.5, state="completed")))
    yield Sample("failed", "The first", Watch(*GOOD).check(0, row(0.5, state="failure")))
    failing = Watch(*GOOD)
    for hours in (30, 20, 10):
        told = failing.check(hours, row(hours + 0.5, "immediate", state="failure"))
    yield Sample("failed", "The third in a row", told)
    yield Sample("recovered", "After failures", failing.check(0, row(0.5, "immediate", state="completed")))
    unpaid = Watch(*GOOD).check(0, row(0.5, "immediate", state="PAYMENT_FAILED"))
    yield Sample("failed", "It could not be paid for", unpaid)
    stuck = Watch(*GOOD)
    stuck.check(10, row(40, action="initiated"))
    yield Sample("failed", "A backup that had no outcome for long", stuck.check(0, row(0.5, state="failure")))
    late = Watch(*weeks(24 * 14), first_check=24 * 10)
    late.check(24 * 5)
    yield Sample("recovered", "After none was made in time", late.check(0, row(0.5, state="completed")))
    both = Watch(*weeks(24 * 14), row(24 * 7, state="failure"), first_check=24 * 6.5)
    both.check(24 * 3, row(24 * 5, action="initiated"))
    yield Sample("recovered", "After all of it", both.check(0, row(0.5, state="completed")))
    yield Sample("unknown", "A state", Watch(*GOOD).check(0, row(0.5, state="PARTIALLY_COMPLETED")))
    yield Sample("unknown", "An action", Watch(*GOOD).check(0, row(0.5, action="paused")))


def _deeds() -> Iterator[Sample]:
    yield Sample("stopped", "By somebody", Watch(*GOOD).check(0, row(0.5, action="stopped")))
    yield Sample("scheduled", "Weekly", Watch(*GOOD).check(0, row(0.5, action="scheduled")))
    yield Sample("scheduled", "Once", Watch(*GOOD).check(0, row(0.5, "immediate", action="scheduled")))
    yield Sample("purchased", "One", Watch(*GOOD).check(0, row(0.5, "immediate", action="purchased", count=1)))
    yield Sample("purchased", "Five", Watch(*GOOD).check(0, row(0.5, "immediate", action="purchased", count=5)))


def _overdue() -> Iterator[Sample]:
    late = Watch(*weeks(24 * 9.5), first_check=24 * 9)
    yield Sample("overdue", "It begins: by the schedule", late.check(24 * 1.2))
    yield Sample("overdue", "The reminder", late.check())
    stopped = Watch(*weeks(24 * 33), row(24 * 32, action="stopped"), first_check=24 * 31, digest_days=0)
    yield Sample("overdue", "It begins: without a schedule", stopped.check())
    daily = Watch(*weeks(30), first_check=29, max_backup_age_days=1, grace_hours=1)
    yield Sample("overdue", "It begins: by the setting MaxBackupAgeDays", daily.check())
    never = Watch(first_check=24 * 33, digest_days=0)
    yield Sample("overdue", "It begins: there never was a backup", never.check())


def _stuck() -> Iterator[Sample]:
    stuck = Watch(*GOOD)
    yield Sample("stuck", "It begins", stuck.check(24, row(24 * 2 + 1, action="initiated")))
    yield Sample("stuck", "The reminder", stuck.check())


def _unreadable() -> Iterator[Sample]:
    for problem in PROBLEMS:
        watch, advice = Watch(*GOOD), ", with Zoho's advice" if problem.resolution and not problem.act else ""
        if not problem.act:
            watch.fail(problem, 6)
        yield Sample("unreadable", f"It begins: {problem.cause.replace('_', ' ')}{advice}", watch.fail(problem))
    watch = Watch(*GOOD)
    watch.fail(PROBLEMS[0], 50)
    yield Sample("unreadable", "The reminder", watch.fail(PROBLEMS[0], 26))
    yield Sample("unreadable", "Another thing to mend", watch.fail(errors.ScopeMismatchError("HTTP 401"), 3))
    yield Sample("readable", "It ends", watch.check())


def _channels() -> Iterator[Sample]:
    whys = ("slack", "Slack", "Slack answered HTTP 404 no_service"), ("sns", "SNS", "SNS answered NotFound")
    for channel, name, why in whys:
        watch = Watch(*GOOD)
        facts = {"channel": channel, "detail": why}
        watch.memory = watch.memory.with_incident(f"channel:{channel}", Incident(ago(52), facts=facts))
        yield Sample("channel", f"It begins: {name}", watch.check(52))
        yield Sample("channel", f"The reminder: {name}", watch.check(27))
        back = replace(watch.memory.incidents[f"channel:{channel}"], facts={**facts, "back_at": NOW.isoformat()})
        broken = watch.memory
        watch.memory = broken.with_incident(f"channel:{channel}", back)
        yield Sample("channel", f"It ends: {name}", watch.check())
        if channel == "slack":
            watch.memory = broken
            yield Sample("channel", "It ends: nobody uses it any more", watch.check(channels=("sns",)))


def _digests() -> Iterator[Sample]:
    month = Watch(*weeks(24 * 40, 24 * 33), first_check=24 * 31)
    for day in (26, 19, 12, 5):
        month.check(24 * day, row(24 * day, state="completed"))
    yield Sample("digest", "A good month", month.check())
    month = Watch(*weeks(24 * 40, 24 * 33), first_check=24 * 31)
    month.check(24 * 26, row(24 * 26, state="failure"))
    month.check(24 * 20)
    yield Sample("digest", "A bad month", month.check()[-1:])
    yield Sample("digest", "Nothing happened", Watch(first_check=24 * 30).check())


def _others() -> Iterator[Sample]:
    outage = Watch(*GOOD).check(0, *(row(i, "immediate", state="failure") for i in range(120)), *weeks(*range(1, 120)))
    yield Sample("folded", "More than 200 waited", outage[:1])
    yield Sample("test", "Asked for", (Notice(f"{READER.org}-test-20261120T204000Z", "test", NOW, CHANNELS),))


def _together() -> Iterator[Sample]:
    rows = row(60, state="failure"), row(30, "immediate", state="completed"), row(0.5, action="stopped")
    yield Sample("together", "Three at once", Watch(*GOOD).check(0, *rows))
    many = (row(20 - i, "immediate", state="failure" if i % 3 else "completed") for i in range(14))
    yield Sample("together", "More than ten at once", Watch(*GOOD).check(0, *many))
    given_up = Watch(*GOOD)
    waiting = Notice("acme-x", "failed", ago(24 * 15), CHANNELS)
    given_up.memory = replace(given_up.memory, outbox=(waiting,)).put_aside("slack", {"acme-x"}, "gone", NOW)
    told = given_up.check(0, row(0.5, state="completed"))[-1:]
    yield Sample("hostile", "An earlier message was given up", told)
    evil = row(0.5, HOSTILE, state=HOSTILE, done_by={"name": HOSTILE}, file_name="x" * 10_000)
    name = Reader(READER.org, f"{HOSTILE[:80]} GmbH & Co. KG", READER.zone, READER.crm_url)
    yield Sample("hostile", "Every field is hostile or far too long", Watch(*GOOD).check(0, evil), name)
