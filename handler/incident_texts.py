"""What the notices of incidents say, and the two summaries that list what is wrong: baseline and digest. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handler.causes import CAUSES, CHANNEL_STEPS, CHANNELS
from handler.memory import Notice
from handler.wording import PAGE, Content, Fact, duration, elapsed, plural, times


def overdue(notice: Notice) -> Content:
    """Return what an `overdue` notice says."""
    facts = notice.facts
    lasted, days = elapsed(notice, "counted_from"), plural(facts["expected_days"], "day")
    if facts["max_age_days"]:
        rule = f"this notifier is set to allow {days} between backups"
    elif facts["repeat_type"]:
        rule = f"the schedule is {facts['repeat_type']}, so one should complete every {days}"
    else:
        rule = f"there is no schedule, and {days} is then the limit"
    check = "check that the schedule is still there" if facts["repeat_type"] else "set up a schedule"
    return Content(
        f"Still no backup after {lasted}" if facts["phase"] == "reminder" else f"No backup for {lasted}",
        f"A backup is overdue: {rule}, with {plural(facts['grace_hours'], 'hour')} of grace.",
        times(notice, last_completed="Last good backup", since="Overdue since"),
        next_step=f"Open {PAGE} in Zoho CRM, {check}, and start a backup now.",
    )


def stuck(notice: Notice) -> Content:
    """Return what a `stuck` notice says."""
    still = "still " if notice.facts["phase"] == "reminder" else ""
    return Content(
        f"Backup {still}unfinished after {elapsed(notice, 'since')}",
        "A backup began, and Zoho CRM has reported neither success nor failure since. "
        f"This notifier is set to wait for {plural(notice.facts['stuck_hours'], 'hour')}.",
        times(notice, since="Began"),
        next_step=f"Open {PAGE} in Zoho CRM and see whether it still runs. If it does not end, ask Zoho support.",
    )


def unreadable(notice: Notice) -> Content:
    """Return what an `unreadable` notice says."""
    facts = notice.facts
    cause = CAUSES[facts["cause"]]
    since = datetime.fromisoformat(facts["since"])
    detail: list[Fact] = [("For", elapsed(notice, "since"))] if since < notice.at else []
    if facts["detail"]:
        detail.append(("Technical detail", facts["detail"]))
    if facts["resolution"]:
        detail.append(("Zoho's advice", facts["resolution"]))
    return Content(
        f"{'Still cannot' if facts['phase'] == 'reminder' else 'Cannot'} check the backups ({cause.title})",
        f"{cause.sentence} Until this is over, nobody is watching the backups.",
        (*times(notice, since="Since"), *detail),
        next_step=cause.next_step,
    )


def readable(notice: Notice) -> Content:
    """Return what a `readable` notice says."""
    return Content(
        "The backups can be checked again",
        f"The watch goes on after {elapsed(notice, 'since')}. Whatever happened in the meantime is told now.",
        times(notice, since="Could not be checked since"),
    )


def channel(notice: Notice) -> Content:
    """Return what a `channel` notice says."""
    facts = notice.facts
    name = CHANNELS.get(facts["channel"], facts["channel"])
    if facts["phase"] == "closed":
        title, how = (
            ("is no longer used", "was removed from the settings")
            if facts["removed"]
            else ("is back", "takes messages again")
        )
        sentence = f"{name} {how} after refusing messages for {elapsed(notice, 'since')}."
        return Content(f"{name} {title}", sentence, times(notice, since="Refused messages since"))
    still = "still " if facts["phase"] == "reminder" else ""
    return Content(
        f"{name} {still}refuses messages",
        f"{name} no longer takes messages from this notifier. They wait and are sent when it takes them again; "
        "those older than 14 days are given up.",
        (*times(notice, since="Since"), ("Technical detail", facts["detail"])),
        next_step=CHANNEL_STEPS.get(facts["channel"], ""),
    )


def digest(notice: Notice) -> Content:
    """Return what a `digest` notice says."""
    facts = notice.facts
    counts = _counts(facts["outcomes"])
    wrong = [_open(name) for name in facts["open"]]
    if failures := facts["failures_in_a_row"]:
        wrong.insert(0, "the last backup failed" if failures == 1 else f"the last {failures} backups failed")
    return Content(
        f"Backup summary ({counts or 'no backups'})",
        f"The watch is running. Backups of the last {elapsed(notice, 'since')}: {counts or 'none'}."
        + (f" Wrong now: {'; '.join(wrong)}." if wrong else ""),
        (*_standing(notice), *times(notice, since="Counted since")),
    )


def _open(incident: str) -> str:
    kind, _, channel = incident.partition(":")
    return f"{CHANNELS.get(channel, channel)} refuses messages" if kind == "channel" else OPEN[kind]


OPEN = {"overdue": "a backup is overdue", "stuck": "a backup is unfinished"}


def _standing(notice: Notice) -> tuple[Fact, ...]:
    """Return how the backups stand: the schedule in force, the last good one, the next one."""
    expected = notice.facts["next_expected"]
    late = expected and datetime.fromisoformat(expected) < notice.at
    return (
        ("Schedule", notice.facts["repeat_type"] or "none"),
        *times(notice, last_completed="Last good backup"),
        *(times(notice, next_expected="Was expected" if late else "Next one expected") if expected else ()),
    )


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(outcomes.items()) if count)


def baseline(notice: Notice) -> Content:
    """Return what a `baseline` notice says."""
    facts = notice.facts
    wrong = tuple(_wrong(entry, notice.at) for entry in facts["wrong"])
    rows = plural(facts["rows"], "entry", "entries")
    counts = f" ({_counts(facts['outcomes'])})" if facts["outcomes"] else ""
    past = f"has {rows}{counts}; they are not told again" if facts["rows"] else "is empty"
    return Content(
        "Now watching the backups, " + (plural(len(wrong), "problem") if wrong else "all is well"),
        f"From now on you are told what becomes of the backups. Zoho's history of the past year {past}.",
        _standing(notice),
        wrong,
        f"Open {PAGE} in Zoho CRM and see to what is listed here." if wrong else "",
    )


def _wrong(entry: Mapping[str, Any], now: datetime) -> str:
    lasted = duration(now - datetime.fromisoformat(entry["since"])) if entry.get("since") else ""
    count = entry.get("count", 0)
    return {
        "failed": f"The last {count} backups failed, the first of them {lasted} ago."
        if count > 1
        else f"The last backup failed, {lasted} ago.",
        "overdue": f"A backup has been overdue for {lasted}.",
        "stuck": f"A backup began {lasted} ago and is still unfinished.",
        "no_schedule": "There is no backup schedule: Zoho CRM makes no backups by itself.",
    }[entry["what"]]
