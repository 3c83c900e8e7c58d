"""What a test of the tools works with: AWS and Zoho as the sandbox has them, and a person who answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import MagicMock

import pytest

from sandbox.sandbox import Sandbox
from sandbox.zoho import Organisation, sample_rows
from tests.tools.front import Front
from tools import terminal

LEAVE = "Ctrl-C"


@dataclass
class Bench:
    """AWS and Zoho on this machine.

    Attributes:
        stage: The sandbox, with the stack deployed as `notifier`.
        front: AWS as the tools meet it.
        secrets: Everything that nothing may show.
    """

    stage: Sandbox
    front: Front
    secrets: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a person whose AWS and Zoho are the sandbox."""
        return {**self.stage.environment, "AWS_ENDPOINT_URL": self.front.url}

    def client(self, service: str) -> Any:
        """Return a client of AWS behind the tools' back."""
        return self.stage.cloud.client(service)

    def company(self) -> Organisation:
        """Register a company at Zoho."""
        company = self.stage.zoho.organisation(sample_rows(), refresh_tokens=[])
        self.secrets.append(company.client_secret)
        return company

    def code(self, company: Organisation) -> str:
        """Make a grant code."""
        self.secrets.append(self.stage.zoho.grant(company))
        return self.secrets[-1]

    def connected(self, org: str, **more: str) -> tuple[Organisation, dict[str, str]]:
        """Connect an organisation behind the tools' back; return its company and its secret."""
        company = self.company()
        company.refresh_tokens.append(f"1000.old.{org}")
        secret = company.secret(**more)
        self.stage.stack.put_organisation(org, secret)
        return company, secret

    def parameter(self, org: str) -> Any:
        """Return what an organisation's parameter holds; None: there is none."""
        name = f"/zoho-backup-notifier/notifier/{org}"
        found = self.client("ssm").get_parameters(Names=[name], WithDecryption=True)["Parameters"]
        return json.loads(found[0]["Value"]) if found else None

    def schedule(self, name: str) -> dict[str, Any] | None:
        """Return a schedule in the stack's group, as far as it can be written."""
        scheduler = self.client("scheduler")
        try:
            found = scheduler.get_schedule(Name=name, GroupName="notifier")
        except scheduler.exceptions.ResourceNotFoundException:
            return None
        read_only = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")
        return {key: value for key, value in found.items() if key not in read_only}

    def forget(self, org: str) -> None:
        """Delete an organisation's parameter and schedule behind the tools' back, if there are any."""
        self.client("ssm").delete_parameters(Names=[f"/zoho-backup-notifier/notifier/{org}"])
        if self.schedule(org):
            self.client("scheduler").delete_schedule(Name=org, GroupName="notifier")

    def change_schedule(self, name: str, **parts: Any) -> None:
        """Change parts of a schedule behind the tools' back."""
        self.client("scheduler").update_schedule(**{**(self.schedule(name) or {}), **parts})

    def shows_no_secret(self, shown: str) -> bool:
        """Return True if a text holds no secret, and no token that Zoho gave out."""
        tokens = [t for o in self.stage.zoho.organisations.values() for t in (*o.refresh_tokens, *o.grants)]
        return not [secret for secret in (*self.secrets, *tokens) if secret in shown]


class Person:
    """Somebody who answers in place of a terminal, each question by a part of its text; other questions get Enter.

    Attributes:
        asked: The questions so far.
        told: What was said to be wrong with the answers.
    """

    def __init__(self, patch: pytest.MonkeyPatch, answers: dict[str, list[str]]) -> None:
        """Sit down. `LEAVE` is Ctrl-C, "" Enter; of a list, the beginning of a label chooses."""
        self.asked: list[str] = []
        self.told: list[str] = []
        self._answers = {question: [*given] for question, given in answers.items()}
        for name in ("ask", "choose"):
            patch.setattr(terminal, name, getattr(self, name))
        patch.setattr(terminal, "termios", MagicMock())
        patch.setattr("sys.stdin", MagicMock(isatty=lambda: True))

    @property
    def left_over(self) -> list[str]:
        """Answers to what was never asked."""
        return [answer for given in self._answers.values() for answer in given]

    def _next(self, question: str) -> str:
        self.asked.append(question)
        given = next((given for part, given in self._answers.items() if part in question), [])
        answer = given.pop(0) if given else ""
        if answer == LEAVE:
            raise KeyboardInterrupt
        return answer

    def ask(self, question: str, complaint: Callable[[str], str], *, secret: bool = False) -> str:
        """Answer a line, again and again until it is right."""
        while wrong := complaint(answer := self._next(question)):
            assert len(self.told) < 50, question
            self.told.append(wrong)
        return answer

    def choose(self, question: str, options: Sequence[tuple[Any, str]], default: Any = None) -> Any:
        """Choose an option."""
        answer = self._next(question)
        chosen = next(value for value, label in options if not answer or label.startswith(answer))
        return default if default is not None and not answer else chosen
