"""Notices → e-mail text and Slack blocks. Pure.

Nothing that came from Zoho is ever interpreted: in Slack it stands in ``plain_text`` only, which knows no mentions,
links or formatting (https://docs.slack.dev/reference/block-kit/composition-objects/text-object); e-mail is text anyway.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

from handler.history import clean
from handler.memory import Notice
from handler.texts import GIVEN_UP, KINDS, SEVERITIES, describe
from handler.wording import PAGE, Content, plural

TOGETHER = 10
"""More notices than this go as a list, a line each."""
LISTED = 100
SUBJECT_LIMIT = 100  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
NAME_LIMIT = 40
"""Characters of a display name in a subject: the title must still fit."""
# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FACTS_PER_SECTION = 5  # ten fields: a label and a value each
BLOCK_LIMIT = 50
TEXT_LIMIT = 40_000  # https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages

Json = dict[str, Any]
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


@dataclass(frozen=True)
class Post:
    """One Slack message.

    Attributes:
        notices: What it tells.
        payload: For the incoming webhook.
        plain: The same without blocks, in case Slack refuses them.
    """

    notices: tuple[Notice, ...]
    payload: Json
    plain: Json


def mails(notices: Sequence[Notice], reader: Reader) -> list[Mail]:
    """Return one message a notice, or lists when there are more than `TOGETHER`."""
    return [_mail(part, reader) for part in _bundles(notices)]


def posts(notices: Sequence[Notice], reader: Reader) -> list[Post]:
    """Return everything as one message, or as few as Slack's limits allow."""
    if len(notices) > TOGETHER:
        return [_post(part, _part_blocks(part, reader), reader) for part in _bundles(notices)]
    packed: list[tuple[list[Notice], list[Json]]] = []
    for notice in notices:
        blocks = _part_blocks((notice,), reader)
        if not packed or len(packed[-1][1]) + len(blocks) > BLOCK_LIMIT:
            packed.append(([], []))
        packed[-1][0].append(notice)
        packed[-1][1].extend(blocks)
    return [_post(tuple(part), blocks, reader) for part, blocks in packed]


def _bundles(notices: Sequence[Notice]) -> list[tuple[Notice, ...]]:
    """Return notices one by one or, when there are many, in lists; what was folded is a list of its own."""
    if len(notices) <= TOGETHER:
        return [(notice,) for notice in notices]
    folded = [(notice,) for notice in notices if notice.kind == "folded"]
    return [*folded, *_parts([notice for notice in notices if notice.kind != "folded"], LISTED)]


def severity(notices: Sequence[Notice]) -> str:
    """Return the highest severity among notices and what is folded into them."""
    kinds = {kind for notice in notices for kind in (notice.kind, *notice.facts.get("counts", ()))}
    return max((KINDS[kind].severity for kind in kinds), key=SEVERITIES.index)


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


def _mail(notices: tuple[Notice, ...], reader: Reader) -> Mail:
    title = _title(notices)
    if len(notices) == 1:
        lines = [f"{reader.name}: {title}", "", *_body(describe(notices[0]), reader)]
    else:
        lines = [f"{reader.name}: {title}", "", *_list_lines(notices, reader), "", *_step("", reader)]
    lines += ["", f"Organisation: {reader.org} · Message: {_notice_id(notices)}"]
    return Mail(notices, _subject(title, reader), "\n".join(lines), _attributes(notices, reader))


def _body(content: Content, reader: Reader) -> Iterator[str]:
    yield content.sentence
    yield ""
    for label, value in content.facts:
        yield f"{label}: {local_time(value, reader.zone) if isinstance(value, datetime) else value}"
    yield from (f"- {line}" for line in content.lines)
    yield ""
    yield from _step(content.next_step, reader)


def _step(next_step: str, reader: Reader) -> Iterator[str]:
    if next_step:
        yield f"What to do: {next_step}"
    yield f"Zoho CRM: {reader.crm_url} ({PAGE})"


