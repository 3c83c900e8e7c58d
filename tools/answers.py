"""The ways to answer without being asked, in a file or in the environment, and what the answers make together."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from handler.channels import BY_NAME
from handler.data_centres import DATA_CENTRES
from tools.lines import say
from tools.problems import Problem
from tools.questions import CLIENT, NEEDED, OPTIONAL, QUESTIONS, REMOVE, keys_of

IGNORED = {"scope", "grant_type", "expiry_time"}
"""What else is in the file that Zoho's API console offers to download with a code."""


def label(name: str) -> str:
    """Return a channel's name for people."""
    return BY_NAME[name].label if name in BY_NAME else name


def given(file: Path | None, environ: Mapping[str, str], *, loopback: bool) -> dict[str, str]:
    """Return the answers in a JSON file and in the environment, which counts more.

    Args:
        file: The file, if there is one.
        environ: The environment.
        loopback: Whether addresses may be on this machine, as in the sandbox.

    Raises:
        Problem: The file cannot be used, or an answer is not valid; no value is in the text.
    """
    answers = _from_file(file) if file else {}
    answers |= {key: environ[q.variable].strip() for key, q in QUESTIONS.items() if environ.get(q.variable, "").strip()}
    for key, answer in answers.items():
        if complaint := QUESTIONS[key].judge(answer, loopback=loopback):
            raise Problem(f"{key} ({QUESTIONS[key].variable}) cannot be used.", complaint)
    return answers


def usable(known: Mapping[str, str], *, loopback: bool) -> dict[str, str]:
    """Return what the parameter holds without what was spoilt by hand, which is then asked for as if it were new."""
    wrong = {key for key in known if key in QUESTIONS and QUESTIONS[key].judge(known[key], loopback=loopback)}
    return {key: value for key, value in known.items() if key not in wrong}


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

    A refresh token belongs to a client in a data centre: without one that fits, a code is needed. A channel whose
    first key is removed loses the others, too.

    Raises:
        Problem: Something is missing; all of it is named.
    """
    answers = {**known, **new}
    if any(answers.get(key) != known.get(key) for key in CLIENT):
        answers.pop("refresh_token", None)
    missing = [key for key in NEEDED if key not in answers and not (key == "code" and "refresh_token" in answers)]
    if missing:
        raise Problem(f"Missing: {_named(missing)}.", 'Set the environment variables, or name a file: ARGS="--file …"')
    off = [channel for channel in OPTIONAL if answers.get(channel.settings[0].key) == REMOVE]
    removed = {key for channel in off for key in keys_of(channel)}
    return {key: value for key, value in answers.items() if value != REMOVE and key not in removed}


def _named(keys: Iterable[str]) -> str:
    return ", ".join(f"{key} ({QUESTIONS[key].variable})" for key in keys)


def doubt(key: str, text: str, own: str) -> str:
    """Return what may be a mistake in a channel's setting, or "": an address at Zoho, but in another data centre."""
    host = urlsplit(text).hostname or ""
    for centre, urls in DATA_CENTRES.items():
        domain = urls.crm.removeprefix("https://crm")
        if host.endswith(domain) and centre != own:
            return (
                f"{QUESTIONS[key].text}: its host ends in {domain}, Zoho's data centre {centre}, but this "
                f"organisation is in {own}."
            )
    return ""


def doubts(secret: Mapping[str, str]) -> list[str]:
    """Return every doubt about the channels' settings."""
    keys = [setting.key for channel in OPTIONAL for setting in channel.settings]
    found = [doubt(key, secret.get(key, ""), secret["data_center"]) for key in keys]
    return [sentence for sentence in found if sentence]
