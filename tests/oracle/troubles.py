"""Troubles: what happens, by which hour it must be reported, as what, and how often again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.oracle.calendars import FIRST
from tests.oracle.expectations import Expectation, always_open, loud, never, reminders, report
from tests.oracle.organisation import DAY, HOUR, HUNG, MINUTE, MISSED, Fate, Organisation, Rule, Style, monthly, weekly

GRACE = HANG = DAY
SET_UP = FIRST - 100 * DAY - 4 * HOUR
ONSET = FIRST + 40 * DAY
END = FIRST + 75 * DAY
Expected = Sequence[Expectation]
Script = Callable[[Organisation], Expected]
WEEKLY, THURSDAY, FAILED = weekly(), monthly("BYDAY=1TH"), Fate("failed")


@dataclass(frozen=True)
class Trouble:
    """One trouble.

    Attributes:
        name: What is wrong.
        script: What happens after the onset; returns what must hold.
        rule: The schedule that is healthy until the onset; None: the script has its own.
        onset: From then on something is wrong.
        needs_plan: True: only where Zoho answers about the plan; False: only where it never does; None: both.
        hourly_from: From when on it is played hour by hour.
        days: How long it is played.
    """

    name: str
    script: Script
    rule: Rule | None = WEEKLY
    needs_plan: bool | None = None
    onset: datetime = ONSET
    hourly_from: datetime = ONSET
    days: int = 75

    @property
    def modes(self) -> tuple[bool, ...]:
        """Return whether it is played with Zoho's plan, without, or both."""
        return (True, False) if self.needs_plan is None else (self.needs_plan,)

    def organisation(self, style: Style) -> tuple[Organisation, Expected]:
        """Return the organisation that suffered it, and what must hold; what a script does not say goes well."""
        zoho = Organisation(style)
        if self.rule:
            zoho.set_up(SET_UP, self.rule)
            zoho.live(self.onset)
        expected = self.script(zoho)
        zoho.live(END)
        return zoho, expected


def completed_at(zoho: Organisation) -> datetime:
    """Return the last completion as the history dates it: a row that keeps its time is dated by its beginning."""
    runs = [run for run in zoho.runs if run.fate.state == "completed" and run.began and run.ended]
    return max(run.start if zoho.style is Style.IN_PLACE else run.end for run in runs)


def overdue_after(limit: datetime, quiet_from: datetime = FIRST) -> Expected:
    """Expect `overdue` to open when the grace after that is over, and not before."""
    opened = report("overdue", "critical", limit + GRACE, phase="opened")
    return opened, never({"overdue"}, quiet_from, limit + GRACE)


def troubles() -> Iterator[Trouble]:
    """Yield the table."""
    for table in (_missed, _missed_once, _hung, _stopped, _failed, _unreadable, _first_looks, _late_rows):
        yield from table()


# --- Something does not come ---


def _missed() -> Iterator[Trouble]:
    def planned(until: datetime) -> Script:
        def script(zoho: Organisation) -> Expected:
            due = zoho.due()
            zoho.live(until, MISSED)
            lasts = always_open(frozenset({"overdue"}), due + GRACE + HOUR, until)
            return *overdue_after(due), reminders("overdue", due, until), lasts

        return script

    def unplanned(days: int) -> Script:
        def script(zoho: Organisation) -> Expected:
            limit = completed_at(zoho) + days * DAY
            zoho.live(END, MISSED)
            return *overdue_after(limit), reminders("overdue", limit, END)

        return script

    for name, rule, days in (
        ("weekly", weekly(), 7),
        ("biweekly", weekly(2), 14),
        ("monthly on 1TH", THURSDAY, 35),
        ("monthly on the 20.", monthly("BYMONTHDAY=20"), 35),
        ("every 3 weeks, called quarterly", weekly(3, "quarterly"), 35),
    ):
        yield Trouble(f"missed: {name}", planned(END), rule, needs_plan=True)
        yield Trouble(f"missed, no plan: {name}", unplanned(days), rule, needs_plan=False)
    ending = replace(WEEKLY, text=f"{WEEKLY.text};COUNT=20")
    yield Trouble("COUNT ran out", unplanned(7), ending, onset=END)
    for name, rule in (
        ("every 3 weeks, called weekly", weekly(3, "weekly")),
        ("monthly on the 31.", monthly("BYMONTHDAY=31")),
        ("monthly on the 31., or the last day", monthly("BYMONTHDAY=31", clamped=True)),
        ("every 8 weeks", weekly(8, "biweekly")),
    ):
        yield Trouble(f"missed: {name}", planned(FIRST + 110 * DAY), rule, needs_plan=True, days=110)


