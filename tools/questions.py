"""What `make connect` has to know: the questions, what is wrong with an answer, and the ways to give one."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from handler.addresses import url_problem
from handler.channels import CHANNELS
from handler.channels.channel import ChannelKind, Setting
from handler.config import A_ZONE, find_zone
from handler.wording import SEVERITIES
from handler.zoho import DATA_CENTRES, SCOPE
from tools.terminal import Problem, say

REMOVE = "-"
NAME_LIMIT = 100
OPTIONAL: tuple[ChannelKind, ...] = tuple(kind for kind in CHANNELS if kind.settings)
"""The channels that a secret turns on: each by its first setting."""
NEEDED = ("data_center", "client_id", "client_secret", "code")
CLIENT = ("data_center", "client_id")
"""What a refresh token belongs to."""
BELONGS_TO = {"client_secret": ("client_id",), "code": CLIENT}
ORDER = (*NEEDED[:3], "channels", "heartbeat_url", "name", "time_zone", "code")
"""What a person is asked, one after the other; ``channels`` is the choice of channels, and their settings."""
SPOKEN = {"name"}
"""Answers in a person's own words; all others are copied."""
IGNORED = {"scope", "grant_type", "expiry_time"}
"""What else is in the file that Zoho's API console offers to download with a code."""


def _one_of(*names: str) -> Callable[[str, bool], str]:
    return lambda text, loopback: "" if text in names else f"must be one of {', '.join(names)}"


def _of_zoho(text: str, loopback: bool) -> str:
    plain = text.isascii() and text.isprintable()
    return "" if plain else "It has characters that Zoho's never have: copy it again."


def _client_secret(text: str, loopback: bool) -> str:
    other = 'It begins with "1000.", as a client id or a code: copy the client secret.'
    return _of_zoho(text, loopback) or (other if text.startswith("1000.") else "")


def _name(text: str, loopback: bool) -> str:
    fits = text.isprintable() and len(text) <= NAME_LIMIT
    return "" if fits else f"must be at most {NAME_LIMIT} characters that can be shown"


def _time_zone(text: str, loopback: bool) -> str:
    return "" if find_zone(text) else f"must be {A_ZONE}; capitals count"


def floor(kind: ChannelKind) -> Setting:
    """Return the setting of the lowest severity sent to a channel. It is taken from a file or the environment only."""
    lowest = f"Lowest severity sent to {kind.label}"
    return Setting(f"{kind.name}_min_severity", lowest, "", _one_of(*SEVERITIES), secret=False)


_CONSOLE = """\
Open {console} as an administrator of Zoho CRM and choose "Self Client".
Copy these from its "Client Secret" tab:"""
_HEARTBEAT = """\
Optional: a heartbeat URL is requested after every good check, so that a service outside AWS, such as \
https://healthchecks.io, can alert you when checks stop."""
_ZONE = "Such as Europe/Berlin."
_CODE = f"""\
Back in {{console}}, in the tab "Generate Code": paste the scope
    {SCOPE}
choose ten minutes, describe it as you like, create, and copy the code."""
_SETTINGS = (
    Setting(
        "data_center", "Which address does your browser show in Zoho CRM?", "", _one_of(*DATA_CENTRES), secret=False
    ),
    Setting("client_id", "Client ID", _CONSOLE, _of_zoho, secret=False, begins=("1000.",)),
    Setting("client_secret", "Client Secret", "", _client_secret),
    *(setting for kind in OPTIONAL for setting in (*kind.settings, floor(kind))),
    Setting("heartbeat_url", "Heartbeat URL", _HEARTBEAT, url_problem),
    Setting("name", "Name of the organisation in messages", "", _name, secret=False),
    Setting("time_zone", "Time zone for times in messages", _ZONE, _time_zone, "the stack's", secret=False),
    Setting("code", "Code", _CODE, _of_zoho),
)
QUESTIONS = {setting.key: setting for setting in _SETTINGS}
"""Key in the secret → question. Its ``help`` is said before it and may name the API console as ``{console}``."""


def pasted(key: str, text: str) -> str:
    """Return an answer without the quotes, brackets and commas around it that were copied with it."""
    return text.strip() if key in SPOKEN else text.strip(" <>@,;\"'`“”")


