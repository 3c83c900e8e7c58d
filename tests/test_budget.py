"""What a check may cost, as counts that every machine agrees on; times are for `make bench`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import certifi
import pytest

from benchmarks.bench import Bench, history
from handler.check import DELIVERY_SECONDS
from handler.delivery import SEND_SECONDS, WRITE_SECONDS
from handler.store import to_item
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.watch import Watch

ROOT = Path(__file__).parents[1]
FOREIGN = {"aws_lambda_powertools", "pydantic", "slack_sdk", "moto", "benchmarks", "sandbox", "tests", "tools"}
PROBE = """
import gc, json, ssl, sys
sys.path.insert(0, sys.argv[1])
loads = []
load = ssl.SSLContext.load_verify_locations
ssl.SSLContext.load_verify_locations = lambda *args, **more: (loads.append(1), load(*args, **more))[1]
from handler import app

class Context:
    aws_request_id = "0"
    def get_remaining_time_in_millis(self):
        return 55_000

try:
    answer = app.lambda_handler({}, Context())["notices"]
except Exception as error:
    answer = str(error)
print(json.dumps({
    "answer": answer, "loads": len(loads), "modules": sorted(sys.modules), "collects": gc.isenabled(),
    "frozen": gc.get_freeze_count(),
    "clients": {
        client.meta.service_model.service_name: [
            client.meta.config.connect_timeout, client.meta.config.read_timeout,
            client.meta.config.retries["total_max_attempts"],
        ]
        for client in (app._SNS, app._DYNAMODB, app._SSM)
    },
}))
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Bench]:
    """Give the stack, Zoho and Slack, all of it behind TLS."""
    with closing(Bench()) as made:
        made.organisation.rows = history(4)
        yield made


def cold_check(scene: Bench, **variables: str) -> dict[str, Any]:
    """Check in a new process and return what became of it, and of the process."""
    command, environment = [sys.executable, "-c", PROBE, str(ROOT)], {**scene.variables, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    probed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return probed


def test_a_check_loads_one_bundle_of_certificates_and_imports_what_ships(scene: Bench) -> None:
    """AWS, Zoho and Slack share one TLS context; whoever adds a dependency or a big module meets these numbers."""
    with_news = cold_check(scene)
    assert (with_news["answer"], with_news["loads"]) == (["baseline"], 1)
    quiet = cold_check(scene)
    assert quiet["answer"] == []
    assert not FOREIGN & {name.partition(".")[0] for name in quiet["modules"]}
    assert len(quiet["modules"]) < 600
    assert "dateutil.rrule" not in quiet["modules"]
    assert quiet["collects"]
    assert quiet["frozen"] > 1_000, "what was built at the start is looked through for garbage again and again"

    clients = quiet["clients"]
    longest = {name: (connect + read) * tries for name, (connect, read, tries) in clients.items()}
    assert clients["sns"][2] == 1, "a send that the SDK tries again may arrive twice"
    assert longest["sns"] <= SEND_SECONDS
    assert longest["dynamodb"] <= WRITE_SECONDS
    assert SEND_SECONDS + WRITE_SECONDS <= DELIVERY_SECONDS
    timeout = to_cloudformation(TEMPLATE_FILE.read_text())["Resources"]["NotifierFunction"]["Properties"]["Timeout"]
    assert longest["dynamodb"] + longest["ssm"] + DELIVERY_SECONDS < timeout == 55


def test_aws_is_believed_only_with_a_certificate_from_the_bundle(scene: Bench) -> None:
    """The clients share the TLS context of all others; it verifies for them, too."""
    before = len(scene.aws.requests)
    assert "SSLError" in cold_check(scene, AWS_CA_BUNDLE=certifi.where())["answer"]
    assert len(scene.aws.requests) == before


def test_a_year_of_weekly_backups_is_two_read_units_a_check() -> None:
    """4 KB each: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html."""
    watch = Watch()
    for _ in range(52):
        watch.log(action="initiated")
        watch.check_after(hours=1)
        watch.log(state="completed")
        watch.check_after(days=6, hours=23)
    assert len(watch.memory.seen) == 104
    assert len(json.dumps(to_item(watch.memory))) <= 2 * 4_096
