"""Named tuples ⇄ plain values, by their type hints. Pure.

The memory, and all that it contains, is stored in this form.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""A time that Zoho never gave: earlier than any other, and `UNKNOWN` in plain values."""
UNKNOWN = "unknown"
_hints: Any = cache(get_type_hints)


def to_plain(value: Any) -> Any:
    """Return a named tuple as a dict of JSON types: times as ISO 8601 or `UNKNOWN`, tuples as lists, nothing empty."""
    if hasattr(value, "_fields"):
        plain = ((name, to_plain(item)) for name, item in zip(value._fields, value, strict=True))
        defaults = value._field_defaults
        return {name: item for name, item in plain if not _is_optional(item, defaults.get(name, ...))}
    if isinstance(value, datetime):
        return UNKNOWN if value == UNKNOWN_TIME else value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return {key: to_plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _is_optional(item: Any, default: Any) -> bool:
    return item is None or (item in ("", [], {}) and default in ("", (), {}, None))


def from_plain(value: Any, hint: Any) -> Any:
    """Return the value that `to_plain` was given; unknown fields are ignored, missing ones take their default.

    Raises:
        TypeError: A value is not what its hint says, or a field without default is missing.
        ValueError: A time cannot be read, or has no offset.
    """
    parts, origin = get_args(hint), get_origin(hint)
    if hasattr(hint, "_fields") and isinstance(value, dict):
        known = {name: part for name, part in _hints(hint).items() if name in value or type(None) in get_args(part)}
        return hint(**{name: from_plain(value.get(name), part) for name, part in known.items()})
    if origin is Mapping and isinstance(value, dict):
        return {from_plain(key, parts[0]): from_plain(item, parts[1]) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(from_plain(item, parts[0]) for item in value)
    if type(None) in parts:
        return None if value in (None, "") else from_plain(value, parts[0])
    if hint is datetime and value == UNKNOWN:
        return UNKNOWN_TIME
    if hint is datetime and isinstance(value, str):
        time = parse_time(value)
        if time is None or datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("not a time of ours")
        return time
    if type(value) is not hint:
        raise TypeError(f"{type(value).__name__} in place of {hint}")
    return value


def parse_time(value: Any) -> datetime | None:
    """Return an ISO 8601 text as an aware time in UTC, or None if it is not one. Without an offset it counts as UTC."""
    try:
        time = datetime.fromisoformat(value)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    # No backup is older or later, and the years 1 and 9999 overflow when converted to another time zone.
    return time if 1970 <= time.year < 3000 else None
