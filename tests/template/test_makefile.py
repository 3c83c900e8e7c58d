"""The Makefile runs on what a Linux or a Mac brings, and says what is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = ROOT / "Makefile"
MAKE = shutil.which("make") or ""
SCRIPTS = [MAKEFILE, *sorted(path for path in (ROOT / ".ci").iterdir())]

NEWER_MAKE = {  # macOS brings GNU make 3.81
    "one shell for a recipe": r"\.ONESHELL|\.RECIPEPREFIX|\.EXTRA_PREREQS|\.NOTINTERMEDIATE|\.WAIT\b",
    "a function": r"\$[({](file|let|intcmp|guile)[ ,]",
    "an assignment": r"^[\w.-]+ *(!=|:{2,3}=)",
    "grouped targets": r"^[^\t#=]*&:",
    "define with a sign, undefine, private": r"^(define [\w-]+ *[:?+!]?=|(un|override un)define |.*: private )",
    "an option": r"\$\(MAKE\).*(--eval|--output-sync|--trace|--shuffle)",
}
NEWER_BASH = {  # macOS brings bash 3.2
    "upper and lower case, quoting": r"\$\{\w+(\^|,|@[A-Za-z])",
    "from the end of an array": r"\$\{\w+\[ *-",
    "a command": r"\b(mapfile|readarray|coproc)\b|\b(declare|local|typeset) -[a-z]*[Ang]|\bwait -n|\bshopt -s globstar",
    "a redirection": r"\|&|&>>",
    "time": r"printf ['\"]?%\(|\bEPOCH(SECONDS|REALTIME)\b",
    "tests and cases": r"\[\[ -[vR] |;;?&",
}
MORE_THAN_SH = {  # make calls /bin/sh: dash on Debian, bash 3.2 as sh on macOS
    "a test": r"(?<![\[\w])\[\[ | == ",
    "a redirection": r"&>|<<<|[<>]\(",
    "a command": r"(^|[;&|{(@]|\bdo|\bthen)\s*(function|source|pushd|popd) |\bpipefail\b",
    "echo with options": r"\becho -[en]",
    "a substitution": r"\$\$\{\w+(//|:\d)|(?<=[ =])\$\$'",
}
GNU_TOOLS = {  # macOS brings those of BSD
    "sed": r"\bsed (-\w*[ir]|--)",
    "grep": r"\bgrep (-\w*P|--(?!quiet))",
    "find": r"\bfind\b.*-(printf|regextype|quit)",
    "date": r"\bdate (-d|--|-I)",
    "awk": r"\b(gensub|strftime|systime|asort)\(",
    "options of others": r"\b(xargs -r|readlink -f|stat -c|head -n -|sort -V|tar .*--wildcards|ln -T|mv -T|base64 -w)",
    "long options of others": r"(?<!pager )\b(diff|rm|cp|mv|mkdir|ls|sort|head|tail|touch|cut|wc) (-\S+ )*--\w",
    "what is not there": r"(^|[;&|@({]|\$\()\s*(sha256sum|timeout|setsid|tac|nproc|realpath|apt-get)\b",
}


def found(table: dict[str, str], text: str) -> list[str]:
    """Return the lines of a text that have one of these."""
    lines = [line for line in text.splitlines() if not line.lstrip("\t @").startswith("#")]
    return [f"{name}: {line}" for name, pattern in table.items() for line in lines if re.search(pattern, line)]


def test_the_makefile_needs_nothing_that_macos_lacks() -> None:
    """Neither a newer make than 3.81, nor another shell than sh, nor GNU's tools."""
    for table in (NEWER_MAKE, NEWER_BASH, MORE_THAN_SH, GNU_TOOLS):
        assert found(table, MAKEFILE.read_text()) == []
    assert not re.search(r"^(override )?SHELL\b", MAKEFILE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS[1:], ids=lambda path: path.name)
def test_a_script_needs_no_newer_bash_than_macos_has(script: Path) -> None:
    """CI's own may use GNU's tools."""
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert found(NEWER_BASH, script.read_text()) == []


