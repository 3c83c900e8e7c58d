"""What people would use instead, each in the package that it would be shipped in."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.build import PLATFORM, ROOT, RUNTIME, runtime_python

LOCKED = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement"]


def naive(*, compiled: bool) -> Path:
    """Return the package of the naive notifier, with the very wheels that ours has and all of botocore.

    Args:
        compiled: As well as Python can; otherwise as `sam build` ships it, where nothing is compiled that Lambda could
            use.
    """
    return _package("naive", PLATFORM, "runtime", compiled=compiled)


def sdk() -> Path:
    """Return the package of Zoho's official SDK, compiled."""
    return _package("sdk", ["--python-version", RUNTIME], "sdk", compiled=True)


def _package(name: str, platform: Sequence[str], lock: str, *, compiled: bool) -> Path:
    folder = ROOT / ".cache" / "peers" / (f"{name}-compiled" if compiled else name)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(folder), *platform]
    subprocess.run([*pip, *LOCKED, str(ROOT / "requirements" / f"{lock}.txt")], check=True)
    shutil.copy(Path(__file__).with_name(f"{name}.py"), folder)
    if compiled:
        flags = ["-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([str(runtime_python()), "-m", "compileall", *flags, str(folder)], check=False)
    return folder
