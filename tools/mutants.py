"""`make mutants`: break the handler in small ways, one at a time, and list what no test notices.

mutmut makes the mutants and runs, for each, the tests that reach its function. This chooses which, by a seed and for a
bounded time, and says where in the code the survivors are. It works on a copy; the sources stay as they are.
"""

import argparse
import ast
import difflib
import json
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MUTMUT = [sys.executable, str(Path(sys.executable).with_name("mutmut"))]
WORKERS = 2
LEFT_OUT = (".*", "build", "dist", "mutants", "__pycache__")
KEPT = {".ci", ".github"}
"""What tests read although its name begins with a dot."""
UNFIT = {
    "test_architecture.py": "reads the sources, which mutmut has rewritten",
    "test_budget.py": "counts what is imported",
    "test_documents.py": "reads the sources",
    "test_events.py": "starts a process, in which nothing is mutated",
    "test_hostile.py": "takes minutes",
    "test_lambda.py": "starts a process",
    "test_overlap.py": "starts threads that outlive a mutant",
    "test_real_deaths.py": "starts a process",
    "test_year.py": "takes minutes",
}
"""Test files that cannot take part, and why; of the others those directly in these folders do."""
FOLDERS = ("tests", "tests/channels")
AT_ONCE = "tests/test_golden_at_once.py"
ALL_MESSAGES = '''
"""Every message, decided while a test runs: what is decided at import counts as reached by no test."""

from sandbox.samples import samples
from tests.test_golden import GOLDEN, readers, shown


def test_every_message_reads_as_its_golden_file(readers):
    samples.cache_clear()
    for sample in samples():
        assert shown(sample, readers) == (GOLDEN / f"{sample.name}.txt").read_text(encoding="utf-8")
'''
STATUS = {0: "survived", 1: "noticed", 3: "noticed", 5: "not reached", 33: "not reached", -24: "endless", 36: "endless"}
CONFTEST = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "\\\\" not in item.nodeid]
"""
"""mutmut names tests on a command line, where pytest does not find one with a backslash, and counts that as noticed."""
SHARE_OF_COST = 0.15
"""How much of its tests a mutant runs on average: most are noticed early."""
BEGINS = "Running mutation testing"
NOBODY = "no mutant has this name"


class Mutant(NamedTuple):
    """One small change.

    Attributes:
        name: mutmut's own, such as `handler.history.x_clean__mutmut_3`.
        file: The source, from the root.
    """

    name: str
    file: str

    @property
    def function(self) -> str:
        """The name in mutmut's statistics, one for all changes of a function."""
        return self.name.rpartition("__mutmut_")[0]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return the exit code, which says nothing of survivors: some cannot be noticed."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long to try them, after a start of minutes")
    parser.add_argument("--seed", type=int, default=None, help="chooses them, as another run printed it")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        copy(ROOT, tree)
        print("Making the mutants, and measuring which test reaches what (some minutes)", flush=True)
        started = _mutmut(tree, NOBODY, seconds=None)
        mutants = known(tree)
        if not mutants or not (tree / "mutants" / "mutmut-stats.json").exists():
            print(f"{started}\nThe tests do not pass unchanged, or mutmut is another one than we know.")
            return 1
        chosen = choose(mutants, costs(tree), options.seconds * WORKERS, seed)
        print(f"Trying {len(chosen)} of {len(mutants)} mutants, seed {seed}", flush=True)
        tried = _mutmut(tree, *(mutant.name for mutant in chosen), seconds=options.seconds)
        if all(known(tree)[mutant] is None for mutant in chosen):
            print(f"{tried[-2000:]}\nNot one could be tried.")
            return 1
        print(report(tree, chosen))
    print(f"The same again: make mutants SECONDS={options.seconds:.0f} SEED={seed}")
    return 0


