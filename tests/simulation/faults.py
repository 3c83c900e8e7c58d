"""What a fault is, and those that can strike any call at all."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol

from tests.simulation.wire import Call

STALL_SECONDS = 20.0
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""When each timeline begins."""


class Surroundings(Protocol):
    """What a fault can do besides."""

    def die(self, why: str) -> NoReturn:
        """Kill the process."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""

    def check_beside(self, *, same_event: bool = False) -> None:
        """Run a whole check of the same organisation in another environment, by another event or by the same."""

    def show(self, row: dict[str, Any]) -> object:
        """Add a row to the history."""

    def write_beside(self) -> None:
        """Write the item, as somebody else who does not care about the lease."""

    def deceive(self) -> None:
        """Note that Zoho conceals rows, in an answer that is as documented."""

    def forbid_writing(self) -> None:
        """Note that a newer release wrote the item that the check began with."""

    def refuse(self, references: Collection[str] | None = None) -> None:
        """Note that what is being sent is refused permanently: all of it, or the messages with these references."""

    def break_channel(self, *, surely: bool = True) -> None:
        """Note that the channel being sent to refuses everything; not surely: its answer may be read like that."""


@dataclass(frozen=True)
class Fault:
    """One thing that can happen.

    Attributes:
        name: For the table.
        play: Returns the answer to the call, or raises.
        honest: The answer arrives and is true, so that no repeat is excused.
    """

    name: str
    play: Callable[[Any, Surroundings], Any]
    honest: bool = False


def _die_before(call: Call, around: Surroundings) -> NoReturn:
    around.die("crash")


def _die_after(call: Call, around: Surroundings) -> NoReturn:
    call.act()
    around.die("crash")


def fail(how: str, *, acts: bool) -> Callable[[Call, Surroundings], NoReturn]:
    """Return a fault in which the connection fails, before or after the server did its work."""

    def play(call: Call, around: Surroundings) -> NoReturn:
        if acts:
            call.act()
        if how == "timed out":
            around.pass_time(call.time_out())
        call.fail(how)

    return play


def _stall(call: Call, around: Surroundings) -> Any:
    around.pass_time(min(STALL_SECONDS, call.time_out() * 0.9))
    return call.act()


def _check_before(call: Call, around: Surroundings) -> Any:
    around.check_beside()
    return call.act()


def _check_after(call: Call, around: Surroundings) -> Any:
    answer = call.act()
    around.check_beside()
    return answer


def _same_event(call: Call, around: Surroundings) -> Any:
    answer = call.act()
    around.check_beside(same_event=True)
    return answer


ANYWHERE = [
    Fault("crash before the request left", _die_before),
    Fault("crash before the answer came", _die_after),
    Fault("connection refused", fail("refused", acts=False)),
    Fault("timeout, not done", fail("timed out", acts=False)),
    Fault("timeout, done", fail("timed out", acts=True)),
    Fault("reset, not done", fail("reset", acts=False)),
    Fault("reset, done", fail("reset", acts=True)),
    Fault("slow answer", _stall, honest=True),
    Fault("another check meanwhile, first", _check_before, honest=True),
    Fault("another check meanwhile, after", _check_after, honest=True),
    Fault("the same event again meanwhile", _same_event, honest=True),
]
