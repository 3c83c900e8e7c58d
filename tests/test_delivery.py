"""Outbox → channels under every fault: nothing lost, nothing twice, and one bad channel never stops the other."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from handler import check, delivery
from handler.errors import CheckFailed
from handler.message import MAX_TOGETHER
from sandbox.watch import START
from tests.test_unheard import NOT_FOUND, UNREACHABLE, Death, at_call
from tests.wire import RudeServer, trickling
from tests.world import World
from tests.world import world as open_world

CHANNELS = ("slack", "sns")
OTHER = {"slack": "sns", "sns": "slack"}


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world with a baseline and a last good backup, a minute later; nothing is ever overdue, and no digests."""
    with open_world(MAX_BACKUP_AGE_DAYS="3650", DIGEST_DAYS="0") as made:
        made.log(action="scheduled", at=START - timedelta(days=1, hours=1))
        made.log(state="completed", at=START - timedelta(days=1))
        made.check()
        made.clock.advance(minutes=1)
        made.forget()
        yield made


def broken(world: World, how: str, *channels: str) -> None:
    """Let channels refuse permanently (`gone`), or not answer or with an error that passes (`down`)."""
    if "slack" in channels:
        world.slack.break_with("no_service" if how == "gone" else "rollup_error")
    if "sns" in channels:
        world.topic.fail = NOT_FOUND if how == "gone" else UNREACHABLE


def well(world: World) -> None:
    """Let both channels be well."""
    world.slack.repair()
    world.topic.fail = None
    world.topic.refuse = {}


def assert_sent(world: World, *kinds: str) -> None:
    """Check that each channel accepted exactly these kinds of notices."""
    assert world.sent("sns") == list(kinds)
    assert world.sent("slack") == list(kinds)


# --- Errors that pass -------------------------------------------------------------------------------------------------


