"""What a fault is, and those that can strike any call at all."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.world import World

STALL_SECONDS = 20.0
Play = Callable[[Any, "World"], Any]
"""Call and world → the answer to the call."""
Note = Callable[["World"], None]
"""What a fault does to the world, or lets it know."""


@dataclass(frozen=True)
class Fault:
    """One thing that can happen.

    Attributes:
        name: For the table.
        play: Returns the answer to the call, or raises.
        honest: The answer arrives and is true, so that no repeat is excused.
    """

    name: str
    play: Play
    honest: bool = False


def around(before: Note | None = None, after: Note | None = None) -> Play:
    """Return a fault in which something happens before or after the server does its work."""

    def play(call: Any, world: "World") -> Any:
        if before:
            before(world)
        answer = call.act()
        if after:
            after(world)
        return answer

    return play


def fails(how: str, *, acts: bool = False) -> Play:
    """Return a fault in which the connection fails, before or after the server did its work."""

    def play(call: Any, world: "World") -> Any:
        if acts:
            call.act()
        if how == "timed out":
            world.pass_time(call.timeout)
        call.fail(how)

    return play


def _stall(call: Any, world: "World") -> Any:
    world.pass_time(min(STALL_SECONDS, call.timeout * 0.9))
    return call.act()


CRASH, CHECK = methodcaller("die", "crash"), methodcaller("check_beside")
ANYWHERE = [
    Fault("crash before the request left", around(CRASH)),
    Fault("crash before the answer came", around(after=CRASH)),
    Fault("connection refused", fails("refused")),
    Fault("timeout, not done", fails("timed out")),
    Fault("timeout, done", fails("timed out", acts=True)),
    Fault("reset, not done", fails("reset")),
    Fault("reset, done", fails("reset", acts=True)),
    Fault("slow answer", _stall, honest=True),
    Fault("another check meanwhile, first", around(CHECK), honest=True),
    Fault("another check meanwhile, after", around(after=CHECK), honest=True),
    Fault("the same event again meanwhile", around(after=methodcaller("check_beside", same_event=True)), honest=True),
]
