"""What is said of Zoho at a terminal: to whoever runs the notifier, about everything that connecting can meet."""

import pytest

from handler import causes
from handler.causes import CAUSES, Cause
from tools import grant, problems, questions
from tools.problems import HERE, ZohoError, from_zoho

NOT_WHILE_CONNECTING = {causes.SECRET_MISSING, causes.SECRET_DENIED, causes.HISTORY_VANISHED}
"""These need a parameter or a memory."""
MET = {*CAUSES.values(), *grant.CODE_ERRORS.values()} - NOT_WHILE_CONNECTING
OWN = {problems.NO_REFRESH_TOKEN, problems.UNANSWERED_CODE}


@pytest.mark.parametrize("cause", sorted(MET | OWN), ids=lambda cause: cause.name)
def test_every_cause_speaks_to_the_person_at_the_terminal(cause: Cause) -> None:
    """Nobody is asked to ask somebody else, and no placeholder is left open."""
    problem = from_zoho(ZohoError(cause, "HTTP 418."))
    assert problem.sentence.endswith(" (HTTP 418.)")
    assert "{" not in problem.sentence + problem.next_step
    assert "Ask whoever" not in problem.next_step


def test_no_cause_has_words_that_are_never_used() -> None:
    """Each is met, and what is asked for again after one is asked for at all."""
    assert HERE.keys() <= {cause.name for cause in MET}
    assert questions.AGAIN.keys() <= {cause.name for cause in MET | OWN}
    assert questions.AGAIN.keys() >= questions.USELESS_TOKEN
    assert questions.AGAIN.keys() >= {cause.name for cause in {*grant.CODE_ERRORS.values(), *OWN}}
    hopeless = {cause.name for cause in MET if cause.actionable} - questions.AGAIN.keys()
    assert hopeless == {"unusable", "wrong_url", "wrong_method", "history_too_long"}
    assert {key for keys in questions.AGAIN.values() for key in keys} <= questions.QUESTIONS.keys()
