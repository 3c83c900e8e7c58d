"""The story that `make run` shows: three companies' backups, and the messages that their people get."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from handler.channels import BY_NAME
from sandbox.channels import Mail
from sandbox.sandbox import Sandbox
from sandbox.screen import Screen
from sandbox.zoho import Organisation, Row, plan, row, sample_rows

ADDRESS = "it@example.com"
CHANNELS = ("slack", "cliq")
"""Beside e-mail, unless others are asked for."""
ALL = "All of them in full: make run FULL=1, or on a page: make run OPEN=1."
NEXT = "Next: make sandbox (try the commands), or make deploy and make connect (AWS)."


@dataclass(frozen=True)
class Scene:
    """One change in the world, and the message that must follow.

    Attributes:
        narration: What happens, in a line.
        kind: The kind of the one notice that must follow; of the first, where there are more.
        rows: What appears in the history, oldest first; the last one is what the notice is about.
        change: What else happens.
        then: The kind of a second notice, sent by the second check.
        broken: A channel that takes nothing.
        fails: Whether the checks end with an error, as they do while something is wrong that a person must fix.
        chosen: Whether its messages are printed also where not all are.
    """

    narration: str
    kind: str
    rows: tuple[Row, ...] = ()
    change: Callable[[], object] | None = None
    then: str = ""
    broken: str = ""
    fails: bool = False
    chosen: bool = False


class History:
    """Writes rows as Zoho does, with times counted back from now."""

    def __init__(self, now: datetime) -> None:
        """Count back from now."""
        self._now = now

    def row(self, ago: timedelta, repeat_type: str, **what: str) -> Row:
        """Return a row whose `state` or `action` is given."""
        return row(
            self._now - ago, repeat_type=repeat_type, done_by={"id": "1", "name": "Asha Rao", "zuid": "2"}, **what
        )

    def run(self, ago: timedelta, repeat_type: str, state: str) -> tuple[Row, Row]:
        """Return the two rows of a backup that took twelve minutes."""
        return (
            self.row(ago + timedelta(minutes=12), repeat_type, action="initiated"),
            self.row(ago, repeat_type, state=state),
        )

    def runs(self, repeat_type: str, *days_ago: int) -> list[Row]:
        """Return a schedule and its completed backups, oldest first."""
        scheduled = self.row(timedelta(days=days_ago[0] + 1), repeat_type, action="scheduled")
        backups = (self.run(timedelta(days=days), repeat_type, "completed") for days in days_ago)
        return [scheduled, *itertools.chain(*backups)]

    def plan(self, rrule: str, next_run: timedelta) -> dict[str, Any]:
        """Return Zoho's plan, with the next run so long from now."""
        return plan(rrule, self._now + next_run, self._now - timedelta(days=90))


def past(history: History) -> list[Row]:
    """Return what happened before the first check, oldest first: a weekly schedule and its backups of three weeks."""
    return history.runs("weekly", 21, 14, 7)


def week(history: History) -> Iterator[Scene]:
    """Yield a week of a company that makes weekly backups."""
    hours = [timedelta(hours=hours) for hours in (6, 4, 3, 1)]
    yield Scene("This week's backup completes.", "completed", history.run(hours[0], "weekly", "completed"))
    yield Scene(
        "Before a large import, Asha starts another one manually. It fails.",
        "failed",
        history.run(hours[1], "immediate", "failure"),
        chosen=True,
    )
    yield Scene("She tries again. It fails again.", "failed", history.run(hours[2], "immediate", "failure"))
    yield Scene("The third attempt works.", "recovered", history.run(hours[3], "immediate", "completed"))
    stop = history.row(timedelta(minutes=5), "weekly", action="stopped")
    yield Scene("Somebody turns off the weekly schedule.", "stopped", (stop,))


