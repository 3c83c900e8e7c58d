"""Very much at once, on every real channel, one of them broken."""

from contextlib import suppress
from datetime import timedelta

from handler.channels import BY_NAME
from handler.errors import CheckFailed
from sandbox.channels import FAKES
from tests.item import ITEM_LIMIT, item_size
from tests.world import world

OUTCOMES = 250
NAME = "备" * 100


def test_the_healthy_channels_have_everything_soon_and_the_item_stays_small() -> None:
    """250 outcomes with names of a hundred Chinese characters; Slack is gone, and the others never wait for it."""
    with world(channels=FAKES) as watched:
        for fake in watched.fakes.values():
            fake.clock = watched.clock
        watched.check()
        watched.fakes["slack"].break_with("no_service")
        rows = [
            watched.log(
                at=watched.clock.now + timedelta(seconds=number),
                state="failure",
                done_by={"name": NAME, "id": "1", "zuid": "2"},
                file_name=NAME,
            )
            for number in range(OUTCOMES)
        ]
        watched.clock.advance(hours=1)
        for _ in range(8):  # Lambda's retries and the next checks
            with suppress(CheckFailed):
                watched.check()
            assert item_size(watched.memory()) < ITEM_LIMIT
            watched.clock.advance(minutes=30)
        ids = {str(raw["id"]) for raw in rows}
        mails = [entry["Message"] for entry in watched.topic.entries]
        assert {row_id for row_id in ids if any(row_id in mail for mail in mails)} == ids
        for name in FAKES.keys() - {"slack"}:
            texts = [message.text for message in watched.fakes[name].accepted]
            assert {row_id for row_id in ids if any(row_id in text for text in texts)} == ids, name
            assert watched.memory().pending(name) == []
        assert BY_NAME.keys() - {"sns"} == FAKES.keys()
        letters = watched.memory().dead_letters
        assert letters.total == 0 or {letter.channel for letter in letters.last} == {"slack"}
