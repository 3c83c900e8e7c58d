"""`make connect`: connect an organisation to the deployed stack, change what is known of it, or remove it.

It asks, proves with one read of the backup history that the answers are right, and only then writes: the organisation's
SSM parameter, and a schedule for any organisation but `default`. Secrets are typed unseen and never printed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from handler.addresses import is_loopback
from handler.channels.channel import ChannelKind
from handler.config import find_zone
from handler.decision import Decision
from handler.message import Rendering
from handler.rules import ANOTHER
from handler.wording import plural, shorten
from handler.zoho import DATA_CENTRES
from tools import questions, stack, terminal, zoho_token
from tools.organisation import Organisation, renew, unknown
from tools.questions import BELONGS_TO, NEEDED, OPTIONAL, ORDER, QUESTIONS, REMOVE, judge, variable
from tools.report import FLOORS, lines
from tools.terminal import SHOWN, Problem, mark, run, say
from tools.zoho_token import ZohoError

UNCHANGED = "Nothing was changed."
NOW = [
    ("check", "Check the backups now; a first check sends how they stand"),
    ("test-message", "Send a test message on every channel, marked as a test"),
    ("", "Nothing: the schedule checks them soon"),
]
UNPROVED = [(True, "Try again"), (False, "Save it: every check tries again, and alerts you if it lasts")]
SPENT = "Nothing was written, and the code {} used up: make a new one for the next try."


def main(arguments: list[str] | None = None) -> int:
    """Connect or remove an organisation; return the exit code."""
    options = _parser().parse_args(arguments)
    return run(_remove if options.remove else _connect, options)


def _parser() -> argparse.ArgumentParser:
    about = "Connect a Zoho CRM organisation to the deployed stack. Run it again to change or rotate anything."
    parser = stack.parser("make connect", about)
    parser.epilog = (
        f"Environment variables: {', '.join(map(variable, QUESTIONS))}. "
        f'Keys of the file: {", ".join(QUESTIONS)}. "{REMOVE}" removes an option. '
        "A channel's …_min_severity is the lowest severity sent to it: info, warning or critical."
    )
    parser.add_argument("--file", type=Path, help="JSON file with answers, which only you should be able to read")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing: file and environment must do")
    parser.add_argument("--send", action="store_true", help="send a test message without asking")
    parser.add_argument("--remove", action="store_true", help="stop checking the organisation and forget it")
    return parser


def _connect(options: argparse.Namespace) -> int:
    there, org, well = stack.find(options), options.org, True
    wizard = Wizard(options, Organisation(there, org))
    with _asking(options, lambda: wizard.left):
        found = wizard.settle()
        if found:
            wizard.show(found)
        wizard.save()
        for name in renew(there):
            say(f"✓ \tThe schedule of {name} was older than the stack's, and is renewed.")
        say(f"{org} is checked: {there.parameters['ScheduleExpression']}. `make doctor` looks at all the rest.")
        if found and wizard.known and ANOTHER in (there.ask(org, "dry-run")["problem"] or ""):
            Problem(ANOTHER, "Is it the wrong Zoho organisation? Connect the right one before that.").show()
        action = "test-message" if options.send else ""
        if not (action or options.non_interactive):
            action = terminal.choose("\nWhat now?", NOW)
        if action:
            wizard.left = f"{org} is connected; messages may have been sent."
            answer = there.ask(org, action)
            say("\n".join(lines(action, answer, there.ask(org, "status"))))
            well = bool(answer.get("ok", not answer.get("problem")))
    return 0 if well and found else 1


class Wizard:
    """An organisation while it is being connected.

    Attributes:
        left: What to tell a person who leaves now.
        known: Whether it was connected before.
    """

    def __init__(self, options: argparse.Namespace, organisation: Organisation) -> None:
        """Begin with what the parameter holds, without what somebody spoilt by hand: that is asked for as if new."""
        there = organisation.stack
        self.left = UNCHANGED
        self._options = options
        self._organisation = organisation
        self._settings = there.settings()
        self._asks = not options.non_interactive
        self._loopback = bool(self._settings.zoho_api_url)
        self._bought = False
        """Whether a code was exchanged for the token, which is not saved yet."""
        say(f"Organisation {options.org}, stack {there.name} ({there.where}).")
        before = organisation.read()
        self.known = before is not None
        self._plan = organisation.plan(new=not self.known)
        self._secret = dict(before or {})
        for key in QUESTIONS.keys() & self._secret if self._asks else ():
            if judge(key, self._secret[key], loopback=self._loopback):
                del self._secret[key]

    def settle(self) -> Decision | None:
        """Ask until Zoho's history was read with the answers; return what a first check would find.

        None: Zoho did not answer, and the token is to be kept all the same.

        Raises:
            Problem: The history cannot be read, and nobody can be asked.
        """
        new = questions.given(self._options.file, {} if self._asks else os.environ, loopback=self._loopback)
        keys: Collection[str] = ORDER
        while True:
            try:
                self._take(new, keys)
                return zoho_token.first_look(self._secret, self._settings)
            except ZohoError as error:
                if not self._asks and (error.again or not self._bought):
                    raise
                error.show()
                new, keys = {}, ORDER if error.again == "*" else error.again.split()
                if "code" in error.again:
                    self._secret.pop("refresh_token", None)
            if keys:
                say("Nothing has been saved. Please try again.\n")
                continue
            if self._bought:
                say("The code is used up, and the token that it gave is kept.")
            if not (self._asks and terminal.choose("What next?", UNPROVED)):
                return None

    def _take(self, new: dict[str, str], keys: Collection[str]) -> None:
        """Take the answers, then exchange the code for a token: a code works once, so all else is proved before."""
        if self._asks:
            new = self._ask(keys, new)
        self._secret = questions.complete(self._secret, new)
        code = self._secret.pop("code", "")
        zoho_token.prove(self._secret, self._settings, self._organisation.parameter)
        for doubt in questions.doubts(self._secret):
            say(f"! \t{doubt}")
        if code:
            before, self.left = self.left, SPENT.format("may be")
            try:
                self._secret["refresh_token"] = zoho_token.exchange({**self._secret, "code": code}, self._settings)
            except ZohoError as error:
                if error.cause in zoho_token.CODE_ERRORS.values():
                    self.left = before
                raise
            self._bought, self.left = True, SPENT.format("is")

    def _ask(self, keys: Collection[str], given: dict[str, str]) -> dict[str, str]:
        """Ask these of the questions that nothing given answers, and return all answers; Enter keeps what is known."""
        new = dict(given)
        keys = [key for key in ORDER if key in keys and key not in new]
        if any(self._held(key) for key in keys):
            say(f"Enter keeps what stands in [brackets]; {REMOVE} removes it, where it is optional.\n")
        for key in keys:
            if key == "data_center":
                options = [(name, f"{at.crm.removeprefix('https://')} ({name})") for name, at in DATA_CENTRES.items()]
                new[key] = terminal.choose(QUESTIONS[key].question, options, self._secret.get(key))
            elif key == "channels":
                self._ask_for_channels([kind for kind in OPTIONAL if kind.settings[0].key not in new], new)
            else:
                self._ask_for(key, new, needed=key in NEEDED)
        return new

    def _held(self, key: str) -> bool:
        return ("refresh_token" if key == "code" else key) in self._secret

    def _ask_for_channels(self, kinds: Collection[ChannelKind], new: dict[str, str]) -> None:
        """Ask which messages go to these channels, and for the settings of those that get any; remove the others."""
        say("\nE-mail, SMS and whatever else subscribes to the stack's SNS topic always get messages.")
        say("Have two ways to reach a person: nobody notices when a mailbox bounces.")
        for kind in kinds:
            first, least = kind.settings[0].key, questions.floor(kind).key
            on = first in self._secret
            present = self._secret.get(least, kind.min_severity) if on else ""
            floor = terminal.choose(f"Which messages go to {kind.label}?", [("", "none"), *FLOORS.items()], present)
            if floor and floor != present:
                new.setdefault(least, REMOVE if floor == kind.min_severity else floor)
            if floor:
                for key in [setting.key for setting in kind.settings if setting.key not in new]:
                    self._ask_for(key, new, needed=key == first)
            elif on:
                new[first] = REMOVE

    def _ask_for(self, key: str, new: dict[str, str], *, needed: bool) -> None:
        """Ask a question; Enter keeps what is held, unless it belongs to an answer that has changed."""
        question, known = QUESTIONS[key], self._secret
        held = self._held(key) and all(new.get(k, known.get(k)) == known.get(k) for k in BELONGS_TO.get(key, ()))
        hint = "" if needed else f"(Enter for {question.default or 'none'})"
        if held:
            kept = "kept" if question.secret else shorten(known.get(key, ""), SHOWN)
            hint = "[the present token]" if key == "code" else f"[{kept}]"

        def problem(typed: str) -> str:
            text = questions.pasted(key, typed)
            if not text and (held or not needed):
                return ""
            wrong = judge(key, text, loopback=self._loopback, needed=needed)
            free = text == REMOVE or (self._loopback and is_loopback(text))
            if wrong or free or not question.begins:
                return wrong
            if text in question.begins:
                return "It ends too early: copy all of it."
            return "" if text.startswith(question.begins) else f"It must begin with {' or '.join(question.begins)}."

        if question.help:
            console = zoho_token.api_console(new.get("data_center") or known["data_center"])
            say("\n" + question.help.format(console=console))
        typed = terminal.ask(f"{question.question} {hint}".strip() + ":", problem, secret=question.secret)
        if answer := questions.pasted(key, typed):
            new[key] = answer

    def show(self, found: Decision) -> None:
        """Say what a first check would find."""
        zone = find_zone(self._secret.get("time_zone", "")) or self._settings.policy.time_zone
        shown = Rendering("", "", zone, "", datetime.now(UTC))
        content = next(notice for notice in found.notices if notice.kind == "baseline").content
        entries = plural(len(found.memory.seen), "entry", "entries")
        say(f"\n✓ The backup history can be read: {entries} of the past year.")
        facts = [f"{fact.label}: {shown.value(fact)}" for fact in content.facts]
        say("\n".join((*(f"  \t{fact}" for fact in facts), *(f"  ! \t{shown.line(x)}" for x in content.lines))) + "\n")

    def save(self) -> None:
        """Write it all."""
        self._organisation.save(self._secret, self._plan, " The code is used up." if self._bought else "")
        self.left = f"{self._organisation.org} is connected; no message was sent."
        say(f"✓ \t{self._organisation.parameter} is written, encrypted.")
        if self._secret.get("heartbeat_url") and not self._options.send:
            for good, result in stack.results(self._organisation.stack.ask(self._organisation.org, "heartbeat")):
                say(f"{mark(good)} \t{result}")


def _remove(options: argparse.Namespace) -> int:
    there, org = stack.find(options), options.org
    organisation = Organisation(there, org)
    say(
        f"This ends the checks of {org}, deletes {organisation.parameter} with its secrets, and its item in the table "
        f"{there.outputs['TableName']}: what is pending is not sent any more.\n"
        "What stays: the client in Zoho's API console."
    )
    if org == "default":
        say("The stack's own schedule stays, too; it does nothing until default is connected again.")
    with _asking(options, lambda: UNCHANGED):
        if not (options.non_interactive or terminal.choose(f"Stop checking {org}?", [(False, "No"), (True, "Yes")])):
            raise KeyboardInterrupt(UNCHANGED)
    if not (removed := organisation.remove()):
        raise unknown(there, org)
    say(f"✓ Removed: {', '.join(removed)}.")
    return 0


def _asking(options: argparse.Namespace, leaving: Callable[[], str]) -> AbstractContextManager[None]:
    """Return what surrounds questions; without questions, nothing."""
    if options.non_interactive:
        return nullcontext()
    return terminal.asking("Give the answers otherwise: make connect ARGS=--non-interactive", leaving)


if __name__ == "__main__":
    sys.exit(main())
