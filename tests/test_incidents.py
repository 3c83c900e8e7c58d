"""Conditions that last: each threshold to the second, what opens, repeats and ends them, and that these alternate."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler import errors
from handler.channels import Batch
from handler.decision import Decision
from handler.delivery import Delivery
from handler.errors import DeliveryError, UnreadableError
from handler.history import parse_row
from handler.memory import Incident, Memory, Notice
from handler.message import Reader
from handler.rules import decide, decide_unreadable
from handler.store import from_item, to_item
from tests.watch import CHANNELS, DEFAULT, EVERYTHING, Raw, Watch, kinds
from tests.world import START, row

SECOND = timedelta(seconds=1)
ANCHORS = [
    pytest.param("2026-03-02T10:00:00+00:00", id="UTC"),
    pytest.param("2026-03-28T22:30:00+01:00", id="Berlin, clocks go forward tonight"),
    pytest.param("2026-10-24T22:30:00+02:00", id="Berlin, clocks go back tonight"),
    pytest.param("2026-10-25T02:30:00+01:00", id="Berlin, the second half past two"),
    pytest.param("2028-02-28T22:30:00+00:00", id="the eve of 29 February"),
    pytest.param("2028-02-29T12:00:00+01:00", id="29 February"),
]
"""From each of these every threshold below lies beyond a change of clocks or around the leap day."""
LIMITS = [
    pytest.param({"repeat_type": "weekly"}, {}, timedelta(days=7, hours=24), id="weekly"),
    pytest.param({"repeat_type": "biweekly"}, {}, timedelta(days=14, hours=24), id="biweekly"),
    pytest.param({"repeat_type": "monthly"}, {}, timedelta(days=31, hours=24), id="monthly"),
    pytest.param({"repeat_type": "yearly"}, {}, timedelta(days=31, hours=24), id="an interval without a known name"),
    pytest.param({"action": "stopped"}, {}, timedelta(days=31, hours=24), id="no schedule"),
    pytest.param({"repeat_type": "weekly"}, {"grace_hours": 1}, timedelta(days=7, hours=1), id="little grace"),
    pytest.param({}, {"max_backup_age_days": 2}, timedelta(days=2, hours=24), id="age by setting"),
    pytest.param(
        {"action": "stopped"}, {"max_backup_age_days": 3, "grace_hours": 5}, timedelta(days=3, hours=5), id="both set"
    ),
]


def at_noted(anchor: str, **fields: Any) -> Raw:
    """Return a row with this `log_time`, spelt as given."""
    return row(None, **{"log_time": anchor, **fields})


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize(("scheduled", "policy", "limit"), LIMITS)
def test_overdue_opens_strictly_after_the_limit(
    anchor: str, scheduled: Raw, policy: dict[str, Any], limit: timedelta
) -> None:
    """No completion for longer than the age plus the grace: not at that second, but at the next."""
    start = datetime.fromisoformat(anchor)
    watch = Watch([row(start - timedelta(hours=1), **{"action": "scheduled", **scheduled})], digest_days=0, **policy)
    watch.rows.append(at_noted(anchor, state="completed", repeat_type="immediate"))
    assert watch.look_at(start.astimezone(UTC)) == ["baseline"]
    assert watch.look_at(start + limit - SECOND) == []
    assert watch.look_at(start + limit) == []
    assert watch.look_at(start + limit + SECOND) == ["overdue"]
    facts = watch.told[-1].facts
    assert datetime.fromisoformat(facts["counted_from"]) == start
    assert datetime.fromisoformat(facts["since"]) == start + limit
    assert timedelta(days=facts["expected_days"], hours=facts["grace_hours"]) == limit


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("found", ["scheduled", "nothing"])
def test_overdue_without_any_completion_counts_from_the_scheduling_or_the_baseline(anchor: str, found: str) -> None:
    """A weekly schedule that never made a backup; and a company without a schedule."""
    start = datetime.fromisoformat(anchor)
    rows = [at_noted(anchor, action="scheduled")] if found == "scheduled" else []
    limit = timedelta(days=8 if rows else 32)
    watch = Watch(rows, digest_days=0)
    assert watch.look_at(start + timedelta(hours=1 if rows else 0)) == ["baseline"]
    assert watch.look_at(start + limit) == []
    assert watch.look_at(start + limit + SECOND) == ["overdue"]


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("log_time", ["known", "null"])
@pytest.mark.parametrize("hours", [24, 1])
def test_stuck_opens_at_its_hours_after_the_beginning(anchor: str, log_time: str, hours: int) -> None:
    """Counted from the row's `log_time`, or from when it was first seen; not a second before."""
    start = datetime.fromisoformat(anchor)
    watch = Watch(stuck_hours=hours, digest_days=0)
    watch.look_at(start - SECOND)
    watch.rows = [at_noted(anchor, action="initiated") if log_time == "known" else row(None, action=None)]
    assert watch.look_at(start) == []
    assert watch.look_at(start + timedelta(hours=hours) - SECOND) == []
    assert watch.look_at(start + timedelta(hours=hours)) == ["stuck"]
    assert watch.look_at(start + timedelta(hours=hours) + SECOND) == []
    notice = watch.told[-1]
    assert datetime.fromisoformat(notice.facts["since"]) == start
    assert notice.row is not None
    assert notice.row["id"] == watch.rows[0]["id"]


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("hours", [6, 1])
def test_running_trouble_is_told_at_its_hours_and_what_needs_a_person_at_once(anchor: str, hours: int) -> None:
    """`UNREADABLE_HOURS` of 5xx, timeouts and throttling; a revoked token not a second later."""
    start = datetime.fromisoformat(anchor)
    trouble = errors.TroubleError("HTTP 503")
    watch = Watch(unreadable_hours=hours)
    watch.look_at(start - timedelta(days=1))
    assert watch.look_at(start, trouble) == []
    assert watch.look_at(start + timedelta(hours=hours) - SECOND, trouble) == []
    assert watch.look_at(start + timedelta(hours=hours), trouble) == ["unreadable"]
    assert watch.look_at(start + timedelta(hours=hours) + SECOND) == ["readable"]
    assert datetime.fromisoformat(watch.told[-1].facts["since"]) == start
    assert watch.look_after(errors.RevokedTokenError("invalid_code"), hours=1) == ["unreadable"]
    assert watch.look_after(hours=1) == ["readable"]


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("remind", [24, 1, 100, 0])
@pytest.mark.parametrize("incident", ["overdue", "stuck", "unreadable", "channel"])
def test_reminders_come_at_their_hours_while_it_lasts(anchor: str, remind: int, incident: str) -> None:
    """At or after `REMIND_HOURS` since it was last told, again and again; never at all for 0."""
    told = datetime.fromisoformat(anchor)
    watch = Watch(remind_hours=remind, digest_days=0, max_backup_age_days=0 if incident == "overdue" else 3650)
    problem = None
    if incident == "overdue":
        watch.rows = [row(told - timedelta(days=33), state="completed", repeat_type="immediate")]
        watch.look_at(told - timedelta(days=20))
    else:
        watch.look_at(told - timedelta(days=1))
    if incident == "stuck":
        watch.rows = [row(told - timedelta(hours=24), action="initiated")]
    if incident == "unreadable":
        problem = errors.NoPermissionError("HTTP 403 NO_PERMISSION")
    if incident == "channel":
        broken = Incident(told - SECOND, facts={"channel": "slack", "detail": "Slack answered HTTP 404"})
        watch.memory = watch.memory.with_incident("channel:slack", broken)
    assert watch.look_at(told, problem) == [incident]
    for _ in range(3):
        if remind:
            assert watch.look_at(told + timedelta(hours=remind) - SECOND, problem) == []
            told += timedelta(hours=remind)
            assert watch.look_at(told, problem) == [incident]
            assert watch.told[-1].facts["phase"] == "reminder"
        else:
            told += timedelta(days=100)
            assert watch.look_at(told, problem) == []


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("days", [30, 1, 0])
def test_a_digest_comes_at_its_days_since_the_baseline_or_the_last_one(anchor: str, days: int) -> None:
    """With the outcomes since then, and what comes next; never for 0."""
    start = datetime.fromisoformat(anchor)
    watch = Watch(
        [at_noted(anchor, state="completed", repeat_type="monthly")], digest_days=days, max_backup_age_days=999
    )
    watch.look_at(start)
    if not days:
        assert watch.look_at(start + timedelta(days=31)) == []
        return
    watch.log(at=start + timedelta(hours=2), state="failure", repeat_type="monthly")
    assert watch.look_at(start + timedelta(days=days) - SECOND) == ["failed"]
    assert watch.look_at(start + timedelta(days=days)) == ["digest"]
    facts = watch.told[-1].facts
    assert facts["outcomes"] == {"failed": 1}
    assert datetime.fromisoformat(facts["next_expected"]) == start + timedelta(days=31)
    assert watch.look_at(start + timedelta(days=2 * days) - SECOND) == []
    assert watch.look_at(start + timedelta(days=2 * days)) == ["digest"]
    assert watch.told[-1].facts["outcomes"] == {}


