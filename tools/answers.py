"""What connecting needs to know, and the three ways to tell: typed, from a file, from the environment."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from handler.config import A_ZONE, find_zone, is_allowed_url
from handler.zoho import DATA_CENTRES, SCOPE
from tools import prompts
from tools.grant import api_console
from tools.problems import Problem

SLACK_PAGE = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"
REMOVE = "-"
NAME_LIMIT = 100


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and text not in {"", REMOVE}


class Question(NamedTuple):
    """One thing to know.

    Attributes:
        text: The question, without its colon.
        variable: The environment variable that answers it.
        valid: Judges an answer.
        complaint: What to say of one that is not valid.
        secret: It is typed unseen.
        optional: It may stay unanswered; `REMOVE` takes back an earlier answer.
        unanswered: What holds then.
    """

    text: str
    variable: str
    valid: Callable[[str], bool]
    complaint: str
    secret: bool = False
    optional: bool = False
    unanswered: str = "none"

    def accepts(self, answer: str) -> bool:
        """Return whether this answers the question, or takes back an earlier answer."""
        return (self.optional and answer == REMOVE) or self.valid(answer)


CODE, URL = "It has no blanks; copy it again.", "An https address, such as https://hooks.slack.com/services/…"
QUESTIONS = {
    "data_center": Question(
        "Which address does your browser show in Zoho CRM?",
        "ZOHO_DATA_CENTER",
        DATA_CENTRES.__contains__,
        f"One of {', '.join(DATA_CENTRES)}.",
    ),
    "client_id": Question("Client ID", "ZOHO_CLIENT_ID", _is_plain, CODE),
    "client_secret": Question("Client Secret", "ZOHO_CLIENT_SECRET", _is_plain, CODE, secret=True),
    "slack_webhook_url": Question(
        "Slack webhook", "SLACK_WEBHOOK_URL", is_allowed_url, URL, secret=True, optional=True
    ),
    "heartbeat_url": Question("Heartbeat URL", "HEARTBEAT_URL", is_allowed_url, URL, secret=True, optional=True),
    "name": Question(
        "Name of the organisation in messages",
        "ORGANISATION_NAME",
        lambda text: len(text) <= NAME_LIMIT and text.isprintable(),
        f"At most {NAME_LIMIT} characters.",
        optional=True,
    ),
    "time_zone": Question(
        "Time zone of its e-mails, such as Europe/Berlin",
        "ORGANISATION_TIME_ZONE",
        lambda text: find_zone(text) is not None,
        f"{A_ZONE[0].upper()}{A_ZONE[1:]}.",
        optional=True,
        unanswered="the stack's",
    ),
    "code": Question("Code", "ZOHO_CODE", _is_plain, CODE, secret=True),
}
NEEDED = ("data_center", "client_id", "client_secret", "code")
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
        if not QUESTIONS[key].accepts(answer):
            question = QUESTIONS[key]
            raise Problem(f"{key} ({question.variable}) cannot be used.", question.complaint)
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


def complete(known: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return what is known with what was told now.

    A refresh token belongs to a client in a data centre: without one that fits, a code is needed.

    Raises:
        Problem: Something is missing; all of it is named.
    """
    answers = {**known, **told}
    if any(answers.get(key) != known.get(key) for key in ("data_center", "client_id")):
        answers.pop("refresh_token", None)
    missing = [key for key in NEEDED if key not in answers and not (key == "code" and "refresh_token" in answers)]
    if missing:
        named = ", ".join(f"{key} ({QUESTIONS[key].variable})" for key in missing)
        raise Problem(f"Missing: {named}.", 'Set the environment variables, or name a file: ARGS="--file …"')
    return {key: value for key, value in answers.items() if value != REMOVE}


def ask(known: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Ask a person for what was not told yet, and return all that is told; Enter keeps what is known.

    Args:
        known: What the parameter holds, or was answered before.
        told: What needs no question.
    """
    answers = dict(told)
    if "data_center" not in answers:
        centres = [(key, f"{centre.crm.removeprefix('https://')} ({key})") for key, centre in DATA_CENTRES.items()]
        text = QUESTIONS["data_center"].text
        answers["data_center"] = prompts.choose(text, centres, known.get("data_center"))
    console = api_console(answers["data_center"])
    print(f'\nOpen {console} as an administrator of Zoho CRM and choose "Self Client".')
    print('In its tab "Client Secret":')
    _ask_for(("client_id",), answers, known)
    same = all(answers.get(key, known.get(key)) == known.get(key) for key in ("data_center", "client_id"))
    _ask_for(("client_secret",), answers, known if same else {})
    print(f"\nOptional; how to get a Slack webhook: {SLACK_PAGE}")
    _ask_for(("slack_webhook_url", "name", "time_zone"), answers, known)
    print(f'\nBack in {console}, in the tab "Generate Code": paste the scope')
    print(f"    {SCOPE}\nchoose ten minutes, describe it as you like, create, and copy the code.")
    _ask_for(("code",), answers, known if same else {})
    return answers


def _ask_for(keys: tuple[str, ...], answers: dict[str, str], known: Mapping[str, str]) -> None:
    for key in keys:
        question = QUESTIONS[key]
        held = key in known or (key == "code" and "refresh_token" in known)
        keeps = f"Enter keeps it, {REMOVE} removes it" if question.optional else "Enter keeps it"
        keeps = "Enter keeps the present token" if key == "code" else keeps
        hint = f" ({keeps})" if held else f" (Enter for {question.unanswered})" if question.optional else ""
        if key not in answers:
            valid = partial(_is_answer, question, held or question.optional)
            if answer := prompts.ask(f"{question.text}{hint}:", valid, question.complaint, secret=question.secret):
                answers[key] = answer


def _is_answer(question: Question, may_be_empty: bool, text: str) -> bool:
    return question.accepts(text) if text else may_be_empty
