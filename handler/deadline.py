"""Until when something may take: a value that is handed down, and only ever made shorter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Deadline:
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
        return replace(self, reserve=self.reserve + seconds)

    def within(self, seconds: float) -> Self:
        """Return a deadline that ends no later than so many seconds from now."""
        return replace(self, reserve=max(self.reserve, self.remaining() - seconds))
