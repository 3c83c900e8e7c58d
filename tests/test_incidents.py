"""Conditions that last: what opens, repeats and ends them, and what does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from handler import causes
from handler.errors import UnreadableError
from handler.history import STATES
from handler.incidents import INCIDENTS, broken_channel, unreadable
from handler.memory import Incident
from handler.outbox import Notice
from sandbox.problems import PROBLEMS
from sandbox.watch import EVERYTHING, RECEIVERS, START, Watch, kinds
from sandbox.zoho import row

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
REVOKED = UnreadableError(causes.REVOKED_TOKEN, "invalid_code")
NO_PERMISSION = UnreadableError(causes.NO_PERMISSION, "HTTP 403")
TIMEOUT = UnreadableError(causes.TRANSIENT, "timeout")
TWO = tuple(receiver for receiver in RECEIVERS if receiver.name in {"sns", "slack"})


def resolved(notice: Notice) -> str:
    """Return what a row's notice says that it ends."""
    return next((fact.text for fact in notice.content.facts if fact.label in {"Resolved", "Ended"}), "")


def ended(watch: Watch) -> set[str]:
    """Return the incidents that the last notice ends."""
    return {ref.name for ref in watch.notices[-1].ends}


# --- Each of them, from its opening to its end ------------------------------------------------------------------------


def break_slack(watch: Watch) -> None:
    """Let a delivery find that the webhook is gone, and check."""
    broken = Incident(watch.now, detail="Slack answered HTTP 404 no_service", label="Slack")
    watch.memory = watch.memory.with_incident("channel:slack", broken)
    watch.check_after(hours=1)


def repair_slack(watch: Watch) -> None:
    """Let a delivery find that it accepts again, and check."""
    broken = watch.memory.incidents["channel:slack"]
    back = broken._replace(back_at=watch.now) if broken.notified_at else None
    watch.memory = watch.memory.with_incident("channel:slack", back)
    watch.check_after(hours=1)


def happens(hours: float, **fields: Any) -> Callable[[Watch], object]:
    """Return what logs a row and checks so many hours later."""
    return lambda watch: [watch.log(**fields), watch.check_after(hours=hours)]


@dataclass(frozen=True)
class Case:
    """How an incident opens, lasts and ends.

    Attributes:
        opens: Brings it about, checking.
        ends: Ends it, checking.
        lasts: What reading does while it lasts.
        kind: Of its notices.
        end: The kind of the notice that says its end.
    """

    opens: Callable[[Watch], object]
    ends: Callable[[Watch], object]
    kind: str
    end: str
    lasts: UnreadableError | None = None


CASES = {
    "overdue": Case(lambda watch: watch.check_after(days=37), happens(1, state="completed"), "overdue", "recovered"),
    "stuck": Case(happens(25, action="initiated"), happens(1, state="completed"), "stuck", "recovered"),
    "failing": Case(happens(1, state="failure"), happens(1, state="completed"), "failed", "recovered"),
    "unreadable": Case(
        lambda watch: watch.check_after(REVOKED, hours=1),
        lambda watch: watch.check_after(hours=1),
        *("unreadable", "readable", REVOKED),
    ),
    "channel": Case(break_slack, repair_slack, "channel", "channel"),
}


def prepared(name: str, **policy: Any) -> Watch:
    """Return a watch after its baseline, in which nothing but this incident can happen."""
    days = 0 if name == "overdue" else 3650
    watch = Watch(receivers=TWO, **{"notify_on": EVERYTHING, "digest_days": 0, "max_backup_age_days": days, **policy})
    watch.check()
    return watch


def test_every_incident_has_its_row_in_the_table_above() -> None:
    """Or nothing would see how it opens, ends and is sent."""
    assert set(CASES) == {*(kind.NAME for kind in INCIDENTS), unreadable.NAME, broken_channel.KIND}
    assert {name: case.kind for name, case in CASES.items() if name in {kind.NAME for kind in INCIDENTS}} == {
        kind.NAME: kind.KIND for kind in INCIDENTS
    }