def test_a_completion_ends_everything_in_one_notice() -> None:
    """An overdue, a stuck and a run of failures: one `recovered` names them all, with how many and since when."""
    watch = Watch([row(START - timedelta(days=30), state="completed", repeat_type="weekly")], digest_days=0)
    watch.look()
    assert [entry["what"] for entry in watch.told[0].facts["wrong"]] == ["overdue"]
    watch.log(state="failure")
    watch.log(at=START + timedelta(hours=1), action="initiated")
    assert watch.look_after(hours=2) == ["failed"]
    assert watch.look_after(hours=24) == ["overdue", "stuck"]
    watch.log(state="completed")
    assert watch.look_after(hours=1) == ["recovered"]
    ends = {entry.pop("what"): entry for entry in watch.told[-1].facts["ends"]}
    assert ends == {
        "failed": {"count": 1, "since": START.isoformat()},
        "overdue": {"since": (START - timedelta(days=22)).isoformat()},
        "stuck": {"since": (START + timedelta(hours=1)).isoformat()},
    }
    assert watch.memory.incidents == {}
    assert watch.look_after(hours=1) == []


@pytest.mark.parametrize(
    ("state", "kind"), [("failure", "failed"), ("paused", "unknown"), ("completed", "recovered")], ids=str
)
def test_any_outcome_ends_stuck(state: str, kind: str) -> None:
    """Also the `failed` or the `unknown` that a stuck backup ends in, which then says so."""
    watch = Watch([row(START - timedelta(hours=25), action="initiated", repeat_type="immediate")])
    watch.look()
    assert {"what": "stuck", "since": (START - timedelta(hours=25)).isoformat()}.items() <= dict(
        watch.told[0].facts["wrong"][0]
    ).items()
    watch.log(state=state)
    assert watch.look_after(hours=1) == [kind]
    assert [entry["what"] for entry in watch.told[-1].facts["ends"]] == ["stuck"]
    assert watch.look_after(days=3) == []


