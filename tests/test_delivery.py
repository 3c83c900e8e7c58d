"""Outbox → channels under every fault: nothing lost, nothing twice, and one bad channel never stops the other."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from handler import check
from handler.channels import BY_NAME
from handler.deadline import Deadline
from handler.decision import SOMEBODY
from handler.errors import CheckFailed, StoreError
from handler.store import Store, from_item
from sandbox.channels.slack import ERRORS, FakeSlack, rate_limited
from sandbox.server import Fault, Response
from sandbox.watch import START
from sandbox.zoho import FakeZoho
from tests.wire import RudeServer, RunningOut, endless
from tests.world import TableInMemory, TopicInMemory, World


class PickyTopic(TopicInMemory):
    """A topic that may refuse single entries; `fate` maps kinds to a code and whether it is the sender's fault."""

    def __init__(self) -> None:
        """Begin with nothing to refuse."""
        super().__init__()
        self.fate: dict[str, tuple[str, bool]] = {}
        self.tried = 0

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Accept what has no fate."""
        self.tried += 1
        fates = {entry["Id"]: self.fate.get(str(self.attribute(entry, "kind"))) for entry in PublishBatchRequestEntries}
        taken = [entry for entry in PublishBatchRequestEntries if not fates[entry["Id"]]]
        answer = super().publish_batch(TopicArn=TopicArn, PublishBatchRequestEntries=taken)
        failed = [{"Id": i, "Code": fate[0], "SenderFault": fate[1]} for i, fate in fates.items() if fate]
        return answer | {"Failed": failed}


class NotingTable(TableInMemory):
    """A table that notes the kind of each notice that was ever saved, by its id."""

    def __init__(self) -> None:
        """Begin with nothing noted."""
        super().__init__()
        self.kinds: dict[str, str] = {}

    def put_item(self, *, Item: dict[str, Any], ConditionExpression: str, **request: Any) -> None:  # noqa: N803
        """Note, and write."""
        self.kinds |= {notice.notice_id: notice.kind for notice in from_item(Item).outbox}
        super().put_item(Item=Item, ConditionExpression=ConditionExpression, **request)


@pytest.fixture
def topic() -> PickyTopic:
    """Give the topic of the test's world."""
    return PickyTopic()


@pytest.fixture
def world(topic: PickyTopic) -> Iterator[World]:
    """Give a world with a baseline and a last good backup, a minute later; nothing is ever overdue, and no digests."""
    with closing(FakeZoho()) as zoho, closing(FakeSlack()) as slack:
        settings = {"MAX_BACKUP_AGE_DAYS": "3650", "DIGEST_DAYS": "0"}
        made = World(zoho, {"slack": slack}, table=NotingTable(), topic=topic, **settings)
        made.log(action="scheduled", at=START - timedelta(days=1, hours=1))
        made.log(state="completed", at=START - timedelta(days=1))
        made.check()
        made.clock.advance(minutes=1)
        topic.entries.clear()
        slack.accepted.clear()
        slack.requests.clear()
        yield made


def failing(world: World) -> str:
    """Check once, which must fail at its end, and return why."""
    with pytest.raises(CheckFailed) as raised:
        world.check()
    return str(raised.value)


def gone(world: World, channel: str) -> None:
    """Let a channel refuse permanently."""
    if channel == "slack":
        world.slack.break_with("no_service")
    else:
        world.topic.fail = refusal("NotFound")


def down(world: World, channel: str) -> None:
    """Let a channel not answer, or with an error that passes."""
    if channel == "slack":
        world.slack.break_with("rollup_error")
    else:
        world.topic.fail = EndpointConnectionError(endpoint_url="https://sns.eu-west-1.amazonaws.com")


def well(world: World) -> None:
    """Let both channels be well."""
    world.slack.repair()
    world.topic.fail = None


def refusal(code: str) -> ClientError:
    """Return what boto3 raises when AWS refuses."""
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Operation")


def sent(world: World, channel: str) -> list[str]:
    """Return the kind of everything that a channel accepted, oldest first."""
    return [kind for kinds in messages(world, channel) for kind in kinds]


def messages(world: World, channel: str) -> list[list[str]]:
    """Return the kinds of each message that a channel accepted, oldest first; from Slack by the ids in it."""
    if channel == "sns":
        return [kinds if isinstance(kinds, list) else [kinds] for kinds in world.topic.kinds]
    texts = [json.dumps(message.payload) for message in world.slack.accepted]
    assert isinstance(world.table, NotingTable)
    kinds = world.table.kinds
    return [[kinds[i] for i in sorted((i for i in kinds if i in text), key=text.index)] for text in texts]