@pytest.mark.parametrize("name", CASES)
def test_notify_on_an_incident_brings_its_reminders_and_its_end(name: str) -> None:
    """One kind asked for, and nothing else: opening, reminder and end; left out: none of them."""
    case = CASES[name]
    for notify_on in ({case.kind}, EVERYTHING - {case.kind, "completed"}):
        watch = prepared(name, notify_on=notify_on)
        case.opens(watch)
        assert [full.partition(":")[0] for full in watch.memory.incidents] == [name]
        watch.check_after(case.lasts, hours=24)
        case.ends(watch)
        heard = [notice for notice in watch.notices[1:] if notice.pending_for != ("slack",)]
        if case.kind in notify_on:
            assert kinds(heard) == [case.kind, case.kind, case.end]
            assert [notice.phase for notice in heard] == ["opened", "reminder", "ended"]
            assert [notice.severity for notice in heard] == ["critical", "critical", "info"]
            assert [notice.weight for notice in heard] == ["critical"] * 3
            (opened,), (again,), (end,) = heard[0].opens, heard[1].opens, heard[2].ends
            assert opened == again == end, "one beginning from the opening to the end"
            assert opened.name.partition(":")[0] == name
            assert len({notice.notice_id for notice in heard}) == 3
        else:
            assert heard == []
        assert watch.memory.incidents == {}


@pytest.mark.parametrize("name", CASES)
def test_an_incident_is_in_the_digest_and_in_the_baseline(name: str) -> None:
    """While it lasts the digest lists it; a first look that finds it says so in the baseline alone."""
    case, watch = CASES[name], prepared(name)
    case.opens(watch)
    watch.policy = watch.policy._replace(digest_days=1)
    sent = watch.check_after(case.lasts, hours=24)
    if name == "unreadable":
        assert "digest" not in sent, "not being able to look is not evidence"
        return
    digest = watch.notices[-1]
    assert digest.kind == "digest"
    assert [ref.name.partition(":")[0] for ref in digest.opens] == [name]
    assert (digest.severity, digest.content.symbol) == ("critical", "⚠️")
    asks = "Ask whoever runs this notifier in AWS to fix the delivery to Slack."
    assert (asks in digest.content.next_step) == (name == "channel"), "nobody can fix it in Zoho CRM"
    newcomer = Watch(
        watch.rows, now=watch.now, notify_on=EVERYTHING, max_backup_age_days=watch.policy.max_backup_age_days
    )
    assert kinds(newcomer.check()) == ["baseline"]
    found = set(newcomer.memory.incidents)
    assert found == {name} - {"channel", "overdue"}
    assert {ref.name for ref in newcomer.notices[0].opens} == found


@pytest.mark.parametrize("name", CASES)
def test_reopening_is_a_new_incident(name: str) -> None:
    """An opening each, with identities of its own."""
    case, watch = CASES[name], prepared(name, remind_hours=0)
    for _ in range(2):
        case.opens(watch)
        case.ends(watch)
    openings = [notice for notice in watch.notices[1:] if notice.phase == "opened"]
    assert len(openings) == len({notice.opens for notice in openings}) == 2
    ids = [notice.notice_id for notice in watch.notices]
    assert len(set(ids)) == len(ids)


def test_a_completion_ends_everything_in_one_notice() -> None:
    """Two failures, an overdue and a stuck run: one `recovered` names them all, how many and for how long."""
    watch = Watch([row(START - 30 * DAY, state="completed", repeat_type="weekly")], digest_days=0)
    watch.check()
    assert list(watch.memory.incidents) == ["overdue"]
    watch.log(state="failure")
    assert watch.check_after(hours=1) == ["failed"]
    watch.log(action="initiated")
    assert watch.check_after(hours=24) == ["stuck"]
    watch.log(state="completed")
    assert watch.check_after(hours=1) == ["recovered"]
    assert {ref.name: ref.since for ref in watch.notices[-1].ends} == {
        "failing": START,
        "overdue": START - 23 * DAY,
        "stuck": START + HOUR,
    }
    assert resolved(watch.notices[-1]) == (
        "1 failed backup; a backup overdue for 24 days; a backup that ran for 24 hours"
    )
    assert watch.memory.incidents == {}
    assert watch.check_after(hours=1) == []


# --- Stuck ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "kind"), {**STATES, "paused": "unknown"}.items(), ids=str)
def test_any_outcome_ends_stuck(state: str, kind: str) -> None:
    """Also the `failed` or the `unknown` that a stuck backup ends in, which then says so."""
    watch = Watch([row(START - 25 * HOUR, action="initiated", repeat_type="immediate")], remind_hours=0)
    watch.check()
    assert [(ref.name, ref.since) for ref in watch.notices[0].opens] == [("stuck", START - 25 * HOUR)]
    watch.log(state=state)
    assert watch.check_after(hours=1) == ["recovered" if kind == "completed" else kind]
    assert ended(watch) == {"stuck"}
    assert resolved(watch.notices[-1]) == "a backup that ran for 25 hours"
    assert watch.check_after(days=3) == []


