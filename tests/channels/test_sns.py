"""SNS at the wire: what counts as accepted, what is kept, and what never will be."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from handler.channels.channel import Connection, Senders
from handler.channels.sns import PERMANENT, REFUSED, SNS, SUBJECT_LIMIT
from sandbox.server import Fault, Request, Response, Server
from tests.channels.builder import (
    HOSTILE,
    RENDERING,
    TOPIC,
    content,
    long_list,
    notice,
    notices,
    one,
    refusal_of,
    row,
    send_all,
)
from tests.faults.stack import Stack, query_error


class FakeSns(Server):
    """SNS's query API, as far as Publish goes: it accepts everything."""

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "publish"

    def answer(self, request: Request) -> Response:
        """Accept a message."""
        status, said = Stack().publish(request.form)
        return Response.text(said, status, "text/xml")


def sns_error(code: str, status: int, said: str = "no") -> Response:
    """Return how SNS refuses a request."""
    return Response.text(query_error(code, said), status, "text/xml")


@pytest.fixture(scope="module")
def server_and_client() -> Iterator[tuple[FakeSns, Any]]:
    """Give an SNS and a client that never retries."""
    with closing(FakeSns()) as server:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=0.5)
        yield server, boto3.Session().client("sns", endpoint_url=server.url, config=config)


@pytest.fixture
def sns(server_and_client: tuple[FakeSns, Any]) -> FakeSns:
    """Give that SNS as if it were new."""
    server = server_and_client[0]
    server.requests.clear()
    server.standing.clear()
    server.unscript("publish")
    return server


@pytest.fixture
def topic(server_and_client: tuple[FakeSns, Any]) -> Connection:
    """Give a connection to it."""
    return Connection(SNS, Senders(server_and_client[1], TOPIC, requests.Session()), {})


def attributes(form: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the attributes of a message: name → type and value."""
    keys = {value: name.removesuffix("Name") for name, value in form.items() if re.match(r"MessageAttr.*\.Name$", name)}
    return {name: (form[f"{key}Value.DataType"], form[f"{key}Value.StringValue"]) for name, key in keys.items()}


def test_a_message_that_sns_accepts_is_done(topic: Connection, sns: FakeSns) -> None:
    """One request for each notice, with subject, text and attributes."""
    send_all(topic, notices(2))
    first, second = (request.form for request in sns.requests)
    assert (first["Action"], first["TopicArn"], first["Subject"]) == ("Publish", TOPIC, "[Acme Ltd] Backup failed")
    assert first["Message"].startswith("Acme Ltd: Backup failed\n")
    assert attributes(first)["notice_id"] == ("String", "acme-0")
    assert attributes(second)["row_id"] == ("String", row(1).id)
    assert not any("MessageStructure" in name for name in first)


def test_a_list_matches_a_filter_on_any_kind_in_it(topic: Connection, sns: FakeSns) -> None:
    """Its `kind` is an array, which SNS compares element by element; it shows a line for each of the newest rows."""
    send_all(topic, [long_list()])
    form = sns.requests[0].form
    arrays = {name: value for name, (kind, value) in attributes(form).items() if kind == "String.Array"}
    assert arrays == {"kind": '["failed", "completed"]'}
    message = form["Message"]
    assert (message.count("Job ID"), message.count("- 30 older entries: 20 failed, 10 completed\n")) == (100, 1)


@pytest.mark.parametrize("more", [0, 1])
def test_a_subject_ends_at_its_limit(topic: Connection, more: int) -> None:
    """Less than 100 printable ASCII characters, whatever the name and the title are."""
    title = "t" * (SUBJECT_LIMIT - len("[Acme Ltd] ") + more)
    (request,) = topic.render([notice(content=content(title))], RENDERING)
    subject = request.payload["Subject"]
    assert len(subject) == (99 if more else SUBJECT_LIMIT)
    assert subject.endswith("...") == bool(more)


@pytest.mark.parametrize("name", [HOSTILE, "Zoë & Söhne", "株式会社", "\r\nBcc: x", "n" * 200])
def test_a_subject_is_one_line_of_ascii(topic: Connection, name: str) -> None:
    """Its organisation's key where nothing of a name is left."""
    (request,) = topic.render([notice(content=content(HOSTILE))], RENDERING._replace(name=name))
    subject = request.payload["Subject"]
    assert re.fullmatch(r"\[[ -~]+\] [ -~]+|\[[ -~]{1,98}", subject)
    assert len(subject) < 100


GONE = ("NotFound", "NotFoundException", "AuthorizationError", "AccessDenied", "KMSDisabled")
CODES = [
    *((code, "", False, False) for code in ("Throttled", "ThrottledException", "KMSThrottlingException", "Else")),
    *((code, "", True, False) for code in GONE),
    *((code, "", False, True) for code in REFUSED.split("|")),
    *(("InvalidParameter", name, True, False) for name in ("TopicArn", "TargetArn", "MessageGroupId")),
]


@pytest.mark.parametrize(("code", "parameter", "permanent", "refused"), CODES)
def test_each_error_is_of_the_attempt_the_topic_or_the_message(
    topic: Connection, sns: FakeSns, code: str, parameter: str, permanent: bool, refused: bool
) -> None:
    """Not repeated here: the next check does. What names the topic would refuse each message, so none is lost."""
    sns.standing["publish"] = Fault(sns_error(code, 400, f"Invalid parameter: {parameter}"))
    raised = refusal_of(topic, one(topic))
    assert (raised.permanent, raised.refused) == (permanent, refused)
    assert str(raised) == f"SNS answered {code}" + (f" ({parameter})" if parameter else "")
    assert len(sns.requests) == 1


def test_an_answer_that_says_nothing_is_no_acceptance(topic: Connection, sns: FakeSns) -> None:
    """It is asked once; the fault simulator breaks off answers in every other way."""
    sns.standing["publish"] = Fault(Response(200, b"<html>"))
    assert not refusal_of(topic, one(topic)).permanent
    assert len(sns.requests) == 1


def test_every_code_that_publish_documents_is_known(server_and_client: tuple[FakeSns, Any]) -> None:
    """About the content or the topic, or it may pass; a new one in botocore's model fails here."""
    model = server_and_client[1].meta.service_model.operation_model("Publish")
    codes = {shape.metadata["error"]["code"] for shape in model.error_shapes}
    left = {code for code in codes if not re.fullmatch(f"{REFUSED}|{PERMANENT}", code)}
    assert left == {
        *("EndpointDisabled", "PlatformApplicationDisabled", "InvalidSecurity"),
        *("InternalError", "KMSThrottling"),
    }, "not of topics, or they may pass"
