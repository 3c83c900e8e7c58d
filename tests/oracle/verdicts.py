"""Judges a played calendar, trouble or story: returns complaints, none where all is as it must be."""

from collections import Counter
from dataclasses import replace

from handler.config import Policy
from tests.oracle.calendars import Calendar
from tests.oracle.oracle import complaints, reminders
from tests.oracle.organisation import DAY, HOUR, Style
from tests.oracle.play import KINDS, Player, hourly, stepping
from tests.oracle.stories import FIRST, Story
from tests.oracle.troubles import Trouble

BAD = frozenset({"warning", "critical"})


def judge_calendar(calendar: Calendar, style: Style, *, with_plan: bool, hourly_days: int = 0) -> list[str]:
    """Play a healthy calendar; say what is worse than `info` or ends something, and which runs nobody heard of."""
    story = replace(calendar.story, style=style)
    organisation, until = story.organisation(), FIRST + calendar.settled * DAY if calendar.settled else story.until
    player = Player(organisation, with_plan, Policy(notify_on=KINDS, **calendar.policy))
    player.play(hourly(FIRST, FIRST + hourly_days * DAY) if hourly_days else stepping(organisation, FIRST, until))
    sent = [n for n in player.sent if n.phase != "reminder"]
    told = Counter(n.kind for n in sent if n.severity in BAD or n.kind == "recovered")
    if style in {Style.STEPS, Style.SWAPPED}:
        told["stuck"] *= 2  # the first look shows how long runs take
    wrong = [f"{count} {kind}" for kind, count in told.items() if count > calendar.told.count(kind)]
    heard = sum(n.kind in {"completed", "recovered"} for n in player.sent)
    runs = sum(bool(run.ended and FIRST < run.ended <= player.open[-1][0]) for run in organisation.runs)
    unheard = [] if heard == runs else [f"{heard} of {runs} completed backups were heard of"]
    return [*wrong, *unheard, *complaints(player)]


def judge_trouble(trouble: Trouble, style: Style, *, with_plan: bool) -> list[str]:
    """Play a trouble hour by hour; say what was wrong at which hour, and what else was said than it has."""
    story = replace(trouble.story, style=style, with_plan=with_plan)
    player = Player(story.organisation(), with_plan).play(hourly(FIRST, story.until))
    sent = [n for n in player.sent if n.phase != "reminder" and n.kind not in {"completed", "digest"}]
    news = [n for n in sent if n.severity in BAD or n.kind in {"recovered", "readable"} or n.phase == "ended"]
    told = " ".join(n.kind.upper() if n.severity == "critical" else n.kind for n in news)
    return [*complaints(player), *reminders(player), *([] if told == trouble.told else [told])]


def judge_story(story: Story) -> list[str]:
    """Play a story; say what is wrongly open or not, and what was said without a cause."""
    player = Player(story.organisation(), story.with_plan)
    checks = int((story.until - FIRST) / HOUR) // story.every
    return list(complaints(player.play(FIRST + n * story.every * HOUR for n in range(checks))))
