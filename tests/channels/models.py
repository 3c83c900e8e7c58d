"""Slack's and Microsoft's own models of a message: they judge what the tests send to the fakes of these services."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from microsoft_teams.cards import AdaptiveCard, FactSet, OpenUrlAction, TextBlock
from pydantic import BaseModel
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from sandbox.channels import FakeSlack, FakeTeams

CARDS: dict[str, type[BaseModel]] = {
    model.model_fields["type"].default: model for model in (AdaptiveCard, FactSet, OpenUrlAction, TextBlock)
}


def let_the_models_judge() -> None:
    """Let the fakes of this process refuse what these models do not take."""
    FakeSlack.judge, FakeTeams.judge = staticmethod(slacks), staticmethod(microsofts)


def slacks(payload: dict[str, Any]) -> bool:
    """Return whether Slack's models write each block as it is: they leave out what they do not know."""
    with suppress(SlackObjectFormationError):
        return all(Block.parse(block).to_dict() == block for block in payload.get("blocks", []))  # type: ignore[union-attr]
    return False


def microsofts(payload: dict[str, Any]) -> bool:
    """Return whether Microsoft's models take each part of each card, and write it as it is."""
    return all(
        CARDS[part["type"]].model_validate(part, strict=True, extra="forbid").model_dump(exclude_unset=True) == part
        for attachment in payload["attachments"]
        for part in _parts(**attachment["content"])
    )


def _parts(body: list[Any], actions: Iterable[Any] = (), **card: Any) -> list[Any]:
    """Return a card and what is in it, which the card's own model does not look into."""
    card.pop("$schema", None)  # the model has another name for it
    return [card, *body, *actions]
