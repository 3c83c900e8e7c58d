"""Notices as a check decides them, channels as a secret configures them, and what was learned of a refusal."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from handler.channels import BY_NAME
from handler.channels.channel import Connection, Request, Senders
from handler.errors import DeliveryError
from handler.history import Row, parse_row
from handler.message import Rendering
from handler.outbox import IncidentRef, Notice
from handler.transport import Deadline
from handler.wording import Content, Fact, Line
from sandbox.channels import Fake
from sandbox.watch import EVERYTHING, Watch

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
RENDERING = Rendering("acme", "Acme Ltd", UTC, "https://crm.zoho.eu", NOW)
AMPLE = Deadline(lambda: 12.0)
HOSTILE = (
    "<!channel> <https://evil.example|click> *b* _i_ ~s~ `c` [x](https://evil.example) @here {@all} {{DATE(2026)}} & #1"
)
"""One of everything that some chat reads as more than a text; about as long as a text from Zoho may be."""
TOPIC = "arn:aws:sns:eu-west-1:123456789012:topic"
FIRST_ID = 5_843_104_000_001_417_000


def row(number: int = 0, **fields: Any) -> Row:
    """Return a row with an id of its own; ids are a thousand apart, as Zoho's are."""
    return parse_row({"id": str(FIRST_ID + 1_003 * number), "log_time": NOW.isoformat(), **fields})


def ref(name: str = "failing", hours_ago: float = 0, severity: str = "critical", line: str = "") -> IncidentRef:
    """Return an incident that began so many hours ago."""
    return IncidentRef(name, NOW - timedelta(hours=hours_ago), severity, line)


def content(title: str = "Backup failed", said: str = "", lines: Sequence[str] = (), **more: Any) -> Content:
    """Return what a failed backup says, and whatever Zoho said."""
    facts = (Fact("Failed", time=NOW), Fact("Started by", said or "Asha Rao"), Fact("File", said or "Acme_1.zip"))
    words = {"sentence": f"Zoho CRM could not back up your data. {said}", "next_step": "Start a backup manually."}
    return Content("🔴", title, lines=tuple(map(Line, lines)), **{"facts": facts, **words, **more})


def notice(number: int = 0, kind: str = "failed", severity: str = "critical", said: str = "", **more: Any) -> Notice:
    """Return a notice of a row of its own, which shows that row's id."""
    about = more.pop("row", row(number, state="failure"))
    made = more.pop("content", content(said=said))
    if about is not None and about.id:
        made = Content(**{**made._asdict(), "facts": (*made.facts, Fact("Job ID", about.id))})
    return Notice(f"acme-{number}", kind, NOW, ("x",), severity, made, row=about, **more)


def notices(count: int, **more: Any) -> list[Notice]:
    """Return so many, oldest first."""
    return [notice(number, **more) for number in range(count)]


def long_list(count: int = 130) -> Notice:
    """Return what the rules make of so many rows at once: failures, and completions between them."""
    watch = Watch(notify_on=EVERYTHING)
    watch.check()
    for number in range(count):
        watch.log(at=watch.now + timedelta(minutes=number), state="completed" if number % 3 == 1 else "failure")
    watch.now += timedelta(minutes=count)
    (listed,) = watch.check()
    return listed


def connect(fake: Fake, session: requests.Session, **values: str) -> Connection:
    """Return a connection to this fake."""
    kind = BY_NAME[fake.name]
    defaults = {setting.key: setting.default for setting in kind.settings if setting.default is not None}
    return Connection(kind, Senders(None, TOPIC, session), {**defaults, **fake.settings(), **values})


def one(connection: Connection, count: int = 1, **more: Any) -> Request:
    """Return the one request for so many notices."""
    (request,) = connection.render(notices(count, **more), RENDERING)
    return request


def send_all(connection: Connection, pending: Sequence[Notice], rendering: Rendering = RENDERING) -> list[Request]:
    """Send what is pending, which is all accepted, and return the requests."""
    made = connection.render(pending, rendering)
    for request in made:
        connection.send(request, AMPLE)
    return made


def refusal_of(connection: Connection, request: Request) -> DeliveryError:
    """Send what is not accepted, and return how that was said; nothing of an exception below it is kept."""
    with pytest.raises(DeliveryError) as raised:
        connection.send(request, AMPLE)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value


def verdict_of(connection: Connection, request: Request) -> str:
    """Send a request and return what it learned about all of its notices; "taken" if they were accepted."""
    try:
        connection.send(request, AMPLE)
    except DeliveryError as error:
        return "permanent" if error.permanent else "refused" if error.refused else "transient"
    return "taken"


def everything(payload: object) -> str:
    """Return a payload as one text, to look for something in."""
    return json.dumps(payload, ensure_ascii=False)
