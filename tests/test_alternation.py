"""Whatever happens in whatever order, openings and ends of incidents alternate, and nothing is said twice."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from handler import causes
from handler.channels.channel import Request
from handler.deadline import Deadline
from handler.decision import Answers
from handler.delivery import Delivery
from handler.errors import DeliveryError, UnreadableError
from handler.memory import Memory
from handler.message import Recipient
from handler.outbox import Notice
from handler.rules import BY_DEFAULT
from handler.store import from_item, to_item
from sandbox.watch import EVERYTHING, RECEIVERS, Watch

TWO = tuple(receiver for receiver in RECEIVERS if receiver.name in {"sns", "slack"})
ASKED = Answers(frozenset({"plan", "links"}))
DEADLINE = Deadline(lambda: 55.0)


def probe(notice: Notice) -> bool:
    """Return whether a notice is a broken channel's own end, given to itself alone."""
    return len(notice.pending_for) == 1 and notice.is_probe_of(*notice.pending_for)


class Inbox:
    """A channel that answers by its mood, each notice in a request of its own."""

    def __init__(self, name: str) -> None:
        """Accept everything at first."""
        self.name = self.label = name
        self.mood = "takes"
        self.accepted: list[str] = []

    def render(self, notices: Sequence[Notice], recipient: Recipient) -> list[Request[Notice]]:
        """Return one request a notice."""
        return [Request((notice.notice_id,), notice) for notice in notices]

    def send(self, request: Request[Notice], deadline: Deadline) -> None:
        """Take it or refuse it; a moody channel breaks after the first one."""
        if self.mood in {"takes", "breaks"}:
            self.mood = {"takes": "takes", "breaks": "gone"}[self.mood]
            self.accepted += request.notice_ids
            return
        refused = request.notice_ids if self.mood == "refuses" else ()
        raise DeliveryError(self.mood, gone=self.mood == "gone", refused=refused)


@dataclass
class Office:
    """A watch whose notices really go through a delivery, with an inbox for each channel."""

    watch: Watch
    decided: Memory = field(default_factory=lambda: Memory("default"))
    inboxes: dict[str, Inbox] = field(default_factory=lambda: {one.name: Inbox(one.name) for one in TWO})

    def check(self, problem: UnreadableError | None) -> list[Notice]:
        """Decide, and deliver what is pending; the memory goes through the table's form each time."""
        watch = self.watch
        decision = watch.decide(problem)
        self.decided = watch.memory = decision.memory
        again = watch.decide(problem)
        probes = [notice for notice in (*decision.notices, *again.notices) if probe(notice)]
        assert all(map(probe, again.notices)), "deciding the same again sends something"
        assert probes or again.memory == decision.memory, "deciding the same again changes something"
        services: Any = SimpleNamespace(
            store=SimpleNamespace(save=lambda memory: from_item(to_item(memory))), clock=lambda: watch.now
        )
        channels: Any = {receiver.name: self.inboxes[receiver.name] for receiver in watch.receivers}
        recipient = Recipient("default", "Default", UTC, "https://crm.zoho.com", watch.now)
        delivery = Delivery(decision.memory, services, channels, recipient, DEADLINE)
        delivery.run()
        watch.memory = delivery.memory
        return decision.notices


@dataclass
class Ledger:
    """What people know of incidents, read off the notices alone; asserts that openings and ends alternate."""

    open: dict[str, datetime] = field(default_factory=dict)

    def read(self, notice: Notice) -> None:
        """Take in what one notice opens, repeats or ends."""
        for ref in notice.ends:
            if ref.name == "stopped":
                continue
            assert self.open.pop(ref.name, None) == ref.since, f"{ref.name} ended, and nobody knew of it"
        for ref in notice.opens:
            if ref.name in self.open:
                assert self.open[ref.name] == ref.since, "one beginning from the opening to the end"
            elif notice.kind != "digest":
                assert notice.phase == "opened", f"{ref.name} was never opened"
                self.open[ref.name] = ref.since
        if notice.phase == "opened":
            assert notice.opens


PROBLEMS = [
    UnreadableError(cause, "what was seen")
    for cause in (causes.TRANSIENT, causes.UNUSABLE, causes.REVOKED_TOKEN, causes.NO_PERMISSION)
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
@settings(max_examples=200, phases=[Phase.generate])
@given(
    notify_on=st.sets(st.sampled_from(sorted(EVERYTHING))) | st.sampled_from([BY_DEFAULT, EVERYTHING]),
    remind=st.sampled_from([0, 1, 24, 200]),
    steps=st.lists(STEPS, min_size=1, max_size=12),
)
def test_openings_and_ends_alternate_whatever_happens(
    notify_on: frozenset[str], remind: int, steps: list[dict[str, Any]]
) -> None:
    """Rows, unreadable spells and channel troubles in any order; and deciding the same again changes nothing."""
    watch = Watch(notify_on=notify_on, remind_hours=remind)
    office, ledger = Office(watch), Ledger()
    sent: list[str] = []
    for step in steps:
        watch.now += timedelta(hours=step["hours"])
        del watch.rows[: step["gone"]]
        for fields, row_id, ago in step["rows"]:
            watch.log(at=watch.now - timedelta(hours=ago), **{"id": row_id, **fields})
        watch.receivers = TWO if step["slack"] else TWO[:1]
        office.inboxes["sns"].mood = step["sns"]
        office.inboxes["slack"].mood = step["slack"] or "takes"
        sns = watch.memory.incidents.get("channel:sns")
        for notice in office.check(step["problem"]):
            if probe(notice) and notice.incident in office.decided.incidents:
                continue
            ledger.read(notice)
            sent.append(notice.notice_id)
        if not step["slack"] and sns and sns.probed_at and "channel:sns" not in office.decided.incidents:
            ledger.open.pop("channel:sns", None)  # the only channel heard its end itself, as a probe
        # Notified of and not over: that is what the memory calls notified.
        known = {name: one.since for name, one in office.decided.incidents.items() if one.notified_at}
        open_now = {name: since for name, since in ledger.open.items() if asked_for(name, watch)}
        assert {name: since for name, since in known.items() if asked_for(name, watch)} == open_now
    assert len(set(sent)) == len(sent)
    for inbox in office.inboxes.values():
        assert len(set(inbox.accepted)) == len(inbox.accepted)


def asked_for(name: str, watch: Watch) -> bool:
    """Return whether NOTIFY_ON names what an incident's notices are called."""
    return {"failing": "failed"}.get(name, name.partition(":")[0]) in watch.policy.notify_on
