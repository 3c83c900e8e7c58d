"""One check from the first request to its answer: what is asked, what is concluded, what a person reads."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handler import actions, check, errors
from handler.decision import SOMEBODY
from handler.errors import CAUSES, CheckFailed, NotifierError, StoreError, UnreadableError
from sandbox.server import Fault, Response
from sandbox.watch import START
from sandbox.zoho import row
from sandbox.zoho_errors import API_ERRORS
from tests.world import World
from tests.world import world as open_world


@pytest.fixture
def watched(world: World) -> World:
    """Give a world whose weekly schedule and last good backup are already known, a minute ago."""
    world.log(action="scheduled", at=START - timedelta(days=1, hours=1))
    world.log(state="completed", at=START - timedelta(days=1))
    world.check()
    assert world.topic.kinds == ["baseline"]
    world.clock.advance(minutes=1)
    world.forget()
    return world


def records(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    """Return the fields of each log record with this message."""
    return [vars(record) for record in caplog.records if record.getMessage() == message]


# --- The answer and the log -------------------------------------------------------------------------------------------


def test_the_answer_is_the_one_summary_line(watched: World, caplog: pytest.LogCaptureFixture) -> None:
    """With exactly the documented keys, and in JSON's types."""
    caplog.set_level(logging.INFO, "handler")
    watched.log(state="failure", at=START - timedelta(hours=1))
    summary = watched.check()
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
        "problem": None,
    }
    assert json.loads(json.dumps(summary)) == summary
    (line,) = records(caplog, "check")
    assert {name: line[name] for name in summary} == summary


# --- What the alarms read ---------------------------------------------------------------------------------------------


def _lease(world: World) -> None:
    world.services.store.save(world.memory()._replace(lease_until=world.clock.now + timedelta(seconds=9)))


def _disconnect(world: World) -> None:
    world.secrets.clear()
    world.table.items.clear()


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "GetItem")
ENDINGS: dict[str, tuple[Callable[[World], object], Callable[..., Any], list[float]]] = {
    "all is well": (lambda world: setattr(world.topic, "fail", None), check.run, [0.0]),
    "something stays pending": (lambda world: None, check.run, [5.5]),
    "Slack has reported what it waits for": (World.failing, check.run, [0.0]),
    "another check is delivering": (_lease, check.run, [5.5]),
    "nobody connected it": (_disconnect, check.run, [0.0]),
    "DynamoDB refuses": (lambda world: setattr(world, "around", Mock(side_effect=DENIED)), check.run, []),
    "it is a dry run": (lambda world: None, check.dry_run, []),
    "it is a question": (lambda world: None, actions.status, []),
    "it is a test": (lambda world: None, actions.send_test, []),
}
"""What happens before an invocation, what is asked of it, and the `oldest_pending_hours` that it logs."""


