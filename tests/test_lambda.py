"""The function in Lambda's own runtime client, with the environment that the deployed template gives it."""

import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sandbox.runtime import LambdaEnvironment, Result
from sandbox.sandbox import Sandbox
from sandbox.server import Fault, Response
from sandbox.zoho import Organisation, row, sample_rows

SUMMARY = {
    *("org", "rows", "pages", "notices", "delivered", "pending", "oldest_pending_hours", "incidents", "last_completed")
}
CANARIES = ("canaryWEBHOOK", "canaryHEARTBEAT")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack and its function."""
    with closing(Sandbox()) as made:
        yield made


class Acme:
    """An organisation of the test's own, at Zoho, in the parameter store and as the function's event.

    Attributes:
        org: Its key.
        at_zoho: What the fake Zoho knows of it.
    """

    def __init__(self, stage: Sandbox) -> None:
        """Connect it, with Zoho's sample as its history."""
        self._stage = stage
        self.org = f"acme-{next(_numbers)}"
        self.at_zoho: Organisation = stage.connect(
            self.org,
            sample_rows(),
            **stage.slack.settings(CANARIES[0] + self.org.replace("-", "")),
            heartbeat_url=stage.slack.heartbeat_url(CANARIES[1]),
        )

    def check(self) -> Result:
        """Let the function check it."""
        return self._stage.check(self.org)

    def fails(self) -> None:
        """Let a backup fail."""
        self.at_zoho.rows.insert(0, row(None, state="failure"))

    @property
    def mails(self) -> list[str]:
        """The kinds of the e-mails about it."""
        mails = self._stage.mailbox.mails
        return [mail.attributes["kind"] for mail in mails if mail.attributes["org"] == self.org]

    @property
    def posts(self) -> list[dict[str, Any]]:
        """What Slack accepted about it."""
        return [message for message in self._stage.slack.messages if message["text"].startswith(f"{self.org}: ")]


@pytest.fixture
def acme(stage: Sandbox) -> Iterator[Acme]:
    """Give an organisation of the test's own; afterwards everybody is well again."""
    yield Acme(stage)
    stage.slack.standing.clear()
    stage.zoho.standing.clear()


def summaries(result: Result) -> list[dict[str, Any]]:
    """Return the summary lines among the log's lines."""
    return [line for line in result.logs if line.get("message") == "check"]


def test_the_whole_way_from_a_history_to_two_messages(stage: Sandbox, acme: Acme) -> None:
    """A baseline, then a failed backup, by e-mail and on Slack, in one environment that stays warm."""
    stage.function.stop()
    first = acme.check()
    assert (first.ok, first.cold, first.payload["notices"]) == (True, True, ["baseline"])
    acme.fails()
    second = acme.check()
    assert (second.ok, second.cold, second.payload["notices"]) == (True, False, ["failed"])
    third = acme.check()
    assert (third.ok, third.payload["notices"], third.payload["delivered"]) == (True, [], {})
    assert acme.mails == ["baseline", "failed"]
    assert len(acme.posts) == 2


def test_the_log_is_one_line_of_json_a_check(acme: Acme) -> None:
    """Event name plus fields, as top-level keys; what Lambda itself adds stands beside them."""
    result = acme.check()
    (line,) = summaries(result)
    assert {key: line[key] for key in SUMMARY} == result.payload
    assert line["level"] == "INFO"
    assert {"timestamp", "requestId"} <= line.keys()
    ours = [line for line in result.logs if line.get("logger") == "handler"]
    assert ours == [line]


def test_a_check_with_something_pending_fails_and_the_retry_delivers_it(stage: Sandbox, acme: Acme) -> None:
    """So that Lambda's retries, its metric and the alarm see it; the summary is logged all the same."""
    acme.check()
    acme.fails()
    stage.slack.standing["webhook"] = Fault(Response(500))
    failed = acme.check()
    assert (failed.ok, failed.payload["errorType"]) == (False, "CheckFailed")
    assert "1 notice pending" in failed.payload["errorMessage"]
    assert summaries(failed)[0]["pending"] == 1
    stage.slack.standing.clear()
    assert acme.check().payload["delivered"] == {"slack": 1}
    assert acme.mails == ["baseline", "failed"]
    assert len(acme.posts) == 2


def test_missing_settings_are_one_error_that_says_how_to_fix_them(stage: Sandbox) -> None:
    """Before anything is asked; the function itself starts."""
    variables = {name: value for name, value in stage.function.variables.items() if name != "TABLE_NAME"}
    with closing(LambdaEnvironment(variables | {"GRACE_HOURS": "soon"})) as function:
        result = function.invoke({})
    assert (result.ok, result.payload["errorType"]) == (False, "ConfigError")
    assert re.search(
        "TABLE_NAME is missing.*GRACE_HOURS is 'soon'|GRACE_HOURS.*TABLE_NAME", result.payload["errorMessage"]
    )


def test_a_stack_that_nobody_connected_stays_green(stage: Sandbox) -> None:
    """The schedule runs from the first hour."""
    assert stage.check("default").payload == {"org": "default", "skipped": "not connected"}


def test_no_secret_is_in_anything_that_the_function_writes_or_answers(stage: Sandbox, acme: Acme) -> None:
    """Through good checks and bad ones: all of its output, whoever wrote it."""
    stage.function.stop()
    results = [acme.check()]
    acme.fails()
    for turn in (Fault(drops=True), Fault(Response(404, b"no_service")), Fault(Response(400, b"invalid_blocks"))):
        stage.slack.standing.update(webhook=turn, heartbeat=turn)
        results.append(acme.check())
    for turn in (Fault(drops=True), Fault(Response(500)), Fault(Response.json({"error": "invalid_code"}))):
        stage.function.stop()
        stage.zoho.standing.update(token=turn)
        results.append(acme.check())
    assert [result.ok for result in results] == [True, *[False] * 6]
    written = "".join(result.output + repr(result.payload) for result in results)
    tokens = [token for issued in acme.at_zoho.issued.values() for token in issued]
    for secret in (
        *CANARIES,
        acme.at_zoho.client_id,
        acme.at_zoho.client_secret,
        *acme.at_zoho.refresh_tokens,
        *tokens,
    ):
        assert secret not in written
