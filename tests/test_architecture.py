"""The map in `handler/__init__.py` is true: who imports whom, who touches what, and how long a module may be."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handler

ROOT = Path(handler.__file__).parent
TREES = {file.stem: ast.parse(file.read_text()) for file in ROOT.glob("*.py") if file.stem != "__init__"}
MAX_LINES = 300
SHIPPED = {"boto3", "botocore", "certifi", "dateutil", "requests", "urllib3"}
"""What may be imported beside the standard library: the two dependencies and what they bring along."""
PURE_IMPORTS = {
    *("base64", "collections", "dataclasses", "datetime", "hashlib", "itertools", "json", "typing", "unicodedata"),
}
"""All that pure modules use of the standard library: nothing in here reads a clock by itself, a file or a socket."""


def the_map() -> list[list[str]]:
    """Return the modules line by line, as the package's docstring draws them, and an empty list between its halves."""
    drawing = (handler.__doc__ or "").rsplit("::\n", 1)[1].strip("\n")
    return [re.split(r"\s{3,}", line.strip())[0].split() for line in drawing.splitlines()]


LINES = the_map()
PURE = {name for line in LINES[LINES.index([]) :] for name in line}


def imports(name: str) -> Iterator[str]:
    """Yield what a module imports, anywhere in it, with dots; `from handler import rules` is handler.rules."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            module = node.module or ""
            yield from (f"handler.{alias.name}" for alias in node.names) if module == "handler" else (module,)


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
    assert sorted(name for line in LINES for name in line) == sorted(TREES)


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_module_imports_only_from_lines_below_its_own(name: str) -> None:
    """One direction, no cycles."""
    line = next(number for number, names in enumerate(LINES) if name in names)
    below = {f"handler.{lower}" for names in LINES[line + 1 :] for lower in names}
    assert {imported for imported in imports(name) if imported.split(".")[0] == "handler"} <= below


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_module_imports_nothing_that_does_not_ship(name: str) -> None:
    """Neither the sandbox, nor the tools, nor a package that Lambda would not find."""
    assert roots(name) <= {"handler"} | SHIPPED | sys.stdlib_module_names


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_pure_module_touches_nothing(name: str) -> None:
    """No package, no I/O, no clock: the time is an argument."""
    assert roots(name) - {"handler"} <= PURE_IMPORTS
    assert not {"now", "today", "utcnow", "open", "print", "input", "exec", "eval", "__import__"} & called(name)


def test_only_app_builds_clients() -> None:
    """At module level, once per cold start; the store only borrows boto3's serialiser."""
    assert {name: boto3 for name in TREES if (boto3 := {i for i in imports(name) if i.split(".")[0] == "boto3"})} == {
        "app": {"boto3"},
        "store": {"boto3.dynamodb.types"},
    }


def test_only_config_reads_the_environment() -> None:
    """So that every mistake is found at once, before any request."""
    readers = {name for name in TREES if {"environ", "environb", "getenv"} & set(attributes(name))}
    assert readers == {"config"}


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_module_fits_two_screens(name: str) -> None:
    """The goal is 250 lines; this is where a module has to be divided."""
    assert len((ROOT / f"{name}.py").read_text().splitlines()) <= MAX_LINES
