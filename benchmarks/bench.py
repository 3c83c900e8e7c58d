"""The sandbox over TLS, and functions to measure in it, one process each."""

import json
import os
import subprocess
import tempfile
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import certifi

from sandbox.endpoint import AwsEndpoint
from sandbox.sandbox import Sandbox
from sandbox.zoho import Row, row
from tools.build import ROOT, runtime_python

SERVERS, *_, MEASURED = [{cpu} for cpu in sorted(os.sched_getaffinity(0))] * 2
ORG = "default"
NEWEST = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


Function = tuple[Path, str]
"""A function to measure: the folder of its package, and its name there."""
PACKAGE = ROOT / "build" / "package"
OURS = (PACKAGE, "handler.app.lambda_handler")


class Run(NamedTuple):
    """One process of a function.

    Attributes:
        cpu: Seconds of CPU: of the whole process if it made one call, otherwise the median of the later calls.
        peak: MiB of memory at most.
        calls: Of each call the CPU `seconds`, and the `answer` or the `error`.
    """

    cpu: float
    peak: float
    calls: list[dict[str, Any]]


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
        aws: AWS as whatever is measured meets it.
        variables: The environment of whatever is measured.
    """

    def __init__(self) -> None:
        """Start everything."""
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            certificate = _certificate(folder)
            bundle = folder / "bundle.pem"  # as long as the real one, because loading it takes that long
            bundle.write_text(Path(certifi.where()).read_text() + certificate.read_text())
            super().__init__(channels=("slack",), certificate=str(certificate))  # which the others have, too
            opened.callback(super().close)
            self.organisation = self.connect(ORG)
            self.aws = opened.enter_context(closing(AwsEndpoint(certificate=str(certificate))))
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
            self._everything = opened.pop_all()

    def remember(self, rows: list[Row]) -> None:
        """Let the organisation's memory be what it is after the first check with these rows."""
        table = self.stack.outputs["TableName"]
        self.cloud.client("dynamodb").delete_item(TableName=table, Key={"org": {"S": ORG}})
        self.organisation.rows = rows
        first = self.run(OURS)
        assert first.calls[0].get("answer", {}).get("notices") == ["baseline"], first

    def run(self, function: Function, calls: int = 1) -> Run:
        """Call a function so many times in a process of its own.

        Raises:
            CalledProcessError: It could not be run.
        """
        self.organisation.issued.clear()  # Zoho would throttle so many checks an hour
        python = runtime_python()
        assert python, "Python 3.13, which Lambda runs, is not on this machine: PYTHON313=/path/to/it make bench"
        folder, name = function
        # -S: without what this machine's Python has beside the package; -B: Lambda's disk is read-only.
        command = [str(python), "-B", "-S", str(Path(__file__).with_name("drive.py")), str(folder), name, str(calls)]
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, MEASURED)  # of this thread, and so of the process that it starts
        done = subprocess.run(command, env=self.variables, stdout=subprocess.PIPE, cwd=folder, check=True)
        os.sched_setaffinity(0, ours)
        printed = json.loads(done.stdout.splitlines()[-1])
        later = [call["seconds"] for call in printed["calls"][1:]]
        return Run(median(later or [printed["cpu"]]), printed["peak"], printed["calls"])

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
