"""What Zoho sends: its documented sample page, and a builder each for a row, a plan and download links. Pure."""

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

DOWNLOAD_HOST = "download-accl.zoho.com"
USER = {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "75734577"}
SAMPLE_FILE = Path(__file__).with_name("sample_history.json")


def sample_rows() -> list[Row]:
    """Return the four rows of Zoho's documented sample page, newest first."""
    rows: list[Row] = json.loads(SAMPLE_FILE.read_text())["history"]
    return rows


_numbers = itertools.count(1)


def row(at: datetime | None, **fields: Any) -> Row:
    """Return a row of the history as Zoho sends it; every later one has a greater id.

    Args:
        at: Its `log_time`, to the second; None is null.
        fields: What is not as in Zoho's sample: `state` or `action`, and whatever else.
    """
    return {
        "id": str(4_876_876_000_002_000_001 + 1_003 * next(_numbers)),
        "done_by": dict(USER),
        "log_time": _time(at),
        "state": None,
        "action": None,
        "repeat_type": "weekly",
        "file_name": None,
        "count": 0,
        **fields,
    }


def plan(
    rrule: str | None = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU",
    next_run: datetime | None = None,
    start: datetime | None = None,
    status: str = "SCHEDULED",
) -> dict[str, Any]:
    """Return what `GET …/backup` says of the latest backup that was asked for.

    https://www.zoho.com/crm/developer/docs/api/v8/get-backup-info.html

    Args:
        rrule: When the schedule runs; None for a backup made by hand, which has no such key and no dates.
        next_run: Its `scheduled_date`.
        start: Its `start_date`.
        status: `SCHEDULED`, `INPROGRESS`, `COMPLETED`, `FAILED` or `STOPPED`; older text has more.

    Raises:
        ValueError: A backup made by hand is given a date.
    """
    if not rrule and (next_run or start):
        raise ValueError("A backup made by hand has no dates.")
    return {
        "id": str(4_876_876_000_002_000_001 + 1_003 * next(_numbers)),
        "scheduled_date": _time(next_run),
        "start_date": _time(start),
        **({"rrule": rrule} if rrule else {}),
        "requester": dict(USER),
        "status": status,
    }


def links(expiry: datetime, data: int = 1, attachments: int = 0) -> dict[str, Any]:
    """Return what `GET …/backup/urls` says: so many files of each sort, and until when they can be downloaded.

    https://www.zoho.com/crm/developer/docs/api/v8/get-backup-urls.html
    """
    url = f"https://{DOWNLOAD_HOST}/v2/crm/75734565104/backup/4876876000001781013"
    return {
        "data_links": [f"{url}/Data_{number:03}.zip" for number in range(1, data + 1)],
        "attachment_links": [f"{url}/Attachments_{number:03}.zip" for number in range(1, attachments + 1)],
        "expiry_date": _time(expiry),
    }


def _time(at: datetime | None) -> str | None:
    return at.replace(microsecond=0).isoformat() if at else None