def other(channel: str) -> str:
    """Return the other channel."""
    return {"slack": "sns", "sns": "slack"}[channel]


CHANNELS = ["slack", "sns"]


# --- Transient errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", CHANNELS)
def test_a_channel_that_was_down_gets_it_at_the_next_check_and_the_other_not_again(world: World, bad: str) -> None:
    """Slack answers 500, then 200: once on each; and the reverse."""
    down(world, bad)
    world.log(state="failure")
    assert "1 notice pending" in failing(world)
    assert (sent(world, bad), sent(world, other(bad))) == ([], ["failed"])
    well(world)
    world.clock.advance(minutes=1)
    summary = world.check()
    assert (summary["notices"], summary["delivered"], summary["pending"]) == ([], {bad: 1}, 0)
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]
    assert world.check()["delivered"] == {}


def test_both_channels_down_lose_nothing(world: World) -> None:
    """For a day, with news in between."""
    for channel in CHANNELS:
        down(world, channel)
    for state in ("failure", "odd", "completed"):
        world.log(state=state)
        failing(world)
        world.clock.advance(hours=7)
    well(world)
    world.check()
    assert sent(world, "sns") == sent(world, "slack") == ["failed", "unknown", "recovered"]


TRANSIENT: dict[str, Fault] = {
    "500": Fault(ERRORS["rollup_error"]),
    "429 for a day": Fault(rate_limited(86_400)),
    "dropped": Fault(drops=True),
    "a web page": Fault(Response.text("<html>")),
    "redirected": Fault(Response(302, headers={"Location": "http://127.0.0.1:1/"})),
}


@pytest.mark.parametrize("case", TRANSIENT)
def test_a_transient_answer_of_slacks_is_tried_once_a_check(world: World, case: str) -> None:
    """Nothing is repeated within a check, and nothing is waited for."""
    slept: list[float] = []
    world.services = replace(world.services, sleep=slept.append)
    world.slack.break_with(TRANSIENT[case])
    world.log(state="odd")
    for tries in (1, 2):
        assert "slack" in failing(world)
        assert len(world.slack.requests) == tries
    assert slept == []
    assert world.memory().incidents == {}


def test_a_lost_answer_is_one_repeat_and_no_more(world: World) -> None:
    """The one window that no sender can close: accepted, and not learned."""
    world.slack.script("webhook", Fault(drops=True, acts=True))
    world.log(state="failure")
    failing(world)
    world.check()
    world.check()
    assert sent(world, "slack") == ["failed", "failed"]
    ids = {json.dumps(message.payload["blocks"][-1]) for message in world.slack.accepted}
    assert len(ids) == 1
    assert sent(world, "sns") == ["failed"]


def test_all_that_is_pending_for_slack_goes_as_one_message(world: World) -> None:
    """Oldest first."""
    world.log(state="failure")
    world.log(action="stopped")
    world.check()
    assert messages(world, "slack") == [["failed", "stopped"]]
    assert messages(world, "sns") == [["failed"], ["stopped"]]


