"""SNS and Slack at the wire: what counts as accepted, what is kept, what is given up."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
import pytest
import requests
from botocore.config import Config

from handler import transport
from handler.channels import Batch, SlackChannel, SnsChannel
from handler.errors import DeliveryError
from handler.memory import Notice
from handler.message import Reader
from sandbox.channels.slack import ERRORS, FakeSlack, rate_limited
from sandbox.server import Fault, Request, Response, Server
from tests.wire import CHUNK, RudeServer, RunningOut, endless
from tests.world import START, TLS

TOPIC = "arn:aws:sns:eu-west-1:123456789012:topic"
READER = Reader("acme", "Acme Ltd", UTC, "https://crm.zoho.eu")


def notices(count: int) -> list[Notice]:
    """Return so many notices, oldest first."""
    facts: dict[str, Any] = {"when": START.isoformat(), "ends": [], "last_completed": None, "strip": "f"}
    return [
        Notice(
            f"acme-{n}",
            "stopped",
            START + timedelta(hours=n),
            ("sns", "slack"),
            {"id": str(n), "action": "stopped"},
            facts,
        )
        for n in range(count)
    ]


def ample() -> float:
    """Leave all the time there is."""
    return 12.0


# --- SNS --------------------------------------------------------------------------------------------------------------


class Sns(Server):
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
def sns_server() -> Iterator[tuple[Sns, Any]]:
    """Give an SNS and a client that never retries."""
    with closing(Sns()) as server:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=0.5)
        yield server, boto3.Session().client("sns", endpoint_url=server.url, config=config)


@pytest.fixture
def sns(sns_server: tuple[Sns, Any]) -> Sns:
    """Give that SNS as if it were new."""
    server = sns_server[0]
    server.requests.clear()
    server.standing.clear()
    server.fate = {}
    return server


@pytest.fixture
def topic(sns_server: tuple[Sns, Any]) -> SnsChannel:
    """Give the channel that publishes there."""
    return SnsChannel(sns_server[1], TOPIC)


def refused_by(channel: SnsChannel | SlackChannel, batch: Batch) -> DeliveryError:
    """Send a batch that must be refused, and return how it was."""
    with pytest.raises(DeliveryError) as raised:
        channel.send(batch, ample)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value


@pytest.mark.parametrize(("owed", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [11]), (100, [100]), (101, [100, 1])])
def test_up_to_ten_notices_go_in_one_request_and_more_as_lists(topic: SnsChannel, owed: int, sizes: list[int]) -> None:
    """Each list of up to a hundred is one message, and each request says which notices it carries, oldest first."""
    batches = topic.batches(notices(owed), READER)
    assert [len(batch.notice_ids) for batch in batches] == sizes
    assert [i for batch in batches for i in batch.notice_ids] == [notice.notice_id for notice in notices(owed)]
    assert [len(batch.content) for batch in batches] == [size if owed <= 10 else 1 for size in sizes]


def test_a_batch_that_sns_accepts_is_done(topic: SnsChannel, sns: Sns) -> None:
    """One request with ten entries, each with subject, text and attributes."""
    (batch,) = topic.batches(notices(10), READER)
    topic.send(batch, ample)
    assert len(sns.requests) == 1
    form = sns.requests[0].form
    assert (form["Action"], form["TopicArn"]) == ("PublishBatch", TOPIC)
    assert "PublishBatchRequestEntries.member.10.Message" in form
    first = "PublishBatchRequestEntries.member.1"
    assert form[f"{first}.Subject"] == "[Acme Ltd] Backup schedule stopped"
    assert form[f"{first}.Message"].startswith("Acme Ltd: Backup schedule stopped\n")
    count = sum(name.startswith(f"{first}.MessageAttributes.entry") and name.endswith("Name") for name in form)
    attributes = {
        form[f"{first}.MessageAttributes.entry.{n}.Name"]: form[
            f"{first}.MessageAttributes.entry.{n}.Value.StringValue"
        ]
        for n in range(1, count + 1)
    }
    assert attributes["kind"] == "stopped"
    assert attributes["row_id"] == "0"
    assert not any("MessageStructure" in name for name in form)


def test_a_list_carries_its_kinds_and_rows_as_arrays(topic: SnsChannel, sns: Sns) -> None:
    """In the order of the list, for filter policies and programs."""
    (batch,) = topic.batches(notices(11), READER)
    topic.send(batch, ample)
    values = [value for name, value in sns.requests[0].form.items() if name.endswith("Value.StringValue")]
    types = [value for name, value in sns.requests[0].form.items() if name.endswith("Value.DataType")]
    assert types.count("String.Array") == 2
    assert json.dumps([str(n) for n in range(11)]) in values


PASSING = ["Throttled", "ThrottledException", "KMSThrottlingException", "InternalError", "ServiceUnavailable", "Else"]
GONE = [
    "NotFound",
    "NotFoundException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "AccessDenied",
    "KMSDisabled",
]


@pytest.mark.parametrize(("code", "status"), [*((code, 500) for code in PASSING), ("InvalidParameter", 400)])
def test_a_request_that_sns_cannot_take_now_is_kept(topic: SnsChannel, sns: Sns, code: str, status: int) -> None:
    """And not repeated here: the next invocation does."""
    sns.standing["publish"] = Fault(sns_error(code, status))
    error = refused_by(topic, topic.batches(notices(2), READER)[0])
    assert (error.permanent, error.gone, set(error.accepted), set(error.refused)) == (False, False, set(), set())
    assert str(error) == f"SNS answered {code}"
    assert len(sns.requests) == 1


@pytest.mark.parametrize("code", GONE)
def test_a_topic_that_is_gone_is_told_apart(topic: SnsChannel, sns: Sns, code: str) -> None:
    """Missing, not ours to publish to, or its key cannot be used: a person must mend it, and nothing is given up."""
    sns.standing["publish"] = Fault(sns_error(code, 404))
    error = refused_by(topic, topic.batches(notices(2), READER)[0])
    assert (error.permanent, error.gone, set(error.accepted), set(error.refused)) == (True, True, set(), set())
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    "turn",
    [
        Fault(drops=True),
        Fault(acts=True, drops=True),
        Fault(Response(500)),
        Fault(Response(200, b"<html>")),
        Fault(Response(503)),
    ],
    ids=["dropped", "answer lost", "500", "not XML", "503"],
)
def test_an_answer_that_says_nothing_is_no_acceptance(topic: SnsChannel, sns: Sns, turn: Fault) -> None:
    """It is asked once: an SDK that repeats would make three messages of one."""
    sns.standing["publish"] = turn
    error = refused_by(topic, topic.batches(notices(1), READER)[0])
    assert (error.permanent, error.gone) == (False, False)
    assert len(sns.requests) == 1


def test_a_publish_without_an_answer_ends(topic: SnsChannel, sns: Sns) -> None:
    """The client's read timeout ends it."""
    sns.standing["publish"] = Fault(drops=True, until=threading.Event())
    assert "ReadTimeout" in str(refused_by(topic, topic.batches(notices(1), READER)[0]))
    assert len(sns.requests) == 1


