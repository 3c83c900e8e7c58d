"""Which rows are news, as what, and what is never sent twice or lost."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from handler import errors
from handler.decision import Links
from handler.history import ACTIONS, STATES, parse_row
from handler.memory import Incident, Memory
from handler.message import Rendering
from handler.rules import STAYS
from sandbox.watch import EVERYTHING, START, Raw, Watch
from sandbox.zoho import plan, row
from tests.watch import DAY, HOUR, SECOND, play, rows, said, tell, told

# --- Each row ---------------------------------------------------------------------------------------------------------

ROWS: list[tuple[Raw, str, str]] = [
    ({"state": "completed"}, "completed", "info"),
    ({"state": "finished"}, "completed", "info"),
    ({"state": "failure"}, "failed", "critical"),
    ({"state": "failed"}, "failed", "critical"),
    ({"state": "payment_failed"}, "failed", "critical"),
    ({"state": "paused"}, "unknown", "critical"),
    ({"state": 7}, "unknown", "critical"),
    ({"state": ["completed"]}, "unknown", "critical"),
    ({"state": "completed", "action": "stopped"}, "completed", "info"),
    ({"state": "failure", "action": "initiated"}, "failed", "critical"),
    ({"state": "unheard of", "action": "scheduled"}, "unknown", "critical"),
    ({"action": "stopped"}, "stopped", "warning"),
    ({"action": "scheduled"}, "scheduled", "info"),
    ({"action": "purchased", "count": 2, "repeat_type": None}, "purchased", "info"),
    ({"action": "resumed"}, "unknown", "warning"),
    ({"state": "", "action": "stopped"}, "stopped", "warning"),
    *(({"state": state}, "", "") for state in ("inprogress", "in_progress", "In progress.", "scheduled")),
    ({"state": "scheduled", "log_time": None}, "", ""),
    ({"action": "initiated"}, "", ""),
    ({}, "", ""),
    ({"state": "", "action": ""}, "", ""),
]
OF_KIND = {kind: fields for fields, kind, _ in ROWS if kind}


@pytest.mark.parametrize(("fields", "kind", "severity"), ROWS, ids=str)
def test_every_row_of_the_table_gives_its_notice_and_no_other(fields: Raw, kind: str, severity: str) -> None:
    """In any case; it tells the row's time and id, and the check after it is silent."""
    for change_case in (str.lower, str.upper, str.title):
        watch = Watch(rows("scheduled@0d"), notify_on=EVERYTHING)
        watch.check()
        spelled: Raw = {name: change_case(v) if isinstance(v, str) else v for name, v in fields.items()}
        raw = watch.log(**spelled)
        assert watch.check_after(hours=1) == ([kind] if kind else [])
        if kind:
            notice, failed = watch.notices[-1], kind == "failed"
            assert (notice.row, notice.at, notice.severity) == (parse_row(raw), START + HOUR, severity)
            assert said([notice]) == ("failed opened" if failed else kind)
            alert = "failing" if failed else f"unknown:{parse_row(raw).key}"
            assert told(notice)["opens"] == ({alert: START} if severity == "critical" else {})
            assert START in told(notice).values()
            assert told(notice)["Job ID"] == raw["id"]
        assert watch.check_after(hours=1) == []


def test_the_table_has_every_kind_and_every_spelling() -> None:
    """Or nothing would see what a new one gives."""
    assert OF_KIND.keys() == {*STATES.values(), *ACTIONS.values(), "unknown"} - {"started"}, "add a row to ROWS"
    assert {str(fields.get("state")) for fields, *_ in ROWS} >= STATES.keys(), "add it to ROWS"


@pytest.mark.parametrize("kind", OF_KIND)
def test_what_notify_on_leaves_out_is_remembered_and_never_sent(kind: str) -> None:
    """Neither at the time, nor when the setting brings the kind later; what it names is sent."""
    for notify_on, sent in ((EVERYTHING - {kind}, []), ({kind}, [kind])):
        watch = Watch(notify_on=notify_on, remind_hours=0)
        watch.check()
        watch.log(**OF_KIND[kind])
        assert watch.check_after(hours=1) == sent
        watch.policy = Watch(notify_on=EVERYTHING - {"failed"}).policy
        assert watch.check_after(hours=1) == []


