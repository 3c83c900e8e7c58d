"""Phases pair up: what programs and alerts read beside the words."""

from sandbox.watch import Watch


def test_several_failed_rows_at_once_open_one_incident() -> None:
    """The first of them; the others are news of what is open already."""
    watch = Watch()
    watch.check()
    watch.log(state="failed")
    watch.log(state="failed")
    assert [notice.phase for notice in watch.check()] == ["opened", "news"]
