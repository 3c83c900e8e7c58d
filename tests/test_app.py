"""The handler as Lambda calls it, in this process, with the environment that the template gives it, against moto."""

import itertools
import json
import re
import traceback
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import botocore.awsrequest
import botocore.httpsession
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, EndpointConnectionError, ReadTimeoutError

from handler.errors import ConfigError, NotifierError
from sandbox.sandbox import Sandbox
from sandbox.zoho import sample_rows
from tests.function import Context, cold_start, variables_of

CANARY = "SECRETHOOK"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack; the function runs in this process instead of its own."""
    with closing(Sandbox()) as made, variables_of(made):
        yield made


@pytest.fixture(scope="module")
def started(stage: Sandbox) -> ModuleType:
    """Give the handler's module after a cold start."""
    return cold_start()


@pytest.fixture
def app(stage: Sandbox, acme: str, started: ModuleType) -> ModuleType:
    """Give that module, warm; everybody is well, and what was asked before is forgotten."""
    stage.zoho.standing.clear()
    forget(stage)
    return started


@pytest.fixture
def acme(stage: Sandbox) -> str:
    """Connect an organisation of the test's own, with Zoho's sample as its history."""
    org = f"acme{next(_numbers)}"
    stage.connect(org, sample_rows(), heartbeat_url=stage.slack.heartbeat_url())
    return org


def forget(stage: Sandbox) -> None:
    """Forget all requests until now."""
    for requests in (stage.cloud.calls, stage.zoho.requests, stage.slack.requests):
        requests.clear()


def asked(stage: Sandbox) -> list[str]:
    """Return every request since the last `forget`: AWS's, Zoho's, Slack's."""
    return [*stage.cloud.calls, *(request.kind for request in (*stage.zoho.requests, *stage.slack.requests))]


# --- Events and settings ----------------------------------------------------------------------------------------------

NO_OBJECT: list[object] = [None, [], "{}", 5]
NO_ORG: list[object] = [None, "", "a b", "a/b", "../a", "x" * 65, "ä", "a\n", 5, ["a"]]
NO_ACTION: list[object] = [None, "", "delete", "CHECK", 5, ["check"], {"check": 1}]
REFUSED: list[tuple[object, str]] = [
    *((event, "must be a JSON object") for event in NO_OBJECT),
    *(({"org": org}, '"org" must be') for org in NO_ORG),
    *(({"action": action}, '"action" must be one of: check, dry-run, status, test-message') for action in NO_ACTION),
    *(({"org": org}, "Connect the organisation") for org in ("a", "A-b_9", "x" * 64)),
]


@pytest.mark.parametrize(("event", "why"), REFUSED, ids=ascii)
def test_an_event_that_cannot_be_served_is_refused(stage: Sandbox, app: ModuleType, event: object, why: str) -> None:
    """With what would be taken; before anything is asked, unless the organisation could be one."""
    with pytest.raises(ConfigError, match=why):
        app.lambda_handler(event, Context())
    assert asked(stage) == [] or why == "Connect the organisation"


def test_an_event_may_be_empty_and_may_have_other_keys(app: ModuleType, acme: str) -> None:
    """An empty one checks the default organisation, which nobody has connected in this stack."""
    assert app.lambda_handler({}, Context())["skipped"] == "not connected"
    event = {"org": acme, "action": "check", "version": "0", "detail": {"a": 1}}
    assert app.lambda_handler(event, Context())["notices"] == ["baseline"]


def test_missing_settings_are_one_error_that_names_them_all_before_any_request(
    stage: Sandbox, app: ModuleType, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the function is as good as new once they are there: the error is not kept."""
    missing = ("TABLE_NAME", "TOPIC_ARN", "ORG_PARAMETER_PREFIX")
    app = cold_start()
    with monkeypatch.context() as patch:
        for name in missing:
            patch.delenv(name)
        patch.setenv("TIME_ZONE", "Mars/Olympus")
        with pytest.raises(ConfigError) as raised:
            app.lambda_handler({"org": acme}, Context())
    assert [name for name in (*missing, "TIME_ZONE") if name not in str(raised.value)] == []
    assert asked(stage) == []
    assert app.lambda_handler({"org": acme}, Context())["notices"] == ["baseline"]


# --- Requests and connections -----------------------------------------------------------------------------------------


def test_each_action_asks_for_no_more_than_it_needs(stage: Sandbox, app: ModuleType, acme: str) -> None:
    """A dry run writes and sends nothing, a status reads table and parameter, a test message leaves the table alone."""
    for _ in range(2):  # the second counts once more that nobody is subscribed to the alarms
        app.lambda_handler({"org": acme}, Context())
    expected = {
        "check": ["dynamodb:GetItem", "ssm:GetParameter", "history", "heartbeat"],
        "dry-run": ["dynamodb:GetItem", "ssm:GetParameter", "history"],
        "status": ["dynamodb:GetItem", "ssm:GetParameter", *["sns:GetTopicAttributes"] * 2],
        "test-message": [
            "ssm:GetParameter",
            *["sns:GetTopicAttributes"] * 2,
            "sns:Publish",
            "webhook",
            "heartbeat",
        ],
        "heartbeat": ["ssm:GetParameter", "heartbeat"],
    }
    for action, calls in expected.items():
        forget(stage)
        app.lambda_handler({"org": acme, "action": action}, Context())
        assert asked(stage) == calls


PAGE = b"<html>busy</html>"
ANSWERS: dict[str, tuple[int, bytes] | BotoCoreError] = {
    "busy": (503, PAGE),
    "a page": (200, PAGE),
    "refused": (400, json.dumps({"__type": "AccessDeniedException", "message": CANARY}).encode()),
    "unreachable": EndpointConnectionError(endpoint_url=f"https://{CANARY}"),
    "silent": ReadTimeoutError(endpoint_url=f"https://{CANARY}"),
}
TRIES = {"Publish": 1, "GetItem": 2, "PutItem": 2, "GetParameter": 2}
"""A publish whose answer was lost must stay one repeat; reads and conditional writes may be tried again."""


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("operation", TRIES)
def test_without_an_answer_of_awss_a_check_says_so_quotes_nothing_and_repeats_only_what_is_harmless(
    app: ModuleType,
    acme: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    operation: str,
    answer: str,
) -> None:
    """The error has no cause and no context that a log would print."""
    sent: list[object] = []
    really = botocore.httpsession.URLLib3Session.send

    def send(self: Any, request: Any) -> AWSResponse:
        if operation not in f"{request.headers.get('X-Amz-Target')!r} {request.body!r}":
            return really(self, request)
        sent.append(request)
        found = ANSWERS[answer]
        if isinstance(found, BotoCoreError):
            raise found
        raw: Any = type("Raw", (), {"stream": lambda self: iter([found[1]])})()
        return AWSResponse(request.url, found[0], HTTPHeaders(), raw)

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    try:
        printed = app.lambda_handler({"org": acme}, Context())["problem"]
    except NotifierError as error:
        printed = "".join(traceback.format_exception(error)) + f"{error!r} {vars(error)}"
    assert printed
    assert CANARY not in printed + caplog.text
    assert not re.search("direct cause|During handling", printed)
    assert len(sent) <= TRIES[operation]
    assert answer != "busy" or len(sent) == TRIES[operation]
