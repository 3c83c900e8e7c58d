"""What messages say and carry: words for everything, attributes for programs, lists when there is much to say."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dateutil import tz
from handler.slack import posts
from handler.texts import KINDS, NOTIFIABLE, describe
from hypothesis import given
from hypothesis import strategies as st
from tests.stories import DAY, READER, STORIES, Json, late, many, news, texts_of, unescape

import handler
from handler.causes import CAUSES
from handler.decision import ALWAYS_TOLD
from handler.errors import UnreadableError
from handler.history import parse_time
from handler.memory import Notice, enqueue
from handler.message import local_time, mails, severity
from handler.rules import ACTIONS, STATES
from handler.wording import duration, plural
from tests.world import START

# What there must be words for


def kinds_in_code() -> set[str]:
    """Return each kind that any module of the handler tells, or makes a notice of, by name."""
    found: set[str] = set()
    for file in Path(handler.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            argument = {"tell": 0, "Notice": 1, "set_incident": 0}.get(name)
            if argument is not None and len(node.args) > argument:
                texts = ast.walk(node.args[argument])
                found |= {
                    text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)
                }
    return found


def test_every_kind_that_is_told_anywhere_has_texts_and_every_text_is_told() -> None:
    """Also what rows are classified as, and the incidents, whose kind is the first part of their name."""
    from_rows = {*STATES.values(), *ACTIONS.values(), "unknown"} - {"started"}
    told = {kind for kind in kinds_in_code() if re.fullmatch("[a-z]+", kind)} | from_rows
    assert told - KINDS.keys() == set(), "told, and without a line in KINDS of texts.py"
    assert KINDS.keys() - told - {"completed"} == set(), "in KINDS, and told by neither rules.py nor incidents.py"
    assert "completed" in KINDS
    assert set(KINDS) >= NOTIFIABLE | ALWAYS_TOLD


def unreadable_kinds(kind: type[UnreadableError] = UnreadableError) -> Iterator[type[UnreadableError]]:
    """Yield every exception that says that the history cannot be read."""
    yield kind
    for narrower in kind.__subclasses__():
        yield from unreadable_kinds(narrower)


def test_every_cause_has_words_of_its_own() -> None:
    """A sentence and a next step that no other cause has."""
    ours = {kind.cause for kind in unreadable_kinds() if kind.__module__ == UnreadableError.__module__}
    assert set(CAUSES) == ours
    for number in range(len(next(iter(CAUSES.values())))):
        texts = [cause[number] for cause in CAUSES.values()]
        assert all(texts)
    assert len({cause.sentence for cause in CAUSES.values()}) == len(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_is_told_with_its_sentence_its_step_and_what_zoho_advises(cause: str) -> None:
    """In both channels, in full."""
    since = START.isoformat()
    facts = {"cause": cause, "detail": "what was seen", "resolution": "what Zoho advises", "since": since}
    for phase in ("opened", "changed", "reminder"):
        notice = Notice("n", "unreadable", START + DAY, ("sns",), facts={**facts, "phase": phase})
        (mail,), (post,) = mails([notice], READER), posts([notice], READER)
        slack = "\n".join(unescape(text) for _, text in texts_of(post.payload["blocks"]))
        for text in (CAUSES[cause].sentence, CAUSES[cause].next_step, "what was seen", "what Zoho advises"):
            assert text in mail.text
            assert text in slack


SEVERITIES = {
    **dict.fromkeys(("failed", "overdue", "stuck", "unreadable", "unknown", "channel"), "critical"),
    "stopped": "warning",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_severity_of_a_kind(kind: str) -> None:
    """Design section 6; of several the highest, and what is folded counts."""
    own = SEVERITIES.get(kind, "info")
    notice = Notice("n", kind, START, ("sns",))
    assert severity([notice]) == own, "SEVERITIES of this file"
    assert severity([Notice("n", "stopped", START, ()), notice]) == ("critical" if own == "critical" else "warning")
    assert severity([Notice("n", "folded", START, (), facts={"counts": {"completed": 2, kind: 1}})]) == own


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("from-another-version", {}), ("failed", {}), ("completed", {"when": 5}), ("stopped", {"strip": 5})],
)
def test_what_cannot_be_put_into_words_is_told_as_it_is(kind: str, facts: Json) -> None:
    """Alone and in a list: what is known, the row's id, and what to do."""
    notice = Notice("acme-x", kind, START, ("sns",), row={"id": "487"}, facts={"why": "<!channel> €", **facts})
    (mail,), (post,) = mails([notice], READER), posts([notice], READER)
    shown = unescape("".join(text for _, text in texts_of(post.payload["blocks"])))
    for text in (mail.text, shown):
        assert f"A message of the kind {kind}" in text
        assert '"<!channel> €"' in text
        assert "487" in text
        assert "Please report this message" in text
    assert ("plain_text", '"<!channel> €"') in texts_of(post.payload["blocks"]), "so that nobody is mentioned"
    assert (mail.attributes["kind"], mail.attributes["row_id"]) == (kind, "487")
    assert "487" in mails([notice] * 11, READER)[0].text
    assert severity([Notice("n", "from-another-version", START, ())]) == "critical"


