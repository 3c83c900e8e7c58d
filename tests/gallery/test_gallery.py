"""The gallery is complete, and every message in it can be read by a person."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from handler.causes import CAUSES
from handler.channels import CHANNELS
from handler.config import NUMBERS
from handler.incidents import INCIDENTS
from handler.memory import Memory
from handler.message import text
from sandbox.gallery import KINDS, PICTURES, ROOT, SHOTS, card, page
from sandbox.mrkdwn import markup
from sandbox.readers import Readers, as_text
from sandbox.samples import RECIPIENT, Sample, samples

SAMPLES = samples()
EACH = [pytest.param(sample, id=sample.name) for sample in SAMPLES]
TITLE_LIMIT = 70
"""Two lines on a locked phone."""
PICTURE_BYTES = 200_000
QUIET_ON_PAGERS = {"completed", "scheduled", "purchased", "baseline", "stopped", "digest", "recovered", "unknown"}
"""Kinds of which an incident-only channel gets some, or none."""


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Give a reader of every channel."""
    with closing(Readers()) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_kind_is_shown_in_every_channel(kind: str, channel: type) -> None:
    """And what is shown as a kind is of that kind."""
    shown = [sample for sample in SAMPLES if sample.section == kind]
    assert {notice.kind for sample in shown for notice in sample.notices} == {kind}
    receivers = {name for sample in shown for notice in sample.notices for name in notice.pending_for}
    assert channel.name in receivers or (channel.incidents_only and kind in QUIET_ON_PAGERS), (  # type: ignore[attr-defined]
        f"add a sample of {kind} to sandbox/samples.py"
    )


def test_every_cause_and_every_phase_is_shown() -> None:
    """An incident begins, is repeated and ends; an unreadable history may change its cause."""
    notices = [notice for sample in SAMPLES for notice in sample.notices]
    titles = {notice.content.title for notice in notices if notice.kind == "unreadable"}
    assert all(any(cause.title in title for title in titles) for cause in CAUSES.values())
    alone = {(notice.incident.partition(":")[0], notice.phase) for notice in notices if notice.incident}
    names = {*(kind.NAME for kind in INCIDENTS), "unreadable", "channel"}
    opened = {name for notice in notices for name in (ref.name.partition(":")[0] for ref in notice.opens)}
    ended = {name for notice in notices for name in (ref.name.partition(":")[0] for ref in notice.ends)}
    assert names == opened == ended - {"stopped"}, "add a sample of each phase to sandbox/samples.py"
    assert {(name, "reminder") for name in names} <= alone, "add a sample of each phase to sandbox/samples.py"


def test_a_kind_without_a_sample_is_refused() -> None:
    """Whoever adds a kind reads where its sample belongs."""
    with pytest.raises(LookupError, match=r"No sample of overdue: add one to sandbox/samples\.py"):
        page([sample for sample in SAMPLES if sample.section != "overdue"])


def test_the_page_needs_nothing_but_itself(readers: Readers) -> None:
    """No script, no file, no address but Zoho CRM's behind a link; and every message is on it."""
    html = page(SAMPLES)
    assert not re.search(r"<script|<img|<iframe|@import|url\(|\bsrc=(?!x onerror)", html)
    targets = set(re.findall(r'href="([^"#]+)"', html))
    assert targets == {"data:,", "https://crm.zoho.eu"}
    sent = sum(
        len(readers.read(channel.name, sample.notices, sample.reader)) for sample in SAMPLES for channel in CHANNELS
    )
    assert len(re.findall(r'class="card ', html)) == sent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*What to do:* run `make connect` <https://x.org|Open>",
         '<b>What to do:</b> run <code>make connect</code> <a href="https://x.org">Open</a>'),
        ("2 * 3 * 4, a*b*c", "2 * 3 * 4, a*b*c"),
        ("&lt;b&gt; &amp; &quot;", "&lt;b&gt; &amp; &#34;"),
        ("<b onclick=x>", "&lt;b onclick=x&gt;"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        ('<https://x.org/"onclick="|a>', '<a href="https://x.org/&#34;onclick=&#34;">a</a>'),
        ("<!date^1656000000^{date_short_pretty} {time}|then>", "Jun 23, 2022 18:00"),
    ],
)  # fmt: skip
def test_mrkdwn_becomes_html_and_nothing_else_does(text: str, shown: str) -> None:
    """Bold, code, links and dates as in Slack; markup from elsewhere stays text."""
    assert markup(text, RECIPIENT.zone) == shown


def test_the_readme_shows_a_real_message() -> None:
    """Word for word, but for its footer; and every picture that the documentation shows is there, and small."""
    (sample,) = [sample for sample in SAMPLES if sample.title == "The third in a row"]
    words = re.sub(r"Zoho CRM: https.*", "", text(sample.notices, sample.reader), flags=re.DOTALL)
    readme = (ROOT / "README.md").read_text()
    assert " ".join(words.split()) in " ".join(readme.split())
    assert re.search('alt="A Slack message', readme)
    assert all("[data-channel=slack]" in str(shot[3]) for name, shot in SHOTS.items() if name.startswith("failed"))
    pictures = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in PICTURES.glob("*.png")}
    assert pictures.keys() == {f"docs/pictures/{name}.png" for name in SHOTS}
    assert max(pictures.values()) < PICTURE_BYTES
    assert set(re.findall(r"docs/pictures/[\w.-]+", readme)) <= pictures.keys()


def test_a_message_without_blocks_is_shown_by_its_text() -> None:
    """As Slack does with the plain form of a message that it refused."""
    assert "<p>plain</p>" in card("slack", {"text": "plain"})


@pytest.mark.parametrize("sample", EACH)
def test_titles_fit_a_locked_phone_and_hold_nothing_from_zoho(sample: Sample) -> None:
    """A few words of ours."""
    for notice in sample.notices:
        title = notice.content.title
        assert re.fullmatch(r"[A-Za-z0-9 ,:'()-]+", title)
        assert len(title) <= TITLE_LIMIT
        if notice.row:
            assert not {notice.row.id, notice.row.done_by} & set(re.findall(r"\d{5,}|Asha Rao", title))


@pytest.mark.parametrize("sample", EACH)
def test_messages_are_plain_sentences(sample: Sample, readers: Readers) -> None:
    """Whole sentences, singular and plural right, no gaps, and no names that only the code knows."""
    for notice in sample.notices:
        content = notice.content
        for sentence in (content.sentence, *content.lines, *filter(None, [content.next_step])):
            assert re.fullmatch(r"[A-Z][^\n]*[^ ]\.", sentence), sentence
            assert "  " not in sentence
    internals = {name for name in Memory._fields if "_" in name} | {name.lower() for name in NUMBERS}
    for channel in CHANNELS:
        for message in readers.read(channel.name, sample.notices, sample.reader):
            words = as_text(message)
            assert not re.search(r"\b1 (minute|hour|day|backup|message|entrie|problem)s\b", words)
            assert not re.search(r"\b(None|null|0 minutes)\b", words)
            assert not [name for name in internals if name in words.lower()]
