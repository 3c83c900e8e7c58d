"""Phases pair up: what programs and alerts read beside the words."""

from datetime import timedelta

import pytest

from sandbox.watch import START, Watch


def test_several_failed_rows_at_once_open_one_incident() -> None:
    """The first of them; the others are news of what is open already."""
    watch = Watch()
    watch.check()
    watch.log(state="failed")
    watch.log(state="failed")
    assert [notice.phase for notice in watch.check()] == ["opened", "news"]


@pytest.mark.parametrize("kind", ["baseline", "digest"])
def test_what_nobody_hears_the_end_of_opens_no_alert(kind: str) -> None:
    """It is listed all the same: a backup is overdue, and the company wants to hear of failures only."""
    watch = Watch(notify_on={"failed", "digest"}, now=START)
    watch.log(at=START - timedelta(days=40), state="completed")
    watch.check()
    watch.now += timedelta(days=31)
    watch.check()
    [notice] = [notice for notice in watch.notices if notice.kind == kind]
    assert "overdue" in notice.content.lines[0]
    assert notice.opens == ()
