"""The reference's table "What is sent when, and how often again" says what the code does."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from handler.config import BY_DEFAULT, NOTIFIABLE
from handler.incidents import INCIDENTS, broken_channel, unreadable
from handler.wording import SEVERITIES
from sandbox.samples import samples

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
NOTICES = [notice for sample in samples() for notice in sample.notices]
COMES_ALONG = {"baseline", "recovered", "readable", "test", "list", "lost"}
"""Kinds that nobody has to ask for."""


def table() -> dict[str, list[str]]:
    """Return kind → severity, when, reminders, end, as the table has them."""
    section = REFERENCE.read_text().split("## What is sent when, and how often again")[1].split("\n- ")[0]
    rows: dict[str, list[str]] = {}
    for line in re.findall(r"^\| `.*", section, re.MULTILINE):
        kinds, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows |= dict.fromkeys(re.findall(r"`(\w+)`", kinds), cells)
    return rows


TABLE = table()


def test_it_has_every_kind_and_no_other() -> None:
    """What NOTIFY_ON may name, and what comes along; and it says which are off by default."""
    assert TABLE.keys() == NOTIFIABLE | COMES_ALONG
    assert {kind for kind, cells in TABLE.items() if "off by default" in cells[1]} == NOTIFIABLE - {*BY_DEFAULT}


@pytest.mark.parametrize("kind", TABLE)
def test_its_severities_are_those_of_the_notices(kind: str) -> None:
    """But for ends, which are `info`; baseline and digest take the highest of what is wrong."""
    promised = set(re.findall(r"`(\w+)`", TABLE[kind][0])) & set(SEVERITIES)
    sent = {notice.severity for notice in NOTICES if notice.kind == kind and (notice.phase != "ended" or not promised)}
    sent |= {n.severity for n in NOTICES if n.kind == kind and kind in {"recovered", "readable", "scheduled"}}
    if "highest" in TABLE[kind][0]:
        assert sent == set(SEVERITIES), "samples of each"
    else:
        assert sent == promised


def test_reminders_and_ends_are_those_of_the_incidents() -> None:
    """Whatever lasts is reminded of, and its end has the kind that the table names; or the history is another one."""
    lasting = {*(kind.kind for kind in INCIDENTS), unreadable.KIND, broken_channel.KIND}
    assert {kind for kind, cells in TABLE.items() if cells[2].startswith("yes")} == lasting
    ends: dict[str, set[str]] = defaultdict(set)
    kinds = {**{kind.name: kind.kind for kind in INCIDENTS}, "unreadable": "unreadable", "stopped": "stopped"}
    for notice in NOTICES:
        for ref in notice.ends:
            ends[kinds.get(ref.name, "channel")].add(notice.kind)
    for kind, found in ends.items():
        assert found - {"baseline"} <= set(re.findall(r"`(\w+)`", TABLE[kind][3])), kind
