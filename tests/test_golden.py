"""What people read: every message's words in a golden file, and some messages as each channel shows them.

`GOLDEN=write` before a run writes the files anew; read what changed before you keep it.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Connection, Senders
from handler.config import NOTIFIABLE
from handler.wording import PAGE
from sandbox.readers import Readers, as_text
from sandbox.samples import Sample, samples

GOLDEN = Path(__file__).with_name("golden")
SAMPLES = {sample.name: sample for sample in samples()}
ON_ALL_CHANNELS = (
    "completed-the-weekly-backup",
    "failed-sent-after-the-links-expired",
    "failed-the-third-in-a-row",
    "recovered-after-all-of-it",
    "unreadable-it-begins-revoked-token",
    "channel-it-begins-slack",
    "digest-a-bad-month",
    "together-three-at-once",
    "list-fourteen-at-once",
    "hostile-every-field-is-hostile-or-far-too-long",
)
"""One of every shape that a message can have."""
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
"""The characters of GSM 03.38 and its extension."""
SNS = Connection(BY_NAME["sns"], Senders(None, "", requests.Session()), {})


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Give a reader of every channel, in UTC."""
    with pytest.MonkeyPatch.context() as patch, closing(Readers()) as made:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield made
    time.tzset()


def on_all_channels(sample: Sample, readers: Readers) -> str:
    """Return a sample as each channel shows it."""
    messages = {channel.name: readers.read(channel.name, sample.notices, sample.reader) for channel in CHANNELS}
    parts = [f"=== {name}\n{as_text(one).rstrip()}\n" for name, some in messages.items() for one in some]
    return "\n".join(parts)


def words(sample: Sample) -> str:
    """Return what a sample says: symbol and attributes, and the e-mail without its empty lines."""
    mails = [request.payload for request in SNS.render(sample.notices, sample.reader)]
    parts = []
    for notice, mail in zip(sample.notices, mails, strict=True):
        values = {name: value["StringValue"] for name, value in mail["MessageAttributes"].items()}
        named = {name: value if value[0] == "[" else json.dumps(value) for name, value in values.items()}
        attributes = ", ".join(f"{name}: {named[name]}" for name in named if name not in {"org", "notice_id"})
        lines = [f"{notice.content.symbol} {attributes}", f"Subject: {mail['Subject']}", *mail["Message"].splitlines()]
        parts.append("".join(f"{line}\n" for line in lines if line))
    return "\n".join(parts)


def shown(sample: Sample, readers: Readers) -> str:
    """Return what a sample's file has."""
    return on_all_channels(sample, readers) if sample.name in ON_ALL_CHANNELS else words(sample)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_reads_as_its_golden_file(name: str, readers: Readers) -> None:
    """One file for each sample."""
    file = GOLDEN / f"{name}.txt"
    text = shown(SAMPLES[name], readers)
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert file.exists(), "GOLDEN=write writes it: read it before you keep it"
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mail_says_nothing_twice_and_has_no_character_that_makes_the_parts_of_an_sms_short(name: str) -> None:
    """No sentence, the way to the page, the last backup, which comes with its copy; no name has such a character."""
    for request in SNS.render(SAMPLES[name].notices, SAMPLES[name].reader):
        mail = request.payload
        assert set(mail["Subject"] + mail["Message"]) <= set(GSM)
        body = mail["Message"].replace(f"{SAMPLES[name].reader.name}: ", "")
        said = [part.strip() for part in re.split(r"[.\n]\s", body) if part.strip()]
        assert [part for part in said if said.count(part) > 1] == []
        assert max(body.count(words) for words in (PAGE, "Last successful backup:")) <= 1
        dated = re.search(r"Last successful backup: \d", body) is not None
        assert dated <= ("Last copy at Zoho: " in body or "Download until" in body)


def test_the_golden_files_show_every_kind_and_nothing_else() -> None:
    """A kind without a sample fails here, and so does a file without one."""
    kinds = {notice.kind for sample in SAMPLES.values() for notice in sample.notices}
    wanted = {*NOTIFIABLE, "baseline", "recovered", "readable", "test", "list", "lost"}
    assert kinds == wanted, "add a sample to sandbox/samples.py; GOLDEN=write then writes its file"
    assert {file.name for file in GOLDEN.iterdir()} == {f"{name}.txt" for name in SAMPLES}
    assert set(ON_ALL_CHANNELS) <= SAMPLES.keys()
