"""Secrets: what is taken, what is refused, what a person reads then, and what an organisation's checks have of them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from handler import causes
from handler.causes import Cause
from handler.channels import CHANNELS
from handler.channels.channel import Senders
from handler.data_centres import DATA_CENTRES
from handler.decision import Receiver
from handler.errors import UnreadableError
from handler.memory import Memory
from handler.organisation import open_channels
from handler.secret import Secret, parse_secret, read_secret
from sandbox.channels import FAKES
from tests.world import World
from tests.world import world as open_world

SECRET = {
    "client_id": "1000.CANARYID",
    "client_secret": "canarysecret",
    "refresh_token": "1000.canary.refresh",
    "data_center": "eu",
    "heartbeat_url": "https://hc-ping.com/canaryheartbeat",
    "name": "Canary Ltd",
    "time_zone": "Asia/Kolkata",
}
OPTIONAL = ("heartbeat_url", "name", "time_zone")


def parse(**changes: Any) -> Secret:
    """Return the secret with some of its fields changed; None leaves a field away."""
    raw = {name: value for name, value in {**SECRET, **changes}.items() if value is not None}
    return parse_secret(json.dumps(raw), "/p/q/acme", loopback=False)


def test_a_secret_is_read_as_it_was_written() -> None:
    """Every field arrives where it is used."""
    secret = parse()
    assert secret.credentials.client_id == SECRET["client_id"]
    assert secret.credentials.client_secret == SECRET["client_secret"]
    assert secret.credentials.refresh_token == SECRET["refresh_token"]
    assert secret.credentials.data_centre == "eu"
    assert secret.heartbeat_url == SECRET["heartbeat_url"]
    assert (secret.name, secret.time_zone) == ("Canary Ltd", "Asia/Kolkata")


@pytest.mark.parametrize("data_centre", DATA_CENTRES)
def test_every_data_centre_may_be_named(data_centre: str) -> None:
    """All ten of them."""
    assert parse(data_center=data_centre).credentials.data_centre == data_centre


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("value", [None, ""])
def test_an_optional_field_may_be_missing_or_empty(field: str, value: str | None) -> None:
    """So may it be null, which is what some editors write."""
    assert getattr(parse(**{field: value}), field) == ""
    assert getattr(parse_secret(json.dumps(SECRET | {field: None}), "/p", loopback=False), field) == ""


def test_blanks_around_a_value_are_a_slip_of_pasting() -> None:
    """A line break at the end of a pasted token is no reason to fail."""
    assert parse(refresh_token=" 1000.a.b\n").credentials.refresh_token == "1000.a.b"


@pytest.mark.parametrize("name", ["A\nB", "A\u202eB", "A\ud800B", "A\0B"], ids=ascii)
def test_a_display_name_is_made_printable(name: str) -> None:
    """It goes into subjects and headers, where a line break or a lone surrogate would break the message."""
    assert parse(name=name).name == "A B"


def test_a_display_name_is_bounded() -> None:
    """It is repeated in every message."""
    assert len(parse(name="x" * 5_000).name) == 100


WRONG = [
    *(
        (field, value)
        for field in ("client_id", "client_secret", "refresh_token")
        for value in (
            None,
            "",
            " ",
            5,
            True,
            ["canary"],
            {"canary": 1},
            "canary\r\nX-Evil: 1",
            "canary token",
            "canäry",
        )
    ),
    *(("data_center", value) for value in (None, "", "US", "com", 5, ["us"], {"us": 1}, "canary")),
    *(
        ("heartbeat_url", value)
        for value in ("canary", "http://canary.example/", "file:///canary", 5, False, ["https://canary"], {"canary": 1})
    ),
    *(("name", value) for value in (5, True, ["canary"], {"canary": 1})),
    *(("time_zone", value) for value in ("Canary/Canary", "+01:00", "../canary", 5, ["UTC"])),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=ascii)
def test_a_field_that_is_wrong_is_named_and_its_value_is_not(field: str, value: object) -> None:
    """The text goes to people and into the log: it says which field, never what is in it."""
    with pytest.raises(UnreadableError) as raised:
        parse(**{field: value})
    assert f"{field} must be" in str(raised.value)
    assert "/p/q/acme" in str(raised.value)
    assert_no_secret(raised.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    """Whoever fixes one must not have to come back for the next."""
    with pytest.raises(UnreadableError) as raised:
        parse_secret(json.dumps(dict.fromkeys(SECRET, 5)), "/p/q/acme", loopback=False)
    for field in SECRET:
        assert f"{field} must be" in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        "[]",
        '["canary"]',
        "null",
        '"canary"',
        "5",
        '{"client_id": "canary',
        "[" * 100_000,
        "{'canary': 1}",
    ],
    ids=lambda text: text[:12],
)
def test_a_parameter_that_is_no_json_object_is_malformed(text: str) -> None:
    """Whatever was pasted there, it is not repeated."""
    with pytest.raises(UnreadableError, match="not a JSON object") as raised:
        parse_secret(text, "/p/q/acme", loopback=False)
    assert_no_secret(raised.value)


def test_no_repr_shows_a_secret() -> None:
    """Not of the secret, not of its parts."""
    secret = parse()
    shown = repr(secret) + str(secret) + repr(secret.credentials) + f"{secret.credentials!s}"
    assert "canary" not in shown.lower()


def assert_no_secret(error: BaseException) -> None:
    """Check that nothing of a secret is in an exception, nor in what it came from and would be printed with it."""
    assert "canary" not in repr(error).lower()
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


# --- The parameter ----------------------------------------------------------------------------------------------------


class Ssm:
    """Answers GetParameter with a text, or raises."""

    def __init__(self, answer: str | Exception) -> None:
        """Take what it answers."""
        self.answer = answer
        self.requests: list[dict[str, Any]] = []

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        """Answer."""
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Parameter": {"Value": self.answer}}


def refusal(code: str) -> ClientError:
    """Return what boto3 raises when SSM refuses."""
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "GetParameter")


def test_the_parameter_of_an_organisation_is_read_decrypted() -> None:
    """Its name is the prefix and the organisation."""
    ssm = Ssm("canary")
    assert read_secret(ssm, "/p/q", "acme") == "canary"
    assert ssm.requests == [{"Name": "/p/q/acme", "WithDecryption": True}]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (refusal("ParameterNotFound"), causes.SECRET_MISSING),
        (refusal("AccessDeniedException"), causes.SECRET_DENIED),
        (refusal("KMSAccessDeniedException"), causes.SECRET_DENIED),
        (refusal("InvalidKeyId"), causes.SECRET_DENIED),
        (refusal("ThrottlingException"), causes.TRANSIENT),
        (refusal("InternalServerError"), causes.TRANSIENT),
        (ClientError({}, "GetParameter"), causes.TRANSIENT),
        (EndpointConnectionError(endpoint_url="https://canary"), causes.TRANSIENT),
        (ConnectTimeoutError(endpoint_url="https://canary"), causes.TRANSIENT),
    ],
    ids=lambda v: str(v)[:60],
)
def test_each_way_to_have_no_secret_has_its_cause(answer: Exception, cause: Cause) -> None:
    """What a person must fix is sent at once; what passes by itself is not."""
    with pytest.raises(UnreadableError) as raised:
        read_secret(Ssm(answer), "/p/q", "acme")
    assert raised.value.cause is cause
    assert_no_secret(raised.value)


# --- Channels ---------------------------------------------------------------------------------------------------------

SENDERS: Any = Senders(None, "arn:aws:sns:eu-west-1:123456789012:topic", None)  # type: ignore[arg-type]
WITH_KEYS = [kind for kind in CHANNELS if kind.settings]


def configured(**more: object) -> dict[str, object]:
    """Return a secret that configures every channel, as far as a fake of it says how."""
    made: dict[str, object] = dict(SECRET)
    for kind in WITH_KEYS:
        made |= settings_of(kind.name)
    return made | more


def settings_of(channel: str) -> dict[str, str]:
    """Return a channel's keys as a fake of it has them."""
    fake = FAKES[channel]()
    try:
        return fake.settings("canary")
    finally:
        fake.close()


