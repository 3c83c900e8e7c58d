"""The gallery: every kind of message on one page, as each channel shows it. `make gallery` writes it."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from handler.channels import BY_NAME, CHANNELS
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
STORY = ROOT / "build" / "inbox.html"
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
                "samples": [
                    _sample(
                        sample.title,
                        {c.name: readers.read(c.name, sample.notices, sample.reader) for c in CHANNELS},
                        sample.notices[-1].at.astimezone(RECIPIENT.zone),
                    )
                    for sample in group
                ],
            }
            for name, group in by_section.items()
        ]
    return _render("Every message", LEAD, sections, RECIPIENT.zone)


def _worst(group: Sequence[Sample]) -> Notice:
    return max((notice for sample in group for notice in sample.notices), key=lambda notice: rank(notice.severity))


def write_story(scenes: Iterable[tuple[str, str, Mapping[str, Sequence[Any]]]]) -> str:
    """Write the page of a story, each scene an organisation, what happened and what arrived, and return its address."""
    now = datetime.now().astimezone()
    played = [(org, _sample(narration, arrived, now)) for org, narration, arrived in scenes]
    sections = [
        {"name": org, "heading": org, "severity": "info", "samples": [sample for key, sample in played if key == org]}
        for org in dict.fromkeys(org for org, _ in played)
    ]
    lead = "What the real function sent on this machine, scene by scene."
    STORY.parent.mkdir(exist_ok=True)
    STORY.write_text(_render("The sandbox's inbox", lead, sections), encoding="utf-8")
    return STORY.as_uri()


def _sample(title: str, arrived: Mapping[str, Sequence[Any]], at: datetime) -> dict[str, Any]:
    """Return a sample for the page, with a pane for each channel."""
    panes = [
        {
            "channel": name,
            "label": BY_NAME[name].label,
            "macro": "mail" if name == "sns" else name,
            "messages": [
                (*((one.subject, one.body) if isinstance(one, Mail) else (one.payload,)), f"{at:%H:%M}")
                for one in messages
            ],
        }
        for name, messages in arrived.items()
    ]
    return {"title": title, "panes": panes}


def _render(heading: str, lead: str, sections: Sequence[Any], zone: tzinfo | None = None) -> str:
    def mrkdwn(text: str) -> Markup:
        return Markup(slack.markup(text, zone))  # noqa: S704 - it escapes whatever is not its own

    def shown(text: dict[str, Any]) -> Markup:
        return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"mrkdwn": mrkdwn, "shown": shown, "cliq": cliq.unmarked, "teams": teams.unmarked}
    cards = vars(environment.get_template("cards.html").module)
    return environment.get_template("gallery.html").render(cards=cards, heading=heading, lead=lead, sections=sections)


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
