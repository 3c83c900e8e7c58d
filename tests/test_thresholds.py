"""When each incident opens, is reminded of, and when a digest is due: to the second, in every kind of night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handler import errors
from handler.memory import Incident
from tests.watch import Raw, Watch
from tests.world import row

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
