"""The function in Lambda's own runtime client, with the environment that the deployed template gives it.

Processes really run, and really die: SIGKILL when a chosen call has arrived, whichever service it was for.
"""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handler.store import from_item, to_item
from sandbox.channels import MESSAGE
from sandbox.runtime import Result
from sandbox.sandbox import Sandbox
from sandbox.server import Fault, Response
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.watch import START
from sandbox.zoho import Organisation, row, sample_rows

CANARIES = ("canaryWEBHOOK", "canaryHEARTBEAT")
FOLDER = Path(__file__).parents[1] / "events"
EVENTS = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack and its function; Zoho gives as many tokens as so many cold starts ask for."""
    with pytest.MonkeyPatch.context() as patch, closing(Sandbox()) as made:
        patch.setattr("sandbox.zoho.TOKENS_IN_TEN_MINUTES", 1_000)
        patch.setattr("sandbox.zoho.ACTIVE_TOKENS", 1_000)
        for org in ("default", "acme"):
            made.connect(org, sample_rows())
            assert made.check(org).ok
        yield made


class Watched:
    """An organisation of the test's own, with Zoho's sample as its history and its baseline sent."""

    def __init__(self, stage: Sandbox) -> None:
        """Connect and check it."""
        self.stage = stage
        self.org = f"acme-{next(_numbers)}"
        addresses = stage.slack.settings(f"{CANARIES[0]}{self.org[5:]}")
        heartbeat = stage.slack.heartbeat_url(CANARIES[1])
        self.at_zoho: Organisation = stage.connect(self.org, sample_rows(), **addresses, heartbeat_url=heartbeat)
        self.baseline = self.check()

    def check(self, **how: Any) -> Result:
        """Let the function check it."""
        return self.stage.function.invoke({"org": self.org}, **how)

    def news(self) -> None:
        """Let a backup fail and another one complete."""
        self.at_zoho.rows[:0] = [row(None, state="completed"), row(None, state="failed")]

    def sent(self) -> dict[str, list[int]]:
        """Return how often each notice was sent, by channel, the least often first."""
        posts = json.dumps(self.stage.slack.messages, ensure_ascii=False)
        slack = Counter(re.findall(rf"Reference: ({self.org}-[\w-]+)", posts))
        mails = (mail.attributes for mail in self.stage.mailbox.mails)
        sns = Counter(mail["notice_id"] for mail in mails if mail["org"] == self.org)
        return {"slack": sorted(slack.values()), "sns": sorted(sns.values())}


@pytest.fixture
def acme(stage: Sandbox) -> Iterator[Watched]:
    """Give an organisation of the test's own; afterwards everybody is well again."""
    yield Watched(stage)
    stage.slack.standing.clear()
    stage.zoho.standing.clear()


def test_the_whole_way_from_a_history_to_two_messages(stage: Sandbox) -> None:
    """In one environment that stays warm; each check is one line of JSON, with what Lambda itself adds."""
    stage.function.stop()
    acme = Watched(stage)
    acme.news()
    second, third = acme.check(), acme.check()
    assert [result.cold for result in (acme.baseline, second, third)] == [True, False, False]
    assert [len(result.payload["notices"]) for result in (acme.baseline, second, third)] == [1, 2, 0]
    assert acme.sent() == {"slack": [1, 1, 1], "sns": [1, 1, 1]}
    (line,) = [line for line in second.logs if line.get("logger") == "handler"]
    assert {name: line.get(name) for name in second.payload} == second.payload
    assert (line["message"], line["level"]) == ("check", "INFO")
    assert {"timestamp", "requestId"} <= line.keys()


