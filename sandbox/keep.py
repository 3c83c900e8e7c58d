"""`make sandbox`: the stack deployed on this machine, and kept, for the commands that otherwise need AWS and Zoho."""

import fcntl
import json
import os
import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handler.channels import BY_NAME
from sandbox.channels import FAKES
from sandbox.demo import History, Screen, take_news
from sandbox.endpoint import AwsEndpoint
from sandbox.runtime import Result
from sandbox.sandbox import Sandbox
from sandbox.zoho import Organisation

VARIABLES = Path("build/sandbox.sh")
SHELL = """\
# Written by `make sandbox`, for bash and zsh.
leave_sandbox() {{ eval "$BEFORE_SANDBOX"; unset BEFORE_SANDBOX; unset -f leave_sandbox; }}
if kill -0 {process} 2>/dev/null; then
[ "$BEFORE_SANDBOX" ] || BEFORE_SANDBOX=$(for name in {names} AWS_PROFILE AWS_DEFAULT_PROFILE; do
  eval "[ \\"\\${{$name+set}}\\" ] && printf 'export %s=%q; ' $name \\"\\$$name\\" || printf 'unset %s; ' $name"
done)
unset AWS_PROFILE AWS_DEFAULT_PROFILE
{exports}
echo 'This terminal now uses the sandbox. To leave it: leave_sandbox'
else
echo 'The sandbox has ended. For real AWS: open a new terminal, or leave_sandbox. For another: make sandbox' >&2
fi
"""


def keep() -> None:
    """Deploy the stack, say how to use it, and serve until Ctrl-C; a line on standard input lets a backup fail.

    Raises:
        BlockingIOError: Another process keeps a sandbox.
    """
    screen = Screen()
    VARIABLES.parent.mkdir(exist_ok=True)
    file = VARIABLES.open("a")  # it stays locked until the process ends
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    screen.say("Starting Zoho, the channels, AWS and Lambda here, and deploying template.yaml …")
    history, one_at_a_time = History(datetime.now(UTC)), threading.Lock()

    def invoke(event: Any) -> Result:
        """Run the function, and show here what it sent."""
        with one_at_a_time:
            result = sandbox.function.invoke(event)
            for channel, messages in take_news(sandbox).items():
                for message in messages:
                    screen.frame(channel, message)
        if not result.ok:
            screen.say(f"A check failed: {result.payload.get('errorMessage')}")
        return result

    with closing(Sandbox(channels=FAKES)) as sandbox, closing(AwsEndpoint(invoke)) as aws:
        sandbox.stack.subscribe("AlarmTopicArn")
        company = sandbox.zoho.organisation(history.runs("weekly", 21, 14, 7), refresh_tokens=[], data_centre="us")
        stack = {"AWS_ENDPOINT_URL": aws.url, "STACK": sandbox.stack.name, "REGION": sandbox.cloud.region}
        file.truncate(0)
        file.write(shell({**sandbox.environment, **stack}, os.getpid()))
        file.flush()
        print("\nThe stack is deployed, and nothing is connected yet. `make connect` asks for these:\n")
        answers = _answers(sandbox, company)
        for question, answer in answers.items():
            print(f"  {question + ':':{max(map(len, answers)) + 1}} {answer}")
        print(f"\nIn another terminal:\n\n  source {VARIABLES}\n  make connect\n")
        print("Then make check-now, doctor, status, dry-run or test-message. What is sent is shown here.")
        print("Press Enter to let a backup fail and the schedules run; Ctrl-C ends it all.", flush=True)
        for _ in sys.stdin:
            _play_schedules(sandbox, invoke)  # or the first check of an organisation would find the failure in its past
            company.rows[:0] = reversed(history.run(0, "weekly", "failure"))
            _play_schedules(sandbox, invoke)
            print(f"For one more make connect, a new code:\n  {sandbox.zoho.grant(company)}", flush=True)
        threading.Event().wait()


def _play_schedules(sandbox: Sandbox, invoke: Callable[[Any], Result]) -> None:
    """Invoke the function as EventBridge does: with the input of each schedule that is enabled."""
    scheduler, group = sandbox.cloud.client("scheduler"), sandbox.stack.outputs["ScheduleGroupName"]
    for listed in scheduler.list_schedules(GroupName=group)["Schedules"]:
        schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=group)
        if schedule["State"] == "ENABLED":
            invoke(json.loads(schedule["Target"]["Input"]))


def shell(variables: Mapping[str, str], process: int) -> str:
    """Return a shell file that points a terminal at the sandbox while its process lives; it has `leave_sandbox`."""
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    return SHELL.format(names=" ".join(variables), process=process, exports=exports)


def _answers(sandbox: Sandbox, company: Organisation) -> dict[str, str]:
    """Return what `make connect` asks for, and what to answer."""
    crm = "crm.zoho.com (any other is refused, as Zoho does)"
    client = {"Address": crm, "Client ID": company.client_id, "Client Secret": company.client_secret}
    held = sandbox.settings("SANDBOX")
    settings = [setting for name in sandbox.channels for setting in BY_NAME[name].settings if setting.key in held]
    addresses = {setting.question: held[setting.key] for setting in settings}
    return {**client, **addresses, "Code": sandbox.zoho.grant(company)}