def test_a_slow_slack_takes_no_more_than_its_share(world: World) -> None:
    """Twelve seconds at most: the time after it belongs to writing down and to what else is pending."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, b"1\r\nx\r\n", limit=60_000))) as server:
        world.secrets["default"]["slack_webhook_url"] = server.url + "/services/T0/B0/x"
        world.log(state="failure")
        time = RunningOut(200)
        with pytest.raises(CheckFailed, match="too slowly"):
            check.run("default", world.services, "request", Deadline(time))
    assert time.left > 160


# --- Order ------------------------------------------------------------------------------------------------------------


BEGINNING = ["get_item", "get_parameter", "read"]
"""What each check with a token begins with."""


def trace(world: World) -> list[str]:
    """Record from now on each call that leaves the process."""
    calls: list[str] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        calls.append(name)
        return call()

    world.around = around
    return calls


def test_what_is_accepted_is_written_down_before_the_next_channel_and_the_next_part(world: World) -> None:
    """A hundred and fifty notices take two messages a channel: a write after each."""
    for number in range(150):
        world.log(state="failure", at=world.clock.now - timedelta(minutes=number))
    calls = trace(world)
    world.check()
    assert calls == [*BEGINNING, "put_item", *["publish_batch", "put_item"] * 2, *["send", "put_item"] * 2]


def test_a_part_that_is_refused_stops_the_rest_of_its_channel_only(world: World) -> None:
    """The second part waits behind the first, or the order would be lost."""
    for number in range(150):
        world.log(state="failure", at=world.clock.now - timedelta(minutes=number))
    world.slack.script("webhook", Response(500))
    failing(world)
    assert len(world.topic.entries) == 2
    assert len(world.slack.requests) == 1
    world.check()
    assert len(world.slack.accepted) == 2
    assert len(world.topic.entries) == 2


def test_nothing_is_sent_before_it_is_saved(world: World) -> None:
    """The first save fails: nobody is sent anything, and the next check sends all of it."""
    world.log(state="failure")
    break_writes(world, refusal("ProvisionedThroughputExceededException"), times=1)
    with pytest.raises(StoreError):
        world.check()
    assert sent(world, "sns") == sent(world, "slack") == []
    world.check()
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]


def break_writes(world: World, error: Exception, times: int, *, skip: int = 0, acts: bool = False) -> None:
    """Let some writes fail, after a few good ones; with `acts` the table takes them, and only the answer is lost."""
    left = iter([False] * skip + [True] * times)

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "put_item" and next(left, False):
            if acts:
                call()
            raise error
        return call()

    world.around = around


# --- Writing down -----------------------------------------------------------------------------------------------------

LOST = ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")


@pytest.mark.parametrize("acts", [False, True], ids=["not arrived", "answer lost"])
@pytest.mark.parametrize("at", range(3), ids=["the first save", "after sns", "after slack"])
def test_a_write_that_fails_once_is_got_over_or_found_to_have_arrived(world: World, acts: bool, at: int) -> None:
    """What was accepted is written down in the end, so nothing is said twice."""
    slept: list[float] = []
    world.services = replace(world.services, sleep=slept.append)
    world.log(state="failure")
    break_writes(world, LOST, times=1, skip=at, acts=acts)
    if at == 0 and not acts:
        with pytest.raises(StoreError):
            world.check()
    else:
        assert world.check()["pending"] == 0
        assert slept == ([] if acts else [0.5])
    world.clock.advance(minutes=1)
    assert world.check()["pending"] == 0
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]


def test_writing_down_that_keeps_failing_is_tried_again_and_then_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Between the tries there are pauses; after the last one the check ends, before the next channel is tried."""
    slept: list[float] = []
    world.services = replace(world.services, sleep=slept.append)
    world.log(state="failure")
    break_writes(world, LOST, times=99, skip=1)
    caplog.set_level(logging.INFO, "handler")
    assert re.search("did not write .*; 1 notice pending", failing(world))
    [summary] = [vars(record) for record in caplog.records if record.getMessage() == "check"]
    assert (summary["delivered"], summary["pending"]) == ({"sns": 1}, 1)
    assert slept == [0.5, 1.0, 2.0, 4.0]
    assert (sent(world, "sns"), sent(world, "slack")) == (["failed"], [])
    assert world.memory().lease_until


def test_writing_down_is_not_tried_beyond_the_deadline(world: World) -> None:
    """A pause after which the write could not end in time is not begun."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.remaining -= 25

    world.services = replace(world.services, sleep=sleep)
    world.log(state="failure")
    break_writes(world, LOST, times=99, skip=1)
    assert "1 notice pending" in failing(world)
    assert slept == [0.5, 1.0]


def test_a_lease_that_was_lost_meanwhile_stops_the_check(world: World) -> None:
    """Another check took over after the deadline: what is in the table is its business now."""
    slept: list[float] = []
    world.services = replace(world.services, sleep=slept.append)
    world.log(state="failure")

    def around(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "publish_batch":
            item = world.table.items["default"]
            item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
        return answer

    world.around = around
    assert "Another check wrote the item" in failing(world)
    assert sent(world, "slack") == []
    assert slept == []


# --- Lease ------------------------------------------------------------------------------------------------------------


def test_the_lease_lasts_until_the_invocation_ends(world: World) -> None:
    """Whatever reading took: it counts from now, not from the beginning."""
    leases: list[Any] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "read":
            world.clock.advance(seconds=20)
            world.remaining -= 20
        answer = call()
        if name == "put_item":
            leases.append((world.memory().lease_owner, world.memory().lease_until))
        return answer

    world.around = around
    began = world.clock.now
    world.log(state="failure")
    world.check()
    assert leases[0] == ("request-2", began + timedelta(seconds=55))
    assert leases[-1] == (None, None)


def test_a_check_without_anything_to_deliver_takes_no_lease(world: World) -> None:
    """It has nothing to protect."""
    world.log(action="initiated")
    calls = trace(world)
    world.check()
    assert calls.count("put_item") == 1
    assert world.memory().lease_owner is None


@pytest.mark.parametrize("bad", ["slack", "sns", "both"])
def test_the_last_write_clears_the_lease_also_when_something_failed(world: World, bad: str) -> None:
    """Or the next invocation, Lambda's retry, would find it taken."""
    for channel in CHANNELS if bad == "both" else [bad]:
        down(world, channel)
    world.log(state="failure")
    failing(world)
    assert (world.memory().lease_owner, world.memory().lease_until) == (None, None)


