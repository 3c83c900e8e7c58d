"""A deadline is handed down, and only ever made shorter."""

from hypothesis import given
from hypothesis import strategies as st

from handler.deadline import Deadline
from tests.wire import RunningOut

SECONDS = st.floats(0, 1_000)


def test_what_is_left_is_asked_for_each_time() -> None:
    """The clock goes on while somebody works."""
    deadline = Deadline(RunningOut(10), reserve=2)
    assert [deadline.left() for _ in range(3)] == [7, 6, 5]


def test_what_is_kept_adds_up() -> None:
    """Each who hands it down keeps some for what comes after."""
    deadline = Deadline(lambda: 55.0).keeping(5).keeping(3)
    assert deadline.left() == 47
    assert deadline.keeping(50).left() == -3


def test_a_limit_counts_from_now() -> None:
    """And never gives back what was kept."""
    now = [55.0]
    deadline = Deadline(lambda: now[0], reserve=15).within(25)
    assert deadline.left() == 25
    now[0] = 45.0
    assert deadline.left() == 15
    assert Deadline(lambda: 20.0, reserve=15).within(25).left() == 5


@given(remaining=SECONDS, reserve=SECONDS, seconds=SECONDS)
def test_a_deadline_is_never_made_later(remaining: float, reserve: float, seconds: float) -> None:
    """Neither by keeping something nor by a limit."""
    deadline = Deadline(lambda: remaining, reserve)
    assert deadline.keeping(seconds).left() <= deadline.left()
    assert deadline.within(seconds).left() <= min(deadline.left(), seconds + 1e-9)
