"""The files around the code keep their promises: locks, commands, continuous integration."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


def test_every_action_of_the_workflow_is_pinned() -> None:
    """By commit, for a tag can move."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    uses = re.findall(r"uses: (\S+)", workflow)
    assert uses
    assert [action for action in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
    assert re.search(r"make [a-z -]*check test", workflow)