def _title(notices: Sequence[Notice]) -> str:
    if len(notices) == 1:
        return describe(notices[0]).title
    counts = Counter(notice.kind for notice in notices)
    return f"{plural(len(notices), 'message')}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _list_lines(notices: Sequence[Notice], reader: Reader) -> Iterator[str]:
    for notice in notices:
        row = notice.row or {}
        when = notice.facts.get("when")
        time = local_time(datetime.fromisoformat(when) if when else notice.at, reader.zone)
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


def _post(notices: tuple[Notice, ...], blocks: list[Json], reader: Reader) -> Post:
    mail = _mail(notices, reader)
    plain = {"text": _escape(shorten(mail.text, TEXT_LIMIT)), "mrkdwn": False, "parse": "none"}
    fallback = f"{reader.name}: {_title(notices)}"
    return Post(notices, {"text": _escape(shorten(fallback, SECTION_LIMIT)), "blocks": blocks}, plain)


def _part_blocks(notices: tuple[Notice, ...], reader: Reader) -> list[Json]:
    blocks = _blocks(notices[0], reader) if len(notices) == 1 else _list_blocks(notices, reader)
    return list(blocks)[:BLOCK_LIMIT]


def _blocks(notice: Notice, reader: Reader) -> Iterator[Json]:
    content = describe(notice)
    yield _header(f"{KINDS[notice.kind].symbol} {reader.name}: {content.title}")
    yield _section(content.sentence)
    for facts in _parts(content.facts, FACTS_PER_SECTION):
        yield {"type": "section", "fields": [field for label, value in facts for field in _fields(label, value)]}
    yield from _paragraphs([f"• {line}" for line in content.lines])
    link = f"<{reader.crm_url}|Open Zoho CRM>"
    step = f"*What to do:* {_escape(content.next_step)} {link}" if content.next_step else f"{link}: {_escape(PAGE)}"
    yield {"type": "section", "text": _mrkdwn(step)}
    yield {"type": "context", "elements": [_plain(f"{reader.org} · {notice.notice_id}", FIELD_LIMIT)]}


def _list_blocks(notices: Sequence[Notice], reader: Reader) -> list[Json]:
    symbol = {"critical": "🔴", "warning": "⏹️"}.get(severity(notices), "📋")
    return [
        _header(f"{symbol} {reader.name}: {_title(notices)}"),
        *_paragraphs(list(_list_lines(notices, reader))),
        {"type": "section", "text": _mrkdwn(f"<{reader.crm_url}|Open Zoho CRM>: {_escape(PAGE)}")},
    ]


def _paragraphs(lines: Sequence[str]) -> Iterator[Json]:
    """Return sections with as many whole lines each as Slack allows."""
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > SECTION_LIMIT:
            yield _section(text)
            text = ""
        text += ("\n" if text else "") + line
    if text:
        yield _section(text)


def _header(text: str) -> Json:
    return {"type": "header", "text": _plain(text, HEADER_LIMIT, emoji=True)}


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain(text, SECTION_LIMIT)}


def _fields(label: str, value: str | datetime) -> tuple[Json, Json]:
    if not isinstance(value, datetime):
        return _mrkdwn(f"*{label}*"), _plain(value, FIELD_LIMIT)
    # https://docs.slack.dev/messaging/formatting-message-text#date-formatting: each reader's own time zone
    fallback = f"{value.astimezone(UTC):%d %b %Y %H:%M} UTC"
    return _mrkdwn(f"*{label}*"), _mrkdwn(f"<!date^{int(value.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>")


def _plain(text: str, limit: int, *, emoji: bool = False) -> Json:
    return {"type": "plain_text", "text": shorten(text, limit), "emoji": emoji}


def _mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escape(text: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parts(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    return (tuple(items[start : start + size]) for start in range(0, len(items), size))
