"""The kinds of rows: what each one's notice says, and how serious it is. Pure.

A title can be read on a locked phone and holds nothing from Zoho. What comes from Zoho stands in sentences and facts,
which no channel interprets. To add a kind: a word in `history.STATES` or `history.ACTIONS`, and its line in `KINDS`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from handler.decision import Links
from handler.due import known_time, last_completed_fact, time_fact
from handler.history import Row
from handler.wording import PAGE, Content, Fact, duration, plural

DOWNLOAD_DAYS = 7
"""https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html: links live seven days."""
OUTCOME_SYMBOLS = {"completed": "✓", "failed": "✗"}
NO_ACTION = "No action needed."


class Story(NamedTuple):
    """A row that is news, and all there is to say of it.

    Attributes:
        kind: What `history.classify` says, or ``recovered``.
        row: The row.
        at: When it happened.
        now: When it was noticed.
        before: The last completed backup before it.
        newest_good: The newest completed backup known now.
        in_a_row: How many backups have failed in a row, this one included.
        failing_since: The first of them.
        recent: The last few outcomes up to this one, oldest first.
        resolved: What it ends, a phrase each.
        links: Where it can be downloaded, if Zoho said it.
        next_run: When the next backup runs.
        superseded: A newer good backup, or a newer schedule, is known: nothing is to be done.
        still_overdue: A newer backup is overdue all the same.
        new_schedule: How often the schedule of now runs.
    """

    kind: str
    row: Row
    at: datetime
    now: datetime
    before: datetime | None = None
    newest_good: datetime | None = None
    in_a_row: int = 0
    failing_since: datetime | None = None
    recent: str = ""
    resolved: tuple[str, ...] = ()
    links: Links | None = None
    next_run: tuple[Fact, ...] = ()
    superseded: bool = False
    still_overdue: bool = False
    new_schedule: str = ""

    @property
    def who(self) -> str:
        """Who did it."""
        return self.row.done_by or "Somebody"


class RowKind(NamedTuple):
    """What there is to know of a kind of row.

    Attributes:
        severity: Of its notices, given the story.
        content: What it says.
        by_default: It is in NOTIFY_ON's default.
    """

    severity: Callable[[Story], str]
    content: Callable[[Story], Content]
    by_default: bool = True


def content(story: Story) -> Content:
    """Return what the notice of a row says."""
    made = KINDS[story.kind].content(story)
    facts = [*made.facts]
    if story.resolved:
        label = "Ended" if story.kind in {"failed", "unknown"} else "Resolved"  # a failure resolves nothing
        facts.append(Fact(label, "; ".join(story.resolved)))
    facts += row_facts(story.row, "Started by" if story.row.state else "Done by")
    if story.recent:
        facts.append(Fact("Recent backups (oldest first)", story.recent))
    return made._replace(facts=tuple(facts))


def row_facts(row: Row, by: str = "Started by") -> list[Fact]:
    """Return who and what, as far as the row says it."""
    repeats = "one-time" if row.repeat_type == "immediate" else row.repeat_type
    facts = {by: row.done_by, "Type": repeats, "File": row.file_name, "Job ID": row.id}
    return [Fact(label, text) for label, text in facts.items() if text]


def last_good(time: datetime | None, now: datetime) -> str:
    """Return how old the newest good backup is, as a sentence."""
    if time is None:
        return "No successful backup on record."
    known = known_time(time)
    return f"Last successful backup: {duration(now - known)} ago." if known else "An older backup completed."


def _completed(story: Story) -> Content:
    return _good(story, "Backup completed", "Zoho CRM completed a backup.", "Previous backup")


def _recovered(story: Story) -> Content:
    title, meaning = "Backups work again", "The earlier problem is resolved."
    if story.still_overdue:
        title, meaning = "A late backup completed", "A newer one is still overdue."
    return _good(story, title, f"A backup completed. {meaning}", "Previous successful backup")


def _good(story: Story, title: str, sentence: str, previous: str) -> Content:
    """Return what a completed backup's notice says, with until when the files can be downloaded."""
    until, files = story.links or Links(story.at + timedelta(days=DOWNLOAD_DAYS))
    facts = [time_fact("Completed", story.at), last_completed_fact(story.before, previous)]
    step = NO_ACTION
    if until > story.now:
        facts += [Fact("Download until", time=until), *([Fact("Files", str(files))] if files else [])]
        step = "Download the files if you keep your own copy. Zoho deletes them after the “Download until” date."
    return Content("✅", title, sentence, (*facts, *story.next_run), next_step=step)


