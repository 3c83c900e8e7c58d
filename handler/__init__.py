"""The Zoho CRM backup notifier: everything that runs in Lambda, and nothing else ships.

The flow of one check, one direction::

    schedule → app → check:  zoho.history()  →  rules.decide(rows, memory, now)  →  store.save(memory + outbox)
                                                (pure)                                  ↓
                             store.save(what was accepted)  ←  channel.send(batch)  ←  message.render(notices)
                                                                                         (pure)

Imports run downward only, a module's line to lines below it, and ``tests/test_architecture.py`` keeps it so::

    app                        what Lambda calls; the only one that builds clients
    actions                    what a person may ask for
    check                      the flow above
    delivery                   outbox → channels
    access                     clients and secrets, kept while the environment is warm
    channels  config  store    the edges: SNS and Slack; environment and SSM; DynamoDB
    zoho                       the edge to Zoho
    transport                  one TLS context, size and time limits for every HTTP answer

    rules  slack               pure from here on: no I/O, no clock, no boto3, no requests
    message                    notices as SNS takes them, and what all messages share
    incidents  texts           conditions that last; what each kind of notice says
    decision  incident_texts   a decision in the making; what the notices of incidents say
    causes  wording            words of their own, and words that all share
    memory  history            what is remembered, what Zoho sends
    errors
"""
