"""Limits of Slack and SNS hold, and nothing from Zoho is interpreted, whatever it sends."""

import json
import re
from datetime import UTC

import pytest
from dateutil import tz
from handler.slack import Post, posts
from hypothesis import given
from hypothesis import strategies as st
from tests.stories import DAY, job, news, texts_of
from tests.watch import EVERYTHING, Raw, Watch

from handler.config import parse_secret
from handler.errors import NoPermissionError
from handler.history import clean
from handler.memory import Memory, Notice, enqueue
from handler.message import Mail, Reader, mails
from tests.world import START

MARK = "zqx"
"""In every text that comes from Zoho in the properties below."""


def assert_within_slacks_limits(post: Post) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks."""
    blocks = post.payload["blocks"]
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        assert block["type"] in {"header", "section", "context"}
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert len(block["text"]["text"]) <= 150
        assert len(block.get("fields", ())) <= 10
        assert all(len(text["text"]) <= 2_000 for text in block.get("fields", ()))
        assert 1 <= len(block.get("elements", [1])) <= 10
    for _, text in texts_of(blocks):
        assert text.strip()
        assert len(text) <= 3_000
    assert 1 <= len(post.payload["text"]) <= 40_000
    assert set(post.plain) == {"text", "mrkdwn", "parse"}
    json.dumps([post.payload, post.plain], ensure_ascii=False).encode()


FORMS = re.compile(
    r"\*[A-Za-z' ]+\*|"  # a label
    r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>|"
    r"(\*What to do:\* [^<>]*)?<https://crm\.zoho\.eu\|Open Zoho CRM>(: [^<>]*)?"
)


def assert_nothing_is_interpreted(post: Post) -> None:
    """Formatted text is ours alone, and what Slack could take for a mention or a link is escaped."""
    for kind, text in texts_of(post.payload["blocks"]):
        if kind == "mrkdwn":
            assert MARK not in text
            assert FORMS.fullmatch(text), text
            assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    for text in (post.payload["text"], post.plain["text"]):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
    assert MARK not in post.payload["text"]
    assert (post.plain["mrkdwn"], post.plain["parse"]) == (False, "none")


def assert_sns_takes(mail: Mail) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
    assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]{0,99}", mail.subject)
    assert MARK not in mail.subject
    first, second, *_ = mail.text.split("\n")
    assert first.strip()
    assert MARK not in first
    assert second == ""
    size = len(mail.text.encode())
    for name, value in mail.attributes.items():
        texts = [value] if isinstance(value, str) else value
        assert all(isinstance(text, str) for text in texts)
        assert value
        size += len(name) + len(json.dumps(value).encode())
    assert size < 256 * 1024


NASTY = st.sampled_from(
    [
        "<!channel> <@U123> <https://evil.example|click>",
        "*b* _i_ ~s~ `c` ```x```",
        "&lt;!here&gt; & < >",
        "\u202eevil\u2066\u200b\ufeff",
        "\ud800 \udfff lone",
        "nul\x00 bell\x07 esc\x1b[31m",
        "two\r\nlines\u2028three\u2029four\x85five",
        "🏴" * 100,
        "x" * 10_000,
        "&" * 10_000,
        "@here @channel #general",
        "{date} ^ | :tada:",
    ]
)
TEXTS = st.none() | st.tuples(NASTY | st.text(st.characters(codec=None)), NASTY).map(MARK.join)
FROM_ZOHO = TEXTS.map(lambda text: MARK + text if text else text)
HOSTILE_ROWS = st.fixed_dictionaries(
    {
        "id": FROM_ZOHO,
        "log_time": FROM_ZOHO | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-03-01"]),
        "state": FROM_ZOHO | st.sampled_from(["completed", "failure", "payment_failed"]),
        "action": FROM_ZOHO | st.sampled_from(["stopped", "scheduled", "purchased", "initiated"]),
        "repeat_type": FROM_ZOHO,
        "done_by": FROM_ZOHO | FROM_ZOHO.map(lambda name: {"name": name}),
        "file_name": FROM_ZOHO,
        "count": FROM_ZOHO | st.integers(),
    }
)


def reader(name: str, zone: str = "UTC") -> Reader:
    """Return a reader of an organisation whose parameter holds this display name."""
    credentials = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "data_center": "eu"}
    secret = parse_secret(json.dumps({**credentials, "name": name}), "p")
    return Reader("acme", secret.name or "acme", tz.gettz(zone) or UTC, "https://crm.zoho.eu")


@given(
    rows=st.lists(HOSTILE_ROWS, min_size=1, max_size=12),
    name=NASTY | st.text(st.characters(codec=None)),
    detail=FROM_ZOHO.map(lambda text: text or ""),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati"]),
)
def test_hostile_texts_stay_within_limits_and_are_never_interpreted(
    rows: list[Raw], name: str, detail: str, zone: str
) -> None:
    """In every field of a row, in what Zoho answers instead of a history, and in the display name."""
    watch = Watch(notify_on=EVERYTHING, memory=Memory("acme"))
    watch.look_at(START - DAY)
    watch.rows = rows
    watch.look_at(START)
    watch.look_at(START + 2 * DAY)
    watch.look_at(START + 3 * DAY, NoPermissionError(clean(detail) or ""))
    first_look = Watch(rows, memory=Memory("acme")).look()
    person = reader(name, zone)
    for notices in (watch.told, first_look, watch.told * 6):
        for post in posts(notices, person):
            assert_within_slacks_limits(post)
            assert_nothing_is_interpreted(post)
        for mail in mails(notices, person):
            assert_sns_takes(mail)
    for notice in watch.told:
        (mail,), (post,) = mails([notice], person), posts([notice], person)
        assert [*mail.notices] == [*post.notices] == [notice]
        if notice.row and notice.row["id"]:
            assert notice.row["id"] in mail.text
            assert notice.row["id"] in [text for _, text in texts_of(post.payload["blocks"])]


def test_texts_of_every_length_stay_within_slacks_limits() -> None:
    """Ids and names from one character to a hundred: headers and sections also where they fill to the last one."""
    told = news(*[{"state": "completed"}, {"state": "failure"}, {"action": "stopped"}] * 4)
    headers: set[int] = set()
    sections: set[int] = set()
    for length in range(1, 101):
        named = [{"kind": "failed", "row_id": "9" * length, "log_time": None}] * 100
        folded = Notice("n", "folded", START, ("slack",), facts={"counts": {"failed": 100}, "named": named})
        for post in (*posts([folded], reader("A" * length)), *posts(told, reader("A" * length))):
            assert_within_slacks_limits(post)
            for block in post.payload["blocks"]:
                (headers if block["type"] == "header" else sections).update(len(text) for _, text in texts_of([block]))
    assert max(headers) == 150
    assert max(sections) > 2_990


def test_the_longest_messages_stay_within_limits() -> None:
    """The widest ids in lists of a hundred, and ten folded entries at once: no batch is too big for SNS."""
    wide = "🏴" * 95
    watch = Watch(memory=Memory("acme"))
    watch.look_at(START - DAY)
    watch.rows = [job(n, START, id=f"{wide}{n}", state=wide, done_by=wide, file_name=wide) for n in range(450)]
    watch.look_at(START)
    told = watch.told[1:]
    folded = enqueue((), told)[0]
    assert folded.kind == "folded"
    for notices in (told, [folded], [folded] * 3 + told[:7]):
        for post in posts(notices, reader(wide)):
            assert_within_slacks_limits(post)
        sent = mails(notices, reader(wide))
        for mail in sent:
            assert_sns_takes(mail)
        batches = [sent] if len(notices) <= 10 else [[mail] for mail in sent]
        for batch in batches:
            size = sum(len(mail.text.encode()) + len(json.dumps(mail.attributes).encode()) for mail in batch)
            assert size < 256 * 1024


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Acme Ltd", "[Acme Ltd] Backup failed"),
        ("Süß & Söhne", "[Su & Sohne] Backup failed"),
        ("日本", "[acme] Backup failed"),
        ("A" * 100, f"[{'A' * 39}...] Backup failed"),
        ("Line\r\nBcc: x@example.com", "[Line Bcc: x@example.com] Backup failed"),
        ("", "[acme] Backup failed"),
    ],
    ids=ascii,
)
def test_a_subject_is_ascii_and_always_has_room_for_its_title(name: str, start: str) -> None:
    """Whatever the organisation is called."""
    (mail,) = mails(news({"state": "failure"}), reader(name))
    assert mail.subject == start


def test_a_subject_that_is_too_long_is_cut_in_ascii() -> None:
    """A list of many kinds, under a long name: 100 characters, the last three of them dots."""
    rows: list[Raw] = [{"state": "completed"}, {"state": "failure"}, {"state": "paused"}]
    rows += [{"action": action} for action in ("stopped", "scheduled", "purchased")]
    notices = news(*rows * 2)
    (mail,) = mails(notices, reader("A" * 100))
    assert len(mail.subject) == 100
    assert mail.subject.endswith("...")