def test_an_error_that_nobody_thought_of_clears_the_lease_as_well(world: World) -> None:
    """And is raised, so that it is seen."""
    world.log(state="failure")
    world.topic.fail = RuntimeError("unthought of")
    with pytest.raises(RuntimeError):
        world.check()
    assert world.memory().lease_until is None
    well(world)
    world.check()
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]


def leased(world: World, seconds: int) -> None:
    """Leave a failed backup's notice pending, under the lease of a check that died."""
    for channel in CHANNELS:
        down(world, channel)
    world.log(state="failure")
    failing(world)
    well(world)
    until = world.clock.now + timedelta(seconds=seconds)
    Store(world.table, "table").save(world.memory()._replace(lease_owner="request-dead", lease_until=until))


def test_a_live_lease_is_respected_quietly(world: World) -> None:
    """Another check is delivering: this one ends before it asks anybody anything."""
    leased(world, seconds=55)
    world.clock.advance(seconds=54)
    calls = trace(world)
    assert world.check() == {"org": "default", "skipped": "another check is delivering"}
    assert calls == ["get_item"]


def test_an_expired_lease_is_taken_over(world: World) -> None:
    """Its owner died; what it left pending is delivered by whoever comes next."""
    leased(world, seconds=55)
    world.clock.advance(seconds=55)
    assert world.check()["pending"] == 0
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]
    assert world.memory().lease_owner is None


# --- Overlap ----------------------------------------------------------------------------------------------------------


CALLS = [*BEGINNING, "read", "put_item", "publish_batch", "put_item", "send", "put_item"]
"""What a check with a completed backup as its news does, in order: history, links, and so on."""
SAVED = CALLS.index("put_item")


def test_the_calls_are_known(world: World) -> None:
    """A call that is added must be walked by the tests below."""
    world.log(state="completed")
    calls = trace(world)
    world.check()
    assert calls == CALLS


@pytest.mark.parametrize("same_id", [False, True], ids=["another request", "the same request"])
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_a_second_check_in_the_middle_of_a_first_one_changes_nothing(world: World, at: int, same_id: bool) -> None:
    """At whatever call of the first the second one comes, each notice is sent once."""
    world.log(state="completed")
    made: list[str] = []
    answers: list[dict[str, Any]] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        made.append(name)
        if len(made) == at + 1:
            world.around = lambda name, call: call()
            world.clock.advance(microseconds=1)
            owner = f"request-{world.checks}" if same_id else "request-other"
            answers.append(check.run("default", world.services, owner, world.deadline))
        return call()

    world.around = around
    answers.append(world.check())
    assert sent(world, "sns") == sent(world, "slack") == ["completed"]
    assert len([answer for answer in answers if "skipped" in answer]) == (1 if at else 0)
    assert world.memory().lease_owner is None


def test_two_checks_of_one_request_that_write_at_the_same_moment_deliver_once(world: World) -> None:
    """Lambda may run an asynchronous event twice, and both have the same request id."""
    world.log(state="failure")
    together, lock, ticks = threading.Barrier(2), threading.Lock(), iter(range(1, 10**6))
    waiting = threading.local()

    def now() -> datetime:
        with lock:
            return START + timedelta(minutes=1, microseconds=next(ticks))

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "put_item" and not hasattr(waiting, "over"):
            waiting.over = True
            together.wait()
        with lock:
            return call()

    world.around = around
    answers: list[dict[str, Any]] = []
    services = replace(world.cold(), clock=now)
    run = lambda: answers.append(check.run("default", services, "request-same", world.deadline))  # noqa: E731 - for threads
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("skipped" in answer for answer in answers) == [False, True]
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]


