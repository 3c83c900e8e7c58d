"""Settings and secrets: what is taken, what is refused, and what a person reads when it is refused."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from handler import config, errors
from handler.config import is_allowed_url, parse_secret, read_secret, read_settings
from handler.errors import ConfigError, SecretMalformedError, UnreadableError
from handler.zoho import DATA_CENTRES

NEEDED = {
    "TABLE_NAME": "table",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
    "ORG_PARAMETER_PREFIX": "/p/q",
}
SECRET = {
    "client_id": "1000.CANARYID",
    "client_secret": "canarysecret",
    "refresh_token": "1000.canary.refresh",
    "data_center": "eu",
    "slack_webhook_url": "https://hooks.slack.com/services/T0/B0/canarywebhook",
    "heartbeat_url": "https://hc-ping.com/canaryheartbeat",
    "name": "Canary Ltd",
    "time_zone": "Asia/Kolkata",
}
OPTIONAL = ("slack_webhook_url", "heartbeat_url", "name", "time_zone")

# --- Settings ---------------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_documentation() -> None:
    """Nothing but what the template fills in by itself has to be set."""
    settings = read_settings(NEEDED)
    policy = settings.policy
    assert settings.table_name == "table"
    assert settings.topic_arn == NEEDED["TOPIC_ARN"]
    assert settings.org_parameter_prefix == "/p/q"
    assert policy.notify_on == {  # as design and documentation have it
        *("completed", "failed", "unknown", "stopped", "overdue", "stuck", "unreadable", "channel", "digest")
    }
    assert (policy.max_backup_age_days, policy.grace_hours, policy.stuck_hours) == (0, 24, 24)
    assert (policy.unreadable_hours, policy.remind_hours, policy.digest_days) == (6, 24, 30)
    assert settings.time_zone_name == "UTC"
    assert settings.zoho_api_version == "v7"
    assert (settings.zoho_accounts_url, settings.zoho_api_url) == ("", "")


VALID: list[tuple[str, str, str, object]] = [
    ("NOTIFY_ON", "failed", "policy.notify_on", {"failed"}),
    ("NOTIFY_ON", " failed , stuck,", "policy.notify_on", {"failed", "stuck"}),
    ("NOTIFY_ON", "scheduled,purchased", "policy.notify_on", {"scheduled", "purchased"}),
    ("MAX_BACKUP_AGE_DAYS", "0", "policy.max_backup_age_days", 0),
    ("MAX_BACKUP_AGE_DAYS", "3650", "policy.max_backup_age_days", 3650),
    ("GRACE_HOURS", "1", "policy.grace_hours", 1),
    ("GRACE_HOURS", "87600", "policy.grace_hours", 87600),
    ("STUCK_HOURS", "1", "policy.stuck_hours", 1),
    ("STUCK_HOURS", "87600", "policy.stuck_hours", 87600),
    ("UNREADABLE_HOURS", "1", "policy.unreadable_hours", 1),
    ("UNREADABLE_HOURS", "87600", "policy.unreadable_hours", 87600),
    ("REMIND_HOURS", "0", "policy.remind_hours", 0),
    ("REMIND_HOURS", "87600", "policy.remind_hours", 87600),
    ("DIGEST_DAYS", "0", "policy.digest_days", 0),
    ("DIGEST_DAYS", "3650", "policy.digest_days", 3650),
    ("TIME_ZONE", "Europe/Berlin", "time_zone_name", "Europe/Berlin"),
    ("TIME_ZONE", "America/Argentina/Buenos_Aires", "time_zone_name", "America/Argentina/Buenos_Aires"),
    ("ZOHO_API_VERSION", "v8", "zoho_api_version", "v8"),
    ("ZOHO_API_VERSION", "v2.1", "zoho_api_version", "v2.1"),
    ("ORG_PARAMETER_PREFIX", "/p/q/", "org_parameter_prefix", "/p/q"),
    ("ZOHO_ACCOUNTS_URL", "http://127.0.0.1:8080/", "zoho_accounts_url", "http://127.0.0.1:8080"),
    ("ZOHO_API_URL", "http://localhost:8080", "zoho_api_url", "http://localhost:8080"),
    ("ZOHO_API_URL", "https://[::1]:8080", "zoho_api_url", "https://[::1]:8080"),
    ("AWS_CA_BUNDLE", "/etc/bundle.pem", "ca_bundle", "/etc/bundle.pem"),
]


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"), VALID, ids=[f"{name}={value}"[:60] for name, value, *_ in VALID]
)
def test_a_setting_that_is_right_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    """Each within its bounds, the bounds included."""
    found: Any = read_settings({**NEEDED, name: value})
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == expected


BEYOND = {
    "MAX_BACKUP_AGE_DAYS": "3651",
    "GRACE_HOURS": "0",
    "STUCK_HOURS": "0",
    "UNREADABLE_HOURS": "0",
    "REMIND_HOURS": "87601",
    "DIGEST_DAYS": "3651",
}
INVALID: list[tuple[str, str, str]] = [
    ("TABLE_NAME", "", "deploy the stack again"),
    ("TOPIC_ARN", "", "deploy the stack again"),
    ("ORG_PARAMETER_PREFIX", "", "deploy the stack again"),
    ("NOTIFY_ON", "failed,faild", "'faild': choose from "),
    ("NOTIFY_ON", "baseline", "choose from"),
    ("NOTIFY_ON", "recovered", "choose from"),
    ("NOTIFY_ON", "readable", "choose from"),
    ("NOTIFY_ON", "folded", "choose from"),
    ("NOTIFY_ON", "test", "choose from"),
    ("NOTIFY_ON", "FAILED", "choose from"),
    *((name, value, "give a whole number from") for name, value in BEYOND.items()),
    *((name, value, "give a whole number from") for name in BEYOND for value in ("-1", "1.5", "x", "1e3", "٣", " 7")),
    *((name, "9" * 5_000, "give a whole number from") for name in BEYOND),
    *(("TIME_ZONE", zone, "such as Europe/Berlin") for zone in ("Europe/Berlim", "+01:00", "../etc/passwd", "GMT+1")),
    *(("ZOHO_API_VERSION", version, "such as v7") for version in ("7", "v0", "v7/", "v7.10", "latest", "../v7")),
    *(
        (name, url, "loopback")
        for name in ("ZOHO_ACCOUNTS_URL", "ZOHO_API_URL")
        for url in (
            "https://accounts.zoho.com",
            "http://127.0.0.1@evil.example",
            "file:///etc/passwd",
            "127.0.0.1",
            "x",
        )
    ),
]


@pytest.mark.parametrize(("name", "value", "mend"), INVALID, ids=lambda v: str(v)[:30])
def test_a_setting_that_is_wrong_is_named_with_its_mend(name: str, value: str, mend: str) -> None:
    """What a person reads says which setting it is and what to write instead."""
    with pytest.raises(ConfigError) as raised:
        read_settings({**NEEDED, name: value})
    sentences = str(raised.value).removeprefix("The function is not set up correctly. ")
    assert sentences.startswith(name)
    assert mend in sentences


def test_every_number_is_in_the_tables() -> None:
    """A number that is added is tested, too."""
    assert config.NUMBERS.keys() == BEYOND.keys()


def test_all_mistakes_are_named_at_once() -> None:
    """Whoever mends one must not have to come back for the next."""
    wrong = dict.fromkeys((*BEYOND, "NOTIFY_ON", "TIME_ZONE", "ZOHO_API_VERSION", "ZOHO_ACCOUNTS_URL"), "?")
    with pytest.raises(ConfigError) as raised:
        read_settings(wrong)
    for name in (*wrong, *NEEDED):
        assert name in str(raised.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is where the template puts them."""
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    assert read_settings().table_name == "table"


