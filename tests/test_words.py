"""The voice: what people read is short, says who must act and what to do, and has none of the words we gave up."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from handler.channels import CHANNELS
from handler.message import Message
from handler.wording import Content
from sandbox.samples import OPERATOR, samples

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
FIRST_WORDS = {"Ask", "Check", "Download", "Give", "Make", "Open", "Read", "Set", "Wait"}
"""What a next step begins with, where something is to be done."""


CHEERFUL = {"✅", "👋", "🛒", "🗓️", "📋", "🧪", "☑️", "🔁"}


def contents() -> Iterator[tuple[str, Content]]:
    """Yield what each notice of the samples says, with the sample's name."""
    for name, sample in SAMPLES.items():
        yield from ((name, notice.content) for notice in sample.notices)


def prose(content: Content) -> Iterator[str]:
    """Yield the sentences of a message; lists of anything but problems hold titles."""
    problems = [line.text for line in content.lines if content.lines_label == "Open problems"]
    return chain.from_iterable(map(sentences, (content.sentence, *problems, content.next_step)))


def ours(words: str) -> str:
    """Return a text without what it quotes: that is Zoho's."""
    return re.sub(r"“[^”]*”", "it", words)


def sentences(words: str) -> list[str]:
    """Return the sentences of a text."""
    return re.split(r"(?<=[.!?]) ", ours(words))


def test_no_message_and_no_document_has_an_old_word() -> None:
    """In any channel: a message's plain form has all of it. Of documents, code between backticks is left out."""
    texts = {
        name: Message(sample.notices, sample.reader).text
        for name, sample in SAMPLES.items()
        if sample.section != "hostile"
    }
    for document in DOCUMENTS:
        texts[document.name] = re.sub(r"```.*?```|`[^`]*`|https?://\S+", "", document.read_text(), flags=re.DOTALL)
    assert {name: found[0] for name, words in texts.items() if (found := OLD_WORDS.search(words))} == {}


def test_a_sentence_can_be_read_once() -> None:
    """It has at most 25 words, begins with a capital, also where a name from outside begins it, and ends."""
    for name, content in contents():
        assert re.match("[A-Z0-9]", content.title), f"{name}: {content.title}"
        assert len(content.title.split()) <= MOST_WORDS, f"{name}: {content.title}"
        for sentence in prose(content):
            assert len(sentence.split()) <= MOST_WORDS, f"{name}: {sentence}"
            assert re.match(r"[A-Z0-9].*[.?!]$", sentence, re.DOTALL), f"{name}: {sentence}"


def test_a_next_step_begins_with_what_to_do() -> None:
    """With a verb, or it says that nothing is to be done; then Zoho's own advice says nothing else."""
    for name, content in contents():
        nothing = content.next_step.startswith("No action needed")
        assert nothing or content.next_step.split()[0].strip(":") in FIRST_WORDS, f"{name}: {content.next_step}"
        assert not (nothing and any(fact.label == "Zoho's advice" for fact in content.facts)), name
    for channel in CHANNELS:
        assert channel.repair_hint.split()[0] in FIRST_WORDS, channel.name
        assert "{operator}" in channel.repair_hint or "{connect}" not in channel.repair_hint, channel.name


def test_what_only_the_operator_can_do_names_them() -> None:
    """A Zoho administrator runs no command: every sentence with one says whom to ask."""
    commands = re.compile(r"\bmake [a-z]|parameter|MaxBackupAgeDays|permission of|the stack\b|function's role")
    found = 0
    for name, content in contents():
        for sentence in prose(content):
            if commands.search(sentence):
                found += 1
                asks = re.search(rf"\bask {re.escape(OPERATOR)} to\b", sentence, re.IGNORECASE)
                assert asks or "saved Zoho credentials" in sentence, f"{name}: {sentence}"
        assert "{" not in str(content), name
    assert found > 5


def test_a_mail_fits_its_news() -> None:
    """No greeting over a problem, no alarm over good news."""
    for name, sample in SAMPLES.items():
        for notice in sample.notices:
            assert (notice.content.symbol in CHEERFUL) == (notice.severity == "info"), (
                f"{name}: {notice.content.symbol}"
            )
