"""One organisation's secret: an SSM parameter with JSON. It is read at the start of every check."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handler import aws, causes
from handler.addresses import complaint
from handler.config import A_ZONE, find_zone
from handler.data_centres import DATA_CENTRES
from handler.errors import UnreadableError
from handler.history import clean
from handler.zoho import Credentials

PRINTABLE = re.compile(r"[\x21-\x7e]+")
MUST_BE_PRINTABLE = "must be printable ASCII without blanks, as Zoho gave it"

Check = Callable[[str], str]
"""Value → what is wrong with it, as it follows the key's name, or ""."""


@dataclass(frozen=True, repr=False)
class Secret:
    """What one organisation's parameter holds. It has no ``repr``: every field may be secret.

    Attributes:
        credentials: For Zoho.
        name: Display name of the organisation, or "".
        time_zone: In which its plain text shows times; "": in the deployment's.
        heartbeat_url: "" without a heartbeat.
        values: All of it, for the channels to take their settings from.
    """

    credentials: Credentials
    name: str
    time_zone: str
    heartbeat_url: str
    values: "Values"


def read_secret(ssm: Any, prefix: str, org: str) -> str:
    """Return what the organisation's parameter holds.

    Args:
        ssm: A boto3 SSM client.
        prefix: ``ORG_PARAMETER_PREFIX``.
        org: The organisation's key.

    Raises:
        UnreadableError: There is no such parameter, it may not be read, or SSM did not answer.
    """
    name = f"{prefix}/{org}"
    try:
        text: str = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        code = aws.error_name(error)
        if code == "ParameterNotFound":
            raise UnreadableError(causes.SECRET_MISSING, f"There is no parameter {name}.") from None
        if code.startswith(("AccessDenied", "KMS", "InvalidKeyId")):
            why = f"AWS refuses to let the function read the parameter {name}: {code}."
            raise UnreadableError(causes.SECRET_DENIED, why) from None
        why = f"AWS Systems Manager did not give the parameter {name}: {code}."
        raise UnreadableError(causes.TRANSIENT, why) from None
    except BotoCoreError as error:
        why = f"AWS Systems Manager did not answer: {type(error).__name__}."
        raise UnreadableError(causes.TRANSIENT, why) from None
    return text


def parse_secret(text: str, parameter: str, *, loopback: bool) -> Secret:
    """Return the secret that this JSON text holds; what channels need of it is checked by them.

    Args:
        text: ``client_id``, ``client_secret``, ``refresh_token``, ``data_center``; optionally ``name``, ``time_zone``,
            ``heartbeat_url``, each channel's settings, and ``CHANNEL_min_severity``.
        parameter: Its name, for the error.
        loopback: Whether URLs may be http on loopback, as in tests and the sandbox.

    Raises:
        UnreadableError: Names every mistake and never a value.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise UnreadableError(causes.SECRET_MALFORMED, f"The parameter {parameter} is not a JSON object.")
    values = Values(raw, parameter)
    one_of = f"must be one of {', '.join(DATA_CENTRES)}"
    secret = Secret(
        Credentials(
            values.take("client_id", printable),
            values.take("client_secret", printable),
            values.take("refresh_token", printable),
            values.take("data_center", lambda value: "" if value in DATA_CENTRES else one_of),
        ),
        clean(values.take("name", lambda value: "", default="")) or "",
        values.take("time_zone", lambda value: "" if find_zone(value) else f"must be {A_ZONE}", default=""),
        values.take("heartbeat_url", lambda value: complaint(value, loopback_http=loopback), default=""),
        Values(raw, parameter),
    )
    if values.problems:
        raise UnreadableError(causes.SECRET_MALFORMED, values.complaint)
    return secret


def printable(value: str) -> str:
    """Return what is wrong with an id, a secret or a token, or ""."""
    return "" if PRINTABLE.fullmatch(value) else MUST_BE_PRINTABLE


class Values:
    """Takes values out of a secret, and keeps what is wrong with them.

    Attributes:
        problems: A phrase for each key that is wrong; no value is in any.
    """

    def __init__(self, raw: dict[str, Any], parameter: str) -> None:
        """Take the decoded JSON object, and the parameter's name."""
        self._raw = raw
        self._parameter = parameter
        self.problems: list[str] = []

    @property
    def complaint(self) -> str:
        """All that is wrong, as a sentence, or ""."""
        return f"The parameter {self._parameter} cannot be used: {'; '.join(self.problems)}." if self.problems else ""

    def fresh(self) -> "Values":
        """Return the same values without the problems."""
        return Values(self._raw, self._parameter)

    def has(self, key: str) -> bool:
        """Return whether there is something for this key."""
        return self._raw.get(key) not in (None, "")

    def take(self, key: str, check: Check, default: str | None = None) -> str:
        """Return a value, stripped; its default where it is missing or wrong."""
        value = self._raw.get(key)
        if not self.has(key) and default is not None:
            return default
        text = value.strip() if isinstance(value, str) else ""
        if problem := check(text) if text else "must be a text, and is missing or empty":
            self.problems.append(f"{key} {problem}")
            return default or ""
        return text