# Attributes


def test_the_attributes_of_one_notice() -> None:
    """For filter policies and programs: all texts, those of the row only where there are any."""
    (failed,) = mails(news({"state": "FAILURE", "repeat_type": "Weekly"}), READER)
    assert failed.attributes == {
        "org": "acme",
        "kind": "failed",
        "severity": "critical",
        "notice_id": failed.notices[0].notice_id,
        "row_id": "4876876000001594010",
        "state": "FAILURE",
        "log_time": "2026-03-02T10:00:00+00:00",
        "repeat_type": "weekly",
    }
    (stopped,) = mails(news({"action": "stopped", "id": None, "log_time": None, "repeat_type": None}), READER)
    assert set(stopped.attributes) == {"org", "kind", "severity", "notice_id"}
    (overdue,) = mails(late(days=1.5)[:1], READER)
    assert set(overdue.attributes) == {"org", "kind", "severity", "notice_id"}
    (stuck,) = mails(late({"action": "initiated"}, days=1)[:1], READER)
    assert set(stuck.attributes) == {*("org", "kind", "severity", "notice_id", "row_id", "log_time", "repeat_type")}


def test_a_notice_has_one_id_in_every_channel() -> None:
    """So that a receiver can drop the one possible duplicate."""
    notices = many(4)
    for notice, mail in zip(notices, mails(notices, READER), strict=True):
        assert mail.attributes["notice_id"] == notice.notice_id
        assert notice.notice_id in mail.text
    (post,) = posts(notices, READER)
    shown = "\n".join(text for _, text in texts_of(post.payload["blocks"]))
    assert all(notice.notice_id in shown for notice in notices)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (10, [1] * 10), (11, [11]), (100, [100]), (101, [100, 1]), (199, [100, 99])],
    ids=str,
)
def test_more_than_ten_notices_go_as_lists_of_at_most_a_hundred(count: int, sizes: list[int]) -> None:
    """All of them, once each, in order; kinds and row ids in the order of the list, the severity the highest."""
    notices = many(count)
    assert len(notices) == count
    messages = mails(notices, READER)
    assert [len(mail.notices) for mail in messages] == sizes
    assert [notice for mail in messages for notice in mail.notices] == notices
    for mail in messages:
        ids = [notice.row["id"] if notice.row else "" for notice in mail.notices]
        if len(mail.notices) > 1:
            assert mail.attributes["kind"] == [notice.kind for notice in mail.notices]
            assert mail.attributes["row_id"] == ids
            assert mail.attributes["severity"] == "critical"
            assert set(mail.attributes) == {"org", "kind", "row_id", "severity", "notice_id"}
        assert all(row_id in mail.text for row_id in ids)
    told = [notice for post in posts(notices, READER) for notice in post.notices]
    assert told == notices
    assert len(posts(notices, READER)) == {1: 1, 10: 2}.get(count, len(sizes))  # ten are more than fifty blocks


