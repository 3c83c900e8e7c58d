"""What each kind of notice says, in words for the person who reads it. Pure.

A title can be read on a locked phone and holds nothing from Zoho. What comes from Zoho stands in sentences and facts,
which the renderers never interpret. To add a kind: a function like these, and its line in `KINDS`. What is not
about a row is in ``incident_texts``.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from handler import incident_texts
from handler.memory import Notice
from handler.wording import PAGE, Content, Fact, duration, elapsed, plural, times

DOWNLOAD_DAYS = 7
"""https://www.zoho.com/crm/developer/docs/api/v7/get-download-url.html: links live seven days."""


def describe(notice: Notice) -> Content:
    """Return what a notice says; where it cannot be put into words, what is known."""
    try:
        return _described(notice)
    except Exception:  # noqa: BLE001 - one notice without words must not silence all others, on every channel
        return _unworded(notice)


def _described(notice: Notice) -> Content:
    content = KINDS[notice.kind].describe(notice)
    facts = (*content.facts, *_ended(notice))
    if notice.row:
        facts += _row_facts(notice.row)
    if strip := notice.facts.get("strip"):
        facts += (("Last outcomes", " ".join(STRIP.get(letter, "?") for letter in strip)),)
    if count := notice.facts.get("set_aside"):
        text = f"{plural(count, 'earlier message')} could not be delivered and never will be; make status shows which"
        facts += ((GIVEN_UP, text),)
    return Content(content.title, content.sentence, facts, content.lines, content.next_step)


GIVEN_UP = "Given up"
STRIP = {"c": "✓", "f": "✗"}


def _row_facts(row: Mapping[str, Any]) -> tuple[Fact, ...]:
    labels = {"done_by": "By", "repeat_type": "Repeats", "file_name": "File", "id": "Job id"}
    shown = {**row, "repeat_type": "no (immediate)"} if row.get("repeat_type") == "immediate" else row
    return tuple((label, str(shown[field])) for field, label in labels.items() if shown.get(field))


def _who(notice: Notice) -> str:
    return str((notice.row or {}).get("done_by") or "Somebody")


def _ended(notice: Notice) -> tuple[Fact, ...]:
    """Return what this outcome ends, if anything."""
    texts = []
    for end in notice.facts.get("ends", ()):
        lasted = duration(notice.at - datetime.fromisoformat(end["since"]))
        count = end.get("count", 0)
        about = {
            "failed": f"{count} failed backups in a row, over {lasted}" if count > 1 else "a failed backup",
            "overdue": f"a backup overdue for {lasted}",
            "stuck": f"a backup unfinished for {lasted}",
        }
        texts.append(about[end["what"]])
    return (("This ends", "; ".join(texts)),) if texts else ()


def _completed(notice: Notice) -> Content:
    download, step = _download(notice)
    return Content(
        "Backup completed",
        "Zoho CRM completed a backup.",
        (*times(notice, when="Completed", last_completed="The backup before"), download),
        next_step=step,
    )


def _recovered(notice: Notice) -> Content:
    download, step = _download(notice)
    return Content(
        "Backups work again",
        "Zoho CRM completed a backup: the trouble before it is over.",
        (*times(notice, when="Completed", last_completed="Last good backup before"), download),
        next_step=step,
    )


def _download(notice: Notice) -> tuple[Fact, str]:
    """Return until when the files can be downloaded, and what to do about it."""
    expiry = notice.facts.get("download_until")
    if expiry:
        until = datetime.fromisoformat(expiry)
    else:
        until = datetime.fromisoformat(notice.facts["when"]) + timedelta(days=DOWNLOAD_DAYS)
    if until <= notice.at:
        return ("Could be downloaded until", until), ""
    step = "If you keep copies outside Zoho, download the files in time: afterwards Zoho deletes them."
    return ("Download until", until), step


def _failed(notice: Notice) -> Content:
    count = notice.facts["in_a_row"]
    payment = str((notice.row or {}).get("state")).casefold() == "payment_failed"
    why = ": the payment for the backup failed" if payment else ""
    known = notice.facts["last_completed"]
    good = f"The last good backup is {elapsed(notice, 'last_completed')} old." if known else "No good backup is known."
    step = f"Open {PAGE} in Zoho CRM, start a backup by hand, and ask Zoho support if that fails, too."
    return Content(
        "Backup failed" if count < 2 else f"Backup failed, {count} in a row",
        f"Zoho CRM could not back up your data{why}. {good}",
        (
            *times(notice, when="Failed"),
            ("Failures in a row", str(count)),
            *(times(notice, since="Failing since") if count > 1 else ()),
            *times(notice, last_completed="Last good backup"),
        ),
        next_step="Check the billing of your Zoho account. " + step if payment else step,
    )