def problems(sandbox: Sandbox, org: str, organisation: Organisation, history: History) -> Iterator[Scene]:
    """Yield what silence would have hidden: no backup, no end of one, no access, a channel that nobody reads any more.

    What cannot be waited for in a minute, such as an overdue week, happened before: rows are dated back.
    """
    weekly = history.row(timedelta(days=9), "weekly", action="scheduled")
    yield Scene(
        "Its schedule became weekly nine days ago, and no backup has run since.",
        "overdue",
        change=lambda: organisation.rows.insert(0, weekly),
    )
    began = history.row(timedelta(hours=26), "weekly", action="initiated")
    yield Scene("A backup started yesterday, and nothing has been heard of it since.", "stuck", (began,))
    done = history.row(timedelta(minutes=40), "weekly", state="completed")
    yield Scene("It completes after all.", "recovered", (done,))
    yield Scene(
        "The administrator whose token is used leaves.",
        "unreadable",
        change=organisation.refresh_tokens.clear,
        fails=True,
    )
    yield Scene("Another one runs `make connect`.", "readable", change=lambda: sandbox.reconnect(org, organisation))
    name, fake = next(iter(sandbox.channels.items()))
    yield Scene(
        f"Somebody deletes the address that {fake.label} gave us, and then a backup fails.",
        "failed",
        (history.row(timedelta(minutes=20), "weekly", state="failure"),),
        change=lambda: fake.break_with(fake.gone[0]),
        then="channel",
        broken=name,
        fails=True,
    )
    yield Scene(f"The address works again: {fake.label} gets what it missed.", "channel", change=fake.repair)


class Demo:
    """Plays scenes in the sandbox, shows what arrives and remembers what did not."""

    def __init__(self, sandbox: Sandbox, screen: Screen) -> None:
        """Play in a sandbox, show on a screen."""
        self._sandbox = sandbox
        self._screen = screen
        self._titles: dict[str, str] = {}
        self.problems: list[str] = []

    def play(self, org: str, organisation: Organisation, scene: Scene) -> None:
        """Let a scene happen, let the function check, and show what arrived."""
        self._screen.narrate(scene.narration, chosen=scene.chosen)
        organisation.rows[:0] = reversed(scene.rows)
        if scene.change:
            scene.change()
        before = self._arrived()
        self._check(org, scene)
        if (
            scene.then or scene.kind == "channel"
        ):  # a broken channel is reported by the check after the one that found it
            self._check(org, scene)
        after = self._arrived()
        mails = after["sns"][len(before["sns"]) :]
        posts = {name: after[name][len(before[name]) :] for name in self._sandbox.channels}
        self._show_recipients(mails, posts)
        for mail in mails:
            self._screen.mail(mail, ADDRESS)
        for name, new in posts.items():
            for payload in new:
                self._screen.message(name, payload)
        self._judge(scene, mails, posts)
        self._check(org, scene)
        if self._arrived() != after:
            self.problems.append(f"“{scene.narration}” was sent again at the next check.")

    def verdict(self) -> str:
        """Return the line that says what was delivered."""
        arrived = self._arrived()
        ids = [mail.attributes.get("notice_id") for mail in arrived["sns"]]
        if len(set(ids)) != len(ids):
            self.problems.append("A notice came twice by e-mail.")
        counts = [f"{len(ids)} by e-mail"]
        counts += [f"{len(arrived[name])} on {fake.label}" for name, fake in self._sandbox.channels.items()]
        return f"Messages: {', '.join(counts)};\n" + ("\n".join(self.problems) or "nothing lost, nothing sent twice.")

    def _show_recipients(self, mails: list[Mail], posts: dict[str, list[dict[str, Any]]]) -> None:
        """Say who got what, by the title that it has in its e-mail; what a channel missed before comes without one."""
        mailed = {mail.attributes["notice_id"]: mail.subject or "" for mail in mails}
        self._titles |= {notice_id: subject.partition("] ")[2] or subject for notice_id, subject in mailed.items()}
        texts = [
            (fake.label, fake.text(payload)) for name, fake in self._sandbox.channels.items() for payload in posts[name]
        ]
        for notice_id, title in self._titles.items():
            labels = [label for label, text in texts if notice_id in text]
            if recipients := [*(["e-mail"] if notice_id in mailed else []), *labels]:
                self._screen.sent(title, recipients)
        for label, text in texts:  # such as the end of an alert, which names that alert only
            if not any(notice_id in text for notice_id in self._titles):
                self._screen.sent(text.splitlines()[0], [label])

    def _arrived(self) -> dict[str, list[Any]]:
        return {
            "sns": list(self._sandbox.mailbox.mails),
            **{name: list(fake.messages) for name, fake in self._sandbox.channels.items()},
        }

    def _check(self, org: str, scene: Scene) -> None:
        result = self._sandbox.check(org)
        if result.ok and scene.fails:
            self.problems.append(f"“{scene.narration}” should fail the check, so that an alarm sees it.")
        elif not result.ok and not scene.fails:
            self.problems.append(f"A check failed: {result.payload.get('errorMessage')}")
            self._screen.remark(result.output)

    def _judge(self, scene: Scene, mails: list[Mail], posts: dict[str, list[dict[str, Any]]]) -> None:
        kinds = [mail.attributes.get("kind") for mail in mails]
        wanted = [scene.kind, *filter(None, [scene.then])]
        if kinds != wanted:
            one = f"one {scene.kind}" + (f", then one {scene.then}," if scene.then else "")
            self.problems.append(f"“{scene.narration}” should send {one} by e-mail; it sent {kinds or 'none'}.")
        row_id = str(scene.rows[-1]["id"]) if scene.rows else ""
        texts = {"e-mail": [mail.body for mail in mails[:1]]}
        for name, payloads in posts.items():
            fake, hears_all = self._sandbox.channels[name], not BY_NAME[name].incidents_only
            texts[fake.label] = [fake.text(payload) for payload in payloads] if hears_all else []
            if bool(payloads) == (name == scene.broken) and hears_all:
                self.problems.append(f"“{scene.narration}” sent {len(payloads)} messages to {fake.label}.")
        for label, some in texts.items():
            if some and not any(row_id in text for text in some):
                self.problems.append(f"“{scene.narration}” does not show row {row_id} in its {label} message.")


