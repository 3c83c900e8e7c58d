"""One process of a crowd that checks the same organisation at the same moment: ``python -m tests.crowd THREADS``.

It says ``ready``, then for each line on its standard input lets every thread check once, each with an environment of
its own, and writes their answers as one line of JSON.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from inspect import unwrap
from threading import Barrier
from typing import Any

from handler import app, check
from handler.deadline import Deadline
from handler.errors import NotifierError
from handler.organisation import Services

DEADLINE = Deadline(lambda: 55.0)


def main(threads: int) -> None:
    """Check for each line that is read."""
    members: list[Services] = [unwrap(app.services)() for _ in range(threads)]
    start = Barrier(threads)

    def one(member: int, name: str) -> dict[str, Any]:
        start.wait()
        try:
            return check.run("acme", members[member], f"{name}-{os.getpid()}-{member}", DEADLINE)
        except NotifierError as error:
            return {"error": f"{type(error).__name__}: {error}"}

    say("ready")
    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            say(list(pool.map(one, range(threads), [line.strip()] * threads)))


def say(what: object) -> None:
    """Write a line of JSON to whoever started this process."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
