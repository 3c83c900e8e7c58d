"""What the messages of every channel share: titles, lists, remarks, local times, durations, and the plain form."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from handler.causes import CAUSES
from handler.history import parse_time
from handler.message import (
    LATE,
    Recipient,
    bundles,
    list_lines,
    local_time,
    parts,
    reference,
    severity,
    symbol_of,
    text,
    title_of,
)
from handler.outbox import Notice
from handler.wording import SEVERITIES, Content, Fact, capital, duration, highest, plural, shorten
from sandbox.samples import samples
from sandbox.watch import START, Watch
from sandbox.zoho import row

BERLIN = tz.gettz("Europe/Berlin") or UTC
RECIPIENT = Recipient("acme", "Acme Ltd", UTC, "https://crm.zoho.eu", START)
WORDS = Content("🔴", "Backup failed", "Zoho CRM could not back up your data.", next_step="Start one manually.")


def notice(number: int = 0, kind: str = "failed", severity: str = "critical", content: Content = WORDS) -> Notice:
    """Return a notice that is about no row."""
    return Notice(f"acme-{number}", kind, START, ("sns",), severity, content)


# --- one, a few, a list -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (10, [1] * 10), (11, [11]), (100, [100]), (101, [100, 1]), (199, [100, 99])],
    ids=str,
)
def test_more_than_ten_notices_go_as_lists_of_at_most_a_hundred(count: int, sizes: list[int]) -> None:
    """All of them, once each, in order."""
    notices = [notice(number) for number in range(count)]
    assert [len(bundle) for bundle in bundles(notices)] == sizes
    assert [one for bundle in bundles(notices) for one in bundle] == notices


@pytest.mark.parametrize(
    ("of", "symbol", "title"),
    [
        ([("failed", "critical")], "🔴", "Backup failed"),
        ([("completed", "info")] * 2, "📋", "2 messages: 2 completed"),
        ([("completed", "info"), ("stopped", "warning")], "⚠️", "2 messages: 1 completed, 1 schedule turned off"),
        (
            [("stopped", "warning"), ("failed", "critical"), ("failed", "critical")],
            "🔴",
            "3 messages: 1 schedule turned off, 2 failed",
        ),
    ],
    ids=str,
)
def test_a_list_has_its_own_title_and_the_symbol_of_the_most_serious(
    of: list[tuple[str, str]], symbol: str, title: str
) -> None:
    """Alone a notice has its own."""
    notices = [notice(number, *each) for number, each in enumerate(of)]
    assert (symbol_of(notices), title_of(notices)) == (symbol, title)
    assert severity(notices) == highest(each for _, each in of)
    assert reference(notices) == ("acme-0" if len(of) == 1 else f"acme-0-and-{len(of) - 1}-more")


def test_the_highest_severity_wins_and_one_that_nobody_knows_is_the_highest() -> None:
    """Nobody may filter away what another version of this notifier calls urgent."""
    assert [highest(SEVERITIES[:n]) for n in range(4)] == ["info", "info", "warning", "critical"]
    assert highest(["critical", "catastrophic", "info"]) == "catastrophic"


def test_a_list_has_a_line_for_each_with_its_time_and_id_and_says_its_order() -> None:
    """By the time of the row or, where that is unknown or there is no row, of the notice."""
    watch = Watch()
    watch.check()
    watch.log(at=START - timedelta(hours=3), id="4711", state="failure")
    undated = watch.log(id="4712", state="failure")
    undated["log_time"] = None
    watch.check_after(hours=1)
    dated, undated_one = sorted(watch.notices[1:], key=lambda one: one.row.id if one.row else "")
    lines = list(list_lines([dated, notice(), undated_one], BERLIN))
    assert lines == [
        "Oldest first:",
        "02 Mar 2026 08:00 CET (07:00 UTC) · Backup failed · Job ID 4711",
        "02 Mar 2026 11:00 CET (10:00 UTC) · Backup failed",
        "02 Mar 2026 12:00 CET (11:00 UTC) · Backup failed, 2 in a row · Job ID 4712",
    ]


def test_a_notice_has_one_id_on_every_channel_and_every_row_has_its_own() -> None:
    """So that a receiver can drop the one possible duplicate."""
    watch = Watch(notify_on={"failed"})
    watch.check()
    watch.rows = [row(START, state="failure", id=str(number)) for number in range(5)]
    watch.check_after(hours=1)
    ids = [one.notice_id for one in watch.notices[1:]]
    assert len(set(ids)) == len(ids) == 5
    assert all(re.fullmatch(r"default-[\w-]+", notice_id) for notice_id in ids)


# --- the plain form ---------------------------------------------------------------------------------------------------


def test_the_plain_form_of_one() -> None:
    """Each of its parts in its place, an empty line between; what is not there leaves no gap."""
    facts = (Fact("Failed", time=START), Fact("File", "a.zip"))
    whole = WORDS._replace(facts=facts, lines=("One.", "Two."))
    late = RECIPIENT._replace(zone=BERLIN, lost=1, now=START + LATE + timedelta(seconds=1))
    assert text([notice(content=whole)], late).split("\n") == [
        "Acme Ltd: Backup failed",
        "Delayed: written 02 Mar 2026 11:00 CET (10:00 UTC).",
        "⚠️ Lost: 1 earlier message could not be delivered.",
        "",
        "Zoho CRM could not back up your data.",
        "",
        "- One.",
        "- Two.",
        "",
        "Failed: 02 Mar 2026 11:00 CET (10:00 UTC)",
        "File: a.zip",
        "",
        "What to do: Start one manually.",
        "Zoho CRM: https://crm.zoho.eu (Setup > Data Administration > Data Backup)",
        "",
        "Reference: acme-0",
    ]
    shortest = WORDS._replace(next_step="", about_crm=False)
    punctual = RECIPIENT._replace(now=START + LATE)
    assert text([notice(content=shortest)], punctual).split("\n") == [
        "Acme Ltd: Backup failed",
        "",
        "Zoho CRM could not back up your data.",
        "",
        "Reference: acme-0",
    ]


def test_the_plain_form_of_a_list_has_all_of_it() -> None:
    """What a chat refuses with its formatting is sent once more as text, and then counts as accepted."""
    words = text([notice(number) for number in range(100)], RECIPIENT._replace(lost=3))
    first, second, third, fourth, *lines = words.split("\n")
    assert (first, third, fourth) == ("Acme Ltd: 100 messages: 100 failed", "", "Oldest first:")
    assert second == "⚠️ Lost: 3 earlier messages could not be delivered."
    assert lines[:100] == ["02 Mar 2026 10:00 UTC · Backup failed"] * 100
    assert lines[100:] == [
        "",
        "Zoho CRM: https://crm.zoho.eu (Setup > Data Administration > Data Backup)",
        "",
        "Reference: acme-0-and-99-more",
    ]


@pytest.mark.parametrize("number", [1, 11])
def test_how_late_a_list_is_goes_by_its_oldest(number: int) -> None:
    """It waited longest."""
    notices = [notice(n)._replace(at=START + n * timedelta(minutes=1)) for n in range(number)]
    late = RECIPIENT._replace(now=START + timedelta(hours=2))
    assert "\nDelayed: written 02 Mar 2026 10:00 UTC.\n" in text(notices, late)


# --- titles and causes ------------------------------------------------------------------------------------------------


def test_titles_are_short_and_hold_nothing_from_zoho() -> None:
    """Readable on a locked phone; the failure that is not the first says so."""
    titles = {one.content.title for sample in samples() for one in sample.notices}
    assert {"Backup failed", "Backup failed, 3 in a row"} <= titles
    assert [title for title in titles if len(title) > 70] == []
    assert [title for title in titles if re.search("evil|<|HTTP", title)] == []


def test_every_cause_has_words_of_its_own() -> None:
    """A title and a sentence that no other cause has, and a next step."""
    assert all(all((cause.name, cause.title, cause.sentence, cause.next_step)) for cause in CAUSES.values())
    for words in ("name", "title", "sentence"):
        assert len({getattr(cause, words) for cause in CAUSES.values()}) == len(CAUSES)


# --- times, spans, numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "zone", "shown"),
    [
        ("2026-03-29T00:59:59+00:00", "Europe/Berlin", "29 Mar 2026 01:59 CET (00:59 UTC)"),
        ("2026-03-29T01:00:00+00:00", "Europe/Berlin", "29 Mar 2026 03:00 CEST (01:00 UTC)"),
        ("2026-10-25T00:30:00+00:00", "Europe/Berlin", "25 Oct 2026 02:30 CEST (00:30 UTC)"),
        ("2026-10-25T01:30:00+00:00", "Europe/Berlin", "25 Oct 2026 02:30 CET (01:30 UTC)"),
        ("2028-02-29T12:00:00+01:00", "Europe/Berlin", "29 Feb 2028 12:00 CET (11:00 UTC)"),
        ("2026-07-01T12:00:00+00:00", "Europe/London", "01 Jul 2026 13:00 BST (12:00 UTC)"),
        ("2026-01-01T12:00:00+00:00", "Europe/London", "01 Jan 2026 12:00 UTC"),
        ("2026-01-01T12:00:00+05:30", "UTC", "01 Jan 2026 06:30 UTC"),
        ("2026-01-01T12:00:00+00:00", "Asia/Kolkata", "01 Jan 2026 17:30 IST (12:00 UTC)"),
        ("2026-01-01T23:30:00+00:00", "Europe/Berlin", "02 Jan 2026 00:30 CET (01 Jan 23:30 UTC)"),
        ("2026-01-01T03:00:00+00:00", "America/New_York", "31 Dec 2025 22:00 EST (01 Jan 03:00 UTC)"),
    ],
    ids=str,
)
def test_a_time_is_shown_in_the_readers_zone_and_in_utc(time: str, zone: str, shown: str) -> None:
    """On both sides of both changes of clocks; once only where the two are the same, with the day where it differs."""
    assert local_time(datetime.fromisoformat(time), tz.gettz(zone) or UTC) == shown


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["America/New_York", "Asia/Tokyo", "Pacific/Apia"]))
def test_every_time_that_is_read_can_be_shown(time: datetime, zone: str) -> None:
    """From any year: a message that cannot be rendered would wait for ever."""
    if read := parse_time(time.isoformat()):
        assert "UTC" in local_time(read, tz.gettz(zone) or UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (3_599, "59 minutes"),
        (3_600, "1 hour"),
        (7_199, "1 hour"),
        (48 * 3_600 - 1, "47 hours"),
        (48 * 3_600, "2 days"),
        (3 * 86_400 - 1, "2 days"),
        (400 * 86_400, "400 days"),
    ],
    ids=str,
)
def test_a_time_span_is_said_as_people_say_it(seconds: int, shown: str) -> None:
    """In the largest unit that does not round it away."""
    assert duration(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 backups"), (1, "1 backup"), (2, "2 backups"), (3000, "3,000 backups")], ids=str
)
def test_numbers_and_nouns_agree(count: int, shown: str) -> None:
    """One backup, two backups; and a word whose plural has no s."""
    assert plural(count, "backup") == shown
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(2, "entry", "entries") == "2 entries"


def test_a_text_is_cut_at_its_limit_only() -> None:
    """With an ellipsis, within the limit."""
    assert [shorten("abcd", limit) for limit in (5, 4, 3)] == ["abcd", "abcd", "ab…"]
    assert [capital(words) for words in ("", "weekly backup", "Zoho says")] == ["", "Weekly backup", "Zoho says"]
    assert list(parts([1, 2, 3, 4, 5], 2)) == [(1, 2), (3, 4), (5,)]