def copy(root: Path, tree: Path) -> None:
    """Copy the project for mutmut, with its settings; environments and what is made stay behind."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return shutil.ignore_patterns(*LEFT_OUT)(folder, names) - KEPT

    shutil.copytree(root, tree, ignore=left_out, symlinks=True)
    (tree / "conftest.py").write_text(CONFTEST)
    (tree / AT_ONCE).write_text(ALL_MESSAGES)
    tests = [path for folder in FOLDERS for path in (tree / folder).glob("test_*.py") if path.name not in UNFIT]
    settings = {
        "source_paths": ["handler"],
        "also_copy": sorted(path.name for path in tree.iterdir() if path.name not in {"handler", "tests"}),
        "pytest_add_cli_args": ["-p", "no:xdist", "-p", "no:randomly", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": sorted(path.relative_to(tree).as_posix() for path in tests),
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    with (tree / "pyproject.toml").open("a") as project:
        project.write("\n".join(["\n[tool.mutmut]", *lines, ""]))


def known(tree: Path) -> dict[Mutant, int | None]:
    """Return every mutant that mutmut has made, and the exit code of its tests where they have run."""
    found: dict[Mutant, int | None] = {}
    for meta in sorted((tree / "mutants" / "handler").rglob("*.meta")):
        file = meta.relative_to(tree / "mutants").as_posix().removesuffix(".meta")
        found |= {Mutant(name, file): code for name, code in json.loads(meta.read_text())["exit_code_by_key"].items()}
    return found


def costs(tree: Path) -> dict[str, float]:
    """Return, by function, the seconds that all its tests take."""
    stats = json.loads((tree / "mutants" / "mutmut-stats.json").read_text())
    seconds = stats["duration_by_test"]
    return {
        function: sum(seconds[test] for test in tests)
        for function, tests in stats["tests_by_mangled_function_name"].items()
    }


def choose(mutants: Iterable[Mutant], costs: Mapping[str, float], seconds: float, seed: int) -> list[Mutant]:
    """Return as many mutants as can be tried in so many seconds, one at least, in the order of the seed."""
    order = sorted(mutants)
    random.Random(seed).shuffle(order)  # noqa: S311 - a sample, no secret
    chosen: list[Mutant] = []
    for mutant in order:
        seconds -= SHARE_OF_COST * costs.get(mutant.function, 0)
        if seconds < 0 and chosen:
            break
        chosen.append(mutant)
    return chosen


def report(tree: Path, chosen: Iterable[Mutant]) -> str:
    """Say what became of the mutants: each survivor with its file, its line and what was changed."""
    codes = known(tree)
    statuses = {mutant: _status(codes[mutant]) for mutant in chosen}
    left = [mutant for mutant, status in statuses.items() if status in {"survived", "not reached"}]
    places = sorted((*place(tree, mutant), statuses[mutant]) for mutant in left)
    lines = [f"{file}:{line}: {status}\n{change}" for file, line, change, status in places]
    counts = ", ".join(f"{count} {status}" for status, count in Counter(statuses.values()).most_common())
    return "\n".join([*lines, counts])


def place(tree: Path, mutant: Mutant) -> tuple[str, int, str]:
    """Return a mutant's file, its line there, and the lines that it changes as `-` and `+`."""
    made = (tree / "mutants" / mutant.file).read_text().splitlines()
    spans = json.loads((tree / "mutants" / f"{mutant.file}.spans").read_text())["spans"]
    short = mutant.name.rpartition(".")[2]
    before, after = (_lines(made, spans[name]) for name in (f"{short.rpartition('__mutmut_')[0]}__mutmut_orig", short))
    before[0], after[0] = (re.sub(r"\w+__mutmut_\w+", "", line, count=1) for line in (before[0], after[0]))
    blocks = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    (start, end, start_after, end_after) = next(block[1:] for block in blocks if block[0] != "equal")
    change = [f"  - {line.strip()}" for line in before[start:end]]
    change += [f"  + {line.strip()}" for line in after[start_after:end_after]]
    return mutant.file, _first_line(tree / mutant.file, mutant) + start, "\n".join(change)


def _lines(made: list[str], span: list[int]) -> list[str]:
    """Return a function's lines from its `def` on; blank lines and decorators belong to the span."""
    return list(dropwhile(lambda line: "__mutmut_" not in line, made[span[0] - 1 : span[1]]))


def _first_line(source: Path, mutant: Mutant) -> int:
    """Return the line of a mutant's function, whose name is `x_function` or `xǁClassǁmethod`."""
    *classes, function = mutant.function.rpartition(".")[2].removeprefix("x").removeprefix("_").split("ǁ")
    nodes: list[ast.stmt] = ast.parse(source.read_text()).body
    for name in filter(None, classes):
        nodes = next(node.body for node in nodes if isinstance(node, ast.ClassDef) and node.name == name)
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return next(node.lineno for node in functions if node.name == function)


def _status(code: int | None) -> str:
    return "not tried" if code is None else STATUS.get(code, f"exit code {code}")


def _mutmut(tree: Path, *names: str, seconds: float | None) -> str:
    """Run mutmut on some mutants and return what it printed; after so many seconds of trying it is interrupted."""
    command = [*MUTMUT, "run", "--max-children", str(WORKERS), *names]
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    printed = ""
    for line in process.stdout or ():
        printed += line
        if line.startswith(BEGINS):  # before, it has run the tests on the unchanged code
            break
    try:
        return printed + process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return printed + process.communicate()[0]


if __name__ == "__main__":
    sys.exit(main())
