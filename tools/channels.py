"""The channels as the wizard and the doctor see them: a name for people, and what connecting must know of each."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from handler.causes import CHANNELS as LABELS
from handler.config import is_allowed_url, is_loopback

SLACK_PAGE = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"
SLACK_HOSTS = {"hooks.slack.com", "hooks.slack-gov.com"}


class Setting(NamedTuple):
    """One key of an organisation's secret.

    Attributes:
        key: In the secret.
        label: The question, without its colon.
        help: What to say before it is asked: how to get one.
        valid: What is wrong with an answer, or "".
        secret: It is typed unseen.
    """

    key: str
    label: str
    help: str
    valid: Callable[[str], str]
    secret: bool = True


class Channel(NamedTuple):
    """A channel.

    Attributes:
        name: As in the function's answers.
        label: For people.
        settings: Its keys in the secret. The first one switches it on; without any, it is always on.
    """

    name: str
    label: str
    settings: tuple[Setting, ...] = ()


def _slack_webhook(url: str) -> str:
    if is_allowed_url(url) and (is_loopback(url) or urlsplit(url).hostname in SLACK_HOSTS):
        return ""
    return "A Slack webhook begins with https://hooks.slack.com/services/"


CHANNELS = (
    Channel("sns", LABELS["sns"]),
    Channel(
        "slack",
        LABELS["slack"],
        (Setting("slack_webhook_url", "Slack webhook", f"How to get one: {SLACK_PAGE}", _slack_webhook),),
    ),
)
OPTIONAL = tuple(channel for channel in CHANNELS if channel.settings)


def label(name: str) -> str:
    """Return a channel's name for people."""
    return next((channel.label for channel in CHANNELS if channel.name == name), name)