def test_what_stays_pending_fails_the_check_and_no_secret_is_in_anything_written(stage: Sandbox, acme: Watched) -> None:
    """So that Lambda's retries, its metric and the alarm see it; through good checks and bad ones."""
    acme.news()
    results = [acme.baseline]
    for turn in (Fault(drops=True), Fault(Response(404, b"no_service")), Fault(Response(400, b"invalid_blocks"))):
        stage.slack.standing.update({MESSAGE: turn, "heartbeat": turn})
        results.append(acme.check())
    stage.function.stop()
    stage.zoho.standing.update(token=Fault(Response.json({"error": "invalid_code"})))
    results.append(acme.check())
    assert {result.payload["errorType"] for result in results[1:]} == {"CheckFailed"}
    assert "2 notices pending" in results[1].payload["errorMessage"]
    written = "".join(result.output + repr(result.payload) for result in results)
    owner = acme.at_zoho
    tokens = [token for issued in owner.issued.values() for token in issued]
    secrets = [*CANARIES, owner.client_id, owner.client_secret, *owner.refresh_tokens, *tokens]
    assert [secret for secret in secrets if secret in written] == []


@pytest.mark.parametrize("call", ["dynamodb:PutItem", "sns:Publish", MESSAGE])
def test_a_process_killed_at_a_call_loses_nothing_and_repeats_only_what_it_could_not_learn(
    stage: Sandbox, acme: Watched, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The call arrives and is answered, but nobody is there to hear; Lambda tries again when the lease has ended."""

    class Tripwire(list[Any]):
        """A record of calls; the process is dead before the deadly one is answered."""

        def append(self, arrived: Any) -> None:
            if call in (arrived, getattr(arrived, "kind", None)):
                stage.function.kill()

    acme.news()
    with monkeypatch.context() as patch:
        patch.setattr(stage.slack, "requests", Tripwire())
        patch.setattr(stage.cloud._server, "calls", Tripwire())
        assert acme.check().payload["errorType"] == "Runtime.ExitError"
    table: Any = stage.cloud.client("dynamodb")
    name = stage.stack.outputs["TableName"]
    memory = from_item(table.get_item(TableName=name, Key={"org": {"S": acme.org}})["Item"])
    table.put_item(TableName=name, Item=to_item(memory._replace(lease_until=START)))
    assert acme.check().ok
    repeated = {"slack": [1, 2, 2] if call == MESSAGE else [1, 1, 1]}
    assert acme.sent() == repeated | {"sns": [1, 1, 2] if call == "sns:Publish" else [1, 1, 1]}


# --- The samples of events --------------------------------------------------------------------------------------------

CHECKED = {"rows": 4, "notices": [], "pending": 0}
EXPECTED: dict[str, dict[str, Any]] = {
    "check": {"org": "default", **CHECKED},
    "schedule": {"org": "default", **CHECKED},
    "organisation": {"org": "acme", **CHECKED},
    "dry-run": {"org": "default", "would_notify": [], "problem": None},
    "status": {"org": "default", "connected": True, "problem": None},
    "test-message": {"org": "default", "ok": True},
    "heartbeat": {"org": "default", "ok": True},
    "roll-call": {},
}


@pytest.mark.parametrize("name", EVENTS)
def test_each_sample_does_what_its_name_says_and_is_explained(stage: Sandbox, name: str) -> None:
    """The organisation that it names, the action that it names, and a test message only where one is asked for."""
    before = len(stage.slack.accepted)
    result = stage.function.invoke(EVENTS[name])
    assert result.ok, result.payload
    assert {key: result.payload[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert len(stage.slack.accepted) - before == (name == "test-message")
    assert f"`{name}.json`" in (FOLDER / "README.md").read_text()


def test_the_schedules_samples_are_what_the_template_sends() -> None:
    """So that the samples are the truth."""
    resources = to_cloudformation(TEMPLATE_FILE.read_text())["Resources"].values()
    inputs = [r["Properties"]["Target"]["Input"] for r in resources if r["Type"] == "AWS::Scheduler::Schedule"]
    assert [json.loads(text) for text in inputs] == [EVENTS["schedule"], EVENTS["roll-call"]]