@pytest.mark.parametrize(("state", "kind"), {**STATES, "paused": "unknown"}.items(), ids=str)
def test_every_outcome_counts_as_one_everywhere(state: str, kind: str) -> None:
    """Nothing runs after it, the digest counts it, and only a completion is a tick among the recent backups."""
    watch = Watch(notify_on=EVERYTHING, digest_days=2, max_backup_age_days=3650, remind_hours=0)
    watch.check()
    watch.log(action="initiated")
    watch.log(at=START + HOUR, state=state)
    assert watch.check_after(hours=2) == [kind]
    assert told(watch.notices[-1])["Recent backups (oldest first)"] == {"completed": "✓", "failed": "✗"}.get(kind, "?")
    assert watch.check_after(hours=25) == [], f"{state} ends a backup"
    assert watch.check_after(hours=21) == ["digest"]
    assert f"1 {kind}" in watch.notices[-1].content.title, f"{kind} is an outcome"


# --- Rows after rows --------------------------------------------------------------------------------------------------

STORIES = {
    "failures are counted from the first, and end with a completion": """
        before | completed@-1d
        1h     | failed         | failed opened   | Last successful backup: @-1d | Failures in a row: -
        1h     | failed         | failed          | Failures in a row: 2 | Failing since: @0h | opens: failing@0h
        1h     | failed         | failed          | Failures in a row: 3 | title: Backup failed, 3 in a row
        1h     | completed      | recovered ended | Resolved: 3 failed backups over 3 hours
        1h     | completed      | completed""",
    "who hears completions only hears the end of failures": """
        with   | notify_on=completed
        1h     | failed         |
        1h     | completed      | recovered ended
        1h     | completed      | completed""",
    "a completion ends nothing that nobody heard of": """
        9h     | completed@1h, failed@0h, failed@5h | failed, completed, failed opened""",
    "a failure known to be followed by a good backup is no alarm": """
        1h     | failed@5m      | failed opened
        1h     | completed@50m  | recovered ended
        1h     | failed@20m     | failed | severity: info | opens: | title: Backup failed, a later one completed
        72h    |
        open   |""",
    "what a newer completion ended no older one ends again": """
        1h     | failed         | failed opened
        3h     | completed@3h   | recovered ended
        3h     | completed@2h   | completed""",
    "a completion tells only what its reader uses, and recent backups to now": """
        before | completed@0h
        5h     | completed@5h, failed@4h | failed, recovered ended | Type: - | Started by: - | File: - | \
Recent backups (oldest first): ✓ ✗ ✓
        1h     | failed@2h      | failed          | Recent backups (oldest first): ✓ ✗ ✗ ✓""",
    "a late completion between two failures ends overdue, and promises nothing": """
        before | completed@-9d
        2h     | failed@0h, failed@1h | failed opened, failed
        1h     | completed@0.5h | completed ended | ends: overdue@-2d | title: Backup completed | \
sentence: Zoho CRM completed a backup. A newer one failed.
        21h    |
        2h     |                | failed reminder | title: No backup has completed for 25 hours
        open   | failing""",
    "a late completion before an overdue one promises nothing either": """
        before | scheduled@-60d, completed@-9d
        with   | max_backup_age_days=3
        1h     | failed@-8d     | failed opened
        1h     | completed@-7d  | completed ended | title: Backup completed | \
sentence: Zoho CRM completed a backup. A newer one is overdue.""",
    "what is resolved lasted until the completion, not until it was noticed": """
        before | completed@-20d
        1d     | failed@1d      | failed opened
        9d     | failed@2d, completed@4d | failed, recovered ended | Resolved: 2 failed backups over 3 days; \
a backup that was 17 days late""",
    "a run of failures goes on after its first rows aged out": """
        before | completed@-1d
        3h     | failed@1h, failed@2h | failed opened, failed
        gone   | 2
        1h     | failed         | failed | Failures in a row: 3 | Failing since: @1h | Last successful backup: @-1d
        gone   | 2
        4h     | completed      | recovered ended | Resolved: 3 failed backups over 3 hours""",
    "the last good backup is not forgotten when its row disappears": """
        before | scheduled@-3d, completed@0h
        gone   | -1
        1h     | bought         |
        1h     | failed         | failed opened | Last successful backup: @0h""",
    "who heard of a stop hears once of the new recurring schedule": """
        before | scheduled@-1d
        with   | notify_on=stopped
        1h     | stopped        | stopped
        1h     | scheduled/immediate           |
        1h     | scheduled         | scheduled ended | ends: stopped@0h | weight: warning | severity: info | \
Resolved: no backup schedule for 2 hours
        1h     | scheduled/monthly        |""",
    "who heard of no stop hears of no schedule": """
        before | scheduled@-1d
        with   | notify_on=completed
        1h     | stopped        |
        1h     | scheduled         |""",
}


