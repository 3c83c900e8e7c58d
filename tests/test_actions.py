"""What a person may ask of the running function: why a notice is sent for each row or not, and what would be sent."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from handler import actions, check
from handler.channels import BY_NAME
from sandbox.server import Fault, Response
from sandbox.watch import START
from sandbox.zoho import plan, row
from sandbox.zoho_errors import API_ERRORS
from tests.world import World
from tests.world import world as open_world


@pytest.fixture
def watched(world: World) -> World:
    """Give a world whose history so far is known."""
    world.log(state="completed", at=START - timedelta(days=1))
    world.check()
    world.clock.advance(hours=1)
    return world


def dry_run(world: World) -> dict[str, Any]:
    """Ask, and see that nothing was written and nothing sent."""
    world.calls.clear()
    answer = check.dry_run("default", world.services, "request", world.deadline)
    assert set(world.calls) <= {"get_item", "get_parameter", "read"}
    json.dumps(answer)  # as Lambda does
    return answer


WHY: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "a failure": ({"state": "failure"}, "failed", "new, and sent as failed", ["failed"]),
    "an end of failures": ({"state": "completed"}, "completed", "new, and sent as recovered", ["recovered"]),
    "a beginning": ({"action": "initiated"}, "started", "new, but it only begins a backup", []),
    "not asked for": ({"action": "scheduled"}, "scheduled", "new, but NOTIFY_ON does not have scheduled", []),
    "undocumented": ({"state": "paused"}, "unknown", "new, and sent as unknown", ["unknown"]),
}
"""Row → its fields, what it counts as, why it is news or not, what is sent."""


@pytest.mark.parametrize("case", WHY)
def test_a_new_row_is_explained(watched: World, case: str) -> None:
    """What it counts as, what happens to it, and where its notice would go; the next check does what was foretold."""
    fields, counts_as, why, kinds = WHY[case]
    if case == "an end of failures":
        watched.log(state="failure")
        watched.check()
        watched.clock.advance(hours=1)
    watched.log(**fields)
    answer = dry_run(watched)
    newest, known = answer["rows"][0], answer["rows"][-1]
    assert (newest["counts_as"], newest["new"], newest["known_since"]) == (counts_as, True, None)
    assert newest["why"].startswith(why)
    since = "2026-03-02T10:00:00+00:00"
    assert (known["new"], known["known_since"], known["why"]) == (False, since, f"known since {since}")
    foretold = [(notice["kind"], notice["channels"]) for notice in answer["would_notify"]]
    assert foretold == [(kind, ["sns", "slack"]) for kind in kinds]
    assert watched.check()["notices"] == kinds


def test_before_the_first_check_the_baseline_is_foretold(world: World) -> None:
    """It remembers the past, and sums it up."""
    world.log(state="failure")
    assert actions.status("default", world.services, "request", world.deadline)["memory"] is None
    answer = dry_run(world)
    assert answer["rows"][0]["why"] == "the first check remembers it; the baseline sums it up"
    assert [notice["kind"] for notice in answer["would_notify"]] == ["baseline"]


def test_a_time_that_zoho_never_gave_is_called_unknown(caplog: pytest.LogCaptureFixture) -> None:
    """In the item, in the log, in each answer, and in each message from a failure to its end; it is nowhere 1970."""
    caplog.set_level(logging.INFO, "handler")
    begin = [row(None, state="completed"), row(None, action="stopped")]
    with open_world(begin, BY_NAME.keys() - {"sns"}) as world:
        for hours, state in {0: "failure", 24: "scheduled", 1: "completed"}.items():
            world.clock.advance(hours=hours)
            world.log(state=state, log_time=None)
            known = [world.check(), dry_run(world), actions.status("default", world.services, "", world.deadline)]
            sent = [world.topic.entries, *(fake.accepted for fake in world.fakes.values())]
            texts = [str(part) for part in (*known, world.table.items, *sent, *map(vars, caplog.records))]
            assert [text for text in texts if "1970" in text] == []
            assert hours or all("unknown" in str(part) for part in (*known, world.table.items))
        keys: set[Any] = {page.payload["dedup_key"] for page in world.fakes["pagerduty"].accepted}
        assert (world.sent("sns"), keys) == (["baseline", "failed", "recovered"], {"default-failing-unknown"})


def test_what_cannot_be_read_is_the_problem(watched: World) -> None:
    """No row is shown, and the incident is foretold."""
    watched.zoho.standing["history"] = Fault(API_ERRORS["OAUTH_SCOPE_MISMATCH"])
    answer = dry_run(watched)
    assert answer["rows"] == []
    foretold = {notice["title"]: notice["kind"] for notice in answer["would_notify"]}
    assert [problem["title"] for problem in answer["problems"]] == [*foretold]
    assert ("scope" in answer["problem"], *foretold.values()) == (True, "unreadable")


def test_a_status_names_what_is_wrong_with_the_parameter(watched: World) -> None:
    """And shows the memory all the same; if nothing is wrong, it says nothing."""
    answer = actions.status("default", watched.services, "request", watched.deadline)
    assert (answer["problem"], answer["problems"]) == (None, [])
    watched.secrets["default"] = {"client_id": "1000.X"}
    answer = actions.status("default", watched.services, "request", watched.deadline)
    assert "client_secret must be" in answer["problem"]
    [problem] = answer["problems"]
    assert set(problem) == {"title", "sentence", "next_step"}
    assert problem["title"] == "Cannot check the backups (invalid Zoho credentials)"
    assert problem["sentence"].endswith(answer["problem"])
    assert (answer["connected"], answer["name"], answer["time_zone"], answer["heartbeat"]) == (False, None, None, False)
    assert answer["channels"] == {"sns": "info", "slack": "info"}
    assert answer["memory"]["seen"] == 1


STATUS = {
    *("version", "org", "connected", "problem", "problems", "channels", "data_center", "name", "time_zone"),
    *("heartbeat", "subscribers", "schedule", "next_expected", "next_run_known", "settings", "memory"),
}
SHOWN = {"name", "data_center", "time_zone", "slack_min_severity"}
"""Keys of a secret that a status may show."""


def test_a_status_shows_memory_and_configuration_and_no_secret(watched: World) -> None:
    """Exactly the documented keys; a channel with its floor, or with what is wrong with its settings."""
    next_run = START + timedelta(days=5)
    watched.organisation.plan = plan(next_run=next_run)
    watched.log(action="scheduled")
    watched.secrets["default"] |= {"name": "Acme Ltd", "data_center": "eu", "time_zone": "Asia/Kolkata"}
    watched.secrets["default"] |= {"heartbeat_url": watched.slack.heartbeat_url("canary"), "slack_min_severity": "high"}
    watched.check()
    answer = actions.status("default", watched.services, "request", watched.deadline)
    assert set(answer) == STATUS
    assert (answer["connected"], answer["problem"], answer["data_center"]) == (True, None, "eu")
    assert (answer["name"], answer["time_zone"], answer["heartbeat"]) == ("Acme Ltd", "Asia/Kolkata", True)
    assert (answer["schedule"], answer["next_run_known"]) == ("weekly", True)
    assert answer["next_expected"] == next_run.isoformat()
    assert answer["channels"]["sns"] == "info"
    assert "slack_min_severity must be one of info, warning, critical" in answer["channels"]["slack"]
    assert answer["settings"]["time_zone"] == "UTC"
    assert answer["settings"]["operated_by"] == ""
    assert (answer["memory"]["seen"], sorted(answer["memory"]["incidents"])) == (2, ["channel:slack"])
    shown = json.dumps(answer)
    secrets = {key: value for key, value in watched.secrets["default"].items() if key not in SHOWN}
    assert [key for key, value in secrets.items() if value in shown] == []


def test_a_test_message_is_marked_and_each_channel_says_what_became_of_it(watched: World) -> None:
    """The memory stays as it is; a channel whose key is malformed says so, and the others are sent to all the same."""
    watched.forget()
    watched.slack.break_with("rollup_error", times=1)
    accepted = {name: f"accepted: {BY_NAME[name].accepted_means}" for name in ("sns", "slack")}
    for results in (accepted | {"slack": "Slack answered HTTP 500 rollup_error"}, accepted):
        answer = actions.send_test("default", watched.services, "request", watched.deadline)
        assert answer == {"org": "default", "results": results, "ok": results == accepted}
    watched.subscribers = {"messages": 2}
    answer = actions.send_test("default", watched.services, "request", watched.deadline)
    assert answer["results"]["sns"] == f"{accepted['sns']} (2 subscribers now)"
    watched.subscribers = {"messages": 0}
    for alone, ok in ((False, True), (True, False)):
        secret = watched.secrets["default"]
        held = {} if not alone else {"slack_webhook_url": secret.pop("slack_webhook_url")}
        answer = actions.send_test("default", watched.services, "request", watched.deadline)
        assert (answer["results"]["sns"], answer["ok"]) == (
            actions.UNREAD if alone else f"skipped: {actions.UNREAD}",
            ok,
        )
        secret |= held
    watched.subscribers = {}
    watched.secrets["default"]["heartbeat_url"] = watched.slack.heartbeat_url()
    watched.slack.standing["heartbeat"] = Fault(Response.text("OK (not found)"))
    answer = actions.send_test("default", watched.services, "request", watched.deadline)
    assert (answer["results"]["heartbeat"], answer["ok"]) == ("HTTP 200, but not recorded", False)
    watched.secrets["default"]["slack_mention"] = "everybody, please"
    answer = actions.send_test("default", watched.services, "request", watched.deadline)
    assert not answer["ok"]
    assert "slack_mention must be" in answer["results"]["slack"]
    assert watched.topic.kinds == ["test"] * 5
    assert "This is a test message." in watched.topic.entries[0]["Message"]
    assert "put_item" not in watched.calls
