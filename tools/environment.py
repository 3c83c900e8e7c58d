"""Make an environment: a folder with a Python and all that a lock file names, of hashed wheels only.

The Makefile's recipe. It needs the standard library only, because there is no environment yet when it is called.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

_UNREACHABLE = "Connect(ion|Timeout)|ReadTimeout|ProxyError|SSLError|NameResolutionError|Max retries|timed out"
_AGAIN = "then run this again."
FAILURES = {
    _UNREACHABLE: (
        "The packages cannot be fetched: PyPI cannot be reached.",
        f"Check the network, {_AGAIN} HTTPS_PROXY names a proxy,\n    PIP_INDEX_URL a mirror of PyPI.",
    ),
    "No space left on device": ("The disk is full.", f"Free some space (README.md says how much), {_AGAIN}"),
    "DO NOT MATCH THE HASHES": (
        "A package is not the one that was locked.",
        "Install from another index, named by PIP_INDEX_URL.",
    ),
    r"No matching distribution found for ([^\s=]+)": (
        f"A package has no wheel for this machine and Python {sys.version.split()[0]}.",
        "Use macOS or a Linux with glibc, or another Python: make PYTHON=...",
    ),
    "No such file or directory|File exists|Permission denied|Read-only": (
        "The folder cannot be made or written.",
        "Make the folder around it, writable for you, or name another: VENV=... (DEV_VENV=... for the tests)",
    ),
}
"""What venv or pip says → a sentence and a next step; the first that fits counts."""


def main() -> int:
    """Make one from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock_file", type=Path)
    parser.add_argument("folder", type=Path, help="emptied first")
    chosen = parser.parse_args()
    make(chosen.lock_file, chosen.folder)
    return 0


def make(lock_file: Path, folder: Path) -> None:
    """Empty the folder and install into it.

    Raises:
        SystemExit: It failed; with a sentence and a next step.
    """
    if os.name != "posix":
        sys.exit("✗ This needs Linux or macOS.\n  → On Windows, use it in WSL.")
    print(f"Installing {lock_file} in {folder}, once: 1-2 minutes", flush=True)
    _run(sys.executable, "venv", "--clear", str(folder))
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock_file)]
    pip(folder / "bin" / "python", "install", *options)


def pip(python: Path | str, *arguments: str) -> None:
    """Run this interpreter's pip.

    Raises:
        SystemExit: It failed; with a sentence and a next step.
    """
    _run(python, "pip", *arguments, "--disable-pip-version-check", "--retries", "5")


def _run(python: Path | str, *arguments: str) -> None:
    command = [str(python), "-m", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(explain(done.stdout))


def explain(said: str) -> str:
    """Return a sentence and a next step for what venv or pip said before it failed."""
    for pattern, (sentence, step) in FAILURES.items():
        if re.search(pattern, said):
            return f"✗ {sentence}\n  → {step}"
    last = "\n".join(said.splitlines()[-20:])
    return f"{last}\n✗ That failed.\n  → It says why above; put that right, {_AGAIN}"


if __name__ == "__main__":
    sys.exit(main())
