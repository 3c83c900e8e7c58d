"""What `make connect` has to know: the questions, what is wrong with an answer, and the ways to give one."""

import json
import re
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from handler import addresses
from handler.channels import CHANNELS
from handler.channels.channel import Channel
from handler.config import A_ZONE, find_zone
from handler.data_centres import DATA_CENTRES
from handler.wording import SEVERITIES, shorten
from handler.zoho import SCOPE
from tools import terminal
from tools.terminal import Problem, say
from tools.zoho_token import api_console

REMOVE = "-"
NAME_LIMIT = 100
SHOWN = 38
"""So many characters of what Enter keeps are shown, so that the question fits a line."""
OPTIONAL: tuple[type[Channel], ...] = tuple(channel for channel in CHANNELS if channel.settings)
"""The channels that a secret turns on: each by its first setting."""


class Question(NamedTuple):
    """One thing to know.

    Attributes:
        text: The question, without its colon.
        variable: The environment variable that answers it.
        complaint: Answer, and whether addresses may be on this machine → what is wrong with it, as a sentence or as
            "must be …", or "".
        secret: It is typed unseen.
        optional: It may stay unanswered; `REMOVE` takes back an earlier answer.
        unanswered: What holds then.
        begins: How a person's answers begin, where that is known; a file may imitate a service.
        intro: What is said before it is asked; it may name the API console as ``{console}``.
    """

    text: str
    variable: str
    complaint: Callable[[str, bool], str]
    secret: bool = False
    optional: bool = False
    unanswered: str = "none"
    begins: tuple[str, ...] = ()
    intro: str = ""

    def judge(self, answer: str, loopback: bool) -> str:
        """Return what is wrong with an answer, or ""."""
        if not answer:
            return "An answer is needed here."
        wrong = "" if self.optional and answer == REMOVE else self.complaint(answer, loopback)
        return f"It {wrong}." if wrong.startswith("must ") else wrong


def _data_centre(text: str, loopback: bool) -> str:
    return "" if text in DATA_CENTRES else f"must be one of {', '.join(DATA_CENTRES)}"


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
    return "" if text in SEVERITIES else f"must be one of {', '.join(SEVERITIES)}"


def keys_of(channel: type[Channel]) -> dict[str, Question]:
    """Return what a secret can hold of a channel. Its floor is taken from a file or the environment, never asked."""
    asked = {
        key: Question(text, key.upper(), complaint, secret, True, default or "none", begins, f"\n{intro}")
        for key, text, intro, complaint, default, secret, begins in channel.settings
    }
    floor = f"{channel.name}_min_severity"
    least = Question(f"Least severity of messages to {channel.label}", floor.upper(), _severity, optional=True)
    return {**asked, floor: least}


_CONSOLE = '\nOpen {console} as an administrator of Zoho CRM and choose "Self Client".\nIn its tab "Client Secret":'
_HEARTBEAT = """
Optional: a heartbeat URL is requested after every good check, so that a service outside AWS, such as \
https://healthchecks.io, can alert you when checks stop."""
_ZONE = "\nIts e-mails show times in the stack's time zone, or in another one, such as Europe/Berlin."
_CODE = f"""
Back in {{console}}, in the tab "Generate Code": paste the scope
    {SCOPE}
choose ten minutes, describe it as you like, create, and copy the code."""
QUESTIONS = {
    "data_center": Question("Which address does your browser show in Zoho CRM?", "ZOHO_DATA_CENTER", _data_centre),
    "client_id": Question("Client ID", "ZOHO_CLIENT_ID", _client_id, intro=_CONSOLE),
    "client_secret": Question("Client Secret", "ZOHO_CLIENT_SECRET", _client_secret, secret=True),
    **{key: question for channel in OPTIONAL for key, question in keys_of(channel).items()},
    "heartbeat_url": Question("Heartbeat URL", "HEARTBEAT_URL", addresses.complaint, True, True, intro=_HEARTBEAT),
    "name": Question("Name of the organisation in messages", "ORGANISATION_NAME", _name, optional=True),
    "time_zone": Question(
        "Time zone of its e-mails", "ORGANISATION_TIME_ZONE", _time_zone, False, True, "the stack's", intro=_ZONE
    ),
    "code": Question("Code", "ZOHO_CODE", _pasted, secret=True, intro=_CODE),
}
"""By their keys in the secret, in the order in which they are asked."""
NEEDED = ("data_center", "client_id", "client_secret", "code")
CLIENT = ("data_center", "client_id")
"""What a refresh token belongs to."""
BELONGS_TO = {"client_secret": ("client_id",), "code": CLIENT}
IGNORED = {"scope", "grant_type", "expiry_time"}
"""What else is in the file that Zoho's API console offers to download with a code."""


