"""Conditions that last: what opens, repeats and ends them, and what does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from handler.texts import describe

from handler import errors
from handler.errors import UnreadableError
from handler.memory import Incident
from handler.rules import STATES
from tests.stories import LASTING
from tests.watch import EVERYTHING, Watch, kinds
from tests.world import START, row


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


@pytest.mark.parametrize(("state", "kind"), {**STATES, "paused": "unknown"}.items(), ids=str)
def test_any_outcome_ends_stuck(state: str, kind: str) -> None:
    """Also the `failed` or the `unknown` that a stuck backup ends in, which then says so."""
    watch = Watch([row(START - timedelta(hours=25), action="initiated", repeat_type="immediate")])
    watch.look()
    assert {"what": "stuck", "since": (START - timedelta(hours=25)).isoformat()}.items() <= dict(
        watch.told[0].facts["wrong"][0]
    ).items()
    watch.log(state=state)
    assert watch.look_after(hours=1) == ["recovered" if kind == "completed" else kind]
    assert [entry["what"] for entry in watch.told[-1].facts["ends"]] == ["stuck"]
    assert "This ends" in dict(describe(watch.told[-1]).facts)
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


@pytest.mark.parametrize("action", ["stopped", "scheduled", "purchased", "resumed"])
def test_what_is_no_outcome_does_not_keep_stuck_from_opening(action: str) -> None:
    """Whatever somebody did while the backup ran says nothing of how it ended."""
    watch = Watch([row(START, action="initiated")], notify_on={"stuck"})
    watch.look()
    watch.log(action=action, at=START + timedelta(hours=1))
    assert watch.look_after(hours=24) == ["stuck"]


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


def test_every_incident_has_its_rows_in_the_tables_above() -> None:
    """Or nothing would see how it opens, ends and is told."""
    for table in (INCIDENTS, ENDS, TOLD):
        assert set(table) == LASTING, "add a row to INCIDENTS, ENDS and TOLD of this file"


@pytest.mark.parametrize("incident", INCIDENTS)
def test_an_incident_is_in_the_digest_and_in_the_baseline(incident: str) -> None:
    """While it lasts the digest names it; a first look that finds it tells of it in the baseline alone."""
    days = 0 if incident == "overdue" else 3650
    watch = Watch([row(START, state="completed")], notify_on=EVERYTHING, digest_days=0, max_backup_age_days=days)
    watch.look()
    INCIDENTS[incident](watch)
    newcomer = Watch(watch.rows, now=watch.now, notify_on=EVERYTHING, max_backup_age_days=days)
    assert kinds(newcomer.look()) == ["baseline"]
    wrong = [entry["what"] for entry in newcomer.told[0].facts["wrong"]]
    assert set(newcomer.memory.incidents) == set(wrong) - {"failed", "no_schedule"}
    watch.policy = replace(watch.policy, digest_days=1)
    assert "digest" in watch.look_after(hours=24)


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
