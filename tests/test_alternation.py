"""Whatever happens in whatever order, openings and ends of incidents alternate, and nothing is said twice."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from handler import errors
from handler.config import BY_DEFAULT
from handler.errors import UnreadableError
from handler.outbox import Notice
from sandbox.watch import EVERYTHING, Watch


@dataclass
class Ledger:
    """What people know of incidents, read off the notices alone; asserts that openings and ends alternate."""

    open: dict[str, datetime] = field(default_factory=dict)

    def read(self, notice: Notice) -> None:
        """Take in what one notice opens, repeats or ends."""
        for ref in notice.ends:
            if ref.name != "stopped":
                assert self.open.pop(ref.name, None) == ref.since, f"{ref.name} ended, and nobody knew of it"
        for ref in notice.opens:
            if ref.name in self.open:
                assert self.open[ref.name] == ref.since, "one beginning from the opening to the end"
            elif notice.kind != "digest":
                assert notice.phase == "opened" or notice.kind == "unknown", f"{ref.name} was never opened"
                self.open[ref.name] = ref.since
        if notice.phase == "opened":
            assert notice.opens


PROBLEMS = [
    UnreadableError(cause, "what was seen")
    for cause in (errors.TRANSIENT, errors.UNUSABLE, errors.REVOKED_TOKEN, errors.NO_PERMISSION)
]
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
    }
)


@settings(max_examples=200, phases=[Phase.generate])
@given(
    notify_on=st.sets(st.sampled_from(sorted(EVERYTHING))) | st.sampled_from([BY_DEFAULT, EVERYTHING]),
    remind=st.sampled_from([0, 1, 24, 200]),
    steps=st.lists(STEPS, min_size=1, max_size=12),
)
def test_openings_and_ends_alternate_whatever_happens(
    notify_on: frozenset[str], remind: int, steps: list[dict[str, Any]]
) -> None:
    """Rows and unreadable spells in any order; and deciding the same again changes nothing."""
    watch, ledger = Watch(notify_on=notify_on, remind_hours=remind), Ledger()
    for step in steps:
        watch.now += timedelta(hours=step["hours"])
        del watch.rows[: step["gone"]]
        for fields, row_id, ago in step["rows"]:
            watch.log(at=watch.now - timedelta(hours=ago), **{"id": row_id, **fields})
        for notice in watch.check(step["problem"]):
            ledger.read(notice)
        again = watch.decide(step["problem"])
        assert again.notices == [], "deciding the same again sends something"
        assert watch.decision.notices or again.memory == watch.memory, "deciding the same again changes something"
        # Notified of and not over: that is what the memory calls notified.
        known = {name: one.since for name, one in watch.memory.incidents.items() if one.notified_at}
        open_now = {name: since for name, since in ledger.open.items() if asked_for(name, watch)}
        assert {name: since for name, since in known.items() if asked_for(name, watch)} == open_now
    sent = [notice.notice_id for notice in watch.notices]
    assert len(set(sent)) == len(sent)


def asked_for(name: str, watch: Watch) -> bool:
    """Return whether NOTIFY_ON names what an incident's notices are called."""
    return {"failing": "failed"}.get(name, name) in watch.policy.notify_on
