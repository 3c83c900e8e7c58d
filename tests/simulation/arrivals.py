"""What calls did: writes that arrived in the table and messages that a channel took, handed to the witness."""

import html
import json
import re
from typing import TYPE_CHECKING, Any

from handler.memory import Notice
from handler.message import Mail
from handler.store import from_item
from tests.simulation.wire import AwsCall, Call
from tests.simulation.witness import item_bytes

if TYPE_CHECKING:
    from tests.simulation.world import Invocation, World


class Arrivals:
    """Everything that arrived in one timeline.

    Attributes:
        posts: What Slack accepted.
        mails: What SNS accepted.
    """

    def __init__(self, world: "World") -> None:
        """Belong to this world."""
        self._world = world
        self.posts: list[dict[str, Any]] = []
        self.mails: list[Mail] = []

    def take(self, call: Call, answer: Any, by: "Invocation", excuse: str) -> None:
        """See what a call did.

        Args:
            call: What was called.
            answer: What the server said; None: it hung up.
            by: Who called.
            excuse: The fault that hides the answer, or "".
        """
        world = self._world
        match call.place:
            case "dynamodb PutItem" if isinstance(call, AwsCall) and answer.status_code == 200:
                item = json.loads(call.request.body)["Item"]
                world.witness.written(from_item(item), world.organisation.rows, item_bytes({"M": item}), by)
            case "slack webhook" if world.slack.messages and by.batch:
                self.posts.append(world.slack.messages.pop())
                self._accepted("slack", by.batch.content.notices, _text(self.posts[-1]), by, excuse)
            case "sns PublishBatch" if by.batch and answer.status_code == 200:
                for number in re.findall(r"<Id>(\d+)</Id>", answer.text):
                    mail = by.batch.content[int(number)]
                    self.mails.append(mail)
                    self._accepted("sns", mail.notices, mail.subject + mail.text, by, excuse)

    def _accepted(self, channel: str, notices: tuple[Notice, ...], text: str, by: "Invocation", excuse: str) -> None:
        witness = self._world.witness
        for notice in notices:
            if notice.row and notice.row["id"] not in text:
                witness.blame("loss", f"the message of {notice.notice_id} lacks the row's id")
        memory = witness.memory
        mine = memory is not None and memory.lease_owner == by.aws_request_id
        live = memory is not None and memory.lease_until is not None and memory.lease_until > self._world.now
        witness.accepted(channel, notices, by, excuse, leased=(mine and live) or by.robbed)

    def judge_leaks(self) -> None:
        """Search everything that was logged, raised and remembered for secrets."""
        witness, owner = self._world.witness, self._world.organisation
        said = "\n".join([*self._world.log.lines, repr(witness.memory)])
        tokens = [token for issued in owner.issued.values() for token in issued]
        for secret in (owner.client_secret, *owner.refresh_tokens, *tokens, "SECRETHOOK", "SECRETBEAT"):
            if secret in said:
                witness.blame("leak", said[max(0, said.index(secret) - 200) : said.index(secret)])


def _text(part: Any) -> str:
    """Return all that a Slack message says, escaped as formatted text is and as plain text is not."""
    if isinstance(part, str):
        return f"{part}\n{html.unescape(part)}\n"
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return "".join(map(_text, parts))
