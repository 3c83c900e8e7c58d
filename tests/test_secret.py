"""Secrets: what is taken, what is refused, what a person reads then, and what an organisation's checks have of them."""

import json
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from handler import aws, errors
from handler.channels import CHANNELS
from handler.errors import Cause, UnreadableError
from handler.organisation import Secret, parse_secret
from handler.zoho import DATA_CENTRES
from sandbox.channels import FAKES
from tests.world import World

SECRET = {
    "client_id": "1000.CANARYID",
    "client_secret": "canarysecret",
    "refresh_token": "1000.canary.refresh",
    "data_center": "eu",
    "heartbeat_url": "https://hc-ping.com/canaryheartbeat",
    "name": "Canary Ltd",
    "time_zone": "Asia/Kolkata",
}


def parse(**changes: Any) -> Secret:
    """Return the secret with some of its fields changed."""
    return parse_secret(json.dumps(SECRET | changes), "/p/q/acme", loopback=False)


def test_a_secret_is_read_as_it_was_written() -> None:
    """Every field arrives where it is used, and no repr shows one."""
    secret = parse()
    credentials = secret.credentials
    found = (credentials.client_id, credentials.client_secret, credentials.refresh_token, credentials.data_centre)
    assert [*found, secret.heartbeat_url, secret.name, secret.time_zone] == list(SECRET.values())
    assert "canary" not in f"{secret!r} {secret!s} {credentials!r} {credentials!s}".lower()


TAKEN: dict[str, tuple[dict[str, object], str, object]] = {
    **{name: ({"data_center": name}, "credentials.data_centre", name) for name in DATA_CENTRES},
    **{f"{name} {v!r}": ({name: v}, name, "") for name in ("heartbeat_url", "name", "time_zone") for v in (None, "")},
    "blanks of a slip in pasting": ({"refresh_token": " 1000.a.b\n"}, "credentials.refresh_token", "1000.a.b"),
    **{f"a name with {c!a}": ({"name": f"A{c}B"}, "name", "A B") for c in ("\n", "\u202e", "\ud800", "\0")},
    "a name that is too long": ({"name": "x" * 5_000}, "name", "x" * 99 + "…"),
}
"""What is in the secret, and what a check has of it."""


@pytest.mark.parametrize("case", TAKEN)
def test_what_can_be_used_is_taken(case: str) -> None:
    """A display name is made printable and bounded: it goes into the subject of every message."""
    changes, attribute, expected = TAKEN[case]
    found: Any = parse(**changes)
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == expected


CREDENTIALS = ("client_id", "client_secret", "refresh_token")
NO_CREDENTIAL = (None, " ", 5, ["canary"], "canary\r\nX-Evil: 1", "canary token", "canäry")
WRONG = [
    *((field, value) for field in CREDENTIALS for value in NO_CREDENTIAL),
    *(("data_center", value) for value in (None, "US", "com", 5, ["us"])),
    *(
        ("heartbeat_url", value)
        for value in ("canary", "http://canary.example/", "https://169.254.169.254/canary", False)
    ),
    *(("name", value) for value in (5, ["canary"])),
    *(("time_zone", value) for value in ("Canary/Canary", "+01:00", "../canary", 5)),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=ascii)
def test_a_field_that_is_wrong_is_named_and_its_value_is_not(field: str, value: object) -> None:
    """The text goes to people and into the log: it says which field, never what is in it."""
    with pytest.raises(UnreadableError) as raised:
        parse(**{field: value})
    assert f"{field} must " in str(raised.value)
    assert "/p/q/acme" in str(raised.value)
    assert_no_secret(raised.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    """Whoever fixes one must not have to come back for the next."""
    with pytest.raises(UnreadableError) as raised:
        parse(**dict.fromkeys(SECRET, 5))
    for field in SECRET:
        assert f"{field} must be" in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "canary", '["canary"]', "null", '{"client_id": "canary', "[" * 100_000], ids=lambda text: text[:12]
)
def test_a_parameter_that_is_no_json_object_is_malformed(text: str) -> None:
    """Whatever was pasted there, it is not repeated."""
    with pytest.raises(UnreadableError, match="not a JSON object") as raised:
        parse_secret(text, "/p/q/acme", loopback=False)
    assert_no_secret(raised.value)


def assert_no_secret(error: BaseException) -> None:
    """Check that nothing of a secret is in an exception, nor in what it came from and would be printed with it."""
    assert "canary" not in repr(error).lower()
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


# --- The parameter ----------------------------------------------------------------------------------------------------


def ssm(answer: str | Exception) -> Any:
    """Return an SSM client that answers with this text, or raises this, when it is asked for the plain parameter."""

    def get_parameter(**request: Any) -> dict[str, Any]:
        assert request == {"Name": "/p/q/acme", "WithDecryption": True}
        if isinstance(answer, Exception):
            raise answer
        return {"Parameter": {"Value": answer}}

    return SimpleNamespace(get_parameter=get_parameter)


