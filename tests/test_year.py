"""A year of checks, and a week of it on moto: the exact list of what is sent, and no write without a reason.

The history is scripted. Checks are hourly around everything that happens and daily elsewhere; the fakes answer in
process, without sockets.
"""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

import requests
from dateutil import tz
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from handler.errors import CheckFailed
from handler.store import Store
from sandbox.aws import Cloud
from sandbox.channels import FakeSlack
from sandbox.channels.slack import ERRORS
from sandbox.server import Fault, Server
from sandbox.zoho import FakeZoho, row
from sandbox.zoho_errors import API_ERRORS
from tests.item import item_size
from tests.world import TopicInMemory, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
BERLIN = tz.gettz("Europe/Berlin")
START = datetime(2027, 9, 1, 6, 0, tzinfo=UTC)
"""A Wednesday; the year has a 29 February and both changes of clocks."""


def utc(text: str) -> datetime:
    """Return a time such as "2027-10-03 09:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_check(time: datetime) -> datetime:
    """Return when the first check at or after this time is."""
    return time.replace(minute=0) + (HOUR if time.minute else 0 * HOUR)


# What happens: rows with the time at which Zoho shows them

Raw = dict[str, Any]
Rows = list[tuple[datetime, Raw]]


def happens(at: datetime, **fields: Any) -> tuple[datetime, Raw]:
    """Return a row that appears at this time, its `log_time` in Berlin's clock as Zoho gives it."""
    return at, row(at.astimezone(BERLIN), **fields)


def saturdays() -> Iterator[datetime]:
    """Yield ten at night of each Saturday in Berlin, which never is a different hour twice, in UTC."""
    night = datetime(2027, 7, 3, 22, 0)  # noqa: DTZ001  (the zone follows)
    while night.replace(tzinfo=BERLIN) < START + YEAR:
        yield night.replace(tzinfo=BERLIN).astimezone(UTC)
        night += timedelta(days=7)


def weekly(outcomes: dict[str, Raw | None], *, until: str, after: str = "2027-01-01 00:00") -> Iterator[Any]:
    """Yield the two rows of each Saturday's backup; `outcomes` has what became of those that did not complete."""
    for night in saturdays():
        if utc(after) < night < utc(until):
            yield happens(night, action="initiated")
            outcome = outcomes.get(f"{night:%Y-%m-%d}", {"state": "completed"})
            if outcome is not None:
                yield happens(night + timedelta(minutes=40), **outcome)


def by_hand(began: str, state: str) -> Rows:
    """Return the two rows of a backup that somebody started, and that took half an hour."""
    at, what = utc(began), {"repeat_type": "immediate"}
    return [happens(at, action="initiated", **what), happens(at + timedelta(minutes=30), state=state, **what)]


SCRIPT: Rows = sorted(
    [
        happens(utc("2027-07-01 09:00"), action="scheduled"),
        *weekly(
            {"2027-10-02": {"state": "failure"}, "2027-11-06": None},
            until="2027-12-10 00:00",
        ),
        # October: the weekly backup fails, and so does the first attempt by hand
        *by_hand("2027-10-03 09:00", "FAILED"),
        *by_hand("2027-10-04 09:00", "Completed"),
        # November: one has no outcome for days, and then fails at a time that Zoho does not tell
        (utc("2027-11-09 10:10"), row(None, state="failure")),
        *by_hand("2027-11-10 08:50", "completed"),
        # December: somebody stops the schedule; weekly backups stay due, until in January somebody sets it up again
        happens(utc("2027-12-10 08:15"), action="stopped"),
        happens(utc("2028-01-10 10:05"), action="scheduled"),
        *weekly({"2028-05-20": {"state": "paused"}}, after="2028-01-10 00:00", until="2028-07-03 00:00"),
        # May: an outcome that nobody knows
        *by_hand("2028-05-21 08:40", "completed"),
        happens(utc("2028-06-01 12:34"), action="purchased", repeat_type=None, count=1),
        # July: from weekly to monthly
        happens(utc("2028-07-03 07:10"), action="stopped"),
        happens(utc("2028-07-03 07:20"), action="scheduled", repeat_type="monthly"),
        *weekly({}, after="2028-07-09 00:00", until="2028-07-16 00:00"),
        *weekly({}, after="2028-08-06 00:00", until="2028-08-13 00:00"),
    ],
    key=lambda entry: entry[0],
)

TROUBLE: dict[str, list[tuple[datetime, datetime]]] = {
    "revoked": [(utc("2028-02-10 10:30"), utc("2028-02-12 22:30"))],
    "5xx": [(utc("2028-03-02 08:30"), utc("2028-03-02 13:30")), (utc("2028-03-15 08:30"), utc("2028-03-15 17:30"))],
    "webhook": [(utc("2028-04-03 08:30"), utc("2028-04-11 12:30"))],
}


def within(trouble: str, time: datetime) -> bool:
    """Return whether this trouble is on at this time."""
    return any(begin <= time < end for begin, end in TROUBLE[trouble])