def _missed_once() -> Iterator[Trouble]:
    def once(zoho: Organisation) -> Expected:
        due = zoho.due()
        zoho.run(MISSED)
        good = zoho.run().end
        opened = report("overdue", "critical", due + GRACE, due + GRACE + 13 * HOUR, "opened")
        quiet = never({"overdue", "recovered", "failed"}, good + HOUR, END)
        return opened, report("recovered", "info", good), quiet

    def behind_a_backup_by_hand(zoho: Organisation) -> Expected:
        due = zoho.due()
        zoho.by_hand(due - 3 * DAY)
        zoho.live(END, MISSED)
        return *overdue_after(due), reminders("overdue", due, END)

    def again(zoho: Organisation) -> Expected:
        due = zoho.due()
        zoho.run(MISSED)
        stop = due + 4 * DAY + 65 * MINUTE
        zoho.stop(stop)
        zoho.set_up(stop + 2 * MINUTE, weekly(day="MO"))
        new_due = zoho.due()
        zoho.live(END, MISSED)
        ended = report("overdue", "info", stop, stop + HOUR + 2 * MINUTE, "ended")
        anew = overdue_after(new_due, stop + HOUR + 2 * MINUTE)
        return overdue_after(due)[0], ended, *anew, never({"recovered"}, FIRST, END)

    def first_run(starts_in: timedelta) -> Script:
        def script(zoho: Organisation) -> Expected:
            at = ONSET + 65 * MINUTE
            zoho.stop(at)
            zoho.set_up(at + 2 * MINUTE, weekly(), at + starts_in)
            due = zoho.due()
            zoho.live(END, MISSED)
            return *overdue_after(due), reminders("overdue", due, END)

        return script

    yield Trouble("missed, then the next one is good", once)
    yield Trouble("missed while a backup by hand hides the plan", behind_a_backup_by_hand, needs_plan=True)
    yield Trouble("missed, set up again, missed again", again, needs_plan=True)
    yield Trouble("the first run of a schedule is missed", first_run(3 * DAY), needs_plan=True)
    yield Trouble("the first run of a schedule with a later start is missed", first_run(20 * DAY), needs_plan=True)


def _hung() -> Iterator[Trouble]:
    def for_good(zoho: Organisation) -> Expected:
        began = zoho.run(HUNG).start
        following = min(END, zoho.due())
        opened = report("stuck", "critical", began + HANG, phase="opened")
        return opened, never({"overdue"}, FIRST, following), reminders("stuck", began, following)

    def all_of_them(zoho: Organisation) -> Expected:
        zoho.live(END, HUNG)
        hung = [run.start for run in zoho.runs if run.fate is HUNG]
        one_of = frozenset({"stuck", "overdue"})
        always = [always_open(one_of, at + HOUR + HANG, end) for at, end in zip(hung, [*hung[1:], END], strict=True)]
        opened = report("stuck", "critical", hung[0] + HANG, phase="opened")
        return opened, never({"completed", "recovered"}, hung[0], END), *always

    def for_days(fate: Fate, ends_as: str, severity: str) -> Script:
        def script(zoho: Organisation) -> Expected:
            run = zoho.run(fate)
            return (
                report("stuck", "critical", run.start + HANG, phase="opened"),
                report(ends_as, severity, run.end),
                reminders("stuck", run.start, run.end),
                never({"overdue"}, FIRST, run.end),
                never({"stuck"}, run.end + HOUR, END),
            )

        return script

    def after_long_runs(zoho: Organisation) -> Expected:
        zoho.durations = (100 * HOUR,)
        zoho.live(FIRST + 52 * DAY)
        hung = zoho.run(HUNG).start
        zoho.live(END, HUNG)
        opened = report("stuck", "critical", hung + 150 * HOUR - MINUTE, hung + 153 * HOUR, "opened")
        return opened, always_open(frozenset({"stuck"}), hung + 153 * HOUR, END)

    yield Trouble("runs of 100 hours, then all end without a word", after_long_runs)
    yield Trouble("a run ends without a word", for_good, THURSDAY)
    yield Trouble("all runs end without a word", all_of_them)
    yield Trouble("a run hangs for 5 days, then completes", for_days(Fate(takes=5 * DAY), "recovered", "info"))
    yield Trouble("a run hangs for 3 days, then fails", for_days(Fate("failed", takes=3 * DAY), "failed", "critical"))


