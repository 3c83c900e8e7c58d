"""The files around the code keep their promises: locks, commands, continuous integration."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from tools.build import RUNTIME

ROOT = Path(__file__).parents[2]
DEEP = 'make test ARGS="-m deep"'
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def locked(name: str) -> set[str]:
    """Return the `name==version` of a lock file."""
    return set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))


def test_every_environment_has_a_lock_file() -> None:
    """The runtime's and one for each dependency group."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert {lock.stem for lock in LOCKS} == {"runtime", *groups}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_file_holds_versions_and_hashes_and_no_place(lock: Path) -> None:
    """Whoever installs chooses the index; what arrives is what was locked."""
    requirements = re.split(r"(?<!\\)\n", lock.read_text().strip())
    pinned = r"[a-z0-9-]+==[^\s;]+(?: ; [^\\]+?)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+"
    assert requirements
    assert [requirement for requirement in requirements if not re.fullmatch(pinned, requirement)] == []


def test_the_tests_run_with_what_ships() -> None:
    """The same versions in the development environment, and the same runtime client."""
    assert locked("runtime") <= locked("dev")
    assert locked("lambda") <= locked("dev")


def test_every_command_is_explained() -> None:
    """`make help` lists each target that a person calls; the gates are listed by `make gates`."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.MULTILINE))
    gates = set(re.search(r"^GATES := (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    assert targets - explained == gates | {"gates"}
    phony = {name for names in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE) for name in names.split()}
    assert targets - gates <= phony


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_of_a_workflow_is_pinned(workflow: Path) -> None:
    """By commit, for a tag can move."""
    uses = re.findall(r"uses: (\S+)", workflow.read_text())
    assert uses
    assert [action for action in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


def test_github_runs_what_runs_here() -> None:
    """Every gate of `make check`, the tests, the deep ones once, a soak and the newcomer; none hides another."""
    makefile = (ROOT / "Makefile").read_text()
    gates = re.search(r"^GATES := (.*)$", makefile, re.MULTILINE)[1].split()  # type: ignore[index]
    jobs = yaml_parse((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    steps = {name: [step for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert [step["run"] for step in steps["check"]] == [f"make {gate}" for gate in gates]
    assert [step["run"].split(" SECONDS")[0] for step in steps["test"]] == [
        *("make dynamodb-local", "make test", DEEP, "make soak", "bash .ci/newcomer"),
    ]
    all_steps = [step for job_steps in steps.values() for step in job_steps]
    conditions = {step["run"]: step.get("if", "") for step in all_steps if step["run"] != "make dynamodb-local"}
    assert conditions.pop(DEEP) == f"${{{{ !cancelled() && matrix.python == '{RUNTIME}' }}}}"
    assert set(conditions.values()) == {"${{ !cancelled() }}"}
    assert f"gate deep {DEEP}\n" in (ROOT / ".ci" / "run").read_text()


def test_github_tests_every_python_from_the_oldest_on() -> None:
    """In the tests and for the newcomer; make takes the chosen one from the environment, wherever it is called."""
    job = yaml_parse((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["test"]
    pythons = job["strategy"]["matrix"]["python"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=3.")
    assert pythons == [f"3.{minor}" for minor in range(int(oldest), int(oldest) + len(pythons))]
    assert RUNTIME in pythons
    assert job["env"] == {"PYTHON": "python${{ matrix.python }}"}


def test_a_machine_without_the_means_to_install_says_what_it_needs(tmp_path: Path) -> None:
    """No bare error of apt-get: somebody who is not root and has no sudo reads what to install."""
    for name, does in {"dirname": '/usr/bin/dirname "$@"', "id": "echo 1000", "apt-get": "exit 100"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    command = [shutil.which("bash") or "", str(ROOT / ".ci" / "run")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"This needs make python3 .*Install them, and run it again.*\n", done.stderr)
