"""The stack answers as AWS does, as boto3 reads it."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests.faults.calls import AwsCall
from tests.faults.stack import PREFIX, TABLE, TOPIC, Stack


def test_the_stack_answers_as_aws_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading, writing with either condition, a parameter, and batches of any size."""
    stack = Stack()
    stack.parameters[f"{PREFIX}/acme"] = "ü"

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        call = AwsCall.of(request, stack)
        call.arrived = lambda answer: None
        answered: AWSResponse = call.act()
        return answered

    monkeypatch.setattr(URLLib3Session, "send", send)
    clients: list[Any] = [boto3.client(name, "eu-central-1") for name in ("dynamodb", "ssm", "sns")]
    dynamodb, ssm, sns = clients

    def put(version: int, condition: str, **values: Any) -> str:
        item = {"org": {"S": "acme"}, "version": {"N": str(version)}}
        return code(dynamodb.put_item, TableName=TABLE, Item=item, ConditionExpression=condition, **values)

    def over(version: int) -> dict[str, Any]:
        return {"ExpressionAttributeValues": {":version": {"N": str(version)}}}

    failed, same, new = "ConditionalCheckFailedException", "version = :version", "attribute_not_exists(org)"
    assert [put(3, same, **over(2)), put(1, new), put(1, new)] == [failed, "", failed]
    assert [put(2, same, **over(1)), put(2, same, **over(1))] == ["", failed]
    item = dynamodb.get_item(TableName=TABLE, Key={"org": {"S": "acme"}}, ConsistentRead=True)["Item"]
    assert item["version"] == {"N": "2"}
    assert ssm.get_parameter(Name=f"{PREFIX}/acme", WithDecryption=True)["Parameter"]["Value"] == "ü"
    assert code(ssm.get_parameter, Name=f"{PREFIX}/nobody", WithDecryption=True) == "ParameterNotFound"
    batches = [[{"Id": str(number), "Message": "ü" * size} for number in range(many)] for many, size in SIZES]
    codes = [code(sns.publish_batch, TopicArn=TOPIC, PublishBatchRequestEntries=batch) for batch in batches]
    assert codes == ["", "TooManyEntriesInBatchRequest", "BatchRequestTooLong"]
    assert len(sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]) == 1


SIZES = ((10, 1), (11, 1), (2, 66_000))


def code(call: Any, **request: Any) -> str:
    """Return the code of an error, "" where there is none."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
