"""The Zoho CRM backup notifier: everything that runs in Lambda, and nothing else ships.

The flow of one check, one direction::

    schedule → app → check:  zoho.history()  →  rules.decide(rows, memory, now)  →  store.save(memory + outbox)
                                                (pure)                                  ↓
                             store.save(what was accepted)  ←  channel.send(batch)  ←  message.render(notices)
                                                                                         (pure)

Imports run downward only, and ``tests/test_architecture.py`` keeps it so::

    app
    check
    zoho  store  channels  config          the edges: HTTP, DynamoDB, SNS, Slack, environment and SSM
    transport                              one TLS context, size and time limits for every HTTP answer
    rules  incidents  message  texts       pure: no I/O, no clock, no boto3, no requests
    memory  history                        pure: what is remembered, what Zoho sends
    errors
"""
