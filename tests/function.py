"""The function in this process, as Lambda runs it: the deployed stack's variables, its module, an event's context."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import pytest

from sandbox.sandbox import Sandbox


@dataclass
class Context:
    """What Lambda hands the function beside the event."""

    aws_request_id: str = "request-1"
    milliseconds: int = 55_000

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return self.milliseconds


@contextmanager
def variables_of(stage: Sandbox) -> Iterator[None]:
    """Set the variables of the deployed function; forget its module at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**stage.environment, **stage.stack.environment()}.items():
            patch.setenv(name, value)
        yield
    sys.modules.pop("handler.app", None)


def cold_start() -> ModuleType:
    """Import the handler's module as a new environment does."""
    sys.modules.pop("handler.app", None)
    return importlib.import_module("handler.app")
