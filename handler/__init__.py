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
    outbox                       what is to be sent, and what has room to wait for it
    plan                         what Zoho plans
    codec                        named tuples ⇄ plain values
    history  addresses           what Zoho sends; which URLs are allowed
    data_centres                 where Zoho is
    errors
    causes  wording              why a history is unreadable; words that all use
    deadline  version            how long something may take; the release that this is
"""
