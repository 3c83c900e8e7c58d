"""`make status`, `dry-run`, `test-message`, `check-now`: ask the deployed function, and print what it answers."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tools import reports, stack, standing
from tools.lines import say
from tools.organisations import parameters, unknown
from tools.problems import run

ACTIONS = ("check", "dry-run", "status", "test-message")


def main(arguments: list[str] | None = None) -> int:
    """Print the answer; return 1 when the function failed, has a problem, or a test message was refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.ask", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    stack.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as it is, for programs")
    options = parser.parse_args(arguments)
    return run(lambda: _ask(options))


def _ask(options: argparse.Namespace) -> int:
    there, org = stack.find(options), options.org
    parameter = next(parameters(there, org), None)
    if not parameter and there.ask(org, "status")["memory"] is None:
        raise unknown(there, org)
    answer = there.ask(org, options.action)
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        say("\n".join(_lines(there, options.action, answer, parameter)))
    return 0 if answer.get("ok", True) and not answer.get("problem") else 1


def _lines(there: stack.Stack, action: str, answer: dict[str, Any], parameter: dict[str, Any] | None) -> Iterator[str]:
    """Yield an answer as a person reads it; a status, which nothing but the table is read for, completes some."""
    now = datetime.now(UTC)
    if action == "test-message":
        yield from reports.test_message(answer)
        return
    status = answer if action == "status" else there.ask(answer["org"], "status")
    if action == "dry-run":
        yield from reports.dry_run(answer, status)
    elif action == "check":
        yield from reports.check(answer)
        yield standing.headline(status, now)
    else:
        yield from standing.report(status, parameter["LastModifiedDate"] if parameter else None, now)


if __name__ == "__main__":
    sys.exit(main())
