"""What the documents point to is there: files, sections, pages and commands."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import boto3
import pytest

from handler.zoho import DATA_CENTRES
from sandbox.samples import samples

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("events/*.md")])
LINKS = ROOT / "docs" / "links.md"
FOLDERS = ("handler", "tools", "sandbox", "benchmarks")
SOURCES = [ROOT / "template.yaml", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]
OUR_PEERS = re.compile(
    r"https?://([^/]*\.example|download-accl\.zoho\.com|adaptivecards\.io/schemas|hc-ping\.com/…|example\.com|crm$|events(\.eu)?\.pagerduty\.com|hooks\.slack(-gov)?\.com|github\.com/\$|127\.0\.0\.1|localhost|2852039166|\[)"
)
"""Hosts that programs talk to, names of formats, and examples: nobody is sent to read there."""
URL = re.compile(r"https?://[^\s`'\")>{}|,]+")
BY_HAND = {
    "audit": "runs once a week on GitHub: what it finds is no change's fault",
    "deploy": "the gate sam-deploy types it",
    "release": "its own tests make one",
    "mutants": "takes an hour",
    "lock": "changes what is locked",
    "bench": "needs an idle machine",
}
"""Commands that CI does not run, and why."""
ITS_OWN_COMMANDS = {"cloudformation deploy", "cloudformation wait", "logs tail", "configure list-profiles", "sso login"}
ITS_OWN_OPTIONS = {"region", "query", "output", "cli-input-json", "notification-endpoint", "cli-binary-format"}
"""What AWS's command line has besides the operations of the services."""


def sections(document: Path) -> set[str]:
    """Return the anchors of a Markdown document: what its headings are called, and what it names itself."""
    named = set(re.findall(r'<a id="([\w-]+)">', document.read_text()))
    headings = re.findall(r"^#+ (.+)$", re.sub("<.*?>", "", document.read_text()), re.MULTILINE)
    return named | {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    """To a file that exists and, where it names one, a section of it."""
    links = re.findall(r"\]\((?!https?:)([^)\s]*)\)|(?:src|srcset)=\"([^\"]+)\"", document.read_text())
    for link in ("".join(found) for found in links):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if "releases" in path:  # as GitHub shows it, below /blob/main
            assert (Path("/blob/main") / document.relative_to(ROOT).parent / path).resolve() == Path("/releases/latest")
            continue
        assert target.exists(), link
        assert not anchor or anchor in sections(target), link


def test_every_message_that_names_a_document_names_one_that_exists() -> None:
    """An alarm's description, a red line of `make doctor`: the section that somebody looks for is there."""
    named = {m for path in SOURCES for m in re.findall(r"(docs/[\w-]+\.md)(?:#([\w-]+))?", path.read_text())}
    assert ("docs/runbook.md", "roll-call") in named
    assert [path for path, _ in named if not (ROOT / path).exists()] == []
    assert [(path, anchor) for path, anchor in named if anchor and anchor not in sections(ROOT / path)] == []


def pages(text: str) -> set[str]:
    """Return the external pages that a text points to."""
    found = {url.rstrip(".:;") for url in URL.findall(text) if not OUR_PEERS.match(url)}
    hosts = {host for centre in DATA_CENTRES.values() for host in centre if "//" in host}
    return {url.partition("#")[0].removesuffix("/") for url in found if not url.startswith(tuple(hosts))}


def test_every_external_page_is_listed_in_one_place() -> None:
    """And nothing is listed that nobody points to."""
    pointed_to = {page for path in (*DOCUMENTS, *SOURCES) if path != LINKS for page in pages(path.read_text())}
    assert pages(LINKS.read_text()) == pointed_to


def test_every_command_of_make_exists_and_is_run_by_ci() -> None:
    """A reader types what stands there, and it works; `make help` explains every command that is no gate."""
    makefiles = "".join((ROOT / name).read_text() for name in ("Makefile", "tools/dev.mk"))
    gates = set(re.findall(r"^GATES := (.*)$", makefiles, re.MULTILINE)[0].split())
    scripts = [ROOT / ".ci" / "run", *(ROOT / "tests").rglob("newcomer/*.py"), ROOT / ".ci" / "newcomer"]
    run = set(re.findall(r"\bmake ([a-z][a-z-]*)", "".join(path.read_text() for path in scripts)))
    typed = {
        name
        for path in DOCUMENTS
        for block in re.findall(r"```sh\n.*?```|`make [^`\n]+`", path.read_text(), re.DOTALL)
        for name in re.findall(r"^`?make ([a-z][a-z-]*)", block, re.MULTILINE)
    }
    explained = set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefiles, re.MULTILINE))
    assert typed <= explained | gates
    assert explained - run - BY_HAND.keys() - {"check", "build", "dynamodb-local"} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_of_commands_can_be_pasted(document: Path) -> None:
    """It is complete, holds no comment, which zsh runs, and what asks is a group: `read` would take the lines below."""
    for block in re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL):
        subprocess.run([shutil.which("bash") or "", "-n"], input=textwrap.dedent(block), text=True, check=True)
        assert not re.search(r"(^|\s)#", block), block
        assert block.startswith("{\n") or "read " not in block, block


def test_every_command_of_aws_is_one() -> None:
    """As far as it can be seen without AWS: service, operation and options exist."""
    session = boto3.Session(region_name="eu-west-1")
    texts = [path.read_text().replace("\\\n ", "") for path in (*DOCUMENTS, *SOURCES)]
    found = {
        m
        for text in texts
        for m in re.findall(r"(?<![\w.])aws ([a-z]+) ([a-z-]+)((?: --[a-z-]+(?: [^-`\s]\S*)?)*)", text)
    }
    assert len(found) > 5
    for service, operation, options in found:
        if f"{service} {operation}" in ITS_OWN_COMMANDS:
            continue
        client = session.client(service)
        names = {name.replace("_", "-"): method for name, method in client.meta.method_to_api_mapping.items()}
        assert operation in names, (service, operation)
        members = client.meta.service_model.operation_model(names[operation]).input_shape.members
        known = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", member).lower() for member in members} | ITS_OWN_OPTIONS
        given = {option.removeprefix("no-") for option in re.findall(r"--([a-z-]+)", options)}
        assert given <= known, (service, operation, given - known)


def test_every_title_leads_to_its_section_of_the_runbook() -> None:
    """The person who is called finds what to do by the words of the message; "…" stands for any of them."""
    rows = re.findall(r"^\| (“.*”) \| \[?([a-z]+)", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    beginnings = {(kind, title) for titles, kind in rows for title in re.findall("“(.*?)”", titles)}
    sent = {(notice.kind, notice.content.title) for sample in samples() for notice in sample.notices}
    found = {
        (one, other)
        for one in beginnings
        for other in sent
        if one[0] == other[0] and re.match(re.escape(one[1]).replace("…", ".+"), other[1])
    }
    assert beginnings - {one for one, _ in found} == set(), "docs/runbook.md: no message begins with this"
    assert sent - {other for _, other in found} == set(), "docs/runbook.md: no row for this title"
    critical = {notice.kind for sample in samples() for notice in sample.notices if notice.severity == "critical"}
    assert critical - sections(ROOT / "docs" / "runbook.md") == set(), "docs/runbook.md: messages link to this section"


def test_the_readme_can_be_read_at_once() -> None:
    """What is longer belongs into docs/."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    assert sum(len(path.read_text().splitlines()) for path in ROOT.glob("docs/*.md")) <= 1200
