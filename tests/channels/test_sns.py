"""SNS at the wire: what counts as accepted, entry by entry, what is kept, and what never will be."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from handler.channels.channel import Connection, Senders
from handler.channels.sns import PERMANENT, REFUSED, SNS, SUBJECT_LIMIT
from handler.errors import DeliveryError
from handler.transport import Deadline
from sandbox.server import Fault, Request, Response, Server
from tests.channels.builder import AMPLE, HOSTILE, RENDERING, TOPIC, content, long_list, notice, one, refusal_of, row
from tests.faults.stack import Stack, batch_of, query_error


class FakeSns(Server):
    """SNS's query API, as far as PublishBatch goes: it accepts every entry for which `fate` has nothing else.

    Attributes:
        fate: Number of an entry → code and message; None: it is left out of the answer.
    """

    def __init__(self) -> None:
        """Begin with no fates."""
        self.fate: dict[str, tuple[str, str] | None] = {}
        super().__init__()

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "publish"

    def answer(self, request: Request) -> Response:
        """Accept or refuse each entry by itself."""
        entries = batch_of(request.form)
        refused = "".join(
            f"<member><Id>{i}</Id><Code>{fate[0]}</Code><Message>{fate[1]}</Message></member>"
            for i, fate in self.fate.items()
            if fate
        )
        status, said = Stack().publish({i: entry for i, entry in entries.items() if i not in self.fate}, refused)
        return Response.text(said, status, "text/xml")


def sns_error(code: str, status: int, said: str = "no") -> Response:
    """Return how SNS refuses a whole request."""
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
    server.fate = {}
    return server


@pytest.fixture
def topic(server_and_client: tuple[FakeSns, Any]) -> Connection:
    """Give a connection to it."""
    return Connection(SNS, Senders(server_and_client[1], TOPIC, requests.Session()), {})


def attributes(form: dict[str, str], entry: int = 1) -> dict[str, tuple[str, str]]:
    """Return the message attributes of an entry: name → type and value."""
    start = f"PublishBatchRequestEntries.member.{entry}.MessageAttributes"
    keys = {value: name.removesuffix("Name") for name, value in form.items() if re.match(rf"{start}.*\.Name$", name)}
    return {name: (form[f"{key}Value.DataType"], form[f"{key}Value.StringValue"]) for name, key in keys.items()}


def test_a_batch_that_sns_accepts_is_done(topic: Connection, sns: FakeSns) -> None:
    """One request with ten entries, each with subject, text and attributes."""
    request = one(topic, 10)
    topic.send(request, AMPLE)
    assert len(sns.requests) == 1
    form = sns.requests[0].form
    assert (form["Action"], form["TopicArn"]) == ("PublishBatch", TOPIC)
    first = "PublishBatchRequestEntries.member.1"
    assert form[f"{first}.Subject"] == "[Acme Ltd] Backup failed"
    assert form[f"{first}.Message"].startswith("Acme Ltd: Backup failed\n")
    assert attributes(form)["notice_id"] == ("String", "acme-0")
    assert attributes(form, 10)["row_id"] == ("String", row(9).id)
    assert not any("MessageStructure" in name for name in form)


def test_a_list_matches_a_filter_on_any_kind_in_it(topic: Connection, sns: FakeSns) -> None:
    """Its `kind` is an array, which SNS compares element by element; it shows a line for each of the newest rows."""
    topic.send(topic.render([long_list()], RENDERING)[0], AMPLE)
    form = sns.requests[0].form
    arrays = {name: value for name, (kind, value) in attributes(form).items() if kind == "String.Array"}
    assert arrays == {"kind": '["failed", "completed"]'}
    message = form["PublishBatchRequestEntries.member.1.Message"]
    assert (message.count("Job ID"), message.count("- 30 older entries: 20 failed, 10 completed\n")) == (100, 1)


@pytest.mark.parametrize("more", [0, 1])
def test_a_subject_ends_at_its_limit(topic: Connection, more: int) -> None:
    """Less than 100 printable ASCII characters, whatever the name and the title are."""
    title = "t" * (SUBJECT_LIMIT - len("[Acme Ltd] ") + more)
    (request,) = topic.render([notice(content=content(title))], RENDERING)
    subject = request.payload[0]["Subject"]
    assert len(subject) == SUBJECT_LIMIT == 99
    assert subject.endswith("...") == bool(more)


@pytest.mark.parametrize("name", [HOSTILE, "Zoë & Söhne", "株式会社", "\r\nBcc: x", "n" * 200])
def test_a_subject_is_one_line_of_ascii(topic: Connection, name: str) -> None:
    """Its organisation's key where nothing of a name is left."""
    (request,) = topic.render([notice(content=content(HOSTILE))], RENDERING._replace(name=name))
    subject = request.payload[0]["Subject"]
    assert re.fullmatch(r"\[[ -~]+\] [ -~]+|\[[ -~]{1,98}", subject)
    assert len(subject) <= SUBJECT_LIMIT


CODES = {
    **dict.fromkeys(["Throttled", "ThrottledException", "KMSThrottlingException", "InternalError", "Else"], False),
    **dict.fromkeys(["NotFound", "NotFoundException", "AuthorizationError", "AccessDenied", "KMSDisabled"], True),
}