def test_a_slow_slack_takes_no_more_than_its_share(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve seconds at most: the time after it belongs to writing down and to what else is pending."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: trickling(head, b"1\r\nx\r\n", b""), pause_seconds=0.02)) as server:
        world.secrets["default"]["slack_webhook_url"] = server.url + "/services/T0/B0/x"
        world.log(state="failure")
        assert delivery.SEND_SECONDS == 12
        monkeypatch.setattr(delivery, "SEND_SECONDS", 0.2)
        assert "too slowly" in world.failing()
        assert server.sent < 150


def test_channels_are_served_before_those_that_refuse_for_longest(world: World) -> None:
    """A slow answer of what is broken anyway must not take the time of what works."""
    broken(world, "down", "sns")
    world.log(state="odd")
    world.failing()
    world.clock.advance(minutes=1)
    world.log(action="stopped")
    world.calls.clear()
    world.told()
    assert [call for call in world.calls if call in {"send", "publish"}] == ["send", "publish"]


def test_a_send_is_not_begun_when_it_could_not_be_written_down(world: World) -> None:
    """With less than the time for sending and writing left, what is pending waits, and the check says so."""
    world.log(state="odd")

    def around(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "put_item":
            world.remaining = 17.9
        return answer

    world.around = around
    assert "no time was left for sns" in world.failing()
    assert_sent(world)
    assert world.memory().lease_owner is None


# --- Writing down -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sleeping", "slept"), [(0, [0.5, 1.0, 2.0, 4.0]), (25, [0.5, 1.0])])
def test_writing_down_that_keeps_failing_is_tried_again_while_there_is_time_and_then_said(
    world: World, caplog: pytest.LogCaptureFixture, sleeping: float, slept: list[float]
) -> None:
    """Between the tries there are pauses; after the last one the check ends, before the next channel is tried."""

    def sleep(seconds: float) -> None:
        world.slept.append(seconds)
        world.remaining -= sleeping

    world.services = replace(world.services, sleep=sleep)
    world.log(state="failure")
    at_call("put_item", 2, UNREACHABLE)(world)
    caplog.set_level(logging.INFO, "handler")
    assert re.search("did not write .*; 1 notice pending", world.failing())
    [summary] = [vars(record) for record in caplog.records if record.getMessage() == "check"]
    assert (summary["delivered"], summary["pending"]) == ({"sns": 1}, 1)
    assert world.slept == slept
    assert (world.sent("sns"), world.sent("slack")) == (["failed"], [])
    assert world.memory().lease_until


def test_a_lease_that_was_lost_meanwhile_stops_the_check(world: World) -> None:
    """Another check took over after the deadline: what is in the table is its business now."""
    world.log(state="failure")

    def around(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "publish":
            item = world.table.items["default"]
            item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
        return answer

    world.around = around
    assert "Another check wrote the item" in world.failing()
    assert (world.sent("slack"), world.slept) == ([], [])


# --- Lease ------------------------------------------------------------------------------------------------------------

CALLS = ["get_item", "get_parameter", "read", "read", "put_item", "publish", "put_item", "send", "put_item"]
"""What a check with a completed backup as its news does, in order; it reads the history and the links."""
SAVED = CALLS.index("put_item")


def test_the_lease_lasts_from_the_save_to_the_last_write(world: World) -> None:
    """Until the invocation ends, whatever reading took; what was accepted is in the write that follows."""
    saved: list[Any] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "read":
            world.clock.advance(seconds=10)
            world.remaining -= 10
        answer = call()
        if name == "put_item":
            memory = world.memory()
            saved.append((memory.lease_owner, memory.lease_until, [n.pending_for for n in memory.outbox]))
        return answer

    world.around = around
    lease = ("request-2", world.clock.now + timedelta(seconds=55))
    world.log(state="completed")
    world.check()
    assert world.calls == CALLS
    assert saved == [(*lease, [("sns", "slack")]), (*lease, [("slack",)]), (None, None, [])]


@pytest.mark.parametrize("error", [None, RuntimeError("unthought of")], ids=["down", "unthought of"])
def test_the_last_write_clears_the_lease_also_when_something_failed(world: World, error: Exception | None) -> None:
    """Or the next invocation, Lambda's retry, would find it taken; what nobody thought of is raised, to be seen."""
    broken(world, "down", *CHANNELS)
    world.topic.fail = error or world.topic.fail
    world.log(state="failure")
    with pytest.raises(RuntimeError if error else CheckFailed):
        world.check()
    assert (world.memory().lease_owner, world.memory().lease_until) == (None, None)
    well(world)
    world.check()
    assert_sent(world, "failed")


# --- Overlap and death ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same_id", [False, True], ids=["another request", "the same request"])
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_a_second_check_in_the_middle_of_a_first_one_changes_nothing(world: World, at: int, same_id: bool) -> None:
    """At whatever call of the first the second one comes, each notice is sent once, and one of them ends quietly.

    Lambda may run an asynchronous event twice, and both have the same request id.
    """
    world.log(state="completed")
    answers: list[dict[str, Any]] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        if len(world.calls) == at + 1:
            world.around = lambda name, call: call()
            world.clock.advance(microseconds=1)
            owner = f"request-{world.checks}" if same_id else "request-other"
            answers.append(check.run("default", world.services, owner, world.deadline))
        return call()

    world.around = around
    answers.append(world.check())
    assert_sent(world, "completed")
    assert len([answer for answer in answers if "skipped" in answer]) == (1 if at else 0)
    assert world.memory().lease_owner is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_a_death_at_any_call_loses_nothing(world: World, at: int, after: bool) -> None:
    """And repeats nothing, but in the one window: accepted, and not yet written down.

    It dies before a call leaves, or after the other side has done its work.
    """

    def around(name: str, call: Callable[[], Any]) -> Any:
        if len(world.calls) == at + 1 and after:
            answer = call()
            if hasattr(answer, "close"):
                answer.close()
        if len(world.calls) > at:
            raise Death(name)
        return call()

    world.log(state="completed")
    world.around = around
    with pytest.raises(Death):
        world.check()
    world.around = lambda name, call: call()
    world.cold()
    world.calls.clear()
    world.clock.advance(seconds=54)
    if world.memory().lease_owner:  # to its last second, the dead one's lease is respected
        assert (world.check()["skipped"], world.calls) == ("another check is delivering", ["get_item"])
    world.clock.advance(seconds=1)
    world.check()
    assert world.check()["delivered"] == {}
    accepted_but_not_written = after if CALLS[at] in {"publish", "send"} else at > SAVED and not after
    assert set(world.sent("sns")) == set(world.sent("slack")) == {"completed"}
    assert len(world.sent("sns") + world.sent("slack")) == (3 if accepted_but_not_written else 2)


# --- A channel that is gone -------------------------------------------------------------------------------------------


def hours_later(world: World, hours: float) -> None:
    """Check after so many hours, and again as Lambda does when a check fails."""
    world.clock.advance(hours=hours)
    for _ in range(2):
        with suppress(CheckFailed):
            world.check()


@pytest.mark.parametrize("bad", CHANNELS)
def test_a_channel_that_takes_nothing_for_three_hours_is_broken_whatever_it_answers(world: World, bad: str) -> None:
    """Counted from its first refusal; the others hear its last answer and since when, and later that it works again."""
    good = OTHER[bad]
    world.log(state="odd")
    broken(world, "down", bad)
    world.clock.advance(days=2)  # nobody asked it in this time
    first = world.clock.now
    for hours in (0, 1, 1.99):
        hours_later(world, hours)
        assert world.memory().incidents == {}
    hours_later(world, 0.01)
    incident = world.memory().incidents[f"channel:{bad}"]
    assert incident.since == world.memory().refusing_since[bad] == first
    assert incident.detail in {"Slack answered HTTP 500 rollup_error", "SNS did not answer: EndpointConnectionError"}
    assert world.sent(good) == ["unknown", "channel"]
    said = json.dumps([world.topic.entries, world.slack.messages], ensure_ascii=False)
    assert (incident.detail in said, "Wait if" in said, incident.cause) == (True, True, "hours")
    broken(world, "gone", bad)
    world.told()
    last = world.memory().incidents[f"channel:{bad}"]
    assert (last.detail in {"Slack answered HTTP 404 no_service", "SNS answered NotFound"}, last.cause) == (True, "")
    well(world)
    world.check()
    assert world.memory().refusing_since == {}
    world.check()
    assert (world.sent(bad), world.sent(good)) == (["unknown"], ["unknown", "channel", "channel"])


@pytest.mark.parametrize("bad", CHANNELS)
def test_the_three_hours_begin_anew_with_each_acceptance_and_each_connection(world: World, bad: str) -> None:
    """What it accepted two hours ago, or was never asked because it was not connected, does not count."""
    for _ in range(3):
        broken(world, "down", bad)
        world.log(state="odd")
        hours_later(world, 2)
        well(world)
        world.clock.advance(hours=2)
        world.check()
    broken(world, "down", "slack")
    world.log(state="odd")
    hours_later(world, 1)
    url = world.secrets["default"].pop("slack_webhook_url")
    world.check()
    world.secrets["default"]["slack_webhook_url"] = url
    world.log(state="odd")
    hours_later(world, 4)
    assert world.memory().incidents == {}


def test_a_refused_text_does_not_start_the_three_hours(world: World) -> None:
    """The channel answers what it should; the next trouble, days later, is a new one."""
    world.slack.break_with("invalid_blocks")
    world.topic.refuse = {"stopped": "InvalidParameter", "completed": "InternalError"}
    for state, refusing in (("odd", set()), ("completed", {"sns"})):
        world.log(state=state)
        world.log(action="stopped")
        world.failing()
        assert world.memory().refusing_since.keys() == refusing


@pytest.mark.parametrize(("code", "tries"), [("invalid_blocks", 3), ("no_service", 1), ("rollup_error", 1)])
def test_only_a_refused_text_lets_another_message_follow(world: World, code: str, tries: int) -> None:
    """A channel that takes nothing is not asked again in this check: eleven notices are two messages."""
    for _ in range(MAX_TOGETHER + 1):
        world.log(state="odd")
    world.slack.break_with(code, times=2 if tries > 1 else 1)
    world.failing()
    assert world.calls.count("send") == tries


def test_a_channel_that_is_gone_again_before_its_end_was_decided_is_still_gone(world: World) -> None:
    """It takes one message and refuses the next: nobody hears that it works."""
    broken(world, "gone", "sns")
    world.log(state="odd")
    world.failing()
    world.log(action="stopped")
    world.told()
    world.topic.fail = None
    world.topic.refuse = {"stopped": "AuthorizationError"}
    world.failing()
    world.told()
    assert world.sent("sns") == ["unknown"]
    assert world.sent("slack").count("channel") == 1
    assert "channel:sns" in world.memory().incidents


# --- Dead letters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid_blocks", "too_large"])
def test_what_slack_refuses_is_sent_as_plain_text_then_a_dead_letter_logged_and_counted(
    world: World, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """The check says so once, and is not pending on it for ever."""
    status = world.slack.errors[code].status
    world.slack.break_with(code, times=2)
    world.log(state="odd")
    assert f"slack: Slack answered HTTP {status} {code}" in world.failing()
    assert ["blocks" in request.json() for request in world.slack.requests] == [True, False]
    memory = world.memory()
    assert (memory.outbox, memory.dead_letters.total) == ((), 1)
    [letter] = memory.dead_letters.last
    assert (letter.channel, letter.kind, letter.why) == ("slack", "unknown", f"Slack answered HTTP {status} {code}")
    [error] = [vars(record) for record in caplog.records if record.levelno == logging.ERROR]
    assert (error["org"], error["channel"], error["notice_ids"]) == ("default", "slack", [letter.notice_id])
    [warning] = [vars(record) for record in caplog.records if record.message == "not delivered"]
    assert (warning["org"], warning["channel"], warning["why"]) == ("default", "slack", letter.why)
    assert world.check()["pending"] == 0
    assert (world.sent("slack"), world.sent("sns")) == (["lost"], ["unknown", "lost"])


def test_nothing_is_published_while_nobody_is_subscribed(world: World) -> None:
    """It waits from the first count that finds nobody; the others say so each day, and how it ends."""
    world.subscribers = {"messages": 1}
    hours_later(world, 24)
    world.subscribers = {"messages": 0}
    world.log(state="odd")
    hours_later(world, 24)
    assert (world.sent("sns"), world.sent("slack")) == ([], ["unknown", "channel"])
    hours_later(world, 24)
    assert world.sent("slack") == ["unknown", "channel", "channel"]
    world.subscribers = {"messages": 1}
    hours_later(world, 1)
    assert (world.sent("sns"), world.sent("slack")[3:], world.memory().outbox) == (["unknown"], ["channel"], ())
