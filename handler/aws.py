"""AWS beside the table: reading parameters, counting subscribers, and what botocore has no setting for."""

import logging
import ssl
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from handler import errors
from handler.errors import UnreadableError

log = logging.getLogger("handler")

# At DEBUG botocore logs what it sends and receives, such as the organisation's secret parameter.
logging.getLogger("botocore").setLevel(logging.INFO)


def share_tls(client: Any, context: ssl.SSLContext) -> None:
    """Make an AWS client use this context, also through a proxy; botocore would load the CA bundle for each connection.

    These names are private to botocore. If a later release renames them, it loads the bundle again or the function
    fails to start; ``tests/test_budget.py`` notices that, and that an unknown certificate is refused.
    """
    session = client._endpoint.http_session
    session._manager.connection_pool_kw["ssl_context"] = context
    session._get_ssl_context = lambda: context  # for the pool of a proxy, which is made later
    session._setup_ssl_cert = lambda *_: None  # it would load the bundle; the context has it already


def error_name(error: ClientError | BotoCoreError) -> str:
    """Return the code that AWS answered, or the name of botocore's exception if there was no answer."""
    if isinstance(error, BotoCoreError):
        return type(error).__name__
    return str(error.response.get("Error", {}).get("Code", "?"))  # a proxy's XML has neither


def count_subscribers(sns: Any, topics: Mapping[str, str]) -> dict[str, int]:
    """Return how many subscriptions of each topic are confirmed; a topic for which SNS gives no answer is left out.

    Source: https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html

    Args:
        sns: A boto3 SNS client.
        topics: Name → ARN.
    """
    counts = {}
    for name, arn in topics.items():
        try:
            counts[name] = int(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsConfirmed"])
        except (BotoCoreError, ClientError, ResponseParserError, LookupError, ValueError) as error:
            log.info("subscribers not counted", extra={"topic": name, "error": type(error).__name__})
    return counts


def read_parameter(ssm: Any, name: str) -> str:
    """Return the text of an organisation's SSM parameter.

    Args:
        ssm: A boto3 SSM client.
        name: The parameter's name.

    Raises:
        UnreadableError: There is no such parameter, it may not be read, or SSM did not answer.
    """
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except (BotoCoreError, ClientError) as error:
        code = error_name(error)
    if code == "ParameterNotFound":
        raise UnreadableError(errors.SECRET_MISSING, f"There is no parameter {name}.")
    denied = code.startswith(("AccessDenied", "KMS", "InvalidKeyId"))
    cause = errors.SECRET_DENIED if denied else errors.SECRET_UNAVAILABLE
    raise UnreadableError(cause, f"AWS Systems Manager did not give the parameter {name}: {code}.")


def reject_truncated_responses(client: Any) -> None:
    """Make an AWS client reject a success that was cut short or is not AWS's own, such as a proxy's page.

    botocore would read either as an empty answer: no such item, or a successful write. The client raises a
    ``BotoCoreError`` instead.
    """
    client.meta.events.register("before-parse", _raise_unless_whole)


def _raise_unless_whole(response_dict: dict[str, Any], **_: Any) -> None:
    headers, length = response_dict["headers"], str(len(response_dict["body"]))
    # Lengths are compared as text, so that one that is no number is rejected, too.
    whole = headers.get("content-length", length) == length
    if response_dict["status_code"] < 300 and not (whole and "x-amzn-requestid" in headers):
        raise HTTPClientError(error="a truncated response, or not AWS's")
