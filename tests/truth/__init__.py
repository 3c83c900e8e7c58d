"""An oracle for the promise that every alert is true.

``organisation`` is Zoho as one organisation sees it: a schedule, its runs, the rows and the plan that Zoho shows at any
minute. ``calendars`` is a table of healthy ones, ``troubles`` one of sick ones, each with what must be said and when.
``play`` takes one through the pure core, check by check; ``oracle`` judges what was decided, and ``sentences`` reads
the rendered messages back. Nothing in here shares code with `handler.rules`, `handler.incidents` or `handler.plan`;
only ``organisation`` uses dateutil, to generate the runs of a rule.

``python -m tests.truth`` plays every calendar hour by hour. The suite steps over the hours in which nothing changes,
and leaves two thirds of the calendars to CI (`-m deep`).
"""