# --- Answers without a question ---------------------------------------------------------------------------------------


def given(file: Path | None, environ: Mapping[str, str], *, loopback: bool) -> dict[str, str]:
    """Return the answers in a JSON file and in the environment, which counts more.

    Args:
        file: The file, if there is one.
        environ: The environment.
        loopback: Whether addresses may be on this machine, as in the sandbox.

    Raises:
        Problem: The file or an answer cannot be used; the text has no value.
    """
    answers = _from_file(file) if file else {}
    answers |= {key: environ[q.variable].strip() for key, q in QUESTIONS.items() if environ.get(q.variable, "").strip()}
    for key, answer in answers.items():
        if complaint := QUESTIONS[key].judge(answer, loopback):
            raise Problem(f"{key} ({QUESTIONS[key].variable}) cannot be used.", complaint)
    return answers


def _from_file(file: Path) -> dict[str, str]:
    if file.exists() and file.stat().st_mode & 0o077:
        say(f"! Others on this machine can read {file}: chmod 600 {file}", "  ")
    try:
        held = json.loads(file.read_text())
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}.", 'Name another: ARGS="--file …"') from None
    except ValueError:
        held = None
    keys = ", ".join(QUESTIONS)
    if not isinstance(held, dict):
        raise Problem(f"{file} is no JSON object.", f"Its keys may be: {keys}")
    held = {key: value for key, value in held.items() if key not in IGNORED and value not in ("", None)}
    wrong = sorted(key for key, value in held.items() if key not in QUESTIONS or not isinstance(value, str))
    if wrong:
        raise Problem(f"{file} has what cannot be used: {', '.join(wrong)}.", f"Its keys may be, as texts: {keys}")
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
    missing = [key for key in NEEDED if key not in answers and not (key == "code" and "refresh_token" in answers)]
    if missing:
        named = ", ".join(f"{key} ({QUESTIONS[key].variable})" for key in missing)
        raise Problem(f"Missing: {named}.", 'Set the environment variables, or name a file: ARGS="--file …"')
    off = [channel for channel in OPTIONAL if answers.get(channel.settings[0].key) == REMOVE]
    removed = {key for channel in off for key in keys_of(channel)}
    return {key: value for key, value in answers.items() if value != REMOVE and key not in removed}


def doubt(key: str, text: str, own: str) -> str:
    """Return the doubt that an address at Zoho is in another data centre than the organisation, or ""."""
    host = urlsplit(text).hostname or ""
    for centre, urls in DATA_CENTRES.items():
        domain = urls.crm.removeprefix("https://crm")
        if host.endswith(domain) and centre != own:
            there = f"its host ends in {domain}, Zoho's data centre {centre}"
            return f"{QUESTIONS[key].text}: {there}, but this organisation is in {own}."
    return ""


# --- Questions to a person --------------------------------------------------------------------------------------------


