"""What moto's CloudFormation lacks: resource types that the template uses, and what `sam deploy` asks for.

moto skips a type it doesn't know, and the stack still reads CREATE_COMPLETE. Here each is made by the service's own
API, so that botocore checks the name and type of every property.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape
from moto.cloudformation import models, parsing, responses
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel
from moto.sns.models import Topic

from sandbox.template import to_cloudformation

Client = Any
Properties = dict[str, Any]


@dataclass
class Resource:
    """What moto keeps of a resource once it is made.

    Attributes:
        physical_resource_id: What `!Ref` gives.
        arn: What `!GetAtt ….Arn` gives, for the types that have one.
    """

    physical_resource_id: str
    arn: str = ""

    def is_created(self) -> bool:
        """Tell moto that there is nothing to wait for."""
        return True

    def get_cfn_attribute(self, name: str) -> str:
        """Return an attribute, for moto."""
        return self.arn

    def delete(self, account_id: str, region: str) -> None:
        """Leave the resource where it is: nobody looks at what belonged to a stack that is gone."""


def _alarm(client: Client, name: str, properties: Properties) -> Resource:
    client.put_metric_alarm(**properties, AlarmName=name)
    return Resource(name, client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"])


def _schedule(client: Client, name: str, properties: Properties) -> Resource:
    return Resource(name, client.create_schedule(**properties, Name=name)["ScheduleArn"])


def _schedule_group(client: Client, name: str, properties: Properties) -> Resource:
    return Resource(name, client.create_schedule_group(**properties, Name=name)["ScheduleGroupArn"])


def _subscription(client: Client, name: str, properties: Properties) -> Resource:
    own = {key: properties.pop(key) for key in ("TopicArn", "Protocol", "Endpoint")}
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in properties.items()}
    arn = client.subscribe(**own, Attributes=attributes, ReturnSubscriptionArn=True)["SubscriptionArn"]
    return Resource(arn, arn)


def _nothing(client: Client, name: str, properties: Properties) -> Resource:
    return Resource(name)


# Type: service, the operation whose parameters the properties are, the property that names it, what makes it.
TYPES: dict[str, tuple[str, str, str, Callable[[Client, str, Properties], Resource]]] = {
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm", "AlarmName", _alarm),
    "AWS::SNS::Subscription": ("sns", "", "", _subscription),
    "AWS::Scheduler::Schedule": ("scheduler", "CreateSchedule", "Name", _schedule),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", "CreateScheduleGroup", "Name", _schedule_group),
    # moto would not act on these, and nobody looks them up: cfn-lint and the template's own tests judge them.
    "AWS::Lambda::EventInvokeConfig": ("lambda", "", "", _nothing),
    "AWS::Logs::MetricFilter": ("logs", "", "FilterName", _nothing),
    "AWS::S3::BucketPolicy": ("s3", "", "", _nothing),  # of the bucket in which sam keeps packages
    "AWS::SNS::TopicPolicy": ("sns", "", "", _nothing),
    "AWS::SQS::QueuePolicy": ("sqs", "", "", _nothing),
}


class ChangeSet(models.ChangeSet):
    """A change set that transforms SAM's templates, and whose stack has outputs."""

    def _parse_template(self) -> None:
        super()._parse_template()
        if "Transform" in self.template_dict:
            self.template_dict = to_cloudformation(self.template, self.stack.region_name, self.parameters)

    def apply(self) -> None:
        """Make the change."""
        super().apply()
        self.stack.output_map = parsing.OutputMap(self.stack.resource_map, self.template_dict, self.stack_id)


def teach_moto(client: Callable[[str], Client]) -> None:
    """Make moto in this process know what it lacks, and count subscribers; `client` gives a service's client."""

    def fetch(url: str, **where: str) -> str:
        """Return a template by its path-style address, in which moto takes the host for the bucket."""
        _, bucket, key = urlsplit(url).path.split("/", 2)
        return str(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    vars(models)["ChangeSet"], vars(responses)["get_stack_from_s3_url"] = ChangeSet, fetch
    # A name of moto's, which never counts them. It has nothing that waits for a confirmation.
    Topic.subscriptions_confimed = property(_count_subscribers, lambda topic, count: None)  # type: ignore[assignment]
    for resource_type in TYPES:
        parsing.get_model_map()[resource_type] = _model(resource_type, client)
        parsing.get_name_type_map()[resource_type] = TYPES[resource_type][2]


def _count_subscribers(topic: Any) -> int:
    return sum(one.topic is topic for one in topic.sns_backend.subscriptions.values())


def unknown_types(template: dict[str, Any]) -> set[str]:
    """Return the resource types of a template that moto would skip."""
    return {resource["Type"] for resource in template["Resources"].values()} - set(parsing.get_model_map())


def _model(resource_type: str, client_of: Callable[[str], Client]) -> type[CloudFormationModel]:
    """Make the class by which moto creates resources of a type."""
    service, operation, naming, make = TYPES[resource_type]

    def create(name: str, resource: dict[str, Any], account_id: str, region_name: str, **more: object) -> Resource:
        client = client_of(service)
        properties = {key: value for key, value in resource.get("Properties", {}).items() if key != naming}
        try:
            if operation:
                properties = as_declared(properties, client.meta.service_model.operation_model(operation).input_shape)
            return make(client, name, properties)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise ValidationError(message=f"{resource_type} {name}: {error}") from error

    return type(
        resource_type.replace("::", ""),
        (CloudFormationModel,),
        {
            "cloudformation_type": staticmethod(lambda: resource_type),
            "cloudformation_name_type": staticmethod(lambda: naming),
            "has_cfn_attr": staticmethod(lambda attribute: attribute == "Arn"),
            "create_from_cloudformation_json": staticmethod(create),
        },
    )


CONVERSIONS: dict[str, Callable[[str], Any]] = {"integer": int, "double": float, "boolean": "true".__eq__}


def as_declared(value: Any, shape: Shape | None) -> Any:
    """Convert properties to the types that an API declares: CloudFormation accepts "3" where an API wants a number."""
    if isinstance(value, dict):
        of_all, of_each = getattr(shape, "value", None), getattr(shape, "members", {})
        return {key: as_declared(part, of_each.get(key, of_all)) for key, part in value.items()}
    if isinstance(value, list):
        return [as_declared(part, getattr(shape, "member", None)) for part in value]
    convert = CONVERSIONS.get(shape.type_name) if shape else None
    return convert(value) if convert and isinstance(value, str) else value
