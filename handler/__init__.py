"""The Zoho CRM backup notifier: everything that runs in Lambda, and nothing else ships.

The flow of one check, in one direction::

    event → app → check:  organisation (secret)  →  zoho.history()  →  rules.decide(rows, memory, now)  →  store.save
                                                                         (pure)                               ↓
                          store.save(what was accepted)  ←  connection.send  ←  connection.render(notices)
                                                                                  (pure)

Whatever grows has one room: a channel in ``channels/``, an incident in ``incidents/``, a cause in ``errors``, a kind of
row in ``outcomes``. A module imports only from lines below its own, and ``tests/test_architecture.py`` checks that::

    app                          what Lambda calls; only this module builds clients
    actions  roll_call           what can be asked beside a check; who has no schedule
    check                        the flow above
    heartbeat                    the request to a dead-man's switch
    delivery                     outbox → channels
    organisation                 one organisation: secret, channels, access to Zoho
    store                        the DynamoDB item
    zoho                         the only file that calls Zoho
    channels                     the registry of channels
    channels.sns  channels.slack  channels.cliq  channels.teams  channels.pagerduty
    channels.channel             what a channel is
    aws                          parameters and subscribers; what botocore has no setting for
    transport                    HTTP: one TLS context, limits of size and time

    rules                        the decision, from rows, memory and clock
    summaries  news              baseline, digest, problems; the rows that are news
    incidents                    the registry of incidents
    incidents.overdue  incidents.stuck  incidents.failing  incidents.unreadable  incidents.broken_channel
    incidents.kind  outcomes     what an incident is; the kinds of rows
    schedule  timeline           when a backup is due; how the backups stood and stand
    decision                     a decision in the making
    message  memory              what all messages share; what is remembered
    outbox  plan                 notices, channels, dead letters; what Zoho plans
    config                       environment → settings
    history                      what Zoho sends
    addresses  codec             which URLs are allowed; named tuples ⇄ plain values
    errors  wording              exceptions and causes; words that all notices share
"""

from datetime import UTC, datetime

VERSION = "1.0.0"
RELEASED = datetime(2026, 11, 29, tzinfo=UTC)
"""The release that this is. A test keeps pyproject.toml, the template's output and the changelog equal to it."""
RUNTIME_ENDS = datetime(2029, 6, 30, tzinfo=UTC)
"""Until when AWS supports its Python: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html."""
