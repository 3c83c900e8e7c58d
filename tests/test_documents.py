"""What the documents point to is there: files, sections and commands."""

import re
from pathlib import Path

import pytest

from handler.texts import KINDS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("events/*.md")])


def sections(document: Path) -> set[str]:
    """Return the anchors that a Markdown document's headings have."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    """To a file that exists and, where it names one, a section of it."""
    links = re.findall(r"\]\((?!https?:)([^)\s]*)\)|(?:src|srcset)=\"([^\"]+)\"", document.read_text())
    for link in ("".join(found) for found in links):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in sections(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_of_make_exists(document: Path) -> None:
    """A reader types what stands there."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|\n)make ([a-z][a-z-]*)", document.read_text())) <= targets


def test_every_kind_has_its_section_in_the_runbook_and_its_line_in_the_readme() -> None:
    """The person who is called finds what to do."""
    kinds = set(KINDS) - {"test"}
    assert kinds <= sections(ROOT / "docs" / "runbook.md")
    table = (ROOT / "README.md").read_text().split("## What it tells")[1].split("## Parameters")[0]
    assert kinds - {"folded"} <= set(re.findall(r"`([a-z]+)`", table))
