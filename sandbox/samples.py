"""A sample of every message: small histories, and what the real rules make of them. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from dateutil import tz

from handler.actions import test_content
from handler.channels import BY_NAME, CHANNELS
from handler.decision import Links
from handler.errors import CONCLUDED, UnreadableError
from handler.incidents.broken_channel import HEARTBEAT_CHANNEL
from handler.memory import HEARTBEAT, Incident, Memory, Subscribers
from handler.message import Rendering
from handler.outbox import Notice
from sandbox import watch
from sandbox.problems import PROBLEMS
from sandbox.zoho import plan, row

NOW = datetime(2026, 11, 20, 20, 40, tzinfo=UTC)
"""A Friday night."""
RENDERING = Rendering("acme", "Acme Ltd", tz.gettz("Europe/Berlin") or UTC, "https://crm.zoho.eu", NOW)
OPERATOR = "it@acme.example"
RUNBOOK = "https://git.acme.example/backup-notifier/blob/v1.0.0/docs/runbook.md"
HOSTILE = "<!channel> <https://evil.example|click> *b* _i_ `c` & <img src=x onerror=alert(1)> @here\u202e\r\nBcc: x"


@dataclass(frozen=True)
class Sample:
    """What a reader gets at once.

    Attributes:
        section: The kind, or what else it shows.
        title: What it is a sample of.
        notices: What is sent.
        rendering: To whom, where that matters.
    """

    section: str
    title: str
    notices: tuple[Notice, ...]
    rendering: Rendering | None = None

    @property
    def reader(self) -> Rendering:
        """To whom; at once, unless it is said otherwise."""
        return self.rendering or RENDERING._replace(now=self.notices[-1].at)

    @property
    def name(self) -> str:
        """Its name as a file."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.section} {self.title}".lower()).strip("-")


class Watch(watch.Watch):
    """An organisation that wants to hear everything, with times counted back from `NOW`."""

    def __init__(self, *rows: Any, first_check: float | None = 5.5 * 24, **more: Any) -> None:
        """Begin with these rows and a first check so many hours ago; None: there was none."""
        super().__init__(rows, notify_on=watch.EVERYTHING, memory=Memory(RENDERING.org), operated_by=OPERATOR, **more)
        if first_check is not None:
            self.ago(first_check)

    def ago(self, hours: float = 0, *rows: Any, problem: UnreadableError | None = None) -> tuple[Notice, ...]:
        """Check so many hours ago, after these rows appeared, and return the notices."""
        self.rows += rows
        self.now = ago(hours)
        return tuple(self.check(problem))


def ago(hours: float) -> datetime:
    """Return the time so many hours before `NOW`."""
    return NOW - timedelta(hours=hours)


def entry(hours_ago: float, repeat_type: str = "weekly", **fields: Any) -> dict[str, Any]:
    """Return a row of the history; its id is as old as it is."""
    row_id = 5_843_104_000_001_417_001 - 1_003 * round(hours_ago * 6)
    fixed = {"id": str(row_id), "done_by": {"name": "Asha Rao"}, "repeat_type": repeat_type}
    return row(ago(hours_ago), **{**fixed, **fields})


def weeks(*hours_ago: float) -> tuple[dict[str, Any], ...]:
    """Return a weekly schedule and completed backups of it."""
    return (entry(24 * 60, action="scheduled"), *(entry(hours, state="completed") for hours in hours_ago))


GOOD = weeks(24 * 20, 24 * 13, 24 * 6)
PLAN = plan(next_run=ago(-24), start=ago(24 * 60))


@cache
def samples() -> tuple[Sample, ...]:
    """Return samples of every kind, of every phase of an incident and of every cause, then of what goes together."""
    rooms = (_baselines, _outcomes, _deeds, _overdue, _stuck, _unreadable, _channels, _digests, _others, _together)
    return tuple(sample for make in rooms for sample in make())


