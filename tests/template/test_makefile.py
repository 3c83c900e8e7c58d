"""The Makefile runs on what a Linux or a Mac brings, and says what is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILES = [ROOT / "Makefile", ROOT / "tools" / "dev.mk"]
NOT_ON_A_MAC = {  # GNU make 3.81, sh as bash 3.2, BSD's tools: a pattern of what is newer, and a line that has it
    r"\.ONESHELL|\.RECIPEPREFIX|\.EXTRA_PREREQS|\.WAIT\b": ".ONESHELL:",
    r"\$[({](file|let|intcmp|guile)[ ,]": "\t$(file >x,y)",
    r"^[\w.-]+ *(!=|:{2,3}=)": "X != ls",
    r"^[^\t#=]*&:": "a b &: c",
    r"^(define [\w-]+ *[:?+!]?=|(un|override un)define )": "define x =",
    r"(?<![\[\w])\[\[ | == ": "\t[ a == b ]",
    r"&>|<<<|[<>]\(|\|&": "\tcat <(a)",
    r"\bpipefail\b|\becho -[en]|\$\$\{\w+(//|:\d|\^|,)": "\techo -n x",
    r"\bsed (-\w*[ir]|--)|\bgrep (-\w*P|--)|\bdate (-d|--)": "\tsed -i s/a/b/",
    r"\b(xargs -r|readlink -f|stat -c|head -n -|sort -V|ln -T|mv -T|base64 -w)": "\treadlink -f x",
    r"(?<!pager )\b(diff|rm|cp|mv|mkdir|ls|sort|head|tail|touch|cut|wc) (-\S+ )*--\w": "\tdiff --brief a b",
    r"(^|[;&|@({]|\$\()\s*(sha256sum|timeout|setsid|tac|nproc|realpath|apt-get|shuf)\b": "\t@timeout 3 x",
}


def test_the_makefiles_need_nothing_that_a_mac_lacks() -> None:
    """Neither a newer make, nor another shell than sh, nor GNU's tools; each pattern finds its own example."""
    lines = [line for path in MAKEFILES for line in path.read_text().splitlines() if not re.match(r"[\t @]*#", line)]
    assert [line for line in lines for pattern in NOT_ON_A_MAC if re.search(pattern, line)] == []
    assert [example for pattern, example in NOT_ON_A_MAC.items() if not re.search(pattern, example)] == []


def make(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with its environments elsewhere."""
    command = [shutil.which("make") or "", f"VENV={tmp_path / 'venv'}", f"DEV_VENV={tmp_path / 'dev'}", *arguments]
    variables = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


TOO_OLD = '[ "$1" != --version ] || { echo Python 3.9.6; exit; }; exit 1'
NO_VENV = 'case "$2" in *ensurepip*) exit 1 ;; esac'
MISSING = {
    "": ("3.11 or newer is needed, and there is no {} here.", "On macOS: brew install"),
    TOO_OLD: ("3.11 or newer is needed, and {} is: Python 3.9.6", "Name another"),
    NO_VENV: ("{} lacks the module venv.", "On Debian: apt-get install python3-venv"),
}
"""What an interpreter does → what the first line says of it, and how the second begins."""


@pytest.mark.parametrize("does", MISSING, ids=["none", "too old", "no venv"])
@pytest.mark.parametrize("command", ["run", "test"])
def test_the_first_line_says_what_is_missing(tmp_path: Path, command: str, does: str) -> None:
    """And the next one what to do."""
    python = tmp_path / "python"
    if does:
        python.write_text(f"#!/bin/sh\n{does}\n")
        python.chmod(0o755)
    done = make(tmp_path, f"PYTHON={python}", command)
    first, second, *_ = done.stderr.splitlines()
    says, advice = MISSING[does]
    assert (done.returncode, done.stdout) == (2, "")
    assert first.startswith("✗ ")
    assert says.format(python) in first
    assert second.startswith(f"  → {advice}")


@pytest.mark.parametrize("code", [0, 1])
def test_deploy_checks_first_and_gives_sam_the_answers(tmp_path: Path, code: int) -> None:
    """What is refused is neither installed nor built."""
    for folder, does in (("venv", f"echo $3; printf 'a b' >&4; exit {code}"), ("sam", 'shift; echo sam "$@"')):
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "python").write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / folder / "bin" / "python").chmod(0o755)
        (tmp_path / folder / "ready").touch()
    done = make(tmp_path, f"TOOLS={tmp_path}", "STAMP=ready", "PYTHON=true", "deploy", "ARGS=--x")
    said = [line for line in done.stdout.splitlines() if not line.startswith("make")]
    assert said == ["--tell=4", *([] if code else ["sam build", "sam deploy --config-file a b --x"])], done.stderr