def test_an_empty_setting_is_as_good_as_none() -> None:
    """A template parameter that is left empty arrives as an empty variable."""
    assert read_settings(NEEDED | dict.fromkeys(("NOTIFY_ON", "TIME_ZONE", "GRACE_HOURS"), "")) == read_settings(NEEDED)


# --- URLs -------------------------------------------------------------------------------------------------------------

ALLOWED = [
    "https://hooks.slack.com/services/T0/B0/x",
    "HTTPS://hooks.slack.com/x",
    "https://hooks.slack.com:8443/x?y=z#a",
    "https://10.0.0.7/inside",
    "https://127.0.0.1:8443/x",
    "http://127.0.0.1/x",
    "http://127.8.8.8:80/x",
    "http://localhost:8000/x",
    "http://[::1]:8000/x",
]
REFUSED = [
    "",
    "x",
    "hooks.slack.com/services",
    "http://hooks.slack.com/x",
    "http://10.0.0.7/x",
    "http://localhost.evil.example/x",
    "http://127.0.0.1.evil.example/x",
    "http://0.0.0.0/x",
    "https://169.254.169.254/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.170.2/v2/credentials",
    "https://[fe80::1]/x",
    "https://[fe80::1%25eth0]/x",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1/x",
    "javascript:alert(1)",
    "https://user@hooks.slack.com/x",
    "https://user:password@hooks.slack.com/x",
    "https://hooks.slack.com@evil.example/x",
    "http://127.0.0.1@evil.example/x",
    "http://evil.example\\@127.0.0.1/x",
    "https:///x",
    "https://:443/x",
    "https://hooks.slack.com:99999/x",
    "https://hooks.slack.com:port/x",
    "https://[::1/x",
    "https://hooks.slack.com/\r\nX-Evil: 1",
    "https://hooks.slack.com/\x00",
    "https://hooks.slack.com/a b",
    "https://hooks.slack.com/\t",
    "https://höoks.example/x",
    "https://hooks.slack.com/\ud800",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_a_url_that_is_safe_is_allowed(url: str) -> None:
    """HTTPS anywhere, plain HTTP on this machine only."""
    assert is_allowed_url(url)


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_a_url_that_is_not_safe_is_refused(url: str) -> None:
    """No other scheme, no metadata service, nobody's password, nothing that could break out of a request line."""
    assert not is_allowed_url(url)


# --- Secrets ----------------------------------------------------------------------------------------------------------


def parse(**changes: Any) -> config.Secret:
    """Return the secret with some of its fields changed; None leaves a field away."""
    raw = {name: value for name, value in {**SECRET, **changes}.items() if value is not None}
    return parse_secret(json.dumps(raw), "/p/q/acme")


def test_a_secret_is_read_as_it_was_written() -> None:
    """Every field arrives where it is used."""
    secret = parse()
    assert secret.credentials.client_id == SECRET["client_id"]
    assert secret.credentials.client_secret == SECRET["client_secret"]
    assert secret.credentials.refresh_token == SECRET["refresh_token"]
    assert secret.credentials.data_centre == "eu"
    assert (secret.slack_webhook_url, secret.heartbeat_url) == (SECRET["slack_webhook_url"], SECRET["heartbeat_url"])
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
    assert getattr(parse_secret(json.dumps(SECRET | {field: None}), "/p"), field) == ""


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
        (field, value)
        for field in ("slack_webhook_url", "heartbeat_url")
        for value in ("canary", "http://canary.example/", "file:///canary", 5, False, ["https://canary"], {"canary": 1})
    ),
    *(("name", value) for value in (5, True, ["canary"], {"canary": 1})),
    *(("time_zone", value) for value in ("Canary/Canary", "+01:00", "../canary", 5, ["UTC"])),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=ascii)
