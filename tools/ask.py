"""`make status`, `dry-run`, `test-message`, `check-now`: ask the deployed function and print its answer."""

import argparse
import json
import sys

from tools import stack
from tools.problems import run

ACTIONS = ("check", "dry-run", "status", "test-message")


def main(arguments: list[str] | None = None) -> int:
    """Print the answer as JSON; return 1 when the function failed or a channel refused the test message."""
    parser = argparse.ArgumentParser(prog="python -m tools.ask", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    stack.add_arguments(parser)
    options = parser.parse_args(arguments)
    return run(lambda: _ask(options))


def _ask(options: argparse.Namespace) -> int:
    answer = stack.find(options).ask(options.org, options.action)
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if answer.get("ok", True) else 1


if __name__ == "__main__":
    sys.exit(main())
