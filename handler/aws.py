"""What botocore has no setting for: a TLS context that all clients share, and answers that must be whole.

And how many are subscribed to a topic.
"""

import logging
import ssl
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

log = logging.getLogger("handler")

# botocore logs at DEBUG whatever it sends and gets, and the organisation's parameter is all secret.
logging.getLogger("botocore").setLevel(logging.INFO)


def share_tls(client: Any, context: ssl.SSLContext) -> None:
    """Let an AWS client use this context, through a proxy, too; botocore would load the CA bundle at each connection.

    Should a later release of botocore name these things otherwise, it loads the bundle again, or the function fails to
    start; ``tests/test_budget.py`` notices, and that a stranger's certificate is refused.
    """
    session = client._endpoint.http_session
    session._manager.connection_pool_kw["ssl_context"] = context
    session._get_ssl_context = lambda: context  # for the pool of a proxy, which it makes later
    session._setup_ssl_cert = lambda *_: None  # it would name the bundle; the context verifies, and has it


def error_name(error: ClientError | BotoCoreError) -> str:
    """Return the code that AWS answered, or what botocore calls it when there was no answer."""
    if isinstance(error, BotoCoreError):
        return type(error).__name__
    return str(error.response.get("Error", {}).get("Code", "?"))  # a proxy's XML has neither


def count_subscribers(sns: Any, topics: Mapping[str, str]) -> dict[str, int]:
    """Return how many subscriptions of each topic are confirmed; a topic of which SNS does not say it is left out.

    Of the first hundred, and one more if there are more: what matters is whether there are any.
    Source: https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html

    Args:
        sns: A boto3 SNS client.
        topics: Name → ARN.
    """
    counts = {}
    for name, arn in topics.items():
        try:
            answer = sns.list_subscriptions_by_topic(TopicArn=arn)
            confirmed = sum(one["SubscriptionArn"].startswith("arn:") for one in answer["Subscriptions"])
        except (BotoCoreError, ClientError, ResponseParserError, LookupError) as error:
            log.info("subscribers not counted", extra={"topic": name, "error": type(error).__name__})
        else:
            counts[name] = confirmed + ("NextToken" in answer)
    return counts


def reject_truncated_responses(client: Any) -> None:
    """Let an AWS client take no success that was cut short or is not AWS's own, such as a proxy's page.

    botocore reads either as an empty answer: no such item, a write done. What is raised here is a ``BotoCoreError``.
    """
    client.meta.events.register("before-parse", _raise_unless_whole)


def _raise_unless_whole(response_dict: dict[str, Any], **_: Any) -> None:
    headers, length = response_dict["headers"], str(len(response_dict["body"]))
    whole = headers.get("content-length", length) == length  # as texts: what is no number is not whole either
    if response_dict["status_code"] < 300 and not (whole and "x-amzn-requestid" in headers):
        raise HTTPClientError(error="a truncated response, or not AWS's")
