"""Conditions that last: what opens, repeats and ends them, to the second, and what does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

import pytest

from handler import errors
from handler.errors import UnreadableError
from handler.incidents import INCIDENTS, broken_channel, unreadable
from handler.memory import HEARTBEAT, Incident
from handler.outbox import Notice
from handler.summaries import NO_SCHEDULE, problems
from sandbox.problems import PROBLEMS
from sandbox.watch import CHANNEL_SETTINGS, EVERYTHING, START, Raw, Watch
from sandbox.zoho import row
from tests.watch import DAY, HOUR, NO_PERMISSION, REVOKED, SECOND, TIMEOUT, play, rows, said, tell, told

TWO = tuple(channel for channel in CHANNEL_SETTINGS if channel.name in {"sns", "slack"})


# --- Each of them, from its opening to its end ------------------------------------------------------------------------


def break_slack(watch: Watch) -> None:
    """Let a delivery find that the webhook is gone, while something waits for it, and check."""
    broken = Incident(watch.now, detail="Slack answered HTTP 404 no_service", label="Slack")
    waiting = watch.notices[0]._replace(pending_for=("slack",))
    watch.memory = watch.memory.with_incident("channel:slack", broken)._replace(outbox=(waiting,))
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
        kind: Of its notices.
        end: The kind of the notice that says its end.
        lasts: What reading does while it lasts.
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
    watch = Watch(channels=TWO, **{"notify_on": EVERYTHING, "digest_days": 0, "max_backup_age_days": days, **policy})
    watch.check()
    return watch


def heard(notices: Sequence[Notice]) -> list[Notice]:
    """Return what is not for a broken channel alone."""
    return [notice for notice in notices if notice.pending_for != ("slack",)]


def test_every_incident_has_its_case() -> None:
    """Or nothing would see how it opens, ends and is sent."""
    of_rows = {kind.name: kind.kind for kind in INCIDENTS}
    assert set(CASES) == {*of_rows, unreadable.NAME, broken_channel.KIND}
    assert of_rows == {name: CASES[name].kind for name in of_rows}


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
        assert watch.memory.incidents == {}
        notices = heard(watch.notices[1:])
        if case.kind not in notify_on:
            assert notices == []
            continue
        assert said(notices) == f"{case.kind} opened, {case.kind} reminder, {case.end} ended"
        assert [one.severity for one in notices] == ["critical", "critical", "info"]
        assert {one.audience_severity for one in notices} == {"critical"}
        (opened,), (again,), (end,) = notices[0].opens, notices[1].opens, notices[2].ends
        assert opened == again == end, "one beginning from the opening to the end"
        assert opened.name.partition(":")[0] == name
        assert len({notice.notice_id for notice in notices}) == 3
        if name == "channel":
            assert [notice.pending_for for notice in notices] == [("sns",)] * 3, "on the others only"


@pytest.mark.parametrize("name", CASES)
def test_an_incident_is_in_the_digest(name: str) -> None:
    """While it lasts the digest lists it."""
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


WRONG: dict[str, tuple[str, ...] | None] = {
    **dict.fromkeys(("overdue", "stuck", "unreadable", "channel")),
    "failing": (
        "The last backup failed",
        "No successful backup on record.",
        "Open Setup > Data Administration > Data Backup in Zoho CRM and start a backup manually.",
    ),
    "malformed": (
        "Can't deliver to Slack",
        "After 14 days they are discarded. Technical detail: slack_webhook_url must be an https URL",
        "Make a new incoming webhook in Slack and ask Ops to save it for this organisation",
    ),
    "heartbeat": (
        "No heartbeat is recorded",
        "If monitoring stops, it does not alert you. Technical detail: HTTP 404",
        "Ask Ops to look whether the heartbeat service still knows this check",
    ),
    "no schedule": ("No backup schedule", NO_SCHEDULE, "Set up a schedule under Setup > Data Administration > "),
    "nothing": (),
}
"""What is wrong → title, end of the sentence, begin of the next step; None: those of the notice that opens it."""


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_the_words_of_its_notices(name: str) -> None:
    """As `status` and `dry-run` return it, with the technical detail where the notice has it as a fact."""
    watch, words = prepared(name, operated_by="Ops"), WRONG[name]
    if name not in {"overdue", "no schedule"}:
        watch.log(at=START - HOUR, action="scheduled")
        watch.check()
    if name in CASES:
        CASES[name].opens(watch)
    elif name == "heartbeat":
        silent = Incident(START, cause=HEARTBEAT, detail="HTTP 404", label="the heartbeat service")
        watch.decision.set_incident("channel:heartbeat", silent)
    elif name == "malformed":
        watch.decision.channels = (TWO[0], TWO[1]._replace(problem="slack_webhook_url must be an https URL"))
    if words is None:
        content, detail = watch.notices[-1].content, told(watch.notices[-1]).get("Technical detail")
        sentence = f"{content.sentence} Technical detail: {detail}" if detail else content.sentence
        words = (content.title, sentence, content.next_step)
    found = problems(watch.decision)
    assert len(found) == (words != ())
    for one in found:
        assert one["title"] == words[0]
        assert one["sentence"].endswith(words[1])
        assert one["next_step"].startswith(words[2])


def test_a_backup_that_is_late_says_when_it_was_due() -> None:
    """In the zone of the organisation; a word of Zoho's is not in this sentence, which Slack reads as markup."""
    for repeats, which, days in (("weekly", "weekly", 7), ("*fortnightly*", "scheduled", 35)):
        watch = Watch(rows(f"scheduled/{repeats}@-37d, completed@-37d"), time_zone=timezone(HOUR))
        watch.check()
        (one,) = problems(watch.decision)
        due = f"{START + (days - 37) * DAY:%d %b %Y} 11:00 UTC+01:00 (10:00 UTC)"
        assert one["sentence"].startswith(f"Your {which} backup was due {due} and has not completed.")


