"""Lambda's execution environment in miniature: AWS's own runtime client against a Runtime API on loopback.

The client is awslambdaric, the API https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The function sees
what it sees in Lambda: a process with its own variables, one event at a time, a deadline, standard output as its log.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.server import Request, Response, Server

ROOT = Path(__file__).parents[1]
INIT_SECONDS = 60  # Lambda gives ten, on a faster machine than a busy laptop
READY = "ready"
DONE = {"response", "error"}


@dataclass(frozen=True)
class Result:
    """What became of an invocation.

    Attributes:
        ok: Whether the function returned.
        payload: What it returned, or Lambda's error: `errorType`, `errorMessage` and, of an exception, `stackTrace`.
        logs: The log's JSON lines, from the start of the process where it was started for this invocation.
        output: Everything the process wrote, those lines included.
        cold: Whether the process was started for this invocation.
    """

    ok: bool
    payload: Any
    logs: list[dict[str, Any]]
    output: str
    cold: bool


@dataclass(kw_only=True)
class LambdaEnvironment:
    """A function's execution environment: its process starts with the first invocation and serves until it dies.

    Like Lambda's, it comes back: an invocation after `kill`, `stop`, a crash or a timeout starts a new process.

    Attributes:
        variables: The function's own environment variables, and whatever points it at the sandbox.
        handler: Module and function, as in the template.
        root: The folder that is the function's package.
        timeout: Seconds that an invocation may take.
        memory: Megabytes that the function reads that it has; not enforced.
        python: The interpreter that runs it; awslambdaric and the function's dependencies must be installed there.
    """

    variables: Mapping[str, str] = field(kw_only=False)
    handler: str = "handler.app.lambda_handler"
    root: Path = ROOT
    timeout: float = 55
    memory: int = 256
    python: str = sys.executable
    _process: "_Process | None" = field(default=None, init=False)

    def invoke(self, event: object, *, request_id: str | None = None, timeout: float | None = None) -> Result:
        """Invoke the function and wait for it; at the deadline its process is killed, as Lambda does."""
        request_id = request_id or str(uuid.uuid4())
        timeout = self.timeout if timeout is None else timeout
        process, outcome, payload = self._process, READY, None
        if cold := process is None or not process.alive:
            self.stop()
            command = [self.python, "-m", "awslambdaric", self.handler]
            process = self._process = _Process(command, self.root, self._environment())
            outcome, payload = process.outcome(INIT_SECONDS, "")  # of the import of the function's module
        if outcome == READY:
            outcome, payload = process.run(event, request_id, timeout)
        output = process.output()
        if outcome not in DONE:  # it could not be imported, died, or has run out of time and dies now
            self.stop()
        return Result(outcome == "response", payload, _json_lines(output), output, cold)

    def kill(self) -> None:
        """Kill the process at once, from any thread; an invocation that is running ends with `Runtime.ExitError`."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """End the process, so that the next invocation is a cold one."""
        if self._process:
            self._process.close()
            self._process = None

    close = stop

    def _environment(self) -> dict[str, str]:
        """Return the environment of the process: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_LAMBDA_FUNCTION_NAME": "notifier",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "LAMBDA_TASK_ROOT": str(self.root),
            **self.variables,
        }


class _Process(Server):
    """One process of the function, and the Runtime API that only this process has."""

    def __init__(self, command: list[str], root: Path, environment: dict[str, str]) -> None:
        self._events: queue.Queue[tuple[str, object, float] | None] = queue.Queue()
        self._outcomes: queue.Queue[tuple[str, Any]] = queue.Queue()
        super().__init__()
        # A file, not a pipe: nothing has to read along, and nothing is late.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._read = 0
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self.url.removeprefix("http://")},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        self._watch = threading.Thread(target=lambda: self._outcomes.put(("exit", self._process.wait())), daemon=True)
        self._watch.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def run(self, event: object, request_id: str, timeout: float) -> tuple[str, Any]:
        self._events.put((request_id, event, timeout))
        outcome = self.outcome(timeout, request_id)
        if outcome[0] in DONE:
            self.outcome(timeout, request_id)  # the process is idle again: its log is complete
        return outcome

    def output(self) -> str:
        """Return what the process wrote since the last time."""
        written = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), written - self._read, self._read)
        self._read = written
        return text.decode(errors="replace")

    def kill(self) -> None:
        self._process.kill()
        self._watch.join()

    def close(self) -> None:
        """End the process and its Runtime API."""
        self.kill()
        self._events.put(None)
        super().close()
        self._log.close()

    def kind(self, method: str, path: str) -> str:
        """Name the call: `next`, `response`, `error` or, of a function that can't be imported, `init`."""
        return "init" if path.endswith("/init/error") else path.rsplit("/", 1)[-1]

    def answer(self, request: Request) -> Response:
        """Wait for the next event and hand it out, or accept the answer to one."""
        if request.kind != "next":
            self._outcomes.put((request.kind, request.json() if request.body else None))
            return Response.json({"status": "OK"}, 202)
        self._outcomes.put((READY, None))
        item = self._events.get()
        if item is None:
            return Response(500)
        request_id, event, timeout = item
        headers = {
            "Content-Type": "application/json",  # and nothing behind it, or the client hands the function bytes
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:notifier",
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        }
        return Response(200, json.dumps(event).encode(), headers)

    def outcome(self, seconds: float, request_id: str) -> tuple[str, Any]:
        try:
            kind, payload = self._outcomes.get(timeout=seconds)
        except queue.Empty:
            message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            return "timeout", {"errorType": "Sandbox.Timedout", "errorMessage": message}
        if kind == "exit":
            message = f"RequestId: {request_id} Error: Runtime exited with status {payload}"
            payload = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return kind, payload


def _json_lines(output: str) -> list[dict[str, Any]]:
    lines = []
    for line in output.splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict)]
