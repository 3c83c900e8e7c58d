"""What every channel's messages share: for whom they are, lists, times, the plain form. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple, TypeVar

from handler.outbox import Notice
from handler.wording import PAGE, Content, Fact, highest, plural

TOGETHER = 10
"""More notices than this go as a list, a line each."""
LISTED = 100
LATE = timedelta(hours=1)
"""What goes out later than that after it was decided says when that was."""
IN_LISTS = {
    "baseline": "monitoring on",
    "stopped": "schedule turned off",
    "purchased": "bought",
    "unreadable": "not monitored",
    "readable": "monitored again",
    "channel": "about delivery",
    "digest": "summary",
}
"""What the title of a list calls kinds whose name is none of a reader's words."""

T = TypeVar("T")
Bundle = tuple[Notice, ...]
"""One notice, or a list of them."""


class Recipient(NamedTuple):
    """For whom a message is written.

    Attributes:
        org: The organisation's key.
        name: Its display name.
        zone: In which plain text shows times.
        crm_url: Zoho CRM in the organisation's data centre.
        now: When it is sent.
        lost: How many messages this channel lost that no message on it has mentioned yet.
    """

    org: str
    name: str
    zone: tzinfo
    crm_url: str
    now: datetime
    lost: int = 0


def bundles(notices: Sequence[Notice]) -> list[Bundle]:
    """Return notices one by one or, when there are many, in lists, each in the order of the times that it shows."""
    if len(notices) <= TOGETHER:
        return [(notice,) for notice in notices]
    return [tuple(sorted(part, key=_time)) for part in parts(notices, LISTED)]


def each(parts: Iterable[Bundle], recipient: Recipient) -> Iterator[tuple[Bundle, Recipient]]:
    """Yield the parts of a message, each with its recipient: only the first one says what was lost."""
    for part in parts:
        yield part, recipient
        recipient = recipient._replace(lost=0)


def severity(notices: Sequence[Notice]) -> str:
    """Return the highest severity among notices."""
    return highest(notice.severity for notice in notices)


def title_of(notices: Sequence[Notice]) -> str:
    """Return the title of a notice, or of a list."""
    if len(notices) == 1:
        return notices[0].content.title
    counts = Counter(IN_LISTS.get(notice.kind, notice.kind) for notice in notices)
    return f"{plural(len(notices), 'message')}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def symbol_of(notices: Sequence[Notice]) -> str:
    """Return the symbol of a notice, or of a list."""
    if len(notices) == 1:
        return notices[0].content.symbol
    return {"critical": "🔴", "warning": "⚠️"}.get(severity(notices), "📋")


def reference(notices: Sequence[Notice]) -> str:
    """Return the id of a notice, or of a list."""
    first = notices[0].notice_id
    return first if len(notices) == 1 else f"{first}-and-{len(notices) - 1}-more"


def remarks(notices: Sequence[Notice], recipient: Recipient) -> Iterator[str]:
    """Yield what stands right below the title: that it comes late, and what was lost before it."""
    oldest = min(notice.at for notice in notices)
    if recipient.now - oldest > LATE:
        yield f"Delayed: written {local_time(oldest, recipient.zone)}."
    if recipient.lost:
        yield f"⚠️ Lost: {plural(recipient.lost, 'earlier message')} could not be delivered."


def list_lines(notices: Sequence[Notice], zone: tzinfo) -> Iterator[str]:
    """Yield a line for each notice of a list."""
    yield "Oldest first:"
    for notice in notices:
        row = notice.row
        time = local_time(_time(notice), zone)
        yield f"{time} · {notice.content.title}" + (f" · Job ID {row.id}" if row and row.id else "")


def _time(notice: Notice) -> datetime:
    return (notice.row.log_time if notice.row else None) or notice.at


def text(notices: Sequence[Notice], recipient: Recipient) -> str:
    """Return a notice, or a list of them, as plain text; the first line stands alone."""
    lines = [f"{recipient.name}: {title_of(notices)}"]
    lines += (*remarks(notices, recipient), "")
    if len(notices) == 1:
        lines += _body(notices[0].content, recipient)
    else:
        lines += (*list_lines(notices, recipient.zone), "", _link(recipient))
    return "\n".join([*lines, "", f"Reference: {reference(notices)}"])


def _body(content: Content, recipient: Recipient) -> Iterator[str]:
    yield content.sentence
    if content.lines:
        yield from ("", *(f"- {line}" for line in content.lines))
    if content.facts:
        yield from ("", *(f"{fact.label}: {value(fact, recipient.zone)}" for fact in content.facts))
    if content.next_step:
        yield from ("", f"What to do: {content.next_step}")
    if content.about_crm:
        yield from (() if content.next_step else ("",))
        yield _link(recipient)


def _link(recipient: Recipient) -> str:
    return f"Zoho CRM: {recipient.crm_url} ({PAGE})"


def value(fact: Fact, zone: tzinfo) -> str:
    """Return what a fact says, as text."""
    return local_time(fact.time, zone) if fact.time else fact.text


def local_time(time: datetime, zone: tzinfo) -> str:
    """Return a time for a person, in their zone and in UTC."""
    utc = time.astimezone(UTC)
    local = utc.astimezone(zone)
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%d %b %Y %H:%M} UTC"
    same_day = local.date() == utc.date()
    return f"{local:%d %b %Y %H:%M} {local.tzname()} ({utc:{'%H:%M' if same_day else '%d %b %H:%M'}} UTC)"


def parts(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    """Return items in order, so many at a time."""
    return (tuple(items[start : start + size]) for start in range(0, len(items), size))
