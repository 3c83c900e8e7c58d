"""What the messages of every channel share: the plain form, titles, local times, durations."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from dateutil import tz
from hypothesis import example, given
from hypothesis import strategies as st

from handler.codec import from_plain, parse_time, to_plain
from handler.message import LATE, MAX_TOGETHER, Message, Rendering, escape_markdown, local_time
from handler.outbox import Notice
from handler.wording import DOWNLOAD_FIRST, Content, Fact, Line, capital, duration, highest, plural, shorten
from sandbox.watch import START

BERLIN = tz.gettz("Europe/Berlin") or UTC
RENDERING = Rendering("acme", "Acme Ltd", UTC, "https://crm.zoho.eu", START + LATE)
WORDS = Content("🔴", "Backup failed", "Zoho CRM could not back up your data.", next_step="Start one manually.")


def message(*contents: Content) -> Message:
    """Return a message of notices that say this."""
    made = (Notice(f"acme-{number}", "failed", START, (), "critical", one) for number, one in enumerate(contents))
    return Message(tuple(made), RENDERING)


@pytest.mark.parametrize(
    ("left", "shown", "step"),
    [
        (timedelta(hours=34, minutes=59), "until 03 Mar 2026 23:00 CET (22:00 UTC) (34 hours left)", DOWNLOAD_FIRST),
        (timedelta(seconds=1), "until 03 Mar 2026 23:00 CET (22:00 UTC) (less than a minute left)", DOWNLOAD_FIRST),
        (timedelta(0), "links expired 03 Mar 2026 23:00 CET (22:00 UTC)", ""),
        (timedelta(days=-9), "links expired 03 Mar 2026 23:00 CET (22:00 UTC)", ""),
    ],
)
def test_what_is_left_of_the_last_copy_is_worded_when_it_is_sent(left: timedelta, shown: str, step: str) -> None:
    """From what the item keeps; so is the advice to download it."""
    until = START + timedelta(hours=36)
    facts = (Fact("Failed", time=START), Fact("Last copy at Zoho", links_until=until))
    words = WORDS._replace(facts=facts, next_step=f"Look. {DOWNLOAD_FIRST}Start one manually.")
    kept = from_plain(json.loads(json.dumps(to_plain(message(words).notices[0]))), Notice)
    rendering = RENDERING._replace(zone=BERLIN, now=until - left)
    sent = rendering.as_sent(kept)
    assert f"\nLast copy at Zoho: {shown}\n" in rendering.text(sent)
    assert sent.content.next_step == f"Look. {step}Start one manually."


@pytest.mark.parametrize(
    ("severity", "url", "more"),
    [
        ("critical", "https://x.example/r.md", " More help: https://x.example/r.md#failed"),
        ("critical", "docs/runbook.md", ""),
        ("warning", "https://x.example/r.md", ""),
    ],
)
def test_a_critical_message_links_to_its_section_of_the_runbook(severity: str, url: str, more: str) -> None:
    """Where the operator's people can open it."""
    notice = message(WORDS).notices[0]._replace(severity=severity)
    sent = RENDERING._replace(runbook_url=url).as_sent(notice)
    assert sent.content.next_step == f"Start one manually.{more}"
    assert RENDERING.remarks(notice) == [], "it is not late yet"


@given(st.lists(st.integers(1, 3 * MAX_TOGETHER), max_size=40))
@example([1] * (2 * MAX_TOGETHER + 1))
def test_pending_notices_are_split_into_as_few_messages_as_fit(sizes: list[int]) -> None:
    """In their order, none twice and none left out; what does not fit even alone is alone."""

    def fits(one: Message) -> bool:
        return sum(len(notice.content.title) for notice in one.notices) <= 2 * MAX_TOGETHER

    pending = message(*(WORDS._replace(title="x" * size) for size in sizes))
    made = list(pending.split(fits))
    assert [notice for one in made for notice in one.notices] == list(pending.notices)
    assert all(fits(one) or len(one.notices) == 1 for one in made)
    assert all(len(one.notices) <= MAX_TOGETHER for one in made)
    for one, following in pairwise(made):
        longer = one.of(*one.notices, following.notices[0])
        assert not fits(longer) or len(longer.notices) > MAX_TOGETHER


@pytest.mark.parametrize("room", [1, 2, 5, 60])
@pytest.mark.parametrize("count", [2, 3, 4, 7, 8, 100])
def test_a_list_that_does_not_fit_counts_its_oldest_lines(count: int, room: int) -> None:
    """Down to its newest line and that count, which is all that a channel can get where even that does not fit."""
    pending = message(WORDS._replace(lines=tuple(Line(f"Line {number}.") for number in range(count))))
    tries = iter(range(100))
    (made,) = pending.split(lambda one: next(tries) > 90 or len(one.notices[0].content.lines) <= room)
    shown = [line.text for line in made.notices[0].content.lines]
    assert made.ids == pending.ids
    if count <= max(2, room):
        assert made == pending
    else:
        left_out = count - len(shown) + 1
        older = f"{left_out} older lines left out here"
        assert shown == [older, *(f"Line {number}." for number in range(left_out, count))]
        assert room * 3 // 4 <= len(shown) <= max(2, room)


@pytest.mark.parametrize(
    ("time", "zone", "shown"),
    [
        ("2026-03-29T00:59:59+00:00", "Europe/Berlin", "29 Mar 2026 01:59 CET (00:59 UTC)"),
        ("2026-03-29T01:00:00+00:00", "Europe/Berlin", "29 Mar 2026 03:00 CEST (01:00 UTC)"),
        ("2026-10-25T00:30:00+00:00", "Europe/Berlin", "25 Oct 2026 02:30 CEST (00:30 UTC)"),
        ("2026-10-25T01:30:00+00:00", "Europe/Berlin", "25 Oct 2026 02:30 CET (01:30 UTC)"),
        ("2026-01-01T12:00:00+00:00", "Europe/London", "01 Jan 2026 12:00 UTC"),
        ("2026-01-01T12:00:00+05:30", "UTC", "01 Jan 2026 06:30 UTC"),
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
        *((-5, "less than a minute"), (59, "less than a minute"), (60, "1 minute"), (3_599, "59 minutes")),
        *((3_600, "1 hour"), (7_199, "1 hour"), (48 * 3_600 - 1, "47 hours"), (48 * 3_600, "2 days")),
        *((3 * 86_400 - 1, "2 days"), (400 * 86_400, "400 days")),
    ],
    ids=str,
)
def test_a_time_span_is_said_as_people_say_it(seconds: int, shown: str) -> None:
    """In the largest unit that does not round it away."""
    assert duration(timedelta(seconds=seconds)) == shown


def test_small_words() -> None:
    """Numbers and nouns agree; a text is cut at its limit only; what nobody knows is the most serious."""
    assert [plural(count, "backup") for count in (0, 1, 2, 3000)] == [
        "0 backups",
        "1 backup",
        "2 backups",
        "3,000 backups",
    ]
    assert [plural(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]
    assert [shorten("abcd", limit) for limit in (5, 4, 3)] == ["abcd", "abcd", "ab…"]
    ours = "Ask it@it.example, https://it.example (`make x ORG=a_b`). _d_"
    assert escape_markdown(ours, ours=True) == "Ask it@it.example, https://it.example ('make x ORG=a_b'). ＿d＿"  # noqa: RUF001
    assert [capital(words) for words in ("", "weekly backup", "Zoho says")] == ["", "Weekly backup", "Zoho says"]
    assert [highest(some) for some in ([], ["info", "warning"], ["critical", "odd", "info"])] == [
        "info",
        "warning",
        "odd",
    ]