class Round:
    """One round of questions to a person at a terminal; Enter keeps what is known.

    Attributes:
        answers: All that is new: what was given without a question, then what is answered.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        given: Mapping[str, str] | None = None,
        keys: Collection[str] = tuple(QUESTIONS),
        *,
        loopback: bool = False,
    ) -> None:
        """Prepare the questions of these keys that nothing given answers."""
        self.answers = dict(given or {})
        self._known, self._loopback = known, loopback
        self._asked = [key for key in QUESTIONS if key in keys and key not in self.answers]
        self._needed = set(NEEDED)

    def ask(self) -> dict[str, str]:
        """Ask, and return the answers."""
        if any(self._held(key) for key in self._asked):
            say(f"Enter keeps what stands in [brackets]; {REMOVE} removes it, where it is optional.\n")
        channels = [channel for channel in OPTIONAL if channel.settings[0].key in self._asked]
        asked = {setting.key for channel in channels for setting in channel.settings}
        left_out = {key for channel in OPTIONAL for key in keys_of(channel)} - asked
        for key in self._asked:
            if channels and key == channels[0].settings[0].key:
                left_out |= self._choose(channels)
            if key == "data_center":
                options = [(name, f"{at.crm.removeprefix('https://')} ({name})") for name, at in DATA_CENTRES.items()]
                self.answers[key] = terminal.choose(QUESTIONS[key].text, options, self._known.get(key))
            elif key not in left_out:
                self._ask_for(key)
        return self.answers

    def _held(self, key: str) -> bool:
        return key in self._known or (key == "code" and "refresh_token" in self._known)

    def _choose(self, channels: list[type[Channel]]) -> set[str]:
        """Ask where messages go; return the keys of the other channels, which are removed."""
        say("\nE-mail, SMS and whatever else subscribes to the stack's SNS topic always get messages.")
        picky = "".join(f", {c.label} {c.min_severity} ones only" for c in channels if c.min_severity != SEVERITIES[0])
        change = "`make connect ARGS=--help` says how to change that."
        say(f"Each channel that you choose gets messages of every severity{picky}; {change}")
        on = [channel.name for channel in channels if channel.settings[0].key in self._known]
        options = [(channel.name, channel.label) for channel in channels]
        chosen = terminal.choose_several("Where else should messages go?", options, on)
        self._needed |= {channel.settings[0].key for channel in channels if channel.name in chosen}
        off = [channel for channel in channels if channel.name not in chosen]
        self.answers |= {channel.settings[0].key: REMOVE for channel in off if channel.name in on}
        return {key for channel in off for key in keys_of(channel)}

    def _ask_for(self, key: str) -> None:
        """Ask a question; Enter keeps what is held, unless it belongs to an answer that has changed."""
        same = all(self.answers.get(k, self._known.get(k)) == self._known.get(k) for k in BELONGS_TO.get(key, ()))
        held = self._held(key) and (same or (key == "code" and key in self._known))
        question = QUESTIONS[key]._replace(optional=QUESTIONS[key].optional and key not in self._needed)
        may_be_empty = held or question.optional
        hint = f"(Enter for {question.unanswered})" if may_be_empty else ""
        if held:
            kept = "kept" if question.secret else shorten(self._known.get(key, ""), SHOWN)
            hint = "[the present token]" if key not in self._known else f"[{kept}]"

        def complaint(text: str) -> str:
            if not text and may_be_empty:
                return ""
            wrong = question.judge(text, self._loopback)
            free = text == REMOVE or (self._loopback and addresses.is_loopback(text))
            if wrong or free or not question.begins or text.startswith(question.begins):
                return wrong
            return f"It must begin with {' or '.join(question.begins)}."

        own = self.answers.get("data_center") or self._known["data_center"]
        if question.intro:
            say(question.intro.format(console=api_console(own)))
        while answer := terminal.ask(f"{question.text} {hint}".strip() + ":", complaint, secret=question.secret):
            if not (doubted := doubt(key, answer, own)):
                break
            say(f"  ! {doubted}", "    ")
            if terminal.confirm("Is it the right one?", default=False):
                break
        if answer:
            self.answers[key] = answer
