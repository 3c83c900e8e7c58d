"""`make deploy`, before sam: check what sam would find out too late, ask three questions, and save the answers.

CloudFormation finds a wrong time zone only when half of the stack is made, and a first deployment that fails leaves a
stack that can only be removed. sam reads what is saved here.
"""

import argparse
import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from handler.config import A_ZONE, find_zone
from handler.wording import shorten
from tools import stack, terminal
from tools.stack import Stack
from tools.terminal import SHOWN, Problem, run, say

TEMPLATE_FILE = Path(__file__).parents[1] / "template.yaml"
ASKED = ("NotificationEmail", "OperatedBy", "TimeZone")
"""What no default can know."""
ORIGIN = re.compile(r"(?:\w+://|git@)(?:[^@/]*@)?([\w.-]*git(?:hub|lab)[\w.-]*)(?::\d+/|[:/])([\w./-]+?)(?:\.git)?/?")
"""A clone's remote, of which host and path are public: a user or a token before them is not."""


def main(arguments: list[str] | None = None) -> int:
    """Check, ask and save; return the exit code."""
    parser = stack.parser("make deploy", __doc__, org=None)
    parser.add_argument("--set", default="", help='parameters that need no question, such as "TimeZone=Europe/Berlin"')
    parser.add_argument("--tell", type=int, help="a file descriptor that gets the name of the file with the answers")
    return run(_prepare, parser.parse_args(arguments))


def _prepare(options: argparse.Namespace) -> int:
    there = stack.choose(options)
    _refuse(there)
    say(f"Stack {there.name} ({there.where}).")
    given = _given(options.set)
    values = _known(there) | given
    if sys.stdin.isatty():
        with terminal.asking("", lambda: "Nothing was saved or deployed."):
            _ask(values, [name for name in ASKED if name not in given])
    single = {name: parameter_problem(name, value) for name, value in values.items()}
    wrong = [f"{name} is {values[name]!r}: {said.rstrip('.')}" for name, said in single.items() if said]
    if wrong:
        raise Problem(f"{'; '.join(wrong)}.", 'Give others: make deploy SET="NAME=VALUE …"')
    save(there, values)
    shown = there.file.relative_to(Path.cwd()) if there.file.is_relative_to(Path.cwd()) else there.file
    say(f"✓ Saved in {shown}, outside of git.")
    if options.tell:
        os.write(options.tell, os.fsencode(there.file))
    return 0


def _refuse(there: Stack) -> None:
    """Stop where sam cannot deploy.

    Raises:
        Problem: This terminal uses the sandbox, or the stack is in a state that cannot be updated.
    """
    if os.environ.get("ZOHO_API_URL"):
        raise Problem(
            "This terminal uses the sandbox, where the stack is deployed already.",
            "Go on with `make connect`. To deploy to AWS, open a new terminal, or `leave_sandbox`.",
        )
    if there.status and not stack.DEPLOYABLE.fullmatch(there.status):
        problem = f"The stack {there.name} is {there.status}: it cannot be deployed now."
        raise Problem(problem, stack.next_step(there.status))


@cache
def template() -> dict[str, dict[str, Any]]:
    """Return what template.yaml says of each parameter."""
    parameters: dict[str, dict[str, Any]] = yaml_parse(TEMPLATE_FILE.read_text())["Parameters"]
    return parameters


def _given(text: str) -> dict[str, str]:
    """Return the parameters that need no question.

    Raises:
        Problem: The stack has no such parameter.
    """
    pairs = [part.partition("=") for part in shlex.split(text)]
    if unknown := [name for name, equals, _ in pairs if not equals or name not in template()]:
        quoted = "A value with blanks needs quotes: SET=\"ScheduleExpression='rate(1 day)'\""
        choose = f"Choose from: {', '.join(template())}"
        raise Problem(f"No parameter of the stack: {', '.join(unknown)}.", f"{quoted}. {choose}")
    return {name: value for name, _, value in pairs}


def _known(there: Stack) -> dict[str, str]:
    """Return each parameter's present value: the deployed stack's, else the saved one, else the template's default."""
    config = tomllib.loads(there.file.read_text()) if there.file.exists() else {}
    saved = config.get("default", {}).get("deploy", {}).get("parameters", {}).get("parameter_overrides", {})
    plain = {name: re.sub(r"\\([ '\"])", r"\1", value[1:-1]) for name, value in saved.items()}
    defaults = {name: str(rules.get("Default", "")) for name, rules in template().items()}
    defaults["RunbookUrl"] = runbook_url("HEAD")
    known = {**defaults, **plain, **there.parameters}
    return {name: known[name] for name in defaults}


def runbook_url(ref: str) -> str:
    """Return where the clone's remote, which make gives as `ORIGIN`, shows the runbook at a branch or tag.

    Without such a remote, or where its pages have other addresses, it is the path in the clone.
    """
    found = ORIGIN.fullmatch(os.environ.get("ORIGIN", ""))
    return f"https://{found[1]}/{found[2]}/blob/{ref}/docs/runbook.md" if found else "docs/runbook.md"


def _ask(values: dict[str, str], names: list[str]) -> None:
    """Let a person change these of the values."""
    say("Enter keeps what stands in [brackets].")
    for name in names:
        say(f"\n{template()[name]['Description']}")
        present = values[name]
        removes = bool(present) and not parameter_problem(name, "")
        keeps = f" [{shorten(present, SHOWN)}]" if present else " (Enter for none)"

        def wrong(text: str, name: str = name, present: str = present, removes: bool = removes) -> str:
            return "" if removes and text == "-" else parameter_problem(name, text or present)

        answer = terminal.ask(f"{name}{keeps}{' (- for none)' if removes else ''}:", wrong)
        values[name] = "" if removes and answer == "-" else answer or present
    say('\nAny other parameter: make deploy SET="NAME=VALUE …"')


def parameter_problem(name: str, value: str) -> str:
    """Return what is wrong with a parameter's value, or ""."""
    rules = template()[name]
    allowed = rules.get("AllowedValues", [value])
    if value not in map(str, allowed) or not re.fullmatch(rules.get("AllowedPattern", ".*"), value):
        return str(rules["ConstraintDescription"])
    if name == "TimeZone" and find_zone(value) is None:
        return f"There is no such time zone: give {A_ZONE}; capitals count."
    return ""


def save(there: Stack, values: Mapping[str, str]) -> None:
    """Write a stack's answers as sam reads them, and what else `sam deploy` must know.

    From a parameter's value, sam removes the quotes around it, and a backslash before a blank or a quote.
    Sources: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html,
    https://github.com/aws/aws-sam-cli/blob/v1.170.0/samcli/cli/types.py
    """
    settings = {
        "stack_name": there.name,
        "region": there.region,
        "s3_prefix": there.name,
        "resolve_s3": True,
        "capabilities": "CAPABILITY_IAM",
        "fail_on_empty_changeset": False,
        **({"confirm_changeset": True} if sys.stdin.isatty() else {}),
    }
    overrides = {name: '"' + re.sub(r"\\(?=[ '\"])", r"\\\\", value) + '"' for name, value in values.items()}
    lines = ["version = 0.1"]
    for table, content in (("", settings), (".parameter_overrides", overrides)):
        lines.append(f"[default.deploy.parameters{table}]")
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in content.items()]
    there.file.parent.mkdir(parents=True, exist_ok=True)
    there.file.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    sys.exit(main())
