"""What parsing the history costs; runs in the package's own process, beside `drive`."""

import time

from handler.history import parse_page


def measure(event: dict[str, int], context: object) -> float:
    """Return the CPU seconds of parsing so many rows."""
    row = {
        "done_by": {"name": "Patricia Boyle", "id": "4876876000000327001", "zuid": "75734577"},
        "log_time": "2026-06-23T17:31:03+05:30",
        "state": "completed",
        "action": None,
        "repeat_type": "weekly",
        "file_name": None,
        "count": 0,
    }
    rows = [{**row, "id": str(4876876000009999999 - number)} for number in range(event["rows"])]
    start = time.process_time()
    parse_page({"history": rows, "info": {"more_records": False}}, len(rows))
    return time.process_time() - start
