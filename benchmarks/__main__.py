"""`make bench`: measure everything, print it, and write it into docs/performance.md, whose prose it leaves alone."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import compare, growth, organisations
from benchmarks.bench import PACKAGE, QUICK, SERVERS, Bench, Effort
from tools.build import ROOT, runtime_python

PAGE = ROOT / "docs" / "performance.md"


def machine(effort: Effort) -> str:
    """Return when and on what kind of machine this is measured."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    ask = [str(runtime_python()), "-c", "import platform, ssl; print(platform.python_version(), ssl.OPENSSL_VERSION)"]
    python, openssl, version, *_ = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {model[1] if model else 'an unnamed CPU'}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f}; Python {python}, {openssl} {version}; {effort.pairs} pairs of runs each."
    )


def write(name: str, lines: Iterable[str], *, keep: bool) -> None:
    """Print lines as they come and, to keep them, put them between the page's marks of this name."""
    shown = []
    for line in lines:
        print(line, flush=True)
        shown.append(line)
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    page, found = pattern.subn(lambda marks: f"{marks[1]}\n{chr(10).join(shown)}\n\n{marks[2]}", PAGE.read_text())
    assert found == 1, f"docs/performance.md has no place for {name}"
    if keep:
        PAGE.write_text(page)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--quick", action="store_true", help="only see that all of it works: the page stays as it is")
    quick = parser.parse_args().quick
    effort = QUICK if quick else Effort()
    if not PACKAGE.is_dir():
        sys.exit("There is no package yet: make build")
    os.sched_setaffinity(0, SERVERS)  # of this thread, and those that it starts
    with closing(Bench()) as bench:
        sections: dict[str, Iterable[str]] = {
            "machine": [machine(effort)],
            "compare": compare.table(bench, effort),
            "parsing": growth.parsing(bench),
            "rows": growth.rows(bench, effort),
            "keys": growth.keys(),
            "news": growth.news(bench, effort),
            "organisations": organisations.table(bench, effort),
        }
        for name, lines in sections.items():
            write(name, lines, keep=not quick)


if __name__ == "__main__":
    main()
