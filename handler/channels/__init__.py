"""The channels, a module each: its keys in the secret, its limits, rendering and sending.

To add one: its module, its line in `CHANNELS`, its fake in ``sandbox/channels/``, its test in ``tests/channels/``, its
paragraph in ``docs/channels.md``. Nothing else knows a channel by name.
"""

from handler.channels.channel import Channel
from handler.channels.cliq import Cliq
from handler.channels.pagerduty import PagerDuty
from handler.channels.slack import Slack
from handler.channels.sns import Sns
from handler.channels.teams import Teams

CHANNELS: tuple[type[Channel], ...] = (Sns, Slack, Cliq, Teams, PagerDuty)
"""In the order in which they are served, and in which `make connect` offers them."""
BY_NAME = {channel.name: channel for channel in CHANNELS}
