"""What a test of the tools works with."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sandbox.sandbox import Sandbox
from sandbox.zoho import Organisation, Row, sample_rows
from tests.tools.front import Front
from tests.tools.terminal import Nursery, Terminal
from tools.schedules import COPIED

QUESTIONS = {
    "centre": "browser show",
    "client_id": "Client ID",
    "client_secret": "Client Secret",
    "channels": "Where else should messages go?",
    "webhook": "Slack webhook URL",
    "mention": "Whom to mention",
    "heartbeat": "Heartbeat URL",
    "name": "Name of",
    "zone": "Time zone of",
    "code": "Code",
    "send": "Send a test message",
}
"""What the wizard asks, in order; the others' settings only where they are ticked, `send` once all is written."""
OF_SLACK = ("webhook", "mention")


@dataclass
class Bench:
    """What a test of the tools works with: a stage, AWS's front, and what must never be shown.

    Attributes:
        stage: The sandbox, with the stack deployed as `notifier`.
        front: AWS as the tools meet it.
        nursery: Where terminals are started.
        secrets: Everything that no terminal may show.
    """

    stage: Sandbox
    front: Front
    nursery: Nursery
    secrets: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a person whose AWS and Zoho are the sandbox."""
        return {**self.stage.environment, "AWS_ENDPOINT_URL": self.front.url}

    def company(self, rows: list[Row] | None = None) -> Organisation:
        """Register a company at Zoho; its secrets must not be shown."""
        company = self.stage.zoho.organisation(sample_rows() if rows is None else rows, refresh_tokens=[])
        self.secrets.append(company.client_secret)
        return company

    def code(self, company: Organisation) -> str:
        """Make a grant code."""
        code = self.stage.zoho.grant(company)
        self.secrets.append(code)
        return code

    def webhook(self, name: str) -> str:
        """Make a Slack webhook."""
        self.secrets.append(f"B00000000/{name}")
        return self.stage.slack.webhook_url(name)

    def terminal(self, *arguments: str, module: str = "tools.connect", **variables: str) -> Terminal:
        """Start a tool on a terminal."""
        return Terminal(self.nursery, {**self.environment, **variables}, module, "--stack", "notifier", *arguments)

    def fill(
        self,
        terminal: Terminal,
        company: Organisation,
        until: str = "",
        *,
        only: Collection[str] = tuple(QUESTIONS),
        slack: bool = False,
        **answers: str,
    ) -> None:
        """Answer the wizard, up to a question, with a company's credentials where `answers` say nothing else.

        Args:
            terminal: Where it asks.
            company: Whose credentials are typed.
            until: The first question that is left open.
            only: What it asks.
            slack: Slack is ticked when it asks.
            answers: What is typed instead; "-" as webhook takes the tick away.
        """
        ticked = answers.get("webhook") != "-" if slack else until in OF_SLACK or "webhook" in answers
        own = {"client_id": company.client_id, "client_secret": company.client_secret, "send": "2"}
        own["channels"] = "" if ticked == slack else " "
        own["webhook"] = "" if slack else self.webhook("FILLED")
        for question, text in QUESTIONS.items():
            if question == until:
                return
            if question not in only or (question in OF_SLACK and not ticked):
                continue
            answer = answers.get(question, own.get(question, ""))
            terminal.answer(text, self.code(company) if question == "code" and question not in answers else answer)

    def parameter(self, org: str) -> str | None:
        """Return what an organisation's parameter holds."""
        ssm = self.stage.cloud.client("ssm")
        name = f"{self.stage.stack.outputs['OrgParameterPrefix']}/{org}"
        answer = ssm.get_parameters(Names=[name], WithDecryption=True)["Parameters"]
        return str(answer[0]["Value"]) if answer else None

    def schedule_names(self) -> set[str]:
        """Return the names of the schedules in the stack's group."""
        listed = self.stage.cloud.client("scheduler").list_schedules(GroupName="notifier")["Schedules"]
        return {schedule["Name"] for schedule in listed}

    def shows_no_secret(self, shown: str) -> bool:
        """Return whether a text holds none of the secrets, nor any token that Zoho gave out."""
        tokens = [t for o in self.stage.zoho.organisations.values() for t in (*o.refresh_tokens, *o.grants)]
        return not [secret for secret in (*self.secrets, *tokens) if secret in shown]


def schedule_of(bench: Bench, name: str) -> dict[str, Any]:
    """Return a schedule in the stack's group, as far as it can be written."""
    found = bench.stage.cloud.client("scheduler").get_schedule(Name=name, GroupName="notifier")
    return {key: found[key] for key in ("Name", "GroupName", *COPIED) if key in found}


def change_schedule(bench: Bench, name: str, **parts: Any) -> None:
    """Change parts of a schedule, behind the tools' back."""
    bench.stage.cloud.client("scheduler").update_schedule(**{**schedule_of(bench, name), **parts})