def test_the_list_of_a_folded_entry_is_shown_in_full_beside_other_lists() -> None:
    """Its counts and its first hundred names reach people, although more than ten notices are owed."""
    outbox = enqueue((), many(320))
    assert outbox[0].kind == "folded"
    names = [entry["row_id"] for entry in outbox[0].facts["named"]]
    assert len(names) == 100
    for texts in (
        [mail.text for mail in mails(outbox, READER)],
        ["\n".join(text for _, text in texts_of(post.payload["blocks"])) for post in posts(outbox, READER)],
    ):
        everything = "\n".join(texts)
        assert all(name in everything for name in names)
        assert f"{outbox[0].facts['counts']['failed']} failed" in everything
    assert [notice for mail in mails(outbox, READER) for notice in mail.notices] == list(outbox)
    assert [notice for post in posts(outbox, READER) for notice in post.notices] == list(outbox)


@pytest.mark.parametrize("count", [1, 12], ids=["one", "list"])
def test_what_was_given_up_is_told_also_in_a_list(count: int) -> None:
    """The count stands in whatever carries it, in both channels."""
    notices = many(count)
    notices[0] = replace(notices[0], facts={**notices[0].facts, "set_aside": 3})
    given_up_text = "3 earlier messages could not be delivered"
    assert given_up_text in mails(notices, READER)[0].text
    (post,) = posts(notices, READER)
    assert given_up_text in "\n".join(text for _, text in texts_of(post.payload["blocks"]))
    assert given_up_text in post.plain["text"]


def test_the_plain_form_of_a_long_list_has_all_of_it() -> None:
    """What Slack refuses with blocks is sent once more as text, and then counts as told."""
    (post,) = posts(many(100), READER)
    for notice in post.notices:
        assert notice.row is not None
        assert notice.row["id"] in post.plain["text"]


# Words


@pytest.mark.parametrize(
    ("time", "zone", "text"),
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
    ],
    ids=str,
)
def test_a_time_is_shown_in_the_readers_zone_and_in_utc(time: str, zone: str, text: str) -> None:
    """On both sides of both changes of clocks; once only where the two are the same."""
    assert local_time(datetime.fromisoformat(time), tz.gettz(zone) or UTC) == text


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["America/New_York", "Asia/Tokyo", "Pacific/Apia"]))
def test_every_time_that_is_read_can_be_shown(time: datetime, zone: str) -> None:
    """From any year: a message that cannot be rendered would wait for ever."""
    read = parse_time(time.isoformat())
    if read and read < datetime(9999, 12, 31, tzinfo=UTC):
        assert "UTC" in local_time(read, tz.gettz(zone) or UTC)


def test_slack_shows_each_reader_their_own_time() -> None:
    """A date in Slack's own form, with UTC for those whose client cannot."""
    (post,) = posts(news({"state": "failure"}), READER)
    stamp = int(START.timestamp())
    expected = f"<!date^{stamp}^{{date_short_pretty}} {{time}}|02 Mar 2026 10:00 UTC>"
    assert ("mrkdwn", expected) in list(texts_of(post.payload["blocks"]))


@pytest.mark.parametrize(
    ("seconds", "text"),
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
def test_a_time_span_is_said_as_people_say_it(seconds: int, text: str) -> None:
    """In the largest unit that does not round it away."""
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 backups"), (1, "1 backup"), (2, "2 backups"), (3000, "3,000 backups")], ids=str
)
def test_numbers_and_nouns_agree(count: int, text: str) -> None:
    """One backup, two backups; and a word whose plural has no s."""
    assert plural(count, "backup") == text
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(2, "entry", "entries") == "2 entries"


def test_titles_are_short_and_say_how_many() -> None:
    """Readable on a locked phone; the failure that is not the first says so."""
    titles = [describe(notice).title for notice in news({"state": "failure"}, {"state": "failure"})]
    assert titles == ["Backup failed", "Backup failed, 2 in a row"]
    for story in STORIES.values():
        for notice in story():
            assert len(describe(notice).title) <= 60
