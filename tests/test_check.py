"""One check from the first request to its answer: what is asked, what is concluded, what a person reads."""

import gzip
import json
import logging
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handler import causes, check
from handler.causes import CAUSES
from handler.deadline import Deadline
from handler.decision import SOMEBODY
from handler.errors import CheckFailed, ConfigError, StoreError, UnreadableError
from sandbox.server import Fault, Response
from sandbox.watch import START
from sandbox.zoho import links, plan, row
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.wire import RudeServer, RunningOut, endless, trickling
from tests.world import World
from tests.world import world as open_world

ANSWER = {
    *("org", "rows", "pages", "notices", "delivered", "pending", "oldest_pending_hours", "incidents", "last_completed")
}


@pytest.fixture
def watched(world: World) -> World:
    """Give a world whose weekly schedule and last good backup are already known, a minute ago."""
    world.log(action="scheduled", at=START - timedelta(days=1, hours=1))
    world.log(state="completed", at=START - timedelta(days=1))
    world.check()
    assert world.topic.kinds == ["baseline"]
    world.clock.advance(minutes=1)
    forget(world)
    return world


def forget(world: World) -> None:
    """Forget what was sent and asked so far."""
    world.topic.entries.clear()
    world.slack.accepted.clear()
    world.slack.requests.clear()
    world.zoho.requests.clear()
    world.secret_reads = 0


@pytest.fixture
def calls(world: World) -> list[str]:
    """Record each call that leaves the process, in order."""
    made: list[str] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        made.append(name)
        return call()

    world.around = around
    return made


def failing(world: World, org: str = "default") -> str:
    """Check once, which must fail at its end, and return why."""
    with pytest.raises(CheckFailed) as raised:
        world.check(org)
    return str(raised.value)


def asked(world: World) -> list[str]:
    """Return the kinds of the requests that Zoho got."""
    return [request.kind for request in world.zoho.requests]


def mail(world: World, index: int = -1) -> str:
    """Return the text of an e-mail."""
    text: str = world.topic.entries[index]["Message"]
    return text


def post(world: World, index: int = -1) -> str:
    """Return all the text of a Slack message."""
    return json.dumps(world.slack.accepted[index].payload, ensure_ascii=False)


def fallback(world: World) -> list[str]:
    """Return the one line of each Slack message that a notification shows."""
    return [message.payload["text"] for message in world.slack.accepted]


# --- Requests ---------------------------------------------------------------------------------------------------------


def test_a_cold_quiet_check_asks_four_times(watched: World, calls: list[str]) -> None:
    """One item, one parameter, one token, one page; nothing else, and nothing is written."""
    watched.cold()
    watched.check()
    assert calls == ["get_item", "get_parameter", "read", "read"]
    assert asked(watched) == ["token", "history"]


def test_a_warm_quiet_check_asks_three_times(watched: World, calls: list[str]) -> None:
    """The token is known; the secret is read at every check."""
    watched.check()
    assert calls == ["get_item", "get_parameter", "read"]
    assert asked(watched) == ["history"]


def test_a_check_with_news_writes_before_it_sends_and_after_each_acceptance(watched: World, calls: list[str]) -> None:
    """The order that keeps the promises: saved, then sent; accepted, then written down."""
    watched.log(action="stopped")
    watched.check()
    assert calls == [
        *("get_item", "get_parameter", "read", "read"),
        *("put_item", "publish_batch", "put_item", "send", "put_item"),
    ]
    assert asked(watched) == ["history", "backup"]


def test_four_hundred_rows_take_two_pages_and_are_each_sent_once(watched: World) -> None:
    """However much is news at once: an outbox a check, in a few messages, until all of it was sent."""
    for number in range(398):
        watched.log(state="failure" if number % 2 else "odd", at=watched.clock.now - timedelta(minutes=number))
    watched.clock.advance(minutes=1)
    kinds: list[str] = []
    for _ in range(6):
        forget(watched)
        summary = watched.check()
        assert (summary["rows"], summary["pages"], summary["pending"]) == (400, 2, 0)
        assert asked(watched) == ["history"] * 2
        assert len(watched.topic.entries) <= 2
        sent = watched.topic.kinds
        kinds += [kind for each in sent for kind in (each if isinstance(each, list) else [each])]
    assert Counter(kinds) == {"failed": 199, "unknown": 199}
    assert watched.topic.kinds == []


# --- The answer and the log -------------------------------------------------------------------------------------------


