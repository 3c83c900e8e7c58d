"""`make connect`: connect an organisation to the deployed stack, change what is known of it, or remove it.

It asks, proves with one read of the backup history that the answers are right, and only then writes: the organisation's
SSM parameter, and a schedule for any organisation but `default`. Secrets are typed unseen and never printed.
"""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from handler.config import find_zone
from handler.decision import Decision
from handler.message import value
from handler.wording import plural
from tools import questions, stack, terminal, zoho_token
from tools.organisation import Organisation, unknown
from tools.problems import from_aws, run
from tools.stack import Stack
from tools.terminal import Problem, say
from tools.zoho_token import TROUBLES, ZohoError, from_zoho

UNCHANGED = "Nothing was changed."


def main(arguments: list[str] | None = None) -> int:
    """Connect or remove an organisation; return the exit code."""
    options = _parser().parse_args(arguments)
    return run(lambda: _remove(options) if options.remove else _connect(options))


def _parser() -> argparse.ArgumentParser:
    variables = ", ".join(question.variable for question in questions.QUESTIONS.values())
    keys = ", ".join(questions.QUESTIONS)
    about = "Connect a Zoho CRM organisation to the deployed stack. Run it again to change or rotate anything."
    parser = stack.parser("make connect", about)
    parser.epilog = (
        f'Environment variables: {variables}. Keys of the file: {keys}. "{questions.REMOVE}" removes an option. '
        "A channel's …_min_severity is the least severity that it gets: info, warning or critical. The wizard does not "
        "ask for it: give it in the file, or in the environment with --non-interactive."
    )
    parser.add_argument("--file", type=Path, help="JSON file with answers, which only you should be able to read")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing: file and environment must do")
    parser.add_argument("--send", action="store_true", help="send a test message without asking")
    parser.add_argument("--remove", action="store_true", help="stop checking the organisation and forget it")
    return parser


def _connect(options: argparse.Namespace) -> int:
    there = stack.find(options)
    wizard = Wizard(options, Organisation(there, options.org))
    with _asking(options, lambda: wizard.left):
        found = wizard.settle()
        if found:
            wizard.show(found)
        wizard.save()
    send = options.send
    if not (send or options.non_interactive):
        with _asking(options, lambda: f"{options.org} is connected; no test message was sent."):
            send = terminal.confirm("Send a test message on every channel, marked as a test?")
    with _asking(options, lambda: f"{options.org} is connected; test messages may have been sent."):
        well = _send_test(there, options.org) if send else True
    say(f"{options.org} is checked: {there.parameters['ScheduleExpression']}. `make doctor` looks at all the rest.")
    return 0 if well and found else 1


