"""Everything that the tools say fits 80 columns, the width of most terminals."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from botocore import exceptions as aws

from handler.causes import CAUSES
from handler.channels import CHANNELS
from tools import asking, deploy, grant, lines, parameters, prompts, questions
from tools.lines import fitted, say
from tools.problems import ZohoError, from_aws, from_zoho

COLUMNS = 80
MARK = len("  > 10. [ ] ")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Give what returns the lines that were shown on a terminal of 80 columns."""
    monkeypatch.setattr(lines, "columns", lambda: COLUMNS)
    return lambda: capsys.readouterr().out.splitlines()


def too_long(shown: Collection[str]) -> list[str]:
    """Return the lines that a terminal would break."""
    return [line for line in shown if len(line) > COLUMNS]


class Person:
    """Answers in place of `prompts`, and writes down what it was asked."""

    def __init__(self, answer: str) -> None:
        """Give every question this answer."""
        self.asked: list[str] = []
        self._answer = answer

    def ask(self, question: str, complaint: Callable[[str], str], *, secret: bool = False) -> str:
        """Answer a line."""
        self.asked.append(f"{question} ")
        return self._answer

    def choose(self, question: str, options: Sequence[tuple[Any, str]], default: Any = None) -> Any:
        """Choose the last."""
        self.asked += [question, *("x" * MARK + label for _, label in options)]
        return options[-1][0]

    def choose_several(self, question: str, options: Sequence[tuple[Any, str]], ticked: Collection[Any] = ()) -> Any:
        """Tick everything."""
        self.choose(question, options)
        return [value for value, _ in options]

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Agree."""
        self.asked.append(question)
        return True


@pytest.fixture
def person(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Give somebody who answers."""
    somebody = Person(getattr(request, "param", ""))
    for name in ("ask", "choose", "choose_several", "confirm"):
        monkeypatch.setattr(prompts, name, getattr(somebody, name))
    return somebody


LONG = {
    "data_center": "us",
    "client_id": "1000.0123456789ABCDEFGHIJ0123456789",
    "client_secret": "0" * 42,
    "refresh_token": "1000.a.b",
    "name": "n" * questions.NAME_LIMIT,
    "time_zone": "America/Argentina/ComodRivadavia",
    **{setting.key: setting.default or "U0123456789" for channel in CHANNELS for setting in channel.settings},
}


@pytest.mark.parametrize("person", ["", "https://cliq.zoho.eu/x"], indirect=True, ids=["Enter", "doubted"])
@pytest.mark.parametrize("known", [{}, LONG], ids=["new", "known"])
def test_every_question_of_connect_fits(screen: Callable[[], list[str]], person: Person, known: dict[str, str]) -> None:
    """With all that is said before it, whether something is known or not."""
    asking.ask(known, {})
    shown = [*screen(), *person.asked]
    assert too_long(shown) == []
    missing = [q.text for key, q in questions.QUESTIONS.items() if q.text not in " ".join(shown) and "_min_" not in key]
    assert missing == []


def test_every_question_of_deploy_fits(screen: Callable[[], list[str]], person: Person) -> None:
    """Each parameter with its description and its present value."""
    values = {name: parameters.default(name) for name in parameters.template()}
    deploy._ask(values, {})
    assert too_long([*screen(), *person.asked]) == []


def test_every_cause_fits(screen: Callable[[], list[str]]) -> None:
    """What is wrong with Zoho or AWS, and what to do."""
    for cause in (*CAUSES.values(), *grant.CODE_ERRORS.values()):
        from_zoho(ZohoError(cause, "Zoho accounts answered: invalid_client_secret")).show()
    for error in (aws.NoCredentialsError(), aws.NoRegionError(), aws.ProfileNotFound(profile="x")):
        from_aws(error).show()
    shown = screen()
    assert len(shown) > len(CAUSES)
    assert too_long(shown) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("short", ["short"]),
        ("", [""]),
        ("✗ " + "word " * 20, ["✗ " + "word " * 14 + "word", "  word word word word word"]),
        (
            "See: aws logs tail /a/" + "b" * 80 + " --since 3h",
            ["See:", "    aws logs tail /a/" + "b" * 80 + " --since 3h"],
        ),
        ("    kept " * 12, ["    kept " * 12]),
        ("two\nlines", ["two", "lines"]),
        ("    → \t" + "word " * 16, ["    → " + "word " * 14 + "word", "      word"]),
        ("\033[31m✗\033[0m \t" + "界" * 41, ["\033[31m✗\033[0m " + "界" * 39, "  界界"]),
        ("✓  a  b" + " " * 80 + "c", ["✓  a  b", "  c"]),
    ],
)
def test_a_text_is_broken_at_blanks(screen: Callable[[], list[str]], text: str, broken: list[str]) -> None:
    """What is copied stays whole, on a line to itself."""
    say(text, "  ")
    assert screen() == broken


def test_in_a_pipe_nothing_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a program reads, a sentence is a line."""
    assert fitted("word " * 50) == "word " * 50
    assert fitted("  → \tdo it") == "  → do it"
