"""An oracle for the promise that every alert is true.

``organisation`` is Zoho as one organisation sees it: a schedule, its runs, the rows and the plan that Zoho shows at any
minute. ``stories`` says what may happen to one, and draws such stories; ``calendars`` is a table of healthy ones,
``troubles`` one of sick ones. ``play`` takes one through the pure core, check by check; ``shown`` is what a check sees,
``oracle`` says what must be open and said, ``sentences`` whether each sentence is true whenever it is read, and
``verdicts`` judges a whole play. Nothing in here shares code with the rules of the handler; only ``organisation`` uses
dateutil, to generate the runs of a rule.

``python -m tests.oracle`` plays every calendar hour by hour. The suite steps over the hours in which nothing changes,
and leaves seven eighths of the calendars to CI (`-m deep`).
"""
