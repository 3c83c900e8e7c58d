"""`make bench`: measure everything, print it, and write it into docs/performance.md, whose prose it leaves alone."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import compare, growth, organisations
from benchmarks.bench import OURS, SERVERS, Bench
from tools.build import ROOT, runtime_python

PAGE = ROOT / "docs" / "performance.md"


def machine() -> str:
    """Return when and on what kind of machine this is measured."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    ask = [str(runtime_python()), "-c", "import platform, ssl; print(platform.python_version(), ssl.OPENSSL_VERSION)"]
    python, openssl, version, *_ = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {model[1] if model else 'an unnamed CPU'}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f}; Python {python}, {openssl} {version}; {compare.PAIRS} pairs of runs each."
    )


def write(name: str, lines: Iterable[str]) -> None:
    """Print lines as they come, and put them between the page's marks of this name."""
    shown = []
    for line in lines:
        print(line, flush=True)
        shown.append(line)
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    page, found = pattern.subn(lambda marks: f"{marks[1]}\n{chr(10).join(shown)}\n\n{marks[2]}", PAGE.read_text())
    assert found == 1, f"docs/performance.md has no place for {name}"
    PAGE.write_text(page)


def main() -> None:
    """Measure."""
    if not OURS[0].is_dir():
        sys.exit("There is no package yet: make build")
    os.sched_setaffinity(0, SERVERS)  # of this thread, and those that it starts
    with closing(Bench()) as bench:
        write("machine", [machine()])
        write("compare", compare.table(bench))
        write("parsing", [f"Parsing alone: {growth.parsing(bench)}."])
        write("rows", growth.rows(bench))
        write("keys", growth.keys())
        write("news", growth.news(bench))
        write("organisations", organisations.table(bench))


if __name__ == "__main__":
    main()
