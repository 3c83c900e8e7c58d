"""Troubles, as stories: what happens, and what must have been said of it, in which order."""

from datetime import timedelta
from typing import Any, NamedTuple

from tests.oracle.organisation import DAY, GOOD, HOUR, HUNG, MINUTE, MISSED, Fate, Rule, monthly, weekly
from tests.oracle.stories import KNOWN_BY_NAME, RULES, Story

WEEKLY, THURSDAY, FAILED, FOR_EVER = weekly(), monthly("BYDAY=1TH"), Fate("failed", takes=HOUR), 20


class Trouble(NamedTuple):
    """One trouble.

    Attributes:
        story: What happens.
        told: What is said of it, in order and without reminders: the kind of each notice, in capitals where critical.
    """

    story: Story
    told: str

    @property
    def modes(self) -> tuple[bool, ...]:
        """Return whether it is played with Zoho's plan, without, or both."""
        known = self.story.rule in KNOWN_BY_NAME and self.story.starts_in == DAY
        return (True, False) if known else (True,)


def trouble(told: str, *fates: Fate, rule: Rule = WEEKLY, **more: Any) -> Trouble:
    """Return one that is played hour by hour, with these fates from the first check on."""
    return Trouble(Story(rule, fates, **{"every": 1, "days": 60, **more}), told)


def outage(told: str, cause: str, **lasts: int) -> Trouble:
    """Return one whose history cannot be read for so long."""
    return trouble(told, outages=((20, int(timedelta(**lasts) / HOUR), cause),))


MISSING, NO_MORE = (MISSED,) * FOR_EVER, 400 * DAY
LATER = (25 * DAY + 65 * MINUTE, 2 * MINUTE, weekly(day="MO"))
TROUBLES = {
    **{
        f"missed: {rule.repeat_type}, {rule.text}, {rule.clamped=}": trouble("OVERDUE", *MISSING, rule=rule, days=110)
        for rule in (*RULES, weekly(8, "biweekly"), monthly("BYMONTHDAY=31", clamped=True))
    },
    "missed, then the next one is good": trouble("OVERDUE recovered", MISSED),
    "missed while a backup by hand hides the plan": trouble("OVERDUE", GOOD, *MISSING, by_hand=(7 * DAY,)),
    "missed, set up again, missed again": trouble("OVERDUE overdue OVERDUE", *MISSING, change=LATER),
    "a first run is missed": trouble("OVERDUE", *[GOOD] * 4, *MISSING, change=LATER),
    "a first run is missed, after a later start": trouble(
        "OVERDUE", *[GOOD] * 4, *MISSING, change=LATER, starts_in=20 * DAY
    ),
    "runs of 100 hours, then all hang": trouble(
        "STUCK recovered STUCK", *[Fate(takes=100 * HOUR)] * 4, *[HUNG] * FOR_EVER
    ),
    "a run hangs": trouble("STUCK", HUNG, *MISSING, rule=THURSDAY),
    "all runs hang": trouble("STUCK", *[HUNG] * FOR_EVER),
    "a run hangs for 5 days, then completes": trouble("STUCK recovered", Fate(takes=5 * DAY)),
    "a run hangs for 3 days, then fails": trouble("STUCK FAILED OVERDUE recovered", Fate("failed", takes=3 * DAY)),
    **{
        f"stopped: {rule.text}, {hides=}": trouble(
            "stopped OVERDUE", rule=rule, change=(12 * DAY, NO_MORE, WEEKLY), stop_hides=hides
        )
        for rule in (WEEKLY, weekly(2), THURSDAY, monthly("BYMONTHDAY=20"))
        for hides in (False, True)
    },
    "three weekly failures": trouble("FAILED OVERDUE FAILED FAILED recovered", FAILED, FAILED, FAILED),
    "a monthly failure": trouble("FAILED OVERDUE recovered", FAILED, rule=THURSDAY, days=90),
    "a failure, and then nothing": trouble("FAILED OVERDUE", FAILED, *MISSING, rule=monthly("BYMONTHDAY=20")),
    "a failure, hours after it was due": trouble("FAILED OVERDUE recovered", Fate("failed", takes=9 * HOUR)),
    "a failure in a month with four backups": trouble("FAILED OVERDUE recovered", GOOD, GOOD, GOOD, FAILED),
    "the second backup fails": trouble("FAILED OVERDUE recovered", FAILED, age=5),
    "a failure two days after a backup by hand": trouble(
        "FAILED OVERDUE recovered", FAILED, by_hand=(DAY,), starts_in=2 * DAY
    ),
    "a state that nobody knows, for 5 hours": trouble("UNKNOWN recovered", Fate(first="archived", late=5 * HOUR)),
    "the token is lost for 20 days": outage("UNREADABLE readable", "revoked", days=20),
    "16 days of errors": outage("UNREADABLE readable", "transient", days=16),
    "8 hours of errors": outage("UNREADABLE readable", "transient", hours=8),
    "4 hours of errors": outage("", "transient", hours=4),
    "a refusal without a reason for 3 days": outage("UNREADABLE readable", "refused", days=3),
    "a refusal without a reason, once": outage("", "refused", hours=1),
    "unreadable while a run is missed": trouble(
        "UNREADABLE readable OVERDUE recovered", GOOD, MISSED, outages=((9, 96, "transient"),)
    ),
    **{
        f"first look at a dead schedule: {rule.text}, {undated}": trouble(
            "BASELINE", *[MISSED] * 60, rule=rule, age=200, dead=140, undated=undated
        )
        for rule, undated in ((WEEKLY, ""), (THURSDAY, ""), (WEEKLY, "completed"), (WEEKLY, "failed"))
    },
    "another company's history": trouble("baseline", replaced=20),
    "another company's history while a run is missed": trouble("OVERDUE baseline", MISSED, MISSED, MISSED, replaced=20),
    "another company's history after a failure": trouble("FAILED OVERDUE baseline", FAILED, replaced=5),
    "another company's history after a stop": trouble(
        "stopped baseline", rule=THURSDAY, change=(2 * DAY, NO_MORE, THURSDAY), replaced=5
    ),
    "a digest in the hours of grace": trouble("OVERDUE", *[GOOD] * 4, *MISSING, rule=weekly(day="FR", hour=11)),
    "an end that appears three days late": trouble("STUCK recovered", Fate(takes=HOUR, late=3 * DAY)),
    "an end that appears after its links expired": trouble(
        "STUCK recovered", Fate(takes=HOUR, late=180 * HOUR), rule=THURSDAY
    ),
    "a run that appears three days late": trouble("OVERDUE recovered", Fate(missed=True, late=3 * DAY)),
}
"""By what is wrong."""
