"""The gallery is complete, and every message in it can be read by a person."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from handler.slack import posts
from handler.texts import KINDS, Kind, describe

from handler.causes import CAUSES
from handler.config import NUMBERS
from handler.memory import Memory
from handler.message import mails
from sandbox.gallery import PICTURES, ROOT, SHOTS, card, page
from sandbox.mrkdwn import markup
from sandbox.samples import CHANNELS, READER, Sample, samples
from tests.stories import LASTING

SAMPLES = list(samples())
EACH = [pytest.param(sample, id=f"{sample.section}: {sample.title}") for sample in SAMPLES]
TITLE_LIMIT = 70
"""Two lines on a locked phone."""
PICTURE_BYTES = 200_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_kind_is_shown_in_every_channel(kind: str, channel: str) -> None:
    """And what is shown as a kind is of that kind."""
    shown = [sample for sample in SAMPLES if sample.section == kind]
    told = [notice for sample in shown for notice in sample.notices if channel in notice.owed]
    assert told, f"add a sample of {kind} to sandbox/samples.py"
    assert {notice.kind for sample in shown for notice in sample.notices} == {kind}


def test_every_cause_and_every_phase_is_shown() -> None:
    """An incident begins, is repeated and ends; an unreadable history may change its cause."""
    notices = [notice for sample in SAMPLES for notice in sample.notices]
    assert {n.facts["cause"] for n in notices if n.kind == "unreadable"} == CAUSES.keys()
    assert {(n.kind, n.facts["phase"]) for n in notices if n.incident and n.kind != "readable"} == {
        *((kind, phase) for kind in LASTING for phase in ("opened", "reminder")),
        ("unreadable", "changed"),
        ("channel", "closed"),
    }, "add a sample of each phase to sandbox/samples.py"
    ended = {end["what"] for n in notices for end in n.facts.get("ends", ())}
    assert ended == {"failed", "overdue", "stuck"}


def test_a_kind_without_a_sample_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a kind is told where its sample belongs."""
    monkeypatch.setitem(KINDS, "novel", Kind("info", "x", lambda notice: describe(notice)))
    with pytest.raises(LookupError, match=r"No sample of .*novel.*: add one to sandbox/samples\.py"):
        page(SAMPLES)


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, no file, no address but Zoho CRM's behind a link."""
    html = page(SAMPLES)
    assert not re.search(r"<script|<img|<iframe|@import|url\(|\bsrc=(?!x onerror)", html)
    targets = set(re.findall(r'href="([^"#]+)"', html))
    assert targets == {"data:,", "https://crm.zoho.eu"}
    assert html.count('class="card slack"') == sum(len(_posts(sample)) for sample in SAMPLES)
    assert html.count('class="card mail"') == sum(len(_mails(sample)) for sample in SAMPLES)


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
    assert markup(text, READER.zone) == shown


def test_the_readme_shows_a_real_message() -> None:
    """Word for word, but for its footer; and every picture that the documentation shows is there, and small."""
    (sample,) = [sample for sample in SAMPLES if sample.title == "The third in a row"]
    told = re.sub(r"Zoho CRM: https.*", "", _mails(sample)[0], flags=re.DOTALL)
    readme = (ROOT / "README.md").read_text()
    assert " ".join(told.split()) in " ".join(readme.split())
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
        title = describe(notice).title
        assert re.fullmatch(r"[A-Za-z0-9 ,'()-]+", title)
        assert len(title) <= TITLE_LIMIT
        if notice.row:
            assert not {notice.row["id"], notice.row["done_by"]} & set(re.findall(r"\d{5,}|Asha Rao", title))


def _posts(sample: Sample) -> list[str]:
    return [str(post.payload) for post in posts([n for n in sample.notices if "slack" in n.owed], sample.reader)]


def _mails(sample: Sample) -> list[str]:
    return [mail.text for mail in mails([n for n in sample.notices if "sns" in n.owed], sample.reader)]


def _sentences(sample: Sample) -> Iterator[str]:
    for notice in sample.notices:
        content = describe(notice)
        yield content.sentence
        yield from filter(None, [content.next_step])


@pytest.mark.parametrize("sample", EACH)
def test_messages_are_plain_sentences(sample: Sample) -> None:
    """Whole sentences, singular and plural right, no gaps, and no names that only the code knows."""
    for sentence in _sentences(sample):
        assert re.fullmatch(r"[A-Z][^\n]*[^ ]\.", sentence), sentence
        assert "  " not in sentence
    internals = {field.name for field in fields(Memory) if "_" in field.name} | {name.lower() for name in NUMBERS}
    for text in (*_posts(sample), *_mails(sample)):
        assert not re.search(r"\b1 (minute|hour|day|backup|message|entrie|problem)s\b", text)
        assert not re.search(r"\b(None|null|0 minutes)\b", text)
        assert not [name for name in internals if name in text.lower()]