@pytest.mark.parametrize(
    ("fate", "accepted", "refused", "permanent", "gone"),
    [
        ({"1": ("InvalidParameter", True)}, "02", "1", True, False),
        ({"1": ("InternalError", False)}, "02", "", False, False),
        ({"1": ("Throttled", True)}, "02", "", False, False),
        ({"1": ("KMSThrottling", True)}, "02", "", False, False),
        ({"0": ("InvalidParameter", True), "2": ("InternalError", False)}, "1", "0", True, False),
        ({"1": ("NotFound", True)}, "02", "", True, True),
        ({"0": ("AuthorizationError", True), "1": ("InvalidParameter", True)}, "2", "", True, True),
        ({"1": None}, "02", "", False, False),
        ({"0": None, "1": None, "2": None}, "", "", False, False),
        (dict.fromkeys("012", ("InvalidParameter", True)), "", "012", True, False),
    ],
    ids=str,
)
def test_each_entry_is_accepted_or_refused_by_itself(
    topic: SnsChannel,
    sns: Sns,
    fate: dict[str, tuple[str, bool] | None],
    accepted: str,
    refused: str,
    permanent: bool,
    gone: bool,
) -> None:
    """What SNS took is known, what it will never take as well, and the rest is kept."""
    sns.fate = fate
    error = refused_by(topic, topic.batches(notices(3), READER)[0])
    assert error.accepted == {f"acme-{n}" for n in accepted}
    assert error.refused == {f"acme-{n}" for n in refused}
    assert (error.permanent, error.gone) == (permanent, gone)


