"""The schedule in force, and the baseline that judges the present by it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.watch import EVERYTHING, Raw, Watch, kinds
from tests.world import START, row

DAY = timedelta(days=1)


def listed(*rows: tuple[int, Raw]) -> list[Raw]:
    """Return rows, each so many days before the start; their ids grow in the order given."""
    return [row(START - days * DAY, **fields) for days, fields in rows]


SCHEDULED = {"action": "scheduled"}
STOPPED = {"action": "stopped"}
COMPLETED = {"state": "completed"}
IN_FORCE = [
    pytest.param([(9, SCHEDULED)], "weekly", id="scheduled"),
    pytest.param([(9, {"action": "SCHEDULED", "repeat_type": "Monthly"})], "monthly", id="capitals"),
    pytest.param([(9, SCHEDULED), (5, STOPPED)], None, id="stopped later"),
    pytest.param([(9, SCHEDULED), (5, {**STOPPED, "repeat_type": "immediate"})], None, id="stopped, whatever its type"),
    pytest.param([(9, STOPPED), (5, SCHEDULED)], "weekly", id="scheduled anew"),
    pytest.param([(5, SCHEDULED), (9, STOPPED)], "weekly", id="scheduled anew, listed first"),
    pytest.param([(5, STOPPED), (5, SCHEDULED)], "weekly", id="both in one second: the greater id is newer"),
    pytest.param([(5, SCHEDULED), (5, STOPPED)], None, id="the other way round"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": "biweekly"})], "biweekly", id="changed"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": "immediate"})], "weekly", id="once more by hand"),
    pytest.param([(9, SCHEDULED), (5, {**SCHEDULED, "repeat_type": None})], "weekly", id="no type"),
    pytest.param([(9, {**SCHEDULED, "repeat_type": "quarterly"})], "quarterly", id="a type that Zoho adds"),
    pytest.param([(5, COMPLETED)], "weekly", id="neither: any recurring row tells"),
    pytest.param([(9, {**COMPLETED, "repeat_type": "monthly"}), (5, COMPLETED)], "weekly", id="the newest of them"),
    pytest.param([(9, COMPLETED), (5, {**COMPLETED, "repeat_type": "immediate"})], "weekly", id="not the immediate"),
    pytest.param([(9, STOPPED), (5, COMPLETED)], None, id="a stop outweighs what other rows imply"),
    pytest.param(
        [(9, {**SCHEDULED, "repeat_type": "monthly"}), (5, COMPLETED)], "monthly", id="and so does scheduling"
    ),
    pytest.param([(5, {**COMPLETED, "repeat_type": "immediate"})], None, id="nothing recurs"),
    pytest.param([(5, {**COMPLETED, "repeat_type": None})], None, id="no types"),
]


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_newest_word_on_the_schedule_is_in_force(rows: list[tuple[int, Raw]], repeat_type: str | None) -> None:
    """The baseline names it, and says that none is in force where that is so."""
    watch = Watch(listed(*rows))
    assert kinds(watch.look()) == ["baseline"]
    facts = watch.told[0].facts
    assert facts["repeat_type"] == repeat_type
    assert ({"what": "no_schedule"} in facts["wrong"]) is (repeat_type is None)


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_schedule_in_force_is_kept_when_its_rows_age_out(
    rows: list[tuple[int, Raw]], repeat_type: str | None
) -> None:
    """News comes with nothing but an immediate backup in the history: the schedule is what it was."""
    watch = Watch(listed(*rows))
    watch.look()
    watch.rows = []
    watch.log(state="completed", repeat_type="immediate")
    watch.look_after(hours=1)
    assert (watch.memory.schedule.repeat_type if watch.memory.schedule else None) == repeat_type


@pytest.mark.parametrize(("rows", "repeat_type"), IN_FORCE)
def test_the_schedule_in_force_does_not_depend_on_how_rows_arrive(
    rows: list[tuple[int, Raw]], repeat_type: str | None
) -> None:
    """One by one, in the order given, each check seeing only what is new: late words do not outweigh newer ones."""
    watch = Watch()
    watch.look_at(START - 20 * DAY)
    watch.now = START
    for raw in listed(*rows):
        watch.rows = [raw]
        watch.look_after(hours=1)
    assert (watch.memory.schedule.repeat_type if watch.memory.schedule else None) == repeat_type


def test_stopped_and_scheduled_anew_in_one_check() -> None:
    """Both are told, oldest first, and the newer one is in force."""
    watch = Watch([row(START - DAY, action="scheduled")], notify_on=EVERYTHING)
    watch.look()
    watch.log(action="scheduled", at=START + timedelta(minutes=9), repeat_type="monthly")
    watch.log(action="stopped", at=START + timedelta(minutes=5))
    assert watch.look_after(hours=1) == ["stopped", "scheduled"]
    assert watch.memory.schedule is not None
    assert watch.memory.schedule.repeat_type == "monthly"


def test_overdue_is_judged_by_the_schedule_in_force_now() -> None:
    """A weekly schedule becomes a monthly one, and then none: the limit grows, and its notice names the rule."""
    watch = Watch([row(START, state="completed"), row(START, action="scheduled")], digest_days=0)
    watch.look()
    watch.log(at=START + 7 * DAY, action="scheduled", repeat_type="monthly")
    assert watch.look_at(START + 9 * DAY) == []
    assert watch.look_at(START + 32 * DAY) == []
    assert watch.look_at(START + 32 * DAY + timedelta(seconds=1)) == ["overdue"]
    facts = watch.told[-1].facts
    assert (facts["repeat_type"], facts["expected_days"], facts["max_age_days"]) == ("monthly", 31, 0)


PRESENT: list[Any] = [
    pytest.param([(3, COMPLETED)], [], id="all is well"),
    pytest.param([(3, {"state": "failure"}), (2, COMPLETED)], [], id="a failure that is over"),
    pytest.param([(3, {"state": "paused"})], [], id="an unknown outcome"),
    pytest.param([(3, COMPLETED), (2, {"state": "failure"})], ["failed"], id="last outcome a failure"),
    pytest.param([(6, COMPLETED)], [], id="in time"),
    pytest.param([(9, COMPLETED)], ["overdue"], id="overdue"),
    pytest.param([(3, COMPLETED), (1, {"action": "initiated"})], ["stuck"], id="stuck"),
    pytest.param([(3, {"action": "initiated"}), (2, COMPLETED)], [], id="not stuck"),
    pytest.param([(3, COMPLETED), (2, STOPPED)], ["no_schedule"], id="no schedule"),
    pytest.param([], ["no_schedule"], id="nothing at all"),
    pytest.param(
        [(40, {"state": "failure"}), (39, {"state": "failed"}), (38, STOPPED), (37, {})],
        ["stuck", "failed", "no_schedule"],
        id="everything, with no completion ever",
    ),
    pytest.param(
        [(50, COMPLETED), (40, {"state": "failure"}), (38, STOPPED), (37, {})],
        ["overdue", "stuck", "failed", "no_schedule"],
        id="everything",
    ),
]


@pytest.mark.parametrize(("rows", "wrong"), PRESENT)
def test_the_baseline_tells_what_is_wrong_now_and_nothing_of_the_past(
    rows: list[tuple[int, Raw]], wrong: list[str]
) -> None:
    """One notice, whatever the year has seen; the checks after it are silent until a reminder is due."""
    watch = Watch(listed(*rows), notify_on=EVERYTHING, digest_days=0)
    assert kinds(watch.look()) == ["baseline"]
    assert [entry["what"] for entry in watch.told[0].facts["wrong"]] == wrong
    assert watch.look_after(hours=23) == []
    assert watch.look_after(hours=1) == [what for what in wrong if what in {"overdue", "stuck"}]
    assert all(notice.facts["phase"] == "reminder" for notice in watch.told[1:])


def test_a_completion_after_a_bad_baseline_is_a_recovery() -> None:
    """The baseline was the opening notice: failures, overdue and stuck end with the first good backup."""
    watch = Watch(listed((50, COMPLETED), (40, {"state": "failure"}), (37, {"action": "initiated"})))
    watch.look()
    watch.log(state="completed")
    assert watch.look_after(hours=1) == ["recovered"]
    ends = {entry["what"]: entry for entry in watch.told[-1].facts["ends"]}
    assert set(ends) == {"failed", "overdue", "stuck"}
    assert ends["failed"] == {"what": "failed", "count": 1, "since": (START - 40 * DAY).isoformat()}
    assert watch.memory.incidents == {}


def test_the_baseline_counts_what_it_found() -> None:
    """Rows, outcomes by kind, the last ten of them in order, the last good backup and the next one expected."""
    states = ["completed"] * 8 + ["failure", "paused", "finished"]
    watch = Watch(listed(*((20 - n, {"state": state}) for n, state in enumerate(states)), (30, SCHEDULED)))
    watch.look()
    facts = watch.told[0].facts
    assert facts["rows"] == 12
    assert facts["outcomes"] == {"completed": 9, "failed": 1, "unknown": 1}
    assert facts["strip"] == "cccccccfuc"
    assert datetime.fromisoformat(facts["last_completed"]) == START - 10 * DAY
    assert datetime.fromisoformat(facts["next_expected"]) == START - 3 * DAY


def test_a_notice_shows_the_last_ten_outcomes_with_its_own_at_the_end() -> None:
    """Across the baseline and what came after it, and no more than ten."""
    watch = Watch(listed((3, COMPLETED), (2, {"state": "failure"})))
    watch.look()
    watch.log(state="paused")
    watch.log(action="stopped", at=START + timedelta(minutes=1))
    watch.log(state="completed", at=START + timedelta(minutes=2))
    watch.look_after(hours=1)
    assert [notice.facts["strip"] for notice in watch.told[1:]] == ["cfu", "cfu", "cfuc"]
    for minute in range(3, 12):
        watch.log(state="failure", at=START + timedelta(minutes=minute))
    watch.look_after(hours=1)
    assert watch.told[-1].facts["strip"] == "c" + 9 * "f"
