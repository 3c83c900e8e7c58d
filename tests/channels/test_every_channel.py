"""What every channel promises, tried on each of the registry."""

import re
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from dateutil import tz

from handler.channels import CHANNELS
from handler.channels.channel import ChannelKind, Connection
from sandbox.channels import FAKES, Fake, FakeSlack
from sandbox.server import Fault, Response
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    NOW,
    RENDERING,
    content,
    everything,
    long_list,
    notice,
    notices,
    one,
    ref,
    refusal_of,
    send_all,
    verdict_of,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
OVER_HTTP = [channel.name for channel in CHANNELS if channel.name != "sns"]
REFUSED_TWICE: dict[str, dict[str, Any]] = {"slack": {"mrkdwn": False, "parse": "none"}, "cliq": {}}
"""They are given a refused message once more, as plain text: what it has beside its text."""


# --- what it says of itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANNELS, ids=lambda kind: kind.name)
def test_each_has_a_paragraph(kind: ChannelKind) -> None:
    """In docs/channels.md, under its name for people, with its keys."""
    (section,) = [part for part in DOCUMENT.split("\n## ")[1:] if part.partition("\n")[0].lower().startswith(kind.name)]
    assert [setting.key for setting in kind.settings if f"`{setting.key}`" not in section] == []


# --- what it sends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OVER_HTTP)
def test_every_notice_is_in_one_request_and_shows_its_row(name: str, connection: Connection, fake: Fake) -> None:
    """In their order, in one message for people; hostile texts are taken, too, and inert: see each one's test."""
    pending = [each._replace(content=content(HOSTILE, HOSTILE)) for each in notices(3, opens=(ref(),))]
    made = send_all(connection, notices(3, opens=(ref(),)))
    made += send_all(connection, pending, RENDERING._replace(name=HOSTILE[:80]))
    assert [i for request in made for i in request.notice_ids] == [each.notice_id for each in pending] * 2
    assert len(fake.accepted) == len(fake.requests) == len(made)
    assert len(made) == (6 if connection.kind.incidents_only else 2)
    shown = everything(fake.messages)
    assert [each.notice_id for each in pending if each.row and each.row.id not in shown] == []


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize("count", [1, 3])
def test_what_comes_late_says_so(name: str, connection: Connection, fake: Fake, count: int) -> None:
    """Beside each notice; and a sentence shows its time as the rest shows times."""
    due = content(sentence="It was due %time%.", time=NOW)
    send_all(connection, notices(count, content=due, opens=(ref(),)), RENDERING._replace(now=NOW + timedelta(hours=2)))
    shown = everything(fake.messages)
    for words in ("Delayed: this message is from", "It was due"):
        assert len(re.findall(rf"{words} (<!date[^|]*\|)?02 Mar 2026 10:00 UTC", shown)) >= count, words


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_is_longer_than_any_limit_is_shortened(name: str, connection: Connection, fake: Fake) -> None:
    """Better a part than nothing; many such are split, and each is accepted."""
    said = f"{HOSTILE}🏴 " * 400
    send_all(connection, notices(3, content=content(said, said), opens=(ref(),)))
    assert len(fake.accepted) == 3


@pytest.mark.parametrize(("name", "fits"), [("slack", True), ("cliq", False), ("teams", True), ("pagerduty", True)])
def test_a_list_of_a_hundred_rows_fits(name: str, fits: bool, connection: Connection, fake: Fake) -> None:
    """Its newest rows are shown; where the limit is too small, the number of the older ones stands in their place."""
    listed = long_list()
    send_all(connection, [listed], RENDERING._replace(zone=tz.gettz("Pacific/Kiritimati") or UTC))
    (message,) = fake.accepted
    jobs = re.findall(r"Job ID (\d+)", message.text)
    assert jobs == [line.text.rpartition(" ")[2] for line in listed.content.lines[-len(jobs) :]]
    assert 100 >= len(jobs) > 25
    assert (len(jobs) == 100) == fits
    older = "30 older entries: 20 failed, 10 completed" if fits else f"{101 - len(jobs)} older lines left out here"
    assert older in message.text


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_test_message_is_accepted(name: str, connection: Connection, fake: Fake) -> None:
    """Whatever a channel leaves out otherwise."""
    test = notice(kind="test", severity="info", row=None, content=content("Test message", about_crm=False, facts=()))
    send_all(connection, [test])
    assert "Test message" in everything(fake.messages)


# --- what it learns ---------------------------------------------------------------------------------------------------


ANSWERS = [
    pytest.param(name, verdict, error, id=f"{name}-{verdict}-{error.replace(' ', '_')}")
    for name, fake in FAKES.items()
    for verdict in ("transient", "refused", "gone")
    for error in getattr(fake, verdict)
]


@pytest.mark.parametrize(("name", "verdict", "error"), ANSWERS)
def test_each_answer_means_what_its_fake_says(
    name: str, verdict: str, error: str, connection: Connection, fake: Fake
) -> None:
    """The whole table: transient is asked once, and nothing is known; refused names the notices; gone keeps them."""
    request = one(connection, opens=(ref(),))
    fake.break_with(error)
    raised = refusal_of(connection, request)
    assert (raised.permanent, raised.refused) == (verdict == "gone", verdict == "refused")
    assert len(fake.requests) == (2 if verdict == "refused" and name in REFUSED_TWICE else 1)
    assert str(raised).startswith(f"{connection.kind.label} answered HTTP {fake.errors[error].status}")
    fake.repair()
    connection.send(request, AMPLE)
    assert len(fake.accepted) == 1