def _stopped() -> Iterator[Trouble]:
    def stopped(days: tuple[int, int], *, hides: bool) -> Script:
        def script(zoho: Organisation) -> Expected:
            zoho.stop_hides = hides
            last = completed_at(zoho)
            at = last + 40 * HOUR + 10 * MINUTE
            zoho.stop(at)
            earliest, latest = (last + n * DAY + GRACE for n in days)
            return (
                report("stopped", "warning", at),
                never({"overdue"}, FIRST, earliest),
                report("overdue", "critical", earliest, latest + HOUR, "opened"),
                reminders("overdue", earliest, END),
            )

        return script

    for name, rule, days in (
        ("weekly", weekly(), (7, 7)),
        ("biweekly", weekly(2), (14, 14)),
        ("monthly on 1TH", THURSDAY, (35, 35)),
        ("monthly on the 20.", monthly("BYMONTHDAY=20"), (31, 35)),
    ):
        for hides, then in ((False, "the plan says so"), (True, "the plan is gone")):
            script = stopped(days, hides=hides)
            hourly_from = FIRST + 12 * DAY
            yield Trouble(
                f"stopped: {name}, then {then}", script, rule, onset=FIRST + 30 * DAY, hourly_from=hourly_from
            )


# --- Something comes: failures, errors, rows that are late, a first look at what is long dead ---


def _failed() -> Iterator[Trouble]:
    def then_good(fate: Fate, times: int = 1) -> Script:
        def script(zoho: Organisation) -> Expected:
            ends = [zoho.run(fate).end for _ in range(times)]
            good = zoho.run().end
            return (
                *(report("failed", "critical", end) for end in ends),
                loud({"failed", "overdue"}, ends[0] + HOUR, min(ends[0] + 7 * DAY, good)),
                report("recovered", "info", good),
                never({"failed", "overdue"}, good + HOUR, END),
            )

        return script

    def reminded(zoho: Organisation) -> Expected:
        limit = completed_at(zoho) + 35 * DAY + GRACE
        failed = zoho.run(Fate("failed", takes=30 * MINUTE)).end
        zoho.live(END, MISSED)
        return (
            report("failed", "critical", failed),
            reminders("failed", failed, limit - DAY),
            never({"overdue"}, FIRST, limit),
            report("overdue", "critical", limit, limit + DAY + HOUR, "opened"),
            never({"failed"}, limit + DAY + HOUR, END),
        )

    yield Trouble("three weekly failures", then_good(FAILED, 3))
    yield Trouble("a monthly failure", then_good(Fate("failed", takes=30 * MINUTE)), THURSDAY, days=90)
    yield Trouble("a monthly failure, no plan", reminded, monthly("BYMONTHDAY=20"), needs_plan=False)
    yield Trouble("a failure, hours after it was due", then_good(Fate("failed", takes=9 * HOUR)))