def test_an_entry_that_is_both_accepted_and_refused_counts_as_refused(topic: SnsChannel, sns: Sns) -> None:
    """Better twice than never."""
    sns.fate = {"1": ("InternalError", False)}
    request = topic.batches(notices(2), READER)[0]
    refused_by(topic, request)
    both = sns.answer(sns.requests[0]).body.replace(b"</Successful>", b"<member><Id>1</Id></member></Successful>")
    sns.script("publish", Response(200, both, {"Content-Type": "text/xml"}))
    assert refused_by(topic, request).accepted == {"acme-0"}


def test_a_list_that_sns_refuses_is_refused_as_a_whole(topic: SnsChannel, sns: Sns) -> None:
    """One message carries them all."""
    sns.fate = {"0": ("InvalidParameter", True)}
    error = refused_by(topic, topic.batches(notices(12), READER)[0])
    assert error.refused == {f"acme-{n}" for n in range(12)}


# --- Slack ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Give a session that never retries, as sending has."""
    with transport.make_session(TLS) as made:
        yield made


@pytest.fixture
def webhook(slack: FakeSlack, session: requests.Session) -> SlackChannel:
    """Give the channel that posts to the inbox."""
    return SlackChannel(session, slack.webhook_url("canaryWEBHOOK"))


def one(channel: SlackChannel, count: int = 1) -> Batch:
    """Return the one post for so many notices."""
    (batch,) = channel.batches(notices(count), READER)
    return batch


@pytest.mark.parametrize("owed", [1, 3, 10, 11, 100])
def test_all_that_is_owed_is_one_message(webhook: SlackChannel, slack: FakeSlack, owed: int) -> None:
    """One request, taken by an inbox that knows Slack's limits."""
    for batch in webhook.batches(notices(owed), READER):
        webhook.send(batch, ample)
    assert len(slack.messages) == len(slack.requests) == 1
    assert len(one(webhook, owed).notice_ids) == owed


def test_what_does_not_fit_into_one_message_is_split(webhook: SlackChannel, slack: FakeSlack) -> None:
    """Each part says which notices it carries, and every notice is in exactly one."""
    batches = webhook.batches(notices(250), READER)
    assert [len(batch.notice_ids) for batch in batches] == [100, 100, 50]
    assert [i for batch in batches for i in batch.notice_ids] == [notice.notice_id for notice in notices(250)]
    for batch in batches:
        webhook.send(batch, ample)
    assert len(slack.messages) == 3


@pytest.mark.parametrize("answer", [Response.text("ok"), Response.text("ok\n")], ids=["ok", "ok and a line break"])
def test_only_ok_is_an_acceptance(webhook: SlackChannel, slack: FakeSlack, answer: Response) -> None:
    """That is what Slack says."""
    slack.script("webhook", answer)
    webhook.send(one(webhook), ample)


PASSING_AT_SLACK: dict[str, Fault] = {
    "500": Fault(ERRORS["rollup_error"]),
    "502": Fault(Response(502)),
    "429": Fault(rate_limited(30)),
    "429 for long": Fault(rate_limited(86_400)),
    "408": Fault(Response(408)),
    "302": Fault(Response(302, headers={"Location": "http://127.0.0.1:1/"})),
    "200 and a web page": Fault(Response.text("<html>ok</html>")),
    "200 and nothing": Fault(Response(200)),
    "204": Fault(Response(204)),
    "dropped": Fault(drops=True),
    "answer lost": Fault(drops=True, acts=True),
    "broken gzip": Fault(Response(200, b"ok", {"Content-Encoding": "gzip"})),
}


@pytest.mark.parametrize("case", PASSING_AT_SLACK)
def test_what_slack_cannot_take_now_is_kept(webhook: SlackChannel, slack: FakeSlack, case: str) -> None:
    """It is asked once, and never waited for."""
    slack.standing["webhook"] = PASSING_AT_SLACK[case]
    error = refused_by(webhook, one(webhook))
    assert (error.permanent, error.gone, set(error.refused)) == (False, False, set())
    assert len(slack.requests) == 1


