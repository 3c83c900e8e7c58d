"""AWS in memory: moto on loopback, into which the project's own template is deployed.

moto keeps its state in the process, whichever server asks: have one `Cloud` at a time, and no `mock_aws` beside it.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import boto3
import requests

from sandbox.channels import Mail
from sandbox.cloudformation import teach_moto, unknown_types
from sandbox.endpoint import AwsEndpoint
from sandbox.template import TEMPLATE_FILE, to_cloudformation

REGION = "eu-west-1"
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}  # a person's own stay out


class Cloud:
    """An AWS account in memory, serving from construction until `close`.

    Attributes:
        url: The endpoint of every service, for `AWS_ENDPOINT_URL`.
        calls: Each call that arrived, whoever made it, oldest first, such as `dynamodb:GetItem`.
        client: Returns the boto3 client of a service.
    """

    def __init__(self, region: str = REGION) -> None:
        """Start the server on a free loopback port, with a new account."""
        self.region = region
        self._server = AwsEndpoint()
        self.url, self.calls = self._server.url, self._server.calls
        session = boto3.Session("sandbox", "sandbox", region_name=region)
        self.client: Callable[[str], Any] = cache(partial(session.client, endpoint_url=self.url))
        teach_moto(self.client)
        requests.post(f"{self.url}/moto-api/reset", timeout=60).raise_for_status()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point any AWS client of another process here."""
        return {
            **NO_FILES,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.url,
        }

    def deploy(self, name: str = "notifier", parameters: Mapping[str, str] | None = None) -> "Stack":
        """Create a stack from the template; its function is empty, because `runtime` runs the working tree.

        Raises:
            ValueError: The template has a type of resource that moto would skip.
            botocore.exceptions.ClientError: A resource can't be made; the text names it and what is wrong.
        """
        template = to_cloudformation(TEMPLATE_FILE.read_text(), self.region, parameters)
        if unknown := unknown_types(template):
            raise ValueError(f"moto can't make {', '.join(sorted(unknown))}: teach it in sandbox/cloudformation.py")
        self.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        return Stack(self, name)

    def close(self) -> None:
        """Stop serving."""
        self._server.close()


@dataclass(frozen=True)
class Stack:
    """A deployed stack."""

    cloud: Cloud
    name: str

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by key."""
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    @property
    def resources(self) -> dict[str, str]:
        """The physical ids of the stack's resources by logical id."""
        described = self.cloud.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in described if "PhysicalResourceId" in one}

    def function(self) -> dict[str, Any]:
        """Return the deployed function's configuration, as AWS has it."""
        name = self.outputs["FunctionName"]
        return dict(self.cloud.client("lambda").get_function_configuration(FunctionName=name))

    def environment(self) -> dict[str, str]:
        """Return the deployed function's environment variables: the template's own wiring."""
        variables = self.function()["Environment"]["Variables"]
        return {name: str(value) for name, value in variables.items()}  # moto leaves a Number parameter a number

    def put_organisation(self, organisation: str, secret: Mapping[str, Any]) -> None:
        """Write an organisation's SSM parameter, as `connect` does."""
        self.cloud.client("ssm").put_parameter(
            Name=f"{self.outputs['OrgParameterPrefix']}/{organisation}",
            Value=json.dumps(dict(secret)),
            Type="SecureString",
            Overwrite=True,
        )

    def subscribe(self, output: str = "TopicArn") -> "Mailbox":
        """Subscribe a mailbox to one of the stack's topics, named by the output that holds its ARN."""
        sqs = self.cloud.client("sqs")
        url = sqs.create_queue(QueueName=f"mailbox-{self.name}-{output}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.cloud.client("sns").subscribe(TopicArn=self.outputs[output], Protocol="sqs", Endpoint=arn)
        return Mailbox(self.cloud, url)


class Mailbox:
    """A subscriber of a topic, by a queue inside moto; it has the message attributes, which an e-mail does not show.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """

    def __init__(self, cloud: Cloud, queue_url: str) -> None:
        """Read from a queue that is subscribed without raw delivery, which would lose the subject."""
        self._cloud = cloud
        self._url = queue_url
        self._mails: list[Mail] = []

    @property
    def mails(self) -> list[Mail]:
        """Everything delivered so far, oldest first."""
        sqs = self._cloud.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                envelope = json.loads(message["Body"])
                published = envelope.get("MessageAttributes", {})
                attributes = {name: Mail.value(one["Type"], one["Value"]) for name, one in published.items()}
                self._mails.append(Mail(envelope.get("Subject"), envelope["Message"], attributes))
                sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._mails
