"""Make an environment: a folder with a Python and all that a lock file names, of hashed wheels only.

The Makefile's recipe. It needs the standard library only, and says how far it is, on a terminal in one line that moves.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.packages import pip

DISK_MB = {
    "awscli": 210,
    "checkov": 320,
    "dev": 490,
    "lambda": 30,
    "lock": 70,
    "mutants": 520,
    "sam": 360,
    "sdk": 60,
}
"""What an environment takes, by its lock file's name; measured with Python 3.11 on Linux, and rounded up."""


def main() -> int:
    """Make one from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock_file", type=Path)
    parser.add_argument("folder", type=Path, help="emptied first")
    chosen = parser.parse_args()
    try:
        make(chosen.lock_file, chosen.folder)
    except KeyboardInterrupt:
        print("\nStopped. The next time starts again.", file=sys.stderr)
        return 130
    return 0


def make(lock_file: Path, folder: Path) -> None:
    """Empty the folder and install into it.

    Raises:
        SystemExit: It failed; with a sentence and a next step.
    """
    needed = DISK_MB[lock_file.stem]
    folder.parent.mkdir(parents=True, exist_ok=True)
    _refuse(os.name, shutil.disk_usage(folder.parent).free // 10**6, needed)
    print(f"Installing {lock_file}, once: 1-2 minutes, {needed} MB in {folder}", flush=True)
    began = time.monotonic()
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, check=False)
    if made.returncode:
        said = (made.stdout + made.stderr).decode(errors="replace").strip()
        sys.exit(f"{said}\n✗ Python's module venv cannot make {folder}.\n  → It says why above.")
    log, before = folder / "install.log", installed(folder)
    locked = len(re.findall("^[a-z0-9-]+==", lock_file.read_text(), re.MULTILINE))
    shown = sys.stdout.isatty()

    def show() -> None:
        if shown:
            print(f"\r  {progress(log.read_text(errors='replace'), locked, installed(folder) - before):<40}", end="")
            sys.stdout.flush()

    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock_file)]
    pip(folder / "bin" / "python", "install", *options, log=log, meanwhile=show)
    line = f"{installed(folder) - before} packages in {time.monotonic() - began:.0f} s, {size_mb(folder)} MB"
    print(f"{chr(13) if shown else ''}  {line:<40}".rstrip(), flush=True)


def _refuse(system: str, free_mb: int, needed_mb: int) -> None:
    """Say what this machine lacks, before anything is made.

    Raises:
        SystemExit: It lacks something.
    """
    if system != "posix":
        sys.exit("✗ This needs Linux or macOS.\n  → On Windows, use it in WSL.")
    if free_mb < needed_mb:
        sys.exit(f"✗ This needs {needed_mb} MB of disk, and {free_mb} MB are free.\n  → Free some, then run it again.")


def progress(said: str, locked: int, done: int) -> str:
    """Return how far pip is.

    Args:
        said: What it has said so far.
        locked: How many packages its lock file names; those of other platforms are ignored.
        done: How many are installed.
    """
    total = locked - len(re.findall("^Ignoring ", said, re.MULTILINE))
    if "\nInstalling collected packages" in said:
        return f"installing {done} of {total}"
    if said.rpartition("WARNING: Retrying")[2].count("\n") == 1:
        return "PyPI does not answer; still trying"
    return f"fetching {len(re.findall('^Collecting ', said, re.MULTILINE))} of {total}"


def installed(folder: Path) -> int:
    """Return how many packages an environment has."""
    return len(list(folder.glob("lib/python*/site-packages/*.dist-info")))


def size_mb(folder: Path) -> int:
    """Return how much of the disk a folder takes."""
    paths = (Path(where) / name for where, _, names in os.walk(folder) for name in (".", *names))
    return sum(path.lstat().st_blocks for path in paths) * 512 // 10**6


if __name__ == "__main__":
    sys.exit(main())
