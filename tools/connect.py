"""`make connect`: connect an organisation to the deployed stack, change what is known of it, or remove it.

It asks, proves with one read of the backup history that the answers are right, and only then writes: the organisation's
SSM parameter, and for any organisation but `default` a separate schedule. Secrets are typed unseen and never printed.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import tzinfo
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from handler.config import Settings, find_zone
from handler.decision import Decision
from handler.message import value
from handler.wording import plural
from tools import answers, asking, grant, prompts, questions, stack
from tools.lines import say
from tools.organisations import Organisation, Plan, unknown
from tools.problems import Problem, ZohoError, from_aws, from_zoho, run, sandbox_has_ended

UNCHANGED = "Nothing was changed."
SPENT, PERHAPS_SPENT = "is used up", "may be used up"


def main(arguments: list[str] | None = None) -> int:
    """Connect or remove an organisation; return the exit code."""
    options = _parser().parse_args(arguments)
    return run(lambda: _remove(options) if options.remove else _connect(options))


def _parser() -> argparse.ArgumentParser:
    variables = ", ".join(question.variable for question in questions.QUESTIONS.values())
    keys = ", ".join(questions.QUESTIONS)
    parser = argparse.ArgumentParser(
        prog="make connect",
        description="Connect a Zoho CRM organisation to the deployed stack. Run it again to change or rotate anything.",
        epilog=f'Environment variables: {variables}. Keys of the file: {keys}. "{questions.REMOVE}" removes an option. '
        "A channel's …_min_severity is the least severity that it gets: info, warning or critical. The wizard does not "
        "ask for it: give it in the file, or in the environment with --non-interactive.",
    )
    stack.add_arguments(parser)
    parser.add_argument("--file", type=Path, help="JSON file with answers, which only you should be able to read")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing: file and environment must do")
    parser.add_argument("--send", action="store_true", help="send a test message without asking")
    parser.add_argument("--remove", action="store_true", help="stop checking the organisation and forget it")
    return parser


class Wizard:
    """What is known of an organisation while it is being connected.

    Attributes:
        secret: What its parameter will hold.
        bought: A code was exchanged for the token in it, and it is not written yet.
        code: What became of the codes so far, "" while none was used.
    """

    def __init__(self, options: argparse.Namespace, settings: Settings, parameter: str, known: dict[str, str]) -> None:
        """Begin with what the parameter holds."""
        self.bought = False
        self.code = ""
        self._options = options
        self._settings = settings
        self._parameter = parameter
        self._asks = not options.non_interactive
        self._loopback = bool(settings.zoho_api_url)
        self.secret = answers.usable(known, loopback=self._loopback) if self._asks else known

    @property
    def left(self) -> str:
        """What whoever leaves now should know."""
        spent = f"Nothing was written, and the code {self.code}: make a new one for the next try."
        return spent if self.code else UNCHANGED

    def settle(self) -> Decision | None:
        """Ask until Zoho's history was read with the answers; return what a first check would find.

        None: Zoho did not answer, and the token is to be kept all the same.

        Raises:
            Problem: It cannot be read, and nobody can be asked.
        """
        new = answers.given(self._options.file, {} if self._asks else os.environ, loopback=self._loopback)
        keys: tuple[str, ...] = tuple(questions.QUESTIONS)
        while True:
            try:
                self._take(new, keys)
                return self._look()
            except ZohoError as error:
                if not self._asks or sandbox_has_ended():
                    raise from_zoho(error) from None
                from_zoho(error).show()
                keys = questions.AGAIN[error.cause.name]
                if error.cause.name in questions.USELESS_TOKEN:
                    self.secret.pop("refresh_token", None)
                    self.bought = False
            say("Nothing is written yet. Once more, please.\n")
            new = {}

    def _take(self, new: dict[str, str], keys: tuple[str, ...]) -> None:
        """Take the answers, and exchange the code for a token: a code works once, so all else is proved before."""
        if self._asks:
            new = asking.ask(self.secret, new, keys, loopback=self._loopback)
        self.secret = answers.complete(self.secret, new)
        code = self.secret.pop("code", "")
        grant.prove(self.secret, self._settings, self._parameter)
        for doubt in answers.doubts(self.secret) if not self._asks else []:
            say(f"! {doubt} Is it the right one?", "  ")
        if code:
            before, self.code = self.code, PERHAPS_SPENT
            try:
                self.secret["refresh_token"] = grant.exchange({**self.secret, "code": code}, self._settings)
            except ZohoError as error:
                if error.cause in grant.CODE_ERRORS.values():
                    self.code = before
                if error.cause in grant.UNTOUCHED:
                    self.secret["code"] = code
                raise
            self.bought, self.code = True, SPENT

    def _look(self) -> Decision | None:
        """Read the history. What a code has bought is not lost because Zoho does not answer at this moment."""
        while True:
            try:
                return grant.first_look(self.secret, self._settings)
            except ZohoError as error:
                answerable = error.cause.actionable and error.cause.name in questions.AGAIN
                kept = self._asks or (self.bought and not error.cause.actionable)
                if answerable or not kept or sandbox_has_ended():
                    raise
                from_zoho(error).show()
                if self.bought:
                    say("The code is used up, and the token that it gave is kept.")
            choices = [(True, "Try again"), (False, "Save it: every check tries again, and alerts you if it lasts")]
            if not self._asks or not prompts.choose("What next?", choices):
                return None


def _connect(options: argparse.Namespace) -> int:
    there = stack.find(options)
    organisation = Organisation(there, options.org)
    settings = there.settings()
    say(f"Organisation {options.org}, stack {there.name} ({there.region}, account {there.account}).")
    before = organisation.read()
    plan = organisation.plan(new=before is None)
    wizard = Wizard(options, settings, organisation.parameter, before or {})
    with _asking(options, wizard):
        found = wizard.settle()
        if found:
            _show(found, find_zone(wizard.secret.get("time_zone", "")) or settings.time_zone)
        _save(options, organisation, plan, wizard)
    say(f"✓ {organisation.parameter} is written, encrypted.", "  ")
    send = options.send
    if not (send or options.non_interactive):
        with _asking(options, f"{options.org} is connected; no test message was sent."):
            send = prompts.confirm("Send a test message on every channel, marked as a test?")
    with _asking(options, f"{options.org} is connected; test messages may have been sent."):
        well = _send_test(there, options.org) if send else True
    say(f"{options.org} is checked: {there.parameters['ScheduleExpression']}. `make doctor` looks at all the rest.")
    return 0 if well and found else 1


def _save(options: argparse.Namespace, organisation: Organisation, plan: Plan, wizard: Wizard) -> None:
    """Write it all; what a code has bought is kept until AWS takes it, or a person gives up."""
    while True:
        try:
            return organisation.save(wizard.secret, plan)
        except Problem as problem:
            if not wizard.bought:
                raise
            if options.non_interactive:
                raise Problem(f"{problem.sentence} The code is used up.", problem.next_step) from None
            problem.show()
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(f"{stop} The code is used up." if wizard.bought else str(stop)) from None
        if not prompts.confirm("Try again? Without it the token is lost, and the next try needs a new code."):
            raise KeyboardInterrupt(wizard.left)


def _show(found: Decision, zone: tzinfo) -> None:
    content = next(notice for notice in found.notices if notice.kind == "baseline").content
    say(f"\n✓ The backup history can be read: {plural(len(found.memory.seen), 'entry', 'entries')} of the past year.")
    for fact in content.facts:
        say(f"  {fact.label}: {value(fact, zone)}", "    ")
    for line in content.lines:
        say(f"  ! {line}", "    ")
    say()


def _send_test(there: stack.Stack, org: str) -> bool:
    """Let the function send a test message; what goes wrong is only shown, for the organisation is connected."""
    try:
        answer = there.ask(org, "test-message")
    except Problem as problem:
        problem.show()
        return False
    except (BotoCoreError, ClientError) as error:
        from_aws(error).show()
        return False
    for channel, result in answer["results"].items():
        say(f"{'✓' if stack.accepted(result) else '✗'} Test message: {answers.label(channel)}: {result}", "  ")
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
        with _asking(options, UNCHANGED):
            if not prompts.confirm(f"Stop checking {options.org}?", default=False):
                raise KeyboardInterrupt
    removed = organisation.remove()
    say(f"✓ Removed: {', '.join(removed)}.")
    return 0


@contextmanager
def _asking(options: argparse.Namespace, leaving: Wizard | str) -> Iterator[None]:
    """While questions are asked nothing is echoed, and leaving them says what it leaves.

    Raises:
        Problem: There is nobody to ask.
    """
    if not options.non_interactive and not sys.stdin.isatty():
        raise Problem(
            "There is no terminal to ask at.", "Give the answers otherwise: make connect ARGS=--non-interactive"
        )
    try:
        with nullcontext() if options.non_interactive else prompts.without_echo():
            yield
    except (KeyboardInterrupt, EOFError) as stop:
        raise KeyboardInterrupt(str(stop) or (leaving if isinstance(leaving, str) else leaving.left)) from None


if __name__ == "__main__":
    sys.exit(main())
