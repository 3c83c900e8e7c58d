"""Everything on one machine: Zoho, the channels, AWS with the deployed stack, and the function in Lambda's runtime."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from typing import Any, cast

from sandbox.aws import Cloud
from sandbox.channels import FAKES, Fake, FakeSlack
from sandbox.runtime import LambdaEnvironment, Result
from sandbox.zoho import FakeZoho, Organisation, Row


class Sandbox:
    """All servers and the function, running from construction until `close`.

    Attributes:
        zoho: The fake Zoho.
        channels: The fakes of the channels that `connect` configures, by name.
        cloud: AWS.
        stack: The project's template, deployed into it.
        mailbox: A subscriber of the stack's topic of notices.
        function: The function, with the variables that the deployed one has and the sandbox's addresses.
    """

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        channels: Iterable[str] = ("slack",),
        certificate: str | None = None,
    ) -> None:
        """Start everything and deploy the stack.

        Args:
            parameters: The template's.
            channels: Names of `FAKES`.
            certificate: Of Zoho and the channels, a PEM file with chain and key; None is plain HTTP.
        """
        with ExitStack() as opened:
            self.zoho = opened.enter_context(closing(FakeZoho(certificate=certificate)))
            self.channels: dict[str, Fake] = {
                name: opened.enter_context(closing(FAKES[name](certificate=certificate))) for name in channels
            }
            self.cloud = opened.enter_context(closing(Cloud()))
            self.stack = self.cloud.deploy(parameters=parameters)
            self.mailbox = self.stack.subscribe()
            configuration = self.stack.function()
            self.function = LambdaEnvironment(
                {**self.environment, **self.stack.environment()},
                handler=configuration["Handler"],
                timeout=configuration["Timeout"],
                memory=configuration["MemorySize"],
            )
            opened.callback(self.function.close)
            self._opened = opened.pop_all()

    @property
    def slack(self) -> FakeSlack:
        """The fake Slack, where it is among the channels."""
        return cast(FakeSlack, self.channels["slack"])

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a person or a process whose AWS and Zoho are the sandbox."""
        return {**self.cloud.environment, "ZOHO_ACCOUNTS_URL": self.zoho.url, "ZOHO_API_URL": self.zoho.url}

    def settings(self, name: str) -> dict[str, str]:
        """Return what a secret holds of the channels, each with an address of this name."""
        return {key: value for fake in self.channels.values() for key, value in fake.settings(name).items()}

    def connect(self, org: str, rows: Iterable[Row] = (), **secret: str) -> Organisation:
        """Register an organisation at Zoho and write its parameter, with its own address on every channel."""
        organisation = self.zoho.organisation(rows)
        self.stack.put_organisation(org, organisation.secret(**{**self.settings(org), **secret}))
        return organisation

    def check(self, org: str, **event: Any) -> Result:
        """Invoke the function for an organisation, as its schedule does."""
        return self.function.invoke({"org": org, **event})

    def close(self) -> None:
        """Stop everything."""
        self._opened.close()
