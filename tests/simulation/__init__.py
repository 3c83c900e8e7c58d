"""The fault simulator: whole timelines of backups, played to the real handler while everything around it breaks.

What runs is ``handler.app.lambda_handler`` with the clients and retries that ``app`` builds. Zoho and Slack are the
sandbox's servers on loopback; DynamoDB, SNS and SSM are moto, below botocore. Only time is ours: nothing sleeps.

- `wire` is where requests leave the process: each is a `Call`, counted as it comes, so that a new line of code that
  calls anything is found by itself. `kinds` says what can happen to it: `faults`, `http_faults`, `aws_faults`.
- `timelines` says what happens in the world, draws it, plays it and lets it recover.
- `world` holds the fakes and the clock; `setting` puts it up. `arrivals` hands what was written and what was accepted
  to `witness`, who says which promise was broken.
- ``python -m tests.simulation`` plays for as long as it is told (``make soak``).
- ``python -m tests.simulation.mutations`` breaks the code on purpose and says which test noticed.
"""
