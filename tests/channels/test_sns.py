"""SNS at the wire: what counts as accepted, entry by entry, what is kept, and what never will be."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
import pytest
import requests
from botocore.config import Config

from handler.channels import sns as module
from handler.channels.channel import Senders
from handler.channels.sns import SUBJECT_LIMIT
from handler.deadline import Deadline
from handler.errors import DeliveryError
from sandbox.server import Fault, Request, Response, Server
from tests.channels.builder import AMPLE, HOSTILE, RECIPIENT, TOPIC, content, notice, notices, refusal_of, row
from tests.wire import RunningOut


class FakeSns(Server):
    """SNS's query API, as far as PublishBatch goes: it accepts every entry for which `fate` has nothing else.

    Attributes:
        fate: Number of an entry → code and whether it is the sender's fault; None: it is left out of the answer.
    """

    def __init__(self) -> None:
        """Begin with no fates."""
        self.fate: dict[str, tuple[str, bool] | None] = {}
        super().__init__()

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "publish"

    def answer(self, request: Request) -> Response:
        """Accept or refuse each entry by itself."""
        ids = [value for name, value in parse_qsl(request.body.decode()) if re.fullmatch(r".*member\.\d+\.Id", name)]
        accepted = "".join(f"<member><Id>{i}</Id><MessageId>m</MessageId></member>" for i in ids if i not in self.fate)
        refused = "".join(
            f"<member><Id>{i}</Id><Code>{fate[0]}</Code><SenderFault>{str(fate[1]).lower()}</SenderFault></member>"
            for i, fate in self.fate.items()
            if fate
        )
        result = f"<Successful>{accepted}</Successful><Failed>{refused}</Failed>"
        return Response.text(
            f'<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>{result}'
            "</PublishBatchResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>",
            content_type="text/xml",
        )


def sns_error(code: str, status: int) -> Response:
    """Return how SNS refuses a whole request."""
    return Response.text(
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>{escape(code)}</Code><Message>no</Message></Error></ErrorResponse>",
        status,
        "text/xml",
    )


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
def topic(server_and_client: tuple[FakeSns, Any]) -> module.Sns:
    """Give the channel that publishes there."""
    return module.Sns(Senders(server_and_client[1], TOPIC, requests.Session()), {})


def fields(form: dict[str, str], entry: int, what: str) -> list[str]:
    """Return a field of every message attribute of an entry."""
    start = f"PublishBatchRequestEntries.member.{entry}.MessageAttributes.entry"
    return [value for name, value in form.items() if name.startswith(start) and name.endswith(what)]


def attributes(form: dict[str, str], entry: int = 1) -> dict[str, str]:
    """Return the message attributes of an entry."""
    return dict(zip(fields(form, entry, "Name"), fields(form, entry, "StringValue"), strict=True))


def test_a_batch_that_sns_accepts_is_done(topic: module.Sns, sns: FakeSns) -> None:
    """One request with ten entries, each with subject, text and attributes."""
    (request,) = topic.render(notices(10), RECIPIENT)
    topic.send(request, AMPLE)
    assert len(sns.requests) == 1
    form = sns.requests[0].form
    assert (form["Action"], form["TopicArn"]) == ("PublishBatch", TOPIC)
    first = "PublishBatchRequestEntries.member.1"
    assert form[f"{first}.Subject"] == "[Acme Ltd] Backup failed"
    assert form[f"{first}.Message"].startswith("Acme Ltd: Backup failed\n")
    assert attributes(form, 10)["row_id"] == row(9).id
    assert attributes(form) == {
        "org": "acme",
        "severity": "critical",
        "notice_id": "acme-0",
        "kind": "failed",
        "phase": "news",
        "row_id": row(0).id,
        "state": "failure",
        "log_time": "2026-03-02T10:00:00+00:00",
    }
    assert set(fields(form, 1, "DataType")) == {"String"}
    assert not any("MessageStructure" in name for name in form)


@pytest.mark.parametrize("more", [0, 1])
def test_a_subject_ends_at_its_limit(topic: module.Sns, more: int) -> None:
    """Less than 100 printable ASCII characters, whatever the name and the title are."""
    title = "t" * (SUBJECT_LIMIT - len("[Acme Ltd] ") + more)
    (request,) = topic.render([notice(content=content(title))], RECIPIENT)
    subject = request.payload[0].subject
    assert len(subject) == SUBJECT_LIMIT == 99
    assert subject.endswith("...") == bool(more)


@pytest.mark.parametrize("name", [HOSTILE, "Zoë & Söhne", "株式会社", "\r\nBcc: x", "n" * 200])
def test_a_subject_is_one_line_of_ascii(topic: module.Sns, name: str) -> None:
    """Its organisation's key where nothing of a name is left."""
    (request,) = topic.render([notice(content=content(HOSTILE))], RECIPIENT._replace(name=name))
    subject = request.payload[0].subject
    assert re.fullmatch(r"\[[ -~]+\] [ -~]+|\[[ -~]{1,98}", subject)
    assert len(subject) <= SUBJECT_LIMIT


CODES = {
    **dict.fromkeys(["Throttled", "ThrottledException", "KMSThrottlingException", "InternalError", "Else"], False),
    **dict.fromkeys(["NotFound", "NotFoundException", "AuthorizationError", "AccessDenied", "KMSDisabled"], True),
}


