"""Canaries in every secret: nothing that is logged, raised, returned, shown, sent, remembered or printed holds one.

The fault simulator searches for them after each timeline, too; here everything talks that can, at its most talkative.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from handler.errors import NotifierError
from handler.store import to_item
from sandbox.channels.slack import ERRORS, rate_limited
from sandbox.server import Fault, Response
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.simulation.setting import a_world
from tests.simulation.timelines import Row, appear
from tests.simulation.world import ORG, PREFIX, World

ELSEWHERE = "http://127.0.0.1:9/elsewhere"
TURNS = {
    "dropped": Fault(drops=True),
    "500": Fault(Response(500)),
    "redirect": Fault(Response(302, b"", {"Location": ELSEWHERE})),
    "html": Fault(MAINTENANCE),
    "nonsense": Fault(Response(200, b"\x00")),
    "cut": Fault(Response(200, b"{", {"Content-Length": "10"})),
}
AT_ZOHO = {
    **TURNS,
    **{code: Fault(answer) for code, answer in API_ERRORS.items()},
    **{code: Fault(answer) for code, answer in TOKEN_ERRORS.items()},
}
AT_SLACK = {**TURNS, **{code: Fault(answer) for code, answer in ERRORS.items()}, "limited": Fault(rate_limited(60))}


class Everything(logging.Handler):
    """Whatever anybody logs, with all of its fields and its exceptions."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.said.append(f"{record.getMessage()} {vars(record)}")
        if record.exc_info:
            self.said += traceback.format_exception(*record.exc_info)


@pytest.fixture(scope="module")
def simulated() -> Iterator[World]:
    """Give a world whose table, topic and parameters are moto's."""
    with a_world() as made:
        yield made


