"""The story that `make run` tells: two companies' backups, and what their people are told about them."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.aws import Mail
from sandbox.channels.slack import ERRORS, FakeSlack
from sandbox.sandbox import Sandbox
from sandbox.screen import Screen
from sandbox.server import Fault
from sandbox.zoho import Organisation, Row, sample_rows

ADDRESS = "it@example.com"


@dataclass(frozen=True)
class Scene:
    """One change in the world and what it is expected to tell.

    Attributes:
        narration: What happens, in a line.
        kind: The kind of the one notice that must follow; of the first, where there are more.
        rows: What appears in the history, oldest first; the last one is what the notice is about.
        change: What else happens.
        then: The kind of a second notice, told by the second check.
        posts: How many messages reach Slack.
        fails: Whether the checks end with an error, as they do while something is wrong that a person must mend.
    """

    narration: str
    kind: str
    rows: tuple[Row, ...] = ()
    change: Callable[[], object] | None = None
    then: str = ""
    posts: int = 1
    fails: bool = False


class History:
    """Writes rows as Zoho does: each with an id of its own, in blocks, and a time with an offset."""

    def __init__(self, now: datetime) -> None:
        """Count the times of the rows back from now."""
        self._now = now
        self._ids = itertools.count(5_843_104_000_000_417_001, 1_003)

    def row(self, ago: timedelta, repeat_type: str, **what: str) -> Row:
        """Return a row whose `state` or `action` is given."""
        at = (self._now - ago).astimezone(UTC).replace(microsecond=0)
        return {
            "id": str(next(self._ids)),
            "done_by": {"id": "5843104000000273001", "name": "Asha Rao", "zuid": "778120054"},
            "log_time": at.isoformat(),
            "state": None,
            "action": None,
            "repeat_type": repeat_type,
            "file_name": None,
            "count": 0,
            **what,
        }

    def run(self, ago: timedelta, repeat_type: str, state: str) -> tuple[Row, Row]:
        """Return the two rows of a backup that took twelve minutes."""
        return (
            self.row(ago + timedelta(minutes=12), repeat_type, action="initiated"),
            self.row(ago, repeat_type, state=state),
        )


def past(history: History) -> list[Row]:
    """Return what happened before the watch began, oldest first: a weekly schedule and its backups of three weeks."""
    backups = (history.run(timedelta(days=days), "weekly", "completed") for days in (21, 14, 7))
    return [history.row(timedelta(days=22), "weekly", action="scheduled"), *itertools.chain(*backups)]


def scenes(history: History) -> Iterator[Scene]:
    """Yield the story after the baseline."""
    hours = [timedelta(hours=hours) for hours in (6, 4, 3, 1)]
    yield Scene("This week's backup completes.", "completed", history.run(hours[0], "weekly", "completed"))
    yield Scene(
        "Before a large import, Asha starts another by hand. It fails.",
        "failed",
        history.run(hours[1], "immediate", "failure"),
    )
    yield Scene("She tries again. It fails again.", "failed", history.run(hours[2], "immediate", "failure"))
    yield Scene("The third attempt works.", "recovered", history.run(hours[3], "immediate", "completed"))
    yield Scene(
        "Somebody stops the weekly schedule.",
        "stopped",
        (history.row(timedelta(minutes=5), "weekly", action="stopped"),),
    )


def past_of_another(history: History) -> list[Row]:
    """Return what happened at the second company, oldest first: a monthly schedule and its last two backups."""
    backups = (history.run(timedelta(days=days), "monthly", "completed") for days in (40, 10))
    return [history.row(timedelta(days=41), "monthly", action="scheduled"), *itertools.chain(*backups)]


def troubles(stage: Sandbox, org: str, organisation: Organisation, history: History) -> Iterator[Scene]:
    """Yield what silence would have hidden: no backup, no end of one, no access, a channel that nobody reads any more.

    What cannot be waited for in a minute, such as an overdue week, happened before: rows are dated back.
    """
    weekly = history.row(timedelta(hours=30), "weekly", action="scheduled")
    yield Scene(
        "The schedule becomes weekly, and the last good backup is ten days old.",
        "overdue",
        change=lambda: organisation.rows.insert(0, weekly),
    )
    began = history.row(timedelta(hours=26), "weekly", action="initiated")
    yield Scene("A backup began yesterday, and nothing has been heard of it since.", "stuck", (began,))
    yield Scene(
        "It completes after all.", "recovered", (history.row(timedelta(minutes=40), "weekly", state="completed"),)
    )
    yield Scene(
        "The administrator whose token is used leaves.",
        "unreadable",
        change=organisation.refresh_tokens.clear,
        fails=True,
    )
    yield Scene("Another one runs `make connect`.", "readable", change=lambda: stage.reconnect(org, organisation))
    yield Scene(
        "Somebody deletes the Slack webhook, and then a backup fails.",
        "failed",
        (history.row(timedelta(minutes=20), "weekly", state="failure"),),
        change=lambda: stage.slack.standing.update(webhook=Fault(ERRORS["no_service"])),
        then="channel",
        posts=0,
        fails=True,
    )
    yield Scene("The webhook works again: Slack gets what it missed.", "channel", change=stage.slack.standing.clear)


class Teller:
    """Plays scenes on a stage, shows what arrives and remembers what did not."""

    def __init__(self, stage: Sandbox, screen: Screen) -> None:
        """Play on a stage, show on a screen."""
        self._stage = stage
        self._screen = screen
        self.problems: list[str] = []

    def play(self, org: str, organisation: Organisation, scene: Scene) -> None:
        """Let a scene happen, let the function look twice, and show what was told."""
        self._screen.narrate(scene.narration)
        organisation.rows[:0] = reversed(scene.rows)
        if scene.change:
            scene.change()
        mails, posts = self._told()
        self._check(org, scene)
        if scene.then or scene.kind == "channel":  # a broken channel is told by the check after the one that found it
            self._check(org, scene)
        told, posted = self._told()
        new_mails, new_posts = told[len(mails) :], posted[len(posts) :]
        for mail in new_mails:
            self._screen.mail(mail, ADDRESS)
        for post in new_posts:
            self._screen.message("slack", post)
        self._judge(scene, new_mails, [FakeSlack.text(post) for post in new_posts])
        self._check(org, scene)
        if self._told() != (told, posted):
            self.problems.append(f"“{scene.narration}” was told again at the next check.")

    def verdict(self) -> str:
        """Return the line that says what was delivered."""
        mails, posts = self._told()
        ids = [mail.attributes.get("notice_id") for mail in mails]
        if len(set(ids)) != len(ids):
            self.problems.append("A notice came twice by e-mail.")
        delivered = f"{_messages(len(mails))} by e-mail and {len(posts)} on Slack; "
        return delivered + (" ".join(self.problems) or "nothing lost, nothing said twice.")

    def _told(self) -> tuple[list[Mail], list[dict[str, object]]]:
        return list(self._stage.mailbox.mails), list(self._stage.slack.messages)

    def _check(self, org: str, scene: Scene) -> None:
        result = self._stage.check(org)
        if result.ok and scene.fails:
            self.problems.append(f"“{scene.narration}” should fail the check, so that an alarm sees it.")
        elif not result.ok and not scene.fails:
            self.problems.append(f"A check failed: {result.payload.get('errorMessage')}")
            self._screen.remark(result.output)

    def _judge(self, scene: Scene, mails: list[Mail], posts: list[str]) -> None:
        kinds = [mail.attributes.get("kind") for mail in mails]
        wanted = [scene.kind, *filter(None, [scene.then])]
        if kinds != wanted:
            one = f"one {scene.kind}" + (f", then one {scene.then}," if scene.then else "")
            self.problems.append(f"“{scene.narration}” should send {one} by e-mail; it sent {kinds or 'none'}.")
        if len(posts) != scene.posts:
            self.problems.append(
                f"“{scene.narration}” should send {_messages(scene.posts)} to Slack; it sent {len(posts)}."
            )
        row_id = str(scene.rows[-1]["id"]) if scene.rows else ""
        for channel, texts in (("e-mail", [mail.body for mail in mails[:1]]), ("Slack", posts)):
            if any(row_id not in text for text in texts):
                self.problems.append(f"“{scene.narration}” does not show row {row_id} in its {channel}.")


def tell(screen: Screen) -> bool:
    """Start the sandbox, play everything and return whether all of it arrived, once."""
    screen.remark("Starting Zoho, Slack, AWS and Lambda on this machine, and deploying template.yaml …")
    stage = Sandbox({"NotificationEmail": ADDRESS})
    try:
        teller = Teller(stage, screen)
        sample = stage.connect("sample", sample_rows(), name="Zoho's sample")
        teller.play("sample", sample, Scene("The function sees the page of Zoho's documentation.", "baseline"))
        history = History(datetime.now(UTC))
        default = stage.connect("default", past(history)[::-1], name="Acme Ltd")
        teller.play("default", default, Scene("It is connected to a company that makes weekly backups.", "baseline"))
        for scene in scenes(history):
            teller.play("default", default, scene)
        other = stage.connect("borealis", past_of_another(history)[::-1], name="Borealis")
        teller.play("borealis", other, Scene("Another company is connected; its backups are monthly.", "baseline"))
        for scene in troubles(stage, "borealis", other, history):
            teller.play("borealis", other, scene)
        verdict = teller.verdict()
        screen.verdict(verdict, good=not teller.problems)
        return not teller.problems
    finally:
        stage.close()


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
