"""When each incident opens, is reminded of, and when a digest is due: to the second, in every kind of night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handler import causes
from handler.errors import UnreadableError
from handler.memory import Incident
from sandbox.watch import Raw, Watch
from sandbox.zoho import row

SECOND = timedelta(seconds=1)
ANCHORS = [
    pytest.param("2026-03-02T10:00:00+00:00", id="UTC"),
    pytest.param("2026-03-28T22:30:00+01:00", id="Berlin, clocks go forward tonight"),
    pytest.param("2026-10-25T02:30:00+01:00", id="Berlin, the second half past two"),
    pytest.param("2028-02-28T22:30:00+00:00", id="the eve of 29 February"),
    pytest.param("2028-02-29T12:00:00+01:00", id="29 February"),
]
"""From each of these every threshold below lies beyond a change of clocks or around the leap day."""
LIMITS = [
    pytest.param({"repeat_type": "weekly"}, {}, timedelta(days=7, hours=24), id="weekly"),
    pytest.param({"repeat_type": "biweekly"}, {}, timedelta(days=14, hours=24), id="biweekly"),
    pytest.param({"repeat_type": "monthly"}, {}, timedelta(days=35, hours=24), id="monthly"),
    pytest.param({"repeat_type": "yearly"}, {}, timedelta(days=35, hours=24), id="an interval without a known name"),
    pytest.param({"repeat_type": "immediate"}, {}, timedelta(days=35, hours=24), id="no schedule"),
    pytest.param({"repeat_type": "weekly"}, {"grace_hours": 1}, timedelta(days=7, hours=1), id="little grace"),
    pytest.param({}, {"max_backup_age_days": 2}, timedelta(days=2, hours=24), id="age by setting"),
    pytest.param(
        {"action": "stopped"}, {"max_backup_age_days": 3, "grace_hours": 5}, timedelta(days=3, hours=5), id="both set"
    ),
]
REVOKED = UnreadableError(causes.REVOKED_TOKEN, "invalid_code")
TIMEOUT = UnreadableError(causes.TRANSIENT, "HTTP 503")


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
    assert watch.check_at(start.astimezone(UTC)) == ["baseline"]
    assert watch.check_at(start + limit - SECOND) == []
    assert watch.check_at(start + limit) == []
    assert watch.check_at(start + limit + SECOND) == ["overdue"]
    grace = timedelta(hours=policy.get("grace_hours", 24))
    assert watch.memory.incidents["overdue"].since == start + limit - grace
    said = {fact.label: fact.time for fact in watch.notices[-1].content.facts}
    assert said["Last successful backup"] == start
    assert said["Was due"] == start + limit - timedelta(hours=watch.policy.grace_hours)


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("log_time", ["known", "null"])
@pytest.mark.parametrize("hours", [24, 1])
def test_stuck_opens_at_its_hours_after_the_beginning(anchor: str, log_time: str, hours: int) -> None:
    """Counted from the row's `log_time`, or from when it was first seen; not a second before."""
    start = datetime.fromisoformat(anchor)
    watch = Watch(stuck_hours=hours, digest_days=0)
    watch.check_at(start - SECOND)
    watch.rows = [at_noted(anchor, action="initiated") if log_time == "known" else row(None, action=None)]
    assert watch.check_at(start) == []
    assert watch.check_at(start + timedelta(hours=hours) - SECOND) == []
    assert watch.check_at(start + timedelta(hours=hours)) == ["stuck"]
    assert watch.check_at(start + timedelta(hours=hours) + SECOND) == []
    notice = watch.notices[-1]
    assert [(ref.name, ref.since) for ref in notice.opens] == [("stuck", start)]
    assert notice.row is not None
    assert notice.row.id == watch.rows[0]["id"]


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("hours", [6, 1])
def test_transient_errors_are_sent_at_their_hours_and_what_needs_a_person_at_once(anchor: str, hours: int) -> None:
    """`UNREADABLE_HOURS` of 5xx, timeouts and throttling; a revoked token not a second later."""
    start = datetime.fromisoformat(anchor)
    watch = Watch(unreadable_hours=hours)
    watch.check_at(start - timedelta(days=1))
    assert watch.check_at(start, TIMEOUT) == []
    assert watch.check_at(start + timedelta(hours=hours) - SECOND, TIMEOUT) == []
    assert watch.check_at(start + timedelta(hours=hours), TIMEOUT) == ["unreadable"]
    assert watch.check_at(start + timedelta(hours=hours) + SECOND) == ["readable"]
    assert [ref.since for ref in watch.notices[-1].ends] == [start]
    assert watch.check_after(REVOKED, hours=1) == ["unreadable"]
    assert watch.check_after(hours=1) == ["readable"]