@pytest.mark.parametrize("action", ["stopped", "scheduled", "purchased", "resumed", "initiated", None], ids=str)
def test_what_is_no_outcome_does_not_end_stuck(action: str | None) -> None:
    """Neither an action, known or not, nor the beginning of another backup."""
    watch = Watch([row(START - timedelta(hours=25), action="initiated")], notify_on={"stuck"})
    watch.look()
    watch.log(action=action)
    assert watch.look_after(hours=1) == []
    assert "stuck" in watch.memory.incidents
    assert watch.look_after(hours=23) == ["stuck"]


def test_a_stuck_backup_that_changes_in_place_is_over() -> None:
    """One row, no outcome for a day, then a state: also when its time lies before that of the first look."""
    for log_time in (None, (START - timedelta(hours=3)).isoformat()):
        raw = row(None, action="initiated")
        watch = Watch([raw])
        watch.look()
        assert watch.look_after(hours=24) == ["stuck"]
        raw |= {"state": "failure", "log_time": log_time}
        assert watch.look_after(hours=1) == ["failed"]
        assert [entry["what"] for entry in watch.told[-1].facts["ends"]] == ["stuck"]
        assert watch.look_after(days=1) == []


def test_an_earlier_run_of_the_same_job_does_not_end_stuck() -> None:
    """One id for many runs: the outcome of last week's, seen late, says nothing of today's."""
    job = "4876876000001757002"
    watch = Watch([row(START - timedelta(hours=24), id=job, action="initiated")], notify_on={"stuck", "completed"})
    watch.look()
    watch.log(at=START - timedelta(days=7), id=job, state="completed")
    assert watch.look_after(hours=1) == ["completed"]
    assert list(watch.memory.incidents) == ["stuck"]
    watch.log(id=job, state="completed")
    assert watch.look_after(hours=1) == ["recovered"]
    assert watch.memory.incidents == {}


