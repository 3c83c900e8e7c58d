"""Many rows at once: more than three wanted notices are one list, and nothing is lost in it."""

import pytest

from handler.wording import Line
from sandbox.watch import EVERYTHING, START, Watch
from tests.watch import HOUR, play, rows, told
from tests.world import TopicInMemory
from tests.world import world as open_world

ONE_OR_MANY = {
    "three": ("completed, stopped, bought", "completed, stopped, purchased"),
    "four": ("completed, stopped, bought, completed", "list"),
    "four rows of which three are wanted": ("completed, stopped, bought, started", "completed, stopped, purchased"),
    "unknown ones beside three": ("odd, completed, resumed, stopped, bought", None),
    "four unknown ones": ("odd, odd, resumed, odd", "unknown, unknown, unknown, unknown"),
    "unknown ones beside four": ("odd, completed, stopped, bought, completed, resumed", "unknown, unknown, list"),
    "thirty unknown ones": ("odd, " * 30, ", ".join(["unknown"] * 30)),
    "three more": ("odd, " * 33, ", ".join(["unknown"] * 33)),
    "four more": ("odd, " * 34, ", ".join([*["unknown"] * 30, "list"])),
}


@pytest.mark.parametrize("case", ONE_OR_MANY)
def test_wanted_notices_are_counted_and_an_unknown_entry_stays_alone(case: str) -> None:
    """A person closes each of those; thirty at most, for the item has no room for more."""
    cell, sent = ONE_OR_MANY[case]
    watch = Watch(notify_on=EVERYTHING, digest_days=0, max_backup_age_days=3650)
    watch.check()
    play(watch, f"1h | {cell} | {sent or 'unknown, completed, unknown, stopped, purchased'}")
    play(watch, "1h | |")


def test_the_newest_hundred_rows_have_a_line_and_the_older_ones_are_counted() -> None:
    """By kind; all of them are in the list."""
    watch = Watch(digest_days=0, remind_hours=0)
    watch.check()
    play(watch, f"4h | {'failed@1h, ' * 3}{'completed@2h, ' * 22}{'failed@3h, ' * 100} | list opened")
    tells, keys = told(watch.notices[-1]), watch.notices[-1].row_keys
    assert tells["lines"][0] == Line("25 older entries: 3 failed, 22 completed")
    assert [line.time for line in tells["lines"][1:]] == [START + 3 * HOUR] * 100
    assert len(set(keys)) == len(watch.rows) == 125
    play(watch, "1h | |")


def test_what_a_list_opened_ended_and_sent_is_remembered_as_sent() -> None:
    """`failing` is notified of once, and reminded of a day later; then one list ends it and the stop."""
    watch = Watch(rows("scheduled@-1d, completed@-1d"), digest_days=0)
    watch.check()
    play(
        watch,
        "4h  | completed@1h, failed@2h, failed@3h, stopped@4h | list opened | opens: failing@2h",
        "1h  | failed    | failed          | opens: failing@2h",
        "23h |           |",
        "1h  |           | failed reminder | opens: failing@2h",
        "1h  | scheduled, completed, completed, completed, failed@1h | list ended | ends: failing@2h stopped@4h | \
weight: critical",
        "48h |           |",
    )


def test_each_incident_of_a_list_keeps_its_alert_and_its_title() -> None:
    """PagerDuty resolves each one that ended, under its own key, and opens each one that began."""
    with open_world(rows("completed@-50d, started@-1d, scheduled@-60d"), ["pagerduty"]) as world:
        world.check()
        opened = {event["dedup_key"]: event["event_action"] for event in world.fakes["pagerduty"].messages}
        world.forget()
        world.clock.advance(hours=4)
        for raw in rows("completed@0h, failed@1h, failed@2h, bought@3h, stopped@4h"):
            world.organisation.rows.insert(0, raw)
        assert world.check()["notices"] == ["list"]
        events = world.fakes["pagerduty"].messages
        assert set(opened.values()) == {"trigger"}
        said_of = {e["payload"]["class"]: (e["event_action"], e["payload"]["summary"]) for e in events}
        assert said_of == {
            "stuck": ("resolve", "default: Backup completed"),
            "failing": ("trigger", "default: Backup failed, 2 in a row"),
        }
        assert len({event["dedup_key"] for event in events}) == 2
        assert opened.keys() < {event["dedup_key"] for event in events}
        types = {name: one["DataType"] for name, one in world.topic.entries[0]["MessageAttributes"].items()}
        others = dict.fromkeys(("org", "severity", "notice_id", "phase"), "String")
        assert types == {"kind": "String.Array", **others}
        assert TopicInMemory.attribute(world.topic.entries[0], "kind") == ["completed", "failed", "stopped"]
