"""The Zoho CRM backup notifier: everything that runs in Lambda, and nothing else ships.

The flow of one check, one direction::

    schedule → app → check:  organisation (secret)  →  zoho.history()  →  rules.decide(rows, memory, now)  →  store.save
                                                                            (pure)                               ↓
                             store.save(what was accepted)  ←  channel.send(request)  ←  channel.render(notices)
                                                                                            (pure)

Whatever grows has one room: a channel in ``channels/``, an incident in ``incidents/``, a cause in ``causes``, a kind of
row in ``outcomes``. Imports run downward only, a module's line to lines below it, and ``tests/test_architecture.py``
keeps it so::

    app                          what Lambda calls; the only one that builds clients
    actions                      what a person may ask for
    check                        the flow above
    delivery                     outbox → channels
    organisation                 one organisation as a check needs it; what checks work with
    secret  store                the edges: SSM; DynamoDB
    config                       environment → settings
    zoho                         the only file with Zoho's URLs
    channels                     the registry
    channels.sns  channels.slack  channels.cliq  channels.teams  channels.pagerduty
    channels.webhook             what the channels that post to an address share
    channels.channel             what a channel is
    transport                    HTTP: one TLS context, size and time limits
    aws  exchange                what botocore and urllib3 have no setting for

    rules                        the decision, from rows, memory and clock
    summaries  news              baseline and digest; the rows that are news
    incidents                    the registry
    incidents.overdue  incidents.stuck  incidents.failing  incidents.unreadable  incidents.broken_channel
    incidents.situation          how things stand at the end of the history
    outcomes                     the kinds of rows, and what each says
    due                          when the next backup is due
    message                      what all messages share
    decision                     a decision in the making
    memory                       what is remembered
    plan                         what Zoho plans
    history  codec  addresses    what Zoho sends; dataclasses ⇄ plain values; which URLs are allowed
    errors
    causes  wording  deadline    why a history is unreadable; words that all use; how long something may take
    version                      the release that this is
"""
