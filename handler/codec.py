"""Dataclasses ⇄ plain values, by their type hints: the one place that knows how a memory is spelt. Pure."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
_hints: Any = cache(get_type_hints)


def to_plain(value: Any) -> Any:
    """Return a dataclass as a dict of JSON types: times as ISO 8601 text, tuples as lists, empty fields left out."""
    if is_dataclass(value):
        plain = {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
        return {name: item for name, item in plain.items() if item is not None and item not in ("", [], {})}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return {key: to_plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def from_plain(value: Any, hint: type[T]) -> T:
    """Return what `to_plain` was given; unknown fields are ignored, missing ones take their default.

    Raises:
        TypeError: A value is not what its hint says, or a field without default is missing.
        ValueError: A time cannot be read, or has no offset.
    """
    read: T = _read(value, hint)
    return read


def _read(value: Any, hint: Any) -> Any:
    parts, origin = get_args(hint), get_origin(hint)
    if isinstance(value, Decimal):  # DynamoDB's numbers; all that are kept here are whole
        value = int(value)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        known = {name: part for name, part in _hints(hint).items() if name in value or type(None) in get_args(part)}
        return hint(**{name: _read(value.get(name), part) for name, part in known.items()})
    if origin is Mapping and isinstance(value, dict):
        return {_read(key, parts[0]): _read(item, parts[1]) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(_read(item, parts[0]) for item in value)
    if type(None) in parts:
        return None if value is None else _read(value, parts[0])
    if hint is datetime and isinstance(value, str) and (time := datetime.fromisoformat(value)).tzinfo:
        return time.astimezone(UTC)
    if type(value) is not hint:
        raise TypeError(f"{type(value).__name__} in place of {hint}")
    return value
