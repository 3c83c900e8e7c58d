"""The sandbox over TLS, and functions to measure in it, one process each."""

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import certifi

from sandbox.channels import Accepted
from sandbox.sandbox import Sandbox
from sandbox.server import Server
from sandbox.zoho import Row, row
from tools.build import ROOT, runtime_python

HERE = Path(__file__).parent
SERVERS, *_, MEASURED = [{cpu} for cpu in sorted(os.sched_getaffinity(0))] * 2
ORG = "default"
NEWEST = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
PACKAGE = ROOT / "build" / "package"
OURS = PACKAGE, "handler.app.lambda_handler"
FLOOR = PACKAGE, "floor.handler"
CHANNELS = ("slack",)
"""Beside SNS: those that the peers have, too."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        pairs: Of runs, in each contest; two at least.
        times: How often each length of a history, and each number of news, is run.
        organisations: How many share a function, a number for each line.
    """

    pairs: int = 11
    times: int = 5
    organisations: tuple[int, ...] = (1, 10, 50, 200)


QUICK = Effort(pairs=2, times=1, organisations=(1, 10))
"""Enough to see that everything runs."""


@dataclass(frozen=True)
class Run:
    """One process of a function.

    Attributes:
        cpu: Seconds of CPU of the whole process.
        wall: Seconds from its start to its end.
        peak: MiB of memory at most.
        calls: Of each call the CPU `seconds`, and the `answer` or the `error`.
        requests: To AWS, Zoho and the channels, by kind.
    """

    cpu: float
    wall: float
    peak: float
    calls: list[dict[str, Any]]
    requests: Counter[str]

    @property
    def seconds(self) -> list[float]:
        """CPU seconds of each call."""
        return [call["seconds"] for call in self.calls]


def history(count: int) -> list[Row]:
    """Return the past year, newest first: backups that began (`initiated`) and, half an hour later, were completed."""
    apart = min(timedelta(days=7), timedelta(days=360) / max(count, 1))  # between two rows of a kind
    return [
        row(
            NEWEST - timedelta(minutes=30 * (number % 2)) - apart * (number // 2),
            id=str(4876876000009999999 - number),
            state=None if number % 2 else "completed",
            action="initiated" if number % 2 else None,
        )
        for number in range(count)
    ]


class Bench(Sandbox):
    """The sandbox over TLS, with one organisation connected and a process for each run of a function.

    Attributes:
        organisation: The organisation at Zoho: change its `rows`.
        variables: The environment of whatever is measured.
    """

    def __init__(self) -> None:
        """Start everything."""
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            certificate = _certificate(folder)
            bundle = folder / "bundle.pem"  # as long as the real one, which is what loading it costs
            bundle.write_text(Path(certifi.where()).read_text() + certificate.read_text())
            super().__init__(channels=CHANNELS, certificate=str(certificate))
            opened.callback(super().close)
            self.organisation = self.connect(ORG)
            self.variables = {
                "PATH": os.environ["PATH"],
                "LANG": "en_US.UTF-8",
                **self.environment,
                **self.stack.environment(),
                "AWS_ENDPOINT_URL": self.aws.url,
                "AWS_SESSION_TOKEN": "sandbox",
                "AWS_CA_BUNDLE": str(bundle),
                "REQUESTS_CA_BUNDLE": str(bundle),
            }
            self._items: dict[tuple[str, ...], dict[str, Any]] = {}
            self._everything = opened.pop_all()

    @property
    def servers(self) -> list[Server]:
        """Whatever the function talks to."""
        return [self.aws, self.zoho, *self.channels.values()]

    @property
    def accepted(self) -> list[Accepted]:
        """What the channels took, channel by channel."""
        return [message for fake in self.channels.values() for message in fake.accepted]

    def remember(self, rows: list[Row]) -> None:
        """Let the organisation's memory be what it is after the first check with these rows."""
        key = tuple(row["id"] for row in rows)
        if key not in self._items:
            dynamodb, item = self.cloud.client("dynamodb"), {"org": {"S": ORG}}
            dynamodb.delete_item(TableName=self.table, Key=item)
            self.organisation.rows = rows
            first = self.run(*OURS)
            assert first.calls[0].get("answer", {}).get("notices") == ["baseline"], first
            self._items[key] = dynamodb.get_item(TableName=self.table, Key=item)["Item"]
        self.put(self._items[key])

    def put(self, item: Mapping[str, Any], table: str = "") -> None:
        """Write an item."""
        self.cloud.client("dynamodb").put_item(TableName=table or self.table, Item=item)

    @property
    def table(self) -> str:
        """The name of the stack's table."""
        return self.stack.outputs["TableName"]

    def run(self, folder: Path, function: str, events: Sequence[object] = ({},)) -> Run:
        """Run a function of a package in a process for itself, once for each event.

        Raises:
            RuntimeError: It could not be run.
        """
        for organisation in self.zoho.organisations.values():
            organisation.issued.clear()  # Zoho would throttle so many checks an hour
        for server in self.servers:
            server.requests.clear()
        python = runtime_python()
        assert python, "Python 3.13, which Lambda runs, is not on this machine: PYTHON313=/path/to/it make bench"
        # -S: without what this machine's Python has beside the package; -B: Lambda's disk is read-only.
        command = [str(python), "-B", "-S", str(HERE / "drive.py"), str(folder), function, json.dumps(events)]
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, MEASURED)  # of this thread, and so of the process that it starts
        with tempfile.TemporaryFile() as output:
            start = time.perf_counter()
            process = subprocess.Popen(command, env=self.variables, stdout=output, stderr=output, cwd=folder)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            os.sched_setaffinity(0, ours)
            output.seek(0)
            lines = output.read().splitlines()
        if process.returncode:
            raise RuntimeError(f"{function} in {folder.name} ended with {process.returncode}: {lines[-5:]}")
        printed = json.loads(lines[-1])
        kinds = Counter(request.kind for server in self.servers for request in server.requests)
        return Run(used.ru_utime + used.ru_stime, wall, printed["peak"], printed["calls"], kinds)

    def close(self) -> None:
        """Stop everything."""
        self._everything.close()


def _certificate(folder: Path) -> Path:
    """Make a certificate for loopback that signs itself, with its key behind it."""
    certificate, key = folder / "server.pem", folder / "key.pem"
    command = "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=loopback"
    usage = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=digitalSignature,keyCertSign"]
    subprocess.run(
        [*command.split(), *usage, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate
