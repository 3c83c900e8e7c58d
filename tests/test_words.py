"""The voice: what people read is short, says who must act and what to do, and has none of the words we gave up."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from handler.channels import CHANNELS
from handler.message import Recipient, text
from handler.wording import Content, plural
from sandbox.samples import OPERATOR, RECIPIENT, Sample, samples

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
SAMPLES = {sample.name: sample for sample in samples()}
MOST_WORDS = 25
OLD_WORDS = re.compile(
    r"\b((?<!can\'t )tell|tells|told|telling|mend(s|ed|ing)?|afresh|anew|for good|of its own|passing trouble|"
    r"given up|gives? up|watch goes on|become of|becomes of|became of|see to|is owed|are owed|set aside)\b",
    re.IGNORECASE,
)
"""A short list: the left columns of how we used to write. Each has a plain word in its place."""
FIRST_WORDS = {"Ask", "Check", "Download", "Give", "Make", "Open", "Set", "Wait"}
"""What a next step begins with, where something is to be done."""


def contents() -> Iterator[tuple[str, Content]]:
    """Yield what each notice of the samples says, with the sample's name."""
    for name, sample in SAMPLES.items():
        yield from ((name, notice.content) for notice in sample.notices)


def ours(words: str) -> str:
    """Return a text without what it quotes: that is Zoho's."""
    return re.sub(r"“[^”]*”", "it", words)


def sentences(words: str) -> list[str]:
    """Return the sentences of a text."""
    return re.split(r"(?<=[.!?]) ", ours(words))


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.section != "hostile"])
def test_a_message_has_no_old_word(name: str) -> None:
    """In any channel: its plain form has all of it."""
    sample = SAMPLES[name]
    for notice in sample.notices:
        found = OLD_WORDS.search(text([notice], sample.reader))
        assert not found, found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_has_no_old_word(document: Path) -> None:
    """Code between backticks aside."""
    plain = re.sub(r"```.*?```|`[^`]*`|https?://\S+", "", document.read_text(), flags=re.DOTALL)
    found = [match[0] for match in OLD_WORDS.finditer(plain)]
    assert not found


def test_a_sentence_can_be_read_once() -> None:
    """Title, sentence, lines and next step: at most 25 words each."""
    for name, content in contents():
        for words in (content.title, content.sentence, *content.lines, content.next_step):
            for sentence in sentences(words):
                assert len(sentence.split()) <= MOST_WORDS, f"{name}: {sentence}"


def test_a_sentence_begins_with_a_capital_and_ends() -> None:
    """Also where a name from outside begins it."""
    for name, content in contents():
        assert re.match("[A-Z0-9]", content.title), f"{name}: {content.title}"
        for words in (content.sentence, *content.lines, content.next_step):
            for sentence in sentences(words):
                assert re.match(r"[A-Z0-9].*[.?!]$", sentence, re.DOTALL), f"{name}: {sentence}"


def test_a_next_step_begins_with_what_to_do() -> None:
    """With a verb, or it says that nothing is to be done."""
    for name, content in contents():
        step = content.next_step
        assert step.startswith("No action needed") or step.split()[0].strip(":") in FIRST_WORDS, f"{name}: {step}"


def test_what_only_the_operator_can_do_names_them() -> None:
    """A Zoho administrator runs no command: every sentence with one says whom to ask."""
    commands = 0
    for name, content in contents():
        for sentence in chain.from_iterable(map(sentences, (content.sentence, *content.lines, content.next_step))):
            if re.search(
                r"\bmake [a-z]|parameter|MaxBackupAgeDays|permission of|the stack\b|function's role", sentence
            ):
                commands += 1
                asks = re.search(rf"\bask {re.escape(OPERATOR)} to\b", sentence, re.IGNORECASE)
                about = "saved Zoho credentials" in sentence
                assert asks or about, f"{name}: {sentence}"
        assert "{" not in str(content), name
    assert commands > 5


def test_a_message_never_asks_for_nothing_and_something() -> None:
    """Zoho's own advice never contradicts ours."""
    for name, content in contents():
        advice = [fact.text for fact in content.facts if fact.label == "Zoho's advice"]
        assert not (advice and content.next_step.startswith("No action needed")), f"{name}: {advice}"


def test_a_list_of_problems_is_counted_rightly_and_its_step_fits_it() -> None:
    """One problem is no problems."""
    for name, content in contents():
        if content.lines:
            assert plural(len(content.lines), "problem") in content.title.replace("open ", ""), name
            problems = "problem" if len(content.lines) == 1 else "problems"
            if all("subscribed" in line for line in content.lines):
                continue  # that is no matter of Zoho CRM
            assert f"fix the {problems} listed above" in content.next_step, name


def test_no_sentence_expects_a_backup_later_than_the_one_that_is_missing() -> None:
    """No backup for 29 days says nothing beside one at least every 35 days."""
    for name, content in contents():
        missing = re.search(r"No backup has completed in the last (\d+) days", content.sentence)
        every = re.search(r"at least every (\d+) days", content.sentence)
        assert not (missing and every) or int(missing[1]) >= int(every[1]), name


def test_a_symbol_fits_the_news() -> None:
    """No greeting over a problem, no green tick over what is none, one symbol for one severity's worth of alarm."""
    for sample in SAMPLES.values():
        for notice in sample.notices:
            cheerful = notice.content.symbol in {"✅", "👋", "🛒", "🗓️", "📋", "🧪", "☑️", "🔁"}
            assert cheerful == (notice.severity == "info"), f"{sample.name}: {notice.content.symbol}"


ALONE = [sample for sample in SAMPLES.values() if len(sample.notices) == 1]


@pytest.mark.parametrize("sample", ALONE, ids=lambda sample: sample.name)
def test_a_mail_ends_with_one_short_reference(sample: Sample) -> None:
    """With at most one time in it, and with no other internal id."""
    (notice,) = sample.notices
    assert len(re.findall(r"\d{8}T", notice.notice_id)) <= 1
    body, _, last = text([notice], sample.reader).rpartition("\n")
    assert last == f"Reference: {notice.notice_id}"
    assert notice.notice_id not in body
    assert notice.kind not in body.split("\n")


def test_what_to_do_about_a_broken_channel_begins_with_a_verb() -> None:
    """Each channel's own advice, and it says whom to ask."""
    for channel in CHANNELS:
        assert channel.when_broken.split()[0] in FIRST_WORDS, channel.name
        assert "{operator}" in channel.when_broken or "{connect}" not in channel.when_broken, channel.name


def test_the_recipient_of_the_samples_is_one() -> None:
    """The organisation's name leads every message."""
    assert isinstance(RECIPIENT, Recipient)
    for sample in SAMPLES.values():
        assert text(sample.notices, sample.reader).startswith(f"{sample.reader.name}: ")
