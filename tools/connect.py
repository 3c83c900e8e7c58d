"""`make connect`: connect an organisation to the deployed stack, change what is known of it, or remove it.

It asks, proves with one read of the backup history that the answers are right, and only then writes: the organisation's
SSM parameter, and for any organisation but `default` a schedule of its own. Secrets are typed unseen and never printed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, tzinfo
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from handler.texts import describe

from handler.causes import CHANNELS
from handler.config import Settings, find_zone, parse_secret
from handler.decision import Decision
from handler.errors import UnreadableError
from handler.message import local_time
from handler.wording import plural
from tools import answers, grant, prompts, stack
from tools.organisations import Organisation
from tools.problems import Problem, from_aws, from_zoho, run

UNCHANGED = "Nothing was changed."


def main(arguments: list[str] | None = None) -> int:
    """Connect or remove an organisation; return the exit code."""
    options = _parser().parse_args(arguments)
    return run(lambda: _remove(options) if options.remove else _connect(options))


def _parser() -> argparse.ArgumentParser:
    variables = ", ".join(question.variable for question in answers.QUESTIONS.values())
    keys = ", ".join(answers.QUESTIONS)
    parser = argparse.ArgumentParser(
        prog="make connect",
        description="Connect a Zoho CRM organisation to the deployed stack. Run it again to change or rotate anything.",
        epilog=f'Environment variables: {variables}. Keys of the file: {keys}. "{answers.REMOVE}" removes an option.',
    )
    stack.add_arguments(parser)
    parser.add_argument("--file", type=Path, help="JSON file with answers, which only you should be able to read")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing: file and environment must do")
    parser.add_argument("--send", action="store_true", help="send a test message without asking")
    parser.add_argument("--remove", action="store_true", help="stop watching the organisation and delete its parameter")
    return parser


def _connect(options: argparse.Namespace) -> int:
    there = stack.find(options)
    organisation = Organisation(there, options.org)
    settings = there.settings()
    print(f"Organisation {options.org}, stack {there.name} ({there.region}, account {there.account}).")
    before = organisation.read()
    with _asking(options):
        secret, found = _settle(options, before or {}, settings)
        _show(found, find_zone(secret.get("time_zone", "")) or settings.time_zone)
        send = options.send
        if not (send or options.non_interactive):
            send = prompts.confirm("Send a test message on every channel, marked as a test?")
    organisation.save(secret, new=before is None)
    print(f"✓ {organisation.parameter} is written, encrypted.")
    well = _send_test(there, options.org) if send else True
    print(f"{options.org} is watched: {there.parameters['ScheduleExpression']}. `make doctor` looks at all the rest.")
    return 0 if well else 1


def _settle(options: argparse.Namespace, known: dict[str, str], settings: Settings) -> tuple[dict[str, str], Decision]:
    """Return the organisation's secret and what a first look found with it: ask until both are there."""
    told = answers.given(options.file, os.environ if options.non_interactive else {})
    while True:
        if not options.non_interactive:
            told = answers.ask(known, told)
        known = answers.complete(known, told)
        code = known.pop("code", "")
        try:
            if code:
                known["refresh_token"] = grant.exchange({**known, "code": code}, settings)
            parse_secret(json.dumps(known), options.org)
            return known, grant.first_look(known, settings)
        except UnreadableError as error:
            problem = from_zoho(error)
            if options.non_interactive:
                raise problem from None
        problem.show()
        print("Nothing is written yet. Once more, please: Enter keeps what you said.\n")
        told = {}


def _show(found: Decision, zone: tzinfo) -> None:
    content = describe(next(notice for notice in found.notices if notice.kind == "baseline"))
    print(f"\n✓ The backup history can be read: {plural(len(found.memory.seen), 'entry', 'entries')} of the past year.")
    for label, value in content.facts:
        print(f"  {label}: {local_time(value, zone) if isinstance(value, datetime) else value}")
    for line in content.lines:
        print(f"  ! {line}")
    print()


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
        print(f"{'✓' if result == 'accepted' else '✗'} Test message: {CHANNELS[channel]}: {result}")
    return bool(answer["ok"])


def _remove(options: argparse.Namespace) -> int:
    there = stack.find(options)
    organisation = Organisation(there, options.org)
    print(f"This deletes {organisation.parameter} with its secrets and ends the checks of {options.org}.")
    print(f"What stays: its item in the table {there.outputs['TableName']}, and the client in Zoho's API console.")
    with _asking(options):
        if not options.non_interactive and not prompts.confirm(f"Stop watching {options.org}?", default=False):
            raise KeyboardInterrupt(UNCHANGED)
    removed = organisation.remove()
    if not removed:
        raise Problem(f"{options.org} was not connected.", "`make doctor` lists the organisations.")
    print(f"✓ Removed: {' and '.join(removed)}.")
    return 0


@contextmanager
def _asking(options: argparse.Namespace) -> Iterator[None]:
    """While questions are asked nothing is echoed, and leaving them changes nothing.

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
    except (KeyboardInterrupt, EOFError):
        raise KeyboardInterrupt(UNCHANGED) from None


if __name__ == "__main__":
    sys.exit(main())
