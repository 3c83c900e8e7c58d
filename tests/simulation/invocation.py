"""One run of the function, what it sends and what it logs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handler.channels.channel import Request
from handler.organisation import Services
from tests.simulation.wire import Call

TIMEOUT_SECONDS = 55


@dataclass(eq=False)
class Sending:
    """One request on its way to a channel, which may take several calls."""

    channel: str
    request: Request[Any]


class Invocation:
    """One run of the function; also the context that Lambda gives it.

    Attributes:
        services: The environment's.
        dead: Its process is gone.
        robbed: Somebody wrote the item in spite of its lease.
        hindered: A call to the table failed.
        deceived: Zoho concealed rows from it.
        may_write: The item that it began with is of this release.
        beside: Another check ran in the middle of it.
        sending: What it sends, or sent last.
        refused_by: The channels that refused everything when they were last sent to.
        calls: Those that left, in order.
    """

    def __init__(self, clock: Callable[[], datetime], request_id: str, services: Services) -> None:
        """Begin now."""
        self._clock = clock
        self.aws_request_id = request_id
        self.services = services
        self.deadline = clock() + timedelta(seconds=TIMEOUT_SECONDS)
        self.dead = self.robbed = self.hindered = self.deceived = self.beside = False
        self.may_write = True
        self.sending: Sending | None = None
        self.refused_by: set[str] = set()
        self.calls: list[Call] = []

    def get_remaining_time_in_millis(self) -> int:
        """Return what Lambda's context returns."""
        return int((self.deadline - self._clock()).total_seconds() * 1000)


class Log(logging.Handler):
    """Keeps every record of the handler's logger as text."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.lines.append(f"{record.getMessage()} {vars(record)}")