def _unknown(notice: Notice) -> Content:
    row = notice.row or {}
    what = "state" if row.get("state") else "action"
    open_question = "whether that backup is good" if what == "state" else "what was done"
    return Content(
        f"Unknown {what} in the backup history",
        f"The backup history has an entry with the {what} “{row.get(what)}”, which Zoho does not document: "
        f"only a person can tell {open_question}.",
        times(notice, when="Reported", last_completed="Last good backup"),
        next_step=f"Open {PAGE} in Zoho CRM and see {open_question}.",
    )


def _stopped(notice: Notice) -> Content:
    return Content(
        "Backup schedule stopped",
        f"{_who(notice)} stopped the backup schedule: Zoho CRM makes no more backups by itself.",
        times(notice, when="Stopped", last_completed="Last good backup"),
        next_step=f"If that was not intended, set up a new schedule under {PAGE} in Zoho CRM.",
    )


def _scheduled(notice: Notice) -> Content:
    sentence = f"{_who(notice)} scheduled a backup in Zoho CRM."
    return Content("Backup scheduled", sentence, times(notice, when="Scheduled"))


def _purchased(notice: Notice) -> Content:
    count = (notice.row or {}).get("count") or 0
    bought = plural(count, "extra backup") if count else "extra backups"
    title = "Extra backup bought" if count == 1 else "Extra backups bought"
    return Content(title, f"{_who(notice)} bought {bought} in Zoho CRM.", times(notice, when="Bought"))


def _folded(notice: Notice) -> Content:
    counts, named = notice.facts["counts"], notice.facts["named"]
    total = sum(counts.values())
    more = (f"and {total - len(named):,} more",) if total > len(named) else ()
    return Content(
        f"{plural(total, 'older message')} in one",
        "Too many messages were waiting, so the oldest are summed up here: "
        + ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        + ".",
        lines=(*map(_folded_line, named), *more),
        next_step=f"Open {PAGE} in Zoho CRM: its history has all of them.",
    )


def _folded_line(named: Mapping[str, Any]) -> str:
    at = named["log_time"] and f"{datetime.fromisoformat(named['log_time']):%d %b %Y %H:%M} UTC"
    return " · ".join(filter(None, (at, named["kind"], named["row_id"] and f"job id {named['row_id']}")))


def _test(notice: Notice) -> Content:
    return Content(
        "Test message",
        "This is a test: no backup failed, and nothing is to be done. Real messages will reach you here.",
    )


def _unworded(notice: Notice) -> Content:
    """Return the facts as they are: another version may have written the notice, or this one has a mistake."""
    return Content(
        f"A message of the kind {notice.kind}",
        "This notifier has something to tell, and no words for it: below is what it knows.",
        (
            *((name, json.dumps(value, ensure_ascii=False)[:UNWORDED_LENGTH]) for name, value in notice.facts.items()),
            *_row_facts(notice.row or {}),
        ),
        next_step=f"Open {PAGE} in Zoho CRM and see how the backups are. Please report this message as a mistake.",
    )


UNWORDED_LENGTH = 200


class Kind(NamedTuple):
    """What there is to know of a kind of notice."""

    severity: str
    symbol: str
    describe: Callable[[Notice], Content]


KINDS = {
    "baseline": Kind("info", "👋", incident_texts.baseline),
    "completed": Kind("info", "✅", _completed),
    "recovered": Kind("info", "✅", _recovered),
    "failed": Kind("critical", "🔴", _failed),
    "unknown": Kind("critical", "❓", _unknown),
    "stopped": Kind("warning", "⏹️", _stopped),
    "scheduled": Kind("info", "🗓️", _scheduled),
    "purchased": Kind("info", "🛒", _purchased),
    "overdue": Kind("critical", "⏰", incident_texts.overdue),
    "stuck": Kind("critical", "⏳", incident_texts.stuck),
    "unreadable": Kind("critical", "🚫", incident_texts.unreadable),
    "readable": Kind("info", "✅", incident_texts.readable),
    "channel": Kind("critical", "📢", incident_texts.channel),
    "digest": Kind("info", "📋", incident_texts.digest),
    "folded": Kind("info", "📚", _folded),
    "test": Kind("info", "🧪", _test),
}
UNKNOWN_KIND = Kind("critical", "❓", _unworded)
NOTIFIABLE = frozenset(KINDS) - {"baseline", "recovered", "readable", "folded", "test"}
"""What ``NOTIFY_ON`` may name: the others come with one of these, or always."""
ELSEWHERE = frozenset({"channel", "test"})
"""Kinds about something else than Zoho CRM, to which a link there is no help."""
SEVERITIES = ("info", "warning", "critical")


def kind_of(name: str) -> Kind:
    """Return what there is to know of a kind, also of one that this version does not have."""
    return KINDS.get(name, UNKNOWN_KIND)
