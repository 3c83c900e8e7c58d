"""`make history-sample`: what it prints has nothing personal in it, and is a history for the fake and the oracle."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.zoho import links, plan, row
from tests.oracle.oracle import complaints
from tests.oracle.organisation import Organisation
from tests.oracle.play import Player, hourly
from tests.tools.bench import Bench
from tests.tools.conftest import Tool
from tools import history_sample

BEGAN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
PERSONAL = (
    "Asha Rao",
    "Ben Lee",
    "48768760000003270",
    "7573457",
    "download-accl.zoho.com",
    "Acme Ltd_2026.zip",
    "Moon",
)
WORDS = ("log_time", "state", "action", "repeat_type", "count")


def backups() -> list[dict[str, Any]]:
    """Return a schedule and three weekly backups, newest first: the second failed; then somebody backed up by hand."""
    asha, ben = ({"id": f"{PERSONAL[2]}{n}", "name": PERSONAL[n], "zuid": 75734570 + n} for n in range(2))
    rows = [row(BEGAN - WEEK, action="scheduled", done_by=asha, note={"where": "Moon", "read": True})]
    for number in range(3):
        at, state = BEGAN + number * WEEK, "failure" if number == 1 else "completed"
        rows += [row(at, action="initiated", done_by=asha)]
        rows += [row(at + timedelta(hours=1), state=state, done_by=asha, file_name=PERSONAL[5])]
    return [row(at + timedelta(hours=9), state="completed", repeat_type="immediate", done_by=ben), *rows[::-1]]


def test_a_sample_has_nothing_personal_and_is_the_same_history(bench: Bench, tool: Tool) -> None:
    """Times and words stay, ids keep their order; the fake shows it as Zoho did, and the oracle agrees."""
    company, rows = bench.connected("sampled")[0], backups()
    company.rows, company.plan, company.urls = rows, plan(next_run=BEGAN + 3 * WEEK), links(BEGAN + 3 * WEEK, 2)
    code, shown = tool(history_sample.main, "--org", "sampled")
    sample = json.loads(shown)
    assert (code, [text for text in PERSONAL if text in shown]) == (0, [])
    kept = [[[one[name] for name in WORDS] for one in some] for some in (sample["history"], rows)]
    assert kept[0] == kept[1]
    ids = [sorted(range(len(some)), key=lambda n: int(some[n]["id"])) for some in (sample["history"], rows)]
    assert ids[0] == ids[1]
    people = [one["done_by"]["name"] for one in sample["history"]]
    assert people == [people[0]] + [people[1]] * 7
    assert people[0] != people[1]
    assert {**sample["backup"], "id": 0, "requester": 0} == {**company.plan, "id": 0, "requester": 0}
    assert (sample["urls"]["expiry_date"], len(sample["urls"]["data_links"])) == (company.urls["expiry_date"], 2)
    company.rows, company.plan, company.urls = sample["history"], sample["backup"], sample["urls"]
    assert json.loads(tool(history_sample.main, "--org", "sampled")[1]) == sample
    company.plan = company.urls = None
    assert len(json.loads(tool(history_sample.main, "--org", "sampled")[1])["history"]) == len(rows)
    player = Player(Organisation.recorded(sample), with_plan=False).play(hourly(BEGAN - WEEK, BEGAN + 3 * WEEK))
    assert list(complaints(player)) == []
    told = ["baseline", "completed", "failed", "overdue", "recovered", "completed"]
    assert [notice.kind for notice in player.sent if notice.phase != "reminder"] == told
    assert "No organisation nobody is connected" in tool(history_sample.main, "--org", "nobody")[1]
