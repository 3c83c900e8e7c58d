"""What a channel never accepts: what is lost is told, and what waits probes whether a broken channel works again."""

import pytest

from handler.decision import Decision
from handler.memory import Incident
from handler.outbox import MAX_OUTBOX, Channel, Notice
from handler.wording import Line
from sandbox.watch import EVERYTHING, START, Watch
from tests.test_incidents import break_slack, prepared
from tests.watch import DAY, HOUR, play, rows, said, told
from tests.world import World

SNS, SLACK = Channel("sns", "SNS"), Channel("slack", "Slack")
OTHERS = [Channel(floor, min_severity=floor) for floor in ("info", "warning", "critical")]
REFUSED = "Slack answered HTTP 400 invalid_blocks"
TOO_LONG = "the channel was broken for 14 days"


def watching(*channels: Channel) -> Watch:
    """Return a watch with a schedule and a backup, whose Slack accepts nothing and is not called broken."""
    watch = Watch(
        rows("scheduled@-1d, completed@-1d"),
        channels=(SLACK, *(channels or [SNS])),
        notify_on=EVERYTHING,
        digest_days=0,
        remind_hours=0,
        max_backup_age_days=3650,
    )
    watch.check()
    watch.deaf = {"slack"}
    watch.memory = watch.memory.mark_accepted("slack", {notice.notice_id for notice in watch.notices})
    return watch


def refuse(watch: Watch, channel: str = "slack") -> None:
    """Let a channel refuse all that waits for it because of its content."""
    waiting = [notice.notice_id for notice in watch.memory.pending(channel)]
    watch.memory = watch.memory.discard(channel, waiting, REFUSED, watch.now)


WEIGHT = {
    "completed": ("info", "news"),
    "stopped": ("warning", "news"),
    "failed opened": ("critical", "opened"),
    "unknown": ("critical", "news"),
}
"""What is lost → the lowest floor that its loss passes, and the phase of its notice."""


@pytest.mark.parametrize("what", WEIGHT)
def test_a_loss_is_a_warning_that_reaches_whom_the_lost_notice_reaches(what: str) -> None:
    """The others at once, the channel itself when it accepts messages again; the alert is opened there, too."""
    floor, phase = WEIGHT[what]
    watch = watching(*OTHERS)
    play(watch, f"1h | {'odd' if what == 'unknown' else what.split()[0]} | {what}")
    refuse(watch)
    title = watch.notices[-1].content.title
    play(watch, f"1h | | {'lost' if phase == 'news' else 'lost opened'}")
    [lost], tells = watch.decision.notices, told(watch.decision.notices[0])
    floors = [channel.name for channel in OTHERS if channel.name in lost.pending_for]
    assert (lost.severity, lost.phase, "slack" in lost.pending_for) == ("warning", phase, True)
    assert floors == ["info", "warning", *(["critical"] if floor == "critical" else [])]
    assert tells["title"] == "1 message to Slack could not be delivered"
    assert (tells["lines"], tells["Technical detail"]) == ([Line(title, START + HOUR)], REFUSED)
    assert tells["opens"] == ({"failing": START} if phase == "opened" else {})
    others = tuple(name for name in lost.pending_for if name != "slack")
    assert watch.memory.pending("slack") == [lost._replace(pending_for=("slack",), heard_by=others)]


def test_a_loss_does_not_end_what_is_open_again() -> None:
    """A setting ends an overdue that the channel never accepted, and opens the same one again."""
    watch = watching()
    play(watch, "with | max_backup_age_days=1", "48h | | overdue opened", "with | max_backup_age_days=99")
    play(watch, "1h | | overdue ended")
    refuse(watch)
    play(watch, "with | max_backup_age_days=1", "1h | | overdue opened, lost opened | ends: | opens: overdue@0d")


