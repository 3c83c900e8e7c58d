"""A headless Chromium by its command line: it shows pages in frames, which can have any width and colour scheme."""

import html
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
HEIGHT = 900


def find() -> str | None:
    """Return the path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class View(NamedTuple):
    """A page, the width in pixels at which it is shown, and its colour scheme, `dark` or `light`."""

    page: str
    width: int = 1280
    scheme: str = "light"

    def frame(self, x: float = 0, y: float = 0, height: float = HEIGHT) -> str:
        """Return the HTML of a frame that shows this page, moved to the left and up by so many pixels."""
        place = f"margin: {-y}px 0 0 {-x}px; width: {self.width}px; height: {y + height}px"
        style = f"display: block; border: 0; color-scheme: {self.scheme}; {place}"
        return f'<iframe srcdoc="{html.escape(self.page)}" style="{style}"></iframe>'


def evaluate(browser: str, views: Iterable[View], script: str) -> list[Any]:
    """Show all views at once and return what a script, a function of a frame element, returns for each, as JSON."""
    each = f"JSON.stringify([...document.querySelectorAll('iframe')].map({script}))"
    frames = "".join(view.frame() for view in views)
    dom = _run(browser, f"{frames}<script>onload = () => document.body.textContent = {each}</script>", "--dump-dom")
    values: list[Any] = json.loads(html.unescape(dom.partition("<body>")[2].rpartition("</body>")[0]))
    return values


def picture(browser: str, view: View, file: Path, scale: float, selector: str) -> None:
    """Write a PNG of the first element that matches."""
    element = f"frame.contentDocument.querySelector({json.dumps(selector)})"
    (box,) = evaluate(browser, [view], f"frame => {element}.getBoundingClientRect().toJSON()")
    size = f"--window-size={round(box['width'])},{round(box['height'])}"
    frame = view.frame(box["x"], box["y"], box["height"])
    _run(browser, frame, f"--screenshot={file}", size, f"--force-device-scale-factor={scale}")


def _run(browser: str, body: str, *arguments: str) -> str:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder, "page.html")
        page.write_text(f'<!doctype html><meta charset="utf-8"><style>body {{ margin: 0 }}</style><body>{body}')
        command = [browser, *FLAGS.split(), f"--user-data-dir={folder}/profile", *arguments, page.as_uri()]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
