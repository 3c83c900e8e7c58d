"""Troubles in which something does not come: runs that are missed or never end, schedules that somebody stops."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.truth.calendars import FIRST
from tests.truth.expectations import Expectation, Never, Open, Reminders, Report, within
from tests.truth.organisation import (
    DAY,
    HOUR,
    HUNG,
    MINUTE,
    MISSED,
    Fate,
    Organisation,
    Rule,
    monthly,
    weekly,
)
from tests.truth.trouble import END, GRACE, HANG, ONSET, SET_UP, Script, Trouble, completed_at, overdue_by, until_onset


def silences() -> Iterator[Trouble]:
    """Yield the table."""
    yield from _missed()
    yield from _without_a_word()
    yield from _stops()


def _missed() -> Iterator[Trouble]:
    def planned(rule: Rule, end: datetime = END) -> Script:
        def script(zoho: Organisation) -> Sequence[Expectation]:
            until_onset(zoho, rule)
            due = zoho.run(MISSED).due
            zoho.live(end, MISSED)
            assert due is not None
            return (
                overdue_by(due),
                Never({"overdue"}, FIRST, due + GRACE),
                Reminders("overdue", due, end),
                Open(frozenset({"overdue"}), due + GRACE + HOUR, end),
            )

        return script

    def unplanned(rule: Rule, days: int) -> Script:
        def script(zoho: Organisation) -> Sequence[Expectation]:
            last = until_onset(zoho, rule)
            zoho.live(END, MISSED)
            limit = last + days * DAY
            return overdue_by(limit), Never({"overdue"}, FIRST, limit + GRACE), Reminders("overdue", limit, END)

        return script

    table = (
        ("weekly", weekly(), 7),
        ("biweekly", weekly(2), 14),
        ("monthly on 1TH", monthly("BYDAY=1TH"), 35),
        ("monthly on the 20.", monthly("BYMONTHDAY=20"), 35),
        ("every 3 weeks, called quarterly", weekly(3, "quarterly"), 35),
    )
    for name, rule, days in table:
        yield Trouble(f"missed: {name}", planned(rule), needs_plan=True)
        yield Trouble(f"missed, no plan: {name}", unplanned(rule, days), needs_plan=False)
    for name, rule in (
        ("every 3 weeks, called weekly", weekly(3, "weekly")),
        ("monthly on the 31.", monthly("BYMONTHDAY=31")),
        ("monthly on the 31., or the last day", monthly("BYMONTHDAY=31", clamped=True)),
        ("every 8 weeks", weekly(8, "biweekly")),
    ):
        yield Trouble(f"missed: {name}", planned(rule, FIRST + 110 * DAY), needs_plan=True, days=110)
    yield Trouble("missed, then the next one is good", _missed_once)
    yield Trouble("missed while a backup by hand hides the plan", _missed_behind_a_backup_by_hand, needs_plan=True)
    yield Trouble("missed, set up again, missed again", _missed_again, needs_plan=True)
    yield Trouble("the first run of a schedule is missed", _first_run_missed(3 * DAY), needs_plan=True)
    yield Trouble(
        "the first run of a schedule with a later start is missed", _first_run_missed(20 * DAY), needs_plan=True
    )
    yield Trouble("COUNT ran out", _count_ran_out)


def _missed_once(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.run(MISSED).due
    good = zoho.run()
    zoho.live(END)
    assert due is not None
    assert good.ended is not None
    return (
        Report("overdue", "critical", due + GRACE, within(due + GRACE + 12 * HOUR), "opened"),
        Report("recovered", "info", good.ended, within(good.ended)),
        Never({"overdue", "recovered", "failed"}, within(good.ended), END),
    )


def _missed_behind_a_backup_by_hand(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.due()
    zoho.by_hand(due - 3 * DAY)
    zoho.live(END, MISSED)
    return overdue_by(due), Never({"overdue"}, FIRST, due + GRACE), Reminders("overdue", due, END)


def _missed_again(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.run(MISSED).due
    assert due is not None
    again = due + 4 * DAY + 65 * MINUTE
    zoho.stop(again)
    zoho.set_up(again + 2 * MINUTE, weekly(day="MO"))
    new_due = zoho.due()
    zoho.live(END, MISSED)
    return (
        overdue_by(due),
        Report("overdue", "info", again, within(again + 2 * MINUTE), "ended"),
        Report("overdue", "critical", new_due, within(new_due + GRACE), "opened"),
        Never({"overdue"}, within(again + 2 * MINUTE), new_due + GRACE),
        Never({"recovered"}, FIRST, END),
    )


def _first_run_missed(starts_in: timedelta) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, weekly())
        at = ONSET + 65 * MINUTE
        zoho.stop(at)
        zoho.set_up(at + 2 * MINUTE, weekly(), at + starts_in)
        due = zoho.due()
        zoho.live(END, MISSED)
        return overdue_by(due), Never({"overdue"}, FIRST, due + GRACE), Reminders("overdue", due, END)

    return script


def _count_ran_out(zoho: Organisation) -> Sequence[Expectation]:
    rule = weekly()
    zoho.set_up(SET_UP, replace(rule, text=f"{rule.text};COUNT=20"))
    zoho.live(END)
    limit = completed_at(zoho) + 7 * DAY
    return overdue_by(limit), Never({"overdue"}, FIRST, limit + GRACE), Reminders("overdue", limit, END)


def _without_a_word() -> Iterator[Trouble]:
    yield Trouble("a run ends without a word", _hung_for_good)
    yield Trouble("all runs end without a word", _all_hang)
    yield Trouble("a run hangs for 5 days, then completes", _hang(Fate(takes=5 * DAY), "recovered", "info"))
    yield Trouble("a run hangs for 3 days, then fails", _hang(Fate("failed", takes=3 * DAY), "failed", "critical"))


def _hung_for_good(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, monthly("BYDAY=1TH"), FIRST + 40 * DAY)
    run = zoho.run(HUNG)
    assert run.began is not None
    following = zoho.due()
    return (
        Report("stuck", "critical", run.began + HANG, within(run.began + HANG), "opened"),
        Never({"overdue"}, FIRST, min(END, following)),
        Reminders("stuck", run.began, min(END, following)),
    )


def _all_hang(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    first = zoho.run(HUNG)
    zoho.live(END, HUNG)
    assert first.began is not None
    hung = [run.began for run in zoho.runs if run.fate is HUNG and run.began]
    always = [
        Open(frozenset({"stuck", "overdue"}), within(began + HANG), min(following, END))
        for began, following in zip(hung, [*hung[1:], END], strict=True)
    ]
    return (
        Report("stuck", "critical", first.began + HANG, within(first.began + HANG), "opened"),
        Never({"completed", "recovered"}, first.began, END),
        *always,
    )


def _hang(fate: Fate, ends_as: str, severity: str) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, weekly())
        run = zoho.run(fate)
        zoho.live(END)
        assert run.began is not None
        assert run.ended is not None
        return (
            Report("stuck", "critical", run.began + HANG, within(run.began + HANG), "opened"),
            Report(ends_as, severity, run.ended, within(run.ended)),
            Reminders("stuck", run.began, run.ended),
            Never({"overdue"}, FIRST, run.ended),
            Never({"stuck"}, within(run.ended), END),
        )

    return script


def _stops() -> Iterator[Trouble]:
    def stopped(rule: Rule, days: tuple[int, int], *, hides: bool) -> Script:
        def script(zoho: Organisation) -> Sequence[Expectation]:
            zoho.stop_hides = hides
            last = until_onset(zoho, rule, FIRST + 30 * DAY)
            at = last + 40 * HOUR + 10 * MINUTE
            zoho.stop(at)
            earliest, latest = (last + n * DAY + GRACE for n in days)
            return (
                Report("stopped", "warning", at, within(at)),
                Never({"overdue"}, FIRST, earliest),
                Report("overdue", "critical", earliest, within(latest), "opened"),
                Reminders("overdue", earliest, END),
            )

        return script

    table = (
        ("weekly", weekly(), (7, 7)),
        ("biweekly", weekly(2), (14, 14)),
        ("monthly on 1TH", monthly("BYDAY=1TH"), (35, 35)),
        ("monthly on the 20.", monthly("BYMONTHDAY=20"), (31, 35)),
    )
    for name, rule, days in table:
        for hides in (False, True):
            yield Trouble(
                f"stopped: {name}, then the plan {'is gone' if hides else 'says so'}",
                stopped(rule, days, hides=hides),
                hourly_from=FIRST + 12 * DAY,
            )
