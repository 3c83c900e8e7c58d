"""The kinds of rows: what the notice of each says, and how severe it is. Pure.

A title shows on a locked phone, so it contains nothing from Zoho. Text from Zoho appears in sentences and facts only,
which no channel interprets. To add a kind: a word in `history.STATES` or `history.ACTIONS`, its line in
`KINDS`, and its name in ``config``.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from handler.decision import Decision, Links
from handler.history import Event, failed_step, has_own_time, is_unpaid, not_completed_for, row_facts, time_fact
from handler.memory import MAX_BY_ID
from handler.schedule import how_often, next_run_fact
from handler.timeline import Standing
from handler.wording import DOWNLOAD_NOW, NO_ACTION, PAGE, Content, Fact, plural

LINKS_LIVE = timedelta(days=7)
"""How long download links live: https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html."""
STILL = {"failing": "failed", "overdue": "is overdue"}
"""Incidents that a completed backup leaves open only when it is not the newest, and what became of the newest."""
LINKS_LIVE_AT_MOST = timedelta(days=8)
"""Links that expire later than this after a completion belong to another backup."""


def severity_and_content(decision: Decision, news: Standing) -> tuple[str, Content]:
    """Return how severe the notice of a row is, and what it says."""
    (severity, content), row = KINDS[news.kind](decision, news), news.event.row
    facts = [*content.facts]
    if news.resolved:
        # A failure resolves nothing.
        facts.append(Fact("Ended" if news.kind in {"failed", "unknown"} else "Resolved", "; ".join(news.resolved)))
    if news.event.is_outcome:
        facts.append(Fact("Recent backups (oldest first)", decision.current.recent))
    named = row_facts(row, "Started by" if news.event.is_outcome else "Done by")
    facts += [fact for fact in named if news.event.kind != "completed" or fact.label == "Job ID"]
    return severity, content._replace(facts=tuple(facts))


def superseded(decision: Decision, news: Standing) -> bool:
    """Return True if a newer completed backup, or a newer schedule, is known: then nothing needs to be done."""
    last, schedule = decision.memory.last_completed, decision.memory.schedule
    if news.kind == "failed":
        return last is not None and last > news.event.at
    set_up = schedule.at if schedule and schedule.in_force else None
    return news.kind == "stopped" and set_up is not None and set_up >= news.event.at


def _who(news: Standing) -> str:
    return news.event.row.done_by or "Somebody"


def _completed(decision: Decision, news: Standing) -> tuple[str, Content]:
    title, sentence = "Backup completed", "Zoho CRM completed a backup."
    if news.kind == "recovered":
        title, sentence = "Backups work again", "A backup completed. The earlier problem is resolved."
    elif newer := [state for name, state in STILL.items() if name in decision.memory.incidents]:
        sentence += f" A newer one {newer[0]}."
    links = _links(decision, news.event)
    facts = [time_fact("Completed", news.event.at)]
    step = NO_ACTION
    if links and links.until > decision.now:
        before = decision.memory.files.get(news.event.row.repeat_type or "", ())[2:] if links.files else ()
        count, counted = sum(links.files), sum(before)
        known = f" ({plural(count, 'file')})" if count and count == (counted or count) else ""
        facts.append(Fact(f"Download until{known}", time=links.until, links_until=links.until))
        if count != (counted or count):
            facts.append(Fact("Files", f"{count} (before {counted})"))
        match (*links.files, *before):
            case (data, 0, _, lost) if data and lost:
                sentence += f" Zoho lists no attachment files for it, but {lost} for the last backup of this type."
        step = DOWNLOAD_NOW
    return "info", Content("✅", title, sentence, (*facts, *next_run_fact(decision)), next_step=step)


def learn_links(decision: Decision, events: Sequence[Event]) -> None:
    """Remember when the links of the newest completed backup expire, and how many files it has."""
    last = decision.memory.last_completed
    newest = next(event for event in events if event.kind == "completed" and event.at == last)
    links, files, repeats = _links(decision, newest), {**decision.memory.files}, newest.row.repeat_type or ""
    if links and links.files and links.until > decision.now:
        files[repeats] = (*links.files, *files.pop(repeats, ())[:2])
    files = dict([*files.items()][-MAX_BY_ID:])
    decision.update_memory(links_until=links.until if links else None, files=files)


def _links(decision: Decision, completed: Event) -> Links | None:
    """Return the download links of a completed backup; None where nobody can say when they expire.

    Zoho's answer is about the latest backup, so it counts only for the newest, and while its links can still live.
    """
    at, memory = completed.at, decision.memory
    links = decision.sources.links() if at == memory.last_completed and decision.now < at + LINKS_LIVE_AT_MOST else None
    if links and timedelta(0) < links.until - at <= LINKS_LIVE_AT_MOST:
        return links
    return Links(at + LINKS_LIVE) if has_own_time(completed, memory.seen, memory.unknown) else None


def _failed(decision: Decision, news: Standing) -> tuple[str, Content]:
    row = news.event.row
    why = "Zoho CRM could not back up your data" + (": the payment for the backup failed." if is_unpaid(row) else ".")
    last, count = decision.memory.last_completed, news.failures
    failed, good = time_fact("Failed", news.event.at), decision.last_good_facts()
    if superseded(decision, news):
        sentence = f"{why} A later backup completed, so your data is backed up."
        title = "Backup failed, a later one completed"
        return "info", Content("☑️", title, sentence, (failed, *good), next_step=NO_ACTION)
    facts, title = [failed], "Backup failed"
    if count > 1:
        title = f"Backup failed, {count} in a row"
        facts += [Fact("Failures in a row", str(count)), time_fact("Failing since", news.since or news.event.at)]
    used_up = "" if is_unpaid(row) else decision.used_up(news.event.at)
    sentence = f"{why} {not_completed_for(last, decision.now)}{used_up}"
    step = decision.download_first(failed_step(row))
    return "critical", Content("🔴", title, sentence, (*facts, *good), next_step=step)


def _unknown(decision: Decision, news: Standing) -> tuple[str, Content]:
    row, step = news.event.row, f"Open {PAGE} in Zoho CRM and check this entry."
    what, word, severity, meaning = "action", row.action, "warning", "We can't tell what was done."
    if news.event.is_outcome:
        what, word, severity = "state", row.state, "critical"
        meaning = "We can't tell whether this backup succeeded."
        step = decision.download_first(f"{step} If the backup failed, start another one manually.")
    title = f"Unknown {what} in the backup history"
    entry = f"The backup history has an entry with the {what} “{word}”, which Zoho does not document."
    facts = (time_fact("Reported", news.event.at), *decision.last_good_facts())
    return severity, Content("❓", title, f"{entry} {meaning}", facts, next_step=step)


def _stopped(decision: Decision, news: Standing) -> tuple[str, Content]:
    facts = [time_fact("Turned off", news.event.at), *decision.last_good_facts()]
    sentence = f"{_who(news)} turned off the backup schedule."
    if superseded(decision, news):
        facts.append(Fact("New schedule", how_often(decision.memory)))
        sentence += " A new one has been set up since."
        return "info", Content("🔁", "Backup schedule changed", sentence, tuple(facts), next_step=NO_ACTION)
    step = decision.download_first(f"Set up a new schedule under {PAGE} in Zoho CRM if this was not intended.")
    sentence += " No further backups will run."
    return "warning", Content("⏹️", "Backup schedule turned off", sentence, tuple(facts), next_step=step)


def _scheduled(decision: Decision, news: Standing) -> tuple[str, Content]:
    one_time = news.event.row.repeat_type in {None, "immediate"}
    what = "scheduled a one-time backup" if one_time else "set up a backup schedule"
    symbol, title = ("✅", "Backups are scheduled again") if news.resolved else ("🗓️", "Backup scheduled")
    facts = (time_fact("Set up", news.event.at), *(() if one_time else next_run_fact(decision)))
    return "info", Content(symbol, title, f"{_who(news)} {what} in Zoho CRM.", facts, next_step=NO_ACTION)


def _purchased(decision: Decision, news: Standing) -> tuple[str, Content]:
    count = news.event.row.bought
    bought = plural(count, "extra backup") if count else "extra backups"
    title = "Extra backup bought" if count == 1 else "Extra backups bought"
    sentence = f"{_who(news)} bought {bought} in Zoho CRM."
    return "info", Content("🛒", title, sentence, (time_fact("Bought", news.event.at),), next_step=NO_ACTION)


KINDS: dict[str, Callable[[Decision, Standing], tuple[str, Content]]] = {
    "completed": _completed,
    "recovered": _completed,
    "failed": _failed,
    "unknown": _unknown,
    "stopped": _stopped,
    "scheduled": _scheduled,
    "purchased": _purchased,
}
"""The kinds of rows that get notices, and ``recovered``: a ``completed`` that ends something."""
