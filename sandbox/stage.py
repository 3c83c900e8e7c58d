"""Everything on one machine: Zoho, Slack, AWS with the deployed stack, and the function in Lambda's own runtime."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from typing import Any

from sandbox.aws import Cloud
from sandbox.runtime import LambdaEnvironment, Result
from sandbox.slack import SlackInbox
from sandbox.zoho import FakeZoho, Organisation, Row, new_token


class Stage:
    """The whole sandbox, running from construction until `close`.

    Attributes:
        zoho: The fake Zoho.
        slack: The Slack inbox.
        cloud: AWS.
        stack: The project's template, deployed into it.
        mailbox: A subscriber of the stack's topic of notices.
        function: The function, with the variables that the deployed one has and the sandbox's addresses.
    """

    def __init__(self, parameters: Mapping[str, str] | None = None) -> None:
        """Start everything and deploy the stack with the given template parameters."""
        self._secrets: dict[str, dict[str, str]] = {}
        with ExitStack() as opened:
            self.zoho = opened.enter_context(closing(FakeZoho()))
            self.slack = opened.enter_context(closing(SlackInbox()))
            self.cloud = opened.enter_context(closing(Cloud()))
            self.stack = self.cloud.deploy(parameters=parameters)
            self.mailbox = self.stack.subscribe()
            configuration = self.stack.function()
            self.function = LambdaEnvironment(
                {
                    **self.cloud.environment,
                    **self.stack.environment(),
                    "ZOHO_ACCOUNTS_URL": self.zoho.url,
                    "ZOHO_API_URL": self.zoho.url,
                },
                handler=configuration["Handler"],
                timeout=configuration["Timeout"],
                memory=configuration["MemorySize"],
            )
            opened.callback(self.function.close)
            self._opened = opened.pop_all()

    def connect(self, org: str, rows: Iterable[Row] = (), **secret: str) -> Organisation:
        """Register an organisation at Zoho and write its parameter, with a Slack webhook of its own; return it."""
        organisation = self.zoho.organisation(rows)
        self._secrets[org] = {"slack_webhook_url": self.slack.webhook_url(org), **secret}
        self.stack.put_organisation(org, organisation.secret(**self._secrets[org]))
        return organisation

    def reconnect(self, org: str, organisation: Organisation) -> None:
        """Give the organisation a new refresh token and write it into the parameter, as `connect` does."""
        organisation.refresh_tokens.append(new_token())
        self.stack.put_organisation(org, organisation.secret(**self._secrets[org]))

    def check(self, org: str, **event: Any) -> Result:
        """Let the function check an organisation, as its schedule does."""
        return self.function.invoke({"org": org, **event})

    def close(self) -> None:
        """Stop everything."""
        self._opened.close()
