"""The heartbeat: a URL that is requested after each good check, so that a service outside AWS notices their absence."""

import re
from datetime import timedelta

import requests

from handler.channels.channel import decoded, says_no
from handler.errors import TransportError
from handler.transport import Deadline, fetch

SECONDS = 12.0
BROKEN_AFTER = timedelta(hours=24)
"""So long after the first answer that was not good, another one shows that the heartbeat is not recorded."""
NOT_RECORDED = re.compile(r"\s*<|.*\b(not found|rate limited)\b", re.IGNORECASE)
"""A web page, and what Healthchecks answers with status 200: https://healthchecks.io/docs/http_api/."""


def request(session: requests.Session, url: str, deadline: Deadline) -> str:
    """Return why the heartbeat was not recorded, or "" if nothing speaks against it.

    Args:
        session: What to ask with; it never retries.
        url: The heartbeat's URL; it may be secret.
        deadline: When the invocation is killed.
    """
    try:
        response = fetch(session, "GET", url, deadline=deadline.keeping(1.0).within(SECONDS))
    except TransportError as error:
        return str(error)
    if not 200 <= response.status < 300:
        return f"HTTP {response.status}"
    text = response.body.decode("utf-8", "replace")
    recorded = not says_no(decoded(response) or {}) and not NOT_RECORDED.match(text)
    return "" if recorded else f"HTTP {response.status}, but not recorded"
