"""The channels, one module each: its keys in the secret, its limits, how it renders and sends.

To add one: its module, its line in `CHANNELS` and in the map of ``handler``, its fake in ``sandbox/channels/``, its
test in ``tests/channels/``, its section in ``docs/channels.md``. No other code knows one by name, but for SNS, which
is always on.
"""

from collections.abc import Mapping

from handler.channels.channel import ChannelKind
from handler.channels.cliq import CLIQ
from handler.channels.pagerduty import PAGERDUTY
from handler.channels.slack import SLACK
from handler.channels.sns import SNS
from handler.channels.teams import TEAMS

CHANNELS: tuple[ChannelKind, ...] = (SNS, SLACK, CLIQ, TEAMS, PAGERDUTY)
"""In the order in which `make connect` offers them, and in which they are served where as much waits as long."""
BY_NAME: Mapping[str, ChannelKind] = {kind.name: kind for kind in CHANNELS}
