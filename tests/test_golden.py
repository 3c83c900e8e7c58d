"""What people read: a golden file for each kind and channel.

`GOLDEN=write` before a run writes the files anew; read what changed before you keep it.
"""

import json
import os
from pathlib import Path

import pytest
from handler.slack import Post, posts
from handler.texts import KINDS

from handler.message import Mail, mails
from tests.stories import READER, STORIES, texts_of

GOLDEN = Path(__file__).with_name("golden")


def in_mail(mail: Mail) -> str:
    """Return an e-mail as a person sees it, its attributes above it."""
    attributes = "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(mail.attributes.items()))
    return f"{attributes}\nSubject: {mail.subject}\n\n{mail.text}\n"


def in_slack(post: Post) -> str:
    """Return a Slack message block by block, each text below its block and after its type."""
    lines = [f"fallback: {post.payload['text']}"]
    for block in post.payload["blocks"]:
        lines += ["", f"({block['type']})", *(f"{kind}: {text}" for kind, text in texts_of([block]))]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("channel", ["mail", "slack"])
@pytest.mark.parametrize("name", STORIES)
def test_a_message_reads_as_its_golden_file(name: str, channel: str) -> None:
    """One file for each kind and channel, some kinds more than once."""
    notices = STORIES[name]()
    shown = (
        [in_mail(mail) for mail in mails(notices, READER)]
        if channel == "mail"
        else [in_slack(post) for post in posts(notices, READER)]
    )
    assert len(shown) == 1
    file = GOLDEN / f"{name}.{channel}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(shown[0], encoding="utf-8")
    assert file.exists(), "GOLDEN=write writes it: read it before you keep it"
    assert shown[0] == file.read_text(encoding="utf-8")


def test_the_golden_files_show_every_kind_and_nothing_else() -> None:
    """A kind without a story fails here, and so does a file without one."""
    told = {name: [notice.kind for notice in story()] for name, story in STORIES.items()}
    shown = {kind for kinds_told in told.values() for kind in kinds_told}
    assert KINDS.keys() - shown == set(), "add a story to tests/stories.py; GOLDEN=write then writes its files"
    for name, kinds_told in told.items():
        assert kinds_told == [name.partition("-")[0]] or name in {"many", "given-up"}, name
    expected = {f"{name}.{channel}.txt" for name in STORIES for channel in ("mail", "slack")}
    assert {file.name for file in GOLDEN.iterdir()} == expected
