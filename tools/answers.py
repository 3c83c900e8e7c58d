"""What connecting needs to know, and the three ways to say it: typed, in a file, in the environment."""

import json
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from handler.config import A_ZONE, find_zone, is_allowed_url
from handler.zoho import DATA_CENTRES, SCOPE
from tools import prompts
from tools.channels import OPTIONAL, Channel
from tools.grant import api_console
from tools.problems import Problem

REMOVE = "-"
NAME_LIMIT = 100
EMPTY = "An answer is needed here."


class Question(NamedTuple):
    """One thing to know.

    Attributes:
        text: The question, without its colon.
        variable: The environment variable that answers it.
        complaint: What is wrong with an answer, or "".
        secret: It is typed unseen.
        optional: It may stay unanswered; `REMOVE` takes back an earlier answer.
        unanswered: What holds then.
    """

    text: str
    variable: str
    complaint: Callable[[str], str]
    secret: bool = False
    optional: bool = False
    unanswered: str = "none"

    def judge(self, answer: str, *, may_be_empty: bool = False) -> str:
        """Return what is wrong with an answer, or ""; `REMOVE` takes back an optional one."""
        if not answer or (self.optional and answer == REMOVE):
            return "" if answer or may_be_empty else EMPTY
        return self.complaint(answer)


def _data_centre(text: str) -> str:
    return "" if text in DATA_CENTRES else f"One of {', '.join(DATA_CENTRES)}."


def _pasted(text: str) -> str:
    plain = text.isascii() and text.isprintable() and " " not in text and text != REMOVE
    return "" if plain else "It has blanks or special characters, which Zoho's never have: copy it again."


def _client_id(text: str) -> str:
    begins = 'A client id of Zoho begins with "1000.": copy it again.'
    return _pasted(text) or ("" if text.startswith("1000.") else begins)


def _heartbeat(text: str) -> str:
    return "" if is_allowed_url(text) else "An https address, such as https://hc-ping.com/…"


def _name(text: str) -> str:
    return "" if len(text) <= NAME_LIMIT and text.isprintable() else f"At most {NAME_LIMIT} characters."


def _time_zone(text: str) -> str:
    if find_zone(text) is not None:
        return ""
    meant = next((zone for zone in zoneinfo.available_timezones() if zone.lower() == text.lower()), "")
    return f"Capitals count: {meant}." if meant else f"{A_ZONE[0].upper()}{A_ZONE[1:]}."


