"""The gallery: every kind of message on one page, as each channel shows it. `make gallery` writes it."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from handler.channels import CHANNELS
from handler.wording import highest
from sandbox import browser
from sandbox.channels import Mail, cliq, slack, teams
from sandbox.readers import Readers
from sandbox.samples import RENDERING, RUNBOOK, Sample, samples
from sandbox.template import TEMPLATE_FILE

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "build" / "gallery.html"
PICTURES = ROOT / "docs" / "pictures"
HEADINGS = {
    "failed": "A backup failed",
    "overdue": "A backup is late",
    "stuck": "A backup does not finish",
    "stopped": "Somebody turned the schedule off",
    "unreadable": "The backups cannot be checked",
    "channel": "A channel accepts no messages",
    "alarms": "The notifier itself is broken",
    "completed": "A backup completed",
    "recovered": "Backups work again",
    "readable": "The backups can be checked again",
    "baseline": "Monitoring begins",
    "digest": "The monthly summary",
    "scheduled": "Somebody set up a schedule",
    "purchased": "Somebody bought backups",
    "unknown": "Zoho says something new",
    "together": "Several at once",
    "list": "Many at once",
    "lost": "A message could not be delivered",
    "test": "A test message",
    "hostile": "Strange names",
}
"""Section → its heading, in the order of the page."""
OFTEN = [*HEADINGS][:8]
"""What is not folded as a whole."""
PICTURED = "failed-the-third-in-a-row"
"""The sample in the README's picture."""
OPEN = {PICTURED, "channel-it-begins-cliq", "digest-a-bad-month"}
"""Samples that are not folded; in other sections it is the first one."""
LEAD = (
    "Every message, as chats, pagers, phones and a mail program show it, rendered by the same code that runs in "
    "Lambda. Everybody in them is invented."
)


class Scene(NamedTuple):
    """What arrived at a time, by channel: `Mail`s of `sns` and `sms`, `Accepted` messages of the others."""

    title: str
    time: str
    arrived: Mapping[str, Sequence[Any]]
    name: str = ""


class Section(NamedTuple):
    """Some scenes below one heading, and more that are folded."""

    name: str
    heading: str
    severity: str
    scenes: Sequence[Scene]
    folded: Sequence[Scene] = ()
    rare: bool = False


def page(shown: Sequence[Sample], channel: str = "slack") -> str:
    """Return the gallery of these samples as one HTML page that needs nothing else, and shows one channel first."""
    sections = []
    with closing(Readers()) as readers:
        for name, heading in HEADINGS.items():
            group = sorted((sample for sample in shown if sample.section == name), key=lambda one: one.name not in OPEN)
            scenes = [*_alarms()] if name == "alarms" else [_scene(sample, readers) for sample in group]
            severity = highest([notice.severity for one in group for notice in one.notices] or ["critical"])
            sections.append(Section(name, heading, severity, scenes[:1], scenes[1:], name not in OFTEN))
    timeline = Markup((PICTURES / "timeline.svg").read_text())  # noqa: S704 - ours
    return render("What the Zoho CRM backup notifier says", LEAD, sections, RENDERING.zone, channel, timeline)


def _scene(sample: Sample, readers: Readers) -> Scene:
    arrived = {c.name: readers.read(c.name, sample.notices, sample.reader) for c in CHANNELS}
    title = " · ".join(dict.fromkeys(notice.content.title for notice in sample.notices))
    time = f"{sample.notices[-1].at.astimezone(RENDERING.zone):%H:%M}"
    return Scene(title, time, {**arrived, "sms": arrived["sns"]}, sample.name)


def _alarms() -> Iterator[Scene]:
    """Yield the e-mail of each alarm, as far as it comes from the template: CloudWatch's own part has more lines."""
    template = yaml_parse(TEMPLATE_FILE.read_text())
    values = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
    values |= {"AWS::StackName": "zoho-backup-notifier", "AWS::Region": "eu-west-1", "RunbookUrl": RUNBOOK}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            texts = (resource["Properties"][key]["Fn::Sub"] for key in ("AlarmName", "AlarmDescription"))
            name, said = (re.sub(r"\$\{(.*?)\}", lambda found: values[found[1]], text) for text in texts)
            body = f"Alarm Details:\n- Name: {name}\n- Description: {said}\n- State Change: OK -> ALARM"
            mail = Mail(f'ALARM: "{name}" in EU (Ireland)', body, {})
            yield Scene(name, "21:40", {"sns": [mail]}, name)


def render(
    heading: str,
    lead: str,
    sections: Sequence[Section],
    zone: tzinfo | None = None,
    channel: str = "all",
    timeline: str = "",
) -> str:
    """Return a page of messages, with dates in a zone or, without one, in this machine's, and one channel chosen."""

    def mrkdwn(text: str) -> Markup:
        return Markup(slack.markup(text, zone))  # noqa: S704 - it escapes whatever is not its own

    def shown(text: dict[str, Any]) -> Markup:
        return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"mrkdwn": mrkdwn, "shown": shown, "cliq": cliq.unmarked, "teams": teams.unmarked}
    cards = vars(environment.get_template("cards.html").module)
    arrived = {name for section in sections for scene in section.scenes for name in scene.arrived}
    labels = {"all": "All", **{one.name: one.label for one in CHANNELS}, "sns": "E-mail", "sms": "SMS"}
    labels = {name: label for name, label in labels.items() if name in {"all", *arrived}}
    given = {"heading": heading, "lead": lead, "sections": sections, "timeline": timeline, "chosen": channel}
    return environment.get_template("gallery.html").render(cards=cards, labels=labels, **given)


def take_pictures(found: str, html: str) -> None:
    """Make the README's pictures of the gallery's HTML, with the browser of this path, unless they were made of it."""
    sample = re.search(rf'<article[^>]*data-name="{PICTURED}".*?</article>', html, re.DOTALL)
    shown = "".join([*re.findall("<style>.*?</style>", html, re.DOTALL), sample[0] if sample else ""])
    source = hashlib.sha256(shown.encode()).hexdigest().encode()
    for scheme in ("light", "dark"):
        file = PICTURES / f"failed-{scheme}.png"
        if source not in file.read_bytes():
            selector = f'[data-name="{PICTURED}"] [data-channel=slack] .card'
            browser.picture(found, browser.View(html, 1280, scheme), file, 2, selector)
            file.write_bytes(file.read_bytes() + source)  # what follows a picture's end is not shown
            print(f"Wrote {file}")


def main(*, pictures: bool) -> int:
    """Write the page and, if wanted, the pictures of the documentation; return the exit code."""
    PAGE.parent.mkdir(exist_ok=True)
    html = page(samples())
    PAGE.write_text(html, encoding="utf-8")
    print(f"Open {PAGE.as_uri()} in a browser.")
    if pictures:
        found = browser.find()
        if not found:
            print("Pictures need a Chromium; on Debian: apt-get install chromium fonts-lato fonts-noto-color-emoji")
            return 1
        take_pictures(found, page(samples(), "all"))
    return 0
