"""What a person may ask of the running function: why each row is told or not, and what would be told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from handler import actions
from sandbox.server import Fault
from sandbox.zoho_errors import API_ERRORS
from sandbox.watch import START
from tests.world import World


@pytest.fixture
def watched(world: World) -> World:
    """Give a world whose history so far is known."""
    world.log(state="completed", at=START - timedelta(days=1))
    world.check()
    world.clock.advance(hours=1)
    return world


def dry_run(world: World) -> dict[str, Any]:
    """Ask, and see that nothing was written and nothing sent."""
    written, sent = world.table.writes, (len(world.topic.kinds), len(world.slack.messages))
    answer = actions.dry_run("default", world.services, "request", lambda: 55.0)
    assert (world.table.writes, (len(world.topic.kinds), len(world.slack.messages))) == (written, sent)
    json.dumps(answer)  # as Lambda does
    return answer


WHY: dict[str, tuple[dict[str, Any], str, str]] = {
    "a failure": ({"state": "failure"}, "failed", "new, and told as failed"),
    "a beginning": ({"action": "initiated"}, "started", "new, but only begins a backup: it starts the clock of the"),
    "not asked for": ({"action": "scheduled"}, "scheduled", "new, but NOTIFY_ON does not have scheduled"),
    "undocumented": ({"state": "paused"}, "unknown", "new, and told as unknown"),
}


@pytest.mark.parametrize("case", WHY)
def test_a_new_row_is_explained(watched: World, case: str) -> None:
    """What it counts as, and what becomes of it."""
    fields, counts_as, why = WHY[case]
    watched.log(**fields)
    newest, known = dry_run(watched)["rows"]
    assert (newest["counts_as"], newest["new"]) == (counts_as, True)
    assert newest["why"].startswith(why)
    assert (known["new"], known["why"]) == (False, "known since 2026-03-02T10:00:00+00:00")
    told = watched.check()["notices"]
    assert told == ([newest["counts_as"]] if "told as" in why else []), "the next check does what was foretold"


def test_a_completion_that_ends_failures_is_told_as_what_it_is(watched: World) -> None:
    """Not every row is told as what it counts as."""
    watched.log(state="failure")
    watched.check()
    watched.clock.advance(hours=1)
    watched.log(state="completed")
    answer = dry_run(watched)
    assert (answer["rows"][0]["counts_as"], answer["rows"][0]["why"]) == ("completed", "new, and told as recovered")
    assert [(notice["kind"], notice["channels"]) for notice in answer["would_notify"]] == [
        ("recovered", ["sns", "slack"])
    ]


def test_before_the_first_check_the_baseline_is_foretold(world: World) -> None:
    """It remembers the past and tells nothing of it."""
    world.log(state="failure")
    answer = dry_run(world)
    assert answer["rows"][0]["why"] == "the first check remembers it and tells nothing of the past but one baseline"
    assert [notice["kind"] for notice in answer["would_notify"]] == ["baseline"]


def test_what_cannot_be_read_is_the_problem(watched: World) -> None:
    """No row is shown, and the incident is foretold."""
    watched.zoho.standing["history"] = Fault(API_ERRORS["OAUTH_SCOPE_MISMATCH"])
    answer = dry_run(watched)
    assert answer["rows"] == []
    assert "scope" in answer["problem"]
    assert [notice["kind"] for notice in answer["would_notify"]] == ["unreadable"]


def test_a_status_names_what_is_wrong_with_the_parameter(watched: World) -> None:
    """And shows the memory all the same."""
    watched.secrets["default"] = {"client_id": "1000.X"}
    answer = actions.status("default", watched.services, "request", lambda: 55.0)
    assert "client_secret must be" in answer["problem"]
    assert (answer["connected"], answer["name"], answer["time_zone"], answer["heartbeat"]) == (False, None, None, False)
    assert answer["channels"] == ["sns"]
    assert answer["memory"]["seen"] == 1


def test_a_status_of_an_organisation_that_was_never_checked(world: World) -> None:
    """It is connected, and nothing is remembered."""
    answer = actions.status("default", world.services, "request", lambda: 55.0)
    assert (answer["connected"], answer["memory"], answer["next_expected"]) == (True, None, None)
