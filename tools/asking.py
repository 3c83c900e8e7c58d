"""The questions of `make connect` to a person at a terminal, in their order."""

from collections.abc import Collection, Mapping

from handler.channels.channel import Channel
from handler.data_centres import DATA_CENTRES
from handler.wording import SEVERITIES
from handler.zoho import SCOPE
from tools import prompts
from tools.answers import CLIENT, OPTIONAL, QUESTIONS, REMOVE, Question
from tools.grant import api_console


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
        if "data_center" in self._asked:
            centres = [(key, f"{centre.crm.removeprefix('https://')} ({key})") for key, centre in DATA_CENTRES.items()]
            text = QUESTIONS["data_center"].text
            self._answers["data_center"] = prompts.choose(text, centres, self._known.get("data_center"))
        console = api_console(self._answers.get("data_center") or self._known["data_center"])
        if "client_id" in self._asked or "client_secret" in self._asked:
            print(f'\nOpen {console} as an administrator of Zoho CRM and choose "Self Client".')
            print('In its tab "Client Secret":')
            self._ask_for("client_id", self._known)
            self._ask_for("client_secret", self._fitting())
        self._ask_for_channels([channel for channel in OPTIONAL if channel.settings[0].key in self._asked])
        if "heartbeat_url" in self._asked:
            print("\nOptional: a heartbeat URL is requested after every good check, so that a service outside AWS,")
            print("such as https://healthchecks.io, can alert you when checks stop.")
        for key in ("heartbeat_url", "name", "time_zone"):
            self._ask_for(key, self._known)
        if "code" in self._asked:
            print(f'\nBack in {console}, in the tab "Generate Code": paste the scope')
            print(f"    {SCOPE}\nchoose ten minutes, describe it as you like, create, and copy the code.")
            self._ask_for("code", self._fitting())
        return self._answers

    def _fitting(self) -> Mapping[str, str]:
        """Return what is known, if it belongs to the client that was answered."""
        known = self._known
        return known if all(self._answers.get(key, known.get(key)) == known.get(key) for key in CLIENT) else {}

    def _ask_for_channels(self, channels: list[type[Channel]]) -> None:
        """Ask where messages go, then for what the chosen channels need; the others lose what is known of them."""
        if not channels:
            return
        print("\nE-mail, SMS and whatever else subscribes to the stack's SNS topic always get messages.")
        picky = "".join(f", {c.label} {c.min_severity} ones only" for c in channels if c.min_severity != SEVERITIES[0])
        print(f"Each channel that you choose gets messages of every severity{picky};")
        print("`make connect ARGS=--help` says how to change that.")
        on = [channel.name for channel in channels if channel.settings[0].key in self._known]
        options = [(channel.name, channel.label) for channel in channels]
        chosen = prompts.choose_several("Where else should messages go?", options, on)
        for channel in channels:
            first = channel.settings[0]
            if channel.name in chosen:
                for setting in channel.settings:
                    if setting.key in self._asked:
                        print("\n" + setting.help.replace(": https://", ":\n    https://"))
                    self._ask_for(setting.key, self._known, required=setting is first)
            elif first.key in self._known:
                self._answers[first.key] = REMOVE

    def _ask_for(self, key: str, known: Mapping[str, str], *, required: bool = False) -> None:
        """Ask for this, if it is to be asked; an answer that keeps what is known is none."""
        if key not in self._asked:
            return
        held = key in known or (key == "code" and "refresh_token" in known)
        optional = QUESTIONS[key].optional and not required
        question = QUESTIONS[key]._replace(optional=optional)

        def complaint(text: str) -> str:
            return question.judge(text, loopback=self._loopback, may_be_empty=held or optional)

        shown = f" [{known[key]}]" if key in known and not question.secret else ""
        text = f"{question.text}{shown}{_hint(question, key, known, held=held)}:"
        if answer := prompts.ask(text, complaint, secret=question.secret):
            self._answers[key] = answer


def _hint(question: Question, key: str, known: Mapping[str, str], *, held: bool) -> str:
    if held:
        if key == "code" and "code" not in known:
            return " (Enter keeps the present token)"
        return f" (Enter keeps it, {REMOVE} removes it)" if question.optional else " (Enter keeps it)"
    return f" (Enter for {question.unanswered})" if question.optional else ""
