"""The map in `handler/__init__.py` is true: who imports whom, who touches what, and how long a module may be."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import handler
from handler import errors, outcomes, summaries
from handler.channels import CHANNELS
from handler.config import NOTIFIABLE
from handler.incidents import INCIDENTS, broken_channel, unreadable
from sandbox.channels import FAKES

ROOT = Path(handler.__file__).parent


def module_name(file: Path) -> str:
    """Return a module's name as the map has it: with dots, a package by its own name."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in sorted(ROOT.rglob("*.py")) if file != ROOT / "__init__.py"}
TREES = {name: ast.parse(file.read_text()) for name, file in FILES.items()}
PACKAGES = {name for name, file in FILES.items() if file.name == "__init__.py"}
MAX_LINES = 260
MAX_FLOORS = 12
SHIPPED = {"boto3", "botocore", "certifi", "dateutil", "requests", "urllib3"}
"""What may be imported beside the standard library: the two dependencies and what they bring along."""
PURE_STANDARD = {
    *("abc", "base64", "bisect", "collections", "contextlib", "dataclasses", "datetime", "decimal", "functools"),
    *("hashlib", "ipaddress", "itertools", "json", "re", "typing"),
}
"""All that pure modules use of the standard library: nothing in here reads a clock by itself, a file or a socket."""
PURE_SHIPPED = {"plan": {"dateutil"}, "config": {"certifi", "dateutil", "os"}}
"""And beyond it: who knows RRULEs, and what the settings are made of."""


def the_map() -> list[list[str]]:
    """Return the modules line by line, as the package's docstring draws them, and an empty list between its halves."""
    drawing = (handler.__doc__ or "").rsplit("::\n", 1)[1].strip("\n")
    return [re.split(r"\s{3,}", line.strip())[0].split() for line in drawing.splitlines()]


LINES = the_map()
PURE = sorted({name for line in LINES[LINES.index([]) :] for name in line})


def imports(name: str) -> Iterator[str]:
    """Yield what a module imports, anywhere in it, with dots: `from handler import rules` is handler.rules."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            module = node.module or ""
            ours = module == "handler" or module.removeprefix("handler.") in PACKAGES
            parts = [f"{module}.{alias.name}" for alias in node.names]
            yield from (part if ours and part.removeprefix("handler.") in FILES else module for part in parts)


def ours(name: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    return {one.removeprefix("handler.") for one in imports(name) if one.startswith("handler.")}


def roots(name: str) -> set[str]:
    """Return the packages that a module imports from."""
    return {imported.split(".")[0] for imported in imports(name)}


def called(name: str) -> set[str]:
    """Return the name of every function and method that a module calls."""
    functions = [node.func for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)]
    return {function.attr for function in functions if isinstance(function, ast.Attribute)} | {
        function.id for function in functions if isinstance(function, ast.Name)
    }


def attributes(name: str) -> Iterator[str]:
    """Yield every attribute that a module asks for, and every name that it imports from elsewhere."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_the_map_names_every_module_once() -> None:
    """A new module has to find its place."""
    assert sorted(name for line in LINES for name in line) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_only_from_lines_below_its_own(name: str) -> None:
    """One direction, no cycles."""
    line = next(number for number, names in enumerate(LINES) if name in names)
    below = {lower for names in LINES[line + 1 :] for lower in names}
    assert ours(name) <= below


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_nothing_that_does_not_ship(name: str) -> None:
    """Neither the sandbox, nor the tools, nor a package that Lambda would not find."""
    assert roots(name) <= {"handler"} | SHIPPED | sys.stdlib_module_names


def test_a_cause_that_may_pass_names_who_did_not_answer() -> None:
    """At every place that raises one; what a person must fix is named by the cause itself."""
    calls = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    raised = [call.args for call in calls if getattr(call.func, "id", "") == "UnreadableError"]
    causes = {name: cause for name, cause in vars(errors).items() if isinstance(cause, errors.Cause)}
    fixed = {name for name, cause in causes.items() if cause.actionable}
    passing = [ast.unparse(text) for cause, text in raised if ast.unparse(cause).rpartition(".")[2] not in fixed]
    assert len(passing) >= 6
    assert [text for text in passing if "Zoho" not in text and "AWS" not in text] == []


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_touches_nothing(name: str) -> None:
    """No package but by name, no I/O, no clock: the time is an argument."""
    assert roots(name) - {"handler"} <= PURE_STANDARD | PURE_SHIPPED.get(name, set())
    assert not {"now", "today", "utcnow", "open", "print", "input", "exec", "eval", "__import__"} & called(name)


@pytest.mark.parametrize(
    ("package", "registered", "shared"),
    [
        ("channels", {channel.render.__module__ for channel in CHANNELS}, {"channels.channel"}),
        ("incidents", {kind.evaluate.__module__ for kind in INCIDENTS}, {"incidents.kind"}),
    ],
    ids=["channels", "incidents"],
)
def test_what_grows_is_reached_through_its_registry_only(package: str, registered: set[str], shared: set[str]) -> None:
    """Nobody but the registry imports one of its rooms, and each room of a walk through the rows is in it."""
    rooms = {name.removeprefix("handler.") for name in registered}
    assert rooms | shared | {"incidents.unreadable", "incidents.broken_channel"} >= {
        name for name in FILES if name.startswith(f"{package}.")
    }
    for name in FILES.keys() - {package}:
        imported = ours(name) & rooms
        assert not imported, f"{name} imports one of {package}"


@pytest.mark.parametrize("name", [name for name in FILES if name.partition(".")[0] != "channels"])
def test_nothing_outside_channels_knows_one_by_name(name: str) -> None:
    """Neither in code nor in a comment: adding a channel touches its room and the registry."""
    words = FAKES.keys() | {channel.name for channel in CHANNELS} - {"sns"}
    assert words >= {"slack", "cliq", "teams", "pagerduty"}
    assert not [word for word in words if word in FILES[name].read_text().casefold()]


def test_only_app_builds_clients() -> None:
    """At module level, once per cold start."""
    assert {name for name in FILES if "boto3" in roots(name)} == {"app"}


def test_only_config_reads_the_environment() -> None:
    """So that every mistake is found at once, before any request."""
    readers = {name for name in FILES if {"environ", "environb", "getenv"} & set(attributes(name))}
    assert readers == {"config"}


@pytest.mark.parametrize("name", FILES)
def test_a_module_fits_two_screens(name: str) -> None:
    """The goal is 250 lines; this is where a module has to be divided."""
    assert len(FILES[name].read_text().splitlines()) <= MAX_LINES


@cache
def floors(name: str) -> int:
    """Return the length of the longest chain of imports that begins with a module."""
    return 1 + max(map(floors, ours(name)), default=0)


def test_no_chain_of_imports_is_longer_than_a_person_can_follow() -> None:
    """From what Lambda calls down to what imports nothing of ours."""
    assert max(map(floors, FILES)) <= MAX_FLOORS


def test_what_notify_on_may_name_is_what_the_registries_have() -> None:
    """A kind of row or an incident that somebody adds can be left out, and no name is left without a notice."""
    lasting = {*(kind.kind for kind in INCIDENTS), unreadable.KIND, broken_channel.KIND}
    assert {*outcomes.KINDS} - {"recovered"} | lasting | {summaries.KIND} == NOTIFIABLE
