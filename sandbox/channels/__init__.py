"""Where messages go: a fake of each service, over HTTP, that enforces its limits and answers as it documents.

To add one: a class that derives from `fake.Fake`, its line in `FAKES`, and a YAML file with its errors and limits.
"""

from sandbox.channels.cliq import FakeCliq
from sandbox.channels.fake import MESSAGE, Accepted, Fake, Mail
from sandbox.channels.pagerduty import FakePagerDuty
from sandbox.channels.slack import FakeSlack
from sandbox.channels.teams import FakeTeams

__all__ = ["FAKES", "MESSAGE", "Accepted", "Fake", "FakeCliq", "FakePagerDuty", "FakeSlack", "FakeTeams", "Mail"]

FAKES: dict[str, type[Fake]] = {fake.name: fake for fake in (FakeSlack, FakeCliq, FakeTeams, FakePagerDuty)}
"""Every channel but SNS, whose fake is moto's, by name."""