def _baselines() -> Iterator[Sample]:
    yield Sample("baseline", "No problems", Watch(*GOOD, first_check=None, plan=PLAN).ago())
    wrong = (*weeks(24 * 40), entry(24 * 33, state="failure"), entry(24 * 26, state="failure"))
    wrong += (entry(24 * 3, action="stopped"),)
    yield Sample("baseline", "Nearly everything is wrong", Watch(*wrong, first_check=None).ago())
    running = entry(30, "immediate", action="initiated")
    yield Sample("baseline", "A backup is stuck", Watch(*GOOD, running, first_check=None).ago())
    changed = Watch(*GOOD)
    changed.ago(1, entry(1.5, state="failure"), entry(1.5, action="stopped"))
    changed.rows = [entry(24 * 50, "monthly", action="scheduled"), entry(24 * 3, "monthly", state="completed")]
    changed.ago(1 / 60)
    yield Sample("baseline", "Another history", changed.ago())
    yield Sample("baseline", "Nobody ever made a backup", Watch(first_check=None).ago())


def _outcomes() -> Iterator[Sample]:
    watched = Watch(*GOOD, plan=PLAN, links=Links(ago(-24 * 7), (2, 1)))
    yield Sample("completed", "The weekly backup", watched.ago(0, entry(0.5, state="completed", file_name="Data.zip")))
    watched.links = Links(ago(-24 * 14), (2, 0))
    yield Sample("completed", "Without attachments", watched.ago(-24 * 7, entry(-24 * 7, state="completed")))
    stuck = Watch(*GOOD)
    stuck.ago(10, entry(40, action="initiated"))
    failed = stuck.ago(0, entry(0.5, state="failure"))
    yield Sample("failed", "Sent after the links expired", failed, RENDERING._replace(now=ago(-30)))
    failing = Watch(*GOOD)
    notices: tuple[Notice, ...] = ()
    for hours in (30, 20, 10):
        notices = failing.ago(hours, entry(hours + 0.5, "immediate", state="failure"))
    yield Sample("failed", "The third in a row", notices)
    yield Sample("recovered", "After failures", failing.ago(0, entry(0.5, "immediate", state="completed")))
    reminded = Watch(*GOOD)
    yield Sample("failed", "The first", reminded.ago(24, entry(24.5, state="failure")))
    yield Sample("failed", "The reminder", reminded.ago())
    del reminded.rows[-1]
    yield Sample("failed", "It ends without a backup", reminded.ago(-1, entry(-0.5, action="scheduled"))[-1:])
    unheard = Watch(*GOOD)
    unheard.ago(24, entry(24.5, state="failure"))
    unheard.memory = unheard.memory._replace(incidents={})  # as if the kind had been left out
    yield Sample("failed", "It begins by another setting", unheard.ago())
    unpaid = Watch(*GOOD).ago(0, entry(0.5, "immediate", state="PAYMENT_FAILED"))
    yield Sample("failed", "It could not be paid for", unpaid)
    both = entry(2, state="failure"), entry(0.5, "immediate", state="completed")
    yield Sample("failed", "A later one completed", Watch(*GOOD).ago(0, *both)[:1])
    late = Watch(*weeks(24 * 14), first_check=24 * 10)
    late.ago(24 * 5)
    yield Sample("recovered", "After none was made in time", late.ago(0, entry(0.5, state="completed")))
    everything = Watch(*weeks(24 * 14), entry(24 * 7, state="failure"), first_check=24 * 6.5)
    everything.ago(24 * 3, entry(24 * 5, action="initiated"))
    yield Sample("recovered", "After all of it", everything.ago(0, entry(0.5, state="completed")))
    yield Sample("unknown", "A state", Watch(*GOOD).ago(0, entry(0.5, state="PARTIALLY_COMPLETED")))
    yield Sample("unknown", "An action", Watch(*GOOD).ago(0, entry(0.5, action="paused")))