def test_losses_of_a_channel_are_told_once_a_day_and_a_loss_of_a_loss_never() -> None:
    """The rest comes the next day in UTC, in one notice; another channel's losses are told by themselves."""
    watch = watching()
    play(watch, "1h | bought | purchased")
    refuse(watch)
    play(watch, "1h | bought | purchased, lost | title: 1 message to Slack could not be delivered")
    refuse(watch)
    play(watch, "1h | bought | purchased")
    refuse(watch)
    watch.deaf = {"slack", "sns"}
    play(watch, "1h | bought | purchased")
    refuse(watch, "sns")
    watch.deaf = {"slack"}
    refuse(watch)
    play(
        watch,
        "1h  | | lost | title: 1 message to SNS could not be delivered",
        "8h  | |",
        "1h  | | lost | title: 3 messages to Slack could not be delivered",
    )
    assert watch.now == START + 14 * HOUR
    refuse(watch)
    play(watch, "48h | |")
    assert watch.memory.dead_letters.total == 8, "they are counted all the same"


# --- What waits is the probe ------------------------------------------------------------------------------------------


def test_the_newest_that_waits_for_a_broken_channel_is_never_too_old() -> None:
    """All others are lost after fourteen days; a channel that is only slow gets them whenever it is back."""
    for broken in (False, True):
        watch, slow = watching(), not broken
        play(watch, "1h | bought | purchased")
        if broken:
            watch.memory = watch.memory.with_incident("channel:slack", Incident(START, START))
        watch.check_at(START + 60 * DAY)
        assert said(watch.memory.pending("slack")) == "purchased"
        play(watch, f"0h | stopped@60d | {'stopped' if slow else 'stopped, lost'}")
        assert said(watch.memory.pending("slack")) == ("purchased, stopped" if slow else "stopped, lost")
        watch.check_at(START + 74 * DAY)
        assert watch.memory.dead_letters.total == (0 if slow else 1)
        watch.check_after(seconds=1)
        why = {letter.why for letter in watch.memory.dead_letters.last}
        assert (watch.memory.dead_letters.total, why) == ((0, set()) if slow else (2, {TOO_LONG}))


def test_the_newest_that_waits_for_a_channel_makes_no_room() -> None:
    """However old it is, and whatever else waits."""
    watch = watching()
    play(watch, "1h | bought | purchased")
    probe = watch.notices[-1]._replace(pending_for=("slack",))
    others = [Notice(f"n{n}", "failed", START, ("sns",), "critical", probe.content) for n in range(MAX_OUTBOX + 50)]
    memory = watch.memory._replace(outbox=(probe, *others[:-50]))
    memory = Decision(memory, START, watch.policy, watch.channels, notices=others[-50:]).finish().memory
    assert memory.outbox == (probe, *others[51:])


def test_nobody_is_reminded_of_a_broken_channel_for_which_nothing_waits() -> None:
    """Nothing would be missing there, and nothing asks whether it works; with the next notice it is asked again."""
    watch = prepared("channel", digest_days=0)
    break_slack(watch)
    waiting = watch.memory
    assert watch.check_after(hours=24) == ["channel"]
    watch.memory = waiting._replace(outbox=())
    assert watch.check_after(hours=24) == []
    watch.log(action="purchased")
    assert watch.check_after(hours=1) == ["purchased"]
    assert watch.check_after(hours=1) == ["channel"]


def test_a_probe_that_is_refused_for_its_content_is_lost_and_ends_the_incident(world: World) -> None:
    """A channel that judges a text works: nothing else may wait that could show it. The loss is told to all."""
    world.check()
    world.forget()
    world.slack.break_with("no_service")
    world.log(state="odd")
    world.failing()
    world.slack.repair()
    world.slack.break_with("invalid_blocks", times=2)
    assert "invalid_blocks" in world.failing()
    assert said(world.memory().pending("slack")) == ""
    assert [letter.kind for letter in world.memory().dead_letters.last] == ["unknown"]
    assert world.check()["incidents"] == []
    assert world.sent("slack") == ["lost"]
    assert world.sent("sns") == ["unknown", "channel", "channel", "lost"]