def test_a_late_completion_does_not_end_overdue() -> None:
    """One that lies before the completion that overdue is counted from, and outside the limit."""
    watch = Watch([row(START - timedelta(days=9), state="completed")])
    watch.look()
    assert watch.told[0].facts["wrong"][0]["what"] == "overdue"
    watch.log(at=START - timedelta(days=10), state="completed")
    assert watch.look_after(hours=1) == ["completed"]
    assert "overdue" in watch.memory.incidents


def test_a_completion_longer_ago_than_the_limit_ends_one_overdue_and_begins_another() -> None:
    """While the history was unreadable a backup completed, too long ago: reminders must not name an older one."""
    watch = Watch([row(START - timedelta(days=9), state="completed")], digest_days=0)
    watch.look()
    revoked = errors.RevokedTokenError("invalid_code")
    assert watch.look_after(revoked, hours=1) == ["unreadable"]
    watch.log(at=START + timedelta(days=1), state="completed")
    assert watch.look_after(days=20) == ["readable", "recovered", "overdue"]
    assert watch.told[-1].facts["last_completed"] == (START + timedelta(days=1)).isoformat()
    assert watch.told[-1].facts["phase"] == "opened"


def test_overdue_stays_open_while_somebody_stops_the_schedule() -> None:
    """Only a completion closes it: neither a stop, nor a slower schedule, nor a failure."""
    watch = Watch([row(START - timedelta(days=9), state="completed")], digest_days=0)
    watch.look()
    watch.log(action="stopped")
    assert watch.look_after(hours=24) == ["stopped", "overdue"]
    watch.log(action="scheduled", repeat_type="monthly")
    watch.log(state="failure")
    assert watch.look_after(hours=24) == ["failed", "overdue"]
    watch.log(state="completed")
    assert watch.look_after(hours=1) == ["recovered"]


def test_reopening_is_a_new_incident() -> None:
    """Overdue, recovered, overdue again: an opening each, with identities of their own."""
    watch = Watch(digest_days=0, remind_hours=0, max_backup_age_days=1)
    watch.look()
    for _ in range(3):
        watch.log(state="completed")
        watch.look_after(hours=1)
        assert watch.look_after(days=3) == ["overdue"]
        assert watch.told[-1].facts["phase"] == "opened"
    ids = [notice.notice_id for notice in watch.told]
    assert len(set(ids)) == len(ids)


def test_nothing_is_called_overdue_or_stuck_and_no_digest_goes_out_while_unreadable() -> None:
    """Not being able to look is not evidence; what became due meanwhile is told by the first good read."""
    watch = Watch([row(START, action="initiated")])
    watch.look()
    trouble = errors.TroubleError("timeout")
    assert watch.look_after(trouble, days=40) == []
    assert watch.look_after(trouble, hours=6) == ["unreadable"]
    assert watch.look_after(trouble, hours=24) == ["unreadable"]
    assert watch.look_after(hours=1) == ["readable", "overdue", "stuck", "digest"]


def test_an_organisation_that_was_never_readable() -> None:
    """First `unreadable`, then `readable` and `baseline` together."""
    watch = Watch([row(START, state="completed")])
    scope = errors.ScopeMismatchError("HTTP 401 OAUTH_SCOPE_MISMATCH")
    assert watch.look_after(scope, hours=1) == ["unreadable"]
    assert watch.memory.seen == {}
    assert watch.look_after(scope, hours=24) == ["unreadable"]
    assert watch.look_after(hours=1) == ["readable", "baseline"]


def test_short_trouble_is_nobodys_business() -> None:
    """An incident that nobody was told of closes in silence."""
    watch = Watch()
    watch.look()
    for _ in range(5):
        assert watch.look_after(errors.InternalError("HTTP 500 INTERNAL_ERROR"), hours=1) == []
    assert watch.look_after(minutes=30) == []
    assert watch.memory.incidents == {}


def test_another_thing_to_mend_is_told_anew_and_passing_trouble_never_hides_it() -> None:
    """From trouble to a revoked token to no permission; a timeout in between changes nothing."""
    watch = Watch()
    watch.look()
    trouble, revoked = errors.TroubleError("timeout"), errors.RevokedTokenError("invalid_code")
    assert watch.look_after(trouble, hours=1) == []
    assert watch.look_after(revoked, hours=1) == ["unreadable"]
    assert watch.told[-1].facts["phase"] == "opened"
    assert watch.look_after(trouble, hours=1) == []
    assert watch.look_after(revoked, hours=1) == []
    assert watch.look_after(errors.NoPermissionError("HTTP 403"), hours=1) == ["unreadable"]
    assert (watch.told[-1].facts["phase"], watch.told[-1].facts["cause"]) == ("changed", "no_permission")
    assert watch.look_after(trouble, hours=24) == ["unreadable"]
    assert (watch.told[-1].facts["phase"], watch.told[-1].facts["cause"]) == ("reminder", "no_permission")
    assert watch.look_after(hours=1) == ["readable"]
    assert datetime.fromisoformat(watch.told[-1].facts["since"]) == START + timedelta(hours=1)


