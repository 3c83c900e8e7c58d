"""Play every calendar hour by hour, and every trouble, in every style: `python -m tests.truth [WORDS OF A NAME]`."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.truth.calendars import calendars
from tests.truth.organisation import Style
from tests.truth.troubles import troubles
from tests.truth.verdicts import play_calendar, play_trouble

Job = tuple[str, int, Style, bool]


def jobs(words: str) -> Iterator[Job]:
    """Yield what is to be played: table, number, style, with the plan or without."""
    for number, calendar in enumerate(calendars()):
        for style in Style:
            for with_plan in (True,) if calendar.needs_plan else (True, False):
                if words in calendar.name:
                    yield "calendar", number, style, with_plan
    for number, trouble in enumerate(troubles()):
        for style in Style:
            for with_plan in (True, False) if trouble.needs_plan is None else (trouble.needs_plan,):
                if words in trouble.name:
                    yield "trouble", number, style, with_plan


def play(job: Job) -> tuple[str, list[str]]:
    """Play one, and return its name and the complaints."""
    table, number, style, with_plan = job
    how = f"{style.value}, {'with' if with_plan else 'without'} the plan"
    if table == "calendar":
        calendar = list(calendars())[number]
        return f"{calendar.name} ({how})", play_calendar(calendar, style, with_plan=with_plan, every_hour=True)
    trouble = list(troubles())[number]
    return f"{trouble.name} ({how})", play_trouble(trouble, style, with_plan=with_plan)


def main() -> int:
    """Play all, and return the exit status."""
    began = time.monotonic()
    chosen = list(jobs(" ".join(sys.argv[1:])))
    wrong = 0
    with ProcessPoolExecutor() as pool:
        for name, complaints in pool.map(play, chosen):
            if complaints:
                wrong += 1
                sys.stdout.write("\n  ".join([name, *complaints[:10]]) + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} played, {wrong} wrong, {time.monotonic() - began:.0f} s\n")
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