CODES: dict[str, Cause] = {
    "ParameterNotFound": errors.SECRET_MISSING,
    **dict.fromkeys(("AccessDeniedException", "KMSAccessDeniedException", "InvalidKeyId"), errors.SECRET_DENIED),
    **dict.fromkeys(("ThrottlingException", "InternalServerError", "", "no answer"), errors.SECRET_UNAVAILABLE),
}


@pytest.mark.parametrize("code", CODES)
def test_each_way_to_have_no_secret_has_its_cause(code: str) -> None:
    """What a person must fix is sent at once; what passes by itself is not."""
    assert aws.read_parameter(ssm("canary"), "/p/q/acme") == "canary"
    refused = ClientError({"Error": {"Code": code, "Message": "canary"}} if code else {}, "GetParameter")
    silent = ConnectTimeoutError(endpoint_url="https://canary")
    with pytest.raises(UnreadableError) as raised:
        aws.read_parameter(ssm(silent if code == "no answer" else refused), "/p/q/acme")
    assert raised.value.cause is CODES[code]
    assert ("AWS" in str(raised.value)) == (code != "ParameterNotFound")
    assert_no_secret(raised.value)


# --- Channels ---------------------------------------------------------------------------------------------------------

WITH_KEYS = [kind for kind in CHANNELS if kind.settings]


@pytest.fixture
def configured(world: World) -> World:
    """Give a world whose secret configures every channel, as far as a fake of it says how."""
    for kind in WITH_KEYS:
        with closing(FAKES[kind.name]()) as fake:
            world.secrets["default"] |= fake.settings("canary")
    return world


def test_a_channel_is_on_where_the_secret_has_its_key(configured: World) -> None:
    """Each with its own words and its own floor; without any key there is the topic, which needs and has none."""
    configured.secrets["default"]["sns_min_severity"] = "?"
    organisation = configured.services.organisation("default")
    assert list(organisation.connections) == [kind.name for kind in CHANNELS]
    assert list(organisation.channels) == [kind.channel for kind in CHANNELS]
    configured.secrets["default"] = configured.organisation.secret()
    assert list(configured.services.organisation("default").connections) == ["sns"]


KEYS = [(kind.name, setting.key) for kind in WITH_KEYS for setting in kind.settings]


@pytest.mark.parametrize("value", [["canary"], "canary \n canary", "https://169.254.169.254/canary"], ids=repr)
@pytest.mark.parametrize(("channel", "key"), [*KEYS, *((kind.name, f"{kind.name}_min_severity") for kind in WITH_KEYS)])
def test_a_mistake_in_a_channels_key_breaks_that_channel_only(
    configured: World, channel: str, key: str, value: Any
) -> None:
    """It is still a channel, which says what is wrong and never with what; all others can be sent to."""
    configured.secrets["default"][key] = value
    organisation = configured.services.organisation("default")
    assert set(organisation.connections) == {kind.name for kind in CHANNELS} - {channel}
    [(name, problem)] = [(one.name, one.problem) for one in organisation.channels if one.problem]
    assert name == channel
    assert problem.startswith(f"The parameter /zoho-backup-notifier/test/default cannot be used: {key} must ")
    assert "canary" not in problem


# --- An organisation's services ---------------------------------------------------------------------------------------


def test_a_url_on_loopback_is_for_tests_only(world: World) -> None:
    """Where ZOHO_API_URL is not set, the channel is broken by it."""
    assert set(world.services.organisation("default").connections) == {"sns", "slack"}
    assert set(world.cold(ZOHO_API_URL="").organisation("default").connections) == {"sns"}


def test_without_a_secret_only_the_topic_can_be_sent_to_and_the_last_known_channels_are_owed(world: World) -> None:
    """Those of the last check; before any, the topic. A channel that no longer exists is dropped."""
    for known, expected in (((), ["sns"]), (("sns", "slack", "pigeon"), ["sns", "slack"])):
        world.secrets.pop("default", None)
        organisation = world.services.organisation("default", known)
        assert [channel.name for channel in organisation.channels] == expected
        assert set(organisation.connections) == {"sns"}


def test_messages_have_the_names_of_the_secret(world: World) -> None:
    """Name, zone and data centre; without them the key and what the deployment has."""
    world.secrets["default"] |= {"name": "Acme Ltd", "time_zone": "Asia/Kolkata", "data_center": "eu"}
    known = world.services.rendering(world.services.organisation("default"))
    assert (known.org, known.name, known.crm_url) == ("default", "Acme Ltd", "https://crm.zoho.eu")
    assert known.now.astimezone(known.zone).strftime("%z") == "+0530"
    world.secrets.clear()
    unknown = world.services.rendering(world.services.organisation("default"))
    assert (unknown.name, unknown.crm_url) == ("default", "https://crm.zoho.com")
    assert unknown.zone == world.services.settings.policy.time_zone
    assert known.runbook_url == unknown.runbook_url == world.services.settings.runbook_url
