"""Memory ⇄ one DynamoDB item. Each write succeeds only if the item still has the version that was read."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from handler import aws
from handler.codec import from_plain, to_plain
from handler.errors import ConflictError, StoreError
from handler.memory import Memory

SCHEMA = 1


class Store(NamedTuple):
    """The DynamoDB table.

    Attributes:
        dynamodb: A boto3 DynamoDB client, which may retry because every write is conditional.
        table_name: The table's name.
    """

    dynamodb: Any
    table_name: str

    def load(self, org: str) -> Memory | None:
        """Return what is remembered, read consistently, or None if there is no item.

        Raises:
            StoreError: DynamoDB did not answer, or the item cannot be understood.
        """
        try:
            answer = self.dynamodb.get_item(TableName=self.table_name, Key={"org": {"S": org}}, ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise StoreError(f"DynamoDB did not read the item {org!r}: {aws.error_name(error)}.") from None
        return from_item(answer["Item"]) if "Item" in answer else None

    def save(self, memory: Memory) -> Memory:
        """Write the memory unless another check wrote since it was read, and return it with its new version.

        Raises:
            ConflictError: Another check wrote first.
            StoreError: DynamoDB did not accept it, or its answer was lost.
        """
        saved = memory._replace(version=memory.version + 1)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(org)"}
        if memory.version:
            values = {":version": {"N": str(memory.version)}}
            condition = {"ConditionExpression": "version = :version", "ExpressionAttributeValues": values}
        try:
            self.dynamodb.put_item(TableName=self.table_name, Item=to_item(saved), **condition)
        except (ClientError, BotoCoreError) as error:
            if self.load(memory.org) == saved:
                return saved  # the write had arrived, and only its answer was lost
            if aws.error_name(error) == "ConditionalCheckFailedException":
                raise ConflictError(f"Another check wrote the item {memory.org!r} first.") from None
            raise StoreError(f"DynamoDB did not write the item {memory.org!r}: {aws.error_name(error)}.") from None
        return saved


def to_item(memory: Memory) -> dict[str, Any]:
    """Return the memory as a DynamoDB item: ``org``, ``version``, ``schema``, and the rest as JSON in ``memory``."""
    plain = to_plain(memory)
    org, version = plain.pop("org"), plain.pop("version")
    text = json.dumps(plain, ensure_ascii=False)
    return {"org": {"S": org}, "version": {"N": str(version)}, "schema": {"N": str(SCHEMA)}, "memory": {"S": text}}


def as_json(memory: Memory) -> dict[str, Any]:
    """Return the memory for a person: all its fields, with the number of ``seen`` rows."""
    return {**to_plain(memory._replace(seen={})), "schema": SCHEMA, "seen": len(memory.seen)}


def from_item(item: Mapping[str, Any]) -> Memory:
    """Return the memory of an item.

    Raises:
        StoreError: Another release, or a person, wrote something that cannot be understood.
    """
    try:
        if int(item["schema"]["N"]) > SCHEMA:
            raise StoreError("A newer release of the notifier wrote this item: deploy that release again.")
        key = {"org": item["org"]["S"], "version": int(item["version"]["N"])}
        memory: Memory = from_plain(json.loads(item["memory"]["S"]) | key, Memory)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"The organisation's item cannot be read ({type(error).__name__}). Restore the table to a point in time "
            "before the item was edited, or delete the item to begin with a new baseline."
        ) from None
    return memory