@pytest.mark.parametrize("case", ENDINGS)
def test_every_check_that_reaches_its_end_is_counted_once_and_nothing_else(
    watched: World, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    """The alarm `not-invoked` counts these lines, so that neither a poll nor a dead check passes for a check."""
    happens, invoke, hours = ENDINGS[case]
    watched.topic.fail = EndpointConnectionError(endpoint_url="https://sns")
    watched.log(state="failure")
    watched.failing()
    watched.clock.advance(hours=5.5)
    happens(watched)
    caplog.clear()
    caplog.set_level(logging.INFO, "handler")
    with suppress(NotifierError):
        invoke("default", watched.services, "request", watched.deadline)
    logged = [vars(record) for record in caplog.records]
    assert [line["oldest_pending_hours"] for line in logged if "oldest_pending_hours" in line] == hours


# --- Unreadable, by cause ---------------------------------------------------------------------------------------------


def answering(kind: str, turn: Fault | Response) -> Callable[[World], None]:
    """Return what makes Zoho answer every request of a kind with this."""
    fault = turn if isinstance(turn, Fault) else Fault(turn)
    return lambda world: world.zoho.standing.update({kind: fault})


def changing(**fields: Any) -> Callable[[World], None]:
    """Return what changes the organisation at Zoho."""
    return lambda world: vars(world.organisation).update(fields)


def denied(world: World) -> None:
    """Forbid the function to read the parameter."""
    world.secret_error = UnreadableError(errors.SECRET_DENIED, "AWS refuses to let the function read the parameter.")


ACT: dict[str, Callable[[World], None]] = {
    "revoked_token": changing(refresh_tokens=[]),
    "wrong_client": lambda world: world.zoho.organisations.clear(),
    "wrong_client_secret": changing(client_secret="another"),
    "wrong_scope": changing(scopes={"ZohoCRM.modules.ALL"}),
    "no_permission": changing(admin=False),
    "api_changed": answering("history", API_ERRORS["INVALID_URL_PATTERN"]),
    "invalid_token": answering("history", API_ERRORS["INVALID_TOKEN"]),
    "refused": answering("history", Response.json({"code": "IP_RESTRICTED"}, 403)),
    "unusable": answering("history", Response.json({"history": "?"})),
    "history_vanished": changing(rows=[]),
    "secret_missing": lambda world: world.secrets.clear(),
    "secret_malformed": lambda world: world.secrets.update(default={"client_id": "1000.X"}),
    "secret_denied": denied,
}
"""Cause → how to bring it about. A person must fix each of them."""
CONCLUDED = {"invalid_token", "refused", "unusable", "history_vanished"}
"""Those that no code on Zoho's page names."""


@pytest.mark.parametrize("cause", ACT)
def test_each_cause_is_sent_once_then_reminded_of_then_over(watched: World, cause: str) -> None:
    """The person reads the right cause and next step, once, then a reminder a day, then that it is over."""
    before = {name: list(v) if isinstance(v, list) else v for name, v in vars(watched.organisation).items()}
    step = CAUSES[cause].next_step.replace("{operator}", SOMEBODY).replace("{connect}", "make connect ORG=default")
    watched.cold()
    ACT[cause](watched)
    if cause in CONCLUDED:
        assert cause in watched.failing()
        assert watched.topic.kinds == []
        watched.clock.advance(minutes=1)
    assert cause in watched.told()
    assert watched.topic.kinds == ["unreadable"]
    assert CAUSES[cause].sentence in watched.mail()
    assert step.replace("`", "'") in watched.mail()
    for minutes in (60, 23 * 60 - 1):
        watched.clock.advance(minutes=minutes)
        watched.told()
    assert watched.topic.kinds == ["unreadable"]
    watched.clock.advance(minutes=1)
    watched.told()
    assert watched.topic.kinds == ["unreadable", "unreadable"]
    assert watched.topic.entries[1]["Subject"] != watched.topic.entries[0]["Subject"]
    watched.clock.advance(minutes=30)
    watched.zoho.standing.clear()
    watched.zoho.organisations[watched.organisation.client_id] = watched.organisation
    changing(**before)(watched)
    watched.secrets = {"default": watched.organisation.secret(**watched.slack.settings())}
    watched.secret_error = None
    assert watched.check()["incidents"] == []
    assert watched.sent("sns") == watched.sent("slack") == ["unreadable", "unreadable", "readable"]
    assert "24 hours" in watched.mail()


def test_every_cause_is_brought_about() -> None:
    """A cause that is added is tested here, too; transient errors have stories, `test_incidents.py`."""
    assert set(ACT) | {"history_replaced"} == {cause.name for cause in CAUSES.values() if cause.actionable}


def test_what_is_pending_is_delivered_although_nothing_can_be_read(
    watched: World, caplog: pytest.LogCaptureFixture
) -> None:
    """With half a minute left nothing is read any more: that time belongs to the outbox."""
    watched.slack.script("webhook", Response(500))
    watched.log(state="failure")
    watched.failing()
    watched.forget()
    watched.remaining = 30.0
    assert "no_time" in watched.failing()
    [why] = records(caplog, "unreadable")
    assert (why["org"], why["cause"], why["detail"].startswith("The time of this check")) == (
        "default",
        "no_time",
        True,
    )
    assert watched.asked == []
    assert (watched.sent("sns"), watched.sent("slack")) == ([], ["failed"])


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
        watched.zoho.organisations.clear()
        organisation = watched.zoho.organisation(organisation.rows)
    watched.secrets["default"] |= organisation.secret()
    assert watched.check()["notices"] == []
    assert watched.asked == ["token", "history"]


def test_a_malformed_key_breaks_its_channel_only_and_a_right_one_counts_at_once(watched: World) -> None:
    """The other channel says what is wrong; what waits is delivered to the new webhook, and that is said, too."""
    watched.secrets["default"]["slack_webhook_url"] = "http://elsewhere.example/canary"
    watched.log(state="failure")
    for _ in range(2):
        assert watched.told() == "1 notice pending"
        assert watched.topic.kinds == ["failed", "channel"]
    assert "Can't deliver to Slack" in watched.mail()
    assert "slack_webhook_url must be an https URL" in watched.mail()
    assert "canary" not in watched.mail()
    watched.secrets["default"] |= watched.slack.settings("ROTATED")
    assert watched.check()["incidents"] == ["failing"]
    assert [message.name for message in watched.slack.accepted] == ["ROTATED"]
    assert watched.topic.kinds == ["failed", "channel", "channel"]
    assert "Slack can be used again" in watched.mail()


# --- Plan and download links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(API_ERRORS["NO_PERMISSION"]), Fault(drops=True)], ids=["forbidden", "dropped"])
def test_a_look_up_that_fails_is_logged_and_hides_nothing(
    watched: World, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """The message is sent without Zoho's dates."""
    caplog.set_level(logging.INFO, "handler")
    watched.zoho.standing |= {"urls": fault, "backup": fault}
    watched.log(state="completed")
    watched.check()
    assert "Download until: 09 Mar 2026 10:01 UTC" in watched.mail()
    cause = "transient" if fault.drops else "no_permission"
    lines = records(caplog, "not answered")
    assert {(line["org"], line["question"], line["cause"]) for line in lines} == {
        ("default", question, cause) for question in ("plan", "links")
    }


# --- Heartbeat --------------------------------------------------------------------------------------------------------


@pytest.fixture
def beating(watched: World) -> World:
    """Give the watched world with a heartbeat URL."""
    watched.secrets["default"]["heartbeat_url"] = watched.slack.heartbeat_url("canaryHEART")
    return watched


BEATS: dict[str, Fault] = {
    "500": Fault(Response(500)),
    "302": Fault(Response(302, headers={"Location": "http://127.0.0.1:1/"})),
    "dropped": Fault(drops=True),
    "a page": Fault(Response.text("<html>This domain is for sale</html>")),
    "not found": Fault(Response.text("OK (not found)")),
    "rate limited": Fault(Response.text("OK (rate limited)")),
    "no": Fault(Response.json({"ok": False})),
}
RECORDED = [Response(204), Response.text("OK"), Response.text("Got it, thanks!"), Response.json({"ok": True})]


@pytest.mark.parametrize("case", BEATS)
def test_a_heartbeat_that_is_not_recorded_for_a_day_breaks_and_heals(
    beating: World, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    """One bad answer is only logged; the second, a day later, is sent, and again each day; its URL is nowhere."""
    beating.slack.standing["heartbeat"] = BEATS[case]
    for hours in (0, 1, 22.9):
        beating.clock.advance(hours=hours)
        assert beating.check()["notices"] == []
    assert [request.method for request in beating.slack.requests] == ["GET"] * 3
    assert len(records(caplog, "heartbeat failed")) == 3
    beating.clock.advance(hours=0.1)
    assert "nobody was notified of channel:heartbeat" in beating.failing()
    for hours in (0, 24):
        beating.clock.advance(hours=hours)
        assert beating.check()["notices"] == ["channel"]
    assert "canary" not in caplog.text + "".join(repr(vars(record)) for record in caplog.records) + beating.mail()
    del beating.slack.standing["heartbeat"]
    beating.check()
    assert (beating.check()["notices"], beating.memory().incidents) == (["channel"], {})
    assert beating.memory().refusing_since == {}


@pytest.mark.parametrize("good", RECORDED)
def test_a_good_answer_between_two_bad_ones_keeps_the_heartbeat(beating: World, good: Response) -> None:
    """So does that nothing was asked."""
    for response in (Response(500), good, Response(500)):
        beating.slack.standing["heartbeat"] = Fault(response)
        beating.clock.advance(hours=20)
        beating.check()
    assert beating.check()["incidents"] == []


def test_a_heartbeat_that_is_no_longer_configured_is_no_trouble(beating: World) -> None:
    """Its incident ends, and says so."""
    beating.slack.standing["heartbeat"] = Fault(Response(500))
    for _ in range(3):
        with suppress(CheckFailed):
            beating.check()
        beating.clock.advance(hours=24)
    del beating.secrets["default"]["heartbeat_url"]
    beating.check()
    beating.check()
    assert ("no longer used" in beating.mail(), beating.memory().incidents) == (True, {})


# --- Organisations ----------------------------------------------------------------------------------------------------

BROKEN: dict[str, Callable[[World, dict[str, str]], object]] = {
    "revoked token": lambda world, secret: secret.update(refresh_token="1000.revoked"),
    "malformed secret": lambda world, secret: secret.update(data_center="moon"),
    "missing parameter": lambda world, secret: world.secrets.pop("bad"),
    "dead webhook": lambda world, secret: secret.update(slack_webhook_url=world.slack.url + "/gone"),
    "refused webhook": lambda world, secret: secret.update(slack_webhook_url="http://127.0.0.1:1/services/T0/B0/x"),
    "malformed webhook": lambda world, secret: secret.update(slack_webhook_url="http://elsewhere.example/"),
    "broken item": lambda world, secret: world.table.items["bad"].update(schema={"N": "x"}),
    "dead heartbeat": lambda world, secret: secret.update(heartbeat_url="http://127.0.0.1:1/x"),
}


@pytest.fixture
def two() -> Iterator[World]:
    """Give a world with the organisations `good` and `bad`, both with a baseline, on one function."""
    with open_world() as world:
        bad = world.zoho.organisation([row(START - timedelta(days=1), state="completed")])
        webhook = world.slack.webhook_url("BAD")
        world.secrets = {"good": world.secrets["default"], "bad": bad.secret(slack_webhook_url=webhook)}
        world.log(state="completed", at=START - timedelta(days=1))
        for org in ("good", "bad"):
            world.check(org)
        world.clock.advance(minutes=1)
        world.forget()
        yield world


@pytest.mark.parametrize("case", BROKEN)
def test_one_broken_organisation_never_touches_another(two: World, case: str) -> None:
    """Same function, same environment, same table: the other one is checked as if it were alone."""
    BROKEN[case](two, two.secrets["bad"])
    for organisation in two.zoho.organisations.values():
        organisation.rows.insert(0, row(two.clock.now, state="failure"))
    for _ in range(3):
        with suppress(CheckFailed, StoreError):
            two.check("bad")
        two.check("good")
        two.clock.advance(hours=1)
    sent = [entry for entry in two.topic.entries if two.topic.attribute(entry, "org") == "good"]
    assert [two.topic.attribute(entry, "kind") for entry in sent] == ["failed"]
    posted = [message.name for message in two.slack.accepted if "good: " in json.dumps(message.payload)]
    assert posted == ["SANDBOX"]
    assert set(two.memory("good").incidents) == {"failing"}
