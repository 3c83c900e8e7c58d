"""The gallery and the sandbox's inbox in a real browser: at two widths, dark and light."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox import browser
from sandbox.gallery import page
from sandbox.live import Inbox, LiveScreen
from sandbox.mail import Mail
from sandbox.samples import HOSTILE, samples

FINDINGS = (Path(__file__).parent / "findings.js").read_text()
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
COLUMNS = "[...document.querySelectorAll('{}')].map(e => getComputedStyle(e).gridTemplateColumns.split(' ').length)"


@pytest.fixture(scope="module")
def chromium() -> str:
    """Give the path of a Chromium; without one skip, or fail where `CHROMIUM_REQUIRED` is set."""
    found = browser.find()
    if not found:
        reason = "there is no Chromium on this machine; on Debian: apt-get install chromium"
        if os.environ.get("CHROMIUM_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def shown(chromium: str) -> Iterator[browser.Page]:
    """Give a page in a browser."""
    with browser.Page(chromium) as opened:
        yield opened


@pytest.fixture(scope="module")
def html() -> str:
    """Give the gallery as it is."""
    return page(samples())


def findings(shown: browser.Page, html: str, file: Path, width: int = 1280, scheme: str = "light") -> list[str]:
    """Show a page and return what is wrong with it."""
    file.write_text(html, encoding="utf-8")
    shown.problems.clear()
    shown.show(file.as_uri(), width, scheme)
    found: list[str] = shown.evaluate(FINDINGS)
    return found + shown.problems


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_wrong_with_the_gallery(
    shown: browser.Page, html: str, tmp_path: Path, width: int, scheme: str
) -> None:
    """No overflow, nothing unescaped, nothing hard to read, no request, silence on the console."""
    assert findings(shown, html, tmp_path / "gallery.html", width, scheme) == []


def test_columns_follow_the_width_and_colours_the_scheme(shown: browser.Page, html: str, tmp_path: Path) -> None:
    """Slack beside mail and labels beside values on a desk, one below the other on a phone; dark is dark."""
    columns, dark = {}, {}
    for width in WIDTHS:
        findings(shown, html, tmp_path / "gallery.html", width)
        columns[width] = {n for name in (".panes", ".fields") for n in shown.evaluate(COLUMNS.format(name))}
    for scheme in SCHEMES:
        findings(shown, html, tmp_path / "gallery.html", scheme=scheme)
        dark[scheme] = shown.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 50")
    assert columns == {390: {1}, 1280: {2}}
    assert dark == {"light": False, "dark": True}


def test_hostile_text_is_read_literally(shown: browser.Page, html: str, tmp_path: Path) -> None:
    """Character for character, in both channels."""
    findings(shown, html, tmp_path / "gallery.html")
    literal = " ".join("".join(c if c.isprintable() else " " for c in HOSTILE).split())
    for channel in ("slack", "sns", "teams"):  # Cliq shows lookalikes
        pane = f"[data-title='Every field is hostile or far too long'] [data-channel={channel}]"
        assert shown.evaluate(f'document.querySelector("{pane}").innerText').count(literal) >= 2


FAULTS = {
    "wide": ("<h1>", '<div style="width: 2000px">x</div><h1>', "the page is 2"),
    "long": ('<div class="text">', f'<div class="text" style="white-space: nowrap">{"word " * 60}', "leaves its frame"),
    "pale": ("<h4>", '<h4 style="color: #ddd">', "is hard to read"),
    "unescaped": ('<div class="text">', '<div class="text"><i>x</i>', "an element I"),
    "link": ('<div class="text">', '<div class="text"><a href="https://evil.example">x</a>', "a link to https://evil"),
    "handler": ('<div class="text">', '<div class="text"><b onclick="x">x</b>', "an attribute in"),
    "script": ("<h1>", "<script>document.title = 1</script><h1>", "Content Security Policy"),
    "request": ("<h1>", '<img src="https://evil.example/x.png"><h1>', "Content Security Policy"),
}
"""Fault → what to put for what, and what must be found."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_would_be_found(shown: browser.Page, html: str, tmp_path: Path, fault: str) -> None:
    """So that an empty list of findings means something."""
    good, bad, finding = FAULTS[fault]
    assert finding in " ".join(findings(shown, html.replace(good, bad, 1), tmp_path / "faulty.html"))


def test_what_a_page_asks_for_and_complains_about_is_heard(chromium: str, tmp_path: Path) -> None:
    """Without a policy that would stop it: a request, a line on the console, an exception."""
    script = "fetch('http://127.0.0.1:9/').catch(() => 0); console.log('said'); throw new Error('thrown')"
    html = f"<!doctype html><h1>x</h1><script>{script}</script>"
    with browser.Page(chromium) as shown:  # of its own: what it hears may come late
        heard = " ".join(findings(shown, html, tmp_path / "loud.html"))
    assert "request: http://127.0.0.1:9/" in heard
    assert "console: ['said']" in heard
    assert "exception: Uncaught" in heard


@pytest.mark.parametrize("width", WIDTHS)
def test_the_inbox_shows_messages_as_they_arrive(shown: browser.Page, width: int) -> None:
    """In order, escaped, with nothing wrong, while the page stays open."""
    payload: dict[str, Any] = {"text": "fallback", "blocks": [{"type": "header", "text": {"type": "plain_text"}}]}
    payload["blocks"][0]["text"]["text"] = "<b>Backup</b> failed"
    with closing(Inbox()) as inbox:
        screen = LiveScreen(io.StringIO(), inbox)
        shown.problems.clear()
        shown.show(inbox.url, width, "light")
        screen.narrate("A backup <fails>.")
        screen.mail(Mail("Subject", "Text & more", {}), "it@example.com")
        screen.message("slack", payload)
        arrived = "[...inbox.children].map(e => e.innerText.replace(/\\s+/g, ' '))"
        wait = f"new Promise(done => {{ (function wait() {{ inbox.children.length > 2 ? done({arrived}) : "
        wait += "setTimeout(wait, 20) })() })"
        scene, mail, slack = shown.evaluate(wait)
        assert scene == "A backup <fails>."
        assert mail.startswith("Mail Subject Subject AWS Notifications")
        assert mail.endswith("Text & more")
        assert "<b>Backup</b> failed" in slack
        assert shown.evaluate(FINDINGS) + shown.problems == []
        shown.show("about:blank", width, "light")  # or the page would go on asking an inbox that has ended
