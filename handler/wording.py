"""What a notice says before any channel gives it a form, and the words that all kinds share. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from handler.memory import Notice

PAGE = "Setup > Data Administration > Data Backup"

Fact = tuple[str, str | datetime]
"""Label and value; a time is shown in the reader's time."""


@dataclass(frozen=True)
class Content:
    """What a notice says, before any channel gives it a form.

    Attributes:
        title: A few words, without anything from Zoho.
        sentence: What happened and why it is told.
        facts: What there is to know.
        lines: A list, where there is one.
        next_step: What to do; "" when nothing is to be done.
    """

    title: str
    sentence: str
    facts: tuple[Fact, ...] = ()
    lines: tuple[str, ...] = ()
    next_step: str = ""


def duration(delta: timedelta) -> str:
    """Return a time span as people say it: "40 minutes", "25 hours", "9 days"."""
    minutes = int(delta.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return plural(minutes, "minute")
    return plural(minutes // 60, "hour") if minutes < 48 * 60 else plural(minutes // 1440, "day")


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 backup", "2 backups"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def times(notice: Notice, **labels: str) -> tuple[Fact, ...]:
    """Return the notice's times under these labels, field by field; what is not known says so."""
    return tuple(
        (label, datetime.fromisoformat(notice.facts[field]) if notice.facts.get(field) else "none known")
        for field, label in labels.items()
    )


def elapsed(notice: Notice, field: str) -> str:
    """Return how long after this fact the notice was decided."""
    return duration(notice.at - datetime.fromisoformat(notice.facts[field]))
