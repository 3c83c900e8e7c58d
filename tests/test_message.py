"""What people read: a golden file for each kind and channel, every limit, and that nothing from Zoho is interpreted.

`GOLDEN=write` before a run writes the golden files anew; read what changed before you keep it.
"""

import ast
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

import handler
from handler import errors
from handler.causes import CAUSES, CHANNEL_STEPS, CHANNELS
from handler.channels import SlackChannel, SnsChannel
from handler.config import parse_secret
from handler.decision import ALWAYS_TOLD
from handler.errors import UnreadableError
from handler.history import parse_time
from handler.memory import Incident, Memory, Notice, enqueue
from handler.message import Mail, Post, Reader, local_time, mails, posts, severity
from handler.rules import ACTIONS, STATES
from handler.texts import KINDS, NOTIFIABLE, describe
from handler.wording import duration, plural
from tests.watch import EVERYTHING, Raw, Watch
from tests.world import START, row

Json = dict[str, Any]

GOLDEN = Path(__file__).with_name("golden")
BERLIN = tz.gettz("Europe/Berlin") or UTC
READER = Reader("acme", "Acme Ltd", BERLIN, "https://crm.zoho.eu")
DAY = timedelta(days=1)


# A story for each kind


def job(number: int, at: datetime, **fields: Any) -> Raw:
    """Return a row with an id that is the same in every run."""
    return row(at, **{"id": str(4_876_876_000_001_594_000 + number), **fields})


GOOD = [job(1, START - 8 * DAY, action="scheduled"), job(2, START - 7 * DAY, state="completed")]


def begun() -> Watch:
    """Return a watch whose baseline found a weekly schedule and a good backup."""
    watch = Watch(GOOD, notify_on=EVERYTHING, digest_days=0, memory=Memory("acme"))
    watch.look_at(START - DAY)
    watch.told.clear()
    return watch


def news(*fields: Raw) -> list[Notice]:
    """Return what is told of rows that appear, an hour apart."""
    watch = begun()
    for number, what in enumerate(fields):
        at = START + timedelta(hours=number)
        watch.rows = [*watch.rows, job(10 + number, at, **what)]
        watch.look_at(at + timedelta(minutes=40))
    return watch.told


def channel_trouble() -> list[Notice]:
    """Return what is told of a webhook that is gone for a day, after a notice was given up."""
    watch = begun()
    facts = {"channel": "slack", "detail": "Slack answered HTTP 404 no_service"}
    watch.memory = watch.memory.with_incident("channel:slack", Incident(START, facts=facts))
    watch.look_at(START + timedelta(hours=1))
    watch.look_at(START + timedelta(hours=25))
    incident = watch.memory.incidents["channel:slack"]
    back = replace(incident, facts={**incident.facts, "back_at": watch.now.isoformat()})
    watch.memory = watch.memory.with_incident("channel:slack", back)
    watch.look_at(START + timedelta(hours=30))
    return [notice for notice in watch.told if notice.kind == "channel"]


def unreadable() -> list[Notice]:
    """Return what is told of a token that is revoked for a day."""
    watch = begun()
    revoked = errors.RevokedTokenError("Zoho accounts answered: invalid_code")
    watch.look_at(START, revoked)
    watch.look_at(START + DAY, revoked)
    watch.look_at(START + DAY + timedelta(hours=2))
    return [notice for notice in watch.told if notice.incident == "unreadable"]


def late(*fields: Raw, days: float) -> list[Notice]:
    """Return what is told after these rows, an hour apart, and so many days in which nothing happened."""
    watch = begun()
    watch.rows = [*watch.rows, *(job(10 + n, START + timedelta(hours=n), **what) for n, what in enumerate(fields))]
    watch.look_at(START + timedelta(hours=3))
    watch.look_at(START + days * DAY)
    watch.look_at(START + days * DAY + DAY)
    return watch.told