UNREADABLE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, UnreadableError)]


@pytest.mark.parametrize("problem", UNREADABLE, ids=lambda kind: kind.__name__)
def test_every_cause_is_told_with_zohos_resolution(problem: type[UnreadableError]) -> None:
    """At once or after a while, and what the notice says is what Zoho advises."""
    watch = Watch()
    watch.look()
    watch.look_after(problem("what was seen"), hours=1)
    watch.look_after(problem("what was seen"), hours=6)
    facts = watch.told[-1].facts
    assert (facts["cause"], facts["resolution"], facts["detail"]) == (
        problem.cause,
        problem.resolution,
        "what was seen",
    )
    assert kinds(watch.told) == ["baseline", "unreadable"]


def break_slack(watch: Watch) -> list[str]:
    """Let a delivery find that the webhook is gone, and return what the next check tells."""
    facts = {"channel": "slack", "detail": "Slack answered HTTP 404 no_service"}
    watch.memory = watch.memory.with_incident("channel:slack", Incident(watch.now, facts=facts))
    return watch.look_after(hours=1)


def mend_slack(watch: Watch) -> list[str]:
    """Let a delivery find that it accepts again, and return what the next check tells."""
    broken = watch.memory.incidents["channel:slack"]
    back = Incident(broken.since, broken.told_at, {**broken.facts, "back_at": watch.now.isoformat()})
    watch.memory = watch.memory.with_incident("channel:slack", back if broken.told_at else None)
    return watch.look_after(hours=1)


INCIDENTS: dict[str, Callable[[Watch], object]] = {
    "overdue": lambda watch: watch.look_after(days=33),
    "stuck": lambda watch: [watch.log(action="initiated"), watch.look_after(hours=25)],
    "unreadable": lambda watch: watch.look_after(errors.WrongUrlError("HTTP 404"), hours=1),
    "channel": break_slack,
}
ENDS: dict[str, Callable[[Watch], object]] = {
    "overdue": lambda watch: [watch.log(state="completed"), watch.look_after(hours=1)],
    "stuck": lambda watch: [watch.log(state="completed"), watch.look_after(hours=1)],
    "unreadable": lambda watch: watch.look_after(hours=1),
    "channel": mend_slack,
}
TOLD = {
    "overdue": ["overdue", "overdue", "recovered"],
    "stuck": ["stuck", "stuck", "recovered"],
    "unreadable": ["unreadable", "readable"],
    "channel": ["channel", "channel", "channel"],
}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_notify_on_an_incident_brings_its_reminders_and_its_end(incident: str) -> None:
    """One kind asked for, and nothing else: opening, reminder and end; left out: none of them."""
    for notify_on in ({incident}, EVERYTHING - {incident, "completed"}):
        watch = Watch(notify_on=notify_on, digest_days=0, max_backup_age_days=0 if incident == "overdue" else 3650)
        watch.look()
        INCIDENTS[incident](watch)
        assert incident in [name.partition(":")[0] for name in watch.memory.incidents]
        if incident != "unreadable":
            watch.look_after(hours=24)
        ENDS[incident](watch)
        assert kinds(watch.told[1:]) == (TOLD[incident] if incident in notify_on else [])
        assert watch.memory.incidents == {}


def test_a_broken_channel_is_told_on_the_others_only() -> None:
    """Opening, reminder and end are owed to every channel but the broken one."""
    watch = Watch()
    watch.look()
    break_slack(watch)
    watch.look_after(hours=24)
    mend_slack(watch)
    assert [notice.owed for notice in watch.told[1:]] == [("sns",)] * 3
    assert [notice.facts["phase"] for notice in watch.told[1:]] == ["opened", "reminder", "closed"]


