"""A year of checks: the exact list of what is sent on two channels, and no write without a reason.

The history is scripted. Checks are hourly around everything that happens and weekly elsewhere.
"""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil import tz

from handler.errors import CheckFailed
from sandbox.server import Fault
from sandbox.zoho import row
from sandbox.zoho_errors import API_ERRORS
from tests.world import TopicInMemory, world

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
BERLIN = tz.gettz("Europe/Berlin")
START = datetime(2027, 9, 1, 6, 0, tzinfo=UTC)
"""A Wednesday; the year has a 29 February and both changes of clocks."""
Row = tuple[datetime, dict[str, Any]]
Sent = tuple[datetime, str]


def utc(text: str) -> datetime:
    """Return a time such as "2027-10-03 09:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- What happens: rows with the time at which Zoho shows them --------------------------------------------------------


def happens(at: str | datetime, **fields: Any) -> Row:
    """Return a row that appears at this time, its `log_time` in Berlin's clock as Zoho gives it."""
    at = utc(at) if isinstance(at, str) else at
    return at, row(at.astimezone(BERLIN), **fields)


def saturdays(after: str, until: str) -> Iterator[datetime]:
    """Yield ten at night of each Saturday in Berlin, in UTC."""
    night = datetime(2027, 7, 3, 22, 0)  # noqa: DTZ001  (the zone follows)
    while (at := night.replace(tzinfo=BERLIN).astimezone(UTC)) < utc(until):
        if at > utc(after):
            yield at
        night += timedelta(days=7)


def by_hand(began: str, state: str) -> list[Row]:
    """Return the two rows of a backup that somebody started, and that took half an hour."""
    at, what = utc(began), {"repeat_type": "immediate"}
    return [happens(at, action="initiated", **what), happens(at + HOUR / 2, state=state, **what)]


SCHEDULED = [
    *saturdays("2027-07-01", "2027-12-10"),  # until somebody stops it
    *saturdays("2028-01-10", "2028-07-03"),  # until it becomes monthly
    *saturdays("2028-07-09", "2028-07-16"),
    *saturdays("2028-08-06", "2028-08-13"),
]
UNUSUAL = {"2027-10-02": {"state": "failure"}, "2027-11-06": None, "2028-05-20": {"state": "paused"}}
"""Saturday → what became of its backup, if it did not complete."""
OUTCOMES = {at + timedelta(minutes=40): UNUSUAL.get(f"{at:%Y-%m-%d}", {"state": "completed"}) for at in SCHEDULED}
COMPLETED = [at for at, outcome in OUTCOMES.items() if outcome == {"state": "completed"}]
SCRIPT: list[Row] = sorted(
    [
        happens("2027-07-01 09:00", action="scheduled"),
        *(happens(at, action="initiated") for at in SCHEDULED),
        *(happens(at, **outcome) for at, outcome in OUTCOMES.items() if outcome),
        # October: the weekly backup fails, and so does the first attempt by hand
        *by_hand("2027-10-03 09:00", "FAILED"),
        *by_hand("2027-10-04 09:00", "Completed"),
        # November: one has no outcome for days, and then fails at a time that Zoho does not tell
        (utc("2027-11-09 10:10"), row(None, state="failure")),
        *by_hand("2027-11-10 08:50", "completed"),
        # December: somebody stops the schedule; weekly backups stay due, until in January somebody sets it up again
        happens("2027-12-10 08:15", action="stopped"),
        happens("2028-01-10 10:05", action="scheduled"),
        # May: an outcome that nobody knows
        *by_hand("2028-05-21 08:40", "completed"),
        happens("2028-06-01 12:34", action="purchased", repeat_type=None, count=1),
        # June: Zoho shows a failure only after the success that followed it
        *by_hand("2028-06-21 08:40", "completed"),
        (utc("2028-06-21 10:20"), row(utc("2028-06-21 08:10"), state="failure", repeat_type="immediate")),
        # July: from weekly to monthly
        happens("2028-07-03 07:10", action="stopped"),
        happens("2028-07-03 07:20", action="scheduled", repeat_type="monthly"),
    ],
    key=lambda entry: entry[0],
)
TROUBLE = {
    "revoked": [(utc("2028-02-10 10:30"), utc("2028-02-12 22:30"))],
    "5xx": [(utc("2028-03-02 08:30"), utc("2028-03-02 13:30")), (utc("2028-03-15 08:30"), utc("2028-03-15 17:30"))],
    "slack": [(utc("2028-04-03 08:30"), utc("2028-04-11 12:30"))],
}


def within(trouble: str, time: datetime) -> bool:
    """Return whether this trouble is on at this time."""
    return any(begin <= time < end for begin, end in TROUBLE[trouble])


