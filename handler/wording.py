"""What a notice says before any channel gives it a form, and the words that all kinds share. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

PAGE = "Setup > Data Administration > Data Backup"
NO_ACTION = "No action needed."
DOWNLOAD_FIRST = "Download the last successful backup first, before its links expire. "
DOWNLOAD_NOW = "Download the files if you keep your own copy. The links expire at the “Download until” time."
"""What a next step says while links live, and leaves out in a message that is sent after they expired."""
SEVERITIES = ("info", "warning", "critical")


class Fact(NamedTuple):
    """One labelled detail of a notice.

    Attributes:
        label: Its name.
        text: Its value, unless it is a time.
        time: Its value as a time, shown in each reader's own time zone.
        links_until: When download links expire; how long that still is depends on when the message is sent. A fact that
            also has a text shows it until then, and “none” afterwards; one that also has a time shows that.
    """

    label: str
    text: str = ""
    time: datetime | None = None
    links_until: datetime | None = None


class Line(NamedTuple):
    """One line of a list.

    Attributes:
        text: What it says.
        time: When that happened; shown before the text in the reader's time zone.
    """

    text: str
    time: datetime | None = None


class Content(NamedTuple):
    """What a notice says, before any channel gives it a form.

    Attributes:
        symbol: One emoji that fits the news.
        title: A few words for a locked phone, without anything from Zoho.
        sentence: What happened and what it means.
        facts: Labelled details.
        lines: A list, where the notice has one.
        lines_label: A name for the list, for channels that label everything.
        next_step: What to do, beginning with a verb; "" where that is plain.
        about_crm: Whether a link to Zoho CRM helps.
        time: Stands where the sentence has ``%time%``, as a channel shows times; this sentence has no word of Zoho's.
    """

    symbol: str
    title: str
    sentence: str
    facts: tuple[Fact, ...] = ()
    lines: tuple[Line, ...] = ()
    lines_label: str = "Open problems"
    next_step: str = ""
    about_crm: bool = True
    time: datetime | None = None

    def said(self, show: Callable[[datetime], str]) -> str:
        """Return the sentence, with its time as `show` returns it."""
        return self.sentence.replace("%time%", show(self.time)) if self.time else self.sentence


def highest(severities: Iterable[str]) -> str:
    """Return the highest of these severities; ``info`` of none."""
    return max(severities, key=rank, default="info")


def rank(severity: str) -> int:
    """Return how serious a severity is; an unknown one counts as the highest."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def duration(delta: timedelta) -> str:
    """Return a time span as people say it: "40 minutes", "25 hours", "9 days"."""
    minutes = int(delta.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return plural(minutes, "minute")
    return plural(minutes // 60, "hour") if minutes < 48 * 60 else plural(minutes // 1440, "day")


def capital(text: str) -> str:
    """Return a text as it begins a sentence."""
    return text[:1].upper() + text[1:]


def shorten(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 backup", "2 backups"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def compact_time(time: datetime | None) -> str:
    """Return a time as identifiers contain it: "20261120T204000Z", or "unknown" of none."""
    return f"{time:%Y%m%dT%H%M%SZ}" if time else "unknown"