# What is sent, and when: everything that is not an ordinary Saturday or a digest

SENT = """
2027-09-01 06:00 baseline
2027-10-02 21:00 failed
2027-10-03 10:00 failed
2027-10-04 10:00 recovered
2027-11-07 21:00 stuck
2027-11-08 21:00 stuck
2027-11-09 11:00 failed
2027-11-10 10:00 recovered
2027-12-10 09:00 stopped
2027-12-12 22:00 overdue
2027-12-13 22:00 overdue
2027-12-14 22:00 overdue
2027-12-15 22:00 overdue
2027-12-16 22:00 overdue
2027-12-17 22:00 overdue
2027-12-18 22:00 overdue
2027-12-19 22:00 overdue
2027-12-26 22:00 overdue
2028-01-02 22:00 overdue
2028-01-09 22:00 overdue
2028-01-10 11:00 scheduled
2028-01-10 11:00 overdue
2028-02-10 11:00 unreadable
2028-02-11 11:00 unreadable
2028-02-12 11:00 unreadable
2028-02-12 23:00 readable
2028-02-12 23:00 completed
2028-03-15 15:00 unreadable
2028-03-15 18:00 readable
2028-04-08 22:00 channel
2028-04-09 22:00 channel
2028-04-10 22:00 channel
2028-04-11 14:00 channel
2028-05-20 21:00 unknown
2028-05-21 10:00 completed
2028-07-03 08:00 stopped
"""
UNSENT = {utc("2027-10-03 21:00")}
"""An overdue backup is noted and not sent: the failed ones were, within a day."""
NOT_ORDINARY = {"2027-10-02", "2027-11-06", "2028-02-12", "2028-05-20"}
WITHOUT_BACKUP = [
    (utc("2027-12-10 00:00"), utc("2028-01-15 00:00")),
    (utc("2028-07-03 00:00"), utc("2028-07-09 00:00")),
    (utc("2028-07-16 00:00"), utc("2028-08-06 00:00")),
    (utc("2028-08-13 00:00"), utc("2028-09-01 00:00")),
]
Sent = list[tuple[datetime, str]]


def entries(text: str) -> Sent:
    """Return the time and the word of each line."""
    return [(utc(line[:16]), line[17:]) for line in text.strip().splitlines()]


def expected() -> Sent:
    """Return everything that must be sent within the year, in order."""
    completed = [
        (next_check(night + timedelta(minutes=40)), "completed")
        for night in saturdays()
        if night > START
        and f"{night:%Y-%m-%d}" not in NOT_ORDINARY
        and not any(begin < night < end for begin, end in WITHOUT_BACKUP)
    ]
    digests = [(START + 30 * n * DAY, "digest") for n in range(1, 13)]
    return sorted([*entries(SENT), *completed, *digests], key=lambda entry: entry[0])


# How it is played


class InProcess(BaseAdapter):
    """Lets a fake answer without a socket."""

    def __init__(self, server: Server) -> None:
        """Ask this fake, which keeps its scripts and its record of requests."""
        super().__init__()
        self._server = server

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the fake's answer."""
        headers: Message[str, str] = Message()
        for name, value in request.headers.items():
            headers[name] = value
        url = urlsplit(str(request.url))
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        target = f"{url.path}?{url.query}"
        answer = self._server._exchange(str(request.method), target, headers, body)
        assert answer is not None
        response = requests.Response()
        response.status_code = answer.status
        response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False)
        return response

    def close(self) -> None:
        """Close nothing."""


class Topic:
    """A topic that says what it has taken since it was last asked."""

    def __init__(self, topic: Any) -> None:
        """Pass everything on to a client of SNS."""
        self._topic = topic
        self._entries: list[Raw] = []

    def publish_batch(self, **request: Any) -> Any:
        """Publish, and keep the entries."""
        self._entries += request["PublishBatchRequestEntries"]
        return self._topic.publish_batch(**request)

    def taken(self) -> list[Raw]:
        """Return the entries since the last call."""
        entries, self._entries = self._entries, []
        return entries


@contextmanager
def stage_with(topic: Any, table: Any = None, **settings: str) -> Iterator[World]:
    """Give a world with this topic and table."""
    with closing(FakeZoho()) as zoho, closing(FakeSlack()) as slack:
        yield World(zoho, {"slack": slack}, table=table, topic=Topic(topic), **settings)


@dataclass
class Played:
    """What a run of checks left behind.

    Attributes:
        sent: When each message reached the topic, and its kind.
        ids: The `notice_id` of each of them.
        posted: The `notice_id` of all that Slack accepted, in order.
        wrote: The checks that wrote to the table.
        reads: How often checks read it.
    """

    sent: Sent = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    wrote: set[datetime] = field(default_factory=set)
    reads: int = 0


