"""What people would use instead, each in the package that it would be shipped in."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.build import LOCKED, PLATFORM, ROOT, WHEELS, runtime_python

HERE = Path(__file__).parent
PACKAGES = ROOT / ".cache" / "peers"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--root-user-action", "ignore"]


def naive(*, compiled: bool) -> Path:
    """Return the package of the naive notifier, with the very wheels that ours has and all of botocore.

    Args:
        compiled: All that Python can wish for; otherwise as `sam build` ships it, where nothing is compiled that
            Lambda could use.
    """
    wheels = [*PLATFORM, *LOCKED, "--no-index", "--find-links", str(WHEELS)]
    return _package("naive" if compiled else "naive-sam", "naive.py", wheels, compiled=compiled)


def sdk() -> Path:
    """Return the package of Zoho's official SDK, compiled."""
    lock_file = ROOT / "requirements" / "sdk.txt"
    python = ["--python-version", "3.13", "--only-binary", ":all:", "--no-deps"]
    return _package("sdk", "sdk.py", [*python, "--require-hashes", "--requirement", str(lock_file)], compiled=True)


def _package(name: str, module: str, wheels: list[str], *, compiled: bool) -> Path:
    """Make the package again where the lock files are newer."""
    folder = PACKAGES / name
    locks = [path.stat().st_mtime for path in (ROOT / "requirements").glob("*.txt")]
    if not folder.exists() or folder.stat().st_mtime < max(locks):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([*PIP, "--no-compile", "--target", str(folder), *wheels], check=True)
    shutil.copy(HERE / module, folder)
    if compiled:
        flags = ["-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([str(runtime_python()), "-m", "compileall", *flags, str(folder)], check=False)
    folder.touch()
    return folder
