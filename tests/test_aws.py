"""AWS clients at the wire: what they trust, with and without a proxy, and what they take for an answer of AWS's."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, SSLError

from handler import aws
from handler.transport import tls_context
from sandbox.server import Response, Server
from tests.wire import Authority, Echo, Tunnel

FOUND = b'{"Parameter": {"Value": "found"}}'
IDENTIFIED = {"x-amzn-RequestId": "1"}
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture
def ssm(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    """Give Systems Manager behind TLS, and no proxy."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with closing(Echo(authority.certify("127.0.0.1"))) as server:
        server.says = Response(200, FOUND, IDENTIFIED)
        yield server


def client(server: Server, authority: Authority) -> Any:
    """Return a client as the function has them, but for the waiting before it tries again."""
    made: Any = boto3.client("ssm", endpoint_url=server.url, config=Config(retries={"total_max_attempts": 1}))
    aws.share_tls(made, tls_context(authority.bundle))
    aws.reject_truncated_responses(made)
    return made


def value(ssm: Any) -> object:
    """Return what the client reads."""
    return ssm.get_parameter(Name="x")["Parameter"]["Value"]


@pytest.mark.parametrize("through", ["no proxy", "a proxy"])
def test_a_client_trusts_the_shared_certificates_alone(
    ssm: Echo, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    """Through a proxy of the environment, too; it is used again after it was closed at an invocation's end."""
    with closing(Tunnel()) as proxy:
        if through == "a proxy":
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        reading, stranger = client(ssm, authority), client(ssm, Authority(tmp_path))
        for _ in range(2):
            assert value(reading) == "found"
            reading.close()
        with pytest.raises(SSLError):
            value(stranger)
        stranger.close()
        assert proxy.targets == [ssm.url.removeprefix("https://")] * (3 if through == "a proxy" else 0)
    assert len(ssm.requests) == 2


def test_an_error_may_have_any_length(ssm: Echo, authority: Authority) -> None:
    """It is no success that could be believed: what AWS says in it counts."""
    error = b'{"__type": "ParameterNotFound"}'
    ssm.script("any", Response(400, error, {"Content-Length": "abc"}))
    with pytest.raises(ClientError, match="ParameterNotFound"):
        value(client(ssm, authority))


NO_ANSWERS = {
    "no request id": Response(200, FOUND),
    "a proxy's page": Response(200, b"<html>", {"Content-Type": "text/html"}),
    "cut short": Response(200, FOUND, {**IDENTIFIED, "Content-Length": str(len(FOUND) + 1)}),
    "nothing of it": Response(200, b"", {**IDENTIFIED, "Content-Length": str(len(FOUND))}),
    "a length that is no number": Response(200, FOUND, {**IDENTIFIED, "Content-Length": "abc"}),
}


@pytest.mark.parametrize("case", NO_ANSWERS)
def test_half_an_answer_is_none(ssm: Echo, authority: Authority, case: str) -> None:
    """To botocore it would be an empty one: no such item, a write done."""
    ssm.script("any", NO_ANSWERS[case])
    with pytest.raises(BotoCoreError, match="truncated response"):
        value(client(ssm, authority))


# --- Who is subscribed ------------------------------------------------------------------------------------------------


def topic_attributes(*, TopicArn: str) -> dict[str, Any]:  # noqa: N803
    """Answer as SNS does, with counts as text; what is no number here is denied, lost, or without a count."""
    if TopicArn == "denied":
        raise ClientError({"Error": {"Code": "AuthorizationError"}}, "GetTopicAttributes")
    if TopicArn == "lost":
        raise EndpointConnectionError(endpoint_url="https://canary")
    counts = {"SubscriptionsConfirmed": TopicArn, "SubscriptionsPending": "7", "SubscriptionsDeleted": "1"}
    return {"Attributes": {} if TopicArn == "silent" else counts}


def test_only_confirmed_subscriptions_count_and_a_topic_that_sns_keeps_to_itself_is_left_out() -> None:
    """An answer that is denied or lost is no evidence that nobody is there."""
    sns = SimpleNamespace(get_topic_attributes=topic_attributes)
    topics = {name: name for name in ("2", "0", "denied", "lost", "silent", "odd")}
    assert aws.count_subscribers(sns, topics) == {"2": 2, "0": 0}