@pytest.fixture
def ears(simulated: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """Begin a timeline with every logger at its lowest level that the handler leaves to its surroundings."""
    listening, root = Everything(), logging.getLogger()
    usual = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(listening)
    monkeypatch.setattr(logging.getLogger("handler"), "propagate", True)
    simulated.begin()
    yield listening
    root.removeHandler(listening)
    root.setLevel(usual)
    for server in (simulated.zoho, simulated.slack):
        server.standing.clear()


def look(world: World, ears: Everything) -> None:
    """Run a check as Lambda does, and keep all that comes of it."""
    world.tally.checks += 1
    ears.said.append(repr(world.check()))
    tools = world.last.tools
    for thing in (tools, tools.settings, tools.accesses, world.last.batch, world.witness.memory, tools.reading):
        ears.said.append(repr(thing))
    for access in tools.accesses.values():
        ears.said += [repr(access.secret), repr(access.zoho), repr(access.secret.credentials), str(access)]
    ears.said += [repr(channel) for channel in tools.configured_channels(ORG).values()]
    if world.witness.memory:
        ears.said.append(json.dumps(to_item(world.witness.memory)))
    ears.said += [f"{mail.subject}\n{mail.text}\n{mail.attributes}" for mail in world.arrivals.mails]
    ears.said += map(json.dumps, world.arrivals.posts)
    ears.said += world.log.lines


def canaries(world: World) -> dict[str, str]:
    """Return everything secret, by what it is."""
    owner = world.organisation
    tokens = [token for issued in owner.issued.values() for token in issued]
    return {
        "client secret": owner.client_secret,
        "webhook": "SECRETHOOK",
        "heartbeat": "SECRETBEAT",
        **{f"refresh token {number}": token for number, token in enumerate(owner.refresh_tokens)},
        **{f"access token {number}": token for number, token in enumerate(tokens)},
    }


def assert_silent(world: World, ears: Everything, capfd: pytest.CaptureFixture[str]) -> None:
    """Search all that was said, and what reached the process's own outputs."""
    everything = "\n".join([*ears.said, *capfd.readouterr()])
    assert "check" in everything
    for name, secret in canaries(world).items():
        place = everything.find(secret)
        assert place < 0, f"the {name} is in: {everything[max(0, place - 300) : place]}"


@pytest.mark.parametrize("kind", ["token", "history", "urls"])
def test_no_trouble_at_zoho_makes_anything_tell(
    simulated: World, ears: Everything, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    """Each of its errors and each broken answer, warm and cold, with news on the way."""
    look(simulated, ears)
    for name, turn in AT_ZOHO.items():
        appear(simulated, Row("completed"))
        simulated.zoho.standing[kind] = turn
        if name in {"cut", "500", "invalid_code"}:
            simulated.cold()
        look(simulated, ears)
        simulated.now = simulated.last.deadline
    assert_silent(simulated, ears, capfd)


@pytest.mark.parametrize("kind", ["webhook", "heartbeat"])
def test_no_trouble_at_slack_makes_anything_tell(
    simulated: World, ears: Everything, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    """Each of its errors and each broken answer, to a message and to a heartbeat."""
    look(simulated, ears)
    for turn in AT_SLACK.values():
        appear(simulated, Row("failed"))
        simulated.slack.standing[kind] = turn
        look(simulated, ears)
        simulated.now = simulated.last.deadline
    assert_silent(simulated, ears, capfd)


SECRETS: dict[str, dict[str, Any]] = {
    "no client": {"client_id": None},
    "a number for a secret": {"client_secret": 5},
    "line breaks": {"refresh_token": "SECRET\r\nX: 1"},
    "unknown data centre": {"data_center": "SECRETCENTRE"},
    "a webhook that is none": {"slack_webhook_url": "SECRETHOOK"},
    "a heartbeat that is none": {"heartbeat_url": ["SECRETBEAT"]},
    "a list for a name": {"name": ["SECRET"]},
}


@pytest.mark.parametrize("mistake", SECRETS)
def test_no_mistake_in_the_secret_makes_anything_tell(
    simulated: World, ears: Everything, capfd: pytest.CaptureFixture[str], mistake: str
) -> None:
    """The person is told which field is wrong, never what it holds."""
    put_secret(simulated, SECRETS[mistake])
    look(simulated, ears)
    assert [mail.attributes["kind"] for mail in simulated.arrivals.mails] == ["unreadable"]
    assert next(iter(SECRETS[mistake])) in simulated.arrivals.mails[0].text
    assert_silent(simulated, ears, capfd)
    assert not [said for said in ears.said if "SECRETCENTRE" in said]


NO_JSON = {
    "blank": " ",
    "a word": "SECRETHOOK",
    "half": '{"slack_webhook_url": "SECRETHOOK"',
    "too deep": "[" * 3_000 + "SECRETHOOK",
}


@pytest.mark.parametrize("case", NO_JSON)
def test_a_secret_that_is_not_json_is_never_quoted(
    simulated: World, ears: Everything, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    """JSON's own errors quote what they could not read."""
    simulated._ssm.put_parameter(Name=f"{PREFIX}/{ORG}", Value=NO_JSON[case], Type="SecureString", Overwrite=True)
    look(simulated, ears)
    assert_silent(simulated, ears, capfd)


BAD_URLS = (
    "file:///etc/passwd?SECRETHOOK",
    "ftp://127.0.0.1/SECRETHOOK",
    "gopher://127.0.0.1/SECRETHOOK",
    "javascript:alert('SECRETHOOK')",
    "//hooks.slack.com/services/SECRETHOOK",
    "http://hooks.slack.com/services/SECRETHOOK",
    "http://169.254.169.254/latest/meta-data/SECRETHOOK",
    "https://169.254.169.254/latest/meta-data/SECRETHOOK",
    "https://169.254.170.2/v2/credentials/SECRETHOOK",
    "https://[fe80::1]/SECRETHOOK",
    "https://[::ffff:169.254.169.254]/SECRETHOOK",
    "https://2852039166/SECRETHOOK",
    "https://0xa9fea9fe/SECRETHOOK",
    "https://0251.0376.0251.0376/SECRETHOOK",
    "https://169.254.169.254./SECRETHOOK",
    "https://user:SECRETHOOK@hooks.slack.com/services",
    "https://hooks.slack.com:port/SECRETHOOK",
    "https://[::1/SECRETHOOK",
    "https:///SECRETHOOK",
    "https://hooks.slack.com/\r\nHost: evil/SECRETHOOK",
    "http://127.0.0.1.evil.example/SECRETHOOK",
    "http://localhost.evil.example/SECRETHOOK",
)


@pytest.mark.parametrize("field", ["slack_webhook_url", "heartbeat_url"])
@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_we_may_not_talk_to_is_refused_before_a_byte_is_sent(
    simulated: World,
    ears: Everything,
    capfd: pytest.CaptureFixture[str],
    loopback_only: list[str],
    url: str,
    field: str,
) -> None:
    """No connection and no name lookup is tried, Zoho is not asked, and the person is told which field is wrong."""
    put_secret(simulated, {field: url})
    look(simulated, ears)
    assert loopback_only == []
    assert simulated.zoho.requests == simulated.slack.requests == []
    assert field in simulated.arrivals.mails[0].text
    assert_silent(simulated, ears, capfd)


def test_a_redirect_leads_nowhere(simulated: World, ears: Everything, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever answers with one: where it points to is never asked."""
    away = Fault(Response(307, b"", {"Location": f"{simulated.slack.url}/elsewhere"}))
    look(simulated, ears)
    for server, kinds in ((simulated.zoho, ("token", "history", "urls")), (simulated.slack, ("webhook", "heartbeat"))):
        for kind in kinds:
            appear(simulated, Row("completed"))
            server.standing[kind] = away
            simulated.cold()
            look(simulated, ears)
            simulated.now = simulated.last.deadline
            server.standing.clear()
    assert "other" not in {request.kind for request in simulated.slack.requests}
    assert_silent(simulated, ears, capfd)


def test_every_error_of_ours_can_be_shown(simulated: World) -> None:
    """Its text is all that it has: no cause, no context that a log would print."""
    simulated.begin()
    simulated.zoho.standing["token"] = Fault(drops=True)
    simulated.check()
    assert simulated.error
    assert isinstance(simulated.error, NotifierError)
    printed = "".join(traceback.format_exception(simulated.error))
    assert "direct cause" not in printed
    assert "During handling" not in printed
    simulated.zoho.standing.clear()


def put_secret(world: World, changes: dict[str, Any]) -> None:
    """Write the organisation's parameter with these changes."""
    urls = {
        "slack_webhook_url": world.slack.webhook_url("SECRETHOOK"),
        "heartbeat_url": world.slack.heartbeat_url("SECRETBEAT"),
    }
    secret = json.dumps({**world.organisation.secret(**urls), **changes})
    world._ssm.put_parameter(Name=f"{PREFIX}/{ORG}", Value=secret, Type="SecureString", Overwrite=True)