def next_check(time: datetime) -> datetime:
    """Return when the first check at or after this time is that can read the history."""
    hour = time.replace(minute=0) + (HOUR if time.minute else 0 * HOUR)
    return next(at for n in itertools.count() if not within("revoked", at := hour + n * HOUR))


# --- What is sent, and when -------------------------------------------------------------------------------------------


def at_each(times: str, kind: str, days: tuple[int, ...] = (0,)) -> list[Sent]:
    """Return a notice at each of these times, and reminders so many days later."""
    return [(utc(time) + day * DAY, kind) for time in times.split(", ") for day in days]


DAILY_THEN_WEEKLY = (0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
SENT: list[Sent] = sorted(
    [
        *at_each("2027-09-01 06:00", "baseline"),
        *((START + 30 * month * DAY, "digest") for month in range(1, 13)),
        *at_each("2027-10-02 21:00, 2027-10-03 10:00, 2027-11-09 11:00, 2028-06-21 11:00", "failed"),
        *at_each("2027-10-04 10:00, 2027-11-10 10:00", "recovered"),
        *at_each("2027-11-07 21:00", "stuck", (0, 1)),
        *at_each("2027-12-10 09:00, 2028-07-03 08:00", "stopped"),
        *at_each("2027-12-12 22:00", "overdue", DAILY_THEN_WEEKLY),
        *at_each("2028-01-10 11:00", "scheduled"),
        *at_each("2028-01-10 11:00", "overdue"),  # its end
        *at_each("2028-02-10 11:00", "unreadable", (0, 1, 2)),
        *at_each("2028-02-12 23:00, 2028-03-15 18:00", "readable"),
        *at_each("2028-05-21 10:00, 2028-06-21 10:00", "completed"),
        *at_each("2028-03-15 15:00", "unreadable"),
        *at_each("2028-04-08 22:00", "channel", (0, 1, 2)),
        *at_each("2028-04-11 14:00", "channel"),  # its end
        *at_each("2028-05-20 21:00", "unknown"),
        *((next_check(at), "completed") for at in COMPLETED if at > START),
    ],
    key=lambda sent: sent[0],
)
UNSENT = {utc("2027-10-03 21:00")}
"""An overdue backup is noted and not sent: the failed ones were, within a day."""
MOMENTS = {*UNSENT, *(at for at, _ in SCRIPT), *(at for at, _ in SENT)}
MOMENTS |= {time for spans in TROUBLE.values() for span in spans for time in span}
NEAR = {at.replace(minute=0) + hours * HOUR for at in MOMENTS for hours in (-1, 0, 1)}
TIMES = [
    hour
    for number in range(365 * 24)
    if (hour := START + number * HOUR) in NEAR or number % 168 == 0 or within("slack", hour)
]


def test_a_year_of_checks() -> None:
    """The exact list of notices on both channels, writes only with a reason, an item of a few kB."""
    sent: list[Sent] = []
    wrote: set[datetime] = set()
    with world() as watched:
        tokens = list(watched.organisation.refresh_tokens)

        def around(name: str, call: Any) -> Any:
            if name == "put_item":
                wrote.add(watched.clock.now)
            return call()

        watched.around = around
        for now in TIMES:
            watched.clock.now = now
            watched.organisation.rows = [raw for at, raw in reversed(SCRIPT) if now - YEAR < at <= now]
            watched.organisation.refresh_tokens = [] if within("revoked", now) else list(tokens)
            watched.zoho.standing = {"history": Fault(API_ERRORS["INTERNAL_ERROR"])} if within("5xx", now) else {}
            watched.slack.repair()
            if within("slack", now):
                watched.slack.break_with("no_service")
            with suppress(CheckFailed):
                watched.check()
            sent += [(now, kind) for kind in map(str, watched.topic.kinds[len(sent) :])]
        ids = [TopicInMemory.attribute(entry, "notice_id") for entry in watched.topic.entries]
        posted = re.findall(r"Reference: (default-[\w-]+)", json.dumps(watched.slack.messages))
        size = len(json.dumps(watched.table.items["default"]))
        memory = watched.memory()
    assert sent == SENT
    assert len(set(ids)) == len(ids)
    assert posted == [notice_id for notice_id, (_, kind) in zip(ids, sent, strict=True) if kind != "channel"]
    news = {next_check(at) for at, _ in SCRIPT if at > START}
    trouble = {next_check(time) for span in TROUBLE["5xx"] for time in span}  # begins and ends, sent or not
    owed = {utc("2028-04-08 21:00") + hours * HOUR for hours in range(65)}  # Slack waits for what e-mail has
    assert wrote == {time for time, _ in sent} | news | trouble | owed | UNSENT
    assert (memory.outbox, memory.incidents) == ((), {})
    assert size < 9_000