def play(screen: Screen, channels: Iterable[str] = CHANNELS) -> bool:
    """Start the sandbox, play everything and return whether all of it arrived, once."""
    screen.remark("Starting Zoho, the channels and AWS on this machine, and deploying the stack …")
    sandbox = Sandbox({"NotificationEmail": ADDRESS, "OperatedBy": ADDRESS}, channels=channels)
    try:
        demo, history = Demo(sandbox, screen), History(datetime.now(UTC))
        sample = sandbox.connect("sample", sample_rows(), name="Zoho's sample")
        demo.play(
            "sample", sample, Scene("The function reads the history that Zoho's documentation shows.", "baseline")
        )
        default = sandbox.connect("default", past(history)[::-1], name="Acme Ltd")
        default.plan = history.plan("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=FR", timedelta(days=6, hours=18))
        demo.play("default", default, Scene("It is connected to a company that makes weekly backups.", "baseline"))
        for scene in week(history):
            demo.play("default", default, scene)
        other = sandbox.connect("borealis", history.runs("monthly", 40, 10)[::-1], name="Borealis")
        demo.play("borealis", other, Scene("Another company is connected; its backups are monthly.", "baseline"))
        for scene in problems(sandbox, "borealis", other, history):
            demo.play("borealis", other, scene)
        third = sandbox.connect("caravel", history.runs("monthly", 44, 23)[::-1], name="Caravel")
        third.plan = history.plan("RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", timedelta(days=-2))
        missed = "A third one is connected. By Zoho's plan, it should have backed up by now."
        demo.play("caravel", third, Scene(missed, "baseline"))
        verdict = demo.verdict()
        screen.verdict(verdict, good=not demo.problems)
        screen.remark("" if screen.full else ALL)
        screen.remark(NEXT)
        return not demo.problems
    finally:
        sandbox.close()
