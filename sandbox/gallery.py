"""The gallery: every kind of message on one page, as each channel shows it. `make gallery` writes it."""

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from handler.channels import CHANNELS
from handler.message import severity
from handler.outbox import Notice
from handler.rules import NOTIFIABLE
from handler.wording import rank
from sandbox import browser
from sandbox.channels import Mail, cliq, slack, teams
from sandbox.readers import Readers
from sandbox.samples import RECIPIENT, Sample, samples

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "build" / "gallery.html"
PICTURES = ROOT / "docs" / "pictures"
HEADINGS = {"together": "Several at once", "hostile": "Hostile and unlucky"}
"""Of the sections that are no kind of notice."""
KINDS = ("baseline", "recovered", "readable", "test", *sorted(NOTIFIABLE))
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
    """Return the gallery of these samples as one HTML page that needs nothing else.

    Raises:
        LookupError: A kind of notice has no sample.
    """
    by_section: dict[str, list[Sample]] = {sample.section: [] for sample in shown}
    for sample in shown:
        by_section[sample.section].append(sample)
    if missing := sorted({*KINDS, *HEADINGS} - by_section.keys()):
        raise LookupError(f"No sample of {', '.join(missing)}: add one to sandbox/samples.py.")
    with closing(Readers()) as readers:
        sections = [
            {
                "name": name,
                "heading": HEADINGS.get(name, f"{_worst(group).content.symbol} {name}"),
                "severity": severity([notice for sample in group for notice in sample.notices]),
                "samples": [_rendered(sample, readers) for sample in group],
            }
            for name, group in by_section.items()
        ]
    environment = _environment(RECIPIENT.zone)
    cards = environment.get_template("cards.html").module
    template = environment.get_template("gallery.html")
    return template.render(cards=vars(cards), live=False, heading="Every message", lead=LEAD, sections=sections)


def _worst(group: Sequence[Sample]) -> Notice:
    return max((notice for sample in group for notice in sample.notices), key=lambda notice: rank(notice.severity))


def live_page() -> str:
    """Return the page that shows messages as they arrive."""
    lead = "The real function at work on this machine. Messages appear as they are delivered; Ctrl-C ends it."
    return _environment().get_template("gallery.html").render(live=True, heading="The sandbox's inbox", lead=lead)


def card(channel: str, *message: Any) -> str:
    """Return a message that has just come as HTML: a payload for a channel, a subject and a text for `mail`."""
    cards = _environment().get_template("cards.html").module
    return str(getattr(cards, channel)(*message, f"{datetime.now().astimezone():%H:%M}"))


def _markup(text: str, zone: tzinfo | None) -> Markup:
    return Markup(slack.markup(text, zone))  # noqa: S704 - it escapes all that is not its own


def _text_object(text: dict[str, Any], zone: tzinfo | None) -> Markup:
    return _markup(text["text"], zone) if text["type"] == "mrkdwn" else escape(text["text"])


def _rendered(sample: Sample, readers: Readers) -> dict[str, Any]:
    time = f"{sample.notices[-1].at.astimezone(RECIPIENT.zone):%H:%M}"
    panes = []
    for channel in CHANNELS:
        messages = [
            (message.subject, message.body, time) if isinstance(message, Mail) else (message.payload, time)
            for message in readers.read(channel.name, sample.notices, sample.reader)
        ]
        macro = "mail" if channel.name == "sns" else channel.name
        panes.append({"channel": channel.name, "label": channel.label, "macro": macro, "messages": messages})
    return {"title": sample.title, "panes": panes}


def _environment(zone: tzinfo | None = None) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "mrkdwn": partial(_markup, zone=zone),
        "shown": partial(_text_object, zone=zone),
        "cliq": cliq.unmarked,
        "teams": teams.unmarked,
    }
    return environment


def take_pictures(found: str) -> None:
    """Make the pictures of the documentation, with the browser of this path."""
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
