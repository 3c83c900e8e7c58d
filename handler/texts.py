"""What each kind of notice says, in words for the person who reads it. Pure.

A title can be read on a locked phone and holds nothing from Zoho. What comes from Zoho stands in sentences and facts,
which the renderers never interpret. To add a kind: a function like these, and its line in `KINDS`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from handler.causes import CAUSES, CHANNEL_STEPS, CHANNELS
from handler.memory import Notice
from handler.wording import PAGE, Content, Fact, duration, elapsed, plural, times

DOWNLOAD_DAYS = 7
"""https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html: links live seven days."""


def describe(notice: Notice) -> Content:
    """Return what a notice says."""
    kind = KINDS[notice.kind]
    content = kind.describe(notice)
    facts = content.facts
    if notice.row:
        facts += _row_facts(notice.row)
    if strip := notice.facts.get("strip"):
        facts += (("Last outcomes", " ".join(STRIP.get(letter, "?") for letter in strip)),)
    if count := notice.facts.get("set_aside"):
        text = (
            f"{plural(count, 'earlier message')} could not be delivered and never will be: see `set_aside` in the table"
        )
        facts += (("Given up", text),)
    return Content(content.title, content.sentence, facts, content.lines, content.next_step)


STRIP = {"c": "✓", "f": "✗"}


def _row_facts(row: Mapping[str, Any]) -> tuple[Fact, ...]:
    labels = {"done_by": "By", "repeat_type": "Repeats", "file_name": "File", "id": "Job id"}
    return tuple((label, str(row[field])) for field, label in labels.items() if row.get(field))


def _ended(notice: Notice) -> tuple[Fact, ...]:
    """Return a fact for each thing that this outcome ends."""
    facts: list[Fact] = []
    for end in notice.facts.get("ends", ()):
        lasted = duration(notice.at - datetime.fromisoformat(end["since"]))
        text = {
            "failed": f"{plural(end.get('count', 0), 'failed backup')} in a row, over {lasted}",
            "overdue": f"no completed backup in time, for {lasted}",
            "stuck": f"a backup without an outcome, for {lasted}",
        }[end["what"]]
        facts.append(("Ended", text))
    return tuple(facts)


def _completed(notice: Notice) -> Content:
    return Content(
        "Backup completed",
        "Zoho CRM completed a backup.",
        (*times(notice, when="Completed", last_completed="The one before"), _download_fact(notice)),
        next_step="Download the files in time if you keep copies outside Zoho: afterwards they are gone.",
    )


def _recovered(notice: Notice) -> Content:
    return Content(
        "Backups work again",
        "Zoho CRM completed a backup, and with it the trouble is over.",
        (
            *times(notice, when="Completed", last_completed="Last good one before"),
            *_ended(notice),
            _download_fact(notice),
        ),
        next_step="Download the files in time if you keep copies outside Zoho: afterwards they are gone.",
    )


def _download_fact(notice: Notice) -> Fact:
    expiry = notice.facts.get("download_until")
    if expiry:
        return "Download until", datetime.fromisoformat(expiry)
    return "Download until", datetime.fromisoformat(notice.facts["when"]) + timedelta(days=DOWNLOAD_DAYS)


def _failed(notice: Notice) -> Content:
    count = notice.facts["in_a_row"]
    payment = str((notice.row or {}).get("state")).casefold() == "payment_failed"
    step = f"Open {PAGE} in Zoho CRM, start a backup by hand, and ask Zoho support if that fails, too."
    return Content(
        "Backup failed" if count < 2 else f"Backup failed, {count} in a row",
        "Zoho CRM could not back up your data" + (": the payment for the backup failed." if payment else "."),
        (
            *times(notice, when="Failed"),
            ("In a row", str(count)),
            *(times(notice, since="Failing since") if count > 1 else ()),
            *times(notice, last_completed="Last good backup"),
            *_ended(notice),
        ),
        next_step="Check the billing of your Zoho account. " + step if payment else step,
    )


def _unknown(notice: Notice) -> Content:
    row = notice.row or {}
    what = "state" if row.get("state") else "action"
    return Content(
        f"Zoho reports an unknown {what}",
        f"The backup history has an entry with the {what} “{row.get(what)}”, which Zoho does not document.",
        (*times(notice, when="Reported", last_completed="Last good backup"), *_ended(notice)),
        next_step=f"Open {PAGE} in Zoho CRM and see what became of that backup.",
    )


def _stopped(notice: Notice) -> Content:
    return Content(
        "Backup schedule stopped",
        "Somebody stopped the backup schedule: from now on Zoho CRM makes no backups by itself.",
        times(notice, when="Stopped", last_completed="Last good backup"),
        next_step=f"If that was not intended, set up a new schedule under {PAGE} in Zoho CRM.",
    )


def _scheduled(notice: Notice) -> Content:
    return Content("Backup scheduled", "Somebody set up a backup in Zoho CRM.", times(notice, when="Set up"))


def _purchased(notice: Notice) -> Content:
    count = (notice.row or {}).get("count") or 0
    bought = plural(count, "extra backup") if count else "extra backups"
    return Content("Backups bought", f"Somebody bought {bought} in Zoho CRM.", times(notice, when="Bought"))


def _overdue(notice: Notice) -> Content:
    facts = notice.facts
    still = "Still no" if facts["phase"] == "reminder" else "No"
    if facts["max_age_days"]:
        rule = f"at most {plural(facts['max_age_days'], 'day')} may pass between backups, as set for this notifier"
    elif facts["repeat_type"]:
        days = plural(facts["expected_days"], "day")
        rule = f"the schedule in force repeats {facts['repeat_type']}, so one should complete every {days}"
    else:
        rule = f"no schedule is in force, and without one {plural(facts['expected_days'], 'day')} is the limit"
    return Content(
        f"{still} backup for {elapsed(notice, 'counted_from')}",
        f"A backup is overdue: {rule}, and {plural(facts['grace_hours'], 'hour')} of grace are over.",
        times(notice, last_completed="Last good backup", since="Overdue since"),
        next_step=f"Open {PAGE} in Zoho CRM, check that the schedule is still there, and start a backup now.",
    )


def _stuck(notice: Notice) -> Content:
    lasted = elapsed(notice, "since")
    return Content(
        f"Backup {'still ' if notice.facts['phase'] == 'reminder' else ''}without an outcome for {lasted}",
        "A backup began and Zoho CRM has reported no outcome of any kind; "
        f"{plural(notice.facts['stuck_hours'], 'hour')} is the limit set for this notifier.",
        times(notice, since="Began"),
        next_step=f"Open {PAGE} in Zoho CRM, see whether it still runs, and ask Zoho support if it does not end.",
    )


def _unreadable(notice: Notice) -> Content:
    facts = notice.facts
    cause = CAUSES[facts["cause"]]
    detail: list[Fact] = [("Reported", facts["detail"])] if facts["detail"] else []
    if facts["resolution"]:
        detail.append(("Zoho's advice", facts["resolution"]))
    return Content(
        "The backup history " + ("still cannot be read" if facts["phase"] == "reminder" else "cannot be read"),
        f"{cause.sentence} Until this is mended nobody is watching the backups.",
        (*times(notice, since="Since"), ("For", elapsed(notice, "since")), *detail),
        next_step=cause.next_step,
    )


def _readable(notice: Notice) -> Content:
    return Content(
        "The backup history can be read again",
        f"The watch goes on after {elapsed(notice, 'since')}. What happened meanwhile is told now.",
        times(notice, since="Could not be read since"),
    )


def _channel(notice: Notice) -> Content:
    facts = notice.facts
    name = CHANNELS[facts["channel"]]
    if facts["phase"] == "closed":
        how = "was removed from the configuration" if facts["removed"] else "takes messages again"
        title = f"{name} is " + ("no longer used" if facts["removed"] else "back")
        return Content(title, f"{name} {how}, after {elapsed(notice, 'since')}.", times(notice, since="Broken since"))
    still = "still " if facts["phase"] == "reminder" else ""
    return Content(
        f"{name} {still}refuses messages",
        f"{name} does not take messages any more. They wait for 14 days; what is older is given up.",
        (*times(notice, since="Since"), ("Answer", facts["detail"])),
        next_step=CHANNEL_STEPS[facts["channel"]],
    )


def _digest(notice: Notice) -> Content:
    facts = notice.facts
    outcomes = facts["outcomes"]
    counts = ", ".join(f"{outcomes[kind]} {kind}" for kind in ("completed", "failed", "unknown") if outcomes.get(kind))
    trouble = f" Still open: {', '.join(facts['open'])}." if facts["open"] else ""
    return Content(
        f"Backups: {counts or 'none'} in {elapsed(notice, 'since')}",
        f"The watch is running. Since the last summary: {counts or 'no backup ended'}.{trouble}",
        (
            ("Schedule", facts["repeat_type"] or "none in force"),
            *times(notice, last_completed="Last good backup", next_expected="Next one expected", since="Counted since"),
        ),
    )


def _baseline(notice: Notice) -> Content:
    facts = notice.facts
    outcomes = facts["outcomes"]
    counts = ", ".join(f"{outcomes[kind]} {kind}" for kind in ("completed", "failed", "unknown") if outcomes.get(kind))
    wrong = tuple(_wrong(entry, notice.at) for entry in facts["wrong"])
    return Content(
        "Watching the backups" + (f": {plural(len(wrong), 'problem')} now" if wrong else ", all is well"),
        f"From now on every outcome is told. The past year has {plural(facts['rows'], 'entry', 'entries')} "
        f"({counts or 'no outcomes'}); none of it is told again.",
        (
            ("Schedule", facts["repeat_type"] or "none in force"),
            *times(notice, last_completed="Last good backup", next_expected="Next one expected"),
        ),
        wrong,
        f"Open {PAGE} in Zoho CRM and mend what is wrong." if wrong else "",
    )


def _wrong(entry: Mapping[str, Any], now: datetime) -> str:
    lasted = duration(now - datetime.fromisoformat(entry["since"])) if entry.get("since") else ""
    return {
        "failed": f"The last {plural(entry.get('count', 0), 'backup')} failed, for {lasted}.",
        "overdue": f"A backup is overdue, for {lasted}.",
        "stuck": f"A backup began {lasted} ago and has no outcome.",
        "no_schedule": "No backup schedule is in force: Zoho CRM makes no backups by itself.",
    }[entry["what"]]


def _folded(notice: Notice) -> Content:
    counts = notice.facts["counts"]
    total = sum(counts.values())
    return Content(
        f"{plural(total, 'older message')} in one",
        "So many waited that they were folded: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + ".",
        lines=tuple(
            " · ".join(filter(None, (named["kind"], named["log_time"], named["row_id"])))
            for named in notice.facts["named"]
        ),
        next_step=f"Open {PAGE} in Zoho CRM: its history has all of them.",
    )


def _test(notice: Notice) -> Content:
    return Content(
        "Test message",
        "This is a test: no backup failed, and nothing is to be done. Real messages will reach you here.",
    )


class Kind(NamedTuple):
    """What there is to know of a kind of notice."""

    severity: str
    symbol: str
    describe: Callable[[Notice], Content]


KINDS = {
    "baseline": Kind("info", "👋", _baseline),
    "completed": Kind("info", "✅", _completed),
    "recovered": Kind("info", "✅", _recovered),
    "failed": Kind("critical", "🔴", _failed),
    "unknown": Kind("critical", "❓", _unknown),
    "stopped": Kind("warning", "⏹️", _stopped),
    "scheduled": Kind("info", "🗓️", _scheduled),
    "purchased": Kind("info", "🛒", _purchased),
    "overdue": Kind("critical", "⏰", _overdue),
    "stuck": Kind("critical", "⏳", _stuck),
    "unreadable": Kind("critical", "🚫", _unreadable),
    "readable": Kind("info", "✅", _readable),
    "channel": Kind("critical", "📢", _channel),
    "digest": Kind("info", "📋", _digest),
    "folded": Kind("info", "📚", _folded),
    "test": Kind("info", "🧪", _test),
}
NOTIFIABLE = frozenset(KINDS) - {"baseline", "recovered", "readable", "folded", "test"}
"""What ``NOTIFY_ON`` may name: the others come with one of these, or always."""
SEVERITIES = ("info", "warning", "critical")
