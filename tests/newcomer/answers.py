"""What is typed where a tool asks, found by the text of its question, and which questions are asked for nothing."""

import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.newcomer.shell import CTRL_C, CTRL_U, ENTER, PATIENCE_SECONDS, LostError, Shell


class Answer(NamedTuple):
    """One answer to a question.

    Attributes:
        keys: What is typed. A line gets its Enter; what has one, or ends in Ctrl-C, is typed as it is.
        complaint: What is said of it, where it is a mistake: then the question is asked again.
        shows: Instead of an end to the question: what is seen after these keys, and more are typed.
    """

    keys: str
    complaint: str = ""
    shows: str = ""


def answer_all(shell: Shell, asked: Mapping[str, list[Answer]]) -> None:
    """Answer every question until the shell waits for a command.

    Args:
        shell: Where it is asked.
        asked: The beginning of each question → its answers; no more and no fewer may be asked for.
    """
    left = {question: list(answers) for question, answers in asked.items()}
    complaint = ""
    while (question := _next(shell, left)) is not None:
        if complaint and complaint not in " ".join(shell.new.split()):
            raise LostError(f"Nothing says {complaint!r}:\n{shell.new}")
        if not left[question]:
            raise LostError(f"{question!r} is asked once more, for nothing:\n{shell.new}")
        while (answer := left[question].pop(0)).shows:
            shell.type(answer.keys)
            shell.wait_for(re.escape(answer.shows))
        complaint = answer.complaint
        ends = answer.keys[-1:] in {ENTER, CTRL_C} and answer.keys != ""
        shell.type(answer.keys if ends else CTRL_U + answer.keys + ENTER)
    if over := [question for question, answers in left.items() if answers]:
        raise LostError(f"Never asked: {', '.join(over)}:\n{shell.new}")


def _next(shell: Shell, known: Mapping[str, list[Answer]]) -> str | None:
    """Return which question waits for an answer; None when the shell waits for a command."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        shell.quiet()
        if shell.waits:
            return None
        for line in reversed(shell.new.splitlines()[1:]):
            for question in known:
                if line.startswith(question.rstrip()):
                    return question
        shell.read(1.0)
    raise LostError(f"It asks nothing that is known, and does not end:\n{shell.new}")
