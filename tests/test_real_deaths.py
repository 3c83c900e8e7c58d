"""Processes that really die: SIGKILL at each call of a check, and Lambda's deadline in the middle of one."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from sandbox.runtime import LambdaEnvironment, Result
from sandbox.sandbox import Sandbox
from sandbox.server import Fault
from sandbox.zoho import row

ORG = "acme"
MOST_CALLS = 30
SECONDS = 4.0
"""Given to a check that is killed when they are over; a machine may be busy."""
LITTLE_SECONDS = 15.0
"""Too few to read, send and write within."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack, with one organisation connected and its baseline sent."""
    with closing(Sandbox()) as made:
        made.connect(ORG, heartbeat_url=made.slack.heartbeat_url())
        assert made.check(ORG).ok
        yield made


@pytest.fixture(autouse=True)
def patient_zoho(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Zoho give as many tokens as so many cold starts in so little time ask for."""
    monkeypatch.setattr("sandbox.zoho.TOKENS_IN_TEN_MINUTES", 1_000)
    monkeypatch.setattr("sandbox.zoho.ACTIVE_TOKENS", 1_000)


class Tripwire(list[Any]):
    """A server's record of calls that reports each before it is answered."""

    def __init__(self, arrived: Callable[[Any], None]) -> None:
        """Begin with nothing."""
        super().__init__()
        self._arrived = arrived

    def append(self, call: Any) -> None:
        """Record a call."""
        super().append(call)
        self._arrived(call)


class Killer:
    """Kills the function's process when a chosen call of an invocation has arrived, to whichever service.

    Attributes:
        seen: The calls of the last invocation, in order.
    """

    def __init__(self, stage: Sandbox) -> None:
        """Watch every service of the stage."""
        self._stage, self._lock = stage, threading.Lock()
        self._deadly = 0
        self.seen: list[str] = []
        stage.zoho.requests = Tripwire(lambda request: self._arrived(request.kind))
        stage.slack.requests = Tripwire(lambda request: self._arrived(request.kind))
        stage.cloud._server.calls = Tripwire(self._arrived)

    def check(self, deadly: int) -> Result:
        """Let the function check, and die at this call; 0: at none."""
        self.seen, self._deadly = [], deadly
        return self._stage.check(ORG)

    def _arrived(self, call: str) -> None:
        with self._lock:
            self.seen.append(call)
            if len(self.seen) == self._deadly:
                self._stage.function.kill()


def news(stage: Sandbox) -> None:
    """Let a backup fail and another one complete."""
    (organisation,) = stage.zoho.organisations.values()
    organisation.rows[:0] = [row(None, state="completed"), row(None, state="failed")]


def sent(stage: Sandbox) -> dict[str, Counter[str]]:
    """Return how often each notice was sent, by channel."""
    slack = re.findall(rf"Reference: ({ORG}-[\w-]+)", json.dumps(stage.slack.messages, ensure_ascii=False))
    return {"slack": Counter(slack), "sns": Counter(mail.attributes["notice_id"] for mail in stage.mailbox.mails)}


def end_the_lease(stage: Sandbox) -> None:
    """Let the lease in the organisation's item have ended, as it has when Lambda tries again."""
    stage.cloud.client("dynamodb").update_item(
        TableName=stage.stack.outputs["TableName"],
        Key={"org": {"S": ORG}},
        UpdateExpression="SET lease_until = :past",
        ConditionExpression="attribute_exists(lease_until)",
        ExpressionAttributeValues={":past": {"S": "2026-01-01T00:00:00+00:00"}},
    )


@pytest.mark.deep
def test_a_process_killed_at_any_call_loses_nothing_and_repeats_only_what_it_could_not_learn(stage: Sandbox) -> None:
    """Call after call, as many as a check with news makes: it arrives and is answered, but nobody is there to hear."""
    killer = Killer(stage)
    expected = len(sent(stage)["sns"])
    for deadly in range(1, MOST_CALLS):
        news(stage)
        expected += 2
        before = sent(stage)
        killed = killer.check(deadly)
        if killed.ok:
            break
        assert killed.payload["errorType"] == "Runtime.ExitError"
        last = killer.seen[deadly - 1]
        with suppress(stage.cloud.client("dynamodb").exceptions.ConditionalCheckFailedException):
            end_the_lease(stage)
        assert killer.check(0).ok
        after = sent(stage)
        for channel, call in (("slack", "webhook"), ("sns", "sns:PublishBatch")):
            assert len(after[channel]) == expected
            repeated = [count for notice, count in (after[channel] - before[channel]).items() if count > 1]
            assert repeated == ([2, 2] if last == call else []), f"killed at {last}, in {killer.seen}"
    else:
        pytest.fail("a check never came to its end")
    assert {"dynamodb:GetItem", "history", "dynamodb:PutItem", "sns:PublishBatch", "webhook"} <= {*killer.seen}
    assert all(len(counts) == expected for counts in sent(stage).values())


def test_a_deadline_in_the_middle_of_a_send_loses_nothing(stage: Sandbox) -> None:
    """Lambda kills the process while Slack keeps it waiting; the lease ends with it, so that the next check goes on."""
    news(stage)
    before = sent(stage)
    variables = stage.function.variables
    with closing(LambdaEnvironment(variables, handler="tests.undaunted.lambda_handler")) as undaunted:
        stage.slack.script("webhook", Fault(drops=True, until=threading.Event()))
        killed = undaunted.invoke({"org": ORG}, timeout=SECONDS)
    assert (killed.ok, killed.payload["errorType"]) == (False, "Sandbox.Timedout"), killed
    assert stage.check(ORG).payload["delivered"] == {"slack": 2}
    after = sent(stage)
    assert [sorted((after[channel] - before[channel]).values()) for channel in after] == [[1, 1], [1, 1]]


def test_too_little_time_is_noticed_before_it_is_over(stage: Sandbox) -> None:
    """Nothing is begun that could not be written down: the check fails by itself, and the next one does it."""
    news(stage)
    before = sent(stage)
    late = stage.function.invoke({"org": ORG}, timeout=LITTLE_SECONDS)
    assert (late.ok, late.payload["errorType"]) == (False, "CheckFailed")
    assert sent(stage) == before
    assert stage.check(ORG).payload["delivered"] == {"slack": 2, "sns": 2}