def _deeds() -> Iterator[Sample]:
    stopped = Watch(*GOOD)
    yield Sample("stopped", "By somebody", stopped.ago(1, entry(1.5, action="stopped")))
    yield Sample("scheduled", "After a stop", stopped.ago(0, entry(0.5, "monthly", action="scheduled")))
    changed = entry(0.6, action="stopped"), entry(0.5, "monthly", action="scheduled")
    yield Sample("stopped", "And set up again", Watch(*GOOD).ago(0, *changed)[:1])
    yield Sample("scheduled", "Weekly", Watch(*GOOD, plan=PLAN).ago(0, entry(0.5, action="scheduled")))
    yield Sample("scheduled", "Once", Watch(*GOOD).ago(0, entry(0.5, "immediate", action="scheduled")))
    yield Sample("purchased", "Five", Watch(*GOOD).ago(0, entry(0.5, "immediate", action="purchased", count=5)))


def _overdue() -> Iterator[Sample]:
    late = Watch(*weeks(24 * 9.5), first_check=24 * 9)
    yield Sample("overdue", "It begins, by the word in the history", late.ago(24 * 1.2))
    yield Sample("overdue", "The reminder", late.ago())
    late.policy = late.policy._replace(max_backup_age_days=60)
    yield Sample("overdue", "It ends by another setting", late.ago())
    exact = plan("RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH", ago(25), ago(24 * 90))
    planned = Watch(*weeks(24 * 29), first_check=24 * 28, plan=exact)
    yield Sample("overdue", "It begins, by Zoho's plan", planned.ago())
    ended = plan("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=FR;COUNT=3", None, ago(24 * 28))
    yield Sample("overdue", "It begins, the schedule has ended", Watch(*GOOD, plan=ended).ago(-50)[-1:])
    stopped = Watch(*weeks(24 * 9), entry(24 * 8.5, action="stopped"), first_check=24 * 8)
    yield Sample("overdue", "It begins, without a schedule", stopped.ago())
    daily = Watch(*weeks(30), first_check=29, max_backup_age_days=1, grace_hours=1)
    yield Sample("overdue", "It begins, by the setting MaxBackupAgeDays", daily.ago())
    never = Watch(first_check=24 * 37, digest_days=0)
    yield Sample("overdue", "It begins, there never was a backup", never.ago())


def _stuck() -> Iterator[Sample]:
    stuck = Watch(*GOOD)
    yield Sample("stuck", "It begins", stuck.ago(24, entry(24 * 2 + 1, action="initiated")))
    yield Sample("stuck", "The reminder", stuck.ago())
    del stuck.rows[-1]
    yield Sample("stuck", "It ends without an outcome", stuck.ago()[:1])


def _unreadable() -> Iterator[Sample]:
    for problem in PROBLEMS:
        cause = problem.cause
        watched = Watch(*GOOD)
        if not cause.actionable or cause in CONCLUDED:
            watched.ago(1 / 60 if cause.actionable else 6, problem=problem)
        name = cause.name.replace("_", " ")
        reader = RENDERING._replace(runbook_url=RUNBOOK) if cause.name == "revoked_token" else None
        yield Sample("unreadable", f"It begins, {name}", watched.ago(problem=problem), reader)
    watched = Watch(*GOOD)
    watched.ago(50, problem=PROBLEMS[0])
    yield Sample("unreadable", "The reminder", watched.ago(26, problem=PROBLEMS[0]))
    yield Sample("unreadable", "Another cause", watched.ago(3, problem=PROBLEMS[4]))
    yield Sample("readable", "It ends", watched.ago()[:1])