LASTING = ("overdue", "stuck", "failing", "unreadable", "channel")


@pytest.mark.parametrize("anchor", ANCHORS[:2])
@pytest.mark.parametrize("remind", [24, 1, 100, 0])
@pytest.mark.parametrize("incident", LASTING)
def test_reminders_come_at_their_hours_seven_times_and_then_at_every_seventh(
    anchor: str, remind: int, incident: str
) -> None:
    """At `REMIND_HOURS` since it was last sent: daily for a week, then weekly; never at all for 0."""
    sent = datetime.fromisoformat(anchor)
    limit = 0 if incident == "overdue" else 3650
    watch = Watch(remind_hours=remind, digest_days=0, max_backup_age_days=limit, receivers=Watch().receivers[:2])
    kind = "failed" if incident == "failing" else incident
    problem = None
    if incident == "overdue":
        watch.rows = [row(sent - timedelta(days=37), state="completed", repeat_type="immediate")]
        watch.check_at(sent - timedelta(days=20))
    else:
        watch.check_at(sent - timedelta(days=1))
    if incident == "stuck":
        watch.rows = [row(sent - timedelta(hours=24), action="initiated")]
    if incident == "failing":
        watch.rows = [row(sent, state="failure")]
    if incident == "unreadable":
        problem = UnreadableError(causes.NO_PERMISSION, "HTTP 403 NO_PERMISSION")
    if incident == "channel":
        broken = Incident(sent - SECOND, detail="Slack answered HTTP 404", label="Slack")
        watch.memory = watch.memory.with_incident("channel:slack", broken)

    def check(at: datetime) -> list[str]:
        watch.check_at(at, problem)
        notices = [notice for notice in watch.decision.notices if notice.pending_for != ("slack",)]  # no probes
        assert [notice.phase for notice in notices] in ([], ["reminder"] if watch.notices[1:-1] else ["opened"])
        return [notice.kind for notice in notices]

    assert check(sent) == [kind]
    for number in range(9):
        if remind:
            sent += timedelta(hours=remind * (1 if number < 7 else 7))
            assert check(sent - SECOND) == []
            assert check(sent) == [kind]
        else:
            sent += timedelta(days=100)
            assert check(sent) == []


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("days", [30, 1, 0])
def test_a_digest_comes_at_its_days_since_the_baseline_or_the_last_one(anchor: str, days: int) -> None:
    """With the outcomes since then; never for 0."""
    start = datetime.fromisoformat(anchor)
    watch = Watch([at_noted(anchor, state="completed")], digest_days=days, max_backup_age_days=999, remind_hours=0)
    watch.check_at(start)
    if not days:
        assert watch.check_at(start + timedelta(days=31)) == []
        return
    watch.log(at=start + timedelta(hours=2), state="failure")
    assert watch.check_at(start + timedelta(days=days) - SECOND) == ["failed"]
    assert watch.check_at(start + timedelta(days=days)) == ["digest"]
    content = watch.notices[-1].content
    assert "1 failed" in content.title
    assert {fact.label: fact.time for fact in content.facts}["Counted since"] == start
    assert watch.check_at(start + timedelta(days=2 * days) - SECOND) == []
    assert watch.check_at(start + timedelta(days=2 * days)) == ["digest"]
    assert watch.notices[-1].content.title == "Backup summary: no backups, 1 open problem"
