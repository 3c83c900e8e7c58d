"""Whatever Zoho, the channels and the secret say: limits are kept, nobody is mentioned, nothing is linked or lost.

The fakes enforce the services' limits; the judges below read what each channel accepted.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from handler.config import NOTIFIABLE
from handler.errors import CheckFailed
from sandbox.channels import FAKES
from sandbox.server import Fault, Response
from sandbox.watch import START
from tests.world import TopicInMemory, World
from tests.world import world as open_world

Json = Any
MARK = "zqx"
"""In every text that comes from Zoho."""
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
    "x" * 500,
    "&" * 500,
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 30,
    "\\*\\_\\` \\",
)
TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-03-02", "1e9")
CRM = "https://crm.zoho.com"
CHATS = ("slack", "cliq", "teams")
"""The channels that take every kind of notice, as SNS does."""

# --- The judges -------------------------------------------------------------------------------------------------------

UNREADABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
MENTION = "<!here>"
MRKDWN = re.compile(
    rf"{MENTION}|\*[A-Za-z'() ]+\*|"  # a label
    r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>|"
    rf"(\*What to do:\* [^<>]*)?(<{re.escape(CRM)}\|Open Zoho CRM>)?(: [^<>]*)?"
)


def parts(value: Json) -> Iterator[Json]:
    """Yield a payload and everything in it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def texts(payload: Json) -> list[str]:
    """Return every text in a payload."""
    return [part for part in parts(payload) if isinstance(part, str)]


def objects(payload: Json, kind: str) -> list[Json]:
    """Return every object of this type in a payload."""
    return [part for part in parts(payload) if isinstance(part, dict) and part.get("type") == kind]


