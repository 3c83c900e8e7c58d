"""`make deploy`, before sam: check credentials, region, stack and parameters, ask for them, and save the answers.

CloudFormation finds a wrong time zone or window only when half of the stack is made, and a first deployment that fails
leaves a stack that can only be removed. So whatever can be known is checked here. sam reads what is saved.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from handler.wording import shorten
from tools import parameters, prompts, stack
from tools.lines import say
from tools.problems import Problem, run
from tools.statuses import DEPLOYABLE, STATUSES, first_failure

ASKED = ("NotificationEmail", "OperatedBy", "TimeZone")
"""What no default can know; the rest is asked only when wanted."""
SHOWN = 40
"""So many characters of a present value are shown, so that the question fits a line."""
FITTING = ("ScheduleExpression", "NotInvokedHours", "ErrorWindowHours")
UNRESERVED = 100
"""What AWS keeps for functions without a reservation:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""


def main(arguments: list[str] | None = None) -> int:
    """Check, ask and save; return the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    stack.add_arguments(parser, org=None)
    parser.add_argument("--set", default="", help='parameters that need no question, such as "TimeZone=Europe/Berlin"')
    parser.add_argument("--where", action="store_true", help="only print the file in which the answers are saved")
    options = parser.parse_args(arguments)
    return run(lambda: _where(options) if options.where else _prepare(options))


def _where(options: argparse.Namespace) -> int:
    print(stack.file_of(stack.chosen_name(options.stack)))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    choice = stack.choose(options)
    _refuse_sandbox()
    say(f"Stack {choice.name} ({choice.where}).")
    described = choice.described()
    if described:
        _refuse_undeployable(choice, described["StackStatus"])
    given = _given(options.set)
    values = _known(choice, described) | given
    if sys.stdin.isatty():
        try:
            with prompts.without_echo():
                _ask(values, given)
        except (KeyboardInterrupt, EOFError):
            raise KeyboardInterrupt("Nothing was saved or deployed.") from None
    if wrong := _wrong(values):
        raise Problem(f"{'; '.join(wrong)}.", 'Give others: make deploy SET="NAME=VALUE …"')
    _refuse_reservation(choice, values, described)
    file = stack.file_of(choice.name, stack.SAVED)
    save(file, choice, values)
    say(f"✓ Saved in {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}, outside of git.")
    return 0


def _refuse_sandbox() -> None:
    """Refuse to go on where sam cannot.

    Raises:
        Problem: This terminal uses the sandbox.
    """
    if os.environ.get("ZOHO_API_URL"):
        raise Problem(
            "This terminal uses the sandbox, where the stack is deployed already.",
            "Go on with `make connect`. To deploy to AWS, open a new terminal, or `leave_sandbox`.",
        )


def _refuse_undeployable(choice: stack.Choice, status: str) -> None:
    """Explain a stack that cannot be deployed as it is.

    Raises:
        Problem: It cannot.
    """
    if status in DEPLOYABLE:
        return
    sentence, next_step = STATUSES.get(status, ("it cannot be updated now", "See its events in the console."))
    client = choice.session.client("cloudformation", config=stack.USUAL)
    pages = client.get_paginator("describe_stack_events").paginate(StackName=choice.name)
    reason = first_failure([dict(event) for page in pages for event in page["StackEvents"]])
    raise Problem(f"The stack {choice.name} is {status}: {sentence}.{reason and ' First, '}{reason}", next_step)


def _refuse_reservation(choice: stack.Choice, values: Mapping[str, str], described: dict[str, Any] | None) -> None:
    """Refuse a concurrency that the account does not have; who may not ask finds out from CloudFormation.

    Raises:
        Problem: It has less.
    """
    wanted = int(values.get("ReservedConcurrency", "0"))
    before = {p["ParameterKey"]: p["ParameterValue"] for p in (described or {}).get("Parameters", [])}
    more = wanted - int(before.get("ReservedConcurrency", "0"))
    if more <= 0:
        return
    try:
        limits = choice.session.client("lambda", config=stack.USUAL).get_account_settings()["AccountLimit"]
    except ClientError:
        return
    free = max(0, int(limits["UnreservedConcurrentExecutions"]) - UNRESERVED)
    if more > free:
        raise Problem(
            f"ReservedConcurrency is {wanted}, but this account has {free} concurrent executions to reserve.",
            "Give 0, which reserves none and does no harm, or ask AWS for a higher quota.",
        )


def _given(text: str) -> dict[str, str]:
    """Return the parameters that need no question.

    Raises:
        Problem: They cannot be used.
    """
    pairs = [part.partition("=") for part in shlex.split(text)]
    if unknown := [name for name, equals, _ in pairs if not equals or name not in parameters.template()]:
        raise Problem(
            f"No parameter of the stack: {', '.join(unknown)}.", f"Choose from: {', '.join(parameters.template())}"
        )
    return {name: value for name, _, value in pairs}


def _known(choice: stack.Choice, described: dict[str, Any] | None) -> dict[str, str]:
    """Return each parameter's present value: the deployed stack's, else the saved one, else the template's default."""
    names = parameters.template()
    overrides = choice.saved.get("parameter_overrides", "")
    saved = dict(part.partition("=")[::2] for part in shlex.split(overrides if isinstance(overrides, str) else ""))
    deployed = {p["ParameterKey"]: str(p["ParameterValue"]) for p in (described or {}).get("Parameters", [])}
    known = {name: parameters.default(name) for name in names} | saved | deployed
    return {name: known[name] for name in names}