@pytest.mark.parametrize("story", STORIES)
def test_what_rows_after_rows_send(story: str) -> None:
    """Each check of each story."""
    tell(STORIES[story])


USED_UP: dict[str, tuple[str, int, int, bool]] = {
    "one this month": ("completed@0.5d", 1, 0, False),
    "two this month": ("completed@0d, completed@0.5d", 2, 0, True),
    "four this month": ("completed@0.5d, completed@7.5d, completed@14.5d, completed@21.5d", 7, 0, True),
    "another month had as many": ("completed@-5d, completed@-4d, completed@0d, completed@0.5d", 2, 0, True),
    "another had more": ("completed@-5d, completed@-4d, completed@-3d, completed@0d, completed@0.5d", 2, 0, False),
    "on the last day, read in the next month": ("completed@0d, completed@0.5d", 29, 0, True),
    "on the first day of the next month": ("completed@0d, completed@0.5d", 30, 0, False),
    "where they are, it is the first day": ("completed@0d, completed@0.5d", 29, 14, False),
}


@pytest.mark.parametrize("kind", ["failed", "overdue"])
@pytest.mark.parametrize("case", USED_UP)
def test_an_alert_says_that_the_months_backups_may_be_used_up(case: str, kind: str) -> None:
    """Those of the month of the failure, or of the day when the backup was due; never as the cause."""
    cell, days, offset, hint = USED_UP[case]
    history = rows(f"scheduled@-60d, {cell}")
    at = datetime.fromisoformat(history[-1]["log_time"]) + days * DAY
    settings: dict[str, Any] = {"max_backup_age_days": days if kind == "overdue" else 99, "grace_hours": 1}
    watch = Watch(history, now=at, digest_days=0, time_zone=timezone(offset * HOUR), **settings)
    watch.check()
    if kind == "failed":
        watch.log(state="failure")
    assert watch.check_at(at + 3 * HOUR) == [kind]
    sentence = watch.notices[-1].content.sentence
    assert ("March's backups may be used up: Zoho includes 2 backups a month" in sentence) == hint
    assert ("used up" in sentence) == hint


# --- Times and order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", [START, None], ids=["one second", "no times"])
@pytest.mark.parametrize("ids", [("7", "7"), ("7", "8"), ("8", "7"), ("x", "8")], ids=str)
def test_a_backup_begins_before_it_ends_whatever_the_ids_say(time: datetime | None, ids: tuple[str, str]) -> None:
    """The two rows of a backup in one second, or without a time, leave nothing running, in either order of arrival."""
    begun, done = row(time, id=ids[0], action="initiated"), row(time, id=ids[1], state="completed")
    for order in ([begun, done], [done, begun]):
        watch = Watch(notify_on=EVERYTHING)
        watch.check()
        watch.rows = [*order]
        assert watch.check_after(hours=1) == ["completed"]
        assert watch.check_after(days=2) == []


@pytest.mark.parametrize("log_time", [None, "soon", (START + 30 * DAY).isoformat()], ids=str)
def test_rows_without_a_time_count_from_when_they_were_first_seen(log_time: str | None) -> None:
    """Null, unusable or in the future: sent once, and dated by the check that saw them first."""
    watch = Watch(remind_hours=0)
    watch.check()
    for label in ("Failed", "Failing since"):
        watch.log(log_time=log_time, state="failure")
        assert watch.check_after(hours=1) == ["failed"]
        assert told(watch.notices[-1])[label] == START + HOUR
    assert watch.check_after(days=2) == []


