"""Memory ⇄ one DynamoDB item. Every write is conditional on the version that was read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from handler import aws
from handler.codec import from_plain, to_plain
from handler.errors import ConflictError, StoreError
from handler.memory import Memory

SCHEMA = 1


class Store:
    """The table of memories."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 DynamoDB client; it may retry, as every write is conditional."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def load(self, org: str) -> Memory | None:
        """Return what is remembered, read consistently; None when there is no item.

        Raises:
            StoreError: DynamoDB did not answer, or the item cannot be understood.
        """
        try:
            answer = self._dynamodb.get_item(TableName=self._table_name, Key={"org": {"S": org}}, ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise StoreError(f"DynamoDB did not read the item {org!r}: {aws.error_name(error)}.") from None
        return from_item(answer["Item"]) if "Item" in answer else None

    def save(self, memory: Memory) -> Memory:
        """Write the memory if nobody wrote since it was read, and return it with its new version.

        Raises:
            ConflictError: Somebody did.
            StoreError: DynamoDB did not take it, or its answer was lost.
        """
        saved = memory._replace(version=memory.version + 1)
        condition = (
            {"ConditionExpression": "attribute_not_exists(org)"}
            if memory.version == 0
            else {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(memory.version)}},
            }
        )
        try:
            self._dynamodb.put_item(TableName=self._table_name, Item=to_item(saved), **condition)
        except (ClientError, BotoCoreError) as error:
            if self.load(memory.org) == saved:
                return saved  # it had arrived, and only the answer was lost
            if aws.error_name(error) == "ConditionalCheckFailedException":
                raise ConflictError(f"Another check wrote the item {memory.org!r} first.") from None
            raise StoreError(f"DynamoDB did not write the item {memory.org!r}: {aws.error_name(error)}.") from None
        return saved


def to_item(memory: Memory) -> dict[str, Any]:
    """Return the memory as a DynamoDB item, readable in the console: times in UTC, empty attributes left out."""
    attributes = to_plain(memory._replace(seen={})) | {"schema": SCHEMA}
    if memory.seen:
        attributes["seen"] = _lines(memory.seen)
    return {name: _attribute(value) for name, value in attributes.items()}


def as_json(memory: Memory) -> dict[str, Any]:
    """Return the memory for a person: the item's attributes, with ``seen`` only counted."""
    shown: dict[str, Any] = to_plain(memory._replace(seen={})) | {"schema": SCHEMA, "seen": len(memory.seen)}
    return shown


def from_item(item: Mapping[str, Any]) -> Memory:
    """Return the memory of an item.

    Raises:
        StoreError: Another release, or a hand, wrote something that cannot be understood.
    """
    deserialize = TypeDeserializer().deserialize
    try:
        raw = {name: deserialize(value) for name, value in item.items()}
        if raw["schema"] > SCHEMA:
            raise StoreError("A newer release of the notifier wrote this item: deploy that release again.")
        return from_plain(raw | {"seen": _seen(raw.get("seen", "")), "version": raw["version"]}, Memory)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise StoreError(
            f"The organisation's item cannot be read ({type(error).__name__}). Restore the table to a point in time "
            "before the item was edited, or delete the item to begin with a new baseline."
        ) from None


def _attribute(value: Any) -> dict[str, Any]:
    """Return a plain value as DynamoDB spells it: with much waiting, boto3's serialiser takes far longer."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, dict):
        return {"M": {name: _attribute(item) for name, item in value.items()}}
    if isinstance(value, list):
        return {"L": [_attribute(item) for item in value]}
    return {"BOOL": value} if isinstance(value, bool) else {"N": str(value)}


def _lines(seen: Mapping[str, datetime]) -> str:
    """Return one text, ``TIME KEY KEY …`` a line: a map of so many keys costs more to store and to read."""
    first_seen: dict[datetime, list[str]] = {}
    for key, time in seen.items():
        first_seen.setdefault(time, []).append(key)
    return "\n".join(" ".join((time.isoformat(), *keys)) for time, keys in first_seen.items())


def _seen(text: str) -> dict[str, str]:
    return {key: time for time, *keys in map(str.split, text.splitlines()) for key in keys}
