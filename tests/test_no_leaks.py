"""Canaries in every secret: nothing that is logged, raised, returned, sent, remembered or printed holds one.

`test_app.py` does the same with what AWS answers, `test_transport.py` with hosts that are not there.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from handler import actions, check
from handler.errors import NotifierError
from sandbox.channels import FAKES, MESSAGE
from sandbox.server import Fault, Response, Server
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.world import World
from tests.world import world as open_world

CANARY = "SECRETHOOK"
"""In every channel's address and in the heartbeat's, and in whatever answers below have to say."""
SHOWN = {"data_center", "name", "time_zone"}
"""Keys of a secret that messages and answers may show."""
TURNS = {
    "dropped": Fault(drops=True),
    "500": Fault(Response(500)),
    "html": Fault(MAINTENANCE),
    "nonsense": Fault(Response(200, b"\x00")),
    "cut": Fault(Response(200, b"{", {"Content-Length": "10"})),
}
AT_ZOHO = [Fault(answer) for answer in (API_ERRORS | TOKEN_ERRORS).values()]


@dataclass
class Ears:
    """Where something may be said: in results and messages, in the log, in the process's own outputs."""

    said: list[str]
    caplog: pytest.LogCaptureFixture
    capfd: pytest.CaptureFixture[str]


@pytest.fixture
def ears(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ears:
    """Listen to every logger at its lowest level."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("handler"), "propagate", True)
    return Ears([], caplog, capfd)


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world with every channel, each at an address that is a canary, and a heartbeat."""
    with open_world(channels=FAKES) as made:
        keys = {key: value for fake in made.fakes.values() for key, value in fake.settings(CANARY).items()}
        heartbeat = made.slack.heartbeat_url(CANARY)
        made.secrets["default"] = made.organisation.secret(**keys, heartbeat_url=heartbeat)
        yield made


def look(world: World, ears: Ears) -> None:
    """Run a check and every action, and keep all that comes of them; no error has a cause that a log would print."""
    run: tuple[Callable[..., Any], ...] = (check.run, check.dry_run, actions.status, actions.send_test)
    for action in run:
        try:
            ears.said.append(repr(action("default", world.services, "request", world.deadline)))
        except NotifierError as error:
            printed = "".join(traceback.format_exception(error))
            assert "direct cause" not in printed
            assert "During handling" not in printed
            ears.said += [printed, repr(error), repr(vars(error))]
    services = world.services
    ears.said += [repr(thing) for thing in (services, vars(services), json.dumps(world.table.items))]
    world.clock.advance(minutes=11)


def assert_silent(world: World, ears: Ears) -> None:
    """Search all that was said."""
    sent = [json.dumps(entry) for entry in world.topic.entries]
    sent += [message.text for fake in world.fakes.values() for message in fake.accepted]
    logged = [str(vars(record)) for record in ears.caplog.records]
    everything = "\n".join([*ears.said, *sent, ears.caplog.text, *logged, *ears.capfd.readouterr()])
    assert "default" in everything
    owner, settings = world.organisation, world.secrets["default"]
    canaries = {name: v for name, v in settings.items() if name not in SHOWN and isinstance(v, str)}
    canaries |= {"canary": CANARY, "the client secret": owner.client_secret}
    canaries |= {f"a token of {issued}": token for issued, tokens in owner.issued.items() for token in tokens}
    for name, secret in canaries.items():
        place = everything.find(secret)
        assert place < 0, f"{name} is in: {everything[max(0, place - 300) : place]}"


def test_the_search_finds_what_is_there(world: World, ears: Ears) -> None:
    """Or it would prove nothing."""
    world.check()
    logging.getLogger("handler").warning("slip", extra={"url": f"https://example.com/{CANARY}"})
    with pytest.raises(AssertionError, match="canary is in"):
        assert_silent(world, ears)


EDGES = {
    "token": ("token",),
    "history": ("history",),
    "beyond the history": ("backup", "urls"),
    "channels": (MESSAGE,),
    "heartbeat": ("heartbeat",),
}
"""Who answers: the kinds of requests."""


@pytest.mark.parametrize("edge", EDGES)
def test_no_answer_gives_anything_away_or_leads_elsewhere(world: World, ears: Ears, edge: str) -> None:
    """Each error and each broken answer of everybody who is asked, warm and cold, with news on the way."""
    look(world, ears)
    baseline = world.table.items["default"]
    fakes = list(world.fakes.values())
    away = Fault(Response(307, b"", {"Location": f"{world.slack.url}/elsewhere/{CANARY}"}))
    said = {"channels": [Fault(answer) for fake in fakes for answer in fake.errors.values()], "heartbeat": []}
    servers: list[Server] = list(fakes) if edge in {"channels", "heartbeat"} else [world.zoho]
    for turn in (*TURNS.values(), away, *said.get(edge, AT_ZOHO)):
        world.table.items["default"] = baseline
        world.organisation.rows.clear()
        world.log(state="failed" if edge == "channels" else "completed")
        for server in servers:
            server.standing = dict.fromkeys(EDGES[edge], turn)
        if edge == "token":
            world.cold()
        look(world, ears)
    assert {*EDGES[edge]} <= {request.kind for server in servers for request in server.requests}
    assert "other" not in {request.kind for fake in fakes for request in fake.requests}
    assert_silent(world, ears)