def test_an_undated_row_at_the_first_read_is_dated_by_its_neighbour() -> None:
    """The dated row with the next smaller id; none smaller: a second before the oldest; `seen` keeps that time."""
    watch = Watch(
        [
            row(START - 140 * DAY, id="100", action="scheduled"),
            row(None, id="50", state="failure"),
            row(None, id="150", state="completed"),
            row(START - 150 * DAY, id="200", action="purchased"),
        ]
    )
    watch.check()
    tells = told(watch.notices[0])
    assert tells["Last successful backup"] == START - 140 * DAY
    assert list(tells["opens"]) == ["overdue"], "a failure of the past is no problem of now"
    assert watch.memory.seen[parse_row(watch.rows[1]).key] == START - 150 * DAY - SECOND
    play(watch, "1h | failed | failed opened | Failures in a row: -")


def test_a_history_without_any_time_has_a_last_completion_of_unknown_time() -> None:
    """It is said so, and nothing is overdue before the limit has passed since the baseline."""
    watch = Watch([row(None, id="1", action="scheduled"), row(None, id="2", state="completed")], digest_days=0)
    watch.check()
    tells = told(watch.notices[0])
    assert tells["Last successful backup"] == "at a time that Zoho does not give"
    assert (tells["severity"], tells["lines"]) == ("info", [])
    assert watch.check_at(START + 8 * DAY) == []
    assert watch.check_at(START + 8 * DAY + SECOND) == ["overdue"]
    assert watch.notices[-1].content.title == "Backup 24 hours late"


# --- Whole histories --------------------------------------------------------------------------------------------------


def test_a_full_history_that_is_empty_cannot_be_trusted() -> None:
    """Until its newest row could have aged out: then an empty history is the truth."""
    watch = Watch(rows("completed@0d"), unreadable_hours=0)
    watch.check()
    watch.rows = []
    assert watch.check_at(START + 360 * DAY - 2 * SECOND) == ["unreadable"]
    assert watch.check_at(START + 360 * DAY - SECOND) == ["unreadable"], "the second sight confirms it"
    assert errors.HISTORY_VANISHED.title in watch.notices[-1].content.title
    assert watch.check_at(START + 360 * DAY) == ["readable", "overdue", "digest"]


REPLACED = {
    "it is a first read at its second sight, and ends what was told of the one before": """
        before | scheduled@-60d, completed@-1d
        1h     | failed, stopped | failed opened, stopped
        other  | scheduled/monthly@-200d, completed@-95d, failed@-1d
        1h     |
        1m     |           | baseline opened | title: Another backup history: 2 problems need attention | \
severity: critical | Last successful backup: @-95d | Schedule: monthly | ends: failing@0h stopped@0h | \
opens: overdue@-60d failing@-1d
        1h     | failed    | failed | Failures in a row: 2""",
    "nothing is wrong with it: a warning all the same; and what was before is another one, too": """
        before | scheduled@-60d, completed@-1d
        other  | scheduled@-60d, completed@-2d
        1h     |
        1m     |           | baseline | title: Another backup history | severity: warning | ends:
        other  |
        1h     |
        1m     |           | baseline | Last successful backup: @-1d""",
    "an unknown entry of the one before is closed": """
        before | scheduled@-60d, completed@-1d
        1h     | odd       | unknown
        other  | scheduled/monthly@-90d, completed@-5d
        1h     |
        1m     |           | baseline ended""",
    "a single sight of it is nothing": """
        before | scheduled@-60d, completed@-1d
        other  | scheduled@-60d, completed@-2d
        1h     |
        other  |
        1m     | failed    | failed opened | Last successful backup: @-1d""",
    "among other conclusions it is told as what it is, and must be seen twice": """
        before | scheduled@-60d, completed@-1d
        1h     | shape     |
        other  | scheduled@-60d, completed@-2d
        1m     |           | unreadable opened | title: Cannot check the backups (the history is another one)
        1m     | status    | unreadable reminder
        1m     |           | readable ended, baseline | title: Another backup history""",
    "a digest is a read that did not show its rows": """
        with   | digest_days=5
        before | completed@-1d
        5d     |           | digest
        other  | scheduled@2d
        1h     |
        1m     |           | baseline""",
    "without times it may be empty": """
        before | ended, ended, ended
        other  |
        1h     |
        1m     |           | unreadable opened | title: Cannot check the backups (the history is suddenly empty)""",
    "and so is the first sight of a row": """
        before | completed@-1d
        5d     | completed | completed
        other  | scheduled@2d
        1h     |
        1m     |           | baseline""",
}


