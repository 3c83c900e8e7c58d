"""What the function has in AWS: a table, a topic and a parameter, all of them moto's."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import boto3

TABLE, PREFIX = "memory", "/zoho-backup-notifier/simulation"


class Stack:
    """The simulation's own access to it."""

    def __init__(self) -> None:
        """Make what is not there yet, and name the topic in the environment."""
        self._dynamodb: Any = boto3.client("dynamodb")
        self._ssm: Any = boto3.client("ssm")
        sns: Any = boto3.client("sns")
        os.environ["TOPIC_ARN"] = sns.create_topic(Name="simulation")["TopicArn"]
        if TABLE not in self._dynamodb.list_tables()["TableNames"]:
            self._dynamodb.create_table(
                TableName=TABLE,
                KeySchema=[{"AttributeName": "org", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "org", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def connect(self, org: str, secret: Mapping[str, str]) -> None:
        """Write an organisation's parameter."""
        text = json.dumps(secret)
        self._ssm.put_parameter(Name=f"{PREFIX}/{org}", Value=text, Type="SecureString", Overwrite=True)

    def forget(self, org: str) -> None:
        """Delete an organisation's item, if there is one."""
        with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
            self._dynamodb.delete_item(TableName=TABLE, Key={"org": {"S": org}})

    def steal(self, org: str, until: datetime) -> dict[str, Any]:
        """Write an organisation's item with a lease of somebody else, and return it."""
        item: dict[str, Any] = self._dynamodb.get_item(TableName=TABLE, Key={"org": {"S": org}})["Item"]
        item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
        item |= {"lease_owner": {"S": "thief"}, "lease_until": {"S": until.isoformat()}}
        self._dynamodb.put_item(TableName=TABLE, Item=item)
        return item
