"""`make status`, `dry-run`, `test-message`, `check-now`: ask the deployed function and print its answer."""

import argparse
import json
import sys

from tools import stack
from tools.organisations import parameters, unknown
from tools.problems import run

ACTIONS = ("check", "dry-run", "status", "test-message")


def main(arguments: list[str] | None = None) -> int:
    """Print the answer as JSON; return 1 when the function failed, has a problem, or a test message was refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.ask", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    stack.add_arguments(parser)
    options = parser.parse_args(arguments)
    return run(lambda: _ask(options))


def _ask(options: argparse.Namespace) -> int:
    there = stack.find(options)
    answer = there.ask(options.org, options.action)
    blank = options.action == "status" and not answer["connected"] and answer["memory"] is None
    if blank and not any(parameters(there, options.org)):
        raise unknown(there, options.org)
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if answer.get("ok", True) and not answer.get("problem") else 1


if __name__ == "__main__":
    sys.exit(main())
