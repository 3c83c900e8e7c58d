"""The gallery is complete, and every message in it can be read by a person."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from handler.channels import CHANNELS
from handler.config import NOTIFIABLE, NUMBERS
from handler.errors import CAUSES
from handler.incidents import INCIDENTS
from handler.memory import Memory
from sandbox import browser, gallery
from sandbox.gallery import HEADINGS, PICTURED, PICTURES, ROOT, page
from sandbox.readers import Readers, as_text
from sandbox.samples import RUNBOOK, Sample, samples

SAMPLES = samples()
NOTICES = [notice for sample in SAMPLES for notice in sample.notices]
PICTURE_BYTES = 200_000


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Give a reader of every channel."""
    with closing(Readers()) as made:
        yield made


def test_every_kind_every_cause_and_every_phase_is_shown() -> None:
    """Whoever adds one reads here that its sample belongs into sandbox/samples.py."""
    others = {"baseline", "recovered", "readable", "test"}
    assert {*others, *NOTIFIABLE} < {sample.section for sample in SAMPLES} == HEADINGS.keys() - {"alarms"}
    titles = {notice.content.title for notice in NOTICES if notice.kind == "unreadable"}
    assert all(any(cause.title in title for title in titles) for cause in CAUSES.values())
    names = {*(kind.name for kind in INCIDENTS), "unreadable", "channel"}
    opened = {ref.name.partition(":")[0] for notice in NOTICES for ref in notice.opens}
    ended = {ref.name.partition(":")[0] for notice in NOTICES for ref in notice.ends}
    assert names == opened - {"unknown"} == ended - {"stopped"}
    assert names <= {notice.incident.partition(":")[0] for notice in NOTICES if notice.phase == "reminder"}


def test_the_page_needs_nothing_but_itself(readers: Readers) -> None:
    """No script, no file, no address but Zoho CRM's and the runbook's behind a link; and every message is on it."""
    html = page(SAMPLES)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"" in html
    assert not re.search(r"<script|<img|<iframe|@import|url\(|\bsrc=(?!x onerror)", html)
    assert set(re.findall(r'href="([^"#][^"]*)"', html)) == {"data:,", "https://crm.zoho.eu", f"{RUNBOOK}#unreadable"}
    channels = [channel.name for channel in CHANNELS] + ["sns"]  # once more, as an SMS
    sent = sum(len(readers.read(name, sample.notices, sample.reader)) for sample in SAMPLES for name in channels)
    alarms = re.findall(r"What to do: \S+runbook\.md#([a-z-]+)", html)
    assert {*alarms} == {"errors", "not-invoked", "dead-letter-queue", "pending"}
    assert len(re.findall(r'class="card ', html)) == sent + len(alarms)


def test_the_readme_describes_its_picture() -> None:
    """With the message's title; and every picture that the documentation shows is there, and small."""
    (sample,) = [sample for sample in SAMPLES if sample.name == PICTURED]
    readme = (ROOT / "README.md").read_text()
    assert f'alt="A Slack message: Acme Ltd, {sample.notices[0].content.title.lower()}"' in readme
    pictures = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in PICTURES.glob("*.png")}
    assert pictures.keys() == set(re.findall(r"docs/pictures/[\w.-]+", readme))
    assert max(pictures.values()) < PICTURE_BYTES


def test_pictures_are_made_only_of_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another browser or font alone changes none."""
    html, made = page(SAMPLES, "all"), list[Path]()
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)

    def picture(_: str, view: browser.View, file: Path, *more: object) -> None:
        made.append(file)
        file.write_bytes(b"PNG")

    monkeypatch.setattr(browser, "picture", picture)
    for scheme in ("light", "dark"):
        (tmp_path / f"failed-{scheme}.png").write_bytes(b"PNG")
    for changed, pictures in ((html, 2), (html, 0), (html.replace("3 in a row", "4 in a row"), 2)):
        made.clear()
        gallery.take_pictures("", changed)
        assert len(made) == pictures


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_message_has_a_short_title_and_plain_words(sample: Sample, readers: Readers) -> None:
    """Nothing of Zoho's in a title, singular and plural right, and no names that only the code knows."""
    for notice in sample.notices:
        assert re.fullmatch(r"[A-Za-z0-9 ,:'()-]{1,70}", notice.content.title), "two lines on a locked phone"
        assert not notice.row or not re.search(r"\d{5,}|Asha Rao", notice.content.title)
    internals = {name for name in Memory._fields if "_" in name} | {name.lower() for name in NUMBERS}
    for channel in CHANNELS:
        for message in readers.read(channel.name, sample.notices, sample.reader):
            words = as_text(message)
            assert not re.search(
                r"\b1 (minute|hour|day|backup|message|entrie|problem)s\b|\b(None|null|0 minutes)\b", words
            )
            assert not [name for name in internals if name in words.lower()]