@pytest.mark.parametrize("remind", [24, 1, 100, 0])
@pytest.mark.parametrize("name", CASES)
def test_reminders_come_at_their_hours_seven_times_and_then_at_every_seventh(name: str, remind: int) -> None:
    """At `REMIND_HOURS` since it was last sent: daily for a week, then weekly; never at all for 0."""
    case, watch = CASES[name], prepared(name, remind_hours=remind)
    case.opens(watch)
    due = watch.now
    for number in range(9):
        due += timedelta(hours=remind * (1 if number < 7 else 7)) if remind else 100 * DAY
        watch.check_at(due - SECOND, case.lasts)
        assert heard(watch.decision.notices) == []
        watch.check_at(due, case.lasts)
        assert said(heard(watch.decision.notices)) == (f"{case.kind} reminder" if remind else "")


# --- What rows open, end, and leave alone -----------------------------------------------------------------------------

STORIES = {
    "a weekly backup is overdue a second after its day and the grace, and one that completed when due was not": """
        before | scheduled@-1h, completed/immediate@0h
        8d     |
        1s     |             | overdue opened | Last successful backup: @0h | Was due: @7d
        1h     | completed@7d | recovered ended | Resolved: an overdue alert: the backup was in time, and \
Zoho listed it late""",
    "without a schedule the days count from the last backup, not from the schedule's beginning": """
        before | completed@-60d, scheduled@-5d, stopped@-4d
        4d     |             | overdue opened | title: No backup for 64 days""",
    "a concluded schedule is counted from the baseline, not from each new row": f"""
        before | {", ".join(f"failed@-{7 * week}d" for week in range(1, 50))}
        with   | remind_hours=0
        0h     | failed      | failed
        7d     | failed@7d   | failed
        1d     |
        1s     |             | overdue opened""",
    "a backup is stuck after the hours that are set; without a time, since it was first seen": """
        with   | stuck_hours=1
        0h     | undated     |
        3599s  |
        1s     |             | stuck opened | Started: @0h""",
    "a completion with the time of its beginning is not known to have been in time": """
        before | scheduled@-1h, completed/immediate@0h
        with   | notify_on=overdue completed
        167h   |             |
        0h     | begun       |
        27h    |             | overdue opened
        becomes | completed
        5h     |             | recovered ended | Resolved: an overdue alert""",
    "and from the first look where no entry has a time": """
        before | undated
        86399s |
        1s     |             | stuck opened | Started: @0h | title: Backup still running after 24 hours""",
    "what may pass by itself is sent after the hours that are set": """
        with   | unreadable_hours=1
        0h     | timeout     |
        3599s  | timeout     |
        1s     | timeout     | unreadable opened | Since: @0h
        1s     |             | readable ended | ends: unreadable@0h""",
    "a digest comes as it is set, and counts no outcome twice; 0 days: never": """
        with   | digest_days=1, max_backup_age_days=999, remind_hours=0
        1h     | failed      | failed opened
        82799s |
        1s     |             | digest | title: Backup summary: 1 failed, 1 open problem
        86399s |
        1s     |             | digest | title: Backup summary: no backups, 1 open problem
        with   | digest_days=0
        31d    |""",
    "a completion ends everything in one notice": """
        before | completed@-30d
        1h     | failed      | failed opened
        24h    | started     | stuck opened
        1h     | completed   | recovered ended | ends: failing@0h overdue@-23d stuck@1h | Resolved: 1 failed backup; \
a backup that was 24 days late; a backup that ran for 24 hours
        1h     |
        open   |""",
    **{
        f"a {outcome} backup ends stuck": f"""
        before | started@-25h
        with   | max_backup_age_days=999, remind_hours=0
        1h     | {outcome}   | {notice} | ends: stuck@-25h | {label}: a backup that ran for 25 hours
        72h    |"""
        for outcome, notice, label in (
            *(("completed", "recovered ended", "Resolved"), ("failed", "failed opened", "Ended")),
            ("odd", "unknown ended", "Ended"),
        )
    },
    **{
        f"what is no outcome neither ends stuck nor keeps it from opening: {action}": f"""
        before | started@0h
        with   | notify_on=stuck
        1h     | {action}    |
        23h    |             | stuck opened
        24h    | {action}    | stuck reminder
        open   | stuck"""
        for action in ("stopped", "scheduled", "bought", "resumed")
    },
    "an earlier run does not end stuck, one in the same second does": """
        before | started@-24h
        with   | notify_on=stuck completed
        1h     | completed@-7d  | completed
        1h     | completed@-24h | recovered ended
        open   |""",
    "a backup that is shown before it begins starts the clock when it does": """
        1h     | begun@19h   |
        42h    |             | stuck opened | opens: stuck@19h""",
    "each backup that hangs is older than the next, which restarts no clock": """
        12h    | started     |
        12h    | running     | stuck opened | opens: stuck@0h""",
    "a long run is told once; then half as long again is allowed, until five more have run": """
        with   | max_backup_age_days=999, remind_hours=0
        0h     | begun       |
        24h    |             | stuck opened
        6h     |             |
        becomes | completed
        0h     |             | recovered ended
        0h     | started     |
        44h    |             |
        1h     |             | stuck opened
        1h     | completed   | recovered ended
        11h    | started@77h, completed@78h, started@79h, completed@80h, started@81h, completed@82h, started@83h, \
completed@84h, started@85h, completed@86h | list
        0h     | started     |
        23h    |             |
        1h     |             | stuck opened | sentence: It has neither completed nor failed. \
If it completes within 7 days of its start, we allow the next backups as much time.""",
    "after seven days any backup hangs, and nothing is promised of it": """
        before | started@-220h, completed@-70h
        with   | stuck_hours=500, remind_hours=192
        0h     | started     |
        167h   |             |
        1h     |             | stuck opened
        192h   |             | stuck reminder | sentence: It has neither completed nor failed.""",
    "the beginning that a cancelled backup left makes no run long": """
        before | started/immediate@-150h, started@-148h, started@-2h, completed@-1h
        24h    | started@0h  | stuck opened""",
    "and one by hand that was cancelled makes none short": """
        before | started@-40h, started/immediate@-11h, completed@-10h
        44h    | started@0h  |
        1h     |             | stuck opened""",
    "nor does an outcome that came while nothing could be read": """
        with   | max_backup_age_days=999, remind_hours=0
        0h     | undated     |
        20h    |             |
        100h   | timeout     |
        6h     | timeout     | unreadable opened
        becomes | completed
        1h     |             | readable ended, completed
        1h     |             |
        23h    | started     |
        1h     |             | stuck opened""",
    "what is still to come neither runs nor hides that nothing ran": """
        before | scheduled@-1h, completed/immediate@0h
        48h    | unset       |
        120h   | planned@7d  |
        24h    |             |
        1s     |             | overdue opened | Was due: @7d""",
    "a late completion does not end overdue": """
        before | completed@-9d
        1h     | completed@-10d | completed
        open   | overdue""",
    "nor does one longer ago than the limit; the reminder names it": """
        before | completed@-9d
        1h     | revoked     | unreadable opened
        20d    | completed@1d | readable ended, completed, overdue reminder | title: Still no backup, 12 days late
        1h     | completed   | recovered ended
        open   |""",
    "a raised limit ends overdue at the next check and says so": """
        before | completed@-9d
        with   | max_backup_age_days=7
        1h     |
        with   | max_backup_age_days=60
        1h     |             | overdue ended | ends: overdue@-2d | severity: info | weight: critical
        48h    |""",
    "a slower schedule ends overdue, and a reminder is of now": """
        before | completed@-9d
        24h    | stopped     | stopped, overdue reminder | title: Still no backup after 10 days
        24h    | scheduled/monthly     | scheduled ended, overdue ended
        1h     | completed   | completed""",
    "where nobody hears of stuck, overdue says it": """
        before | completed@-7d, started@0h
        with   | notify_on=overdue
        25h    |             | overdue opened""",
    "what ran before the last completion hides nothing": """
        before | started@-8d, completed@-9d, completed@-7d, started@-169h
        25h    |             | overdue opened""",
    "a failed backup is reminded of a day later, or by the next failed one": """
        before | scheduled/monthly@-9d, completed@-1d
        1h     | failed      | failed opened
        23h    |
        1h     |             | failed reminder | Failed: @0h | opens: failing@0h | Failures in a row: -
        12h    | failed@36h  | failed
        23h    |
        1h     |             | failed reminder | Failures in a row: 2 | Failing since: @0h""",
    "a backup that is no longer shown as running has ended, once": """
        before | completed@-29h, started@-30h
        gone   | 1
        1h     | bought      | stuck opened
        gone   | 1
        1h     |             | stuck ended | title: Backup no longer shown as running | ends: stuck@-30h
        48h    |
        open   |""",
    "a failure that is no longer shown has ended when the next row appears": """
        before | completed@-1d
        1h     | failed      | failed opened
        gone   | -1
        1h     | stopped     | stopped, failed ended | title: Backups no longer failing
        1h     |
        open   |""",
    "nothing is called overdue, stuck or failing while unreadable": """
        before | failed@-1h, started@0h
        with   | digest_days=30
        40d    | timeout     |
        6h     | timeout     | unreadable opened
        24h    | timeout     | unreadable reminder
        1h     |             | readable ended, stuck opened, failed reminder, digest""",
    "a conclusion is sent at the second sight of any, in the newest words, whatever comes between": """
        1h     | shape       |
        1m     |             |
        1h     | shape       |
        1h     | timeout     |
        1h     | status      | unreadable opened | title: Cannot check the backups (Zoho refuses the request) | \
Technical detail: Zoho answered HTTP 403 | Zoho's advice: -
        1h     | shape       | unreadable reminder | Technical detail: The answer is odd.
        1h     |             | readable ended""",
    "a single conclusion in a long trouble is no more than what was seen": """
        1h     | timeout     |
        6h     | shape       | unreadable opened | title: Cannot check the backups (no usable answer from Zoho) | \
sentence: The answer is odd. Backups are not being monitored until this ends.
        1h     | timeout     |
        1h     | revoked     | unreadable reminder
        1h     | shape       | unreadable reminder""",
    "another cause is sent at once, and transient errors never hide it": """
        1h     | timeout     |
        1h     | revoked     | unreadable opened
        1h     | timeout     |
        1h     | revoked     |
        1h     | forbidden   | unreadable reminder | Technical detail: HTTP 403
        24h    | timeout     | unreadable reminder | Technical detail: HTTP 403
        1h     |             | readable ended | ends: unreadable@1h""",
}


