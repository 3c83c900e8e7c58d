"""Whatever happens in whatever order, openings and ends of incidents alternate, and nothing is said twice."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
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
from handler.memory import Memory, Notice
from handler.message import Reader
from handler.rules import decide, decide_unreadable
from handler.store import from_item, to_item
from tests.watch import CHANNELS, DEFAULT, EVERYTHING, Watch


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
                if entry["what"] not in {"failed", "no_schedule"}:
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
