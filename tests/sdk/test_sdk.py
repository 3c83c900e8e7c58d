"""Zoho's official SDK as a second opinion on the fake: what a real client of Zoho reads from it."""

import json
import os
import subprocess
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from sandbox.zoho import FakeZoho, Organisation, Row, sample_rows

SCRIPT = Path(__file__).with_name("read_history.py")
PYTHON = os.environ.get("ZOHO_SDK_PYTHON", "")

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(not PYTHON, reason="the SDK has an environment of its own: `make sdk` names it"),
]


def read_with_sdk(zoho: FakeZoho, organisation: Organisation, folder: Path, per_page: int) -> list[dict[str, Any]]:
    """Return the pages that the SDK reads."""
    arguments = [zoho.url, organisation.client_id, organisation.refresh_tokens[0], str(folder), str(per_page)]
    done = subprocess.run(
        [PYTHON, str(SCRIPT), *arguments], input=organisation.client_secret, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages: list[dict[str, Any]] = json.loads(done.stdout)
    return pages


def as_read(row: Row) -> Row:
    """Return a row as the SDK gives it, integers for ids; a time becomes a number, whatever its offset."""
    done_by = {**row["done_by"], "id": int(row["done_by"]["id"])}
    time = row["log_time"] and datetime.fromisoformat(row["log_time"]).timestamp()
    return {**row, "id": int(row["id"]), "done_by": done_by, "log_time": time}


def many_rows(count: int) -> list[Row]:
    """Return rows made of the sample's, with ids of their own and a time missing here and there."""
    made = [{**sample, "id": str(4876876000001800000 - n)} for n, sample in zip(range(count), cycle(sample_rows()))]
    return [row if number % 7 else {**row, "log_time": None} for number, row in enumerate(made)]


@pytest.mark.parametrize(
    ("rows", "per_page", "pages"),
    [
        pytest.param(sample_rows(), 50, 1, id="the sample as documented"),
        pytest.param(sample_rows(), 3, 2, id="the sample on two pages"),
        pytest.param(many_rows(401), 200, 3, id="more than two full pages"),
        pytest.param([], 200, 0, id="an empty history"),
    ],
)
def test_the_sdk_reads_the_same_rows(
    zoho: FakeZoho, tmp_path: Path, rows: list[Row], per_page: int, pages: int
) -> None:
    """Every row once and in order, each field, each page's info; one token is enough."""
    read = read_with_sdk(zoho, zoho.organisation(rows), tmp_path, per_page)
    shown = [row for page in read for row in page["history"]]
    assert shown == [as_read(row) for row in rows]
    assert [page["info"]["page"] for page in read] == list(range(1, pages + 1))
    assert sum(page["info"]["count"] for page in read) == len(rows)
    assert [request.kind for request in zoho.requests] == ["token", *["history"] * max(pages, 1)]
