"""Make the package that Lambda runs: `handler/` and its locked dependencies, and nothing that does not run.

The one recipe of `make build` and of `sam build`, which calls it through the Makefile. It needs the standard library
and pip, on any machine: the wheels are fetched for Lambda's platform, not for this one. Two builds are identical, byte
for byte.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.environment import pip

ROOT = Path(__file__).resolve().parents[1]
LOCK_FILE = ROOT / "requirements" / "runtime.txt"
WHEELS = ROOT / ".cache" / "wheels"

RUNTIME = "3.13"  # as template.yaml says
PLATFORM = ["--platform", "manylinux2014_aarch64", "--python-version", RUNTIME, "--implementation", "cp"]
LOCKED = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement", str(LOCK_FILE)]

# What the handler asks of AWS. Reading the rest of what botocore knows takes a fifth of a cold start's CPU and memory.
CALLS = {
    "dynamodb": ["GetItem", "PutItem"],
    "scheduler": ["ListSchedules"],
    "sns": ["GetTopicAttributes", "Publish"],
    "ssm": ["DescribeParameters", "GetParameter"],
}
LEFT_OUT = ["*.data", "boto3/data", "boto3/examples"]  # scripts, and what only boto3's resources read
KEPT_OF_DIST_INFO = ("METADATA", "LICENSE", "NOTICE", "licenses")  # what scanners read and licences demand

NO_PYTHON = f"There is no Python {RUNTIME} here: install it, or name it, as in PYTHON313=/path/to/python3.13"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
FILE_MODE, FOLDER_MODE = 0o644, 0o755  # Lambda reads the package as another user


def fetch(wheels: Path = WHEELS) -> None:
    """Download the locked wheels for Lambda's platform into `wheels`; the only step that needs the network."""
    print("Fetching what ships, for Lambda's platform (once, 16 MB)", flush=True)
    shutil.rmtree(wheels, ignore_errors=True)
    pip(sys.executable, "download", *PLATFORM, *LOCKED, "--dest", str(wheels))


def build(target: Path, wheels: Path = WHEELS) -> bool:
    """Empty the folder `target` and fill it with the package; say whether it holds compiled modules."""
    shutil.rmtree(target, ignore_errors=True)
    for wheel in wheels.glob("*.whl"):  # checked when they were fetched; to install a wheel is to unpack it
        zipfile.ZipFile(wheel).extractall(target)
    _trim(target)
    shutil.copytree(ROOT / "handler", target / "handler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "LICENSE", target)
    python = runtime_python()
    if python:
        _compile(target, python)
    for path in target.rglob("*"):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
    return python is not None


def pack(folder: Path, archive: Path) -> None:
    """Zip `folder` so that the same content gives the same bytes: sorted, with one date and one mode."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_DATE)
            entry.external_attr = FILE_MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, path.read_bytes())


def runtime_python() -> Path | None:
    """Find an interpreter of the runtime's version that runs: `PYTHON313`, this one, the PATH's, uv's or pyenv's."""
    name, home = f"python{RUNTIME}", Path.home()
    kept = (f".local/share/uv/python/cpython-{RUNTIME}*/bin/{name}", f".pyenv/versions/{RUNTIME}*/bin/{name}")
    known = [os.environ.get("PYTHON313"), sys.executable, shutil.which(name)]
    for candidate in filter(None, known + [str(path) for pattern in kept for path in home.glob(pattern)]):
        command = [candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
        try:  # a pyenv shim is on the PATH whether or not it leads anywhere
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if answer.returncode == 0 and answer.stdout.strip() == RUNTIME:
            return Path(candidate)
    return None


def _trim(target: Path) -> None:
    for left_out in [path for pattern in LEFT_OUT for path in target.glob(pattern)]:
        shutil.rmtree(left_out)
    for service in (target / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in CALLS:  # the files beside them serve all services
            shutil.rmtree(service)
    _slim(target / "botocore" / "data")
    for dist_info in target.glob("*.dist-info"):
        for path in dist_info.iterdir():
            if not path.name.startswith(KEPT_OF_DIST_INFO):
                path.unlink()


def _slim(data: Path) -> None:
    """Leave of botocore's data what `CALLS` need; it is read at every cold start."""
    endpoints_file = data / "endpoints.json"
    endpoints = json.loads(endpoints_file.read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: known for name, known in partition["services"].items() if name in CALLS}
    endpoints_file.write_text(json.dumps(endpoints))
    for service, calls in CALLS.items():
        for model_file in data.glob(f"{service}/*/service-2.json.gz"):
            model = _with_calls_only(json.loads(gzip.decompress(model_file.read_bytes())), calls)
            model_file.write_bytes(gzip.compress(json.dumps(model).encode(), mtime=0))


def _with_calls_only(model: dict[str, Any], calls: list[str]) -> dict[str, Any]:
    """Return a service's model with these calls only, and the shapes that they reach."""
    operations = {name: model["operations"][name] for name in calls}
    shapes: dict[str, Any] = {}
    reached = list(_references(operations))
    for name in reached:  # grows while it is walked
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            reached += _references(shapes[name])
    return {**model, "operations": operations, "shapes": shapes}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict) and isinstance(part.get("shape"), str):
        yield part["shape"]
    if isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from _references(value)


def _compile(target: Path, python: Path) -> None:
    """Compile every module once: zip dates and a read-only disk make Lambda disbelieve any other .pyc."""
    where = ["-s", str(target), "-p", "/var/task"]  # the path that tracebacks show
    command = [str(python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *where, str(target)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def main() -> None:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_mutually_exclusive_group(required=True)
    actions.add_argument("--fetch", action="store_true", help="only download the wheels, for later builds")
    actions.add_argument("--runtime-python", action="store_true", help=f"print where Python {RUNTIME} is, if anywhere")
    actions.add_argument("--target", type=Path, help="folder to fill with the package")
    parser.add_argument("--zip", type=Path, help="zip file to make of it")
    chosen = parser.parse_args()
    if chosen.fetch:
        fetch()
    elif chosen.runtime_python:
        print(runtime_python() or "")
    else:
        if not build(chosen.target):
            print(f"Nothing is compiled, so cold starts will be twice as slow. {NO_PYTHON} make build")
        if chosen.zip:
            pack(chosen.target, chosen.zip)
            print(f"{chosen.zip}: {chosen.zip.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