def judge_mail(mail: Json) -> None:
    """Fool no header and no filter: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
    assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]{0,98}", mail["Subject"])
    first, _, rest = mail["Message"].partition("\n")
    assert first.strip()
    assert rest
    assert not re.search(rf"{MARK}|evil", mail["Subject"] + first)
    assert len(json.dumps(mail, ensure_ascii=False).encode()) < 256 * 1024
    assert all(TopicInMemory.attribute(mail, name) for name in mail["MessageAttributes"])


def assert_no_marks(words: str, marks: str = "*~`[]{}@") -> None:
    """Find none of these marks, and no underscore that could format, outside of references."""
    assert not set(marks) & set(words), words
    assert not re.search(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9-])", re.sub("Reference: .*", "", words)), words


def judge_slack(payload: Json) -> None:
    """Formatted text is ours alone, and what Slack could take for a mention or a link is escaped."""
    shown = payload["text"].removeprefix(f"{MENTION} ")
    for words in objects(payload, "mrkdwn"):
        assert words["verbatim"]
        assert MARK not in words["text"]
        assert MRKDWN.fullmatch(words["text"]), words["text"]
    if "blocks" in payload:
        assert MARK not in payload["text"]
        assert "://" not in shown
    else:
        assert (payload["mrkdwn"], payload["parse"]) == (shown != payload["text"], "none")
    if "blocks" in payload or payload["mrkdwn"]:
        assert_no_marks(re.sub(r"(?<=[a-z])@(?=[a-z])", "", shown))  # an address mentions nobody
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown)


def judge_cliq(payload: Json) -> None:
    """No character that Markdown or a mention needs, and no address but those of ours."""
    for words in texts({key: value for key, value in payload.items() if key != "buttons"}):
        assert_no_marks(words)
        assert not re.search(r"://(?!crm\.zoho\.com|www\.zoho\.com|api-console\.zoho)", words), words
    assert {button["action"]["data"]["web"] for button in payload.get("buttons", ())} <= {CRM}


def judge_teams(payload: Json) -> None:
    """No backslash, and no character that Markdown or a template needs, except in our own label and address."""
    facts = [fact["value"] for group in objects(payload, "FactSet") for fact in group["facts"]]
    for words in (*(block["text"] for block in objects(payload, "TextBlock")), *facts):
        bare = re.sub(r"\[(https://status\.zoho\.com)\]\(\1\)", "", words.removeprefix("**What to do:** "))
        assert_no_marks(bare, "\\`*{}[]<~")
        assert not re.search(r"(?m)^[ \t]*([-+#>=]|\d+[.)])|&#?\w+;", bare), words
        assert "://evil" not in words
    assert {action["url"] for action in objects(payload, "Action.OpenUrl")} <= {CRM}
    assert MARK not in payload["attachments"][0]["content"]["fallbackText"]


def judge_pagerduty(payload: Json) -> None:
    """It formats nothing; its summary is ours, and so is every link."""
    assert MARK not in payload.get("payload", {}).get("summary", "")
    assert {link["href"] for link in payload.get("links", ())} <= {CRM}


JUDGES: dict[str, Callable[[Json], None]] = {
    "sns": judge_mail,
    "slack": judge_slack,
    "cliq": judge_cliq,
    "teams": judge_teams,
    "pagerduty": judge_pagerduty,
}


def assert_harmless(world: World) -> None:
    """Judge all that every channel took."""
    taken = [("sns", mail) for mail in world.topic.entries]
    taken += [(name, payload) for name, fake in world.fakes.items() for payload in fake.messages]
    for name, payload in taken:
        JUDGES[name](payload)
        assert [ascii(words) for words in texts(payload) if UNREADABLE.search(words)] == []


# --- The world --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened() -> Iterator[World]:
    """Give a world with every channel there is."""
    with open_world(channels=FAKES, NOTIFY_ON=",".join(sorted(NOTIFIABLE))) as made:
        yield made


@pytest.fixture
def world(opened: World) -> World:
    """Give that world as on its first day."""
    return begin(opened)


def begin(world: World, **secret: str) -> World:
    """Forget everything, then send the baseline of an empty history; the secret may have other keys, too."""
    world.zoho.standing.clear()
    world.organisation.rows = []
    world.organisation.issued.clear()
    world.around = lambda name, call: call()
    world.clock.now = START
    world.table.items = {}
    channels = {key: value for fake in world.fakes.values() for key, value in fake.settings().items()}
    world.secrets["default"] = world.organisation.secret(**channels, **secret)
    world.cold()
    world.check()
    world.cold()
    world.topic.entries.clear()
    for fake in world.fakes.values():
        fake.clock = world.clock
        fake.reset()
    return world


def check_once(world: World) -> None:
    """Check; only what a check raises on purpose is raised."""
    with suppress(CheckFailed):
        world.check()


def recover(world: World) -> None:
    """Let all be well again: in the end nothing is pending and nothing was lost."""
    world.zoho.standing.clear()
    world.around = lambda name, call: call()
    for fake in world.fakes.values():
        fake.repair()
    for _ in range(2):
        world.clock.advance(hours=1)
        check_once(world)
    world.clock.advance(hours=1)
    answer = world.check()
    assert (answer["notices"], answer["pending"]) == ([], 0)
    assert set(answer["incidents"]) <= {"failing"}
    assert_harmless(world)


def assert_sent_once(world: World, raw: Json) -> None:
    """The row has arrived once on every channel that takes its kind."""
    found = {name: sum(raw["id"] in message.text for message in world.fakes[name].accepted) for name in CHATS}
    found["sns"] = sum(raw["id"] in mail["Message"] for mail in world.topic.entries)
    assert set(found.values()) == {1}, found


# --- What Zoho says of its rows ---------------------------------------------------------------------------------------

MARKED = st.tuples(st.sampled_from(NASTY) | st.text(st.characters(codec=None)), st.sampled_from(NASTY)).map(
    lambda two: MARK + MARK.join(two)
)
ANYTHING: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | MARKED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MARKED, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": MARKED | ANYTHING,
        "log_time": st.sampled_from(TIMES) | ANYTHING,
        "state": st.sampled_from(("completed", "FAILURE", "payment_failed")) | MARKED | ANYTHING,
        "action": st.sampled_from(("stopped", "Initiated", "scheduled", "purchased")) | MARKED | ANYTHING,
        "done_by": st.fixed_dictionaries({"name": MARKED | ANYTHING}) | ANYTHING,
        **dict.fromkeys(("repeat_type", "file_name", "count", "unknown"), MARKED | ANYTHING),
    },
)
a_few = settings(max_examples=12, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))


def row_of(text: str, **fields: str) -> Json:
    """Return a row that holds this text wherever a person's or Zoho's words can stand."""
    return {"id": text, "state": text, "repeat_type": text, "file_name": text, "done_by": {"name": text}, **fields}


@a_few
@given(rows=st.lists(ROWS, min_size=1, max_size=4), name=st.sampled_from(NASTY), plain=st.booleans())
@example(rows=[row_of(MARK + text) for text in NASTY[:7]], name="日本", plain=False)
@example(rows=[row_of(MARK + text, state="failure") for text in NASTY], name="", plain=False)  # a list
@example(rows=[row_of(MARK + text) for text in NASTY], name="A" * 100, plain=True)
@example(rows=[row_of(MARK + NASTY[1])], name=NASTY[0], plain=True)
def test_whatever_the_fields_of_a_row_hold_it_is_sent_once_and_harmless(
    opened: World, rows: list[Json], name: str, plain: bool
) -> None:
    """Any JSON in any field, any display name: every channel takes the messages at once, and nothing is said twice.

    Also as plain text and with a mention, where Slack and Cliq refuse the first form of the first message.
    """
    world = begin(opened, name=name.replace("evil", "our"), **({"slack_mention": "here"} if plain else {}))
    for channel, code in {"slack": "invalid_blocks", "cliq": "invalid_inputs"}.items() if plain else ():
        world.fakes[channel].break_with(code, times=1)
    world.organisation.rows = rows
    answer = world.check()
    assert answer["pending"] == 0
    delivered = {answer["delivered"].get(channel, 0) for channel in ("sns", *CHATS)}
    assert delivered == {len(answer["notices"])}
    assert_harmless(world)
    world.cold()
    assert world.check()["notices"] == []


# --- What they answer -------------------------------------------------------------------------------------------------

QUESTIONS = {"token": ("token",), "history": ("history",), "beyond the history": ("backup", "urls")}
SECRET = ("client_id", "client_secret", "data_center", "name", "time_zone", "slack_webhook_url", "slack_min_severity")


@a_few
@given(
    answer=ANYTHING,
    question=st.sampled_from(list(QUESTIONS)),
    status=st.sampled_from((200, 200, 400, 401, 500)),
    changed=st.dictionaries(st.sampled_from(SECRET), MARKED | ANYTHING, min_size=1, max_size=3),
)
def test_whatever_an_answer_or_the_secret_is_nothing_is_lost(
    opened: World, answer: Json, question: str, status: int, changed: Json
) -> None:
    """Any JSON with any status, then any value for any key: a check ends as documented, and a later one sends."""
    world = begin(opened)
    first = world.log(state="completed")
    world.zoho.standing = dict.fromkeys(QUESTIONS[question], Fault(Response.json(answer, status)))
    check_once(world)
    recover(world)
    assert_sent_once(world, first)
    second = world.log(state="completed")
    mistaken = json.dumps(world.secrets["default"] | changed)
    world.around = lambda name, call: mistaken if name == "get_parameter" else call()
    check_once(world)
    recover(world)
    assert sum(second["id"] in mail["Message"] for mail in world.topic.entries) == 1
