"""The questions of `make connect` to a person at a terminal, in their order."""

from collections.abc import Collection, Mapping

from handler.channels.channel import Channel
from handler.data_centres import DATA_CENTRES
from handler.wording import SEVERITIES, shorten
from handler.zoho import SCOPE
from tools import prompts
from tools.answers import doubt
from tools.grant import api_console
from tools.lines import say
from tools.questions import CLIENT, OPTIONAL, QUESTIONS, REMOVE, Question

SHOWN = 38
"""So many characters of what Enter keeps are shown, so that the question fits a line."""


def ask(
    known: Mapping[str, str],
    new: Mapping[str, str],
    keys: Collection[str] = tuple(QUESTIONS),
    *,
    loopback: bool = False,
) -> dict[str, str]:
    """Ask a person for what is not new, and return all that is new; Enter keeps what is known.

    Args:
        known: What the parameter holds, or was answered before.
        new: What needs no question.
        keys: What else needs none is not among these.
        loopback: Whether addresses may be on this machine.
    """
    return _Asking(known, dict(new), [key for key in keys if key not in new], loopback).ask()


class _Asking:
    """One round of questions."""

    def __init__(self, known: Mapping[str, str], answers: dict[str, str], asked: list[str], loopback: bool) -> None:
        self._known, self._answers, self._asked, self._loopback = known, answers, asked, loopback

    def ask(self) -> dict[str, str]:
        if any(self._held(key, self._known) for key in self._asked):
            say(f"Enter keeps what stands in [brackets]; {REMOVE} removes it, where it is optional.\n")
        if "data_center" in self._asked:
            centres = [(key, f"{centre.crm.removeprefix('https://')} ({key})") for key, centre in DATA_CENTRES.items()]
            text = QUESTIONS["data_center"].text
            self._answers["data_center"] = prompts.choose(text, centres, self._known.get("data_center"))
        console = api_console(self._answers.get("data_center") or self._known["data_center"])
        if "client_id" in self._asked or "client_secret" in self._asked:
            say(f'\nOpen {console} as an administrator of Zoho CRM and choose "Self Client".')
            say('In its tab "Client Secret":')
            self._ask_for("client_id", self._known)
            self._ask_for("client_secret", self._fitting("client_id"))
        self._ask_for_channels([channel for channel in OPTIONAL if channel.settings[0].key in self._asked])
        if "heartbeat_url" in self._asked:
            say(
                "\nOptional: a heartbeat URL is requested after every good check, so that a service outside AWS, such "
                "as https://healthchecks.io, can alert you when checks stop."
            )
            self._ask_for("heartbeat_url", self._known)
        self._ask_for("name", self._known)
        if "time_zone" in self._asked:
            say("\nIts e-mails show times in the stack's time zone, or in another one, such as Europe/Berlin.")
            self._ask_for("time_zone", self._known)
        if "code" in self._asked:
            say(f'\nBack in {console}, in the tab "Generate Code": paste the scope\n    {SCOPE}')
            say("choose ten minutes, describe it as you like, create, and copy the code.")
            self._ask_for("code", self._known if "code" in self._known else self._fitting(*CLIENT))
        return self._answers

    def _fitting(self, *keys: str) -> Mapping[str, str]:
        """Return what is known, if these answers are still the same."""
        known = self._known
        return known if all(self._answers.get(key, known.get(key)) == known.get(key) for key in keys) else {}

    def _ask_for_channels(self, channels: list[type[Channel]]) -> None:
        """Ask where messages go, then for what the chosen channels need; the others lose what is known of them."""
        if not channels:
            return
        say("\nE-mail, SMS and whatever else subscribes to the stack's SNS topic always get messages.")
        picky = "".join(f", {c.label} {c.min_severity} ones only" for c in channels if c.min_severity != SEVERITIES[0])
        say(
            f"Each channel that you choose gets messages of every severity{picky}; `make connect ARGS=--help` says how "
            "to change that."
        )
        on = [channel.name for channel in channels if channel.settings[0].key in self._known]
        options = [(channel.name, channel.label) for channel in channels]
        chosen = prompts.choose_several("Where else should messages go?", options, on)
        for channel in channels:
            first = channel.settings[0]
            if channel.name in chosen:
                for setting in channel.settings:
                    if setting.key in self._asked:
                        say("\n" + setting.help)
                    self._ask_for(setting.key, self._known, required=setting is first)
            elif first.key in self._known:
                self._answers[first.key] = REMOVE

    def _ask_for(self, key: str, known: Mapping[str, str], *, required: bool = False) -> None:
        """Ask for this, if it is to be asked; an answer that keeps what is known is none."""
        if key not in self._asked:
            return
        held = self._held(key, known)
        optional = QUESTIONS[key].optional and not required
        question = QUESTIONS[key]._replace(optional=optional)
        own = self._answers.get("data_center") or self._known["data_center"]

        def complaint(text: str) -> str:
            return question.judge_typed(text, loopback=self._loopback, may_be_empty=held or optional)

        text = f"{question.text} {_hint(question, key, known) if held else _unanswered(question)}".strip() + ":"
        while answer := prompts.ask(text, complaint, secret=question.secret):
            if not (doubted := doubt(key, answer, own)):
                break
            say(f"  ! {doubted}", "    ")
            if prompts.confirm("Is it the right one?", default=False):
                break
        if answer:
            self._answers[key] = answer

    @staticmethod
    def _held(key: str, known: Mapping[str, str]) -> bool:
        return key in known or (key == "code" and "refresh_token" in known)


def _hint(question: Question, key: str, known: Mapping[str, str]) -> str:
    """Return what Enter keeps, or that it does where that is secret."""
    if key == "code" and key not in known:
        return "[the present token]"
    return "[kept]" if question.secret else f"[{shorten(known[key], SHOWN)}]"


def _unanswered(question: Question) -> str:
    return f"(Enter for {question.unanswered})" if question.optional else ""