@pytest.mark.parametrize("action", ["stopped", "scheduled", "purchased", "resumed", "initiated", None], ids=str)
def test_what_is_no_outcome_does_not_end_stuck(action: str | None) -> None:
    """Neither an action, known or not, nor the beginning of another backup."""
    watch = Watch([row(START - 25 * HOUR, action="initiated")], notify_on={"stuck"})
    watch.check()
    watch.log(action=action)
    assert watch.check_after(hours=1) == []
    assert watch.memory.incidents["stuck"].since == START - 25 * HOUR
    assert watch.check_after(hours=23) == ["stuck"]


@pytest.mark.parametrize("action", ["stopped", "scheduled", "purchased", "resumed"])
def test_what_is_no_outcome_does_not_keep_stuck_from_opening(action: str) -> None:
    """Whatever somebody did while the backup ran says nothing of how it ended."""
    watch = Watch([row(START, action="initiated")], notify_on={"stuck"})
    watch.check()
    watch.log(action=action, at=START + HOUR)
    assert watch.check_after(hours=24) == ["stuck"]


def test_a_stuck_backup_that_changes_in_place_is_over() -> None:
    """One row, no outcome for a day, then a state: also when its time lies before that of the first look."""
    for log_time in (None, (START - 3 * HOUR).isoformat()):
        raw = row(None, action="initiated")
        watch = Watch(remind_hours=0)
        watch.check_at(START - HOUR)
        watch.rows = [raw]
        watch.check_at(START)
        assert watch.check_after(hours=24) == ["stuck"]
        raw |= {"state": "failure", "log_time": log_time}
        assert watch.check_after(hours=1) == ["failed"]
        assert ended(watch) == {"stuck"}
        assert watch.check_after(days=1) == []


@pytest.mark.parametrize("job", ["4876876000001757002", None], ids=["one id for all runs", "no ids"])
def test_an_earlier_run_of_the_same_job_does_not_end_stuck(job: str | None) -> None:
    """The outcome of last week's, seen late, says nothing of today's; one in the same second does."""
    watch = Watch([row(START - DAY, id=job, action="initiated")], notify_on={"stuck", "completed"})
    watch.check()
    watch.log(at=START - 7 * DAY, id=job, state="completed")
    assert watch.check_after(hours=1) == ["completed"]
    assert list(watch.memory.incidents) == ["stuck"]
    watch.log(at=START - DAY, id=job, state="completed")
    assert watch.check_after(hours=1) == ["recovered"]
    assert watch.memory.incidents == {}


def test_stuck_heals_itself_when_the_backup_is_no_longer_shown_as_running() -> None:
    """After one short answer of Zoho's the outcome is back, and was seen before: it is said, once."""
    rows = [row(START - 30 * HOUR, action="initiated"), row(START - 29 * HOUR, state="completed")]
    watch = Watch(rows)
    watch.check()
    watch.rows = [rows[0], row(START, action="purchased")]
    assert watch.check_after(hours=1) == ["stuck"]
    watch.rows = [*watch.rows, rows[1]]
    assert watch.check_after(hours=1) == ["stuck"]
    notice = watch.notices[-1]
    assert (notice.phase, notice.severity, ended(watch)) == ("ended", "info", {"stuck"})
    assert notice.content.title == "Backup no longer shown as running"
    assert watch.memory.incidents == {}
    assert watch.check_after(days=2) == []


def test_a_backup_that_is_shown_before_it_begins_starts_the_clock_when_it_does() -> None:
    """State and action null, a `log_time` ahead: the clock starts there."""
    watch = Watch(digest_days=0)
    watch.check()
    watch.log(at=START + 19 * HOUR)
    assert watch.check_at(START + HOUR) == []
    assert watch.check_at(START + 43 * HOUR - SECOND) == []
    assert watch.check_at(START + 43 * HOUR) == ["stuck"]
    assert watch.notices[-1].opens[0].since == START + 19 * HOUR


# --- Overdue ----------------------------------------------------------------------------------------------------------


