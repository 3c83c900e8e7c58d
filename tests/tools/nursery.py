"""Starts the tools on terminals, each by a fork of one process that has imported everything: ten times as cheap.

A request is a line of JSON on standard input, its answer a line on standard output:
`{"module", "arguments", "environment", "terminal"}` → the new process's id; `{"wait": id}` → its exit code.
"""

import gc
import importlib
import json
import os
import signal
import sys
from functools import cache
from typing import Any

import boto3
import botocore.session

botocore.session.create_loader = cache(botocore.session.create_loader)
for service in ("sts", "cloudformation", "ssm", "scheduler", "lambda", "dynamodb", "sns", "cloudwatch"):
    boto3.client(service, region_name="eu-west-1")  # so that its description is parsed before the forks
MODULES = {
    name: importlib.import_module(name)
    for name in ("tools.ask", "tools.connect", "tools.deploy", "tools.doctor", "tools.undeploy")
}


def become(request: dict[str, Any]) -> int:
    """Run a tool in this process as a shell would start it, and return its exit code."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which `nohup make test` ignores, and a terminal does not
    terminal = os.open(request["terminal"], os.O_RDWR)  # a session's first terminal is the one it obeys
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(stream, mode) for stream, mode in enumerate(("r", "w", "w")))
    code = int(MODULES[request["module"]].main(request["arguments"]))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    gc.freeze()  # what is shared with the forks stays shared
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        elif not (answer := os.fork()):
            os._exit(become(request))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