def _channels() -> Iterator[Sample]:
    watched, said = Watch(*GOOD), "Slack answered HTTP 503"
    slow = Incident(ago(55), cause="hours", detail=said, label="Slack")
    watched.memory = watched.memory.with_incident("channel:slack", slow)
    yield Sample("channel", "It begins after three hours", watched.ago(52))
    watched = Watch(*GOOD)
    watched.memory = watched.memory._replace(subscribers=dict.fromkeys(("messages", "alarms"), Subscribers(ever=True)))
    watched.subscribers = {"messages": 0, "alarms": 0}
    watched.ago(53)
    yield Sample("channel", "It begins, nobody is subscribed", watched.ago(52))
    yield Sample("channel", "The reminder, nobody is subscribed", watched.ago(25))
    watched.subscribers = {"messages": 1}
    yield Sample("channel", "It ends, somebody is subscribed", watched.ago())
    watched, name = Watch(*GOOD), f"channel:{HEARTBEAT}"
    silent = Incident(ago(52), cause=HEARTBEAT, detail="HTTP 404", label=HEARTBEAT_CHANNEL.label)
    watched.memory = watched.memory.with_incident(name, silent)
    yield Sample("channel", "It begins, the heartbeat", watched.ago(28))
    watched.memory = watched.memory.works(HEARTBEAT, NOW)
    yield Sample("channel", "It ends, the heartbeat", watched.ago())
    for channel in CHANNELS:
        watched, name = Watch(*GOOD), f"channel:{channel.name}"
        said = "SNS answered NotFound" if channel.name == "sns" else f"{channel.label} answered HTTP 404"
        broken = Incident(ago(52), detail=said, label=channel.label)
        watched.memory = watched.memory.with_incident(name, broken)
        yield Sample("channel", f"It begins, {channel.name}", watched.ago(52))
    watched.ago(51, entry(51.5, "immediate", state="failure"))  # something that waits
    yield Sample("channel", "The reminder", tuple(notice for notice in watched.ago(27) if notice.kind == "channel"))
    known = watched.memory
    watched.memory = known.with_incident(name, known.incidents[name]._replace(back_at=NOW))
    yield Sample("channel", "It ends", watched.ago()[-1:])
    watched.memory, watched.channels = known, watched.channels[:-1]
    yield Sample("channel", "It ends, nobody uses it any more", watched.ago()[-1:])


def _digests() -> Iterator[Sample]:
    month = Watch(*weeks(24 * 40, 24 * 33), first_check=24 * 31, plan=PLAN)
    for day in (26, 19, 12, 5):
        month.ago(24 * day, entry(24 * day, state="completed"))
    yield Sample("digest", "A good month", month.ago())
    month = Watch(*weeks(24 * 40, 24 * 33), first_check=24 * 31)
    month.ago(24 * 26, entry(24 * 26, state="failure"))
    month.ago(24 * 20)
    yield Sample("digest", "A bad month", month.ago()[-1:])
    yield Sample("digest", "Nothing happened", Watch(first_check=24 * 30).ago())


def _others() -> Iterator[Sample]:
    test = Notice(f"{RENDERING.org}-test-20261120T204000Z", "test", NOW, tuple(BY_NAME), "info", test_content())
    yield Sample("test", "Asked for", (test,))
    watched = Watch(*GOOD)
    refused = watched.ago(1, entry(1.5, state="failure"))[0]
    kept = watched.memory._replace(outbox=(refused._replace(pending_for=("slack",)),))
    watched.memory = kept.discard("slack", {refused.notice_id}, "Slack answered HTTP 400 invalid_blocks", watched.now)
    yield Sample("lost", "One that alerted", watched.ago())


def _together() -> Iterator[Sample]:
    rows = entry(60, state="failure"), entry(30, "immediate", state="completed"), entry(0.5, action="stopped")
    yield Sample("together", "Three at once", Watch(*GOOD).ago(0, *rows))
    many = (entry(20 - i, "immediate", state="failure" if i % 3 else "completed") for i in range(14))
    yield Sample("list", "Fourteen at once", Watch(*GOOD).ago(0, *many))
    good = (entry(24 * day, "immediate", state="completed") for day in range(5, 0, -1))
    yield Sample("list", "Five good ones", Watch(*GOOD).ago(0, *good))
    evil = entry(0.5, HOSTILE, state=HOSTILE, done_by={"name": HOSTILE}, file_name="x" * 10_000)
    name = RENDERING._replace(name=f"{HOSTILE[:80]} GmbH & Co. KG")
    yield Sample("hostile", "Every field is hostile or far too long", Watch(*GOOD).ago(0, evil), name)