def test_an_only_channel_that_breaks_is_told_to_nobody() -> None:
    """The failing invocation and its alarm say it; nothing is remembered as told, so no end is told either."""
    watch = Watch(channels=["sns"])
    watch.look()
    facts = {"channel": "sns", "detail": "SNS answered NotFound"}
    watch.memory = watch.memory.with_incident("channel:sns", Incident(watch.now, facts=facts))
    assert watch.look_after(hours=30) == []
    assert watch.memory.incidents["channel:sns"].told_at is None


def test_a_broken_channel_that_is_removed_is_told_as_removed() -> None:
    """It is owed nothing more, and its incident ends."""
    watch = Watch()
    watch.look()
    assert break_slack(watch) == ["channel"]
    watch.channels = ("sns",)
    assert watch.look_after(hours=1) == ["channel"]
    assert (watch.told[-1].facts["phase"], watch.told[-1].facts["removed"]) == ("closed", True)
    assert watch.memory.incidents == {}


def test_a_quiet_check_remembers_exactly_what_was_remembered() -> None:
    """Row or no row, incident or none: with nothing new and nothing due the memory is equal, so nothing is written."""
    for rows in ([], [row(START - timedelta(days=1), state="completed")], [row(START, action="initiated")]):
        watch = Watch(rows)
        watch.look()
        watch.look_after(hours=1)
        known = watch.memory
        assert watch.look_after(hours=22) == []
        assert watch.memory == known
    broken = errors.WrongClientError("invalid_client")
    watch.look_after(broken, hours=1)
    known = watch.memory
    assert watch.look_after(broken, hours=23) == []
    assert watch.memory == known


class Inbox:
    """A channel that answers as told, each notice in a request of its own."""

    def __init__(self, name: str) -> None:
        """Accept everything at first."""
        self.name = name
        self.mood = "takes"
        self.taken: list[str] = []

    def batches(self, notices: Sequence[Notice], reader: Reader) -> list[Batch]:
        """Return one request a notice."""
        return [Batch((notice.notice_id,), notice) for notice in notices]

    def send(self, batch: Batch, seconds: Callable[[], float]) -> None:
        """Take it or refuse it; a moody channel breaks after the first one."""
        if self.mood in {"takes", "breaks"}:
            self.mood = {"takes": "takes", "breaks": "gone"}[self.mood]
            self.taken += batch.notice_ids
            return
        refused = batch.notice_ids if self.mood == "refuses" else ()
        raise DeliveryError(
            self.mood, permanent=self.mood != "slow", gone=self.mood == "gone", accepted=(), refused=refused
        )


@dataclass
class Office:
    """A watch whose notices really go through a delivery, with an inbox for each channel."""

    watch: Watch
    decided: Memory = field(default_factory=lambda: Memory("default"))
    inboxes: dict[str, Inbox] = field(default_factory=lambda: {name: Inbox(name) for name in CHANNELS})

    def check(self, problem: UnreadableError | None) -> list[Notice]:
        """Decide, and deliver what is owed; the memory goes through the table's form each time."""
        watch = self.watch
        decision = self._decide(problem, watch.memory)
        self.decided = decision.memory
        again = self._decide(problem, decision.memory)
        assert (again.notices, again.memory) == ([], decision.memory), "deciding the same again changes something"
        tools: Any = SimpleNamespace(
            store=SimpleNamespace(save=lambda memory: from_item(to_item(memory))),
            configured_channels=lambda org: {name: self.inboxes[name] for name in watch.channels},
            accesses={},
            settings=SimpleNamespace(time_zone=UTC),
        )
        delivery = Delivery(decision.memory, tools, watch.now, lambda: 55.0)
        delivery.run()
        watch.memory = delivery.memory
        return decision.notices

    def _decide(self, problem: UnreadableError | None, memory: Memory) -> Decision:
        watch = self.watch
        try:
            if problem:
                raise problem
            rows = [parse_row(raw) for raw in watch.rows]
            return decide(rows, memory, watch.now, watch.policy, watch.channels)
        except UnreadableError as error:
            return decide_unreadable(error, memory, watch.now, watch.policy, watch.channels)


