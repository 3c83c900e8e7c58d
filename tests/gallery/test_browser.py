"""The gallery in a real browser: at two widths, dark and light."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import browser
from sandbox.gallery import page
from sandbox.samples import HOSTILE, samples

FINDINGS = (Path(__file__).parent / "findings.js").read_text()
COLUMNS = "[...document.querySelectorAll('.panes, .fields')].map(e => getComputedStyle(e).gridTemplateColumns)"
DARK = "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 50"
TEXT = '<div class="text">'
FAULTS = {
    "wide": ("<h1>", '<div style="width: 2000px">x</div><h1>', "the page is 2"),
    "long": (TEXT, f'<div class="text" style="white-space: nowrap">{"word " * 60}', "leaves its frame"),
    "pale": ("<h4>", '<h4 style="color: #ddd">', "is hard to read"),
    "unescaped": (TEXT, f"{TEXT}<i>x</i>", "an element I"),
    "link": (TEXT, f'{TEXT}<a href="https://evil.example">x</a>', "a link to https://evil"),
    "handler": (TEXT, f'{TEXT}<b onclick="x">x</b>', "an attribute in"),
}
"""Fault → what to put for what, and what must be found."""


@pytest.fixture(scope="module")
def shown() -> Iterator[browser.Page]:
    """Give a page in Chromium; without one skip, or fail where `CHROMIUM_REQUIRED` is set."""
    found = browser.find()
    if not found:
        (pytest.fail if os.environ.get("CHROMIUM_REQUIRED") else pytest.skip)("there is no Chromium on this machine")
    with browser.Page(found) as opened:
        yield opened


@pytest.fixture(scope="module")
def html() -> str:
    """Give the gallery as it is."""
    return page(samples())


def findings(shown: browser.Page, html: str, folder: Path, width: int = 1280, scheme: str = "light") -> list[str]:
    """Show a page and return what is wrong with it."""
    (folder / "page.html").write_text(html, encoding="utf-8")
    shown.show((folder / "page.html").as_uri(), width, scheme)
    return list(shown.evaluate(FINDINGS))


@pytest.mark.parametrize(("width", "columns"), [(390, 1), (1280, 2)])
@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_nothing_is_wrong_with_the_gallery(
    shown: browser.Page, html: str, tmp_path: Path, width: int, columns: int, scheme: str, dark: bool
) -> None:
    """Nothing overflows or is hard to read; columns follow the width, colours the scheme; hostile text is literal."""
    assert findings(shown, html, tmp_path, width, scheme) == []
    assert {len(sizes.split()) for sizes in shown.evaluate(COLUMNS)} == {columns}
    assert shown.evaluate(DARK) == dark
    literal = " ".join("".join(c if c.isprintable() else " " for c in HOSTILE).split())
    for channel in ("slack", "sns", "teams"):  # Cliq shows lookalikes
        pane = f"[data-title='Every field is hostile or far too long'] [data-channel={channel}]"
        assert shown.evaluate(f'document.querySelector("{pane}").innerText').count(literal) >= 2


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_would_be_found(shown: browser.Page, html: str, tmp_path: Path, fault: str) -> None:
    """So that an empty list of findings means something."""
    good, bad, finding = FAULTS[fault]
    assert finding in " ".join(findings(shown, html.replace(good, bad, 1), tmp_path))
