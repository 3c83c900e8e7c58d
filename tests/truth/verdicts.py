"""Judges a played calendar or trouble: returns complaints, none where all is as it must be."""

from collections.abc import Iterator, Sequence

from handler.decision import Policy
from tests.truth.calendars import FIRST, Calendar
from tests.truth.expectations import BAD, Expectation, one_a_day
from tests.truth.organisation import DAY, Style
from tests.truth.play import KINDS, Player, hourly, stepping
from tests.truth.sentences import false_sentences
from tests.truth.trouble import Trouble


def play_calendar(calendar: Calendar, style: Style, *, with_plan: bool, every_hour: bool) -> list[str]:
    """Play a healthy calendar and return what was wrongly said."""
    organisation = calendar.organisation(style)
    player = Player(organisation, with_plan, Policy(notify_on=KINDS, **calendar.policy))
    if every_hour:
        player.play(hourly(FIRST, calendar.until))
    else:
        until = FIRST + (calendar.settled or calendar.days) * DAY
        player.play(stepping(organisation, FIRST, until))
    return list(judge_calendar(calendar, player))


def judge_calendar(calendar: Calendar, player: Player) -> Iterator[str]:
    """Yield what is worse than `info` or ends something, and no true warning; and how many runs were not heard of."""
    for n in player.sent:
        allowed = any(a.kind == n.kind and a.since <= n.at <= a.until for a in calendar.allowed)
        if (n.severity in BAD or n.kind == "recovered") and not allowed:
            yield f"{n.at:%d %b %Y %H:%M}: {n.severity} {n.kind} {n.phase}: {n.content.title}"
    completed = [n for n in player.sent if n.kind in {"completed", "recovered"}]
    last_check = player.open[-1][0]
    runs = [run for run in player.organisation.runs if run.ended and FIRST < run.ended <= last_check]
    if len(completed) != len(runs):
        yield f"{len(completed)} of {len(runs)} completed backups were heard of"
    yield from false_sentences(player)


def play_trouble(trouble: Trouble, style: Style, *, with_plan: bool) -> list[str]:
    """Play a trouble and return what does not hold."""
    organisation, expectations = trouble.organisation(style)
    player = Player(organisation, with_plan)
    early = stepping(organisation, FIRST, trouble.hourly_from)
    for now in (*early, *hourly(trouble.hourly_from, trouble.until)):
        for since, settings in trouble.changes:
            if now == since:
                player.policy = player.policy._replace(**settings)
        player.check(now)
    return list(judge_trouble(expectations, player))


def judge_trouble(expectations: Sequence[Expectation], player: Player) -> Iterator[str]:
    """Yield what does not hold of what was sent."""
    for expectation in expectations:
        yield from expectation.complaints(player.sent, player.open)
    yield from one_a_day(player.sent)
    yield from false_sentences(player)