def test_a_field_that_is_wrong_is_named_and_its_value_is_not(field: str, value: object) -> None:
    """The text goes to people and into the log: it says which field, never what is in it."""
    with pytest.raises(SecretMalformedError) as raised:
        parse(**{field: value})
    assert f"{field} must be" in str(raised.value)
    assert "/p/q/acme" in str(raised.value)
    assert_no_secret(raised.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    """Whoever mends one must not have to come back for the next."""
    with pytest.raises(SecretMalformedError) as raised:
        parse_secret(json.dumps(dict.fromkeys(SECRET, 5)), "/p/q/acme")
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
    with pytest.raises(SecretMalformedError, match="not a JSON object") as raised:
        parse_secret(text, "/p/q/acme")
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
    ssm = Ssm(json.dumps(SECRET))
    assert read_secret(ssm, "/p/q", "acme").name == "Canary Ltd"
    assert ssm.requests == [{"Name": "/p/q/acme", "WithDecryption": True}]


@pytest.mark.parametrize(
    ("answer", "kind", "act"),
    [
        (refusal("ParameterNotFound"), errors.SecretMissingError, True),
        (refusal("AccessDeniedException"), errors.SecretDeniedError, True),
        (refusal("KMSAccessDeniedException"), errors.SecretDeniedError, True),
        (refusal("InvalidKeyId"), errors.SecretDeniedError, True),
        (refusal("ThrottlingException"), errors.TroubleError, False),
        (refusal("InternalServerError"), errors.TroubleError, False),
        (ClientError({}, "GetParameter"), errors.TroubleError, False),
        (EndpointConnectionError(endpoint_url="https://canary"), errors.TroubleError, False),
        (ConnectTimeoutError(endpoint_url="https://canary"), errors.TroubleError, False),
        ("not JSON: canary", errors.SecretMalformedError, True),
    ],
    ids=lambda v: str(v)[:60],
)
def test_each_way_to_have_no_secret_is_told_apart(
    answer: str | Exception, kind: type[UnreadableError], act: bool
) -> None:
    """What a person must mend is told at once; what passes by itself is not."""
    with pytest.raises(UnreadableError) as raised:
        read_secret(Ssm(answer), "/p/q", "acme")
    assert type(raised.value) is kind
    assert raised.value.act is act
    assert_no_secret(raised.value)