def _unreadable() -> Iterator[Trouble]:
    def outage(cause: str, lasts: timedelta, told_after: timedelta | None) -> Script:
        def script(zoho: Organisation) -> Expected:
            since = ONSET + 10 * MINUTE
            until = since + lasts
            zoho.outages.append((since, until, cause))
            quiet = never({"overdue", "stuck", "failed"}, FIRST, END)
            if told_after is None:
                return quiet, never({"unreadable", "readable"}, FIRST, END)
            told = since + told_after
            return (
                quiet,
                never({"unreadable"}, FIRST, told - MINUTE),
                report("unreadable", "critical", told, told + HOUR, "opened", MINUTE),
                reminders("unreadable", since, until),
                never({"digest", "completed", "recovered"}, since, until),
                report("readable", "info", until, early=MINUTE),
            )

        return script

    def over_a_missed_run(zoho: Organisation) -> Expected:
        due = zoho.due()
        zoho.run(MISSED)
        until = due + 4 * DAY
        zoho.outages.append((due - DAY, until, "transient"))
        return never({"overdue", "stuck"}, FIRST, until - MINUTE), report(
            "overdue", "critical", until, phase="opened", early=MINUTE
        )

    def another(zoho: Organisation, *fates: Fate) -> Expected:
        failed = zoho.run(FAILED).end
        at = failed + 20 * HOUR
        other = Organisation(zoho.style, ids_after=10**6)
        other.set_up(SET_UP, monthly("BYMONTHDAY=1"))
        other.live(at - DAY)
        for fate in fates:
            other.by_hand(at - 10 * HOUR, fate)
        until = other.due() if fates else at
        other.live(END)
        zoho.replaced = at, other
        heard = {"failed", "overdue", "stuck", "unreadable"}
        first = report("baseline", "critical" if fates else "warning", at + HOUR)
        reminded = [reminders("failed", at, until, "baseline")] if fates else []
        quiet = never(heard, failed + HOUR, at), never(heard, until + DAY, END)
        return report("failed", "critical", failed), first, *reminded, *quiet

    yield Trouble("the token is lost for 20 days", outage("revoked", 20 * DAY, 0 * DAY))
    yield Trouble("16 days of errors", outage("transient", 16 * DAY, 6 * HOUR))
    yield Trouble("8 hours of errors", outage("transient", 8 * HOUR, 6 * HOUR))
    yield Trouble("4 hours of errors", outage("transient", 4 * HOUR, None))
    yield Trouble("a refusal without a reason for 3 days", outage("refused", 3 * DAY, HOUR))
    yield Trouble("a refusal without a reason, once", outage("refused", HOUR, None))
    yield Trouble("another organisation in place of one that fails", another)
    yield Trouble("another organisation, which fails", lambda zoho: another(zoho, FAILED))
    yield Trouble("unreadable while a run is missed", over_a_missed_run)


def _first_looks() -> Iterator[Trouble]:
    def dead(rule: Rule, undated: str = "") -> Script:
        def script(zoho: Organisation) -> Expected:
            zoho.set_up(FIRST - 330 * DAY, rule)
            if undated:
                zoho.show(FIRST - 300 * DAY, undated, None, "immediate", id="7", log_time=None)
            zoho.live(FIRST - 140 * DAY)
            zoho.live(END, MISSED)
            return (
                report("baseline", "critical", FIRST, early=HOUR),
                reminders("overdue", FIRST, FIRST + 40 * DAY, "baseline"),
                always_open(frozenset({"overdue"}), FIRST, FIRST + 40 * DAY),
                never({"failed", "recovered"}, FIRST - HOUR, END),
            )

        return script

    for name, script in (
        ("weekly schedule", dead(weekly())),
        ("monthly schedule", dead(THURSDAY)),
        ("schedule and an undated completion", dead(weekly(), "completed")),
        ("schedule and an undated failure", dead(weekly(), "failed")),
    ):
        yield Trouble(f"first look at a dead {name} whose plan rolls on", script, None, hourly_from=FIRST, days=41)

    def nothing_ever(zoho: Organisation) -> Expected:
        digest = report("digest", "warning", FIRST + 30 * DAY, early=HOUR)
        return report("baseline", "warning", FIRST, early=HOUR), digest, *overdue_after(FIRST + 35 * DAY)

    def digest_in_grace(zoho: Organisation) -> Expected:
        digest, due = FIRST + 30 * DAY, zoho.due()
        assert due < digest < due + GRACE
        zoho.live(END, MISSED)
        return report("digest", "info", digest, early=HOUR), *overdue_after(due)

    yield Trouble("nothing was ever scheduled", nothing_ever, None, hourly_from=FIRST + 29 * DAY)
    friday, before = weekly(day="FR", hour=11), FIRST + 29 * DAY
    yield Trouble("a digest in the hours of grace", digest_in_grace, friday, True, before, FIRST + 28 * DAY, 45)


def _late_rows() -> Iterator[Trouble]:
    def completion(zoho: Organisation) -> Expected:
        due = zoho.due()
        zoho.run(MISSED)
        at = due + 3 * DAY
        zoho.show(at, "completed", None, "weekly", log_time=due + HOUR)
        return (
            report("overdue", "critical", due + GRACE, due + GRACE + 13 * HOUR, "opened"),
            report("recovered", "info", at, early=MINUTE),
            never({"overdue", "failed", "recovered"}, at + HOUR, END),
        )

    yield Trouble("a completion that appears after overdue was sent", completion)
