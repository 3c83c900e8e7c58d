"""The files around the code keep their promises: locks, commands, continuous integration."""

import re
import tomllib
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from tools.build import RUNTIME

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GATES = re.findall(r"^GATES := (.*)$", (ROOT / "tools" / "dev.mk").read_text(), re.MULTILINE)[0].split()


def locked(name: str) -> set[str]:
    """Return the `name==version` of a lock file."""
    return set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))


def test_every_environment_has_a_lock_file() -> None:
    """What ships and each dependency group have one, and the tests run with what ships."""
    assert {lock.stem for lock in LOCKS} == {"runtime", *PROJECT["dependency-groups"]}
    assert locked("runtime") | locked("lambda") <= locked("run"), "which requirements/dev.txt begins with"


def test_github_runs_what_runs_here() -> None:
    """Every gate of `make check`, tests on all Pythons from the oldest on, a soak, the newcomer."""
    jobs = yaml_parse((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if "run" in step]
    commands = [re.search(r"(make|bash) \S+", step["run"])[0] for step in steps]  # type: ignore[index]
    here = (ROOT / ".ci" / "run").read_text()
    assert commands[: len(GATES)] == [f"make {gate}" for gate in GATES]
    assert re.findall(r"^gate .*?((?:make|bash) \S+)", here, re.MULTILINE) == commands[-3:]
    assert "make --silent gates" in here
    oldest = int(PROJECT["project"]["requires-python"].removeprefix(">=3."))
    pythons = jobs["test"]["strategy"]["matrix"]["python"]
    assert pythons == [f"3.{minor}" for minor in range(oldest, oldest + len(pythons))]
    assert RUNTIME in pythons


def test_only_a_job_that_runs_nothing_of_ours_may_write_and_sign() -> None:
    """What registries give is built and tested with a token that can read."""
    workflow = yaml_parse((ROOT / ".github" / "workflows" / "release.yml").read_text())
    writing = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert workflow["permissions"] == {"contents": "read"}
    assert writing.keys() == {"publish", "gallery"}
    steps = [step for job in writing.values() for step in job["steps"]]
    assert not [step for step in steps if re.search("checkout|make|bash|pip", str(step))]
    assert {job["needs"] for job in writing.values()} <= workflow["jobs"].keys()
