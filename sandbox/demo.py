"""`make run`: three companies' backups on this machine, and the messages that their people get."""

import itertools
import os
import shutil
import sys
import textwrap
import webbrowser
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from handler.channels import BY_NAME
from sandbox.channels import Accepted, Mail
from sandbox.runtime import ROOT
from sandbox.sandbox import Sandbox
from sandbox.zoho import Organisation, Row, plan, row

ADDRESS = "it@example.com"
CHANNELS = ("slack", "cliq")
"""Beside e-mail, unless the caller asks for others."""
ALL = "All of them in full: make run FULL=1, or on a page: make run OPEN=1."
NEXT = "Next: make sandbox (try the commands), or make deploy and make connect (AWS)."
LEAD = "What the real function sent on this machine, scene by scene."
PAGE = ROOT / "build" / "inbox.html"
WIDTH = 100

News = dict[str, list[Any]]
"""Channel → the messages that arrived there: a `Mail` of `sns`, an `Accepted` of the others."""


class Screen:
    """Prints to standard output, never wider than the terminal.

    Attributes:
        width: Characters of the text in a frame: as many as the terminal has room for, at most 100.
    """

    def __init__(self) -> None:
        """Take the terminal's width, or 80 columns without a terminal."""
        self._columns = shutil.get_terminal_size().columns
        self.width = max(20, min(WIDTH, self._columns - 4))

    def say(self, text: str = "", first: str = "", then: str = "") -> None:
        """Print a text, its first line and the lines after it behind a mark each."""
        for line in text.splitlines() or [""]:
            for part in textwrap.wrap(line, self._columns, initial_indent=first, subsequent_indent=then) or [""]:
                print(part, flush=True)

    def frame(self, channel: str, message: Mail | Accepted) -> None:
        """Print a message as its reader gets it, in a frame."""
        if isinstance(message, Mail):
            label, text = "E-mail", f"To:      {ADDRESS}\nSubject: {message.subject or '(none)'}\n\n{message.body}"
        else:
            label, text = BY_NAME[channel].label, message.text
        print(f"  ┌─ {label} ".ljust(self.width + 4, "─"))
        for line in text.rstrip().splitlines():
            for part in textwrap.wrap(line, self.width) or [""]:
                print(f"  │ {part}".rstrip())
        print("  └".ljust(self.width + 4, "─"), flush=True)


def take_news(sandbox: Sandbox) -> News:
    """Remove the messages from the sandbox, and return them by channel, oldest first."""
    boxes: News = {"sns": sandbox.mailbox.mails}
    boxes |= {name: fake.accepted for name, fake in sandbox.channels.items()}
    news = {name: list(box) for name, box in boxes.items()}
    for box in boxes.values():
        box.clear()
    return news


@dataclass(frozen=True)
class Scene:
    """One change in the world, and the notices that must follow.

    Attributes:
        org: The company's key.
        company: The company at Zoho.
        narration: What happens, in a line.
        kinds: The kinds of the notices that must follow, in order. A broken channel is found by one check and reported
            by the next, so the kind `channel` takes two checks.
        rows: What appears in the history, oldest first; the last one is what the first notice is about.
        change: What else happens.
        broken: A channel that accepts nothing.
        chosen: Whether its messages are always printed.
    """

    org: str
    company: Organisation
    narration: str
    kinds: str
    rows: tuple[Row, ...] = ()
    change: Callable[[], object] = lambda: None
    broken: str = ""
    chosen: bool = False


class History:
    """Writes rows as Zoho does, with times counted back from now."""

    def __init__(self, now: datetime) -> None:
        """Count back from now."""
        self._now = now

    def row(self, hours_ago: float, repeat_type: str, **what: str) -> Row:
        """Return a row whose `state` or `action` is given."""
        who = {"id": "1", "name": "Asha Rao", "zuid": "2"}
        return row(self._now - timedelta(hours=hours_ago), repeat_type=repeat_type, done_by=who, **what)

    def run(self, hours_ago: float, repeat_type: str, state: str) -> tuple[Row, Row]:
        """Return the two rows of a backup that took twelve minutes."""
        began = self.row(hours_ago + 0.2, repeat_type, action="initiated")
        return began, self.row(hours_ago, repeat_type, state=state)

    def runs(self, repeat_type: str, *days_ago: float) -> list[Row]:
        """Return a schedule and its completed backups, newest first, as Zoho shows them."""
        scheduled = self.row(24 * days_ago[0] + 24, repeat_type, action="scheduled")
        backups = (self.run(24 * days, repeat_type, "completed") for days in days_ago)
        return [scheduled, *itertools.chain(*backups)][::-1]

    def plan(self, rrule: str, hours_to_next_run: float) -> Row:
        """Return Zoho's plan, with the next run so many hours from now."""
        return plan(rrule, self._now + timedelta(hours=hours_to_next_run), self._now - timedelta(days=90))


