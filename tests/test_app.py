"""The handler as Lambda calls it, in this process, with the environment that the template gives it, against moto."""

import importlib
import itertools
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from handler.errors import CheckFailed, ConfigError
from handler.memory import Memory
from sandbox.sandbox import Sandbox
from sandbox.server import Fault, Response
from sandbox.watch import START
from sandbox.zoho import Organisation, sample_rows


@dataclass
class Context:
    """What Lambda hands the function beside the event."""

    aws_request_id: str = "request-1"
    milliseconds: int = 55_000

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return self.milliseconds


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the deployed stack; the function runs in this process instead of its own."""
    with closing(Sandbox()) as made:
        yield made


@pytest.fixture(scope="module")
def started(stage: Sandbox) -> Iterator[ModuleType]:
    """Give the handler's module after a cold start with the variables of the deployed function."""
    variables = {**stage.cloud.environment, **stage.stack.environment()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, "ZOHO_ACCOUNTS_URL": stage.zoho.url, "ZOHO_API_URL": stage.zoho.url}.items():
            patch.setenv(name, value)
        yield cold(stage)
    del sys.modules["handler.app"]


@pytest.fixture
def app(stage: Sandbox, started: ModuleType) -> ModuleType:
    """Give that module, warm; everybody is well, and what was asked before is forgotten."""
    stage.zoho.standing.clear()
    stage.slack.standing.clear()
    forget(stage)
    return started


def cold(stage: Sandbox) -> ModuleType:
    """Import the handler as a cold start does, and forget all requests until now."""
    sys.modules.pop("handler.app", None)
    module = importlib.import_module("handler.app")
    forget(stage)
    return module


def forget(stage: Sandbox) -> None:
    """Forget all requests until now."""
    stage.cloud.calls.clear()
    stage.zoho.requests.clear()
    stage.slack.requests.clear()


_numbers = itertools.count(1)


@dataclass
class Connected:
    """An organisation of the test's own.

    Attributes:
        org: Its key.
        at_zoho: What the fake Zoho knows of it.
    """

    org: str
    at_zoho: Organisation


@pytest.fixture
def acme(stage: Sandbox) -> Connected:
    """Give an organisation with Zoho's sample as its history."""
    org = f"acme{next(_numbers)}"
    heartbeat = stage.slack.heartbeat_url()
    return Connected(org, stage.connect(org, sample_rows(), heartbeat_url=heartbeat))


def asked(stage: Sandbox) -> list[str]:
    """Return every request since the last `forget`: AWS's, Zoho's, Slack's."""
    return [*stage.cloud.calls, *(request.kind for request in (*stage.zoho.requests, *stage.slack.requests))]


# --- Events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [None, [], "{}", 5, True], ids=repr)
def test_an_event_that_is_no_object_is_refused(stage: Sandbox, app: ModuleType, event: object) -> None:
    """With an example of one that would be taken, and before anything is asked."""
    with pytest.raises(ConfigError, match="must be a JSON object"):
        app.lambda_handler(event, Context())
    assert asked(stage) == []


@pytest.mark.parametrize(
    "org", [None, "", "a b", "a/b", "../a", "x" * 65, "ä", "a\n", 5, True, ["a"], {"a": 1}], ids=lambda v: ascii(v)[:12]
)
def test_an_organisation_that_could_not_be_one_is_refused(stage: Sandbox, app: ModuleType, org: object) -> None:
    """It becomes part of a parameter's name."""
    with pytest.raises(ConfigError, match='"org" must be'):
        app.lambda_handler({"org": org}, Context())
    assert asked(stage) == []


@pytest.mark.parametrize("action", [None, "", "delete", "CHECK", 5, True, ["check"], {"check": 1}], ids=ascii)
def test_an_unknown_action_is_a_clear_error(stage: Sandbox, app: ModuleType, action: object) -> None:
    """It names those that there are."""
    with pytest.raises(ConfigError, match='"action" must be one of: check, dry-run, status, test-message'):
        app.lambda_handler({"action": action}, Context())
    assert asked(stage) == []


@pytest.mark.parametrize("org", ["a", "A-b_9", "x" * 64])
def test_an_organisation_may_have_any_plain_name(app: ModuleType, org: str) -> None:
    """None of these is connected, which is another error."""
    with pytest.raises(ConfigError, match="Connect the organisation"):
        app.lambda_handler({"org": org}, Context())


def test_other_keys_of_an_event_are_ignored(app: ModuleType, acme: Connected) -> None:
    """Whatever invokes the function may add its own."""
    event = {"org": acme.org, "action": "check", "version": "0", "detail": {"a": 1}}
    assert app.lambda_handler(event, Context())["notices"] == ["baseline"]


