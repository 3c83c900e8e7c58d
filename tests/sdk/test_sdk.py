"""Zoho's official SDK as a second opinion on the fake: what a real client of Zoho reads from it."""

import json
import os
import subprocess
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from sandbox.zoho import FakeZoho, Organisation, Row, links, plan, sample_rows
from sandbox.zoho_errors import API_ERRORS

SCRIPT = Path(__file__).with_name("ask.py")
PYTHON = os.environ.get("ZOHO_SDK_PYTHON", "")
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(not PYTHON, reason="the SDK has an environment of its own: `make sdk` names it"),
]


def ask(zoho: FakeZoho, organisation: Organisation, folder: Path, *calls: tuple[str, dict[str, str]]) -> list[Any]:
    """Return the status of each answer, and what the SDK reads in it."""
    arguments = [zoho.url, organisation.client_id, organisation.refresh_tokens[0], str(folder), json.dumps(calls)]
    done = subprocess.run(
        [PYTHON, str(SCRIPT), *arguments], input=organisation.client_secret, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def as_read(part: Any, name: str = "") -> Any:
    """Return what Zoho sends as the SDK gives it, integers for ids; a time becomes a number, whatever its offset."""
    if isinstance(part, dict):
        return {name: as_read(inner, name) for name, inner in part.items()}
    if part and name.endswith(("_time", "_date")):
        return datetime.fromisoformat(part).timestamp()
    return int(part) if name == "id" else part


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
    ],
)
def test_the_sdk_reads_the_same_rows(
    zoho: FakeZoho, tmp_path: Path, rows: list[Row], per_page: int, pages: int
) -> None:
    """Every row once and in order, each field, each page's info, and nothing beyond; one token is enough."""
    calls = [("history", {"page": str(page), "per_page": str(per_page)}) for page in range(1, pages + 2)]
    *read, beyond = ask(zoho, zoho.organisation(rows), tmp_path, *calls)
    assert [row for _, page in read for row in page["history"]] == [as_read(row) for row in rows]
    assert [page["info"]["page"] for _, page in read] == list(range(1, pages + 1))
    assert [page["info"]["more_records"] for _, page in read] == [True] * (pages - 1) + [False]
    assert sum(page["info"]["count"] for _, page in read) == len(rows)
    assert beyond == [204, None]
    assert [request.kind for request in zoho.requests] == ["token", *["history"] * (pages + 1)]


@pytest.mark.parametrize(
    ("shown", "urls"),
    [
        pytest.param(plan(next_run=NOW, start=NOW), links(NOW, data=2, attachments=1), id="scheduled"),
        pytest.param(plan(None, status="COMPLETED"), None, id="by hand"),
        pytest.param(None, links(NOW), id="nothing asked for"),
    ],
)
def test_the_sdk_reads_the_same_plan_links_and_errors(
    zoho: FakeZoho, tmp_path: Path, shown: Row | None, urls: Row | None
) -> None:
    """Each field; what there is not is 204."""
    zoho.script("urls", *API_ERRORS.values())
    names = ["get_details", *["get_urls"] * (len(API_ERRORS) + 1)]
    backup, *errors, files = ask(zoho, zoho.organisation(plan=shown, urls=urls), tmp_path, *((n, {}) for n in names))
    assert backup == ([200, {"backup": {"rrule": None, **as_read(shown)}}] if shown else [204, None])
    assert files == ([200, {"urls": as_read(urls)}] if urls else [204, None])
    assert errors == [[answer.status, json.loads(answer.body)] for answer in API_ERRORS.values()]
