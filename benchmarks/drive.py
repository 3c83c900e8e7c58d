"""Import one function as Lambda does, call it, and print what only the process itself knows.

Usage: drive.py FOLDER MODULE.FUNCTION CALLS. It imports as little as it can, for all of it counts as the function's.
"""

import json
import os
import sys
import time
from importlib import import_module


class Context:
    """What a function may ask of Lambda's context."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the template's timeout."""
        return 55_000


def main() -> None:
    """Call the function so often; print each call's CPU seconds and outcome, the peak memory, and all CPU seconds."""
    folder, function, times = sys.argv[1:]
    sys.path.insert(0, folder)
    module, _, name = function.rpartition(".")
    run = getattr(import_module(module), name)
    calls = []
    for _ in range(int(times)):
        start = time.process_time()
        try:
            outcome = {"answer": run({}, Context())}
        except Exception as error:  # noqa: BLE001 - as Lambda does
            outcome = {"error": f"{type(error).__name__}: {error}"}
        calls.append({"seconds": time.process_time() - start, **outcome})
    with open("/proc/self/status") as status:  # not rusage: that one remembers the process which started this one
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"calls": calls, "peak": int(peak) / 1024, "cpu": time.process_time()}), flush=True)
    os._exit(0)  # Lambda does not wait for the end of the interpreter either


if __name__ == "__main__":
    main()
