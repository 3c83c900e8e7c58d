"""The gallery in a real browser: at two widths, dark and light."""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from handler.channels import BY_NAME
from sandbox import browser
from sandbox.gallery import page
from sandbox.samples import HOSTILE, samples

LOOK = (Path(__file__).parent / "look.js").read_text()
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


WIDTHS, SCHEMES = {390: 1, 1280: 2}, {"light": False, "dark": True}
"""Width → columns; colour scheme → whether the page is dark."""


pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def looks() -> dict[Any, Any]:
    """Give what is seen of the good page, all unfolded, by width and scheme, and as it opens, and of each fault's page.

    Without a Chromium skip, or fail where `CHROMIUM_REQUIRED` is set.
    """
    found = browser.find()
    if not found:
        (pytest.fail if os.environ.get("CHROMIUM_REQUIRED") else pytest.skip)("there is no Chromium on this machine")
    html = page(samples(), "all").replace("<details", "<details open")
    views: dict[Any, browser.View] = {at: browser.View(html, *at) for at in itertools.product(WIDTHS, SCHEMES)}
    views |= {channel: browser.View(page(samples(), channel), min(WIDTHS)) for channel in ("slack", "sms")}
    views |= {name: browser.View(html.replace(good, bad, 1)) for name, (good, bad, _) in FAULTS.items()}
    return dict(zip(views, browser.evaluate(found, views.values(), LOOK), strict=True))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_wrong_with_the_gallery(looks: dict[Any, Any], width: int, scheme: str) -> None:
    """Nothing overflows or is hard to read; columns follow the width, colours the scheme; hostile text is literal."""
    seen = looks[width, scheme]
    assert (seen["findings"], seen["columns"], seen["dark"]) == ([], [WIDTHS[width]], SCHEMES[scheme])
    literal = " ".join("".join(c if c.isprintable() else " " for c in HOSTILE).split()).replace("`", "'")
    assert all(text.replace("`", "'").count(literal) >= 2 for text in seen["hostile"])


@pytest.mark.parametrize("channel", ["slack", "sms"])
def test_a_phone_shows_one_channel_in_ten_screens(looks: dict[Any, Any], channel: str) -> None:
    """The one that is chosen, before anything is unfolded; and all of them on the whole page."""
    seen = looks[channel]
    assert (seen["findings"], seen["channels"], seen["screens"] < 10) == ([], [channel], True)
    assert set(looks[390, "light"]["channels"]) == {*BY_NAME, "sms"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_would_be_found(looks: dict[Any, Any], fault: str) -> None:
    """So that an empty list of findings means something."""
    assert FAULTS[fault][2] in " ".join(looks[fault]["findings"])
