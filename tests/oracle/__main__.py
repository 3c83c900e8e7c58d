"""Play every calendar hour by hour, and every trouble, in every style: `python -m tests.oracle [WORDS OF A NAME]`."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.oracle.calendars import Calendar, calendars
from tests.oracle.organisation import Style
from tests.oracle.troubles import TROUBLES, Trouble
from tests.oracle.verdicts import judge_calendar, judge_trouble

PROCESSES = 2
EVERY = 50
"""After so many plays there is a line."""
CASES: dict[str, Calendar | Trouble] = {**{calendar.name: calendar for calendar in calendars()}, **TROUBLES}
Job = tuple[str, Style, bool]


def jobs(words: str) -> Iterator[Job]:
    """Yield what is to be played: name, style, with the plan or without."""
    for name, case in CASES.items():
        if words in name:
            yield from ((name, style, with_plan) for style in Style for with_plan in case.modes)


def judge(job: Job) -> list[str]:
    """Play one, and return the complaints."""
    name, style, with_plan = job
    case = CASES[name]
    if isinstance(case, Trouble):
        return judge_trouble(case, style, with_plan=with_plan)
    return judge_calendar(case, style, with_plan=with_plan, hourly_days=case.story.days)


def main() -> int:
    """Play all, and return the exit status."""
    began, wrong, chosen = time.monotonic(), 0, list(jobs(" ".join(sys.argv[1:])))
    with ProcessPoolExecutor(PROCESSES) as pool:
        for number, (job, complaints) in enumerate(zip(chosen, pool.map(judge, chosen), strict=True), 1):
            wrong += bool(complaints)
            for line in (str(job), *complaints[:10]) if complaints else ():
                sys.stdout.write(f"{line}\n")
            if number % EVERY == 0 or number == len(chosen):
                elapsed = time.monotonic() - began
                sys.stdout.write(f"{number} of {len(chosen)} played, {wrong} wrong, {elapsed:.0f} s\n")
                sys.stdout.flush()
    return int(bool(wrong or not chosen))


if __name__ == "__main__":
    sys.exit(main())