def story(sandbox: Sandbox, history: History) -> list[Scene]:
    """Connect the companies and return what happens, scene by scene.

    An overdue week cannot be waited for in a minute: rows are dated back instead.
    """
    run, one = history.run, history.row
    acme = sandbox.connect("default", history.runs("weekly", 20.8, 13.8, 6.8), name="Acme Ltd")
    acme.plan = history.plan("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=FR", 6 * 24 + 18)
    borealis = sandbox.connect("borealis", history.runs("monthly", 40, 10), name="Borealis")
    caravel = sandbox.connect("caravel", history.runs("monthly", 44, 23), name="Caravel")
    caravel.plan = history.plan("RRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", -2 * 24)
    at_acme, at_borealis = partial(Scene, "default", acme), partial(Scene, "borealis", borealis)
    reconnect = partial(borealis.refresh_tokens.extend, [*borealis.refresh_tokens])
    name, fake = next(iter(sandbox.channels.items()))
    label = BY_NAME[name].label
    weekly = one(9 * 24, "weekly", action="scheduled")
    manually = "Before a large import, Asha starts another one manually. It fails."
    overdue = "Its schedule became weekly nine days ago, and no backup has run since."
    stuck = "A backup started yesterday, and nothing has been heard of it since."
    left = "The administrator whose token is used leaves."
    gone = f"Somebody deletes the address that {label} gave us, and then a backup fails."
    broken: dict[str, Any] = {"change": lambda: fake.break_with(fake.gone[0]), "broken": name}
    missed = "A third one is connected. By Zoho's plan, it should have backed up by now."
    return [
        at_acme("The function is connected to a company that makes weekly backups.", "baseline"),
        at_acme("This week's backup completes.", "completed", run(2, "weekly", "completed")),
        at_acme(manually, "failed", run(0.75, "immediate", "failure"), chosen=True),
        at_acme("She tries again. It fails again.", "failed", run(0.5, "immediate", "failure")),
        at_acme("The third attempt works.", "recovered", run(0.25, "immediate", "completed")),
        at_acme("Somebody turns off the weekly schedule.", "stopped", (one(1 / 12, "weekly", action="stopped"),)),
        at_borealis("Another company is connected; its backups are monthly.", "baseline"),
        at_borealis(overdue, "overdue", change=lambda: borealis.rows.insert(0, weekly)),
        at_borealis(stuck, "stuck", (one(26, "weekly", action="initiated"),)),
        at_borealis("It completes after all.", "recovered", (one(2 / 3, "weekly", state="completed"),)),
        at_borealis(left, "unreadable", change=borealis.refresh_tokens.clear),
        at_borealis("Another one runs `make connect`.", "readable", change=reconnect),
        at_borealis(gone, "failed channel", (one(1 / 3, "weekly", state="failure"),), **broken),
        at_borealis(f"The address works again: {label} gets what it missed.", "channel", change=fake.repair),
        Scene("caravel", caravel, missed, "baseline"),
    ]


