"""Conditions that last, one module each: when it opens and ends, and what its notices say. Pure.

To add one: its module, its line in `INCIDENTS`, its kind in ``config``, a sample of each phase in
``sandbox/samples.py``, its section in ``docs/runbook.md``.
"""

from handler.incidents.failing import FAILING
from handler.incidents.kind import IncidentKind
from handler.incidents.overdue import OVERDUE
from handler.incidents.stuck import STUCK

INCIDENTS: tuple[IncidentKind, ...] = (OVERDUE, STUCK, FAILING)
"""The incidents that rows open and end. `unreadable` and `broken_channel` have rules of their own."""
