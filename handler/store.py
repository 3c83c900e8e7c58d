"""Memory ⇄ one DynamoDB item. Every write is conditional on the version that was read."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from handler.errors import ConflictError, StoreError
from handler.memory import Incident, Memory, Notice, Schedule, SetAside, iso

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
            raise StoreError(f"DynamoDB did not read the item {org!r}: {_name(error)}.") from None
        return from_item(answer["Item"]) if "Item" in answer else None

    def save(self, memory: Memory) -> Memory:
        """Write the memory if nobody wrote since it was read, and return it with its new version.

        Raises:
            ConflictError: Somebody did.
            StoreError: DynamoDB did not take it, or its answer was lost.
        """
        saved = replace(memory, version=memory.version + 1)
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
            if _name(error) == "ConditionalCheckFailedException":
                raise ConflictError(f"Another check wrote the item {memory.org!r} first.") from None
            raise StoreError(f"DynamoDB did not write the item {memory.org!r}: {_name(error)}.") from None
        return saved


def to_item(memory: Memory) -> dict[str, Any]:
    """Return the memory as a DynamoDB item, readable in the console: times in UTC, empty attributes left out."""
    serialize = TypeSerializer().serialize
    attributes = _attributes(memory)
    return {
        name: serialize(value) for name, value in attributes.items() if value is not None and value not in ("", [], {})
    }


def as_json(memory: Memory) -> dict[str, Any]:
    """Return the memory for a person: the item's attributes, with ``seen`` only counted."""
    return _attributes(memory) | {"seen": len(memory.seen)}


def _attributes(memory: Memory) -> dict[str, Any]:
    """Return the item's attributes as plain values.

    ``seen`` is one text, ``TIME KEY KEY …`` a line: a map of so many keys costs more to store and to read.
    """
    first_seen: dict[datetime, list[str]] = {}
    for key, time in memory.seen.items():
        first_seen.setdefault(time, []).append(key)
    aside = memory.set_aside
    return {
        "org": memory.org,
        "schema": SCHEMA,
        "version": memory.version,
        "baseline_at": iso(memory.baseline_at),
        "last_seen_id": memory.last_seen_id,
        "last_seen_time": iso(memory.last_seen_time),
        "seen": "\n".join(" ".join((time.isoformat(), *keys)) for time, keys in first_seen.items()),
        "outbox": [_notice(notice) for notice in memory.outbox],
        "incidents": {
            name: {"since": iso(i.since), "told_at": iso(i.told_at), "facts": i.facts}
            for name, i in memory.incidents.items()
        },
        "schedule": vars(memory.schedule) | {"at": iso(memory.schedule.at)} if memory.schedule else None,
        "last_completed": iso(memory.last_completed),
        "failures_in_a_row": memory.failures_in_a_row,
        "failing_since": iso(memory.failing_since),
        "set_aside": {"count": aside.count, "untold": aside.untold, "last": list(aside.last)} if aside.count else None,
        "digest_at": iso(memory.digest_at),
        "outcomes": memory.outcomes,
        "channels": list(memory.channels),
        "lease_owner": memory.lease_owner,
        "lease_until": iso(memory.lease_until),
    }


def from_item(item: Mapping[str, Any]) -> Memory:
    """Return the memory that an item holds.

    Raises:
        StoreError: It was written by a newer release, or by hand and wrongly.
    """
    deserialize = TypeDeserializer().deserialize
    try:
        raw = {name: _plain(deserialize(value)) for name, value in item.items()}
        if raw["schema"] > SCHEMA:
            raise StoreError("The item was written by a newer release of the notifier: deploy that one again.")
        schedule, aside = raw.get("schedule"), raw.get("set_aside")
        memory = Memory(
            org=raw["org"],
            version=raw["version"],
            baseline_at=_time(raw.get("baseline_at")),
            last_seen_id=raw.get("last_seen_id"),
            last_seen_time=_time(raw.get("last_seen_time")),
            seen=_seen(raw.get("seen", "")),
            outbox=tuple(
                Notice(**{**n, "at": _moment(n["at"]), "owed": _tuple(n["owed"])})
                for n in _tuple(raw.get("outbox", []))
            ),
            incidents={
                name: Incident(_moment(i["since"]), _time(i["told_at"]), i["facts"])
                for name, i in raw.get("incidents", {}).items()
            },
            schedule=Schedule(**{**schedule, "at": _moment(schedule["at"])}) if schedule else None,
            last_completed=_time(raw.get("last_completed")),
            failures_in_a_row=raw.get("failures_in_a_row", 0),
            failing_since=_time(raw.get("failing_since")),
            set_aside=SetAside(aside["count"], aside["untold"], _tuple(aside["last"])) if aside else SetAside(),
            digest_at=_time(raw.get("digest_at")),
            outcomes=raw.get("outcomes", {}),
            channels=_tuple(raw.get("channels", [])),
            lease_owner=raw.get("lease_owner"),
            lease_until=_time(raw.get("lease_until")),
        )
        if not _fits(memory, Memory):
            raise TypeError
        return memory
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"The organisation's item cannot be understood ({type(error).__name__}): restore the table to a point in "
            "time before it was changed, or delete the item to begin with a new baseline."
        ) from None


def _notice(notice: Notice) -> dict[str, Any]:
    return vars(notice) | {"at": iso(notice.at), "owed": list(notice.owed)}


def _seen(text: str) -> dict[str, datetime]:
    seen: dict[str, datetime] = {}
    for line in text.splitlines():
        time, *keys = line.split()
        seen |= dict.fromkeys(keys, _moment(time))
    return seen


def _time(text: str | None) -> datetime | None:
    return _moment(text) if text else None


def _moment(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time


def _plain(value: Any) -> Any:
    """Return DynamoDB's numbers as the whole numbers they are here."""
    match value:
        case Decimal():
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
    return value


def _tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(value)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is what its type hint says, down to the last field: a hand may have been at the item."""
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return type(value) is hint and all(_fits(getattr(value, name), part) for name, part in hints.items())
    if hint is Any or type(value) is hint:
        return True
    parts = get_args(hint)
    if get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items())
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(part, parts[0]) for part in value)
    return any(_fits(value, part) for part in parts)


def _name(error: ClientError | BotoCoreError) -> str:
    return error.response.get("Error", {}).get("Code", "?") if isinstance(error, ClientError) else type(error).__name__
