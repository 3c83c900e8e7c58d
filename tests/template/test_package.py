"""The package that Lambda gets: what is in it, how it is compiled, and that it runs alone."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
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


def locked(name: str) -> dict[str, str]:
    """Return a lock file's versions by distribution."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.deep
def test_two_builds_are_identical(package: Path, tmp_path: Path) -> None:
    """Byte for byte, so that a deployment without a change changes nothing."""
    build.build(tmp_path / "again")
    first, second = files(package), files(tmp_path / "again")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


def test_two_releases_of_one_package_are_identical(package: Path, tmp_path: Path) -> None:
    """Byte for byte, whatever the dates of its files."""
    shutil.copytree(package, tmp_path / "again")
    release.make(package, tmp_path / "1")
    os.utime(tmp_path / "again" / "six.py", (0, 0))  # dates do not count
    release.make(tmp_path / "again", tmp_path / "2")
    assert {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "2").iterdir()
    }


def test_the_package_is_small(package: Path, tmp_path: Path) -> None:
    """The goal is less than 6 MB; boto3 as it comes would make it 18."""
    build.pack(package, tmp_path / "package.zip")
    assert (tmp_path / "package.zip").stat().st_size < 6_000_000


def test_the_package_holds_the_handler_its_locked_dependencies_and_nothing_else(package: Path) -> None:
    """Each distribution in the version that is locked; no tests, tools, sandbox or scripts."""
    metadata = [path.read_text() for path in package.glob("*.dist-info/METADATA")]
    versions = {
        re.sub(r"[-_.]+", "-", found[1]).lower(): found[2]
        for text in metadata
        if (found := re.search(r"^Name: (\S+)$.*?^Version: (\S+)$", text, re.MULTILINE | re.DOTALL))
    }
    assert versions == locked("runtime")
    modules = {"python-dateutil": "dateutil"}
    expected = {modules.get(name, name).replace("-", "_") for name in versions} | {"handler"}
    tops = {path.name for path in package.iterdir() if path.suffix != ".dist-info"} - {"__pycache__"}
    assert {top.removesuffix(".py") for top in tops} == expected
    assert {name for name in files(package) if name.startswith("handler/") and name.endswith(".py")} == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "handler").rglob("*.py")
    }


def test_whatever_the_handler_imports_is_in_the_package(package: Path) -> None:
    """Of the handler and of what ships, wherever in the handler's tree it is imported: `dateutil.rrule`, too."""
    imported: set[str] = set()
    for source in (ROOT / "handler").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    shipped = {name.replace(".", "/") for name in imported | {"dateutil.rrule"}}
    there = files(package).keys()
    found = {name for name in shipped if {f"{name}.py", f"{name}/__init__.py"} & there}
    assert {name for name in shipped - found if name.split("/")[0] not in sys.stdlib_module_names} == set()
    assert {"boto3", "dateutil/rrule"} <= found


def test_of_botocores_data_only_what_is_used_is_left(package: Path) -> None:
    """The services that the handler makes clients of, and the files that serve all of them."""
    made = {
        call.args[0].value
        for source in (ROOT / "handler").rglob("*.py")
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "client"
        if isinstance(call.args[0], ast.Constant)
    }
    assert made == build.SERVICES
    data = package / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == build.SERVICES
    shared = {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
    assert {path.name for path in data.iterdir() if path.is_file()} == shared


def test_every_licence_is_kept(package: Path) -> None:
    """Who ships a library ships its licence."""
    for dist_info in package.glob("*.dist-info"):
        assert list(dist_info.rglob("LICENSE*")), dist_info.name


def test_lambda_can_read_every_file(package: Path) -> None:
    """The function runs as another user than the one who built it."""
    assert {path.stat().st_mode & 0o777 for path in files(package).values()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in package.rglob("*") if path.is_dir()} == {0o755}


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


def test_a_build_without_the_runtimes_python_says_what_it_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The package is made all the same, of sources alone."""
    monkeypatch.setattr(build, "runtime_python", lambda: None)
    monkeypatch.setattr("sys.argv", ["build.py", "--target", str(tmp_path / "p"), "--zip", str(tmp_path / "p.zip")])
    build.main()
    assert "twice as slow" in capsys.readouterr().out
    assert not [name for name in zipfile.ZipFile(tmp_path / "p.zip").namelist() if name.endswith(".pyc")]


def test_the_recipe_builds_for_what_the_template_declares() -> None:
    """Runtime and architecture are named in both places."""
    function = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["NotifierFunction"]["Properties"]
    assert function["Runtime"] == f"python{build.RUNTIME}"
    assert function["Architectures"] == ["arm64"]
    assert "manylinux2014_aarch64" in build.PLATFORM


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
    """Reading, remembering and sending, on the runtime's Python, and no module but the package's or Python's own."""
    assert stage.check("default").payload["skipped"] == "not connected"
    stage.connect("acme", [row(stage.zoho.clock(), state="completed")])
    result = stage.check("acme")
    assert result.ok, result.payload
    assert result.payload["notices"] == ["baseline"]
    assert result.payload["delivered"] == {"slack": 1, "sns": 1}
    (summary,) = (line for line in result.logs if line.get("message") == "check")
    assert summary.keys() == SUMMARY.keys(), "alarms and dashboard read this line"
    assert isinstance(summary["oldest_pending_hours"], float)