def test_a_check_that_was_overtaken_ends_quietly(world: World) -> None:
    """The other one did the work."""
    world.log(state="failure")

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "put_item":
            world.around = lambda name, call: call()
            world.check()
        return call()

    world.around = around
    assert world.check() == {"org": "default", "skipped": "another check wrote first"}
    assert sent(world, "sns") == sent(world, "slack") == ["failed"]


# --- Death ------------------------------------------------------------------------------------------------------------


class Death(BaseException):
    """The process dies: nothing that it would do afterwards happens."""


def dying(at: int, *, after: bool) -> Callable[[str, Callable[[], Any]], Any]:
    """Return what dies at a call: before it leaves, or after the other side has done its work."""
    made: list[str] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        made.append(name)
        if len(made) == at + 1 and after:
            answer = call()
            if hasattr(answer, "close"):
                answer.close()
        if len(made) > at:
            raise Death(name)
        return call()

    return around


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_a_death_at_any_call_loses_nothing(world: World, at: int, after: bool) -> None:
    """And repeats nothing, but in the one window: accepted, and not yet written down."""
    world.log(state="completed")
    world.around = dying(at, after=after)
    with pytest.raises(Death):
        world.check()
    world.around = lambda name, call: call()
    world.cold()
    world.check()  # at once: skipped while the dead one's lease lives
    world.clock.advance(seconds=60)
    world.check()
    assert world.check()["delivered"] == {}
    accepted_but_not_written = after if CALLS[at] in {"publish_batch", "send"} else at > SAVED and not after
    assert set(sent(world, "sns")) == set(sent(world, "slack")) == {"completed"}
    assert len(sent(world, "sns") + sent(world, "slack")) == (3 if accepted_but_not_written else 2)


# --- A channel that is gone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", CHANNELS)
def test_the_next_check_says_on_the_other_channel_that_one_is_gone(world: World, bad: str) -> None:
    """Found while delivering, saved with the last write, sent a minute later, reminded of, and over when it is back."""
    good = other(bad)
    gone(world, bad)
    world.log(state="odd")
    failing(world)
    assert (sent(world, bad), sent(world, good)) == ([], ["unknown"])
    assert set(world.memory().incidents) == {f"channel:{bad}"}
    world.clock.advance(minutes=1)
    failing(world)
    assert sent(world, good) == ["unknown", "channel"]
    everything = json.dumps([world.topic.entries, world.slack.messages], ensure_ascii=False)
    step = BY_NAME[bad].when_broken.replace("{operator}", SOMEBODY).replace("{connect}", "make connect ORG=default")
    assert step in everything
    world.clock.advance(hours=23, minutes=59)
    failing(world)
    assert sent(world, good) == ["unknown", "channel"]
    world.clock.advance(minutes=1)
    failing(world)
    assert sent(world, good) == ["unknown", "channel", "channel"]
    well(world)
    world.clock.advance(hours=1)
    assert world.check()["incidents"] == [f"channel:{bad}"]
    assert sent(world, bad) == ["unknown"]
    assert world.check()["incidents"] == []
    assert sent(world, good) == ["unknown", "channel", "channel", "channel"]
    assert sent(world, bad) == ["unknown"]
    assert world.check()["notices"] == []


def test_an_answer_without_a_code_may_be_a_channel_that_is_gone(world: World) -> None:
    """401, that is; the codes are walked where Slack is tested."""
    world.slack.break_with(Response(401))
    world.log(state="odd")
    failing(world)
    failing(world)
    assert sent(world, "sns") == ["unknown", "channel"]
    assert "Slack answered HTTP 401" in world.topic.entries[-1]["Message"]


def test_a_channel_that_works_again_says_so_itself_where_the_other_was_removed(world: World) -> None:
    """Nobody else could, and somebody heard that it was broken."""
    gone(world, "sns")
    world.log(state="odd")
    failing(world)
    failing(world)
    assert sent(world, "slack") == ["unknown", "channel"]
    del world.secrets["default"]["slack_webhook_url"]
    failing(world)
    well(world)
    world.check()
    assert world.check()["incidents"] == []
    assert sent(world, "sns") == ["unknown", "channel"]
    assert "Delivery to SNS (e-mail, SMS) works again" in world.topic.entries[-1]["Message"]


