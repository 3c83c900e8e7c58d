"""The package that Lambda gets: what is in it, how it is compiled, and that it runs alone."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from sandbox.runtime import LambdaEnvironment
from sandbox.sandbox import Sandbox
from sandbox.zoho import row
from tests.template.conftest import SUMMARY
from tools import build, release

ROOT = Path(__file__).parents[2]
LAMBDA_PYTHON = ROOT / ".cache" / "lambda" / "bin" / "python"  # Python 3.13 with awslambdaric, made by `make test`


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package once, from the wheels that `make test` has fetched."""
    assert build.WHEELS.is_dir(), "there are no wheels to build from: make test fetches them"
    folder = tmp_path_factory.mktemp("build") / "package"
    build.build(folder)
    return folder


@pytest.fixture(scope="module")
def compiled(package: Path) -> Path:
    """Return the package where it is compiled, which takes the runtime's own Python."""
    if build.runtime_python() is None:
        pytest.skip(f"no Python {build.RUNTIME} on this machine: nothing is compiled, and nothing can run as built")
    return package


def files(package: Path) -> dict[str, Path]:
    """Return a package's files by their path in it."""
    return {path.relative_to(package).as_posix(): path for path in package.rglob("*") if path.is_file()}


@pytest.mark.deep
def test_two_builds_are_identical(package: Path, tmp_path: Path) -> None:
    """Byte for byte, whatever the dates of files, so that a deployment without a change changes nothing."""
    build.build(tmp_path / "again")
    os.utime(tmp_path / "again" / "six.py", (0, 0))
    release.make(package, tmp_path / "1")
    release.make(tmp_path / "again", tmp_path / "2")
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "12")
    assert first == second


def test_the_package_is_small(package: Path, tmp_path: Path) -> None:
    """boto3 as it comes would make it 18 MB; of botocore's data only what our calls need is left."""
    build.pack(package, tmp_path / "package.zip")
    assert (tmp_path / "package.zip").stat().st_size < 6_000_000
    data = package / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == build.CALLS.keys()


def test_the_package_holds_the_handler_its_locked_dependencies_and_nothing_else(package: Path) -> None:
    """Each distribution in the version that is locked, with its licence, and readable by Lambda's user."""
    metadata = [path.read_text() for path in package.glob("*.dist-info/METADATA")]
    versions = {
        re.sub(r"[-_.]+", "-", found[1]).lower(): found[2]
        for text in metadata
        if (found := re.search(r"^Name: (\S+)$.*?^Version: (\S+)$", text, re.MULTILINE | re.DOTALL))
    }
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    assert versions == dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    assert versions == {part["name"]: part["version"] for part in release.sbom()["components"]}
    modules = {name.replace("python-dateutil", "dateutil").replace("-", "_") for name in versions}
    tops = {path.name for path in package.iterdir() if path.suffix != ".dist-info"} - {"__pycache__"}
    assert {top.removesuffix(".py") for top in tops} == modules | {"handler", "LICENSE"}
    assert {name for name in files(package) if name.startswith("handler/") and name.endswith(".py")} == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "handler").rglob("*.py")
    }
    assert all(list(dist_info.rglob("LICENSE*")) for dist_info in package.glob("*.dist-info"))
    assert {path.stat().st_mode & 0o777 for path in package.rglob("*")} == {0o644, 0o755}


def test_every_module_is_compiled_once(compiled: Path) -> None:
    """Unchecked, by hash, for the runtime's Python: neither dates nor a read-only disk make Lambda compile it again."""
    python = build.runtime_python()
    ask = [str(python), "-c", "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"]
    magic = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    sources = [path for name, path in files(compiled).items() if name.endswith(".py")]
    assert len(sources) > 200
    for source in sources:
        header = (source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc").read_bytes()[:8]
        assert header.hex() == magic + "01000000", source


@pytest.fixture(scope="module")
def stage(compiled: Path) -> Iterator[Sandbox]:
    """Play with the package as built, in an environment that has nothing but the runtime's own client."""
    if not LAMBDA_PYTHON.exists():
        assert not os.environ.get("CI"), f"there is a Python {build.RUNTIME}, but not {LAMBDA_PYTHON}: run make test"
        pytest.skip(f"{LAMBDA_PYTHON.relative_to(ROOT)} is missing: make test makes it")
    with closing(Sandbox()) as stage:
        as_built = LambdaEnvironment(stage.function.variables, root=compiled, python=str(LAMBDA_PYTHON))
        with closing(as_built):
            stage.function = as_built
            yield stage


def test_the_package_runs_alone_as_built(stage: Sandbox) -> None:
    """With all calls that the build leaves botocore, on the runtime's Python, and no module but the package's."""
    function = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["NotifierFunction"]["Properties"]
    assert (function["Runtime"], function["Architectures"]) == (f"python{build.RUNTIME}", ["arm64"])
    assert stage.check("default").payload["skipped"] == "not connected"
    stage.connect("acme", [row(stage.zoho.clock(), state="completed")])
    result = stage.check("acme")
    assert result.ok, result.payload
    assert result.payload["notices"] == ["baseline"]
    assert result.payload["delivered"] == {"slack": 1, "sns": 1}
    assert stage.check("default", action="roll-call").payload == {"unscheduled": ["acme"]}
    (summary,) = (line for line in result.logs if line.get("message") == "check")
    assert summary.keys() == SUMMARY.keys(), "alarms and dashboard read this line"
    assert isinstance(summary["oldest_pending_hours"], float)