def summaries(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of each summary line."""
    return [{name: vars(record)[name] for name in ANSWER} for record in caplog.records if record.message == "check"]


def test_the_answer_is_the_one_summary_line(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """With exactly the documented keys."""
    caplog.set_level(logging.INFO, "handler")
    watched.log(state="failure", at=START - timedelta(hours=1))
    summary = watched.check()
    assert summaries(caplog) == [summary]
    assert summary == {
        "org": "default",
        "rows": 3,
        "pages": 1,
        "notices": ["failed"],
        "delivered": {"sns": 1, "slack": 1},
        "pending": 0,
        "oldest_pending_hours": 0.0,
        "incidents": ["failing"],
        "last_completed": (START - timedelta(days=1)).isoformat(),
    }


def test_a_failing_check_logs_its_summary_all_the_same(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """The metric of the alarm reads it: how much is pending, and since when."""
    caplog.set_level(logging.INFO, "handler")
    watched.slack.standing["webhook"] = Fault(Response(500))
    watched.log(state="failure")
    assert "1 notice pending" in failing(watched)
    watched.clock.advance(hours=25, minutes=30)
    watched.zoho.standing["history"] = Fault(API_ERRORS["NO_PERMISSION"])
    failing(watched)
    first, second = summaries(caplog)
    assert (first["pending"], first["oldest_pending_hours"], first["delivered"]) == (1, 0.0, {"sns": 1})
    assert (second["pending"], second["oldest_pending_hours"], second["incidents"]) == (
        2,
        25.5,
        ["failing", "unreadable"],
    )
    assert (second["rows"], second["pages"]) == (0, 0)


def test_the_answer_survives_json(watched: World) -> None:
    """Lambda makes JSON of it."""
    watched.log(state="completed")
    summary = watched.check()
    assert json.loads(json.dumps(summary)) == summary


# --- Not connected ----------------------------------------------------------------------------------------------------


def test_a_stack_that_nobody_connected_stays_green(world: World) -> None:
    """Neither a parameter nor an item: there is nothing to check yet, hour after hour."""
    world.secrets.clear()
    for _ in range(2):
        assert world.check() == {"org": "default", "skipped": "not connected"}
    assert world.zoho.requests == []
    assert world.table.writes == 0


def test_another_organisation_without_a_parameter_is_a_mistake(world: World) -> None:
    """Somebody made a schedule for it, so somebody should connect it."""
    with pytest.raises(ConfigError, match="make connect ORG=acme"):
        world.check("acme")
    assert world.zoho.requests == []
    assert world.table.writes == 0


@pytest.mark.parametrize("org", ["default", "acme"])
def test_an_organisation_whose_parameter_is_gone_is_unreadable(world: World, org: str) -> None:
    """It was watched, so its silence would be taken for good."""
    world.secrets = {org: world.secrets["default"]}
    world.check(org)
    forget(world)
    del world.secrets[org]
    world.cold()
    assert "secret_missing" in failing(world, org)
    assert world.topic.kinds == ["unreadable"]
    assert CAUSES["secret_missing"].sentence in mail(world)


def test_what_is_pending_for_slack_while_the_parameter_is_gone_waits_for_it(world: World) -> None:
    """Its webhook is gone with it, and comes back with it: the channels that were known keep what is pending."""
    world.check()
    forget(world)
    secret = world.secrets.pop("default")
    failing(world)
    assert (len(world.topic.entries), len(world.slack.accepted)) == (1, 0)
    assert [notice.pending_for for notice in world.memory().outbox] == [("slack",)]
    world.secrets["default"] = secret
    world.clock.advance(hours=1)
    world.check()
    assert world.topic.kinds == ["unreadable", "readable"]
    assert len(world.slack.accepted) == 1
    for entry in world.topic.entries:
        assert world.topic.attribute(entry, "notice_id") in post(world)


# --- Unreadable, by cause ---------------------------------------------------------------------------------------------


def revoke(world: World) -> None:
    """Revoke the refresh token."""
    world.organisation.refresh_tokens.clear()


def delete_client(world: World) -> None:
    """Delete the client in the API console, or ask the wrong data centre."""
    world.zoho.organisations.clear()


def renew_client_secret(world: World) -> None:
    """Renew the client secret in the API console."""
    world.organisation.client_secret = "another"


def take_scope(world: World) -> None:
    """Have tokens of another scope."""
    world.organisation.scopes = {"ZohoCRM.modules.ALL"}


def demote(world: World) -> None:
    """Make the user an ordinary one."""
    world.organisation.admin = False


def answering(kind: str, turn: Fault) -> Callable[[World], None]:
    """Return what makes Zoho answer every request of a kind with this."""
    return lambda world: world.zoho.standing.update({kind: turn})


def vanish(world: World) -> None:
    """Empty the history."""
    world.organisation.rows = []


def overflow(world: World) -> None:
    """Give the history more rows than can be remembered."""
    world.organisation.rows = [row(START, state="completed") for _ in range(3_001)]


def malformed(world: World) -> None:
    """Break the parameter."""
    world.secrets["default"] = {"client_id": "1000.X"}


def missing(world: World) -> None:
    """Delete the parameter."""
    world.secrets.clear()


def denied(world: World) -> None:
    """Forbid the function to read the parameter."""
    world.secret_error = UnreadableError(causes.SECRET_DENIED, "AWS refuses to let the function read the parameter.")


ACT: dict[str, list[Callable[[World], None]]] = {
    "revoked_token": [revoke, answering("token", Fault(TOKEN_ERRORS["invalid_code"]))],
    "wrong_client": [delete_client],
    "wrong_client_secret": [renew_client_secret],
    "wrong_scope": [take_scope, answering("history", Fault(API_ERRORS["OAUTH_SCOPE_MISMATCH"]))],
    "no_permission": [demote, answering("history", Fault(API_ERRORS["NO_PERMISSION"]))],
    "wrong_url": [answering("history", Fault(API_ERRORS["INVALID_URL_PATTERN"]))],
    "wrong_method": [answering("history", Fault(API_ERRORS["INVALID_REQUEST_METHOD"]))],
    "invalid_token": [answering("history", Fault(API_ERRORS["INVALID_TOKEN"]))],
    "unusable": [answering("history", Fault(Response.json({"history": "?"})))],
    "history_vanished": [vanish],
    "history_too_long": [overflow],
    "secret_missing": [missing],
    "secret_malformed": [malformed],
    "secret_denied": [denied],
}
"""Cause → the ways to bring it about, each of which a person must fix."""

TRANSIENT: dict[str, Callable[[World], None]] = {
    "INTERNAL_ERROR": answering("history", Fault(API_ERRORS["INTERNAL_ERROR"])),
    "TOO_MANY_REQUESTS": answering("history", Fault(API_ERRORS["TOO_MANY_REQUESTS"])),
    "503": answering("history", Fault(Response(503))),
    "dropped": answering("history", Fault(drops=True)),
    "a maintenance page": answering("history", Fault(MAINTENANCE)),
    "a maintenance page in place of a token": answering("token", Fault(MAINTENANCE)),
    "throttled tokens": answering("token", Fault(TOKEN_ERRORS["throttled"])),
    "throttled tokens with 400": answering("token", Fault(Response(400, TOKEN_ERRORS["throttled"].body))),
    "truncated JSON": answering("history", Fault(Response(200, b'{"history": ['))),
}


def fixed(world: World, state: dict[str, Any]) -> None:
    """Undo whatever was done to a world."""
    world.zoho.standing.clear()
    world.zoho.organisations[world.organisation.client_id] = world.organisation
    vars(world.organisation).update(state)
    world.secrets = {"default": world.organisation.secret(**world.slack.settings())}
    world.secret_error = None


def next_step(cause: str) -> str:
    """Return what a message of this cause says that is to be done."""
    return CAUSES[cause].next_step.replace("{operator}", SOMEBODY).replace("{connect}", "make connect ORG=default")


@pytest.mark.parametrize(("cause", "way"), [(cause, n) for cause, ways in ACT.items() for n in range(len(ways))])
def test_each_cause_is_sent_at_once_then_reminded_of_then_over(watched: World, cause: str, way: int) -> None:
    """The person reads the right cause and next step, once, then a reminder a day, then that it is over."""
    before = {name: list(v) if isinstance(v, list) else v for name, v in vars(watched.organisation).items()}
    watched.cold()
    ACT[cause][way](watched)
    assert cause in failing(watched)
    assert watched.topic.kinds == ["unreadable"]
    assert CAUSES[cause].sentence in mail(watched)
    assert next_step(cause) in mail(watched)
    for hours, minutes in ((1, 0), (11, 0), (11, 59)):
        watched.clock.advance(hours=hours, minutes=minutes)
        failing(watched)
    assert watched.topic.kinds == ["unreadable"]
    watched.clock.advance(minutes=1)
    failing(watched)
    assert watched.topic.kinds == ["unreadable", "unreadable"]
    assert watched.topic.entries[1]["Subject"] != watched.topic.entries[0]["Subject"]
    assert CAUSES[cause].sentence in mail(watched)
    watched.clock.advance(minutes=30)
    fixed(watched, before)
    assert watched.check()["incidents"] == []
    assert watched.topic.kinds == ["unreadable", "unreadable", "readable"]
    assert "24 hours" in mail(watched)
    on_slack = "".join(post(watched, n) for n in range(len(watched.slack.accepted)))
    assert json.dumps(CAUSES[cause].sentence, ensure_ascii=False)[1:-1] in on_slack
    for entry in watched.topic.entries:
        assert on_slack.count(watched.topic.attribute(entry, "notice_id")) == 1


def test_every_cause_is_brought_about() -> None:
    """A cause that is added is tested here, too; transient errors have a test of their own."""
    assert {*ACT, "transient"} == set(CAUSES)


@pytest.mark.parametrize("case", TRANSIENT)
def test_transient_errors_are_sent_only_when_they_last(watched: World, case: str) -> None:
    """One bad hour at Zoho wakes nobody; six do, once; and the first good read ends it."""
    watched.cold()
    TRANSIENT[case](watched)
    failing(watched)
    for _ in range(5):
        watched.clock.advance(hours=1)
        failing(watched)
    assert watched.topic.entries == []
    watched.clock.advance(hours=1)
    assert "transient" in failing(watched)
    assert watched.topic.kinds == ["unreadable"]
    assert CAUSES["transient"].sentence in mail(watched)
    watched.zoho.standing.clear()
    watched.clock.advance(hours=1)
    watched.check()
    assert watched.topic.kinds == ["unreadable", "readable"]


def test_an_error_that_passes_in_time_is_never_mentioned(watched: World) -> None:
    """An incident that nobody was notified of ends in silence."""
    watched.zoho.standing["history"] = Fault(Response(503))
    failing(watched)
    watched.zoho.standing.clear()
    watched.clock.advance(hours=5)
    assert watched.check()["incidents"] == []
    assert watched.topic.entries == watched.slack.accepted == []


def test_throttling_of_the_parameter_store_is_transient(watched: World) -> None:
    """It is AWS's own, and passes."""
    watched.secret_error = UnreadableError(causes.TRANSIENT, "AWS Systems Manager did not answer.")
    assert "transient" in failing(watched)
    assert watched.topic.entries == []


def test_zohos_own_resolution_is_passed_on(watched: World) -> None:
    """It names what Zoho wants done."""
    demote(watched)
    failing(watched)
    assert "Contact your system administrator." in mail(watched)
    assert "Contact your system administrator." in post(watched)


@pytest.mark.parametrize("fail", [revoke, answering("history", Fault(Response(503)))], ids=["revoked", "503"])
def test_while_nothing_can_be_read_no_row_is_remembered_and_nothing_is_concluded(
    watched: World, fail: Callable[[World], None]
) -> None:
    """Not being able to look is no evidence: neither overdue nor stuck, and no digest."""
    watched.log(action="initiated")
    watched.check()
    before = watched.memory()
    watched.cold()
    fail(watched)
    watched.log(state="failure")
    for _ in range(40):
        watched.clock.advance(days=1)
        failing(watched)
    memory = watched.memory()
    assert (memory.seen, memory.last_seen_id, memory.last_completed) == (
        *(before.seen, before.last_seen_id, before.last_completed),
    )
    assert set(memory.incidents) == {"unreadable"}
    assert set(watched.topic.kinds) == {"unreadable"}


def test_what_is_pending_is_delivered_although_nothing_can_be_read(watched: World) -> None:
    """The outbox does not wait for Zoho."""
    watched.slack.script("webhook", Response(500))
    watched.log(state="failure")
    failing(watched)
    assert watched.slack.accepted == []
    watched.zoho.standing["history"] = Fault(Response(503))
    failing(watched)
    assert len(watched.slack.accepted) == 1
    assert watched.topic.kinds == ["failed"]


def test_what_happened_meanwhile_is_sent_after_the_first_good_read(watched: World) -> None:
    """A failed backup in a week without access is still news."""
    watched.cold()
    revoke(watched)
    failing(watched)
    watched.log(state="failure")
    watched.clock.advance(hours=5)
    watched.organisation.refresh_tokens.append("1000.new.token")
    watched.secrets["default"]["refresh_token"] = "1000.new.token"
    assert watched.check()["notices"] == ["readable", "failed"]


def test_an_organisation_that_was_never_readable_begins_with_that(world: World) -> None:
    """First `unreadable`, then `readable` and the baseline together."""
    demote(world)
    failing(world)
    assert world.topic.kinds == ["unreadable"]
    world.organisation.admin = True
    world.clock.advance(hours=1)
    world.check()
    assert world.topic.kinds == ["unreadable", "readable", "baseline"]


# --- A rotated secret -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["refresh_token", "client_id", "client_secret"])
def test_rotated_credentials_count_at_once(watched: World, field: str) -> None:
    """Without a deployment, without a cold start, without a word to anybody, although the old token would live on."""
    organisation = watched.organisation
    if field == "refresh_token":
        organisation.refresh_tokens[:] = ["1000.rotated.token"]
    elif field == "client_secret":
        organisation.client_secret = "renewed"
    else:
        delete_client(watched)
        organisation = watched.zoho.organisation(organisation.rows)
    watched.secrets["default"] |= organisation.secret()
    assert watched.check()["notices"] == []
    assert watched.secret_reads == 1
    assert asked(watched) == ["token", "history"]


def test_a_rotated_webhook_counts_at_once(watched: World) -> None:
    """Also for what waits for the old one, which is gone."""
    watched.slack.break_with("no_service")
    watched.log(state="failure")
    failing(watched)
    watched.slack.repair()
    watched.secrets["default"] |= watched.slack.settings("ROTATED")
    watched.check()
    assert [message.name for message in watched.slack.accepted] == ["ROTATED"]


@pytest.mark.parametrize("fail", [revoke, answering("history", Fault(Response(503)))], ids=["revoked", "503"])
def test_the_secret_is_read_once_a_check(watched: World, fail: Callable[[World], None]) -> None:
    """Whatever Zoho says."""
    fail(watched)
    watched.clock.advance(hours=2)
    failing(watched)
    assert watched.secret_reads == 1


def test_a_malformed_key_breaks_its_channel_only_and_the_others_say_so(watched: World) -> None:
    """The history is read all the same; what waits is delivered once the key is right, and that is said, too."""
    watched.secrets["default"]["slack_webhook_url"] = "http://elsewhere.example/canary"
    watched.log(state="failure")
    failing(watched)
    assert watched.topic.kinds == ["failed", "channel"]
    assert "Can't deliver to Slack" in mail(watched)
    assert "slack_webhook_url must be an https URL" in mail(watched)
    assert "canary" not in mail(watched)
    failing(watched)
    assert watched.topic.kinds == ["failed", "channel"]
    assert watched.slack.requests == []
    watched.secrets["default"] |= watched.slack.settings()
    watched.check()
    assert len(watched.slack.accepted) == 1
    assert watched.check()["incidents"] == ["failing"]
    assert watched.topic.kinds == ["failed", "channel", "channel"]
    assert "Delivery to Slack works again" in mail(watched)


# --- Plan and download links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["completed", "finished", "COMPLETED"])
def test_a_completion_asks_for_the_plan_and_the_links(watched: World, state: str) -> None:
    """Zoho's own dates are in the message, and the next check asks for neither."""
    watched.organisation.urls = links(datetime(2026, 3, 20, 15, 4, tzinfo=UTC), data=2, attachments=1)
    watched.organisation.plan = plan(next_run=datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    watched.log(state=state)
    watched.check()
    assert asked(watched) == ["history", "urls", "backup"]
    assert "Download until: 20 Mar 2026 15:04 UTC" in mail(watched)
    assert "Files: 3" in mail(watched)
    assert "Next run: 09 Mar 2026 09:00 UTC" in mail(watched)
    forget(watched)
    watched.check()
    assert asked(watched) == ["history"]


ASKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "failed": ({"state": "failure"}, []),
    "unknown": ({"state": "odd"}, []),
    "started": ({"action": "initiated"}, []),
    "stopped": ({"action": "stopped"}, ["backup"]),
    "scheduled": ({"action": "scheduled"}, ["backup"]),
}


@pytest.mark.parametrize("case", ASKS)
def test_other_news_asks_for_the_plan_where_it_may_have_changed_and_never_for_links(watched: World, case: str) -> None:
    """Nothing can be downloaded then."""
    what, asks = ASKS[case]
    watched.log(**what)
    watched.check()
    assert asked(watched) == ["history", *asks]


def test_a_baseline_asks_for_the_plan_only(world: World) -> None:
    """Its completions are no news."""
    world.log(state="completed")
    world.check()
    assert asked(world) == ["token", "history", "backup"]


def test_a_completion_that_nobody_wants_to_hear_of_asks_for_no_links() -> None:
    """No message, no date."""
    with open_world(NOTIFY_ON="failed") as world:
        world.check()
        world.log(state="completed")
        forget(world)
        world.check()
        assert asked(world) == ["history", "backup"]


DEADLINES: dict[str, Fault] = {
    "none": Fault(Response(204)),
    "no date": Fault(Response.json({"urls": {"data_links": []}})),
    "not a date": Fault(Response.json({"urls": {"expiry_date": "soon"}})),
    "before the backup": Fault(Response.json({"urls": {"expiry_date": "2026-03-02T10:01:00+00:00"}})),
    "of another year": Fault(Response.json({"urls": {"expiry_date": "2027-03-02T10:01:00+00:00"}})),
    "forbidden": Fault(API_ERRORS["NO_PERMISSION"]),
    "wrong scope": Fault(API_ERRORS["OAUTH_SCOPE_MISMATCH"]),
    "in trouble": Fault(Response(500)),
    "dropped": Fault(drops=True),
    "a web page": Fault(MAINTENANCE),
    "of another form": Fault(Response.json(["urls"])),
    "null": Fault(Response.json(None)),
}


@pytest.mark.parametrize("case", DEADLINES)
def test_without_a_plausible_date_seven_days_are_said(watched: World, case: str) -> None:
    """Best effort: its failing never fails the check, and hides nothing."""
    watched.zoho.standing |= {"urls": DEADLINES[case], "backup": DEADLINES[case]}
    watched.log(state="completed")
    watched.check()
    assert asked(watched) == ["history", "urls", "backup"]
    assert "Download until: 09 Mar 2026 10:01 UTC" in mail(watched)


def test_a_question_that_is_not_answered_is_logged(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """Which one, of whom, and why."""
    caplog.set_level(logging.INFO, "handler")
    watched.zoho.standing["backup"] = Fault(API_ERRORS["NO_PERMISSION"])
    watched.log(action="stopped")
    watched.check()
    [record] = [vars(record) for record in caplog.records if record.message == "not answered"]
    assert (record["org"], record["question"], record["cause"]) == ("default", "plan", "no_permission")


def test_an_unreadable_history_is_logged_with_its_cause(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """Whose, which and what was seen."""
    demote(watched)
    failing(watched)
    [record] = [vars(record) for record in caplog.records if record.message == "unreadable"]
    assert (record["org"], record["cause"]) == ("default", "no_permission")
    assert record["detail"] == "HTTP 403 NO_PERMISSION"


# --- Settings with an effect ------------------------------------------------------------------------------------------


def test_times_are_shown_in_the_time_zone_of_the_deployment() -> None:
    """With the offset of that day."""
    with open_world(TIME_ZONE="Europe/Berlin") as world:
        world.check()
        world.log(state="failure", log_time="2026-03-02T10:01:00+00:00")
        world.clock.advance(minutes=2)
        world.check()
        assert "Failed: 02 Mar 2026 11:01 CET (10:01 UTC)" in mail(world)


def test_whoever_operates_the_notifier_is_named_in_next_steps() -> None:
    """Where only they can act."""
    with open_world(OPERATED_BY="Jo in IT, +49 30 1") as world:
        revoke(world)
        failing(world)
        assert "Ask Jo in IT, +49 30 1 to reconnect" in mail(world)
        assert "Ask Jo in IT, +49 30 1 to reconnect" in post(world)


def test_an_organisation_may_have_a_time_zone_of_its_own(watched: World) -> None:
    """One stack serves companies in several countries."""
    watched.secrets["default"]["time_zone"] = "Asia/Kolkata"
    watched.log(state="failure", log_time="2026-03-02T10:01:00+00:00")
    watched.check()
    assert "Failed: 02 Mar 2026 15:31 IST (10:01 UTC)" in mail(watched)


def test_without_its_parameter_an_organisation_is_called_by_its_key(watched: World) -> None:
    """Name, time zone and data centre are in there, too: what is sent then has none of them."""
    watched.secrets["default"] |= {"name": "Acme Ltd", "time_zone": "Asia/Kolkata"}
    watched.log(state="failure")
    watched.check()
    assert mail(watched).startswith("Acme Ltd: ")
    missing(watched)
    failing(watched)
    assert mail(watched).startswith("default: ")
    assert " IST " not in mail(watched)


# --- Heartbeat --------------------------------------------------------------------------------------------------------


@pytest.fixture
def beating(watched: World) -> World:
    """Give the watched world with a heartbeat URL."""
    watched.secrets["default"]["heartbeat_url"] = watched.slack.heartbeat_url("canaryHEART")
    return watched


def beats(world: World) -> list[str]:
    """Return method and path of each heartbeat."""
    return [f"{request.method} {request.path}" for request in world.slack.requests if request.kind == "heartbeat"]


def test_a_good_check_beats_once(beating: World) -> None:
    """With news or without, after everything else is done."""
    beating.check()
    assert beats(beating) == ["GET /heartbeat/canaryHEART"]
    beating.log(state="failure")
    beating.check()
    assert len(beats(beating)) == 2
    assert [request.kind for request in beating.slack.requests] == ["heartbeat", "webhook", "heartbeat"]


@pytest.mark.parametrize("bad", ["unreadable", "pending", "skipped"])
def test_a_bad_check_does_not_beat(beating: World, bad: str) -> None:
    """That is what the dead-man's switch is for."""
    if bad == "unreadable":
        demote(beating)
        failing(beating)
    elif bad == "pending":
        beating.slack.standing["webhook"] = Fault(Response(500))
        beating.log(state="failure")
        failing(beating)
    else:
        beating.secrets.clear()
        beating.table.items.clear()
        assert "skipped" in beating.check()
    assert beats(beating) == []


@pytest.mark.parametrize(
    "turn",
    [
        Fault(Response(500)),
        Fault(Response(404)),
        Fault(Response(302, headers={"Location": "http://127.0.0.1:1/"})),
        Fault(drops=True),
    ],
    ids=["500", "404", "302", "dropped"],
)
def test_a_heartbeat_that_fails_is_logged_and_harms_nothing(
    beating: World, caplog: pytest.LogCaptureFixture, turn: Fault
) -> None:
    """It is asked once, and its URL, which is a secret, is nowhere."""
    beating.slack.standing["heartbeat"] = turn
    assert beating.check()["pending"] == 0
    assert len(beats(beating)) == 1
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == ["heartbeat failed"]
    assert "canary" not in caplog.text + "".join(repr(vars(record)) for record in caplog.records)


def test_a_heartbeat_that_never_ends_is_cut_off(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """Or Lambda would kill a check that was good, and count an error."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(RudeServer(lambda: endless(head, b"1\r\nx\r\n", limit=60_000))) as server:
        watched.secrets["default"]["heartbeat_url"] = server.url
        time = RunningOut(55)
        assert check.run("default", watched.services, "request", Deadline(time))["pending"] == 0
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(vars(record)["org"], vars(record)["why"]) for record in warnings] == [
        ("default", "the answer came too slowly")
    ]
    assert time.left > 20


def test_an_organisation_without_a_heartbeat_asks_nobody(watched: World) -> None:
    """It is optional."""
    watched.check()
    assert watched.slack.requests == []


# --- Time -------------------------------------------------------------------------------------------------------------


def test_reading_leaves_time_to_deliver(watched: World) -> None:
    """With half a minute left nothing is read any more, but what is pending is delivered."""
    watched.slack.script("webhook", Response(500))
    watched.log(state="failure")
    failing(watched)
    forget(watched)
    watched.remaining = 30.0
    assert "transient" in failing(watched)
    assert watched.zoho.requests == []
    assert len(watched.slack.accepted) == 1


SLOW_HEAD = (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n", b"Content-Length: 2\r\n\r\n{}")
"""An answer whose head comes line by line: no timeout of a socket ever ends it."""


def test_a_zoho_whose_head_trickles_keeps_nothing_from_being_delivered(
    watched: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The check ends in time: what was pending is delivered, the incident is open, and the summary is in the log."""
    caplog.set_level(logging.INFO, "handler")
    watched.slack.script("webhook", Response(500))
    watched.log(state="failure")
    failing(watched)
    with closing(RudeServer(lambda: trickling(*SLOW_HEAD), pause_seconds=0.05)) as server:
        watched.cold(ZOHO_API_URL=server.url)
        watched.remaining = check.DELIVERY_SECONDS + 0.3
        assert "the answer came too slowly" in failing(watched)
        assert server.requests == 1
    assert len(watched.slack.accepted) == 1
    assert set(watched.memory().incidents) == {"failing", "unreadable"}
    assert summaries(caplog)[-1]["delivered"] == {"slack": 1}
    assert summaries(caplog)[-1]["incidents"] == ["failing", "unreadable"]


def test_a_heartbeat_whose_head_trickles_fails_no_check(
    watched: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with its share of the time, and the check was good."""
    with closing(RudeServer(lambda: trickling(*SLOW_HEAD), pause_seconds=0.05)) as server:
        watched.secrets["default"]["heartbeat_url"] = server.url
        monkeypatch.setattr(check, "SEND_SECONDS", 0.3)
        assert watched.check()["pending"] == 0
        assert server.requests == 1
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == ["heartbeat failed"]


@pytest.mark.parametrize("rows", [201, 100_000], ids=["one too many", "very many"])
def test_a_page_of_too_many_rows_is_unusable_before_they_are_looked_at(watched: World, rows: int) -> None:
    """A small answer may inflate to a million rows; to remember none of them costs little memory."""
    body = b'{"history": [' + b",".join([b"{}"] * rows) + b'], "info": {"more_records": false}}'
    watched.zoho.standing["history"] = Fault(Response(200, gzip.compress(body), {"Content-Encoding": "gzip"}))
    before = watched.memory()
    tracemalloc.start()
    assert f"A page of the history has {rows} rows, not 200" in failing(watched)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert watched.memory().seen == before.seen
    assert watched.topic.kinds == ["unreadable"]


# --- The table --------------------------------------------------------------------------------------------------------


def test_an_item_that_cannot_be_understood_ends_the_check_before_anything_is_asked(watched: World) -> None:
    """Nothing is concluded from a memory that a hand has broken, and nothing is overwritten."""
    watched.table.items["default"]["seen"] = {"N": "5"}
    broken = dict(watched.table.items["default"])
    with pytest.raises(StoreError, match="cannot be read"):
        watched.check()
    assert watched.zoho.requests == []
    assert watched.table.items["default"] == broken


# --- Organisations ----------------------------------------------------------------------------------------------------


def forget_parameter(world: World) -> None:
    """Delete the parameter of the organisation `bad`."""
    del world.secrets["bad"]


BROKEN: dict[str, Callable[[World, dict[str, str]], None]] = {
    "unknown client": lambda world, secret: secret.update(client_id="1000.UNKNOWN"),
    "revoked token": lambda world, secret: secret.update(refresh_token="1000.revoked"),
    "malformed secret": lambda world, secret: secret.update(data_center="moon"),
    "dead webhook": lambda world, secret: secret.update(slack_webhook_url=world.slack.url + "/gone"),
    "refused webhook": lambda world, secret: secret.update(slack_webhook_url="http://127.0.0.1:1/services/T0/B0/x"),
    "malformed webhook": lambda world, secret: secret.update(slack_webhook_url="http://elsewhere.example/"),
    "broken item": lambda world, secret: world.table.items["bad"].update(seen={"N": "5"}),
    "missing parameter": lambda world, secret: forget_parameter(world),
    "dead heartbeat": lambda world, secret: secret.update(heartbeat_url="http://127.0.0.1:1/x"),
}


@pytest.fixture
def two() -> Iterator[World]:
    """Give a world with the organisations `good` and `bad`, both with a baseline, on one function."""
    with open_world() as world:
        bad = world.zoho.organisation([row(START - timedelta(days=1), state="completed")])
        world.secrets = {
            "good": world.secrets["default"],
            "bad": bad.secret(slack_webhook_url=world.slack.webhook_url("BAD")),
        }
        world.log(state="completed", at=START - timedelta(days=1))
        for org in ("good", "bad"):
            world.check(org)
        world.clock.advance(minutes=1)
        forget(world)
        yield world


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_one_broken_organisation_never_touches_another(two: World, case: str, warm: bool) -> None:
    """Same function, same environment, same table: the other one is checked as if it were alone."""
    BROKEN[case](two, two.secrets["bad"])
    if not warm:
        two.cold()
    two.log(state="failure")
    for _ in range(3):
        try:
            two.check("bad")
        except (CheckFailed, StoreError):
            assert case != "dead heartbeat"
        two.check("good")
        two.clock.advance(hours=1)
    sent = [entry for entry in two.topic.entries if two.topic.attribute(entry, "org") == "good"]
    assert [two.topic.attribute(entry, "kind") for entry in sent] == ["failed"]
    posts = [request for request in two.slack.requests if request.path.endswith("SANDBOX")]
    assert [request.status for request in posts] == [200]
    assert set(two.memory("good").incidents) == {"failing"}


def test_organisations_are_named_in_every_message(two: World) -> None:
    """Attributes, text and webhook are the organisation's own."""
    two.secrets["bad"]["name"] = "Second Ltd"
    for organisation in two.zoho.organisations.values():
        organisation.rows.insert(0, row(two.clock.now, state="failure"))
    for org in ("good", "bad"):
        two.check(org)
    assert [two.topic.attribute(entry, "org") for entry in two.topic.entries] == ["good", "bad"]
    assert mail(two, 0).startswith("good: ")
    assert mail(two, 1).startswith("Second Ltd: ")
    assert [text.partition(":")[0] for text in fallback(two)] == ["good", "Second Ltd"]
