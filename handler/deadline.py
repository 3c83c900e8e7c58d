"""Until when something may take: a value that is handed down, and only ever made shorter."""

from collections.abc import Callable
from typing import NamedTuple, Self


class Deadline(NamedTuple):
    """The end of an invocation, or an earlier one.

    Attributes:
        remaining: Returns the seconds until the invocation is killed.
        reserve: Seconds before that which are not ours to use.
    """

    remaining: Callable[[], float]
    reserve: float = 0.0

    def left(self) -> float:
        """Return the seconds that are left; negative once it has passed."""
        return self.remaining() - self.reserve

    def keeping(self, seconds: float) -> Self:
        """Return a deadline that keeps so many more seconds free."""
        return self._replace(reserve=self.reserve + seconds)

    def within(self, seconds: float) -> Self:
        """Return a deadline that ends no later than so many seconds from now."""
        return self._replace(reserve=max(self.reserve, self.remaining() - seconds))