def test_a_late_completion_does_not_end_overdue() -> None:
    """One that lies before the completion that overdue is counted from, and outside the limit."""
    watch = Watch([row(START - 9 * DAY, state="completed")])
    watch.check()
    assert list(watch.memory.incidents) == ["overdue"]
    watch.log(at=START - 10 * DAY, state="completed")
    assert watch.check_after(hours=1) == ["completed"]
    assert "overdue" in watch.memory.incidents


def test_a_completion_longer_ago_than_the_limit_ends_no_overdue() -> None:
    """No "work again" in the minute in which none was made for 17 days; the reminder names the newer one."""
    watch = Watch([row(START - 9 * DAY, state="completed")], digest_days=0)
    watch.check()
    assert watch.check_after(REVOKED, hours=1) == ["unreadable"]
    watch.log(at=START + DAY, state="completed")
    assert watch.check_after(days=20) == ["readable", "completed", "overdue"]
    assert watch.notices[-1].phase == "reminder"
    assert watch.notices[-1].content.title == "Still no backup after 19 days"
    watch.log(state="completed")
    assert watch.check_after(hours=1) == ["recovered"]
    assert ended(watch) == {"overdue"}


def test_a_raised_limit_ends_overdue_at_the_next_check_and_says_so() -> None:
    """As the runbook promises; everybody who heard of it hears that."""
    watch = Watch([row(START - 9 * DAY, state="completed")], digest_days=0)
    watch.check()
    watch.policy = watch.policy._replace(max_backup_age_days=60)
    assert watch.check_after(hours=1) == ["overdue"]
    notice = watch.notices[-1]
    assert (notice.phase, notice.severity, notice.weight) == ("ended", "info", "critical")
    assert ended(watch) == {"overdue"}
    assert watch.memory.incidents == {}
    assert watch.check_after(days=2) == []


def test_a_slower_schedule_ends_overdue_and_a_reminder_is_of_now() -> None:
    """A stop changes what the reminder advises; the new schedule counts from its setting up."""
    watch = Watch([row(START - 9 * DAY, state="completed")], digest_days=0)
    watch.check()
    watch.log(action="stopped")
    assert watch.check_after(hours=24) == ["stopped", "overdue"]
    assert "No backup schedule is set up" in watch.notices[-1].content.sentence
    assert "set up a schedule" in watch.notices[-1].content.next_step
    watch.log(action="scheduled", repeat_type="monthly")
    assert watch.check_after(hours=24) == ["scheduled", "overdue"]
    assert watch.notices[-1].phase == "ended"
    watch.log(state="completed")
    assert watch.check_after(hours=1) == ["completed"]


def test_one_hung_run_is_one_incident() -> None:
    """While a backup that began after the last completion runs, overdue neither opens nor reminds."""
    watch = Watch([row(START - 7 * DAY, state="completed"), row(START, action="initiated")], digest_days=0)
    watch.check()
    assert [watch.check_after(hours=25) for _ in range(3)] == [["stuck"]] * 3
    watch.policy = watch.policy._replace(notify_on=frozenset({"overdue"}))
    assert watch.check_after(hours=1) == ["overdue"], "where nobody hears of stuck, overdue says it"
    old = Watch([row(START - 8 * DAY, action="initiated"), row(START - 9 * DAY, state="completed")], digest_days=0)
    old.rows += [row(START - 7 * DAY, state="completed"), row(START - 7 * DAY - HOUR, action="initiated")]
    old.check()
    assert old.check_at(START + DAY + SECOND) == ["overdue"], "what ran before the last completion hides nothing"


# --- Failing ----------------------------------------------------------------------------------------------------------


def test_a_failed_backup_is_reminded_of_a_day_later_and_counts_what_fails() -> None:
    """Its opening is the failed row's own notice; a newer failed row is its own reminder."""
    watch = Watch([row(START - DAY, state="completed", repeat_type="monthly")], digest_days=0)
    watch.check()
    watch.log(state="failure", repeat_type="monthly")
    assert watch.check_after(hours=1) == ["failed"]
    opening = watch.notices[-1]
    assert (opening.phase, opening.row is not None) == ("opened", True)
    assert watch.check_after(hours=23) == []
    assert watch.check_after(hours=1) == ["failed"]
    reminder = watch.notices[-1]
    assert (reminder.phase, reminder.opens) == ("reminder", opening.opens)
    assert reminder.row == opening.row
    assert "failed 25 hours ago" in reminder.content.sentence
    watch.log(state="failure", repeat_type="monthly", at=watch.now + 12 * HOUR)
    assert watch.check_after(hours=12) == ["failed"]
    assert watch.check_after(hours=23) == []
    assert watch.check_after(hours=1) == ["failed"]
    assert "The last 2 backups failed." in watch.notices[-1].content.sentence


