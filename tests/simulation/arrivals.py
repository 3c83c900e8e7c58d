"""What calls did: writes that arrived in the table and messages that a channel took, handed to the witness."""

import json
import re
from typing import TYPE_CHECKING, Any

from handler.store import from_item
from tests.simulation.wire import AwsCall, Call, reference
from tests.simulation.witness import item_bytes

if TYPE_CHECKING:
    from tests.simulation.invocation import Invocation, Sending
    from tests.simulation.world import World


class Arrivals:
    """Everything that arrived in one timeline.

    Attributes:
        messages: What the channels accepted, with their names: payloads, and entries of SNS's batches.
    """

    def __init__(self, world: "World") -> None:
        """Belong to this world."""
        self._world = world
        self.messages: list[tuple[str, Any]] = []

    def take(self, call: Call, answer: Any, by: "Invocation", excuse: str) -> None:
        """See what a call did.

        Args:
            call: What was called.
            answer: What the server said; None: it hung up.
            by: Who called.
            excuse: The fault that hides the answer, or "".
        """
        world = self._world
        sending = by.sending
        if call.place == "dynamodb PutItem" and isinstance(call, AwsCall) and answer.status_code == 200:
            item = json.loads(call.request.body)["Item"]
            if not by.may_write:
                world.witness.blame("order", "a check wrote over the item of a newer release")
            world.witness.written(from_item(item), world.organisation.rows, item_bytes({"M": item}), by)
        elif call.place == "sns PublishBatch" and isinstance(call, AwsCall) and sending and answer.status_code == 200:
            for number in re.findall(r"<Id>(\d+)</Id>", answer.text):
                entry = call.entries[number]
                [message] = [m for m in sending.request.payload if m.attributes["notice_id"] == reference(entry)]
                self.messages.append(("sns", entry))
                self._accepted(sending, message.notice_ids, f"{entry['Subject']}\n{entry['Message']}", by, excuse)
        elif call.operation == "webhook" and sending and world.fakes[call.service].accepted:
            message = world.fakes[call.service].accepted.pop()
            self.messages.append((call.service, message.payload))
            self._accepted(sending, sending.request.notice_ids, f"{message.text}\n{message.payload}", by, excuse)

    def _accepted(
        self, sending: "Sending", notice_ids: tuple[str, ...], text: str, by: "Invocation", excuse: str
    ) -> None:
        world, witness = self._world, self._world.witness
        by.refused_by.discard(sending.channel)
        for notice in map(witness.known, notice_ids):
            if notice and notice.row and notice.row.id not in text:
                witness.blame("loss", f"{sending.channel}'s message of {notice.notice_id} lacks the row's id")
        memory = witness.memory
        mine = memory is not None and memory.lease_owner == by.aws_request_id
        live = memory is not None and memory.lease_until is not None and memory.lease_until > world.now
        witness.accepted(sending, notice_ids, by, excuse, leased=(mine and live) or by.robbed)

    def judge_leaks(self) -> None:
        """Search everything that was logged, raised and remembered for secrets."""
        witness, owner = self._world.witness, self._world.organisation
        said = "\n".join([*self._world.log.lines, repr(witness.memory)])
        tokens = [token for issued in owner.issued.values() for token in issued]
        for secret in (owner.client_secret, *owner.refresh_tokens, *tokens, *self._world.canaries):
            if secret in said:
                witness.blame("leak", said[max(0, said.index(secret) - 200) : said.index(secret)])
