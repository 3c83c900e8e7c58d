"""Troubles: what happens, by which hour it must be reported, as what, and how often again."""

from collections.abc import Iterator

from tests.truth.mishaps import mishaps
from tests.truth.silences import silences
from tests.truth.trouble import Trouble


def troubles() -> Iterator[Trouble]:
    """Yield the table."""
    yield from silences()
    yield from mishaps()