def _failed(story: Story) -> Content:
    payment = (story.row.state or "").casefold() == "payment_failed"
    why = "Zoho CRM could not back up your data" + (": the payment for the backup failed." if payment else ".")
    good = last_completed_fact(story.newest_good)
    if story.superseded:
        return Content(
            "☑️",
            "Backup failed, a later one completed",
            f"{why} A later backup completed, so your data is backed up.",
            (time_fact("Failed", story.at), good),
            next_step=NO_ACTION,
        )
    several = story.in_a_row > 1
    facts = [time_fact("Failed", story.at)]
    if several:
        since = time_fact("Failing since", story.failing_since or story.at)
        facts += (Fact("Failures in a row", str(story.in_a_row)), since)
    return Content(
        "🔴",
        f"Backup failed, {story.in_a_row} in a row" if several else "Backup failed",
        f"{why} {last_good(story.newest_good, story.now)}",
        (*facts, good),
        next_step=failed_step(payment=payment),
    )


def failed_step(*, payment: bool) -> str:
    """Return what to do about a failed backup."""
    bill = "Check the billing of your Zoho account. " if payment else ""
    return (
        f"{bill}Open {PAGE} in Zoho CRM and start a backup manually. If it fails again, contact Zoho support and give "
        "them the job ID."
    )


def _unknown(story: Story) -> Content:
    what, word = ("state", story.row.state) if story.row.state else ("action", story.row.action)
    meaning = "We can't tell whether this backup succeeded." if what == "state" else "We can't tell what was done."
    return Content(
        "❓",
        f"Unknown {what} in the backup history",
        f"The backup history has an entry with the {what} “{word}”, which Zoho does not document. {meaning}",
        (time_fact("Reported", story.at), last_completed_fact(story.newest_good)),
        next_step=f"Open {PAGE} in Zoho CRM and check this entry.",
    )


def _stopped(story: Story) -> Content:
    facts = (time_fact("Turned off", story.at), last_completed_fact(story.newest_good))
    if story.superseded:
        return Content(
            "🔁",
            "Backup schedule changed",
            f"{story.who} turned off the backup schedule. A new one has been set up since.",
            (*facts, Fact("New schedule", story.new_schedule)),
            next_step=NO_ACTION,
        )
    return Content(
        "⏹️",
        "Backup schedule turned off",
        f"{story.who} turned off the backup schedule. No further backups will run.",
        facts,
        next_step=f"Set up a new schedule under {PAGE} in Zoho CRM if this was not intended.",
    )


def _scheduled(story: Story) -> Content:
    one_time = story.row.repeat_type in {None, "immediate"}
    what = "scheduled a one-time backup" if one_time else "set up a backup schedule"
    ended = ("🗓️", "Backup scheduled") if not story.resolved else ("✅", "Backups are scheduled again")
    facts = (time_fact("Set up", story.at), *(() if one_time else story.next_run))
    return Content(*ended, f"{story.who} {what} in Zoho CRM.", facts, next_step=NO_ACTION)


def _purchased(story: Story) -> Content:
    count = story.row.bought
    bought = plural(count, "extra backup") if count else "extra backups"
    title = "Extra backup bought" if count == 1 else "Extra backups bought"
    sentence = f"{story.who} bought {bought} in Zoho CRM."
    return Content("🛒", title, sentence, (time_fact("Bought", story.at),), next_step=NO_ACTION)


def _always(severity: str) -> Callable[[Story], str]:
    return lambda story: severity


KINDS = {
    "completed": RowKind(_always("info"), _completed),
    "recovered": RowKind(_always("info"), _recovered),
    "failed": RowKind(lambda story: "info" if story.superseded else "critical", _failed),
    "unknown": RowKind(lambda story: "critical" if story.row.state else "warning", _unknown),
    "stopped": RowKind(lambda story: "info" if story.superseded else "warning", _stopped),
    "scheduled": RowKind(_always("info"), _scheduled, by_default=False),
    "purchased": RowKind(_always("info"), _purchased, by_default=False),
}
"""What `history.classify` names, and ``recovered``, which is a ``completed`` that ends something."""
