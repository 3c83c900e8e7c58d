"""What Lambda calls: event → action. Only this module builds clients."""
# ruff: noqa: E402 - garbage collection during the imports costs a tenth of a cold start

import gc

gc.disable()

import logging
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from handler import actions, aws, check, config, roll_call, transport
from handler.channels.channel import Senders
from handler.errors import ConfigError
from handler.organisation import Services
from handler.store import Store

# Only our own logger: INFO on the root logger would include botocore.
logging.getLogger("handler").setLevel(logging.INFO)

# Built while Lambda initialises the environment, which has a whole CPU; a check has a seventh.
_RETRIES: Any = {"total_max_attempts": 2, "mode": "standard"}
_DYNAMODB = boto3.client("dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries=_RETRIES))
_SSM = boto3.client("ssm", config=Config(connect_timeout=2, read_timeout=4, retries=_RETRIES))
# SNS is never retried by the client: a lost answer must cause one repeat, not three.
_SNS = boto3.client("sns", config=Config(connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 1}))
_TLS = transport.tls_context(config.ca_bundle())
for _client in (_DYNAMODB, _SSM, _SNS):
    aws.share_tls(_client, _TLS)
    aws.reject_truncated_responses(_client)

gc.freeze()
gc.enable()


@cache
def services() -> Services:
    """Return what checks work with, built at the first event.

    Raises:
        ConfigError: Names every setting that is missing or wrong.
    """
    settings = config.read_settings()
    topics = {"messages": settings.topic_arn}
    if settings.alarm_topic_arn:
        topics["alarms"] = settings.alarm_topic_arn
    return Services(
        settings=settings,
        store=Store(_DYNAMODB, settings.table_name),
        senders=Senders(_SNS, settings.topic_arn, transport.make_session(_TLS)),
        read_secret=lambda org: aws.read_parameter(_SSM, f"{settings.org_parameter_prefix}/{org}"),
        subscribers=lambda: aws.count_subscribers(_SNS, topics),
        reading=transport.make_session(_TLS, transport.RETRY),
        clock=lambda: datetime.now(UTC).replace(microsecond=0),
        sleep=time.sleep,
    )


def _roll_call(org: str, services: Services, request_id: str, deadline: transport.Deadline) -> dict[str, Any]:
    """Call the roll of all organisations, with a client that no check needs."""
    scheduler = boto3.client("scheduler", config=Config(connect_timeout=2, read_timeout=4, retries=_RETRIES))
    aws.reject_truncated_responses(scheduler)
    with closing(scheduler):
        return roll_call.run(_SSM, scheduler, _SNS, services.settings)


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "check": check.run,
    "dry-run": check.dry_run,
    "status": actions.status,
    "test-message": actions.send_test,
    "heartbeat": actions.request_heartbeat,
    "roll-call": _roll_call,
}


def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Do what the event asks for.

    Args:
        event: ``{}``, ``{"org": "acme"}``, ``{"action": "status"}``; other keys are ignored.
        context: Lambda's context object: ``aws_request_id``, ``get_remaining_time_in_millis()``.

    Returns:
        The action's answer; for a check ``org``, ``rows``, ``pages``, ``notices``, ``delivered``, ``pending``,
        ``oldest_pending_hours``, ``incidents``, ``last_completed``, ``problem`` (what went wrong although everybody was
        told of it, or null), or ``org``, ``skipped``, ``oldest_pending_hours``.

    Raises:
        NotifierError: Something is missing, pending or broken; the text says what, and what to do.
    """
    if not isinstance(event, dict):
        raise ConfigError('The event must be a JSON object, such as {} or {"org": "default"}.')
    org, action = event.get("org", "default"), event.get("action", "check")
    if not isinstance(org, str) or not config.ORG.fullmatch(org):
        raise ConfigError('"org" must be 1 to 64 letters, digits, "-" or "_", as in {"org": "acme"}.')
    if not isinstance(action, str) or action not in ACTIONS:
        raise ConfigError(f'"action" must be one of: {", ".join(ACTIONS)}.')
    ready = services()
    deadline = transport.Deadline(lambda: context.get_remaining_time_in_millis() / 1000)
    try:
        return ACTIONS[action](org, ready, context.aws_request_id, deadline)
    finally:
        # A connection is often dead after Lambda froze the environment, and a send is never retried.
        ready.senders.session.close()
        ready.reading.close()
        _SNS.close()