def test_an_empty_event_checks_the_default_organisation(app: ModuleType) -> None:
    """Nobody has connected it in this stack."""
    assert app.lambda_handler({}, Context()) == {"org": "default", "skipped": "not connected"}


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_missing_settings_are_one_error_that_names_them_all_before_any_request(
    stage: Sandbox, app: ModuleType, acme: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the function is as good as new once they are there: the error is not kept."""
    module = cold(stage)
    with monkeypatch.context() as patch:
        for name in ("TABLE_NAME", "TOPIC_ARN", "ORG_PARAMETER_PREFIX"):
            patch.delenv(name)
        patch.setenv("TIME_ZONE", "Mars/Olympus")
        with pytest.raises(ConfigError) as raised:
            module.lambda_handler({"org": acme.org}, Context())
    for name in ("TABLE_NAME", "TOPIC_ARN", "ORG_PARAMETER_PREFIX", "TIME_ZONE"):
        assert name in str(raised.value)
    assert asked(stage) == []
    assert module.lambda_handler({"org": acme.org}, Context())["notices"] == ["baseline"]


def test_the_deployed_variables_are_the_settings(stage: Sandbox, app: ModuleType) -> None:
    """What the template wires is what the function reads."""
    settings = app.services().settings
    outputs = stage.stack.outputs
    assert settings.table_name == outputs["TableName"]
    assert settings.topic_arn == outputs["TopicArn"]
    assert settings.org_parameter_prefix == outputs["OrgParameterPrefix"]


# --- Clients ----------------------------------------------------------------------------------------------------------


def test_everything_is_built_once_for_as_long_as_the_environment_lives(
    app: ModuleType, acme: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients at import, once per environment; the rest at the first event."""
    made: list[str] = []
    monkeypatch.setattr(boto3, "client", lambda service, **_: made.append(service))
    first = app.services()
    monkeypatch.setattr(boto3.Session, "client", lambda self, service, **_: made.append(service))
    for _ in range(2):
        app.lambda_handler({"org": acme.org}, Context())
    assert app.services() is first
    assert made == []


@pytest.mark.parametrize(
    ("client", "call", "tries"),
    [
        ("_SNS", lambda sns: sns.publish_batch(TopicArn="arn:aws:sns:eu-west-1:1:t", PublishBatchRequestEntries=[]), 1),
        ("_DYNAMODB", lambda db: db.get_item(TableName="table", Key={"org": {"S": "a"}}), 2),
        ("_SSM", lambda ssm: ssm.get_parameter(Name="name"), 2),
    ],
    ids=["sns", "dynamodb", "ssm"],
)
def test_only_what_is_harmless_is_repeated_by_the_sdk(
    stage: Sandbox, app: ModuleType, monkeypatch: pytest.MonkeyPatch, client: str, call: Any, tries: int
) -> None:
    """A publish whose answer was lost must stay one repeat; conditional writes and reads may be tried again."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    sent: list[object] = []

    def fail(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        raw: Any = type("Raw", (), {"stream": lambda self: iter([b"<html>busy</html>"])})()
        return AWSResponse(request.url, 503, HTTPHeaders(), raw)

    made = getattr(cold(stage), client)
    made.meta.events.register("before-send", fail)
    with pytest.raises(ClientError):
        call(made)
    assert len(sent) == tries


# --- The lease --------------------------------------------------------------------------------------------------------


def test_the_lease_is_lambdas_own_deadline_and_request(
    stage: Sandbox, app: ModuleType, acme: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both come from the context."""
    leases: list[tuple[str | None, datetime | None]] = []
    services = replace(app.services(), clock=lambda: START)
    save = services.store.save

    def noting(memory: Memory) -> Memory:
        leases.append((memory.lease_owner, memory.lease_until))
        saved: Memory = save(memory)
        return saved

    monkeypatch.setattr(services.store, "save", noting)
    monkeypatch.setattr(app, "services", lambda: services)
    app.lambda_handler({"org": acme.org}, Context("request-77", 40_000))
    assert leases[0] == ("request-77", START + timedelta(seconds=40))
    assert leases[-1] == (None, None)


# --- What an invocation leaves behind ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_no_connection_outlives_an_invocation(app: ModuleType, acme: Connected, stage: Sandbox, ends: str) -> None:
    """One that sleeps through a freeze is often dead afterwards, and a send is never tried twice."""
    if ends == "badly":
        stage.zoho.standing["history"] = Fault(Response(404))
        with pytest.raises(CheckFailed):
            app.lambda_handler({"org": acme.org}, Context())
    else:
        app.lambda_handler({"org": acme.org}, Context())
    services = app.services()
    pools = [
        adapter.poolmanager.pools
        for session in (services.senders.session, services.reading)
        for adapter in session.adapters.values()
    ]
    assert [len(pool) for pool in (*pools, app._SNS._endpoint.http_session._manager.pools)] == [0] * 5
    stage.zoho.standing.clear()
    assert app.lambda_handler({"org": acme.org}, Context())["pending"] == 0


# --- Actions ----------------------------------------------------------------------------------------------------------


def test_each_action_asks_for_no_more_than_it_needs(stage: Sandbox, app: ModuleType, acme: Connected) -> None:
    """A dry run writes and sends nothing, a status reads table and parameter, a test message leaves the table alone."""
    app.lambda_handler({"org": acme.org}, Context())
    expected = {
        "dry-run": ["dynamodb:GetItem", "ssm:GetParameter", "history"],
        "status": ["dynamodb:GetItem", "ssm:GetParameter"],
        "test-message": ["ssm:GetParameter", "sns:PublishBatch", "webhook"],
    }
    for action, calls in expected.items():
        forget(stage)
        app.lambda_handler({"org": acme.org, "action": action}, Context())
        assert asked(stage) == calls
    assert {"check", *expected} == set(app.ACTIONS)
