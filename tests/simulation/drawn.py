"""Timelines as hypothesis draws them, and makes them smaller where one fails."""

from hypothesis import strategies as st

from tests.simulation.http_faults import MOVES_ON, PLANS
from tests.simulation.timelines import NAMES, Hit, Row, Step, Timeline

STATES = (
    ("completed", None),
    ("failed", None),
    ("failure", "initiated"),
    ("PAYMENT_FAILED", None),
    ("Paused by operator", None),
    (None, "initiated"),
    (None, None),
    (None, "scheduled"),
    (None, "stopped"),
    (None, "purchased"),
    (None, "archived"),
)


def _rows(many: st.SearchStrategy[int]) -> st.SearchStrategy[Row]:
    return st.builds(
        lambda kind, **more: Row(*kind, **more),
        st.sampled_from(STATES),
        hours_ago=st.sampled_from((0, 0, 0, None, 0.5, 30, 400, -5)),
        place=st.sampled_from((0, 0, 0, 1, -1)),
        many=many,
        same_job=st.booleans(),
        ends=st.sampled_from((False, False, True)),
    )


_hits = st.builds(Hit, after=st.integers(0, 17), kind=st.integers(0, 9_999), times=st.sampled_from((1, 1, 1, 2, 3, 5)))
_services = ("zoho", "sns", "dynamodb", "ssm", *NAMES)
_outages = st.tuples(st.sampled_from(_services), st.integers(0, 9_999))
_seldom = st.sampled_from(("",) * 9 * len(NAMES) + NAMES)


def _timelines(many: st.SearchStrategy[int], most_steps: int) -> st.SearchStrategy[Timeline]:
    steps = st.builds(
        Step,
        hours=st.sampled_from((1, 1, 1, 0, 7, 26, 24 * 8, 24 * 15)),
        rows=st.lists(_rows(many), max_size=2).map(tuple),
        hits=st.lists(_hits, min_size=1, max_size=3).map(tuple),
        outage=st.none() | st.none() | st.none() | _outages,
        cold=st.booleans(),
        without=_seldom,
        malformed=_seldom,
    )
    return st.builds(
        Timeline,
        rows=st.sampled_from((0, 1, 3, 3, 6, 205)),
        steps=st.lists(steps, min_size=1, max_size=most_steps).map(tuple),
        channels=st.sets(st.sampled_from(NAMES)).map(lambda some: tuple(sorted(some))),
        floor=st.sampled_from(("", "", "", "info", "warning", "critical")),
        plan=st.sampled_from(("", "", "", MOVES_ON, *PLANS)),
    )


timelines = _timelines(st.sampled_from((1,) * 20 + (12,)), 3)
floods = _timelines(st.sampled_from((1, 210)), 2)
"""More news at once than the outbox may hold; slow."""
