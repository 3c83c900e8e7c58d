"""`make mutants`: which mutants are tried, and how survivors are shown; mutmut itself is not run."""

import json
import tomllib
from pathlib import Path
from typing import Any

from tools import mutants
from tools.mutants import Mutant

SOURCE = '''\
"""A module."""

LIMIT = 3


def clean(value: str) -> str:
    """Return it clean."""
    return value.strip()


class Store:
    """A store."""

    @property
    def size(self) -> int:
        """Return it."""
        first = 1
        return first + LIMIT
'''
MUTATED = '''\
def x_clean__mutmut_orig(value: str) -> str:
    """Return it clean."""
    return value.strip()


def x_clean__mutmut_1(value: str) -> str:
    """Return it clean."""
    return value.lstrip()


class Store:
    """A store."""

    @property
    def xǁStoreǁsize__mutmut_orig(self) -> int:
        """Return it."""
        first = 1
        return first + LIMIT

    @property
    def xǁStoreǁsize__mutmut_1(self) -> int:
        """Return it."""
        first = 2
        return first + LIMIT

    def xǁStoreǁsize__mutmut_2(self) -> int:
        """Return it."""
        first = 1
        return first - LIMIT
'''
SPANS = {
    "x_clean__mutmut_orig": [1, 3],
    "x_clean__mutmut_1": [4, 8],
    "xǁStoreǁsize__mutmut_orig": [14, 18],
    "xǁStoreǁsize__mutmut_1": [19, 24],
    "xǁStoreǁsize__mutmut_2": [25, 29],
}
CODES = {
    "handler.sub.a.x_clean__mutmut_1": 0,
    "handler.sub.a.xǁStoreǁsize__mutmut_1": 1,
    "handler.sub.a.xǁStoreǁsize__mutmut_2": 33,
}


def tried(folder: Path, codes: dict[str, int | None] = CODES) -> list[Mutant]:  # type: ignore[assignment]
    """Make what mutmut leaves behind, of one module in a sub-package, and return its mutants."""
    for path, content in {
        "handler/sub/a.py": SOURCE,
        "mutants/handler/sub/a.py": MUTATED,
        "mutants/handler/sub/a.py.spans": json.dumps({"version": 1, "spans": SPANS}),
        "mutants/handler/sub/a.py.meta": json.dumps({"exit_code_by_key": codes}),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return [*mutants.known(folder)]


def test_a_survivor_is_shown_with_its_file_its_line_and_its_change(tmp_path: Path) -> None:
    """As the source has them; what no test reaches is shown, too, and what was noticed is only counted."""
    assert mutants.report(tmp_path, tried(tmp_path)).splitlines() == [
        "handler/sub/a.py:8: survived",
        "  - return value.strip()",
        "  + return value.lstrip()",
        "handler/sub/a.py:18: not reached",
        "  - return first + LIMIT",
        "  + return first - LIMIT",
        "1 survived, 1 noticed, 1 not reached",
    ]


def test_a_changed_signature_is_shown_at_its_own_line(tmp_path: Path) -> None:
    """The name that mutmut gave it is no change."""
    (clean, *_) = tried(tmp_path)
    made = tmp_path / "mutants" / clean.file
    made.write_text(made.read_text().replace("def x_clean__mutmut_1(value: str)", "def x_clean__mutmut_1(value: None)"))
    file, line, change = mutants.place(tmp_path, clean)
    assert (file, line) == ("handler/sub/a.py", 6)
    assert "mutmut" not in change


def test_what_there_was_no_time_for_is_counted_as_such(tmp_path: Path) -> None:
    """An interrupted run says how far it came."""
    found = tried(tmp_path, dict.fromkeys(CODES))
    assert mutants.report(tmp_path, found) == "3 not tried"


def test_a_seed_chooses_the_same_mutants_in_the_same_order() -> None:
    """However they are given; another seed chooses others."""
    many = [Mutant(f"handler.a.x_f{number}__mutmut_1", "handler/a.py") for number in range(100)]
    costs = {mutant.function: 1.0 for mutant in many}
    chosen = mutants.choose(many, costs, 6.0, seed=7)
    assert chosen == mutants.choose(many[::-1], costs, 6.0, seed=7)
    assert chosen != mutants.choose(many, costs, 6.0, seed=8)
    assert mutants.choose(many, costs, 12.0, seed=7)[: len(chosen)] == chosen, "more time tries more of the same"


def test_as_many_are_chosen_as_there_is_time_for() -> None:
    """By what the tests of each cost; one at least, and all where there is time for all."""
    many = [Mutant(f"handler.a.x_f__mutmut_{number}", "handler/a.py") for number in range(50)]
    costs = {"handler.a.x_f": 10.0}
    for_ten = mutants.SHARE_OF_COST * 10.0 * 10.5
    counts: list[Any] = [len(mutants.choose(many, costs, seconds, seed=1)) for seconds in (0, for_ten, 1000)]
    assert counts == [1, 10, 50]


def test_the_copy_has_the_projects_tests_but_those_that_cannot_take_part(tmp_path: Path) -> None:
    """And nothing of what is made or installed; every file that is left out exists, or its line is out of date."""
    mutants.copy(mutants.ROOT, tmp_path / "tree")
    settings = tomllib.loads((tmp_path / "tree" / "pyproject.toml").read_text())["tool"]["mutmut"]
    named = settings["pytest_add_cli_args_test_selection"]
    assert {"tests/test_store.py", "tests/channels/test_slack.py", mutants.AT_ONCE} <= set(named)
    assert all((tmp_path / "tree" / name).exists() for name in named)
    assert {f"tests/{name}" for name in mutants.UNFIT} & set(named) == set()
    there = {path.name for path in (mutants.ROOT / "tests").glob("test_*.py")}
    assert mutants.UNFIT.keys() <= there
    top = {path.name for path in (tmp_path / "tree").iterdir()}
    assert {"handler", "tests", "sandbox", "template.yaml", ".ci"} <= top
    assert not top & {".venv", ".cache", ".git", "dist", "build"}
    assert "conftest.py" in top, "it leaves out the tests that mutmut cannot name"
    assert set(settings["also_copy"]) == top - {"handler", "tests"}
