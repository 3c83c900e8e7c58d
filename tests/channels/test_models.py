"""Slack's, Microsoft's and PagerDuty's own libraries judge every sample of a message, and how strict the fakes are."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from microsoft_teams.cards import AdaptiveCard, FactSet, OpenUrlAction, TextBlock
from pagerduty import EventsApiV2Client
from pydantic import BaseModel
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from handler.transport import tls_context
from sandbox.channels import FAKES, Accepted, FakePagerDuty
from sandbox.readers import Readers
from sandbox.samples import samples
from tests.sandbox.test_fakes import GOOD, changed, post
from tests.wire import Authority

TEAMS: dict[str, type[BaseModel]] = {
    "AdaptiveCard": AdaptiveCard,
    "TextBlock": TextBlock,
    "FactSet": FactSet,
    "Action.OpenUrl": OpenUrlAction,
}


def sent(name: str) -> list[dict[str, Any]]:
    """Return all that a channel sends for the samples."""
    with closing(Readers()) as readers:
        arrived = [message for sample in samples() for message in readers.read(name, sample.notices, sample.reader)]
    return [message.payload for message in arrived if isinstance(message, Accepted)]


def slacks(payload: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return each block beside what Slack's model makes of it, which leaves out what it does not know."""
    return [(block, Block.parse(block).to_dict()) for block in payload["blocks"]]  # type: ignore[union-attr]


def microsofts(payload: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return each part of a card beside what its own model makes of it: that of the card looks into none of them."""
    card = dict(payload["attachments"][0]["content"])
    parts = [card, *card.pop("body"), *card.pop("actions", [])]
    card.pop("$schema", None)  # the models have another name for it
    read = [TEAMS[part["type"]].model_validate(part, strict=True, extra="forbid") for part in parts]
    return [(part, model.model_dump(exclude_unset=True)) for part, model in zip(parts, read, strict=True)]


MODELS: dict[str, Callable[[dict[str, Any]], list[tuple[Any, Any]]]] = {"slack": slacks, "teams": microsofts}


@pytest.mark.parametrize("name", MODELS)
def test_the_services_own_models_take_every_sample(name: str) -> None:
    """And write it as we do."""
    judged = [pair for payload in sent(name) for pair in MODELS[name](payload)]
    assert [pair for pair in judged if pair[0] != pair[1]] == []
    assert len(judged) > 100


def test_pagerdutys_own_client_sends_what_we_send(authority: Authority) -> None:
    """For the same values, but for the name of the client and what describes an end, which it does not know."""
    known = []
    with (
        closing(FakePagerDuty(certificate=authority.certify("127.0.0.1"))) as fake,
        EventsApiV2Client(fake.routing_key(), base_url=fake.url, verify=tls_context(authority.bundle)) as client,
    ):
        for event in sent("pagerduty"):
            del event["client"]
            if event["event_action"] == "resolve":
                client.resolve(event["dedup_key"])
                event = {name: event[name] for name in ("routing_key", "event_action", "dedup_key")}
            else:
                key, said, links = event["dedup_key"], event["payload"], event.get("links")
                client.trigger(said["summary"], said["source"], key, payload=said, links=links)
            known.append(event)
        assert [*fake.messages] == known
    assert {event["event_action"] for event in known} == {"trigger", "resolve"}


def paths(part: Any, way: str = "") -> Iterator[str]:
    """Yield the path of every part of a message."""
    entries: Any = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, inner in entries:
        yield f"{way}{key}"
        yield from paths(inner, f"{way}{key}.")


VALUES: tuple[Any, ...] = ("", "x", 1, None, [], {}, {"x": "y"})
CHANGES: list[dict[str, Any]] = [{}, *({"value": value} for value in VALUES)]
CHANGES += [{"size": size} for size in (11, 151, 3_001)]
REFUSALS = (AttributeError, KeyError, TypeError, ValueError, SlackObjectFormationError)


@pytest.mark.parametrize(("name", "root"), [("slack", "blocks."), ("teams", "attachments.0.content.")])
def test_the_fakes_refuse_what_the_models_refuse(name: str, root: str) -> None:
    """A message with a part missing, of another type, empty or too long."""
    refused = 0
    with closing(FAKES[name]()) as fake:
        for path in paths(GOOD[name]):
            for change in CHANGES if path.startswith(root) else ():
                with suppress(KeyError, TypeError):  # a number or a mapping has no size
                    payload = changed(GOOD[name], path, **change)
                    if not takes(name, payload):
                        refused += 1
                        assert not post(fake, payload).ok, (path, change)
    assert refused > 100


def takes(name: str, payload: dict[str, Any]) -> bool:
    """Return whether the service's models take a message whole."""
    with suppress(*REFUSALS):
        return all(ours == theirs for ours, theirs in MODELS[name](payload))
    return False
