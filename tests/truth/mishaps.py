"""Troubles in which something comes: failures, errors, rows that are late, a first look at what is long dead."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.truth.calendars import FIRST
from tests.truth.expectations import Expectation, Loud, Never, Open, Reminders, Report, within
from tests.truth.organisation import (
    DAY,
    FAILED,
    HOUR,
    INDIA,
    MINUTE,
    MISSED,
    Fate,
    Organisation,
    Rule,
    monthly,
    weekly,
)
from tests.truth.trouble import END, GRACE, ONSET, SET_UP, Script, Trouble, completed_at, overdue_by, until_onset


def mishaps() -> Iterator[Trouble]:
    """Yield the table."""
    yield from _failures()
    yield from _unreadable()
    yield from _first_looks()
    yield from _late_rows()
    yield from _settings()


def _failures() -> Iterator[Trouble]:
    yield Trouble("three weekly failures", _three_failures)
    yield Trouble("a monthly failure", _monthly_failure(monthly("BYDAY=1TH")), days=90)
    yield Trouble("a monthly failure, no plan", _monthly_failure_reminded, needs_plan=False)
    yield Trouble("a failure, then a good backup by hand", _failure_fixed(30 * HOUR))
    yield Trouble("a failure, and a good backup by hand within the hour", _failure_fixed_at_once)
    yield Trouble("a failure, hours after it was due", _slow_failure(9 * HOUR))
    yield Trouble("a state that nobody knows", _unknown_state)
    yield Trouble(
        "the last one failed before the first look", _failing_at_first, needs_plan=False, hourly_from=FIRST, days=30
    )


def _three_failures(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    runs = [zoho.run(FAILED) for _ in range(3)]
    good = zoho.run()
    zoho.live(END)
    ends = [run.ended for run in runs if run.ended]
    assert good.ended is not None
    return (
        *(Report("failed", "critical", end, within(end)) for end in ends),
        Loud({"failed", "overdue"}, within(ends[0]), ends[0] + 7 * DAY),
        Report("recovered", "info", good.ended, within(good.ended)),
        Never({"failed", "overdue"}, within(good.ended), END),
    )


def _monthly_failure(rule: Rule) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, rule)
        run = zoho.run(Fate("failed", takes=30 * MINUTE))
        good = zoho.run()
        assert run.ended is not None
        assert good.ended is not None
        return (
            Report("failed", "critical", run.ended, within(run.ended)),
            Loud({"failed", "overdue"}, within(run.ended), run.ended + 7 * DAY),
            Report("recovered", "info", good.ended, within(good.ended)),
        )

    return script


def _monthly_failure_reminded(zoho: Organisation) -> Sequence[Expectation]:
    last = until_onset(zoho, monthly("BYMONTHDAY=20"))
    run = zoho.run(Fate("failed", takes=30 * MINUTE))
    zoho.live(END, MISSED)
    assert run.ended is not None
    limit = last + 35 * DAY + GRACE
    return (
        Report("failed", "critical", run.ended, within(run.ended)),
        Reminders("failed", run.ended, limit - DAY),
        Never({"overdue"}, FIRST, limit),
        Report("overdue", "critical", limit, within(limit + DAY), "opened"),
        Never({"failed"}, within(limit + DAY), END),
    )


def _failure_fixed(after: timedelta) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, weekly())
        failed = zoho.run(FAILED)
        assert failed.ended is not None
        good = zoho.by_hand(failed.ended + after)
        zoho.live(END)
        assert good.ended is not None
        return (
            Report("failed", "critical", failed.ended, within(failed.ended)),
            Report("recovered", "info", good.ended, within(good.ended)),
            Never({"failed", "overdue", "recovered"}, within(good.ended), END),
        )

    return script


def _failure_fixed_at_once(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    zoho.delays = (MINUTE,)
    failed = zoho.run(Fate("failed", takes=33 * MINUTE))  # due at half past: ends four past the hour
    assert failed.ended is not None
    zoho.by_hand(failed.ended + 6 * MINUTE, Fate(takes=20 * MINUTE))
    zoho.live(END)
    return (
        Report("failed", "info", failed.ended, within(failed.ended)),
        Never({"failed", "overdue", "stuck"}, FIRST, END, {"critical", "warning"}),
        Never({"failed", "overdue"}, within(failed.ended), END),
    )


def _slow_failure(takes: timedelta) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, weekly())
        run = zoho.run(Fate("failed", takes=takes))
        zoho.live(END)
        assert run.ended is not None
        return (
            Report("failed", "critical", run.ended, within(run.ended)),
            Loud({"failed", "overdue"}, within(run.ended), run.ended + 6 * DAY),
        )

    return script


def _unknown_state(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    zoho.live(END)
    at = ONSET + 5 * DAY + 20 * MINUTE
    zoho.show(at, "partially_completed", None, "weekly")
    return Report("unknown", "critical", at, within(at)), Never({"overdue", "failed", "stuck"}, FIRST, END)


def _failing_at_first(zoho: Organisation) -> Sequence[Expectation]:
    zoho.set_up(SET_UP, monthly("BYMONTHDAY=5"))
    zoho.live(FIRST - 10 * DAY)
    zoho.run(FAILED)
    limit = completed_at(zoho) + 35 * DAY
    return (
        Report("baseline", "critical", FIRST - HOUR, FIRST),
        Reminders("failed", FIRST, FIRST + 20 * DAY, "baseline", limit + GRACE),
        Report("overdue", "critical", limit + GRACE, within(limit + GRACE + DAY), "opened"),
    )


def _unreadable() -> Iterator[Trouble]:
    yield Trouble("the token is lost for 20 days", _token_lost)
    yield Trouble("8 hours of errors", _transient(8))
    yield Trouble("4 hours of errors", _transient(4))
    yield Trouble("unreadable while a run is missed", _outage_over_a_missed_run)
    yield Trouble("unreadable while runs are good", _outage_over_good_runs)


def _token_lost(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    since, until = ONSET + 10 * MINUTE, ONSET + 20 * DAY + 10 * MINUTE
    zoho.outages.append((since, until, "revoked"))
    zoho.live(END)
    return (
        Report("unreadable", "critical", since, within(since), "opened"),
        Reminders("unreadable", since, until),
        Never({"overdue", "stuck", "failed", "digest", "completed"}, since, until),
        Report("readable", "info", until, within(until)),
        Never({"overdue", "stuck", "failed"}, FIRST, END),
    )


def _transient(hours: int) -> Script:
    def script(zoho: Organisation) -> Sequence[Expectation]:
        until_onset(zoho, weekly())
        zoho.live(END)
        since = ONSET + 10 * MINUTE
        until = since + hours * HOUR
        zoho.outages.append((since, until, "transient"))
        if hours < 6:
            return (Never({"unreadable", "readable"}, FIRST, END),)
        told_after = since + 6 * HOUR - MINUTE
        return (
            Never({"unreadable"}, FIRST, told_after),
            Report("unreadable", "critical", told_after, told_after + HOUR + MINUTE, "opened"),
            Report("readable", "info", until, within(until)),
        )

    return script


def _outage_over_a_missed_run(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.run(MISSED).due
    assert due is not None
    since, until = due - DAY, due + 4 * DAY
    zoho.outages.append((since, until, "transient"))
    zoho.live(END)
    return (
        Never({"overdue", "stuck"}, FIRST, until - MINUTE),
        Report("overdue", "critical", until - MINUTE, within(until), "opened"),
    )


def _outage_over_good_runs(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    zoho.live(END)
    zoho.outages.append((ONSET, ONSET + 16 * DAY, "transient"))
    return Never({"overdue", "stuck", "failed", "recovered"}, FIRST, END), Report(
        "readable", "info", ONSET + 16 * DAY - MINUTE, ONSET + 16 * DAY
    )


def _first_looks() -> Iterator[Trouble]:
    def dead(rule: Rule, *, undated: str | None = None) -> Script:
        def script(zoho: Organisation) -> Sequence[Expectation]:
            zoho.set_up(FIRST - 330 * DAY, rule)
            if undated:
                zoho.show(FIRST - 300 * DAY, undated, None, "immediate", id="7", log_time=None)
            zoho.live(FIRST - 140 * DAY)
            zoho.live(END, MISSED)
            return (
                Report("baseline", "critical", FIRST - HOUR, FIRST),
                Reminders("overdue", FIRST, FIRST + 40 * DAY, "baseline"),
                Open(frozenset({"overdue"}), FIRST, FIRST + 40 * DAY),
                Never({"failed", "recovered"}, FIRST - HOUR, END),
            )

        return script

    for name, script in (
        ("a dead weekly schedule", dead(weekly())),
        ("a dead monthly schedule", dead(monthly("BYDAY=1TH"))),
        ("a dead schedule and an undated completion", dead(weekly(), undated="completed")),
        ("a dead schedule and an undated failure", dead(weekly(), undated="failed")),
    ):
        yield Trouble(f"first look at {name} whose plan rolls on", script, hourly_from=FIRST, days=41)
    yield Trouble("nothing was ever scheduled", _nothing_ever, hourly_from=FIRST + 29 * DAY)
    yield Trouble(
        "a digest in the hours of grace", _digest_in_grace, hourly_from=FIRST + 28 * DAY, days=45, needs_plan=True
    )


def _nothing_ever(zoho: Organisation) -> Sequence[Expectation]:
    del zoho
    limit = FIRST + 35 * DAY
    return (
        Report("baseline", "warning", FIRST - HOUR, FIRST),
        Never({"overdue"}, FIRST, limit + GRACE),
        overdue_by(limit),
        Report("digest", "warning", FIRST + 30 * DAY - HOUR, FIRST + 30 * DAY),
    )


def _digest_in_grace(zoho: Organisation) -> Sequence[Expectation]:
    rule = weekly(day="FR", hour=11)
    digest = FIRST + 30 * DAY
    zoho.set_up(SET_UP, rule)
    zoho.live(digest - DAY)
    due = zoho.run(MISSED).due
    assert due is not None
    assert due < digest < due + GRACE
    zoho.live(END, MISSED)
    return (
        Report("digest", "info", digest - HOUR, digest),
        Never({"overdue"}, FIRST, due + GRACE),
        overdue_by(due),
    )


def _late_rows() -> Iterator[Trouble]:
    yield Trouble("a failure that appears after a newer completion", _late_failure)
    yield Trouble("a completion that appears after overdue was sent", _late_completion)
    yield Trouble("a completion that appears after a newer failure", _late_completion_before_a_failure)


def _late_failure(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    zoho.live(END)
    at = ONSET + 12 * DAY
    completed = [run.ended for run in zoho.runs if run.ended and run.ended < at - HOUR]
    happened = max(completed) - 12 * HOUR
    zoho.show(at, "failed", None, "weekly", log_time=happened.astimezone(INDIA).isoformat(timespec="seconds"))
    return (
        Report("failed", "info", at - MINUTE, within(at)),
        Never({"failed"}, within(at), END),
        Never({"overdue", "stuck", "recovered"}, FIRST, END),
    )


def _late_completion(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.run(MISSED).due
    assert due is not None
    zoho.live(END)
    at = due + 3 * DAY
    zoho.show(at, "completed", None, "weekly", log_time=(due + HOUR).astimezone(INDIA).isoformat(timespec="seconds"))
    return (
        Report("overdue", "critical", due + GRACE, within(due + GRACE + 12 * HOUR), "opened"),
        Report("recovered", "info", at - MINUTE, within(at)),
        Never({"overdue", "failed", "recovered"}, within(at), END),
    )


def _late_completion_before_a_failure(zoho: Organisation) -> Sequence[Expectation]:
    until_onset(zoho, weekly())
    due = zoho.run(MISSED).due
    assert due is not None
    failed = zoho.run(FAILED)
    assert failed.ended is not None
    at = due + 9 * DAY
    zoho.show(at, "completed", None, "weekly", log_time=(due + HOUR).astimezone(INDIA).isoformat(timespec="seconds"))
    good = zoho.run()
    zoho.live(END)
    assert good.ended is not None
    return (
        Report("failed", "critical", failed.ended, within(failed.ended)),
        Report("completed", "info", at - MINUTE, within(at)),
        Open(frozenset({"overdue", "failing"}), within(failed.ended), good.ended),
        Never({"recovered"}, FIRST, good.ended),
        Report("recovered", "info", good.ended, within(good.ended)),
    )


def _settings() -> Iterator[Trouble]:
    raised = ONSET + 9 * DAY

    def limit_raised(zoho: Organisation) -> Sequence[Expectation]:
        last = until_onset(zoho, weekly())
        zoho.live(END, MISSED)
        limit = last + 30 * DAY
        return (
            Report("overdue", "critical", last + 7 * DAY, raised - HOUR, "opened"),
            Report("overdue", "info", raised - HOUR, raised, "ended"),
            Never({"overdue"}, raised, limit + GRACE),
            overdue_by(limit),
            Never({"recovered"}, FIRST, END),
        )

    yield Trouble(
        "overdue, and MAX_BACKUP_AGE_DAYS is raised",
        limit_raised,
        changes=((raised, {"max_backup_age_days": 30}),),
    )