@dataclass
class Ledger:
    """What people know of incidents, read off the notices alone; asserts that openings and ends alternate."""

    remind: timedelta
    notify_on: frozenset[str]
    open: dict[str, Notice] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """Names of the incidents that are open and asked for."""
        return {name for name in self.open if name.partition(":")[0] in self.notify_on}

    def read(self, notice: Notice) -> None:
        """Take in what one notice opens, repeats or ends."""
        if notice.kind == "baseline":
            for entry in notice.facts["wrong"]:
                if entry["what"] in {"overdue", "stuck"}:
                    self._opens(entry["what"], notice)
        for entry in notice.facts.get("ends", ()):
            if entry["what"] != "failed":
                self._ends(entry["what"])
        if notice.kind == "readable" or notice.facts.get("phase") == "closed":
            self._ends(notice.incident)
        elif notice.facts.get("phase") == "opened":
            self._opens(notice.incident, notice)
        elif notice.facts.get("phase") == "changed":
            assert notice.facts["cause"] != self.open[notice.incident].facts["cause"]
            self.open[notice.incident] = notice
        elif notice.facts.get("phase") == "reminder":
            assert self.remind
            assert notice.at - self.open[notice.incident].at >= self.remind
            self.open[notice.incident] = notice

    def _opens(self, name: str, notice: Notice) -> None:
        assert name not in self.open, f"{name} was told as opened twice"
        self.open[name] = notice

    def _ends(self, name: str) -> None:
        assert name in self.open, f"{name} was told as ended, and nobody knew of it"
        del self.open[name]


PROBLEMS = [
    errors.TroubleError("timeout"),
    errors.InternalError("HTTP 500"),
    errors.RevokedTokenError("invalid_code"),
    errors.NoPermissionError("HTTP 403"),
    errors.HistoryVanishedError("empty"),
]
MOODS = st.sampled_from(["takes", "takes", "gone", "breaks", "slow", "refuses"])
WHAT = st.sampled_from(
    [
        *({"state": state} for state in ("completed", "failure", "paused")),
        *({"action": "initiated", "repeat_type": "immediate"}, {"action": "initiated", "log_time": None}),
        *({"action": "scheduled", "repeat_type": name} for name in ("weekly", "monthly", "immediate")),
        {"action": "stopped"},
    ]
)
STEPS = st.fixed_dictionaries(
    {
        "hours": st.sampled_from([1, 1, 5, 24, 25, 24 * 8, 24 * 15, 24 * 33]),
        "rows": st.lists(
            st.tuples(WHAT, st.sampled_from(["1", "2", "3"]), st.sampled_from([0, 1, 30, 24 * 9])), max_size=2
        ),
        "gone": st.integers(0, 3),
        "problem": st.none() | st.sampled_from(PROBLEMS),
        "sns": MOODS,
        "slack": st.none() | MOODS,
    }
)


@pytest.fixture
def _quiet() -> Any:
    """Let deliveries fail without a word in the log."""
    logging.getLogger("handler").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("handler").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_quiet")
@settings(max_examples=300)
@given(
    notify_on=st.sets(st.sampled_from(sorted(EVERYTHING))) | st.sampled_from([DEFAULT, EVERYTHING]),
    remind=st.sampled_from([0, 1, 24, 200]),
    steps=st.lists(STEPS, min_size=1, max_size=12),
)
def test_openings_and_ends_alternate_whatever_happens(
    notify_on: frozenset[str], remind: int, steps: list[dict[str, Any]]
) -> None:
    """Rows, unreadable spells and channel troubles in any order; and deciding the same again changes nothing."""
    watch = Watch(notify_on=notify_on, remind_hours=remind)
    office, ledger = Office(watch), Ledger(timedelta(hours=remind), notify_on)
    told: list[str] = []
    for step in steps:
        watch.now += timedelta(hours=step["hours"])
        del watch.rows[: step["gone"]]
        for fields, row_id, ago in step["rows"]:
            watch.log(at=watch.now - timedelta(hours=ago), **{"id": row_id, **fields})
        watch.channels = ("sns", "slack") if step["slack"] else ("sns",)
        office.inboxes["sns"].mood = step["sns"]
        office.inboxes["slack"].mood = step["slack"] or "takes"
        for notice in office.check(step["problem"]):
            ledger.read(notice)
            told.append(notice.notice_id)
        if not step["slack"] and "channel:sns" not in office.decided.incidents:
            ledger.open.pop("channel:sns", None)  # its end has nobody to be told to
        # Told of and not over: that is what the memory calls told.
        assert {name for name, incident in office.decided.incidents.items() if incident.told_at} == ledger.known
    assert len(set(told)) == len(told)
    for inbox in office.inboxes.values():
        assert len(set(inbox.taken)) == len(inbox.taken)
