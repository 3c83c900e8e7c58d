"""Canaries in every secret: nothing that is logged, raised, returned, shown, sent, remembered or printed holds one.

The fault simulator searches for them after each timeline, too; here everything talks that can, at its most talkative.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError, ReadTimeoutError

from handler import actions, check, transport
from handler.channels import CHANNELS
from handler.channels.channel import Senders
from handler.channels.sns import Sns
from handler.config import read_settings
from handler.errors import NotifierError, StoreError
from handler.memory import Memory
from handler.outbox import IncidentRef, Notice
from handler.secret import parse_secret, read_secret
from handler.store import Store, from_item, to_item
from handler.wording import Content
from sandbox.channels import FAKES, MESSAGE, Fake
from sandbox.server import Fault, Response, Server
from sandbox.watch import START
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.world import TLS, World
from tests.world import world as open_world

NAMES = [kind.name for kind in CHANNELS if kind.settings]
TURNS = {
    "dropped": Fault(drops=True),
    "500": Fault(Response(500)),
    "redirect": Fault(Response(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})),
    "html": Fault(MAINTENANCE),
    "nonsense": Fault(Response(200, b"\x00")),
    "cut": Fault(Response(200, b"{", {"Content-Length": "10"})),
}
AT_ZOHO = {
    **TURNS,
    **{code: Fault(answer) for code, answer in API_ERRORS.items()},
    **{code: Fault(answer) for code, answer in TOKEN_ERRORS.items()},
}
SHOWN = {"data_center", "name", "time_zone"}
"""Keys of a secret that messages and answers may show."""


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


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world with every channel, each at an address that is a canary, and a heartbeat."""
    with open_world(channels=NAMES) as made:
        made.secrets["default"] = made.organisation.secret(**channel_keys(made))
        made.secrets["default"]["heartbeat_url"] = anybody(made).heartbeat_url("SECRETBEAT")
        yield made


def channel_keys(world: World) -> dict[str, str]:
    """Return what a secret holds of every channel."""
    return {key: value for fake in world.fakes.values() for key, value in fake.settings("SECRETHOOK").items()}


def anybody(world: World) -> Fake:
    """Return the fake that hears heartbeats."""
    return world.fakes[NAMES[0]]


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """Listen to every logger at its lowest level that the handler leaves to its surroundings."""
    listening, root = Everything(), logging.getLogger()
    usual = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(listening)
    monkeypatch.setattr(logging.getLogger("handler"), "propagate", True)
    yield listening
    root.removeHandler(listening)
    root.setLevel(usual)


def look(world: World, ears: Everything) -> None:
    """Run a check and every action, and keep all that comes of them."""
    run = (check.run, actions.dry_run, actions.status, actions.send_test)
    for action in run:
        try:
            ears.said.append(repr(action("default", world.services, "request", world.deadline)))
        except NotifierError as error:
            ears.said += [*traceback.format_exception(error), repr(error), repr(vars(error))]
    services = world.services
    ears.said += [repr(thing) for thing in (services, services.settings, services.zoho, services.reading)]
    ears.said += [f"{zoho!r} {zoho.credentials!r}" for zoho in services.zoho.values()]
    ears.said.append(json.dumps(world.table.items))
    ears.said += [json.dumps(entry) for entry in world.topic.entries]
    ears.said += [message.text for fake in world.fakes.values() for message in fake.accepted]


def begin_again(world: World, item: dict[str, Any]) -> None:
    """Let nothing have happened but the baseline, so that no turn has to carry what the others left undelivered."""
    world.table.items["default"] = item
    world.organisation.rows.clear()


def canaries(world: World) -> dict[str, str]:
    """Return everything secret, by what it is."""
    owner = world.organisation
    settings: dict[str, Any] = dict(world.secrets["default"])
    secret = {name: v for name, v in settings.items() if name not in SHOWN and isinstance(v, str)}
    tokens = [token for issued in owner.issued.values() for token in issued]
    return {
        **secret,
        "an address": "SECRETHOOK",
        "the heartbeat": "SECRETBEAT",
        "the client secret": owner.client_secret,
        **{f"access token {number}": token for number, token in enumerate(tokens)},
    }


