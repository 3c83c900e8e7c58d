"""What a test of the tools works with."""

from dataclasses import dataclass, field

from sandbox.sandbox import Sandbox
from sandbox.zoho import Organisation, Row, sample_rows
from tests.tools.front import Front
from tests.tools.terminal import Nursery, Terminal

QUESTIONS = {
    "centre": "browser show",
    "client_id": "Client ID",
    "client_secret": "Client Secret",
    "webhook": "Slack webhook",
    "name": "Name of",
    "zone": "Time zone of",
    "code": "Code",
    "send": "Send a test message",
}
"""What the wizard asks, in order; `send` is asked once everything else is proved right."""


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

    def fill(self, terminal: Terminal, company: Organisation, until: str = "", **answers: str) -> None:
        """Response the wizard, up to a question, with a company's credentials where `answers` say nothing else."""
        own = {"client_id": company.client_id, "client_secret": company.client_secret, "send": "2"}
        for question, text in QUESTIONS.items():
            if question == until:
                return
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