def variable(key: str) -> str:
    """Return the environment variable that answers a question."""
    prefix = "ZOHO_" if key in NEEDED else "ORGANISATION_" if key in {"name", "time_zone"} else ""
    return f"{prefix}{key.upper()}"


def judge(key: str, answer: str, *, loopback: bool, needed: bool = False) -> str:
    """Return what is wrong with an answer, or "".

    Args:
        key: The question's.
        answer: The answer; `REMOVE` takes back an earlier one.
        loopback: Whether addresses may be on this machine, as in the sandbox.
        needed: Whether there must be one, though the organisation could do without.
    """
    if not answer:
        return "An answer is needed here."
    if answer == REMOVE:
        return "It is needed, so it cannot be removed." if needed or key in NEEDED else ""
    if key not in SPOKEN and re.search(r"\s", answer):
        return "It has blanks inside: copy it again."
    wrong = QUESTIONS[key].problem(answer, loopback)
    return f"It {wrong}." if wrong.startswith("must ") else wrong


def given(file: Path | None, environ: Mapping[str, str], *, loopback: bool) -> dict[str, str]:
    """Return the answers in a JSON file and in the environment, which counts more.

    Raises:
        Problem: The file or an answer cannot be used; the text has no value.
    """
    answers = _from_file(file) if file else {}
    answers |= {key: text for key in QUESTIONS if (text := environ.get(variable(key), "").strip())}
    for key, answer in answers.items():
        if wrong := judge(key, answer, loopback=loopback):
            raise Problem(f"{key} ({variable(key)}) cannot be used.", wrong)
    return answers


def _from_file(file: Path) -> dict[str, str]:
    if file.exists() and file.stat().st_mode & 0o077:
        say(f"! \tOthers on this machine can read {file}: chmod 600 {file}")
    try:
        held = json.loads(file.read_text())
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}.", 'Name another: ARGS="--file …"') from None
    except ValueError:
        held = None
    keys = f"Its keys may be, as texts: {', '.join(QUESTIONS)}"
    if not isinstance(held, dict):
        raise Problem(f"{file} is no JSON object.", keys)
    held = {key: value for key, value in held.items() if key not in IGNORED and value not in ("", None)}
    if wrong := sorted(key for key, value in held.items() if key not in QUESTIONS or not isinstance(value, str)):
        raise Problem(f"{file} has what cannot be used: {', '.join(wrong)}.", keys)
    return {key: value.strip() for key, value in held.items()}


def complete(known: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return what is known with what is new.

    A refresh token belongs to a client in a data centre: another client needs a code. A channel whose first key is
    removed loses the others, too.

    Raises:
        Problem: Something is missing; all of it is named.
    """
    answers = {**known, **new}
    if any(answers.get(key) != known.get(key) for key in CLIENT):
        answers.pop("refresh_token", None)
    needed = NEEDED[:3] if "refresh_token" in answers else NEEDED
    if missing := [f"{key} ({variable(key)})" for key in needed if key not in answers]:
        raise Problem(
            f"Missing: {', '.join(missing)}.", 'Set the environment variables, or name a file: ARGS="--file …"'
        )
    off = [kind for kind in OPTIONAL if answers.get(kind.settings[0].key) == REMOVE]
    removed = {setting.key for kind in off for setting in (*kind.settings, floor(kind))}
    return {key: value for key, value in answers.items() if value != REMOVE and key not in removed}


def doubts(secret: Mapping[str, str]) -> list[str]:
    """Return a sentence for each address at Zoho that is in another data centre than the organisation."""
    own, *others = sorted(DATA_CENTRES, key=lambda centre: centre != secret["data_center"])
    elsewhere = tuple(DATA_CENTRES[centre].crm.removeprefix("https://crm") for centre in others)
    addresses = [key for key in secret if key.endswith("_url") and key in QUESTIONS]
    wrong = [key for key in addresses if (urlsplit(secret[key]).hostname or "").endswith(elsewhere)]
    return [f"{QUESTIONS[key].question}: check its host, which is not in Zoho's data centre {own}." for key in wrong]