@pytest.mark.parametrize("story", STORIES)
def test_what_opens_and_ends_incidents(story: str) -> None:
    """Each check of each story."""
    tell(STORIES[story])


def test_a_stuck_backup_that_changes_in_place_is_over_whatever_its_time() -> None:
    """Its outcome may lie before the first look at it."""
    watch = Watch(now=START - HOUR)
    watch.check()
    play(watch, "1h | undated |", "24h | | stuck opened")
    watch.rows[-1] |= {"state": "failure", "log_time": (START - 3 * HOUR).isoformat()}
    play(watch, "1h | | failed opened | ends: stuck@0h")


EXPLAINED: dict[str, tuple[list[Raw], bool, str, bool]] = {
    "the row itself changes": ([], True, "completed", True),
    "it changes, although its id is that of all runs": ([{"state": "completed"}], True, "failure", True),
    "a row of its own": ([], False, "completed", True),
    "one id for all runs: it may be the next one's": ([{"state": "completed"}], False, "completed", False),
    "it is no clearer": ([], True, "suspended", False),
    "an earlier run's": ([], False, "completed@-1h", False),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_a_later_outcome_of_the_same_id_explains_an_unknown_state(case: str) -> None:
    """Where nothing else can be meant; otherwise a person closes its alert."""
    before, in_place, state, ends = EXPLAINED[case]
    watch = Watch([row(START - DAY, id="7", **fields) for fields in before])
    watch.check()
    odd = watch.log(id="7", state="paused")
    play(watch, "1h | | unknown")
    (alert,) = watch.notices[-1].opens
    if in_place:
        watch.rows.remove(odd)
    outcome, _, earlier = state.partition("@")
    watch.log(at=START + (-HOUR if earlier else HOUR), id="7", state=outcome)
    watch.check_after(hours=1)
    assert (alert in watch.notices[-1].ends) == ends
    assert list(watch.memory.unknown) == ([] if ends else ["7"])


@pytest.mark.parametrize("job", ["4876876000001757002", None], ids=["one id for all runs", "no ids"])
def test_an_earlier_run_of_the_same_job_does_not_end_stuck(job: str | None) -> None:
    """The outcome of last week's, seen late, says nothing of today's."""
    watch = Watch([row(START - DAY, id=job, action="initiated")], notify_on={"stuck", "completed"})
    watch.check()
    watch.log(at=START - 7 * DAY, id=job, state="completed")
    assert watch.check_after(hours=1) == ["completed"]
    assert list(watch.memory.incidents) == ["stuck"]


@pytest.mark.parametrize("kind", ["baseline", "digest"])
def test_what_nobody_hears_the_end_of_opens_no_alert(kind: str) -> None:
    """It is listed all the same: a backup is overdue, and the company wants to hear of failures only."""
    watch = Watch(rows("completed@-40d"), notify_on={"failed", "digest"})
    watch.check()
    watch.check_after(days=31)
    [notice] = [notice for notice in watch.notices if notice.kind == kind]
    assert "late" in notice.content.lines[0].text
    assert notice.opens == ()


# --- Unreadable -------------------------------------------------------------------------------------------------------


def test_an_organisation_that_was_never_readable() -> None:
    """First `unreadable`, then `readable` and `baseline` together."""
    watch = Watch(rows("completed@0d"))
    play(watch, "1h | revoked | unreadable opened", "24h | revoked | unreadable reminder")
    assert watch.memory.seen == {}
    play(watch, "1h | | readable ended, baseline")


@pytest.mark.parametrize(("remind", "most"), [(24, 4), (0, 2)])
def test_causes_that_alternate_are_each_sent_at_most_once_in_remind_hours(remind: int, most: int) -> None:
    """Two causes in turn for 47 hours; 0: once an incident. The cause is part of the id."""
    watch = Watch(remind_hours=remind)
    watch.check()
    for hour in range(47):
        watch.check_after((REVOKED, NO_PERMISSION)[hour % 2], hours=1)
    ids = [notice.notice_id for notice in watch.notices if notice.kind == "unreadable"]
    assert ["revoked_token" in name for name in ids] == [True, False] * (most // 2)
    assert all(("revoked_token" in name) != ("no_permission" in name) for name in ids)


@pytest.mark.parametrize(("fate", "sent"), [("waits", "readable ended"), ("is lost", "lost")])
def test_readable_follows_only_what_somebody_hears(fate: str, sent: str) -> None:
    """A notice that still waits will be heard; one that its only channel refused never was."""
    watch = Watch(channels=TWO[:1])
    watch.check()
    watch.deaf = {"sns"}
    play(watch, "1h | revoked | unreadable opened")
    if fate == "is lost":
        watch.memory = watch.memory.discard("sns", {watch.notices[-1].notice_id}, "InvalidParameter", watch.now)
    play(watch, f"1h | | {sent}")


def test_every_cause_has_words_of_its_own_and_a_problem() -> None:
    """A title, a sentence and a name that no other cause has."""
    for texts in zip(*((cause.name, cause.title, cause.sentence) for cause in errors.CAUSES.values()), strict=True):
        assert all(texts)
        assert len(set(texts)) == len(texts)
    assert {problem.cause.name for problem in PROBLEMS} == set(errors.CAUSES)


# --- A broken channel -------------------------------------------------------------------------------------------------


def test_an_only_channel_that_breaks_is_reported_to_nobody() -> None:
    """The failing invocation and its alarm say it; nothing is remembered as notified, so no end is sent either."""
    watch = Watch(channels=TWO[1:])
    watch.check()
    break_slack(watch)
    assert watch.memory.incidents["channel:slack"].notified_at is None
    assert watch.decision.notices == []


def test_a_malformed_setting_ends_with_the_setting_although_nothing_waits() -> None:
    """There is no message whose acceptance could end it."""
    watch = prepared("channel")
    watch.channels = (TWO[0], TWO[1]._replace(problem="slack_webhook_url must be an https URL"))
    play(watch, "1h | | channel opened | title: Can't deliver to Slack | for: sns")
    watch.channels = TWO
    assert watch.check_after(UnreadableError(errors.SECRET_UNAVAILABLE, "AWS"), hours=1) == [], "nothing was read"
    play(watch, "1h | | channel ended | title: Slack can be used again | for: sns")
    assert watch.memory.incidents == {}


def test_a_channel_that_works_again_says_so_itself_where_it_is_the_only_one_left() -> None:
    """The other channel was removed meanwhile."""
    watch = prepared("channel")
    break_slack(watch)
    watch.channels = TWO[1:]
    repair_slack(watch)
    assert [notice.pending_for for notice in watch.decision.notices] == [("slack",)]


@pytest.mark.parametrize("history", ["", "completed@-1d", "started@0h", "failed@0h"])
def test_a_quiet_check_remembers_exactly_what_was_remembered(history: str) -> None:
    """Row or no row, incident or none: with nothing new and nothing due the memory is equal, so nothing is written."""
    watch = Watch(rows(history))
    watch.check()
    watch.check_after(hours=1)
    known = watch.memory
    assert watch.check_after(hours=22) == []
    assert watch.memory == known
    watch.check_after(REVOKED, hours=1)
    known = watch.memory
    assert watch.check_after(REVOKED, hours=23) == []
    assert watch.memory == known


def test_an_opening_that_still_waits_is_not_that_of_the_next_time() -> None:
    """What passed before anybody was to be notified has no end, whatever of an earlier time is not delivered yet."""
    watch = Watch(max_backup_age_days=999)
    watch.check()
    watch.deaf = {channel.name for channel in watch.channels}
    for problem, sent in ((REVOKED, ["unreadable"]), (None, ["readable"]), (TIMEOUT, []), (None, [])):
        assert watch.check_after(problem, hours=1) == sent
