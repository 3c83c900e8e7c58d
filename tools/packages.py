"""pip, watched while it works, and explained in a sentence when it fails.

It needs the standard library only: there is no environment yet when it is called.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""Before the only second try."""
_UNREACHABLE = re.compile(
    "NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|NameResolutionError"
    "|Connection broken|Connection refused|Connection reset|Max retries exceeded|timed out"
)
NETWORK = "Check the network, then run this again. HTTPS_PROXY names a proxy,\n    PIP_INDEX_URL a mirror of PyPI."


def pip(python: Path | str, *arguments: str, log: Path, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run pip, a second time if PyPI could not be reached, with all that it says in `log`.

    Args:
        python: The interpreter whose pip it is.
        arguments: The command and its options.
        log: A file; overwritten.
        meanwhile: Called twice a second while pip works.

    Raises:
        SystemExit: It failed; with a sentence and a next step.
    """
    command = [str(python), "-m", "pip", *arguments, "--disable-pip-version-check", "--retries", "3"]
    for first in (True, False):
        failed = _fails(command, log, meanwhile)
        if not failed:
            return
        said = log.read_text(errors="replace")
        if not first or not _UNREACHABLE.search(said):
            sys.exit(explain(said))
        start = "\r" if sys.stdout.isatty() else ""
        print(f"{start}{'  PyPI cannot be reached; trying once more.':<42}", flush=True)
        time.sleep(PAUSE_SECONDS)


def _fails(command: list[str], log: Path, meanwhile: Callable[[], None]) -> bool:
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        while True:
            try:
                return process.wait(POLL_SECONDS) != 0
            except subprocess.TimeoutExpired:
                meanwhile()


def explain(said: str) -> str:
    """Return a sentence and a next step for what pip said before it failed."""
    wrong = re.search(r"No matching distribution found for ([^\s=]+)", said)
    if _UNREACHABLE.search(said):
        sentence, step = "The packages cannot be fetched: PyPI cannot be reached.", NETWORK
    elif "No space left on device" in said:
        sentence, step = "The disk is full.", "Free some space (README.md says how much), then run this again."
    elif "DO NOT MATCH THE HASHES" in said:
        sentence, step = (
            "A package is not the one that was locked.",
            "Install from another index, named by PIP_INDEX_URL.",
        )
    elif wrong:
        sentence = f"There is no wheel of {wrong[1]} for this machine and Python {sys.version.split()[0]}."
        step = "Use macOS or a Linux with glibc, or another Python: make PYTHON=..."
    else:
        last = "\n".join(said.splitlines()[-20:])
        return f"{last}\n✗ pip failed.\n  → It says why above; put that right, then run this again."
    return f"✗ {sentence}\n  → {step}"