def play(stage: World, times: Sequence[datetime]) -> Played:
    """Run checks at these times, with what the script has for them."""
    played = Played()

    def around(name: str, call: Any) -> Any:
        played.reads += name == "get_item"
        if name == "put_item":
            played.wrote.add(stage.clock.now)
        return call()

    stage.around = around
    topic: Any = stage.topic
    tokens = list(stage.organisation.refresh_tokens)
    posts = 0
    for number, now in enumerate(times):
        stage.clock.now = now
        if number % 24 == 0:
            stage.cold()
            stage.services.reading.mount("http://", InProcess(stage.zoho))
            stage.services.senders.session.mount("http://", InProcess(stage.slack))
        stage.organisation.rows = [raw for at, raw in reversed(SCRIPT) if now - YEAR < at <= now]
        troubles = {name for name in TROUBLE if within(name, now)}
        stage.organisation.refresh_tokens = [] if "revoked" in troubles else list(tokens)
        stage.zoho.standing = {"history": Fault(API_ERRORS["INTERNAL_ERROR"])} if "5xx" in troubles else {}
        stage.slack.standing = {"webhook": Fault(ERRORS["no_service"])} if "webhook" in troubles else {}
        try:
            stage.check()
        except CheckFailed:
            assert troubles or "channel:slack" in stage.memory().incidents
        for entry in topic.taken():
            played.sent.append((now, TopicInMemory.attribute(entry, "kind")))
            played.ids.append(TopicInMemory.attribute(entry, "notice_id"))
        for post in stage.slack.messages[posts:]:
            contexts = [block["elements"][0]["text"] for block in post["blocks"] if block["type"] == "context"]
            played.posted += [text.removeprefix("Reference: ") for text in contexts]
        posts = len(stage.slack.messages)
    return played


def times() -> Iterator[datetime]:
    """Yield the times of a year's checks: each hour near what happens, and one a day elsewhere."""
    moments = [*UNSENT, *(at for at, _ in SCRIPT)] + [
        time for spans in TROUBLE.values() for span in spans for time in span
    ]
    moments += [at for at, kind in expected() if kind != "completed"]
    near = {next_check(at) + number * HOUR for at in moments for number in (-1, 0, 1, 2)}
    hours = (START + number * HOUR for number in range(8_760))
    return (hour for number, hour in enumerate(hours) if number % 24 == 0 or hour in near or within("webhook", hour))


TIMES = list(times())


@contextmanager
def quiet_log() -> Iterator[None]:
    """Keep the log to itself: thousands of summaries."""
    log = logging.getLogger("handler")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def test_a_year_of_checks() -> None:
    """About 900 of them: the exact list of notices on both channels, writes only with a reason, an item of a few kB."""
    with stage_with(TopicInMemory()) as stage, quiet_log():
        played = play(stage, TIMES)
        memory = stage.memory()
    assert played.sent == expected()
    assert len(set(played.ids)) == len(played.ids)
    sent = zip(played.ids, played.sent, strict=True)
    assert played.posted == [notice_id for notice_id, (_, kind) in sent if kind != "channel"]

    sending = {time for time, _ in played.sent}
    news = {next_check(at) for at, _ in SCRIPT if at > START and not within("revoked", at)}
    trouble = {next_check(time) for span in TROUBLE["5xx"] for time in span}  # begins and ends, sent or not
    owed = {utc("2028-04-08 21:00") + n * HOUR for n in range(65)}  # Slack waits for what e-mail has
    assert played.wrote == sending | news | trouble | owed | UNSENT
    assert len(played.wrote) < 220
    assert memory.outbox == ()
    assert memory.incidents == {}
    assert played.reads == len(TIMES)
    assert 3_000 < item_size(memory) < 6_000


def test_a_week_of_hourly_checks_on_moto() -> None:
    """The week of November in which everything goes wrong, on the stack's own table and topic."""
    start, checks = utc("2027-11-05 00:00"), 168
    with closing(Cloud()) as cloud, quiet_log():
        stack = cloud.deploy()
        environment = stack.environment()
        mailbox = stack.subscribe()
        with stage_with(cloud.client("sns"), cloud.client("dynamodb"), **environment) as stage:
            played = play(stage, [start + number * HOUR for number in range(checks)])
            memory = Store(stage.table, stage.settings["TABLE_NAME"]).load("default")
        sent = [(start, "baseline"), *(entry for entry in expected() if start < entry[0] < start + checks * HOUR)]
        assert played.sent == sent
        assert [mail.attributes["kind"] for mail in mailbox.mails] == [kind for _, kind in sent]
        assert [mail.attributes["notice_id"] for mail in mailbox.mails] == played.ids == played.posted
        sending = {time for time, _ in sent}
        beginnings = {utc("2027-11-06 21:00"), utc("2027-11-10 09:00")}
        assert played.wrote == sending | beginnings
        # What was decided, what e-mail accepted, what Slack accepted.
        assert cloud.calls.count("dynamodb:PutItem") == 3 * len(sending) + len(beginnings)
        assert played.reads == checks
    assert memory is not None
    assert memory.outbox == ()
