"""The gallery: every kind of message on one page, as each channel shows it. `make gallery` writes it."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from handler.channels import CHANNELS
from handler.wording import highest, rank
from sandbox import browser
from sandbox.channels import cliq, slack, teams
from sandbox.readers import Readers
from sandbox.samples import RENDERING, Sample, samples

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "build" / "gallery.html"
PICTURES = ROOT / "docs" / "pictures"
HEADINGS = {
    "together": "Several at once",
    "list": "Many at once",
    "lost": "Messages that were lost",
    "hostile": "Hostile and unlucky",
}
"""Headings of the sections whose names would not say what they show."""
SHOTS = {
    "failed-light": (1280, "light", 2, '[data-title="The third in a row"] .pane[data-channel=slack]'),
    "failed-dark": (1280, "dark", 2, '[data-title="The third in a row"] .pane[data-channel=slack]'),
    "gallery": (1280, "light", 1, None),
    "phone": (390, "dark", 1, None),
}
"""Picture → width, colour scheme, pixels a pixel, and the element it shows; None: the first screen."""
LEAD = (
    "What the notifier says, as chats, pagers, a mail program and a locked phone show it: made from small histories "
    "by the rules and the renderers that run in Lambda."
)


def page(shown: Sequence[Sample]) -> str:
    """Return the gallery of these samples as one HTML page that needs nothing else."""
    sections = []
    with closing(Readers()) as readers:
        for name in dict.fromkeys(sample.section for sample in shown):
            group = [sample for sample in shown if sample.section == name]
            notices = [notice for sample in group for notice in sample.notices]
            worst = max(notices, key=lambda notice: rank(notice.severity))
            heading = HEADINGS.get(name, f"{worst.content.symbol} {name}")
            scenes = [
                Scene(
                    sample.title,
                    f"{sample.notices[-1].at.astimezone(RENDERING.zone):%H:%M}",
                    {c.name: readers.read(c.name, sample.notices, sample.reader) for c in CHANNELS},
                )
                for sample in group
            ]
            sections.append(Section(name, heading, highest(notice.severity for notice in notices), scenes))
    return render("Every message", LEAD, sections, RENDERING.zone)


class Scene(NamedTuple):
    """What arrived at a time, by channel: `Mail`s of `sns`, `Accepted` messages of the others."""

    title: str
    time: str
    arrived: Mapping[str, Sequence[Any]]


class Section(NamedTuple):
    """Some scenes below one heading."""

    name: str
    heading: str
    severity: str
    scenes: list[Scene]


def render(heading: str, lead: str, sections: Sequence[Section], zone: tzinfo | None = None) -> str:
    """Return a page of messages, with dates in a zone or, without one, in this machine's."""

    def mrkdwn(text: str) -> Markup:
        return Markup(slack.markup(text, zone))  # noqa: S704 - it escapes whatever is not its own

    def shown(text: dict[str, Any]) -> Markup:
        return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"mrkdwn": mrkdwn, "shown": shown, "cliq": cliq.unmarked, "teams": teams.unmarked}
    cards = vars(environment.get_template("cards.html").module)
    labels = {channel.name: channel.label for channel in CHANNELS}
    page = environment.get_template("gallery.html")
    return page.render(cards=cards, labels=labels, heading=heading, lead=lead, sections=sections)


def take_pictures(found: str, html: str) -> None:
    """Make the pictures of the documentation from the gallery's HTML, with the browser of this path."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, (width, scheme, scale, selector) in SHOTS.items():
        file = PICTURES / f"{name}.png"
        browser.picture(found, browser.View(html, width, scheme), file, scale, selector)
        print(f"Wrote {file}")


def main() -> int:
    """Write the page, and the pictures when asked with `--pictures`."""
    PAGE.parent.mkdir(exist_ok=True)
    html = page(samples())
    PAGE.write_text(html, encoding="utf-8")
    print(f"Open {PAGE.as_uri()} in a browser.")
    if "--pictures" in sys.argv:
        found = browser.find()
        if not found:
            print("Pictures need a Chromium; on Debian: apt-get install chromium fonts-lato fonts-noto-color-emoji")
            return 1
        take_pictures(found, html)
    return 0


if __name__ == "__main__":
    sys.exit(main())