@dataclass
class Demo:
    """Plays scenes in the sandbox, shows what arrives, and remembers what should have arrived.

    Attributes:
        sandbox: Where it plays.
        screen: Where it shows what arrives.
        full: Whether it shows every message, or who got what and the messages of chosen scenes.
        problems: What went wrong, a sentence each.
        played: Each scene with what arrived.
    """

    sandbox: Sandbox
    screen: Screen
    full: bool
    problems: list[str] = field(default_factory=list)
    played: list[tuple[Scene, News]] = field(default_factory=list)
    _titles: dict[str, str] = field(default_factory=dict)

    def play(self, scene: Scene) -> None:
        """Let a scene happen, let the function check, and show what arrived; one more check must send nothing."""
        self.screen.say()
        self.screen.say(scene.narration, "▶ ", "  ")
        scene.company.rows[:0] = reversed(scene.rows)
        scene.change()
        if "channel" in scene.kinds:  # a check that finds one broken fails, and Lambda repeats it
            self.sandbox.check(scene.org)
        self._check(scene)
        news = take_news(self.sandbox)
        self.played.append((scene, news))
        self._show(scene, news)
        self._judge(scene, news)
        self._check(scene)
        if any(take_news(self.sandbox).values()):
            self.problems.append(f"“{scene.narration}” was sent again at the next check.")

    def verdict(self) -> str:
        """Return the line that says what was delivered."""
        where = {"sns": "by e-mail", **{name: f"on {BY_NAME[name].label}" for name in self.sandbox.channels}}
        counts = [f"{sum(len(news[name]) for _, news in self.played)} {words}" for name, words in where.items()]
        return f"Messages: {', '.join(counts)};\n" + ("\n".join(self.problems) or "nothing lost, nothing sent twice.")

    def _check(self, scene: Scene) -> None:
        result = self.sandbox.check(scene.org)
        if not result.ok:
            said = f"{result.payload.get('errorMessage')}\n{result.output}"
            self.problems.append(f"The check after “{scene.narration}” failed: {said}.")

    def _show(self, scene: Scene, news: News) -> None:
        """Print each message, or who got what, by its title in the e-mail; a channel may get what it missed before."""
        texts = [("e-mail", mail.body) for mail in news["sns"]]
        texts += [(BY_NAME[name].label, one.text) for name in self.sandbox.channels for one in news[name]]
        self._titles |= {mail.attributes["notice_id"]: mail.subject.partition("] ")[2] for mail in news["sns"]}
        if not self.full:
            for notice_id, title in self._titles.items():
                if labels := [label for label, text in texts if notice_id in text]:
                    self.screen.say(f"{', '.join(labels)}: {title}", "  → ", "    ")
            for label, text in texts:
                if not any(notice_id in text for notice_id in self._titles):  # an end that names its alert only
                    self.screen.say(f"{label}: {text.splitlines()[0]}", "  → ", "    ")
        if self.full or scene.chosen:
            for channel, messages in news.items():
                for message in messages:
                    self.screen.frame(channel, message)

    def _judge(self, scene: Scene, news: News) -> None:
        """Note what is missing, wrong or incomplete."""
        kinds = " ".join(str(mail.attributes.get("kind")) for mail in news["sns"])
        if kinds != scene.kinds:
            self.problems.append(f"“{scene.narration}” should send {scene.kinds} by e-mail; it sent {kinds or 'none'}.")
        row_id = str(scene.rows[-1]["id"]) if scene.rows else ""
        for name in ("sns", *self.sandbox.channels):
            texts = [one.body if isinstance(one, Mail) else one.text for one in news[name]]
            expected = name != scene.broken
            if any(row_id in text for text in texts) != expected and not BY_NAME[name].incidents_only:
                self.problems.append(f"“{scene.narration}” with row {row_id} sent {len(texts)} messages by {name}.")


def play(channels: Iterable[str] = (), *, full: bool = False, page: bool = False) -> bool:
    """Start the sandbox, play everything and return whether all of it arrived, once.

    Args:
        channels: The channels' names; without any, `CHANNELS`.
        full: Whether to print every message.
        page: Whether to show them all on a page, too, and open it where there is a browser.
    """
    screen = Screen()
    screen.say("Starting Zoho, the channels and AWS on this machine, and deploying the stack …")
    parameters = {"NotificationEmail": ADDRESS, "OperatedBy": ADDRESS}
    with closing(Sandbox(parameters, channels=tuple(channels) or CHANNELS)) as sandbox:
        demo = Demo(sandbox, screen, full)
        for scene in story(sandbox, History(datetime.now(UTC))):
            demo.play(scene)
        screen.say()
        screen.say(demo.verdict())
        if page:
            _open(demo.played)
        elif not full:
            screen.say(ALL)
        screen.say(NEXT)
        return not demo.problems


def _open(played: Sequence[tuple[Scene, News]]) -> None:
    from sandbox import gallery  # only now: nothing else of `make run` makes a page

    scenes: dict[str, list[gallery.Scene]] = {}
    for scene, news in played:
        shown = gallery.Scene(scene.narration, f"{datetime.now():%H:%M}", news)  # noqa: DTZ005 - as a clock here shows it
        scenes.setdefault(scene.org, []).append(shown)
    sections = [gallery.Section(org, org, "info", some) for org, some in scenes.items()]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(gallery.render("The sandbox's inbox", LEAD, sections), encoding="utf-8")
    print(f"Every message on a page:\n{PAGE.as_uri()}")
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(PAGE.as_uri())