@pytest.mark.parametrize(("code", "gone"), CODES.items())
def test_a_request_that_sns_refuses_as_a_whole_is_kept(topic: Connection, sns: FakeSns, code: str, gone: bool) -> None:
    """Not repeated here: the next invocation does. Where the topic itself refuses, a person must act."""
    sns.standing["publish"] = Fault(sns_error(code, 500))
    raised = refusal_of(topic, one(topic, 2))
    assert (raised.permanent, set(raised.accepted_ids), set(raised.refused_ids)) == (gone, set(), set())
    assert str(raised) == f"SNS answered {code}"
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drops=True),
        Fault(acts=True, drops=True),
        Fault(Response(500)),
        Fault(Response(200, b"<html>")),
        Fault(drops=True, until=threading.Event()),
    ],
    ids=["dropped", "answer lost", "500", "not XML", "never"],
)
def test_an_answer_that_says_nothing_is_no_acceptance(topic: Connection, sns: FakeSns, fault: Fault) -> None:
    """It is asked once: an SDK that repeats would make three messages of one."""
    sns.standing["publish"] = fault
    assert not refusal_of(topic, one(topic)).permanent
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    ("fate", "accepted", "refused", "gone"),
    [
        ({"1": ("InvalidParameter", "Message too long")}, "02", "1", False),
        ({"1": ("InvalidParameter", "TargetArn")}, "02", "", True),
        ({"1": ("InternalError", "")}, "02", "", False),
        ({"1": ("Throttled", "")}, "02", "", False),
        ({"1": ("EndpointDisabled", "")}, "02", "", False),
        ({"0": ("InvalidParameter", "Subject"), "2": ("InternalError", "")}, "1", "0", False),
        ({"1": ("NotFound", "")}, "02", "", True),
        ({"0": ("AuthorizationError", ""), "1": ("InvalidParameter", "")}, "2", "", True),
        ({"1": None}, "02", "", False),
        ({"0": None, "1": None, "2": None}, "", "", False),
        (dict.fromkeys("012", ("InvalidParameter", "")), "", "012", False),
    ],
    ids=str,
)
def test_each_entry_is_accepted_or_refused_by_itself(
    topic: Connection, sns: FakeSns, fate: dict[str, tuple[str, str] | None], accepted: str, refused: str, gone: bool
) -> None:
    """What SNS took is known, what it will never take as well, and the rest is kept."""
    sns.fate = fate
    raised = refusal_of(topic, one(topic, 3))
    assert raised.accepted_ids == {f"acme-{n}" for n in accepted}
    assert raised.refused_ids == {f"acme-{n}" for n in refused}
    assert raised.permanent == gone


@pytest.mark.parametrize("code", REFUSED.split("|"))
def test_a_batch_that_is_refused_as_a_whole_is_published_entry_by_entry(
    topic: Connection, sns: FakeSns, code: str
) -> None:
    """One that is malformed stops no other; the codes are those that botocore knows of PublishBatch."""
    sns.script("publish", sns_error(code, 400), Fault(), sns_error(code, 400), Fault())
    raised = refusal_of(topic, one(topic, 3))
    assert (set(raised.accepted_ids), set(raised.refused_ids), raised.permanent) == (
        {"acme-0", "acme-2"},
        {"acme-1"},
        False,
    )
    assert len(sns.requests) == 4


@pytest.mark.parametrize("parameter", ["TopicArn", "TargetArn", "MessageGroupId"])
def test_an_error_that_names_the_topic_is_the_channels(topic: Connection, sns: FakeSns, parameter: str) -> None:
    """Each message would be refused like that, so none is lost, and none is tried alone."""
    sns.standing["publish"] = Fault(sns_error("InvalidParameter", 400, f"Invalid parameter: {parameter}"))
    raised = refusal_of(topic, one(topic, 2))
    assert (raised.permanent, set(raised.refused_ids), len(sns.requests)) == (True, set(), 1)
    assert str(raised) == f"SNS answered InvalidParameter ({parameter})"


def test_entry_by_entry_ends_with_the_time(topic: Connection, sns: FakeSns) -> None:
    """What was not reached is neither accepted nor refused."""
    sns.script("publish", sns_error("InvalidParameter", 400))
    request = one(topic, 5)
    with pytest.raises(DeliveryError) as raised:
        topic.send(request, Deadline(count(2.0, -1.0).__next__))
    assert raised.value.accepted_ids == {"acme-0", "acme-1"}
    assert raised.value.refused_ids == set()


def test_every_code_that_publish_batch_documents_is_known(server_and_client: tuple[FakeSns, Any]) -> None:
    """About the content or the topic, or it may pass; a new one in botocore's model fails here."""
    model = server_and_client[1].meta.service_model.operation_model("PublishBatch")
    codes = {shape.metadata["error"]["code"] for shape in model.error_shapes}
    left = {code for code in codes if not re.fullmatch(f"{REFUSED}|{PERMANENT}", code)}
    assert left == {
        *("EndpointDisabled", "PlatformApplicationDisabled", "InvalidSecurity"),
        *("InternalError", "KMSThrottling"),
    }, "not of topics, or they may pass"