@pytest.mark.parametrize("story", REPLACED)
def test_another_history_is_a_first_read(story: str) -> None:
    """Each check of each story."""
    tell(REPLACED[story])


NEXT: dict[str, tuple[str, int, str, str]] = {
    "nothing was known of an empty trial": ("", 0, "scheduled@-60d, completed@-2d, completed@-49h", "baseline"),
    "all that was known is old": ("completed@-400d, completed@-370d", 0, "scheduled@-60d, completed@-3d", "baseline"),
    "its only row is two days old": ("completed@-5d", 0, "failed@-2d", "failed opened"),
    "its only row is older": ("completed@-5d", 0, "failed@-172801s", "baseline opened"),
    "no times, and three ids": ("ended, ended, ended", 299, "ended", "baseline"),
    "no times, and three ids that may have aged out": ("ended, ended, ended", 300, "ended", "completed"),
    "no times, and two ids": ("ended, ended", 0, "ended", "completed"),
    "no times, and nothing of two ids": ("ended, ended", 0, "", ""),
}
"""A history, and after so many days one without any of its ids → what is sent; `baseline`: it is another one."""


@pytest.mark.parametrize("case", NEXT)
def test_unknown_ids_are_another_history_if_their_rows_were_there_before(case: str) -> None:
    """Or if there are no times, and the known rows cannot all have aged out."""
    before, days, after, sent = NEXT[case]
    watch = Watch(rows(before), max_backup_age_days=999, digest_days=0)
    watch.check()
    watch.rows = rows(after)
    if sent.startswith("baseline"):
        assert watch.check_after(days=days) == []
    watch.check_at(START + (days + 1 / 86400 if sent.startswith("baseline") else days) * DAY)
    assert said(watch.decision.notices) == sent
    assert "unreadable" not in watch.memory.incidents


OLD, LATE = row(START - 9 * DAY, state="completed"), row(START - 3 * DAY, state="failure")
GOES_ON: dict[str, tuple[list[Raw], list[Raw], list[str]]] = {
    "one id for all runs": ([{**OLD, "id": LATE["id"]}], [LATE], ["failed"]),
    "a one-time backup that began": ([{**LATE, "state": None}], [LATE], ["failed"]),
    "replaced by a row with another id": ([row(START)], [row(START, state="failure")], ["failed"]),
    "a time that is filled in": ([{**OLD, "log_time": None}], [OLD], ["completed"]),
    "only the newest row is shown": ([OLD, LATE], [LATE], []),
    "the table was restored from a week ago": ([OLD], [OLD, LATE], ["failed"]),
}
"""A history, and an hour later the same one → what is sent."""


@pytest.mark.parametrize("case", GOES_ON)
def test_a_history_goes_on_while_an_id_is_known(case: str) -> None:
    """However its rows change; a row with another spelling is no news."""
    before, after, sent = GOES_ON[case]
    watch = Watch(before, max_backup_age_days=999)
    watch.check()
    watch.rows = after
    assert watch.check_after(hours=1) == sent