@pytest.mark.parametrize("code", [code for code, answer in ERRORS.items() if answer.status in {403, 404, 410}])
def test_a_webhook_that_is_gone_is_told_apart(webhook: SlackChannel, slack: FakeSlack, code: str) -> None:
    """Revoked, archived, forbidden: a person must mend it, and what is owed waits."""
    slack.standing["webhook"] = Fault(ERRORS[code])
    error = refused_by(webhook, one(webhook))
    assert (error.permanent, error.gone, set(error.refused)) == (True, True, set())
    assert str(error) == f"Slack answered HTTP {ERRORS[code].status} {code}"
    assert len(slack.requests) == 1


@pytest.mark.parametrize("refusal", [ERRORS["invalid_blocks"], Response.text("too_large", 413)], ids=["400", "413"])
def test_a_message_that_slack_refuses_is_sent_once_more_as_plain_text(
    webhook: SlackChannel, slack: FakeSlack, refusal: Response
) -> None:
    """Better an ugly message than none."""
    slack.script("webhook", refusal)
    webhook.send(one(webhook), ample)
    first, second = (request.json() for request in slack.requests)
    assert "blocks" in first
    assert "blocks" not in second
    assert (second["mrkdwn"], second["parse"]) == (False, "none")
    assert "Backup schedule stopped" in slack.messages[0]["text"]


def test_a_message_that_slack_refuses_twice_is_given_up(webhook: SlackChannel, slack: FakeSlack) -> None:
    """Its notices are named, for they are never told on this channel."""
    slack.standing["webhook"] = Fault(ERRORS["invalid_payload"])
    error = refused_by(webhook, one(webhook, 3))
    assert (error.permanent, error.gone, set(error.refused)) == (True, False, {"acme-0", "acme-1", "acme-2"})
    assert len(slack.requests) == 2


@pytest.mark.parametrize(
    ("second", "gone"),
    [(ERRORS["rollup_error"], False), (rate_limited(9), False), (ERRORS["no_service"], True)],
    ids=str,
)
def test_plain_text_may_fail_in_ways_of_its_own(
    webhook: SlackChannel, slack: FakeSlack, second: Response, gone: bool
) -> None:
    """Then that is what counts."""
    slack.script("webhook", ERRORS["invalid_blocks"], second)
    error = refused_by(webhook, one(webhook))
    assert (error.gone, set(error.refused)) == (gone, set())


@pytest.mark.parametrize(
    ("said", "shown"),
    [("no_service", " no_service"), ("<html>canary", ""), ("canary:T0/B0", ""), ("x" * 5_000, ""), ("\xff\xfe", "")],
    ids=lambda v: ascii(v)[:14],
)
def test_of_what_slack_says_only_a_code_is_repeated(
    webhook: SlackChannel, slack: FakeSlack, said: str, shown: str
) -> None:
    """It goes into messages and the log."""
    slack.standing["webhook"] = Fault(Response.text(said, 404))
    assert str(refused_by(webhook, one(webhook))) == f"Slack answered HTTP 404{shown}"


def test_a_slow_trickle_ends_with_the_time(session: requests.Session) -> None:
    """An answer that never ends is none."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, CHUNK))) as server:
        channel = SlackChannel(session, server.url + "/services/T0/B0/x")
        with pytest.raises(DeliveryError, match="too slowly"):
            channel.send(one(channel), RunningOut(10))


TELLING: dict[str, Callable[[FakeSlack], None]] = {
    "dropped": lambda slack: slack.standing.update(webhook=Fault(drops=True)),
    "gone": lambda slack: slack.standing.update(webhook=Fault(ERRORS["no_service"])),
    "refused": lambda slack: slack.standing.update(webhook=Fault(ERRORS["invalid_blocks"])),
    "closed": lambda slack: slack.close(),
}


@pytest.mark.parametrize("case", TELLING)
def test_the_webhook_is_never_told(session: requests.Session, caplog: pytest.LogCaptureFixture, case: str) -> None:
    """Not in an exception, not in the log: whoever has the URL can post."""
    slack = FakeSlack()
    channel = SlackChannel(session, slack.webhook_url("canaryWEBHOOK"))
    TELLING[case](slack)
    try:
        with caplog.at_level(logging.DEBUG):
            error = refused_by(channel, one(channel))
    finally:
        if case != "closed":
            slack.close()
    assert "canary" not in repr(error) + repr(vars(error)) + caplog.text + repr(channel)


def test_a_batch_never_shows_an_address(webhook: SlackChannel) -> None:
    """A batch may end up in a repr."""
    shown: Any = repr(one(webhook))
    assert "canary" not in shown