def _ask(values: dict[str, str], given: Mapping[str, str]) -> None:
    """Let a person change `values`, until they fit."""
    say("Enter keeps what stands in [brackets].")
    first = [name for name in ASKED if name in values and name not in given]
    for name in first:
        _ask_for(name, values)
    others = [
        (name, f"{name}: {shorten(values[name], SHOWN) or 'none'}") for name in values if name not in {*first, *given}
    ]
    for name in prompts.choose_several("Change anything else? Usually not.", others):
        _ask_for(name, values)
    while wrong := _wrong(values):
        for sentence in wrong:
            say(f"✗ {sentence}.", "  ")
        broken = [name for name in values if parameters.complaint(name, values[name])]
        for name in broken or FITTING:
            _ask_for(name, values)


def _ask_for(name: str, values: dict[str, str]) -> None:
    say(f"\n{parameters.template()[name].get('Description', name)}")
    removes = bool(values[name]) and not parameters.complaint(name, "")
    keeps = f" [{shorten(values[name], SHOWN)}]" if values[name] else " (Enter for none)"

    def complaint(text: str) -> str:
        if not text:
            return parameters.complaint(name, values[name])
        return "" if removes and text == "-" else parameters.complaint(name, text)

    answer = prompts.ask(f"{name}{keeps}{' (- for none)' if removes else ''}:", complaint)
    if answer:
        values[name] = "" if removes and answer == "-" else answer


def _wrong(values: Mapping[str, str]) -> list[str]:
    single = [(name, value, parameters.complaint(name, value)) for name, value in values.items()]
    wrong = [f"{name} is {value!r}: {complaint.rstrip('.')}" for name, value, complaint in single if complaint]
    return wrong or parameters.combinations(values)


def save(file: Path, choice: stack.Choice, values: Mapping[str, str]) -> None:
    """Write a stack's answers as sam reads them, and what else `sam deploy` must know.

    Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
    """
    overrides = " ".join(f"{name}={_quoted(value)}" for name, value in values.items())
    settings = {
        "stack_name": choice.name,
        "region": choice.session.region_name,
        "s3_prefix": choice.name,
        "resolve_s3": True,
        "capabilities": "CAPABILITY_IAM",
        "confirm_changeset": True,
        "fail_on_empty_changeset": False,
        "parameter_overrides": overrides,
    }
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(["version = 0.1", "[default.deploy.parameters]", *lines, ""]))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


if __name__ == "__main__":
    sys.exit(main())