def test_an_incident_that_nobody_heard_of_ends_in_silence(world: World) -> None:
    """Nobody wants to hear of channels here: neither of the end nor of the beginning."""
    world.cold(NOTIFY_ON="unknown")
    gone(world, "slack")
    world.log(state="odd")
    for _ in range(2):
        failing(world)
    well(world)
    assert world.check()["incidents"] == []
    assert world.check()["notices"] == []
    assert sent(world, "sns") == sent(world, "slack") == ["unknown"]


def test_a_gone_webhook_is_tried_once_a_check(world: World) -> None:
    """Nothing is repeated within a check."""
    gone(world, "slack")
    world.log(state="odd")
    failing(world)
    assert len(world.slack.requests) == 1


@pytest.mark.parametrize("bad", CHANNELS)
def test_a_repaired_channel_for_which_nothing_waits_is_found_out_by_a_probe(world: World, bad: str) -> None:
    """Once a day it is given its own end, which is seen only when it is true; while it is not, nothing waits for it."""
    good = other(bad)
    gone(world, bad)
    world.cold(REMIND_HOURS="0")
    world.log(state="odd")
    failing(world)
    failing(world)
    world.clock.advance(days=15)
    failing(world)
    assert world.memory().pending(bad) == []
    failing(world)
    before = attempts(world, bad)
    world.clock.advance(hours=23, minutes=59)
    world.check()
    assert attempts(world, bad) == before
    world.clock.advance(minutes=1)
    failing(world)
    assert attempts(world, bad) == before + 1
    world.check()
    assert world.memory().pending(bad) == []
    well(world)
    world.clock.advance(hours=24)
    world.check()
    assert sent(world, bad) == ["channel"]
    assert world.check()["incidents"] == []
    assert sent(world, good) == ["unknown", "channel", "channel"]


def attempts(world: World, channel: str) -> int:
    """Return how often somebody tried to send to a channel that refuses."""
    assert isinstance(world.topic, PickyTopic)
    return len(world.slack.requests) if channel == "slack" else world.topic.tried


def test_a_channel_that_is_gone_again_before_its_end_was_decided_is_still_gone(world: World) -> None:
    """It takes the first part and refuses the second: nobody hears that it works."""
    gone(world, "slack")
    world.log(state="odd")
    failing(world)
    failing(world)
    assert sent(world, "sns") == ["unknown", "channel"]
    for number in range(150):
        world.log(state="odd", at=world.clock.now - timedelta(minutes=number + 1))
    world.slack.repair()
    world.slack.script("webhook", Fault(), ERRORS["no_service"])
    world.slack.standing["webhook"] = Fault(ERRORS["no_service"])
    failing(world)
    assert len(world.slack.accepted) == 1
    failing(world)
    assert sent(world, "sns").count("channel") == 1
    assert "channel:slack" in world.memory().incidents


def test_channels_are_served_before_those_that_refuse_for_longest(world: World) -> None:
    """A slow answer of what is broken anyway must not take the time of what works."""
    down(world, "sns")
    world.log(state="odd")
    failing(world)
    world.clock.advance(minutes=1)
    world.log(action="stopped")
    calls = trace(world)
    failing(world)
    assert [call for call in calls if call in {"send", "publish_batch"}] == ["send", "publish_batch"]