@pytest.mark.parametrize(
    ("table", "line"),
    [
        *((NEWER_MAKE, line) for line in (".ONESHELL:", "\t$(file >x,y)", "X != ls", "X ::= y", "a b &: c")),
        *((NEWER_MAKE, line) for line in ("X := $(let a,b,c)", ".RECIPEPREFIX = >", "define x =", "undefine x")),
        *((NEWER_BASH, line) for line in ("${x^^}", "${x,,}", "${x@Q}", "mapfile -t x", "readarray x", "declare -A x")),
        *((NEWER_BASH, line) for line in ("a |& b", "a &>> b", "coproc x", "printf '%(%F)T'", "${x[-1]}")),
        *((MORE_THAN_SH, line) for line in ("\t[[ a ]]", "\t[ a == b ]", "\ta &> b", "\tcat <(a)", "\techo -n x")),
        *((GNU_TOOLS, line) for line in ("\tsed -i s/a/b/", "\tgrep -P x", "\tdate -d x", "\tfind . -printf %s")),
        *(
            (GNU_TOOLS, line)
            for line in ("\treadlink -f x", "\tx | xargs -r y", "\t@timeout 3 x", "\tdiff --brief a b")
        ),
    ],
)
def test_what_macos_lacks_is_found(table: dict[str, str], line: str) -> None:
    """The patterns can fail."""
    assert found(table, line) != []


def make(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with an environment elsewhere."""
    command = [MAKE, f"VENV={tmp_path / 'venv'}", *arguments]
    variables = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_help_fits_80_columns(tmp_path: Path) -> None:
    """Names in a column, what they do in another."""
    lines = make(tmp_path, "help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len({len(line) - len(line.split(None, 2)[2]) for line in lines if line.startswith("  make ")}) == 1


def python(tmp_path: Path, *does: str) -> str:
    """Make an interpreter that does this; return its name."""
    script = tmp_path / "python"
    script.write_text("\n".join(["#!/bin/sh", *does, ""]))
    script.chmod(0o755)
    return str(script)


TOO_OLD = ('[ "$1" != --version ] || { echo Python 3.9.6; exit; }', "exit 1")
NO_VENV = ('case "$2" in *ensurepip*) exit 1 ;; esac', "exit 0")


@pytest.mark.parametrize(
    ("does", "first", "second"),
    [
        pytest.param((), "3.11 or newer is needed, and there is no {} here.", "On macOS: brew install", id="none"),
        pytest.param(TOO_OLD, "3.11 or newer is needed, and {} is: Python 3.9.6", "Name another", id="too old"),
        pytest.param(NO_VENV, "{} lacks the module venv.", "apt-get install python3-venv", id="no venv"),
    ],
)
def test_the_first_line_says_what_is_missing(tmp_path: Path, does: tuple[str, ...], first: str, second: str) -> None:
    """And the next one what to do."""
    chosen = python(tmp_path, *does) if does else "python-of-nobody"
    done = make(tmp_path, f"PYTHON={chosen}", "run")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert max(len(line.replace(chosen, "python3")) for line in lines[:2]) <= 80
    assert lines[0].startswith("✗ ")
    assert first.format(chosen) in lines[0]
    assert lines[1].startswith(f"  → {'' if does else second}")
    assert second in lines[1]
    assert done.stdout == ""


def test_what_is_not_fetched_from_pypi_fails_with_a_sentence_too(tmp_path: Path) -> None:
    """`make dynamodb-local` without npm, and where npm fails."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "mkdir", "python3", "make"):
        (tools / name).symlink_to(shutil.which(name) or "")
    for npm, said in ((None, "This needs npm, and there is none here."), ("exit 1", "npm could not fetch AWS's")):
        if npm:
            (tools / "npm").write_text(f"#!/bin/sh\n{npm}\n")
            (tools / "npm").chmod(0o755)
        command = [MAKE, f"TOOLS={tmp_path / 'cache'}", "dynamodb-local"]
        variables = {"PATH": str(tools), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert re.match(rf"✗ {said}.*\n  → ", done.stderr)
        assert max(map(len, done.stderr.splitlines()[:2])) <= 80


def test_a_lock_that_fails_says_which_and_stops(tmp_path: Path) -> None:
    """After uv's own words, and without trying the others."""
    (tmp_path / "lock" / "bin").mkdir(parents=True)
    uv = tmp_path / "lock" / "bin" / "uv"
    uv.write_text("#!/bin/sh\necho 'error: Request failed after 3 retries' >&2\nexit 2\n")
    uv.chmod(0o755)
    done = make(tmp_path, f"TOOLS={tmp_path}", "STAMP=ready", f"--old-file={tmp_path}/lock/ready", "lock")
    assert done.returncode == 2
    assert done.stdout == "Locking requirements/runtime.txt\n"
    lines = done.stderr.splitlines()
    assert lines[:2] == [
        "error: Request failed after 3 retries",
        "✗ requirements/runtime.txt could not be locked: uv says why above.",
    ]
    assert lines[2].startswith("  → If it is the network: check it")
    assert max(map(len, lines)) <= 80
