"""What connecting needs to know: each question, and what is wrong with an answer to it."""

import re
import zoneinfo
from collections.abc import Callable
from typing import NamedTuple

from handler import addresses
from handler.channels import CHANNELS
from handler.channels.channel import Channel, Setting
from handler.config import A_ZONE, find_zone
from handler.data_centres import DATA_CENTRES
from handler.wording import SEVERITIES

REMOVE = "-"
NAME_LIMIT = 100
EMPTY = "An answer is needed here."
OPTIONAL: tuple[type[Channel], ...] = tuple(channel for channel in CHANNELS if channel.settings)
"""The channels that a secret turns on: each by its first setting."""


class Question(NamedTuple):
    """One thing to know.

    Attributes:
        text: The question, without its colon.
        variable: The environment variable that answers it.
        complaint: Answer, and whether addresses may be on this machine → what is wrong with it, or "".
        secret: It is typed unseen.
        optional: It may stay unanswered; `REMOVE` takes back an earlier answer.
        unanswered: What holds then.
        begins: How answers of a person begin, where that is known.
    """

    text: str
    variable: str
    complaint: Callable[[str, bool], str]
    secret: bool = False
    optional: bool = False
    unanswered: str = "none"
    begins: tuple[str, ...] = ()

    def judge(self, answer: str, *, loopback: bool, may_be_empty: bool = False) -> str:
        """Return what is wrong with an answer, or ""; `REMOVE` takes back an optional one."""
        if not answer or (self.optional and answer == REMOVE):
            return "" if answer or may_be_empty else EMPTY
        return self.complaint(answer, loopback)

    def judge_typed(self, answer: str, *, loopback: bool, may_be_empty: bool) -> str:
        """Return what is wrong with a person's answer, or "": it must be one of the service's values, too."""
        if wrong := self.judge(answer, loopback=loopback, may_be_empty=may_be_empty):
            return wrong
        free = not answer or answer == REMOVE or (loopback and addresses.is_loopback(answer))
        return (
            ""
            if free or not self.begins or answer.startswith(self.begins)
            else f"It must begin with {' or '.join(self.begins)}."
        )


def _data_centre(text: str, loopback: bool) -> str:
    return "" if text in DATA_CENTRES else f"It must be one of {', '.join(DATA_CENTRES)}."


def _pasted(text: str, loopback: bool) -> str:
    if text == REMOVE:
        return "It is needed, so it cannot be removed."
    if re.search(r"\s", text):
        return "It has blanks inside: copy it again."
    plain = text.isascii() and text.isprintable()
    return "" if plain else "It has characters that Zoho's never have: copy it again."


def _client_id(text: str, loopback: bool) -> str:
    begins = 'A client id of Zoho begins with "1000.": copy it again.'
    return _pasted(text, loopback) or ("" if text.startswith("1000.") else begins)


def _client_secret(text: str, loopback: bool) -> str:
    other = 'It begins with "1000.", as a client id or a code: copy the client secret.'
    return _pasted(text, loopback) or (other if text.startswith("1000.") else "")


def _heartbeat(text: str, loopback: bool) -> str:
    return _sentence(addresses.complaint(text, loopback_http=loopback))


def _name(text: str, loopback: bool) -> str:
    if not text.isprintable():
        return "It has characters that cannot be shown: type it."
    return "" if len(text) <= NAME_LIMIT else f"It has {len(text)} characters: at most {NAME_LIMIT} fit."


def _time_zone(text: str, loopback: bool) -> str:
    if find_zone(text) is not None:
        return ""
    meant = next((zone for zone in zoneinfo.available_timezones() if zone.lower() == text.lower()), "")
    return f"Capitals count: {meant}." if meant else f"{A_ZONE[0].upper()}{A_ZONE[1:]}."


def _severity(text: str, loopback: bool) -> str:
    return "" if text in SEVERITIES else f"It must be one of {', '.join(SEVERITIES)}."


def _sentence(complaint: str) -> str:
    """Return a phrase that follows a key's name ("must be …") as a sentence."""
    return complaint and f"It {complaint}."


def floor_key(channel: type[Channel]) -> str:
    """Return a channel's key for the least severity that it gets."""
    return f"{channel.name}_min_severity"


def keys_of(channel: type[Channel]) -> dict[str, Question]:
    """Return what a secret can hold of a channel; how severe its messages must be is never asked, only taken."""

    def question(setting: Setting) -> Question:
        return Question(
            setting.question,
            setting.key.upper(),
            lambda text, loopback: _sentence(setting.complaint(text, loopback)),
            setting.secret,
            optional=True,
            unanswered=setting.default or "none",
            begins=setting.begins,
        )

    asked = {setting.key: question(setting) for setting in channel.settings}
    floor = floor_key(channel)
    least = Question(f"Least severity of messages to {channel.label}", floor.upper(), _severity, optional=True)
    return {**asked, floor: least}


QUESTIONS = {
    "data_center": Question("Which address does your browser show in Zoho CRM?", "ZOHO_DATA_CENTER", _data_centre),
    "client_id": Question("Client ID", "ZOHO_CLIENT_ID", _client_id),
    "client_secret": Question("Client Secret", "ZOHO_CLIENT_SECRET", _client_secret, secret=True),
    "code": Question("Code", "ZOHO_CODE", _pasted, secret=True),
    **{key: question for channel in OPTIONAL for key, question in keys_of(channel).items()},
    "heartbeat_url": Question("Heartbeat URL", "HEARTBEAT_URL", _heartbeat, secret=True, optional=True),
    "name": Question("Name of the organisation in messages", "ORGANISATION_NAME", _name, optional=True),
    "time_zone": Question(
        "Time zone of its e-mails",
        "ORGANISATION_TIME_ZONE",
        _time_zone,
        optional=True,
        unanswered="the stack's",
    ),
}
NEEDED = ("data_center", "client_id", "client_secret", "code")
CLIENT = ("data_center", "client_id")
"""What a refresh token belongs to."""
AGAIN: dict[str, tuple[str, ...]] = {
    "used_code": ("code",),
    "wrong_scope": ("code",),
    "revoked_token": ("code",),
    "invalid_token": ("code",),
    "throttled": ("code",),
    "unanswered_code": ("code",),
    "wrong_client_secret": ("client_secret", "code"),
    "no_refresh_token": ("client_id", "client_secret", "code"),
    "no_permission": ("client_id", "client_secret", "code"),
    "wrong_client": NEEDED,
    "secret_malformed": tuple(QUESTIONS),
}
"""By the cause for which Zoho refused: what has to be asked again. No answer helps against any other."""
USELESS_TOKEN = {"wrong_scope", "revoked_token", "invalid_token", "no_permission"}
"""Causes that stay as long as the token does: only a new code helps."""
