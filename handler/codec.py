"""Named tuples ⇄ plain values, by their type hints: the one place that knows how a memory is spelt. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from handler.history import parse_time

T = TypeVar("T")
LARGEST = 10**15
"""Beyond that somebody edited the item, and DynamoDB would not take it back."""
MISSING = object()
_hints: Any = cache(get_type_hints)
_parts: Any = cache(get_args)
_origin: Any = cache(get_origin)


def to_plain(value: Any) -> Any:
    """Return a named tuple as a dict of JSON types: times as ISO 8601 text, tuples as lists, empty fields left out."""
    if hasattr(value, "_fields"):
        plain = ((name, to_plain(item)) for name, item in zip(value._fields, value, strict=True))
        defaults = value._field_defaults
        return {name: item for name, item in plain if not _may_be_left_out(item, defaults.get(name, MISSING))}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return {key: to_plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _may_be_left_out(item: Any, default: Any) -> bool:
    return item is None or (item in ("", [], {}) and default in ("", (), {}, None))


def from_plain(value: Any, hint: type[T]) -> T:
    """Return what `to_plain` was given; unknown fields are ignored, missing ones take their default.

    Raises:
        TypeError: A value is not what its hint says, or a field without default is missing.
        ValueError: A time cannot be read, or has no offset.
    """
    read: T = _read(value, hint)
    return read


def _read(value: Any, hint: Any) -> Any:
    parts, origin = _parts(hint), _origin(hint)
    if isinstance(value, Decimal):  # DynamoDB's numbers; all that are kept here are whole
        if value % 1 or abs(value) > LARGEST:
            raise ValueError("not a whole number of ours")
        value = int(value)
    if hasattr(hint, "_fields") and isinstance(value, dict):
        known = {name: part for name, part in _hints(hint).items() if name in value or type(None) in _parts(part)}
        return hint(**{name: _read(value.get(name), part) for name, part in known.items()})
    if origin is Mapping and isinstance(value, dict):
        return {_read(key, parts[0]): _read(item, parts[1]) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(_read(item, parts[0]) for item in value)
    if type(None) in parts:
        return None if value in (None, "") else _read(value, parts[0])
    if hint is datetime and isinstance(value, str):
        time = parse_time(value)
        if time is None or datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("not a time of ours")
        return time
    if type(value) is not hint:
        raise TypeError(f"{type(value).__name__} in place of {hint}")
    return value