def test_nothing_of_another_history_remains_and_what_is_to_be_delivered_does() -> None:
    """The memory is that of a first read, but for the channels and what they have not accepted."""
    watch = Watch(rows("scheduled@-60d, completed@-20d"), plan=plan())
    watch.subscribers, watch.deaf = {"messages": 2}, {"slack"}
    watch.check()
    watch.log(state="failure")
    watch.check_after(hours=1)
    watch.subscribers = {}
    broken = Incident(watch.now, notified_at=watch.now, detail="HTTP 404", label="Slack")
    watch.memory = watch.memory.with_incident("channel:slack", broken)._replace(refusing_since={"slack": watch.now})
    watch.memory = watch.memory.discard("slack", {watch.notices[0].notice_id}, "HTTP 400", watch.now)
    watch.rows, watch.plan = rows("scheduled/monthly@-90d, completed@-5d"), None
    for _ in range(2):
        known = watch.memory
        watch.check_after(minutes=1)
    fresh = Watch(watch.rows, now=watch.now)
    fresh.check()
    differ = {name for name in Memory._fields if getattr(watch.memory, name) != getattr(fresh.memory, name)}
    assert differ == {"incidents", "outbox", "dead_letters", "subscribers", "counted_at", "refusing_since"}
    assert set(watch.memory.incidents) == {"channel:slack"}
    stays = {*STAYS} - {"outbox"}
    assert {name for name in stays if getattr(watch.memory, name) != getattr(known, name)} == set()
    assert [notice.kind for notice in watch.memory.pending("slack")] == ["failed", "lost", "baseline"]


# --- What is asked beside the history ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "taken"),
    [(0 * DAY, False), (SECOND, True), (7 * DAY, True), (8 * DAY, True), (8 * DAY + SECOND, False), (None, False)],
    ids=str,
)
def test_zohos_own_download_deadline_goes_to_the_newest_completion(until: timedelta | None, taken: bool) -> None:
    """Only where it can be that backup's: later than it, and by at most eight days; else seven days."""
    completed = START + 2 * HOUR
    watch = Watch(links=None if until is None else Links(completed + until, (3, 1)), notify_on=EVERYTHING)
    watch.check()
    watch.log(at=START + 1 * HOUR, state="completed")
    watch.log(at=START + 2 * HOUR, state="completed")
    watch.check_at(completed)
    older, newest = map(told, watch.notices[1:])
    assert older["Download until"] == START + HOUR + 7 * DAY
    assert newest[f"Download until{' (4 files)' if taken else ''}"] == watch.memory.links_until
    assert watch.memory.links_until == completed + (until if taken and until else 7 * DAY)
    assert watch.asked.count("links") == 1


NO_TIME_OF_ITS_OWN: dict[str, tuple[Raw, Raw]] = {
    "begun without state and action": ({}, {"state": "completed"}),
    "begun by an action": ({"action": "initiated"}, {"state": "completed", "action": None}),
    "begun by an action that stays": ({"action": "initiated"}, {"state": "completed"}),
    "begun by a state": ({"state": "InProgress"}, {"state": "completed"}),
    "begun by a state with other marks": ({"state": "In_Progress."}, {"state": "completed"}),
    "a state that nobody knows": ({"state": "queued"}, {"state": "completed"}),
    "no time": ({"log_time": None}, {"state": "completed"}),
}


@pytest.mark.parametrize("until", [5 * DAY, None], ids=["Zoho knows", "nobody knows"])
@pytest.mark.parametrize("case", NO_TIME_OF_ITS_OWN)
def test_only_zoho_knows_the_deadline_of_a_row_without_the_time_of_its_end(case: str, until: timedelta | None) -> None:
    """Such a row has no time at all, or still that of its beginning, from which nothing can be counted."""
    begins, ends = NO_TIME_OF_ITS_OWN[case]
    watch = Watch(notify_on=EVERYTHING, links=Links(START + until) if until else None)
    watch.check()
    watch.log(**begins)
    watch.check()
    watch.rows[-1] |= ends
    watch.check()
    known = START + until if until else None
    assert (watch.memory.links_until, told(watch.notices[-1]).get("Download until")) == (known, known)
    play(watch, "1h | failed | failed opened")
    assert told(watch.notices[-1]).get("Last copy at Zoho") == known


