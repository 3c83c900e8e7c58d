"""`make sandbox`: the stack deployed on this machine, and kept, for the commands that otherwise need AWS and Zoho."""

import json
import shlex
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.front import Front
from sandbox.runtime import Result
from sandbox.screen import Screen
from sandbox.stage import Stage
from sandbox.story import ADDRESS, History, past
from sandbox.zoho import Organisation

VARIABLES = Path("build/sandbox.sh")


class Playground(Front):
    """AWS for the commands of another terminal; what the function sends is shown in this one."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        """Start serving."""
        self._screen = screen
        self._shown = (0, 0)
        self._one_at_a_time = threading.Lock()
        super().__init__(stage)

    def invoke(self, event: Any) -> Result:
        """Let the function run, and show what it sent."""
        with self._one_at_a_time:
            result = super().invoke(event)
            mails, posts = self._stage.mailbox.mails, self._stage.slack.messages
            for mail in mails[self._shown[0] :]:
                self._screen.mail(mail, ADDRESS)
            for post in posts[self._shown[1] :]:
                self._screen.slack(post)
            self._shown = (len(mails), len(posts))
        if not result.ok:
            self._screen.remark(f"A check failed: {result.payload.get('errorMessage')}")
        return result

    def play_schedules(self) -> None:
        """Invoke the function as EventBridge does: with the input of each schedule that is enabled."""
        scheduler, group = self._stage.cloud.client("scheduler"), self._stage.stack.outputs["ScheduleGroupName"]
        for listed in scheduler.list_schedules(GroupName=group)["Schedules"]:
            schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=group)
            if schedule["State"] == "ENABLED":
                self.invoke(json.loads(schedule["Target"]["Input"]))


def keep() -> None:
    """Deploy the stack, say how to use it, and serve until Ctrl-C; a line on standard input lets a backup fail."""
    screen = Screen(sys.stdout)
    screen.remark("Starting Zoho, Slack, AWS and Lambda on this machine, and deploying template.yaml …")
    history = History(datetime.now(UTC))
    with closing(Stage()) as stage, closing(Playground(stage, screen)) as front:
        stage.stack.subscribe("AlarmTopicArn")
        company = stage.zoho.organisation(past(history)[::-1], refresh_tokens=[])
        variables = {**front.environment, "STACK": stage.stack.name, "REGION": stage.cloud.region}
        VARIABLES.parent.mkdir(exist_ok=True)
        VARIABLES.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
        print(f"\nThe stack is deployed, and nothing is connected yet. In another terminal:\n\n  source {VARIABLES}")
        print("  make connect\n\nand answer:\n")
        _show_answers(stage, company)
        print("\nThen make check-now, doctor, status, dry-run, test-message; what is sent is shown here.")
        print("Press Enter to let a backup fail and the schedules run; Ctrl-C ends it all.", flush=True)
        try:
            for _ in sys.stdin:
                front.play_schedules()  # or the first check of an organisation would find the failure in its past
                company.rows[:0] = reversed(history.run(timedelta(0), "weekly", "failure"))
                front.play_schedules()
                print(f"For one more make connect, a new code: {stage.zoho.grant(company)}", flush=True)
            threading.Event().wait()
        finally:
            VARIABLES.unlink(missing_ok=True)


def _show_answers(stage: Stage, company: Organisation) -> None:
    for question, answer in {
        "Address": "crm.zoho.com",
        "Client ID": company.client_id,
        "Client Secret": company.client_secret,
        "Slack webhook": stage.slack.webhook_url(),
        "Code": stage.zoho.grant(company),
    }.items():
        print(f"  {question + ':':15} {answer}")
