"""What people read: a golden file for each sample, with its form on every channel.

`GOLDEN=write` before a run writes the files anew; read what changed before you keep it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from handler.channels import CHANNELS
from handler.rules import NOTIFIABLE
from sandbox.readers import Readers, as_text
from sandbox.samples import Sample, samples

GOLDEN = Path(__file__).with_name("golden")
SAMPLES = {sample.name: sample for sample in samples()}


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Give a reader of every channel, in UTC."""
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    with closing(Readers()) as made:
        yield made
    os.environ.pop("TZ")
    if zone:
        os.environ["TZ"] = zone
    time.tzset()


def shown(sample: Sample, readers: Readers) -> str:
    """Return a sample as each channel shows it."""
    messages = {channel.name: readers.read(channel.name, sample.notices, sample.reader) for channel in CHANNELS}
    parts = [f"=== {name}\n{as_text(one).rstrip()}\n" for name, some in messages.items() for one in some]
    return "\n".join(parts)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_reads_as_its_golden_file(name: str, readers: Readers) -> None:
    """One file for each sample."""
    file = GOLDEN / f"{name}.txt"
    text = shown(SAMPLES[name], readers)
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert file.exists(), "GOLDEN=write writes it: read it before you keep it"
    assert text == file.read_text(encoding="utf-8")


def test_the_golden_files_show_every_kind_and_nothing_else() -> None:
    """A kind without a sample fails here, and so does a file without one."""
    kinds = {notice.kind for sample in SAMPLES.values() for notice in sample.notices}
    wanted = {*NOTIFIABLE, "baseline", "recovered", "readable", "test"}
    assert kinds == wanted, "add a sample to sandbox/samples.py; GOLDEN=write then writes its file"
    assert {file.name for file in GOLDEN.iterdir()} == {f"{name}.txt" for name in SAMPLES}
