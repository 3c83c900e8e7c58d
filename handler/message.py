"""Notices → SNS messages, and what every channel's messages share. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from handler.history import clean, parse_time
from handler.memory import Notice
from handler.texts import ELSEWHERE, GIVEN_UP, SEVERITIES, describe, kind_of
from handler.wording import PAGE, plural

TOGETHER = 10
"""More notices than this go as a list, a line each."""
LISTED = 100
SUBJECT_LIMIT = 100  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
NAME_LIMIT = 40
"""Characters of a display name in a subject: the title must still fit."""

T = TypeVar("T")


@dataclass(frozen=True)
class Reader:
    """For whom it is written.

    Attributes:
        org: The organisation's key.
        name: Its display name.
        zone: In which e-mail shows times.
        crm_url: Zoho CRM in the organisation's data centre.
    """

    org: str
    name: str
    zone: tzinfo
    crm_url: str


@dataclass(frozen=True)
class Mail:
    """One SNS message.

    Attributes:
        notices: What it tells.
        subject: At most 100 printable ASCII characters.
        text: The first line stands alone.
        attributes: Name → text, or texts for a String.Array.
    """

    notices: tuple[Notice, ...]
    subject: str
    text: str
    attributes: dict[str, str | list[str]]


def mails(notices: Sequence[Notice], reader: Reader) -> list[Mail]:
    """Return one message a notice, or lists when there are more than `TOGETHER`."""
    return [mail(part, reader) for part in bundles(notices)]


def bundles(notices: Sequence[Notice]) -> list[tuple[Notice, ...]]:
    """Return notices one by one or, when there are many, in lists; what was folded is a list of its own."""
    if len(notices) <= TOGETHER:
        return [(notice,) for notice in notices]
    folded = [(notice,) for notice in notices if notice.kind == "folded"]
    return [*folded, *parts([notice for notice in notices if notice.kind != "folded"], LISTED)]


def severity(notices: Sequence[Notice]) -> str:
    """Return the highest severity among notices and what is folded into them."""
    kinds = {kind for notice in notices for kind in (notice.kind, *notice.facts.get("counts", ()))}
    return max((kind_of(kind).severity for kind in kinds), key=SEVERITIES.index)


def local_time(time: datetime, zone: tzinfo) -> str:
    """Return a time for a person, in their zone and in UTC."""
    utc = time.astimezone(UTC)
    local = utc.astimezone(zone)
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%d %b %Y %H:%M} UTC"
    same_day = local.date() == utc.date()
    return f"{local:%d %b %Y %H:%M} {local.tzname()} ({utc:{'%H:%M' if same_day else '%d %b %H:%M'}} UTC)"


def shorten(text: str, limit: int) -> str:
    """Return a text within a limit, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def mail(notices: tuple[Notice, ...], reader: Reader) -> Mail:
    """Return one message: a notice, or a list of them."""
    title = title_of(notices)
    lines = [f"{reader.name}: {title}", ""]
    lines += _body(notices[0], reader) if len(notices) == 1 else [*list_lines(notices, reader), "", _link(reader)]
    lines += ["", f"Organisation: {reader.org} · Message: {_notice_id(notices)}"]
    return Mail(notices, _subject(title, reader), "\n".join(lines), _attributes(notices, reader))


def _body(notice: Notice, reader: Reader) -> Iterator[str]:
    content = describe(notice)
    yield content.sentence
    facts = [
        f"{label}: {local_time(value, reader.zone) if isinstance(value, datetime) else value}"
        for label, value in content.facts
    ]
    if facts or content.lines:
        yield from ("", *facts, *(f"- {line}" for line in content.lines))
    if content.next_step:
        yield from ("", f"What to do: {content.next_step}")
    if notice.kind not in ELSEWHERE:
        yield from (() if content.next_step else ("",))
        yield _link(reader)


def _link(reader: Reader) -> str:
    return f"Zoho CRM: {reader.crm_url} ({PAGE})"


def title_of(notices: Sequence[Notice]) -> str:
    """Return the title of a notice, or of a list."""
    if len(notices) == 1:
        return describe(notices[0]).title
    counts = Counter(notice.kind for notice in notices)
    return f"{plural(len(notices), 'message')}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def list_lines(notices: Sequence[Notice], reader: Reader) -> Iterator[str]:
    """Return a line for each notice of a list."""
    for notice in notices:
        row = notice.row or {}
        time = local_time(parse_time(notice.facts.get("when")) or notice.at, reader.zone)
        content = describe(notice)
        yield f"{time} · {content.title}" + (f" · job id {row['id']}" if row.get("id") else "")
        yield from (f"{label}: {value}" for label, value in content.facts if label == GIVEN_UP)


def _subject(title: str, reader: Reader) -> str:
    name = _ascii(shorten(reader.name, NAME_LIMIT)) or reader.org
    subject = _ascii(f"[{name}] {title}")
    return subject if len(subject) <= SUBJECT_LIMIT else subject[: SUBJECT_LIMIT - 3] + "..."


def _ascii(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", clean(text) or "").encode("ascii", "ignore").decode()
    return " ".join(ascii_text.split())


def _notice_id(notices: Sequence[Notice]) -> str:
    first = notices[0].notice_id
    return first if len(notices) == 1 else f"{first}-and-{len(notices) - 1}-more"


def _attributes(notices: tuple[Notice, ...], reader: Reader) -> dict[str, str | list[str]]:
    rows = [notice.row or {} for notice in notices]
    attributes: dict[str, str | list[str]] = {
        "org": reader.org,
        "severity": severity(notices),
        "notice_id": _notice_id(notices),
    }
    if len(notices) > 1:
        return attributes | {
            "kind": [notice.kind for notice in notices],
            "row_id": [row.get("id") or "" for row in rows],
        }
    attributes["kind"] = notices[0].kind
    names = {"row_id": "id", "state": "state", "log_time": "log_time", "repeat_type": "repeat_type"}
    return attributes | {name: rows[0][field] for name, field in names.items() if rows[0].get(field)}


def parts(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    """Return items in order, so many at a time."""
    return (tuple(items[start : start + size]) for start in range(0, len(items), size))