def opened(raw: dict[str, object]) -> tuple[dict[str, Receiver], set[str]]:
    """Return the receivers by name, and the channels that can be sent to."""
    secret = parse_secret(json.dumps(raw), "/p/q/acme", loopback=True)
    receivers, channels = open_channels(secret.values, SENDERS, loopback=True)
    return {receiver.name: receiver for receiver in receivers}, set(channels)


def test_without_a_key_there_is_what_needs_none() -> None:
    """The topic, that is."""
    receivers, channels = opened(dict(SECRET))
    assert set(receivers) == channels == {kind.name for kind in CHANNELS if not kind.settings} == {"sns"}


def test_a_channel_is_on_where_the_secret_has_its_key() -> None:
    """Each with its own words, and its own floor."""
    receivers, channels = opened(configured())
    assert list(receivers) == [kind.name for kind in CHANNELS]
    assert channels == set(receivers)
    for kind in CHANNELS:
        receiver = receivers[kind.name]
        assert (receiver.label, receiver.when_broken, receiver.problem) == (kind.label, kind.when_broken, "")
        assert (receiver.min_severity, receiver.incidents_only) == (kind.min_severity, kind.incidents_only)


@pytest.mark.parametrize("floor", ["info", "warning", "critical"])
@pytest.mark.parametrize("kind", WITH_KEYS, ids=lambda kind: kind.name)
def test_a_floor_is_the_channels_own(kind: Any, floor: str) -> None:
    """It changes no other's."""
    receivers, _ = opened(configured(**{f"{kind.name}_min_severity": floor}))
    assert receivers[kind.name].min_severity == floor
    assert all(receivers[one.name].min_severity == one.min_severity for one in CHANNELS if one is not kind)