def assert_silent(world: World, ears: Everything, capfd: pytest.CaptureFixture[str]) -> None:
    """Search all that was said, and what reached the process's own outputs."""
    everything = "\n".join([*ears.said, *capfd.readouterr()])
    assert "default" in everything
    for name, secret in canaries(world).items():
        place = everything.find(secret)
        assert place < 0, f"{name} is in: {everything[max(0, place - 300) : place]}"


def test_the_search_finds_what_is_there(world: World, ears: Everything, capfd: pytest.CaptureFixture[str]) -> None:
    """Or it would prove nothing."""
    world.check()
    logging.getLogger("handler").warning("slip", extra={"url": "https://example.com/SECRETHOOK"})
    with pytest.raises(AssertionError, match="an address is in"):
        assert_silent(world, ears, capfd)


@pytest.mark.parametrize("kind", ["token", "history", "backup", "urls"])
def test_no_answer_of_zohos_gives_anything_away(
    world: World, ears: Everything, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    """Each of its errors and each broken answer, warm and cold, with news on the way."""
    look(world, ears)
    baseline = world.table.items["default"]
    for name, turn in AT_ZOHO.items():
        begin_again(world, baseline)
        world.log(state="completed")
        world.zoho.standing[kind] = turn
        if name in {"cut", "500", "invalid_code"}:
            world.cold()
        look(world, ears)
        world.clock.advance(minutes=5)
    assert_silent(world, ears, capfd)


@pytest.mark.parametrize("kind", [MESSAGE, "heartbeat"])
@pytest.mark.parametrize("name", NAMES)
def test_no_answer_of_a_channels_gives_anything_away(
    world: World, ears: Everything, capfd: pytest.CaptureFixture[str], name: str, kind: str
) -> None:
    """Each of its errors and each broken answer, to a message and to a heartbeat."""
    fake = world.fakes[name]
    world.secrets["default"]["heartbeat_url"] = fake.heartbeat_url("SECRETBEAT")
    look(world, ears)
    baseline = world.table.items["default"]
    for turn in (*TURNS.values(), *map(Fault, fake.errors.values())):
        begin_again(world, baseline)
        world.log(state="failed")
        fake.standing[kind] = turn
        look(world, ears)
        world.clock.advance(minutes=5)
    assert_silent(world, ears, capfd)


SECRETS: dict[str, dict[str, Any]] = {
    "no client": {"client_id": None},
    "a number for a secret": {"client_secret": 5},
    "line breaks": {"refresh_token": "SECRET\r\nX: 1"},
    "unknown data centre": {"data_center": "SECRETCENTRE"},
    "a heartbeat that is none": {"heartbeat_url": ["SECRETBEAT"]},
    "a list for a name": {"name": ["SECRET"]},
    **{
        f"a {setting.key} that is none": {setting.key: "SECRETHOOK\n?"}
        for kind in CHANNELS
        for setting in kind.settings
    },
}


@pytest.mark.parametrize("mistake", SECRETS)
def test_no_mistake_in_the_secret_gives_anything_away(
    world: World, ears: Everything, capfd: pytest.CaptureFixture[str], mistake: str
) -> None:
    """The person reads which field is wrong, never what it holds."""
    world.secrets["default"] |= SECRETS[mistake]
    look(world, ears)
    (field,) = SECRETS[mistake]
    about = [entry["Message"] for entry in world.topic.entries if "Technical detail" in entry["Message"]]
    assert len(about) == 1
    assert field in about[0]
    assert_silent(world, ears, capfd)
    assert not [said for said in ears.said if "SECRETCENTRE" in said]


NO_JSON = {
    "blank": " ",
    "a word": "SECRETHOOK",
    "half": '{"slack_webhook_url": "SECRETHOOK"',
    "too deep": "[" * 3_000 + "SECRETHOOK",
}


@pytest.mark.parametrize("case", NO_JSON)
def test_a_secret_that_is_not_json_is_never_quoted(
    world: World, ears: Everything, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    """JSON's own errors quote what they could not read."""
    world.services = replace(world.services, read_secret=lambda org: NO_JSON[case])
    look(world, ears)
    assert world.topic.kinds == ["unreadable"]
    assert_silent(world, ears, capfd)


BAD_URLS = (
    "file:///etc/passwd?SECRETHOOK",
    "javascript:alert('SECRETHOOK')",
    "//hooks.slack.com/services/SECRETHOOK",
    "http://hooks.slack.com/services/SECRETHOOK",
    "http://169.254.169.254/latest/meta-data/SECRETHOOK",
    "https://169.254.170.2/v2/credentials/SECRETHOOK",
    "https://[::ffff:169.254.169.254]/SECRETHOOK",
    "https://2852039166/SECRETHOOK",
    "https://user:SECRETHOOK@hooks.slack.com/services",
    "https://169.254.169.254\\.hooks.slack.com/SECRETHOOK",
    "https://hooks.slack.com/\r\nHost: evil/SECRETHOOK",
)
"""Some of those that ``test_addresses.py`` has: here it counts that they are judged before anybody connects."""
URL_KEYS = [
    *(setting.key for kind in CHANNELS for setting in kind.settings if setting.key.endswith("_url")),
    "heartbeat_url",
]


@pytest.mark.parametrize("field", URL_KEYS)
@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_we_may_not_talk_to_is_refused_before_a_byte_is_sent(
    world: World,
    ears: Everything,
    capfd: pytest.CaptureFixture[str],
    loopback_only: list[str],
    url: str,
    field: str,
) -> None:
    """No connection and no name lookup is tried, and the person reads which field is wrong."""
    world.secrets["default"] = world.organisation.secret(**{**fixed_keys(world, field), field: url})
    look(world, ears)
    assert loopback_only == []
    assert field in "".join(entry["Message"] for entry in world.topic.entries)
    assert_silent(world, ears, capfd)


def fixed_keys(world: World, field: str) -> dict[str, str]:
    """Return all keys of the channel that a field belongs to."""
    return next((fake.settings("SECRETHOOK") for name, fake in world.fakes.items() if field.startswith(name)), {})


def test_a_redirect_leads_nowhere(world: World, ears: Everything, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever answers with one: where it points to is never asked."""
    fakes = list(world.fakes.values())
    away = Fault(Response(307, b"", {"Location": f"{fakes[0].url}/elsewhere"}))
    look(world, ears)
    servers: list[tuple[Server, tuple[str, ...]]] = [
        (world.zoho, ("token", "history", "backup", "urls")),
        *((fake, (MESSAGE, "heartbeat")) for fake in fakes),
    ]
    for server, kinds in servers:
        for kind in kinds:
            world.log(state="completed")
            server.standing[kind] = away
            world.cold()
            look(world, ears)
            world.clock.advance(minutes=11)
            server.standing.clear()
    assert "other" not in {request.kind for fake in fakes for request in fake.requests}
    assert_silent(world, ears, capfd)


# --- Errors -----------------------------------------------------------------------------------------------------------


class Failing:
    """A boto3 client of which every call raises."""

    def __init__(self, error: Exception) -> None:
        """Take what it raises."""
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return such a call."""

        def call(**_: Any) -> Any:
            try:
                raise ValueError("SECRETHOOK")  # as botocore's own errors have a context
            except ValueError:
                raise self._error  # noqa: B904

        return call


def refusal(code: str) -> ClientError:
    """Return what boto3 raises when AWS refuses."""
    return ClientError({"Error": {"Code": code, "Message": "SECRETHOOK"}}, "Operation")


AWS_ERRORS: dict[str, ClientError | BotoCoreError] = {
    "refused": refusal("AccessDeniedException"),
    "throttled": refusal("ThrottlingException"),
    "missing": refusal("ParameterNotFound"),
    "conflict": refusal("ConditionalCheckFailedException"),
    "malformed": refusal("InvalidParameter"),
    "unreachable": EndpointConnectionError(endpoint_url="https://SECRETHOOK"),
    "silent": ReadTimeoutError(endpoint_url="https://SECRETHOOK"),
    "truncated": HTTPClientError(error="SECRETHOOK"),
}
INCIDENT = IncidentRef("overdue", START)
NOTICE = Notice(
    "n", "overdue", START, (), "critical", Content("", "title", "sentence"), incident="overdue", opens=(INCIDENT,)
)


class HalfTable:
    """A DynamoDB client that reads an item of somebody else's, and fails to write."""

    def __init__(self, error: Exception) -> None:
        """Take what writing raises."""
        self.put_item = Failing(error).put_item

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Return an item."""
        return {"Item": to_item(Memory("default", version=7))}


def load(error: Exception, world: World) -> None:
    """Load from a table that fails."""
    Store(Failing(error), "table").load("default")


def save(error: Exception, world: World) -> None:
    """Write into a table that fails."""
    Store(HalfTable(error), "table").save(Memory("default"))


def secret(error: Exception, world: World) -> None:
    """Read a parameter that cannot be had."""
    read_secret(Failing(error), "/p", "default")


def publish(error: Exception, world: World) -> None:
    """Publish to a topic that fails."""
    channel = Sns(Senders(Failing(error), "arn", world.services.senders.session), {})
    for request in channel.render([NOTICE], world.services.recipient("default", None)):
        channel.send(request, world.deadline)


def post(name: str, turn: Fault, world: World) -> None:
    """Send on a channel that fails."""
    world.fakes[name].standing[MESSAGE] = turn
    organisation = world.services.organisation("default")
    channel = organisation.channels[name]
    for request in channel.render([NOTICE], world.services.recipient("default", organisation)):
        channel.send(request, world.deadline)


def read_history(kind: str, turn: Fault, world: World) -> None:
    """Read from a Zoho that fails."""
    world.zoho.standing[kind] = turn
    world.services.organisation("default").zoho.history(world.deadline)


def fetch(world: World) -> None:
    """Ask somebody who hangs up."""
    with transport.make_session(TLS) as session, closing(FAKES[NAMES[0]]()) as fake:
        fake.standing["other"] = Fault(drops=True)
        transport.fetch(session, "GET", f"{fake.url}/SECRETHOOK", deadline=world.deadline)


def uncheckable(world: World) -> None:
    """Fail a check."""
    world.zoho.standing["token"] = Fault(drops=True)
    world.check()


MALFORMED = {"version": {"N": "1"}, "schema": {"N": "1"}, "org": {"S": "default"}, "seen": {"S": "SECRETHOOK x"}}
ERRORS: dict[str, Callable[[World], Any]] = {
    **{
        f"{call.__name__} {name}": partial(call, error)
        for call in (load, save, secret, publish)
        for name, error in AWS_ERRORS.items()
    },
    **{f"{name} {case}": partial(post, name, turn) for name in NAMES for case, turn in TURNS.items()},
    **{
        f"zoho {kind} {case}": partial(read_history, kind, turn)
        for kind in ("token", "history")
        for case, turn in AT_ZOHO.items()
    },
    "item": lambda w: from_item(MALFORMED),
    "newer item": lambda w: from_item({**MALFORMED, "schema": {"N": "99"}}),
    "no JSON": lambda w: parse_secret("SECRETHOOK", "/p/o", loopback=False),
    "malformed": lambda w: parse_secret('{"client_id": "SECRET HOOK"}', "/p/o", loopback=False),
    "settings": lambda w: read_settings({"TIME_ZONE": "?"}),
    "unknown organisation": lambda w: w.check("acme"),
    "transport": fetch,
    "check": uncheckable,
}


@pytest.mark.parametrize("case", ERRORS)
def test_every_error_of_ours_can_be_shown(world: World, case: str) -> None:
    """Its text is all that it has: no cause and no context that a log would print."""
    with pytest.raises(NotifierError) as raised:
        ERRORS[case](world)
    printed = "".join(traceback.format_exception(raised.value)).partition("Traceback")[2]
    assert "direct cause" not in printed
    assert "During handling" not in printed
    assert "SECRETHOOK" not in f"{raised.value!r} {vars(raised.value)}"


def test_every_sort_of_error_is_raised_above(world: World) -> None:
    """An error that is added is shown here, too."""
    raised = set()
    for case in ERRORS.values():
        with pytest.raises(NotifierError) as caught:
            case(world)
        raised.add(type(caught.value))
    assert raised == {*NotifierError.__subclasses__(), *StoreError.__subclasses__()}