def test_failing_and_overdue_never_both_on_one_day() -> None:
    """Whoever waits is said by the other: fourteen days, one reminder a day, whatever opened first."""
    watch = Watch([row(START - 5 * DAY, state="completed")], digest_days=0)
    watch.check()
    watch.log(state="failure")
    sent = []
    for _ in range(24 * 7):
        watch.check_after(hours=1)
        sent += [(watch.now, notice.kind) for notice in watch.decision.notices]
    times = [time for time, _ in sent]
    assert min(later - earlier for earlier, later in pairwise(times)) >= DAY
    assert {kind for _, kind in sent} == {"failed", "overdue"}
    first_overdue = next(number for number, (_, kind) in enumerate(sent) if kind == "overdue")
    assert {kind for _, kind in sent[first_overdue:]} == {"overdue"}
    assert "Failed since then: 1 backup." in watch.notices[-1].content.sentence
    watch.log(state="failure")
    assert watch.check_after(hours=1)[:1] == ["failed"], "a failed row is always sent"


def test_a_failed_row_that_changes_in_place_leaves_nothing_failing() -> None:
    """It is the completed backup that ends the failures."""
    watch = Watch(digest_days=0)
    watch.check()
    raw = watch.log(state="failure")
    assert watch.check_after(hours=1) == ["failed"]
    raw["state"] = "completed"
    assert watch.check_after(hours=1) == ["recovered"]
    assert watch.memory.incidents == {}


def test_a_failure_that_the_history_no_longer_shows_has_ended_when_the_next_row_appears() -> None:
    """Whoever heard of it hears that, in words: no completed backup says it."""
    watch = Watch([row(START - HOUR, state="completed")], digest_days=0)
    watch.check()
    watch.log(state="failure")
    assert watch.check_after(hours=1) == ["failed"]
    del watch.rows[-1]
    watch.log(action="stopped")
    assert watch.check_after(hours=1) == ["stopped", "failed"]
    assert watch.notices[-1].content.title == "Backups no longer failing"
    assert watch.memory.incidents == {}
    assert watch.check_after(hours=1) == []


# --- Unreadable -------------------------------------------------------------------------------------------------------


def test_nothing_is_called_overdue_stuck_or_failing_and_no_digest_goes_out_while_unreadable() -> None:
    """Not being able to look is not evidence; what became due meanwhile is said by the first good read."""
    watch = Watch([row(START - HOUR, state="failure"), row(START, action="initiated")])
    watch.check()
    assert watch.check_after(TIMEOUT, days=40) == []
    assert watch.check_after(TIMEOUT, hours=6) == ["unreadable"]
    assert watch.check_after(TIMEOUT, hours=24) == ["unreadable"]
    assert watch.check_after(hours=1) == ["readable", "stuck", "failed", "digest"]


def test_an_organisation_that_was_never_readable() -> None:
    """First `unreadable`, then `readable` and `baseline` together."""
    watch = Watch([row(START, state="completed")])
    scope = UnreadableError(causes.WRONG_SCOPE, "HTTP 401 OAUTH_SCOPE_MISMATCH")
    assert watch.check_after(scope, hours=1) == ["unreadable"]
    assert watch.memory.seen == {}
    assert watch.check_after(scope, hours=24) == ["unreadable"]
    assert watch.check_after(hours=1) == ["readable", "baseline"]


def test_short_trouble_is_nobodys_business() -> None:
    """An incident that nobody was notified of closes in silence."""
    watch = Watch()
    watch.check()
    for _ in range(5):
        assert watch.check_after(TIMEOUT, hours=1) == []
    assert watch.check_after(minutes=30) == []
    assert watch.memory.incidents == {}


