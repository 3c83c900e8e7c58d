"""Stories about one organisation, line by line: a history and a clock in, notices out.

A check is a line: how long until it, what is logged before it (or why it cannot read), what it sends, what the last of
these notices tells. ``@3h`` is three hours after the start, ``-`` is nothing::

    before | scheduled/monthly@-60d, completed@-1d
    with   | notify_on=failed stuck, remind_hours=0
    1h     | failed          | failed opened   | Failing since: @0h | opens: failing@0h
    24h    |                 | failed reminder
    1h     | timeout         |
    open   | failing

``before`` is what the baseline finds, ``with`` are settings, also new ones, ``becomes`` changes the last row in place,
``gone`` takes the first rows (or, below zero, the last) out of the history, ``other`` shows these rows in place of all
(without any: those that were shown before), and ``open`` names the incidents that last.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from handler import errors
from handler.errors import UnreadableError
from handler.outbox import Notice
from sandbox.watch import START, Raw, Watch
from sandbox.zoho import row

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
REVOKED = UnreadableError(errors.REVOKED_TOKEN, "invalid_code")
NO_PERMISSION = UnreadableError(errors.NO_PERMISSION, "HTTP 403")
TIMEOUT = UnreadableError(errors.TRANSIENT, "timeout")
SHAPE = UnreadableError(errors.UNUSABLE, "The answer is odd.")
STATUS = UnreadableError(errors.REFUSED, "Zoho answered HTTP 403")

WORDS: dict[str, Raw] = {
    "completed": {"state": "completed"},
    "failed": {"state": "failure"},
    "odd": {"state": "paused"},
    "started": {"action": "initiated"},
    "begun": {},
    "undated": {"log_time": None},
    "ended": {"log_time": None, "state": "completed"},
    "running": {"state": "IN_PROGRESS"},
    "planned": {"state": "scheduled"},
    "unset": {"state": "scheduled", "log_time": None},
    "stopped": {"action": "stopped"},
    "bought": {"action": "purchased"},
    "scheduled": {"action": "scheduled"},
    "SCHEDULED": {"action": "SCHEDULED"},
    "resumed": {"action": "resumed"},
}
"""What a row of a story is called."""
PROBLEMS = {"revoked": REVOKED, "forbidden": NO_PERMISSION, "timeout": TIMEOUT, "shape": SHAPE, "status": STATUS}
UNITS = {"d": DAY, "h": HOUR, "m": timedelta(minutes=1), "s": SECOND}


def rows(cell: str) -> list[Raw]:
    """Return rows as a story names them; their ids grow in the order given."""
    return [row(fields.pop("at", None), **fields) for fields in _fields(cell)]


def said(notices: Sequence[Notice]) -> str:
    """Return the kind of each notice, and its phase if it is about an incident."""
    return ", ".join(one.kind if one.phase == "news" else f"{one.kind} {one.phase}" for one in notices)


def told(notice: Notice) -> dict[str, Any]:
    """Return what a notice tells: its facts by their labels, and what else a story may want to know."""
    content = notice.content
    told = {"Was due": content.time} if content.time else {}
    return (
        told
        | {fact.label: fact.links_until or fact.time or fact.text for fact in content.facts}
        | {
            "title": content.title,
            "sentence": content.sentence,
            "step": content.next_step,
            "lines": list(content.lines),
            "severity": notice.severity,
            "weight": notice.audience_severity,
            "for": " ".join(notice.pending_for),
            "opens": {ref.name: ref.since for ref in notice.opens},
            "ends": {ref.name: ref.since for ref in notice.ends},
        }
    )


def tell(story: str) -> Watch:
    """Check at the start, live through a story, and return the watch at its end."""
    lines = [line.strip() for line in story.strip().splitlines()]
    head: dict[str, str] = {}
    while lines[0].startswith(("before", "with")):
        what, cell, *_ = _cells(lines.pop(0))
        head[what] = cell
    watch = Watch(rows(head.get("before", "")), **{"digest_days": 0, **_settings(head.get("with", ""))})
    watch.check()
    play(watch, *lines)
    return watch


def play(watch: Watch, *lines: str) -> None:
    """Live through some lines of a story."""
    before: list[Raw] = []
    for line in lines:
        what, cell, sent, *tells = _cells(line)
        if what == "with":
            watch.policy = watch.policy._replace(**_settings(cell))
        elif what == "becomes":
            watch.rows[-1] |= {"state": None, "action": None, **WORDS[cell]}
        elif what == "gone":
            del watch.rows[slice(0, int(cell)) if int(cell) > 0 else slice(int(cell), None)]
        elif what == "other":
            watch.rows, before = rows(cell) or before, watch.rows
        elif what == "open":
            assert set(watch.memory.incidents) == set(cell.split())
        else:
            _check(watch, line, _span(what), cell, sent, dict(map(_tells, filter(None, tells))))


def _check(watch: Watch, line: str, span: timedelta, cell: str, sent: str, tells: dict[str, Any]) -> None:
    problem = PROBLEMS.get(cell)
    for fields in () if problem else _fields(cell):
        watch.log(**fields)
    watch.check_at(watch.now + span, problem)
    notices = watch.decision.notices
    assert said(notices) == sent, f"{line}: {said(notices)}"
    found = told(notices[-1]) if tells else {}
    assert {label: found.get(label) for label in tells} == tells, line


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in f"{line}||".split("|")]


def _settings(cell: str) -> dict[str, Any]:
    pairs = [setting.split("=") for setting in cell.split(", ") if setting]
    return {name: int(value) if value.isdigit() else frozenset(value.split()) for name, value in pairs}


def _fields(cell: str) -> list[Raw]:
    found = []
    for word in filter(None, cell.strip(", ").split(", ")):
        named, _, when = word.partition("@")
        name, _, repeat_type = named.partition("/")
        more = {"repeat_type": None if repeat_type == "none" else repeat_type} if repeat_type else {}
        found.append({**WORDS[name], **more, **({"at": START + _span(when)} if when else {})})
    return found


def _tells(cell: str) -> tuple[str, Any]:
    label, _, value = (part.strip() for part in cell.partition(":"))
    if label in {"opens", "ends"}:
        refs = [ref.partition("@") for ref in value.split()]
        return label, {name: START + _span(since) for name, _, since in refs}
    if value.startswith("@"):
        return label, START + _span(value[1:])
    return label, None if value == "-" else value


def _span(text: str) -> timedelta:
    return float(text[:-1]) * UNITS[text[-1]]