QUESTIONS = {
    "data_center": Question("Which address does your browser show in Zoho CRM?", "ZOHO_DATA_CENTER", _data_centre),
    "client_id": Question("Client ID", "ZOHO_CLIENT_ID", _client_id),
    "client_secret": Question("Client Secret", "ZOHO_CLIENT_SECRET", _pasted, secret=True),
    "code": Question("Code", "ZOHO_CODE", _pasted, secret=True),
    **{
        setting.key: Question(setting.label, setting.key.upper(), setting.valid, setting.secret, optional=True)
        for channel in OPTIONAL
        for setting in channel.settings
    },
    "heartbeat_url": Question("Heartbeat URL", "HEARTBEAT_URL", _heartbeat, secret=True, optional=True),
    "name": Question("Name of the organisation in messages", "ORGANISATION_NAME", _name, optional=True),
    "time_zone": Question(
        "Time zone of its e-mails, such as Europe/Berlin",
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
    "throttled": ("code",),
    "unanswered_code": ("code",),
    "wrong_client_secret": ("client_secret", "code"),
    "no_refresh_token": ("client_id", "client_secret", "code"),
    "wrong_client": NEEDED,
    "no_permission": NEEDED,
}
"""By why Zoho refused: what has to be asked again. Of anything else, everything."""
IGNORED = {"scope", "grant_type", "expiry_time"}
"""What else is in the file that Zoho's API console offers to download with a code."""


def given(file: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the answers in a JSON file and in the environment, which counts more.

    Raises:
        Problem: The file cannot be used, or an answer is not valid; no value is in the text.
    """
    answers = _from_file(file) if file else {}
    answers |= {key: environ[q.variable].strip() for key, q in QUESTIONS.items() if environ.get(q.variable, "").strip()}
    for key, answer in answers.items():
        if complaint := QUESTIONS[key].judge(answer):
            raise Problem(f"{key} ({QUESTIONS[key].variable}) cannot be used.", complaint)
    return answers


def _from_file(file: Path) -> dict[str, str]:
    if file.exists() and file.stat().st_mode & 0o077:
        print(f"! Others on this machine can read {file}: chmod 600 {file}")
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

    A refresh token belongs to a client in a data centre: without one that fits, a code is needed.

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
    return {key: value for key, value in answers.items() if value != REMOVE}


def ask(known: Mapping[str, str], new: Mapping[str, str], keys: Collection[str] = tuple(QUESTIONS)) -> dict[str, str]:
    """Ask a person for what is not new, and return all that is new; Enter keeps what is known.

    Args:
        known: What the parameter holds, or was answered before.
        new: What needs no question.
        keys: What else needs none is not among these.
    """
    answers = dict(new)
    asked = [key for key in keys if key not in answers]
    if "data_center" in asked:
        centres = [(key, f"{centre.crm.removeprefix('https://')} ({key})") for key, centre in DATA_CENTRES.items()]
        text = QUESTIONS["data_center"].text
        answers["data_center"] = prompts.choose(text, centres, known.get("data_center"))
    console = api_console(answers.get("data_center") or known["data_center"])
    if "client_id" in asked or "client_secret" in asked:
        print(f'\nOpen {console} as an administrator of Zoho CRM and choose "Self Client".')
        print('In its tab "Client Secret":')
        _ask_for(asked, ("client_id",), answers, known)
        _ask_for(asked, ("client_secret",), answers, _fitting(known, answers))
    _ask_for_channels([channel for channel in OPTIONAL if channel.settings[0].key in asked], answers, known)
    if "heartbeat_url" in asked:
        print("\nOptional: a heartbeat URL is requested after every good check, so that a service outside AWS, such as")
        print("https://healthchecks.io, can alert you when checks stop.")
    _ask_for(asked, ("heartbeat_url", "name", "time_zone"), answers, known)
    if "code" in asked:
        print(f'\nBack in {console}, in the tab "Generate Code": paste the scope')
        print(f"    {SCOPE}\nchoose ten minutes, describe it as you like, create, and copy the code.")
        _ask_for(asked, ("code",), answers, _fitting(known, answers))
    return answers


def _fitting(known: Mapping[str, str], answers: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is known, if it belongs to the client that was answered."""
    return known if all(answers.get(key, known.get(key)) == known.get(key) for key in CLIENT) else {}


def _ask_for_channels(channels: list[Channel], answers: dict[str, str], known: Mapping[str, str]) -> None:
    """Ask where messages go, and then for what the chosen channels need; the others lose what is known of them."""
    if not channels:
        return
    print("\nE-mail, SMS and whatever else subscribes to the stack's SNS topic always get messages.")
    on = [channel.name for channel in channels if channel.settings[0].key in known]
    options = [(channel.name, channel.label) for channel in channels]
    chosen = prompts.choose_several("Where else should messages go?", options, on)
    for channel in channels:
        first, *more = channel.settings
        if channel.name not in chosen:
            answers |= {setting.key: REMOVE for setting in channel.settings if setting.key in known}
            continue
        for setting in (first, *more):
            if setting.help:
                print(f"\n{setting.help}")
            _ask_for([setting.key], (setting.key,), answers, known, required=setting is first)


def _ask_for(
    asked: Collection[str],
    keys: tuple[str, ...],
    answers: dict[str, str],
    known: Mapping[str, str],
    *,
    required: bool = False,
) -> None:
    """Ask for each of `keys` that is to be asked; an answer that keeps what is known is none."""
    for key in keys:
        if key not in asked:
            continue
        question, held = QUESTIONS[key], key in known or (key == "code" and "refresh_token" in known)
        optional = question.optional and not required
        may_be_empty = held or optional

        def complaint(text: str, question: Question = question, may_be_empty: bool = may_be_empty) -> str:
            return question.judge(text, may_be_empty=may_be_empty)

        shown = f" [{known[key]}]" if key in known and not question.secret else ""
        text = f"{question.text}{shown}{_hint(key, known, held=held, optional=optional)}:"
        if answer := prompts.ask(text, complaint, secret=question.secret):
            answers[key] = answer


def _hint(key: str, known: Mapping[str, str], *, held: bool, optional: bool) -> str:
    if held:
        if key == "code" and "code" not in known:
            return " (Enter keeps the present token)"
        return f" (Enter keeps it, {REMOVE} removes it)" if optional else " (Enter keeps it)"
    return f" (Enter for {QUESTIONS[key].unanswered})" if optional else ""