def baseline(*fields: Raw) -> list[Notice]:
    """Return what the first look tells of these rows, the last of them two days old, a day apart."""
    rows = [job(n, START - (2 + len(fields) - n) * DAY, **what) for n, what in enumerate(fields, 1)]
    return Watch(rows, memory=Memory("acme")).look()


def digest() -> list[Notice]:
    """Return what is told after thirty days with three outcomes."""
    watch = Watch(GOOD, digest_days=30, memory=Memory("acme"), max_backup_age_days=60)
    watch.look_at(START - DAY)
    states = ["completed", "failure", "completed"]
    watch.rows = [*GOOD, *(job(10 + n, START + 7 * n * DAY, state=state) for n, state in enumerate(states))]
    watch.look_at(START + 15 * DAY)
    watch.look_at(START + 29 * DAY)
    return watch.told[-1:]


def marked_test() -> list[Notice]:
    """Return the notice of the action `test-message`."""
    return [Notice("acme-test", "test", START, ("sns", "slack"))]


def given_up() -> list[Notice]:
    """Return a notice that also tells how many could not be delivered."""
    (failed,) = news({"state": "failure"})
    return [replace(failed, facts={**failed.facts, "set_aside": 3})]


def many(count: int) -> list[Notice]:
    """Return so many notices, of several kinds, an hour apart."""
    fields: list[Raw] = [
        {"state": "completed"},
        {"state": "failure"},
        {"action": "stopped"},
        {"state": "paused", "id": None},
    ]
    watch = begun()
    for number in range(count):
        what = fields[number % 4]
        watch.rows = [*watch.rows, job(10 + number, START + timedelta(hours=number), **what)]
    watch.look_at(START + timedelta(hours=count))
    return watch.told


STORIES: dict[str, Callable[[], Sequence[Notice]]] = {
    "baseline": lambda: baseline({"action": "scheduled"}, {"state": "completed"}),
    "baseline-with-problems": lambda: baseline(
        *({"state": "completed"}, *[{}] * 31, {"state": "failure"}, {"action": "stopped"}, {"action": "initiated"})
    ),
    "completed": lambda: news({"state": "completed", "file_name": "Data_001.zip"}),
    "failed": lambda: news({"state": "failure"}),
    "failed-again": lambda: news({"state": "failure"}, {"state": "payment_failed"})[1:],
    "recovered": lambda: news({"state": "failure"}, {"state": "failure"}, {"state": "completed"})[2:],
    "unknown": lambda: news({"state": "half <done>"}),
    "unknown-action": lambda: news({"action": "resumed"}),
    "stopped": lambda: news({"action": "stopped"}),
    "scheduled": lambda: news({"action": "scheduled", "repeat_type": "monthly"}),
    "purchased": lambda: news({"action": "purchased", "repeat_type": None, "count": 2}),
    "overdue": lambda: late(days=1.5)[:1],
    "overdue-reminder": lambda: late(days=1.5)[1:],
    "stuck": lambda: late({"action": "initiated"}, days=1)[:1],
    "unreadable": lambda: unreadable()[:1],
    "unreadable-reminder": lambda: unreadable()[1:2],
    "readable": lambda: unreadable()[2:],
    "channel": lambda: channel_trouble()[:1],
    "channel-back": lambda: channel_trouble()[2:],
    "digest": digest,
    "folded": lambda: enqueue((), many(203))[:1],
    "test": marked_test,
    "given-up": given_up,
    "many": lambda: many(12),
}
"""Name of a golden file → what it shows; the part before a dash is the kind where there is just one."""


def in_mail(mail: Mail) -> str:
    """Return an e-mail as a person sees it, its attributes above it."""
    attributes = "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(mail.attributes.items()))
    return f"{attributes}\nSubject: {mail.subject}\n\n{mail.text}\n"


