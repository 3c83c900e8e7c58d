"""What the messages of all channels share: what goes into one message, its title, its plain text, local times. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from handler.outbox import Notice
from handler.wording import DOWNLOAD_FIRST, DOWNLOAD_NOW, NO_ACTION, PAGE, Fact, Line, duration, highest, plural

MAX_TOGETHER = 10
"""How many notices one message holds at most."""
LATE = timedelta(hours=1)
"""A notice that is sent later than this after it was decided says when it was decided."""

KIND_NAMES = {
    "baseline": "monitoring on",
    "stopped": "schedule turned off",
    "purchased": "bought",
    "unreadable": "not monitored",
    "readable": "monitored again",
    "channel": "about delivery",
    "digest": "summary",
    "lost": "about lost messages",
}
"""Reader-friendly names for kinds in titles, where the kind itself is none."""
LOOKALIKES = str.maketrans("*~`[]{}<@_\\", "∗∼'()()‹＠＿∖")  # noqa: RUF001
"""Replacements for characters with a meaning in chats. They look the same and mean nothing to any parser; a star beside
a zero-width blank may still be read as a star.
"""


class Rendering(NamedTuple):
    """How the messages of one check are rendered.

    Attributes:
        org: The organisation's key.
        name: Its display name.
        zone: The time zone in which plain text shows times.
        crm_url: Zoho CRM in the organisation's data centre.
        now: When the messages are sent.
        runbook_url: Where the runbook is; critical messages link to it if this begins with https.
        as_text: Returns a time as a channel shows it; None means local and in UTC.
    """

    org: str
    name: str
    zone: tzinfo
    crm_url: str
    now: datetime
    runbook_url: str = ""
    as_text: Callable[[datetime], str] | None = None

    def show(self, time: datetime) -> str:
        """Return a time as this message shows all its times."""
        return self.as_text(time) if self.as_text else local_time(time, self.zone)

    def remarks(self, notice: Notice) -> list[str]:
        """Return the lines right below a notice's title: one if the notice comes late."""
        late = self.now - notice.at > LATE
        return [f"Delayed: this message is from {self.show(notice.at)}."] if late else []

    def line(self, line: Line) -> str:
        """Return a line of a list as text."""
        return f"{self.show(line.time)} · {line.text}" if line.time else line.text

    def value(self, fact: Fact) -> str:
        """Return the value of a fact as text."""
        if (until := fact.links_until) and not fact.time:
            if fact.text:
                return fact.text if until > self.now else "none"
            left = f" ({duration(until - self.now)} left)"
            return f"until {self.show(until)}{left}" if until > self.now else f"links expired {self.show(until)}"
        return self.show(fact.time) if fact.time else fact.text

    def as_sent(self, notice: Notice) -> Notice:
        """Return a notice as of now: advice to download only while links work, a link to the runbook if critical."""
        content, step = notice.content, notice.content.next_step
        if any(fact.links_until and fact.links_until <= self.now for fact in content.facts):
            step = step.replace(DOWNLOAD_FIRST, "").replace(DOWNLOAD_NOW, NO_ACTION)
        if notice.severity == "critical" and self.runbook_url.startswith("https://"):
            step = f"{step} More help: {self.runbook_url}#{notice.kind}".lstrip()
        return notice._replace(content=content._replace(next_step=step))

    def text(self, notice: Notice) -> str:
        """Return a notice as plain text; the first line is a summary."""
        content = notice.content
        step = [f"What to do: {content.next_step}"] if content.next_step else []
        page = "" if PAGE in content.next_step else f" ({PAGE})"
        link = [f"Zoho CRM: {self.crm_url}{page}"] if content.about_crm else []
        paragraphs = [
            [f"{self.name}: {content.title}", *self.remarks(notice)],
            [content.said(self.show)],
            [f"- {self.line(line)}" for line in content.lines],
            [f"{fact.label}: {self.value(fact)}" for fact in content.facts],
            [*step, *link],
            [f"Reference: {notice.notice_id}"],
        ]
        return "\n\n".join("\n".join(paragraph) for paragraph in paragraphs if paragraph)