@pytest.mark.parametrize(("code", "gone"), CODES.items())
def test_a_request_that_sns_refuses_as_a_whole_is_kept(topic: module.Sns, sns: FakeSns, code: str, gone: bool) -> None:
    """Not repeated here: the next invocation does. Where the topic itself refuses, a person must act."""
    sns.standing["publish"] = Fault(sns_error(code, 500))
    raised = refusal_of(topic, topic.render(notices(2), RECIPIENT)[0])
    assert (raised.gone, set(raised.accepted), set(raised.refused)) == (gone, set(), set())
    assert str(raised) == f"SNS answered {code}"
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drops=True),
        Fault(acts=True, drops=True),
        Fault(Response(500)),
        Fault(Response(200, b"<html>")),
        Fault(Response(503)),
    ],
    ids=["dropped", "answer lost", "500", "not XML", "503"],
)
def test_an_answer_that_says_nothing_is_no_acceptance(topic: module.Sns, sns: FakeSns, fault: Fault) -> None:
    """It is asked once: an SDK that repeats would make three messages of one."""
    sns.standing["publish"] = fault
    assert not refusal_of(topic, topic.render(notices(1), RECIPIENT)[0]).gone
    assert len(sns.requests) == 1


def test_a_publish_without_an_answer_ends(topic: module.Sns, sns: FakeSns) -> None:
    """The client's read timeout ends it."""
    sns.standing["publish"] = Fault(drops=True, until=threading.Event())
    assert "ReadTimeout" in str(refusal_of(topic, topic.render(notices(1), RECIPIENT)[0]))
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    ("fate", "accepted", "refused", "gone"),
    [
        ({"1": ("InvalidParameter", True)}, "02", "1", False),
        ({"1": ("InternalError", False)}, "02", "", False),
        ({"1": ("Throttled", True)}, "02", "", False),
        ({"1": ("KMSThrottling", True)}, "02", "", False),
        ({"0": ("InvalidParameter", True), "2": ("InternalError", False)}, "1", "0", False),
        ({"1": ("NotFound", True)}, "02", "", True),
        ({"0": ("AuthorizationError", True), "1": ("InvalidParameter", True)}, "2", "", True),
        ({"1": None}, "02", "", False),
        ({"0": None, "1": None, "2": None}, "", "", False),
        (dict.fromkeys("012", ("InvalidParameter", True)), "", "012", False),
    ],
    ids=str,
)
def test_each_entry_is_accepted_or_refused_by_itself(
    topic: module.Sns, sns: FakeSns, fate: dict[str, tuple[str, bool] | None], accepted: str, refused: str, gone: bool
) -> None:
    """What SNS took is known, what it will never take as well, and the rest is kept."""
    sns.fate = fate
    raised = refusal_of(topic, topic.render(notices(3), RECIPIENT)[0])
    assert raised.accepted == {f"acme-{n}" for n in accepted}
    assert raised.refused == {f"acme-{n}" for n in refused}
    assert raised.gone == gone


def test_an_entry_that_is_both_accepted_and_refused_counts_as_refused(topic: module.Sns, sns: FakeSns) -> None:
    """Better twice than never."""
    sns.fate = {"1": ("InternalError", False)}
    request = topic.render(notices(2), RECIPIENT)[0]
    refusal_of(topic, request)
    both = sns.answer(sns.requests[0]).body.replace(b"</Successful>", b"<member><Id>1</Id></member></Successful>")
    sns.script("publish", Response(200, both, {"Content-Type": "text/xml"}))
    assert refusal_of(topic, request).accepted == {"acme-0"}


@pytest.mark.parametrize("code", sorted(module.REFUSED_WHOLE))
def test_a_batch_that_is_refused_as_a_whole_is_published_entry_by_entry(
    topic: module.Sns, sns: FakeSns, code: str
) -> None:
    """One that is malformed stops no other; the codes are those that botocore knows of PublishBatch."""
    sns.script("publish", sns_error(code, 400), Fault(), sns_error(code, 400), Fault())
    raised = refusal_of(topic, topic.render(notices(3), RECIPIENT)[0])
    assert (set(raised.accepted), set(raised.refused), raised.gone) == ({"acme-0", "acme-2"}, {"acme-1"}, False)
    assert len(sns.requests) == 4


def test_entry_by_entry_ends_with_the_time(topic: module.Sns, sns: FakeSns) -> None:
    """What was not reached is neither accepted nor refused."""
    sns.script("publish", sns_error("InvalidParameter", 400))
    (request,) = topic.render(notices(5), RECIPIENT)
    with pytest.raises(DeliveryError) as raised:
        topic.send(request, Deadline(RunningOut(3)))
    assert raised.value.accepted == {"acme-0", "acme-1"}
    assert raised.value.refused == set()


def test_every_code_that_publish_batch_documents_is_known(server_and_client: tuple[FakeSns, Any]) -> None:
    """About the content, the topic, or transient; a new one in botocore's model fails here."""
    model = server_and_client[1].meta.service_model.operation_model("PublishBatch")
    codes = {shape.metadata["error"]["code"] for shape in model.error_shapes}
    about_topic = {code for code in codes if module._is_gone(code)}
    transient = {code for code in codes if module._is_transient(code)}
    left = codes - module.REFUSED_WHOLE - about_topic - transient
    assert left == {"EndpointDisabled", "PlatformApplicationDisabled", "InvalidSecurity"}, "not of topics, or transient"
