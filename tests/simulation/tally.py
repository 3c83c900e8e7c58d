"""What a run of the simulator counts."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What a run counts.

    Attributes:
        timelines: Played.
        faulted: Those with at least one fault.
        checks: Invocations of the function.
        faults: Boundary and kind → how often.
        repeats: Fault that excuses a repeat → how often.
        harmless: Channel → repeats that change nothing there.
        dead_letters: Reason that the design allows → how many.
        delivered: Accepted messages by channel.
        largest_item: In bytes.
        broken: Promise → how often; any at all fails the run.
    """

    timelines: int = 0
    faulted: int = 0
    checks: int = 0
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    largest_item: int = 0
    broken: Counter[str] = field(default_factory=Counter)
