"""The gallery: every kind of message on one page, as Slack and as a mail program show it. `make gallery` writes it."""

import sys
from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from handler.slack import posts
from handler.texts import KINDS
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from handler.message import mails, severity
from sandbox import browser
from sandbox.mrkdwn import markup
from sandbox.samples import READER, Sample, samples

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "build" / "gallery.html"
PICTURES = ROOT / "docs" / "pictures"
HEADINGS = {"together": "Several at once", "hostile": "Hostile and unlucky"}
"""Of the sections that are no kind of notice."""
SHOTS = {
    "failed-light": (1280, "light", 2, '[data-title="The third in a row"] .pane'),
    "failed-dark": (1280, "dark", 2, '[data-title="The third in a row"] .pane'),
    "gallery": (1280, "light", 1, None),
    "phone": (390, "dark", 1, None),
}
"""Picture → width, colour scheme, pixels a pixel, and the element it shows; None: the first screen."""
LEAD = (
    "What the notifier says, as Slack, a mail program and a locked phone show it: made from small histories by the "
    "rules and the renderers that run in Lambda."
)


def page(shown: Iterable[Sample]) -> str:
    """Return the gallery of these samples as one HTML page that needs nothing else.

    Raises:
        LookupError: A kind of notice has no sample.
    """
    by_section: dict[str, list[Sample]] = {name: [] for name in (*KINDS, *HEADINGS)}
    for sample in shown:
        by_section[sample.section].append(sample)
    if missing := [name for name, group in by_section.items() if not group]:
        raise LookupError(f"No sample of {', '.join(missing)}: add one to sandbox/samples.py.")
    sections = [
        {
            "name": name,
            "heading": f"{KINDS[name].symbol} {name}" if name in KINDS else HEADINGS[name],
            "severity": severity([notice for sample in group for notice in sample.notices]),
            "samples": [_rendered(sample) for sample in group],
        }
        for name, group in by_section.items()
    ]
    template = _environment(READER.zone).get_template("gallery.html")
    return template.render(live=False, heading="Every message", lead=LEAD, sections=sections)


def live_page() -> str:
    """Return the page that shows messages as they arrive."""
    lead = "The real function at work on this machine. Messages appear as they are delivered; Ctrl-C ends it."
    return _environment().get_template("gallery.html").render(live=True, heading="The sandbox's inbox", lead=lead)


def card(channel: str, *message: Any) -> str:
    """Return a message that has just come as HTML: a payload for `slack`, a subject and a text for `mail`."""
    cards = _environment().get_template("cards.html").module
    return str(getattr(cards, channel)(*message, f"{datetime.now().astimezone():%H:%M}"))


def _text_object(text: dict[str, Any], zone: tzinfo | None) -> Markup:
    return markup(text["text"], zone) if text["type"] == "mrkdwn" else escape(text["text"])


def _rendered(sample: Sample) -> dict[str, Any]:
    return {
        "title": sample.title,
        "time": f"{sample.notices[-1].at.astimezone(READER.zone):%H:%M}",
        "posts": posts([notice for notice in sample.notices if "slack" in notice.owed], sample.reader),
        "mails": mails([notice for notice in sample.notices if "sns" in notice.owed], sample.reader),
    }


def _environment(zone: tzinfo | None = None) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"mrkdwn": partial(markup, zone=zone), "shown": partial(_text_object, zone=zone)}
    return environment


def take_pictures(found: str) -> None:
    """Make the pictures of the documentation anew, with the browser of this path."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, (width, scheme, scale, selector) in SHOTS.items():
        with browser.Page(found) as shown:
            shown.show(PAGE.as_uri(), width, scheme, scale=scale)
            (PICTURES / f"{name}.png").write_bytes(shown.picture(selector))
            print(f"Wrote {PICTURES / name}.png")


def main() -> int:
    """Write the page, and the pictures when asked with `--pictures`."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(samples()), encoding="utf-8")
    print(f"Open {PAGE.as_uri()} in a browser.")
    if "--pictures" in sys.argv:
        found = browser.find()
        if not found:
            print("Pictures need a Chromium; on Debian: apt-get install chromium fonts-lato fonts-noto-color-emoji")
            return 1
        take_pictures(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