@pytest.mark.parametrize(
    ("day", "old", "runtime"),
    [
        ((2028, 5, 29), False, False),
        ((2028, 5, 30), True, False),
        ((2028, 12, 28), True, False),
        ((2028, 12, 29), True, True),
    ],
)
def test_a_digest_says_how_old_the_release_is_and_until_when_its_python_is_supported(
    day: tuple[int, int, int], old: bool, runtime: bool
) -> None:
    """After 18 months, and in the last half year; and whether Zoho has a copy now, which is said when it is sent."""
    now = datetime(*day, tzinfo=UTC)
    watch = Watch([row(now - 31 * DAY, action="scheduled")], now=now - 30 * DAY)
    watch.check()
    watch.now = now - 2 * DAY
    watch.log(state="completed")
    play(watch, "1h | | completed", "47h | | digest")
    tells = told(watch.notices[-1])
    assert tells.get("Version 1.0.0 was released") == (datetime(2026, 11, 29, tzinfo=UTC) if old else None)
    assert tells.get("AWS supports its Python until") == (datetime(2029, 6, 30, tzinfo=UTC) if runtime else None)
    assert tells["step"].endswith("to install the latest release of this notifier." if old else "needed.")
    (fact,) = [fact for fact in watch.notices[-1].content.facts if fact.label == "Copies at Zoho now"]
    for later, copies in ((0, "at least 1"), (6, "none")):
        assert Rendering("acme", "Acme", UTC, "", now + later * DAY).value(fact) == copies


def test_zoho_is_asked_for_links_only_for_a_completion_that_is_news_and_newest() -> None:
    """Not for a late row: the links belong to the latest backup, which was read before."""
    watch = Watch(notify_on=EVERYTHING)
    watch.check()
    for line, asked in (
        *(("1h | failed | failed opened", 0), ("72h | completed@72h | recovered ended", 1)),
        ("1h | completed@24h | completed", 1),
    ):
        play(watch, line)
        assert watch.asked.count("links") == asked
    watch.policy = Watch(notify_on={"stuck"}).policy
    play(watch, "24h | completed |")
    assert watch.asked.count("links") == 2, "later alerts say until when, also where completions are not sent"


COUNTED: dict[str, tuple[str, str]] = {
    # What SNS counts at the baseline and on each day after it, "-" for no answer → the incident, and what is said.
    "had some": ("2 0", "channel:sns"),
    "no answer proves nothing": ("2 - -", ""),
    "no answer proves nothing, between two": ("2 0 -", "channel:sns"),
    "one count that is wrong": ("2 0+1", ""),
}


@pytest.mark.parametrize("case", COUNTED)
def test_nobody_is_subscribed_where_somebody_should_be(case: str) -> None:
    """Counted at the baseline, once a day, and an hour after the first count that finds nobody."""
    counts, incident = COUNTED[case]
    watch = Watch(rows("scheduled/monthly@0d"), notify_on=EVERYTHING, max_backup_age_days=999)
    for day in counts.split():
        for count, hours in zip((day + f"+{day}").split("+")[:2], (23, 1), strict=True):
            watch.subscribers = {} if count == "-" else {"messages": int(count)}
            watch.check_after(hours=hours)
    assert "".join(watch.memory.incidents) == incident
    assert all("sns" not in notice.pending_for for notice in watch.notices if "Nobody" in notice.content.title)


def test_subscribers_are_counted_once_a_day_and_the_alarms_last_one_is_missed_once() -> None:
    """A topic that never had one is a fact of the digest; a quiet check counts nobody."""
    watch = Watch(notify_on=EVERYTHING, max_backup_age_days=999)
    watch.subscribers = {"messages": 1, "alarms": 0}
    watch.check()
    assert watch.check_after(hours=1) == []
    watch.subscribers = {"messages": 1, "alarms": 1}
    watch.check_after(hours=25)
    watch.asked.clear()
    watch.check_after(hours=24)
    for _ in range(23):
        assert watch.check_after(hours=1) == []
    assert watch.asked.count("subscribers") == 1
    watch.subscribers = {"messages": 1, "alarms": 0}
    assert watch.check_after(hours=1) == []
    assert watch.check_after(hours=1) == ["channel"]
    assert (watch.notices[-1].severity, watch.asked.count("subscribers")) == ("warning", 3)
    play(watch, "30d | | digest")
    assert told(watch.notices[-1])["Alarm subscribers"] == "none"
