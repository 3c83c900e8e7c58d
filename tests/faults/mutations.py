"""Break the code at its heart, in a copy, and see which test turns red: ``python -m tests.faults.mutations``.

Names of mutations (`mutations.toml`) as arguments run only these. Prints a Markdown table.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = (".git", ".venv*", ".cache", ".aws-sam", ".hypothesis", ".*_cache", ".coverage*", "__pycache__", "build")
FAR = ("template", "tools", "sandbox", "sdk", "gallery", "newcomer", "faults")
STAGES = (("tests/faults",), ("tests", *(f"--ignore=tests/{name}" for name in FAR)))


def main(names: list[str]) -> None:
    """Apply each mutation to a copy of its own, run the tests there, and print what caught it."""
    sys.stdout.write("| Mutation | Caught by |\n|---|---|\n")
    for name, mutation in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items():
        if not names or name in names:
            sys.stdout.write(f"| {name} | {caught(**mutation)} |\n")
            sys.stdout.flush()


def caught(file: str, old: str, new: str) -> str:
    """Return the first test that fails with this mutation, or "-"."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)
        mutated = Path(folder, "handler", file)
        code = mutated.read_text()
        if code.count(old) != 1:
            return "the code has changed: fix the mutation"
        mutated.write_text(code.replace(old, new))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
        for tests in STAGES:
            run = subprocess.run([*command, *tests], cwd=folder, capture_output=True, text=True, check=False)
            if found := re.search(r"^(?:FAILED|ERROR) (?:\S*/)?([\w.]+::\w+)", run.stdout, re.MULTILINE):
                return f"`{found[1]}`"
            if run.returncode:
                return run.stdout[-300:]
    return "-"


if __name__ == "__main__":
    main(sys.argv[1:])