class Wizard:
    """An organisation while it is being connected.

    Attributes:
        left: What to tell a person who leaves now.
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
        self._plan = organisation.plan(new=before is None)
        asked = questions.QUESTIONS if self._asks else {}
        self._secret = {
            key: value
            for key, value in (before or {}).items()
            if not (key in asked and asked[key].judge(value, self._loopback))
        }

    def settle(self) -> Decision | None:
        """Ask until Zoho's history was read with the answers; return what a first check would find.

        None: Zoho did not answer, and the token is to be kept all the same.

        Raises:
            Problem: The history cannot be read, and nobody can be asked.
        """
        new = questions.given(self._options.file, {} if self._asks else os.environ, loopback=self._loopback)
        keys: tuple[str, ...] = tuple(questions.QUESTIONS)
        while True:
            try:
                self._take(new, keys)
                return self._look()
            except ZohoError as error:
                if not self._asks:
                    raise from_zoho(error) from None
                from_zoho(error).show()
                trouble = TROUBLES[error.cause]
                keys = tuple(questions.QUESTIONS) if trouble.again == "*" else tuple(trouble.again.split())
                if trouble.useless_token:
                    self._secret.pop("refresh_token", None)
                    self._bought = False
            say("Nothing is written yet. Once more, please.\n")
            new = {}

    def _take(self, new: dict[str, str], keys: tuple[str, ...]) -> None:
        """Take the answers, then exchange the code for a token: a code works once, so all else is proved before."""
        if self._asks:
            new = questions.Round(self._secret, new, keys, loopback=self._loopback).ask()
        self._secret = questions.complete(self._secret, new)
        code = self._secret.pop("code", "")
        zoho_token.prove(self._secret, self._settings, self._organisation.parameter)
        for key, answer in self._secret.items() if not self._asks else ():
            if key in questions.QUESTIONS and (doubt := questions.doubt(key, answer, self._secret["data_center"])):
                say(f"! {doubt} Is it the right one?", "  ")
        if code:
            before = self.left
            self.left = "Nothing was written, and the code may be used up: make a new one for the next try."
            try:
                self._secret["refresh_token"] = zoho_token.exchange({**self._secret, "code": code}, self._settings)
            except ZohoError as error:
                if error.cause in zoho_token.CODE_ERRORS.values():
                    self.left = before
                if TROUBLES[error.cause].keeps_code:
                    self._secret["code"] = code
                raise
            self._bought = True
            self.left = "Nothing was written, and the code is used up: make a new one for the next try."

    def _look(self) -> Decision | None:
        """Read the history; None where Zoho does not answer and the token that a code has bought must not be lost."""
        while True:
            try:
                return zoho_token.first_look(self._secret, self._settings)
            except ZohoError as error:
                if TROUBLES[error.cause].again or not (self._asks or self._bought):
                    raise
                from_zoho(error).show()
                if self._bought:
                    say("The code is used up, and the token that it gave is kept.")
            choices = [(True, "Try again"), (False, "Save it: every check tries again, and alerts you if it lasts")]
            if not self._asks or not terminal.choose("What next?", choices):
                return None

    def show(self, found: Decision) -> None:
        """Say what a first check would find."""
        zone = find_zone(self._secret.get("time_zone", "")) or self._settings.time_zone
        content = next(notice for notice in found.notices if notice.kind == "baseline").content
        entries = plural(len(found.memory.seen), "entry", "entries")
        say(f"\n✓ The backup history can be read: {entries} of the past year.")
        lines = [*(f"{fact.label}: {value(fact, zone)}" for fact in content.facts), *(f"! {x}" for x in content.lines)]
        say("\n".join(f"  {line}" for line in lines) + "\n", "    ")

    def save(self) -> None:
        """Write it all."""
        spent = " The code is used up." if self._bought else ""
        try:
            self._organisation.save(self._secret, self._plan)
        except Problem as problem:
            raise Problem(problem.sentence + spent, problem.next_step) from None
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(f"{stop}{spent}") from None
        say(f"✓ {self._organisation.parameter} is written, encrypted.", "  ")


def _send_test(there: Stack, org: str) -> bool:
    """Let the function send a test message. What goes wrong is only shown, for the organisation is connected."""
    try:
        answer = there.ask(org, "test-message")
    except (Problem, BotoCoreError, ClientError) as error:
        (error if isinstance(error, Problem) else from_aws(error)).show()
        return False
    for channel, result in answer["results"].items():
        say(f"{'✓' if stack.accepted(result) else '✗'} Test message: {stack.label(channel)}: {result}", "  ")
    return bool(answer["ok"])


def _remove(options: argparse.Namespace) -> int:
    there = stack.find(options)
    organisation = Organisation(there, options.org)
    if not organisation.known():
        raise unknown(there, options.org)
    say(
        f"This ends the checks of {options.org}, deletes {organisation.parameter} with its secrets, and its item in "
        f"the table {there.outputs['TableName']}: what is pending is not sent any more."
    )
    say("What stays: the client in Zoho's API console.")
    if options.org == "default":
        say("The stack's own schedule stays, too; it does nothing until default is connected again.")
    if not options.non_interactive:
        with _asking(options, lambda: UNCHANGED):
            if not terminal.confirm(f"Stop checking {options.org}?", default=False):
                raise KeyboardInterrupt
    removed = organisation.remove()
    say(f"✓ Removed: {', '.join(removed)}.")
    return 0


def _asking(options: argparse.Namespace, leaving: Callable[[], str]) -> AbstractContextManager[None]:
    """Return what surrounds questions; without questions, nothing."""
    if options.non_interactive:
        return nullcontext()
    return terminal.asking("Give the answers otherwise: make connect ARGS=--non-interactive", leaving)


if __name__ == "__main__":
    sys.exit(main())