@pytest.mark.parametrize("value", [5, ["canary"], "canary \n canary"], ids=repr)
@pytest.mark.parametrize(
    ("channel", "key"),
    [
        (kind.name, key)
        for kind in WITH_KEYS
        for key in (*(setting.key for setting in kind.settings), f"{kind.name}_min_severity")
    ],
)
def test_a_mistake_in_a_channels_key_breaks_that_channel_only(channel: str, key: str, value: object) -> None:
    """It is still a receiver, which says what is wrong and never with what; all others can be sent to."""
    receivers, channels = opened(configured(**{key: value}))
    assert channels == {kind.name for kind in CHANNELS} - {channel}
    problem = receivers[channel].problem
    assert problem.startswith(f"The parameter /p/q/acme cannot be used: {key} must be")
    assert "canary" not in problem
    assert [receiver.name for receiver in receivers.values() if receiver.problem] == [channel]


# --- An organisation's services ---------------------------------------------------------------------------------------


def test_an_access_token_is_kept_while_the_credentials_are_the_same(world: World) -> None:
    """The client with its token lives as long as the environment; another secret is another client."""
    first = world.services.organisation("default").zoho
    world.secrets["default"]["name"] = "Renamed"
    assert world.services.organisation("default").zoho is first
    world.secrets["default"]["refresh_token"] = "1000.renewed"
    assert world.services.organisation("default").zoho is not first


def test_a_url_on_loopback_is_for_tests_only(world: World) -> None:
    """Where ZOHO_API_URL is not set, the channel is broken by it."""
    assert set(world.services.organisation("default").channels) == {"sns", "slack"}
    services = world.cold(ZOHO_API_URL="")
    organisation = services.organisation("default")
    assert set(organisation.channels) == {"sns"}
    assert [receiver.name for receiver in organisation.receivers if receiver.problem] == ["slack"]


def test_without_a_secret_only_the_topic_can_be_sent_to_and_the_last_known_channels_are_owed() -> None:
    """Those of the last check; before any, the topic. A channel that no longer exists is dropped."""
    with open_world() as world:
        for known, expected in (((), ["sns"]), (("sns", "slack", "pigeon"), ["sns", "slack"])):
            receivers, channels = world.services.channels(None, Memory("default", channels=known))
            assert [receiver.name for receiver in receivers] == expected
            assert set(channels) == {"sns"}


def test_a_recipient_has_the_names_of_its_secret(world: World) -> None:
    """Name, zone and data centre; without them the key and what the deployment has."""
    world.secrets["default"] |= {"name": "Acme Ltd", "time_zone": "Asia/Kolkata", "data_center": "eu"}
    known = world.services.recipient("default", world.services.organisation("default"))
    assert (known.org, known.name, known.crm_url) == ("default", "Acme Ltd", "https://crm.zoho.eu")
    assert known.now.astimezone(known.zone).strftime("%z") == "+0530"
    unknown = world.services.recipient("default", None)
    assert (unknown.name, unknown.crm_url, unknown.zone) == (
        *("default", "https://crm.zoho.com"),
        world.services.settings.time_zone,
    )


def test_an_organisation_shows_no_secret(world: World) -> None:
    """It has no repr of its parts."""
    organisation = world.services.organisation("default")
    shown = repr(organisation) + repr(organisation.zoho) + "".join(map(repr, organisation.channels.values()))
    for secret in (*world.organisation.secret().values(), world.slack.webhook_url()):
        assert secret == "us" or secret not in shown
