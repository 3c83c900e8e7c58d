"""A story for each kind of notice: rows and checks that end in it, with the same ids and times in every run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil import tz

from handler import errors
from handler.memory import Incident, Memory, Notice, enqueue
from handler.message import Reader
from tests.watch import EVERYTHING, Raw, Watch
from tests.world import START, row

Json = dict[str, Any]

BERLIN = tz.gettz("Europe/Berlin") or UTC
READER = Reader("acme", "Acme Ltd", BERLIN, "https://crm.zoho.eu")
DAY = timedelta(days=1)


def job(number: int, at: datetime, **fields: Any) -> Raw:
    """Return a row with an id that is the same in every run."""
    return row(at, **{"id": str(4_876_876_000_001_594_000 + number), **fields})


GOOD = [job(1, START - 8 * DAY, action="scheduled"), job(2, START - 7 * DAY, state="completed")]


def begun() -> Watch:
    """Return a watch whose baseline found a weekly schedule and a good backup."""
    watch = Watch(GOOD, notify_on=EVERYTHING, digest_days=0, memory=Memory("acme"))
    watch.look_at(START - DAY)
    watch.told.clear()
    return watch


def news(*fields: Raw) -> list[Notice]:
    """Return what is told of rows that appear, an hour apart."""
    watch = begun()
    for number, what in enumerate(fields):
        at = START + timedelta(hours=number)
        watch.rows = [*watch.rows, job(10 + number, at, **what)]
        watch.look_at(at + timedelta(minutes=40))
    return watch.told


def channel_trouble() -> list[Notice]:
    """Return what is told of a webhook that is gone for a day, after a notice was given up."""
    watch = begun()
    facts = {"channel": "slack", "detail": "Slack answered HTTP 404 no_service"}
    watch.memory = watch.memory.with_incident("channel:slack", Incident(START, facts=facts))
    watch.look_at(START + timedelta(hours=1))
    watch.look_at(START + timedelta(hours=25))
    incident = watch.memory.incidents["channel:slack"]
    back = replace(incident, facts={**incident.facts, "back_at": watch.now.isoformat()})
    watch.memory = watch.memory.with_incident("channel:slack", back)
    watch.look_at(START + timedelta(hours=30))
    return [notice for notice in watch.told if notice.kind == "channel"]


def unreadable() -> list[Notice]:
    """Return what is told of a token that is revoked for a day."""
    watch = begun()
    revoked = errors.RevokedTokenError("Zoho accounts answered: invalid_code")
    watch.look_at(START, revoked)
    watch.look_at(START + DAY, revoked)
    watch.look_at(START + DAY + timedelta(hours=2))
    return [notice for notice in watch.told if notice.incident == "unreadable"]


def late(*fields: Raw, days: float) -> list[Notice]:
    """Return what is told after these rows, an hour apart, and so many days in which nothing happened."""
    watch = begun()
    watch.rows = [*watch.rows, *(job(10 + n, START + timedelta(hours=n), **what) for n, what in enumerate(fields))]
    watch.look_at(START + timedelta(hours=3))
    watch.look_at(START + days * DAY)
    watch.look_at(START + days * DAY + DAY)
    return watch.told


def baseline(*fields: Raw) -> list[Notice]:
    """Return what the first look tells of these rows, the last of them two days old, a day apart."""
    rows = [job(n, START - (2 + len(fields) - n) * DAY, **what) for n, what in enumerate(fields, 1)]
    return Watch(rows, memory=Memory("acme")).look()


def digest() -> list[Notice]:
    """Return what is told after thirty days with three outcomes."""
    watch = Watch(GOOD, digest_days=30, memory=Memory("acme"), max_backup_age_days=60)
    watch.look_at(START - DAY)
    states = ["completed", "failure", "completed"]
    watch.rows = [*GOOD, *(job(10 + n, START + 7 * n * DAY, state=state) for n, state in enumerate(states))]
    watch.look_at(START + 15 * DAY)
    watch.look_at(START + 29 * DAY)
    return watch.told[-1:]


def marked_test() -> list[Notice]:
    """Return the notice of the action `test-message`."""
    return [Notice("acme-test", "test", START, ("sns", "slack"))]


def given_up() -> list[Notice]:
    """Return a notice that also tells how many could not be delivered."""
    (failed,) = news({"state": "failure"})
    return [replace(failed, facts={**failed.facts, "set_aside": 3})]


def many(count: int) -> list[Notice]:
    """Return so many notices, of several kinds, an hour apart."""
    fields: list[Raw] = [
        {"state": "completed"},
        {"state": "failure"},
        {"action": "stopped"},
        {"state": "paused", "id": None},
    ]
    watch = begun()
    for number in range(count):
        what = fields[number % 4]
        watch.rows = [*watch.rows, job(10 + number, START + timedelta(hours=number), **what)]
    watch.look_at(START + timedelta(hours=count))
    return watch.told


STORIES: dict[str, Callable[[], Sequence[Notice]]] = {
    "baseline": lambda: baseline({"action": "scheduled"}, {"state": "completed"}),
    "baseline-with-problems": lambda: baseline(
        *({"state": "completed"}, *[{}] * 31, {"state": "failure"}, {"action": "stopped"}, {"action": "initiated"})
    ),
    "completed": lambda: news({"state": "completed", "file_name": "Data_001.zip"}),
    "failed": lambda: news({"state": "failure"}),
    "failed-again": lambda: news({"state": "failure"}, {"state": "payment_failed"})[1:],
    "recovered": lambda: news({"state": "failure"}, {"state": "failure"}, {"state": "completed"})[2:],
    "unknown": lambda: news({"state": "half <done>"}),
    "unknown-action": lambda: news({"action": "resumed"}),
    "stopped": lambda: news({"action": "stopped"}),
    "scheduled": lambda: news({"action": "scheduled", "repeat_type": "monthly"}),
    "purchased": lambda: news({"action": "purchased", "repeat_type": None, "count": 2}),
    "overdue": lambda: late(days=1.5)[:1],
    "overdue-reminder": lambda: late(days=1.5)[1:],
    "stuck": lambda: late({"action": "initiated"}, days=1)[:1],
    "unreadable": lambda: unreadable()[:1],
    "unreadable-reminder": lambda: unreadable()[1:2],
    "readable": lambda: unreadable()[2:],
    "channel": lambda: channel_trouble()[:1],
    "channel-back": lambda: channel_trouble()[2:],
    "digest": digest,
    "folded": lambda: enqueue((), many(203))[:1],
    "test": marked_test,
    "given-up": given_up,
    "many": lambda: many(12),
}
"""Name of a golden file → what it shows; the part before a dash is the kind where there is just one."""
LASTING = {notice.kind for story in STORIES.values() for notice in story() if notice.facts.get("phase")}
"""Kinds of conditions that last: their stories have a phase."""


def texts_of(blocks: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Yield type and text of every text object."""
    for block in blocks:
        for text in block.get("fields") or block.get("elements") or [block["text"]]:
            yield text["type"], text["text"]


def unescape(text: str) -> str:
    """Return what a reader of mrkdwn sees."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
