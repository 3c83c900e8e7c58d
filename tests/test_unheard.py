"""A check fails while nobody was told of a trouble, or where a retry may help; else it ends well."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handler.errors import CheckFailed, StoreError
from sandbox.server import Fault, Response
from sandbox.watch import START
from tests.world import World
from tests.world import world as open_world

UNREACHABLE = EndpointConnectionError(endpoint_url="https://sns.eu-west-1.amazonaws.com")
NOT_FOUND = ClientError({"Error": {"Code": "NotFound", "Message": ""}}, "Publish")


class Death(BaseException):
    """Lambda stops the function."""


def at_call(name: str, nth: int, error: BaseException) -> Callable[[World], None]:
    """Return what lets all calls of a name fail, from the nth on."""

    def bring_about(world: World) -> None:
        before = world.calls.count(name)

        def around(called: str, call: Callable[[], Any]) -> Any:
            if called == name and world.calls.count(name) - before >= nth:
                raise error
            return call()

        world.around = around

    return bring_about


def zoho(**fields: Any) -> Callable[[World], None]:
    """Return what changes the organisation at Zoho, whose next answer is asked for with a new token."""

    def bring_about(world: World) -> None:
        vars(world.organisation).update(fields)
        world.cold()

    return bring_about


EVENTS: dict[str, Callable[[World], object]] = {
    "news": lambda world: world.log(state="failure"),
    "+1h": lambda world: world.clock.advance(hours=1),
    "+6h": lambda world: world.clock.advance(hours=6),
    "+24h": lambda world: world.clock.advance(hours=24),
    # The history
    "revoked": zoho(refresh_tokens=[]),
    "forbidden": zoho(admin=False),
    "zoho-down": lambda world: world.zoho.standing.update(history=Fault(Response(500))),
    "zoho-well": lambda world: world.zoho.standing.clear(),
    "unreadable-unwanted": lambda world: world.cold(NOTIFY_ON="failed,channel"),
    "channel-unwanted": lambda world: world.cold(NOTIFY_ON="failed,unreadable"),
    # The channels
    "slack-down": lambda world: world.slack.break_with("rollup_error"),
    "slack-gone": lambda world: world.slack.break_with("no_service"),
    "slack-refuses-one": lambda world: world.slack.break_with("invalid_blocks", times=2),
    "slack-well": lambda world: world.slack.repair(),
    "slack-malformed": lambda world: world.secrets["default"].update(slack_webhook_url="http://elsewhere.example/"),
    "slack-removed": lambda world: world.secrets["default"].pop("slack_webhook_url"),
    "sns-down": lambda world: setattr(world.topic, "fail", UNREACHABLE),
    "sns-gone": lambda world: setattr(world.topic, "fail", NOT_FOUND),
    "sns-well": lambda world: setattr(world.topic, "fail", None),
    "nobody": lambda world: world.subscribers.update(messages=0),
    "somebody": lambda world: world.subscribers.update(messages=1),
    # The table and the function
    "unread": at_call("get_item", 1, UNREACHABLE),
    "unsaved": at_call("put_item", 1, UNREACHABLE),
    "unrecorded": at_call("put_item", 2, UNREACHABLE),
    "dies-at-sns": at_call("publish", 1, Death()),
    "aws-well": lambda world: setattr(world, "around", lambda name, call: call()),
}
CASES: dict[str, str] = {
    "nothing is wrong": "OK news OK",
    # The history cannot be read
    "cause, told": "revoked told told +24h told",
    "cause, nobody accepts": "slack-down sns-down revoked FAILS FAILS slack-well told",
    "cause, one channel counts": "slack-down revoked FAILS told told",
    "another cause is told by itself": "forbidden told slack-down sns-down revoked FAILS",
    "another cause, no longer wanted": "forbidden told unreadable-unwanted revoked FAILS",
    "cause, not wanted": "unreadable-unwanted revoked FAILS FAILS +24h FAILS",
    "transient, told after six hours": "zoho-down FAILS FAILS +6h told told",
    "transient, nobody accepts": "slack-down sns-down zoho-down FAILS +6h FAILS FAILS sns-well told",
    # A channel fails
    "down, another counts": "slack-down news FAILS told +24h FAILS told slack-well OK OK slack-down news FAILS told",
    "down, and the other gone": "slack-down news FAILS told sns-gone news FAILS FAILS",
    "gone, another counts": "slack-gone news FAILS told +24h told slack-well OK OK",
    "gone, another is down": "slack-gone sns-down news FAILS FAILS +24h FAILS sns-well told",
    "all gone": "slack-gone sns-gone news FAILS FAILS +24h FAILS",
    "one of two gone comes back": "slack-gone sns-gone news FAILS FAILS slack-well told told",
    "gone, not wanted": "channel-unwanted slack-gone news FAILS FAILS",
    "malformed, another counts": "slack-malformed OK news told",
    "malformed, another is down": "slack-malformed sns-down FAILS FAILS",
    "SNS alone is down": "slack-removed sns-down news FAILS FAILS sns-well OK",
    "SNS alone is gone": "slack-removed sns-gone news FAILS FAILS",
    "a message is lost": "slack-refuses-one news FAILS OK",
    # A channel that refuses already loses a message, too: the retry reports it.
    "a message is lost later": "slack-down news FAILS told slack-well slack-refuses-one FAILS OK",
    # Nobody is subscribed: the second count in a row is believed
    "nobody is left, Slack counts": "somebody +24h OK nobody news +24h told told news told somebody OK",
    "nobody is left, SNS alone": "slack-removed somebody +24h OK nobody +24h OK FAILS FAILS somebody OK",
    "nobody ever was, SNS alone": "slack-removed nobody +24h OK FAILS news FAILS somebody OK",
    "nobody ever was, Slack alone": "nobody +24h OK OK news OK revoked told",
    "nobody ever was, and Slack is gone": "nobody +24h OK OK slack-gone news FAILS FAILS",
    "nobody reads what was accepted": "revoked told nobody +24h told slack-removed FAILS",
    # What is remembered
    "not read": "unread FAILS aws-well OK",
    "not saved": "news unsaved FAILS aws-well OK",
    "not recorded": "news unrecorded FAILS +1h aws-well OK",
    "not recorded, and known": "slack-gone news FAILS told slack-well unrecorded FAILS aws-well OK OK",
    # Lives that an earlier form of this rule left without anybody who heard
    "b: the last reader of a told incident goes": "slack-gone news FAILS told sns-gone news FAILS FAILS +24h FAILS",
    "d: the retry gets over Zoho's maintenance": "zoho-down FAILS zoho-well OK +24h zoho-down FAILS zoho-well OK",
    "h: refused once, long after the decision": "news dies-at-sns DIES +6h aws-well slack-down FAILS told",
    "i: told on a channel that is removed": "sns-down revoked FAILS told slack-removed FAILS",
}
"""What happens, and after it how the checks end: `OK`, `told` (well, with a problem), `FAILS`."""


@pytest.mark.parametrize("case", CASES)
def test_a_failed_check_means_that_nobody_was_told(case: str) -> None:
    """The heartbeat is requested after a check that ended well and read the history."""
    with open_world(MAX_BACKUP_AGE_DAYS="3650", DIGEST_DAYS="0", REMIND_HOURS="0") as world:
        world.secrets["default"]["heartbeat_url"] = world.slack.heartbeat_url()
        world.log(state="completed", at=START - timedelta(days=1))
        world.check()
        ends, expected = [], CASES[case].split()
        for event in expected:
            world.clock.advance(minutes=1)
            world.slack.requests.clear()
            if event in EVENTS:
                EVENTS[event](world)
                ends.append(event)
                continue
            try:
                answer = world.check()
                ends.append("told" if answer["problem"] else "OK")
            except (CheckFailed, StoreError):
                ends.append("FAILS")
            except Death:
                ends.append("DIES")
            beats = [request.kind for request in world.slack.requests].count("heartbeat")
            good = ends[-1] in {"OK", "told"} and "unreadable" not in world.memory().incidents
            assert beats == good
        assert ends == expected
