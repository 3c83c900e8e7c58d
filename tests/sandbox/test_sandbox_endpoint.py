"""AWS on one address: moto behind it, and a function that really runs."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Cloud
from sandbox.endpoint import AwsEndpoint
from sandbox.runtime import Result
from tests.wire import Authority


def run(event: Any) -> Result:
    """Return the event or, of one that is to fail, an error."""
    failed = {"errorType": "E", "errorMessage": "failed"}
    ok = event != {"fail": True}
    return Result(ok=ok, payload={"event": event} if ok else failed, logs=[], output="", cold=False)


@pytest.fixture
def endpoint(cloud: Cloud) -> Iterator[AwsEndpoint]:
    """Give an endpoint in front of an empty account."""
    with closing(AwsEndpoint(cloud.url, run)) as server:
        yield server


def client(endpoint: AwsEndpoint, service: str, verify: str | None = None) -> Any:
    """Return a client of another process, as it were."""
    session = boto3.Session("sandbox", "sandbox", region_name="eu-west-1")
    return session.client(service, endpoint_url=endpoint.url, verify=verify)  # type: ignore[call-overload]


def test_it_passes_on_what_moto_knows_and_names_it(endpoint: AwsEndpoint, cloud: Cloud) -> None:
    """Each protocol has its own place for the operation; a query in the address arrives, too."""
    client(endpoint, "ssm").put_parameter(Name="/a", Value="x", Type="String")
    topic = client(endpoint, "sns").create_topic(Name="topic")["TopicArn"]
    scheduler = client(endpoint, "scheduler")
    scheduler.create_schedule_group(Name="group")
    target = {"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:x", "RoleArn": "arn:aws:iam::123456789012:role/x"}
    window = {"Mode": "OFF"}
    cloud.client("scheduler").create_schedule(
        Name="of-no-group", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=window, Target=target
    )
    assert scheduler.list_schedules(GroupName="group")["Schedules"] == []
    kinds = [request.kind for request in endpoint.requests]
    assert kinds == ["PutParameter", "CreateTopic", "group", "ListSchedules"]
    assert endpoint.requests[-1].query == {"ScheduleGroup": "group"}
    assert cloud.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "x"
    assert topic.endswith(":topic")


def test_errors_of_aws_come_through(endpoint: AwsEndpoint) -> None:
    """With their code."""
    with pytest.raises(ClientError, match="ParameterNotFound"):
        client(endpoint, "ssm").get_parameter(Name="/nobody")


@pytest.mark.parametrize(("event", "failed"), [({"org": "acme"}, None), ({"fail": True}, "Unhandled")])
def test_the_function_runs(endpoint: AwsEndpoint, event: dict[str, Any], failed: str | None) -> None:
    """Whatever it is called; an error of it is an answer, as AWS has it."""
    answer = client(endpoint, "lambda").invoke(FunctionName="notifier", Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    assert answer.get("FunctionError") == failed
    assert payload == ({"errorType": "E", "errorMessage": "failed"} if failed else {"event": event})
    assert endpoint.requests[-1].kind == "Invoke"


def test_it_serves_https_with_a_certificate(cloud: Cloud, authority: Authority) -> None:
    """For a measurement that is to pay for TLS as production does."""
    with closing(AwsEndpoint(cloud.url, run, authority.certify("127.0.0.1"))) as server:
        assert server.url.startswith("https://")
        assert client(server, "sns", verify=str(authority.bundle)).list_topics()["Topics"] == []