def test_another_cause_is_sent_at_once_and_transient_errors_never_hide_it() -> None:
    """From a timeout to a revoked token to no permission; a timeout in between changes nothing."""
    watch = Watch()
    watch.check()
    assert watch.check_after(TIMEOUT, hours=1) == []
    assert watch.check_after(REVOKED, hours=1) == ["unreadable"]
    assert watch.notices[-1].phase == "opened"
    assert watch.check_after(TIMEOUT, hours=1) == []
    assert watch.check_after(REVOKED, hours=1) == []
    assert watch.check_after(NO_PERMISSION, hours=1) == ["unreadable"]
    assert watch.notices[-1].phase == "reminder"
    assert watch.notices[-1].content.title == f"Cannot check the backups ({causes.NO_PERMISSION.title})"
    assert watch.check_after(TIMEOUT, hours=24) == ["unreadable"]
    assert watch.notices[-1].content.title == f"Still cannot check the backups ({causes.NO_PERMISSION.title})"
    assert watch.check_after(hours=1) == ["readable"]
    assert watch.notices[-1].ends[0].since == START + HOUR


@pytest.mark.parametrize(("remind", "most"), [(24, 4), (0, 2)])
def test_causes_that_alternate_are_each_sent_at_most_once_in_remind_hours(remind: int, most: int) -> None:
    """Two causes in turn for 47 hours; 0: once an incident. The cause is part of the id."""
    watch = Watch(remind_hours=remind)
    watch.check()
    for hour in range(47):
        watch.check_after((REVOKED, NO_PERMISSION)[hour % 2], hours=1)
    sent = [notice for notice in watch.notices if notice.kind == "unreadable"]
    assert len(sent) == most
    assert [name for notice in sent for name in ("revoked_token", "no_permission") if name in notice.notice_id] == [
        "revoked_token",
        "no_permission",
    ] * (most // 2)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: ascii(str(problem))[:60])
def test_every_cause_is_sent_with_its_words_and_zohos_resolution(problem: UnreadableError) -> None:
    """At once or after a while; who must act is named, and what Zoho advises is quoted."""
    watch, cause = Watch(operated_by="Ines"), problem.cause
    watch.check()
    watch.check_after(problem, hours=1)
    assert ("unreadable" in kinds(watch.notices)) is cause.actionable
    watch.check_after(problem, hours=6)
    assert kinds(watch.notices) == ["baseline", "unreadable"]
    content = watch.notices[-1].content
    assert cause.title in content.title
    assert cause.sentence in content.sentence
    said = {fact.label: fact.text for fact in content.facts}
    assert said["Technical detail"] == str(problem)
    assert said.get("Zoho's advice", "") == cause.resolution
    assert content.next_step == cause.next_step.replace("{operator}", "Ines").replace(
        "{connect}", "make connect ORG=default"
    )
    watch = Watch()
    watch.check()
    watch.check_after(problem, hours=1)
    watch.check_after(problem, hours=6)
    assert ("whoever runs this notifier in AWS" in watch.notices[-1].content.next_step) is (
        "{operator}" in cause.next_step
    )


def test_every_cause_has_words_of_its_own() -> None:
    """A title, a sentence and a name that no other cause has, and a sample."""
    for texts in zip(*((cause.name, cause.title, cause.sentence) for cause in causes.CAUSES.values()), strict=True):
        assert len(set(texts)) == len(texts)
    assert {problem.cause.name for problem in PROBLEMS} == set(causes.CAUSES)


# --- A broken channel -------------------------------------------------------------------------------------------------


def test_a_broken_channel_is_reported_on_the_others_only() -> None:
    """Opening, reminder and end are pending for every channel but the broken one."""
    watch = prepared("channel")
    break_slack(watch)
    watch.check_after(hours=24)
    repair_slack(watch)
    sent = [notice for notice in watch.notices[1:] if not notice.is_probe_of("slack")]
    assert [notice.pending_for for notice in sent] == [("sns",)] * 3
    assert "Slack" in sent[0].content.title
    assert {fact.label: fact.text for fact in sent[0].content.facts}["Technical detail"].endswith("no_service")


def test_an_only_channel_that_breaks_is_reported_to_nobody() -> None:
    """The failing invocation and its alarm say it; nothing is remembered as notified, so no end is sent either."""
    watch = Watch(receivers=TWO[:1])
    watch.check()
    broken = Incident(watch.now, detail="SNS answered NotFound", label="SNS")
    watch.memory = watch.memory.with_incident("channel:sns", broken)
    watch.check_after(hours=20)
    assert watch.memory.incidents["channel:sns"].notified_at is None
    watch.check_after(hours=10)
    assert [notice.pending_for for notice in watch.notices[1:]] == [("sns",)], "but it is probed"


def test_a_broken_channel_that_is_removed_is_reported_as_removed() -> None:
    """Nothing is pending for it any more, and its incident ends."""
    watch = prepared("channel")
    break_slack(watch)
    watch.receivers = TWO[:1]
    assert watch.check_after(hours=1) == ["channel"]
    assert watch.notices[-1].phase == "ended"
    assert "no longer used" in watch.notices[-1].content.title
    assert watch.memory.incidents == {}


def test_a_channel_with_a_malformed_key_is_broken_from_the_next_check_on() -> None:
    """What is wrong with it is said on the others; it is not probed, for nothing can be sent to it."""
    watch = prepared("channel")
    watch.receivers = (TWO[0], TWO[1]._replace(problem="slack_webhook_url must be an https URL"))
    assert watch.check_after(hours=1) == ["channel"]
    said = {fact.label: fact.text for fact in watch.notices[-1].content.facts}
    assert said["Technical detail"] == "slack_webhook_url must be an https URL"
    assert watch.check_after(days=2) == ["channel"]
    assert watch.memory.pending("slack") == []


@pytest.mark.parametrize("remind", [24, 0])
def test_a_broken_channel_for_which_nothing_waits_is_probed_once_a_day(remind: int) -> None:
    """With the end of its own incident, which is seen only when it is true; it is never a backlog."""
    watch = prepared("channel", remind_hours=remind)
    break_slack(watch)
    since = watch.memory.incidents["channel:slack"].since
    probes = []
    for _ in range(24 * 5):
        watch.check_after(hours=1)
        pending = watch.memory.pending("slack")
        assert len(pending) <= 1
        probes += [(watch.now, notice.notice_id) for notice in watch.decision.notices if notice.is_probe_of("slack")]
        if watch.memory.incidents["channel:slack"].probed_at != watch.now:
            assert pending == [], "a probe that was not accepted is taken back at the next check"
    assert [time - since for time, _ in probes] == [n * DAY for n in (1, 2, 3, 4, 5)]
    assert len({notice_id for _, notice_id in probes}) == 1
    content = watch.decision.memory.pending("slack")
    assert all(notice.content.title == "Delivery to Slack works again" for notice in content)
    repair_slack(watch)
    assert watch.notices[-1].phase == "ended"
    assert watch.notices[-1].pending_for == ("sns",), "it heard its end itself"


def test_a_channel_for_which_something_waits_is_not_probed() -> None:
    """What waits is the probe."""
    watch = prepared("channel")
    break_slack(watch)
    watch.log(state="completed")
    watch.check_after(hours=1)
    for _ in range(3):
        watch.check_after(hours=24)
        assert [notice.kind for notice in watch.memory.pending("slack")] == ["completed"]


@pytest.mark.parametrize("probed", [True, False])
def test_the_end_of_a_channels_incident_is_sent_to_it_where_it_is_the_only_one_left(probed: bool) -> None:
    """The other channel was removed meanwhile: then it says itself that it works again, unless its probe did."""
    watch = prepared("channel")
    break_slack(watch)
    broken = watch.memory.incidents["channel:slack"]
    watch.receivers = TWO[1:]
    back = broken._replace(back_at=watch.now, probed_at=watch.now if probed else None)
    watch.memory = watch.memory.with_incident("channel:slack", back)
    watch.check_after(hours=1)
    assert [notice.pending_for for notice in watch.decision.notices] == ([] if probed else [("slack",)])


def test_a_quiet_check_remembers_exactly_what_was_remembered() -> None:
    """Row or no row, incident or none: with nothing new and nothing due the memory is equal, so nothing is written."""
    for rows in (
        [],
        [row(START - DAY, state="completed")],
        [row(START, action="initiated")],
        [row(START, state="failure")],
    ):
        watch = Watch(rows)
        watch.check()
        watch.check_after(hours=1)
        known = watch.memory
        assert watch.check_after(hours=22) == []
        assert watch.memory == known
    broken = UnreadableError(causes.WRONG_CLIENT, "invalid_client")
    watch.check_after(broken, hours=1)
    known = watch.memory
    assert watch.check_after(broken, hours=23) == []
    assert watch.memory == known
