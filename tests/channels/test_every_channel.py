"""What every channel promises, tried on each of the registry."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Channel, Senders
from handler.decision import Receiver
from handler.organisation import open_channels
from handler.secret import Values
from sandbox.channels import FAKES, Fake
from sandbox.server import Fault, Response
from tests.channels.builder import (
    AMPLE,
    HOSTILE,
    NOW,
    RECIPIENT,
    TOPIC,
    channel_to,
    content,
    everything,
    notice,
    notices,
    one,
    ref,
    refusal_of,
    row,
    send_all,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
OVER_HTTP = [channel.name for channel in CHANNELS if channel.name != "sns"]
REFUSED_TWICE = {"slack", "cliq"}
"""They are given a refused message once more, as plain text."""


# --- what it says of itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANNELS, ids=lambda kind: kind.name)
def test_each_has_a_paragraph(kind: type[Channel]) -> None:
    """In docs/channels.md, under its name for people, with its keys."""
    (section,) = [part for part in DOCUMENT.split("\n## ")[1:] if part.partition("\n")[0].lower().startswith(kind.name)]
    assert [setting.key for setting in kind.settings if f"`{setting.key}`" not in section] == []


SETTINGS = [pytest.param(s, id=s.key) for channel in CHANNELS for s in channel.settings]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_complaint_never_repeats_the_value(setting: Any) -> None:
    """It goes into messages and the log, and the value is a secret."""
    for value in ("http://canary.example/x", "https://10.0.0.1/CANARY", "https://x.example/CANARY?sig=", "CANARY!"):
        said = setting.complaint(value, False)
        assert "canary" not in said.lower()
        assert said.startswith("must ") or not said
    assert setting.complaint("CANARY!", False)


# --- what configures it -----------------------------------------------------------------------------------------------


def opened(**secret: str) -> tuple[tuple[Receiver, ...], dict[str, Channel]]:
    """Return what a secret configures, where fakes on loopback may be."""
    return open_channels(Values(dict(secret), "p"), Senders(None, TOPIC, requests.Session()), loopback=True)


def full_secret() -> Iterator[tuple[str, str]]:
    """Yield the keys of every channel, as its fake has them."""
    for kind in FAKES.values():
        with closing(kind()) as server:
            yield from server.settings().items()


def test_a_full_secret_configures_every_channel_and_an_empty_one_only_sns() -> None:
    """Those that are not in the secret are not there, and nothing is pending for them."""
    receivers, channels = opened(**dict(full_secret()))
    assert [receiver.name for receiver in receivers] == list(channels) == list(BY_NAME)
    assert not any(receiver.problem for receiver in receivers)
    receivers, channels = opened()
    assert [receiver.name for receiver in receivers] == list(channels) == ["sns"]


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_malformed_key_breaks_its_channel_only(name: str) -> None:
    """It is named and never shown; the others go on."""
    for key in (BY_NAME[name].settings[0].key, f"{name}_min_severity"):
        receivers, channels = opened(**{**dict(full_secret()), key: "CANARY!"})
        assert set(channels) == set(BY_NAME) - {name}
        ((broken, problem),) = [(receiver.name, receiver.problem) for receiver in receivers if receiver.problem]
        assert (broken, f"{key} must " in problem, "CANARY" in problem) == (name, True, False)


def test_each_has_a_floor_which_the_secret_may_move() -> None:
    """Its own where the secret has none."""
    secret = dict(full_secret())
    floors = {receiver.name: receiver.min_severity for receiver in opened(**secret)[0]}
    assert floors == {kind.name: kind.min_severity for kind in CHANNELS}
    moved = opened(**secret, **{f"{name}_min_severity": "warning" for name in OVER_HTTP})[0]
    assert {receiver.min_severity for receiver in moved if receiver.name != "sns"} == {"warning"}


@pytest.mark.parametrize("name", OVER_HTTP)
def test_whatever_it_wants_it_can_say(name: str, channel: Channel) -> None:
    """What is pending for it becomes requests: a notice that never did would be pending for ever."""
    receiver = Receiver(name, incidents_only=channel.incidents_only)
    pending = [
        notice(0),
        notice(1, opens=(ref(),)),
        notice(2, ends=(ref(),), severity="info"),
        notice(3, kind="unknown", row=row(3, state="PARTIAL")),
        notice(4, kind="unknown", severity="warning", row=row(4, action="paused")),
        notice(5, kind="digest", row=None, opens=(ref(), ref(f"channel:{name}"))),
        notice(6, kind="completed", severity="info"),
    ]
    for wanted in filter(receiver.wants, pending):
        requests_made = channel.render([wanted], RECIPIENT)
        assert [i for request in requests_made for i in request.notice_ids] == [wanted.notice_id]
        assert all(request.payload for request in requests_made)


# --- what it sends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OVER_HTTP)
def test_every_notice_is_in_one_request_and_shows_its_row(name: str, channel: Channel, fake: Fake) -> None:
    """In their order, in one message for people; hostile texts are taken, too, and inert: see each one's test."""
    pending = [each._replace(content=content(HOSTILE, HOSTILE)) for each in notices(3, opens=(ref(),))]
    made = send_all(channel, notices(3, opens=(ref(),)))
    made += send_all(channel, pending, RECIPIENT._replace(name=HOSTILE[:80]))
    assert [i for request in made for i in request.notice_ids] == [each.notice_id for each in pending] * 2
    assert len(fake.accepted) == len(fake.requests) == len(made)
    assert len(made) == (6 if channel.incidents_only else 2)
    shown = everything(fake.messages)
    assert [each.notice_id for each in pending if each.row and each.row.id not in shown] == []


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize("count", [1, 3])
def test_what_comes_late_says_so(name: str, channel: Channel, fake: Fake, count: int) -> None:
    """Beside each notice."""
    send_all(channel, notices(count, opens=(ref(),)), RECIPIENT._replace(now=NOW + timedelta(hours=2)))
    shown = everything(fake.messages).replace("\\\\", "").replace("\\", "")
    assert shown.count("Delayed: written 02 Mar 2026 10:00 UTC") >= count


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_is_longer_than_any_limit_is_shortened(name: str, channel: Channel, fake: Fake) -> None:
    """Better a part than nothing; many such are split, and each is accepted."""
    said = f"{HOSTILE}🏴 " * 400
    send_all(channel, notices(3, content=content(said, said), opens=(ref(),)))
    assert len(fake.accepted) == 3


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_test_message_is_accepted(name: str, channel: Channel, fake: Fake) -> None:
    """Whatever a channel leaves out otherwise."""
    test = notice(kind="test", severity="info", row=None, content=content("Test message", about_crm=False, facts=()))
    send_all(channel, [test])
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
    name: str, verdict: str, error: str, channel: Channel, fake: Fake
) -> None:
    """The whole table: transient is asked once, and nothing is known; refused names the notices; gone keeps them."""
    request = one(channel, opens=(ref(),))
    fake.break_with(error)
    raised = refusal_of(channel, request)
    assert raised.gone == (verdict == "gone")
    assert raised.refused == (set(request.notice_ids) if verdict == "refused" else set())
    assert raised.accepted == set()
    assert len(fake.requests) == (2 if verdict == "refused" and name in REFUSED_TWICE else 1)
    assert str(raised).startswith(f"{channel.label} answered HTTP {fake.errors[error].status}")
    fake.repair()
    channel.send(request, AMPLE)
    assert len(fake.accepted) == 1


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
def test_what_cannot_be_taken_now_is_kept(name: str, channel: Channel, fake: Fake, case: str) -> None:
    """It is asked once, and never waited for."""
    fake.break_with(TRANSIENT_ANYWHERE[case])
    raised = refusal_of(channel, one(channel, opens=(ref(),)))
    assert (raised.gone, set(raised.refused), set(raised.accepted)) == (False, set(), set())
    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize(
    "said",
    ["<html>canary", "canary:T0/B0", "canary " * 900, "\xff\xfe", "[1]", '"canary"', '{"error": "canary 1"}'],
    ids=lambda said: ascii(said)[:12],
)
def test_of_what_a_service_says_only_a_code_is_repeated(name: str, channel: Channel, fake: Fake, said: str) -> None:
    """It goes into messages and the log."""
    fake.break_with(Response.text(said, 404))
    raised = refusal_of(channel, one(channel, opens=(ref(),)))
    assert str(raised) == f"{channel.label} answered HTTP 404"
    assert raised.gone


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize("how", ["dropped", "gone", "refused", "closed"])
def test_a_secret_is_never_shown(
    name: str, session: requests.Session, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Not in an exception, not in the log, not in a request: whoever has it can post."""
    with closing(FAKES[name]()) as fake:
        channel = channel_to(fake, session, **fake.settings("canaryCANARYcanary"))
        request = one(channel, opens=(ref(),))
        if how == "closed":
            fake.close()
        else:
            fake.break_with(Fault(drops=True) if how == "dropped" else getattr(fake, how)[0])
        with caplog.at_level(logging.DEBUG):
            raised = refusal_of(channel, request)
    shown = repr(raised) + repr(vars(raised)) + caplog.text + repr(channel) + repr(request)
    assert "canary" not in shown.lower()