# --- Dead letters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid_blocks", "no_text", "too_large"])
def test_what_slack_refuses_is_sent_as_plain_text_then_a_dead_letter_logged_and_counted(
    world: World, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """The check itself is not pending on it for ever, and the next message on each channel says how many were lost."""
    status = ERRORS[code].status
    world.slack.break_with(code, times=2)
    world.log(state="odd")
    assert f"slack: Slack answered HTTP {status} {code}" in failing(world)
    assert ["blocks" in request.json() for request in world.slack.requests] == [True, False]
    memory = world.memory()
    assert (memory.outbox, memory.dead_letters.total) == ((), 1)
    assert memory.dead_letters.unmentioned == {"sns": 1, "slack": 1}
    [letter] = memory.dead_letters.last
    assert (letter.channel, letter.kind, letter.why) == ("slack", "unknown", f"Slack answered HTTP {status} {code}")
    [error] = [vars(record) for record in caplog.records if record.levelno == logging.ERROR]
    assert (error["org"], error["channel"], error["notice_ids"]) == ("default", "slack", [letter.notice_id])
    [warning] = [vars(record) for record in caplog.records if record.message == "not delivered"]
    assert (warning["org"], warning["channel"], warning["why"]) == ("default", "slack", letter.why)
    assert world.check()["pending"] == 0
    for mentioned in (True, False):
        world.log(state="odd")
        world.check()
        latest = (world.topic.entries[-1]["Message"], json.dumps(world.slack.messages[-1]))
        assert ["1 earlier message" in text for text in latest] == [mentioned, mentioned]
    assert world.memory().dead_letters.total == 1


def test_what_was_lost_is_mentioned_on_each_channel_once_it_accepts_something(world: World) -> None:
    """A channel that was down when the others mentioned it says so later."""
    world.slack.break_with("invalid_blocks", times=2)
    world.log(state="odd")
    failing(world)
    down(world, "slack")
    world.log(state="odd")
    failing(world)
    assert "1 earlier message" in world.topic.entries[-1]["Message"]
    assert world.memory().dead_letters.unmentioned == {"slack": 1}
    well(world)
    world.check()
    assert "1 earlier message" in json.dumps(world.slack.messages[-1])
    assert world.memory().dead_letters.unmentioned == {}


def test_a_message_that_is_refused_does_not_hold_up_the_next_part(world: World) -> None:
    """What follows it is still delivered."""
    for number in range(150):
        world.log(state="odd", at=world.clock.now - timedelta(minutes=number))
    world.slack.script("webhook", ERRORS["invalid_blocks"], ERRORS["invalid_blocks"])
    failing(world)
    assert len(world.slack.accepted) == 1
    memory = world.memory()
    assert (memory.outbox, memory.dead_letters.total, len(memory.dead_letters.last)) == ((), 100, 20)


@pytest.mark.parametrize("bad", CHANNELS)
def test_what_waits_for_a_gone_channel_is_a_dead_letter_after_fourteen_days(
    world: World, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    """Not a minute before; and it is counted in the next notice that gets through."""
    good = other(bad)
    gone(world, bad)
    world.log(state="odd")
    failing(world)
    world.clock.advance(days=14)
    failing(world)
    assert world.memory().dead_letters.total == 0
    assert any(notice.kind == "unknown" for notice in world.memory().outbox)
    world.clock.advance(minutes=1)
    assert "1 notice could not be delivered" in failing(world)
    memory = world.memory()
    assert memory.outbox == ()
    assert memory.dead_letters.total == 1
    assert "14 days" in memory.dead_letters.last[0].why
    assert [vars(record)["notice_ids"] for record in caplog.records if record.levelno == logging.ERROR] == [
        [memory.dead_letters.last[0].notice_id]
    ]
    world.log(action="stopped")
    failing(world)
    latest = world.topic.entries[-1]["Message"] if good == "sns" else json.dumps(world.slack.messages[-1])
    assert "1 earlier message" in latest
    well(world)
    world.check()
    assert "unknown" not in sent(world, bad)


@pytest.mark.parametrize("bad", CHANNELS)
def test_a_transient_error_never_makes_a_dead_letter(world: World, bad: str) -> None:
    """A channel that answers 500 for a month is not gone: everything waits."""
    down(world, bad)
    world.log(state="odd")
    failing(world)
    world.clock.advance(days=31)
    world.log(state="completed")
    failing(world)
    well(world)
    world.check()
    assert sent(world, bad)[0] == "unknown"
    assert world.memory().dead_letters.total == 0


# --- One channel only -------------------------------------------------------------------------------------------------


def test_with_one_channel_only_nothing_is_dropped_before_the_limit(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nobody else to notify: the log, the failing invocation and the alarm carry it."""
    del world.secrets["default"]["slack_webhook_url"]
    world.cold()
    gone(world, "sns")
    world.log(state="odd")
    for day in range(14):
        assert "SNS answered NotFound" in failing(world)
        assert [notice.kind for notice in world.memory().outbox] == ["unknown"]
        world.clock.advance(days=1, seconds=-1 if day == 13 else 0)
    assert [record.message for record in caplog.records if record.message != "check"] == ["not delivered"] * 14
    well(world)
    assert world.check()["incidents"] == []
    assert world.check()["notices"] == []
    assert sent(world, "sns") == ["unknown"]
    assert world.slack.requests == []


# --- Channels that come and go ----------------------------------------------------------------------------------------


def test_a_channel_that_is_added_gets_no_backlog(world: World) -> None:
    """What was decided before it came is pending for the others only."""
    url = world.secrets["default"].pop("slack_webhook_url")
    world.cold()
    down(world, "sns")
    world.log(state="odd")
    failing(world)
    world.secrets["default"]["slack_webhook_url"] = url
    world.log(action="stopped")
    failing(world)
    assert sent(world, "slack") == ["stopped"]
    well(world)
    world.check()
    assert sent(world, "sns") == ["unknown", "stopped"]
    assert sent(world, "slack") == ["stopped"]


def test_for_a_channel_that_is_removed_nothing_is_pending(world: World) -> None:
    """What waited for it is gone with it, and nothing is pending for its sake."""
    gone(world, "slack")
    world.log(state="odd")
    failing(world)
    failing(world)
    del world.secrets["default"]["slack_webhook_url"]
    world.cold()
    assert world.check()["pending"] == 0
    assert sent(world, "sns") == ["unknown", "channel", "channel"]
    assert world.memory().dead_letters.total == 0
    assert world.memory().incidents == {}


# --- Some of a batch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "fault"), [("InternalError", False), ("Throttled", True)])
def test_entries_that_sns_cannot_take_now_come_again_and_the_others_do_not(
    world: World, topic: PickyTopic, code: str, fault: bool
) -> None:
    """Each entry of a PublishBatch is accepted or refused by itself."""
    topic.fate = {"stopped": (code, fault)}
    world.log(state="odd")
    world.log(action="stopped")
    failing(world)
    assert sent(world, "sns") == ["unknown"]
    assert sent(world, "slack") == ["unknown", "stopped"]
    topic.fate = {}
    assert world.check()["delivered"] == {"sns": 1}
    assert sent(world, "sns") == ["unknown", "stopped"]


def test_an_entry_that_sns_will_never_take_is_a_dead_letter_and_the_others_are_not(
    world: World, topic: PickyTopic
) -> None:
    """It is logged and counted; the rest of the batch arrived."""
    topic.fate = {"stopped": ("InvalidParameter", True)}
    world.log(state="odd")
    world.log(action="stopped")
    assert "SNS refused 1 of 2 messages: InvalidParameter" in failing(world)
    assert sent(world, "sns") == ["unknown"]
    memory = world.memory()
    assert (memory.outbox, memory.dead_letters.total, memory.dead_letters.last[0].kind) == ((), 1, "stopped")
    assert world.check()["pending"] == 0


def test_a_topic_that_is_gone_for_some_entries_is_gone(world: World, topic: PickyTopic) -> None:
    """What it took is struck out; what it did not waits; and Slack says that it is broken."""
    topic.fate = {"stopped": ("AuthorizationError", True)}
    world.log(state="odd")
    world.log(action="stopped")
    failing(world)
    failing(world)
    assert sent(world, "slack") == ["unknown", "stopped", "channel"]
    assert [notice.kind for notice in world.memory().outbox if "sns" in notice.pending_for] == ["stopped"]


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_send_is_not_begun_when_it_could_not_be_written_down(world: World) -> None:
    """With less than the time for sending and writing left, what is pending waits, and the check says so."""
    world.log(state="odd")

    def around(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "put_item":
            world.remaining = 17.9
        return answer

    world.around = around
    assert "no time was left for sns" in failing(world)
    assert sent(world, "sns") == sent(world, "slack") == []
    assert world.memory().lease_owner is None
    world.remaining = 55.0
    world.around = lambda name, call: call()
    world.check()
    assert sent(world, "sns") == sent(world, "slack") == ["unknown"]


def test_a_batch_that_sns_refuses_as_a_whole_is_published_entry_by_entry(world: World, topic: PickyTopic) -> None:
    """One that is malformed stops no other, and is a dead letter alone."""
    publish = topic.publish_batch

    def whole(*, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if any(topic.attribute(entry, "kind") == "stopped" for entry in PublishBatchRequestEntries):
            raise refusal("InvalidParameterValue")
        return publish(TopicArn=TopicArn, PublishBatchRequestEntries=PublishBatchRequestEntries)

    topic.publish_batch = whole  # type: ignore[method-assign]
    world.log(state="odd")
    world.log(action="stopped")
    assert "SNS refused 1 of 2 messages: InvalidParameterValue" in failing(world)
    assert sent(world, "sns") == ["unknown"]
    assert [letter.kind for letter in world.memory().dead_letters.last] == ["stopped"]
    assert world.memory().outbox == ()