BLOCKS, CARD = FakeSlack.errors["invalid_blocks"], Response.json({"message": "?"}, 400)
PLAIN = [
    ("slack", BLOCKS, Response.text("ok"), "taken"),
    ("slack", Response.text("too_large", 413), Response.text("ok"), "taken"),
    ("slack", Response.text("new", 400), Response.text("ok"), "taken"),
    ("slack", BLOCKS, FakeSlack.errors["invalid_payload"], "refused"),
    ("slack", BLOCKS, Response.text("invalid_blocks", 500), "transient"),
    ("slack", BLOCKS, FakeSlack.errors["no_service"], "permanent"),
    ("slack", BLOCKS, Response.text("something_new", 400), "transient"),
    ("cliq", CARD, Response(204), "taken"),
    ("cliq", CARD, Response.json({"code": "param_missing"}, 400), "refused"),
    ("cliq", CARD, Response.json({"code": "operation_failed"}, 400), "transient"),
    ("cliq", CARD, Response.json({"message": "You have exceeded the URL throttle limits."}, 400), "transient"),
]


@pytest.mark.parametrize(("name", "first", "second", "verdict"), PLAIN)
def test_what_is_refused_is_sent_as_plain_text_and_that_answer_counts(
    name: str, connection: Connection, fake: Fake, first: Response, second: Response, verdict: str
) -> None:
    """Better an ugly message than none. After an unknown code for the plain text, too, the message is kept."""
    fake.script("webhook", first, second)
    assert verdict_of(connection, one(connection)) == verdict
    rich, plain = (request.json() for request in fake.requests)
    assert {"blocks", "card"} & rich.keys()
    assert {"text": (text := plain["text"]), **REFUSED_TWICE[name]} == plain
    assert "Acme Ltd: Backup failed\n" in text
    assert RENDERING.crm_url in text


TRANSIENT_ANYWHERE: dict[str, Fault] = {
    "500 and a web page": Fault(Response.text("<html>", 500)),
    "429": Fault(Response(429, headers={"Retry-After": "86400"})),
    "408": Fault(Response(408)),
    "302": Fault(Response(302, headers={"Location": "http://127.0.0.1:1/"})),
    "dropped": Fault(drops=True),
    "answer lost": Fault(acts=True, drops=True),
    "broken gzip": Fault(Response(200, b"ok", {"Content-Encoding": "gzip"})),
}


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize("case", TRANSIENT_ANYWHERE)
def test_what_cannot_be_taken_now_is_kept(name: str, connection: Connection, fake: Fake, case: str) -> None:
    """It is asked once, and never waited for."""
    fake.break_with(TRANSIENT_ANYWHERE[case])
    assert verdict_of(connection, one(connection, opens=(ref(),))) == "transient"
    assert len(fake.requests) == 1


SUCCESSES: dict[str, bool] = {
    "": True,
    "{}": True,
    '{"status": "success", "error": null}': True,
    '{"ok": false}': False,
    '{"success": false}': False,
    '{"error": {"code": "x"}}': False,
    "[1]": False,
    "<html>ok</html>": False,
    "word " * 30: False,
}
"""Body of a 2xx answer → whether the service took the message."""


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize("said", SUCCESSES, ids=lambda said: ascii(said)[:12])
@pytest.mark.parametrize("status", [200, 202])
def test_a_success_that_is_not_the_services_own_breaks_the_channel(
    name: str, connection: Connection, fake: Fake, said: str, status: int
) -> None:
    """Nobody knows whether the message was shown, so it must not be repeated for hours in silence."""
    request = one(connection, opens=(ref(),))
    fake.break_with(Response.text(said, status))
    if SUCCESSES[said]:
        connection.send(request, AMPLE)
    else:
        raised, label = refusal_of(connection, request), connection.kind.label
        assert raised.permanent
        assert str(raised).startswith(f"{label} answered HTTP {status}")
        assert str(raised).endswith(f", but not as {label} does")
    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize(
    "said",
    ["<html>canary", "canary:T0/B0", "canary " * 900, "\xff\xfe", "[1]", '"canary"', '{"error": "canary 1"}'],
    ids=lambda said: ascii(said)[:12],
)
def test_of_what_a_service_says_only_a_code_is_repeated(
    name: str, connection: Connection, fake: Fake, said: str
) -> None:
    """It goes into messages and the log."""
    fake.break_with(Response.text(said, 404))
    raised = refusal_of(connection, one(connection, opens=(ref(),)))
    assert str(raised) == f"{connection.kind.label} answered HTTP 404"
    assert raised.permanent


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_repr_shows_no_secret(name: str, connection: Connection) -> None:
    """The values are credentials for posting; other places that may show them are searched in `test_no_leaks.py`."""
    assert repr(connection) == f"Connection({name})"
