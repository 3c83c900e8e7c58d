"""Notices → Slack messages. Pure.

Nothing that came from Zoho is ever interpreted: it stands in ``plain_text`` only, which knows no mentions, links or
formatting (https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handler.memory import Notice
from handler.message import TOGETHER, Reader, bundles, list_lines, mail, parts, severity, shorten, title_of
from handler.texts import ELSEWHERE, describe, kind_of
from handler.wording import PAGE

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FACTS_PER_SECTION = 5  # ten fields: a label and a value each
BLOCK_LIMIT = 50
TEXT_LIMIT = 40_000  # https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages


Json = dict[str, Any]


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


def posts(notices: Sequence[Notice], reader: Reader) -> list[Post]:
    """Return everything as one message, or as few as Slack's limits allow."""
    if len(notices) > TOGETHER:
        return [_post(part, _part_blocks(part, reader), reader) for part in bundles(notices)]
    packed: list[tuple[list[Notice], list[Json]]] = []
    for notice in notices:
        blocks = _part_blocks((notice,), reader)
        if not packed or len(packed[-1][1]) + len(blocks) > BLOCK_LIMIT:
            packed.append(([], []))
        packed[-1][0].append(notice)
        packed[-1][1].extend(blocks)
    return [_post(tuple(part), blocks, reader) for part, blocks in packed]


def _post(notices: tuple[Notice, ...], blocks: list[Json], reader: Reader) -> Post:
    plain = {"text": _escape(shorten(mail(notices, reader).text, TEXT_LIMIT)), "mrkdwn": False, "parse": "none"}
    fallback = f"{reader.name}: {title_of(notices)}"
    return Post(notices, {"text": _escape(shorten(fallback, SECTION_LIMIT)), "blocks": blocks}, plain)


def _part_blocks(notices: tuple[Notice, ...], reader: Reader) -> list[Json]:
    blocks = _blocks(notices[0], reader) if len(notices) == 1 else _list_blocks(notices, reader)
    return list(blocks)[:BLOCK_LIMIT]


def _blocks(notice: Notice, reader: Reader) -> Iterator[Json]:
    content = describe(notice)
    yield _header(f"{kind_of(notice.kind).symbol} {reader.name}: {content.title}")
    yield _section(content.sentence)
    for facts in parts(content.facts, FACTS_PER_SECTION):
        yield {"type": "section", "fields": [field for label, value in facts for field in _fields(label, value)]}
    yield from _paragraphs([f"• {line}" for line in content.lines])
    link = "" if notice.kind in ELSEWHERE else f"<{reader.crm_url}|Open Zoho CRM>"
    if content.next_step:
        yield {"type": "section", "text": _mrkdwn(f"*What to do:* {_escape(content.next_step)} {link}".rstrip())}
    elif link:
        yield {"type": "section", "text": _mrkdwn(f"{link}: {_escape(PAGE)}")}
    yield {"type": "context", "elements": [_plain(f"{reader.org} · {notice.notice_id}", FIELD_LIMIT)]}


def _list_blocks(notices: Sequence[Notice], reader: Reader) -> list[Json]:
    symbol = {"critical": "🔴", "warning": "⏹️"}.get(severity(notices), "📋")
    return [
        _header(f"{symbol} {reader.name}: {title_of(notices)}"),
        *_paragraphs(list(list_lines(notices, reader))),
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