class Message(NamedTuple):
    """The notices of one message, oldest first, and how they are rendered."""

    notices: tuple[Notice, ...]
    rendering: Rendering

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its notices."""
        return tuple(notice.notice_id for notice in self.notices)

    @property
    def severity(self) -> str:
        """The highest severity among its notices."""
        return highest(notice.severity for notice in self.notices)

    @property
    def symbol(self) -> str:
        """The symbol of its only notice, or one for the highest severity."""
        return self.notices[0].content.symbol if len(self.notices) == 1 else symbol_of_many(self.severity)

    @property
    def title(self) -> str:
        """The organisation, and the title of the only notice or how many notices there are of each kind."""
        count = len(self.notices)
        of_many = f"{plural(count, 'message')}: {count_kinds(self.notices)}"
        return f"{self.rendering.name}: {self.notices[0].content.title if count == 1 else of_many}"

    @property
    def about_crm(self) -> bool:
        """Whether a link to Zoho CRM helps the reader."""
        return any(notice.content.about_crm for notice in self.notices)

    @property
    def text(self) -> str:
        """The message as plain text."""
        return "\n\n".join(self.rendering.text(notice) for notice in self.notices)

    def of(self, *notices: Notice) -> "Message":
        """Return a message with these notices, rendered in the same way."""
        return Message(notices, self.rendering)

    def split(self, fits: Callable[["Message"], bool]) -> Iterator["Message"]:
        """Yield the notices in as few messages as possible.

        Args:
            fits: Returns whether a message is within the channel's limits. A notice that does not fit even alone is
                yielded alone: its channel has to shorten it.
        """
        message = self.of()
        for notice in self.notices:
            alone = _with_list_that_fits(self.of(notice), fits)
            longer = self.of(*message.notices, *alone.notices)
            if message.notices and (len(longer.notices) > MAX_TOGETHER or not fits(longer)):
                yield message
                longer = alone
            message = longer
        if message.notices:
            yield message


def _with_list_that_fits(message: Message, fits: Callable[[Message], bool]) -> Message:
    """Return a message with one notice; if it is too long, the number of the oldest lines replaces them in its list."""
    (notice,) = message.notices
    lines = notice.content.lines
    while len(lines) > 2 and not fits(message):
        kept = lines[max(2, len(lines) // 8 + 1) :]  # at least two, because a line that counts them takes their place
        left_out = Line(f"{plural(len(notice.content.lines) - len(kept), 'older line')} left out here")
        lines = (left_out, *kept)
        message = message.of(notice._replace(content=notice.content._replace(lines=lines)))
    return message


def count_kinds(notices: Sequence[Notice]) -> str:
    """Return how many notices there are of each kind: "2 failed, 1 completed"."""
    counts = Counter(KIND_NAMES.get(notice.kind, notice.kind) for notice in notices)
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def symbol_of_many(severity: str) -> str:
    """Return the symbol of several notices of which this is the highest severity."""
    return {"critical": "🔴", "warning": "⚠️"}.get(severity, "📋")


def local_time(time: datetime, zone: tzinfo) -> str:
    """Return a time in this zone and in UTC: "20 Nov 2026 11:10 CET (10:10 UTC)"."""
    utc = time.astimezone(UTC)
    local = utc.astimezone(zone)
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%d %b %Y %H:%M} UTC"
    same_day = local.date() == utc.date()
    return f"{local:%d %b %Y %H:%M} {local.tzname()} ({utc:{'%H:%M' if same_day else '%d %b %H:%M'}} UTC)"


def escape_markdown(words: str, *, ours: bool = False) -> str:
    """Return a text in which nothing formats, mentions or links, for chats that read Markdown.

    Some chats show the backslash of an escape, so look-alikes replace marks. A zero-width space keeps the beginning of
    a line from being a list, a heading or a quote, and "&lt;" from being "<". An underscore between letters stays: it
    formats nothing, and file names contain many. In words that are all `ours`, URLs stay links, and an e-mail address
    can be copied.
    """
    kept = "_@" if ours else "_"
    parts = re.split(rf"((?<=[A-Za-z0-9])[{kept}](?=[A-Za-z0-9]))", words)  # every second part is one that stays
    words = "".join(part if number % 2 else part.translate(LOOKALIKES) for number, part in enumerate(parts))
    words = re.sub(r"(?m)^(?=[ \t]*([-+#>=]|\d+[.)]))|(?<=&)(?=#?\w+;)", "\u200b", words)
    return words if ours else words.replace("://", ":\u200b//")