def in_slack(post: Post) -> str:
    """Return a Slack message block by block, each text below its block and after its type."""
    lines = [f"fallback: {post.payload['text']}"]
    for block in post.payload["blocks"]:
        lines += ["", f"({block['type']})", *(f"{kind}: {text}" for kind, text in texts_of([block]))]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("channel", ["mail", "slack"])
@pytest.mark.parametrize("name", STORIES)
def test_a_message_reads_as_its_golden_file(name: str, channel: str) -> None:
    """One file for each kind and channel, some kinds more than once."""
    notices = STORIES[name]()
    shown = (
        [in_mail(mail) for mail in mails(notices, READER)]
        if channel == "mail"
        else [in_slack(post) for post in posts(notices, READER)]
    )
    assert len(shown) == 1
    file = GOLDEN / f"{name}.{channel}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(shown[0])
    assert shown[0] == file.read_text()


def test_the_golden_files_show_every_kind_and_nothing_else() -> None:
    """A kind without a story fails here, and so does a file without one."""
    told = {name: [notice.kind for notice in story()] for name, story in STORIES.items()}
    assert {kind for kinds_told in told.values() for kind in kinds_told} == set(KINDS)
    for name, kinds_told in told.items():
        assert kinds_told == [name.partition("-")[0]] or name in {"many", "given-up"}, name
    expected = {f"{name}.{channel}.txt" for name in STORIES for channel in ("mail", "slack")}
    assert {file.name for file in GOLDEN.iterdir()} == expected


# What there must be words for


def kinds_in_code() -> set[str]:
    """Return each kind that any module of the handler tells, or makes a notice of, by name."""
    found: set[str] = set()
    for file in Path(handler.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            argument = {"tell": 0, "Notice": 1}.get(name)
            if argument is not None and len(node.args) > argument:
                texts = ast.walk(node.args[argument])
                found |= {
                    text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)
                }
    return found


def test_every_kind_that_is_told_anywhere_has_texts_and_every_text_is_told() -> None:
    """Also what rows are classified as, and the incidents, whose kind is the first part of their name."""
    incidents = {"overdue", "stuck", "unreadable", "channel"}
    from_rows = {*STATES.values(), *ACTIONS.values(), "unknown"} - {"started"}
    told = {kind for kind in kinds_in_code() if re.fullmatch("[a-z]+", kind)} | incidents | from_rows
    assert told - {"completed"} == set(KINDS) - {"completed"}
    assert "completed" in KINDS
    assert set(KINDS) >= NOTIFIABLE | ALWAYS_TOLD


def unreadable_kinds(kind: type[UnreadableError] = UnreadableError) -> Iterator[type[UnreadableError]]:
    """Yield every exception that says that the history cannot be read."""
    yield kind
    for narrower in kind.__subclasses__():
        yield from unreadable_kinds(narrower)


def test_every_cause_and_every_channel_has_words_of_its_own() -> None:
    """A sentence and a next step that no other cause has."""
    assert set(CAUSES) == {kind.cause for kind in unreadable_kinds()}
    for number in range(len(next(iter(CAUSES.values())))):
        texts = [cause[number] for cause in CAUSES.values()]
        assert all(texts)
    assert len({cause.sentence for cause in CAUSES.values()}) == len(CAUSES)
    assert set(CHANNELS) == set(CHANNEL_STEPS) == {SnsChannel.name, SlackChannel.name}


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
    assert severity([notice]) == own
    assert severity([Notice("n", "stopped", START, ()), notice]) == ("critical" if own == "critical" else "warning")
    assert severity([Notice("n", "folded", START, (), facts={"counts": {"completed": 2, kind: 1}})]) == own


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


# Limits and hostile texts

MARK = "zqx"
"""In every text that comes from Zoho in the properties below."""


def texts_of(blocks: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Yield type and text of every text object."""
    for block in blocks:
        for text in block.get("fields") or block.get("elements") or [block["text"]]:
            yield text["type"], text["text"]


def unescape(text: str) -> str:
    """Return what a reader of mrkdwn sees."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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
