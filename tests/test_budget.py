"""What a check may cost, as counts that every machine agrees on; times are for `make bench`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import botocore
import botocore.session
import certifi
import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.utils import ArgumentGenerator

from benchmarks.bench import Bench, history
from handler.check import DELIVERY_SECONDS
from handler.delivery import SEND_SECONDS, WRITE_SECONDS
from handler.store import to_item
from sandbox.template import TEMPLATE_FILE, to_cloudformation
from sandbox.watch import Watch
from sandbox.zoho import plan, row
from tools import build

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
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT)],
        env={**scene.variables, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    probed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return probed


@pytest.fixture(scope="module")
def with_news(scene: Bench) -> dict[str, Any]:
    """Give a cold check that talks to everybody there is."""
    return cold_check(scene)


@pytest.fixture(scope="module")
def quiet(scene: Bench, with_news: dict[str, Any]) -> dict[str, Any]:
    """Give a cold check that finds nothing new."""
    return cold_check(scene)


def test_the_certificates_are_loaded_once(with_news: dict[str, Any]) -> None:
    """For three AWS services, Zoho and Slack together: each load is a tenth of a check."""
    assert with_news["answer"] == ["baseline"]
    assert with_news["loads"] == 1


def test_aws_is_believed_only_with_a_certificate_from_the_bundle(scene: Bench) -> None:
    """The clients share the TLS context of all others; it verifies for them, too."""
    before = len(scene.aws.requests)
    assert "SSLError" in cold_check(scene, AWS_CA_BUNDLE=certifi.where())["answer"]
    assert len(scene.aws.requests) == before


def test_a_quiet_check_imports_what_ships_and_no_more(quiet: dict[str, Any]) -> None:
    """Whoever adds a dependency, or a detour through a big module of Python's own, meets this number."""
    assert quiet["answer"] == []
    assert not FOREIGN & {name.partition(".")[0] for name in quiet["modules"]}
    assert len(quiet["modules"]) < 600
    assert "dateutil.rrule" not in quiet["modules"]


def test_rules_of_recurrence_are_imported_where_a_plan_is_read(scene: Bench, quiet: dict[str, Any]) -> None:
    """That is, when something is news; a quiet check does without."""
    scene.organisation.plan = plan()
    scene.organisation.rows.insert(0, row(None, action="scheduled"))
    assert "dateutil.rrule" in cold_check(scene)["modules"]


def test_what_the_clients_may_take_fits_into_what_is_kept_for_them(quiet: dict[str, Any]) -> None:
    """A send that outlives its share, or is tried twice by the SDK, is repeated; so may be one not written down."""
    longest = {name: (connect + read) * tries for name, (connect, read, tries) in quiet["clients"].items()}
    assert quiet["clients"]["sns"][2] == 1
    assert longest["sns"] <= SEND_SECONDS
    assert longest["dynamodb"] <= WRITE_SECONDS
    assert SEND_SECONDS + WRITE_SECONDS <= DELIVERY_SECONDS
    timeout = to_cloudformation(TEMPLATE_FILE.read_text())["Resources"]["NotifierFunction"]["Properties"]["Timeout"]
    assert longest["dynamodb"] + longest["ssm"] + DELIVERY_SECONDS < timeout == 55


def test_garbage_is_collected_again_once_everything_is_built(quiet: dict[str, Any]) -> None:
    """Not before: an import makes none. What was built is never looked through again."""
    assert quiet["collects"]
    assert quiet["frozen"] > 1_000


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


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what the build leaves of botocore's data."""
    data = tmp_path_factory.mktemp("data")
    original = Path(botocore.__file__).parent / "data"
    for service in build.CALLS:
        copytree(original / service, data / service)
    (data / "endpoints.json").write_text((original / "endpoints.json").read_text())
    build._slim(data)
    return data


def test_what_is_read_at_a_cold_start_is_a_few_kilobytes(slim: Path) -> None:
    """Of two megabytes: the endpoints of every AWS service, and three services with all their calls."""
    read = [slim / "endpoints.json", *slim.glob("*/*/service-2.json.gz")]
    assert len(read) == 4
    assert sum(path.stat().st_size for path in read) < 60_000


@pytest.mark.parametrize(("service", "calls"), build.CALLS.items(), ids=list(build.CALLS))
def test_the_package_knows_every_call_that_the_handler_makes_and_no_other(
    slim: Path, service: str, calls: list[str]
) -> None:
    """A call that is missing in `tools/build.py` would fail in Lambda only."""
    handler = "\n".join(path.read_text() for path in (ROOT / "handler").rglob("*.py"))
    everything = botocore.session.get_session().get_service_model(service).operation_names
    assert calls == [name for name in sorted(everything) if f".{xform_name(name)}(" in handler]
    session = botocore.session.get_session()
    session.register_component(
        "data_loader", Loader(extra_search_paths=[str(slim)], include_default_search_paths=False)
    )
    model = session.get_service_model(service)
    assert list(model.operation_names) == calls
    for name in calls:
        operation = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape, *operation.error_shapes):
            assert shape is None or ArgumentGenerator().generate_skeleton(shape) is not None  # raises what is missing
